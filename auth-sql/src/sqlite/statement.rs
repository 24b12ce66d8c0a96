//! Running statements, and what their failure means.

use auth_core::StoreError;
use sqlx::{
    Error,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::Sqlite;

/// A statement with its values.
pub(super) type Statement<'q> = Query<'q, sqlx::Sqlite, SqliteArguments>;

/// A statement to bind values to.
pub(super) fn sql<'q>(text: &'static str) -> Statement<'q> {
    sqlx::query(text)
}

/// Sets the version after a change: the largest number stays.
macro_rules! next_version {
    () => {
        "version = min(version, 9223372036854775806) + 1"
    };
}

pub(super) use next_version;

impl Sqlite {
    /// The first row that a query finds.
    pub(super) async fn read_one(&self, query: Statement<'_>) -> Result<Option<SqliteRow>, StoreError> {
        let mut connection = self.readers.acquire().await.map_err(not_written)?;
        query.fetch_optional(&mut *connection).await.map_err(uncommitted)
    }

    /// All rows that a query finds.
    pub(super) async fn read_all(&self, query: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        let mut connection = self.readers.acquire().await.map_err(not_written)?;
        query.fetch_all(&mut *connection).await.map_err(uncommitted)
    }

    /// Runs one statement as a transaction of its own, and answers how many rows it changed.
    pub(super) async fn write(&self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let mut connection = self.writer.acquire().await.map_err(not_written)?;
        let done = statement.execute(&mut *connection).await.map_err(committing)?;
        Ok(done.rows_affected())
    }

    /// Runs one statement that returns rows as a transaction of its own.
    pub(super) async fn write_returning(
        &self,
        statement: Statement<'_>,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let mut connection = self.writer.acquire().await.map_err(not_written)?;
        // Never `fetch_optional`: after the first row it would stop before the commit, whose failure would
        // go unnoticed.
        statement.fetch_all(&mut *connection).await.map_err(committing)
    }

    /// Begins a transaction that no other writer is in. It is rolled back when dropped.
    pub(super) async fn begin(&self) -> Result<Transaction, StoreError> {
        // Not "BEGIN" alone: what was read could be outdated by the time of the first write.
        let transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(uncommitted)?;
        Ok(Transaction(transaction))
    }

    /// Begins a transaction that reads what was there at one moment, whatever others write meanwhile.
    #[cfg(feature = "policy")]
    pub(super) async fn begin_reading(&self) -> Result<Transaction, StoreError> {
        self.readers.begin().await.map(Transaction).map_err(uncommitted)
    }
}

/// Several statements that take effect together, or not at all.
pub(super) struct Transaction(sqlx::Transaction<'static, sqlx::Sqlite>);

impl Transaction {
    /// Runs a statement, and answers how many rows it changed.
    pub(super) async fn write(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let done = statement.execute(&mut *self.0).await.map_err(uncommitted)?;
        Ok(done.rows_affected())
    }

    /// The first row that a query finds.
    pub(super) async fn read_one(&mut self, query: Statement<'_>) -> Result<Option<SqliteRow>, StoreError> {
        query.fetch_optional(&mut *self.0).await.map_err(uncommitted)
    }

    /// All rows that a query finds.
    #[cfg(feature = "policy")]
    pub(super) async fn read_all(&mut self, query: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        query.fetch_all(&mut *self.0).await.map_err(uncommitted)
    }

    /// Lets everything take effect.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.0.commit().await.map_err(committing)
    }
}

/// What a failure means if nothing was asked yet.
fn not_written(error: Error) -> StoreError {
    StoreError::not_written(error)
}

/// What a failure means if nothing could have been committed.
fn uncommitted(error: Error) -> StoreError {
    match code(&error) {
        Some(FULL) => StoreError::full(),
        Some(CORRUPT | NOT_A_DATABASE) => StoreError::corrupt("database file"),
        _ => StoreError::not_written(error),
    }
}

/// What a failure means of a statement that commits.
fn committing(error: Error) -> StoreError {
    match (code(&error), &error) {
        // The log may have been written and not confirmed: whoever opens the database next decides.
        (Some(INPUT_OUTPUT), _) => StoreError::unknown(error),
        // All others are found before the commit, or undo it.
        (Some(_), _) => uncommitted(error),
        // The connection's thread is gone.
        (None, _) => StoreError::unknown(error),
    }
}

/// Whether another connection was in the way for too long.
pub(super) fn is_locked(error: &Error) -> bool {
    matches!(code(error), Some(BUSY | LOCKED))
}

// https://www.sqlite.org/rescode.html
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const INPUT_OUTPUT: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const NOT_A_DATABASE: u32 = 26;

/// The primary result code, if the error is SQLite's.
fn code(error: &Error) -> Option<u32> {
    let extended: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}
