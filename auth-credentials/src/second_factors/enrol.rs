//! Enrolling a device.

use auth_core::{
    AccountChange, Applied, AuditEvent, Authenticated, CredentialKey, CredentialKind, EpochBump, Method,
    RejectionReason,
};

use super::{SecondFactors, error::SecondFactorError, recovery::RecoveryCodes};
use crate::{
    accounts::EpochRaised,
    otp::{
        codes::{OtpDevice, OtpVerdict},
        key::OtpKey,
        stored::StoredDevice,
        uri::OtpUri,
    },
    stores::{fresh_version, put},
};

/// A device that is enrolled.
#[derive(Debug)]
#[must_use = "the recovery codes are shown once, and the sessions of before are still to be ended"]
pub struct Confirmed {
    /// The list to show, once. An older one is dead.
    pub recovery_codes: RecoveryCodes,
    /// Hand it to [`Accounts::finish_sweep`](crate::Accounts::finish_sweep) with the session to spare.
    pub raised: EpochRaised,
}

impl SecondFactors {
    /// Makes a secret for a device and keeps it until a first code [confirms](Self::confirm) it. An earlier one that
    /// was not confirmed is forgotten; a device that is enrolled stays so until then.
    ///
    /// The URI is for its owner's eyes: as a QR code, and as text to type. Send it with `Cache-Control: no-store`.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn begin(&self, who: &Authenticated) -> Result<OtpUri, SecondFactorError> {
        let key = OtpKey::generate(self.algorithm, self.digits, &*self.accounts.entropy)?;
        self.begin_with(who, OtpDevice::totp(key)).await
    }

    /// The same with a device that has its secret already: a hardware token, or one that counts (HOTP).
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn begin_with(
        &self,
        who: &Authenticated,
        device: OtpDevice,
    ) -> Result<OtpUri, SecondFactorError> {
        let checks = self.accounts.authenticator();
        let account = self.accounts.own_account::<SecondFactorError>(who).await?;
        let key = CredentialKey::only(&account.id, CredentialKind::ONE_TIME_CODES_PENDING);
        let stored = StoredDevice { device, last: None };
        let data = stored.seal(&self.keys, &account.id, &key, &*self.accounts.entropy)?;
        let mut record = self.record(key.clone(), &account.id, data);
        record.version = fresh_version(&*self.accounts.entropy)?;
        record.expires_at = Some(checks.clock.now().saturating_add(Self::ENROLMENT_LIFE));
        let changes = [AccountChange::RemoveCredential(key), AccountChange::AddCredential(record)];
        match checks.stores.accounts.apply(&account.id, account.version, &changes, EpochBump::Keep).await? {
            Applied::Applied(_) => {}
            Applied::Gone => return Err(RejectionReason::Unknown.into()),
            Applied::Conflict | Applied::LoginTaken => return Err(SecondFactorError::busy()),
        }
        // A colon separates issuer and account, and a login may have one. Nothing else of it can be wrong, and the
        // issuer was looked at when this was made.
        let login = account.login.as_str().replace(':', "_");
        OtpUri::new(&self.issuer, &login, stored.device).map_err(|_| RejectionReason::Malformed.into())
    }

    /// Enrols the device whose code this is, and makes recovery codes. The code counts as used.
    ///
    /// From then on every login needs the device, and whatever was begun without it is dead but for the request's
    /// own session: hand [`Confirmed::raised`] to [`Accounts::finish_sweep`](crate::Accounts::finish_sweep).
    ///
    /// # Errors
    /// [`SecondFactorError`]; nothing is enrolled then, and the next code may be tried.
    pub async fn confirm(&self, who: &Authenticated, typed: &str) -> Result<Confirmed, SecondFactorError> {
        let checks = self.accounts.authenticator();
        let account = self.accounts.own_account::<SecondFactorError>(who).await?;
        let pending = CredentialKey::only(&account.id, CredentialKind::ONE_TIME_CODES_PENDING);
        let found = checks.stores.credentials.find(&pending).await?.ok_or(RejectionReason::NoCredential)?;
        let now = checks.clock.now();
        if found.credential.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return Err(RejectionReason::Expired.into());
        }
        match checks.stores.credentials.count_failure(&pending).await? {
            Some(failures) if failures > Self::MAX_FAILURES => return Err(RejectionReason::Locked.into()),
            Some(_) => {}
            None => return Err(RejectionReason::NoCredential.into()),
        }
        let stored = StoredDevice::open(&self.keys, &account.id, &pending, &found.credential.data);
        let mut stored = stored.ok_or(RejectionReason::Corrupt)?;
        let key = CredentialKey::only(&account.id, CredentialKind::ONE_TIME_CODES);
        let enrolled = checks.stores.credentials.find(&key).await?;
        // The same device again goes on from its last code: what was used stays so.
        let before = enrolled
            .as_ref()
            .and_then(|found| StoredDevice::open(&self.keys, &account.id, &key, &found.credential.data));
        let last = before.filter(|before| before.device.counts_like(&stored.device)).and_then(|one| one.last);
        stored.last = match stored.device.judge(typed, last, now) {
            OtpVerdict::Accepted { step } => Some(step),
            OtpVerdict::Replayed | OtpVerdict::Wrong => return Err(RejectionReason::Mismatch.into()),
        };

        let data = stored.seal(&self.keys, &account.id, &key, &*self.accounts.entropy)?;
        let record = self.record(key, &account.id, data);
        let (recovery_codes, mut changes) = self.new_recovery_codes(&account.id).await?;
        changes.push(AccountChange::RemoveCredential(pending));
        changes.extend(put(enrolled, record, &*self.accounts.entropy)?);
        // Held to the version that was read before the secret was: of two confirmations at once, one wins.
        match checks.stores.accounts.apply(&account.id, account.version, &changes, EpochBump::Bump).await? {
            Applied::Applied(account) => {
                let (principal, method) = (account.id.clone(), Method::ONE_TIME_CODE);
                checks.record(&AuditEvent::CredentialAdded { principal, method, id: None });
                Ok(Confirmed { recovery_codes, raised: EpochRaised::of(&account) })
            }
            Applied::Gone => Err(RejectionReason::Unknown.into()),
            Applied::Conflict | Applied::LoginTaken => Err(SecondFactorError::busy()),
        }
    }
}
