//! When a session ends by itself: the deadlines are the server's.

use super::{
    SessionBench,
    sample::{blob, expect_none, insert_all, load, owner, session},
};
use crate::{
    Page, Rotated, SessionRecord, Updated,
    conformance::{
        check::{Verdict, ensure, expect},
        sample::{at, hash},
    },
};

pub(super) async fn a_session_ends_at_its_idle_deadline(bench: &SessionBench<'_>) -> Verdict {
    let record =
        SessionRecord { idle_until: at(100), absolute_until: at(1_000), ..session(&owner("ann")?, 1)? };
    ends_at_100(bench, &record).await
}

pub(super) async fn a_session_ends_at_its_absolute_deadline(bench: &SessionBench<'_>) -> Verdict {
    let record =
        SessionRecord { idle_until: at(1_000), absolute_until: at(100), ..session(&owner("ann")?, 1)? };
    ends_at_100(bench, &record).await
}

/// An update and a rotation know no time, so the row may still be there for them; a reader must not find it.
pub(super) async fn a_write_past_a_deadline_revives_nothing(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let idle = SessionRecord { idle_until: at(100), absolute_until: at(1_000), ..session(&ann, 1)? };
    let absolute = SessionRecord { idle_until: at(1_000), absolute_until: at(100), ..session(&ann, 2)? };
    insert_all(store, [&idle, &absolute]).await?;
    expect("listed at the deadline", store.list(&ann, Page::first(), at(100)).await?.len(), 0)?;
    for record in [&idle, &absolute] {
        let updated = store.update(&record.id, record.version, &blob(1)?).await?;
        ensure(updated != Updated::Conflict, "nobody else wrote")?;
        let version = if updated == Updated::Updated { record.version.next() } else { record.version };
        let next = record.secret.rotated(hash(2), at(100));
        let rotated = store.rotate(&record.id, version, &next).await?;
        ensure(rotated != Rotated::Conflict, "nobody else wrote")?;
        expect("touching", store.touch(&record.id, at(900), at(100)).await?, false)?;
        for secs in [100, 500] {
            expect_none("a dead session", store.load(&record.id, at(secs)).await?.as_ref())?;
            expect("listed", store.list(&ann, Page::first(), at(secs)).await?.len(), 0)?;
        }
    }
    Ok(())
}

/// A deadline itself is no longer alive.
async fn ends_at_100(bench: &SessionBench<'_>, record: &SessionRecord) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    insert_all(store, [record]).await?;
    load(store, &record.id, at(99)).await?;
    expect("listed a second before", store.list(&ann, Page::first(), at(99)).await?.len(), 1)?;
    for secs in [100, 101, 999, 1_000, 1_000_000] {
        let found = store.load(&record.id, at(secs)).await?;
        expect_none("a session at its deadline or later", found.as_ref())?;
        expect("listed", store.list(&ann, Page::first(), at(secs)).await?.len(), 0)?;
    }
    Ok(())
}
