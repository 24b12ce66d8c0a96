//! Other programs that hold rows.

use std::time::{Duration, Instant};

use auth_core::{
    AccountChange, AccountStatus, CounterKey, EpochBump, Realm, StoreError, Version, Window, Written,
};
use sqlx::{Connection, MySqlConnection, PgConnection};

use crate::support::{
    MariaDbServer, NOW, PURPOSE, PostgresServer, Server, Stores, TIMEOUT, account, ann, session,
};

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

/// Whoever guesses at one account all day must not end the visits of everybody else.
async fn sessions_load_while_many_wait_for_one_counter(stores: &Stores, waiting: usize) {
    let record = session(&ann(), 0);
    let _ = stores.sessions.insert(&record, None, NOW).await.unwrap();
    let adds: Vec<_> = (0..waiting)
        .map(|_| {
            let (counters, (key, window)) = (stores.counters.clone(), counter());
            tokio::spawn(async move { counters.add(&key, 1, window, NOW).await })
        })
        .collect();
    let mut loads = 0_u32;
    while adds.iter().any(|add| !add.is_finished()) {
        let started = Instant::now();
        assert_eq!(stores.sessions.load(&record.id, NOW).await.unwrap(), Some(record.clone()));
        assert!(started.elapsed() < TIMEOUT / 2, "load {loads}: {:?}", started.elapsed());
        loads += 1;
    }
    for add in adds {
        assert_not_written(add.await.unwrap());
    }
    assert!(loads > 1, "{loads} loads");
}

fn counter() -> (CounterKey, Window) {
    (CounterKey::new(&Realm::LOCAL, PURPOSE, &[b"ann"]), Window::new(Duration::from_secs(60)))
}

const LOCK_COUNTER: &str = "SELECT * FROM auth_counters FOR UPDATE";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_that_stays_locked_stops_no_session_on_postgres() {
    let server = PostgresServer::shared();
    let url = server.create().await;
    let stores = PostgresServer::open(&url, TIMEOUT).await.unwrap();
    let (key, window) = counter();
    let _ = stores.counters.add(&key, 1, window, NOW).await.unwrap();
    let mut stranger = PgConnection::connect(&url).await.unwrap();
    let mut holding = stranger.begin().await.unwrap();
    sqlx::query(LOCK_COUNTER).execute(&mut *holding).await.unwrap();
    sessions_load_while_many_wait_for_one_counter(&stores, 30).await;
    holding.rollback().await.unwrap();
    assert_eq!(stores.counters.add(&key, 1, window, NOW).await.unwrap().value, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_that_stays_locked_stops_no_session_on_mariadb() {
    let server = MariaDbServer::shared();
    let url = server.create().await;
    let stores = MariaDbServer::open(&url, TIMEOUT).await.unwrap();
    let (key, window) = counter();
    let _ = stores.counters.add(&key, 1, window, NOW).await.unwrap();
    let mut stranger = MySqlConnection::connect(&url).await.unwrap();
    let mut holding = stranger.begin().await.unwrap();
    sqlx::query(LOCK_COUNTER).fetch_all(&mut *holding).await.unwrap();
    sessions_load_while_many_wait_for_one_counter(&stores, 30).await;
    holding.rollback().await.unwrap();
    assert_eq!(stores.counters.add(&key, 1, window, NOW).await.unwrap().value, 2);
}

/// The server gives up before the caller does, or at the same time: then it may have been about to write.
#[track_caller]
fn assert_not_written<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    let error = outcome.unwrap_err();
    assert!(
        error.written() == Written::No || matches!(error, StoreError::Timeout | StoreError::Unknown(_)),
        "{error:?}"
    );
}
