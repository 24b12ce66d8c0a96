//! A session store of your own: one file on redb, an embedded key-value database, and the public suite that shows
//! that it is one.
//!
//! ```sh
//! cargo test -p example-custom-store      # the suite: some 70 checks, most of them races
//! ```
//!
//! What a store has to do is in the documentation of [`SessionStore`]. Here it is easy, because every method is one
//! transaction and redb has one writer at a time. The ids of a principal's sessions begin with its tag, so an ordered
//! table needs no index beside it.

mod row;

use std::{cmp::Reverse, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    Authentication, EndAll, Inserted, Page, PrincipalId, PrincipalTag, Rotated, SecretState, SessionBlob,
    SessionId, SessionLimit, SessionOwner, SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime,
    Updated, Version, WhenReached,
};
use redb::{Database, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableDefinition};

type Key = &'static [u8; 24];
type Sessions = ReadOnlyTable<Key, &'static [u8]>;
type Markers = ReadOnlyTable<&'static [u8], (u64, u64)>;

/// Session id to session.
const SESSIONS: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("sessions");
/// Principal to the epoch below which everything was ended, and until when that is kept.
const MARKERS: TableDefinition<'_, &[u8], (u64, u64)> = TableDefinition::new("markers");
/// Longer than any login is under way.
const MARKER_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Sessions in a redb database. Cheap to clone. What was acknowledged is on the disk.
#[derive(Debug, Clone)]
pub struct RedbSessions(Arc<Database>);

/// Both tables, within one transaction that writes.
struct Tables<'a> {
    sessions: Table<'a, Key, &'static [u8]>,
    markers: Table<'a, &'static [u8], (u64, u64)>,
}

impl RedbSessions {
    /// Opens the database in `file`, and makes it if it is not there.
    ///
    /// # Errors
    /// [`redb::Error`].
    pub fn open(file: impl AsRef<Path>) -> Result<Self, redb::Error> {
        let database = Database::create(file)?;
        // A transaction that only reads makes no table.
        let create = database.begin_write()?;
        create.open_table(SESSIONS)?;
        create.open_table(MARKERS)?;
        create.commit()?;
        Ok(Self(Arc::new(database)))
    }

    /// One transaction, on a thread that may wait for the disk. A call that is dropped has happened or not.
    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.0);
        let task = tokio::task::spawn_blocking(move || {
            let transaction = database.begin_write().map_err(failed)?;
            let mut tables = Tables {
                sessions: transaction.open_table(SESSIONS).map_err(failed)?,
                markers: transaction.open_table(MARKERS).map_err(failed)?,
            };
            // On an error the transaction is dropped, and nothing was written.
            let done = change(&mut tables)?;
            drop(tables);
            transaction.commit().map_err(StoreError::unknown)?;
            Ok(done)
        });
        task.await.map_err(StoreError::unknown)?
    }

    /// What is read together with others, on such a thread too. No writer waits for it.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Sessions, &Markers) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.0);
        let task = tokio::task::spawn_blocking(move || {
            let transaction = database.begin_read().map_err(failed)?;
            let sessions = transaction.open_table(SESSIONS).map_err(failed)?;
            read(&sessions, &transaction.open_table(MARKERS).map_err(failed)?)
        });
        task.await.map_err(StoreError::not_written)?
    }

    /// Replaces a session by what `change` makes of it, if anything. `None` if there is no such session.
    async fn change(
        &self,
        id: &SessionId,
        change: impl FnOnce(SessionRecord) -> Option<SessionRecord> + Send + 'static,
    ) -> Result<Option<bool>, StoreError> {
        let id = *id;
        self.write(move |tables| {
            let Some(row) = find(&tables.sessions, &id)? else { return Ok(None) };
            let changed = change(row);
            if let Some(row) = &changed {
                tables.put(row)?;
            }
            Ok(Some(changed.is_some()))
        })
        .await
    }
}

