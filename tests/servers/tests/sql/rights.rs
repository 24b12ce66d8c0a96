//! A service whose role on the server may not change the schema.

use auth_core::conformance::{self, Race, Tasks};
use auth_sql::{MySql, MySqlOptions, Postgres, PostgresOptions, SetupError};

use crate::support::{MariaDbServer, PostgresServer, Server};

fn race() -> impl Race {
    Tasks::new(tokio::spawn).with_rounds(5)
}

const EMPTY: &str = "DELETE FROM auth_sessions; DELETE FROM auth_session_epochs";

/// The owner migrates; the service that visitors reach needs no more than the README says.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reading_and_writing_rows_is_enough_on_postgres() {
    let server = PostgresServer(servers::Postgres::start(&["fsync=off"]));
    let url = server.0.url("postgres");
    PostgresServer::run(&url, "CREATE ROLE visitor LOGIN").await;
    let visitor = url.replace("test@", "visitor@");
    let early = Postgres::open(&visitor, PostgresOptions::default()).await;
    assert!(matches!(early, Err(SetupError::Unusable(_))), "{early:?}");
    Postgres::open(&url, PostgresOptions::default()).await.unwrap();
    let grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO visitor";
    PostgresServer::run(&url, grant).await;
    let sessions = Postgres::open(&visitor, PostgresOptions::default()).await.unwrap().sessions();
    let fresh = || async {
        PostgresServer::run(&url, EMPTY).await;
        sessions.clone()
    };
    conformance::session_store(fresh, &race()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reading_and_writing_rows_is_enough_on_mariadb() {
    let server = MariaDbServer(servers::MariaDb::start(&["innodb-flush-log-at-trx-commit=0"]));
    let url = server.create().await;
    let visitor = url.replace("test@", "visitor@");
    let grant = "CREATE USER visitor; GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO visitor";
    MariaDbServer::run(&url, grant).await;
    let early = MySql::open(&visitor, MySqlOptions::default()).await;
    assert!(matches!(early, Err(SetupError::Unusable(_))), "{early:?}");
    MySql::open(&url, MySqlOptions::default()).await.unwrap();
    let sessions = MySql::open(&visitor, MySqlOptions::default()).await.unwrap().sessions();
    let fresh = || async {
        MariaDbServer::run(&url, EMPTY).await;
        sessions.clone()
    };
    conformance::session_store(fresh, &race()).await.assert_passed();
}
