//! Using a link: what all of them share.

use std::net::IpAddr;

use auth_core::{
    Account, AccountChange, AccountStatus, Applied, AuditEvent, Authenticated, CredentialBlob, CredentialKey,
    CredentialKind, CredentialRecord, EpochBump, Method, Page, RejectionReason, StoreError, TokenRecord,
};

use super::{
    AccountLinks,
    base::LinkPurpose,
    error::LinkError,
    token::{OneTimeToken, Ticket},
};
use crate::{
    accounts::{ChangePasswordError, TRIES, in_person},
    password::Password,
    stores::fresh_version,
};

impl AccountLinks {
    /// Whether a link would work now, for the page that it leads to. Nothing is used up, so let GET and HEAD ask: mail
    /// is read by programs that open every link.
    ///
    /// # Errors
    /// [`LinkError::Refused`] if it would not.
    pub async fn look(&self, purpose: LinkPurpose, token: &str) -> Result<(), LinkError> {
        let token = OneTimeToken::parse(token).ok_or(RejectionReason::Unknown)?;
        let ticket = self.peek(purpose, &token).await?;
        if purpose == LinkPurpose::Invitation {
            return self.may_invite();
        }
        self.account_of(purpose, &ticket).await?;
        Ok(())
    }

    /// Reads the token of a form; what is none is refused like one that nobody has.
    pub(super) fn parse(&self, token: &str, source: Option<IpAddr>) -> Result<OneTimeToken, LinkError> {
        OneTimeToken::parse(token).ok_or_else(|| self.refuse(RejectionReason::Unknown, None, source))
    }

    pub(super) async fn peek(&self, purpose: LinkPurpose, token: &OneTimeToken) -> Result<Ticket, LinkError> {
        let now = self.accounts.authenticator().clock.now();
        let record = self.tokens.peek(&self.key(purpose, token), now).await?;
        let record = record.ok_or(RejectionReason::Unknown)?;
        let ticket = Ticket::read(&record.payload, &self.realm).ok_or(RejectionReason::Corrupt)?;
        // A decoy is nobody's.
        if ticket.owner.is_none() && ticket.address.is_empty() {
            return Err(RejectionReason::Unknown.into());
        }
        Ok(ticket)
    }

    /// Asks whether a password that is chosen leaked. Counted like asking for a link: a token that is not used up asks as
    /// often as its holder likes, and whoever answers is somebody else.
    pub(super) async fn judge_leaked(
        &self,
        password: &Password,
        source: Option<IpAddr>,
    ) -> Result<(), LinkError> {
        if !self.accounts.asks_whether_leaked() {
            return Ok(());
        }
        self.count(None, source).await?;
        self.accounts.judge_leaked(password).await.map_err(ChangePasswordError::from)?;
        Ok(())
    }

    /// Uses a token up: of any number of tries at once, one gets here.
    pub(super) async fn take(
        &self,
        purpose: LinkPurpose,
        token: &OneTimeToken,
    ) -> Result<TokenRecord, LinkError> {
        let now = self.accounts.authenticator().clock.now();
        let taken = self.tokens.take(&self.key(purpose, token), now).await?;
        taken.ok_or_else(|| RejectionReason::Replayed.into())
    }

    /// Puts a token back that came to nothing because the account changed again and again. Otherwise whoever holds one that
    /// nobody has verified changes it in the moment in which its mailbox's owner comes, and uses their links up.
    ///
    /// Only where nothing was written. A newer link, which was sent meanwhile, works beside it: both are in one mailbox, and
    /// what ends a link of the account is asked for anew.
    pub(super) async fn put_back(&self, taken: &TokenRecord) -> LinkError {
        // If the store fails here, the link is used up, and asking for another one helps.
        let _ = self.tokens.put(taken, self.accounts.authenticator().clock.now()).await;
        LinkError::busy()
    }

    /// The account of a ticket, if it is as it was when the link was sent, and whether its address is proven.
    ///
    /// Whoever holds an account that nobody has verified need not read its mail, and is not to end with another password
    /// what its owner is sent. So its epoch ends only what whoever holds it asked for.
    pub(super) async fn account_of(
        &self,
        purpose: LinkPurpose,
        ticket: &Ticket,
    ) -> Result<(Account, bool), LinkError> {
        let owner = ticket.owner.as_ref().ok_or(RejectionReason::Unknown)?;
        let account = self.accounts.authenticator().stores.accounts.by_id(owner).await?;
        let account = account.ok_or(RejectionReason::Unknown)?;
        if account.status != AccountStatus::Active {
            return Err(RejectionReason::Disabled.into());
        }
        let to_mailbox = purpose != LinkPurpose::ChangeAddress;
        let verified = self.is_verified(Some(&account)).await?;
        // Another password, another address, logged out everywhere: whatever raises the epoch ends the link.
        let revoked = account.epoch != ticket.epoch && (verified || !to_mailbox);
        let moved = to_mailbox && account.login.as_str() != ticket.address;
        if revoked || moved {
            return Err(RejectionReason::Revoked.into());
        }
        Ok((account, verified))
    }

