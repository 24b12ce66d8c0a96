//! Where sessions are kept, as the command line says it.

use std::{path::PathBuf, str::FromStr, sync::Arc};

use auth_core::{MemorySessions, SessionStore};
use auth_session::{FileOptions, FileSessions, FileStoreError};
use auth_sql::{Sqlite, SqliteOptions};

/// A store, as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `memory`: in this process.
    Memory,
    /// `file:DIR`: files in a folder.
    File(PathBuf),
    /// `sqlite:FILE`.
    Sqlite(PathBuf),
}

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is none that is known.
    #[error("a store is `memory`, `file:DIR` or `sqlite:FILE`")]
    Unknown,
    /// The folder cannot be used.
    #[error(transparent)]
    File(#[from] FileStoreError),
    /// The database cannot be used.
    #[error(transparent)]
    Sql(#[from] auth_sql::SetupError),
}

impl FromStr for StoreUrl {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some(("file", folder)) if !folder.is_empty() => Ok(Self::File(folder.into())),
            Some(("sqlite", file)) if !file.is_empty() => Ok(Self::Sqlite(file.into())),
            _ => Err(OpenError::Unknown),
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
            (Self::File(folder), _) => Arc::new(FileSessions::open(folder, FileOptions::default())?),
            (Self::Sqlite(file), _) => {
                Arc::new(Sqlite::open(file, SqliteOptions::default()).await?.sessions())
            }
        })
    }
}
