//! Sessions that are nothing but a cookie.

mod policy;
mod revocation;
mod seal;
mod session;

use std::{fmt, sync::Arc};

use auth_core::{
    AuditEvent, AuditSink, AuthEpoch, Authentication, Clock, Entropy, KeyRing, Malformed, Secret, SessionId,
    SessionOwner, StoreError, SystemClock, SystemEntropy, TokenStore, Unavailable, UnixTime,
};

pub use self::{
    policy::CookieSessionPolicy,
    revocation::{Irrevocable, Revocable, Revocation},
    session::{CookieSession, SealError},
};
use self::{
    revocation::{Ended, Ending},
    seal::Sealed,
    session::Carried,
};
use crate::{epochs::EpochCheck, policy::SessionPolicy};

/// Sessions that are kept in the browser and nowhere else: login, deadlines and data are in the cookie, sealed
/// (XChaCha20-Poly1305) under a key of the ring. For applications that have no place to keep sessions.
///
/// **A logout makes the browser forget its cookie. It ends nothing**: whoever copied the cookie stays logged in until a
/// deadline, and whoever kept an older one brings its older data back, a cart that was paid for included. Nobody can
/// list sessions, end them or limit their number. What can be done:
///
/// - Keep [deadlines](CookieSessionPolicy) short.
/// - Raise the account's epoch: at the next [check](EpochCheck) all its sessions are refused. Without a source of
///   epochs, a changed password ends no session.
/// - Keep a list of the sessions that were ended, [`with_revocations`](CookieSessions::with_revocations): then there
///   is [`end`](CookieSession::end), and each request asks the list.
/// - Take the key out of the ring: that ends everybody's.
///
/// The layers of `auth-web` do not serve these sessions. What they do for others is yours to do:
///
/// - Refuse requests of other sites before you act for the session, with [`CsrfPolicy`](crate::CsrfPolicy).
/// - Send `Vary: Cookie` with what depends on the session, and `Cache-Control: no-store` with its cookie.
/// - Give the cookie a name of its own, such as `CookiePolicy::host("sealed")?`, where [`Sessions`](crate::Sessions)
///   are served on the same host: both have the same name by [default](crate::CookiePolicy::default), and each clears
///   what it cannot read.
///
/// If you have a place for the list of ended sessions, you have one for [`Sessions`](crate::Sessions), which do all of it.
///
/// ```
/// # use std::sync::Arc;
/// # use auth_core::{DiscardAudit, EpochSource, KeyRing, Login};
/// use auth_session::{CookiePolicy, CookieSessionPolicy, CookieSessions, EpochCheck};
///
/// # async fn demo(keys: Arc<KeyRing>, accounts: Arc<dyn EpochSource>, login: Login) -> Result<(), Box<dyn std::error::Error>> {
/// let policy = CookieSessionPolicy::aal2(CookiePolicy::default());
/// let sessions = CookieSessions::new(keys, EpochCheck::by(accounts), Arc::new(DiscardAudit), policy);
///
/// let mut session = sessions.open(&sessions.read([&b"theme=dark"[..]])?).await?;
/// session.start(login).await?;
/// let cookie = session.commit()?; // the header to send
/// # let header = cookie.ok_or("no cookie")?.expose().split(';').next().unwrap_or_default().to_owned();
/// # let session = sessions.open(&sessions.read([header.as_bytes()])?).await?;
/// # assert_eq!(session.authenticated().ok_or("nobody")?.principal().id(), "ann");
/// # Ok(())
/// # }
/// # struct Accounts;
/// # #[async_trait::async_trait]
/// # impl EpochSource for Accounts {
/// #     async fn epoch_of(&self, _: &auth_core::PrincipalId) -> Result<Option<auth_core::AuthEpoch>, auth_core::StoreError> {
/// #         Ok(Some(auth_core::AuthEpoch::ZERO))
/// #     }
/// # }
/// # let keys = KeyRing::generate(auth_core::KeyName::from_static("demo"), &auth_core::SystemEntropy).unwrap();
/// # let ann = auth_core::PrincipalId::local_user("ann").unwrap();
/// # let login = auth_core::testing::login_as(&ann, auth_core::Clock::now(&auth_core::SystemClock));
/// # auth_core::testing::block_on(demo(Arc::new(keys), Arc::new(Accounts), login)).unwrap();
/// ```
///
/// Without a list, nothing promises an end:
///
/// ```compile_fail,E0599
/// # async fn log_out(mut session: auth_session::CookieSession) {
/// session.end().await; // there is only `forget`
/// # }
/// ```
#[derive(Clone)]
pub struct CookieSessions<R: Revocation = Irrevocable> {
    engine: Arc<Engine>,
    revocation: R,
}

