//! Keys that somebody else wrote, changed or removed.

use auth_core::{
    AuthEpoch, CounterKey, CounterStore, EndAll, Inserted, Page, Realm, SessionLimit, SessionStore,
    StoreError, TokenStore, Updated, WhenReached, Window,
};
use servers::RedisServer;

use crate::support::{PURPOSE, all_keys, in_an_hour, key_with, now, on, owner, raw, session, token};

fn is_corrupt<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Corrupt(_))), "{answer:?}");
}

/// A damaged row is an error for whoever needs it, never a login, and can still be ended.
#[tokio::test]
async fn a_damaged_session_is_an_error_and_can_be_ended() {
    let server = RedisServer::start();
    let (store, ann) = (on(&server).await.sessions(), owner("ann"));
    for damage in [
        "",
        "\u{1}",
        "x",
        "\u{2}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        let record = session(&ann);
        let _ = store.insert(&record, None, now()).await.unwrap();
        let key = key_with(&server, ":s:");
        let _: () = redis::cmd("SET").arg(&key).arg(damage).query(&mut raw(&server)).unwrap();
        is_corrupt(store.load(&record.id, now()).await);
        if !damage.is_empty() {
            is_corrupt(store.update(&record.id, record.version, &record.data).await);
            is_corrupt(store.rotate(&record.id, record.version, &record.secret).await);
            is_corrupt(store.touch(&record.id, in_an_hour(), now()).await);
        }
        // It does not count as a session, and does not keep anybody out, nor from the list of the others.
        let limit = SessionLimit { max: 1, when_reached: WhenReached::Refuse };
        let other = session(&ann);
        let inserted = store.insert(&other, Some(&limit), now()).await.unwrap();
        assert_eq!(inserted, Inserted::Stored { ended: 0 });
        assert_eq!(store.list(&ann, Page::first(), now()).await.unwrap(), [other.summary()], "{damage:?}");
        assert!(store.remove(&other.id).await.unwrap());
        store.remove(&record.id).await.unwrap();
        assert!(store.load(&record.id, now()).await.unwrap().is_none());
    }
    let record = session(&ann);
    let _ = store.insert(&record, None, now()).await.unwrap();
    let _: () = redis::cmd("SETRANGE")
        .arg(key_with(&server, ":s:"))
        .arg(0)
        .arg("x")
        .query(&mut raw(&server))
        .unwrap();
    store.end_all(EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(1) }, now()).await.unwrap();
    assert!(store.load(&record.id, now()).await.unwrap().is_none());
}

/// A key of another type: nothing of it is read as a session, and nothing is half written.
#[tokio::test]
async fn a_key_of_another_type_is_an_error() {
    let server = RedisServer::start();
    let redis = on(&server).await;
    let (sessions, tokens, ann) = (redis.sessions(), redis.tokens(), owner("ann"));
    let record = session(&ann);
    let _ = sessions.insert(&record, None, now()).await.unwrap();
    let row = key_with(&server, ":s:");
    let mut connection = raw(&server);
    let mut make_list = |key: &str| {
        let _: () = redis::cmd("DEL").arg(key).query(&mut connection).unwrap();
        let _: () = redis::cmd("RPUSH").arg(key).arg("x").query(&mut connection).unwrap();
    };

    make_list(&row);
    assert!(sessions.load(&record.id, now()).await.unwrap().is_none());
    is_corrupt(sessions.update(&record.id, record.version, &record.data).await);
    is_corrupt(sessions.touch(&record.id, in_an_hour(), now()).await);
    assert_eq!(sessions.insert(&record, None, now()).await.unwrap(), Inserted::Collision);

    let about = token("ann", 1);
    let _ = tokens.put(&about, now()).await.unwrap();
    make_list(&key_with(&server, ":t:"));
    is_corrupt(tokens.peek(&about.key, now()).await);
    is_corrupt(tokens.take(&about.key, now()).await);
    is_corrupt(tokens.claim(&about.key, in_an_hour(), now()).await);

    let (counters, window) = (redis.counters(), Window::new(std::time::Duration::from_secs(80)));
    let counter = CounterKey::new(&Realm::LOCAL, PURPOSE, &[]);
    counters.add(&counter, 1, window, now()).await.unwrap();
    make_list(&key_with(&server, ":c:"));
    is_corrupt(counters.add(&counter, 1, window, now()).await);
}

/// Taking removes a token before it is read: if it cannot be, nobody is told that it is as it was.
#[tokio::test]
async fn a_damaged_token_that_was_taken_may_be_gone() {
    let server = RedisServer::start();
    let (tokens, about) = (on(&server).await.tokens(), token("ann", 1));
    let _ = tokens.put(&about, now()).await.unwrap();
    let key = key_with(&server, ":t:");
    // Its subject claims to be longer than the row.
    let _: () =
        redis::cmd("SETRANGE").arg(&key).arg(10).arg(&[255_u8, 255][..]).query(&mut raw(&server)).unwrap();
    is_corrupt(tokens.peek(&about.key, now()).await);
    let taken = tokens.take(&about.key, now()).await;
    assert!(matches!(taken, Err(StoreError::Unknown(_))), "{taken:?}");
    assert!(tokens.take(&about.key, now()).await.unwrap().is_none());

    // What is no row at all is left alone.
    let _ = tokens.put(&about, now()).await.unwrap();
    assert_eq!(server.say(&["SET", &key, "x"]), "+OK");
    is_corrupt(tokens.take(&about.key, now()).await);
    assert_eq!(server.say(&["EXISTS", &key]), ":1");
}

