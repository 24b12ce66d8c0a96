//! Using a token.

use super::{
    TokenBench,
    sample::{put_all, token},
};
use crate::{
    TokenRecord, UnixTime,
    conformance::{
        check::{Verdict, expect},
        sample::{START, YEAR, at},
    },
};

/// Single use.
pub(super) async fn a_token_is_taken_once(bench: &TokenBench<'_>) -> Verdict {
    let (store, token, other) = (&bench.store, token("ann", 1)?, token("ann", 2)?);
    put_all(store, [&token, &other]).await?;
    expect("taking", store.take(&token.key, START).await?.as_ref(), Some(&token))?;
    expect("taking again", store.take(&token.key, START).await?, None)?;
    expect("peeking", store.peek(&token.key, START).await?, None)?;
    expect("the other", store.peek(&other.key, START).await?, Some(other))
}

/// A scanner that follows the link in a mail must not use it up.
pub(super) async fn peeking_leaves_the_token(bench: &TokenBench<'_>) -> Verdict {
    let (store, token) = (&bench.store, token("ann", 1)?);
    expect("peeking into an empty store", store.peek(&token.key, START).await?, None)?;
    put_all(store, [&token]).await?;
    for _ in 0..3 {
        expect("peeking", store.peek(&token.key, START).await?.as_ref(), Some(&token))?;
    }
    expect("taking", store.take(&token.key, START).await?, Some(token))
}

pub(super) async fn a_token_ends_when_it_expires(bench: &TokenBench<'_>) -> Verdict {
    let store = &bench.store;
    let early = TokenRecord { expires_at: at(100), ..token("ann", 1)? };
    let late = TokenRecord { expires_at: at(100), ..token("ann", 2)? };
    put_all(store, [&early, &late]).await?;
    expect("peeking a second before", store.peek(&early.key, at(99)).await?.as_ref(), Some(&early))?;
    expect("taking a second before", store.take(&early.key, at(99)).await?, Some(early))?;
    for secs in [100, 101, 1_000_000] {
        expect("peeking", store.peek(&late.key, at(secs)).await?, None)?;
        expect("taking", store.take(&late.key, at(secs)).await?, None)?;
    }
    Ok(())
}

/// A time beyond 2^63 must not be taken for a negative number.
pub(super) async fn a_token_that_never_expires_is_always_there(bench: &TokenBench<'_>) -> Verdict {
    let store = &bench.store;
    let token = TokenRecord { expires_at: UnixTime::MAX, ..token("ann", 1)? };
    let later = at(YEAR.saturating_mul(1_000));
    put_all(store, [&token]).await?;
    expect("purged", store.purge(later, 100).await?, 0)?;
    expect("peeking", store.peek(&token.key, later).await?.as_ref(), Some(&token))?;
    let revoked = store.revoke(&token.key.realm, token.key.purpose, &token.subject, later).await?;
    expect("revoked", revoked, 1)
}
