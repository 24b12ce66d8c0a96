//! Ending everything of a principal at once: a changed password ends the other
//! sessions.

use super::{
    SessionBench,
    sample::{
        anonymous, at_epoch, begun_at, blob, expect_none, expect_same, insert_all, load, old_keys, owner,
        owner_of, session,
    },
};
use crate::{
    AuthEpoch, EndAll, Inserted, Page, Rotated, SessionId, SessionLimit, SessionOwner, SessionRecord,
    Updated, WhenReached,
    conformance::{
        check::{Verdict, expect},
        sample::{DAY, HOUR, START, at, hash, near_namesakes, user},
    },
};

pub(super) const fn everything_of(owner: &SessionOwner, epoch: u64) -> EndAll<'_> {
    EndAll { owner, except: None, epoch: AuthEpoch::new(epoch) }
}

const fn all_but<'a>(owner: &'a SessionOwner, except: &'a SessionId, epoch: u64) -> EndAll<'a> {
    EndAll { owner, except: Some(except), epoch: AuthEpoch::new(epoch) }
}

pub(super) async fn end_all_ends_every_older_session(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    expect("ended, of none", store.end_all(everything_of(&ann, 0), START).await?, 0)?;
    let records = [session(&ann, 1)?, at_epoch(session(&ann, 2)?, 1), at_epoch(session(&ann, 3)?, 2)];
    insert_all(store, &records).await?;
    expect("ended", store.end_all(everything_of(&ann, 3), START).await?, 3)?;
    for record in &records {
        expect_none("an ended session", store.load(&record.id, START).await?.as_ref())?;
        expect("removing an ended session", store.remove(&record.id).await?, false)?;
    }
    expect("listed", store.list(&ann, Page::first(), START).await?.len(), 0)?;
    expect("ended again", store.end_all(everything_of(&ann, 3), START).await?, 0)
}

pub(super) async fn end_all_leaves_sessions_of_its_epoch_and_later(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let older = at_epoch(session(&ann, 1)?, 6);
    let same = at_epoch(session(&ann, 2)?, 7);
    let later = at_epoch(session(&ann, 3)?, 8);
    insert_all(store, [&older, &same, &later]).await?;
    expect("ended", store.end_all(everything_of(&ann, 7), START).await?, 1)?;
    expect_none("the older session", store.load(&older.id, START).await?.as_ref())?;
    for record in [same, later] {
        expect_same(&load(store, &record.id, START).await?, &record)?;
    }
    Ok(())
}

pub(super) async fn end_all_leaves_all_other_principals_alone(bench: &SessionBench<'_>) -> Verdict {
    let store = &bench.store;
    let owners = near_namesakes()?.map(owner_of).into_iter().collect::<Result<Vec<_>, _>>()?;
    let nobody = anonymous(100)?;
    insert_all(store, [&nobody]).await?;
    for (n, owner) in (0..).zip(&owners) {
        insert_all(store, [&session(owner, n)?]).await?;
    }
    for (n, owner) in (0..).zip(&owners) {
        expect("ended", store.end_all(everything_of(owner, 1), START).await?, 1)?;
        for (other, its_owner) in (0..).zip(&owners) {
            let record = session(its_owner, other)?;
            let found = store.load(&record.id, START).await?;
            // Those whose turn was or is have ended, and only those.
            expect("whether a session is there", found.is_some(), other > n)?;
            let late = session(its_owner, other.saturating_add(10))?;
            let wanted = if other > n { Inserted::Stored { ended: 0 } } else { Inserted::Outdated };
            expect("a login of epoch zero", store.insert(&late, None, START).await?, wanted)?;
            store.remove(&late.id).await?;
        }
    }
    expect_same(&load(store, &nobody.id, START).await?, &nobody)
}

pub(super) async fn a_session_that_was_ended_can_no_longer_be_written(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let record = session(&ann, 1)?;
    insert_all(store, [&record]).await?;
    expect("ended", store.end_all(everything_of(&ann, 1), START).await?, 1)?;
    let updated = store.update(&record.id, record.version, &blob(1)?).await?;
    expect("updating", updated, Updated::Gone)?;
    let next = record.secret.rotated(hash(2), START);
    expect("rotating", store.rotate(&record.id, record.version, &next).await?, Rotated::Gone)?;
    expect("touching", store.touch(&record.id, at(2 * HOUR), START).await?, false)?;
    expect_none("the ended session", store.load(&record.id, START).await?.as_ref())?;
    expect("listed", store.list(&ann, Page::first(), START).await?.len(), 0)
}

