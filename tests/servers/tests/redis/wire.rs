//! What goes over the wire: how often, and which keys.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use auth_core::{
    CounterKey, CounterStore, DiscardAudit, KeyName, KeyRing, PrincipalId, Realm, SessionLimit, SessionStore,
    SystemEntropy, TokenStore, WhenReached, Window,
    conformance::{self, Tasks},
    testing::{SteppedClock, login_as},
};
use auth_session::{CookiePolicy, EpochCheck, Incoming, SessionPolicy, Sessions};
use servers::RedisServer;

use crate::{
    monitor::{Command, Monitor},
    support::{PURPOSE, in_an_hour, now, on, owner, session, token},
};

/// The requests among these, by name.
fn requests(commands: &[Command]) -> Vec<String> {
    commands.iter().filter(|command| !command.of_script).map(Command::name).collect()
}

/// The budget of a request with a session: one round trip, and two when a touch is due.
#[tokio::test]
async fn a_request_costs_one_round_trip_and_two_when_a_touch_is_due() {
    let server = RedisServer::start();
    let store = on(&server).await.sessions();
    let keys = Arc::new(KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap());
    let policy = SessionPolicy::aal1(CookiePolicy::default());
    let (clock, touch_after) = (SteppedClock::new(now()), policy.touch_after());
    let by_store = EpochCheck::by_session_store_only();
    let sessions = Sessions::new(Arc::new(store), keys, by_store, Arc::new(DiscardAudit), policy)
        .with_clock(Arc::new(clock.clone()));

    let mut session = sessions.open(&Incoming::nothing()).await.unwrap();
    session.start(login_as(&PrincipalId::local_user("ann").unwrap(), now())).await.unwrap();
    let outgoing = session.commit().await;
    let cookie = outgoing.cookie().unwrap().expose().split(';').next().unwrap().to_owned();
    let request = async || {
        let session = sessions.open(&sessions.read([cookie.as_bytes()]).unwrap()).await.unwrap();
        assert!(session.authenticated().is_some());
        session.commit().await.saved().unwrap();
    };
    request().await; // The first use of a secret is written down.

    let mut monitor = Monitor::on(&server);
    request().await;
    assert_eq!(requests(&monitor.commands(&server)), ["MGET"]);
    clock.step(touch_after);
    request().await;
    // The server does not know the script yet: once in its life, that is a trip more.
    assert_eq!(requests(&monitor.commands(&server)), ["MGET", "EVALSHA", "EVAL"]);
    clock.step(touch_after);
    request().await;
    assert_eq!(requests(&monitor.commands(&server)), ["MGET", "EVALSHA"]);
    request().await;
    assert_eq!(requests(&monitor.commands(&server)), ["MGET"]);
}

