//! The server is killed under load, and started again.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use auth_core::{
    Claim, CounterKey, Inserted, PrincipalId, Realm, SessionId, StoreError, TokenKey, Window, Written,
};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::block_in_place,
    time::timeout,
};

use crate::support::{NOW, PURPOSE, Server, Stores, TIMEOUT, on_every_server, session, token};

on_every_server!(what_was_answered_survives_a_crash);

const KILLS: u32 = 3;
const TASKS: u32 = 4;

/// What callers were told.
#[derive(Default)]
struct Told {
    stored: Mutex<Vec<SessionId>>,
    ended: Mutex<Vec<SessionId>>,
    claimed: Mutex<Vec<TokenKey>>,
    counted: AtomicU64,
    perhaps_counted: AtomicU64,
    failed: AtomicU64,
}

fn counter() -> (CounterKey, Window) {
    (CounterKey::new(&Realm::LOCAL, PURPOSE, &[b"crash"]), Window::new(Duration::from_secs(60)))
}

/// A logout that was answered must not be undone by a crash, a login not be lost, a claim not be given twice, and a
/// throttle not be emptied.
async fn what_was_answered_survives_a_crash<S: Server>() {
    let mut server = S::own();
    let url = server.create().await;
    let stores = S::open(&url, TIMEOUT).await.unwrap();
    let (told, stop) = (Arc::new(Told::default()), Arc::new(AtomicBool::new(false)));
    let (progress, mut seen) = unbounded_channel();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (stores, told, stop) = (stores.clone(), Arc::clone(&told), Arc::clone(&stop));
            tokio::spawn(work(task, stores, told, stop, progress.clone()))
        })
        .collect();
    for _ in 0..KILLS {
        // Not before there was something to lose.
        for _ in 0..60 {
            timeout(Duration::from_secs(120), seen.recv()).await.expect("progress");
        }
        block_in_place(|| {
            server.kill();
            server.restart();
        });
    }
    for _ in 0..20 {
        timeout(Duration::from_secs(120), seen.recv()).await.expect("progress after the last crash");
    }
    stop.store(true, SeqCst);
    for task in tasks {
        timeout(Duration::from_secs(60), task).await.expect("no call hangs").unwrap();
    }

    let stored = told.stored.lock().unwrap().clone();
    for id in &stored {
        assert!(stores.sessions.load(id, NOW).await.unwrap().is_some(), "a stored session is lost");
    }
    let ended = told.ended.lock().unwrap().clone();
    for id in &ended {
        assert!(stores.sessions.load(id, NOW).await.unwrap().is_none(), "an ended session is alive");
    }
    let claimed = told.claimed.lock().unwrap().clone();
    for key in &claimed {
        let again = stores.tokens.claim(key, NOW.saturating_add(Duration::from_secs(100)), NOW).await;
        assert_eq!(again.unwrap(), Claim::Seen, "a claim is lost");
    }
    let (key, window) = counter();
    let counted = stores.counters.add(&key, 0, window, NOW).await.unwrap().value;
    let (surely, perhaps) = (told.counted.load(SeqCst), told.perhaps_counted.load(SeqCst));
    assert!(counted >= surely && counted <= surely + perhaps, "{surely} to {perhaps} more, not {counted}");
    assert!(!stored.is_empty() && !ended.is_empty() && !claimed.is_empty() && surely > 0);
    assert!(told.failed.load(SeqCst) > 0, "the crashes were noticed");
}

async fn work(
    task: u32,
    stores: Stores,
    told: Arc<Told>,
    stop: Arc<AtomicBool>,
    progress: UnboundedSender<()>,
) {
    let principal = PrincipalId::local_user(&format!("user-{task}")).unwrap();
    let (key, window) = counter();
    for round in 0_u64.. {
        if stop.load(SeqCst) {
            return;
        }
        let record = session(&principal, 0);
        match stores.sessions.insert(&record, None, NOW).await {
            Ok(Inserted::Stored { .. }) if round % 2 == 0 => told.stored.lock().unwrap().push(record.id),
            Ok(Inserted::Stored { .. }) => match stores.sessions.remove(&record.id).await {
                Ok(removed) => {
                    assert!(removed);
                    told.ended.lock().unwrap().push(record.id);
                }
                Err(error) => failed(&told, error),
            },
            Ok(other) => panic!("{other:?}"),
            Err(error) => failed(&told, error),
        }
        let claim = token(format!("{task} {round}").as_bytes(), "any").key;
        match stores.tokens.claim(&claim, NOW.saturating_add(Duration::from_secs(100)), NOW).await {
            Ok(first) => {
                assert_eq!(first, Claim::First);
                told.claimed.lock().unwrap().push(claim);
            }
            Err(error) => failed(&told, error),
        }
        match stores.counters.add(&key, 1, window, NOW).await {
            Ok(_) => {
                told.counted.fetch_add(1, SeqCst);
                let _ = progress.send(());
            }
            Err(error) => {
                if error.written() == Written::Unknown {
                    told.perhaps_counted.fetch_add(1, SeqCst);
                }
                failed(&told, error);
            }
        }
    }
}

fn failed(told: &Told, error: StoreError) {
    assert!(!matches!(error, StoreError::Corrupt(_) | StoreError::Full), "{error:?}");
    told.failed.fetch_add(1, SeqCst);
}
