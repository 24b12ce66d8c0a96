//! One SQLite database and the connections to it.

use std::{fmt, path::Path, sync::Arc};

use sqlx::{
    Connection,
    pool::PoolOptions,
    sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool},
};

use crate::SetupError;

use self::{
    accounts::SqliteAccounts, assignments::SqliteAssignments, counters::SqliteCounters,
    options::SqliteOptions, sessions::SqliteSessions, tokens::SqliteTokens,
};

pub(crate) mod accounts;
pub(crate) mod assignments;
#[cfg(feature = "audit")]
pub(crate) mod audit;
pub(crate) mod counters;
mod credentials;
mod fields;
mod migrate;
pub(crate) mod options;
#[cfg(feature = "policy")]
pub(crate) mod policy;
mod prepare;
#[cfg(feature = "revocations")]
pub(crate) mod revocations;
pub(crate) mod sessions;
mod statement;
#[cfg(test)]
mod tests;
pub(crate) mod tokens;

/// One SQLite database. Cheap to clone; clones share the connections.
///
/// It gives out one store for each of the storage traits; all of them live in the same file, in tables whose
/// names start with `auth_`, so that the file may be that of the application.
///
/// There is one connection that writes, because SQLite has one writer, and several that read. Readers never
/// wait for the writer (write-ahead log). A write waits for those before it, and for other processes, at most
/// [`SqliteOptions::timeout`] each, and then nothing was written
/// ([`StoreError::NotWritten`](auth_core::StoreError::NotWritten)). Dropping the future of a call leaves no
/// transaction open; whether the call took effect is then unknown.
///
/// Everything happens within a tokio runtime that keeps time (`enable_all`, or `#[tokio::main]`).
///
/// ```
/// use std::sync::Arc;
/// use auth_core::{AccountStore, SessionStore};
/// use auth_sql::Sqlite;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), auth_sql::SetupError> {
/// let database = Sqlite::in_memory().await?;
/// let accounts: Arc<dyn AccountStore> = Arc::new(database.accounts());
/// let sessions: Arc<dyn SessionStore> = Arc::new(database.sessions());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Sqlite {
    path: Option<Arc<Path>>,
    readers: SqlitePool,
    writer: SqlitePool,
}

impl Sqlite {
    /// Opens the database file at `path`, makes it if there is none, and brings its schema up to date.
    ///
    /// A new file can be read and written by its owner only (mode 0600), on Unix; an existing one keeps its
    /// mode. Several processes may open one file, and may do so at once: each migration is one exclusive
    /// transaction. SQLite does not work reliably on network file systems.
    ///
    /// # Errors
    /// [`SetupError`]. The schema is then that of some earlier migration, entire.
    pub async fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, SetupError> {
        // Absolute, so that no name is taken for a URI or for SQLite's ":memory:".
        let path = std::path::absolute(path).map_err(SetupError::File)?;
        prepare::create_private(path.clone()).await?;
        let connect = options.connect(&path);
        prepare::prepare(&connect, options.wait()).await?;
        let writer =
            one_connection(&options).connect_with(connect.clone()).await.map_err(prepare::unusable)?;
        let readers = pool(&options)
            .max_connections(options.reader_count())
            .connect_lazy_with(connect.pragma("query_only", "ON"));
        Ok(Self { path: Some(path.into()), readers, writer })
    }

    /// An empty database in memory, for tests. It lives as long as a clone of the handle or of a store of it,
    /// and has a single connection, so that reads wait for writes.
    ///
    /// # Errors
    /// [`SetupError`] if SQLite cannot be set up at all.
    pub async fn in_memory() -> Result<Self, SetupError> {
        let options = SqliteOptions::default();
        let connect = SqliteConnectOptions::new().in_memory(true);
        let writer = one_connection(&options).connect_with(connect).await.map_err(prepare::unusable)?;
        let mut connection = writer.acquire().await.map_err(prepare::unusable)?;
        migrate::migrate(&mut connection).await?;
        drop(connection);
        Ok(Self { path: None, readers: writer.clone(), writer })
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> SqliteSessions {
        SqliteSessions(self.clone())
    }

    /// The single-use tokens.
    #[must_use]
    pub fn tokens(&self) -> SqliteTokens {
        SqliteTokens(self.clone())
    }

    /// The counters of throttles.
    #[must_use]
    pub fn counters(&self) -> SqliteCounters {
        SqliteCounters(self.clone())
    }

    /// The accounts with their credentials and epochs.
    #[must_use]
    pub fn accounts(&self) -> SqliteAccounts {
        SqliteAccounts(self.clone())
    }

    /// Who holds which role.
    #[must_use]
    pub fn assignments(&self) -> SqliteAssignments {
        SqliteAssignments(self.clone())
    }

    /// The policy.
    #[cfg(feature = "policy")]
    #[must_use]
    pub fn policy(&self) -> policy::SqlitePolicy {
        policy::SqlitePolicy(self.clone())
    }

    /// The revocations.
    #[cfg(feature = "revocations")]
    #[must_use]
    pub fn revocations(&self) -> revocations::SqliteRevocations {
        revocations::SqliteRevocations(self.clone())
    }

    /// The audit log.
    #[cfg(feature = "audit")]
    #[must_use]
    pub fn audit(&self) -> audit::SqliteAudit {
        crate::audit::log::AuditLog::new(self.clone())
    }

    /// Closes all connections once the calls under way have ended. Later calls, through any clone, fail with
    /// [`StoreError::NotWritten`](auth_core::StoreError::NotWritten).
    ///
    /// Not needed for safety: what was answered is stored, and a process may be killed at any moment. It
    /// folds the write-ahead log into the file, so that the file alone is the whole database.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}

fn one_connection(options: &SqliteOptions) -> PoolOptions<sqlx::Sqlite> {
    pool(options).max_connections(1)
}

fn pool(options: &SqliteOptions) -> PoolOptions<sqlx::Sqlite> {
    PoolOptions::new()
        .acquire_timeout(options.wait())
        // A connection to a file does not go stale, and one in memory is all there is of its database.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(|connection: &mut SqliteConnection, _| {
            Box::pin(async move {
                // A dropped transaction is being rolled back; the ping comes after that. What is open even
                // then was rolled back by SQLite itself (disk full, input/output error) without the driver
                // noticing, and would refuse every `BEGIN` from now on: close it.
                if connection.is_in_transaction() {
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
}
