//! `kill -9` under load, and files that lack their end. What was answered is compared with what is there after the
//! restart.

use std::{
    fs::OpenOptions,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{
    AuthEpoch, Claim, EndAll, Inserted, Rotated, SecretHash, SessionBlob, SessionOwner, SessionRecord,
    SessionStore, StoreError, TokenStore, Updated, Written,
};
use auth_redis::{Redis, RedisOptions};
use servers::RedisServer;

use crate::support::{in_an_hour, now, owner, session, token};

const TASKS: u64 = 8;

async fn connect(server: &RedisServer) -> Redis {
    let options = RedisOptions::default().timeout(Duration::from_secs(10));
    Redis::connect(&server.url(), options).await.unwrap()
}

/// What one task knows of one session.
struct Known {
    owner: SessionOwner,
    record: SessionRecord,
    /// The state after a write that was not answered, if one was sent last.
    perhaps: Option<SessionRecord>,
    /// Whether its end was answered, or asked for without an answer.
    ended: Option<Written>,
}

/// Logs in, writes, rotates and logs out until the server is gone.
async fn live(redis: Redis, task: u64, round: u64, acknowledged: Arc<AtomicU64>) -> Vec<Known> {
    let store = redis.sessions();
    let mut all = Vec::new();
    for n in 0_u64.. {
        let owner = owner(&format!("user-{round}-{task}-{n}"));
        let record = session(&owner);
        match store.insert(&record, None, now()).await {
            Ok(inserted) => assert_eq!(inserted, Inserted::Stored { ended: 0 }),
            Err(error) => {
                // Whatever became of it, nobody was given a cookie.
                assert_unknown_or_unsent(&error);
                return all;
            }
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
        let mut known = Known { owner, record, perhaps: None, ended: None };
        let done = change(&store, &mut known, n, &acknowledged).await;
        all.push(known);
        if done.is_err() {
            return all;
        }
    }
    all
}

/// Changes a session in some way, and notes what is known of it.
async fn change(
    store: &dyn SessionStore,
    known: &mut Known,
    n: u64,
    acknowledged: &AtomicU64,
) -> Result<(), StoreError> {
    let before = known.record.clone();
    let mut after = before.clone();
    after.version = before.version.next();
    let answer = match n % 5 {
        0 => Ok(()),
        1 => {
            after.data = SessionBlob::empty().with_slot("n", 1, &n.to_be_bytes()).unwrap();
            known.perhaps = Some(after.clone());
            store
                .update(&before.id, before.version, &after.data)
                .await
                .map(|done| assert_eq!(done, Updated::Updated))
        }
        2 => {
            after.secret = before.secret.rotated(SecretHash::of(&n.to_be_bytes()), now());
            known.perhaps = Some(after.clone());
            let rotated = store.rotate(&before.id, before.version, &after.secret).await;
            rotated.map(|done| assert_eq!(done, Rotated::Rotated))
        }
        3 => {
            known.ended = Some(Written::Unknown);
            let removed = store.remove(&before.id).await;
            removed.map(|removed| assert!(removed))
        }
        _ => {
            known.ended = Some(Written::Unknown);
            let what = EndAll { owner: &known.owner, except: None, epoch: AuthEpoch::new(1) };
            store.end_all(what, now()).await.map(|ended| assert_eq!(ended, 1))
        }
    };
    match answer {
        Ok(()) => {
            acknowledged.fetch_add(1, Ordering::Relaxed);
            if let Some(after) = known.perhaps.take() {
                known.record = after;
            }
            known.ended = known.ended.map(|_| Written::No);
            Ok(())
        }
        Err(error) => {
            assert_unknown_or_unsent(&error);
            if error.written() == Written::No {
                (known.perhaps, known.ended) = (None, None);
            }
            Err(error)
        }
    }
}

fn assert_unknown_or_unsent(error: &StoreError) {
    assert!(matches!(error, StoreError::Unknown(_) | StoreError::NotWritten(_)), "{error:?}");
}

/// `appendfsync always`: nothing acknowledged is lost, nothing ended is alive, nothing is doubled.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_always_a_crash_loses_nothing_that_was_answered() {
    let mut server = RedisServer::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    for round in 0..3 {
        let redis = connect(&server).await;
        let acknowledged = Arc::new(AtomicU64::new(0));
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| tokio::spawn(live(redis.clone(), task, round, Arc::clone(&acknowledged))))
            .collect();
        // In the middle of things, wherever each task is.
        while acknowledged.load(Ordering::Relaxed) < 600 {
            tokio::task::yield_now().await;
        }
        server.kill();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        server.restart();

        let store = connect(&server).await.sessions();
        let (mut alive, mut over) = (0, 0);
        for known in &all {
            let found = store.load(&known.record.id, now()).await.unwrap();
            match known.ended {
                Some(Written::No) => {
                    assert!(found.is_none(), "a session that was ended is alive");
                    assert!(!store.touch(&known.record.id, in_an_hour(), now()).await.unwrap());
                    over += 1;
                }
                Some(Written::Unknown) if found.is_none() => {}
                _ => {
                    let found = found.expect("a session whose cookie was given out is lost");
                    let either = found == known.record || known.perhaps.as_ref() == Some(&found);
                    assert!(either, "neither before nor after: {found:?}");
                    let listed = store.list(&known.owner, auth_core::Page::first(), now()).await.unwrap();
                    assert_eq!(listed.len(), 1, "nothing is doubled, and the index has it");
                    alive += 1;
                }
            }
        }
        assert!(alive > 20 && over > 20, "{alive} alive, {over} over");
    }
}

