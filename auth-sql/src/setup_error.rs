//! Why a database could not be made ready.

use std::{error::Error, io};

/// A database could not be opened or brought to the schema that this version of the crate needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The file could not be made, or its path cannot be used.
    #[error("database file cannot be created")]
    File(#[source] io::Error),
    /// The address of the server cannot be read. It is not shown: it may have a password in it.
    #[error("database URL cannot be read")]
    Url,
    /// A newer version of this crate has changed the schema. Nothing was touched: update the program.
    #[error("database has schema version {found}, this program knows up to {known}")]
    NewerSchema {
        /// The version that the database has.
        found: u64,
        /// The newest version that this program knows.
        known: u64,
    },
    /// Another process kept the database locked for longer than the timeout. Try again.
    #[error("database is locked")]
    Locked(#[source] Box<dyn Error + Send + Sync>),
    /// Anything else: no server there, not a database, no permission, out of space, a file system without shared
    /// memory.
    #[error("database cannot be used")]
    Unusable(#[source] Box<dyn Error + Send + Sync>),
}
