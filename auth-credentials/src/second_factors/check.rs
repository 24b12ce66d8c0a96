//! One check of a code.

use async_trait::async_trait;
use auth_core::{
    AccountStatus, AuditEvent, AuthenticateError, Authenticator, CredentialKey, CredentialKind, FactorPassed,
    FoundCredential, Method, RejectionReason, Updated,
};

use super::{SecondFactors, credential::CodeCredential};
use crate::{
    otp::{codes::OtpVerdict, stored::StoredDevice},
    source::SourceKey,
};

/// How often a check starts again because another code was accepted meanwhile.
const ROUNDS: usize = 4;

#[async_trait]
impl Authenticator for SecondFactors {
    type Credential = CodeCredential;
    type Proof = FactorPassed;

    async fn authenticate(&self, credential: CodeCredential) -> Result<FactorPassed, AuthenticateError> {
        let checks = self.accounts.authenticator();
        let (realm, whose) = (credential.principal.realm(), credential.principal.to_bytes());
        let source = SourceKey::from_peer(credential.source);
        let tries = self.throttle.tries(realm, Some(&whose), source, checks.clock.now());
        let counted = match tries.look().await {
            Ok(()) => tries.count().await,
            error => error,
        };
        if let Err(error) = counted {
            self.note_throttled(&credential, &error);
            return Err(error.into());
        }
        let passed = match &credential.method {
            method if *method == Method::RECOVERY_CODE => self.check_recovery(&credential).await,
            method if *method == Method::SMS => self.check_text_message(&credential).await,
            _ => self.check_one_time(&credential).await,
        };
        match passed {
            Ok(()) => {
                // Counted tries that stay counted are the safe side; the login is not to fail for them.
                let _ = self.throttle.forget_pair(realm, &whose, source.into()).await;
            }
            Err(AuthenticateError::Rejected(rejection)) => {
                self.throttle.refused(realm, checks.clock.now()).await?;
                checks.record(&AuditEvent::CredentialRefused {
                    reason: rejection.reason(),
                    method: credential.method,
                    principal: Some(credential.principal),
                    source: credential.source,
                });
                return Err(rejection.into());
            }
            Err(error) => return Err(error),
        }
        let CodeCredential { principal, method, epoch, source, .. } = credential;
        checks.record(&AuditEvent::FactorPassed {
            principal: principal.clone(),
            method: method.clone(),
            source,
        });
        // The epoch was compared with what was read together with the credential.
        Ok(FactorPassed::assertion(principal, method, checks.clock.now(), epoch))
    }
}

impl SecondFactors {
    /// Finds the credential of a login that may still go on.
    pub(super) async fn found(
        &self,
        credential: &CodeCredential,
        key: &CredentialKey,
    ) -> Result<FoundCredential, AuthenticateError> {
        let checks = self.accounts.authenticator();
        let found = checks.stores.credentials.find(key).await?;
        if !credential.asked {
            return Err(RejectionReason::Policy.into());
        }
        if checks.clock.now() >= credential.expires_at {
            return Err(RejectionReason::Expired.into());
        }
        let found = found.ok_or(RejectionReason::NoCredential)?;
        if found.status != AccountStatus::Active {
            return Err(RejectionReason::Disabled.into());
        }
        if found.epoch != credential.epoch || found.credential.owner != credential.principal {
            return Err(RejectionReason::Revoked.into());
        }
        Ok(found)
    }

    async fn check_one_time(&self, credential: &CodeCredential) -> Result<(), AuthenticateError> {
        let checks = self.accounts.authenticator();
        let credentials = &checks.stores.credentials;
        let key = CredentialKey::only(&credential.principal, CredentialKind::ONE_TIME_CODES);
        let mut found = self.found(credential, &key).await?;
        // Counted before anything is compared: guesses at once count each other.
        match credentials.count_failure(&key).await? {
            Some(failures) if failures > Self::MAX_FAILURES => return Err(RejectionReason::Locked.into()),
            Some(_) => {}
            None => return Err(RejectionReason::NoCredential.into()),
        }
        for _ in 0..ROUNDS {
            let now = checks.clock.now();
            let (owner, version) = (&credential.principal, found.credential.version);
            let mut stored = StoredDevice::open(&self.keys, owner, &key, &found.credential.data)
                .ok_or(RejectionReason::Corrupt)?;
            let typed = credential.text().ok_or(RejectionReason::TooLong)?;
            stored.last = match stored.device.judge(typed, stored.last, now) {
                OtpVerdict::Accepted { step } => Some(step),
                OtpVerdict::Replayed => return Err(RejectionReason::Replayed.into()),
                OtpVerdict::Wrong => return Err(RejectionReason::Mismatch.into()),
            };
            let data = stored.seal(&self.keys, owner, &key, &*self.accounts.entropy)?;
            match credentials.update(&key, version, &data).await? {
                Updated::Updated => {
                    // Used up. Failures that stay counted are the safe side, and so is a device that was replaced
                    // this very moment: its epoch ends the login.
                    let _ = credentials.succeeded(&key, version.next(), now).await;
                    return Ok(());
                }
                Updated::Gone => return Err(RejectionReason::NoCredential.into()),
                // Another code was accepted, perhaps this very one.
                Updated::Conflict => found = self.found(credential, &key).await?,
            }
        }
        Err(RejectionReason::Replayed.into())
    }

    fn note_throttled(&self, credential: &CodeCredential, error: &crate::throttle::ThrottleError) {
        if let crate::throttle::ThrottleError::Throttled(_) = error {
            let (principal, source) = (Some(credential.principal.clone()), credential.source);
            let what = self.throttle.purpose().as_str();
            self.accounts.authenticator().record(&AuditEvent::Throttled { what, principal, source });
        }
    }
}
