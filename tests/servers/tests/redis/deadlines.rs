//! When Redis forgets: never before the deadline of whoever wrote it, and soon after.

use std::time::Duration;

use auth_core::{
    AuthEpoch, CounterKey, CounterStore, EndAll, Inserted, Page, Realm, SessionLimit, SessionRecord,
    SessionStore, TokenRecord, TokenStore, UnixTime, WhenReached, Window,
};
use servers::RedisServer;

use crate::support::{PURPOSE, key_with, now, on, owner, raw, session, token};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// When the server forgets the key with this part in its name, in its own milliseconds; `None` for never. `PEXPIRETIME`,
/// which would say it exactly, is of Redis 7.
fn forgotten_at(server: &RedisServer, part: &str) -> Option<u64> {
    let mut both = redis::pipe();
    both.atomic().cmd("TIME").cmd("PTTL").arg(key_with(server, part));
    let ((secs, micros), left): ((u64, u64), i64) = both.query(&mut raw(server)).unwrap();
    assert_ne!(left, -2, "no such key");
    u64::try_from(left).ok().map(|left| secs * 1_000 + micros / 1_000 + left)
}

fn assert_is_the_same(one: Option<u64>, other: Option<u64>) {
    let apart = one.unwrap().abs_diff(other.unwrap());
    assert!(apart < 1_000, "{apart} ms apart");
}

/// A minute after the deadline; and a little more, where the test took longer than it says.
fn assert_is_a_minute_after(deadline: UnixTime, forgotten: Option<u64>) {
    let late = forgotten.unwrap().checked_sub((deadline.as_secs() + 60) * 1_000).expect("not too early");
    assert!(late < 60_000, "{late} ms late");
}

#[tokio::test]
async fn a_session_is_forgotten_a_minute_after_its_deadline_and_a_touch_moves_that() {
    let server = RedisServer::start();
    let (store, ann) = (on(&server).await.sessions(), owner("ann"));
    let now = now();
    let in_ten = now.saturating_add(Duration::from_secs(600));
    let record =
        SessionRecord { idle_until: in_ten, absolute_until: now.saturating_add(DAY), ..session(&ann) };
    let _ = store.insert(&record, None, now).await.unwrap();
    for part in [":s:", ":i:"] {
        assert_is_a_minute_after(in_ten, forgotten_at(&server, part));
    }

    assert!(store.touch(&record.id, now.saturating_add(HOUR), now).await.unwrap());
    let touched = forgotten_at(&server, ":s:");
    for part in [":s:", ":i:"] {
        assert_is_a_minute_after(now.saturating_add(HOUR), forgotten_at(&server, part));
    }
    // Neither a write nor a rotation moves it, and no touch goes beyond the absolute deadline.
    let _ = store.update(&record.id, record.version, &record.data).await.unwrap();
    let _ = store.rotate(&record.id, record.version.next(), &record.secret).await.unwrap();
    assert_is_the_same(forgotten_at(&server, ":s:"), touched);
    assert!(store.touch(&record.id, now.saturating_add(30 * DAY), now).await.unwrap());
    assert_is_a_minute_after(now.saturating_add(DAY), forgotten_at(&server, ":s:"));

    store.end_all(EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(1) }, now).await.unwrap();
    assert_is_a_minute_after(now.saturating_add(400 * DAY), forgotten_at(&server, ":e:"));
    let kept = forgotten_at(&server, ":e:");
    // A second change does not shorten it, even by a clock that is behind.
    let behind = now.saturating_sub(20 * DAY);
    store.end_all(EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(2) }, behind).await.unwrap();
    assert_is_the_same(forgotten_at(&server, ":e:").max(kept), forgotten_at(&server, ":e:"));
}

#[tokio::test]
async fn what_never_ends_is_never_forgotten() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    let never = UnixTime::MAX;
    let record = SessionRecord { idle_until: never, absolute_until: never, ..session(&owner("ann")) };
    let _ = redis.sessions().insert(&record, None, now()).await.unwrap();
    let _ = redis.tokens().claim(&token("ann", 1).key, never, now()).await.unwrap();
    for part in [":s:", ":i:", ":t:"] {
        assert_eq!(forgotten_at(&server, part), None, "{part}");
    }
}

