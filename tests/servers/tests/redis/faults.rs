//! Servers that are frozen, full, read-only or busy.

use std::{
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use auth_core::{
    AuthEpoch, CounterKey, CounterStore, EndAll, Inserted, Realm, SessionLimit, SessionStore, StoreError,
    TokenStore, WhenReached, Window,
};
use auth_redis::{Redis, RedisOptions};
use servers::RedisServer;

use crate::support::{PURPOSE, in_an_hour, now, on, owner, raw, session, token};

const TIMEOUT: Duration = Duration::from_secs(1);

async fn impatient(server: &RedisServer) -> Redis {
    let options = RedisOptions::default().timeout(TIMEOUT).connect_timeout(TIMEOUT);
    Redis::connect(&server.url(), options).await.unwrap()
}

/// Asks until the server answers. There is nothing to wait for but the server.
async fn until_it_answers(redis: &Redis) {
    let end = Instant::now() + Duration::from_secs(30);
    let id = session(&owner("nobody")).id;
    while let Err(error) = redis.sessions().load(&id, now()).await {
        assert!(Instant::now() < end, "{error:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A server that accepts and never answers: every call ends, in an error, within the timeouts, however many there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_an_error_in_time_and_never_a_login() {
    let server = RedisServer::start();
    let redis = impatient(&server).await;
    let record = session(&owner("ann"));
    let _ = redis.sessions().insert(&record, None, now()).await.unwrap();

    server.process().freeze();
    for _ in 0..3 {
        let start = Instant::now();
        let calls: Vec<_> = (0..64)
            .map(|n| {
                let (redis, id) = (redis.clone(), record.id);
                tokio::spawn(async move {
                    match n % 4 {
                        0 => redis.sessions().load(&id, now()).await.map(|found| drop(found.unwrap())),
                        1 => redis
                            .sessions()
                            .touch(&id, in_an_hour(), now())
                            .await
                            .map(|alive| assert!(!alive)),
                        2 => redis.tokens().claim(&token("ann", n).key, in_an_hour(), now()).await.map(drop),
                        _ => redis.sessions().insert(&session(&owner("bob")), None, now()).await.map(drop),
                    }
                })
            })
            .collect();
        for call in calls {
            let answer = call.await.unwrap();
            assert!(matches!(answer, Err(StoreError::Timeout | StoreError::NotWritten(_))), "{answer:?}");
        }
        // One for the connection and one for the answer, since what was not answered in time is not asked again. A
        // busy machine has one more.
        assert!(start.elapsed() < 3 * TIMEOUT, "{:?}", start.elapsed());
    }
    server.process().thaw();
    until_it_answers(&redis).await;
    assert!(redis.sessions().load(&record.id, now()).await.unwrap().is_some());
}

/// A full server refuses, throws nobody's session away, and can still end sessions, which makes room.
#[tokio::test]
async fn a_full_server_says_so_and_still_ends_sessions() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    let (sessions, tokens, ann) = (redis.sessions(), redis.tokens(), owner("ann"));
    let records = [session(&ann), session(&ann), session(&ann)];
    for record in &records {
        let _ = sessions.insert(record, None, now()).await.unwrap();
    }
    let old = token("ann", 1);
    let _ = tokens.put(&old, now()).await.unwrap();
    assert_eq!(server.say(&["CONFIG", "SET", "maxmemory", "1"]), "+OK");

    let is_full = |what: &str, answer: Result<(), StoreError>| {
        assert!(matches!(answer, Err(StoreError::Full)), "{what}: {answer:?}");
    };
    let limit = SessionLimit { max: 1, when_reached: WhenReached::EndOldest };
    for limit in [None, Some(&limit)] {
        is_full("insert", sessions.insert(&session(&ann), limit, now()).await.map(drop));
    }
    is_full("touch", sessions.touch(&records[0].id, in_an_hour(), now()).await.map(drop));
    is_full("update", sessions.update(&records[0].id, records[0].version, &records[0].data).await.map(drop));
    is_full(
        "rotate",
        sessions.rotate(&records[0].id, records[0].version, &records[0].secret).await.map(drop),
    );
    is_full("put", tokens.put(&token("bob", 2), now()).await.map(drop));
    is_full("replace", tokens.replace(&token("ann", 3), now()).await.map(drop));
    is_full("claim", tokens.claim(&token("ann", 4).key, in_an_hour(), now()).await.map(drop));
    let key = CounterKey::new(&Realm::LOCAL, PURPOSE, &[]);
    let counted = redis.counters().add(&key, 1, Window::new(Duration::ZERO), now()).await;
    is_full("add", counted.map(drop));
    is_full("end all of nobody", sessions.end_all(everything(&owner("bob")), now()).await.map(drop));

    for record in &records {
        assert!(
            sessions.load(&record.id, now()).await.unwrap().is_some(),
            "nobody's session was thrown away"
        );
    }
    assert!(sessions.remove(&records[0].id).await.unwrap());
    assert_eq!(sessions.end_all(everything(&ann), now()).await.unwrap(), 2);
    for record in &records {
        assert!(sessions.load(&record.id, now()).await.unwrap().is_none());
    }
    assert!(tokens.take(&old.key, now()).await.unwrap().is_some(), "the old token is as it was");

    assert_eq!(server.say(&["CONFIG", "SET", "maxmemory", "0"]), "+OK");
    let late = sessions.insert(&session(&ann), None, now()).await.unwrap();
    assert_eq!(late, Inserted::Outdated, "the marker was kept");
}

fn everything(owner: &auth_core::SessionOwner) -> EndAll<'_> {
    EndAll { owner, except: None, epoch: AuthEpoch::new(1) }
}

/// After a failover the old primary is a replica: it refuses, and surely wrote nothing.
#[tokio::test]
async fn a_replica_writes_nothing() {
    let server = RedisServer::start();
    let store = on(&server).await.sessions();
    let record = session(&owner("ann"));
    let _ = store.insert(&record, None, now()).await.unwrap();
    assert_eq!(server.say(&["REPLICAOF", "127.0.0.1", &servers::free_port().to_string()]), "+OK");

    let not_written = |answer: Result<(), StoreError>| {
        assert!(matches!(answer, Err(StoreError::NotWritten(_))), "{answer:?}");
    };
    not_written(store.insert(&session(&owner("ann")), None, now()).await.map(drop));
    not_written(store.touch(&record.id, in_an_hour(), now()).await.map(drop));
    not_written(store.remove(&record.id).await.map(drop));
    not_written(store.end_all(everything(&owner("ann")), now()).await.map(drop));
    assert_eq!(server.say(&["CONFIG", "SET", "replica-serve-stale-data", "no"]), "+OK");
    not_written(store.load(&record.id, now()).await.map(drop)); // MASTERDOWN
    assert_eq!(server.say(&["REPLICAOF", "NO", "ONE"]), "+OK");
    assert!(store.load(&record.id, now()).await.unwrap().is_some());
}

/// A script of somebody else that never ends: `BUSY` is a refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_writes_nothing() {
    let server = RedisServer::start();
    assert_eq!(server.say(&["CONFIG", "SET", "lua-time-limit", "10"]), "+OK");
    let redis = on(&server).await;
    let record = session(&owner("ann"));
    let mut connection = raw(&server);
    let endless = std::thread::spawn(move || {
        redis::cmd("EVAL").arg("while true do end").arg(0).query::<()>(&mut connection).expect_err("killed");
    });
    while !server.say(&["PING"]).starts_with("-BUSY") {}
    let answer = redis.sessions().insert(&record, None, now()).await;
    assert!(matches!(answer, Err(StoreError::NotWritten(_))), "{answer:?}");
    assert_eq!(server.say(&["SCRIPT", "KILL"]), "+OK");
    endless.join().unwrap();
    assert!(redis.sessions().load(&record.id, now()).await.unwrap().is_none());
}

