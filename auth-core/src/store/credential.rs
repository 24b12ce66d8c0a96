//! The storage trait of credentials.

use async_trait::async_trait;

use crate::{
    PrincipalId, UnixTime,
    account::{CredentialBlob, CredentialKey, CredentialRecord, FoundCredential},
    store::{Page, StoreError, Updated, Version},
};

/// Finds and uses credentials. Adding and removing them is a change of their account:
/// [`AccountStore::apply`](crate::AccountStore::apply).
///
/// Writing one? Run [`conformance::credential_store`](crate::conformance::credential_store) against it.
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// A credential together with its owner's status and epoch, read in one step: an epoch that is read later
    /// could be that of a newer password.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn find(&self, key: &CredentialKey) -> Result<Option<FoundCredential>, StoreError>;

    /// The credentials of a principal, oldest first; ties by kind, then by the bytes of the lookup, lowest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list(&self, owner: &PrincipalId, page: Page) -> Result<Vec<CredentialRecord>, StoreError>;

    /// Replaces the data of a credential whose version is `expected`, and nothing else: a rehash, an accepted
    /// step. Failures stay, as do account and epoch. Of any number of calls at once, one wins.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn update(
        &self,
        key: &CredentialKey,
        expected: Version,
        data: &CredentialBlob,
    ) -> Result<Updated, StoreError>;

    /// Uses up a single-use credential whose version is `expected`: it is removed. Answers whether this call
    /// did; of any number of calls at once, one did.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn consume(&self, key: &CredentialKey, expected: Version) -> Result<bool, StoreError>;

    /// Counts a failure and answers the new count, in one step; `None` if there is no such credential. Counted
    /// before the credential is checked, so that guesses at once cannot exceed a cap. The version stays.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn count_failure(&self, key: &CredentialKey) -> Result<Option<u32>, StoreError>;

    /// Forgets the failures and notes the use at `now`, unless a later one is known. The version stays. Answers
    /// whether there is such a credential of the version `expected`: what was checked against data that has been
    /// replaced since did not succeed.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn succeeded(
        &self,
        key: &CredentialKey,
        expected: Version,
        now: UnixTime,
    ) -> Result<bool, StoreError>;
}

crate::store::forward_async!(CredentialStore {
    async fn find(&self, key: &CredentialKey) -> Result<Option<FoundCredential>, StoreError>;
    async fn list(&self, owner: &PrincipalId, page: Page) -> Result<Vec<CredentialRecord>, StoreError>;
    async fn update(&self, key: &CredentialKey, expected: Version, data: &CredentialBlob) -> Result<Updated, StoreError>;
    async fn consume(&self, key: &CredentialKey, expected: Version) -> Result<bool, StoreError>;
    async fn count_failure(&self, key: &CredentialKey) -> Result<Option<u32>, StoreError>;
    async fn succeeded(&self, key: &CredentialKey, expected: Version, now: UnixTime) -> Result<bool, StoreError>;
});
