//! Replacing a session's data.

use std::sync::Arc;

use super::{
    SessionBench,
    sample::{
        anonymous, blob, expect_none, expect_same, insert_all, load, number_in, owner, owner_in, session,
    },
};
use crate::{
    Page, SessionId, SessionRecord, SessionStore, Updated, Version,
    conformance::{
        check::{Verdict, Wrong, ensure, expect, present},
        sample::START,
    },
};

pub(super) async fn an_update_replaces_the_data_and_nothing_else(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let other = session(&ann, 9)?;
    insert_all(store, [&other]).await?;
    for mut record in [session(&ann, 1)?, anonymous(2)?] {
        insert_all(store, [&record]).await?;
        for n in 1..4 {
            let data = blob(n)?;
            let updated = store.update(&record.id, record.version, &data).await?;
            expect("updating", updated, Updated::Updated)?;
            record = SessionRecord { data, version: record.version.next(), ..record };
            expect_same(&load(store, &record.id, START).await?, &record)?;
        }
    }
    expect_same(&load(store, &other.id, START).await?, &other)
}

/// Two writers of different slots must not lose one's (fastify-session#237).
pub(super) async fn an_update_of_another_version_is_a_conflict(bench: &SessionBench<'_>) -> Verdict {
    let (store, record) = (&bench.store, session(&owner("ann")?, 1)?);
    let record = SessionRecord { version: Version::new(5), ..record };
    insert_all(store, [&record]).await?;
    for version in [0, 1, 4, 6, 1_000] {
        let updated = store.update(&record.id, Version::new(version), &blob(1)?).await?;
        expect("updating another version", updated, Updated::Conflict)?;
        expect_same(&load(store, &record.id, START).await?, &record)?;
    }
    Ok(())
}

/// A request in flight must not bring back a session that another one ended
/// (connect-redis#328).
pub(super) async fn an_update_after_removal_is_gone(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let record = session(&ann, 1)?;
    insert_all(store, [&record]).await?;
    let stale = load(store, &record.id, START).await?;
    expect("removing", store.remove(&record.id).await?, true)?;
    let updated = store.update(&record.id, stale.version, &blob(1)?).await?;
    expect("updating", updated, Updated::Gone)?;
    expect_none("the removed session", store.load(&record.id, START).await?.as_ref())?;
    expect("listed", store.list(&ann, Page::first(), START).await?.len(), 0)
}

pub(super) async fn an_update_of_no_session_makes_none(bench: &SessionBench<'_>) -> Verdict {
    let (store, record) = (&bench.store, session(&owner("ann")?, 1)?);
    for version in [0, 1, 2] {
        let updated = store.update(&record.id, Version::new(version), &blob(1)?).await?;
        expect("updating", updated, Updated::Gone)?;
    }
    expect_none("a session", store.load(&record.id, START).await?.as_ref())
}

pub(super) async fn of_many_updates_of_one_version_one_wins(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let record = session(&owner_in(round.n)?, 1)?;
        insert_all(&round.store, [&record]).await?;
        let (id, version) = (record.id, record.version);
        let answers = round
            .many(move |n, store| async move { Ok::<_, Wrong>(store.update(&id, version, &blob(n)?).await?) })
            .await?;
        let won = |answer: &Updated| *answer == Updated::Updated;
        ensure(answers.iter().all(|a| won(a) || *a == Updated::Conflict), "updated or conflict")?;
        expect("how many won", answers.iter().filter(|a| won(a)).count(), 1)?;
        let winner = present("the winner", (0_u64..).zip(&answers).find(|(_, a)| won(a)))?.0;
        let after = SessionRecord { data: blob(winner)?, version: version.next(), ..record };
        expect_same(&load(&round.store, &id, START).await?, &after)
    });
    race.await
}

/// Writers that read, add one and write until they win: the sum shows every write.
pub(super) async fn no_update_is_lost(bench: &SessionBench<'_>) -> Verdict {
    const TIMES: u64 = 3;
    let race = bench.race(|round| async move {
        let record = session(&owner_in(round.n)?, 1)?;
        insert_all(&round.store, [&record]).await?;
        let id = record.id;
        round.many(move |_, store| add_one(store, id, TIMES)).await?;
        let wanted = TIMES.saturating_mul(round.width.into());
        let after = load(&round.store, &id, START).await?;
        expect("the sum", number_in(&after.data), Some(wanted))?;
        let versions = after.version.get().saturating_sub(record.version.get());
        expect("how often the version went up", versions, wanted)
    });
    race.await
}

async fn add_one(store: Arc<dyn SessionStore>, id: SessionId, times: u64) -> Verdict {
    for _ in 0..times {
        let mut updated = Updated::Conflict;
        while updated == Updated::Conflict {
            let found = load(&store, &id, START).await?;
            let data = blob(number_in(&found.data).unwrap_or_default().saturating_add(1))?;
            updated = store.update(&id, found.version, &data).await?;
        }
        expect("updating", updated, Updated::Updated)?;
    }
    Ok(())
}
