//! The suite of assignment stores.

mod at_once;
mod change;
mod list;
mod sample;

use std::sync::Arc;

use super::{
    check::{Bench, checks, run},
    race::Race,
    report::Report,
};
use crate::AssignmentStore;

type AssignmentBench<'a> = Bench<'a, dyn AssignmentStore>;

checks! { dyn AssignmentStore:
    change {
        a_role_is_granted_once,
        a_role_is_revoked_once,
        the_version_goes_up_with_each_change_and_stays_otherwise,
    }
    list {
        roles_are_listed_by_name,
        a_role_is_held_by_its_principal_only,
        principals_that_look_alike_are_kept_apart,
        names_of_every_length_are_kept_exactly,
        all_assignments_are_cut_into_pages,
    }
    at_once {
        of_many_that_grant_one_role_one_does,
        of_many_that_revoke_one_role_one_does,
        each_change_at_once_has_a_version_of_its_own,
        a_version_has_one_list,
    }
}

/// Checks an [`AssignmentStore`]: every sentence of its contract, and every method raced against the others.
///
/// `fresh` makes an empty store; it is called once for each check. No check keeps more than 8 assignments
/// for each round of a race, or 200, at a time.
pub async fn assignment_store<S, Fut>(fresh: impl Fn() -> Fut, race: &dyn Race) -> Report
where
    S: AssignmentStore + 'static,
    Fut: Future<Output = S>,
{
    let fresh = || async { Arc::new(fresh().await) as Arc<dyn AssignmentStore> };
    run("assignment_store", CHECKS, fresh, race).await
}
