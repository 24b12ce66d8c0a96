//! Another address for an account.

use std::net::IpAddr;

use auth_core::{AccountChange, Applied, Authenticated, EpochBump, RejectionReason};

use super::{
    AccountLinks, address::MailAddress, base::LinkPurpose, error::LinkError, message::Notice, token::Ticket,
};
use crate::accounts::{EpochRaised, TRIES};

impl AccountLinks {
    /// Sends a link to a new address, and word of it to the present one. Nothing changes before the link is used.
    ///
    /// By somebody whose login is not long ago ([`Accounts::RECENT`](crate::Accounts::RECENT)), without limits. Where
    /// the new address has an account, the answer is the same and no link is sent.
    ///
    /// # Errors
    /// [`LinkError`]; throttled also where the new address was sent [`MAX_SENT`](Self::MAX_SENT) such links of late,
    /// whoever asked for them.
    pub async fn ask_to_change(
        &self,
        who: &Authenticated,
        typed: &str,
        source: Option<IpAddr>,
    ) -> Result<(), LinkError> {
        let account = self.accounts.own_account::<LinkError>(who).await?;
        let to = MailAddress::canonical(typed)?;
        self.count(Some(&account.login), source).await?;
        let purpose = LinkPurpose::ChangeAddress;
        // The mailbox may be a stranger's, who is not to read what any number of accounts have sent there.
        self.spend(purpose, &to, source).await?;
        let accounts = &self.accounts.authenticator().stores.accounts;
        let taken = accounts.by_login(&self.realm, to.login()).await?.is_some();
        let present = MailAddress::of(&account.login);
        if taken {
            self.decoy().await?;
        } else {
            let ticket = Ticket {
                owner: Some(account.id.clone()),
                epoch: account.epoch,
                address: to.as_str().to_owned(),
                extra: Vec::new(),
            };
            let token = self.issue(purpose, account.id.id(), &ticket).await?;
            self.send_link(purpose, to, &token, Some(&account.id));
        }
        if let Some(present) = present {
            self.send(present, Notice::AddressChangeRequested, purpose.as_str());
        }
        Ok(())
    }

    /// Uses a link up that makes its address the login of the account. The address of before is told.
    ///
    /// `who` is the request's own proof: the account's owner, without limits, however long ago the login is. Anybody
    /// can have such a link sent to anybody, so whoever reads the mail and is not logged in there is asked to log in
    /// and not to press a button: they would prove a stranger's account with the stranger's password. The link still
    /// works then.
    ///
    /// Every session and token of before is dead: hand the result to
    /// [`Accounts::finish_sweep`](crate::Accounts::finish_sweep). Links that were sent to the address of before are
    /// dead as well.
    ///
    /// # Errors
    /// [`LinkError::Refused`], also where the address has an account by now.
    pub async fn change(
        &self,
        token: &str,
        who: &Authenticated,
        source: Option<IpAddr>,
    ) -> Result<EpochRaised, LinkError> {
        let token = self.parse(token, source)?;
        let purpose = LinkPurpose::ChangeAddress;
        let ticket = self.peek(purpose, &token).await.map_err(|error| self.noted(error, None, source))?;
        let noted = |error| self.noted(error, Some(&ticket), source);
        let to = MailAddress::canonical(&ticket.address)?;
        self.account_of(purpose, &ticket).await.map_err(noted)?;
        let own = self.accounts.own_account_at_any_age::<LinkError>(who).await.map_err(noted)?;
        if ticket.owner.as_ref() != Some(&own.id) {
            return Err(noted(RejectionReason::Policy.into()));
        }
        let taken = self.take(purpose, &token).await.map_err(noted)?;
        let accounts = &self.accounts.authenticator().stores.accounts;
        for _ in 0..TRIES {
            let (account, _) = self.account_of(purpose, &ticket).await.map_err(noted)?;
            let mut changes = vec![AccountChange::Login(to.login().clone())];
            changes.extend(self.mailbox(&account, to.as_str())?);
            match accounts.apply(&account.id, account.version, &changes, EpochBump::Bump).await? {
                Applied::Applied(changed) => {
                    self.note_proven(&changed);
                    if let Some(before) = MailAddress::of(&account.login) {
                        self.send(before, Notice::AddressChanged, purpose.as_str());
                    }
                    return Ok(EpochRaised::of(&changed));
                }
                Applied::LoginTaken => return Err(noted(RejectionReason::Policy.into())),
                Applied::Gone => return Err(noted(RejectionReason::Unknown.into())),
                Applied::Conflict => {}
            }
        }
        Err(self.put_back(&taken).await)
    }
}
