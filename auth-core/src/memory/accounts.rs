//! The account and credential store in memory.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use async_trait::async_trait;

use super::{
    account_book::{AccountBook, Credential, Refused},
    page_of,
    room::Alarm,
};
use crate::{
    Account, AccountChange, AccountStore, Applied, AuditSink, Clock, Created, CredentialBlob, CredentialKey,
    CredentialRecord, CredentialStore, EpochBump, FoundCredential, LoginName, Page, PrincipalId, Realm,
    StoreError, UnixTime, Updated, Version,
};

/// Keeps accounts and their credentials in memory: for one process, and gone when it ends. It is both an
/// [`AccountStore`] and a [`CredentialStore`].
///
/// Holds up to [`capacity`](Self::capacity) accounts, and as many credentials as if each had
/// [`CREDENTIALS_PER_ACCOUNT`](Self::CREDENTIALS_PER_ACCOUNT). Nothing is thrown away to make room: when it is
/// full, it answers [`StoreError::Full`], and [`with_audit`](Self::with_audit) has that recorded, at most once
/// a second. So throttle sign-ups.
///
/// All of it is behind one lock that any number of readers hold at once. A login only reads, for each
/// credential counts its failures and successes under a small lock of its own; what changes an account or
/// the data of a credential waits for the readers, and they for it.
pub struct MemoryAccounts {
    book: RwLock<AccountBook>,
    capacity: usize,
    alarm: Alarm,
    clock: Option<Arc<dyn Clock>>,
}

impl MemoryAccounts {
    /// How many credentials there may be for each account that there may be. One account may have more.
    pub const CREDENTIALS_PER_ACCOUNT: usize = 16;

    /// An empty store for up to `capacity` accounts. Memory is taken as they come.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let book = AccountBook::new(capacity, capacity.saturating_mul(Self::CREDENTIALS_PER_ACCOUNT));
        Self { book: RwLock::new(book), capacity, alarm: Alarm::new("accounts"), clock: None }
    }

    /// Records in `audit` that the store is full, at most once a second of `clock`.
    #[must_use]
    pub fn with_audit(mut self, audit: Arc<dyn AuditSink>, clock: Arc<dyn Clock>) -> Self {
        self.alarm.set_sink(audit);
        self.clock = Some(clock);
        self
    }

    /// How many accounts there may be.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many accounts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // A poisoned lock is used on. Changes are drafted first, and what makes them true does not panic; neither
    // do readers.
    fn read(&self) -> RwLockReadGuard<'_, AccountBook> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, AccountBook> {
        self.book.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a refused write. To be called without the lock.
    fn refuse<T>(&self, refused: Refused<T>) -> Result<T, StoreError> {
        match refused {
            Refused::Answer(answer) => Ok(answer),
            Refused::Error(error) => Err(error),
            Refused::Full => Err(match &self.clock {
                Some(clock) => self.alarm.full(clock.now()),
                None => StoreError::full(),
            }),
        }
    }
}

#[async_trait]
impl AccountStore for MemoryAccounts {
    async fn create(
        &self,
        account: &Account,
        credentials: &[CredentialRecord],
    ) -> Result<Created, StoreError> {
        let created = self.write().create(account, credentials);
        created.map(|()| Created::Created).or_else(|refused| self.refuse(refused))
    }

    async fn by_login(&self, realm: &Realm, login: &LoginName) -> Result<Option<Account>, StoreError> {
        Ok(self.read().by_login(realm, login).cloned())
    }

    async fn by_id(&self, id: &PrincipalId) -> Result<Option<Account>, StoreError> {
        Ok(self.read().account(id).cloned())
    }

    async fn apply(
        &self,
        id: &PrincipalId,
        expected: Version,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Result<Applied, StoreError> {
        let applied = self.write().apply(id, expected, changes, epoch);
        applied.map(|account| Applied::Applied(Box::new(account))).or_else(|refused| self.refuse(refused))
    }

    async fn remove(&self, id: &PrincipalId) -> Result<bool, StoreError> {
        Ok(self.write().remove(id))
    }

    async fn sweeps_pending(&self, page: Page) -> Result<Vec<Account>, StoreError> {
        Ok(page_of(self.read().pending().cloned(), page))
    }
}

#[async_trait]
impl CredentialStore for MemoryAccounts {
    async fn find(&self, key: &CredentialKey) -> Result<Option<FoundCredential>, StoreError> {
        Ok(self.read().found(key))
    }

    async fn list(&self, owner: &PrincipalId, page: Page) -> Result<Vec<CredentialRecord>, StoreError> {
        let book = self.read();
        let mut own: Vec<_> = book.credentials_of(owner).collect();
        own.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
        Ok(page_of(own.into_iter().map(Credential::record), page))
    }

    async fn update(
        &self,
        key: &CredentialKey,
        expected: Version,
        data: &CredentialBlob,
    ) -> Result<Updated, StoreError> {
        let mut book = self.write();
        Ok(match book.credential_mut(key).map(Credential::stored_mut) {
            None => Updated::Gone,
            Some(credential) if credential.version != expected => Updated::Conflict,
            Some(credential) => {
                credential.data = data.clone();
                credential.version = credential.version.next();
                Updated::Updated
            }
        })
    }

    async fn consume(&self, key: &CredentialKey, expected: Version) -> Result<bool, StoreError> {
        let mut book = self.write();
        let found = book.credential(key).is_some_and(|credential| credential.stored().version == expected);
        if found {
            book.remove_credential(key);
        }
        Ok(found)
    }

    async fn count_failure(&self, key: &CredentialKey) -> Result<Option<u32>, StoreError> {
        Ok(self.read().credential(key).map(Credential::count_failure))
    }

    async fn succeeded(
        &self,
        key: &CredentialKey,
        expected: Version,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        // The version cannot change before the lock is released.
        let book = self.read();
        let found = book.credential(key).filter(|credential| credential.stored().version == expected);
        Ok(found.map(|credential| credential.succeeded(now)).is_some())
    }
}

impl fmt::Debug for MemoryAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAccounts")
            .field("capacity", &self.capacity)
            .field("alarm", &self.alarm)
            .finish_non_exhaustive()
    }
}

/// Oldest first, ties by key.
fn order(credential: &Credential) -> impl Ord + '_ {
    let CredentialRecord { key, created_at, .. } = credential.stored();
    (*created_at, key.realm.as_str(), key.kind.as_str(), &key.lookup)
}
