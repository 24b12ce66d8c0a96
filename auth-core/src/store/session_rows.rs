//! A session store from a database that has transactions.

use async_trait::async_trait;

use super::{StoreError, Updated, Version, session::SessionStore};
use crate::{
    EndAll, EpochMarker, Inserted, Page, PrincipalId, PrincipalTag, Rotated, SecretState, SessionBlob,
    SessionId, SessionLimit, SessionOwner, SessionRecord, SessionSummary, UnixTime,
};

/// A database that keeps sessions in transactions, of which [`TransactionalSessions`] makes a [`SessionStore`]:
/// embedded ones, mostly, or a map under a lock. It keeps rows; what may happen to them is decided for it.
///
/// Where rows are changed by conditional statements instead, as in SQL, implement [`SessionStore`] itself.
/// [`SessionRecord`], [`EndAll`], [`SessionLimit`], [`SessionOwner`] and [`EpochMarker`] say what its methods come to.
#[async_trait]
pub trait SessionDatabase: Send + Sync {
    /// One transaction: what `work` reads and writes is one step, and another that writes comes before or after it.
    /// What `work` wrote is undone if it fails. When this answers, it is as safe as the database promises.
    ///
    /// # Errors
    /// That of `work`; [`StoreError::Unknown`] if it is not known whether the transaction was committed.
    async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut dyn SessionRows) -> Result<T, StoreError> + Send + 'static;

    /// The session of this id, dead or alive.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Corrupt`] for one that cannot be read.
    async fn find(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError>;

    /// The sessions whose ids have one of these tags, as they are at one moment. One that cannot be read is left out, so
    /// that it does not keep its owner from seeing the others.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn under(&self, tags: Vec<PrincipalTag>) -> Result<Vec<SessionRecord>, StoreError>;

    /// Removes up to `limit` sessions that are [past a deadline](SessionRecord::is_live), and the markers that
    /// [are over](EpochMarker::is_over). Answers how many sessions.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError>;
}

/// What a transaction of a [`SessionDatabase`] sees: two tables.
pub trait SessionRows {
    /// The session of this id, dead or alive.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Corrupt`] for one that cannot be read.
    fn find(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError>;

    /// The ids of the sessions that have this tag: [a range](PrincipalTag::ids) of keys.
    ///
    /// Of all of them, also those that [`find`](Self::find) cannot read. Such a session opens nothing here; but a newer
    /// version of the program may have written it, and ending everything of its owner must end it too.
    ///
    /// # Errors
    /// [`StoreError`].
    fn ids(&self, tag: PrincipalTag) -> Result<Vec<SessionId>, StoreError>;

    /// Adds a session, or replaces the one of its id.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put(&mut self, record: &SessionRecord) -> Result<(), StoreError>;

    /// Removes a session. Answers whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove(&mut self, id: &SessionId) -> Result<bool, StoreError>;

    /// The marker of a principal.
    ///
    /// # Errors
    /// [`StoreError`].
    fn marker(&self, principal: &PrincipalId) -> Result<Option<EpochMarker>, StoreError>;

    /// Sets the marker of a principal.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_marker(&mut self, principal: &PrincipalId, marker: &EpochMarker) -> Result<(), StoreError>;
}

/// The [`SessionStore`] of a [`SessionDatabase`].
///
/// A [`SessionLimit`] counts the sessions under the new session's own tag.
#[derive(Debug, Clone)]
pub struct TransactionalSessions<D>(D);

impl<D: SessionDatabase> TransactionalSessions<D> {
    /// Sessions in `database`.
    pub const fn new(database: D) -> Self {
        Self(database)
    }

    /// The database.
    pub const fn database(&self) -> &D {
        &self.0
    }

