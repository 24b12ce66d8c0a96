//! Forgetting expired tokens and claims.

use super::{
    TokenBench,
    sample::{key, put_all, token},
};
use crate::{
    Claim, TokenRecord,
    conformance::{
        check::{Verdict, expect, purge_by_threes},
        sample::{START, at},
    },
};

pub(super) async fn purging_forgets_expired_tokens_and_claims_and_nothing_else(
    bench: &TokenBench<'_>,
) -> Verdict {
    let store = &bench.store;
    let expired = TokenRecord { expires_at: at(100), ..token("ann", 1)? };
    let live = TokenRecord { expires_at: at(101), ..token("ann", 2)? };
    put_all(store, [&expired, &live]).await?;
    expect("claiming", store.claim(&key(3), at(100), START).await?, Claim::First)?;
    expect("claiming", store.claim(&key(4), at(101), START).await?, Claim::First)?;
    expect("purged a second before", store.purge(at(99), 100).await?, 0)?;
    expect("a token", store.peek(&expired.key, at(99)).await?.as_ref(), Some(&expired))?;
    expect("a claim", store.claim(&key(3), at(100), at(99)).await?, Claim::Seen)?;
    expect("purged", store.purge(at(100), 100).await?, 2)?;
    expect("purged again", store.purge(at(100), 100).await?, 0)?;
    expect("the expired token", store.peek(&expired.key, at(100)).await?, None)?;
    expect("the live claim", store.claim(&key(4), at(101), at(100)).await?, Claim::Seen)?;
    expect("the live token", store.take(&live.key, at(100)).await?, Some(live))
}

pub(super) async fn purging_forgets_no_more_than_it_may(bench: &TokenBench<'_>) -> Verdict {
    let store = &bench.store;
    for n in 0..5 {
        put_all(store, [&TokenRecord { expires_at: at(10), ..token("ann", n)? }]).await?;
        let claim = store.claim(&key(n.saturating_add(10)), at(10), START).await?;
        expect("claiming", claim, Claim::First)?;
    }
    expect("purged without a limit to reach", store.purge(at(20), 0).await?, 0)?;
    purge_by_threes(10, |limit| store.purge(at(20), limit)).await
}
