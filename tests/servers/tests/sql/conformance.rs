//! The suites of every storage trait, each check in a database of its own.

use auth_core::conformance::{self, Race, Tasks};
use auth_jwt::conformance::revocation_store;
use auth_rbac::conformance::policy_store;

use crate::support::Server;

fn race() -> impl Race {
    Tasks::new(tokio::spawn)
}

/// The suites on one kind of server.
macro_rules! conforms {
    ($database:ident, $server:ty) => {
        mod $database {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sessions_conform() {
                let server = <$server>::shared();
                let fresh = || async { server.fresh().await.sessions() };
                conformance::session_store(fresh, &race()).await.assert_passed();
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn tokens_conform() {
                let server = <$server>::shared();
                let fresh = || async { server.fresh().await.tokens() };
                conformance::token_store(fresh, &race()).await.assert_passed();
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn counters_conform() {
                let server = <$server>::shared();
                let fresh = || async { server.fresh().await.counters() };
                conformance::counter_store(fresh, &race()).await.assert_passed();
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn accounts_conform() {
                let server = <$server>::shared();
                // The account store and the credential store of the suites: here they are one.
                let fresh = || async {
                    let accounts = server.fresh().await.accounts();
                    (accounts.clone(), accounts)
                };
                conformance::account_store(fresh, &race()).await.assert_passed();
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn credentials_conform() {
                let server = <$server>::shared();
                let fresh = || async {
                    let accounts = server.fresh().await.accounts();
                    (accounts.clone(), accounts)
                };
                conformance::credential_store(fresh, &race()).await.assert_passed();
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn assignments_conform() {
                let server = <$server>::shared();
                let fresh = || async { server.fresh().await.assignments() };
                conformance::assignment_store(fresh, &race()).await.assert_passed();
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn revocations_conform() {
                let server = <$server>::shared();
                let fresh = || async { server.fresh().await.revocations() };
                revocation_store(fresh, &race()).await.assert_passed();
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn policies_conform() {
                let server = <$server>::shared();
                let fresh = || async { server.fresh().await.policy() };
                let race = Tasks::new(tokio::spawn).with_rounds(10);
                policy_store(fresh, &race).await.assert_passed();
            }
        }
    };
}

conforms!(postgres, crate::support::PostgresServer);
conforms!(mariadb, crate::support::MariaDbServer);