/// What each call costs once its script is known.
#[tokio::test]
async fn every_change_is_one_round_trip_or_says_why_it_is_two() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    let (sessions, tokens, counters) = (redis.sessions(), redis.tokens(), redis.counters());
    let ann = owner("ann");
    let limit = SessionLimit { max: 5, when_reached: WhenReached::EndOldest };
    let counter = CounterKey::new(&Realm::LOCAL, PURPOSE, &[b"x"]);
    let window = Window::new(Duration::from_secs(80));
    let all = async |n: u64| {
        let mut monitor = Monitor::on(&server);
        let mut count = async |what: &str, wanted: &[&str]| {
            assert_eq!(requests(&monitor.commands(&server)), wanted, "{what}");
        };
        let record = session(&ann);
        let _ = sessions.insert(&record, None, now()).await.unwrap();
        count("insert", &["EVALSHA"]).await;
        sessions.touch(&record.id, in_an_hour(), now()).await.unwrap();
        count("touch", &["EVALSHA"]).await;
        let _ = sessions.update(&record.id, record.version, &record.data).await.unwrap();
        count("update", &["EVALSHA"]).await;
        let next = record.secret.confirmed();
        let _ = sessions.rotate(&record.id, record.version.next(), &next).await.unwrap();
        count("rotate", &["EVALSHA"]).await;
        // Rows of others are named by the caller, who has to be told which there are.
        let _ = sessions.insert(&session(&ann), Some(&limit), now()).await.unwrap();
        count("insert within a limit", &["EVALSHA", "EVALSHA"]).await;
        assert_eq!(sessions.list(&ann, auth_core::Page::first(), now()).await.unwrap().len(), 2);
        count("list", &["ZRANGE", "GET", "MGET"]).await; // The last two in one round trip.
        let what = auth_core::EndAll { owner: &ann, except: None, epoch: auth_core::AuthEpoch::new(1) };
        assert_eq!(sessions.end_all(what, now()).await.unwrap(), 2);
        count("end all", &["ZRANGE", "EVALSHA"]).await;
        sessions.remove(&record.id).await.unwrap();
        count("remove", &["EVALSHA"]).await;

        let _ = tokens.put(&token("ann", 3 * n), now()).await.unwrap();
        count("put", &["EVALSHA"]).await;
        let _ = tokens.replace(&token("ann", 3 * n + 1), now()).await.unwrap();
        count("replace", &["EVALSHA", "EVALSHA"]).await;
        assert!(tokens.peek(&token("ann", 3 * n + 1).key, now()).await.unwrap().is_some());
        count("peek", &["GET"]).await;
        assert!(tokens.take(&token("ann", 3 * n + 1).key, now()).await.unwrap().is_some());
        count("take", &["EVALSHA"]).await;
        let _ = tokens.claim(&token("ann", 3 * n + 2).key, in_an_hour(), now()).await.unwrap();
        count("claim", &["EVALSHA"]).await;
        counters.add(&counter, 1, window, now()).await.unwrap();
        count("add", &["EVALSHA"]).await;
        counters.reset(&counter, window).await.unwrap();
        count("reset", &["DEL"]).await;
    };
    warm_up(&redis).await;
    all(1).await;
}

/// A principal with a great many sessions is ended in chunks: what each costs must not grow with the others.
#[tokio::test]
async fn ending_in_chunks_reads_the_index_twice_and_no_more() {
    const MANY: u64 = 1_100;
    let server = RedisServer::start();
    let (store, ann) = (on(&server).await.sessions(), owner("ann"));
    for _ in 0..MANY {
        let _ = store.insert(&session(&ann), None, now()).await.unwrap();
    }
    let mut monitor = Monitor::on(&server);
    let what = auth_core::EndAll { owner: &ann, except: None, epoch: auth_core::AuthEpoch::new(1) };
    assert_eq!(store.end_all(what, now()).await.unwrap(), MANY);
    let commands = monitor.commands(&server);
    let count = |name: &str| commands.iter().filter(|command| command.name() == name).count();
    assert_eq!(count("ZRANGE"), 2, "by the client, and by the step that writes the marker");
    assert_eq!((count("SET"), count("EVALSHA")), (5, 5), "a step for each chunk");
}

/// Calls everything once, so that the server has every script.
async fn warm_up(redis: &auth_redis::Redis) {
    let (sessions, bob) = (redis.sessions(), owner("bob"));
    let record = session(&bob);
    let _ = sessions.insert(&record, None, now()).await.unwrap();
    sessions.touch(&record.id, in_an_hour(), now()).await.unwrap();
    let _ = sessions.update(&record.id, record.version, &record.data).await.unwrap();
    let _ = sessions.rotate(&record.id, record.version, &record.secret).await.unwrap();
    let what = auth_core::EndAll { owner: &bob, except: None, epoch: auth_core::AuthEpoch::new(1) };
    sessions.end_all(what, now()).await.unwrap();
    sessions.remove(&record.id).await.unwrap();
    let tokens = redis.tokens();
    let _ = tokens.put(&token("bob", 1_000), now()).await.unwrap();
    let _ = tokens.replace(&token("bob", 1_001), now()).await.unwrap();
    tokens.take(&token("bob", 1_001).key, now()).await.unwrap();
    let _ = tokens.claim(&token("bob", 1_002).key, in_an_hour(), now()).await.unwrap();
    let counter = CounterKey::new(&Realm::LOCAL, PURPOSE, &[b"bob"]);
    redis.counters().add(&counter, 1, Window::new(Duration::ZERO), now()).await.unwrap();
}

