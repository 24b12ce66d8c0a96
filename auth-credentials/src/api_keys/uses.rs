//! When keys were last used, off the path of a request.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use auth_core::{CredentialKey, CredentialRecord, StoreError, UnixTime, Version};

use super::ApiKeys;

/// The uses that are to be written.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<HashMap<CredentialKey, (Version, UnixTime)>>);

impl Uses {
    /// The most keys of which a use waits. More are not noted until these are written.
    const CAPACITY: usize = 10_000;

    /// Notes a use, unless one was written not long ago.
    pub(super) fn note(&self, key: CredentialKey, record: &CredentialRecord, now: UnixTime) {
        let due = |last: UnixTime| now.since(last) >= ApiKeys::USE_INTERVAL;
        if !record.last_used_at.is_none_or(due) {
            return;
        }
        let mut waiting = self.lock();
        if waiting.len() < Self::CAPACITY || waiting.contains_key(&key) {
            waiting.insert(key, (record.version, now));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CredentialKey, (Version, UnixTime)>> {
        // A panic elsewhere leaves the map as it was before or after one insertion.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ApiKeys {
    /// Writes when keys were last used; answers of how many. Call it from a job, every minute or so: without it, keys
    /// are as good, and the list does not say when they were used.
    ///
    /// # Errors
    /// [`StoreError`]; what was not written is noted anew at the next use.
    pub async fn write_uses(&self) -> Result<usize, StoreError> {
        let waiting = std::mem::take(&mut *self.uses.lock());
        let credentials = &self.accounts.authenticator().stores.credentials;
        let mut written: usize = 0;
        for (key, (version, at)) in waiting {
            // One that was revoked meanwhile is gone, and stays so.
            if credentials.succeeded(&key, version, at).await? {
                written = written.saturating_add(1);
            }
        }
        Ok(written)
    }
}
