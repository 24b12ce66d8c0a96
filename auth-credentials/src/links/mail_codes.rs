//! Logging in by a code that is mailed.

pub(crate) mod handle;

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    AccountStatus, AuditEvent, AuthEpoch, AuthenticateError, Authenticator, CounterStore, EntropyError,
    FactorPassed, FoundCredential, KeyRing, LoginName, Method, Purpose, RejectionReason, Secret,
    TokenSubject, Window, entropy_array,
};

use self::handle::{Asked, MailCodeHandle};
use super::{
    AccountLinks, address::MailAddress, base::LinkPurpose, error::LinkError, message::Notice, token::Ticket,
};
use crate::{
    sent_codes::{CodeFor, SentCodes, subject_of},
    source::SourceKey,
    throttle::Throttle,
};

const CODES: Purpose = Purpose::new("mail-code");
const TRIES: Purpose = Purpose::new("mail-code/try");
const DIGITS: u8 = 8;

/// Lets people log in by a code that is mailed to them and typed in where they asked for it.
///
/// As an [`Authenticator`] it yields a first factor, for [`Accounts::begin`](crate::Accounts::begin): a way in for a policy
/// that [accepts it](crate::OneFactor::or), and never a second factor. No login that waits for one can be handed to it, and
/// its [`Method::MAIL_CODE`] is of no kind (NIST SP 800-63B-4 section 3.1.3.1). A link with
/// [`AccountLinks::ask_to_log_in`] cannot be guessed at all; a code is for those who read mail elsewhere.
///
/// Only an address that was proven is sent a code. One that was not is sent the link that proves it: eight digits show too
/// little for that, and what a stranger made before its owner came is ended by [`AccountLinks::verify`].
///
/// Clones share everything.
///
/// # What they withstand
///
/// Eight digits that log in, for people who read their mail on another device than the one that they log in on. A
/// link is better: nobody guesses 256 bits, and nobody is talked into reading one out.
///
/// ```rust
/// # use std::{net::IpAddr, sync::Arc};
/// # use auth_core::{Authenticator, CounterStore, KeyRing};
/// # use auth_credentials::{AccountLinks, Accounts, MailCodeCredential, MailCodes};
/// # async fn demo(accounts: Accounts, links: AccountLinks, keys: Arc<KeyRing>, counters: Arc<dyn CounterStore>, typed: &str, code: String, peer: Option<IpAddr>) -> Result<(), Box<dyn std::error::Error>> {
/// let codes = MailCodes::new(links, keys, counters); // the gate's policy: `OneFactor::password().or(Method::MAIL_CODE)`
/// let handle = codes.ask(typed, peer).await?; // into a cookie, whether or not there is such an account
/// let credential = MailCodeCredential::new(handle.expose().to_owned(), code, peer);
/// let outcome = accounts.begin(codes.authenticate(credential).await?, peer).await?;
/// # let _ = outcome;
/// # Ok(()) }
/// ```
///
/// - *Whoever reads the mail* has one factor, and the second one is asked for: `a_mailed_code_is_a_first_factor`,
///   `a_mailed_code_is_never_a_second_factor`.
/// - *Who asks for somebody else's address* learns nothing, by answer, handle or work, and a code is of no use but
///   beside the handle: `asking_for_a_code_answers_alike_after_the_same_work`,
///   `a_mailed_code_works_once_beside_its_handle`, `few_codes_are_sent_and_the_answer_stays_the_same`,
///   `codes_for_nobody_leave_a_bounded_number_of_rows`.
/// - *Whoever asks from everywhere, all the time*, is sent the few codes that there are to send, and its owner none.
///   So offer a login link beside codes, [not bound to a browser](AccountLinks::ask_to_log_in): the newest one works
///   for who reads the mail, whoever asked for it
///   (`a_stranger_who_keeps_asking_does_not_take_the_newest_link_away`).
/// - *Guessing* has five tries a code and a hundred in a row; then the mailbox has to be proven by a link that sets
///   a password: `guessing_at_mailed_codes_ends_and_locks_nobody_out_of_a_reset`,
///   `guessing_at_mailed_codes_is_throttled`, `of_32_tries_of_one_mailed_code_at_once_one_succeeds`.
/// - *Whoever signs up with somebody else's address and waits* gains nothing:
///   `an_address_that_nobody_has_proven_is_sent_a_link`.
/// - *An old code* is dead after ten minutes, and after whatever raises the epoch:
///   `a_mailed_code_does_not_survive_what_happens_to_the_account`.
#[derive(Clone)]
pub struct MailCodes {
    links: AccountLinks,
    codes: SentCodes,
    throttle: Throttle,
}

