//! Asking for a link: the same answer after the same work, whoever has the address.

use std::net::IpAddr;

use auth_core::{
    Account, AccountStatus, AuditEvent, AuthEpoch, CredentialKey, CredentialKind, LoginName, PrincipalId,
    Secret, SecretHash, StoreError, Throttled, Window, entropy_array,
};

use super::{
    AccountLinks, address::MailAddress, base::LinkPurpose, error::LinkError, message::Notice, token::Ticket,
};
use crate::{sent_codes::subject_of, source::SourceKey, throttle::ThrottleError};

impl AccountLinks {
    /// Sends a link that verifies an address to whoever signed up with it. An address that is verified already is told
    /// that it has an account.
    ///
    /// # Errors
    /// [`LinkError`]: too many tries, or not now. Never that there is no such account.
    pub async fn ask_to_verify(&self, typed: &str, source: Option<IpAddr>) -> Result<(), LinkError> {
        self.ask(LinkPurpose::VerifyAddress, typed, source, Vec::new()).await
    }

    /// Sends a link that sets a new password.
    ///
    /// # Errors
    /// As [`ask_to_verify`](Self::ask_to_verify).
    pub async fn ask_to_reset(&self, typed: &str, source: Option<IpAddr>) -> Result<(), LinkError> {
        self.ask(LinkPurpose::ResetPassword, typed, source, Vec::new()).await
    }

    /// Sends a link that logs in.
    ///
    /// With a `browser` secret, which the page that asks puts into a cookie, only the same browser can use the link:
    /// whoever talks somebody into asking for a link, and sees it pass, has no use for it. It ends the link that this
    /// browser had before, and no other browser's. Without one it works on any device that the mail is read on.
    ///
    /// # Errors
    /// As [`ask_to_verify`](Self::ask_to_verify).
    pub async fn ask_to_log_in(
        &self,
        typed: &str,
        browser: Option<&Secret>,
        source: Option<IpAddr>,
    ) -> Result<(), LinkError> {
        let bound = browser.map(|secret| SecretHash::of(secret.expose()).as_bytes().to_vec());
        self.ask(LinkPurpose::MagicLink, typed, source, bound.unwrap_or_default()).await
    }

    async fn ask(
        &self,
        purpose: LinkPurpose,
        typed: &str,
        source: Option<IpAddr>,
        extra: Vec<u8>,
    ) -> Result<(), LinkError> {
        let login = LoginName::canonical(typed).ok();
        self.count(login.as_ref(), source).await?;
        let sends = self.sends(purpose, login.as_ref()).await?;
        let accounts = &self.accounts.authenticator().stores.accounts;
        let account = match &login {
            Some(login) => accounts.by_login(&self.realm, login).await?,
            None => None,
        };
        let verified = self.is_verified(account.as_ref()).await?;
        let account = account.filter(|account| sends && account.status == AccountStatus::Active);
        let known = account.and_then(|account| Some((MailAddress::of(&account.login)?, account)));
        let Some((to, account)) = known else { return self.decoy().await };
        if purpose == LinkPurpose::VerifyAddress && verified {
            self.decoy().await?;
            self.send(to, Notice::AlreadySignedUp, purpose.as_str());
            return Ok(());
        }
        let ticket = Ticket {
            owner: Some(account.id.clone()),
            epoch: account.epoch,
            address: to.as_str().to_owned(),
            extra,
        };
        let token = if ticket.extra.is_empty() {
            self.issue(purpose, account.id.id(), &ticket).await?
        } else {
            // Of this browser, so that asking in another one does not end it. There are no more than are sent.
            let subject = subject_of(&[account.id.id().as_bytes(), b"\0", &ticket.extra].concat())?;
            self.issue(purpose, subject.as_str(), &ticket).await?
        };
        self.send_link(purpose, to, &token, Some(&account.id));
        Ok(())
    }

