//! A map under a lock is a database of sessions, and so a store that passes the suite.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use auth_core::{
    EpochMarker, PrincipalId, PrincipalTag, SessionDatabase, SessionId, SessionRecord, SessionRows,
    StoreError, TransactionalSessions, UnixTime,
};

#[derive(Debug, Default, Clone)]
struct Tables {
    sessions: BTreeMap<SessionId, SessionRecord>,
    markers: HashMap<PrincipalId, EpochMarker>,
}

#[derive(Debug, Default)]
struct Map(Mutex<Tables>);

impl SessionRows for Tables {
    fn find(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.sessions.get(id).cloned())
    }

    fn ids(&self, tag: PrincipalTag) -> Result<Vec<SessionId>, StoreError> {
        Ok(self.sessions.range(tag.ids()).map(|(id, _)| *id).collect())
    }

    fn put(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        self.sessions.insert(record.id, record.clone());
        Ok(())
    }

    fn remove(&mut self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.sessions.remove(id).is_some())
    }

    fn marker(&self, principal: &PrincipalId) -> Result<Option<EpochMarker>, StoreError> {
        Ok(self.markers.get(principal).copied())
    }

    fn put_marker(&mut self, principal: &PrincipalId, marker: &EpochMarker) -> Result<(), StoreError> {
        self.markers.insert(principal.clone(), *marker);
        Ok(())
    }
}

#[async_trait]
impl SessionDatabase for Map {
    async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut dyn SessionRows) -> Result<T, StoreError> + Send + 'static,
    {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = tables.clone();
        let done = work(&mut changed)?;
        *tables = changed;
        Ok(done)
    }

    async fn find(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).find(id)
    }

    async fn under(&self, tags: Vec<PrincipalTag>) -> Result<Vec<SessionRecord>, StoreError> {
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = tags.iter().flat_map(|tag| tables.sessions.range(tag.ids()));
        Ok(found.map(|(_, record)| record.clone()).collect())
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.markers.retain(|_, marker| !marker.is_over(now));
        let mut left = limit;
        tables.sessions.retain(|_, record| {
            let stays = left == 0 || record.is_live(now);
            left -= u32::from(!stays);
            stays
        });
        Ok(u64::from(limit - left))
    }
}

auth_core::session_store_conformance!(|| async { TransactionalSessions::new(Map::default()) }, threads);
