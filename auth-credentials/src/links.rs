//! Links that are sent to an address, and what they do.

pub(crate) mod address;
mod ask;
pub(crate) mod base;
mod change;
mod change_password;
pub(crate) mod error;
mod invite;
mod magic;
pub(crate) mod mail_codes;
pub(crate) mod message;
pub(crate) mod notifiers;
mod redeem;
mod reset;
pub(crate) mod token;
mod verify;

use std::{fmt, sync::Arc};

use auth_core::{
    AuditEvent, CounterStore, EntropyError, PrincipalId, Put, Realm, StoreError, TokenKey, TokenRecord,
    TokenStore, TokenSubject,
};

use self::{
    address::MailAddress,
    base::{LinkBase, LinkBaseError, LinkPurpose},
    error::LinkError,
    message::{Message, Notice, Notifier, Recipient},
    token::{OneTimeToken, Ticket},
};
pub use self::{invite::Invited, magic::MagicLogin};
use crate::{accounts::Accounts, throttle::Throttle};

/// Links that are sent to the address of an account, which is its login: to verify it, to set a new password, to log
/// in, to change it, to invite.
///
/// | ask | use | what comes of it |
/// |---|---|---|
/// | [`ask_to_verify`](Self::ask_to_verify) | [`verify`](Self::verify) | the address is proven |
/// | [`ask_to_reset`](Self::ask_to_reset) | [`reset`](Self::reset) | a new password; every session is dead, and nobody is logged in |
/// | [`ask_to_log_in`](Self::ask_to_log_in) | [`log_in`](Self::log_in) | a factor, for [`Accounts::begin`] |
/// | [`ask_to_change`](Self::ask_to_change) | [`change`](Self::change) | another login; every session is dead |
/// | [`invite`](Self::invite) | [`accept`](Self::accept) | an account |
///
/// [`change_password`](Self::change_password) needs no link and tells the owner.
///
/// Asking answers alike, after the same work, whether or not there is such an account; the message tells its owner.
/// A page that a link leads to calls [`look`](Self::look) and shows a form; only the form's POST uses the token up.
/// Tokens have 256 bits; the store has their hashes, bound to purpose, account, address and, once the address is proven,
/// epoch. One try wins, and the newest link is the only one; of those that are bound to a browser, that of each browser.
///
/// An account whose address nobody has proven may have been made by a stranger who waits for its owner. So the first
/// time that somebody proves to read that mail, everything that was there before goes: password, second factor, keys,
/// sessions ([`Accounts::finish_sweep`]).
///
/// Clones share everything.
///
/// # What they withstand
///
/// One mechanism for all: 256 bits in the link, their SHA-256 in the `TokenStore`, bound to purpose, account,
/// address and (of an account that somebody has proven to be theirs) epoch, single use, the newest one only.
///
/// ```rust
/// # use std::{net::IpAddr, sync::Arc};
/// # use auth_core::{MemoryCounters, MemoryTokens};
/// # use auth_credentials::{Accounts, AccountLinks, LinkBase, LinkPurpose, Password, WriterNotifier};
/// # async fn demo(accounts: Accounts, typed: &str, token: &str, new: String, peer: Option<IpAddr>) -> Result<(), Box<dyn std::error::Error>> {
/// let links = AccountLinks::new(
///     accounts.clone(),
///     Arc::new(MemoryTokens::new(10_000)),
///     Arc::new(WriterNotifier::console()?), // your mail queue
///     LinkBase::parse("https://app.example")?,
///     Arc::new(MemoryCounters::new(10_000)),
/// );
/// links.ask_to_reset(typed, peer).await?; // the page says "if there is such an account, a link is on its way"
/// links.look(LinkPurpose::ResetPassword, token).await?; // GET: shows a form with the token in a hidden field
/// let raised = links.reset(token, Password::new(new), peer).await?; // POST; then `accounts.finish_sweep`, and the login page
/// # Ok(()) }
/// ```
///
/// - *Who asks for somebody else's address* gets the same answer after the same work, and three tries an hour; over
///   an account's limit its owner still has a turn within sixteen seconds:
///   `asking_answers_alike_after_the_same_work`, `asking_takes_the_same_time`,
///   `asking_is_throttled_and_the_owner_still_gets_a_link`. Whoever keeps asking from everywhere neither floods the
///   mailbox nor keeps ending the link in it: `a_stranger_who_keeps_asking_does_not_take_the_newest_link_away`. Have the
///   `Notifier` queue: the time that a mail server takes tells who has an account.
/// - *Whoever has many accounts*, or may invite, sends no more of them to a stranger's mailbox:
///   `a_strangers_mailbox_is_sent_few_links_whoever_asks`, `a_mailbox_is_sent_few_invitations_whoever_invites`.
/// - *A forged `Host` header* changes no link: `links_go_to_the_stored_address_and_begin_with_the_configured_url`.
/// - *Programs that open links in mail* use nothing up, for only `reset`, `log_in`, `verify`, `change` and `accept`
///   do: `looking_uses_nothing_up`. Call those on POST alone. Send `Referrer-Policy: same-origin` and
///   `Cache-Control: no-store` with the page. (`no-referrer` has browsers send `Origin: null` with its form, which the
///   check for cross-site requests refuses where nothing else says that the page is yours.)
/// - *An old link* is dead after its use and a newer one; once the address is proven, also after another password or
///   address, a disabled account, logging out everywhere: `a_link_does_not_survive_what_happens_to_the_account`, `a_newer_link_ends_the_older_one`,
///   `a_link_to_the_old_address_is_dead`, `a_link_is_for_one_purpose`; at once it works once:
///   `of_16_resets_by_one_link_at_once_one_wins`, `of_16_logins_by_one_link_at_once_one_wins`.
/// - *Whoever reads the mail* gets no further than the second factor: `a_second_factor_stays`,
///   `a_link_does_not_get_past_a_second_factor`. A reset logs nobody in.
/// - *Whoever signs up with somebody else's address and waits* loses password, second factor, keys and sessions
///   when its owner proves to read the mail: `an_account_that_nobody_verified_keeps_nothing`,
///   `an_invitation_takes_over_an_account_that_nobody_verified`,
///   `an_account_that_nobody_verified_loses_its_password_and_sessions`,
///   `whoever_only_reads_the_mail_ends_what_somebody_else_made`. Whoever opens the link where they are
///   logged in by a session keeps them; by an access token or a key, nobody does: `a_program_keeps_nothing_by_verifying`. A password that the stranger changes again and again ends no link to that mailbox, nor does logging
///   out everywhere; while the account is disabled none works, and once it is enabled those do whose time lasts:
///   `whoever_holds_an_unverified_account_ends_no_link_of_its_mailbox`,
///   `links_to_an_unverified_account_survive_its_being_disabled_and_enabled`. A link that comes to nothing because the
///   account changes all the time is put back, but for an invitation, which could have been withdrawn in that moment:
///   `a_link_that_comes_to_nothing_for_changes_of_the_account_works_on`.
/// - *Whoever talks somebody into asking for a login link* has no use for it in another browser, where the page
///   binds it to a cookie: `a_link_that_is_bound_to_a_browser_works_there_alone`. Nor does their asking end it:
///   `a_stranger_who_asks_does_not_end_a_link_that_is_bound_to_a_browser`. But whoever asks from everywhere, all the
///   time, is sent the few that there are to send, and its owner none: leave people another way in beside it.
/// - *A stolen session* changes no address without a login of the last ten minutes, and both mailboxes are told:
///   `only_a_fresh_login_asks_for_another_address`, `the_link_makes_the_new_address_the_login`.
/// - *Whoever finds a session open and knows the password* changes it, and its owner is told, where the page calls
///   [`change_password`](Self::change_password): `whoever_changes_a_password_has_its_owner_told`. Changed over and
///   over, it fills no mailbox: `a_mailbox_is_told_of_few_changes_and_every_change_is_made`.
/// - *A link to a stranger's account* that is sent to somebody's address proves nothing when they press the button:
///   `change` takes the request of the account's owner.
///   `whoever_reads_the_mail_does_not_prove_a_strangers_account`. Have its page ask for a login first.
#[derive(Clone)]
pub struct AccountLinks {
    accounts: Accounts,
    tokens: Arc<dyn TokenStore>,
    notifier: Arc<dyn Notifier>,
    base: LinkBase,
    paths: Vec<(LinkPurpose, Box<str>)>,
    throttle: Throttle,
    realm: Realm,
}

