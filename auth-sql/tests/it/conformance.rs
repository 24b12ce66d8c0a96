//! The suites of every storage trait, each check on a file of its own.

use auth_core::conformance::{self, Race, Tasks};
use auth_sql::SqliteAccounts;

use crate::support::Folder;

fn race() -> impl Race {
    Tasks::new(tokio::spawn)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_conform() {
    let folder = Folder::new();
    let fresh = || async { folder.fresh().await.sessions() };
    conformance::session_store(fresh, &race()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_conform() {
    let folder = Folder::new();
    let fresh = || async { folder.fresh().await.tokens() };
    conformance::token_store(fresh, &race()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_conform() {
    let folder = Folder::new();
    let fresh = || async { folder.fresh().await.counters() };
    conformance::counter_store(fresh, &race()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn accounts_conform() {
    let folder = Folder::new();
    let fresh = || async { both(folder.fresh().await.accounts()) };
    conformance::account_store(fresh, &race()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn credentials_conform() {
    let folder = Folder::new();
    let fresh = || async { both(folder.fresh().await.accounts()) };
    conformance::credential_store(fresh, &race()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn assignments_conform() {
    let folder = Folder::new();
    let fresh = || async { folder.fresh().await.assignments() };
    conformance::assignment_store(fresh, &race()).await.assert_passed();
}

/// The account store and the credential store of the suites: here they are one.
fn both(accounts: SqliteAccounts) -> (SqliteAccounts, SqliteAccounts) {
    (accounts.clone(), accounts)
}
