//! Replacing a session's secrets, and ending it.

use std::sync::Arc;

use super::{
    SessionBench,
    sample::{anonymous, expect_none, expect_same, insert_all, load, owner, owner_in, session},
};
use crate::{
    Page, Rotated, SessionId, SessionOwner, SessionRecord, SessionStore, Version,
    conformance::{
        check::{Verdict, ensure, expect, present},
        sample::{START, at, hash},
    },
};

pub(super) async fn a_rotation_replaces_the_secrets_and_nothing_else(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let other = session(&ann, 9)?;
    insert_all(store, [&other]).await?;
    for mut record in [session(&ann, 1)?, anonymous(2)?] {
        insert_all(store, [&record]).await?;
        for n in 10..13 {
            let secret = record.secret.rotated(hash(n), at(n));
            let rotated = store.rotate(&record.id, record.version, &secret).await?;
            expect("rotating", rotated, Rotated::Rotated)?;
            record = SessionRecord { secret, version: record.version.next(), ..record };
            expect_same(&load(store, &record.id, START).await?, &record)?;
        }
    }
    expect_same(&load(store, &other.id, START).await?, &other)
}

pub(super) async fn a_rotation_of_another_version_is_a_conflict(bench: &SessionBench<'_>) -> Verdict {
    let (store, record) = (&bench.store, session(&owner("ann")?, 1)?);
    let record = SessionRecord { version: Version::new(5), ..record };
    insert_all(store, [&record]).await?;
    let next = record.secret.rotated(hash(2), START);
    for version in [0, 1, 4, 6, 1_000] {
        let rotated = store.rotate(&record.id, Version::new(version), &next).await?;
        expect("rotating another version", rotated, Rotated::Conflict)?;
        expect_same(&load(store, &record.id, START).await?, &record)?;
    }
    Ok(())
}

pub(super) async fn a_rotation_of_no_session_makes_none(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let (never, removed) = (session(&ann, 1)?, session(&ann, 2)?);
    insert_all(store, [&removed]).await?;
    expect("removing", store.remove(&removed.id).await?, true)?;
    for record in [never, removed] {
        let next = record.secret.rotated(hash(2), START);
        let rotated = store.rotate(&record.id, record.version, &next).await?;
        expect("rotating", rotated, Rotated::Gone)?;
        expect_none("a session", store.load(&record.id, START).await?.as_ref())?;
    }
    expect("listed", store.list(&ann, Page::first(), START).await?.len(), 0)
}

/// Of two rotations in parallel one wins, and the loser sets no cookie (pow#435).
pub(super) async fn of_many_rotations_of_one_version_one_wins(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let record = session(&owner_in(round.n)?, 1)?;
        insert_all(&round.store, [&record]).await?;
        let secret = record.secret.clone();
        let (id, version) = (record.id, record.version);
        let answers = round
            .many(move |n, store| {
                let next = secret.rotated(hash(n), START);
                async move { store.rotate(&id, version, &next).await }
            })
            .await?;
        let won = |answer: &Rotated| *answer == Rotated::Rotated;
        ensure(answers.iter().all(|a| won(a) || *a == Rotated::Conflict), "rotated or conflict")?;
        expect("how many won", answers.iter().filter(|a| won(a)).count(), 1)?;
        let winner = present("the winner", (0_u64..).zip(&answers).find(|(_, a)| won(a)))?.0;
        let secret = record.secret.rotated(hash(winner), START);
        let after = SessionRecord { secret, version: version.next(), ..record };
        expect_same(&load(&round.store, &id, START).await?, &after)
    });
    race.await
}

/// A rotation that removes the row before it writes the new one logs out whoever comes in between.
pub(super) async fn a_rotation_never_loses_the_session(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = owner_in(round.n)?;
        let record = session(&ann, 1)?;
        insert_all(&round.store, [&record]).await?;
        let id = record.id;
        round
            .one_and_many(
                move |store| rotate_often(store, record),
                |_, store| look_often(store, ann.clone(), id),
            )
            .await
            .map(drop)
    });
    race.await
}

const OFTEN: u64 = 3;

async fn rotate_often(store: Arc<dyn SessionStore>, mut record: SessionRecord) -> Verdict {
    for n in 0..OFTEN {
        record.secret = record.secret.rotated(hash(n), START);
        let rotated = store.rotate(&record.id, record.version, &record.secret).await?;
        expect("rotating", rotated, Rotated::Rotated)?;
        record.version = record.version.next();
    }
    Ok(())
}

async fn look_often(store: Arc<dyn SessionStore>, owner: SessionOwner, id: SessionId) -> Verdict {
    for _ in 0..OFTEN {
        load(&store, &id, START).await?;
        let listed = store.list(&owner, Page::first(), START).await?;
        ensure(listed.iter().any(|listed| listed.id == id), "the session is listed")?;
    }
    Ok(())
}

pub(super) async fn removal_answers_whether_there_was_a_session(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let (record, other, nobody) = (session(&ann, 1)?, session(&ann, 2)?, anonymous(3)?);
    expect("removing what never was", store.remove(&record.id).await?, false)?;
    insert_all(store, [&record, &other, &nobody]).await?;
    for ended in [&record, &nobody] {
        expect("removing", store.remove(&ended.id).await?, true)?;
        expect("removing again", store.remove(&ended.id).await?, false)?;
        expect_none("the removed session", store.load(&ended.id, START).await?.as_ref())?;
    }
    let listed = store.list(&ann, Page::first(), START).await?;
    expect("what is left", listed, vec![other.summary()])
}

pub(super) async fn of_many_removals_one_ends_the_session(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let record = session(&owner_in(round.n)?, 1)?;
        insert_all(&round.store, [&record]).await?;
        let id = record.id;
        let answers = round.many(move |_, store| async move { store.remove(&id).await }).await?;
        expect("how many ended it", answers.iter().filter(|ended| **ended).count(), 1)?;
        expect_none("the removed session", round.store.load(&id, START).await?.as_ref())
    });
    race.await
}
