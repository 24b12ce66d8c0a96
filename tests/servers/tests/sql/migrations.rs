//! Migrations.

use std::sync::Arc;

use auth_sql::SetupError;

use crate::support::{
    MariaDbServer, NOW, PostgresServer, Server, TIMEOUT, account, ann, on_every_server, session,
};

on_every_server!(
    many_may_open_an_empty_database_at_once,
    a_newer_schema_is_refused,
    tables_of_the_application_stay,
);

/// All processes of a service start at once, and only one of them may migrate.
async fn many_may_open_an_empty_database_at_once<S: Server>() {
    let server = S::shared();
    let url: Arc<str> = server.create().await.into();
    let opening: Vec<_> = (0..8).map(|_| S::open(&url, TIMEOUT * 5)).collect();
    let mut opened = Vec::new();
    for open in join(opening).await {
        opened.push(open.unwrap());
    }
    for stores in opened {
        let _ = stores.sessions.insert(&session(&ann(), 0), None, NOW).await.unwrap();
    }
}

/// All at once, on this task: each waits for the server most of the time.
async fn join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in waiting.iter_mut().filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(ready) = future.as_mut().poll(context) {
                *output = Some(ready);
            }
        }
        if waiting.iter().all(|(_, output)| output.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
}

/// After a rollback of the program, guessing at a schema of the future would write rows that lie.
async fn a_newer_schema_is_refused<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    S::open(&url, TIMEOUT).await.unwrap();
    S::run(&url, "INSERT INTO auth_schema (version) VALUES (1000)").await;
    let error = S::open(&url, TIMEOUT).await.err().unwrap();
    assert!(matches!(error, SetupError::NewerSchema { found: 1_000, known: 1.. }), "{error:?}");
    S::run(&url, "DELETE FROM auth_schema WHERE version = 1000").await;
    S::open(&url, TIMEOUT).await.unwrap();
}

/// The database may be the application's, with tables of its own.
async fn tables_of_the_application_stay<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    S::run(&url, "CREATE TABLE accounts (id BIGINT PRIMARY KEY)").await;
    S::run(&url, "INSERT INTO accounts VALUES (7)").await;
    S::open(&url, TIMEOUT).await.unwrap();
    // Fails if the row is gone or was changed.
    S::run(&url, "CREATE TABLE kept (id BIGINT NOT NULL, one BIGINT NOT NULL)").await;
    S::run(&url, "INSERT INTO kept SELECT 1, (SELECT 1 FROM accounts WHERE id = 7)").await;
}

/// A migration that fails half-way, for want of space or because the program was killed, must leave the schema as it
/// was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_of_postgres_is_entire_or_absent() {
    let server = PostgresServer::shared();
    let url = server.create().await;
    // In the way of one of the last statements.
    PostgresServer::run(&url, "CREATE TABLE auth_assignments (id BIGINT)").await;
    let error = PostgresServer::open(&url, TIMEOUT).await.err().unwrap();
    assert!(matches!(error, SetupError::Unusable(_)), "{error:?}");
    // It would fail if there were one.
    PostgresServer::run(&url, "CREATE TABLE auth_accounts (id BIGINT)").await;
    PostgresServer::run(&url, "DROP TABLE auth_accounts; DROP TABLE auth_assignments").await;
    PostgresServer::open(&url, TIMEOUT).await.unwrap();
}

/// Statements that change a schema commit at once on MariaDB and MySQL: a program that was killed in between left half
/// a migration, which the next one has to make whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_migration_of_mariadb_is_made_whole() {
    let server = MariaDbServer::shared();
    let url = server.create().await;
    MariaDbServer::open(&url, TIMEOUT).await.unwrap();
    let half = "DELETE FROM auth_schema; DROP TABLE auth_assignments_version; DROP TABLE auth_tokens";
    MariaDbServer::run(&url, half).await;
    let stores = MariaDbServer::open(&url, TIMEOUT).await.unwrap();
    let _ = stores.accounts.create(&account(&ann()), &[]).await.unwrap();
    assert_eq!(stores.assignments.version().await.unwrap().get(), 0);
    stores.tokens.purge(NOW, 10).await.unwrap();
}
