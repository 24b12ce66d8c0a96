//! How many sessions a principal may have.

use super::{
    SessionBench,
    sample::{
        acted_in, anonymous, at_epoch, begun_at, expect_none, insert_all, load, owner, owner_in, owner_of,
        session,
    },
};
use crate::{
    Inserted, Page, SessionKind, SessionLimit, SessionRecord, WhenReached,
    conformance::{
        check::{Verdict, Wrong, ensure, expect},
        sample::{START, at, near_namesakes},
    },
};

const fn refuse(max: u32) -> SessionLimit {
    SessionLimit { max, when_reached: WhenReached::Refuse }
}

const fn end_oldest(max: u32) -> SessionLimit {
    SessionLimit { max, when_reached: WhenReached::EndOldest }
}

pub(super) async fn a_limit_refuses_one_session_more(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let first = session(&ann, 1)?;
    // A refresh token's session counts as much as a cookie's.
    let second = SessionRecord { kind: SessionKind::Refresh, ..session(&ann, 2)? };
    let third = session(&ann, 3)?;
    for record in [&first, &second] {
        let inserted = store.insert(record, Some(&refuse(2)), START).await?;
        expect("a session within the limit", inserted, Inserted::Stored { ended: 0 })?;
    }
    let inserted = store.insert(&third, Some(&refuse(2)), START).await?;
    expect("a session beyond the limit", inserted, Inserted::LimitReached)?;
    expect_none("the refused session", store.load(&third.id, START).await?.as_ref())?;
    load(store, &first.id, START).await?;
    load(store, &second.id, START).await?;
    store.remove(&first.id).await?;
    let inserted = store.insert(&third, Some(&refuse(2)), START).await?;
    expect("one after another ended", inserted, Inserted::Stored { ended: 0 })
}

pub(super) async fn a_limit_of_zero_counts_as_one(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let (first, second) = (session(&ann, 1)?, session(&ann, 2)?);
    let inserted = store.insert(&first, Some(&refuse(0)), START).await?;
    expect("the first session", inserted, Inserted::Stored { ended: 0 })?;
    let inserted = store.insert(&second, Some(&refuse(0)), START).await?;
    expect("the second session", inserted, Inserted::LimitReached)?;
    let inserted = store.insert(&second, Some(&end_oldest(0)), START).await?;
    expect("the second session", inserted, Inserted::Stored { ended: 1 })?;
    expect_none("the first session", store.load(&first.id, START).await?.as_ref())?;
    load(store, &second.id, START).await.map(drop)
}

pub(super) async fn a_limit_ends_the_session_that_began_first(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    // Neither the order of insertion nor the last use decides.
    let middle = begun_at(session(&ann, 1)?, at(20));
    let oldest = SessionRecord { last_used_at: at(40), ..begun_at(session(&ann, 2)?, at(10)) };
    let newest = begun_at(session(&ann, 3)?, at(30));
    insert_all(store, [&middle, &oldest, &newest]).await?;
    let new = begun_at(session(&ann, 4)?, at(50));
    let inserted = store.insert(&new, Some(&end_oldest(3)), at(50)).await?;
    expect("one session more", inserted, Inserted::Stored { ended: 1 })?;
    expect_none("the session that began first", store.load(&oldest.id, at(50)).await?.as_ref())?;
    for record in [&middle, &newest, &new] {
        load(store, &record.id, at(50)).await?;
    }
    Ok(())
}

/// A limit that was lowered.
pub(super) async fn a_limit_ends_as_many_as_it_must(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    for n in 0..5 {
        insert_all(store, [&begun_at(session(&ann, n)?, at(n))]).await?;
    }
    let new = begun_at(session(&ann, 5)?, at(5));
    let inserted = store.insert(&new, Some(&end_oldest(2)), at(5)).await?;
    expect("one session more", inserted, Inserted::Stored { ended: 4 })?;
    let listed: Vec<_> = store.list(&ann, Page::first(), at(5)).await?.iter().map(|s| s.id).collect();
    expect("what is left", listed, vec![new.id, session(&ann, 4)?.id])
}

pub(super) async fn a_limit_counts_live_sessions_only(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let idle = SessionRecord { idle_until: at(100), ..session(&ann, 1)? };
    let absolute = SessionRecord { absolute_until: at(100), ..session(&ann, 2)? };
    let live = begun_at(session(&ann, 3)?, at(50));
    insert_all(store, [&idle, &absolute, &live]).await?;
    let fourth = begun_at(session(&ann, 4)?, at(100));
    let inserted = store.insert(&fourth, Some(&refuse(2)), at(100)).await?;
    expect("beside one live session", inserted, Inserted::Stored { ended: 0 })?;
    let fifth = begun_at(session(&ann, 5)?, at(100));
    let inserted = store.insert(&fifth, Some(&end_oldest(2)), at(100)).await?;
    expect("beside two live sessions", inserted, Inserted::Stored { ended: 1 })?;
    expect_none("the oldest live session", store.load(&live.id, at(100)).await?.as_ref())?;
    load(store, &fourth.id, at(100)).await.map(drop)
}

