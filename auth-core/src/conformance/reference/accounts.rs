//! Accounts and their credentials under one lock.

use std::{collections::HashMap, sync::MutexGuard};

use async_trait::async_trait;

use super::{Locked, page_of};
use crate::{
    Account, AccountChange, AccountStore, Applied, Created, CredentialBlob, CredentialKey, CredentialRecord,
    CredentialStore, EpochBump, FoundCredential, LoginName, Page, PrincipalId, Realm, StoreError, UnixTime,
    Updated, Version,
};

/// An [`AccountStore`] and a [`CredentialStore`] as their contracts read.
#[derive(Debug, Default)]
pub struct ReferenceAccounts(Locked<Book>);

/// What is kept.
#[derive(Debug, Default, Clone)]
pub(in crate::conformance) struct Book {
    pub(in crate::conformance) accounts: HashMap<PrincipalId, Account>,
    pub(in crate::conformance) credentials: HashMap<CredentialKey, CredentialRecord>,
}

impl ReferenceAccounts {
    pub(in crate::conformance) fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock()
    }
}

impl Book {
    pub(in crate::conformance) fn by_login(&self, realm: &Realm, login: &LoginName) -> Option<&Account> {
        self.accounts.values().find(|account| account.id.realm() == realm && account.login == *login)
    }

    /// A credential, if it is this owner's.
    fn of(&mut self, owner: &PrincipalId, key: &CredentialKey) -> Option<&mut CredentialRecord> {
        self.credentials.get_mut(key).filter(|credential| credential.owner == *owner)
    }

    /// Makes one change, or says why not. What was changed by then is the caller's to throw away.
    pub(in crate::conformance) fn change(
        &mut self,
        account: &mut Account,
        change: &AccountChange,
    ) -> Result<(), Applied> {
        match change {
            AccountChange::Login(login) => {
                if self.by_login(account.id.realm(), login).is_some_and(|other| other.id != account.id) {
                    return Err(Applied::LoginTaken);
                }
                account.login = login.clone();
            }
            AccountChange::Status(status) => account.status = *status,
            AccountChange::AddCredential(credential) => {
                if self.credentials.contains_key(&credential.key) {
                    return Err(Applied::Conflict);
                }
                self.credentials.insert(credential.key.clone(), credential.clone());
            }
            AccountChange::ReplaceCredential { key, expected, data } => {
                let found = self.of(&account.id, key).filter(|credential| credential.version == *expected);
                let Some(credential) = found else { return Err(Applied::Conflict) };
                credential.data = data.clone();
                credential.version = credential.version.next();
                credential.failures = 0;
            }
            AccountChange::RemoveCredential(key) => {
                if self.of(&account.id, key).is_some() {
                    self.credentials.remove(key);
                }
            }
            AccountChange::SweepDone => account.sweep_pending = false,
        }
        Ok(())
    }
}

/// The credential that a change adds, if it adds one.
pub(in crate::conformance) const fn added(change: &AccountChange) -> Option<&CredentialRecord> {
    match change {
        AccountChange::AddCredential(credential) => Some(credential),
        _ => None,
    }
}

/// Every new credential must be the account's, and of its realm.
pub(in crate::conformance) fn refuse_strangers<'a>(
    owner: &PrincipalId,
    new: impl IntoIterator<Item = &'a CredentialRecord>,
) -> Result<(), StoreError> {
    let strange = |new: &CredentialRecord| new.owner != *owner || new.key.realm != *owner.realm();
    if new.into_iter().any(strange) {
        return Err(StoreError::not_written("credential of another account or realm"));
    }
    Ok(())
}

/// Moves the account's version, and its epoch as `epoch` says.
pub(in crate::conformance) fn bump(account: &mut Account, epoch: EpochBump) {
    account.version = account.version.next();
    if epoch == EpochBump::Bump {
        account.epoch = account.epoch.next();
        account.sweep_pending = true;
    }
}

#[async_trait]
impl AccountStore for ReferenceAccounts {
    async fn create(
        &self,
        account: &Account,
        credentials: &[CredentialRecord],
    ) -> Result<Created, StoreError> {
        refuse_strangers(&account.id, credentials)?;
        let mut book = self.lock();
        if book.by_login(account.id.realm(), &account.login).is_some() {
            return Ok(Created::LoginTaken);
        }
        let known = |credential: &CredentialRecord| book.credentials.contains_key(&credential.key);
        if book.accounts.contains_key(&account.id) || credentials.iter().any(known) {
            return Ok(Created::Collision);
        }
        book.accounts.insert(account.id.clone(), account.clone());
        book.credentials.extend(credentials.iter().map(|new| (new.key.clone(), new.clone())));
        Ok(Created::Created)
    }

