//! The suites as tests of another crate.

/// Tests a [`SessionStore`](crate::SessionStore): expands to tests that run
/// [`conformance::session_store`](crate::conformance::session_store).
///
/// The first argument makes a fresh, empty store: a function or closure that returns a future. The crate
/// that uses it needs `tokio` with `macros` and `rt-multi-thread` among its dev-dependencies. What may
/// follow: `threads` for a second test whose races run on OS threads, for stores that need no runtime;
/// `rounds: 100` for another number of rounds of each race among tasks.
///
/// ```
/// # mod doc {
/// use auth_core::conformance::reference::ReferenceSessions;
///
/// async fn fresh() -> ReferenceSessions {
///     ReferenceSessions::default()
/// }
///
/// auth_core::session_store_conformance!(fresh, threads);
/// # }
/// ```
///
/// Two of them in one module would share their names: give each a module.
#[macro_export]
macro_rules! session_store_conformance {
    ($fresh:expr $(, $($option:tt)*)?) => {
        $crate::__conformance_tests! {
            session_store, session_store_conforms_among_tasks, session_store_conforms_among_threads,
            $fresh, $($($option)*)?
        }
    };
}

/// Tests a [`TokenStore`](crate::TokenStore), as [`session_store_conformance!`](crate::session_store_conformance)
/// tests a session store.
#[macro_export]
macro_rules! token_store_conformance {
    ($fresh:expr $(, $($option:tt)*)?) => {
        $crate::__conformance_tests! {
            token_store, token_store_conforms_among_tasks, token_store_conforms_among_threads,
            $fresh, $($($option)*)?
        }
    };
}

/// Tests a [`CounterStore`](crate::CounterStore), as
/// [`session_store_conformance!`](crate::session_store_conformance) tests a session store.
#[macro_export]
macro_rules! counter_store_conformance {
    ($fresh:expr $(, $($option:tt)*)?) => {
        $crate::__conformance_tests! {
            counter_store, counter_store_conforms_among_tasks, counter_store_conforms_among_threads,
            $fresh, $($($option)*)?
        }
    };
}

/// Tests an [`AccountStore`](crate::AccountStore), as
/// [`session_store_conformance!`](crate::session_store_conformance) tests a session store. The first
/// argument makes a pair: the account store, and the credential store beside it.
#[macro_export]
macro_rules! account_store_conformance {
    ($fresh:expr $(, $($option:tt)*)?) => {
        $crate::__conformance_tests! {
            account_store, account_store_conforms_among_tasks, account_store_conforms_among_threads,
            $fresh, $($($option)*)?
        }
    };
}

/// Tests a [`CredentialStore`](crate::CredentialStore), as
/// [`session_store_conformance!`](crate::session_store_conformance) tests a session store. The first
/// argument makes a pair: the account store, and the credential store beside it.
#[macro_export]
macro_rules! credential_store_conformance {
    ($fresh:expr $(, $($option:tt)*)?) => {
        $crate::__conformance_tests! {
            credential_store, credential_store_conforms_among_tasks, credential_store_conforms_among_threads,
            $fresh, $($($option)*)?
        }
    };
}

/// Tests an [`AssignmentStore`](crate::AssignmentStore), as
/// [`session_store_conformance!`](crate::session_store_conformance) tests a session store.
#[macro_export]
macro_rules! assignment_store_conformance {
    ($fresh:expr $(, $($option:tt)*)?) => {
        $crate::__conformance_tests! {
            assignment_store, assignment_store_conforms_among_tasks, assignment_store_conforms_among_threads,
            $fresh, $($($option)*)?
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($suite:ident, $tasks:ident, $threads:ident, $fresh:expr, $(rounds: $rounds:expr)? $(,)?) => {
        /// Races among tasks.
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $tasks() {
            let race = $crate::conformance::Tasks::new(::tokio::spawn) $(.with_rounds($rounds))?;
            $crate::conformance::$suite($fresh, &race).await.assert_passed();
        }
    };
    ($suite:ident, $tasks:ident, $threads:ident, $fresh:expr, threads $(, $($option:tt)*)?) => {
        $crate::__conformance_tests! { $suite, $tasks, $threads, $fresh, $($($option)*)? }

        /// Races among OS threads.
        #[test]
        fn $threads() {
            let race = $crate::conformance::Threads::new();
            $crate::testing::block_on($crate::conformance::$suite($fresh, &race)).assert_passed();
        }
    };
}
