//! The engine of a web application's authentication.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use auth_core::{
    AuditBudget, AuditEvent, AuditSink, AuthenticateError, Authenticated, Authenticator, Authorizer, Clock,
    Method, RejectionReason, SystemClock, TracingAudit,
};
use auth_credentials::{ApiKeyCredential, ApiKeys, BasicAuthenticator, BasicCredential};
use auth_jwt::AccessToken;
use auth_session::{CookiePolicy, CookieTemplate, CsrfPolicy, FormTokens, Origin, Sessions};

use crate::{InformationPoint, NextPath, ObligationHandler, PublicUrl, TrustedProxies};

/// What all requests of an application have in common: sessions, tokens, policy, public address.
///
/// Cheap to clone. On axum it reaches handlers by `mount`, together with the layer that opens and commits sessions, and a
/// route that takes an extractor does not compile without. On actix-web it is in the middleware; without that, extractors
/// answer 503.
#[derive(Clone)]
pub struct Auth(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) public: PublicUrl,
    pub(crate) sessions: Sessions,
    pub(crate) csrf: CsrfPolicy,
    pub(crate) forms: FormTokens,
    pub(crate) bearer: Option<Box<dyn Authenticator<Credential = AccessToken, Proof = Authenticated>>>,
    pub(crate) api_keys: Option<ApiKeys>,
    pub(crate) basic: Option<Basic>,
    pub(crate) access_cookie: Option<CookieTemplate>,
    pub(crate) authorizer: Option<Arc<dyn Authorizer>>,
    pub(crate) information_point: Option<Arc<dyn InformationPoint>>,
    pub(crate) obligation_handler: Option<Arc<dyn ObligationHandler>>,
    pub(crate) login_page: Option<NextPath>,
    /// Where else forms may bring a token.
    pub(crate) form_pages: Vec<NextPath>,
    pub(crate) proxies: TrustedProxies,
    pub(crate) audit: Arc<dyn AuditSink>,
    pub(crate) clock: Arc<dyn Clock>,
    peer_unknown: AtomicBool,
    cross_site: AuditBudget,
    bearer_refused: AuditBudget,
}

/// HTTP Basic authentication: who checks it, and the challenge that asks for it.
pub(crate) struct Basic {
    authenticator: BasicAuthenticator,
    pub(crate) challenge: String,
}

/// An [`Auth`] in the making.
///
/// What is left out is refused, not allowed: without [`bearer`](Self::bearer) no token is accepted, without
/// [`api_keys`](Self::api_keys) no key, without [`authorizer`](Self::authorizer) every permission is answered 503.
#[must_use = "call `build`"]
pub struct AuthBuilder(Inner);

/// An [`Auth`] could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The sessions' cookie is that of the development mode, and the public address is not; or the reverse.
    #[error("cookie and public url disagree about the development mode")]
    CookieMode,
    /// The sessions' cookie is that of the development mode on another port. Cookies know no ports: two programs
    /// on one machine are told apart by the name alone.
    #[error("cookie is named for another port than the public url's")]
    CookiePort,
    /// The cookie of access tokens is readable by scripts, has the name of the sessions' cookie, or there is no
    /// authenticator that would check what is in it.
    #[error("cookie of access tokens must be HttpOnly, of a name of its own, and come with an authenticator")]
    AccessCookie,
    /// The sessions' cookie has the name of the one that forms are bound to.
    #[error("cookie has the name of the forms' cookie")]
    FormCookie,
    /// HTTP Basic authentication over plain HTTP, or with a realm that is empty, longer than 64 bytes or has anything but
    /// printable ASCII without quotes and backslashes.
    #[error("basic authentication needs https and a realm of plain text")]
    Basic,
    /// The login page, or the page of a form, is not a path on this site, or has a query or a fragment.
    #[error("login page must be a path on this site without a query")]
    LoginPage,
}

