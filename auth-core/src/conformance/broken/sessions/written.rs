//! Faults of `update`, `touch`, `rotate` and `remove`.

use std::time::Duration;

use super::{BrokenSessions, SessionFault as Fault};
use crate::{
    Rotated, SecretState, SessionBlob, SessionId, SessionRecord, SessionStore, StoreError, UnixTime, Updated,
    Version, conformance::sample::HOUR,
};

impl BrokenSessions {
    pub(super) fn row(&self, id: &SessionId) -> Option<SessionRecord> {
        self.good.lock().rows.get(id).cloned()
    }

    pub(super) fn write(&self, row: SessionRecord) {
        self.good.lock().rows.insert(row.id, row);
    }

    pub(super) fn change<T>(
        &self,
        id: &SessionId,
        change: impl FnOnce(&mut SessionRecord) -> T,
    ) -> Option<T> {
        self.good.lock().rows.get_mut(id).map(change)
    }

    pub(super) async fn broken_update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        match self.fault {
            Fault::UpdateUpserts => {
                let updated = self.good.update(id, expected, data).await?;
                let Some(row) = self.removed.lock().remove(id).filter(|_| updated == Updated::Gone) else {
                    return Ok(updated);
                };
                self.write(row);
                self.good.update(id, expected, data).await
            }
            Fault::UpdateIgnoresRowCount => {
                let updated = self.good.update(id, expected, data).await?;
                Ok(if updated == Updated::Gone { Updated::Updated } else { updated })
            }
            Fault::UpdateIgnoresVersion => {
                let version = self.row(id).map_or(expected, |row| row.version);
                self.good.update(id, version, data).await
            }
            Fault::UpdateNotAtomic => {
                if self.row(id).is_some_and(|row| row.version != expected) {
                    return Ok(Updated::Conflict);
                }
                self.gap.pass();
                let changed = self.change(id, |row| {
                    row.data = data.clone();
                    row.version = expected.next();
                });
                Ok(changed.map_or(Updated::Gone, |()| Updated::Updated))
            }
            Fault::UpdateKeepsVersion => {
                let updated = self.good.update(id, expected, data).await?;
                if updated == Updated::Updated {
                    self.change(id, |row| row.version = expected);
                }
                Ok(updated)
            }
            Fault::UpdateMovesDeadline => {
                let updated = self.good.update(id, expected, data).await?;
                self.change(id, |row| row.idle_until = row.absolute_until);
                Ok(updated)
            }
            Fault::UpdateRevives => {
                let updated = self.good.update(id, expected, data).await?;
                let hour = Duration::from_secs(HOUR);
                self.change(id, |row| {
                    row.idle_until = row.idle_until.saturating_add(hour);
                    row.absolute_until = row.absolute_until.saturating_add(hour);
                });
                Ok(updated)
            }
            Fault::UpdateWritesTheRow => {
                let Some(row) = self.row(id) else { return Ok(Updated::Gone) };
                if row.version != expected {
                    return Ok(Updated::Conflict);
                }
                self.gap.pass();
                self.write(SessionRecord { data: data.clone(), version: expected.next(), ..row });
                Ok(Updated::Updated)
            }
            _ => self.good.update(id, expected, data).await,
        }
    }

    pub(super) async fn broken_touch(
        &self,
        id: &SessionId,
        idle_until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        match (self.fault, self.row(id)) {
            (Fault::TouchBackwards, _) => {
                let alive = self.good.touch(id, idle_until, now).await?;
                self.change(id, |row| row.idle_until = idle_until.min(row.absolute_until));
                Ok(alive)
            }
            (Fault::TouchPastAbsolute, Some(row)) if row.is_live(now) => {
                self.change(id, |row| row.idle_until = row.idle_until.max(idle_until));
                self.good.touch(id, UnixTime::EPOCH, now).await
            }
            (Fault::TouchStopsEarly, Some(row)) if idle_until > row.absolute_until => {
                self.good.touch(id, UnixTime::EPOCH, now).await
            }
            (Fault::TouchRevives, _) => {
                let touched = self.change(id, |row| {
                    row.idle_until = row.idle_until.max(idle_until.min(row.absolute_until));
                    row.last_used_at = now;
                });
                Ok(touched.is_some())
            }
            (Fault::TouchIgnoresRowCount, _) => self.good.touch(id, idle_until, now).await.map(|_| true),
            (Fault::TouchMovesVersion, _) => {
                let alive = self.good.touch(id, idle_until, now).await?;
                self.change(id, |row| row.version = row.version.next());
                Ok(alive)
            }
            (Fault::TouchForgetsUse, Some(before)) => {
                let alive = self.good.touch(id, idle_until, now).await?;
                self.change(id, |row| row.last_used_at = before.last_used_at);
                Ok(alive)
            }
            (Fault::TouchWritesTheRow, Some(mut row)) if row.is_live(now) => {
                row.idle_until = row.idle_until.max(idle_until.min(row.absolute_until));
                row.last_used_at = now;
                self.gap.pass();
                self.write(row);
                Ok(true)
            }
            (Fault::TouchNotAtomic, Some(row)) if row.is_live(now) => {
                self.gap.pass();
                if idle_until > row.idle_until {
                    self.change(id, |row| row.idle_until = idle_until.min(row.absolute_until));
                }
                self.good.touch(id, UnixTime::EPOCH, now).await
            }
            _ => self.good.touch(id, idle_until, now).await,
        }
    }

    pub(super) async fn broken_rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        match self.fault {
            Fault::RotateDeletesFirst => {
                let Some(row) = self.row(id) else { return Ok(Rotated::Gone) };
                if row.version != expected {
                    return Ok(Rotated::Conflict);
                }
                self.good.remove(id).await?;
                self.gap.pass();
                self.write(SessionRecord { secret: next.clone(), version: expected.next(), ..row });
                Ok(Rotated::Rotated)
            }
            Fault::RotateIgnoresVersion => {
                let version = self.row(id).map_or(expected, |row| row.version);
                self.good.rotate(id, version, next).await
            }
            Fault::RotateNotAtomic => {
                if self.row(id).is_some_and(|row| row.version != expected) {
                    return Ok(Rotated::Conflict);
                }
                self.gap.pass();
                let changed = self.change(id, |row| {
                    row.secret = next.clone();
                    row.version = expected.next();
                });
                Ok(changed.map_or(Rotated::Gone, |()| Rotated::Rotated))
            }
            Fault::RotateTakesGoneForConflict => {
                let rotated = self.good.rotate(id, expected, next).await?;
                Ok(if rotated == Rotated::Gone { Rotated::Conflict } else { rotated })
            }
            Fault::RotateForgetsGeneration => {
                let next = SecretState { generation: 0, ..next.clone() };
                self.good.rotate(id, expected, &next).await
            }
            Fault::RotateInTwoSteps => {
                if self.row(id).is_some_and(|row| row.version == expected) {
                    self.change(id, |row| row.secret = next.clone());
                }
                self.gap.pass();
                self.good.rotate(id, expected, next).await
            }
            _ => self.good.rotate(id, expected, next).await,
        }
    }

    pub(super) async fn broken_remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        let row = self.row(id);
        match self.fault {
            Fault::RemoveAlwaysTrue => {
                self.good.remove(id).await?;
                Ok(true)
            }
            Fault::RemoveNotAtomic => {
                self.gap.pass();
                self.good.remove(id).await?;
                Ok(row.is_some())
            }
            Fault::UpdateUpserts => {
                self.removed.lock().extend(row.map(|row| (row.id, row)));
                self.good.remove(id).await
            }
            _ => self.good.remove(id).await,
        }
    }
}
