//! One request, from its headers to the headers of its answer. Knows no framework.

mod form;
mod incoming;
mod permission;
mod session;
mod token;

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use auth_core::{
    AuthEpoch, Authenticated, Login, Malformed, Refusal as Core, Rejection, SessionId, Unavailable,
};
use auth_credentials::BasicCredential;
use auth_jwt::AccessToken;
use auth_session::{
    CrossSite, CrossSiteReason, Incoming as SessionIncoming, Outgoing, Session, SessionData, SetCookie,
    StartOptions,
};
use tokio::sync::{Mutex, OnceCell};

use self::form::Form;
pub(crate) use self::incoming::{Head, HeaderLines};
use crate::{
    Auth, NextPath, Refusal,
    answer::{Answer, Asker, Reader, answer},
};

/// One request as this crate sees it: who sent it, its session, and what its answer must carry.
///
/// As an extractor it is what a login handler needs: [`log_in`](Self::log_in), [`log_out`](Self::log_out),
/// [`end_other_sessions`](Self::end_other_sessions). Clones are the same request; one that outlives the answer
/// is refused its session, for nothing could be saved any more.
#[derive(Clone)]
pub struct Visit(Arc<Inner>);

struct Inner {
    auth: Auth,
    carried: Carried,
    /// Whether a page of ours caused the request: what beginning a session needs.
    may_log_in: Result<(), CrossSite>,
    form: Form,
    source: Option<IpAddr>,
    reader: Reader,
    next: Option<NextPath>,
    /// Whether the answer depends on who asked.
    consulted: AtomicBool,
    /// What came of the token or key. One that could not be checked is checked again.
    bearer: OnceCell<Result<Authenticated, Rejection>>,
    session: Mutex<State>,
}

/// The request's session.
enum State {
    /// No handler has asked yet.
    Unopened,
    Open(Session),
    /// The answer is made: what is set from now on would reach nobody.
    Finished,
}

/// With what the request may prove who sends it: one thing only.
enum Carried {
    Cookie(SessionIncoming),
    Bearer(AccessToken),
    /// A key of a program, in the place of a bearer token.
    ApiKey(AccessToken),
    /// A login name and a password, where that is set up. Browsers add it by themselves.
    Basic(BasicCredential),
    /// In the cookie that is set up for it. A browser adds it by itself, like that of a session.
    TokenCookie(AccessToken),
    /// An `Authorization` header of another scheme: it proves nothing, and cookies are ignored. Or no token where
    /// tokens are in a cookie.
    Nothing,
}

impl Carried {
    /// Whether it is a token or a key that the client wrote on purpose.
    const fn is_in_a_header(&self) -> bool {
        matches!(self, Self::Bearer(_) | Self::ApiKey(_))
    }
}

impl Visit {
    /// Reads a request's headers. Touches no store.
    ///
    /// # Errors
    /// The answer to give instead of handling the request: it cannot be read, or another site caused it.
    pub(crate) fn begin(auth: &Auth, head: &Head<'_>) -> Result<Self, Answer> {
        Self::read(auth, head).map_err(|refusal| {
            if matches!(refusal, Core::CrossSite) {
                auth.cross_site_is_refused(head.client(auth));
            }
            let (reader, bearer) = (head.reader(), head.has_authorization());
            let next = head.way_back(reader);
            let (login_page, basic) = (auth.login_page(), auth.basic_challenge());
            answer(&refusal, Asker { reader, bearer, basic, login_page, next: next.as_ref() })
        })
    }

    fn read(auth: &Auth, head: &Head<'_>) -> Result<Self, Core> {
        if auth.public_url().is_development() && !head.is_for(auth.public_url().authority()) {
            return Err(Malformed::Header.into());
        }
        // Bound to more than was said at the start: nobody else gets an answer all the same.
        let here = head.peer.is_none_or(|peer| peer.to_canonical().is_loopback());
        if auth.public_url().is_development() && !here {
            return Err(Malformed::Header.into());
        }
        if head.peer.is_none() {
            auth.peer_is_unknown();
        }
        let carried = head.carried(auth)?;
        let csrf = |begins_session| auth.0.csrf.check(&head.csrf_request().begins_session(begins_session));
        let form = Form::of(auth, head);
        // A bearer token or a key is added by a program and never by a browser on its own.
        if !carried.is_in_a_header() {
            form.allows(csrf(false))?;
        }
        let may_log_in = csrf(true);
        // A browser adds it to whatever another site asks for, by any method, and each costs a hash.
        if let (Carried::Basic(_), Err(error)) = (&carried, may_log_in)
            && error.reason != CrossSiteReason::NoHeaders
        {
            return Err(error.into());
        }
        let reader = head.reader();
        Ok(Self(Arc::new(Inner {
            carried,
            may_log_in,
            form,
            source: head.client(auth),
            reader,
            next: head.way_back(reader),
            consulted: AtomicBool::new(false),
            bearer: OnceCell::new(),
            session: Mutex::new(State::Unopened),
            auth: auth.clone(),
        })))
    }

