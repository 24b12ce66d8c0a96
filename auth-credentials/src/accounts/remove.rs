//! Removing an account.

use std::net::IpAddr;

use auth_core::{
    AccountChange, AccountStatus, Applied, AuditEvent, AuthenticateError, Authenticated, EpochBump, KeyRing,
    PrincipalId, RejectionReason, SessionStore, StoreError, Unavailable,
};

use super::{
    AccountError, Accounts, EpochRaised, TRIES,
    own::{in_person, without_device},
};
use crate::{password::Password, password_authenticator::Attempt, source::SourceKey};

impl Accounts {
    /// Removes an account for good, after it was disabled and its sessions were ended. Answers whether it was
    /// there to the last. Whether the caller may is the caller's to check; its owner has
    /// [`remove_own`](Self::remove_own).
    ///
    /// Broken off in between, it leaves a disabled account: call it again.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn remove(
        &self,
        id: &PrincipalId,
        by: Option<&PrincipalId>,
        sessions: &dyn SessionStore,
        keys: &KeyRing,
    ) -> Result<bool, AccountError> {
        let raised = self.disable(id).await?;
        Ok(self.remove_disabled(&raised, by, sessions, keys).await?)
    }

    /// Removes for good the account of whoever makes the request, who has to present the password again. Its sessions end
    /// first, that of the request among them. No key of a program and no impersonator does it, nor whoever has limits, nor a
    /// login that did without the second factor because its device is remembered. Answers whether it was there to the last.
    ///
    /// Guessing at the password is throttled and counted like a login. Broken off in between, it leaves a disabled account,
    /// for [`remove`](Self::remove). An account without a password is removed by that as well: after
    /// [`fresh_within`](Authenticated::fresh_within), for instance.
    ///
    /// # Errors
    /// [`AuthenticateError`]; the account is then what it was, or disabled if a store failed.
    pub async fn remove_own(
        &self,
        who: &Authenticated,
        current: Password,
        source: Option<IpAddr>,
        sessions: &dyn SessionStore,
        keys: &KeyRing,
    ) -> Result<bool, AuthenticateError> {
        let (checks, epoch) = (&self.authenticator, who.authentication().epoch);
        let accounts = &checks.stores.accounts;
        let mut account = accounts.by_id(who.principal()).await?.ok_or(RejectionReason::Unknown)?;
        let shown = account.clone();
        let attempt = Attempt { realm: shown.id.realm(), account: Some(&shown), source, device: None };
        let (throttle, login) = (&checks.throttle, &shown.login);
        let place = checks.enter::<AuthenticateError>(throttle, attempt.realm, Some(login), source).await?;
        // Behind the throttle: whoever kept a session that ended is not to fill the log.
        if account.epoch != epoch {
            return Err(checks.refuse(&attempt, RejectionReason::Revoked));
        }
        if let Err(reason) = in_person(who).and(without_device(who).map_err(|_| RejectionReason::Policy)) {
            return Err(checks.refuse(&attempt, reason));
        }
        let passed = checks.check(&attempt, place, current, None).await?;
        // As after a login: what stays counted is the safe side.
        let _ = throttle.succeeded(attempt.realm, login, SourceKey::from_peer(source)).await;
        for _ in 0..TRIES {
            // Held to by the version: a password that was changed meanwhile ended this request.
            if passed.epoch != epoch || account.epoch != epoch {
                return Err(checks.refuse(&attempt, RejectionReason::Revoked));
            }
            let disabled = [AccountChange::Status(AccountStatus::Disabled)];
            match accounts.apply(&account.id, account.version, &disabled, EpochBump::Bump).await? {
                Applied::Applied(account) => {
                    let raised = EpochRaised::of(&account);
                    self.note_disabled(&raised);
                    return Ok(self.remove_disabled(&raised, Some(&account.id), sessions, keys).await?);
                }
                Applied::Gone => return Ok(false),
                Applied::Conflict | Applied::LoginTaken => {}
            }
            account = accounts.by_id(&account.id).await?.ok_or(RejectionReason::Unknown)?;
        }
        Err(Unavailable::Overloaded.into())
    }

    async fn remove_disabled(
        &self,
        raised: &EpochRaised,
        by: Option<&PrincipalId>,
        sessions: &dyn SessionStore,
        keys: &KeyRing,
    ) -> Result<bool, StoreError> {
        let _ = self.finish_sweep(raised, sessions, keys, None).await?;
        let removed = self.authenticator.stores.accounts.remove(raised.principal()).await?;
        if removed {
            let (principal, by) = (raised.principal().clone(), by.cloned());
            self.authenticator.record(&AuditEvent::AccountRemoved { principal, by });
        }
        Ok(removed)
    }
}
