//! Rows of SQLite.

use auth_core::StoreError;
use sqlx::{Decode, Row, Type, sqlite::SqliteRow};

use crate::fields::{Columns, flag_from_column};

fn read<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<Option<T>, StoreError>
where
    T: Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|_| StoreError::corrupt(column))
}

impl Columns for SqliteRow {
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
        let Some(number) = read(self, column)? else { return Ok(None) };
        flag_from_column(number).ok_or(StoreError::corrupt(column)).map(Some)
    }
}
