//! What every store shares: its error, and pages.

use std::{error::Error, fmt};

pub(crate) mod account;
pub(crate) mod assignment;
pub(crate) mod counter;
pub(crate) mod credential;
pub(crate) mod session;
pub(crate) mod session_rows;
pub(crate) mod token;

/// Forwards an `async_trait` through references and smart pointers, so that `Arc<dyn Store>` is a store.
macro_rules! forward_async {
    ($trait:ident { $(async fn $name:ident(&self $(, $arg:ident: $ty:ty)* $(,)?) -> $out:ty;)* }) => {
        crate::store::forward_async!(@one &T, $trait { $(async fn $name(&self $(, $arg: $ty)*) -> $out;)* });
        crate::store::forward_async!(@one Box<T>, $trait { $(async fn $name(&self $(, $arg: $ty)*) -> $out;)* });
        crate::store::forward_async!(@one std::sync::Arc<T>, $trait { $(async fn $name(&self $(, $arg: $ty)*) -> $out;)* });
    };
    (@one $pointer:ty, $trait:ident { $(async fn $name:ident(&self $(, $arg:ident: $ty:ty)*) -> $out:ty;)* }) => {
        #[async_trait::async_trait]
        impl<T: $trait + ?Sized> $trait for $pointer {
            $(
                async fn $name(&self $(, $arg: $ty)*) -> $out {
                    (**self).$name($($arg),*).await
                }
            )*
        }
    };
}
pub(crate) use forward_async;

type Source = Box<dyn Error + Send + Sync>;

/// A store did not do what it was asked.
///
/// What the caller needs to know is whether something was written; [`written`](Self::written) tells. Store
/// authors: use the constructors, and the most careful one that is true.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store did nothing. The call may be repeated.
    #[error("store did nothing")]
    NotWritten(#[source] Option<Source>),
    /// The connection broke after a write was sent: it may or may not have happened.
    #[error("store did not confirm")]
    Unknown(#[source] Option<Source>),
    /// The store has no room, and nothing that it may throw away. Nothing was written.
    #[error("store is full")]
    Full,
    /// The store did not answer in time: a write may or may not have happened.
    #[error("store did not answer in time")]
    Timeout,
    /// What the store holds cannot be read. Nothing was written.
    #[error("store holds unreadable data: {0}")]
    Corrupt(&'static str),
}

/// Whether a failed call wrote something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Surely not.
    No,
    /// Perhaps.
    Unknown,
}

impl StoreError {
    /// The store did nothing, because of `source`.
    pub fn not_written(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::NotWritten(Some(source.into()))
    }

    /// It is not known whether the store did anything, because of `source`.
    pub fn unknown(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unknown(Some(source.into()))
    }

    /// There is no room.
    #[must_use]
    pub const fn full() -> Self {
        Self::Full
    }

    /// The store did not answer in time.
    #[must_use]
    pub const fn timeout() -> Self {
        Self::Timeout
    }

    /// `what` was read back and makes no sense. Name the field, never its content.
    #[must_use]
    pub const fn corrupt(what: &'static str) -> Self {
        Self::Corrupt(what)
    }

    /// Whether something may have been written.
    #[must_use]
    pub const fn written(&self) -> Written {
        match self {
            Self::NotWritten(_) | Self::Full | Self::Corrupt(_) => Written::No,
            Self::Unknown(_) | Self::Timeout => Written::Unknown,
        }
    }
}

/// Counts the changes of one row, so that a writer notices that another one was faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(u64);

impl Version {
    /// The version of a new row.
    pub const FIRST: Self = Self(1);

    /// A version read back from a store.
    #[must_use]
    pub const fn new(version: u64) -> Self {
        Self(version)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after the next change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    offset: u32,
    limit: u32,
}

impl Page {
    /// The most rows of one page.
    pub const MAX: u32 = 1_000;

    /// `limit` rows, at least 1 and at most [`MAX`](Self::MAX), after the first `offset`.
    #[must_use]
    pub fn new(offset: u32, limit: u32) -> Self {
        Self { offset, limit: limit.clamp(1, Self::MAX) }
    }

    /// The first rows, as many as one page may have.
    #[must_use]
    pub const fn first() -> Self {
        Self { offset: 0, limit: Self::MAX }
    }

    /// How many rows come before it.
    #[must_use]
    pub const fn offset(self) -> u32 {
        self.offset
    }

    /// How many rows it has at most.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// The page after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { offset: self.offset.saturating_add(self.limit), limit: self.limit }
    }
}

/// What became of a conditional write to one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a write that lost must be handled"]
pub enum Updated {
    /// It was written; the row's version went up by one.
    Updated,
    /// Another writer was faster. Nothing was written: read again, merge, try again.
    Conflict,
    /// The row does not exist. Nothing was written: in particular, nothing was brought back.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whether_something_may_have_been_written() {
        assert_eq!(StoreError::not_written("refused").written(), Written::No);
        assert_eq!(StoreError::full().written(), Written::No);
        assert_eq!(StoreError::corrupt("version").written(), Written::No);
        assert_eq!(StoreError::unknown("reset").written(), Written::Unknown);
        assert_eq!(StoreError::timeout().written(), Written::Unknown);
    }

    #[test]
    fn a_page_is_never_empty_and_never_endless() {
        assert_eq!(Page::new(0, 0).limit(), 1);
        assert_eq!(Page::new(0, u32::MAX).limit(), Page::MAX);
        assert_eq!(Page::new(u32::MAX, 10).next().offset(), u32::MAX);
    }
}
