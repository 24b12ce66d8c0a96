//! Doing without a second factor.

use std::net::IpAddr;

use auth_core::{
    Account, AccountChange, Applied, AuditEvent, Authenticated, CredentialKey, CredentialKind, EpochBump,
    Method, PrincipalId, RejectionReason,
};

use super::{SecondFactors, error::SecondFactorError};
use crate::{
    accounts::{AccountError, ChangePasswordError, EpochRaised, TRIES},
    hash::hasher::HashError,
    password::Password,
    password_authenticator::Attempt,
    policy::PolicyError,
    source::SourceKey,
};

/// What a person presents to do without a second factor.
#[derive(Debug)]
pub(crate) struct Farewell {
    pub(crate) current: Password,
    pub(crate) new: Option<Password>,
    /// Whether the password stands alone then.
    pub(crate) alone: bool,
}

impl SecondFactors {
    /// Takes device, telephone and recovery codes away from whoever makes the request, who has to present the password
    /// again.
    ///
    /// A password that is shorter than one that stands alone, by the policy and at least
    /// [`PasswordPolicy::MIN_ALONE`](crate::PasswordPolicy::MIN_ALONE), was good enough beside the second factor only:
    /// then a `new` one is needed, which is set in the same step. Without one, the error is
    /// [`SecondFactorError::Policy`]; ask for it and try again. An account without a password needs neither.
    ///
    /// Whatever was begun before is dead but for the request's own session: hand the result to
    /// [`Accounts::finish_sweep`](crate::Accounts::finish_sweep).
    ///
    /// # Errors
    /// [`SecondFactorError`]; all is as it was then, unless a store error says
    /// [`Written::Unknown`](auth_core::Written::Unknown).
    pub async fn remove(
        &self,
        who: &Authenticated,
        current: Password,
        new: Option<Password>,
        source: Option<IpAddr>,
    ) -> Result<EpochRaised, SecondFactorError> {
        let checks = self.accounts.authenticator();
        let account = self.accounts.own_account::<SecondFactorError>(who).await?;
        self.some_factor(&account.id).await?;
        let method = self.foremost(&account.id).await?;
        let mut changes = self.removals(&account.id).await?;
        let password = CredentialKey::only(&account.id, CredentialKind::PASSWORD);
        if checks.stores.credentials.find(&password).await?.is_some() {
            changes
                .extend(self.with_password(&account, Farewell { current, new, alone: true }, source).await?);
        }
        match checks.stores.accounts.apply(&account.id, account.version, &changes, EpochBump::Bump).await? {
            Applied::Applied(account) => Ok(self.removed(&account, method)),
            Applied::Gone => Err(RejectionReason::Unknown.into()),
            Applied::Conflict | Applied::LoginTaken => Err(SecondFactorError::busy()),
        }
    }

