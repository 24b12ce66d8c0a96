//! Adding a token.

use super::{
    TokenBench,
    sample::{elsewhere, key, put_all, token},
};
use crate::{
    Put, TokenKey, TokenRecord, TokenSubject, UnixTime,
    conformance::{
        check::{Verdict, expect},
        sample::{PURPOSE, START, at, bytes, hash, long_id, long_realm},
    },
};

pub(super) async fn a_token_is_kept_exactly(bench: &TokenBench<'_>) -> Verdict {
    let store = &bench.store;
    let small = TokenRecord { payload: Vec::new(), expires_at: at(1), ..token("a", 1)? };
    let large = TokenRecord {
        key: TokenKey { realm: long_realm()?, purpose: PURPOSE, hash: hash(2) },
        subject: TokenSubject::parse(&long_id())?,
        expires_at: UnixTime::MAX,
        payload: bytes(TokenRecord::MAX_PAYLOAD),
    };
    let zeros = TokenRecord { payload: vec![0; 9], ..token("'; DROP TABLE tokens", 3)? };
    let tokens = [small, large, zeros];
    put_all(store, &tokens).await?;
    for token in tokens {
        expect("peeking", store.peek(&token.key, START).await?.as_ref(), Some(&token))?;
        expect("taking", store.take(&token.key, START).await?, Some(token))?;
    }
    Ok(())
}

pub(super) async fn a_key_is_put_once(bench: &TokenBench<'_>) -> Verdict {
    let (store, first) = (&bench.store, token("ann", 1)?);
    let second = TokenRecord { key: first.key.clone(), expires_at: at(9_999), ..token("bob", 2)? };
    put_all(store, [&first]).await?;
    for again in [&first, &second] {
        expect("putting the key again", store.put(again, START).await?, Put::Collision)?;
        expect("the token", store.peek(&first.key, START).await?.as_ref(), Some(&first))?;
    }
    Ok(())
}

pub(super) async fn tokens_of_one_subject_stay_beside_each_other(bench: &TokenBench<'_>) -> Verdict {
    let tokens = [token("ann", 1)?, token("ann", 2)?, token("ann", 3)?];
    put_all(&bench.store, &tokens).await?;
    for token in tokens {
        expect("a token", bench.store.take(&token.key, START).await?, Some(token))?;
    }
    Ok(())
}

/// A link that verifies an address must not reset a password.
pub(super) async fn a_token_is_for_its_purpose_only(bench: &TokenBench<'_>) -> Verdict {
    let (store, token) = (&bench.store, token("ann", 1)?);
    let [other, ..] = elsewhere(&token)?;
    put_all(store, [&token]).await?;
    expect("peeking for another purpose", store.peek(&other.key, START).await?, None)?;
    expect("taking for another purpose", store.take(&other.key, START).await?, None)?;
    expect("the same hash for another purpose", store.put(&other, START).await?, Put::Stored)?;
    expect("the other", store.take(&other.key, START).await?, Some(other))?;
    expect("the token", store.take(&token.key, START).await?, Some(token))
}

pub(super) async fn a_token_is_of_its_realm_only(bench: &TokenBench<'_>) -> Verdict {
    let (store, token) = (&bench.store, token("ann", 1)?);
    let [_, stranger, tenant] = elsewhere(&token)?;
    put_all(store, [&token]).await?;
    for other in [stranger, tenant] {
        expect("peeking in another realm", store.peek(&other.key, START).await?, None)?;
        expect("taking in another realm", store.take(&other.key, START).await?, None)?;
        expect("the same hash in another realm", store.put(&other, START).await?, Put::Stored)?;
        expect("the other", store.take(&other.key, START).await?, Some(other))?;
    }
    expect("an unknown key", store.take(&key(2), START).await?, None)?;
    expect("the token", store.take(&token.key, START).await?, Some(token))
}
