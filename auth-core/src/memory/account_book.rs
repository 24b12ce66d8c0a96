//! Accounts and credentials, seen by one writer or by many readers at a time.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use crate::{
    Account, AccountChange, Applied, Created, CredentialKey, CredentialRecord, EpochBump, FoundCredential,
    LoginName, PrincipalId, Realm, StoreError, UnixTime,
};

/// What a [`MemoryAccounts`](super::MemoryAccounts) keeps, and how much of it it may.
#[derive(Debug)]
pub(super) struct AccountBook {
    accounts: HashMap<PrincipalId, Row>,
    logins: HashMap<(Realm, LoginName), PrincipalId>,
    credentials: HashMap<CredentialKey, Credential>,
    /// Whose sweep is pending.
    pending: BTreeSet<PrincipalId>,
    most_accounts: usize,
    most_credentials: usize,
}

#[derive(Debug)]
struct Row {
    account: Account,
    credentials: HashSet<CredentialKey>,
}

/// A credential. What each try changes has a lock of its own, so that a login needs no writer.
#[derive(Debug)]
pub(super) struct Credential {
    /// What it says of its use is not kept up to date.
    record: CredentialRecord,
    usage: Mutex<Usage>,
}

#[derive(Debug, Clone, Copy)]
struct Usage {
    failures: u32,
    last_used_at: Option<UnixTime>,
}

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Refused<T> {
    /// The answer to give.
    Answer(T),
    Full,
    /// The caller made a mistake.
    Error(StoreError),
}

impl Credential {
    pub(super) fn new(record: CredentialRecord) -> Self {
        let usage = Usage { failures: record.failures, last_used_at: record.last_used_at };
        Self { record, usage: Mutex::new(usage) }
    }

    pub(super) fn record(&self) -> CredentialRecord {
        let Usage { failures, last_used_at } = self.usage(|usage| *usage);
        CredentialRecord { failures, last_used_at, ..self.record.clone() }
    }

    pub(super) const fn stored(&self) -> &CredentialRecord {
        &self.record
    }

    pub(super) const fn stored_mut(&mut self) -> &mut CredentialRecord {
        &mut self.record
    }

    /// Counts a failure and answers how many there are.
    pub(super) fn count_failure(&self) -> u32 {
        self.usage(|usage| {
            usage.failures = usage.failures.saturating_add(1);
            usage.failures
        })
    }

    pub(super) fn succeeded(&self, now: UnixTime) {
        self.usage(|usage| *usage = Usage { failures: 0, last_used_at: usage.last_used_at.max(Some(now)) });
    }