    /// Takes device, telephone and recovery codes away from an account, for an administrator who has made sure whose it is:
    /// whoever can ask for this needs no second factor any more.
    ///
    /// Where passwords may be shorter beside a second factor, the password goes as well, since nobody knows its
    /// length: its owner sets one by a link. Every session and token of before is dead from then on: hand the result
    /// to [`Accounts::finish_sweep`](crate::Accounts::finish_sweep).
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn reset(&self, id: &PrincipalId) -> Result<EpochRaised, AccountError> {
        let accounts = &self.accounts.authenticator().stores.accounts;
        for _ in 0..TRIES {
            let account = accounts.by_id(id).await?.ok_or(AccountError::NoSuchAccount)?;
            let method = self.foremost(id).await?;
            let mut changes = self.removals(id).await?;
            if self.accounts.policy().allows_short_passwords() {
                let password = CredentialKey::only(id, CredentialKind::PASSWORD);
                changes.push(AccountChange::RemoveCredential(password));
            }
            match accounts.apply(id, account.version, &changes, EpochBump::Bump).await? {
                Applied::Applied(account) => return Ok(self.removed(&account, method)),
                Applied::Gone => return Err(AccountError::NoSuchAccount),
                Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        Err(AccountError::Busy)
    }

    /// Checks the password, and answers the change that puts a long enough one in its place, if that is needed.
    pub(super) async fn with_password(
        &self,
        account: &Account,
        farewell: Farewell,
        source: Option<IpAddr>,
    ) -> Result<Option<AccountChange>, SecondFactorError> {
        let (checks, policy) = (self.accounts.authenticator(), self.accounts.policy());
        let (realm, Farewell { current, new, alone }) = (account.id.realm(), farewell);
        if let Some(new) = &new {
            policy.check_alone(new, &account.login)?;
        }
        let attempt = Attempt { realm, account: Some(account), source, device: None };
        let place = checks
            .enter::<ChangePasswordError>(&checks.throttle, realm, Some(&account.login), source)
            .await?;
        let place = match &new {
            Some(new) => self.accounts.judge_leaked_at::<ChangePasswordError>(place, new, source).await?,
            None => place,
        };
        let short = alone && current.chars() < policy.min_alone();
        let renewed = new.is_some();
        let passed = checks.check(&attempt, place, current, new).await?;
        let _ = checks.throttle.succeeded(realm, &account.login, SourceKey::from_peer(source)).await;
        if passed.epoch != account.epoch {
            return Err(RejectionReason::Revoked.into());
        }
        if !renewed {
            return if short {
                Err(PolicyError::TooShort { min: policy.min_alone() }.into())
            } else {
                Ok(None)
            };
        }
        let data = passed.replacement.as_ref().and_then(|hash| hash.to_blob());
        let data = data.ok_or_else(|| ChangePasswordError::from(HashError::Aborted))?;
        let (key, expected) = (passed.key, passed.version);
        Ok(Some(AccountChange::ReplaceCredential { key, expected, data }))
    }

    /// Whether there is a second factor.
    pub(super) async fn some_factor(&self, owner: &PrincipalId) -> Result<(), SecondFactorError> {
        if self.accounts.enrolled(owner).await?.is_empty() {
            return Err(RejectionReason::NoCredential.into());
        }
        Ok(())
    }

    /// What the log calls all that goes: the device, or the telephone where that is all there is.
    async fn foremost(&self, owner: &PrincipalId) -> Result<Method, auth_core::StoreError> {
        let first = self.list(owner).await?.into_iter().next();
        Ok(first.map_or(Method::ONE_TIME_CODE, |one| one.method))
    }

    /// The changes that leave nothing of a second factor, nor of devices that did without one.
    async fn removals(&self, owner: &PrincipalId) -> Result<Vec<AccountChange>, auth_core::StoreError> {
        let mut changes = self.removal_of_recovery_codes(owner).await?;
        for kind in [
            CredentialKind::ONE_TIME_CODES,
            CredentialKind::ONE_TIME_CODES_PENDING,
            CredentialKind::PHONE,
            CredentialKind::PHONE_PENDING,
        ] {
            changes.push(AccountChange::RemoveCredential(CredentialKey::only(owner, kind)));
        }
        changes.extend(self.removal_of_remembered(owner).await?);
        Ok(changes)
    }

    pub(super) async fn removal_of_remembered(
        &self,
        owner: &PrincipalId,
    ) -> Result<Vec<AccountChange>, auth_core::StoreError> {
        let remembered = self.all_of(owner, &CredentialKind::REMEMBERED_DEVICE).await?;
        Ok(remembered.into_iter().map(|one| AccountChange::RemoveCredential(one.key)).collect())
    }

    pub(super) fn removed(&self, account: &Account, method: Method) -> EpochRaised {
        let principal = account.id.clone();
        let removed = AuditEvent::CredentialRemoved { principal, method, id: None };
        self.accounts.authenticator().record(&removed);
        EpochRaised::of(account)
    }
}
