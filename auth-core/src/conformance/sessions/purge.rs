//! Forgetting what has ended by itself.

use std::time::Duration;

use super::{
    SessionBench,
    sample::{anonymous, expect_none, expect_same, insert_all, load, owner, owner_in, session},
};
use crate::{
    Page, SessionRecord,
    conformance::{
        check::{Verdict, Wrong, expect, present, purge_by_threes},
        sample::{YEAR, at},
    },
};

pub(super) async fn purging_forgets_what_is_past_a_deadline_and_nothing_else(
    bench: &SessionBench<'_>,
) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let idle = SessionRecord { idle_until: at(100), ..session(&ann, 1)? };
    let absolute = SessionRecord { absolute_until: at(100), ..session(&ann, 2)? };
    let nobody = SessionRecord { idle_until: at(100), ..anonymous(3)? };
    // Long unused, but alive; and alive for one second more.
    let live = SessionRecord { idle_until: at(101), ..session(&ann, 4)? };
    let (young, other) = (session(&ann, 5)?, anonymous(6)?);
    insert_all(store, [&idle, &absolute, &nobody]).await?;
    insert_all(store, [&live, &young, &other]).await?;
    expect("purged before the deadline", store.purge(at(99), 100).await?, 0)?;
    load(store, &idle.id, at(99)).await?;
    expect("purged at the deadline", store.purge(at(100), 100).await?, 3)?;
    expect("purged again", store.purge(at(100), 100).await?, 0)?;
    for record in [idle, absolute, nobody] {
        expect_none("a purged session", store.load(&record.id, at(100)).await?.as_ref())?;
    }
    for record in [live, young, other] {
        expect_same(&load(store, &record.id, at(100)).await?, &record)?;
    }
    expect("listed", store.list(&ann, Page::first(), at(100)).await?.len(), 2)
}

/// A purge without a bound holds the store's lock for as long as there is something to forget.
pub(super) async fn purging_forgets_no_more_than_it_may(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    for n in 0..10 {
        insert_all(store, [&SessionRecord { idle_until: at(10), ..session(&ann, n)? }]).await?;
    }
    insert_all(store, [&session(&ann, 10)?]).await?;
    expect("purged without a limit to reach", store.purge(at(20), 0).await?, 0)?;
    purge_by_threes(10, |limit| store.purge(at(20), limit)).await?;
    load(store, &session(&ann, 10)?.id, at(20)).await.map(drop)
}

/// A purge that picks its rows first and removes them later removes one that was touched in between.
pub(super) async fn purging_does_not_forget_a_session_that_is_touched_at_once(
    bench: &SessionBench<'_>,
) -> Verdict {
    let race = bench.race(|round| async move {
        // Later in each round: what is alive in this one has not begun to matter to those before.
        let deadline = at(round.n.saturating_add(100));
        let before = deadline.saturating_sub(Duration::from_secs(1));
        let mut ids = Vec::new();
        for n in 0..u64::from(round.width) {
            let mut record = session(&owner_in(round.n)?, n)?;
            (record.idle_until, record.absolute_until) = (deadline, at(YEAR));
            insert_all(&round.store, [&record]).await?;
            ids.push(record.id);
        }
        let touched_ids = ids.clone();
        let (_, touched) = round
            .one_and_many(
                move |store| async move { store.purge(deadline, 100).await },
                move |n, store| {
                    let id = usize::try_from(n).ok().and_then(|n| touched_ids.get(n)).copied();
                    async move {
                        store.touch(&present("the id", id)?, at(YEAR), before).await.map_err(Wrong::from)
                    }
                },
            )
            .await?;
        for (id, touched) in ids.iter().skip(1).zip(touched) {
            let found = round.store.load(id, deadline).await?;
            expect("whether the session is there, as the touch said", found.is_some(), touched)?;
        }
        Ok(())
    });
    race.await
}
