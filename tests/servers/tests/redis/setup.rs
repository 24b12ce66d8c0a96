//! Which servers are accepted, and as whom.

use std::io::{Read, Write};

use auth_core::{
    AuthEpoch, CounterKey, CounterStore, EndAll, Page, Realm, SessionStore, StoreError, TokenStore, Window,
};
use auth_redis::{Redis, RedisOptions, SetupError};
use servers::RedisServer;

use crate::support::{PURPOSE, in_an_hour, now, on, owner, prefix, session, token};

/// An evicted marker lets an ended session live, an evicted claim lets a token be used twice.
#[tokio::test]
async fn a_server_that_may_evict_is_refused() {
    let server = RedisServer::start();
    for policy in
        ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl", "volatile-random"]
    {
        assert_eq!(server.say(&["CONFIG", "SET", "maxmemory-policy", policy]), "+OK");
        for options in [RedisOptions::default(), RedisOptions::default().trust_unchecked_server()] {
            match Redis::connect(&server.url(), options).await {
                Err(SetupError::Evicts { policy: found }) => assert_eq!(found, policy),
                other => panic!("{policy}: {other:?}"),
            }
        }
    }
    assert_eq!(server.say(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]), "+OK");
    on(&server).await;
}

fn as_user(server: &RedisServer, user: &str, password: &str) -> String {
    format!("redis://{user}:{password}@127.0.0.1:{}/", server.port())
}

/// Where `CONFIG` is forbidden, `INFO` tells; where both are, only a call by name goes on.
#[tokio::test]
async fn a_server_that_tells_nothing_is_refused_unless_it_is_trusted() {
    let server = RedisServer::start();
    for (user, forbidden) in [("half", "-config"), ("blind", "-config -info")] {
        let mut rule = vec!["ACL", "SETUSER", user, "on", ">pw", "~*", "+@all"];
        rule.extend(forbidden.split(' '));
        assert_eq!(server.say(&rule), "+OK");
    }
    let options = RedisOptions::default;
    Redis::connect(&as_user(&server, "half", "pw"), options()).await.unwrap();
    let blind = as_user(&server, "blind", "pw");
    assert!(matches!(Redis::connect(&blind, options()).await, Err(SetupError::Unchecked)));
    Redis::connect(&blind, options().trust_unchecked_server()).await.unwrap();

    // What `INFO` alone tells counts as much.
    assert_eq!(server.say(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]), "+OK");
    let half = Redis::connect(&as_user(&server, "half", "pw"), options().trust_unchecked_server()).await;
    assert!(matches!(half, Err(SetupError::Evicts { .. })), "{half:?}");
}

/// The user that the documentation advises can do everything that the stores do, and nothing outside its prefix.
#[tokio::test]
async fn the_advised_user_suffices() {
    let server = RedisServer::start();
    let rule = "ACL SETUSER app on >password ~auth:* +@read +@write +eval +evalsha +time +info +config|get";
    assert_eq!(server.say(&rule.split(' ').collect::<Vec<_>>()), "+OK");
    let url = as_user(&server, "app", "password");
    let redis = Redis::connect(&url, RedisOptions::default()).await.unwrap();
    every_call(&redis).await;

    let elsewhere = Redis::connect(&url, RedisOptions::default().prefix("other:")).await.unwrap();
    let refused = elsewhere.sessions().insert(&session(&owner("ann")), None, now()).await;
    assert!(matches!(refused, Err(StoreError::NotWritten(_))), "{refused:?}");
}

/// A user who may do all but one thing.
async fn may_not(server: &RedisServer, command: &str) -> Redis {
    let rule = format!("ACL SETUSER app reset on >password ~auth:* +@all -{command}");
    assert_eq!(server.say(&rule.split(' ').collect::<Vec<_>>()), "+OK");
    Redis::connect(&as_user(server, "app", "password"), RedisOptions::default()).await.unwrap()
}

fn is_unknown<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Unknown(_))), "{answer:?}");
}

/// Redis finds out what a user may do when a script does it, and does not undo what came before. Rows are given their
/// time after they are written: whoever may not ask for the time writes none.
#[tokio::test]
async fn a_user_who_may_not_ask_for_the_time_writes_nothing() {
    let server = RedisServer::start();
    let redis = may_not(&server, "time").await;
    let (sessions, tokens, ann) = (redis.sessions(), redis.tokens(), owner("ann"));
    is_unknown(sessions.insert(&session(&ann), None, now()).await);
    is_unknown(sessions.end_all(EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(1) }, now()).await);
    is_unknown(tokens.put(&token("ann", 1), now()).await);
    is_unknown(tokens.replace(&token("ann", 2), now()).await);
    is_unknown(tokens.claim(&token("ann", 3).key, in_an_hour(), now()).await);
    let counter = CounterKey::new(&Realm::LOCAL, PURPOSE, &[]);
    let window = Window::new(std::time::Duration::from_secs(80));
    is_unknown(redis.counters().add(&counter, 1, window, now()).await);
    assert_eq!(server.say(&["DBSIZE"]), ":0");
}

/// A refusal after the first write: nobody is told that nothing was written.
#[tokio::test]
async fn a_script_that_is_refused_half_way_may_have_written() {
    let server = RedisServer::start();
    for command in ["zadd", "pexpireat"] {
        let redis = may_not(&server, command).await;
        is_unknown(redis.sessions().insert(&session(&owner("ann")), None, now()).await);
        is_unknown(redis.tokens().put(&token(command, 1), now()).await);
        assert_eq!(server.say(&["FLUSHALL"]), "+OK");
    }
}

