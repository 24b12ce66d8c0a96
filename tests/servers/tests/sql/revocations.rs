//! Revocations on servers. SQLite runs the same suite in its own tests.

use std::sync::Arc;

use auth_core::{StoreError, UnixTime};
use auth_jwt::{Revocation, RevocationStore, VerifyError};
use tokio::task::block_in_place;

use crate::support::{MariaDbServer, NOW, PostgresServer, Server, TIMEOUT, after, on_every_server};

#[path = "../../../../auth-sql/tests/it/revocations/suite.rs"]
mod suite;

use suite::{Service, issuer, list, load, session, subject};

on_every_server!(
    what_was_revoked_is_refused_after_a_restart,
    of_two_handles_the_later_date_stays,
    rows_that_leave_while_a_list_is_read_hide_no_others,
    a_damaged_revocation_is_an_error_that_names_the_column,
    while_the_server_is_down_no_token_is_accepted,
);

async fn open<S: Server>(url: &str) -> Arc<dyn RevocationStore> {
    S::open(url, TIMEOUT * 3).await.unwrap().revocations
}

async fn what_was_revoked_is_refused_after_a_restart<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let store = open::<S>(&url).await;
    suite::what_was_revoked_is_refused_after_a_restart(store, async || open::<S>(&url).await).await;
}

async fn of_two_handles_the_later_date_stays<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let (one, other) = (open::<S>(&url).await, open::<S>(&url).await);
    suite::of_two_handles_the_later_date_stays(one, other).await;
}

async fn rows_that_leave_while_a_list_is_read_hide_no_others<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let store = open::<S>(&url).await;
    let forget = move |now: UnixTime| -> suite::BoxFuture {
        let ended = format!("DELETE FROM auth_revocations WHERE ends_at <= {}", now.as_secs());
        Box::pin(async move { S::run(&url, &ended).await })
    };
    suite::rows_that_leave_while_a_list_is_read_hide_no_others(store, forget).await;
}

/// Whatever is wrong with a row, and also with one that would be passed over as ended, or as before the first.
async fn a_damaged_revocation_is_an_error_that_names_the_column<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let store = open::<S>(&url).await;
    for (column, damage) in [
        ("hash", "UPDATE auth_revocations SET hash = '' WHERE kind = 'session'"),
        ("hash", "UPDATE auth_revocations SET hash = 'short' WHERE kind = 'session'"),
        // Another one would be refused, and this one accepted.
        ("hash", "UPDATE auth_revocations SET name = 'S1' WHERE kind = 'session'"),
        ("hash", "UPDATE auth_revocations SET issuer = 'https://ID.example' WHERE kind = 'session'"),
        ("hash", "UPDATE auth_revocations SET kind = 'token' WHERE kind = 'session'"),
        ("issuer", "UPDATE auth_revocations SET issuer = ''"),
        ("kind", "UPDATE auth_revocations SET kind = 'Token'"),
        ("name", "UPDATE auth_revocations SET name = ''"),
        ("date", "UPDATE auth_revocations SET date = -1"),
        ("date", "UPDATE auth_revocations SET date = NULL"),
        ("date", "UPDATE auth_revocations SET date = 5"),
        ("ends_at", "UPDATE auth_revocations SET ends_at = -1"),
    ] {
        S::run(&url, "DELETE FROM auth_revocations").await;
        for record in [session("s1", after(100)), subject("42", 1, 100)] {
            store.put(&record, NOW).await.unwrap();
        }
        S::run(&url, damage).await;
        suite::a_damaged_revocation_is_an_error_that_names_the_column(&store, column, damage).await;
    }
}

/// What was confirmed before the server was killed is refused after it, and in between nobody gets in who was not let in
/// before: to a process that starts then, "nothing was revoked" and "nobody can say" must not look the same.
async fn while_the_server_is_down_no_token_is_accepted<S: Server>() {
    let mut server = S::own();
    let url = server.create().await;
    let store = S::open(&url, TIMEOUT).await.unwrap().revocations;
    let (service, running, starting) = (Service::new(), list(&store), list(&store));
    let (token, other) = (service.token("42"), service.token("43"));
    running.load(NOW).await.unwrap();
    let revocation = Revocation::of_token(&service.claims(&token)).unwrap();
    running.revoke(&revocation, NOW).await.unwrap();

    block_in_place(|| server.kill());
    assert!(matches!(starting.load(NOW).await, Err(StoreError::NotWritten(_))));
    service.assert_unavailable(&starting);
    // Who has loaded goes on with what it knows, and refuses here what cannot be written.
    let late = Revocation::subject(issuer(), "43", NOW).unwrap();
    assert!(running.revoke(&late, NOW).await.is_err());
    for revoked in [&token, &other] {
        assert_eq!(service.check(&running, revoked), Err(VerifyError::Revoked));
    }

    block_in_place(|| server.restart());
    starting.load(NOW).await.unwrap();
    assert_eq!(service.check(&starting, &token), Err(VerifyError::Revoked));
    assert_eq!(service.check(&starting, &other), Ok(()));
    running.revoke(&late, NOW).await.unwrap();
    starting.load(NOW).await.unwrap();
    assert_eq!(service.check(&starting, &other), Err(VerifyError::Revoked));
}

/// The same on both; `purge` is no method of a trait.
macro_rules! purges {
    ($($test:ident: $server:ty;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let server = <$server>::shared();
            let revocations = server.fresh().await.revocations();
            for n in 1..=10 {
                revocations.put(&session(&format!("s{n}"), after(n)), NOW).await.unwrap();
            }
            revocations.put(&session("for ever", UnixTime::MAX), NOW).await.unwrap();
            assert_eq!(revocations.purge(NOW, 100).await.unwrap(), 0);
            assert_eq!(revocations.purge(after(7), 3).await.unwrap(), 3);
            let left = load(&revocations, NOW).await.unwrap();
            assert!(left.iter().all(|record| record.ends_at > after(3)), "those that ended first");
            assert_eq!(revocations.purge(after(7), 100).await.unwrap(), 4);
            assert_eq!(revocations.purge(after(7), 100).await.unwrap(), 0);
            let left = load(&revocations, NOW).await.unwrap();
            assert!(left.contains(&session("s8", after(8))) && left.len() == 4, "{left:?}");
        }
    )*};
}
purges! {
    purging_forgets_what_has_ended_and_nothing_else_on_postgres: PostgresServer;
    purging_forgets_what_has_ended_and_nothing_else_on_mariadb: MariaDbServer;
}