/// Connections that an administrator, a proxy or an idle timeout closes: reading goes on as if nothing had been, and a
/// write never claims that nothing was written.
#[tokio::test]
async fn a_closed_connection_is_replaced() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    let record = session(&owner("ann"));
    let _ = redis.sessions().insert(&record, None, now()).await.unwrap();
    let kill = || server.say(&["CLIENT", "KILL", "TYPE", "normal"]);
    for _ in 0..20 {
        let _ = kill();
        assert!(redis.sessions().load(&record.id, now()).await.unwrap().is_some());
    }
    for _ in 0..20 {
        let _ = kill();
        match redis.sessions().touch(&record.id, in_an_hour(), now()).await {
            Ok(alive) => assert!(alive),
            Err(error) => {
                assert!(matches!(error, StoreError::Unknown(_)), "{error:?}");
                assert!(
                    redis.sessions().touch(&record.id, in_an_hour(), now()).await.unwrap(),
                    "and then it works"
                );
            }
        }
    }
}

/// Nobody waits for a server that is gone.
#[tokio::test]
async fn a_server_that_is_gone_fails_at_once_and_is_found_again() {
    let mut server = RedisServer::start();
    let redis = on(&server).await;
    let record = session(&owner("ann"));
    server.kill();
    let start = Instant::now();
    for _ in 0..10_000 {
        let answer = redis.sessions().load(&record.id, now()).await;
        assert!(matches!(answer, Err(StoreError::NotWritten(_))), "{answer:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    server.restart();
    until_it_answers(&redis).await;
    let inserted = redis.sessions().insert(&record, None, now()).await.unwrap();
    assert_eq!(inserted, Inserted::Stored { ended: 0 });
}

/// Hands connections on to the port that is set when they come.
fn forwarder(to: &Arc<AtomicU16>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, to) = (listener.local_addr().unwrap().port(), Arc::clone(to));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) =
                (client.unwrap(), TcpStream::connect(("127.0.0.1", to.load(Ordering::SeqCst))).unwrap());
            for (mut from, mut into) in
                [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
            {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut into);
                    let _ = into.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    port
}

/// A failover behind one address, where the old primary stays up as a replica and keeps its connections.
#[tokio::test]
async fn an_address_that_moves_is_followed() {
    let (old, new) = (RedisServer::start(), RedisServer::start());
    let to = Arc::new(AtomicU16::new(old.port()));
    let url = format!("redis://127.0.0.1:{}/", forwarder(&to));
    let store = Redis::connect(&url, RedisOptions::default()).await.unwrap().sessions();
    let record = session(&owner("ann"));
    let _ = store.insert(&record, None, now()).await.unwrap();

    // The new one may evict: what was refused at the start is no better later.
    let evicts = |policy| assert_eq!(new.say(&["CONFIG", "SET", "maxmemory-policy", policy]), "+OK");
    evicts("allkeys-lru");
    to.store(new.port(), Ordering::SeqCst);
    assert_eq!(old.say(&["REPLICAOF", "127.0.0.1", &new.port().to_string()]), "+OK");
    let next = session(&owner("ann"));
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let refused = store.insert(&next, None, now()).await;
        let Err(StoreError::NotWritten(why)) = refused else { panic!("{refused:?}") };
        let why = why.as_deref().and_then(std::error::Error::source);
        if why.is_some_and(|why| why.to_string().contains("noeviction is needed")) {
            break;
        }
        assert!(Instant::now() < end, "the new server is not found: {why:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(new.say(&["DBSIZE"]), ":0");
    evicts("noeviction");
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match store.insert(&next, None, now()).await {
            Ok(inserted) => break assert_eq!(inserted, Inserted::Stored { ended: 0 }),
            Err(StoreError::NotWritten(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        assert!(Instant::now() < end, "the new server is not found");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
