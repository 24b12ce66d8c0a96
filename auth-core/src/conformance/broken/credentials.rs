//! Credential stores with one fault each.

mod used;

use std::sync::Arc;

use async_trait::async_trait;

use super::{Gap, faults};
use crate::{
    CredentialBlob, CredentialKey, CredentialRecord, CredentialStore, FoundCredential, Page, PrincipalId,
    StoreError, UnixTime, Updated, Version,
    conformance::reference::{ReferenceAccounts, order, page_of},
};

faults! {
    /// What can be wrong with a credential store.
    CredentialFault {
        /// `find` reads the credential in one step and the epoch in another.
        EpochReadLater => data_and_epoch_are_read_in_one_step raced,
        /// `find` reads the epoch in one step and the credential in another.
        EpochReadBefore => data_and_epoch_are_read_in_one_step raced,
        /// `find` calls every account active.
        StatusIgnored => a_credential_is_found_with_its_owners_status_and_epoch,
        /// `find` ignores the kind.
        KindIgnored => a_credential_is_found_by_its_whole_key_only,
        /// `find` ignores the realm.
        RealmIgnored => a_credential_is_found_by_its_whole_key_only,
        /// `find` hides what has expired, by a clock of its own.
        ExpiredHidden => a_credential_that_expired_is_still_found,
        /// `list` ignores the realm of the owner.
        ListIgnoresRealm => a_list_has_the_credentials_of_its_owner_only,
        /// `list` has the newest first.
        ListNewestFirst => a_list_has_the_oldest_first_and_ties_by_key,
        /// `list` leaves the order of ties to chance.
        ListTiesAtRandom => a_list_has_the_oldest_first_and_ties_by_key,
        /// `list` answers everything, whatever the page.
        ListIgnoresPage => a_list_is_cut_into_pages,
        /// `update` ignores the version.
        UpdateIgnoresVersion => an_update_of_another_version_is_a_conflict,
        /// `update` compares the version in one step and writes in another.
        UpdateNotAtomic => of_many_updates_of_one_version_one_wins raced,
        /// `update` writes back a whole row that it read before.
        UpdateWritesTheRow => failures_and_updates_at_once_are_both_kept raced,
        /// `update` writes the version in one step and the data in another.
        UpdateInTwoSteps => a_credential_is_never_read_half_written raced,
        /// `update` answers a conflict where there is no credential.
        UpdateTakesGoneForConflict => an_update_of_no_credential_makes_none,
        /// `update` forgets the failures.
        UpdateForgetsFailures => an_update_replaces_the_data_and_nothing_else,
        /// `consume` leaves the credential.
        ConsumeKeeps => a_credential_is_consumed_once,
        /// `consume` ignores the version.
        ConsumeIgnoresVersion => a_credential_of_another_version_is_not_consumed,
        /// `consume` looks in one step and removes in another.
        ConsumeNotAtomic => of_many_that_consume_one_credential_one_does raced,
        /// `consume` compares the version in one step and removes in another.
        ConsumeChecksFirst => a_credential_is_not_both_consumed_and_updated raced,
        /// `count_failure` reads in one step and writes in another.
        CountNotAtomic => no_failure_is_lost raced,
        /// `count_failure` counts in one step and reads in another.
        CountReadLater => no_failure_is_lost raced,
        /// `count_failure` writes back a whole row that it read before.
        CountWritesTheRow => a_write_at_once_with_removal_brings_nothing_back raced,
        /// `count_failure` answers the count of before.
        CountAnswersBefore => failures_are_counted_and_nothing_else,
        /// `count_failure` moves the version.
        CountMovesVersion => failures_are_counted_and_nothing_else,
        /// `count_failure` answers a count where there is no credential.
        CountsNobody => nobody_fails_or_succeeds_without_a_credential,
        /// `succeeded` ignores the version.
        SucceededIgnoresVersion => a_success_of_another_version_is_none,
        /// `succeeded` forgets the failures, and then compares the version.
        SucceededForgetsFirst => a_success_of_another_version_is_none,
        /// `succeeded` keeps the failures.
        SucceededKeepsFailures => a_success_forgets_the_failures_and_notes_the_use,
        /// `succeeded` moves the version.
        SucceededMovesVersion => a_success_forgets_the_failures_and_notes_the_use,
        /// `succeeded` forgets a later use.
        SucceededMovesBack => a_success_forgets_the_failures_and_notes_the_use,
        /// `succeeded` does not note the use.
        SucceededForgetsUse => a_success_forgets_the_failures_and_notes_the_use,
    }
}

/// A [`CredentialStore`] with one fault, beside an account store that has none.
#[derive(Debug)]
pub struct BrokenCredentials {
    fault: CredentialFault,
    gap: Gap,
    good: Arc<ReferenceAccounts>,
}