/// The device on which the password was changed stays logged in, also when everything ends again; and what
/// its request still has to write is no conflict, for the version counts changes of secret and data.
pub(super) async fn the_excepted_session_is_moved_up(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let (kept, ended) = (at_epoch(session(&ann, 1)?, 3), at_epoch(session(&ann, 2)?, 3));
    insert_all(store, [&kept, &ended]).await?;
    expect("ended", store.end_all(all_but(&ann, &kept.id, 4), START).await?, 1)?;
    expect_none("the other session", store.load(&ended.id, START).await?.as_ref())?;
    let moved = at_epoch(kept, 4);
    expect_same(&load(store, &moved.id, START).await?, &moved)?;
    let listed = store.list(&ann, Page::first(), START).await?;
    expect("listed", listed, vec![moved.summary()])?;
    expect("ended by the same again", store.end_all(everything_of(&ann, 4), START).await?, 0)?;
    expect_same(&load(store, &moved.id, START).await?, &moved)?;
    expect("ended by the next", store.end_all(everything_of(&ann, 5), START).await?, 1)?;
    expect_none("the session", store.load(&moved.id, START).await?.as_ref())
}

/// A key that left the ring takes its tags along: what begun under it is found by its id alone, which the request of
/// the excepted session has.
pub(super) async fn an_excepted_session_whose_key_left_the_ring_is_moved_up(
    bench: &SessionBench<'_>,
) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let before = SessionOwner::new(user("ann")?, &old_keys()?);
    expect("whether the fixture's keys differ", before.tag() == ann.tag(), false)?;
    let (kept, ended) = (session(&before, 1)?, session(&ann, 2)?);
    insert_all(store, [&kept, &ended]).await?;
    expect("ended", store.end_all(all_but(&ann, &kept.id, 1), START).await?, 1)?;
    expect_none("the other session", store.load(&ended.id, START).await?.as_ref())?;
    let moved = at_epoch(kept, 1);
    expect_same(&load(store, &moved.id, START).await?, &moved)?;
    // Somebody else's, and one that there is not, have tags of their own too: they change nothing.
    let (his, unknown) = (session(&owner("bob")?, 3)?, session(&before, 4)?);
    insert_all(store, [&his]).await?;
    for id in [&his.id, &unknown.id] {
        expect("ended of none", store.end_all(all_but(&ann, id, 1), START).await?, 0)?;
    }
    expect_same(&load(store, &his.id, START).await?, &his)?;
    // Under the key that left, too, what is older has ended.
    let late = store.insert(&session(&before, 5)?, None, START).await?;
    expect("an older login under the key", late, Inserted::Outdated)
}

pub(super) async fn the_excepted_session_is_never_moved_down(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let record = at_epoch(session(&ann, 1)?, 7);
    insert_all(store, [&record]).await?;
    expect("ended", store.end_all(all_but(&ann, &record.id, 5), START).await?, 0)?;
    expect_same(&load(store, &record.id, START).await?, &record)
}

/// A session that an earlier change should have ended, and whose end has not come yet, must not save itself by
/// asking for the next one: a thief would log out everybody but himself.
pub(super) async fn an_excepted_session_that_was_outdated_before_ends(bench: &SessionBench<'_>) -> Verdict {
    let store = &bench.store;
    for (n, older) in (0..).zip([0, 1, 6]) {
        let ann = owner(&format!("ann{n}"))?;
        let stale = at_epoch(session(&ann, n)?, older);
        let directly_before = at_epoch(session(&ann, n.saturating_add(10))?, 7);
        insert_all(store, [&stale, &directly_before]).await?;
        expect("ended", store.end_all(all_but(&ann, &stale.id, 8), START).await?, 2)?;
        for record in [&stale, &directly_before] {
            expect_none("an ended session", store.load(&record.id, START).await?.as_ref())?;
            expect("removing an ended session", store.remove(&record.id).await?, false)?;
        }
        expect("listed", store.list(&ann, Page::first(), START).await?.len(), 0)?;
        expect("ended again", store.end_all(all_but(&ann, &stale.id, 8), START).await?, 0)?;
    }
    Ok(())
}

/// An id is public: naming somebody else's must neither save it nor lift it over its own marker.
pub(super) async fn an_excepted_session_of_another_principal_is_not_touched(
    bench: &SessionBench<'_>,
) -> Verdict {
    let (store, ann, bob) = (&bench.store, owner("ann")?, owner("bob")?);
    let (hers, his, nobodys) = (session(&ann, 1)?, at_epoch(session(&bob, 2)?, 2), anonymous(3)?);
    insert_all(store, [&hers, &his, &nobodys]).await?;
    expect("ended", store.end_all(all_but(&ann, &his.id, 3), START).await?, 1)?;
    expect_none("her session", store.load(&hers.id, START).await?.as_ref())?;
    expect("ended", store.end_all(all_but(&ann, &nobodys.id, 3), START).await?, 0)?;
    for record in [&his, &nobodys] {
        expect_same(&load(store, &record.id, START).await?, record)?;
    }
    expect("ended", store.end_all(all_but(&ann, &nobodys.id, 1), START).await?, 0)?;
    expect_same(&load(store, &nobodys.id, START).await?, &nobodys)?;
    expect("his ended", store.end_all(everything_of(&bob, 3), START).await?, 1)
}