pub(super) async fn a_limit_counts_the_sessions_of_its_principal_only(bench: &SessionBench<'_>) -> Verdict {
    let store = &bench.store;
    let owners = near_namesakes()?.map(owner_of).into_iter().collect::<Result<Vec<_>, _>>()?;
    for (n, owner) in (0..).zip(&owners) {
        let record = session(owner, n)?;
        let inserted = store.insert(&record, Some(&refuse(1)), START).await?;
        expect("a principal's first session", inserted, Inserted::Stored { ended: 0 })?;
    }
    for (n, owner) in (10..).zip(&owners) {
        let record = at_epoch(session(owner, n)?, 1);
        let inserted = store.insert(&record, Some(&end_oldest(1)), START).await?;
        expect("a principal's second session", inserted, Inserted::Stored { ended: 1 })?;
    }
    for (n, owner) in (10..).zip(&owners) {
        load(store, &session(owner, n)?.id, START).await?;
    }
    Ok(())
}

pub(super) async fn a_limit_does_not_count_anonymous_sessions(bench: &SessionBench<'_>) -> Verdict {
    let records = [anonymous(1)?, anonymous(2)?, session(&owner("ann")?, 3)?, anonymous(4)?];
    for record in &records {
        let inserted = bench.store.insert(record, Some(&refuse(1)), START).await?;
        expect("a session of nobody else", inserted, Inserted::Stored { ended: 0 })?;
    }
    for record in &records {
        load(&bench.store, &record.id, START).await?;
    }
    Ok(())
}

/// Support must neither log out whom it helps nor keep them out.
pub(super) async fn a_limit_neither_counts_nor_ends_sessions_with_an_actor(
    bench: &SessionBench<'_>,
) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let acted = acted_in(session(&ann, 1)?)?;
    insert_all(store, [&acted]).await?;
    let first = begun_at(session(&ann, 2)?, at(10));
    let inserted = store.insert(&first, Some(&refuse(1)), at(10)).await?;
    expect("the principal's first session", inserted, Inserted::Stored { ended: 0 })?;
    let second = begun_at(session(&ann, 3)?, at(20));
    let inserted = store.insert(&second, Some(&refuse(1)), at(20)).await?;
    expect("the principal's second session", inserted, Inserted::LimitReached)?;
    let inserted = store.insert(&second, Some(&end_oldest(1)), at(20)).await?;
    expect("the principal's second session", inserted, Inserted::Stored { ended: 1 })?;
    expect_none("the principal's first session", store.load(&first.id, at(20)).await?.as_ref())?;
    for (n, limit) in [(4, refuse(1)), (5, end_oldest(1))] {
        let acted = acted_in(begun_at(session(&ann, n)?, at(30)))?;
        let inserted = store.insert(&acted, Some(&limit), at(30)).await?;
        expect("a session with an actor", inserted, Inserted::Stored { ended: 0 })?;
    }
    load(store, &second.id, at(30)).await?;
    load(store, &acted.id, at(30)).await.map(drop)
}

/// Two logins at once cannot both be the last.
pub(super) async fn logins_at_once_stay_within_a_limit_that_refuses(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = owner_in(round.n)?;
        insert_all(&round.store, [&session(&ann, 100)?]).await?;
        let owner = ann.clone();
        let answers = round
            .many(move |n, store| {
                let record = session(&owner, n);
                async move { Ok::<_, Wrong>(store.insert(&record?, Some(&refuse(2)), START).await?) }
            })
            .await?;
        let stored = |answer: &Inserted| *answer == Inserted::Stored { ended: 0 };
        ensure(answers.iter().all(|a| stored(a) || *a == Inserted::LimitReached), "stored or refused")?;
        expect("how many were stored", answers.iter().filter(|a| stored(a)).count(), 1)?;
        expect("listed", round.store.list(&ann, Page::first(), START).await?.len(), 2)
    });
    race.await
}

pub(super) async fn logins_at_once_stay_within_a_limit_that_ends_the_oldest(
    bench: &SessionBench<'_>,
) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = owner_in(round.n)?;
        insert_all(&round.store, [&session(&ann, 100)?, &session(&ann, 101)?]).await?;
        let owner = ann.clone();
        let answers = round
            .many(move |n, store| {
                let record = session(&owner, n).map(|record| begun_at(record, at(n)));
                async move { Ok::<_, Wrong>(store.insert(&record?, Some(&end_oldest(2)), at(10)).await?) }
            })
            .await?;
        // Full before, so each that came in ended one.
        let each = vec![Inserted::Stored { ended: 1 }; answers.len()];
        expect("the logins", answers, each)?;
        expect("listed", round.store.list(&ann, Page::first(), at(10)).await?.len(), 2)
    });
    race.await
}
