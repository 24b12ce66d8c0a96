//! Rows read back. Whatever they hold, reading them ends in a value or in [`StoreError::Corrupt`].

use auth_core::{PrincipalId, PrincipalKind, Realm, StoreError, UnixTime, Version};

use crate::number;

/// What a row of any database can be asked for: by column, `None` where the column is NULL.
pub(crate) trait Columns {
    fn text(&self, column: &'static str) -> Result<Option<&str>, StoreError>;
    fn bytes(&self, column: &'static str) -> Result<Option<&[u8]>, StoreError>;
    fn integer(&self, column: &'static str) -> Result<Option<i64>, StoreError>;
    fn flag(&self, column: &'static str) -> Result<Option<bool>, StoreError>;
}

/// A flag of a database that has none.
#[cfg(any(feature = "sqlite", feature = "mysql"))]
pub(crate) fn flag_from_column(number: i64) -> Option<bool> {
    match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// One row.
pub(crate) struct Fields<R>(pub(crate) R);

impl<R: Columns> Fields<R> {
    pub(crate) fn maybe_text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        self.0.text(column)
    }

    pub(crate) fn maybe_bytes(&self, column: &'static str) -> Result<Option<&[u8]>, StoreError> {
        self.0.bytes(column)
    }

    pub(crate) fn bytes(&self, column: &'static str) -> Result<&[u8], StoreError> {
        self.0.bytes(column)?.ok_or(StoreError::corrupt(column))
    }

    /// What `read` makes of the text.
    pub(crate) fn parse<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.0.text(column)?.and_then(read).ok_or(StoreError::corrupt(column))
    }

    /// What `read` makes of the bytes.
    pub(crate) fn parse_bytes<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, StoreError> {
        read(self.bytes(column)?).ok_or(StoreError::corrupt(column))
    }

    fn parse_integer<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(i64) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.0.integer(column)?.and_then(read).ok_or(StoreError::corrupt(column))
    }

    pub(crate) fn number(&self, column: &'static str) -> Result<u64, StoreError> {
        self.parse_integer(column, number::from_column)
    }

    /// A number of 32 bits.
    pub(crate) fn small(&self, column: &'static str) -> Result<u32, StoreError> {
        self.parse_integer(column, |number| u32::try_from(number).ok())
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        self.0.flag(column)?.ok_or(StoreError::corrupt(column))
    }

    pub(crate) fn version(&self, column: &'static str) -> Result<Version, StoreError> {
        self.number(column).map(Version::new)
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<UnixTime, StoreError> {
        self.parse_integer(column, number::time_from_column)
    }

    pub(crate) fn maybe_time(&self, column: &'static str) -> Result<Option<UnixTime>, StoreError> {
        let Some(number) = self.0.integer(column)? else { return Ok(None) };
        number::time_from_column(number).ok_or(StoreError::corrupt(column)).map(Some)
    }

    /// Exactly `N` bytes.
    pub(crate) fn array<const N: usize>(&self, column: &'static str) -> Result<[u8; N], StoreError> {
        self.parse_bytes(column, |bytes| bytes.try_into().ok())
    }

    /// The principal that three columns name.
    pub(crate) fn principal(
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
