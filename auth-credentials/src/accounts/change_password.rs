//! Replacing a password.

use std::net::IpAddr;

use auth_core::{
    Account, AccountChange, Applied, AuditEvent, Authenticated, CredentialBlob, CredentialKey,
    CredentialKind, CredentialRecord, EpochBump, Method, PrincipalId, RejectionReason, Unavailable,
};

use super::{
    Accounts, ChangePasswordError, EpochRaised, TRIES,
    own::{in_person, without_device},
};
use crate::{
    hash::hasher::HashError,
    password::Password,
    password_authenticator::{Attempt, Passed},
    pool::Overloaded,
    source::SourceKey,
    stores::put,
};

impl Accounts {
    /// Replaces the password of whoever makes the request, who has to present the current one again. No key of a
    /// program and no impersonator does it, nor whoever has limits, nor a login that did without the second factor because
    /// its device is remembered: a stolen device and the password are not to shut the owner out.
    ///
    /// Password and epoch change in one step, so every other session and token is dead from then on, and so
    /// is any login that was under way. Only the request's own session may live on: hand the result and that
    /// session to [`finish_sweep`](Self::finish_sweep), or to the session layer followed by
    /// [`sweep_done`](Self::sweep_done).
    ///
    /// Guessing at the current password is throttled and counted like a login. Nobody is told:
    /// [`AccountLinks::change_password`](crate::AccountLinks::change_password) does.
    ///
    /// # Errors
    /// [`ChangePasswordError`]; the password is then what it was, unless a store error says
    /// [`Written::Unknown`](auth_core::Written::Unknown).
    pub async fn change_password(
        &self,
        who: &Authenticated,
        current: Password,
        new: Password,
        source: Option<IpAddr>,
    ) -> Result<EpochRaised, ChangePasswordError> {
        let (checks, epoch) = (&self.authenticator, who.authentication().epoch);
        let account = checks.stores.accounts.by_id(who.principal()).await?;
        let account = account.ok_or(RejectionReason::Unknown)?;
        let realm = account.id.realm();
        let attempt = Attempt { realm, account: Some(&account), source, device: None };
        // A session that ended already may still be in use for as long as the epoch check allows: not for this.
        if account.epoch != epoch {
            return Err(checks.refuse(&attempt, RejectionReason::Revoked).into());
        }
        if let Err(reason) = in_person(who).and(without_device(who).map_err(|_| RejectionReason::Policy)) {
            return Err(checks.refuse(&attempt, reason).into());
        }
        self.judge_password(&new, &account).await?;
        let place = checks
            .enter::<ChangePasswordError>(&checks.throttle, realm, Some(&account.login), source)
            .await?;
        let place = self.judge_leaked_at::<ChangePasswordError>(place, &new, source).await?;

        let passed = checks.check(&attempt, place, current, Some(new)).await?;
        // As after a login: what stays counted is the safe side.
        let _ = checks.throttle.succeeded(realm, &account.login, SourceKey::from_peer(source)).await;
        if passed.epoch != epoch {
            return Err(checks.refuse(&attempt, RejectionReason::Revoked).into());
        }
        let data = passed.replacement.as_ref().and_then(|hash| hash.to_blob()).ok_or(HashError::Aborted)?;
        self.replace(account.clone(), &passed, data).await?.ok_or_else(|| {
            // Somebody replaced the password since it was checked. Theirs stands.
            checks.refuse(&attempt, RejectionReason::Revoked).into()
        })
    }

    /// Gives an account a password, without the current one: for an administrator, or for whoever has proven
    /// in another way that the account is theirs. Unlocks a password that failed too often.
    ///
    /// Every session and token of before is dead from then on: hand the result to
    /// [`finish_sweep`](Self::finish_sweep).
    ///
    /// # Errors
    /// [`ChangePasswordError`].
    pub async fn set_password(
        &self,
        id: &PrincipalId,
        new: Password,
        source: Option<IpAddr>,
    ) -> Result<EpochRaised, ChangePasswordError> {
        let checks = &self.authenticator;
        let account = checks.stores.accounts.by_id(id).await?.ok_or(RejectionReason::Unknown)?;
        self.judge_password(&new, &account).await?;
        self.judge_leaked(&new).await?;
        let hash = checks.admit(source)?.hash(new.clone()).await?;
        let data = hash.to_blob().ok_or(HashError::Aborted)?;

        let key = CredentialKey::only(id, CredentialKind::PASSWORD);
        for _ in 0..TRIES {
            let account = checks.stores.accounts.by_id(id).await?.ok_or(RejectionReason::Unknown)?;
            // Again, for what is applied is held to this version: a second factor may have gone meanwhile.
            self.judge_password(&new, &account).await?;
            let found = checks.stores.credentials.find(&key).await?;
            let record = CredentialRecord::new(key.clone(), id.clone(), data.clone(), checks.clock.now());
            let changes = put(found, record, &*self.entropy).map_err(HashError::Entropy)?;
            match checks.stores.accounts.apply(id, account.version, &changes, EpochBump::Bump).await? {
                Applied::Applied(account) => return Ok(self.password_replaced(&account)),
                Applied::Gone => return Err(RejectionReason::Unknown.into()),
                Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        Err(Overloaded.into())
    }

    /// Replaces the credential that was checked; none if it is no longer there.
    async fn replace(
        &self,
        mut account: Account,
        passed: &Passed,
        data: CredentialBlob,
    ) -> Result<Option<EpochRaised>, ChangePasswordError> {
        let stores = &self.authenticator.stores;
        let (key, expected) = (passed.key.clone(), passed.version);
        let change = [AccountChange::ReplaceCredential { key, expected, data }];
        for _ in 0..TRIES {
            match stores.accounts.apply(&account.id, account.version, &change, EpochBump::Bump).await? {
                Applied::Applied(account) => return Ok(Some(self.password_replaced(&account))),
                Applied::Gone => return Err(RejectionReason::Unknown.into()),
                Applied::Conflict | Applied::LoginTaken => {}
            }
            // Either the password changed, which ends it, or something else of the account, which does not.
            let unchanged = match stores.credentials.find(&passed.key).await? {
                Some(found) => found.credential.version == passed.version && found.epoch == passed.epoch,
                None => false,
            };
            if !unchanged {
                return Ok(None);
            }
            account = stores.accounts.by_id(&account.id).await?.ok_or(RejectionReason::Unknown)?;
            // Read last, and so held to by the version: an epoch that was raised meanwhile ended this request.
            if account.epoch != passed.epoch {
                return Ok(None);
            }
        }
        Err(ChangePasswordError::Refused(Unavailable::Overloaded.into()))
    }

    fn password_replaced(&self, account: &Account) -> EpochRaised {
        self.authenticator.record(&AuditEvent::CredentialChanged {
            principal: account.id.clone(),
            method: Method::PASSWORD,
            epoch: account.epoch,
        });
        EpochRaised::of(account)
    }
}
