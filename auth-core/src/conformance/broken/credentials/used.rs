//! Faults of `update`, `consume`, `count_failure` and `succeeded`.

use super::{BrokenCredentials, CredentialFault as Fault};
use crate::{
    CredentialBlob, CredentialKey, CredentialRecord, CredentialStore, StoreError, UnixTime, Updated, Version,
};

impl BrokenCredentials {
    fn row(&self, key: &CredentialKey) -> Option<CredentialRecord> {
        self.good.lock().credentials.get(key).cloned()
    }

    fn write(&self, row: CredentialRecord) {
        self.good.lock().credentials.insert(row.key.clone(), row);
    }

    fn change<T>(&self, key: &CredentialKey, change: impl FnOnce(&mut CredentialRecord) -> T) -> Option<T> {
        self.good.lock().credentials.get_mut(key).map(change)
    }

    pub(super) async fn broken_update(
        &self,
        key: &CredentialKey,
        expected: Version,
        data: &CredentialBlob,
    ) -> Result<Updated, StoreError> {
        let row = self.row(key);
        match (self.fault, row) {
            (Fault::UpdateIgnoresVersion, Some(row)) => self.good.update(key, row.version, data).await,
            (Fault::UpdateNotAtomic | Fault::UpdateWritesTheRow, Some(row)) if row.version != expected => {
                Ok(Updated::Conflict)
            }
            (Fault::UpdateNotAtomic, Some(_)) => {
                self.gap.pass();
                let changed = self.change(key, |row| {
                    row.data = data.clone();
                    row.version = expected.next();
                });
                Ok(changed.map_or(Updated::Gone, |()| Updated::Updated))
            }
            (Fault::UpdateWritesTheRow, Some(row)) => {
                self.gap.pass();
                self.write(CredentialRecord { data: data.clone(), version: expected.next(), ..row });
                Ok(Updated::Updated)
            }
            (Fault::UpdateInTwoSteps, Some(row)) if row.version == expected => {
                self.change(key, |row| row.version = expected.next());
                self.gap.pass();
                self.change(key, |row| row.data = data.clone());
                Ok(Updated::Updated)
            }
            (Fault::UpdateTakesGoneForConflict, None) => Ok(Updated::Conflict),
            (Fault::UpdateForgetsFailures, Some(_)) => {
                self.change(key, |row| row.failures = 0);
                self.good.update(key, expected, data).await
            }
            _ => self.good.update(key, expected, data).await,
        }
    }

    pub(super) async fn broken_consume(
        &self,
        key: &CredentialKey,
        expected: Version,
    ) -> Result<bool, StoreError> {
        let found = self.row(key).is_some_and(|row| row.version == expected);
        match self.fault {
            Fault::ConsumeKeeps => Ok(found),
            Fault::ConsumeIgnoresVersion => Ok(self.good.lock().credentials.remove(key).is_some()),
            Fault::ConsumeNotAtomic => {
                self.gap.pass();
                if found {
                    self.good.lock().credentials.remove(key);
                }
                Ok(found)
            }
            Fault::ConsumeChecksFirst => {
                self.gap.pass();
                Ok(found && self.good.lock().credentials.remove(key).is_some())
            }
            _ => self.good.consume(key, expected).await,
        }
    }

    pub(super) async fn broken_count_failure(&self, key: &CredentialKey) -> Result<Option<u32>, StoreError> {
        let row = self.row(key);
        match (self.fault, row) {
            (Fault::CountNotAtomic, Some(row)) => {
                self.gap.pass();
                let next = row.failures.saturating_add(1);
                Ok(self.change(key, |row| row.failures = next).map(|()| next))
            }
            (Fault::CountReadLater, Some(_)) => {
                self.good.count_failure(key).await?;
                self.gap.pass();
                Ok(self.row(key).map(|row| row.failures))
            }
            (Fault::CountWritesTheRow, Some(mut row)) => {
                self.gap.pass();
                row.failures = row.failures.saturating_add(1);
                let failures = row.failures;
                self.write(row);
                Ok(Some(failures))
            }
            (Fault::CountAnswersBefore, Some(row)) => {
                self.good.count_failure(key).await?;
                Ok(Some(row.failures))
            }
            (Fault::CountMovesVersion, Some(_)) => {
                self.change(key, |row| row.version = row.version.next());
                self.good.count_failure(key).await
            }
            (Fault::CountsNobody, None) => Ok(Some(1)),
            _ => self.good.count_failure(key).await,
        }
    }

    pub(super) async fn broken_succeeded(
        &self,
        key: &CredentialKey,
        expected: Version,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let row = self.row(key);
        match (self.fault, row) {
            (Fault::SucceededIgnoresVersion, Some(row)) => self.good.succeeded(key, row.version, now).await,
            (Fault::SucceededForgetsFirst, Some(_)) => {
                self.change(key, |row| row.failures = 0);
                self.good.succeeded(key, expected, now).await
            }
            (Fault::SucceededKeepsFailures, Some(before)) => {
                let succeeded = self.good.succeeded(key, expected, now).await?;
                self.change(key, |row| row.failures = before.failures);
                Ok(succeeded)
            }
            (Fault::SucceededMovesVersion, Some(_)) => {
                let succeeded = self.good.succeeded(key, expected, now).await?;
                self.change(key, |row| row.version = row.version.next());
                Ok(succeeded)
            }
            (Fault::SucceededMovesBack, Some(_)) => {
                let succeeded = self.good.succeeded(key, expected, now).await?;
                self.change(key, |row| row.last_used_at = row.last_used_at.min(Some(now)));
                Ok(succeeded)
            }
            (Fault::SucceededForgetsUse, Some(before)) => {
                let succeeded = self.good.succeeded(key, expected, now).await?;
                self.change(key, |row| row.last_used_at = before.last_used_at);
                Ok(succeeded)
            }
            _ => self.good.succeeded(key, expected, now).await,
        }
    }
}
