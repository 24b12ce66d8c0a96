//! Inviting somebody to make an account.

use std::net::IpAddr;

use auth_core::{
    Account, AuditEvent, AuthEpoch, Created, CredentialBlob, CredentialKey, CredentialKind, CredentialRecord,
    PrincipalId, RejectionReason, StoreError,
};

use super::{AccountLinks, address::MailAddress, base::LinkPurpose, error::LinkError, token::Ticket};
use crate::{accounts::ChangePasswordError, hash::hasher::HashError, password::Password};

/// Somebody who followed an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The new account. Its address is verified, and nobody is logged in.
    pub principal: PrincipalId,
    /// What was given to [`AccountLinks::invite`], such as the roles to grant.
    pub data: Vec<u8>,
}

impl AccountLinks {
    /// The most bytes that an invitation carries.
    pub const MAX_INVITATION: usize = 1_024;

    /// Sends a link that makes an account. `data` comes back when it does. Whether the caller may invite is the
    /// caller's to check. Where the address has an account, the answer is the same and no link is sent.
    ///
    /// # Errors
    /// [`LinkError`]; [`StoreError::NotWritten`] if there are more than 1,024 bytes of data.
    pub async fn invite(&self, typed: &str, data: &[u8], source: Option<IpAddr>) -> Result<(), LinkError> {
        let to = MailAddress::canonical(typed)?;
        if data.len() > Self::MAX_INVITATION {
            return Err(StoreError::not_written("an invitation carries at most 1024 bytes").into());
        }
        self.count(Some(to.login()), source).await?;
        let accounts = &self.accounts.authenticator().stores.accounts;
        if accounts.by_login(&self.realm, to.login()).await?.is_some() {
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
    /// The password is judged and hashed before the token is taken, so one that may not be chosen can be tried again.
    ///
    /// # Errors
    /// [`LinkError`]; refused also where the address has an account by now.
    pub async fn accept(
        &self,
        token: &str,
        password: Password,
        source: Option<IpAddr>,
    ) -> Result<Invited, LinkError> {
        let token = self.parse(token, source)?;
        let purpose = LinkPurpose::Invitation;
        let ticket = self.peek(purpose, &token).await.map_err(|error| self.noted(error, None, source))?;
        let noted = |error| self.noted(error, Some(&ticket), source);
        let to = MailAddress::canonical(&ticket.address)?;
        self.accounts.policy().check(&password, to.login())?;
        self.accounts.judge_leaked(&password).await.map_err(ChangePasswordError::from)?;
        let checks = self.accounts.authenticator();
        let hash = checks.admit(source)?.hash(password).await.map_err(ChangePasswordError::from)?;
        let data = hash.to_blob().ok_or_else(|| ChangePasswordError::from(HashError::Aborted))?;
        let (id, now) = (self.accounts.new_id(&self.realm)?, checks.clock.now());

        self.take(purpose, &token).await.map_err(noted)?;
        let mailbox = CredentialBlob::new(to.as_str().as_bytes());
        let mailbox = mailbox.ok_or_else(|| StoreError::not_written("an address is longer than a row"))?;
        let record =
            |kind, data| CredentialRecord::new(CredentialKey::only(&id, kind), id.clone(), data, now);
        let records = [record(CredentialKind::PASSWORD, data), record(CredentialKind::MAILBOX, mailbox)];
        let account = Account::new(id.clone(), to.login().clone(), now);
        match checks.stores.accounts.create(&account, &records).await? {
            Created::Created => {}
            Created::LoginTaken => return Err(noted(RejectionReason::Policy.into())),
            Created::Collision => return Err(StoreError::not_written("an account has this id").into()),
        }
        checks.record(&AuditEvent::AccountCreated { principal: id.clone() });
        self.note_proven(&account);
        Ok(Invited { principal: id, data: ticket.extra })
    }
}
