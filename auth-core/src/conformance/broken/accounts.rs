//! Account stores with one fault each.

mod applied;
mod created;

use async_trait::async_trait;

use super::{Gap, faults};
use crate::{
    Account, AccountChange, AccountStore, Applied, Created, CredentialBlob, CredentialKey, CredentialRecord,
    CredentialStore, EpochBump, FoundCredential, LoginName, Page, PrincipalId, Realm, StoreError, UnixTime,
    Updated, Version,
    conformance::reference::{ReferenceAccounts, page_of},
};

faults! {
    /// What can be wrong with an account store.
    AccountFault {
        /// `create` keeps what it can of an account that it refuses.
        CreateKeepsHalf => what_is_refused_leaves_nothing_behind,
        /// `create` replaces a credential that has the key.
        CreateOverwritesCredentials => a_credential_key_exists_once,
        /// `create` replaces an account that has the id.
        CreateOverwrites => an_id_belongs_to_one_account,
        /// `create` looks for the login in one step and writes in another.
        CreateNotAtomic => of_many_that_sign_up_with_one_login_one_does raced,
        /// `create` looks for the id in one step and writes in another.
        CreateIdNotAtomic => of_many_that_sign_up_with_one_id_one_does raced,
        /// `create` looks for the credentials in one step and writes in another.
        CreateCredentialNotAtomic => of_many_that_sign_up_with_one_credential_one_does raced,
        /// Accounts begin at the first version, whatever they say.
        CreateForgetsVersion => every_field_of_an_account_is_kept_exactly,
        /// Lookups end at a zero byte.
        CreateCutsLookups => every_field_of_a_credential_is_kept_exactly,
        /// Two accounts may have one login.
        LoginNotUnique => a_login_belongs_to_one_account_of_its_realm,
        /// Two accounts may have one login if they are of different kinds.
        LoginUniqueInKind => a_login_belongs_to_one_account_of_its_realm,
        /// A login is taken in every realm.
        LoginUniqueEverywhere => a_login_belongs_to_one_account_in_each_realm,
        /// `by_id` compares ids without their case.
        ByIdIgnoresCase => ids_that_look_alike_are_kept_apart,
        /// `by_login` finds accounts of every realm.
        ByLoginIgnoresRealm => a_login_belongs_to_one_account_in_each_realm,
        /// `apply` ignores the version.
        ApplyIgnoresVersion => a_change_of_another_version_is_a_conflict,
        /// `apply` compares the version in one step and writes in another.
        ApplyNotAtomic => of_many_changes_of_one_version_one_wins raced,
        /// `apply` keeps the changes before one that is refused.
        ApplyKeepsHalf => a_conflict_in_a_later_change_undoes_the_earlier_ones,
        /// `apply` undoes the account, but not its credentials.
        ApplyKeepsCredentials => a_login_taken_in_a_later_change_undoes_the_earlier_ones,
        /// `apply` makes an account that is gone.
        ApplyUpserts => a_change_of_no_account_makes_none,
        /// `apply` looks for the login in one step and writes in another.
        ApplyLoginNotAtomic => of_many_that_change_to_one_login_one_does raced,
        /// `apply` writes the account in one step and its epoch in another.
        ApplyInTwoSteps => an_account_is_never_read_half_changed raced,
        /// `apply` with a bump does not raise the epoch.
        BumpIgnored => a_bump_raises_the_epoch_and_notes_the_sweep,
        /// `apply` with a bump does not note the sweep.
        BumpWithoutSweep => a_bump_raises_the_epoch_and_notes_the_sweep,
        /// `apply` always raises the epoch.
        KeepBumps => a_change_raises_the_version_by_one,
        /// `apply` does not raise the version.
        VersionStays => a_change_raises_the_version_by_one,
        /// `apply` answers the account of before.
        AnswersBefore => a_change_raises_the_version_by_one,
        /// `apply` with another login does not look whether it is taken.
        LoginChangeIgnoresTaken => a_login_that_is_taken_is_refused,
        /// `apply` with the login that the account has calls it taken.
        OwnLoginIsTaken => a_change_of_login_frees_the_old_one,
        /// `apply` never clears the sweep.
        SweepIsNeverDone => a_sweep_that_is_done_is_noted,
        /// `apply` replaces a credential that it should only add.
        AddOverwrites => a_credential_that_exists_is_not_added_again,
        /// `apply` keeps the lower half of a credential's version.
        AddCutsVersions => a_credential_is_added,
        /// `create` and `apply` add credentials of anybody.
        CredentialsOfAnybody => a_credential_of_another_owner_or_realm_is_not_written,
        /// `apply` replaces a credential of any version.
        ReplaceIgnoresVersion => a_credential_of_another_version_is_not_replaced,
        /// `apply` adds a credential that it should replace.
        ReplaceUpserts => a_credential_of_another_version_is_not_replaced,
        /// `apply` replaces a credential and keeps its failures.
        ReplaceKeepsFailures => a_credential_is_replaced_and_its_failures_are_forgotten,
        /// `apply` replaces credentials of any account.
        ReplaceReachesOthers => credentials_of_other_accounts_are_out_of_reach,
        /// `apply` removes credentials of any account.
        RemoveReachesOthers => credentials_of_other_accounts_are_out_of_reach,
        /// `apply` refuses to remove a credential that is absent.
        RemoveAbsentConflicts => a_credential_is_removed,
        /// `remove` leaves the credentials.
        RemoveLeavesCredentials => a_removed_account_takes_its_credentials_with_it,
        /// `remove` removes the accounts of the same id in every realm.
        RemoveIgnoresRealm => a_removed_account_takes_its_credentials_with_it,
        /// `remove` always answers that there was an account.
        RemoveAlwaysTrue => a_removed_account_takes_its_credentials_with_it,
        /// `sweeps_pending` lists all accounts.
        SweepsOfAll => pending_sweeps_are_listed_until_they_are_done,
        /// `sweeps_pending` answers everything, whatever the page.
        SweepsIgnorePage => pending_sweeps_are_cut_into_pages,
        /// `sweeps_pending` has no stable order.
        SweepsAtRandom => pending_sweeps_are_cut_into_pages,
    }
}

