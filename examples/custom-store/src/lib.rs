//! A session store of your own: one file on redb, an embedded key-value database, and the public suite that shows
//! that it is one.
//!
//! ```sh
//! cargo test -p example-custom-store      # the suite: some 70 checks, most of them races
//! ```
//!
//! redb has transactions, one writer at a time. So all that is left to write is what is in a transaction
//! ([`SessionDatabase`], [`SessionRows`]); [`TransactionalSessions`] decides what happens to it. A session is kept as its
//! JSON. The ids of a principal's sessions begin with its tag, so an ordered table needs no index beside it.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use auth_core::{
    EpochMarker, PrincipalId, PrincipalTag, SessionDatabase, SessionId, SessionRecord, SessionRows,
    StoreError, TransactionalSessions, UnixTime,
};
use redb::{
    Database, Error, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction,
};
use serde::{Serialize, de::DeserializeOwned};

type Key = &'static [u8; 24];
type Bytes = &'static [u8];

/// Session id to session, and principal to what ending everything of it left.
const SESSIONS: TableDefinition<'_, Key, Bytes> = TableDefinition::new("sessions");
const MARKERS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("markers");

/// Sessions in the redb database in `file`, which is made if it is not there. What was acknowledged is on the disk.
///
/// # Errors
/// [`redb::Error`].
pub fn open(file: impl AsRef<Path>) -> Result<TransactionalSessions<Redb>, Error> {
    let database = Database::create(file)?;
    // A transaction that only reads makes no table.
    let create = database.begin_write()?;
    Tables::of(&create)?;
    create.commit()?;
    Ok(TransactionalSessions::new(Redb(Arc::new(database))))
}

/// A redb database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Redb(Arc<Database>);

/// Both tables, within one transaction that writes.
struct Tables<'a> {
    sessions: Table<'a, Key, Bytes>,
    markers: Table<'a, Bytes, Bytes>,
}

impl Redb {
    /// One transaction, on a thread that may wait for the disk. A call that is dropped has happened or not.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.0);
        let task = tokio::task::spawn_blocking(move || {
            let transaction = database.begin_write().map_err(failed)?;
            // On an error the transaction is dropped, and nothing was written.
            let done = work(&mut Tables::of(&transaction).map_err(failed)?)?;
            transaction.commit().map_err(StoreError::unknown)?;
            Ok(done)
        });
        task.await.map_err(StoreError::unknown)?
    }

    /// What is read together, on such a thread too. No writer waits for it.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(ReadOnlyTable<Key, Bytes>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.0);
        let task = tokio::task::spawn_blocking(move || {
            work(database.begin_read().map_err(failed)?.open_table(SESSIONS).map_err(failed)?)
        });
        task.await.map_err(StoreError::not_written)?
    }
}

#[async_trait]
impl SessionDatabase for Redb {
    async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut dyn SessionRows) -> Result<T, StoreError> + Send + 'static,
    {
        self.change(|tables| work(tables)).await
    }

    async fn find(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let id = *id;
        self.read(move |sessions| find(&sessions, &id)).await
    }

    async fn under(&self, tags: Vec<PrincipalTag>) -> Result<Vec<SessionRecord>, StoreError> {
        self.read(move |sessions| {
            Ok(tags.iter().map(|tag| under(&sessions, *tag)).collect::<Result<Vec<_>, _>>()?.concat())
        })
        .await
    }

    /// Looks at every session while nobody else writes. A store for very many has a table in the order of deadlines.
    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.change(move |tables| {
            // What cannot be read is kept: a newer version of the program may be able to.
            let over = |bytes: &[u8]| decode::<EpochMarker>(bytes).is_ok_and(|it| it.is_over(now));
            let dead = |bytes: &[u8]| decode::<SessionRecord>(bytes).is_ok_and(|it| !it.is_live(now));
            tables.markers.retain(|_, bytes| !over(bytes)).map_err(failed)?;
            let mut removed = tables.sessions.extract_if(|_, bytes| dead(bytes)).map_err(failed)?.take(limit);
            removed.try_fold(0_u64, |purged, one| one.map(|_| purged.saturating_add(1)).map_err(failed))
        })
        .await
    }
}

impl<'a> Tables<'a> {
    fn of(transaction: &'a WriteTransaction) -> Result<Self, Error> {
        Ok(Self { sessions: transaction.open_table(SESSIONS)?, markers: transaction.open_table(MARKERS)? })
    }
}

impl SessionRows for Tables<'_> {
    fn find(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        find(&self.sessions, id)
    }

    fn ids(&self, tag: PrincipalTag) -> Result<Vec<SessionId>, StoreError> {
        let (first, last) = tag.ids().into_inner();
        let found = self.sessions.range::<&[u8; 24]>(first.as_bytes()..=last.as_bytes()).map_err(failed)?;
        found.map(|entry| Ok(SessionId::from_bytes(*entry.map_err(failed)?.0.value()))).collect()
    }

    fn put(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        self.sessions.insert(record.id.as_bytes(), &*encode(record)?).map_err(failed).map(drop)
    }

    fn remove(&mut self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.sessions.remove(id.as_bytes()).map_err(failed)?.is_some())
    }

    fn marker(&self, principal: &PrincipalId) -> Result<Option<EpochMarker>, StoreError> {
        let found = self.markers.get(&*principal.to_bytes()).map_err(failed)?;
        found.map(|bytes| decode(bytes.value())).transpose()
    }

    fn put_marker(&mut self, principal: &PrincipalId, marker: &EpochMarker) -> Result<(), StoreError> {
        self.markers.insert(&*principal.to_bytes(), &*encode(marker)?).map_err(failed).map(drop)
    }
}

fn find(
    sessions: &impl ReadableTable<Key, Bytes>,
    id: &SessionId,
) -> Result<Option<SessionRecord>, StoreError> {
    sessions.get(id.as_bytes()).map_err(failed)?.map(|bytes| decode(bytes.value())).transpose()
}

fn under(
    sessions: &impl ReadableTable<Key, Bytes>,
    tag: PrincipalTag,
) -> Result<Vec<SessionRecord>, StoreError> {
    let (first, last) = tag.ids().into_inner();
    let mut found = Vec::new();
    for entry in sessions.range::<&[u8; 24]>(first.as_bytes()..=last.as_bytes()).map_err(failed)? {
        found.extend(decode::<SessionRecord>(entry.map_err(failed)?.1.value()));
    }
    Ok(found)
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(StoreError::not_written)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|_| StoreError::corrupt("row"))
}

/// Nothing was written: the transaction is dropped.
fn failed(error: impl Into<Error>) -> StoreError {
    StoreError::not_written(error.into())
}
