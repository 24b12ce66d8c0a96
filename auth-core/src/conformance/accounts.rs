//! The suite of account stores.

mod apply;
mod apply_at_once;
mod apply_credentials;
mod create;
mod create_at_once;
mod remove;
pub(super) mod sample;
mod sweeps;

use std::sync::Arc;

use super::{
    check::{Bench, checks, run},
    race::Race,
    report::Report,
};
use crate::{AccountStore, CredentialStore};

/// An account store, and the credential store that shows what it did to credentials.
pub(super) struct Pair {
    pub(super) accounts: Box<dyn AccountStore>,
    pub(super) credentials: Box<dyn CredentialStore>,
}

pub(super) type AccountBench<'a> = Bench<'a, Pair>;

checks! { Pair:
    create {
        every_field_of_an_account_is_kept_exactly,
        every_field_of_a_credential_is_kept_exactly,
        a_login_belongs_to_one_account_of_its_realm,
        a_login_belongs_to_one_account_in_each_realm,
        an_id_belongs_to_one_account,
        ids_that_look_alike_are_kept_apart,
        a_credential_key_exists_once,
        what_is_refused_leaves_nothing_behind,
    }
    create_at_once {
        of_many_that_sign_up_with_one_login_one_does,
        of_many_that_sign_up_with_one_id_one_does,
        of_many_that_sign_up_with_one_credential_one_does,
    }
    apply {
        a_change_raises_the_version_by_one,
        a_bump_raises_the_epoch_and_notes_the_sweep,
        a_change_of_another_version_is_a_conflict,
        a_change_of_no_account_makes_none,
        a_change_of_login_frees_the_old_one,
        a_login_that_is_taken_is_refused,
        a_status_is_seen_with_every_credential,
        a_sweep_that_is_done_is_noted,
    }
    apply_credentials {
        a_credential_is_added,
        a_credential_that_exists_is_not_added_again,
        a_credential_of_another_owner_or_realm_is_not_written,
        a_credential_is_replaced_and_its_failures_are_forgotten,
        a_credential_of_another_version_is_not_replaced,
        a_credential_is_removed,
        credentials_of_other_accounts_are_out_of_reach,
        a_conflict_in_a_later_change_undoes_the_earlier_ones,
        a_login_taken_in_a_later_change_undoes_the_earlier_ones,
    }
    apply_at_once {
        of_many_changes_of_one_version_one_wins,
        no_bump_is_lost,
        of_many_that_change_to_one_login_one_does,
        an_account_is_never_read_half_changed,
        a_change_at_once_with_removal_brings_nothing_back,
    }
    remove {
        a_removed_account_takes_its_credentials_with_it,
        a_removed_account_frees_its_login_and_its_keys,
    }
    sweeps {
        pending_sweeps_are_listed_until_they_are_done,
        pending_sweeps_are_cut_into_pages,
    }
}

/// Checks an [`AccountStore`]: every sentence of its contract, and every method raced against the others.
///
/// `fresh` makes an empty account store and the credential store beside it; for one type that is both, a
/// pair of two `Arc`s of it. It is called once for each check. No check keeps more than 8 accounts for each
/// round of a race, or 100, at a time.
pub async fn account_store<A, C, Fut>(fresh: impl Fn() -> Fut, race: &dyn Race) -> Report
where
    A: AccountStore + 'static,
    C: CredentialStore + 'static,
    Fut: Future<Output = (A, C)>,
{
    run("account_store", CHECKS, || pair(&fresh), race).await
}

/// A fresh pair for one check.
pub(super) async fn pair<A, C, Fut>(fresh: &impl Fn() -> Fut) -> Arc<Pair>
where
    A: AccountStore + 'static,
    C: CredentialStore + 'static,
    Fut: Future<Output = (A, C)>,
{
    let (accounts, credentials) = fresh().await;
    Arc::new(Pair { accounts: Box::new(accounts), credentials: Box::new(credentials) })
}