impl Auth {
    /// Begins with the two that every application decides: where people reach it, and how sessions are kept.
    pub fn builder(public: PublicUrl, sessions: Sessions) -> AuthBuilder {
        AuthBuilder(Inner {
            csrf: CsrfPolicy::new(public.origin().clone()),
            public,
            forms: sessions.form_tokens(),
            sessions,
            bearer: None,
            api_keys: None,
            basic: None,
            access_cookie: None,
            authorizer: None,
            information_point: None,
            obligation_handler: None,
            login_page: None,
            form_pages: Vec::new(),
            proxies: TrustedProxies::none(),
            audit: Arc::new(TracingAudit),
            clock: Arc::new(SystemClock),
            peer_unknown: AtomicBool::new(false),
            cross_site: AuditBudget::new(),
            bearer_refused: AuditBudget::new(),
        })
    }

    /// The sessions, for pages of devices and for ending them from elsewhere.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// Where people reach the application.
    #[must_use]
    pub fn public_url(&self) -> &PublicUrl {
        &self.0.public
    }

    pub(crate) fn record(&self, event: &AuditEvent) {
        self.0.audit.record(self.0.clock.now(), event);
    }

    /// Says that a request of another site was refused. Anybody can send as many as they like.
    pub(crate) fn cross_site_is_refused(&self, source: Option<IpAddr>) {
        let (audit, now) = (&*self.0.audit, self.0.clock.now());
        self.0.cross_site.record(audit, now, &AuditEvent::CrossSiteRefused { source });
    }

    /// Says that a token was refused. The same holds for those.
    pub(crate) fn bearer_is_refused(&self, reason: RejectionReason, source: Option<IpAddr>) {
        let method = Method::BEARER_TOKEN;
        let refused = AuditEvent::CredentialRefused { reason, method, principal: None, source };
        self.0.bearer_refused.record(&*self.0.audit, self.0.clock.now(), &refused);
    }

    /// Says that the server does not tell who its peers are: once, for it is so for every request.
    pub(crate) fn peer_is_unknown(&self) {
        if !self.0.peer_unknown.swap(true, Ordering::Relaxed) {
            self.record(&AuditEvent::PeerUnknown);
        }
    }
}

impl AuthBuilder {
    /// Accepts bearer tokens that `authenticator` accepts.
    pub fn bearer<A>(mut self, authenticator: A) -> Self
    where
        A: Authenticator<Credential = AccessToken, Proof = Authenticated> + 'static,
    {
        self.0.bearer = Some(Box::new(authenticator));
        self
    }

    /// Accepts keys of programs, as `Authorization: Bearer <prefix>_..`. What begins with their prefix and has no `.` is
    /// checked by `keys`, and everything else by [`bearer`](Self::bearer): one route takes either. A key is read from
    /// that header and from nowhere else: a URL ends up in logs, and a browser adds a cookie by itself.
    ///
    /// A key acts within its scopes, and opens no session. Why one was refused is written to the audit log of the
    /// [`Accounts`](auth_credentials::Accounts) that `keys` was made of.
    pub fn api_keys(mut self, keys: ApiKeys) -> Self {
        self.0.api_keys = Some(keys);
        self
    }