/// A server whose clock is ahead of the application's must not forget a claim that the application still honours: the
/// token could be used again. One that is behind must not either.
#[tokio::test]
async fn a_clock_that_differs_from_the_servers_shortens_nothing() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    let servers = now();
    for (n, callers) in
        (0..).zip([servers.saturating_sub(10 * DAY), servers, servers.saturating_add(10 * DAY)])
    {
        assert_eq!(server.say(&["FLUSHALL"]), "+OK");
        let until = callers.saturating_add(HOUR);
        let record = SessionRecord { idle_until: until, absolute_until: until, ..session(&owner("ann")) };
        let _ = redis.sessions().insert(&record, None, callers).await.unwrap();
        let about = TokenRecord { expires_at: until, ..token("ann", n) };
        let _ = redis.tokens().put(&about, callers).await.unwrap();
        let key = CounterKey::new(&Realm::LOCAL, PURPOSE, &[]);
        redis.counters().add(&key, 1, Window::new(HOUR), callers).await.unwrap();
        // An hour from now by the server's clock, at least: that is when the caller's hour is over.
        for part in [":s:", ":i:", ":t:", ":u:", ":c:"] {
            let forgotten = forgotten_at(&server, part).unwrap();
            assert!(forgotten >= (servers.as_secs() + 3_600) * 1_000, "{part} {n}: {forgotten}");
        }
        assert!(
            redis
                .sessions()
                .load(&record.id, until.saturating_sub(Duration::from_secs(1)))
                .await
                .unwrap()
                .is_some()
        );
        assert!(redis.sessions().load(&record.id, until).await.unwrap().is_none());
        assert!(redis.tokens().take(&about.key, until).await.unwrap().is_none());
    }
}

/// How long the server keeps the key with this part in its name, which it does not keep for ever.
fn left(server: &RedisServer, part: &str) -> Duration {
    let left: i64 = redis::cmd("PTTL").arg(key_with(server, part)).query(&mut raw(server)).unwrap();
    Duration::from_millis(u64::try_from(left).expect("a time to leave"))
}

fn assert_is_about(wanted: Duration, left: Duration) {
    assert!(left <= wanted + Duration::from_secs(61) && left + Duration::from_secs(60) > wanted, "{left:?}");
}

/// Redis takes a sorted set away with its last member, and the time to leave with it: the index that the next member
/// makes has to be given one, or it would never leave.
#[tokio::test]
async fn an_index_that_is_emptied_on_the_way_still_leaves() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    let (ann, now) = (owner("ann"), now());
    let until = |deadline| SessionRecord { idle_until: deadline, absolute_until: deadline, ..session(&ann) };
    let limit = SessionLimit { max: 1, when_reached: WhenReached::EndOldest };
    let (long, short) = (until(now.saturating_add(30 * DAY)), until(now.saturating_add(HOUR)));
    for (record, ended, kept) in [(&long, 0, 30 * DAY), (&short, 1, HOUR)] {
        let inserted = redis.sessions().insert(record, Some(&limit), now).await.unwrap();
        assert_eq!(inserted, Inserted::Stored { ended });
        assert_is_about(kept, left(&server, ":i:"));
    }

    // What the index of a subject had is over for good by the server's clock, and is swept.
    let about = |n, deadline| TokenRecord { expires_at: deadline, ..token("ann", n) };
    let tokens = redis.tokens();
    let _ = tokens.put(&about(1, now.saturating_add(30 * DAY)), now).await.unwrap();
    let index = key_with(&server, ":u:");
    let _: () = redis::cmd("ZADD")
        .arg(&index)
        .arg(now.as_secs() - 1)
        .arg(&about(1, now).key.hash.as_bytes()[..])
        .query(&mut raw(&server))
        .unwrap();
    let _ = tokens.put(&about(2, now.saturating_add(HOUR)), now).await.unwrap();
    assert_eq!(server.say(&["ZCARD", &index]), ":1");
    assert_is_about(HOUR, left(&server, ":u:"));
}