    /// Writes what `change` makes of a session, unless it leaves it as it was.
    async fn change<T: Send + 'static>(
        &self,
        id: &SessionId,
        gone: T,
        change: impl FnOnce(&mut SessionRecord) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let id = *id;
        let work = move |rows: &mut dyn SessionRows| {
            let Some(before) = rows.find(&id)? else { return Ok(gone) };
            let mut record = before.clone();
            let answer = change(&mut record);
            if record != before {
                rows.put(&record)?;
            }
            Ok(answer)
        };
        self.0.write(work).await
    }
}

#[async_trait]
impl<D: SessionDatabase> SessionStore for TransactionalSessions<D> {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let (record, limit) = (record.clone(), limit.cloned());
        self.0.write(move |rows| insert(rows, &record, limit.as_ref(), now)).await
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        // No marker is looked at: what it ended, readable or not, was removed together with leaving it.
        Ok(self.0.find(id).await?.filter(|record| record.is_live(now)))
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        let data = data.clone();
        self.change(id, Updated::Gone, move |record| record.update(expected, &data)).await
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        self.change(id, false, move |record| record.touch(idle_until, now)).await
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        let next = next.clone();
        self.change(id, Rotated::Gone, move |record| record.rotate(expected, &next)).await
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        let id = *id;
        self.0.write(move |rows| rows.remove(&id)).await
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        Ok(owner.list(&self.0.under(owner.tags().collect()).await?, page, now))
    }

    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        let (owner, except, epoch) = (what.owner.clone(), what.except.copied(), what.epoch);
        let work = move |rows: &mut dyn SessionRows| {
            end_all(rows, EndAll { owner: &owner, except: except.as_ref(), epoch }, now)
        };
        self.0.write(work).await
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.0.purge(now, limit).await
    }
}

fn insert(
    rows: &mut dyn SessionRows,
    record: &SessionRecord,
    limit: Option<&SessionLimit>,
    now: UnixTime,
) -> Result<Inserted, StoreError> {
    if rows.find(&record.id)?.is_some() {
        return Ok(Inserted::Collision);
    }
    let marker = record.principal().map(|principal| rows.marker(principal)).transpose()?.flatten();
    if marker.is_some_and(|marker| marker.ends(record)) {
        return Ok(Inserted::Outdated);
    }
    let room = match limit {
        Some(limit) => limit.make_room(record, &readable(rows, record.id.tag())?, now),
        None => Some(Vec::new()),
    };
    let Some(ended) = room else { return Ok(Inserted::LimitReached) };
    for id in &ended {
        rows.remove(id)?;
    }
    rows.put(record)?;
    Ok(Inserted::Stored { ended: u32::try_from(ended.len()).unwrap_or(u32::MAX) })
}

fn end_all(rows: &mut dyn SessionRows, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
    let principal = what.owner.principal();
    let marker = EpochMarker::raised(rows.marker(principal)?, what.epoch, now);
    rows.put_marker(principal, &marker)?;
    // The spared session may be under a key that the ring has no more.
    let mut tags: Vec<_> = what.owner.tags().chain(what.except.map(SessionId::tag)).collect();
    tags.sort_unstable();
    tags.dedup();
    let mut ended = 0_u64;
    for tag in tags {
        for id in rows.ids(tag)? {
            let Some(mut record) = find_readable(rows, &id)? else {
                rows.remove(&id)?;
                continue;
            };
            let before = record.epoch();
            if what.ends(&mut record) {
                rows.remove(&id)?;
                ended = ended.saturating_add(u64::from(record.is_live(now)));
            } else if record.epoch() != before {
                rows.put(&record)?;
            }
        }
    }
    Ok(ended)
}

/// The sessions under a tag, without those that cannot be read, which keep their owner from nothing.
fn readable(rows: &dyn SessionRows, tag: PrincipalTag) -> Result<Vec<SessionRecord>, StoreError> {
    let found = rows.ids(tag)?.into_iter().map(|id| find_readable(rows, &id));
    found.filter_map(Result::transpose).collect()
}

fn find_readable(rows: &dyn SessionRows, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
    match rows.find(id) {
        Err(StoreError::Corrupt(_)) => Ok(None),
        found => found,
    }
}
