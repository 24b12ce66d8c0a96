//! Ending everything while something else is under way.

use super::{
    SessionBench,
    at_once::{WRITES, write_somehow},
    end_all::everything_of,
    sample::{at_epoch, blob, expect_none, expect_same, insert_all, load, owner, owner_in, session},
};
use crate::{
    AuthEpoch, EndAll, Inserted, Page, SessionRecord, Updated,
    conformance::{
        check::{Verdict, Wrong, expect},
        sample::{HOUR, START, at},
    },
};

/// Whichever comes first, the login is over: ended, or never begun.
pub(super) async fn a_login_at_once_with_end_all_does_not_survive(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = owner_in(round.n)?;
        insert_all(&round.store, [&session(&ann, 100)?]).await?;
        let (ender, enterer) = (ann.clone(), ann.clone());
        let (ended, inserted) = round
            .one_and_many(
                move |store| async move { store.end_all(everything_of(&ender, 1), START).await },
                move |n, store| {
                    let late = session(&enterer, n);
                    async move { Ok::<_, Wrong>(store.insert(&late?, None, START).await?) }
                },
            )
            .await?;
        let mut wanted = 1_u64;
        for inserted in inserted {
            match inserted {
                Inserted::Stored { ended: 0 } => wanted = wanted.saturating_add(1),
                Inserted::Outdated => {}
                other => expect("a login", other, Inserted::Outdated)?,
            }
        }
        for n in (0..u64::from(round.width)).chain([100]) {
            let found = round.store.load(&session(&ann, n)?.id, START).await?;
            expect_none("a session", found.as_ref())?;
        }
        expect("listed", round.store.list(&ann, Page::first(), START).await?.len(), 0)?;
        expect("how many ended", ended, wanted)
    });
    race.await
}

pub(super) async fn a_write_at_once_with_end_all_brings_nothing_back(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        for write in WRITES {
            let ann = owner(&format!("ann{} {write:?}", round.n))?;
            let record = session(&ann, 1)?;
            insert_all(&round.store, [&record]).await?;
            let (id, owner) = (record.id, ann.clone());
            let (ended, ()) = round
                .both(
                    move |store| async move { store.end_all(everything_of(&owner, 1), START).await },
                    move |store| write_somehow(store, record, write),
                )
                .await?;
            expect("how many ended", ended, 1)?;
            expect_none("the ended session", round.store.load(&id, START).await?.as_ref())?;
            expect("listed", round.store.list(&ann, Page::first(), START).await?.len(), 0)?;
        }
        Ok(())
    });
    race.await
}

/// The request that changes the password still has data to write.
pub(super) async fn the_excepted_session_is_moved_up_and_written_at_once(
    bench: &SessionBench<'_>,
) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = owner_in(round.n)?;
        let record = session(&ann, 1)?;
        insert_all(&round.store, [&record]).await?;
        let (id, version) = (record.id, record.version);
        let (ended, _) = round
            .one_and_many(
                move |store| async move {
                    let what = EndAll { owner: &ann, except: Some(&id), epoch: AuthEpoch::new(1) };
                    store.end_all(what, START).await
                },
                move |n, store| async move {
                    if n == 1 {
                        let updated = store.update(&id, version, &blob(1)?).await?;
                        return expect("updating", updated, Updated::Updated);
                    }
                    let deadline = at(n.saturating_add(2 * HOUR));
                    expect("touching", store.touch(&id, deadline, at(1)).await?, true)
                },
            )
            .await?;
        expect("how many ended", ended, 0)?;
        let last = u64::from(round.width).saturating_sub(1);
        let mut wanted = SessionRecord { data: blob(1)?, version: version.next(), ..at_epoch(record, 1) };
        if last > 1 {
            wanted.idle_until = at(last.saturating_add(2 * HOUR));
            wanted.last_used_at = at(1);
        }
        expect_same(&load(&round.store, &id, START).await?, &wanted)
    });
    race.await
}

pub(super) async fn of_markers_set_at_once_the_highest_stays(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = owner_in(round.n)?;
        let (owner, shift, width) = (ann.clone(), round.n, u64::from(round.width));
        round
            .many(move |n, store| {
                let owner = owner.clone();
                async move {
                    // The highest comes from another lane in each round.
                    let rank = n.saturating_add(shift).checked_rem(width).unwrap_or(0);
                    store.end_all(everything_of(&owner, rank.saturating_add(1)), START).await
                }
            })
            .await?;
        let late = at_epoch(session(&ann, 1)?, width.saturating_sub(1));
        let inserted = round.store.insert(&late, None, START).await?;
        expect("a login below the highest epoch", inserted, Inserted::Outdated)?;
        insert_all(&round.store, [&at_epoch(session(&ann, 2)?, width)]).await
    });
    race.await
}