#[async_trait]
impl SessionStore for RedbSessions {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let (record, limit) = (record.clone(), limit.cloned());
        self.write(move |tables| {
            if tables.sessions.get(record.id.as_bytes()).map_err(failed)?.is_some() {
                return Ok(Inserted::Collision);
            }
            let mut too_many = Vec::new();
            if let Some(principal) = record.principal() {
                let marker = tables.markers.get(&*principal.to_bytes()).map_err(failed)?;
                if marker.is_some_and(|marker| record.epoch().get() < marker.value().0) {
                    return Ok(Inserted::Outdated);
                }
                if let Some(limit) = limit {
                    let mut live = live_of(&tables.sessions, principal, [record.id.tag()], now)?;
                    live.sort_by_key(|row| (row.created_at, row.id));
                    let others = usize::try_from(limit.max.max(1)).unwrap_or(usize::MAX).saturating_sub(1);
                    live.truncate(live.len().saturating_sub(others));
                    too_many = live;
                    if !too_many.is_empty() && limit.when_reached == WhenReached::Refuse {
                        return Ok(Inserted::LimitReached);
                    }
                }
            }
            for row in &too_many {
                tables.remove(&row.id)?;
            }
            tables.put(&record)?;
            Ok(Inserted::Stored { ended: u32::try_from(too_many.len()).unwrap_or(u32::MAX) })
        })
        .await
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        let id = *id;
        self.read(move |table, _| Ok(find(table, &id)?.filter(|row| row.is_live(now)))).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        let data = data.clone();
        let change = move |row: SessionRecord| {
            let version = row.version.next();
            (row.version == expected).then_some(SessionRecord { data, version, ..row })
        };
        Ok(match self.change(id, change).await? {
            None => Updated::Gone,
            Some(false) => Updated::Conflict,
            Some(true) => Updated::Updated,
        })
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        let change = move |row: SessionRecord| {
            let idle_until = row.idle_until.max(idle_until.min(row.absolute_until));
            let last_used_at = row.last_used_at.max(now);
            row.is_live(now).then_some(SessionRecord { idle_until, last_used_at, ..row })
        };
        Ok(self.change(id, change).await? == Some(true))
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        let secret = next.clone();
        let change = move |row: SessionRecord| {
            let version = row.version.next();
            (row.version == expected).then_some(SessionRecord { secret, version, ..row })
        };
        Ok(match self.change(id, change).await? {
            None => Rotated::Gone,
            Some(false) => Rotated::Conflict,
            Some(true) => Rotated::Rotated,
        })
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        let id = *id;
        self.write(move |tables| tables.remove(&id)).await
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let owner = owner.clone();
        let (skip, take) = (usize::try_from(page.offset()), usize::try_from(page.limit()));
        let (skip, take) = (skip.unwrap_or(usize::MAX), take.unwrap_or(usize::MAX));
        self.read(move |table, _| {
            let mut rows = live_of(table, owner.principal(), owner.tags(), now)?;
            rows.sort_by_key(|row| (Reverse(row.created_at), row.id));
            Ok(rows.iter().skip(skip).take(take).map(SessionRecord::summary).collect())
        })
        .await
    }

    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        let (owner, except, epoch) = (what.owner.clone(), what.except.copied(), what.epoch);
        self.write(move |tables| {
            let principal = owner.principal();
            let kept_until = now.saturating_add(MARKER_KEPT).as_secs();
            let key = principal.to_bytes();
            let marker = tables.markers.get(&*key).map_err(failed)?.map(|marker| marker.value());
            let (before, until) = marker.unwrap_or_default();
            let raised = (before.max(epoch.get()), until.max(kept_until));
            tables.markers.insert(&*key, raised).map_err(failed)?;
            let mut ended = 0_u64;
            let (rows, damaged) = of(&tables.sessions, principal, owner.tags())?;
            for id in &damaged {
                tables.remove(id)?;
            }
            for row in rows {
                if row.epoch() >= epoch {
                    continue;
                }
                if Some(row.id) == except && Some(row.epoch()) == epoch.before() {
                    tables.put(&moved_up(row, epoch))?;
                } else {
                    tables.remove(&row.id)?;
                    ended = ended.saturating_add(u64::from(row.is_live(now)));
                }
            }
            Ok(ended)
        })
        .await
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_over = move |(_, kept_until): (u64, u64)| kept_until < now.as_secs();
        // Others go on writing while the tables are searched, and then wait for no more than `limit` removals.
        let search = self.read(move |sessions, markers| {
            let (mut ended, mut forgotten) = (Vec::new(), Vec::new());
            for entry in sessions.iter().map_err(failed)? {
                let (id, bytes) = entry.map_err(failed)?;
                if ended.len() >= limit {
                    break;
                }
                // A damaged row is kept: a newer version of the program may be able to read it.
                let row = row::decode(SessionId::from_bytes(*id.value()), bytes.value());
                ended.extend(row.ok().filter(|row| !row.is_live(now)).map(|row| row.id));
            }
            for entry in markers.iter().map_err(failed)? {
                let (key, marker) = entry.map_err(failed)?;
                if forgotten.len() >= limit {
                    break;
                }
                forgotten.extend(is_over(marker.value()).then(|| key.value().to_vec()));
            }
            Ok((ended, forgotten))
        });
        let (ended, forgotten) = search.await?;
        self.write(move |tables| {
            for key in &forgotten {
                let marker = tables.markers.get(&**key).map_err(failed)?.map(|marker| marker.value());
                if marker.is_some_and(is_over) {
                    tables.markers.remove(&**key).map_err(failed)?;
                }
            }
            let mut purged = 0_u64;
            for id in &ended {
                if find(&tables.sessions, id)?.is_some_and(|row| !row.is_live(now)) {
                    purged = purged.saturating_add(u64::from(tables.remove(id)?));
                }
            }
            Ok(purged)
        })
        .await
    }
}

