//! Adding a session.

use super::{
    SessionBench,
    end_all::everything_of,
    sample::{
        anonymous, at_epoch, blob, expect_none, expect_same, insert_all, load, owner, owner_in, session,
    },
};
use crate::{
    Inserted, Page, SessionLimit, WhenReached,
    conformance::{
        check::{Verdict, ensure, expect, present},
        sample::{START, hash},
    },
};

pub(super) async fn a_session_is_found_by_its_id_only(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let (one, two, nobody) = (session(&ann, 1)?, session(&ann, 2)?, anonymous(3)?);
    expect_none("a session in an empty store", store.load(&one.id, START).await?.as_ref())?;
    insert_all(store, [&one, &nobody]).await?;
    expect_same(&load(store, &one.id, START).await?, &one)?;
    expect_same(&load(store, &nobody.id, START).await?, &nobody)?;
    expect_none("a session that was not stored", store.load(&two.id, START).await?.as_ref())
}

/// An upsert here would let whoever causes a collision take a session over.
pub(super) async fn an_id_is_inserted_once(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let first = session(&ann, 1)?;
    let mut second = first.clone();
    second.data = blob(2)?;
    second.secret.current = hash(99);
    insert_all(store, [&first]).await?;
    expect("inserting the id again", store.insert(&second, None, START).await?, Inserted::Collision)?;
    expect_same(&load(store, &first.id, START).await?, &first)
}

pub(super) async fn a_collision_ends_no_session(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let records = [session(&ann, 1)?, session(&ann, 2)?];
    insert_all(store, &records).await?;
    let limit = SessionLimit { max: 1, when_reached: WhenReached::EndOldest };
    for record in &records {
        let inserted = store.insert(record, Some(&limit), START).await?;
        expect("inserting the id again", inserted, Inserted::Collision)?;
    }
    for record in &records {
        expect_same(&load(store, &record.id, START).await?, record)?;
    }
    Ok(())
}

/// Whoever logs in too late is told so, and not that there are too many sessions, which logging in again would
/// not change.
pub(super) async fn a_refused_session_names_the_first_reason(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let first = at_epoch(session(&ann, 1)?, 2);
    insert_all(store, [&first]).await?;
    store.end_all(everything_of(&ann, 2), START).await?;
    let limit = SessionLimit { max: 1, when_reached: WhenReached::Refuse };
    for (n, epoch, wanted) in
        [(1, 0, Inserted::Collision), (2, 0, Inserted::Outdated), (3, 2, Inserted::LimitReached)]
    {
        let record = at_epoch(session(&ann, n)?, epoch);
        expect("inserting", store.insert(&record, Some(&limit), START).await?, wanted)?;
    }
    expect_same(&load(store, &first.id, START).await?, &first)?;
    expect("listed", store.list(&ann, Page::first(), START).await?, vec![first.summary()])
}

pub(super) async fn of_many_inserts_of_one_id_one_is_stored(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let record = session(&owner_in(round.n)?, 1)?;
        let id = record.id;
        let answers = round
            .many(move |n, store| {
                let mut record = record.clone();
                record.secret.current = hash(n);
                async move { store.insert(&record, None, START).await }
            })
            .await?;
        let stored = |answer: &Inserted| *answer == Inserted::Stored { ended: 0 };
        ensure(answers.iter().all(|a| stored(a) || *a == Inserted::Collision), "stored or collision")?;
        expect("how many were stored", answers.iter().filter(|a| stored(a)).count(), 1)?;
        let winner = present("the winner", (0_u64..).zip(&answers).find(|(_, a)| stored(a)))?.0;
        let found = load(&round.store, &id, START).await?;
        ensure(found.secret.current == hash(winner), "the row is the winner's")
    });
    race.await
}
