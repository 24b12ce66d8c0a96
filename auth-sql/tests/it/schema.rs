//! Migrations.

use auth_core::SessionStore;
use auth_sql::{SetupError, Sqlite, SqliteOptions};
use sqlx::Connection;

use crate::support::{Folder, NOW, ann, session};

/// After a rollback of the program, guessing at a schema of the future would write rows that lie.
#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = Folder::new();
    folder.open().await.close().await;
    folder.run("INSERT INTO auth_schema (version) VALUES (1000)").await;
    let error = Sqlite::open(folder.file(), SqliteOptions::default()).await.unwrap_err();
    assert!(matches!(error, SetupError::NewerSchema { found: 1_000, known: 1.. }), "{error:?}");
    folder.run("DELETE FROM auth_schema WHERE version = 1000").await;
    folder.open().await;
}

/// The file may be the application's, with tables of its own.
#[tokio::test]
async fn tables_of_the_application_stay() {
    let folder = Folder::new();
    std::fs::File::create(folder.file()).unwrap();
    folder.run("CREATE TABLE accounts (id INTEGER); INSERT INTO accounts VALUES (7)").await;
    folder.open().await.close().await;
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut folder.stranger().await)
        .await
        .unwrap();
    assert!(tables.iter().all(|name| name == "accounts" || name.starts_with("auth_")), "{tables:?}");
    let kept: i64 =
        sqlx::query_scalar("SELECT id FROM accounts").fetch_one(&mut folder.stranger().await).await.unwrap();
    assert_eq!(kept, 7);
}

/// Two processes of a service start at once. Changing the journal mode takes a lock that SQLite does not
/// wait for, and only one may migrate.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_a_new_file_at_once() {
    for _ in 0..10 {
        let folder = Folder::new();
        let opening: Vec<_> =
            (0..6).map(|_| tokio::spawn(Sqlite::open(folder.file(), SqliteOptions::default()))).collect();
        for opened in opening {
            let sessions = opened.await.unwrap().unwrap().sessions();
            let _ = sessions.insert(&session(&ann(), 0), None, NOW).await.unwrap();
        }
    }
}

/// A program must be able to start while another one writes.
#[tokio::test]
async fn opening_what_is_up_to_date_waits_for_no_writer() {
    let folder = Folder::new();
    folder.open().await.close().await;
    let mut stranger = folder.stranger().await;
    let writing = stranger.begin_with("BEGIN IMMEDIATE").await.unwrap();
    folder.open_impatient().await;
    writing.rollback().await.unwrap();
}

#[tokio::test]
async fn a_new_file_that_stays_locked_is_a_typed_error() {
    let folder = Folder::new();
    std::fs::File::create(folder.file()).unwrap();
    let mut stranger = folder.stranger().await;
    let writing = stranger.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    let options = SqliteOptions::default().timeout(std::time::Duration::from_millis(50));
    let error = Sqlite::open(folder.file(), options).await.unwrap_err();
    assert!(matches!(error, SetupError::Locked(_)), "{error:?}");
    writing.rollback().await.unwrap();
    folder.open().await;
}

/// A migration that fails half-way, for want of space or because the program was killed, must leave the
/// schema as it was.
#[tokio::test]
async fn a_migration_is_entire_or_absent() {
    let folder = Folder::new();
    std::fs::File::create(folder.file()).unwrap();
    // In the way of one of the last statements.
    folder.run("CREATE TABLE auth_assignments (id INTEGER)").await;
    let error = Sqlite::open(folder.file(), SqliteOptions::default()).await.unwrap_err();
    assert!(matches!(error, SetupError::Unusable(_)), "{error:?}");
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut folder.stranger().await)
        .await
        .unwrap();
    assert_eq!(tables, ["auth_assignments"]);
    folder.run("DROP TABLE auth_assignments").await;
    folder.open().await;
}
