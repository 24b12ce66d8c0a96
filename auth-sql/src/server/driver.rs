//! What is different about each database.

use std::fmt;

use sqlx::error::DatabaseError;

use super::{sql::Dialect, statement::Statement};
use crate::fields::Columns;

/// One connection.
pub(crate) type Connection<D> = <<D as Driver>::Database as sqlx::Database>::Connection;

/// How a connection is made.
pub(crate) type Connect<D> = <Connection<D> as sqlx::Connection>::Options;

/// Runs statements on connections to one kind of server.
pub(crate) trait Driver: fmt::Debug + Send + Sync + Sized + 'static {
    type Database: sqlx::Database;
    type Row: Columns + Send;

    const DIALECT: &'static Dialect;

    /// Connects, and makes the settings of the connection that promises rest on.
    fn connect(
        options: &Connect<Self>,
        settings: &Settings,
    ) -> impl Future<Output = Result<Connection<Self>, sqlx::Error>> + Send;

    /// Runs a command without values.
    fn command(
        connection: &mut Connection<Self>,
        text: &'static str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Runs a statement, and answers how many rows it changed or, of an update, found.
    fn execute(
        connection: &mut Connection<Self>,
        statement: &Statement<'_>,
        settings: &Settings,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Runs a statement, and answers its rows.
    fn fetch(
        connection: &mut Connection<Self>,
        statement: &Statement<'_>,
        settings: &Settings,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// What an answer of the server means.
    fn meaning(error: &dyn DatabaseError) -> Meaning;
}

/// How a client talks to its server.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) max_connections: u32,
    /// How long a call may take, waiting for a connection included.
    pub(crate) timeout: std::time::Duration,
    /// Whether every statement may meet another connection of the server: a pooler in transaction mode.
    pub(crate) pooled: bool,
}

/// What an error that the server answered means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Another transaction was in the way, and this one was undone: it may be repeated.
    Conflict,
    /// A unique key is taken.
    Taken,
    /// There is no room.
    Full,
    /// The server ends, or had a fault: a commit that was under way may have happened.
    Lost,
    /// The server takes no changes, or no longer: a replica, or a primary that was demoted.
    Demoted,
    /// Anything else. The statement was refused.
    Refused,
}
