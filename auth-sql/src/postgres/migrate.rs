//! Brings the schema of a PostgreSQL database up to date.

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row,
    postgres::{PgConnectOptions, PgConnection, PgRow},
};

use crate::{
    SetupError, number,
    server::{
        driver::Settings,
        migrate::{LOCK_SECS, PATIENCE, next, within},
    },
};

/// The migrations in order. The first one leads to version 1. What was released is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_initial.sql"),
    include_str!("../../migrations/postgres/0002_policy.sql"),
    include_str!("../../migrations/postgres/0003_audit.sql"),
    include_str!("../../migrations/postgres/0004_revocations.sql"),
];

/// Applies the migrations that are missing, each in one transaction that excludes other processes.
pub(super) async fn migrate(connect: &PgConnectOptions, settings: &Settings) -> Result<(), SetupError> {
    let mut connection =
        within(settings.timeout, async { connect.connect().await.map_err(unusable) }).await?;
    // Read first, so that a role that may not change the schema can use one that is up to date.
    while within(settings.timeout, missing(&mut connection)).await?.is_some() {
        within(PATIENCE, apply(&mut connection)).await?;
    }
    within(settings.timeout, async { connection.close().await.map_err(unusable) }).await
}

/// Applies the next migration, unless another process is faster.
async fn apply(connection: &mut PgConnection) -> Result<(), SetupError> {
    let begin = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
        SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
        SET LOCAL lock_timeout = '{LOCK_SECS}s'; \
        SELECT pg_advisory_xact_lock(7061700)"
    );
    execute(connection, begin).await?;
    if let Some((version, sql)) = missing(connection).await? {
        let create = "CREATE TABLE IF NOT EXISTS auth_schema (version BIGINT PRIMARY KEY)";
        let insert = format!("INSERT INTO auth_schema (version) VALUES ({version})");
        execute(connection, format!("{create}; {sql}; {insert}")).await?;
    }
    execute(connection, "COMMIT".into()).await
}

/// The next migration with the version that it leads to, or `None` if there is none left.
async fn missing(connection: &mut PgConnection) -> Result<Option<(u64, &'static &'static str)>, SetupError> {
    next(MIGRATIONS, version(connection).await?)
}

/// The version of the schema: 0 where nothing of ours is.
async fn version(connection: &mut PgConnection) -> Result<u64, SetupError> {
    // Not `to_regclass`: it may answer from a cache that does not know yet what another process has just made.
    const KNOWS_ITS_VERSION: &str = "SELECT EXISTS (\
            SELECT 1 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
            WHERE c.relname = 'auth_schema' AND n.nspname = ANY (current_schemas(false))\
        )";
    let known = one(connection, KNOWS_ITS_VERSION).await?;
    if !known.try_get::<bool, _>(0).map_err(unusable)? {
        return Ok(0);
    }
    let found = one(connection, "SELECT max(version) FROM auth_schema").await?;
    let version: Option<i64> = found.try_get(0).map_err(unusable)?;
    number::from_column(version.unwrap_or(0))
        .ok_or_else(|| SetupError::Unusable("schema version is negative".into()))
}

// Without values, so without prepared statements, which a pooler may lose between two of them.

async fn one(connection: &mut PgConnection, sql: &'static str) -> Result<PgRow, SetupError> {
    sqlx::raw_sql(sql).fetch_one(connection).await.map_err(unusable)
}

async fn execute(connection: &mut PgConnection, sql: String) -> Result<(), SetupError> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ()).map_err(unusable)
}

fn unusable(error: sqlx::Error) -> SetupError {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    let code = error.as_database_error().and_then(|error| error.code());
    if code.as_deref() == Some(LOCK_NOT_AVAILABLE) {
        SetupError::Locked(Box::new(error))
    } else {
        SetupError::Unusable(Box::new(error))
    }
}
