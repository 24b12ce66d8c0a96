//! The suite of credential stores.

mod at_once;
mod failures;
mod find;
mod find_at_once;
mod list;
mod written;

use super::{
    accounts::{AccountBench, Pair, pair},
    check::{checks, run},
    race::Race,
    report::Report,
};
use crate::{AccountStore, CredentialStore};

type CredentialBench<'a> = AccountBench<'a>;

checks! { Pair:
    find {
        a_credential_is_found_with_its_owners_status_and_epoch,
        a_credential_is_found_by_its_whole_key_only,
        a_credential_that_expired_is_still_found,
    }
    find_at_once {
        data_and_epoch_are_read_in_one_step,
        a_credential_is_never_read_half_written,
    }
    list {
        a_list_has_the_oldest_first_and_ties_by_key,
        a_list_is_cut_into_pages,
        a_list_has_the_credentials_of_its_owner_only,
    }
    written {
        an_update_replaces_the_data_and_nothing_else,
        an_update_of_another_version_is_a_conflict,
        an_update_of_no_credential_makes_none,
        a_credential_is_consumed_once,
        a_credential_of_another_version_is_not_consumed,
    }
    failures {
        failures_are_counted_and_nothing_else,
        a_success_forgets_the_failures_and_notes_the_use,
        a_success_of_another_version_is_none,
        nobody_fails_or_succeeds_without_a_credential,
    }
    at_once {
        of_many_updates_of_one_version_one_wins,
        of_many_that_consume_one_credential_one_does,
        a_credential_is_not_both_consumed_and_updated,
        no_failure_is_lost,
        failures_and_updates_at_once_are_both_kept,
        a_write_at_once_with_removal_brings_nothing_back,
    }
}

/// Checks a [`CredentialStore`]: every sentence of its contract, and every method raced against the others.
///
/// `fresh` makes an empty account store and the credential store beside it, as for
/// [`account_store`](super::account_store). It is called once for each check. No check keeps more than one
/// account for each round of a race, or 100, at a time.
pub async fn credential_store<A, C, Fut>(fresh: impl Fn() -> Fut, race: &dyn Race) -> Report
where
    A: AccountStore + 'static,
    C: CredentialStore + 'static,
    Fut: Future<Output = (A, C)>,
{
    run("credential_store", CHECKS, || pair(&fresh), race).await
}
