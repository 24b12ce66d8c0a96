//! Setting a new password by a link.

use std::net::IpAddr;

use auth_core::{
    Account, AccountChange, Applied, AuditEvent, CredentialBlob, CredentialKey, CredentialKind,
    CredentialRecord, EpochBump, Method, RejectionReason, TokenRecord,
};

use super::{
    AccountLinks, address::MailAddress, base::LinkPurpose, error::LinkError, message::Notice, token::Ticket,
};
use crate::{
    accounts::{ChangePasswordError, EpochRaised, TRIES},
    hash::hasher::HashError,
    password::Password,
    stores::put,
};

impl AccountLinks {
    /// Uses a link up that sets a new password. Nobody is logged in by it: a second factor that the account has is
    /// asked for at the login that follows, so whoever reads the mail does not get past it.
    ///
    /// The password is judged and hashed before the token is taken, so one that may not be chosen can be tried again.
    /// Every session and token of before is dead, and a password that was locked is not: hand the result to
    /// [`Accounts::finish_sweep`](crate::Accounts::finish_sweep). An account that nobody had verified also loses its
    /// second factor and its keys. Its address is told.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn reset(
        &self,
        token: &str,
        new: Password,
        source: Option<IpAddr>,
    ) -> Result<EpochRaised, LinkError> {
        let token = self.parse(token, source)?;
        let purpose = LinkPurpose::ResetPassword;
        let ticket = self.peek(purpose, &token).await.map_err(|error| self.noted(error, None, source))?;
        let noted = |error| self.noted(error, Some(&ticket), source);
        let (account, verified) = self.account_of(purpose, &ticket).await.map_err(noted)?;
        if verified {
            self.accounts.judge_password(&new, &account).await?;
        } else {
            // It will stand alone.
            self.accounts.policy().check(&new, &account.login)?;
        }
        self.judge_leaked(&new, source).await?;
        let hash = self.accounts.authenticator().admit(source)?.hash(new).await;
        let data = hash.map_err(ChangePasswordError::from)?.to_blob();
        let data = data.ok_or_else(|| ChangePasswordError::from(HashError::Aborted))?;

        let taken = self.take(purpose, &token).await.map_err(noted)?;
        let account = self.put_password(&ticket, &taken, &data).await.map_err(noted)?;
        self.note_proven(&account);
        let (principal, method, epoch) = (account.id.clone(), Method::PASSWORD, account.epoch);
        let checks = self.accounts.authenticator();
        checks.record(&AuditEvent::CredentialChanged { principal, method, epoch });
        if let Some(to) = MailAddress::of(&account.login) {
            self.send(to, Notice::PasswordChanged, purpose.as_str());
        }
        Ok(EpochRaised::of(&account))
    }

    /// Puts the new hash in its place, for as long as the account is what the link was sent for. A second factor that
    /// goes meanwhile raises the epoch, so a short password does not stay alone.
    async fn put_password(
        &self,
        ticket: &Ticket,
        taken: &TokenRecord,
        data: &CredentialBlob,
    ) -> Result<Box<Account>, LinkError> {
        let checks = self.accounts.authenticator();
        for _ in 0..TRIES {
            let (account, _) = self.account_of(LinkPurpose::ResetPassword, ticket).await?;
            let changes = self.changes_of_password(&account, data).await?;
            match checks
                .stores
                .accounts
                .apply(&account.id, account.version, &changes, EpochBump::Bump)
                .await?
            {
                Applied::Applied(account) => return Ok(account),
                Applied::Gone => return Err(RejectionReason::Unknown.into()),
                Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        Err(self.put_back(taken).await)
    }

    /// The changes by which an address is proven and gets a password.
    pub(super) async fn changes_of_password(
        &self,
        account: &Account,
        data: &CredentialBlob,
    ) -> Result<Vec<AccountChange>, LinkError> {
        let checks = self.accounts.authenticator();
        let (mut changes, _) = self.changes_of_proof(account, false).await?;
        let key = CredentialKey::only(&account.id, CredentialKind::PASSWORD);
        // Replaced and not removed: a login with the old one that is under way must not find it again.
        changes.retain(|one| !matches!(one, AccountChange::RemoveCredential(gone) if *gone == key));
        let found = checks.stores.credentials.find(&key).await?;
        let record = CredentialRecord::new(key, account.id.clone(), data.clone(), checks.clock.now());
        changes.extend(put(found, record, &*self.accounts.entropy)?);
        Ok(changes)
    }
}
