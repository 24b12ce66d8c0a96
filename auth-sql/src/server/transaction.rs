//! Several statements that take effect together, or not at all.

use super::{
    driver::{Driver, Meaning},
    failure::{Failure, Phase},
    pool::Lease,
    statement::Statement,
    work::Work,
};

/// A transaction. One that is dropped without an end closes its connection, and the server undoes it.
pub(crate) struct Transaction<'w, D: Driver> {
    lease: Lease<D>,
    work: &'w Work,
}

impl<'w, D: Driver> Transaction<'w, D> {
    pub(super) async fn begin(
        mut lease: Lease<D>,
        work: &'w Work,
        begin: &'static str,
    ) -> Result<Self, Failure> {
        let begin = D::command(lease.connection()?, begin);
        let begun = work.step(Phase::Open, begin).await.inspect_err(|late| lease.doubt_others(late))?;
        if let Err(error) = begun {
            let failure = Failure::new::<D>(error, Phase::Open);
            lease.doubt_others(&failure);
            return Err(failure);
        }
        Ok(Self { lease, work })
    }

    /// Runs a statement, and answers how many rows it changed: none where a unique key is taken. After that, a
    /// transaction can do no more than be rolled back, unless the statement said `ON CONFLICT`.
    pub(crate) async fn write(&mut self, statement: &Statement<'_>) -> Result<u64, Failure> {
        let settings = self.lease.settings();
        let running = D::execute(self.lease.connection()?, statement, &settings);
        let done = self.work.step(Phase::Open, running).await;
        match done.inspect_err(|late| self.lease.doubt_others(late))? {
            Err(sqlx::Error::Database(error)) if D::meaning(&*error) == Meaning::Taken => Ok(0),
            Err(error) => Err(self.failed(error).await),
            Ok(rows) => Ok(rows),
        }
    }

    /// The rows that a query finds.
    pub(crate) async fn read(&mut self, query: &Statement<'_>) -> Result<Vec<D::Row>, Failure> {
        let settings = self.lease.settings();
        let running = D::fetch(self.lease.connection()?, query, &settings);
        let done = self.work.step(Phase::Open, running).await;
        match done.inspect_err(|late| self.lease.doubt_others(late))? {
            Err(error) => Err(self.failed(error).await),
            Ok(rows) => Ok(rows),
        }
    }

    /// The first row that a query finds.
    pub(crate) async fn read_one(&mut self, query: &Statement<'_>) -> Result<Option<D::Row>, Failure> {
        Ok(self.read(query).await?.into_iter().next())
    }

    /// Lets everything take effect, and answers `done`.
    pub(crate) async fn commit<T>(mut self, done: T) -> Result<T, Failure> {
        let commit = D::command(self.lease.connection()?, "COMMIT");
        let committed = self.work.step(Phase::Committing, commit).await;
        match committed.inspect_err(|late| self.lease.doubt_others(late))? {
            Err(error) => {
                let failure = Failure::new::<D>(error, Phase::Committing);
                self.lease.doubt_others(&failure);
                Err(failure)
            }
            Ok(()) => {
                self.lease.give_back();
                Ok(done)
            }
        }
    }

    /// Undoes everything, and answers `done`. Should the server not answer, it undoes it all the same.
    pub(crate) async fn roll_back<T>(mut self, done: T) -> Result<T, Failure> {
        if self.undo().await {
            self.lease.give_back();
        }
        Ok(done)
    }

    async fn undo(&mut self) -> bool {
        let Ok(connection) = self.lease.connection() else { return false };
        matches!(self.work.step(Phase::Open, D::command(connection, "ROLLBACK")).await, Ok(Ok(())))
    }

    /// What a failed statement means. The connection goes on if the server undoes the transaction.
    async fn failed(&mut self, error: sqlx::Error) -> Failure {
        let failure = Failure::new::<D>(error, Phase::Open);
        self.lease.doubt_others(&failure);
        if !failure.lost && self.undo().await {
            self.lease.mark_usable();
        }
        failure
    }
}