/// An [`AccountStore`] with one fault, and the [`CredentialStore`] beside it, which has none.
#[derive(Debug)]
pub struct BrokenAccounts {
    fault: AccountFault,
    gap: Gap,
    good: ReferenceAccounts,
    /// Counts calls, for an order that is another each time.
    calls: std::sync::atomic::AtomicUsize,
}

impl BrokenAccounts {
    /// An empty store with this fault. What is not atomic in it is as far apart as statements that a
    /// network carries.
    #[must_use]
    pub fn new(fault: AccountFault) -> Self {
        Self { fault, gap: Gap::Wide, good: ReferenceAccounts::default(), calls: Default::default() }
    }

    /// The same, with what is not atomic as near together as two locks in one process: hard to notice.
    #[must_use]
    pub fn tight(fault: AccountFault) -> Self {
        Self { gap: Gap::Tight, ..Self::new(fault) }
    }

    fn sweeps(&self, all: bool) -> Vec<Account> {
        let book = self.good.lock();
        let mut pending: Vec<_> =
            book.accounts.values().filter(|account| all || account.sweep_pending).cloned().collect();
        pending.sort_by(|a, b| a.id.cmp(&b.id));
        pending
    }
}

#[async_trait]
impl AccountStore for BrokenAccounts {
    async fn create(
        &self,
        account: &Account,
        credentials: &[CredentialRecord],
    ) -> Result<Created, StoreError> {
        self.broken_create(account, credentials).await
    }