/// A marker that cannot be read must not let anybody in.
#[tokio::test]
async fn a_damaged_marker_opens_nothing() {
    let server = RedisServer::start();
    let (store, ann) = (on(&server).await.sessions(), owner("ann"));
    let record = session(&ann);
    let _ = store.insert(&record, None, now()).await.unwrap();
    let marker = key_with(&server, ":i:").replace(":i:", ":e:");
    assert_eq!(server.say(&["SET", &marker, "x"]), "+OK");
    is_corrupt(store.load(&record.id, now()).await);
    let changes = async || {
        is_corrupt(store.list(&ann, Page::first(), now()).await);
        is_corrupt(store.insert(&session(&ann), None, now()).await);
        is_corrupt(store.update(&record.id, record.version, &record.data).await);
        is_corrupt(store.rotate(&record.id, record.version, &record.secret).await);
        is_corrupt(store.touch(&record.id, in_an_hour(), now()).await);
        let what = EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(1) };
        is_corrupt(store.end_all(what, now()).await);
    };
    changes().await;
    // One of another type: a load has one command, which does not tell. Whoever would change the session is told.
    assert_eq!(server.say(&["DEL", &marker]), ":1");
    assert_eq!(server.say(&["RPUSH", &marker, "x"]), ":1");
    assert!(store.load(&record.id, now()).await.unwrap().is_some());
    changes().await;
}

/// The index only helps to find rows: with stale members and without its true ones, rows decide, and a touch heals it.
#[tokio::test]
async fn an_index_heals_and_never_decides() {
    let server = RedisServer::start();
    let (store, ann) = (on(&server).await.sessions(), owner("ann"));
    let records = [session(&ann), session(&ann), session(&ann)];
    for record in &records {
        let _ = store.insert(record, None, now()).await.unwrap();
    }
    let index = key_with(&server, ":i:");
    let mut connection = raw(&server);
    let mut members = || -> usize { redis::cmd("ZCARD").arg(&index).query(&mut connection).unwrap() };

    // A row that vanished: its member is in nobody's way, and goes at the next login that looks.
    let gone =
        all_keys(&server).into_iter().find(|key| key.contains(&records[0].id.to_string()[10..])).unwrap();
    let _: () = redis::cmd("DEL").arg(gone).query(&mut raw(&server)).unwrap();
    assert_eq!(store.list(&ann, Page::first(), now()).await.unwrap().len(), 2);
    assert_eq!(members(), 3);
    let limit = SessionLimit { max: 3, when_reached: WhenReached::Refuse };
    let third = session(&ann);
    assert_eq!(store.insert(&third, Some(&limit), now()).await.unwrap(), Inserted::Stored { ended: 0 });
    assert_eq!(members(), 3, "two that were there, and the new one");

    // An index that vanished: the sessions live on, and come back to it as they are used.
    let _: () = redis::cmd("DEL").arg(&index).query(&mut raw(&server)).unwrap();
    assert!(store.load(&third.id, now()).await.unwrap().is_some());
    assert_eq!(store.list(&ann, Page::first(), now()).await.unwrap().len(), 0);
    for record in [&records[1], &third] {
        assert!(store.touch(&record.id, in_an_hour(), now()).await.unwrap());
    }
    assert_eq!(store.list(&ann, Page::first(), now()).await.unwrap().len(), 2);

    // And what is not in it ends all the same.
    let what = EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(1) };
    assert_eq!(store.end_all(what, now()).await.unwrap(), 2);
    let missed = &records[2];
    assert!(store.load(&missed.id, now()).await.unwrap().is_none(), "the marker refuses it");
    assert_eq!(store.update(&missed.id, missed.version, &missed.data).await.unwrap(), Updated::Gone);
    assert!(!store.touch(&missed.id, in_an_hour(), now()).await.unwrap());
    // Nor does being spared bring it back, though its row is of the epoch before.
    let what = EndAll { owner: &ann, except: Some(&missed.id), epoch: AuthEpoch::new(1) };
    assert_eq!(store.end_all(what, now()).await.unwrap(), 0);
    assert!(store.load(&missed.id, now()).await.unwrap().is_none(), "the marker still refuses it");
}

/// Makes an index something else, or gives it a member that names no session.
fn damage(server: &RedisServer, index: &str, how: &str) {
    if how == "type" {
        assert_eq!(server.say(&["DEL", index]), ":1");
        assert_eq!(server.say(&["RPUSH", index, "x"]), ":1");
    } else {
        assert_eq!(server.say(&["ZADD", index, "1e300", "x"]), ":1");
    }
}