    /// The changes by which an address is proven: everything of before goes, unless it was proven before, or `keep`
    /// says that whoever made it reads the mail.
    pub(super) async fn changes_of_proof(
        &self,
        account: &Account,
        keep: bool,
    ) -> Result<(Vec<AccountChange>, EpochBump), LinkError> {
        let checks = self.accounts.authenticator();
        let (mut changes, mut epoch) = (Vec::new(), EpochBump::Keep);
        if !keep && !self.is_verified(Some(account)).await? {
            let mut page = Page::first();
            loop {
                let records = checks.stores.credentials.list(&account.id, page).await?;
                let last = records.len() < page.limit() as usize;
                changes.extend(records.into_iter().map(|one| AccountChange::RemoveCredential(one.key)));
                if last {
                    break;
                }
                page = page.next();
            }
            epoch = EpochBump::Bump;
        }
        changes.extend(self.mailbox(account, account.login.as_str())?);
        Ok((changes, epoch))
    }

    /// The changes that note an address as proven.
    pub(super) fn mailbox(&self, account: &Account, address: &str) -> Result<[AccountChange; 2], LinkError> {
        let key = CredentialKey::only(&account.id, CredentialKind::MAILBOX);
        let data = CredentialBlob::new(address.as_bytes());
        let data = data.ok_or_else(|| StoreError::not_written("an address is longer than a row"))?;
        let now = self.accounts.authenticator().clock.now();
        let mut record = CredentialRecord::new(key.clone(), account.id.clone(), data, now);
        record.version = fresh_version(&*self.accounts.entropy)?;
        Ok([AccountChange::RemoveCredential(key), AccountChange::AddCredential(record)])
    }

    /// Proves the address of the account of a ticket whose token was `taken`. `who` keeps what was there before, if it is
    /// the account's owner as they log in now, and no program of theirs.
    pub(super) async fn prove(
        &self,
        purpose: LinkPurpose,
        ticket: &Ticket,
        taken: &TokenRecord,
        who: Option<&Authenticated>,
    ) -> Result<(Box<Account>, EpochBump), LinkError> {
        let checks = self.accounts.authenticator();
        for _ in 0..TRIES {
            let (account, _) = self.account_of(purpose, ticket).await?;
            let keep = who.is_some_and(|who| {
                *who.principal() == account.id
                    && who.authentication().epoch == account.epoch
                    && in_person(who).is_ok()
            });
            let (changes, epoch) = self.changes_of_proof(&account, keep).await?;
            match checks.stores.accounts.apply(&account.id, account.version, &changes, epoch).await? {
                Applied::Applied(account) => {
                    self.note_proven(&account);
                    return Ok((account, epoch));
                }
                Applied::Gone => return Err(RejectionReason::Unknown.into()),
                Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        Err(self.put_back(taken).await)
    }

    pub(super) fn note_proven(&self, account: &Account) {
        let (principal, epoch) = (account.id.clone(), account.epoch);
        self.accounts.authenticator().record(&AuditEvent::AddressProven { principal, epoch });
    }

    /// Writes a refusal down, whatever it was refused for.
    pub(super) fn noted(
        &self,
        error: LinkError,
        ticket: Option<&Ticket>,
        source: Option<IpAddr>,
    ) -> LinkError {
        match error {
            LinkError::Refused(auth_core::AuthenticateError::Rejected(rejection)) => {
                self.refuse(rejection.reason(), ticket, source)
            }
            error => error,
        }
    }

    fn refuse(&self, reason: RejectionReason, ticket: Option<&Ticket>, source: Option<IpAddr>) -> LinkError {
        let principal = ticket.and_then(|ticket| ticket.owner.clone());
        self.accounts.authenticator().record(&AuditEvent::CredentialRefused {
            reason,
            method: Method::MAIL_LINK,
            principal,
            source,
        });
        reason.into()
    }
}
