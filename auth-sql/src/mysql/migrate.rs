//! Brings the schema of a MariaDB or MySQL database up to date.

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row,
    mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow},
};

use super::{MySql, driver::EXPECTED};
use crate::{
    SetupError, number,
    server::{
        driver::{Driver, Settings},
        migrate::{LOCK_SECS, PATIENCE, next, within},
    },
};

/// The migrations in order. The first one leads to version 1. What was released is never changed.
///
/// Each statement commits at once and on its own here. So each says `IF NOT EXISTS` or the like: a migration whose
/// process was killed half-way is made again from its beginning, and the version is noted at its end.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/mysql/0001_initial.sql"),
    include_str!("../../migrations/mysql/0002_policy.sql"),
    include_str!("../../migrations/mysql/0003_audit.sql"),
    include_str!("../../migrations/mysql/0004_revocations.sql"),
];

/// The lock of all who migrate this database. It ends with its connection.
macro_rules! lock {
    () => {
        "CONCAT('auth_sql.', LEFT(SHA2(DATABASE(), 256), 40))"
    };
}

/// Applies the migrations that are missing, while holding a lock that excludes other processes.
pub(super) async fn migrate(connect: &MySqlConnectOptions, settings: &Settings) -> Result<(), SetupError> {
    let mut connection = within(settings.timeout, async {
        let mut connection = connect.connect().await.map_err(unusable)?;
        MySql::command(&mut connection, EXPECTED).await.map_err(unusable)?;
        Ok(connection)
    })
    .await?;
    // Read first, so that a user who may not change the schema can use one that is up to date.
    if within(settings.timeout, missing(&mut connection)).await?.is_some() {
        within(PATIENCE, apply_all(&mut connection)).await?;
    }
    within(settings.timeout, async { connection.close().await.map_err(unusable) }).await
}

async fn apply_all(connection: &mut MySqlConnection) -> Result<(), SetupError> {
    let lock = format!(concat!("SELECT GET_LOCK(", lock!(), ", {}) AS got"), LOCK_SECS);
    let got: Option<i64> = one(connection, lock).await?.try_get("got").map_err(unusable)?;
    if got != Some(1) {
        return Err(SetupError::Locked("another process migrates".into()));
    }
    // Another process may have been faster.
    while let Some((version, sql)) = missing(connection).await? {
        let create =
            "CREATE TABLE IF NOT EXISTS auth_schema (version BIGINT NOT NULL PRIMARY KEY) ENGINE = InnoDB";
        let insert = format!("INSERT INTO auth_schema (version) VALUES ({version})");
        execute(connection, format!("{create}; {sql}; {insert}")).await?;
    }
    one(connection, concat!("SELECT RELEASE_LOCK(", lock!(), ")").into()).await.map(|_| ())
}

/// The next migration with the version that it leads to, or `None` if there is none left.
async fn missing(
    connection: &mut MySqlConnection,
) -> Result<Option<(u64, &'static &'static str)>, SetupError> {
    next(MIGRATIONS, version(connection).await?)
}

/// The version of the schema: 0 where nothing of ours is.
async fn version(connection: &mut MySqlConnection) -> Result<u64, SetupError> {
    const KNOWS_ITS_VERSION: &str = "SELECT count(*) AS known FROM information_schema.tables \
        WHERE table_schema = DATABASE() AND table_name = 'auth_schema'";
    let known = one(connection, KNOWS_ITS_VERSION.into()).await?;
    if known.try_get::<i64, _>("known").map_err(unusable)? == 0 {
        return Ok(0);
    }
    let found = one(connection, "SELECT max(version) AS version FROM auth_schema".into()).await?;
    let version: Option<i64> = found.try_get("version").map_err(unusable)?;
    number::from_column(version.unwrap_or(0))
        .ok_or_else(|| SetupError::Unusable("schema version is negative".into()))
}

async fn one(connection: &mut MySqlConnection, sql: String) -> Result<MySqlRow, SetupError> {
    sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await.map_err(unusable)
}

async fn execute(connection: &mut MySqlConnection, sql: String) -> Result<(), SetupError> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ()).map_err(unusable)
}

fn unusable(error: sqlx::Error) -> SetupError {
    SetupError::Unusable(Box::new(error))
}
