//! What can only be seen from inside: query plans, and a connection that failed.

use auth_core::{
    SecretHash, SecretState, SessionBlob, SessionId, SessionKind, SessionRecord, SessionStore, StoreError,
    UnixTime, Updated, Version,
};
use sqlx::{AssertSqlSafe, Connection, Row};
use tempfile::TempDir;

use super::{
    Sqlite,
    options::{Durability, SqliteOptions},
};

const NOW: UnixTime = UnixTime::from_secs(1_000);

async fn open(folder: &TempDir, options: SqliteOptions) -> Sqlite {
    Sqlite::open(folder.path().join("auth.db"), options).await.unwrap()
}

fn session(id: u8, bytes: usize) -> SessionRecord {
    SessionRecord {
        id: SessionId::from_bytes([id; 24]),
        kind: SessionKind::Cookie,
        authentication: None,
        terms: None,
        secret: SecretState::first(SecretHash::from_bytes([0; 32]), NOW),
        version: Version::FIRST,
        created_at: NOW,
        last_used_at: NOW,
        idle_until: UnixTime::MAX,
        absolute_until: UnixTime::MAX,
        data: SessionBlob::empty().with_slot("s", 1, &vec![id; bytes]).unwrap(),
    }
}

/// A query that walks a whole table works in every test and stops the service on the day it has users.
#[tokio::test]
async fn no_query_scans_a_table() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder, SqliteOptions::default()).await;
    let all = [
        super::accounts::ALL,
        super::assignments::ALL,
        super::counters::ALL,
        super::credentials::ALL,
        #[cfg(feature = "policy")]
        super::policy::ALL,
        #[cfg(feature = "revocations")]
        super::revocations::ALL,
        #[cfg(feature = "revocations")]
        crate::revocations::ALL,
        super::sessions::sql::ALL,
        super::tokens::ALL,
        #[cfg(feature = "audit")]
        crate::audit::sql::ALL,
    ];
    let mut connection = database.writer.acquire().await.unwrap();
    for text in all.concat() {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
        let steps = sqlx::query(explain).fetch_all(&mut *connection).await.unwrap();
        for step in steps {
            let detail: String = step.get("detail");
            // The index of pending sweeps has nothing but what is wanted.
            let harmless = ["SCAN CONSTANT ROW", "SCAN auth_accounts USING INDEX auth_accounts_sweeps"];
            let scans = detail.starts_with("SCAN") && !harmless.contains(&detail.as_str());
            // Ties are sorted where an index cannot have them in both orders; they are few.
            let sorts = detail.contains("TEMP B-TREE") && !detail.contains("LAST TERM");
            assert!(!scans && !sorts, "{detail}\n{text}");
        }
    }
}

/// SQLite rolls back on its own when the disk is full. The driver does not notice, and used to refuse every
/// later transaction on that connection, of which there is one.
#[tokio::test]
async fn after_a_full_disk_the_store_works_again() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder, SqliteOptions::default()).await;
    let sessions = database.sessions();
    let small = session(1, 10);
    let _ = sessions.insert(&small, None, NOW).await.unwrap();
    let mut writer = database.writer.acquire().await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *writer).await.unwrap();
    let cap = format!("PRAGMA max_page_count = {}", pages + 2);
    sqlx::query(AssertSqlSafe(cap)).execute(&mut *writer).await.unwrap();
    drop(writer);

    let full = sessions.insert(&session(2, 60_000), None, NOW).await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    assert!(sessions.load(&small.id, NOW).await.unwrap().is_some());
    assert!(sessions.load(&session(2, 0).id, NOW).await.unwrap().is_none());
    let _ = sessions.insert(&session(3, 10), None, NOW).await.unwrap();
    assert!(sessions.remove(&small.id).await.unwrap());
}

/// A file system that was mounted read-only after a fault, which SQLite reports as this does.
#[tokio::test]
async fn a_read_only_database_refuses_writes_and_goes_on_reading() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder, SqliteOptions::default()).await;
    let sessions = database.sessions();
    let record = session(1, 10);
    let _ = sessions.insert(&record, None, NOW).await.unwrap();
    let mut writer = database.writer.acquire().await.unwrap();
    sqlx::query("PRAGMA query_only = ON").execute(&mut *writer).await.unwrap();
    drop(writer);
    for refused in [
        sessions.insert(&session(2, 10), None, NOW).await.map(|_| ()),
        sessions.remove(&record.id).await.map(|_| ()),
    ] {
        assert!(matches!(refused, Err(StoreError::NotWritten(Some(_)))), "{refused:?}");
    }
    assert_eq!(sessions.load(&record.id, NOW).await.unwrap(), Some(record));
}

/// The same for a statement that is a transaction of its own.
#[tokio::test]
async fn a_full_disk_is_told_from_other_failures() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder, SqliteOptions::default()).await;
    let sessions = database.sessions();
    let _ = sessions.insert(&session(1, 10), None, NOW).await.unwrap();
    let mut writer = database.writer.acquire().await.unwrap();
    sqlx::query("PRAGMA max_page_count = 1").execute(&mut *writer).await.unwrap();
    drop(writer);
    let large = session(1, 60_000).data;
    let full = sessions.update(&session(1, 0).id, Version::FIRST, &large).await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    let small = session(1, 5).data;
    let updated = sessions.update(&session(1, 0).id, Version::FIRST, &small).await.unwrap();
    assert_eq!(updated, Updated::Updated);
}

/// A reader that could write would do so outside the queue of writers.
#[tokio::test]
async fn readers_cannot_write() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder, SqliteOptions::default()).await;
    let mut reader = database.readers.acquire().await.unwrap();
    assert!(sqlx::query("DELETE FROM auth_sessions").execute(&mut *reader).await.is_err());
}

/// The settings that promises rest on are per connection, so each must have them.
#[tokio::test]
async fn every_connection_has_the_settings_that_promises_rest_on() {
    for (durability, synchronous) in [(Durability::PowerLoss, 2), (Durability::ProcessCrash, 1)] {
        let folder = TempDir::new().unwrap();
        let database = open(&folder, SqliteOptions::default().durability(durability)).await;
        for pool in [&database.writer, &database.readers] {
            let mut connection = pool.acquire().await.unwrap();
            let mut setting = async |sql: &'static str| -> String {
                let row = sqlx::query(sql).fetch_one(&mut *connection).await.unwrap();
                row.try_get::<i64, _>(0).map_or_else(|_| row.get(0), |number| number.to_string())
            };
            assert_eq!(setting("PRAGMA synchronous").await, synchronous.to_string());
            assert_eq!(setting("PRAGMA foreign_keys").await, "1");
            assert_eq!(setting("PRAGMA journal_mode").await, "wal");
            assert_eq!(setting("PRAGMA busy_timeout").await, "5000");
        }
        assert_eq!(database.writer.options().get_max_connections(), 1);
    }
}

/// A transaction that is dropped without an end must be gone before the next writer comes.
#[tokio::test]
async fn a_dropped_transaction_is_rolled_back() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder, SqliteOptions::default()).await;
    let _ = database.sessions().insert(&session(1, 10), None, NOW).await.unwrap();
    let mut transaction = database.begin().await.unwrap();
    transaction.write(super::statement::sql("DELETE FROM auth_sessions")).await.unwrap();
    drop(transaction);
    let connection = database.writer.acquire().await.unwrap();
    assert!(!connection.is_in_transaction());
    drop(connection);
    assert!(database.sessions().load(&session(1, 0).id, NOW).await.unwrap().is_some());
}
