//! Running statements on MariaDB and MySQL.

use std::str;

use auth_core::StoreError;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Decode, Row, Type,
    error::DatabaseError,
    mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow},
    query::Query,
};

use super::{MySql, sql::DIALECT};
use crate::{
    fields::{Columns, flag_from_column},
    server::{
        driver::{Driver, Meaning, Settings},
        pool::IDLE,
        sql::Dialect,
        statement::{Statement, Value},
    },
};

/// What the statements expect of a connection, whatever the defaults of the server: what does not fit is refused, and
/// a statement sees what was committed before it.
pub(super) const EXPECTED: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
        autocommit = 1, foreign_key_checks = 1, unique_checks = 1; \
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// When the server closes a connection that says nothing, and undoes its transaction: a little later than the pool
/// does. MySQL has no shorter limit for those in the middle of a transaction.
const KEPT_SECS: u64 = IDLE.as_secs() + 60;

impl Driver for MySql {
    type Database = sqlx::MySql;
    type Row = MySqlRow;

    const DIALECT: &'static Dialect = &DIALECT;

    async fn connect(
        options: &MySqlConnectOptions,
        settings: &Settings,
    ) -> Result<MySqlConnection, sqlx::Error> {
        let mut connection = options.connect().await?;
        Self::command(&mut connection, EXPECTED).await?;
        let (millis, secs) = (settings.timeout.as_millis(), settings.timeout.as_millis().div_ceil(1_000));
        // What MariaDB and MySQL have different names for stands in comments that only the one of them reads.
        let limits = format!(
            "SET SESSION innodb_lock_wait_timeout = {secs}, lock_wait_timeout = {secs}, \
            wait_timeout = {KEPT_SECS} /*M!100101 , max_statement_time = {secs} */ \
            /*M!100300 , idle_transaction_timeout = {secs} */ /*!50708 , max_execution_time = {millis} */"
        );
        sqlx::raw_sql(AssertSqlSafe(limits)).execute(&mut connection).await?;
        Ok(connection)
    }

    async fn command(connection: &mut MySqlConnection, text: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(text).execute(connection).await.map(|_| ())
    }

    async fn execute(
        connection: &mut MySqlConnection,
        statement: &Statement<'_>,
        _: &Settings,
    ) -> Result<u64, sqlx::Error> {
        query(statement).execute(connection).await.map(|done| done.rows_affected())
    }

    async fn fetch(
        connection: &mut MySqlConnection,
        statement: &Statement<'_>,
        _: &Settings,
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        query(statement).fetch_all(connection).await
    }

    /// <https://mariadb.com/docs/server/reference/error-codes>,
    /// <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>
    fn meaning(error: &dyn DatabaseError) -> Meaning {
        let number = error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number);
        match number {
            // The row has changed, too many connections, a lock that was not got in time, deadlock.
            1020 | 1040 | 1205 | 1213 => Meaning::Conflict,
            1062 | 1586 => Meaning::Taken,
            1021 | 1114 => Meaning::Full,
            // Input and output, the engine, shutdown, a commit that failed, a killed query or connection, a statement that
            // took too long, which may have been a commit.
            1026 | 1030 | 1053 | 1180 | 1317 | 1927 | 1969 | 4031 => Meaning::Lost,
            // Refused by an option (`read_only`), by a transaction that only reads, by an engine that only reads.
            1290 | 1792 | 1836 => Meaning::Demoted,
            _ => Meaning::Refused,
        }
    }
}

/// Parameters have no numbers here: each is bound as often as it stands in the text.
fn query<'q>(statement: &Statement<'_>) -> Query<'q, sqlx::MySql, MySqlArguments> {
    let (parts, rest) = statement.parts();
    let mut text = String::with_capacity(statement.text.len());
    for (before, _) in &parts {
        text.push_str(before);
        text.push('?');
    }
    text.push_str(rest);
    // Of the program's own text, nothing but the parameters is spelled otherwise.
    let mut query = sqlx::query(AssertSqlSafe(text));
    for value in parts.iter().filter_map(|(_, index)| statement.values.get(*index)) {
        query = match value {
            Value::Text(text) => query.bind(text.as_deref().map(str::as_bytes)),
            Value::Bytes(bytes) => query.bind(*bytes),
            Value::Number(number) => query.bind(*number),
            Value::Flag(flag) => query.bind(*flag),
        };
    }
    query
}

fn read<'r, T>(row: &'r MySqlRow, column: &'static str) -> Result<Option<T>, StoreError>
where
    T: Decode<'r, sqlx::MySql> + Type<sqlx::MySql>,
{
    row.try_get(column).map_err(|_| StoreError::corrupt(column))
}

impl Columns for MySqlRow {
    /// Columns of names are bytes, so that no collation takes one for another.
    fn text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        let Some(bytes) = read(self, column)? else { return Ok(None) };
        str::from_utf8(bytes).map_err(|_| StoreError::corrupt(column)).map(Some)
    }

    fn bytes(&self, column: &'static str) -> Result<Option<&[u8]>, StoreError> {
        read(self, column)
    }

    fn integer(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        read(self, column)
    }

    fn flag(&self, column: &'static str) -> Result<Option<bool>, StoreError> {
        let Some(number) = read(self, column)? else { return Ok(None) };
        flag_from_column(number).ok_or(StoreError::corrupt(column)).map(Some)
    }
}
