//! The log of one database.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use auth_core::{
    AuditEvent, ChainError, ChainExtent, ChainHead, ChainVerifier, KeyRing, Page, StoreError, UnixTime,
};

use super::{
    entry::Entry,
    query::{AuditQuery, AuditRecord},
    row::{self, Numbered},
    sink::{self, SqlAudit},
    writer::{Append, SqlAuditWriter},
};

/// What each database does with the table.
#[async_trait]
pub(crate) trait AuditRows: Clone + fmt::Debug + Send + Sync + 'static {
    /// Adds entries in one transaction, which no other addition is in the middle of.
    async fn append(&self, entries: &[Entry], ring: Option<&Arc<KeyRing>>) -> Result<(), StoreError>;
    async fn list(&self, query: &AuditQuery, page: Page) -> Result<Vec<Numbered>, StoreError>;
    /// Rows after this number, in their order.
    async fn after(&self, number: u64, limit: u32) -> Result<Vec<Numbered>, StoreError>;
    async fn head(&self) -> Result<ChainHead, StoreError>;
    /// Removes the rows from the one number to the other.
    async fn delete(&self, numbers: (u64, u64)) -> Result<u64, StoreError>;
}

/// The audit log in a database: table `auth_audit`, which the processes of a service share. Cheap to clone.
///
/// [`sink`](Self::sink) gives what the engines take. With [a chain](Self::with_chain), each row has the hash of the one
/// before it, and [`verify`](Self::verify) finds out what was changed, removed or added past this crate.
#[derive(Clone)]
#[expect(private_bounds, reason = "the databases are this crate's")]
pub struct AuditLog<D: AuditRows> {
    database: D,
    ring: Option<Arc<KeyRing>>,
}

#[expect(private_bounds, reason = "the databases are this crate's")]
impl<D: AuditRows> AuditLog<D> {
    /// How many rows are looked at together.
    const STEP: u32 = 500;

    pub(crate) const fn new(database: D) -> Self {
        Self { database, ring: None }
    }

    /// The same with an [`AuditChain`](auth_core::AuditChain) through the rows. All processes that write to the log want
    /// the same ring.
    #[must_use]
    pub fn with_chain(mut self, ring: Arc<KeyRing>) -> Self {
        self.ring = Some(ring);
        self
    }

    /// A sink, and what writes for it: run that on your runtime. The sink never waits: events queue, up to
    /// [`SqlAudit::QUEUE`], and are written in batches.
    ///
    /// ```
    /// # use auth_sql::{Sqlite, SetupError};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), SetupError> {
    /// let database = Sqlite::in_memory().await?;
    /// let (audit, writer) = database.audit().sink();
    /// let writing = tokio::spawn(writer.run());
    /// // Hand out `Arc::new(audit)`. When all of its clones are gone, the writer ends:
    /// # drop(audit);
    /// let lost = writing.await;
    /// # assert_eq!(lost.unwrap(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn sink(&self) -> (SqlAudit, SqlAuditWriter) {
        sink::pair(Box::new(self.clone()))
    }

    /// Adds events, all or none of them, and waits for it: for what must not happen unseen.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Full`] if an event says more than 64 KiB.
    pub async fn append(&self, at: UnixTime, events: &[AuditEvent]) -> Result<(), StoreError> {
        let entries: Option<Vec<_>> = events.iter().map(|event| Entry::new(at, event)).collect();
        self.database.append(&entries.ok_or(StoreError::full())?, self.ring.as_ref()).await
    }

    /// What is found, the latest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, query: &AuditQuery, page: Page) -> Result<Vec<AuditRecord>, StoreError> {
        let found = self.database.list(query, page).await?;
        found.into_iter().map(|(_, kept)| kept.map(|kept| kept.record)).collect()
    }

    /// The last entry that was added. Of a log with a chain, note it elsewhere now and then: it tells that the end is
    /// missing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn head(&self) -> Result<ChainHead, StoreError> {
        self.database.head().await
    }

    /// Checks a log with a chain. `known` is an entry that was its [`head`](Self::head) once and was noted where whoever
    /// writes the database does not write: without one, a log that was set back whole is right. It reads every row.
    ///
    /// # Errors
    /// [`ChainError::Broken`] says where it is not as it was written.
    pub async fn verify(&self, ring: &KeyRing, known: Option<ChainHead>) -> Result<ChainExtent, ChainError> {
        let read = |error: StoreError| ChainError::Read(Box::new(error));
        // What it says itself is held to as well.
        let said = self.database.head().await.map_err(read)?;
        let mut verifier = ChainVerifier::new(ring).knowing(said);
        if let Some(known) = known {
            verifier = verifier.knowing(known);
        }
        let mut last = 0;
        loop {
            let rows = self.database.after(last, Self::STEP).await.map_err(read)?;
            let Some((number, _)) = rows.last() else { return Ok(verifier.finish()?) };
            last = *number;
            rows.iter().for_each(|row| row::verify(&mut verifier, row));
        }
    }

    /// Forgets up to `limit` of the oldest entries, as far as they happened before this moment. Answers how many. Those
    /// that stay are still a chain.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn purge(&self, before: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let oldest = self.database.after(0, limit).await?;
        // One that cannot be read stays, for whoever verifies.
        let old = |(_, kept): &&Numbered| kept.as_ref().is_ok_and(|kept| kept.record.at < before);
        match (oldest.first(), oldest.iter().take_while(old).last()) {
            (Some((first, _)), Some((last, _))) => self.database.delete((*first, *last)).await,
            _ => Ok(0),
        }
    }
}

#[async_trait]
impl<D: AuditRows> Append for AuditLog<D> {
    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        self.database.append(entries, self.ring.as_ref()).await
    }
}

impl<D: AuditRows> fmt::Debug for AuditLog<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog")
            .field("database", &self.database)
            .field("chained", &self.ring.is_some())
            .finish()
    }
}
