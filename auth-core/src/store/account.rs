//! The storage trait of accounts.

use async_trait::async_trait;

use crate::{
    AuthEpoch, LoginName, PrincipalId, Realm,
    account::{Account, AccountChange, AccountStatus, Applied, Created, CredentialRecord, EpochBump},
    store::{Page, StoreError, Version},
};

/// Keeps accounts. Account, credentials and epoch change in one transaction, so that no login is checked
/// against an old password under a new epoch.
///
/// Writing one? Run [`conformance::account_store`](crate::conformance::account_store) against it.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Adds an account with its first credentials, all or nothing. If both login and id are taken, either may be
    /// answered.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::NotWritten`] if a credential's owner is not the account, or its key not of the
    /// account's realm.
    async fn create(
        &self,
        account: &Account,
        credentials: &[CredentialRecord],
    ) -> Result<Created, StoreError>;

    /// The account that logs in with this name.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn by_login(&self, realm: &Realm, login: &LoginName) -> Result<Option<Account>, StoreError>;

    /// The account of this principal.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn by_id(&self, id: &PrincipalId) -> Result<Option<Account>, StoreError>;

    /// Makes all changes to an account whose version is `expected`, or none, in their order: each sees those
    /// before it. The version goes up by one, and the epoch as `epoch` says; so they do without any change, and
    /// with changes that say what is so already, for whoever read the version before has to read again.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::NotWritten`] if a credential to add is of another owner, or its key not of the
    /// account's realm.
    async fn apply(
        &self,
        id: &PrincipalId,
        expected: Version,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Result<Applied, StoreError>;

    /// Removes an account with all its credentials. Answers whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn remove(&self, id: &PrincipalId) -> Result<bool, StoreError>;

    /// The accounts whose sweep is pending, in a stable order of the store's choice: what a restarted server has
    /// to make good.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sweeps_pending(&self, page: Page) -> Result<Vec<Account>, StoreError>;
}

crate::store::forward_async!(AccountStore {
    async fn create(&self, account: &Account, credentials: &[CredentialRecord]) -> Result<Created, StoreError>;
    async fn by_login(&self, realm: &Realm, login: &LoginName) -> Result<Option<Account>, StoreError>;
    async fn by_id(&self, id: &PrincipalId) -> Result<Option<Account>, StoreError>;
    async fn apply(&self, id: &PrincipalId, expected: Version, changes: &[AccountChange], epoch: EpochBump) -> Result<Applied, StoreError>;
    async fn remove(&self, id: &PrincipalId) -> Result<bool, StoreError>;
    async fn sweeps_pending(&self, page: Page) -> Result<Vec<Account>, StoreError>;
});

/// Tells the present epoch of a principal: the backstop that ends sessions and tokens whose end was missed.
#[async_trait]
pub trait EpochSource: Send + Sync {
    /// The epoch that sessions and tokens must have, or `None` if the principal may not be used at all: its
    /// account is gone or disabled.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn epoch_of(&self, principal: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError>;
}

crate::store::forward_async!(EpochSource {
    async fn epoch_of(&self, principal: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError>;
});

/// An [`AccountStore`] as an [`EpochSource`].
#[derive(Debug, Clone)]
pub struct AccountEpochs<S>(pub S);

#[async_trait]
impl<S: AccountStore> EpochSource for AccountEpochs<S> {
    async fn epoch_of(&self, principal: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
        let account = self.0.by_id(principal).await?;
        Ok(account.filter(|account| account.status == AccountStatus::Active).map(|account| account.epoch))
    }
}
