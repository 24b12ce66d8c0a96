//! Running statements on PostgreSQL.

use auth_core::StoreError;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Decode, Row, Type,
    error::DatabaseError,
    postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow},
    query::Query,
};

use super::{Postgres, sql::DIALECT};
use crate::{
    fields::Columns,
    server::{
        driver::{Driver, Meaning, Settings},
        sql::Dialect,
        statement::{Statement, Value},
    },
};

impl Driver for Postgres {
    type Database = sqlx::Postgres;
    type Row = PgRow;

    const DIALECT: &'static Dialect = &DIALECT;

    async fn connect(options: &PgConnectOptions, _: &Settings) -> Result<PgConnection, sqlx::Error> {
        options.connect().await
    }

    async fn command(connection: &mut PgConnection, text: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(text).execute(connection).await.map(|_| ())
    }

    async fn execute(
        connection: &mut PgConnection,
        statement: &Statement<'_>,
        settings: &Settings,
    ) -> Result<u64, sqlx::Error> {
        query(statement, settings).execute(connection).await.map(|done| done.rows_affected())
    }

    async fn fetch(
        connection: &mut PgConnection,
        statement: &Statement<'_>,
        settings: &Settings,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        // Never `fetch_optional`: after the first row it would stop before the commit, whose failure would
        // go unnoticed.
        query(statement, settings).fetch_all(connection).await
    }

    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    fn meaning(error: &dyn DatabaseError) -> Meaning {
        match error.code().as_deref().unwrap_or_default() {
            // Serialization failure, deadlock, a lock that was not got in time, too many connections.
            "40001" | "40P01" | "55P03" | "53300" => Meaning::Conflict,
            "23505" => Meaning::Taken,
            "53100" => Meaning::Full,
            // Completion unknown.
            "40003" => Meaning::Lost,
            // A transaction that only reads: on a standby, all of them.
            "25006" => Meaning::Demoted,
            // The server is told to end, or starts.
            code if code.starts_with("57P") => Meaning::Lost,
            // Connections, input and output, internal errors.
            code if ["08", "58", "XX"].iter().any(|class| code.starts_with(class)) => Meaning::Lost,
            _ => Meaning::Refused,
        }
    }
}

fn query<'q>(statement: &Statement<'_>, settings: &Settings) -> Query<'q, sqlx::Postgres, PgArguments> {
    let (parts, rest) = statement.parts();
    let mut text = String::with_capacity(statement.text.len());
    for (before, index) in parts {
        text.push_str(before);
        text.push('$');
        text.push_str(&index.saturating_add(1).to_string());
    }
    text.push_str(rest);
    // Of the program's own text, nothing but the parameters is spelled otherwise.
    let mut query = sqlx::query(AssertSqlSafe(text)).persistent(!settings.pooled);
    for value in &statement.values {
        query = match value {
            Value::Text(text) => query.bind(text.as_deref()),
            Value::Bytes(bytes) => query.bind(*bytes),
            Value::Number(number) => query.bind(*number),
            Value::Flag(flag) => query.bind(*flag),
        };
    }
    query
}

fn read<'r, T>(row: &'r PgRow, column: &'static str) -> Result<Option<T>, StoreError>
where
    T: Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(|_| StoreError::corrupt(column))
}

impl Columns for PgRow {
    fn text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        read(self, column)
    }

    fn bytes(&self, column: &'static str) -> Result<Option<&[u8]>, StoreError> {
        read(self, column)
    }

    fn integer(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        read(self, column)
    }

    fn flag(&self, column: &'static str) -> Result<Option<bool>, StoreError> {
        read(self, column)
    }
}