/// A node whose clock is ahead must not hide from the others what is to end: it would outlive a password change.
#[tokio::test]
async fn a_clock_that_is_ahead_takes_nothing_out_of_an_index() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    let (sessions, tokens, ann, now) = (redis.sessions(), redis.tokens(), owner("ann"), now());
    let (soon, ahead) = (now.saturating_add(HOUR), now.saturating_add(3 * DAY));
    let until = |deadline| SessionRecord { idle_until: deadline, absolute_until: deadline, ..session(&ann) };
    let _ = sessions.insert(&until(soon), None, now).await.unwrap();
    let _ = sessions.insert(&until(ahead.saturating_add(HOUR)), None, ahead).await.unwrap();
    assert_eq!(sessions.list(&ann, Page::first(), now).await.unwrap().len(), 2);

    let about = |n, deadline| TokenRecord { expires_at: deadline, ..token("ann", n) };
    let first = about(1, soon);
    let _ = tokens.put(&first, now).await.unwrap();
    let _ = tokens.put(&about(2, ahead.saturating_add(HOUR)), ahead).await.unwrap();
    assert_eq!(tokens.revoke(&Realm::LOCAL, PURPOSE, &first.subject, now).await.unwrap(), 2);
    assert!(tokens.peek(&first.key, now).await.unwrap().is_none());
}

/// An index whose time was lost, by whatever way, gets one again: the longest that something in it needs.
#[tokio::test]
async fn an_index_without_a_time_is_given_one() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    let (ann, now) = (owner("ann"), now());
    let until = |deadline| SessionRecord { idle_until: deadline, absolute_until: deadline, ..session(&ann) };
    let persist = |part: &str| {
        assert_eq!(server.say(&["PERSIST", &key_with(&server, part)]), ":1");
    };
    let (sessions, tokens) = (redis.sessions(), redis.tokens());
    let long = until(now.saturating_add(30 * DAY));
    let short = until(now.saturating_add(HOUR));
    let _ = sessions.insert(&long, None, now).await.unwrap();
    persist(":i:");
    let _ = sessions.insert(&short, None, now).await.unwrap();
    assert_is_about(30 * DAY, left(&server, ":i:"));
    persist(":i:");
    assert!(sessions.touch(&short.id, now.saturating_add(HOUR), now).await.unwrap());
    assert_is_about(30 * DAY, left(&server, ":i:"));

    let about = |n, deadline| TokenRecord { expires_at: deadline, ..token("ann", n) };
    let _ = tokens.put(&about(1, now.saturating_add(30 * DAY)), now).await.unwrap();
    persist(":u:");
    let _ = tokens.put(&about(2, now.saturating_add(HOUR)), now).await.unwrap();
    assert_is_about(30 * DAY, left(&server, ":u:"));

    // As long as something in it never ends, it has none, and rightly.
    let never = until(UnixTime::MAX);
    let _ = sessions.insert(&never, None, now).await.unwrap();
    let _ = sessions.insert(&until(now.saturating_add(HOUR)), None, now).await.unwrap();
    assert_eq!(server.say(&["PTTL", &key_with(&server, ":i:")]), ":-1");
    assert!(sessions.remove(&never.id).await.unwrap());
    assert!(sessions.touch(&short.id, now.saturating_add(HOUR), now).await.unwrap());
    assert_is_about(30 * DAY, left(&server, ":i:"));
}

/// Redis forgets by itself: nobody has to purge.
#[tokio::test]
async fn what_is_over_leaves_by_itself() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    // By this caller's clock it ended an hour ago, and the server is told so.
    let (past, ago) = (now().saturating_sub(HOUR), now().saturating_sub(2 * HOUR));
    let record = SessionRecord { idle_until: past, absolute_until: past, ..session(&owner("ann")) };
    let _ = redis.sessions().insert(&record, None, ago).await.unwrap();
    let left: i64 = redis::cmd("PTTL").arg(key_with(&server, ":s:")).query(&mut raw(&server)).unwrap();
    assert!((0..=3_661_000).contains(&left), "{left}");
}