impl AccountLinks {
    /// How many messages for one purpose an address is sent in half the time that such a link works. What is asked for
    /// beyond them is answered alike, and nothing comes of it: the newest link works on. Who asks for the address of
    /// somebody else, to change to it or to invite them, is told to wait.
    pub const MAX_SENT: u32 = 5;

    /// Links for these accounts, below the public URL. Asking is counted in `counters` under [`Throttle::links`].
    #[must_use]
    pub fn new(
        accounts: Accounts,
        tokens: Arc<dyn TokenStore>,
        notifier: Arc<dyn Notifier>,
        base: LinkBase,
        counters: Arc<dyn CounterStore>,
    ) -> Self {
        let (throttle, realm) = (Throttle::links(counters), Realm::LOCAL);
        Self { accounts, tokens, notifier, base, paths: Vec::new(), throttle, realm }
    }

    /// The same for the accounts of this realm instead of [`Realm::LOCAL`].
    #[must_use]
    pub fn in_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// The same with another throttle.
    #[must_use]
    pub fn with_throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = throttle;
        self
    }

    /// The same with another page for a purpose, instead of [`LinkPurpose::default_path`].
    ///
    /// # Errors
    /// [`LinkBaseError::Path`].
    pub fn with_path(mut self, purpose: LinkPurpose, path: &str) -> Result<Self, LinkBaseError> {
        base::check_path(path)?;
        self.paths.retain(|(other, _)| *other != purpose);
        self.paths.push((purpose, path.into()));
        Ok(self)
    }

    /// Issues a token for a ticket, and ends those that its subject had for the same purpose.
    async fn issue(
        &self,
        purpose: LinkPurpose,
        subject: &str,
        ticket: &Ticket,
    ) -> Result<OneTimeToken, LinkError> {
        let checks = self.accounts.authenticator();
        let (token, now) = (OneTimeToken::generate(&*self.accounts.entropy)?, checks.clock.now());
        let record = TokenRecord {
            key: self.key(purpose, &token),
            // Ids and addresses are short and printable.
            subject: TokenSubject::parse(subject).map_err(|_| EntropyError)?,
            expires_at: now.saturating_add(purpose.life()),
            payload: ticket.write(),
        };
        match self.tokens.replace(&record, now).await? {
            Put::Stored => Ok(token),
            Put::Collision => Err(StoreError::not_written("a token has this hash").into()),
        }
    }

    fn key(&self, purpose: LinkPurpose, token: &OneTimeToken) -> TokenKey {
        TokenKey { realm: self.realm.clone(), purpose: purpose.token_purpose(), hash: token.hash() }
    }

    /// Sends a link to an address.
    fn send_link(
        &self,
        purpose: LinkPurpose,
        to: MailAddress,
        token: &OneTimeToken,
        owner: Option<&PrincipalId>,
    ) {
        let path = self.paths.iter().find(|(one, _)| *one == purpose).map(|(_, path)| &**path);
        let link = self.base.link(path.unwrap_or(purpose.default_path()), token);
        let notice = match purpose {
            LinkPurpose::VerifyAddress => Notice::VerifyAddress(link),
            LinkPurpose::ResetPassword => Notice::ResetPassword(link),
            LinkPurpose::MagicLink => Notice::MagicLink(link),
            LinkPurpose::ChangeAddress => Notice::ChangeAddress(link),
            LinkPurpose::Invitation => Notice::Invitation(link),
        };
        let what = purpose.as_str();
        if self.send(to, notice, what)
            && let Some(principal) = owner.cloned()
        {
            self.accounts.authenticator().record(&AuditEvent::LinkSent { principal, what });
        }
    }

    /// Sends a message; one that is lost is written down, and nobody who asked for it is told.
    pub(crate) fn send(&self, to: MailAddress, notice: Notice, what: &'static str) -> bool {
        let to = Recipient::Mail(to);
        let sent = self.notifier.notify(&Message { to, notice }).is_ok();
        if !sent {
            self.accounts.authenticator().record(&AuditEvent::NotSent { what });
        }
        sent
    }
}

impl fmt::Debug for AccountLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountLinks")
            .field("base", &self.base)
            .field("throttle", &self.throttle)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}
