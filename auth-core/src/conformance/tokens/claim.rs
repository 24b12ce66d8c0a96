//! Marking a key as used.

use super::{
    TokenBench,
    sample::{elsewhere, key, put_all, subject, token},
};
use crate::{
    Claim, Put, Realm, UnixTime,
    conformance::{
        check::{Verdict, expect},
        sample::{HOUR, PURPOSE, START, YEAR, at},
    },
};

/// The `jti` of a token that may be used once.
pub(super) async fn a_claim_is_first_once(bench: &TokenBench<'_>) -> Verdict {
    let store = &bench.store;
    expect("claiming", store.claim(&key(1), at(HOUR), START).await?, Claim::First)?;
    for secs in [0, 1, HOUR.saturating_sub(1)] {
        let claim = store.claim(&key(1), at(HOUR), at(secs)).await?;
        expect("claiming again", claim, Claim::Seen)?;
    }
    expect("another key", store.claim(&key(2), at(HOUR), at(10)).await?, Claim::First)
}

pub(super) async fn a_claim_may_be_made_anew_once_it_has_expired(bench: &TokenBench<'_>) -> Verdict {
    let store = &bench.store;
    expect("claiming", store.claim(&key(1), at(100), START).await?, Claim::First)?;
    expect("a second before", store.claim(&key(1), at(200), at(99)).await?, Claim::Seen)?;
    expect("anew", store.claim(&key(2), UnixTime::MAX, START).await?, Claim::First)?;
    let later = at(YEAR.saturating_mul(1_000));
    expect("one that never expires", store.claim(&key(2), UnixTime::MAX, later).await?, Claim::Seen)?;
    expect("claiming", store.claim(&key(3), at(100), START).await?, Claim::First)?;
    expect("at its end", store.claim(&key(3), at(200), at(100)).await?, Claim::First)?;
    expect("anew, until 200", store.claim(&key(3), at(300), at(199)).await?, Claim::Seen)
}

pub(super) async fn a_claim_is_for_its_purpose_and_realm_only(bench: &TokenBench<'_>) -> Verdict {
    let (store, token) = (&bench.store, token("ann", 1)?);
    expect("claiming", store.claim(&token.key, at(HOUR), START).await?, Claim::First)?;
    for other in elsewhere(&token)? {
        expect("elsewhere", store.claim(&other.key, at(HOUR), START).await?, Claim::First)?;
    }
    Ok(())
}

pub(super) async fn a_token_that_was_put_counts_as_seen(bench: &TokenBench<'_>) -> Verdict {
    let (store, put, replaced) = (&bench.store, token("ann", 1)?, token("bob", 2)?);
    put_all(store, [&put]).await?;
    expect("replacing", store.replace(&replaced, START).await?, Put::Stored)?;
    for token in [put, replaced] {
        expect("claiming", store.claim(&token.key, at(HOUR), START).await?, Claim::Seen)?;
        expect("the token", store.peek(&token.key, START).await?, Some(token))?;
    }
    Ok(())
}

/// Else whoever can ask for a token frees the key to be used again.
pub(super) async fn a_claim_is_not_a_token(bench: &TokenBench<'_>) -> Verdict {
    let store = &bench.store;
    expect("claiming", store.claim(&key(1), at(HOUR), START).await?, Claim::First)?;
    expect("peeking", store.peek(&key(1), START).await?, None)?;
    expect("taking", store.take(&key(1), START).await?, None)?;
    expect("replacing another", store.replace(&token("ann", 2)?, START).await?, Put::Stored)?;
    store.revoke(&Realm::LOCAL, PURPOSE, &subject("ann")?, START).await?;
    expect("claiming again", store.claim(&key(1), at(HOUR), START).await?, Claim::Seen)
}