/// A code as it was typed, with the handle of the browser that asked for it.
///
/// No login that waits for a factor has a part in it: reading mail is a way in, and no second factor.
///
/// ```compile_fail
/// use auth_credentials::MailCodeCredential;
///
/// fn second(login: &auth_core::PendingLogin, typed: String) -> MailCodeCredential {
///     MailCodeCredential::new(login, typed, None)
/// }
/// ```
pub struct MailCodeCredential {
    handle: Secret,
    typed: Secret,
    source: Option<IpAddr>,
}

impl MailCodeCredential {
    /// The text of the handle, and what was typed.
    #[must_use]
    pub fn new(handle: String, typed: String, source: Option<IpAddr>) -> Self {
        Self { handle: Secret::from(handle), typed: Secret::from(typed), source }
    }
}

impl fmt::Debug for MailCodeCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailCodeCredential").field("source", &self.source).finish_non_exhaustive()
    }
}

impl MailCodes {
    /// How long a code works: ten minutes (NIST SP 800-63B-4 section 3.1.3). Another one for the same handle does not
    /// prolong it.
    pub const LIFE: Duration = Duration::from_secs(600);
    /// How many codes an account is sent in five minutes.
    pub const MAX_SENT: u32 = 5;
    /// Consecutive failures after which codes by mail are refused until the address is proven anew, by a link that sets a
    /// password: 100, the most that NIST SP 800-63B-4 section 3.2.2 allows.
    pub const MAX_FAILURES: u32 = 100;

    /// Codes for the accounts of these links, kept beside their tokens and sent by their notifier. Asking is counted like
    /// asking for links, tries in `counters` under [`Throttle::mail_codes`].
    #[must_use]
    pub fn new(links: AccountLinks, keys: Arc<KeyRing>, counters: Arc<dyn CounterStore>) -> Self {
        let (tokens, tries) = (Arc::clone(&links.tokens), Arc::clone(&counters));
        let codes = SentCodes { tokens, keys, counters: tries };
        Self { links, codes, throttle: Throttle::mail_codes(counters) }
    }