    /// Accepts a login name and a password with each request, as `Authorization: Basic ..` (RFC 7617): for old programs
    /// that know nothing else. Over TLS only: [`build`](Self::build) refuses it in the development mode.
    ///
    /// [`CurrentUser`](crate::CurrentUser), [`MaybeUser`](crate::MaybeUser) and [`Require`](crate::Require) take it;
    /// [`Bearer`](crate::Bearer) does not. Browsers keep such a password and add it by themselves, so these requests are
    /// checked for cross-site forgery like those with a session: a program that does more than read sends the `Origin`
    /// of the public URL, and what another site has a browser ask for is refused whatever its method. Whoever has a second
    /// factor is refused.
    ///
    /// `realm` is what a browser shows when it asks. A program that is refused for want of a credential is told
    /// `WWW-Authenticate: Basic realm="..", charset="UTF-8"`, and a person without a [login page](Self::login_page) too.
    ///
    /// # Errors
    /// [`SetupError::Basic`] if the realm is not 1 to 64 printable ASCII characters without quotes and backslashes.
    pub fn basic(mut self, realm: &str, authenticator: BasicAuthenticator) -> Result<Self, SetupError> {
        let plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        if !(1..=64).contains(&realm.len()) || !realm.chars().all(plain) {
            return Err(SetupError::Basic);
        }
        let challenge = format!(r#"Basic realm="{realm}", charset="UTF-8""#);
        self.0.basic = Some(Basic { authenticator, challenge });
        Ok(self)
    }

    /// Accepts an access token from this cookie too, where there is no `Authorization` header: a browser that keeps
    /// its token where no script can read it, and no session on the server.
    ///
    /// Such a request is checked for cross-site forgery like one with a session. A token that is refused, as when it
    /// has expired, is nobody: the client refreshes it, or logs in. Handlers set and clear the cookie with the same
    /// template, and nothing but expiry and revocation by `sid` ends what it opens.
    ///
    /// It proves no more than a copy of the token would. Flows that change how somebody logs in refuse it, so their pages
    /// ask for the password again, and pass on what that proves instead:
    /// `Authenticated::assertion(login.into_authentication())` of a login that was made in the same request, by the one
    /// whom the token is of. The token is dead afterwards where the flow raises the epoch: let them log in again.
    ///
    /// There are no sessions beside it: a session's cookie is not looked at, and what needs one, such as
    /// [`Session`](crate::Session), [`Visit::log_in`](crate::Visit::log_in) and [`Visit::flash`](crate::Visit::flash), is
    /// answered 401 whoever asks. Otherwise a cookie that a sibling host planted, or one that a page for visitors made,
    /// would leave open which of the two was meant.
    pub fn access_cookie(mut self, template: CookieTemplate) -> Self {
        self.0.access_cookie = Some(template);
        self
    }

    /// Asks `authorizer` for permissions.
    pub fn authorizer(mut self, authorizer: Arc<dyn Authorizer>) -> Self {
        self.0.authorizer = Some(authorizer);
        self
    }

    /// Asks `point` what a decision looks at beyond the request: active roles and attributes. Without it, all roles of a
    /// principal are active, which a dynamic separation of duty denies to whoever holds too many, and rules that look at
    /// attributes of the application permit nothing.
    pub fn information_point(mut self, point: Arc<dyn InformationPoint>) -> Self {
        self.0.information_point = Some(point);
        self
    }

    /// Has `handler` do what must be done for a permit to hold. Without it, a permit with obligations is a denial.
    pub fn obligation_handler(mut self, handler: Arc<dyn ObligationHandler>) -> Self {
        self.0.obligation_handler = Some(handler);
        self
    }

    /// Sends people who must log in to this page, with the query parameter `next`; read it back by
    /// [`NextPath::parse`].
    ///
    /// # Errors
    /// [`SetupError::LoginPage`] if it is not a path on this site, or has a query.
    pub fn login_page(mut self, path: &str) -> Result<Self, SetupError> {
        self.0.login_page = Some(page_at(path)?);
        Ok(self)
    }

    /// Lets forms that are sent to this path bring a [token](crate::Visit::form_token), as the form of the login page may:
    /// so that browsers log out that send neither `Sec-Fetch-Site` nor `Origin`. The path's handler shows the token to
    /// [`Visit::may_act_by`](crate::Visit::may_act_by). Call it for each of them.
    ///
    /// # Errors
    /// [`SetupError::LoginPage`] if it is not a path on this site, or has a query.
    pub fn form_page(mut self, path: &str) -> Result<Self, SetupError> {
        self.0.form_pages.push(page_at(path)?);
        Ok(self)
    }

    /// Believes these proxies about client addresses. Without any, the peer of the connection is the client.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.0.proxies = proxies;
        self
    }

