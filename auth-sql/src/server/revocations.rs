//! Revocations on a server.

use async_trait::async_trait;
use auth_core::{StoreError, UnixTime};
use auth_jwt::{LoadEach, RevocationRecord, RevocationStore};

use super::{client::Client, driver::Driver, statement::sql};
use crate::{
    number::time_to_column,
    revocations::{Cursor, PAGE, hash},
};

/// The [`RevocationStore`] of a database on a server. Cheap to clone.
///
/// A call of [`load`](RevocationStore::load) reads in pages of 500 rows, each of which may take as long as any other call.
/// Rows that have ended are read until they are [purged](Self::purge).
#[derive(Debug, Clone)]
#[expect(private_bounds, reason = "the databases are this crate's")]
pub struct ServerRevocations<D: Driver>(pub(crate) Client<D>);

#[expect(private_bounds, reason = "the databases are this crate's")]
impl<D: Driver> ServerRevocations<D> {
    /// Forgets up to `limit` revocations that have ended at `now`, those first that ended first. Answers how many.
    ///
    /// `now` must not be ahead of the clock of any process that verifies: what is forgotten is no longer refused by those
    /// that start later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.0.write(&sql(D::DIALECT.purge_revocations).bind(time_to_column(now)).bind(limit)).await
    }
}

#[async_trait]
impl<D: Driver> RevocationStore for ServerRevocations<D> {
    async fn put(&self, record: &RevocationRecord, _: UnixTime) -> Result<(), StoreError> {
        let (revocation, hash) = (&record.revocation, hash(&record.revocation));
        let put = sql(D::DIALECT.put_revocation)
            .bind(&hash)
            .bind(revocation.issuer().as_str())
            .bind(revocation.kind().as_str())
            .bind(revocation.name().as_bytes())
            .bind(revocation.date().map(time_to_column))
            .bind(time_to_column(record.ends_at));
        match self.0.write(&put).await? {
            // Not for want of a free key, which an upsert does not need: whoever changed the table is told.
            0 => Err(StoreError::not_written("revocation was not stored")),
            _ => Ok(()),
        }
    }

    async fn load(&self, now: UnixTime, each: &mut LoadEach<'_>) -> Result<(), StoreError> {
        let mut next = Some(Cursor::start());
        while let Some(cursor) = next {
            let rows = self.0.read(&sql(cursor.text()).bind(cursor.hash()).bind(PAGE)).await?;
            next = cursor.hand_over(rows, now, each)?;
        }
        Ok(())
    }
}
