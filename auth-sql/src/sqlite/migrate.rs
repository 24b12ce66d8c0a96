//! Brings the schema up to date.

use sqlx::{Connection, sqlite::SqliteConnection};

use super::prepare::unusable;
use crate::{SetupError, number};

/// The migrations in order. The first one leads to version 1. What was released is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../migrations/sqlite/0002_session_terms.sql"),
    include_str!("../../migrations/sqlite/0003_policy.sql"),
    include_str!("../../migrations/sqlite/0004_audit.sql"),
    include_str!("../../migrations/sqlite/0005_revocations.sql"),
];

/// Applies the migrations that are missing, each in one transaction that excludes other processes.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), SetupError> {
    // Read first, so that starting beside a busy writer need not wait for it.
    while missing(connection).await?.is_some() {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(unusable)?;
        // Another process may have been faster.
        let Some((version, sql)) = missing(&mut transaction).await? else { continue };
        execute(
            &mut transaction,
            "CREATE TABLE IF NOT EXISTS auth_schema (version INTEGER PRIMARY KEY) STRICT",
        )
        .await?;
        execute(&mut transaction, sql).await?;
        sqlx::query("INSERT INTO auth_schema (version) VALUES (?1)")
            .bind(number::to_column(version))
            .execute(&mut *transaction)
            .await
            .map_err(unusable)?;
        transaction.commit().await.map_err(unusable)?;
    }
    Ok(())
}

/// The next migration with the version that it leads to, or `None` if there is none left.
async fn missing(connection: &mut SqliteConnection) -> Result<Option<(u64, &'static str)>, SetupError> {
    let known = u64::try_from(MIGRATIONS.len()).unwrap_or(u64::MAX);
    let found = version(connection).await?;
    if found > known {
        return Err(SetupError::NewerSchema { found, known });
    }
    let next = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found));
    Ok(next.map(|sql| (found.saturating_add(1), *sql)))
}

/// The version of the schema: 0 where nothing of ours is.
async fn version(connection: &mut SqliteConnection) -> Result<u64, SetupError> {
    const KNOWS_ITS_VERSION: &str =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'auth_schema'";
    let knows: i64 =
        sqlx::query_scalar(KNOWS_ITS_VERSION).fetch_one(&mut *connection).await.map_err(unusable)?;
    if knows == 0 {
        return Ok(0);
    }
    let version: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM auth_schema")
        .fetch_one(connection)
        .await
        .map_err(unusable)?;
    number::from_column(version.unwrap_or(0))
        .ok_or_else(|| SetupError::Unusable("schema version is negative".into()))
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), SetupError> {
    sqlx::raw_sql(sql).execute(connection).await.map(|_| ()).map_err(unusable)
}
