//! Sessions under one lock.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, MutexGuard},
};

use async_trait::async_trait;

use super::{Locked, count, page_of};
use crate::{
    AuthEpoch, EndAll, Inserted, Page, PrincipalId, Rotated, SecretState, SessionBlob, SessionId,
    SessionLimit, SessionOwner, SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime, Updated,
    Version, WhenReached,
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

    fn live(&mut self, id: &SessionId, now: UnixTime) -> Option<&mut SessionRecord> {
        self.rows.get_mut(id).filter(|row| row.is_live(now))
    }

    /// The ids that a new session of `id` must end, or `None` if it may not begin.
    fn make_room(&self, id: &PrincipalId, limit: &SessionLimit, now: UnixTime) -> Option<Vec<SessionId>> {
        let live = self.live_of(id, now);
        let others = usize::try_from(limit.max.max(1)).unwrap_or(usize::MAX).saturating_sub(1);
        let too_many = live.len().saturating_sub(others);
        match limit.when_reached {
            WhenReached::Refuse if too_many > 0 => None,
            WhenReached::Refuse => Some(Vec::new()),
            WhenReached::EndOldest => Some(live.iter().take(too_many).map(|row| row.id).collect()),
        }
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
        let ended = match (record.principal(), limit) {
            (Some(id), Some(limit)) => match sessions.make_room(id, limit, now) {
                Some(ended) => ended,
                None => return Ok(Inserted::LimitReached),
            },
            _ => Vec::new(),
        };
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
            Some(row) if row.version != expected => Updated::Conflict,
            Some(row) => {
                row.data = data.clone();
                row.version = row.version.next();
                Updated::Updated
            }
        })
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        let mut sessions = self.lock();
        let Some(row) = sessions.live(id, now) else { return Ok(false) };
        row.idle_until = row.idle_until.max(idle_until.min(row.absolute_until));
        row.last_used_at = row.last_used_at.max(now);
        Ok(true)
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
            Some(row) if row.version != expected => Rotated::Conflict,
            Some(row) => {
                row.secret = next.clone();
                row.version = row.version.next();
                Rotated::Rotated
            }
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
        let sessions = self.lock();
        let mut live = sessions.live_of(owner.principal(), now);
        live.sort_by_key(|row| (std::cmp::Reverse(row.created_at), row.id));
        Ok(page_of(live.into_iter().map(SessionRecord::summary), page))
    }

    async fn end_all(&self, what: EndAll<'_>, _: UnixTime) -> Result<u64, StoreError> {
        let mut sessions = self.lock();
        let owner = what.owner.principal();
        let marker = sessions.markers.entry(owner.clone()).or_default();
        *marker = what.epoch.max(*marker);
        for row in sessions.rows.values_mut().filter(|row| row.principal() == Some(owner)) {
            if Some(&row.id) == what.except && Some(row.epoch()) == what.epoch.before() {
                move_up(row, what.epoch);
            }
        }
        let older = |row: &&SessionRecord| row.principal() == Some(owner) && row.epoch() < what.epoch;
        let ended: Vec<_> = sessions.rows.values().filter(older).map(|row| row.id).collect();
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