impl BrokenCredentials {
    /// An empty account store, and the store with this fault beside it. What is not atomic in it is as far
    /// apart as statements that a network carries.
    #[must_use]
    pub fn new(fault: CredentialFault) -> (Arc<ReferenceAccounts>, Self) {
        Self::with_gap(fault, Gap::Wide)
    }

    /// The same, with what is not atomic as near together as two locks in one process: hard to notice.
    #[must_use]
    pub fn tight(fault: CredentialFault) -> (Arc<ReferenceAccounts>, Self) {
        Self::with_gap(fault, Gap::Tight)
    }

    fn with_gap(fault: CredentialFault, gap: Gap) -> (Arc<ReferenceAccounts>, Self) {
        let good = Arc::<ReferenceAccounts>::default();
        (Arc::clone(&good), Self { fault, gap, good })
    }

    fn find_among(&self, wanted: impl Fn(&CredentialRecord) -> bool) -> Option<CredentialKey> {
        let book = self.good.lock();
        let mut found: Vec<_> = book.credentials.values().filter(|row| wanted(row)).collect();
        found.sort_by(|a, b| order(a).cmp(&order(b)));
        found.first().map(|row| row.key.clone())
    }
}

#[async_trait]
impl CredentialStore for BrokenCredentials {
    async fn find(&self, key: &CredentialKey) -> Result<Option<FoundCredential>, StoreError> {
        match self.fault {
            CredentialFault::EpochReadLater | CredentialFault::EpochReadBefore => {
                let first = self.good.find(key).await?;
                self.gap.pass();
                let then = self.good.find(key).await?;
                let (Some(first), Some(then)) = (first, then) else { return Ok(None) };
                Ok(Some(match self.fault {
                    CredentialFault::EpochReadLater => {
                        FoundCredential { credential: first.credential, ..then }
                    }
                    _ => FoundCredential { credential: then.credential, ..first },
                }))
            }
            CredentialFault::StatusIgnored => {
                let found = self.good.find(key).await?;
                Ok(found.map(|found| FoundCredential { status: crate::AccountStatus::Active, ..found }))
            }
            CredentialFault::KindIgnored => {
                let same =
                    |row: &CredentialRecord| row.key.realm == key.realm && row.key.lookup == key.lookup;
                match self.find_among(same) {
                    Some(key) => self.good.find(&key).await,
                    None => Ok(None),
                }
            }
            CredentialFault::RealmIgnored => {
                let same = |row: &CredentialRecord| row.key.kind == key.kind && row.key.lookup == key.lookup;
                match self.find_among(same) {
                    Some(key) => self.good.find(&key).await,
                    None => Ok(None),
                }
            }
            CredentialFault::ExpiredHidden => {
                let now = crate::conformance::sample::START;
                let found = self.good.find(key).await?;
                Ok(found.filter(|found| found.credential.expires_at.is_none_or(|end| now < end)))
            }
            _ => self.good.find(key).await,
        }
    }

    async fn list(&self, owner: &PrincipalId, page: Page) -> Result<Vec<CredentialRecord>, StoreError> {
        let own = |wanted: &dyn Fn(&PrincipalId) -> bool| -> Vec<CredentialRecord> {
            let book = self.good.lock();
            let mut own: Vec<_> =
                book.credentials.values().filter(|row| wanted(&row.owner)).cloned().collect();
            own.sort_by(|a, b| order(a).cmp(&order(b)));
            own
        };
        let rows = match self.fault {
            CredentialFault::ListIgnoresRealm => {
                own(&|other| other.id() == owner.id() && other.kind() == owner.kind())
            }
            CredentialFault::ListNewestFirst => {
                let mut rows = own(&|other| other == owner);
                rows.reverse();
                rows
            }
            CredentialFault::ListTiesAtRandom => {
                let mut rows = own(&|other| other == owner);
                rows.sort_by_key(|row| (row.created_at, crate::SecretHash::of(&row.key.lookup)));
                rows
            }
            CredentialFault::ListIgnoresPage => return Ok(own(&|other| other == owner)),
            _ => return self.good.list(owner, page).await,
        };
        Ok(page_of(rows, page))
    }

    async fn update(
        &self,
        key: &CredentialKey,
        expected: Version,
        data: &CredentialBlob,
    ) -> Result<Updated, StoreError> {
        self.broken_update(key, expected, data).await
    }

    async fn consume(&self, key: &CredentialKey, expected: Version) -> Result<bool, StoreError> {
        self.broken_consume(key, expected).await
    }

    async fn count_failure(&self, key: &CredentialKey) -> Result<Option<u32>, StoreError> {
        self.broken_count_failure(key).await
    }

    async fn succeeded(
        &self,
        key: &CredentialKey,
        expected: Version,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        self.broken_succeeded(key, expected, now).await
    }
}
