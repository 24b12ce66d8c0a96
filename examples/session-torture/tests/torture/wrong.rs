//! A store that keeps its promises to whoever does not look long, or at the right thing.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use async_trait::async_trait;
use auth_core::{
    EndAll, Inserted, MemorySessions, Page, Rotated, SecretState, SessionBlob, SessionId, SessionLimit,
    SessionOwner, SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime, Updated, Version,
};
use tokio::task;

/// After how many lists a session comes back: each round has two dozen of them, and more.
const LATER: u64 = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A session that was removed is there again some rounds later.
    ComesBackLater,
    /// Now and then a login makes a second session, of which nobody hears.
    Stranger,
    /// What is removed right after an insert stays: the session in whose place a login has come.
    LeavesTheReplaced,
}

pub(crate) struct Wrong {
    good: MemorySessions,
    fault: Fault,
    /// What was removed, and after how many lists.
    removed: Mutex<VecDeque<(u64, SessionRecord)>>,
    lists: AtomicU64,
    inserts: AtomicU64,
    /// Tasks whose last call was an insert.
    inserting: Mutex<HashSet<Option<task::Id>>>,
}

impl Wrong {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            good: MemorySessions::new(100_000),
            fault,
            removed: Mutex::default(),
            lists: AtomicU64::new(0),
            inserts: AtomicU64::new(0),
            inserting: Mutex::default(),
        }
    }

    /// Whether the last call of this task was an insert, which this one is not.
    fn was_inserting(&self) -> bool {
        self.inserting.lock().unwrap().remove(&task::try_id())
    }

    async fn bring_back(&self, now: UnixTime) {
        let lists = self.lists.fetch_add(1, SeqCst);
        let due = self.removed.lock().unwrap().pop_front_if(|(at, _)| lists.saturating_sub(*at) >= LATER);
        if let Some((_, record)) = due {
            let _ = self.good.insert(&record, None, now).await;
        }
    }
}

#[async_trait]
impl SessionStore for Wrong {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let inserted = self.good.insert(record, limit, now).await?;
        self.inserting.lock().unwrap().insert(task::try_id());
        if self.fault == Fault::Stranger && self.inserts.fetch_add(1, SeqCst) % 20 == 19 {
            let mut id = *record.id.as_bytes();
            id[23] ^= 1;
            let second = SessionRecord { id: SessionId::from_bytes(id), ..record.clone() };
            let _ = self.good.insert(&second, None, now).await;
        }
        Ok(inserted)
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        self.was_inserting();
        self.good.load(id, now).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        self.was_inserting();
        self.good.update(id, expected, data).await
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        self.was_inserting();
        self.good.touch(id, idle_until, now).await
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        self.was_inserting();
        self.good.rotate(id, expected, next).await
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        if self.was_inserting() && self.fault == Fault::LeavesTheReplaced {
            return Ok(true);
        }
        if self.fault == Fault::ComesBackLater
            && let Some(record) = self.good.load(id, UnixTime::from_secs(0)).await?
        {
            self.removed.lock().unwrap().push_back((self.lists.load(SeqCst), record));
        }
        self.good.remove(id).await
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        self.was_inserting();
        self.bring_back(now).await;
        self.good.list(owner, page, now).await
    }

    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        self.was_inserting();
        self.good.end_all(what, now).await
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.was_inserting();
        self.good.purge(now, limit).await
    }
}