async fn every_call(redis: &Redis) {
    let (sessions, ann) = (redis.sessions(), owner("ann"));
    let record = session(&ann);
    let _ = sessions.insert(&record, None, now()).await.unwrap();
    assert!(sessions.touch(&record.id, in_an_hour(), now()).await.unwrap());
    let _ = sessions.update(&record.id, record.version, &record.data).await.unwrap();
    let _ = sessions.rotate(&record.id, record.version.next(), &record.secret).await.unwrap();
    assert!(sessions.load(&record.id, now()).await.unwrap().is_some());
    assert_eq!(sessions.list(&ann, Page::first(), now()).await.unwrap().len(), 1);
    let what = EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(1) };
    assert_eq!(sessions.end_all(what, now()).await.unwrap(), 1);
    assert!(!sessions.remove(&record.id).await.unwrap());
    let _ = sessions.purge(now(), 10).await.unwrap();
    let (tokens, about) = (redis.tokens(), token("ann", 1));
    let _ = tokens.put(&about, now()).await.unwrap();
    let _ = tokens.replace(&token("ann", 2), now()).await.unwrap();
    let _ = tokens.claim(&about.key, in_an_hour(), now()).await.unwrap();
    assert!(tokens.take(&token("ann", 2).key, now()).await.unwrap().is_some());
    tokens.revoke(&Realm::LOCAL, about.key.purpose, &about.subject, now()).await.unwrap();
    tokens.purge(in_an_hour(), 10).await.unwrap();
    let (counters, window) = (redis.counters(), Window::new(std::time::Duration::ZERO));
    let key = CounterKey::new(&Realm::LOCAL, about.key.purpose, &[]);
    counters.add(&key, 1, window, now()).await.unwrap();
    counters.purge(in_an_hour(), 10).await.unwrap();
    counters.reset(&key, window).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let server = RedisServer::start();
    assert_eq!(server.say(&["ACL", "SETUSER", "app", "on", ">right", "~*", "+@all"]), "+OK");
    let refused = Redis::connect(&as_user(&server, "app", "hunter2"), RedisOptions::default()).await;
    let error = refused.expect_err("a wrong password");
    assert!(matches!(error, SetupError::Unreachable(_)), "{error:?}");
    let redis = Redis::connect(&as_user(&server, "app", "right"), RedisOptions::default()).await.unwrap();
    let shown = format!("{error:?} {error} {redis:?} {:?}", redis.sessions());
    assert!(!shown.contains("hunter2") && !shown.contains("right"), "{shown}");
}

/// Two applications on one server: neither sees, ends or purges what is the other's.
#[tokio::test]
async fn prefixes_keep_applications_apart() {
    let server = RedisServer::start();
    let (one, two) = (on(&server).await, on(&server).await);
    let (record, about) = (session(&owner("ann")), token("ann", 1));
    let _ = one.sessions().insert(&record, None, now()).await.unwrap();
    let _ = one.tokens().put(&about, now()).await.unwrap();

    assert!(two.sessions().load(&record.id, now()).await.unwrap().is_none());
    assert!(!two.sessions().remove(&record.id).await.unwrap());
    let what = EndAll { owner: &owner("ann"), except: None, epoch: AuthEpoch::new(1) };
    assert_eq!(two.sessions().end_all(what, now()).await.unwrap(), 0);
    let later = in_an_hour().saturating_add(std::time::Duration::from_secs(1));
    assert_eq!(two.sessions().purge(later, 100).await.unwrap(), 0);
    assert!(two.tokens().take(&about.key, now()).await.unwrap().is_none());
    assert_eq!(two.tokens().purge(later, 100).await.unwrap(), 0);

    assert!(one.sessions().load(&record.id, now()).await.unwrap().is_some());
    assert!(one.tokens().take(&about.key, now()).await.unwrap().is_some());
    let braces =
        Redis::connect(&server.url(), RedisOptions::default().prefix(format!("{}{{x}}", prefix()))).await;
    assert!(matches!(braces, Err(SetupError::Prefix)));
}

/// Answers the questions of one connection, which come together, with these.
fn canned(answers: [&'static str; 3]) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut some) = (Vec::new(), [0; 1_024]);
        while !request.ends_with(b"memory\r\n") {
            let read = stream.read(&mut some).unwrap();
            assert_ne!(read, 0);
            request.extend(&some[..read]);
        }
        stream.write_all(answers.concat().as_bytes()).unwrap();
    });
    port
}

/// Older versions than 6.2 are out of support. Nothing else is tested here than that a version is read and compared: no
/// such servers are started, their answers are canned.
#[tokio::test]
async fn a_server_that_is_too_old_is_refused() {
    const NOEVICTION: &str = "*2\r\n$16\r\nmaxmemory-policy\r\n$10\r\nnoeviction\r\n";
    const MEMORY: &str = "$0\r\n\r\n";
    const OLD: [&str; 3] = ["$24\r\nredis_version:6.0.16\r\nx:\r\n", NOEVICTION, MEMORY];
    const NEW: [&str; 3] = ["$24\r\nredis_version:6.2.14\r\nx:\r\n", NOEVICTION, MEMORY];
    let connect = async |answers| {
        let url = format!("redis://127.0.0.1:{}/", canned(answers));
        Redis::connect(&url, RedisOptions::default().trust_unchecked_server()).await
    };
    match connect(OLD).await {
        Err(SetupError::Version { found }) => assert_eq!(found, "6.0.16"),
        other => panic!("{other:?}"),
    }
    connect(NEW).await.unwrap();
}
