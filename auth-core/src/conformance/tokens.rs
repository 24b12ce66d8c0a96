//! The suite of token stores.

mod at_once;
mod claim;
mod purge;
mod put;
mod replace;
mod sample;
mod take;

use std::sync::Arc;

use super::{
    check::{Bench, checks, run},
    race::Race,
    report::Report,
};
use crate::TokenStore;

type TokenBench<'a> = Bench<'a, dyn TokenStore>;

checks! { dyn TokenStore:
    put {
        a_token_is_kept_exactly,
        a_key_is_put_once,
        tokens_of_one_subject_stay_beside_each_other,
        a_token_is_for_its_purpose_only,
        a_token_is_of_its_realm_only,
    }
    take {
        a_token_is_taken_once,
        peeking_leaves_the_token,
        a_token_ends_when_it_expires,
        a_token_that_never_expires_is_always_there,
    }
    replace {
        the_newest_token_wins,
        a_replacement_leaves_other_subjects_purposes_and_realms,
        a_replacement_that_collides_removes_nothing,
        revoking_removes_the_tokens_of_one_subject_for_one_purpose,
        revoking_counts_live_tokens_only,
        subjects_that_look_alike_are_kept_apart,
    }
    claim {
        a_claim_is_first_once,
        a_claim_may_be_made_anew_once_it_has_expired,
        a_claim_is_for_its_purpose_and_realm_only,
        a_token_that_was_put_counts_as_seen,
        a_claim_is_not_a_token,
    }
    purge {
        purging_forgets_expired_tokens_and_claims_and_nothing_else,
        purging_forgets_no_more_than_it_may,
    }
    at_once {
        of_many_that_put_one_key_one_does,
        of_many_that_take_one_token_one_gets_it,
        of_many_that_claim_one_key_one_is_first,
        of_many_that_claim_an_expired_key_one_is_first,
        of_many_replacements_one_stays,
        a_token_is_not_both_taken_and_revoked,
        a_token_is_not_both_taken_and_replaced,
    }
}

/// Checks a [`TokenStore`]: every sentence of its contract, and every method raced against the others.
///
/// `fresh` makes an empty store; it is called once for each check. No check keeps more than 8 tokens for
/// each round of a race, or 100, at a time.
pub async fn token_store<S, Fut>(fresh: impl Fn() -> Fut, race: &dyn Race) -> Report
where
    S: TokenStore + 'static,
    Fut: Future<Output = S>,
{
    let fresh = || async { Arc::new(fresh().await) as Arc<dyn TokenStore> };
    run("token_store", CHECKS, fresh, race).await
}
