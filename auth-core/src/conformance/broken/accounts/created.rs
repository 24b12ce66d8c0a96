//! Faults of `create`.

use super::{AccountFault as Fault, BrokenAccounts};
use crate::{
    Account, AccountStore, Created, CredentialKey, CredentialRecord, StoreError, Version,
    conformance::reference::Book,
};

fn write(book: &mut Book, account: &Account, credentials: &[CredentialRecord]) {
    book.accounts.insert(account.id.clone(), account.clone());
    book.credentials.extend(credentials.iter().map(|new| (new.key.clone(), new.clone())));
}

impl BrokenAccounts {
    pub(super) async fn broken_create(
        &self,
        account: &Account,
        credentials: &[CredentialRecord],
    ) -> Result<Created, StoreError> {
        match self.fault {
            Fault::CreateKeepsHalf => {
                let created = self.good.create(account, credentials).await?;
                if created == Created::Collision {
                    let mut book = self.good.lock();
                    for new in credentials {
                        book.credentials.entry(new.key.clone()).or_insert_with(|| new.clone());
                    }
                }
                Ok(created)
            }
            Fault::CreateOverwritesCredentials => {
                for new in credentials {
                    self.good.lock().credentials.remove(&new.key);
                }
                self.good.create(account, credentials).await
            }
            Fault::CreateOverwrites => {
                self.good.lock().accounts.remove(&account.id);
                self.good.create(account, credentials).await
            }
            Fault::CreateNotAtomic | Fault::CreateIdNotAtomic | Fault::CreateCredentialNotAtomic => {
                self.create_in_two_steps(account, credentials)
            }
            Fault::CreateForgetsVersion => {
                let account = Account { version: Version::FIRST, ..account.clone() };
                self.good.create(&account, credentials).await
            }
            Fault::CreateCutsLookups => {
                let cut = |new: &CredentialRecord| {
                    let lookup = new.key.lookup.split(|byte| *byte == 0).next().unwrap_or_default().into();
                    CredentialRecord { key: CredentialKey { lookup, ..new.key.clone() }, ..new.clone() }
                };
                let credentials: Vec<_> = credentials.iter().map(cut).collect();
                self.good.create(account, &credentials).await
            }
            Fault::CredentialsOfAnybody => {
                self.create_unless(account, credentials, |other| other.id.realm() == account.id.realm())
            }
            Fault::LoginNotUnique => self.create_unless(account, credentials, |_| false),
            Fault::LoginUniqueInKind => self.create_unless(account, credentials, |other| {
                other.id.realm() == account.id.realm() && other.id.kind() == account.id.kind()
            }),
            Fault::LoginUniqueEverywhere => self.create_unless(account, credentials, |_| true),
            _ => self.good.create(account, credentials).await,
        }
    }

    /// Refuses an account whose login one of those has whom `rivals` says.
    fn create_unless(
        &self,
        account: &Account,
        credentials: &[CredentialRecord],
        rivals: impl Fn(&Account) -> bool,
    ) -> Result<Created, StoreError> {
        let mut book = self.good.lock();
        if book.accounts.values().any(|other| other.login == account.login && rivals(other)) {
            return Ok(Created::LoginTaken);
        }
        let known = |new: &CredentialRecord| book.credentials.contains_key(&new.key);
        if book.accounts.contains_key(&account.id) || credentials.iter().any(known) {
            return Ok(Created::Collision);
        }
        write(&mut book, account, credentials);
        Ok(Created::Created)
    }

    /// Looks for the obstacle of its fault in one step, for the others and writes in another.
    fn create_in_two_steps(
        &self,
        account: &Account,
        credentials: &[CredentialRecord],
    ) -> Result<Created, StoreError> {
        let obstacles = {
            let book = self.good.lock();
            let login = book.by_login(account.id.realm(), &account.login).is_some();
            let id = book.accounts.contains_key(&account.id);
            let credential = credentials.iter().any(|new| book.credentials.contains_key(&new.key));
            (login, id || credential)
        };
        match obstacles {
            (true, _) => return Ok(Created::LoginTaken),
            (_, true) => return Ok(Created::Collision),
            _ => self.gap.pass(),
        }
        write(&mut self.good.lock(), account, credentials);
        Ok(Created::Created)
    }
}
