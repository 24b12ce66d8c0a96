//! Replacing and revoking the tokens of a subject.

use super::{
    TokenBench,
    sample::{elsewhere, put_all, subject, token},
};
use crate::{
    Put, Realm, TokenRecord,
    conformance::{
        check::{Verdict, Wrong, expect},
        sample::{LOOK_ALIKES, PURPOSE, START, at},
    },
};

/// Who asks for a second link must not leave the first one open.
pub(super) async fn the_newest_token_wins(bench: &TokenBench<'_>) -> Verdict {
    let (store, newest) = (&bench.store, token("ann", 3)?);
    let old = [token("ann", 1)?, token("ann", 2)?];
    put_all(store, &old).await?;
    expect("replacing", store.replace(&newest, START).await?, Put::Stored)?;
    for token in old {
        expect("peeking at an old token", store.peek(&token.key, START).await?, None)?;
        expect("taking an old token", store.take(&token.key, START).await?, None)?;
    }
    let next = token("ann", 4)?;
    expect("replacing again", store.replace(&next, START).await?, Put::Stored)?;
    expect("taking the one before", store.take(&newest.key, START).await?, None)?;
    expect("taking the newest", store.take(&next.key, START).await?, Some(next))
}

pub(super) async fn a_replacement_leaves_other_subjects_purposes_and_realms(
    bench: &TokenBench<'_>,
) -> Verdict {
    let (store, others) = (&bench.store, others()?);
    put_all(store, &others).await?;
    expect("replacing", store.replace(&token("ann", 100)?, START).await?, Put::Stored)?;
    for other in others {
        expect("another token", store.take(&other.key, START).await?, Some(other))?;
    }
    Ok(())
}

/// Tokens that are not about `ann` for the purpose in the realm, each by one part only.
fn others() -> Result<Vec<TokenRecord>, Wrong> {
    let mut others = vec![token("bob", 1)?, token("ann2", 2)?, token("an", 3)?];
    others.extend(elsewhere(&token("ann", 4)?)?);
    Ok(others)
}

pub(super) async fn a_replacement_that_collides_removes_nothing(bench: &TokenBench<'_>) -> Verdict {
    let store = &bench.store;
    let (own, strangers) = (token("ann", 1)?, token("bob", 2)?);
    put_all(store, [&own, &strangers]).await?;
    let collides = TokenRecord { subject: own.subject.clone(), ..strangers.clone() };
    expect("replacing", store.replace(&collides, START).await?, Put::Collision)?;
    expect("her token", store.take(&own.key, START).await?, Some(own))?;
    expect("his token", store.take(&strangers.key, START).await?, Some(strangers))
}

pub(super) async fn revoking_removes_the_tokens_of_one_subject_for_one_purpose(
    bench: &TokenBench<'_>,
) -> Verdict {
    let (store, others, ann) = (&bench.store, others()?, subject("ann")?);
    let own = [token("ann", 11)?, token("ann", 12)?];
    put_all(store, &others).await?;
    let revoked = store.revoke(&Realm::LOCAL, PURPOSE, &ann, START).await?;
    expect("revoked, of none", revoked, 0)?;
    put_all(store, &own).await?;
    let revoked = store.revoke(&Realm::LOCAL, PURPOSE, &ann, START).await?;
    expect("revoked", revoked, 2)?;
    let revoked = store.revoke(&Realm::LOCAL, PURPOSE, &ann, START).await?;
    expect("revoked again", revoked, 0)?;
    for token in own {
        expect("a revoked token", store.take(&token.key, START).await?, None)?;
    }
    for other in others {
        expect("another token", store.take(&other.key, START).await?, Some(other))?;
    }
    Ok(())
}

pub(super) async fn revoking_counts_live_tokens_only(bench: &TokenBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, subject("ann")?);
    let expired = TokenRecord { expires_at: at(100), ..token("ann", 1)? };
    let live = TokenRecord { expires_at: at(101), ..token("ann", 2)? };
    put_all(store, [&expired, &live]).await?;
    expect("revoked", store.revoke(&Realm::LOCAL, PURPOSE, &ann, at(100)).await?, 1)?;
    expect("the revoked token", store.take(&live.key, at(100)).await?, None)
}

pub(super) async fn subjects_that_look_alike_are_kept_apart(bench: &TokenBench<'_>) -> Verdict {
    let store = &bench.store;
    for (n, about) in (0..).zip(LOOK_ALIKES) {
        expect("replacing", store.replace(&token(about, n)?, START).await?, Put::Stored)?;
    }
    for (n, about) in (0..).zip(LOOK_ALIKES) {
        let wanted = token(about, n)?;
        expect("a subject's token", store.peek(&wanted.key, START).await?, Some(wanted))?;
        let revoked = store.revoke(&Realm::LOCAL, PURPOSE, &subject(about)?, START).await?;
        expect("revoked of the subject", revoked, 1)?;
    }
    Ok(())
}
