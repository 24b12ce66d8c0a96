//! Recognising a device, before a login and within one.

use std::{fmt, net::IpAddr};

use async_trait::async_trait;
use auth_core::{
    AccountStatus, AuditEvent, AuthEpoch, AuthenticateError, Authenticator, FactorPassed, FoundCredential,
    Method, PendingLogin, PrincipalId, RejectionReason, Secret, StoreError, UnixTime,
};

use super::{
    RememberedDevices, is_for_second_factor, is_live, key_of, recognised::KnownDevice, token::Sealed,
};

/// The cookie of a remembered device, for a login that waits for a factor.
pub struct DeviceCredential {
    principal: PrincipalId,
    epoch: AuthEpoch,
    /// Whether the login that waits does without its factor on such a device.
    asked: bool,
    expires_at: UnixTime,
    text: Secret,
    source: Option<IpAddr>,
}

impl DeviceCredential {
    /// The text of the cookie, for this login.
    #[must_use]
    pub fn new(login: &PendingLogin, text: String, source: Option<IpAddr>) -> Self {
        Self {
            principal: login.principal().clone(),
            epoch: login.epoch(),
            asked: login.missing().contains(&Method::REMEMBERED_DEVICE),
            expires_at: login.expires_at(),
            text: Secret::from(text),
            source,
        }
    }
}

impl fmt::Debug for DeviceCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCredential")
            .field("principal", &self.principal)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Nothing is counted here: there is nothing to guess, and whoever has a copy has passed the first factor.
#[async_trait]
impl Authenticator for RememberedDevices {
    type Credential = DeviceCredential;
    type Proof = FactorPassed;

    async fn authenticate(&self, credential: DeviceCredential) -> Result<FactorPassed, AuthenticateError> {
        let checks = self.accounts.authenticator();
        let method = Method::REMEMBERED_DEVICE;
        match self.check(&credential).await {
            Ok(()) => {}
            Err(AuthenticateError::Rejected(rejection)) => {
                let (reason, source) = (rejection.reason(), credential.source);
                let principal = Some(credential.principal);
                checks.record(&AuditEvent::CredentialRefused { reason, method, principal, source });
                return Err(rejection.into());
            }
            Err(error) => return Err(error),
        }
        let DeviceCredential { principal, epoch, source, .. } = credential;
        let (whose, how) = (principal.clone(), method.clone());
        checks.record(&AuditEvent::FactorPassed { principal: whose, method: how, source });
        // The epoch was compared with what was read together with the row.
        Ok(FactorPassed::assertion(principal, method, checks.clock.now(), epoch))
    }
}

impl RememberedDevices {
    /// The device that a cookie is of, before anybody logs in; none if it is no longer remembered. A text that was not
    /// sealed here costs no look into the store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recognise(&self, text: &str) -> Result<Option<KnownDevice>, StoreError> {
        let Some(sealed) = Sealed::read(text, &self.keys) else { return Ok(None) };
        let found = self.found(&sealed).await?;
        Ok(found.ok().map(|found| KnownDevice::of(sealed, found.credential.version)))
    }

    async fn check(&self, credential: &DeviceCredential) -> Result<(), AuthenticateError> {
        let checks = self.accounts.authenticator();
        if !credential.asked {
            return Err(RejectionReason::Policy.into());
        }
        let now = checks.clock.now();
        if now >= credential.expires_at {
            return Err(RejectionReason::Expired.into());
        }
        let text = credential.text.expose_str().ok_or(RejectionReason::Unknown)?;
        let sealed = Sealed::read(text, &self.keys).ok_or(RejectionReason::Unknown)?;
        if sealed.principal != credential.principal {
            return Err(RejectionReason::Mismatch.into());
        }
        let found = self.found(&sealed).await??;
        if found.epoch != credential.epoch {
            return Err(RejectionReason::Revoked.into());
        }
        if !is_for_second_factor(&found.credential) {
            return Err(RejectionReason::Policy.into());
        }
        let (key, version) = (&found.credential.key, found.credential.version);
        // Forgotten this very moment: it no longer counts.
        match checks.stores.credentials.succeeded(key, version, now).await? {
            true => Ok(()),
            false => Err(RejectionReason::Revoked.into()),
        }
    }

    /// The row of a device, if it is still remembered: by an account that is in use and has not changed since.
    async fn found(&self, sealed: &Sealed) -> Result<Result<FoundCredential, RejectionReason>, StoreError> {
        let checks = self.accounts.authenticator();
        let now = checks.clock.now();
        if now >= sealed.expires_at {
            return Ok(Err(RejectionReason::Expired));
        }
        let key = key_of(&sealed.principal, sealed.id);
        let Some(found) = checks.stores.credentials.find(&key).await? else {
            return Ok(Err(RejectionReason::NoCredential));
        };
        let reason = if found.status != AccountStatus::Active {
            RejectionReason::Disabled
        } else if found.credential.owner != sealed.principal || found.epoch != sealed.epoch {
            RejectionReason::Revoked
        } else if !is_live(&found.credential, now) {
            RejectionReason::Expired
        } else {
            return Ok(Ok(found));
        };
        Ok(Err(reason))
    }
}