impl Tables<'_> {
    fn put(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        let bytes = row::encode(record)?;
        self.sessions.insert(record.id.as_bytes(), &*bytes).map_err(failed)?;
        Ok(())
    }

    fn remove(&mut self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.sessions.remove(id.as_bytes()).map_err(failed)?.is_some())
    }
}

fn find(
    table: &impl ReadableTable<Key, &'static [u8]>,
    id: &SessionId,
) -> Result<Option<SessionRecord>, StoreError> {
    let found = table.get(id.as_bytes()).map_err(failed)?;
    found.map(|bytes| row::decode(*id, bytes.value())).transpose()
}

/// The sessions of a principal, whose ids begin with one of its tags, and the ids of rows among them that cannot be read.
/// Nobody can use those, so they are no sessions; they must not keep the others from being ended either.
fn of(
    table: &impl ReadableTable<Key, &'static [u8]>,
    principal: &PrincipalId,
    tags: impl IntoIterator<Item = PrincipalTag>,
) -> Result<(Vec<SessionRecord>, Vec<SessionId>), StoreError> {
    let (mut rows, mut damaged) = (Vec::new(), Vec::new());
    for tag in tags {
        let end = |fill| {
            let mut id = [fill; 24];
            id.iter_mut().zip(tag.as_bytes()).for_each(|(to, from)| *to = *from);
            id
        };
        for entry in table.range::<&[u8; 24]>(&end(0)..=&end(255)).map_err(failed)? {
            let (id, bytes) = entry.map_err(failed)?;
            let id = SessionId::from_bytes(*id.value());
            match row::decode(id, bytes.value()) {
                Ok(row) => rows.push(row),
                Err(_) => damaged.push(id),
            }
        }
    }
    // A tag is short enough to be somebody else's as well.
    rows.retain(|row| row.principal() == Some(principal));
    Ok((rows, damaged))
}

fn live_of(
    table: &impl ReadableTable<Key, &'static [u8]>,
    principal: &PrincipalId,
    tags: impl IntoIterator<Item = PrincipalTag>,
    now: UnixTime,
) -> Result<Vec<SessionRecord>, StoreError> {
    let (mut rows, _) = of(table, principal, tags)?;
    rows.retain(|row| row.is_live(now));
    Ok(rows)
}

fn moved_up(row: SessionRecord, epoch: auth_core::AuthEpoch) -> SessionRecord {
    let authentication = row.authentication.map(|login| {
        let mut login = Authentication::clone(&login);
        login.epoch = epoch;
        Arc::new(login)
    });
    SessionRecord { authentication, ..row }
}

/// Nothing was written: the transaction is dropped.
fn failed(error: impl Into<redb::Error>) -> StoreError {
    StoreError::not_written(error.into())
}
