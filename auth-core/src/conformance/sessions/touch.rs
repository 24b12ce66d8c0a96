//! Keeping a session alive.

use super::{
    SessionBench,
    sample::{blob, expect_none, expect_same, insert_all, load, owner, session},
};
use crate::{
    SessionRecord, Updated,
    conformance::{
        check::{Verdict, Wrong, ensure, expect},
        sample::{START, at},
    },
};

/// Idle until 100, in any case until 1,000.
fn short(n: u64) -> Result<SessionRecord, Wrong> {
    Ok(SessionRecord { idle_until: at(100), absolute_until: at(1_000), ..session(&owner("ann")?, n)? })
}

pub(super) async fn a_touch_moves_the_idle_deadline_and_notes_the_use(bench: &SessionBench<'_>) -> Verdict {
    let (store, record, other) = (&bench.store, short(1)?, short(2)?);
    insert_all(store, [&record, &other]).await?;
    expect("touching", store.touch(&record.id, at(150), at(50)).await?, true)?;
    let touched = SessionRecord { idle_until: at(150), last_used_at: at(50), ..record };
    expect_same(&load(store, &touched.id, at(50)).await?, &touched)?;
    expect_same(&load(store, &other.id, at(50)).await?, &other)?;
    load(store, &touched.id, at(149)).await?;
    expect_none("after the new deadline", store.load(&touched.id, at(150)).await?.as_ref())
}

/// Two servers whose requests overlap: the one with the earlier deadline may come last.
pub(super) async fn a_touch_never_moves_a_deadline_back(bench: &SessionBench<'_>) -> Verdict {
    let (store, record) = (&bench.store, short(1)?);
    insert_all(store, [&record]).await?;
    for (moment, idle_until) in [(10, 50), (20, 0), (30, 99), (40, 100)] {
        expect("touching", store.touch(&record.id, at(idle_until), at(moment)).await?, true)?;
        let touched = SessionRecord { last_used_at: at(moment), ..record.clone() };
        expect_same(&load(store, &record.id, at(moment)).await?, &touched)?;
    }
    load(store, &record.id, at(99)).await.map(drop)
}

/// Sliding never exceeds the absolute deadline.
pub(super) async fn a_touch_never_passes_the_absolute_deadline(bench: &SessionBench<'_>) -> Verdict {
    let (store, record) = (&bench.store, short(1)?);
    insert_all(store, [&record]).await?;
    for idle_until in [1_001, 5_000, u64::MAX] {
        expect("touching", store.touch(&record.id, at(idle_until), at(50)).await?, true)?;
        let found = load(store, &record.id, at(50)).await?;
        let deadlines = (found.idle_until, found.absolute_until);
        expect("idle and absolute deadline", deadlines, (at(1_000), at(1_000)))?;
    }
    load(store, &record.id, at(999)).await?;
    expect_none("at the absolute deadline", store.load(&record.id, at(1_000)).await?.as_ref())
}

/// A request that only reads must not make another one's write a conflict.
pub(super) async fn a_touch_leaves_the_version(bench: &SessionBench<'_>) -> Verdict {
    let (store, record) = (&bench.store, short(1)?);
    insert_all(store, [&record]).await?;
    expect("touching", store.touch(&record.id, at(150), at(50)).await?, true)?;
    let updated = store.update(&record.id, record.version, &blob(1)?).await?;
    expect("updating the version of before", updated, Updated::Updated)
}

pub(super) async fn a_touch_revives_nothing(bench: &SessionBench<'_>) -> Verdict {
    let (store, idle) = (&bench.store, short(1)?);
    let absolute = SessionRecord { idle_until: at(2_000), absolute_until: at(100), ..short(2)? };
    let removed = short(3)?;
    insert_all(store, [&idle, &absolute, &removed]).await?;
    store.remove(&removed.id).await?;
    expect("touching what was removed", store.touch(&removed.id, at(900), at(50)).await?, false)?;
    for record in [&idle, &absolute] {
        expect("touching at the deadline", store.touch(&record.id, at(900), at(100)).await?, false)?;
        expect("touching after it", store.touch(&record.id, at(900), at(101)).await?, false)?;
    }
    for record in [idle, absolute, removed] {
        expect_none("a dead session", store.load(&record.id, at(101)).await?.as_ref())?;
    }
    Ok(())
}

pub(super) async fn a_touch_of_no_session_makes_none(bench: &SessionBench<'_>) -> Verdict {
    let (store, record) = (&bench.store, short(1)?);
    expect("touching", store.touch(&record.id, at(900), START).await?, false)?;
    expect_none("a session", store.load(&record.id, START).await?.as_ref())
}

pub(super) async fn of_touches_at_once_the_latest_deadline_stays(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let record = short(round.n)?;
        insert_all(&round.store, [&record]).await?;
        // The latest comes from another lane in each round.
        let (id, shift) = (record.id, round.n);
        let width = u64::from(round.width);
        let alive = round
            .many(move |n, store| async move {
                let rank = n.saturating_add(shift).checked_rem(width).unwrap_or(0);
                store.touch(&id, at(rank.saturating_add(200)), at(10)).await
            })
            .await?;
        ensure(alive.iter().all(|alive| *alive), "it was alive")?;
        let latest = at(width.saturating_add(199));
        let touched = SessionRecord { idle_until: latest, last_used_at: at(10), ..record };
        expect_same(&load(&round.store, &id, at(10)).await?, &touched)
    });
    race.await
}
