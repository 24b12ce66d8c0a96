//! Rows read back. Whatever they hold, reading them ends in a value or in [`StoreError::Corrupt`].

use auth_core::{PrincipalId, PrincipalKind, Realm, StoreError, UnixTime, Version};
use sqlx::{Decode, Row, Type, sqlite::SqliteRow};

use crate::number;

/// One row.
pub(super) struct Fields(pub(super) SqliteRow);

impl Fields {
    /// What the column holds, or `None` if it holds nothing.
    pub(super) fn maybe<'r, T>(&'r self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T: Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite>,
    {
        self.0.try_get(column).map_err(|_| StoreError::corrupt(column))
    }

    /// What the column holds.
    pub(super) fn get<'r, T>(&'r self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite>,
    {
        self.maybe(column)?.ok_or(StoreError::corrupt(column))
    }

    /// What `read` makes of the column.
    pub(super) fn parse<'r, T, U>(
        &'r self,
        column: &'static str,
        read: impl FnOnce(T) -> Option<U>,
    ) -> Result<U, StoreError>
    where
        T: Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite>,
    {
        read(self.get(column)?).ok_or(StoreError::corrupt(column))
    }

    pub(super) fn number(&self, column: &'static str) -> Result<u64, StoreError> {
        self.parse(column, number::from_column)
    }

    /// A number of 32 bits.
    pub(super) fn small(&self, column: &'static str) -> Result<u32, StoreError> {
        self.parse(column, |number: i64| u32::try_from(number).ok())
    }

    pub(super) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        self.parse(column, |number: i64| match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    }

    pub(super) fn version(&self, column: &'static str) -> Result<Version, StoreError> {
        self.number(column).map(Version::new)
    }

    pub(super) fn time(&self, column: &'static str) -> Result<UnixTime, StoreError> {
        self.parse(column, number::time_from_column)
    }

    pub(super) fn maybe_time(&self, column: &'static str) -> Result<Option<UnixTime>, StoreError> {
        let Some(number) = self.maybe(column)? else { return Ok(None) };
        number::time_from_column(number).ok_or(StoreError::corrupt(column)).map(Some)
    }

    /// Exactly `N` bytes.
    pub(super) fn array<const N: usize>(&self, column: &'static str) -> Result<[u8; N], StoreError> {
        self.parse(column, |bytes: &[u8]| bytes.try_into().ok())
    }

    /// The principal that three columns name.
    pub(super) fn principal(
        &self,
        realm: &'static str,
        kind: &'static str,
        id: &'static str,
    ) -> Result<PrincipalId, StoreError> {
        let realm = self.parse(realm, |text| Realm::parse(text).ok())?;
        let kind = self.parse(kind, PrincipalKind::parse)?;
        self.parse(id, |text| PrincipalId::new(realm, kind, text).ok())
    }
}