/// Ending everything is what is done when something is wrong: it does not depend on the index.
#[tokio::test]
async fn a_damaged_index_keeps_nobody_from_ending_everything() {
    let server = RedisServer::start();
    for how in ["type", "member"] {
        assert_eq!(server.say(&["FLUSHALL"]), "+OK");
        let (store, ann) = (on(&server).await.sessions(), owner("ann"));
        let record = session(&ann);
        let _ = store.insert(&record, None, now()).await.unwrap();
        damage(&server, &key_with(&server, ":i:"), how);
        let what = EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(1) };
        let ended = store.end_all(what, now()).await.unwrap();
        assert_eq!(ended, u64::from(how == "member"), "{how}: what the index had");
        assert!(store.load(&record.id, now()).await.unwrap().is_none(), "{how}: the marker refuses it");
        assert!(all_keys(&server).iter().all(|key| !key.contains(":i:")), "{how}: it is repaired");
    }
}

/// A damaged index locks nobody out, and is repaired by those who write to it.
#[tokio::test]
async fn a_damaged_index_locks_nobody_out_and_heals() {
    let server = RedisServer::start();
    let limit = SessionLimit { max: 9, when_reached: WhenReached::Refuse };
    for how in ["type", "member"] {
        for limit in [None, Some(&limit)] {
            assert_eq!(server.say(&["FLUSHALL"]), "+OK");
            let (store, ann) = (on(&server).await.sessions(), owner("ann"));
            let (old, new) = (session(&ann), session(&ann));
            let _ = store.insert(&old, None, now()).await.unwrap();
            let index = key_with(&server, ":i:");
            damage(&server, &index, how);
            if how == "member" {
                assert_eq!(store.list(&ann, Page::first(), now()).await.unwrap().len(), 1);
            } else {
                is_corrupt(store.list(&ann, Page::first(), now()).await);
            }
            let inserted = store.insert(&new, limit, now()).await.unwrap();
            assert_eq!(inserted, Inserted::Stored { ended: 0 }, "{how}");
            if how == "type" {
                assert_eq!(store.list(&ann, Page::first(), now()).await.unwrap().len(), 1);
                damage(&server, &index, how);
                assert!(store.touch(&new.id, in_an_hour(), now()).await.unwrap());
            }
            assert!(store.touch(&old.id, in_an_hour(), now()).await.unwrap());
            assert_eq!(store.list(&ann, Page::first(), now()).await.unwrap().len(), 2);
            let strange = usize::from(how == "member" && limit.is_none());
            assert_eq!(server.say(&["ZCARD", &index]), format!(":{}", 2 + strange), "{how}");
        }
    }
}

/// The same of the index of a subject's tokens, for members that name no token. One of another type may have lost
/// tokens that are to end: it is an error.
#[tokio::test]
async fn a_member_that_names_no_token_is_in_nobodys_way() {
    let server = RedisServer::start();
    let (tokens, about) = (on(&server).await.tokens(), token("ann", 1));
    let _ = tokens.put(&about, now()).await.unwrap();
    damage(&server, &key_with(&server, ":u:"), "member");
    let _ = tokens.replace(&token("ann", 2), now()).await.unwrap();
    assert!(tokens.peek(&about.key, now()).await.unwrap().is_none());
    let index = key_with(&server, ":u:");
    assert_eq!(server.say(&["ZCARD", &index]), ":1");
    damage(&server, &index, "member");
    assert_eq!(tokens.revoke(&Realm::LOCAL, PURPOSE, &about.subject, now()).await.unwrap(), 1);

    let _ = tokens.put(&about, now()).await.unwrap();
    damage(&server, &key_with(&server, ":u:"), "type");
    is_corrupt(tokens.put(&token("ann", 3), now()).await);
    is_corrupt(tokens.replace(&token("ann", 3), now()).await);
    is_corrupt(tokens.revoke(&Realm::LOCAL, PURPOSE, &about.subject, now()).await);
    assert_eq!(all_keys(&server).iter().filter(|key| key.contains(":t:")).count(), 1, "nothing half written");
}

/// A principal with more sessions than one command names.
#[tokio::test]
async fn many_sessions_are_listed_and_ended_in_chunks() {
    const MANY: usize = 700;
    let server = RedisServer::start();
    let (store, ann) = (on(&server).await.sessions(), owner("ann"));
    let kept = session(&ann);
    let _ = store.insert(&kept, None, now()).await.unwrap();
    for _ in 1..MANY {
        let _ = store.insert(&session(&ann), None, now()).await.unwrap();
    }
    assert_eq!(store.list(&ann, Page::first(), now()).await.unwrap().len(), MANY);
    let what = EndAll { owner: &ann, except: Some(&kept.id), epoch: AuthEpoch::new(1) };
    assert_eq!(store.end_all(what, now()).await.unwrap(), MANY as u64 - 1);
    let left = store.list(&ann, Page::first(), now()).await.unwrap();
    assert_eq!(left.iter().map(|left| left.id).collect::<Vec<_>>(), [kept.id]);
    assert_eq!(all_keys(&server).len(), 3, "the row, the index and the marker");
}
