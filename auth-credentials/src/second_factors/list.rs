//! Which second factors an account has, and doing without one of several.

use std::net::IpAddr;

use auth_core::{
    AccountChange, Applied, Authenticated, CredentialKey, CredentialKind, Enrolled, EpochBump, Method,
    PrincipalId, RejectionReason, StoreError, UnixTime,
};

use super::{SecondFactors, error::SecondFactorError, remove::Farewell};
use crate::{accounts::EpochRaised, password::Password};

/// A second factor that an account has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FactorSummary {
    /// Which: a device ([`Method::ONE_TIME_CODE`]) or a telephone ([`Method::SMS`]).
    pub method: Method,
    /// Since when.
    pub created_at: UnixTime,
    /// When it was last shown.
    pub last_used_at: Option<UnixTime>,
}

impl SecondFactors {
    /// The device and the telephone of an account, if it has them: for the page that shows them, beside
    /// [`recovery_codes_left`](Self::recovery_codes_left). Those that wait for their first code are not among them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, owner: &PrincipalId) -> Result<Vec<FactorSummary>, StoreError> {
        let mut all = Vec::new();
        for method in [Method::ONE_TIME_CODE, Method::SMS] {
            let Some(key) = key_of(owner, &method) else { continue };
            if let Some(found) = self.accounts.authenticator().stores.credentials.find(&key).await? {
                let (created_at, last_used_at) = (found.credential.created_at, found.credential.last_used_at);
                all.push(FactorSummary { method, created_at, last_used_at });
            }
        }
        Ok(all)
    }

    /// Takes the device ([`Method::ONE_TIME_CODE`]) or the telephone ([`Method::SMS`]) away from whoever makes the request,
    /// who has to present the password again. The other one stays, and the recovery codes with it. Devices that are
    /// [remembered](crate::RememberedDevices) are forgotten: it may be this factor that was shown on them.
    ///
    /// Where there is no other one it is as [`remove`](Self::remove), and may need a `new` password; where there is, that is
    /// not looked at, unless the gate does without the one that stays: then the password stands alone as well.
    ///
    /// Whatever was begun before is dead but for the request's own session: hand the result to
    /// [`Accounts::finish_sweep`](crate::Accounts::finish_sweep).
    ///
    /// # Errors
    /// [`SecondFactorError`]; all is as it was then, unless a store error says
    /// [`Written::Unknown`](auth_core::Written::Unknown).
    pub async fn remove_one(
        &self,
        who: &Authenticated,
        method: &Method,
        current: Password,
        new: Option<Password>,
        source: Option<IpAddr>,
    ) -> Result<EpochRaised, SecondFactorError> {
        let checks = self.accounts.authenticator();
        let account = self.accounts.own_account::<SecondFactorError>(who).await?;
        let factors = self.list(&account.id).await?;
        let key = key_of(&account.id, method).filter(|_| factors.iter().any(|one| one.method == *method));
        let key = key.ok_or(RejectionReason::NoCredential)?;
        if factors.len() < 2 {
            return self.remove(who, current, new, source).await;
        }
        let mut changes = self.removal_of_remembered(&account.id).await?;
        changes.push(AccountChange::RemoveCredential(key));
        let password = CredentialKey::only(&account.id, CredentialKind::PASSWORD);
        if checks.stores.credentials.find(&password).await?.is_some() {
            let others = factors.into_iter().map(|one| one.method).filter(|one| one != method);
            // They come with either.
            let remaining = others.chain([Method::RECOVERY_CODE]).collect();
            let alone = self.accounts.lets_in_alone(&Enrolled::assertion(remaining));
            let farewell = Farewell { current, new: new.filter(|_| alone), alone };
            changes.extend(self.with_password(&account, farewell, source).await?);
        }
        // Held to the version that was read before the factors were: the other one is still there.
        match checks.stores.accounts.apply(&account.id, account.version, &changes, EpochBump::Bump).await? {
            Applied::Applied(account) => Ok(self.removed(&account, method.clone())),
            Applied::Gone => Err(RejectionReason::Unknown.into()),
            Applied::Conflict | Applied::LoginTaken => Err(SecondFactorError::busy()),
        }
    }
}

/// The row of a second factor.
fn key_of(owner: &PrincipalId, method: &Method) -> Option<CredentialKey> {
    let kind = match method {
        method if *method == Method::ONE_TIME_CODE => CredentialKind::ONE_TIME_CODES,
        method if *method == Method::SMS => CredentialKind::PHONE,
        _ => return None,
    };
    Some(CredentialKey::only(owner, kind))
}
