#![cfg_attr(feature = "sqlite", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "sqlite"),
    doc = "The storage traits of auth-core on SQL databases: choose one by its feature, `sqlite`."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

#[cfg(feature = "sqlite")]
mod number;
#[cfg(feature = "sqlite")]
mod setup_error;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use {
    setup_error::SetupError,
    sqlite::{
        Sqlite,
        accounts::SqliteAccounts,
        assignments::SqliteAssignments,
        counters::SqliteCounters,
        options::{Durability, SqliteOptions},
        sessions::SqliteSessions,
        tokens::SqliteTokens,
    },
};
