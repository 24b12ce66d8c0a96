//! PostgreSQL through a pooler that may give each transaction another connection.

use auth_core::conformance::{self, Tasks};
use auth_jwt::conformance::revocation_store;
use auth_sql::{Postgres, PostgresOptions};

use crate::support::{NOW, PostgresServer, Server, ann, session};

/// Nothing may rest on a connection of the server: no prepared statement, no setting, no lock beyond a transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_suites_pass_through_a_pooler_in_transaction_mode() {
    let server = servers::Postgres::start(&["fsync=off", "max_connections=200"]);
    let pooler = servers::PgBouncer::start(&server);
    let options = PostgresOptions::default().transaction_pooler(true);
    let url = pooler.url("postgres");
    let database = Postgres::open(&url, options.clone()).await.unwrap();
    let empty = async || {
        let empty = "TRUNCATE auth_accounts, auth_credentials, auth_sessions, auth_session_epochs, auth_tokens, \
            auth_counters, auth_assignments, auth_revocations; UPDATE auth_assignments_version SET version = 0 WHERE id = 1";
        PostgresServer::run(&server.url("postgres"), empty).await;
    };
    let race = Tasks::new(tokio::spawn).with_rounds(5);
    let (sessions, tokens) = (database.sessions(), database.tokens());
    let (accounts, roles) = (database.accounts(), database.assignments());
    let (counters, revocations) = (database.counters(), database.revocations());
    let fresh = || async {
        empty().await;
        sessions.clone()
    };
    conformance::session_store(fresh, &race).await.assert_passed();
    let fresh = || async {
        empty().await;
        tokens.clone()
    };
    conformance::token_store(fresh, &race).await.assert_passed();
    let fresh = || async {
        empty().await;
        (accounts.clone(), accounts.clone())
    };
    conformance::account_store(fresh, &race).await.assert_passed();
    let fresh = || async {
        empty().await;
        (accounts.clone(), accounts.clone())
    };
    conformance::credential_store(fresh, &race).await.assert_passed();
    let fresh = || async {
        empty().await;
        counters.clone()
    };
    conformance::counter_store(fresh, &race).await.assert_passed();
    let fresh = || async {
        empty().await;
        roles.clone()
    };
    conformance::assignment_store(fresh, &race).await.assert_passed();
    let fresh = || async {
        empty().await;
        revocations.clone()
    };
    revocation_store(fresh, &race).await.assert_passed();

    // Another process, by the same pooler.
    let other = Postgres::open(&url, options).await.unwrap().sessions();
    let record = session(&ann(), 0);
    let _ = auth_core::SessionStore::insert(&other, &record, None, NOW).await.unwrap();
    assert_eq!(
        auth_core::SessionStore::load(&database.sessions(), &record.id, NOW).await.unwrap(),
        Some(record)
    );
}
