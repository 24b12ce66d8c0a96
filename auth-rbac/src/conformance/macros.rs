//! The suite as tests of another crate.

/// Tests a [`PolicyStore`](crate::PolicyStore): expands to tests that run
/// [`conformance::policy_store`](crate::conformance::policy_store).
///
/// The first argument makes a fresh, empty store: a function or closure that returns a future. The crate that uses it
/// needs `tokio` with `macros` and `rt-multi-thread` among its dev-dependencies. What may follow: `threads` for a second
/// test whose races run on OS threads, for stores that need no runtime; `rounds: 100` for another number of rounds of
/// each race among tasks.
///
/// ```
/// # mod doc {
/// use auth_rbac::MemoryPolicy;
///
/// async fn fresh() -> MemoryPolicy {
///     MemoryPolicy::new()
/// }
///
/// auth_rbac::policy_store_conformance!(fresh, threads);
/// # }
/// ```
///
/// Two of them in one module would share their names: give each a module.
#[macro_export]
macro_rules! policy_store_conformance {
    ($fresh:expr $(, rounds: $rounds:expr)? $(,)?) => {
        /// Races among tasks.
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn policy_store_conforms_among_tasks() {
            use $crate::conformance::{__auth_core::conformance::Tasks, policy_store};
            let race = Tasks::new(::tokio::spawn) $(.with_rounds($rounds))?;
            policy_store($fresh, &race).await.assert_passed();
        }
    };
    ($fresh:expr, threads $(, $($option:tt)*)?) => {
        $crate::policy_store_conformance! { $fresh, $($($option)*)? }

        /// Races among OS threads.
        #[test]
        fn policy_store_conforms_among_threads() {
            use $crate::conformance::{
                __auth_core::{conformance::Threads, testing::block_on},
                policy_store,
            };
            block_on(policy_store($fresh, &Threads::new())).assert_passed();
        }
    };
}
