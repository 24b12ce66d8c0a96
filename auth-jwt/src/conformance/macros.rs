//! The suite as tests of another crate.

/// Tests a [`RevocationStore`](crate::RevocationStore): expands to tests that run
/// [`conformance::revocation_store`](crate::conformance::revocation_store).
///
/// The first argument makes a fresh, empty store: a function or closure that returns a future. The crate that uses it
/// needs `tokio` with `macros` and `rt-multi-thread` among its dev-dependencies. What may follow: `threads` for a second
/// test whose races run on OS threads, for stores that need no runtime; `rounds: 100` for another number of rounds of
/// each race among tasks.
///
/// ```
/// # mod doc {
/// use auth_jwt::conformance::reference::ReferenceRevocations;
///
/// async fn fresh() -> ReferenceRevocations {
///     ReferenceRevocations::default()
/// }
///
/// auth_jwt::revocation_store_conformance!(fresh, threads);
/// # }
/// ```
///
/// Two of them in one module would share their names: give each a module.
#[macro_export]
macro_rules! revocation_store_conformance {
    ($fresh:expr $(, rounds: $rounds:expr)? $(,)?) => {
        /// Races among tasks.
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn revocation_store_conforms_among_tasks() {
            use $crate::conformance::{__auth_core::conformance::Tasks, revocation_store};
            let race = Tasks::new(::tokio::spawn) $(.with_rounds($rounds))?;
            revocation_store($fresh, &race).await.assert_passed();
        }
    };
    ($fresh:expr, threads $(, $($option:tt)*)?) => {
        $crate::revocation_store_conformance! { $fresh, $($($option)*)? }

        /// Races among OS threads.
        #[test]
        fn revocation_store_conforms_among_threads() {
            use $crate::conformance::{
                __auth_core::{conformance::Threads, testing::block_on},
                revocation_store,
            };
            block_on(revocation_store($fresh, &Threads::new())).assert_passed();
        }
    };
}