    /// The same with another throttle for tries.
    #[must_use]
    pub fn with_throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = throttle;
        self
    }

    /// Sends a code, and answers alike, after the same work, whether or not there is such an account.
    ///
    /// # Errors
    /// [`LinkError`]: too many tries, or not now. Never that there is no such account.
    pub async fn ask(&self, typed: &str, source: Option<IpAddr>) -> Result<MailCodeHandle, LinkError> {
        let accounts = &self.links.accounts;
        let id = entropy_array(&*accounts.entropy)?;
        let expires_at = accounts.authenticator().clock.now().saturating_add(Self::LIFE);
        let login = LoginName::canonical(typed).ok();
        let address = login.as_ref().map_or("", LoginName::as_str).to_owned();
        let (owner, epoch) = (None, AuthEpoch::ZERO);
        let mut asked = Asked { id, expires_at, ticket: Ticket { owner, epoch, address, extra: Vec::new() } };
        self.deliver(&mut asked, login.as_ref(), true, source).await?;
        Ok(asked.seal(&self.codes.keys, &*accounts.entropy)?)
    }

    /// Sends another code for the same handle. The one of before is dead, and its tries are not given back.
    ///
    /// # Errors
    /// As [`ask`](Self::ask); refused if the handle is not ours or its time has passed.
    pub async fn ask_again(&self, handle: &str, source: Option<IpAddr>) -> Result<(), LinkError> {
        let mut asked = self.open(handle)?;
        let login = LoginName::parse(&asked.ticket.address).ok();
        self.deliver(&mut asked, login.as_ref(), false, source).await
    }

    /// Sends what there is to send. What was asked for first notes whose it is.
    async fn deliver(
        &self,
        asked: &mut Asked,
        login: Option<&LoginName>,
        first: bool,
        source: Option<IpAddr>,
    ) -> Result<(), LinkError> {
        let (links, checks) = (&self.links, self.links.accounts.authenticator());
        let (realm, now) = (&links.realm, checks.clock.now());
        links.count(login, source).await?;
        let account = match login {
            Some(login) => checks.stores.accounts.by_login(realm, login).await?,
            None => None,
        };
        let verified = links.is_verified(account.as_ref()).await?;
        let sends = if account.is_some() && !verified {
            links.sends(LinkPurpose::VerifyAddress, login).await?
        } else {
            let whose = [b"mail-code ", login.map_or("", LoginName::as_str).as_bytes()].concat();
            let window = Window::new(Duration::from_secs(300));
            links.throttle.spend(realm, &whose, Self::MAX_SENT, window, now).await?
        };
        let account = account.filter(|account| sends && account.status == AccountStatus::Active);
        let known = account.and_then(|account| Some((MailAddress::of(&account.login)?, account)));
        if let (Some((to, account)), false) = (&known, verified) {
            let ticket = Ticket {
                owner: Some(account.id.clone()),
                epoch: account.epoch,
                address: to.as_str().to_owned(),
                extra: Vec::new(),
            };
            let token = links.issue(LinkPurpose::VerifyAddress, account.id.id(), &ticket).await?;
            links.send_link(LinkPurpose::VerifyAddress, to.clone(), &token, Some(&account.id));
            return Ok(());
        }
        if let (Some((_, account)), true) = (&known, first) {
            (asked.ticket.owner, asked.ticket.epoch) = (Some(account.id.clone()), account.epoch);
        }
        // A handle of nobody stays nobody's.
        let known = known.filter(|(_, account)| asked.ticket.owner.as_ref() == Some(&account.id));
        let what = self.code_for(asked, known.is_some())?;
        let code = self.codes.issue(&what, DIGITS, &*links.accounts.entropy, now).await?;
        if let Some((to, account)) = known
            && links.send(to, Notice::LogInCode(code), CODES.as_str())
        {
            checks.record(&AuditEvent::CodeSent { principal: account.id, method: Method::MAIL_CODE });
        }
        Ok(())
    }

    /// The code of a handle. Those that are sent to nobody are of one subject of 256: so there are never more.
    fn code_for<'a>(&'a self, asked: &'a Asked, known: bool) -> Result<CodeFor<'a>, EntropyError> {
        let [which, ..] = asked.id;
        let subject = if known {
            subject_of(&asked.id)?
        } else {
            TokenSubject::parse(&format!("decoy {which}")).map_err(|_| EntropyError)?
        };
        let (realm, handle, expires_at) = (&self.links.realm, asked.id.as_slice(), asked.expires_at);
        Ok(CodeFor { realm, codes: CODES, tries: TRIES, handle, subject, expires_at })
    }

    async fn check(
        &self,
        asked: &Asked,
        typed: Option<&str>,
        source: Option<IpAddr>,
    ) -> Result<(), AuthenticateError> {
        let (checks, realm) = (self.links.accounts.authenticator(), &self.links.realm);
        let (whose, source) = (asked.ticket.address.as_bytes(), SourceKey::from_peer(source));
        let now = checks.clock.now();
        let tries = self.throttle.tries(realm, Some(whose), source, now);
        tries.look().await?;
        tries.count().await?;
        // What a handle has no tries for is no guess, and must not lock the codes of whoever the address is of.
        let what = self.code_for(asked, asked.ticket.owner.is_some())?;
        self.codes.count(&what, now).await?;
        let key = self.links.mailbox_key(asked.ticket.owner.as_ref());
        let found = checks.stores.credentials.find(&key).await?;
        // Counted before anything is looked up, over all handles: asking anew brings no new tries.
        let failures = checks.stores.credentials.count_failure(&key).await?;
        let redeemed = match self.codes.redeem_counted(&what, typed, now).await {
            Err(AuthenticateError::Rejected(rejection)) => Err(rejection),
            redeemed => Ok(redeemed?),
        };
        let found = usable(asked, found)?;
        if failures.is_none_or(|failures| failures > Self::MAX_FAILURES) {
            return Err(RejectionReason::Locked.into());
        }
        redeemed?;
        if !checks.stores.credentials.succeeded(&key, found.credential.version, now).await? {
            return Err(RejectionReason::Revoked.into());
        }
        // Counted tries that stay counted are the safe side.
        let _ = self.throttle.forget_pair(realm, whose, source.into()).await;
        Ok(())
    }

    /// Counts a try with a handle that is not ours or whose time has passed: of its source, and nothing else.
    async fn count_nobodys(
        &self,
        reason: RejectionReason,
        source: Option<IpAddr>,
    ) -> Result<(), AuthenticateError> {
        let now = self.links.accounts.authenticator().clock.now();
        let tries = self.throttle.tries(&self.links.realm, None, SourceKey::from_peer(source), now);
        tries.look().await?;
        tries.count().await?;
        Err(reason.into())
    }

    /// Reads a handle whose time has not passed.
    fn open(&self, text: &str) -> Result<Asked, RejectionReason> {
        let asked = Asked::read(text, &self.codes.keys, &self.links.realm).ok_or(RejectionReason::Unknown)?;
        if self.links.accounts.authenticator().clock.now() >= asked.expires_at {
            return Err(RejectionReason::Expired);
        }
        Ok(asked)
    }
}

