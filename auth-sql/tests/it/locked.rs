//! Other programs that hold the database.

use std::time::{Duration, Instant};

use auth_core::{CounterStore, SessionStore, StoreError, TokenStore, UnixTime, Written};
use sqlx::Connection;

use crate::support::{Folder, NOW, PURPOSE, ann, owner, session, token};

/// A lock that another process never releases must give an error that says that nothing was written, soon,
/// and must not delay those that only read.
#[tokio::test]
async fn a_locked_database_refuses_writes_in_time_and_goes_on_reading() {
    let folder = Folder::new();
    let database = folder.open_impatient().await;
    let (sessions, tokens) = (database.sessions(), database.tokens());
    let record = session(&ann(), 0);
    let _ = sessions.insert(&record, None, NOW).await.unwrap();

    let mut stranger = folder.stranger().await;
    let writing = stranger.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let started = Instant::now();
    assert_not_written(sessions.remove(&record.id).await);
    assert_not_written(sessions.insert(&session(&ann(), 0), None, NOW).await);
    assert_not_written(tokens.take(&token(b"t", "ann").key, NOW).await);
    assert_not_written(database.counters().add(&counter(), 1, window(), NOW).await);
    assert!(sessions.load(&record.id, NOW).await.unwrap().is_some());
    assert_eq!(sessions.list(&owner(ann()), auth_core::Page::first(), NOW).await.unwrap().len(), 1);
    assert!(started.elapsed() < Duration::from_secs(5));

    writing.rollback().await.unwrap();
    assert!(sessions.remove(&record.id).await.unwrap());
}

/// The writers of one handle queue; a queue that does not move must not hold them for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_of_writers_is_bounded_in_time() {
    let folder = Folder::new();
    let sessions = folder.open_impatient().await.sessions();
    let mut stranger = folder.stranger().await;
    let writing = stranger.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let started = Instant::now();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let sessions = sessions.clone();
            tokio::spawn(async move { sessions.insert(&session(&ann(), 0), None, NOW).await })
        })
        .collect();
    for call in calls {
        assert_not_written(call.await.unwrap());
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    writing.rollback().await.unwrap();
    let _ = sessions.insert(&session(&ann(), 0), None, NOW).await.unwrap();
}

/// Reading must not wait for a commit: every request reads a session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_loads_while_a_transaction_is_open() {
    let folder = Folder::new();
    let database = folder.open().await;
    let record = session(&ann(), 0);
    let _ = database.sessions().insert(&record, None, NOW).await.unwrap();
    let mut stranger = folder.stranger().await;
    let mut writing = stranger.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query("DELETE FROM auth_sessions").execute(&mut *writing).await.unwrap();
    assert!(database.sessions().load(&record.id, NOW).await.unwrap().is_some());
    writing.commit().await.unwrap();
    assert!(database.sessions().load(&record.id, NOW).await.unwrap().is_none());
}

/// A store that cannot answer must not look like one that answers "no session", or like one that stored.
#[tokio::test]
async fn a_broken_schema_is_an_error_and_never_an_answer() {
    let folder = Folder::new();
    let database = folder.open_impatient().await;
    folder.run("DROP TABLE auth_sessions").await;
    let record = session(&ann(), 0);
    assert_not_written(database.sessions().load(&record.id, NOW).await);
    assert_not_written(database.sessions().insert(&record, None, NOW).await);
}

fn counter() -> auth_core::CounterKey {
    auth_core::CounterKey::new(&auth_core::Realm::LOCAL, PURPOSE, &[b"a"])
}

fn window() -> auth_core::Window {
    auth_core::Window::new(UnixTime::from_secs(60).since(UnixTime::EPOCH))
}

#[track_caller]
fn assert_not_written<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, StoreError::NotWritten(Some(_))), "{error:?}");
    assert_eq!(error.written(), Written::No);
}
