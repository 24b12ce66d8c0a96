//! Faults of `insert` and `load`.

use std::sync::{Arc, atomic::Ordering};

use super::{BrokenSessions, SessionFault as Fault};
use crate::{
    Inserted, SessionBlob, SessionId, SessionLimit, SessionRecord, SessionStore, StoreError, UnixTime,
    WhenReached, conformance::sample::HOUR,
};

const STORED: Inserted = Inserted::Stored { ended: 0 };

impl BrokenSessions {
    pub(super) async fn broken_insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        match self.fault {
            Fault::InsertOverwrites => {
                self.good.remove(&record.id).await?;
                self.good.insert(record, limit, now).await
            }
            Fault::InsertEndsBeforeCollision => {
                let twin = SessionRecord { id: SessionId::from_bytes([0xff; 24]), ..record.clone() };
                let _ = self.good.insert(&twin, limit, now).await?;
                self.good.remove(&twin.id).await?;
                self.good.insert(record, limit, now).await
            }
            Fault::InsertNotAtomic => {
                if self.good.lock().rows.contains_key(&record.id) {
                    return Ok(Inserted::Collision);
                }
                self.gap.pass();
                self.good.remove(&record.id).await?;
                self.good.insert(record, limit, now).await
            }
            Fault::InsertIgnoresEpoch => self.insert_without_marker(record, limit, now).await,
            Fault::InsertChecksEpochFirst => {
                if self.good.lock().is_outdated(record) {
                    return Ok(Inserted::Outdated);
                }
                self.gap.pass();
                self.insert_without_marker(record, limit, now).await
            }
            Fault::InsertKeepsOneMethod
            | Fault::InsertTakesNoScopeForNoLimit
            | Fault::InsertForgetsTerms
            | Fault::InsertCutsData
            | Fault::InsertCutsTimes => self.good.insert(&self.changed(record), limit, now).await,
            Fault::MarkerForgotten => {
                if now.as_secs().saturating_sub(self.marked_at.load(Ordering::SeqCst)) >= HOUR {
                    self.good.lock().markers.clear();
                }
                self.good.insert(record, limit, now).await
            }
            _ => self.insert_within(record, limit, now).await,
        }
    }

    async fn insert_without_marker(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let inserted = self.good.insert(record, limit, now).await?;
        if inserted == Inserted::Outdated {
            self.good.lock().rows.insert(record.id, record.clone());
            return Ok(STORED);
        }
        Ok(inserted)
    }

    /// Faults of the limit.
    async fn insert_within(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let Some(limit) = limit else { return self.good.insert(record, None, now).await };
        let max = usize::try_from(limit.max).unwrap_or(usize::MAX);
        let live = self.live_ids(record, now);
        match (self.fault, limit.when_reached) {
            (Fault::LimitIgnored, _) => self.good.insert(record, None, now).await,
            (Fault::InsertSaysLimitFirst | Fault::LimitCountsActors, WhenReached::Refuse)
                if live.len() >= max.max(1) =>
            {
                Ok(Inserted::LimitReached)
            }
            (Fault::LimitRefusesActors, WhenReached::Refuse) if record.has_actor() => {
                Ok(Inserted::LimitReached)
            }
            (Fault::LimitEndsActors, WhenReached::EndOldest) => {
                let Some(oldest) = live.first().filter(|_| live.len() >= max) else {
                    return self.good.insert(record, Some(limit), now).await;
                };
                self.good.remove(oldest).await?;
                let _ = self.good.insert(record, None, now).await?;
                Ok(Inserted::Stored { ended: 1 })
            }
            (Fault::LimitCountsTheDead, _) => {
                // Long ago, everybody was alive.
                self.good.insert(record, Some(limit), UnixTime::EPOCH).await
            }
            (Fault::LimitNotAtomic, WhenReached::Refuse) => {
                if live.len() >= max {
                    return Ok(Inserted::LimitReached);
                }
                self.gap.pass();
                self.good.insert(record, None, now).await
            }
            (Fault::LimitEndsNewest, WhenReached::EndOldest) => {
                let Some(newest) = live.last().filter(|_| live.len() >= max) else {
                    return self.good.insert(record, Some(limit), now).await;
                };
                self.good.remove(newest).await?;
                let _ = self.good.insert(record, Some(limit), now).await?;
                Ok(Inserted::Stored { ended: 1 })
            }
            (Fault::LimitEndsOne, WhenReached::EndOldest) => {
                let max = limit.max.max(u32::try_from(live.len()).unwrap_or(u32::MAX));
                self.good.insert(record, Some(&SessionLimit { max, ..limit.clone() }), now).await
            }
            (Fault::LimitCountsAnonymous, WhenReached::Refuse) if record.authentication.is_none() => {
                let others =
                    self.good.lock().rows.values().filter(|row| row.authentication.is_none()).count();
                if others >= max {
                    return Ok(Inserted::LimitReached);
                }
                self.good.insert(record, Some(limit), now).await
            }
            _ => self.good.insert(record, Some(limit), now).await,
        }
    }

    /// The live sessions of a new one's principal, in the order in which they began.
    fn live_ids(&self, record: &SessionRecord, now: UnixTime) -> Vec<SessionId> {
        let sessions = self.good.lock();
        let live = record.principal().map(|id| sessions.live_of(id, now)).unwrap_or_default();
        live.iter().map(|row| row.id).collect()
    }

    /// What a careless column or encoding makes of it.
    fn changed(&self, record: &SessionRecord) -> SessionRecord {
        let mut record = record.clone();
        if let Some(login) = record.authentication.as_mut().map(Arc::make_mut) {
            match self.fault {
                Fault::InsertKeepsOneMethod => login.methods.truncate(1),
                Fault::InsertTakesNoScopeForNoLimit => {
                    login.limits.scopes = login.limits.scopes.take().filter(|scopes| !scopes.is_empty());
                }
                _ => {}
            }
        }
        match self.fault {
            Fault::InsertForgetsTerms => record.terms = None,
            Fault::InsertCutsData if record.data.as_bytes().len() > 1_024 => {
                record.data = SessionBlob::empty();
            }
            Fault::InsertCutsTimes => {
                // No 32-bit time reaches the year 2107.
                let max = UnixTime::from_secs(u64::from(u32::MAX));
                record.idle_until = record.idle_until.min(max);
                record.absolute_until = record.absolute_until.min(max);
            }
            _ => {}
        }
        record
    }

    pub(super) async fn broken_load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let sessions = self.good.lock();
        let mut rows = sessions.rows.values();
        let row = match self.fault {
            Fault::LoadByTag => {
                rows.find(|row| row.id.as_bytes().first_chunk::<8>() == id.as_bytes().first_chunk())
            }
            _ => sessions.rows.get(id),
        };
        let Some(row) = row else { return Ok(None) };
        let (alive, outdated) = (row.is_live(now), sessions.is_outdated(row));
        let found = match self.fault {
            Fault::LoadIgnoresIdle => now < row.absolute_until && !outdated,
            Fault::LoadIgnoresAbsolute => now < row.idle_until && !outdated,
            Fault::LoadAtTheDeadline => now <= row.ends_at() && !outdated,
            Fault::LoadIgnoresEpoch | Fault::InsertIgnoresEpoch | Fault::InsertChecksEpochFirst => alive,
            Fault::LoadTakesNeverForThePast => {
                alive && i64::try_from(row.ends_at().as_secs()).is_ok() && !outdated
            }
            _ => alive && !outdated,
        };
        Ok(found.then(|| row.clone()))
    }
}