    /// Whom the request acts for, or `None` if it carries no credential, the cookie of no live session, or an access
    /// token in a cookie that is refused.
    ///
    /// # Errors
    /// A bearer token or key that is refused is not the same as none: 401. Nor is a session that is
    /// [challenged](auth_session::Session::challenge). A store that fails: 503.
    pub async fn user(&self) -> Result<Option<Authenticated>, Refusal> {
        self.consult();
        match &self.0.carried {
            Carried::Nothing => Ok(None),
            Carried::Bearer(_) | Carried::ApiKey(_) => self.bearer().await.map(Some),
            Carried::TokenCookie(token) => self.token_cookie(token).await,
            Carried::Basic(credential) => self.basic(credential).await.map(Some),
            Carried::Cookie(_) => self.session_user().await,
        }
    }

    /// Whom the request acts for.
    ///
    /// # Errors
    /// As [`user`](Self::user), and 401 if it is nobody.
    pub async fn require_user(&self) -> Result<Authenticated, Refusal> {
        self.user().await?.ok_or(Refusal::unauthenticated())
    }

    /// Whether the request may begin a session: a header must say that a page of ours caused it, or a stranger
    /// could log people in as himself. Call it before looking at a credential, or
    /// [`may_log_in_by`](Self::may_log_in_by) where the form has a token.
    ///
    /// # Errors
    /// 403, which is written to the audit log: 16 at once, and one a second with how many were not.
    pub fn may_log_in(&self) -> Result<(), Refusal> {
        match self.0.may_log_in {
            Err(error) if !self.0.form.is_ours() => Err(self.cross_site(error)),
            _ => Ok(()),
        }
    }

    /// Whether a page of ours caused the request, which a browser need not say of one by GET. A bearer token or a key is
    /// added by a program and never by a browser on its own.
    fn may_change_session(&self) -> Result<(), Refusal> {
        if self.0.carried.is_in_a_header() { Ok(()) } else { self.may_log_in() }
    }

    fn cross_site(&self, error: CrossSite) -> Refusal {
        self.0.auth.cross_site_is_refused(self.0.source);
        error.into()
    }

    /// Begins a session with a login, in place of the one that the request came with.
    ///
    /// # Errors
    /// 403 as [`may_log_in`](Self::may_log_in). 401 if the account changed meanwhile or has too many sessions;
    /// 503 if it cannot be stored.
    pub async fn log_in(&self, login: Login) -> Result<SessionId, Refusal> {
        self.log_in_with(login, StartOptions::new()).await
    }

    /// Ends the request's session. Answers whether there was one. The answer clears the cookie.
    ///
    /// # Errors
    /// 403 if no page of ours caused the request, whatever its method: a link elsewhere logs nobody out. 503: the
    /// session may live on.
    pub async fn log_out(&self) -> Result<bool, Refusal> {
        self.consult();
        self.may_change_session()?;
        let ended = self.session().await?.replaceable()?.end().await?;
        // Without randomness one can still log out.
        self.0.form.replace(self.0.form.successor(&self.0.auth).unwrap_or_default());
        Ok(ended)
    }

    /// Replaces the secret of the request's session, for a change of privilege.
    ///
    /// # Errors
    /// 401 if there is no session; 403 as [`log_out`](Self::log_out); 503.
    pub async fn rotate_session(&self) -> Result<(), Refusal> {
        self.consult();
        self.may_change_session()?;
        Ok(self.session().await?.require()?.rotate().await?)
    }

    /// Ends all other sessions of whoever is logged in, and logins that are under way. Answers how many.
    ///
    /// `epoch` is the account's new one. The request's session is spared if it is of the epoch directly before,
    /// as that of whoever has just raised it is.
    ///
    /// # Errors
    /// 401 if there is no session, or it was not spared; 403 as [`log_out`](Self::log_out); 503, after which the call
    /// may be repeated.
    pub async fn end_other_sessions(&self, epoch: AuthEpoch) -> Result<u64, Refusal> {
        self.consult();
        self.may_change_session()?;
        Ok(self.session().await?.require()?.end_all_others(epoch).await?)
    }

    /// The public id of the request's session.
    ///
    /// # Errors
    /// 503.
    pub async fn session_id(&self) -> Result<Option<SessionId>, Refusal> {
        self.consult();
        self.with_session(|session| session.id()).await
    }

    /// Whether the request may have a session: it has no `Authorization` header, and access tokens are in
    /// [no cookie](crate::AuthBuilder::access_cookie). Where it may not, what reads or writes one answers 401.
    #[must_use]
    pub fn may_have_session(&self) -> bool {
        self.consult();
        matches!(self.0.carried, Carried::Cookie(_))
    }

    /// The value of a slot of the session.
    ///
    /// # Errors
    /// 401 if the request has an `Authorization` header, and so no session; 503 if what is stored cannot be
    /// read.
    pub async fn get<T: SessionData>(&self) -> Result<Option<T>, Refusal> {
        self.consult();
        Ok(self.session().await?.require()?.get::<T>()?)
    }

    /// Sets a slot of the session. It is written when the request was handled.
    ///
    /// # Errors
    /// 401 if the request has an `Authorization` header; 503 if there is no room.
    pub async fn set<T: SessionData>(&self, value: &T) -> Result<(), Refusal> {
        self.consult();
        Ok(self.session().await?.require()?.set(value)?)
    }