    async fn by_login(&self, realm: &Realm, login: &LoginName) -> Result<Option<Account>, StoreError> {
        if self.fault == AccountFault::ByLoginIgnoresRealm {
            let book = self.good.lock();
            let mut found: Vec<_> =
                book.accounts.values().filter(|account| account.login == *login).collect();
            found.sort_by(|a, b| a.id.cmp(&b.id));
            return Ok(found.first().copied().cloned());
        }
        self.good.by_login(realm, login).await
    }

    async fn by_id(&self, id: &PrincipalId) -> Result<Option<Account>, StoreError> {
        if self.fault == AccountFault::ByIdIgnoresCase {
            let book = self.good.lock();
            let folds = |other: &&Account| {
                (other.id.realm(), other.id.kind()) == (id.realm(), id.kind())
                    && other.id.id().eq_ignore_ascii_case(id.id())
            };
            return Ok(book.accounts.values().filter(folds).min_by(|a, b| a.id.cmp(&b.id)).cloned());
        }
        self.good.by_id(id).await
    }

    async fn apply(
        &self,
        id: &PrincipalId,
        expected: Version,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Result<Applied, StoreError> {
        self.broken_apply(id, expected, changes, epoch).await
    }

    async fn remove(&self, id: &PrincipalId) -> Result<bool, StoreError> {
        match self.fault {
            AccountFault::RemoveLeavesCredentials => {
                let own = self.good.list(id, Page::first()).await?;
                let removed = self.good.remove(id).await?;
                self.good.lock().credentials.extend(own.into_iter().map(|row| (row.key.clone(), row)));
                Ok(removed)
            }
            AccountFault::RemoveIgnoresRealm => {
                let removed = self.good.remove(id).await?;
                self.good.lock().accounts.retain(|other, _| other.id() != id.id());
                Ok(removed)
            }
            AccountFault::RemoveAlwaysTrue => self.good.remove(id).await.map(|_| true),
            _ => self.good.remove(id).await,
        }
    }

    async fn sweeps_pending(&self, page: Page) -> Result<Vec<Account>, StoreError> {
        match self.fault {
            AccountFault::SweepsOfAll => Ok(page_of(self.sweeps(true), page)),
            AccountFault::SweepsIgnorePage => Ok(self.sweeps(false)),
            AccountFault::SweepsAtRandom => {
                let calls = self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let mut pending = self.sweeps(false);
                let len = pending.len().max(1);
                pending.rotate_left(calls.checked_rem(len).unwrap_or(0));
                Ok(page_of(pending, page))
            }
            _ => self.good.sweeps_pending(page).await,
        }
    }
}

#[async_trait]
impl CredentialStore for BrokenAccounts {
    async fn find(&self, key: &CredentialKey) -> Result<Option<FoundCredential>, StoreError> {
        let found = self.good.find(key).await?;
        if found.is_none() && self.fault == AccountFault::RemoveLeavesCredentials {
            // A join that does not ask whether there is an owner.
            let left = self.good.lock().credentials.get(key).cloned();
            let (status, epoch) = (crate::AccountStatus::Active, crate::AuthEpoch::ZERO);
            return Ok(left.map(|credential| FoundCredential { credential, status, epoch }));
        }
        Ok(found)
    }

    async fn list(&self, owner: &PrincipalId, page: Page) -> Result<Vec<CredentialRecord>, StoreError> {
        self.good.list(owner, page).await
    }

    async fn update(
        &self,
        key: &CredentialKey,
        expected: Version,
        data: &CredentialBlob,
    ) -> Result<Updated, StoreError> {
        self.good.update(key, expected, data).await
    }

    async fn consume(&self, key: &CredentialKey, expected: Version) -> Result<bool, StoreError> {
        self.good.consume(key, expected).await
    }

    async fn count_failure(&self, key: &CredentialKey) -> Result<Option<u32>, StoreError> {
        self.good.count_failure(key).await
    }

    async fn succeeded(
        &self,
        key: &CredentialKey,
        expected: Version,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        self.good.succeeded(key, expected, now).await
    }
}
