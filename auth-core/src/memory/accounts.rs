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

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;
    use crate::{
        AuditEvent, CredentialKind, MemoryAudit,
        memory::sample::{NOW, after, ann, owner},
        testing::{FixedClock, block_on},
    };

    fn account(id: &str) -> Account {
        Account::new(owner(id).principal().clone(), LoginName::canonical(id).unwrap(), NOW)
    }

    fn password(id: &str) -> CredentialRecord {
        let owner = owner(id).principal().clone();
        let key = CredentialKey::only(&owner, CredentialKind::PASSWORD);
        CredentialRecord::new(key, owner, CredentialBlob::new(b"hash").unwrap(), NOW)
    }

    fn api_key(id: &str, n: usize) -> CredentialRecord {
        let mut record = password(id);
        record.key.kind = CredentialKind::from_static("api-key");
        record.key.lookup = n.to_be_bytes().into();
        record
    }

    fn create(store: &MemoryAccounts, id: &str) -> Result<Created, StoreError> {
        block_on(store.create(&account(id), &[password(id)]))
    }

    #[test]
    fn a_full_store_takes_no_account_more_and_says_so() {
        let log = Arc::new(MemoryAudit::new(10));
        let store = MemoryAccounts::new(1).with_audit(log.clone(), Arc::new(FixedClock(after(7))));
        assert_eq!(create(&store, "ann").unwrap(), Created::Created);
        assert!(matches!(create(&store, "bob"), Err(StoreError::Full)));
        // Who has an account learns that also now.
        assert_eq!(create(&store, "ann").unwrap(), Created::LoginTaken);
        assert_eq!(log.events(), [(after(7), AuditEvent::StoreFull { store: "accounts" })]);
        assert!(block_on(store.by_id(owner("bob").principal())).unwrap().is_none());
        assert!(block_on(AccountStore::remove(&store, ann().principal())).unwrap());
        assert_eq!(create(&store, "bob").unwrap(), Created::Created);
    }

    /// API keys without end are memory without end.
    #[test]
    fn credentials_are_bounded_too_and_replacing_them_needs_no_room() {
        let store = MemoryAccounts::new(1);
        assert_eq!(create(&store, "ann").unwrap(), Created::Created);
        let (id, most) = (ann().principal().clone(), MemoryAccounts::CREDENTIALS_PER_ACCOUNT);
        let apply = |version, changes: &[AccountChange]| {
            block_on(store.apply(&id, Version::new(version), changes, EpochBump::Keep))
        };
        let add = |n| AccountChange::AddCredential(api_key("ann", n));
        let all: Vec<_> = (1..most).map(add).collect();
        assert!(matches!(apply(1, &all).unwrap(), Applied::Applied(_)));
        assert!(matches!(apply(2, &[add(most)]), Err(StoreError::Full)));
        let exchange = [AccountChange::RemoveCredential(api_key("ann", 1).key), add(most)];
        assert!(matches!(apply(2, &exchange).unwrap(), Applied::Applied(_)));
        assert_eq!(block_on(CredentialStore::list(&store, &id, Page::first())).unwrap().len(), most);
    }

    /// A credential under another's name would open the other's account.
    #[test]
    fn a_credential_of_another_account_is_not_stored() {
        let store = MemoryAccounts::new(10);
        assert!(block_on(store.create(&account("ann"), &[password("bob")])).is_err());
        assert!(store.is_empty());
        let twice = block_on(store.create(&account("ann"), &[password("ann"), password("ann")]));
        assert_eq!(twice.unwrap(), Created::Collision);
        assert_eq!(create(&store, "ann").unwrap(), Created::Created);
        let change = [AccountChange::AddCredential(password("bob"))];
        assert!(block_on(store.apply(ann().principal(), Version::FIRST, &change, EpochBump::Bump)).is_err());
        assert_eq!(block_on(store.by_id(ann().principal())).unwrap(), Some(account("ann")));
    }

    /// One change sees those before it, and a late conflict undoes them all.
    #[test]
    fn changes_are_drafted_in_their_order() {
        let store = MemoryAccounts::new(10);
        assert_eq!(create(&store, "ann").unwrap(), Created::Created);
        assert_eq!(create(&store, "bob").unwrap(), Created::Created);
        let id = ann().principal().clone();
        let (old, new) = (password("ann"), api_key("ann", 1));
        let replace = |key: &CredentialKey, version| AccountChange::ReplaceCredential {
            key: key.clone(),
            expected: Version::new(version),
            data: CredentialBlob::new(b"new").unwrap(),
        };
        let changes = [
            AccountChange::Login(LoginName::canonical("anna").unwrap()),
            replace(&old.key, 1),
            replace(&old.key, 2),
            AccountChange::AddCredential(new.clone()),
            AccountChange::RemoveCredential(new.key.clone()),
            AccountChange::AddCredential(new.clone()),
            AccountChange::SweepDone,
        ];
        let late = [&changes[..], &[AccountChange::Login(LoginName::canonical("bob").unwrap())]].concat();
        let refused = block_on(store.apply(&id, Version::FIRST, &late, EpochBump::Bump)).unwrap();
        assert_eq!(refused, Applied::LoginTaken);
        assert_eq!(block_on(store.by_id(&id)).unwrap(), Some(account("ann")));
        assert_eq!(
            block_on(CredentialStore::list(&store, &id, Page::first())).unwrap(),
            std::slice::from_ref(&old)
        );

        let applied = block_on(store.apply(&id, Version::FIRST, &changes, EpochBump::Bump)).unwrap();
        let Applied::Applied(account) = applied else { panic!("{applied:?}") };
        // The bump is the last word on the sweep.
        assert!(account.sweep_pending);
        assert_eq!(block_on(store.sweeps_pending(Page::first())).unwrap(), [*account]);
        let found = block_on(store.find(&old.key)).unwrap().unwrap();
        assert_eq!((found.credential.version.get(), found.epoch.get()), (3, 1));
        assert!(block_on(store.find(&new.key)).unwrap().is_some());
        let by =
            |login| block_on(store.by_login(&Realm::LOCAL, &LoginName::canonical(login).unwrap())).unwrap();
        assert!(by("ann").is_none() && by("anna").is_some_and(|account| account.id == id));
    }

    /// A login of one person must not wait for those of others, and a slow reader stops no count.
    #[test]
    fn trying_a_password_waits_for_no_reader() {
        let store = MemoryAccounts::new(10);
        assert_eq!(create(&store, "ann").unwrap(), Created::Created);
        let slow = store.read();
        let (done, answer) = mpsc::channel();
        thread::scope(|threads| {
            threads.spawn(|| {
                let key = password("ann").key;
                let failures = block_on(store.count_failure(&key)).unwrap();
                let succeeded = block_on(store.succeeded(&key, Version::FIRST, after(1))).unwrap();
                done.send((failures, succeeded, block_on(store.find(&key)).unwrap())).unwrap();
            });
            let (failures, succeeded, found) = answer.recv().unwrap();
            let credential = found.unwrap().credential;
            assert_eq!((failures, succeeded), (Some(1), true));
            assert_eq!((credential.failures, credential.last_used_at), (0, Some(after(1))));
        });
        drop(slow);
    }
}
