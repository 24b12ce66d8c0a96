//! The contract in its plainest form: one lock around a plain map.
//!
//! To be read beside [`RevocationStore`] by whoever writes one. The deliberately [`broken`](super::broken) stores are
//! made from it. It keeps nothing beyond the process, so it is no store for a service:
//! [`danger::revoke_until_restart`](crate::danger::revoke_until_restart) says what that means.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use auth_core::{StoreError, UnixTime};

use crate::{LoadEach, Revocation, RevocationKind, RevocationRecord, RevocationStore};

/// A [`RevocationStore`] as its contract reads. It drops what has ended whenever it is written to.
#[derive(Debug, Default)]
pub struct ReferenceRevocations(Mutex<Rows>);

/// By issuer, kind and name.
pub(super) type Rows = BTreeMap<(String, &'static str, String), RevocationRecord>;

impl ReferenceRevocations {
    pub(super) fn lock(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RevocationStore for ReferenceRevocations {
    async fn put(&self, record: &RevocationRecord, now: UnixTime) -> Result<(), StoreError> {
        let mut rows = self.lock();
        rows.retain(|_, row| row.ends_at > now);
        let key = key(record);
        let record = match rows.get(&key) {
            Some(there) => later(there, record)?,
            None => record.clone(),
        };
        rows.insert(key, record);
        Ok(())
    }

    async fn load(&self, now: UnixTime, each: &mut LoadEach<'_>) -> Result<(), StoreError> {
        let rows: Vec<_> = self.lock().values().cloned().collect();
        rows.into_iter().filter(|row| row.ends_at > now).try_for_each(each)
    }
}

pub(super) fn key(record: &RevocationRecord) -> (String, &'static str, String) {
    let revocation = &record.revocation;
    (revocation.issuer().as_str().to_owned(), revocation.kind().as_str(), revocation.name().to_owned())
}

/// The later of the two dates, and of the two ends.
pub(super) fn later(
    there: &RevocationRecord,
    record: &RevocationRecord,
) -> Result<RevocationRecord, StoreError> {
    let date = match (there.revocation.date(), record.revocation.date()) {
        (Some(there), Some(date)) => Some(there.max(date)),
        _ => None,
    };
    Ok(RevocationRecord {
        revocation: dated(&record.revocation, date)?,
        ends_at: there.ends_at.max(record.ends_at),
    })
}

/// The same with another date.
pub(super) fn dated(revocation: &Revocation, date: Option<UnixTime>) -> Result<Revocation, StoreError> {
    let (issuer, name) = (revocation.issuer().clone(), revocation.name());
    match (revocation.kind(), date) {
        (RevocationKind::Token, date) => Revocation::token(issuer, name, date),
        (RevocationKind::Session, _) => Revocation::session(issuer, name),
        (RevocationKind::Subject, Some(issued_until)) => Revocation::subject(issuer, name, issued_until),
        (RevocationKind::Subject, None) => return Err(StoreError::corrupt("date")),
    }
    .map_err(|_| StoreError::corrupt("name"))
}
