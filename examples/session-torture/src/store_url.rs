//! Where sessions are kept, as the command line says it.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use auth_core::{MemorySessions, SessionStore};
use auth_redis::{Redis, RedisOptions};
use auth_session::{FileOptions, FileSessions, FileStoreError};
use auth_sql::{MySql, MySqlOptions, Postgres, PostgresOptions, Sqlite, SqliteOptions};

/// A store, as the command line names it.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `memory`: in this process.
    Memory,
    /// `file:DIR`: files in a folder.
    File(PathBuf),
    /// `sqlite:FILE`.
    Sqlite(PathBuf),
    /// `postgres://USER@HOST:PORT/DATABASE`, all of it: it may have a password in it.
    Postgres(String),
    /// `mysql://USER@HOST:PORT/DATABASE`, MariaDB's too.
    MySql(String),
    /// `redis://HOST:PORT/`.
    Redis(String),
}

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is none that is known.
    #[error("a store is `memory`, `file:DIR`, `sqlite:FILE`, `postgres://..`, `mysql://..` or `redis://..`")]
    Unknown,
    /// The folder cannot be used.
    #[error(transparent)]
    File(#[from] FileStoreError),
    /// The database cannot be used.
    #[error(transparent)]
    Sql(#[from] auth_sql::SetupError),
    /// The server cannot be used.
    #[error(transparent)]
    Redis(#[from] auth_redis::SetupError),
}

impl FromStr for StoreUrl {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some(("file", folder)) if !folder.is_empty() => Ok(Self::File(folder.into())),
            Some(("sqlite", file)) if !file.is_empty() => Ok(Self::Sqlite(file.into())),
            Some(("postgres", rest)) if rest.starts_with("//") => Ok(Self::Postgres(text.to_owned())),
            Some(("mysql", rest)) if rest.starts_with("//") => Ok(Self::MySql(text.to_owned())),
            Some(("redis", rest)) if rest.starts_with("//") => Ok(Self::Redis(text.to_owned())),
            _ => Err(OpenError::Unknown),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("Memory"),
            Self::File(folder) => f.debug_tuple("File").field(folder).finish(),
            Self::Sqlite(file) => f.debug_tuple("Sqlite").field(file).finish(),
            Self::Postgres(_) => f.write_str("Postgres"),
            Self::MySql(_) => f.write_str("MySql"),
            Self::Redis(_) => f.write_str("Redis"),
        }
    }
}

impl StoreUrl {
    /// Connections for one more node. Those of the others are `before`: memory cannot be shared in another way.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(&self, before: &[Arc<dyn SessionStore>]) -> Result<Arc<dyn SessionStore>, OpenError> {
        Ok(match (self, before.first()) {
            (Self::Memory, Some(same)) => Arc::clone(same),
            (Self::Memory, None) => Arc::new(MemorySessions::new(1_000_000)),
            (Self::File(folder), _) => {
                // That a machine is busy is nobody's fault: a call that was refused would have shown nothing.
                let options = FileOptions { patience: Duration::from_secs(60), ..FileOptions::default() };
                Arc::new(FileSessions::open(folder, options)?)
            }
            (Self::Sqlite(file), _) => {
                Arc::new(Sqlite::open(file, SqliteOptions::default()).await?.sessions())
            }
            (Self::Postgres(url), _) => {
                Arc::new(Postgres::open(url, PostgresOptions::default()).await?.sessions())
            }
            (Self::MySql(url), _) => Arc::new(MySql::open(url, MySqlOptions::default()).await?.sessions()),
            (Self::Redis(url), _) => Arc::new(Redis::connect(url, RedisOptions::default()).await?.sessions()),
        })
    }
}
