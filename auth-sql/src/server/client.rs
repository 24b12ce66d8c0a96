//! Running statements on a server.

use std::{fmt, sync::Arc};

use auth_core::StoreError;
use tokio::sync::SemaphorePermit;

use super::{
    driver::{Connect, Driver, Meaning, Settings},
    failure::{Failure, Phase},
    pool::Pool,
    sql::Returning,
    statement::Statement,
    transaction::Transaction,
    work::{Work, repeated},
};

/// The connections to one server. Cheap to clone; clones share them.
pub(crate) struct Client<D: Driver>(Arc<Pool<D>>);

impl<D: Driver> Client<D> {
    pub(crate) fn new(connect: Connect<D>, settings: Settings) -> Self {
        Self(Arc::new(Pool::new(connect, settings)))
    }

    /// Begins a call.
    pub(crate) fn work(&self) -> Work {
        Work::new(self.0.settings.timeout)
    }

    /// Waits for the right to count something, of which there are fewer than connections.
    pub(super) async fn count(&self, work: &Work) -> Result<SemaphorePermit<'_>, Failure> {
        self.0.count(work).await
    }

    /// Begins a transaction.
    pub(crate) async fn begin<'w>(&self, work: &'w Work) -> Result<Transaction<'w, D>, Failure> {
        Transaction::begin(self.0.lease(work).await?, work, D::DIALECT.begin).await
    }

    /// Begins a transaction that reads what was there at one moment.
    #[cfg(feature = "policy")]
    pub(crate) async fn begin_reading<'w>(&self, work: &'w Work) -> Result<Transaction<'w, D>, Failure> {
        Transaction::begin(self.0.lease(work).await?, work, D::DIALECT.begin_reading).await
    }

    /// All rows that a query finds.
    pub(crate) async fn read(&self, query: &Statement<'_>) -> Result<Vec<D::Row>, StoreError> {
        self.read_in(&mut self.work(), query).await
    }

    /// The same, within a call that has begun.
    pub(crate) async fn read_in(
        &self,
        work: &mut Work,
        query: &Statement<'_>,
    ) -> Result<Vec<D::Row>, StoreError> {
        repeated!(work: self.fetch(work, query, Phase::Open))
    }

    /// The first row that a query finds.
    pub(crate) async fn read_one(&self, query: &Statement<'_>) -> Result<Option<D::Row>, StoreError> {
        Ok(self.read(query).await?.into_iter().next())
    }

    /// Runs one statement as a transaction of its own, and answers how many rows it changed: none where a unique
    /// key is taken.
    pub(crate) async fn write(&self, statement: &Statement<'_>) -> Result<u64, StoreError> {
        self.write_in(&mut self.work(), statement).await
    }

    /// The same, within a call that has begun.
    pub(crate) async fn write_in(
        &self,
        work: &mut Work,
        statement: &Statement<'_>,
    ) -> Result<u64, StoreError> {
        repeated!(work: self.execute(work, statement))
    }

    /// Changes rows and answers them, as one transaction. The texts share the values.
    pub(crate) async fn write_returning(
        &self,
        returning: &Returning,
        statement: &Statement<'_>,
    ) -> Result<Vec<D::Row>, StoreError> {
        let mut work = self.work();
        match *returning {
            Returning::AtOnce(text) => {
                let statement = statement.with_text(text);
                repeated!(work: self.fetch(&work, &statement, Phase::Committing))
            }
            Returning::LockThenWrite { lock, write } => {
                let (lock, write) = (statement.with_text(lock), statement.with_text(write));
                repeated!(work: self.lock_then_write(&work, &lock, &write))
            }
        }
    }

    /// Refuses new calls, waits for those under way, and closes every connection.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }

    async fn lock_then_write(
        &self,
        work: &Work,
        lock: &Statement<'_>,
        write: &Statement<'_>,
    ) -> Result<Vec<D::Row>, Failure> {
        let mut transaction = self.begin(work).await?;
        let rows = transaction.read(lock).await?;
        if rows.is_empty() {
            return transaction.roll_back(rows).await;
        }
        transaction.write(write).await?;
        transaction.commit(rows).await
    }

    async fn fetch(
        &self,
        work: &Work,
        statement: &Statement<'_>,
        phase: Phase,
    ) -> Result<Vec<D::Row>, Failure> {
        if self.0.settings.pooled {
            let mut transaction = self.begin(work).await?;
            let rows = transaction.read(statement).await?;
            return transaction.commit(rows).await;
        }
        let mut lease = self.0.lease(work).await?;
        let running = D::fetch(lease.connection()?, statement, &self.0.settings);
        match work.step(phase, running).await.inspect_err(|late| lease.doubt_others(late))? {
            Ok(rows) => {
                lease.give_back();
                Ok(rows)
            }
            Err(error) => Err(Self::failed(lease, error, phase)),
        }
    }

    async fn execute(&self, work: &Work, statement: &Statement<'_>) -> Result<u64, Failure> {
        if self.0.settings.pooled {
            let mut transaction = self.begin(work).await?;
            let rows = transaction.write(statement).await?;
            // Where a unique key is taken, this rolls back as well as any other way.
            return transaction.commit(rows).await;
        }
        let mut lease = self.0.lease(work).await?;
        let running = D::execute(lease.connection()?, statement, &self.0.settings);
        match work.step(Phase::Committing, running).await.inspect_err(|late| lease.doubt_others(late))? {
            Ok(rows) => {
                lease.give_back();
                Ok(rows)
            }
            Err(sqlx::Error::Database(error)) if D::meaning(&*error) == Meaning::Taken => {
                lease.give_back();
                Ok(0)
            }
            Err(error) => Err(Self::failed(lease, error, Phase::Committing)),
        }
    }

    fn failed(lease: super::pool::Lease<D>, error: sqlx::Error, phase: Phase) -> Failure {
        let failure = Failure::new::<D>(error, phase);
        lease.doubt_others(&failure);
        if !failure.lost {
            lease.give_back();
        }
        failure
    }
}

impl<D: Driver> Clone for Client<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D: Driver> fmt::Debug for Client<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
