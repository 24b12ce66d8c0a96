//! Revocations in SQLite.

use async_trait::async_trait;
use auth_core::{StoreError, UnixTime};
use auth_jwt::{LoadEach, RevocationRecord, RevocationStore};

use super::{Sqlite, statement::sql};
use crate::{
    number::time_to_column,
    revocations::{Cursor, PAGE, hash, insert},
};

/// The [`RevocationStore`] of a [`Sqlite`] database. Cheap to clone.
///
/// A call of [`load`](RevocationStore::load) reads in pages of 500 rows. Rows that have ended are read until they are
/// [purged](Self::purge).
#[derive(Debug, Clone)]
pub struct SqliteRevocations(pub(super) Sqlite);

// `max` of a number and NULL is NULL; it is written out, since other databases differ.
const PUT: &str = concat!(
    insert!(),
    " ON CONFLICT (hash) DO UPDATE SET \
        date = CASE WHEN auth_revocations.date IS NULL OR excluded.date IS NULL THEN NULL \
            ELSE max(auth_revocations.date, excluded.date) END, \
        ends_at = max(auth_revocations.ends_at, excluded.ends_at)"
);

const PURGE: &str = "DELETE FROM auth_revocations WHERE rowid IN (\
    SELECT rowid FROM auth_revocations WHERE ends_at >= 0 AND ends_at <= ?1 ORDER BY ends_at LIMIT ?2)";

#[cfg(test)]
pub(super) const ALL: &[&str] = &[PURGE];

impl SqliteRevocations {
    /// Forgets up to `limit` revocations that have ended at `now`, those first that ended first. Answers how many.
    ///
    /// `now` must not be ahead of the clock of any process that verifies: what is forgotten is no longer refused by those
    /// that start later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.0.write(sql(PURGE).bind(time_to_column(now)).bind(limit)).await
    }
}

#[async_trait]
impl RevocationStore for SqliteRevocations {
    async fn put(&self, record: &RevocationRecord, _: UnixTime) -> Result<(), StoreError> {
        let revocation = &record.revocation;
        let put = sql(PUT)
            .bind(hash(revocation).to_vec())
            .bind(revocation.issuer().as_str())
            .bind(revocation.kind().as_str())
            .bind(revocation.name().as_bytes())
            .bind(revocation.date().map(time_to_column))
            .bind(time_to_column(record.ends_at));
        match self.0.write(put).await? {
            // Whoever changed the table is told.
            0 => Err(StoreError::not_written("revocation was not stored")),
            _ => Ok(()),
        }
    }

    async fn load(&self, now: UnixTime, each: &mut LoadEach<'_>) -> Result<(), StoreError> {
        let mut next = Some(Cursor::start());
        while let Some(cursor) = next {
            let page = sql(cursor.text()).bind(cursor.hash().to_vec()).bind(PAGE);
            next = cursor.hand_over(self.0.read_all(page).await?, now, each)?;
        }
        Ok(())
    }
}
