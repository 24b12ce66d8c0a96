//! How a SQLite database is opened.

use std::{path::Path, time::Duration};

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};

/// How a SQLite database is opened. The defaults are right for a service.
///
/// ```
/// use std::time::Duration;
/// use auth_sql::SqliteOptions;
///
/// let options = SqliteOptions::default().timeout(Duration::from_secs(2)).readers(8);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SqliteOptions {
    readers: u32,
    timeout: Duration,
    durability: Durability,
}

/// What an acknowledged write survives. A crash or a `kill -9` of the process it always survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Loss of power and a crash of the operating system too, as far as the disk keeps what it confirmed:
    /// every commit waits for it (`synchronous = FULL`).
    PowerLoss,
    /// Only that. Commits do not wait for the disk, and after a loss of power the last of them are undone,
    /// together and in order: a logout or a password change may be among them (`synchronous = NORMAL`).
    ProcessCrash,
}

impl SqliteOptions {
    /// How many connections read at once: 4 by default, at least 1. Each is a thread.
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How long a call waits for a connection, and then again for another process to release the database:
    /// 5 s each by default, 1 ms to 10 minutes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.clamp(Duration::from_millis(1), Duration::from_secs(600));
        self
    }

    /// What an acknowledged write survives: [`Durability::PowerLoss`] by default.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    pub(super) fn reader_count(&self) -> u32 {
        self.readers
    }

    pub(super) fn wait(&self) -> Duration {
        self.timeout
    }

    /// How one connection to the file is made.
    pub(super) fn connect(&self, path: &Path) -> SqliteConnectOptions {
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .busy_timeout(self.timeout)
            .foreign_keys(true);
        match self.durability {
            // On Apple's systems, `fsync` alone does not reach the disk; elsewhere the pragma does nothing.
            Durability::PowerLoss => connect.synchronous(SqliteSynchronous::Full).pragma("fullfsync", "ON"),
            Durability::ProcessCrash => connect.synchronous(SqliteSynchronous::Normal),
        }
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { readers: 4, timeout: Duration::from_secs(5), durability: Durability::PowerLoss }
    }
}