/// The slot of a key, by appendix A of the cluster specification.
fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let close = rest.iter().position(|byte| *byte == b'}')?;
        (close > 0).then(|| &rest[..close])
    });
    let crc = tag.unwrap_or(key).iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    crc % 16_384
}

/// A cluster refuses a script whose keys are in two slots, and may run one wrongly whose keys it is not told. All suites
/// are run and every command watched: the keys of a request are in one slot, and a script touches no other key.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_request_has_its_keys_in_one_slot_and_declares_all_of_them() {
    assert_eq!((slot(b"123456789"), slot(b"{foo}bar")), (12_739, 12_182));
    let server = RedisServer::start();
    let mut monitor = Monitor::on(&server);
    let watcher = std::thread::spawn(move || monitor.until_the_end());
    let race = Tasks::new(tokio::spawn).with_rounds(3);
    let fresh = async || {
        assert_eq!(server.say(&["FLUSHALL"]), "+OK");
        on(&server).await
    };
    conformance::session_store(|| async { fresh().await.sessions() }, &race).await.assert_passed();
    conformance::token_store(|| async { fresh().await.tokens() }, &race).await.assert_passed();
    conformance::counter_store(|| async { fresh().await.counters() }, &race).await.assert_passed();
    assert_eq!(server.say(&["ECHO", "end"]), "$3");

    let (mut scripts, mut slots, mut declared) = (BTreeSet::new(), HashSet::new(), HashSet::new());
    for command in watcher.join().unwrap() {
        let keys = command.keys();
        if command.of_script {
            for key in keys {
                assert!(declared.contains(key), "a script touches a key that it was not given: {command:?}");
            }
            continue;
        }
        let of_request: HashSet<u16> = keys.iter().map(|key| slot(key)).collect();
        assert!(of_request.len() <= 1, "keys in {} slots: {command:?}", of_request.len());
        slots.extend(of_request);
        declared = keys.iter().map(|key| key.to_vec()).collect();
        if command.name() == "EVALSHA" {
            scripts.insert(command.words[1].clone());
        }
    }
    assert_eq!(scripts.len(), 15, "every script ran");
    assert!(slots.len() > 50, "principals are spread over slots: {}", slots.len());
}

/// Whoever flushes the scripts of a shared server, or restarts it, must not be noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_notices_that_scripts_are_flushed() {
    let server = Arc::new(RedisServer::start());
    let done = Arc::new(AtomicBool::new(false));
    let (flushed, stop) = (Arc::clone(&server), Arc::clone(&done));
    let flusher = std::thread::spawn(move || {
        let mut flushes = 0;
        while !stop.load(Ordering::Relaxed) {
            assert_eq!(flushed.say(&["SCRIPT", "FLUSH"]), "+OK");
            flushes += 1;
        }
        flushes
    });
    let race = Tasks::new(tokio::spawn).with_rounds(5);
    let fresh = async || {
        assert_eq!(server.say(&["FLUSHALL"]), "+OK");
        on(&server).await
    };
    conformance::session_store(|| async { fresh().await.sessions() }, &race).await.assert_passed();
    conformance::token_store(|| async { fresh().await.tokens() }, &race).await.assert_passed();
    conformance::counter_store(|| async { fresh().await.counters() }, &race).await.assert_passed();
    done.store(true, Ordering::Relaxed);
    let flushes = flusher.join().unwrap();
    assert!(flushes > 100, "{flushes} flushes");
}
