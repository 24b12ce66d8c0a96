//! Inviting somebody to have an account.

use std::net::IpAddr;

use auth_core::{
    Account, AccountStatus, Applied, AuditEvent, AuthEpoch, Created, CredentialBlob, CredentialKey,
    CredentialKind, CredentialRecord, EpochBump, Method, PrincipalId, RejectionReason, StoreError,
};

use super::{AccountLinks, address::MailAddress, base::LinkPurpose, error::LinkError, token::Ticket};
use crate::{
    accounts::{ChangePasswordError, EpochRaised, SignUps, TRIES},
    hash::hasher::HashError,
    password::Password,
};

/// Somebody who followed an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The account. Its address is verified, and nobody is logged in.
    pub principal: PrincipalId,
    /// If somebody had signed up with the address and never proven it: what is to be swept with
    /// [`Accounts::finish_sweep`](crate::Accounts::finish_sweep).
    pub raised: Option<EpochRaised>,
    /// What was given to [`AccountLinks::invite`], such as the roles to grant.
    pub data: Vec<u8>,
}

impl AccountLinks {
    /// The most bytes that an invitation carries.
    pub const MAX_INVITATION: usize = 1_024;

    /// Sends a link that makes an account. `data` comes back when it does. Whether the caller may invite is the
    /// caller's to check. Where the address has an account, the answer is the same and no link is sent; but for an
    /// account that nobody has verified, which whoever reads the mail takes over.
    ///
    /// # Errors
    /// [`LinkError`]; throttled also where the address was sent [`MAX_SENT`](Self::MAX_SENT) invitations in half the time
    /// that one works, whoever sent them; [`LinkError::Closed`] where sign-ups are [closed](SignUps::Closed);
    /// [`StoreError::NotWritten`] if there are more than 1,024 bytes of data.
    pub async fn invite(&self, typed: &str, data: &[u8], source: Option<IpAddr>) -> Result<(), LinkError> {
        self.may_invite()?;
        let to = MailAddress::canonical(typed)?;
        if data.len() > Self::MAX_INVITATION {
            return Err(StoreError::not_written("an invitation carries at most 1024 bytes").into());
        }
        self.count(Some(to.login()), source).await?;
        self.spend(LinkPurpose::Invitation, &to, source).await?;
        let accounts = &self.accounts.authenticator().stores.accounts;
        let account = accounts.by_login(&self.realm, to.login()).await?;
        let verified = self.is_verified(account.as_ref()).await?;
        if account.is_some_and(|account| verified || account.status != AccountStatus::Active) {
            return self.decoy().await;
        }
        let (address, extra) = (to.as_str().to_owned(), data.to_vec());
        let ticket = Ticket { owner: None, epoch: AuthEpoch::ZERO, address, extra };
        let token = self.issue(LinkPurpose::Invitation, to.as_str(), &ticket).await?;
        self.send_link(LinkPurpose::Invitation, to, &token, None);
        Ok(())
    }

