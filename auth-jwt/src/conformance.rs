//! The suite that every [`RevocationStore`] must pass, whoever writes it.
//!
//! It checks every sentence of the trait's documentation against a store of yours, some of them with calls that are
//! made at once, and answers a [`Report`]. What it demands can be read as code in [`reference`](mod@reference), and
//! what it catches in [`broken`]. [`auth_core::conformance`] has those of the other stores, and says what a race is.
//!
//! In the tests of a crate with `tokio`, one line does it:
//!
//! ```
//! # mod doc {
//! # use auth_jwt::conformance::reference::ReferenceRevocations;
//! auth_jwt::revocation_store_conformance!(|| async { ReferenceRevocations::default() }, threads);
//! # }
//! ```
//!
//! Elsewhere, or to look at the report:
//!
//! ```
//! use auth_core::{conformance::Threads, testing::block_on};
//! use auth_jwt::conformance::{reference::ReferenceRevocations, revocation_store};
//!
//! let fresh = || async { ReferenceRevocations::default() };
//! let report = block_on(revocation_store(fresh, &Threads::new().with_rounds(20)));
//! report.assert_passed();
//! ```
//!
//! # What it goes by
//!
//! - Time is the caller's, and all of it is in 2100 or later. Dates and ends go up to
//!   [`UnixTime::MAX`](auth_core::UnixTime::MAX), dates down to 1970.
//! - Handing over more than once is right, and so is handing over what has ended.
//! - What has ended at the `now` of any call may be gone.

mod apart;
mod at_once;
pub mod broken;
mod check;
mod load;
mod macros;
mod put;
pub mod reference;
mod sample;

use std::{pin::Pin, sync::Arc};

use auth_core::conformance::{Race, Report};

use crate::RevocationStore;
use check::{Bench, Verdict, Wrong};

#[doc(hidden)]
pub use auth_core as __auth_core;

/// One property.
struct Check {
    name: &'static str,
    run: for<'a> fn(&'a Bench<'a>) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>,
}

/// The table of the checks, each named by its function.
macro_rules! checks {
    ($($module:ident { $($check:ident),* $(,)? })*) => {
        const CHECKS: &[Check] = &[$($(
            Check { name: stringify!($check), run: |bench| Box::pin($module::$check(bench)) },
        )*)*];
    };
}

checks! {
    put {
        a_revocation_is_kept_exactly,
        the_later_date_counts,
        no_date_is_later_than_any,
        the_later_end_counts,
        date_and_end_count_each_for_itself,
        a_put_drops_nothing_that_has_not_ended,
    }
    apart {
        revocations_of_two_issuers_are_kept_apart,
        kinds_of_one_name_are_kept_apart,
        names_that_look_alike_are_kept_apart,
        long_names_are_kept_apart,
        parts_that_run_together_are_kept_apart,
    }
    load {
        every_one_of_many_is_handed_over,
        a_revocation_is_handed_over_until_it_ends,
        what_each_answers_is_passed_on,
    }
    at_once {
        of_many_that_put_one_name_the_latest_count,
        of_many_that_put_many_names_all_stay,
        what_was_confirmed_is_loaded_whatever_leaves_meanwhile,
    }
}

/// Checks a [`RevocationStore`]: every sentence of its contract, with calls that are made at once.
///
/// `fresh` makes an empty store; it is called once for each check. No check keeps more than 8 revocations for each round
/// of a race, or 1,300, at a time.
pub async fn revocation_store<S, Fut>(fresh: impl Fn() -> Fut, race: &dyn Race) -> Report
where
    S: RevocationStore + 'static,
    Fut: Future<Output = S>,
{
    let mut report = Report::new("revocation_store");
    for check in CHECKS {
        let bench = Bench { store: Arc::new(fresh().await), race };
        report.note(check.name, (check.run)(&bench).await.map_err(|Wrong(why)| why));
    }
    report
}
