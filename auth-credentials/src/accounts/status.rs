//! Taking an account out of use, and everything that was begun with it.

use auth_core::{AccountChange, AccountStatus, Applied, AuditEvent, EpochBump, PrincipalId};

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
        self.note_disabled(&raised);
        Ok(raised)
    }

    pub(super) fn note_disabled(&self, raised: &EpochRaised) {
        let (principal, epoch) = (raised.principal().clone(), raised.epoch());
        self.authenticator.record(&AuditEvent::AccountDisabled { principal, epoch });
    }

    /// Enables an account again. Sessions and tokens of before it was disabled stay dead, and so do links to it, once its
    /// address is proven. Links to the mailbox of an account that nobody has verified work again while their time lasts:
    /// they are for whoever reads that mail, and to them all that was there before is lost.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn enable(&self, id: &PrincipalId) -> Result<(), AccountError> {
        let _ = self.apply(id, &[AccountChange::Status(AccountStatus::Active)], EpochBump::Keep).await?;
        self.authenticator.record(&AuditEvent::AccountEnabled { principal: id.clone() });
        Ok(())
    }

    /// Ends all sessions and tokens of an account, wherever they are. Links to the mailbox of an account that nobody has
    /// verified work on, as with every change that whoever holds such an account can make.
    ///
    /// Hand the result to [`finish_sweep`](Self::finish_sweep).
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn log_out_everywhere(&self, id: &PrincipalId) -> Result<EpochRaised, AccountError> {
        self.apply(id, &[], EpochBump::Bump).await
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
