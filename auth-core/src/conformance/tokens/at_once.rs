//! Tokens used at once.

use super::{
    TokenBench,
    sample::{key, put_all, subject, token},
};
use crate::{
    Claim, Put, Realm, TokenRecord,
    conformance::{
        check::{Verdict, Wrong, ensure, expect, present},
        sample::{HOUR, PURPOSE, START, at},
    },
};

pub(super) async fn of_many_that_put_one_key_one_does(bench: &TokenBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let base = token("ann", round.n)?;
        let key = base.key.clone();
        let answers = round
            .many(move |n, store| {
                let token = TokenRecord { payload: n.to_be_bytes().into(), ..base.clone() };
                async move { store.put(&token, START).await }
            })
            .await?;
        expect("how many did", answers.iter().filter(|put| **put == Put::Stored).count(), 1)?;
        let winner = present("the winner", (0_u64..).zip(answers).find(|(_, put)| *put == Put::Stored))?.0;
        let found = present("the token", round.store.peek(&key, START).await?)?;
        expect("whose token it is", found.payload, winner.to_be_bytes().to_vec())
    });
    race.await
}

/// Two clicks on one reset link.
pub(super) async fn of_many_that_take_one_token_one_gets_it(bench: &TokenBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let token = token("ann", round.n)?;
        put_all(&round.store, [&token]).await?;
        let key = token.key.clone();
        let answers = round
            .many(move |_, store| {
                let key = key.clone();
                async move { store.take(&key, START).await }
            })
            .await?;
        let got: Vec<_> = answers.into_iter().flatten().collect();
        expect("what was got", got, vec![token.clone()])?;
        expect("what is left", round.store.peek(&token.key, START).await?, None)
    });
    race.await
}

pub(super) async fn of_many_that_claim_one_key_one_is_first(bench: &TokenBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let id = round.n;
        let answers =
            round.many(move |_, store| async move { store.claim(&key(id), at(HOUR), START).await }).await?;
        expect("how many were first", answers.iter().filter(|claim| **claim == Claim::First).count(), 1)?;
        expect("later", round.store.claim(&key(id), at(HOUR), START).await?, Claim::Seen)
    });
    race.await
}

pub(super) async fn of_many_that_claim_an_expired_key_one_is_first(bench: &TokenBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let id = round.n;
        expect("claiming", round.store.claim(&key(id), at(10), START).await?, Claim::First)?;
        let answers =
            round.many(move |_, store| async move { store.claim(&key(id), at(HOUR), at(10)).await }).await?;
        expect("how many were first", answers.iter().filter(|claim| **claim == Claim::First).count(), 1)
    });
    race.await
}

pub(super) async fn of_many_replacements_one_stays(bench: &TokenBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let about = format!("ann{}", round.n);
        let first = round.n.saturating_mul(100);
        put_all(&round.store, [&token(&about, first.saturating_add(99))?]).await?;
        let whom = about.clone();
        let answers = round
            .many(move |n, store| {
                let token = token(&whom, first.saturating_add(n));
                async move { Ok::<_, Wrong>(store.replace(&token?, START).await?) }
            })
            .await?;
        ensure(answers.iter().all(|put| *put == Put::Stored), "every replacement was stored")?;
        let mut left = 0_u64;
        for n in (0..u64::from(round.width)).chain([99]) {
            let found = round.store.peek(&key(first.saturating_add(n)), START).await?;
            left = left.saturating_add(u64::from(found.is_some()));
        }
        expect("how many are left", left, 1)?;
        let revoked = round.store.revoke(&Realm::LOCAL, PURPOSE, &subject(&about)?, START).await?;
        expect("how many are the subject's", revoked, 1)
    });
    race.await
}

pub(super) async fn a_token_is_not_both_taken_and_revoked(bench: &TokenBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let token = token(&format!("ann{}", round.n), round.n)?;
        put_all(&round.store, [&token]).await?;
        let (key, about) = (token.key.clone(), token.subject.clone());
        let (taken, revoked) = round
            .both(
                move |store| async move { store.take(&key, START).await },
                move |store| async move { store.revoke(&Realm::LOCAL, PURPOSE, &about, START).await },
            )
            .await?;
        expect("how often it was used up", revoked.saturating_add(taken.is_some().into()), 1)?;
        expect("what is left", round.store.peek(&token.key, START).await?, None)
    });
    race.await
}

/// Whichever comes first, the old token is gone and the new one is there.
pub(super) async fn a_token_is_not_both_taken_and_replaced(bench: &TokenBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let about = format!("ann{}", round.n);
        let n = round.n.saturating_mul(2);
        let (old, new) = (token(&about, n)?, token(&about, n.saturating_add(1))?);
        put_all(&round.store, [&old]).await?;
        let (key, next) = (old.key.clone(), new.clone());
        let (_, put) = round
            .both(
                move |store| async move { store.take(&key, START).await },
                move |store| async move { store.replace(&next, START).await },
            )
            .await?;
        expect("replacing", put, Put::Stored)?;
        expect("the old token", round.store.take(&old.key, START).await?, None)?;
        expect("the new token", round.store.take(&new.key, START).await?, Some(new))
    });
    race.await
}
