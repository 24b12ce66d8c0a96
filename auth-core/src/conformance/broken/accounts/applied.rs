//! Faults of `apply`.

use super::{AccountFault as Fault, BrokenAccounts};
use crate::{
    Account, AccountChange, Applied, CredentialRecord, EpochBump, LoginName, PrincipalId, StoreError,
    UnixTime, Version,
    conformance::reference::{Book, added, bump, refuse_strangers},
};

impl BrokenAccounts {
    pub(super) async fn broken_apply(
        &self,
        id: &PrincipalId,
        expected: Version,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Result<Applied, StoreError> {
        if self.fault != Fault::CredentialsOfAnybody {
            refuse_strangers(id, changes.iter().filter_map(added))?;
        }
        let account = self.good.lock().accounts.get(id).cloned();
        let mut expected = expected;
        match self.fault {
            Fault::ApplyIgnoresVersion => expected = account.map_or(expected, |account| account.version),
            Fault::ApplyNotAtomic => {
                if account.is_some_and(|account| account.version != expected) {
                    return Ok(Applied::Conflict);
                }
                self.gap.pass();
                expected = self.good.lock().accounts.get(id).map_or(expected, |account| account.version);
            }
            Fault::ApplyLoginNotAtomic => {
                if changes.iter().any(|change| self.is_taken(id, change)) {
                    return Ok(Applied::LoginTaken);
                }
                self.gap.pass();
            }
            Fault::ApplyUpserts if account.is_none() => {
                if let Ok(login) = LoginName::parse("upserted") {
                    let account =
                        Account { version: expected, ..Account::new(id.clone(), login, UnixTime::EPOCH) };
                    self.good.lock().accounts.insert(id.clone(), account);
                }
            }
            Fault::ApplyInTwoSteps => {
                let answer = self.apply_in_one_step(id, expected, changes, EpochBump::Keep);
                let Applied::Applied(mut account) = answer else { return Ok(answer) };
                self.gap.pass();
                let version = account.version;
                bump(&mut account, epoch);
                account.version = version;
                self.good.lock().accounts.insert(id.clone(), (*account).clone());
                return Ok(Applied::Applied(account));
            }
            _ => {}
        }
        Ok(self.apply_in_one_step(id, expected, changes, epoch))
    }

    fn apply_in_one_step(
        &self,
        id: &PrincipalId,
        expected: Version,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Applied {
        let mut book = self.good.lock();
        let Some(before) = book.accounts.get(id).cloned() else { return Applied::Gone };
        if before.version != expected {
            return Applied::Conflict;
        }
        let (mut account, mut copy) = (before.clone(), book.clone());
        for change in changes {
            if let Err(why_not) = self.change(&mut copy, &mut account, change) {
                match self.fault {
                    Fault::ApplyKeepsHalf => {
                        copy.accounts.insert(id.clone(), account);
                        *book = copy;
                    }
                    Fault::ApplyKeepsCredentials => *book = copy,
                    _ => {}
                }
                return why_not;
            }
        }
        match self.fault {
            Fault::BumpIgnored => bump(&mut account, EpochBump::Keep),
            Fault::KeepBumps => bump(&mut account, EpochBump::Bump),
            _ => bump(&mut account, epoch),
        }
        match self.fault {
            Fault::BumpWithoutSweep => account.sweep_pending = before.sweep_pending,
            Fault::VersionStays => account.version = before.version,
            _ => {}
        }
        copy.accounts.insert(id.clone(), account.clone());
        *book = copy;
        let answer = if self.fault == Fault::AnswersBefore { before } else { account };
        Applied::Applied(Box::new(answer))
    }

    /// One change, with the fault if it is one of a change.
    fn change(&self, book: &mut Book, account: &mut Account, change: &AccountChange) -> Result<(), Applied> {
        match (self.fault, change) {
            (Fault::ApplyLoginNotAtomic | Fault::LoginChangeIgnoresTaken, AccountChange::Login(login)) => {
                account.login = login.clone();
                Ok(())
            }
            (Fault::OwnLoginIsTaken, AccountChange::Login(login)) if account.login == *login => {
                Err(Applied::LoginTaken)
            }
            (Fault::SweepIsNeverDone, AccountChange::SweepDone) => Ok(()),
            (Fault::AddOverwrites, AccountChange::AddCredential(new)) => {
                book.credentials.insert(new.key.clone(), new.clone());
                Ok(())
            }
            (Fault::AddCutsVersions, AccountChange::AddCredential(new)) => {
                let version = Version::new(new.version.get() & u64::from(u32::MAX));
                let cut = CredentialRecord { version, ..new.clone() };
                book.change(account, &AccountChange::AddCredential(cut))
            }
            (Fault::RemoveReachesOthers, AccountChange::RemoveCredential(key)) => {
                book.credentials.remove(key);
                Ok(())
            }
            (Fault::RemoveAbsentConflicts, AccountChange::RemoveCredential(key))
                if !book.credentials.contains_key(key) =>
            {
                Err(Applied::Conflict)
            }
            (_, AccountChange::ReplaceCredential { .. }) => self.replace(book, account, change),
            _ => book.change(account, change),
        }
    }

    /// Replaces a credential, with the fault if it is one of that.
    fn replace(&self, book: &mut Book, account: &mut Account, change: &AccountChange) -> Result<(), Applied> {
        let AccountChange::ReplaceCredential { key, expected, data } = change else { return Ok(()) };
        let found = book.credentials.get(key).cloned();
        match (self.fault, found) {
            (Fault::ReplaceIgnoresVersion | Fault::ApplyNotAtomic, Some(found)) => {
                let (key, expected, data) = (key.clone(), found.version, data.clone());
                book.change(account, &AccountChange::ReplaceCredential { key, expected, data })
            }
            (Fault::ReplaceUpserts, None) => {
                let (key, owner) = (key.clone(), account.id.clone());
                let new = CredentialRecord::new(key.clone(), owner, data.clone(), UnixTime::EPOCH);
                book.credentials.insert(key, new);
                Ok(())
            }
            (Fault::ReplaceKeepsFailures, Some(found)) => {
                book.change(account, change)?;
                book.credentials.entry(key.clone()).and_modify(|new| new.failures = found.failures);
                Ok(())
            }
            (Fault::ReplaceReachesOthers, Some(mut found)) if found.version == *expected => {
                found.data = data.clone();
                found.version = expected.next();
                found.failures = 0;
                book.credentials.insert(key.clone(), found);
                Ok(())
            }
            _ => book.change(account, change),
        }
    }

    /// Whether the change is one to a login that another account has.
    fn is_taken(&self, id: &PrincipalId, change: &AccountChange) -> bool {
        let AccountChange::Login(login) = change else { return false };
        self.good.lock().by_login(id.realm(), login).is_some_and(|other| other.id != *id)
    }
}
