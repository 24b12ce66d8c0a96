//! Revocations in SQLite.

pub(crate) mod suite;

use std::sync::Arc;

use auth_core::{StoreError, UnixTime, Written};
use auth_jwt::{RevocationStore, conformance::revocation_store};
use auth_sql::SqliteRevocations;
use sqlx::Connection;

use crate::support::{Folder, NOW, after};
use suite::{Service, list, load, session, subject};

async fn open(folder: &Folder) -> Arc<dyn RevocationStore> {
    Arc::new(folder.open().await.revocations())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn revocations_conform() {
    let folder = Folder::new();
    let fresh = || async { folder.fresh().await.revocations() };
    let race = auth_core::conformance::Tasks::new(tokio::spawn);
    revocation_store(fresh, &race).await.assert_passed();
}

#[tokio::test]
async fn what_was_revoked_is_refused_after_a_restart() {
    let folder = Folder::new();
    let database = folder.open().await;
    let store = Arc::new(database.revocations());
    let again = async || {
        database.close().await;
        open(&folder).await
    };
    suite::what_was_revoked_is_refused_after_a_restart(store, again).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_handles_the_later_date_stays() {
    let folder = Folder::new();
    let (one, other) = (open(&folder).await, open(&folder).await);
    suite::of_two_handles_the_later_date_stays(one, other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_leave_while_a_list_is_read_hide_no_others() {
    let folder = Folder::new();
    let revocations = folder.open().await.revocations();
    let purging = revocations.clone();
    let forget = |now| -> suite::BoxFuture {
        Box::pin(async move { assert_eq!(purging.purge(now, 10_000).await.unwrap(), 700) })
    };
    suite::rows_that_leave_while_a_list_is_read_hide_no_others(Arc::new(revocations), forget).await;
}

/// Whatever is wrong with a row, and also with one that would be passed over as ended, or as before the first.
#[tokio::test]
async fn a_damaged_revocation_is_an_error_that_names_the_column() {
    for (column, damage) in [
        ("hash", "UPDATE auth_revocations SET hash = x'' WHERE kind = 'session'"),
        ("hash", "UPDATE auth_revocations SET hash = zeroblob(32) WHERE kind = 'session'"),
        // Another one would be refused, and this one accepted.
        ("hash", "UPDATE auth_revocations SET name = x'78' WHERE kind = 'session'"),
        ("hash", "UPDATE auth_revocations SET issuer = 'https://ID.example' WHERE kind = 'session'"),
        ("hash", "UPDATE auth_revocations SET kind = 'token' WHERE kind = 'session'"),
        ("issuer", "UPDATE auth_revocations SET issuer = ''"),
        ("kind", "UPDATE auth_revocations SET kind = 'Token'"),
        ("name", "UPDATE auth_revocations SET name = x''"),
        ("name", "UPDATE auth_revocations SET name = x'ff'"),
        ("name", "UPDATE auth_revocations SET name = CAST(printf('%.65537c', 'x') AS BLOB)"),
        ("date", "UPDATE auth_revocations SET date = -1"),
        ("date", "UPDATE auth_revocations SET date = NULL"),
        ("date", "UPDATE auth_revocations SET date = 5"),
        ("ends_at", "UPDATE auth_revocations SET ends_at = -1"),
    ] {
        let folder = Folder::new();
        let revocations = folder.open().await.revocations();
        for record in [session("s1", after(100)), subject("42", 1, 100)] {
            revocations.put(&record, NOW).await.unwrap();
        }
        folder.run(damage).await;
        // Nor is it forgotten before somebody has looked at it.
        if column == "ends_at" {
            assert_eq!(revocations.purge(UnixTime::MAX, 10).await.unwrap(), 0);
        }
        let store: Arc<dyn RevocationStore> = Arc::new(revocations);
        suite::a_damaged_revocation_is_an_error_that_names_the_column(&store, column, damage).await;
    }
}

/// A service that starts while its store is away must not take that for "nothing was revoked".
#[tokio::test]
async fn without_the_database_no_token_is_accepted() {
    let folder = Folder::new();
    let database = folder.open().await;
    let store: Arc<dyn RevocationStore> = Arc::new(database.revocations());
    store.put(&session("s1", after(100)), NOW).await.unwrap();
    database.close().await;
    let (service, list) = (Service::new(), list(&store));
    assert!(matches!(list.load(NOW).await, Err(StoreError::NotWritten(_))));
    service.assert_unavailable(&list);
    // What cannot be written is no revocation that was confirmed.
    let refused = store.put(&session("s2", after(100)), NOW).await.unwrap_err();
    assert_eq!(refused.written(), Written::No);
}

/// A lock that another process never releases must give an error, soon, and must not delay a process that starts.
#[tokio::test]
async fn a_locked_database_refuses_revocations_in_time_and_goes_on_reading() {
    let folder = Folder::new();
    let revocations = folder.open_impatient().await.revocations();
    revocations.put(&session("s1", after(100)), NOW).await.unwrap();
    let mut stranger = folder.stranger().await;
    let writing = stranger.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let refused = revocations.put(&session("s2", after(100)), NOW).await.unwrap_err();
    assert_eq!(refused.written(), Written::No);
    assert_eq!(load(&revocations, NOW).await.unwrap(), [session("s1", after(100))]);
    writing.rollback().await.unwrap();
    revocations.put(&session("s2", after(100)), NOW).await.unwrap();
    assert_eq!(load(&revocations, NOW).await.unwrap().len(), 2);
}

#[tokio::test]
async fn purging_forgets_what_has_ended_in_batches_and_nothing_else() {
    let folder = Folder::new();
    let revocations: SqliteRevocations = folder.open().await.revocations();
    for n in 1..=10 {
        revocations.put(&session(&format!("s{n}"), after(n)), NOW).await.unwrap();
    }
    revocations.put(&session("for ever", UnixTime::MAX), NOW).await.unwrap();
    assert_eq!(revocations.purge(NOW, 100).await.unwrap(), 0);
    assert_eq!(revocations.purge(after(7), 3).await.unwrap(), 3);
    // Those that ended first.
    assert_eq!(load(&revocations, NOW).await.unwrap().iter().filter(|row| row.ends_at < after(4)).count(), 0);
    assert_eq!(revocations.purge(after(7), 0).await.unwrap(), 0);
    assert_eq!(revocations.purge(after(7), 100).await.unwrap(), 4);
    assert_eq!(revocations.purge(after(7), 100).await.unwrap(), 0);
    let left = load(&revocations, NOW).await.unwrap();
    assert_eq!(left.len(), 4);
    assert!(left.contains(&session("s8", after(8))) && left.contains(&session("for ever", UnixTime::MAX)));
}

/// Names of people are in the rows, and logs are read by more people than the database.
#[tokio::test]
async fn no_error_of_revocations_has_a_row_in_it() {
    let folder = Folder::new();
    let revocations = folder.open().await.revocations();
    folder
        .run("CREATE TRIGGER auth_refuse BEFORE INSERT ON auth_revocations BEGIN SELECT RAISE(ABORT, 'no'); END")
        .await;
    let error = revocations.put(&session("ann@example.com", after(100)), NOW).await.unwrap_err();
    let printed = format!("{error} {error:?} {revocations:?}");
    assert!(!printed.contains("ann"), "{printed}");
    // One that says nothing and keeps nothing is told as well.
    folder
        .run(
            "DROP TRIGGER auth_refuse; CREATE TRIGGER auth_drop BEFORE INSERT ON auth_revocations \
            BEGIN SELECT RAISE(IGNORE); END",
        )
        .await;
    let error = revocations.put(&session("s1", after(100)), NOW).await.unwrap_err();
    assert_eq!(error.written(), Written::No);
}