    /// Lets pages of this origin send requests that act: a front end of yours that is served from elsewhere.
    pub fn allow_origin(mut self, origin: Origin) -> Self {
        self.0.csrf = self.0.csrf.allow(origin);
        self
    }

    /// Writes events here instead of to `tracing`.
    pub fn audit(mut self, audit: Arc<dyn AuditSink>) -> Self {
        self.0.audit = audit;
        self
    }

    /// Takes the time from here.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.0.clock = clock;
        self
    }

    /// The finished engine.
    ///
    /// # Errors
    /// [`SetupError::CookieMode`]: a `Secure` cookie does not work over plain HTTP, and one that is not must
    /// never be sent from an address that others reach. [`SetupError::CookiePort`], [`SetupError::FormCookie`],
    /// [`SetupError::AccessCookie`], [`SetupError::Basic`].
    pub fn build(self) -> Result<Auth, SetupError> {
        let cookie = self.0.sessions.policy().cookie();
        if cookie.is_plain_http() != self.0.public.is_development() {
            return Err(SetupError::CookieMode);
        }
        if cookie.name() == self.0.forms.cookie_name() {
            return Err(SetupError::FormCookie);
        }
        if cookie.is_plain_http() {
            let own = CookiePolicy::plain_http_loopback(self.0.public.origin());
            if own.is_ok_and(|own| own.name() != cookie.name()) {
                return Err(SetupError::CookiePort);
            }
        }
        if self.0.basic.is_some() && self.0.public.is_development() {
            return Err(SetupError::Basic);
        }
        if let Some(access) = &self.0.access_cookie {
            if access.is_secure() == self.0.public.is_development() {
                return Err(SetupError::CookieMode);
            }
            let is_taken = access.name() == cookie.name() || access.name() == self.0.forms.cookie_name();
            if !access.is_http_only() || is_taken || self.0.bearer.is_none() {
                return Err(SetupError::AccessCookie);
            }
        }
        Ok(Auth(Arc::new(self.0)))
    }
}

fn page_at(path: &str) -> Result<NextPath, SetupError> {
    let page = NextPath::parse(path).filter(|page| !page.as_str().contains(['?', '#']));
    page.ok_or(SetupError::LoginPage)
}

impl Inner {
    /// Checks a bearer token.
    pub(crate) async fn check(&self, token: AccessToken) -> Result<Authenticated, AuthenticateError> {
        match &self.bearer {
            Some(bearer) => bearer.authenticate(token).await,
            None => Err(RejectionReason::Unknown.into()),
        }
    }

    /// Whether what stands behind `Bearer` is meant as a key of a program.
    pub(crate) fn is_api_key(&self, token: &AccessToken) -> bool {
        self.api_keys.as_ref().is_some_and(|keys| keys.prefix().marks(token.expose()))
    }

    /// Checks a key of a program.
    pub(crate) async fn check_api_key(
        &self,
        key: &AccessToken,
        source: Option<IpAddr>,
    ) -> Result<Authenticated, AuthenticateError> {
        let keys = self.api_keys.as_ref().ok_or(RejectionReason::Unknown)?;
        keys.authenticate(ApiKeyCredential::new(key.expose().as_bytes(), source)).await
    }

    /// Checks a login name with a password.
    pub(crate) async fn check_basic(
        &self,
        credential: &BasicCredential,
    ) -> Result<Authenticated, AuthenticateError> {
        let basic = self.basic.as_ref().ok_or(RejectionReason::Unknown)?;
        basic.authenticator.authenticate(credential.clone()).await
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("public", &self.0.public)
            .field("sessions", &self.0.sessions)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthBuilder").field("public", &self.0.public).finish_non_exhaustive()
    }
}
