//! Sessions under one lock.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, MutexGuard},
};

use async_trait::async_trait;

use super::{Locked, count};
use crate::{
    AuthEpoch, EndAll, Inserted, Page, PrincipalId, Rotated, SecretState, SessionBlob, SessionId,
    SessionLimit, SessionOwner, SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime, Updated,
    Version,
};

/// A [`SessionStore`] as its contract reads.
#[derive(Debug, Default)]
pub struct ReferenceSessions(Locked<Sessions>);

/// What is kept.
#[derive(Debug, Default)]
pub(in crate::conformance) struct Sessions {
    pub(in crate::conformance) rows: BTreeMap<SessionId, SessionRecord>,
    /// The epoch below which everything of a principal was ended.
    pub(in crate::conformance) markers: HashMap<PrincipalId, AuthEpoch>,
}

impl ReferenceSessions {
    pub(in crate::conformance) fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock()
    }
}

impl Sessions {
    /// Whether its epoch was ended.
    pub(in crate::conformance) fn is_outdated(&self, record: &SessionRecord) -> bool {
        record.principal().and_then(|id| self.markers.get(id)).is_some_and(|marker| record.epoch() < *marker)
    }

    /// The live sessions of a principal, those that were begun first coming first.
    pub(in crate::conformance) fn live_of(&self, id: &PrincipalId, now: UnixTime) -> Vec<&SessionRecord> {
        let mut live: Vec<_> =
            self.rows.values().filter(|row| row.principal() == Some(id) && row.is_live(now)).collect();
        live.sort_by_key(|row| (row.created_at, row.id));
        live
    }
}

#[async_trait]
impl SessionStore for ReferenceSessions {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let mut sessions = self.lock();
        if sessions.rows.contains_key(&record.id) {
            return Ok(Inserted::Collision);
        }
        if sessions.is_outdated(record) {
            return Ok(Inserted::Outdated);
        }
        let room =
            limit.map_or(Some(Vec::new()), |limit| limit.make_room(record, sessions.rows.values(), now));
        let Some(ended) = room else { return Ok(Inserted::LimitReached) };
        for id in &ended {
            sessions.rows.remove(id);
        }
        sessions.rows.insert(record.id, record.clone());
        Ok(Inserted::Stored { ended: u32::try_from(ended.len()).unwrap_or(u32::MAX) })
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        let sessions = self.lock();
        let row = sessions.rows.get(id).filter(|row| row.is_live(now) && !sessions.is_outdated(row));
        Ok(row.cloned())
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        let mut sessions = self.lock();
        Ok(match sessions.rows.get_mut(id) {
            None => Updated::Gone,
            Some(row) => row.update(expected, data),
        })
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        let mut sessions = self.lock();
        Ok(sessions.rows.get_mut(id).is_some_and(|row| row.touch(idle_until, now)))
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        let mut sessions = self.lock();
        Ok(match sessions.rows.get_mut(id) {
            None => Rotated::Gone,
            Some(row) => row.rotate(expected, next),
        })
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.lock().rows.remove(id).is_some())
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        Ok(owner.list(self.lock().rows.values(), page, now))
    }

    async fn end_all(&self, what: EndAll<'_>, _: UnixTime) -> Result<u64, StoreError> {
        let mut sessions = self.lock();
        let owner = what.owner.principal();
        let marker = sessions.markers.entry(owner.clone()).or_default();
        *marker = what.epoch.max(*marker);
        let mut ended = Vec::new();
        for row in sessions.rows.values_mut() {
            ended.extend(what.ends(row).then_some(row.id));
        }
        for id in &ended {
            sessions.rows.remove(id);
        }
        Ok(count(&ended))
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut sessions = self.lock();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let expired: Vec<_> =
            sessions.rows.values().filter(|row| !row.is_live(now)).map(|row| row.id).take(limit).collect();
        for id in &expired {
            sessions.rows.remove(id);
        }
        Ok(count(&expired))
    }
}

/// Gives the session's login another epoch.
pub(in crate::conformance) fn move_up(row: &mut SessionRecord, epoch: AuthEpoch) {
    if let Some(authentication) = &mut row.authentication {
        Arc::make_mut(authentication).epoch = epoch;
    }
}