pub(super) async fn an_excepted_session_that_does_not_exist_changes_nothing(
    bench: &SessionBench<'_>,
) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let (removed, record) = (session(&ann, 1)?, session(&ann, 2)?);
    insert_all(store, [&removed, &record]).await?;
    expect("removing", store.remove(&removed.id).await?, true)?;
    expect("ended", store.end_all(all_but(&ann, &removed.id, 1), START).await?, 1)?;
    expect_none("the removed session", store.load(&removed.id, START).await?.as_ref())?;
    expect_none("the ended session", store.load(&record.id, START).await?.as_ref())?;
    expect("listed", store.list(&ann, Page::first(), START).await?.len(), 0)
}

/// The password was changed between its check and the insert.
pub(super) async fn a_login_that_was_under_way_is_outdated(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    expect("ended", store.end_all(everything_of(&ann, 2), START).await?, 0)?;
    for epoch in [0, 1] {
        let late = at_epoch(session(&ann, epoch)?, epoch);
        expect("an older login", store.insert(&late, None, START).await?, Inserted::Outdated)?;
        expect_none("it", store.load(&late.id, START).await?.as_ref())?;
    }
    expect("listed", store.list(&ann, Page::first(), START).await?.len(), 0)?;
    for epoch in [2, 3] {
        insert_all(store, [&at_epoch(session(&ann, epoch)?, epoch)]).await?;
        load(store, &session(&ann, epoch)?.id, START).await?;
    }
    insert_all(store, [&anonymous(9)?]).await
}

pub(super) async fn an_outdated_login_ends_no_session(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    store.end_all(everything_of(&ann, 1), START).await?;
    let record = at_epoch(session(&ann, 1)?, 1);
    insert_all(store, [&record]).await?;
    let limit = SessionLimit { max: 1, when_reached: WhenReached::EndOldest };
    let inserted = store.insert(&session(&ann, 2)?, Some(&limit), START).await?;
    expect("an older login", inserted, Inserted::Outdated)?;
    expect_same(&load(store, &record.id, START).await?, &record)
}

/// Two changes of password whose sweeps overtake each other.
pub(super) async fn a_marker_never_goes_down(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    store.end_all(everything_of(&ann, 5), START).await?;
    let record = at_epoch(session(&ann, 1)?, 5);
    insert_all(store, [&record]).await?;
    for (n, epoch) in (2..).zip([3, 0]) {
        expect("ended", store.end_all(everything_of(&ann, epoch), at(n)).await?, 0)?;
        expect("ended", store.end_all(all_but(&ann, &record.id, epoch), at(n)).await?, 0)?;
        let late = at_epoch(session(&ann, n)?, 4);
        expect("an older login", store.insert(&late, None, at(n)).await?, Inserted::Outdated)?;
    }
    expect_same(&load(store, &record.id, at(4)).await?, &record)
}

/// Longer than any login is under way, whatever is purged meanwhile.
pub(super) async fn a_marker_is_kept_for_a_day(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    store.end_all(everything_of(&ann, 3), START).await?;
    // Again, and lower: neither may shorten the marker's life.
    for (n, secs) in (1..).zip([1, HOUR, 12 * HOUR, 23 * HOUR, DAY - 1]) {
        store.purge(at(secs), 1_000).await?;
        let epoch = n % 3;
        let late = SessionRecord {
            idle_until: at(7 * DAY),
            absolute_until: at(7 * DAY),
            ..begun_at(at_epoch(session(&ann, n)?, epoch), at(secs))
        };
        expect("an older login", store.insert(&late, None, at(secs)).await?, Inserted::Outdated)?;
        expect_none("it", store.load(&late.id, at(secs)).await?.as_ref())?;
        if n == 2 {
            store.end_all(everything_of(&ann, 1), at(secs)).await?;
        }
    }
    let new = SessionRecord { idle_until: at(7 * DAY), absolute_until: at(7 * DAY), ..session(&ann, 9)? };
    let inserted = store.insert(&at_epoch(new, 3), None, at(DAY)).await?;
    expect("a newer login", inserted, Inserted::Stored { ended: 0 })
}
