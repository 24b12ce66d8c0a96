//! When a session ends by itself. Checklist, sessions 8: the deadlines are the server's.

use super::{
    SessionBench,
    sample::{expect_none, insert_all, load, owner, session},
};
use crate::{
    Page, SessionRecord,
    conformance::{
        check::{Verdict, expect},
        sample::at,
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