    async fn by_login(&self, realm: &Realm, login: &LoginName) -> Result<Option<Account>, StoreError> {
        Ok(self.lock().by_login(realm, login).cloned())
    }

    async fn by_id(&self, id: &PrincipalId) -> Result<Option<Account>, StoreError> {
        Ok(self.lock().accounts.get(id).cloned())
    }

    async fn apply(
        &self,
        id: &PrincipalId,
        expected: Version,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Result<Applied, StoreError> {
        refuse_strangers(id, changes.iter().filter_map(added))?;
        let mut book = self.lock();
        let Some(mut account) = book.accounts.get(id).cloned() else { return Ok(Applied::Gone) };
        if account.version != expected {
            return Ok(Applied::Conflict);
        }
        // All or nothing: the changes are made to a copy.
        let mut copy = book.clone();
        for change in changes {
            if let Err(why_not) = copy.change(&mut account, change) {
                return Ok(why_not);
            }
        }
        bump(&mut account, epoch);
        copy.accounts.insert(id.clone(), account.clone());
        *book = copy;
        Ok(Applied::Applied(Box::new(account)))
    }

    async fn remove(&self, id: &PrincipalId) -> Result<bool, StoreError> {
        let mut book = self.lock();
        book.credentials.retain(|_, credential| credential.owner != *id);
        Ok(book.accounts.remove(id).is_some())
    }

    async fn sweeps_pending(&self, page: Page) -> Result<Vec<Account>, StoreError> {
        let book = self.lock();
        let mut pending: Vec<_> = book.accounts.values().filter(|account| account.sweep_pending).collect();
        pending.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(page_of(pending.into_iter().cloned(), page))
    }
}

#[async_trait]
impl CredentialStore for ReferenceAccounts {
    async fn find(&self, key: &CredentialKey) -> Result<Option<FoundCredential>, StoreError> {
        let book = self.lock();
        let Some(credential) = book.credentials.get(key) else { return Ok(None) };
        Ok(book.accounts.get(&credential.owner).map(|owner| FoundCredential {
            credential: credential.clone(),
            status: owner.status,
            epoch: owner.epoch,
        }))
    }

    async fn list(&self, owner: &PrincipalId, page: Page) -> Result<Vec<CredentialRecord>, StoreError> {
        let book = self.lock();
        let mut own: Vec<_> =
            book.credentials.values().filter(|credential| credential.owner == *owner).collect();
        own.sort_by(|a, b| order(a).cmp(&order(b)));
        Ok(page_of(own.into_iter().cloned(), page))
    }

    async fn update(
        &self,
        key: &CredentialKey,
        expected: Version,
        data: &CredentialBlob,
    ) -> Result<Updated, StoreError> {
        let mut book = self.lock();
        Ok(match book.credentials.get_mut(key) {
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
        let mut book = self.lock();
        let found = book.credentials.get(key).is_some_and(|credential| credential.version == expected);
        if found {
            book.credentials.remove(key);
        }
        Ok(found)
    }

    async fn count_failure(&self, key: &CredentialKey) -> Result<Option<u32>, StoreError> {
        let mut book = self.lock();
        Ok(book.credentials.get_mut(key).map(|credential| {
            credential.failures = credential.failures.saturating_add(1);
            credential.failures
        }))
    }

    async fn succeeded(
        &self,
        key: &CredentialKey,
        expected: Version,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let mut book = self.lock();
        let found = book.credentials.get_mut(key).filter(|credential| credential.version == expected);
        Ok(found.is_some_and(|credential| {
            credential.failures = 0;
            credential.last_used_at = credential.last_used_at.max(Some(now));
            true
        }))
    }
}

/// Oldest first, ties by key.
pub(in crate::conformance) fn order(credential: &CredentialRecord) -> impl Ord + '_ {
    let key = &credential.key;
    (credential.created_at, key.realm.as_str(), key.kind.as_str(), &key.lookup)
}
