//! The suites that every [`PolicySource`] and every [`PolicyStore`] must pass, whoever writes it.
//!
//! They check every sentence of the traits' documentation, some of them with calls that are made at once, and answer a
//! [`Report`]. [`MemoryPolicy`](crate::MemoryPolicy) passes; what they catch can be read in [`broken`].
//! [`auth_core::conformance`] has the suites of the other stores, and says what a race is.
//!
//! In the tests of a crate with `tokio`, one line does it:
//!
//! ```
//! # mod doc {
//! # use auth_rbac::MemoryPolicy;
//! auth_rbac::policy_store_conformance!(|| async { MemoryPolicy::new() }, threads);
//! # }
//! ```
//!
//! Elsewhere, or to look at the report:
//!
//! ```
//! use auth_core::{conformance::Threads, testing::block_on};
//! use auth_rbac::{MemoryPolicy, conformance::policy_store};
//!
//! let fresh = || async { MemoryPolicy::new() };
//! let report = block_on(policy_store(fresh, &Threads::new().with_rounds(20)));
//! report.assert_passed();
//! ```
//!
//! # What they go by
//!
//! - A policy comes back as it was saved, but for the order of what has none: roles, assignments, groups and the like may
//!   come in any order, entries of a list and rules may not.
//! - Versions go up to 2^63 - 1, which is what a signed column holds. A store may refuse larger ones.
//! - A store that is asked to change what is no longer there says so, whatever else would be wrong with the changes.

mod at_once;
pub mod broken;
mod changes;
mod check;
mod kept;
mod macros;
mod names;
mod refused;
mod said;
mod source;

use std::{pin::Pin, sync::Arc};

use auth_core::conformance::{Race, Report};

use crate::{
    document::{DocumentError, PolicyDocument},
    source::PolicySource,
    store::PolicyStore,
};
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
    kept {
        where_nothing_was_stored_there_is_no_policy,
        a_policy_is_loaded_as_it_was_saved,
        what_has_not_changed_is_not_loaded_again,
        a_large_policy_is_kept_whole,
        what_is_stored_comes_into_force,
    }
    names {
        names_of_policies_compare_byte_by_byte,
        the_longest_names_of_policies_survive,
    }
    refused {
        a_policy_that_was_overtaken_is_not_written,
        what_is_no_policy_is_not_stored,
        a_version_that_does_not_follow_is_not_stored,
        too_many_changes_are_refused,
        changes_are_all_made_or_none,
    }
    changes {
        each_change_does_what_it_does_to_a_document,
        a_deleted_role_leaves_nothing_to_the_next_of_its_name,
        every_change_has_a_version_of_its_own,
    }
    at_once {
        of_writers_at_once_one_wins_each_version,
        a_policy_is_read_as_it_was_at_one_moment,
    }
}

/// Checks a [`PolicyStore`]: every sentence of its contract, with calls that are made at once.
///
/// `fresh` makes an empty store; it is called once for each check. No check keeps more than 3,000 items of a policy at a
/// time.
pub async fn policy_store<S, Fut>(fresh: impl Fn() -> Fut, race: &dyn Race) -> Report
where
    S: PolicyStore + 'static,
    Fut: Future<Output = S>,
{
    let mut report = Report::new("policy_store");
    for check in CHECKS {
        let bench = Bench { store: Arc::new(fresh().await), race };
        report.note(check.name, (check.run)(&bench).await.map_err(|Wrong(why)| why));
    }
    report
}

/// Checks a [`PolicySource`], which somebody else writes: `holding` makes one that has a policy, which then stays.
///
/// A source may answer that it is changing, at most [`MAX_LOOKS`] times in a row, without anybody's waiting in between.
pub async fn policy_source<S, Fut>(holding: impl Fn(PolicyDocument) -> Fut) -> Report
where
    S: PolicySource + 'static,
    Fut: Future<Output = S>,
{
    let mut report = Report::new("policy_source");
    let samples = match source::samples() {
        Ok(samples) => samples,
        Err(Wrong(why)) => {
            report.note("the_samples_are_policies", Err(why));
            return report;
        }
    };
    let [first, other] = samples.clone().map(&holding);
    let (first, other) = (first.await, other.await);
    for (name, outcome) in [
        ("a_policy_is_answered_whole", source::a_policy_is_answered_whole(&first, &samples[0]).await),
        ("what_is_known_is_not_answered_again", source::what_is_known_is_not_answered_again(&first).await),
        (
            "policies_that_differ_are_told_apart",
            source::policies_that_differ_are_told_apart(&first, &other, &samples[1]).await,
        ),
    ] {
        report.note(name, outcome.map_err(|Wrong(why)| why));
    }
    report
}

/// How often a source is asked that answers that it is changing.
pub const MAX_LOOKS: u32 = 100;

/// A policy that has something of everything: version 7, and compiles.
///
/// # Errors
/// None: it is tested.
pub fn sample() -> Result<PolicyDocument, DocumentError> {
    PolicyDocument::from_toml(include_str!("conformance/sample.toml"))
}
