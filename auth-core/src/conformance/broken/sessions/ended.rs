//! Faults of `end_all` and `purge`.

use std::sync::atomic::Ordering;

use super::{BrokenSessions, SessionFault as Fault, list::same_id};
use crate::{
    AuthEpoch, EndAll, SessionId, SessionRecord, SessionStore, StoreError, UnixTime,
    conformance::{
        reference::{count, move_up},
        sample::HOUR,
    },
};

impl BrokenSessions {
    pub(super) async fn broken_end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        let owner = what.owner.principal();
        let excepted = what.except.and_then(|id| self.row(id));
        match self.fault {
            Fault::LoadIgnoresEpoch => {
                let older = self.older(what, |row| row.principal() == Some(owner));
                self.mark(what);
                Ok(count(&older))
            }
            Fault::EndAllLeavesNoMarker => {
                let before = self.good.lock().markers.clone();
                let ended = self.good.end_all(what, now).await?;
                self.good.lock().markers = before;
                Ok(ended)
            }
            Fault::MarkerGoesDown => {
                let ended = self.good.end_all(what, now).await?;
                self.good.lock().markers.insert(owner.clone(), what.epoch);
                Ok(ended)
            }
            Fault::MarkerForgotten => {
                self.marked_at.store(now.as_secs(), Ordering::SeqCst);
                self.good.end_all(what, now).await
            }
            Fault::MarkerNotAtomic => {
                let marker = self.good.lock().markers.get(owner).copied().unwrap_or_default();
                self.gap.pass();
                if what.epoch >= marker {
                    self.good.lock().markers.insert(owner.clone(), what.epoch);
                }
                Ok(self.remove_all(&self.older(what, |row| row.principal() == Some(owner))))
            }
            Fault::EndAllIgnoresRealm => {
                self.mark(what);
                let same = |row: &SessionRecord| row.principal().is_some_and(|id| same_id(id, owner));
                Ok(self.remove_all(&self.older(what, same)))
            }
            Fault::EndAllEndsTheNew => {
                self.mark(what);
                let next = EndAll { epoch: what.epoch.next(), ..what };
                Ok(self.remove_all(&self.older(next, |row| row.principal() == Some(owner))))
            }
            Fault::ExceptedStaysBehind => {
                let ended = self.good.end_all(what, now).await?;
                excepted.into_iter().for_each(|row| self.write(row));
                // Or it would be hidden behind the marker at once.
                self.good.lock().markers.remove(owner);
                Ok(ended)
            }
            Fault::ExceptedUnderOwnTags => {
                let under = |id: &&SessionId| what.owner.tags().any(|tag| tag == id.tag());
                self.good.end_all(EndAll { except: what.except.filter(under), ..what }, now).await
            }
            Fault::ExceptedMovesDown => {
                let ended = self.good.end_all(what, now).await?;
                what.except.and_then(|id| self.change(id, |row| move_up(row, what.epoch)));
                self.good.lock().markers.insert(owner.clone(), what.epoch);
                Ok(ended)
            }
            Fault::ExceptedHoweverOld => {
                let older = |row: &SessionRecord| row.principal() == Some(owner) && row.epoch() < what.epoch;
                // First to directly before, from where it is moved up in earnest.
                if let (Some(row), Some(before)) = (excepted.filter(older), what.epoch.before()) {
                    self.change(&row.id, |row| move_up(row, before));
                }
                self.good.end_all(what, now).await
            }
            Fault::ExceptedMovesVersion => {
                let ended = self.good.end_all(what, now).await?;
                what.except.and_then(|id| self.change(id, |row| row.version = row.version.next()));
                Ok(ended)
            }
            Fault::ExceptedOfStrangers => {
                let ended = self.good.end_all(what, now).await?;
                what.except.and_then(|id| self.change(id, |row| move_up(row, row.epoch().max(what.epoch))));
                Ok(ended)
            }
            Fault::ExceptedIsWrittenBack => {
                self.gap.pass();
                let ended = self.good.end_all(what, now).await?;
                if let Some(mut row) = excepted {
                    move_up(&mut row, what.epoch);
                    self.write(row);
                }
                Ok(ended)
            }
            Fault::EndAllMarksLast => {
                let ended = self.remove_all(&self.older(what, |row| row.principal() == Some(owner)));
                self.gap.pass();
                self.mark(what);
                Ok(ended)
            }
            _ => self.good.end_all(what, now).await,
        }
    }

    fn mark(&self, what: EndAll<'_>) {
        let mut sessions = self.good.lock();
        let marker: &mut AuthEpoch = sessions.markers.entry(what.owner.principal().clone()).or_default();
        *marker = what.epoch.max(*marker);
    }

    /// Those whose epoch is older, the excepted one left out.
    fn older(&self, what: EndAll<'_>, whose: impl Fn(&SessionRecord) -> bool) -> Vec<SessionId> {
        let sessions = self.good.lock();
        let older =
            |row: &&SessionRecord| whose(row) && row.epoch() < what.epoch && Some(&row.id) != what.except;
        sessions.rows.values().filter(older).map(|row| row.id).collect()
    }

    fn remove_all(&self, ids: &[SessionId]) -> u64 {
        let mut sessions = self.good.lock();
        ids.iter().fold(0_u64, |n, id| n.saturating_add(u64::from(sessions.rows.remove(id).is_some())))
    }

    pub(super) async fn broken_purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        match self.fault {
            Fault::PurgeForgetsMarkers => {
                self.good.lock().markers.clear();
                self.good.purge(now, limit).await
            }
            Fault::PurgeRemovesLive => {
                let soon = now.saturating_add(std::time::Duration::from_secs(HOUR));
                self.good.purge(soon, limit).await
            }
            Fault::PurgeDoesNothing => Ok(0),
            Fault::PurgeIgnoresLimit => self.good.purge(now, u32::MAX).await,
            Fault::PurgeNotAtomic => {
                let dead: Vec<_> = {
                    let sessions = self.good.lock();
                    sessions.rows.values().filter(|row| !row.is_live(now)).map(|row| row.id).collect()
                };
                self.gap.pass();
                Ok(self.remove_all(&dead))
            }
            _ => self.good.purge(now, limit).await,
        }
    }
}
