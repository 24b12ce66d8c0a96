//! Other programs that hold rows.

use std::time::Instant;

use auth_core::{AccountChange, AccountStatus, EpochBump, StoreError, Version, Written};
use sqlx::{Connection, MySqlConnection, PgConnection};

use crate::support::{MariaDbServer, NOW, PostgresServer, Server, Stores, TIMEOUT, account, ann, session};

/// A row that another transaction never lets go must give an error that says that nothing was written, in time, and
/// must not delay those that only read.
async fn refuses_in_time_and_goes_on_reading(stores: &Stores) {
    let started = Instant::now();
    let disable = [AccountChange::Status(AccountStatus::Disabled)];
    let applied = stores.accounts.apply(&ann(), Version::FIRST, &disable, EpochBump::Bump).await;
    assert_not_written(applied);
    assert_not_written(stores.accounts.remove(&ann()).await);
    assert!(started.elapsed() < TIMEOUT * 3, "{:?}", started.elapsed());
    assert_eq!(stores.accounts.by_id(&ann()).await.unwrap(), Some(account(&ann())));
    // Nor do those that write other rows.
    let _ = stores.sessions.insert(&session(&ann(), 0), None, NOW).await.unwrap();
}

const LOCK: &str = "SELECT * FROM auth_accounts FOR UPDATE";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_stays_locked_is_an_error_in_time_on_postgres() {
    let server = PostgresServer::shared();
    let url = server.create().await;
    let stores = PostgresServer::open(&url, TIMEOUT).await.unwrap();
    let _ = stores.accounts.create(&account(&ann()), &[]).await.unwrap();
    let mut stranger = PgConnection::connect(&url).await.unwrap();
    let mut holding = stranger.begin().await.unwrap();
    sqlx::query(LOCK).execute(&mut *holding).await.unwrap();
    refuses_in_time_and_goes_on_reading(&stores).await;
    holding.rollback().await.unwrap();
    assert!(stores.accounts.remove(&ann()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_stays_locked_is_an_error_in_time_on_mariadb() {
    let server = MariaDbServer::shared();
    let url = server.create().await;
    let stores = MariaDbServer::open(&url, TIMEOUT).await.unwrap();
    let _ = stores.accounts.create(&account(&ann()), &[]).await.unwrap();
    let mut stranger = MySqlConnection::connect(&url).await.unwrap();
    let mut holding = stranger.begin().await.unwrap();
    sqlx::query(LOCK).fetch_all(&mut *holding).await.unwrap();
    refuses_in_time_and_goes_on_reading(&stores).await;
    holding.rollback().await.unwrap();
    assert!(stores.accounts.remove(&ann()).await.unwrap());
}

/// The server gives up before the caller does, or at the same time: then it may have been about to write.
#[track_caller]
fn assert_not_written<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    let error = outcome.unwrap_err();
    assert!(error.written() == Written::No || matches!(error, StoreError::Timeout), "{error:?}");
}