    /// Removes a slot of the session. It is written when the request was handled.
    ///
    /// # Errors
    /// 401 if the request has an `Authorization` header; 503.
    pub async fn remove<T: SessionData>(&self) -> Result<(), Refusal> {
        self.consult();
        self.session().await?.require()?.remove::<T>();
        Ok(())
    }

    /// Where the request came from, for throttles: the client behind the proxies that are trusted. `None` if the
    /// server does not tell, which is written to the audit log once.
    #[must_use]
    pub fn source(&self) -> Option<IpAddr> {
        self.0.source
    }

    /// Writes what the request changed of its session. Answers the headers that the answer must carry, and what
    /// went wrong: the answer is then replaced by one that says so.
    pub(crate) async fn finish(&self) -> Finished {
        let state = std::mem::replace(&mut *self.0.session.lock().await, State::Finished);
        let outgoing = match state {
            State::Open(session) => Some(session.commit().await),
            State::Unopened | State::Finished => None,
        };
        self.finished(outgoing)
    }

    /// The same, if nothing is to be written and no clone is left that might still change something.
    #[cfg(feature = "axum08")]
    pub(crate) fn finish_now(&mut self) -> Option<Finished> {
        let outgoing = match Arc::get_mut(&mut self.0)?.session.get_mut() {
            State::Open(session) => Some(session.settled()?),
            State::Unopened | State::Finished => None,
        };
        Some(self.finished(outgoing))
    }

    fn finished(&self, outgoing: Option<Outgoing>) -> Finished {
        let (cookie, saved) = outgoing.map_or((None, Ok(())), Outgoing::into_parts);
        let consulted = self.0.consulted.load(Ordering::Relaxed) || cookie.is_some();
        let cookies = [cookie, self.0.form.new_cookie(&self.0.auth)];
        Finished { cookies, failed: saved.err().map(Core::from), consulted }
    }

    /// The answer that says `refusal` to whoever sent this request.
    pub(crate) fn answer(&self, refusal: &Core) -> Answer {
        let (reader, bearer) = (self.0.reader, self.0.carried.is_in_a_header());
        let (login_page, next) = (self.0.auth.login_page(), self.0.next.as_ref());
        answer(refusal, Asker { reader, bearer, basic: self.0.auth.basic_challenge(), login_page, next })
    }

    fn consult(&self) {
        self.0.consulted.store(true, Ordering::Relaxed);
    }

    async fn with_session<T>(&self, look: impl FnOnce(&Session) -> T) -> Result<T, Refusal> {
        Ok(look(self.session().await?.require()?))
    }

    async fn session(&self) -> Result<Opened<'_>, Refusal> {
        let Carried::Cookie(incoming) = &self.0.carried else { return Err(Refusal::unauthenticated()) };
        self.0.form.shown().map_err(|error| self.cross_site(error))?;
        // Nearly always nobody else of the same request is at it.
        let mut session = match self.0.session.try_lock() {
            Ok(session) => session,
            Err(_) => self.0.session.lock().await,
        };
        if matches!(*session, State::Unopened) {
            *session = State::Open(self.0.auth.0.sessions.open_to_replace(incoming).await?);
        }
        // Who cannot be told is not nobody, but they must come to the page by which they log in anew.
        Ok(Opened { session, lets_damaged: self.0.form.is_login() })
    }
}

/// The request's session, opened.
struct Opened<'a> {
    session: tokio::sync::MutexGuard<'a, State>,
    lets_damaged: bool,
}

impl Opened<'_> {
    /// # Errors
    /// As [`replaceable`](Self::replaceable), and 503 if the store cannot read the session.
    fn require(&mut self) -> Result<&mut Session, Refusal> {
        let lets_damaged = self.lets_damaged;
        let session = self.replaceable()?;
        match session.damage() {
            Some(damage) if !lets_damaged => Err(damage.into()),
            _ => Ok(session),
        }
    }

    /// The same for what puts another session in its place, or none.
    ///
    /// # Errors
    /// 503 if the answer was made already: a clone of the visit outlived its request.
    fn replaceable(&mut self) -> Result<&mut Session, Refusal> {
        match &mut *self.session {
            State::Open(session) => Ok(session),
            State::Unopened | State::Finished => Err(Unavailable::Overloaded.into()),
        }
    }
}

/// What the answer to a request must carry.
pub(crate) struct Finished {
    /// The `Set-Cookie` headers: of the form, and of the session. An answer that has one is never kept.
    pub(crate) cookies: [Option<SetCookie>; 2],
    pub(crate) failed: Option<Core>,
    /// Whether the answer depends on who asked, and so is not for somebody else's cache.
    pub(crate) consulted: bool,
}

impl Auth {
    fn login_page(&self) -> Option<&str> {
        self.0.login_page.as_ref().map(NextPath::as_str)
    }

    fn basic_challenge(&self) -> Option<&str> {
        self.0.basic.as_ref().map(|basic| basic.challenge.as_str())
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").field("source", &self.0.source).finish_non_exhaustive()
    }
}