    /// Takes an invitation back. Answers whether there was one.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn withdraw(&self, typed: &str) -> Result<bool, LinkError> {
        let to = MailAddress::canonical(typed)?;
        let subject = auth_core::TokenSubject::parse(to.as_str()).map_err(|_| RejectionReason::Malformed)?;
        let (purpose, now) =
            (LinkPurpose::Invitation.token_purpose(), self.accounts.authenticator().clock.now());
        Ok(self.tokens.revoke(&self.realm, purpose, &subject, now).await? > 0)
    }

    /// Uses an invitation up: makes an account with its address and this password.
    ///
    /// Anybody could sign up with the address before. Such an account, which nobody verified, becomes that of whoever
    /// reads the mail: nothing of what was there stays, neither password nor second factor, keys or sessions.
    ///
    /// The password is judged and hashed before the token is taken, so one that may not be chosen can be tried again.
    ///
    /// # Errors
    /// [`LinkError`]; refused also where the address has an account by now that is verified or disabled.
    /// [`LinkError::Closed`] where sign-ups are [closed](SignUps::Closed): the invitation works on once they are not.
    pub async fn accept(
        &self,
        token: &str,
        password: Password,
        source: Option<IpAddr>,
    ) -> Result<Invited, LinkError> {
        self.may_invite()?;
        let token = self.parse(token, source)?;
        let purpose = LinkPurpose::Invitation;
        let ticket = self.peek(purpose, &token).await.map_err(|error| self.noted(error, None, source))?;
        let noted = |error| self.noted(error, Some(&ticket), source);
        let to = MailAddress::canonical(&ticket.address)?;
        self.accounts.policy().check(&password, to.login())?;
        self.judge_leaked(&password, source).await?;
        let checks = self.accounts.authenticator();
        let hash = checks.admit(source)?.hash(password).await.map_err(ChangePasswordError::from)?;
        let data = hash.to_blob().ok_or_else(|| ChangePasswordError::from(HashError::Aborted))?;

        let _ = self.take(purpose, &token).await.map_err(noted)?;
        for _ in 0..TRIES {
            let account = checks.stores.accounts.by_login(&self.realm, to.login()).await?;
            let raised = match account {
                Some(account) => self.take_over(account, &data).await.map_err(noted)?,
                None => self.make(&to, &data).await?,
            };
            if let Some((principal, raised)) = raised {
                return Ok(Invited { principal, raised, data: ticket.extra });
            }
        }
        // Not put back: it may have been withdrawn meanwhile, for good.
        Err(LinkError::busy())
    }

    /// Whether an invitation is of use.
    pub(super) fn may_invite(&self) -> Result<(), LinkError> {
        match self.accounts.sign_ups() {
            SignUps::Closed => Err(LinkError::Closed),
            SignUps::Open | SignUps::InviteOnly => Ok(()),
        }
    }

    /// Makes the account; none if somebody was faster.
    async fn make(&self, to: &MailAddress, password: &CredentialBlob) -> Result<Option<Taken>, LinkError> {
        let checks = self.accounts.authenticator();
        let (id, now) = (self.accounts.new_id(&self.realm)?, checks.clock.now());
        let mailbox = CredentialBlob::new(to.as_str().as_bytes());
        let mailbox = mailbox.ok_or_else(|| StoreError::not_written("an address is longer than a row"))?;
        let record =
            |kind, data| CredentialRecord::new(CredentialKey::only(&id, kind), id.clone(), data, now);
        let records =
            [record(CredentialKind::PASSWORD, password.clone()), record(CredentialKind::MAILBOX, mailbox)];
        let account = Account::new(id.clone(), to.login().clone(), now);
        match checks.stores.accounts.create(&account, &records).await? {
            Created::Created => {}
            Created::LoginTaken => return Ok(None),
            Created::Collision => return Err(StoreError::not_written("an account has this id").into()),
        }
        checks.record(&AuditEvent::AccountCreated { principal: id.clone() });
        self.note_proven(&account);
        Ok(Some((id, None)))
    }

    /// Puts the password in the place of everything that an account has which nobody verified; none if it changed
    /// meanwhile.
    async fn take_over(
        &self,
        account: Account,
        password: &CredentialBlob,
    ) -> Result<Option<Taken>, LinkError> {
        if account.status != AccountStatus::Active || self.is_verified(Some(&account)).await? {
            return Err(RejectionReason::Policy.into());
        }
        let checks = self.accounts.authenticator();
        let changes = self.changes_of_password(&account, password).await?;
        match checks.stores.accounts.apply(&account.id, account.version, &changes, EpochBump::Bump).await? {
            Applied::Applied(account) => {
                let (principal, method, epoch) = (account.id.clone(), Method::PASSWORD, account.epoch);
                self.note_proven(&account);
                checks.record(&AuditEvent::CredentialChanged { principal, method, epoch });
                Ok(Some((account.id.clone(), Some(EpochRaised::of(&account)))))
            }
            Applied::Gone | Applied::Conflict | Applied::LoginTaken => Ok(None),
        }
    }
}

/// Whose account it is now, and what of before is to be swept.
type Taken = (PrincipalId, Option<EpochRaised>);