#[derive(Clone)]
struct Engine {
    keys: Arc<KeyRing>,
    epochs: EpochCheck,
    audit: Arc<dyn AuditSink>,
    policy: CookieSessionPolicy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Engine {
    /// Whether a session of this login may live on.
    async fn admits(
        &self,
        login: &Authentication,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        if !self.epochs.admits(&login.principal, login.epoch, id.tag(), now).await? {
            return Ok(false);
        }
        let Some(actor) = &login.actor else { return Ok(true) };
        // The epoch of the actor's own login is not known here: only an account that never changed is let in.
        let tag = SessionOwner::new(actor.clone(), &self.keys).tag();
        self.epochs.admits(actor, AuthEpoch::ZERO, tag, now).await
    }
}

impl CookieSessions {
    /// Sessions under the keys of `keys`, with the system's clock and randomness: the current key seals, and retired
    /// ones still open. `epochs` is what ends the sessions of a changed account.
    #[must_use]
    pub fn new(
        keys: Arc<KeyRing>,
        epochs: EpochCheck,
        audit: Arc<dyn AuditSink>,
        policy: CookieSessionPolicy,
    ) -> Self {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let engine = Arc::new(Engine { keys, epochs, audit, policy, clock, entropy });
        Self { engine, revocation: Irrevocable }
    }

    /// The same with a list of the sessions that were ended, which each request is looked up in. `list` keeps one
    /// token for each of them, until the session would have ended by itself; a list that is forgotten when the
    /// process ends brings its sessions back.
    #[must_use]
    pub fn with_revocations(self, list: Arc<dyn TokenStore>) -> CookieSessions<Revocable> {
        CookieSessions { engine: self.engine, revocation: Revocable::new(list) }
    }
}

impl<R: Revocation> CookieSessions<R> {
    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        Arc::make_mut(&mut self.engine).clock = clock;
        self
    }

    /// The same with another source of randomness.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        Arc::make_mut(&mut self.engine).entropy = entropy;
        self
    }

    /// What was decided for all sessions.
    #[must_use]
    pub fn policy(&self) -> &CookieSessionPolicy {
        &self.engine.policy
    }

    /// Reads the session cookie from the values of all `Cookie` lines of a request. Opens nothing.
    ///
    /// # Errors
    /// [`Malformed`] if our cookie comes twice or the lines are too long: 400, before any work.
    pub fn read<'a>(
        &self,
        cookie_lines: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
    ) -> Result<SealedCookie, Malformed> {
        let value = self.engine.policy.cookie().name().find_in(cookie_lines)?;
        Ok(SealedCookie(value.map(|value| Secret::new(value.to_vec()))))
    }

    /// The session that a request carries.
    ///
    /// What was not sealed here, is past a deadline, is of an older epoch or was ended, is nobody's.
    ///
    /// # Errors
    /// [`Unavailable`] if the accounts or the list could not be asked: 503. It is then not known whether somebody is
    /// logged in, and the browser's cookie must be left alone.
    pub async fn open(&self, cookie: &SealedCookie) -> Result<CookieSession<R>, Unavailable> {
        let engine = &self.engine;
        let unsealed =
            |value: &Secret| seal::open(&engine.keys, engine.policy.cookie().name(), value.expose());
        let (carried, sealed) = match &cookie.0 {
            None => (Carried::Nothing, None),
            Some(value) => match unsealed(value) {
                None => (Carried::Foreign, None),
                Some(sealed) if self.is_alive(&sealed).await? => (Carried::Ours, Some(sealed)),
                Some(_) => (Carried::Ours, None),
            },
        };
        Ok(CookieSession::opened(Arc::clone(engine), self.revocation.clone(), sealed, carried))
    }

    async fn is_alive(&self, sealed: &Sealed) -> Result<bool, Unavailable> {
        let (engine, now) = (&self.engine, self.engine.clock.now());
        if !sealed.is_live(now) {
            return Ok(false);
        }
        if let Some(authentication) = &sealed.authentication
            && !engine.admits(authentication, &sealed.id, now).await?
        {
            return Ok(false);
        }
        Ok(!self.revocation.is_ended(&sealed.id, now).await?)
    }
}

impl CookieSessions<Revocable> {
    /// Ends a session by its public id, wherever its cookie is. That it exists is not known here: whoever asks for it
    /// must be entitled to.
    ///
    /// # Errors
    /// [`StoreError`]. The call may be repeated.
    pub async fn revoke(&self, id: &SessionId) -> Result<(), StoreError> {
        let now = self.engine.clock.now();
        // However long its policy let it live.
        let until = now.saturating_add(SessionPolicy::MAX_ABSOLUTE);
        if self.revocation.end(id, until, now).await? == Ending::Now {
            self.engine.audit.record(now, &AuditEvent::SessionEnded { session: *id, why: "revoked" });
        }
        Ok(())
    }
}

impl<R: Revocation> fmt::Debug for CookieSessions<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSessions")
            .field("keys", &self.engine.keys)
            .field("epochs", &self.engine.epochs)
            .field("policy", &self.engine.policy)
            .field("revocation", &self.revocation)
            .finish_non_exhaustive()
    }
}

/// The session cookie of a request, as it came: sealed, and perhaps not by us.
#[derive(Debug, Clone)]
pub struct SealedCookie(Option<Secret>);

impl SealedCookie {
    /// No session cookie, or one that is ignored because the request has an `Authorization` header.
    #[must_use]
    pub const fn nothing() -> Self {
        Self(None)
    }

    /// Whether the request carries a session cookie of any value.
    #[must_use]
    pub const fn is_something(&self) -> bool {
        self.0.is_some()
    }
}