/// A claim that was answered stays one: a token is not used twice because the server died.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_always_a_claim_survives_a_crash() {
    let mut server = RedisServer::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    let tokens = connect(&server).await.tokens();
    for n in 0..200 {
        assert_eq!(tokens.claim(&token("x", n).key, in_an_hour(), now()).await.unwrap(), Claim::First);
    }
    server.kill();
    server.restart();
    let tokens = connect(&server).await.tokens();
    for n in 0..200 {
        assert_eq!(tokens.claim(&token("x", n).key, in_an_hour(), now()).await.unwrap(), Claim::Seen);
    }
}

/// Takes bytes off the end of what the server wrote down, as a power cut does with what the disk did not have yet.
/// (`kill -9` alone undoes nothing: what was handed to the system is kept.)
fn cut(server: &RedisServer, bytes: u64) {
    let folder = server.folder();
    // From Redis 7 on there is a folder for it.
    let files = ["appendonlydir/appendonly.aof.1.incr.aof", "appendonly.aof"].map(|file| folder.join(file));
    let path = files.iter().find(|file| file.exists()).expect("a file of what was written");
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
}

/// `appendfsync everysec`: the last moments may be undone, but in order: no later change survives an earlier one, and
/// no script is undone by half, wherever the cut is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_everysec_what_a_crash_undoes_is_the_end() {
    let mut server = RedisServer::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]);
    let store = connect(&server).await.sessions();
    // Each login is followed by the logout of the one before: of each there is one session or, in between, two.
    let ann = owner("ann");
    let mut records: Vec<SessionRecord> = Vec::new();
    for n in 0..400 {
        let record = session(&ann);
        let _ = store.insert(&record, None, now()).await.unwrap();
        if let Some(before) = records.last() {
            assert!(store.remove(&before.id).await.unwrap(), "{n}");
        }
        records.push(record);
    }
    let (mut newest, mut pairs) = (records.len() - 1, 0);
    for n in 0..24 {
        server.kill();
        // Less than an entry, and more than some: the server drops what is cut through, so each begins at an entry.
        cut(&server, 1 + 97 * n);
        server.restart();
        let store = connect(&server).await.sessions();
        let mut alive = Vec::new();
        for (n, record) in records.iter().enumerate() {
            if store.load(&record.id, now()).await.unwrap().is_some() {
                alive.push(n);
            }
        }
        let neighbours = alive.len() == 2 && alive[0] + 1 == alive[1];
        assert!(alive.len() == 1 || neighbours, "{alive:?}");
        assert_eq!(store.list(&ann, auth_core::Page::first(), now()).await.unwrap().len(), alive.len());
        let last = *alive.last().unwrap();
        assert!(last <= newest, "what was undone is back");
        (newest, pairs) = (last, pairs + usize::from(neighbours));
    }
    assert!(newest < 399 && pairs > 0, "{newest}, {pairs}: the cuts undid nothing");
}
