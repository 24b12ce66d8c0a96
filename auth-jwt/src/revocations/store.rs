//! The storage trait of revocations.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{StoreError, UnixTime};

use crate::RevocationRecord;

/// Keeps revocations where a restart does not lose them.
///
/// A [`RevocationList`](crate::RevocationList) writes each of them here and reads them all when it starts; no
/// request waits for it. On SQLite, PostgreSQL, MariaDB and MySQL it is in `auth-sql` (feature `revocations`).
///
/// Writing one? Run `conformance::revocation_store` against it (feature `conformance`). A table of five columns will
/// do: issuer, kind, name, date and end. It is a trait of its own because an `auth_core::TokenStore` cannot say what
/// is in it.
#[async_trait]
pub trait RevocationStore: Send + Sync {
    /// Keeps a revocation, at least until its [`ends_at`](RevocationRecord::ends_at); from then on it may be
    /// dropped, by whatever means the store has.
    ///
    /// If there is one of the same issuer, kind and name, the later of the two dates and the later of the two
    /// ends count: whichever of two calls at once comes last, nothing that was refused is accepted again. No
    /// date is later than any.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn put(&self, record: &RevocationRecord, now: UnixTime) -> Result<(), StoreError>;

    /// Hands over every revocation that has not ended at `now`, each at least once, in any order: at least
    /// those whose [`put`](Self::put) was confirmed before this call.
    ///
    /// A list that is read in pages must go on behind the last row that was read and not at an offset, from
    /// which rows that leave meanwhile hide others.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot all be read. Also whatever `each` answers: it is to be passed on.
    async fn load(&self, now: UnixTime, each: &mut LoadEach<'_>) -> Result<(), StoreError>;
}

/// Where [`RevocationStore::load`] puts what it reads.
pub type LoadEach<'a> = dyn FnMut(RevocationRecord) -> Result<(), StoreError> + Send + 'a;

macro_rules! forward {
    ($pointer:ty) => {
        #[async_trait]
        impl<T: RevocationStore + ?Sized> RevocationStore for $pointer {
            async fn put(&self, record: &RevocationRecord, now: UnixTime) -> Result<(), StoreError> {
                (**self).put(record, now).await
            }

            async fn load(&self, now: UnixTime, each: &mut LoadEach<'_>) -> Result<(), StoreError> {
                (**self).load(now, each).await
            }
        }
    };
}

forward!(&T);
forward!(Box<T>);
forward!(Arc<T>);
