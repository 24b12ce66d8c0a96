// The programs of the front page need these features; without them it is shown, and not run.
#![cfg_attr(
    any(
        not(doctest),
        all(
            feature = "audit",
            feature = "policy",
            feature = "postgres",
            feature = "revocations",
            feature = "sqlite"
        )
    ),
    doc = include_str!("../README.md")
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

#[cfg(all(feature = "audit", any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
mod audit;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod fields;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod number;
#[cfg(all(feature = "policy", any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
mod policy;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(all(feature = "revocations", any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
mod revocations;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod rows;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod setup_error;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(all(feature = "audit", any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
pub use audit::{
    log::AuditLog,
    query::{AuditQuery, AuditRecord},
    sink::SqlAudit,
    writer::SqlAuditWriter,
};
#[cfg(all(feature = "audit", feature = "mysql"))]
pub use mysql::MySqlAudit;
#[cfg(feature = "mysql")]
pub use mysql::{
    MySql, MySqlAccounts, MySqlAssignments, MySqlCounters, MySqlSessions, MySqlTokens, options::MySqlOptions,
};
#[cfg(all(feature = "audit", feature = "postgres"))]
pub use postgres::PostgresAudit;
#[cfg(feature = "postgres")]
pub use postgres::{
    Postgres, PostgresAccounts, PostgresAssignments, PostgresCounters, PostgresSessions, PostgresTokens,
    options::PostgresOptions,
};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use setup_error::SetupError;
#[cfg(all(feature = "audit", feature = "sqlite"))]
pub use sqlite::audit::SqliteAudit;
#[cfg(feature = "sqlite")]
pub use sqlite::{
    Sqlite,
    accounts::SqliteAccounts,
    assignments::SqliteAssignments,
    counters::SqliteCounters,
    options::{Durability, SqliteOptions},
    sessions::SqliteSessions,
    tokens::SqliteTokens,
};

#[cfg(all(feature = "policy", feature = "mysql"))]
pub use mysql::MySqlPolicy;
#[cfg(all(feature = "policy", feature = "postgres"))]
pub use postgres::PostgresPolicy;
#[cfg(all(feature = "policy", feature = "sqlite"))]
pub use sqlite::policy::SqlitePolicy;

#[cfg(all(feature = "revocations", feature = "mysql"))]
pub use mysql::MySqlRevocations;
#[cfg(all(feature = "revocations", feature = "postgres"))]
pub use postgres::PostgresRevocations;
#[cfg(all(feature = "revocations", feature = "sqlite"))]
pub use sqlite::revocations::SqliteRevocations;
