//! A primary that became a replica, or that its operator made read-only, and that keeps its connections.

use auth_core::{SessionStore, StoreError, Written};
use auth_sql::{MySql, MySqlOptions};
use sqlx::{Connection, MySqlConnection};

use crate::support::{MariaDbServer, NOW, Server, TIMEOUT, ann, on_every_server, session};

on_every_server!(a_connection_that_only_reads_is_replaced);

/// The name leads to the new primary already, and only connections that are made anew get there.
async fn a_connection_that_only_reads_is_replaced<S: Server>() {
    let server = S::own();
    let url = server.create().await;
    let stores = S::open(&url, TIMEOUT).await.unwrap();
    S::run(&url, S::read_only(true)).await;
    let (mut record, other) = (session(&ann(), 0), session(&ann(), 0));
    record.authentication = None;
    // One transaction that says itself that it writes, and two single statements.
    let _ = stores.sessions.insert(&other, None, NOW).await;
    assert_not_written(stores.sessions.insert(&record, None, NOW).await);
    assert_not_written(stores.sessions.remove(&other.id).await);
    S::run(&url, S::read_only(false)).await;
    // One more was needed to find out where a connection that is open leads to.
    let _ = stores.sessions.insert(&record, None, NOW).await.unwrap();
    assert_eq!(stores.sessions.load(&record.id, NOW).await.unwrap(), Some(record));
}

/// What `read_only` refuses has a number of its own, and binds only those who may not change it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mariadb_that_became_read_only_keeps_no_connection_of_ours() {
    let server = MariaDbServer::own();
    let url = server.create().await;
    MySql::open(&url, MySqlOptions::default()).await.unwrap();
    let grant = "CREATE USER visitor; GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO visitor";
    MariaDbServer::run(&url, grant).await;
    let sessions = MySql::open(&url.replace("test@", "visitor@"), MySqlOptions::default()).await.unwrap();
    let sessions = sessions.sessions();
    let (record, other) = (session(&ann(), 0), session(&ann(), 0));
    let _ = sessions.insert(&record, None, NOW).await.unwrap();
    MariaDbServer::run(&url, "SET GLOBAL read_only = 1").await;
    assert_not_written(sessions.insert(&other, None, NOW).await);
    assert_not_written(sessions.remove(&record.id).await);
    // The server notices soon that they are closed.
    let mut owner = MySqlConnection::connect(&url).await.unwrap();
    let open = "SELECT count(*) FROM information_schema.processlist WHERE user = 'visitor'";
    let closed = tokio::time::timeout(TIMEOUT, async {
        while sqlx::query_scalar::<_, i64>(open).fetch_one(&mut owner).await.unwrap() > 0 {}
    });
    closed.await.expect("a connection was kept");
    assert_eq!(sessions.load(&record.id, NOW).await.unwrap(), Some(record.clone()));
    MariaDbServer::run(&url, "SET GLOBAL read_only = 0").await;
    let _ = sessions.insert(&other, None, NOW).await.unwrap();
    assert!(sessions.remove(&record.id).await.unwrap());
}

#[track_caller]
fn assert_not_written<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.written(), Written::No, "{error:?}");
}