#[async_trait]
impl Authenticator for MailCodes {
    type Credential = MailCodeCredential;
    type Proof = FactorPassed;

    async fn authenticate(&self, credential: MailCodeCredential) -> Result<FactorPassed, AuthenticateError> {
        let (checks, realm) = (self.links.accounts.authenticator(), &self.links.realm);
        let MailCodeCredential { handle, typed, source } = credential;
        let method = Method::MAIL_CODE;
        let asked = handle.expose_str().ok_or(RejectionReason::Unknown).and_then(|text| self.open(text));
        let checked = match &asked {
            Ok(asked) => self.check(asked, typed.expose_str(), source).await,
            Err(reason) => self.count_nobodys(*reason, source).await,
        };
        let ticket = asked.ok().map(|asked| asked.ticket);
        match (checked, ticket) {
            (Ok(()), Some(Ticket { owner: Some(principal), epoch, .. })) => {
                let (whose, how) = (principal.clone(), method.clone());
                checks.record(&AuditEvent::FactorPassed { principal: whose, method: how, source });
                // The epoch was compared with what was read together with the mailbox.
                Ok(FactorPassed::assertion(principal, method, checks.clock.now(), epoch))
            }
            (Err(AuthenticateError::Rejected(rejection)), ticket) => {
                // What nobody was given guesses at nobody's code, and costs nothing to make up.
                if ticket.is_some() {
                    self.throttle.refused(realm, checks.clock.now()).await?;
                }
                let (reason, principal) = (rejection.reason(), ticket.and_then(|ticket| ticket.owner));
                checks.record(&AuditEvent::CredentialRefused { reason, method, principal, source });
                Err(rejection.into())
            }
            (Err(error), ticket) => {
                if let AuthenticateError::Throttled(_) = error {
                    let principal = ticket.and_then(|ticket| ticket.owner);
                    let what = self.throttle.purpose().as_str();
                    checks.record(&AuditEvent::Throttled { what, principal, source });
                }
                Err(error)
            }
            (Ok(()), _) => Err(RejectionReason::Unknown.into()),
        }
    }
}

impl fmt::Debug for MailCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailCodes")
            .field("links", &self.links)
            .field("throttle", &self.throttle)
            .finish_non_exhaustive()
    }
}

/// The proven mailbox of a handle's account, if that is as it was when the code was sent.
fn usable(asked: &Asked, found: Option<FoundCredential>) -> Result<FoundCredential, RejectionReason> {
    let found = found.filter(|_| asked.ticket.owner.is_some()).ok_or(RejectionReason::Unknown)?;
    if found.status != AccountStatus::Active {
        return Err(RejectionReason::Disabled);
    }
    let same = found.credential.data.expose() == asked.ticket.address.as_bytes();
    if !same || found.epoch != asked.ticket.epoch {
        return Err(RejectionReason::Revoked);
    }
    Ok(found)
}
