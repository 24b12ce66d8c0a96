//! Where policies are kept that are changed by a program.

use async_trait::async_trait;
use auth_core::{Malformed, PolicyVersion, Refusal, StoreError};

use crate::{
    admin::PolicyChange,
    document::{DocumentError, PolicyDocument},
    error::PolicyError,
    source::PolicySource,
};

/// A [`PolicySource`] that can be written: a database.
///
/// Whoever writes says which version they have read, and writes nothing if there is another one by then. What would be
/// no policy is never stored. What is stored counts when a [`PolicyReloader`](crate::PolicyReloader) has found it:
/// [`LivePolicy::at_least`](crate::LivePolicy::at_least) waits for nobody, and says so.
///
/// Writing one? All of a call is one transaction: a part of a policy may lack what forbids. Run the suite of the feature
/// `conformance` against it: `conformance::policy_store`.
#[async_trait]
pub trait PolicyStore: PolicySource {
    /// Puts a document in the place of the whole policy, if that is the one of version `expected`: 0 where nothing was
    /// stored yet. The version of the document has to be larger.
    ///
    /// # Errors
    /// [`PolicyStoreError`].
    async fn save(
        &self,
        expected: PolicyVersion,
        document: &PolicyDocument,
    ) -> Result<Saved, PolicyStoreError>;

    /// Makes all of the changes, in this order, or none, if the policy is the one of version `expected`. The version
    /// since is the next one.
    ///
    /// Nobody is asked whether they may, so nothing that people ask for goes straight here: that is for
    /// [`StoredAdministration`](crate::StoredAdministration), which calls this.
    ///
    /// # Errors
    /// [`PolicyStoreError`].
    async fn change(
        &self,
        expected: PolicyVersion,
        changes: &[PolicyChange],
    ) -> Result<Saved, PolicyStoreError>;
}

macro_rules! forward {
    ($($pointer:ty),*) => { $(
        #[async_trait]
        impl<T: PolicyStore + ?Sized> PolicyStore for $pointer {
            async fn save(
                &self,
                expected: PolicyVersion,
                document: &PolicyDocument,
            ) -> Result<Saved, PolicyStoreError> {
                (**self).save(expected, document).await
            }

            async fn change(
                &self,
                expected: PolicyVersion,
                changes: &[PolicyChange],
            ) -> Result<Saved, PolicyStoreError> {
                (**self).change(expected, changes).await
            }
        }
    )* };
}
forward!(&T, Box<T>, std::sync::Arc<T>);

/// What came of writing to a [`PolicyStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a policy that was not stored should not go unnoticed"]
pub enum Saved {
    /// It is stored, and has this version.
    Saved(PolicyVersion),
    /// The store has this version and not the expected one: nothing was written. Load it and begin anew.
    Conflict(PolicyVersion),
}

/// Why a policy was not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyStoreError {
    /// A change does not fit the policy. Nothing was written.
    #[error(transparent)]
    Change(#[from] PolicyError),
    /// It would be no policy. Nothing was written.
    #[error("the policy is refused")]
    Document(#[from] DocumentError),
    /// The version of the document is not larger than the one that it replaces, or larger than the store can count.
    /// Nothing was written.
    #[error("version {offered} cannot follow version {expected}")]
    Version {
        /// The version of the document.
        offered: PolicyVersion,
        /// The one that it would have replaced.
        expected: PolicyVersion,
    },
    /// More than [`Administration::MAX_CHANGES`](crate::Administration::MAX_CHANGES) together. Nothing was written.
    #[error("at most {} changes are made together", crate::Administration::MAX_CHANGES)]
    TooMany,
    /// There is more of it than the store takes. Nothing was written.
    #[error("the store takes at most {max} rows of a policy")]
    TooLarge {
        /// The most that it takes.
        max: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was offered is at fault, or the store.
impl From<PolicyStoreError> for Refusal {
    fn from(error: PolicyStoreError) -> Self {
        match error {
            PolicyStoreError::Store(error) => error.into(),
            _ => Malformed::Content.into(),
        }
    }
}