    fn usage<T>(&self, use_it: impl FnOnce(&mut Usage) -> T) -> T {
        // Nothing under the lock panics, and a number and a moment are never half written.
        use_it(&mut self.usage.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AccountBook {
    pub(super) fn new(most_accounts: usize, most_credentials: usize) -> Self {
        Self {
            accounts: HashMap::new(),
            logins: HashMap::new(),
            credentials: HashMap::new(),
            pending: BTreeSet::new(),
            most_accounts,
            most_credentials,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }

    pub(super) fn account(&self, id: &PrincipalId) -> Option<&Account> {
        self.accounts.get(id).map(|row| &row.account)
    }

    pub(super) fn by_login(&self, realm: &Realm, login: &LoginName) -> Option<&Account> {
        self.account(self.logins.get(&(realm.clone(), login.clone()))?)
    }

    pub(super) fn credential(&self, key: &CredentialKey) -> Option<&Credential> {
        self.credentials.get(key)
    }

    pub(super) fn credential_mut(&mut self, key: &CredentialKey) -> Option<&mut Credential> {
        self.credentials.get_mut(key)
    }

    pub(super) fn found(&self, key: &CredentialKey) -> Option<FoundCredential> {
        let credential = self.credential(key)?.record();
        let Account { status, epoch, .. } = self.account(&credential.owner)?;
        Some(FoundCredential { credential, status: *status, epoch: *epoch })
    }

    pub(super) fn credentials_of(&self, owner: &PrincipalId) -> impl Iterator<Item = &Credential> {
        let keys = self.accounts.get(owner).into_iter().flat_map(|row| &row.credentials);
        keys.filter_map(|key| self.credential(key))
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = &Account> {
        self.pending.iter().filter_map(|id| self.account(id))
    }

    pub(super) fn create(
        &mut self,
        account: &Account,
        credentials: &[CredentialRecord],
    ) -> Result<(), Refused<Created>> {
        let login = (account.id.realm().clone(), account.login.clone());
        if self.logins.contains_key(&login) {
            return Err(Refused::Answer(Created::LoginTaken));
        }
        let mut draft = Draft::of(account);
        for credential in credentials {
            draft.add(self, credential, Created::Collision)?;
        }
        if self.accounts.contains_key(&account.id) {
            return Err(Refused::Answer(Created::Collision));
        }
        if self.accounts.len() >= self.most_accounts {
            return Err(Refused::Full);
        }
        self.check_room(&draft)?;
        self.accounts
            .insert(account.id.clone(), Row { account: account.clone(), credentials: HashSet::new() });
        self.commit(draft);
        Ok(())
    }

    pub(super) fn apply(
        &mut self,
        id: &PrincipalId,
        expected: crate::Version,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Result<Account, Refused<Applied>> {
        let account = self.account(id).ok_or(Refused::Answer(Applied::Gone))?;
        if account.version != expected {
            return Err(Refused::Answer(Applied::Conflict));
        }
        let mut draft = Draft::of(account);
        for change in changes {
            draft.change(self, change)?;
        }
        draft.account.version = draft.account.version.next();
        if epoch == EpochBump::Bump {
            draft.account.epoch = draft.account.epoch.next();
            draft.account.sweep_pending = true;
        }
        self.check_room(&draft)?;
        let account = draft.account.clone();
        self.commit(draft);
        Ok(account)
    }

    pub(super) fn remove(&mut self, id: &PrincipalId) -> bool {
        let Some(Row { account, credentials }) = self.accounts.remove(id) else { return false };
        self.logins.remove(&(id.realm().clone(), account.login));
        self.pending.remove(id);
        for key in credentials {
            self.credentials.remove(&key);
        }
        true
    }

    pub(super) fn remove_credential(&mut self, key: &CredentialKey) {
        if let Some(removed) = self.credentials.remove(key)
            && let Some(row) = self.accounts.get_mut(&removed.record.owner)
        {
            row.credentials.remove(key);
        }
    }

    fn check_room<T>(&self, draft: &Draft) -> Result<(), Refused<T>> {
        let (come, leave): (Vec<_>, Vec<_>) =
            draft.credentials.iter().partition(|(_, record)| record.is_some());
        let come = come.iter().filter(|(key, _)| !self.credentials.contains_key(*key)).count();
        let leave = leave.iter().filter(|(key, _)| self.credentials.contains_key(*key)).count();
        let after = self.credentials.len().saturating_add(come).saturating_sub(leave);
        if come > leave && after > self.most_credentials { Err(Refused::Full) } else { Ok(()) }
    }

    /// Makes what was drafted true. Nothing in it can fail.
    fn commit(&mut self, draft: Draft) {
        let Draft { account, credentials } = draft;
        let id = account.id.clone();
        let Some(row) = self.accounts.get_mut(&id) else { return };
        self.logins.remove(&(id.realm().clone(), row.account.login.clone()));
        self.logins.insert((id.realm().clone(), account.login.clone()), id.clone());
        if account.sweep_pending {
            self.pending.insert(id);
        } else {
            self.pending.remove(&id);
        }
        row.account = account;
        for (key, record) in credentials {
            match record {
                Some(record) => {
                    row.credentials.insert(key.clone());
                    self.credentials.insert(key, Credential::new(record));
                }
                None => {
                    row.credentials.remove(&key);
                    self.credentials.remove(&key);
                }
            }
        }
    }
}

/// Changes of an account that are not made yet.
struct Draft {
    account: Account,
    /// What the credentials that change will be.
    credentials: HashMap<CredentialKey, Option<CredentialRecord>>,
}

impl Draft {
    fn of(account: &Account) -> Self {
        Self { account: account.clone(), credentials: HashMap::new() }
    }

    fn change(&mut self, book: &AccountBook, change: &AccountChange) -> Result<(), Refused<Applied>> {
        match change {
            AccountChange::Login(login) => {
                let holder = book.by_login(self.account.id.realm(), login);
                if holder.is_some_and(|holder| holder.id != self.account.id) {
                    return Err(Refused::Answer(Applied::LoginTaken));
                }
                self.account.login = login.clone();
            }
            AccountChange::Status(status) => self.account.status = *status,
            AccountChange::AddCredential(credential) => self.add(book, credential, Applied::Conflict)?,
            AccountChange::ReplaceCredential { key, expected, data } => {
                let own = self.own(book, key).filter(|credential| credential.version == *expected);
                let mut credential = own.ok_or(Refused::Answer(Applied::Conflict))?;
                credential.data = data.clone();
                credential.version = credential.version.next();
                credential.failures = 0;
                self.credentials.insert(key.clone(), Some(credential));
            }
            AccountChange::RemoveCredential(key) => {
                if self.own(book, key).is_some() {
                    self.credentials.insert(key.clone(), None);
                }
            }
            AccountChange::SweepDone => self.account.sweep_pending = false,
        }
        Ok(())
    }

    fn add<T>(
        &mut self,
        book: &AccountBook,
        credential: &CredentialRecord,
        if_taken: T,
    ) -> Result<(), Refused<T>> {
        if credential.owner != self.account.id || credential.key.realm != *credential.owner.realm() {
            return Err(Refused::Error(StoreError::not_written("credential of another account or realm")));
        }
        let taken = match self.credentials.get(&credential.key) {
            Some(drafted) => drafted.is_some(),
            None => book.credentials.contains_key(&credential.key),
        };
        if taken {
            return Err(Refused::Answer(if_taken));
        }
        self.credentials.insert(credential.key.clone(), Some(credential.clone()));
        Ok(())
    }

    /// A credential of this account as it will be.
    fn own(&self, book: &AccountBook, key: &CredentialKey) -> Option<CredentialRecord> {
        let credential = match self.credentials.get(key) {
            Some(drafted) => drafted.clone(),
            None => book.credential(key).map(Credential::record),
        };
        credential.filter(|credential| credential.owner == self.account.id)
    }
}
