//! One check of a password against whatever there is of an account.

use std::net::IpAddr;

use auth_core::{
    Account, AccountStatus, AuditEvent, AuthEpoch, AuthenticateError, CredentialKey, CredentialKind,
    FoundCredential, Method, PrincipalId, Realm, RejectionReason, Updated, Version,
};

use super::PasswordAuthenticator;
use crate::{
    hash::phc::{PasswordHash, StoredHashError},
    password::Password,
    pool::{HashPlace, PasswordCheck},
    remembered_devices::recognised::KnownDevice,
};

/// How often a check starts again because somebody else's login renewed the hash meanwhile.
const ROUNDS: usize = 3;

/// Whose password is tried, and from where.
pub(crate) struct Attempt<'a> {
    pub(crate) realm: &'a Realm,
    pub(crate) account: Option<&'a Account>,
    pub(crate) source: Option<IpAddr>,
    /// The device of the account that it is tried on, if that is known.
    pub(crate) device: Option<&'a KnownDevice>,
}

/// A password that was right.
pub(crate) struct Passed {
    pub(crate) owner: PrincipalId,
    pub(crate) key: CredentialKey,
    /// Of the credential that was checked.
    pub(crate) version: Version,
    /// Read together with the credential that was checked.
    pub(crate) epoch: AuthEpoch,
    /// What to store instead of it.
    pub(crate) replacement: Option<PasswordHash>,
}

impl PasswordAuthenticator {
    /// Checks a password; if it is right, hashes `replacement` or renews its hash, in the same job.
    pub(crate) async fn check(
        &self,
        attempt: &Attempt<'_>,
        mut place: HashPlace,
        password: Password,
        replacement: Option<Password>,
    ) -> Result<Passed, AuthenticateError> {
        let key = match attempt.account {
            Some(account) => CredentialKey::only(&account.id, CredentialKind::PASSWORD),
            None => nobodys_key(attempt.realm),
        };
        let origin = place.origin();
        for _ in 0..ROUNDS {
            let found = self.stores.credentials.find(&key).await?;
            let (mut refusal, stored) = match self.usable(attempt.account, found.as_ref(), &password) {
                Ok(stored) => (None, Some(stored)),
                Err(reason) => (Some(reason), None),
            };
            // The worker begins at once; what the count costs a store that waits for its disk is hidden behind
            // it. Nothing is decided before both are back, so guesses at once count each other.
            let job = place.check(password.clone(), stored, replacement.clone());
            let on_device = self.count_on_device(attempt).await?;
            if on_device.is_none() {
                match self.stores.credentials.count_failure(&key).await? {
                    Some(failures) if failures > Self::MAX_FAILURES => {
                        refusal = refusal.or(Some(RejectionReason::Locked))
                    }
                    Some(_) => {}
                    None => refusal = refusal.or(Some(RejectionReason::NoCredential)),
                }
            }
            let replacement = match (job.await?, refusal, &found) {
                (PasswordCheck::Match { replacement }, None, Some(_)) => replacement,
                (_, refusal, _) => {
                    return Err(self.refuse(attempt, refusal.unwrap_or(RejectionReason::Mismatch)));
                }
            };
            if let (Some(found), Some(account)) = (found, attempt.account) {
                let version = found.credential.version;
                if self.succeeded(&key, &found, on_device).await? {
                    let (owner, epoch) = (account.id.clone(), found.epoch);
                    return Ok(Passed { owner, key, version, epoch, replacement });
                }
            }
            // The credential was replaced meanwhile: by a login that renewed the hash of the same password, or
            // by another password. Only checking again tells.
            place = self.admit_from(origin, None)?;
        }
        Err(self.refuse(attempt, RejectionReason::Revoked))
    }

    /// Counts a failure in advance on the device that it is tried on, instead of in the password's row: strangers who lock
    /// the password do not lock its owner out there. Answers the device's row; none if it is like none, having failed too
    /// often or being forgotten.
    async fn count_on_device(
        &self,
        attempt: &Attempt<'_>,
    ) -> Result<Option<(CredentialKey, Version)>, AuthenticateError> {
        let Some((row, version)) = attempt.device.map(KnownDevice::row) else { return Ok(None) };
        let failures = self.stores.credentials.count_failure(&row).await?;
        Ok(failures.filter(|failures| *failures <= Self::MAX_FAILURES).map(|_| (row, version)))
    }

    /// Takes the failures back that were counted in advance, and those before them. Answers whether the password is still
    /// the one that was checked.
    async fn succeeded(
        &self,
        key: &CredentialKey,
        checked: &FoundCredential,
        on_device: Option<(CredentialKey, Version)>,
    ) -> Result<bool, AuthenticateError> {
        let (credentials, now) = (&self.stores.credentials, self.clock.now());
        let locked = on_device.is_some() && checked.credential.failures >= Self::MAX_FAILURES;
        if let Some((row, version)) = on_device {
            // Failures that stay counted are the safe side.
            let _ = credentials.succeeded(&row, version, now).await;
        }
        let version = checked.credential.version;
        if !locked {
            return Ok(credentials.succeeded(key, version, now).await?);
        }
        // It stays locked for everybody else: each login of its owner would give strangers a hundred tries more.
        let present = credentials.find(key).await?;
        Ok(present.is_some_and(|one| one.credential.version == version && one.epoch == checked.epoch))
    }

    /// Stores the renewed hash of a password that was right, if nobody was faster.
    pub(super) async fn bring_up_to_date(&self, passed: &Passed) {
        let Some(blob) = passed.replacement.as_ref().and_then(PasswordHash::to_blob) else { return };
        // A store that fails here leaves the old hash, which is as right as it was: the next login tries again.
        let updated = self.stores.credentials.update(&passed.key, passed.version, &blob).await;
        if matches!(updated, Ok(Updated::Updated)) {
            self.record(&AuditEvent::CredentialRehashed { principal: passed.owner.clone() });
        }
    }

    /// The hash to check, or why there is none.
    fn usable(
        &self,
        account: Option<&Account>,
        found: Option<&FoundCredential>,
        password: &Password,
    ) -> Result<PasswordHash, RejectionReason> {
        let account = account.ok_or(RejectionReason::Unknown)?;
        let status = found.map_or(account.status, |found| found.status);
        if status != AccountStatus::Active {
            return Err(RejectionReason::Disabled);
        }
        let credential = &found.ok_or(RejectionReason::NoCredential)?.credential;
        if credential.expires_at.is_some_and(|expires_at| self.clock.now() >= expires_at) {
            return Err(RejectionReason::Expired);
        }
        if password.is_too_long() {
            return Err(RejectionReason::TooLong);
        }
        let hash = PasswordHash::from_blob(&credential.data);
        let usable = hash.and_then(|hash| self.pool.hasher().judge(&hash).map(|()| hash));
        usable.map_err(StoredHashError::reason)
    }

    /// One rejection outside; the reason is written down.
    pub(crate) fn refuse(&self, attempt: &Attempt<'_>, reason: RejectionReason) -> AuthenticateError {
        let principal = attempt.account.map(|account| account.id.clone());
        let source = attempt.source;
        self.record(&AuditEvent::CredentialRefused { reason, method: Method::PASSWORD, principal, source });
        reason.into()
    }
}

/// A key that no principal's credential has, for looking up what is not there.
fn nobodys_key(realm: &Realm) -> CredentialKey {
    CredentialKey { realm: realm.clone(), kind: CredentialKind::PASSWORD, lookup: Box::from(*b"-") }
}
