//! Taking an account out of use, and everything that was begun with it.

use auth_core::{
    AccountChange, AccountStatus, Applied, AuditEvent, EpochBump, KeyRing, PrincipalId, SessionStore,
};

use super::{AccountError, Accounts, EpochRaised, TRIES};

impl Accounts {
    /// Disables an account: nobody logs in to it, and its sessions and tokens are dead.
    ///
    /// Hand the result to [`finish_sweep`](Self::finish_sweep).
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn disable(&self, id: &PrincipalId) -> Result<EpochRaised, AccountError> {
        let disabled = [AccountChange::Status(AccountStatus::Disabled)];
        let raised = self.apply(id, &disabled, EpochBump::Bump).await?;
        let (principal, epoch) = (id.clone(), raised.epoch());
        self.authenticator.record(&AuditEvent::AccountDisabled { principal, epoch });
        Ok(raised)
    }

    /// Enables an account again. What it had before it was disabled stays dead.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn enable(&self, id: &PrincipalId) -> Result<(), AccountError> {
        let _ = self.apply(id, &[AccountChange::Status(AccountStatus::Active)], EpochBump::Keep).await?;
        self.authenticator.record(&AuditEvent::AccountEnabled { principal: id.clone() });
        Ok(())
    }

    /// Ends all sessions and tokens of an account, wherever they are.
    ///
    /// Hand the result to [`finish_sweep`](Self::finish_sweep).
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn log_out_everywhere(&self, id: &PrincipalId) -> Result<EpochRaised, AccountError> {
        self.apply(id, &[], EpochBump::Bump).await
    }

    /// Removes an account for good, after it was disabled and its sessions were ended. Answers whether it was
    /// there to the last.
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
        let _ = self.finish_sweep(&raised, sessions, keys, None).await?;
        let removed = self.authenticator.stores.accounts.remove(id).await?;
        if removed {
            let (principal, by) = (id.clone(), by.cloned());
            self.authenticator.record(&AuditEvent::AccountRemoved { principal, by });
        }
        Ok(removed)
    }

    /// Makes changes that do not depend on what the account says.
    async fn apply(
        &self,
        id: &PrincipalId,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Result<EpochRaised, AccountError> {
        let accounts = &self.authenticator.stores.accounts;
        for _ in 0..TRIES {
            let account = accounts.by_id(id).await?.ok_or(AccountError::NoSuchAccount)?;
            match accounts.apply(id, account.version, changes, epoch).await? {
                Applied::Applied(account) => return Ok(EpochRaised::of(&account)),
                Applied::Gone => return Err(AccountError::NoSuchAccount),
                Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        Err(AccountError::Busy)
    }
}
