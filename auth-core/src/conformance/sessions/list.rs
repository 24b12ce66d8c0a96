//! Showing a person their sessions.

use super::{
    SessionBench,
    sample::{
        anonymous, begun_at, expect_none, insert_all, keys, load, old_keys, owner, owner_of, rotated_keys,
        session,
    },
};
use crate::{
    AuthEpoch, EndAll, Inserted, Page, SessionId, SessionKind, SessionOwner, SessionRecord,
    conformance::{
        check::{Verdict, expect},
        sample::{MINUTE, START, at, full_authentication, near_namesakes, user},
    },
    testing::SeededEntropy,
};

pub(super) async fn a_list_has_the_newest_first_and_ties_by_id(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let begins = [30, 10, 20, 20, 20, 40, 0, 20];
    let mut records = Vec::new();
    for (n, secs) in (0..).zip(begins) {
        records.push(begun_at(session(&ann, n)?, at(secs)));
    }
    insert_all(store, &records).await?;
    // Neither a use nor a write moves a session in the list.
    store.touch(&session(&ann, 1)?.id, at(50), at(45)).await?;
    records.sort_by_key(|record| (std::cmp::Reverse(record.created_at), record.id));
    let listed = store.list(&ann, Page::first(), at(45)).await?;
    let ids = |ids: Vec<SessionId>| ids;
    expect(
        "the order",
        ids(listed.iter().map(|listed| listed.id).collect()),
        ids(records.iter().map(|record| record.id).collect()),
    )
}

pub(super) async fn a_list_is_cut_into_pages(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let mut records = Vec::new();
    for n in 0..11 {
        // Ties, so that pages that order by time only lose or repeat rows.
        records.push(begun_at(session(&ann, n)?, at(n / 4)));
    }
    insert_all(store, &records).await?;
    let whole = store.list(&ann, Page::first(), at(9)).await?;
    expect("the whole list", whole.len(), records.len())?;
    for size in [1, 3, 4, 11, 12] {
        let mut page = Page::new(0, size);
        let mut found = Vec::new();
        loop {
            let rows = store.list(&ann, page, at(9)).await?;
            let wanted = whole.len().saturating_sub(found.len()).min(usize::try_from(size)?);
            expect("rows of a page", rows.len(), wanted)?;
            if rows.is_empty() {
                break;
            }
            found.extend(rows);
            page = page.next();
        }
        expect("the pages together", &found, &whole)?;
    }
    expect("far behind the end", store.list(&ann, Page::new(u32::MAX, 10), at(9)).await?.len(), 0)
}

pub(super) async fn a_list_has_live_sessions_only(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let idle = SessionRecord { idle_until: at(MINUTE), ..session(&ann, 1)? };
    let absolute = SessionRecord { absolute_until: at(MINUTE), ..session(&ann, 2)? };
    let (live, removed) = (session(&ann, 3)?, session(&ann, 4)?);
    insert_all(store, [&idle, &absolute, &live, &removed]).await?;
    expect("removing", store.remove(&removed.id).await?, true)?;
    expect("listed before", store.list(&ann, Page::first(), at(MINUTE - 1)).await?.len(), 3)?;
    let listed = store.list(&ann, Page::first(), at(MINUTE)).await?;
    expect("listed at the deadline", listed, vec![live.summary()])?;
    // A dead row must not take the place of a live one on a page.
    let listed = store.list(&ann, Page::new(0, 1), at(MINUTE)).await?;
    expect("the first page", listed, vec![live.summary()])
}

pub(super) async fn a_list_has_the_sessions_of_its_owner_only(bench: &SessionBench<'_>) -> Verdict {
    let store = &bench.store;
    let owners = near_namesakes()?.map(owner_of).into_iter().collect::<Result<Vec<_>, _>>()?;
    insert_all(store, [&anonymous(100)?]).await?;
    for (n, owner) in (0..).zip(&owners) {
        insert_all(store, [&session(owner, n)?]).await?;
    }
    for (n, owner) in (0..).zip(&owners) {
        let wanted = session(owner, n)?.summary();
        expect("listed", store.list(owner, Page::first(), START).await?, vec![wanted])?;
    }
    expect("listed", store.list(&owner("nobody")?, Page::first(), START).await?.len(), 0)
}

pub(super) async fn a_list_shows_what_the_sessions_hold(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let login = full_authentication(ann.principal().clone(), AuthEpoch::new(3))?;
    let record =
        SessionRecord { kind: SessionKind::Refresh, authentication: Some(login.into()), ..session(&ann, 1)? };
    insert_all(store, [&record]).await?;
    let listed = store.list(&ann, Page::first(), START).await?;
    expect("a new session", listed, vec![record.summary()])?;
    expect("touching", store.touch(&record.id, at(7_000), at(50)).await?, true)?;
    let touched = load(store, &record.id, at(50)).await?;
    let listed = store.list(&ann, Page::first(), at(50)).await?;
    expect("a touched session", listed, vec![touched.summary()])
}

/// A store that finds sessions by their tag must look under the tags of retired keys too, or rotating the
/// key ring keeps sessions alive that were ended.
pub(super) async fn sessions_under_a_retired_key_belong_to_their_owner(bench: &SessionBench<'_>) -> Verdict {
    let store = &bench.store;
    let before = SessionOwner::new(user("ann")?, &old_keys()?);
    let after = SessionOwner::new(user("ann")?, &rotated_keys()?);
    let old = begun_at(session(&before, 1)?, at(1));
    let new = begun_at(session(&after, 2)?, at(2));
    let current = SessionOwner::new(user("ann")?, &keys()?);
    expect("whether the fixture's keys differ", before.tag() == current.tag(), false)?;
    insert_all(store, [&old, &new]).await?;
    let listed = store.list(&after, Page::first(), at(3)).await?;
    expect("listed", listed, vec![new.summary(), old.summary()])?;

    let what = EndAll { owner: &after, except: Some(&new.id), epoch: AuthEpoch::new(1) };
    expect("how many ended", store.end_all(what, at(3)).await?, 1)?;
    expect_none("the old session", store.load(&old.id, at(3)).await?.as_ref())?;
    load(store, &new.id, at(3)).await?;
    let id = SessionId::for_owner(&before, &SeededEntropy::new(3))?;
    let late = SessionRecord { id, ..old };
    let inserted = store.insert(&late, None, at(3)).await?;
    expect("a login under the old key", inserted, Inserted::Outdated)
}