    /// Whether one more message for this purpose is sent, and counts it; for an address that nobody has as well.
    ///
    /// Beyond [`MAX_SENT`](Self::MAX_SENT), the newest link was sent in the last half of its life or little longer, and
    /// nothing takes its place: a stranger who keeps asking leaves the owner a link that works.
    pub(super) async fn sends(
        &self,
        purpose: LinkPurpose,
        login: Option<&LoginName>,
    ) -> Result<bool, StoreError> {
        let Some(login) = login else { return Ok(false) };
        let whose = [purpose.as_str().as_bytes(), b" ", login.as_str().as_bytes()].concat();
        let now = self.accounts.authenticator().clock.now();
        self.throttle.spend(&self.realm, &whose, Self::MAX_SENT, sending_window(purpose), now).await
    }

    /// The same where whoever asks does not ask for themselves: they are told that the address has had enough, whether or
    /// not it is somebody's.
    pub(super) async fn spend(
        &self,
        purpose: LinkPurpose,
        to: &MailAddress,
        source: Option<IpAddr>,
    ) -> Result<(), LinkError> {
        if self.sends(purpose, Some(to.login())).await? {
            return Ok(());
        }
        let what = self.throttle.purpose().as_str();
        let checks = self.accounts.authenticator();
        checks.record(&AuditEvent::Throttled { what, principal: None, source });
        let retry_after = sending_window(purpose).bucket_length();
        Err(ThrottleError::from(Throttled { retry_after }).into())
    }

    /// Whether somebody has proven to read the mail of the account's login. Asks the store in any case.
    pub(super) async fn is_verified(&self, account: Option<&Account>) -> Result<bool, StoreError> {
        let key = self.mailbox_key(account.map(|account| &account.id));
        let found = self.accounts.authenticator().stores.credentials.find(&key).await?;
        let same = |account: &Account| {
            found.is_some_and(|found| found.credential.data.expose() == account.login.as_str().as_bytes())
        };
        Ok(account.is_some_and(same))
    }

    /// The key of an account's proven address, or of what nobody has.
    pub(super) fn mailbox_key(&self, owner: Option<&PrincipalId>) -> CredentialKey {
        match owner {
            Some(owner) => CredentialKey::only(owner, CredentialKind::MAILBOX),
            None => CredentialKey {
                realm: self.realm.clone(),
                kind: CredentialKind::MAILBOX,
                lookup: Box::from(*b"-"),
            },
        }
    }

    /// The work of issuing a link, for nobody: a token of a subject that is one of 256, so that there are never more.
    pub(super) async fn decoy(&self) -> Result<(), LinkError> {
        let [which]: [u8; 1] = entropy_array(&*self.accounts.entropy)?;
        let ticket =
            Ticket { owner: None, epoch: AuthEpoch::ZERO, address: String::new(), extra: Vec::new() };
        // No address is an invitation's subject without a character that this has not.
        self.issue(LinkPurpose::Invitation, &format!("decoy {which}"), &ticket).await?;
        Ok(())
    }

    /// Counts a try, before anything else.
    pub(super) async fn count(
        &self,
        login: Option<&LoginName>,
        source: Option<IpAddr>,
    ) -> Result<(), LinkError> {
        let checks = self.accounts.authenticator();
        let whose = login.map(|login| login.as_str().as_bytes());
        let tries = self.throttle.tries(&self.realm, whose, SourceKey::from_peer(source), checks.clock.now());
        let counted = match tries.look().await {
            Ok(()) => tries.count().await,
            error => error,
        };
        if let Err(ThrottleError::Throttled(_)) = counted {
            let what = self.throttle.purpose().as_str();
            checks.record(&AuditEvent::Throttled { what, principal: None, source });
        }
        Ok(counted?)
    }
}

/// The time in which an address is sent so many messages for a purpose.
fn sending_window(purpose: LinkPurpose) -> Window {
    Window::new(purpose.life().checked_div(2).unwrap_or_default())
}
