//! Issuing access tokens, on a login or a live session and on nothing less.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use auth_core::{
    AuditEvent, AuditSink, Authentication, Entropy, EntropyError, LiveSession, Login, Scopes, SessionId,
    SystemEntropy, UnixTime,
};
use serde::Serialize;

use crate::{
    AccessToken, AsyncSignError, Audience, ClientId, Issuer, NoSigningKey, SignError, TypeRule,
    issuer::wire::WireClaims,
};

mod ids;
mod keys;
pub(crate) mod own;
mod pen;
mod wire;

pub use self::keys::IssuerKeys;
pub(crate) use self::{ids::TokenIds, pen::Pen};

/// Why no token was issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A scope was asked for that the login does not have. Scopes only ever narrow.
    #[error("a scope goes beyond the login's limits")]
    Scope,
    /// A lifetime of zero, or more than the issuer's (for the issuer itself: more than
    /// [`TokenIssuer::MAX_LIFETIME`]).
    #[error("lifetime is not between 1 and {} seconds", max.as_secs())]
    Lifetime {
        /// The most.
        max: Duration,
    },
    /// The session that it was asked for has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The own claims do not become a JSON object.
    #[error("own claims do not become a json object")]
    OwnClaims(#[source] Option<Box<dyn Error + Send + Sync>>),
    /// An own claim has the name of one that the issuer writes, or that is registered.
    #[error("own claim {claim} has the name of another claim")]
    Reserved {
        /// The name.
        claim: &'static str,
    },
    /// A claim has a value of the wrong type, so that every verifier would refuse the token.
    #[error("claim {claim} has a value of the wrong type")]
    WrongType {
        /// The name.
        claim: &'static str,
    },
    /// A claim has an empty value, which verifiers refuse.
    #[error("claim {claim} is empty")]
    Empty {
        /// The name.
        claim: &'static str,
    },
    /// A claim without which the rest would mean something else.
    #[error("claim {claim} is missing")]
    Missing {
        /// The name.
        claim: &'static str,
    },
    /// A date that makes the token useless: beyond 2^53, or an end that is not after the beginning.
    #[error("claim {claim} is not a date that a token can have")]
    Date {
        /// The claim.
        claim: &'static str,
    },
    /// Access tokens (`at+jwt`) are issued on a login, by a [`TokenIssuer`], and in no other way.
    #[error("access tokens are issued on a login")]
    AccessToken,
    /// The token would be longer than verifiers accept.
    #[error("token would be longer than {max} bytes")]
    TooLong {
        /// The most.
        max: usize,
    },
    /// The key's backend failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// No key of the ring signs at this time.
    #[error(transparent)]
    NoSigningKey(#[from] NoSigningKey),
    /// The key is elsewhere: it signs by [`NewToken::sign_async`] and
    /// [`TokenBuilder::sign_async`](crate::TokenBuilder::sign_async).
    #[error("key is elsewhere and signs asynchronously")]
    KeyElsewhere,
    /// The key that is elsewhere did not sign.
    #[error(transparent)]
    Signer(#[from] AsyncSignError),
    /// There is no randomness for the token's id.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Issues access tokens as RFC 9068 describes them (`at+jwt`), signed with one key at a time, for one
/// audience and one client. Cheap to clone.
///
/// A token is issued on a [`Login`] or a [`LiveSession`], never on an id: what it says of its subject was
/// proven. It lives for 15 minutes unless set otherwise, says when and how the login was
/// (`auth_time`, `amr`, `acr`), and carries the account's epoch and all limits of the login in a private
/// claim, `auth_ctx`, from which [`BearerAuthenticator`](crate::BearerAuthenticator) restores them.
///
/// That standard also asks every authorization server for RS256 (section 2.1). So an issuer conforms to it with the
/// feature `aws-lc-rs`; without it, this is its profile for other algorithms.
///
/// ```
/// use auth_core::{Login, Scopes, UnixTime};
/// use auth_jwt::{IssueError, IssuedToken, TokenIssuer};
///
/// fn answer_login(issuer: &TokenIssuer, login: &Login, now: UnixTime) -> Result<IssuedToken, IssueError> {
///     issuer.for_login(login).sign(now)
/// }
///
/// fn read_only(issuer: &TokenIssuer, login: &Login, now: UnixTime) -> Result<IssuedToken, IssueError> {
///     let scopes = Scopes::parse("users.read").map_err(|_| IssueError::Scope)?;
///     issuer.for_login(login).with_scopes(scopes).sign(now)
/// }
/// ```
///
/// A request's [`Authenticated`](auth_core::Authenticated) is not enough, for it may come from a token:
///
/// ```compile_fail
/// fn renew(issuer: &auth_jwt::TokenIssuer, request: &auth_core::Authenticated) {
///     issuer.for_login(request);
/// }
/// ```
#[derive(Clone)]
pub struct TokenIssuer(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    pen: Pen,
    issuer: Issuer,
    audience: Audience,
    client_id: ClientId,
    lifetime: Duration,
    ids: TokenIds,
    /// Where issued tokens are written down, if anywhere: an event costs copies.
    audit: Option<Arc<dyn AuditSink>>,
}

impl TokenIssuer {
    /// How long a token lives: 15 minutes.
    pub const LIFETIME: Duration = Duration::from_secs(15 * 60);
    /// The longest that can be set: one day.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
    /// The longest token that is made: what verifiers accept by default.
    pub const MAX_LEN: usize = Pen::MAX_LEN;

    /// An issuer that signs with `keys`, in the name of `issuer`, for `audience`, to the client `client_id`.
    ///
    /// `keys` are one key, an [`IssuerKeyRing`](crate::IssuerKeyRing), or a
    /// [`RemoteSigningKey`](crate::RemoteSigningKey).
    #[must_use]
    pub fn new(keys: impl Into<IssuerKeys>, issuer: Issuer, audience: Audience, client_id: ClientId) -> Self {
        let pen = Pen::new(keys.into(), Some(TypeRule::ACCESS_TOKEN));
        let lifetime = Self::LIFETIME.min(pen.keys().max_lifetime());
        let (ids, audit) = (TokenIds::new(Arc::new(SystemEntropy)), None);
        Self(Arc::new(Inner { pen, issuer, audience, client_id, lifetime, ids, audit }))
    }

    /// The same with another lifetime, in whole seconds.
    ///
    /// # Errors
    /// [`IssueError::Lifetime`] if it is less than a second, more than a day, or more than the
    /// [ring](crate::IssuerKeyRing::with_max_lifetime) was made for.
    pub fn with_lifetime(self, lifetime: Duration) -> Result<Self, IssueError> {
        let lifetime = checked_lifetime(lifetime, self.0.pen.keys().max_lifetime())?;
        Ok(Self(Arc::new(Inner { lifetime, ..Inner::clone(&self.0) })))
    }

    /// The same with another source of randomness for the tokens' ids.
    #[must_use]
    pub fn with_entropy(self, entropy: Arc<dyn Entropy>) -> Self {
        Self(Arc::new(Inner { ids: TokenIds::new(entropy), ..Inner::clone(&self.0) }))
    }

    /// The same, and every token that it issues is written down here: for whom, and its `jti`.
    #[must_use]
    pub fn with_audit(self, audit: Arc<dyn AuditSink>) -> Self {
        Self(Arc::new(Inner { audit: Some(audit), ..Inner::clone(&self.0) }))
    }

    /// How long its tokens live.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.0.lifetime
    }

    /// A token for somebody who has just logged in. The login remains, to start a session with.
    pub fn for_login<'a>(&'a self, login: &'a Login) -> NewToken<'a> {
        self.new_token(login.authentication(), None, UnixTime::MAX)
    }

    /// A token for somebody whose session is alive. It does not outlive the session's absolute deadline, and says
    /// in `sid` which session it is of: [`Revocation::session`](crate::Revocation::session) refuses all of them.
    pub fn for_session<'a>(&'a self, session: &'a LiveSession) -> NewToken<'a> {
        self.new_token(session.authentication(), Some(session.id()), session.ends_at())
    }

    fn new_token<'a>(
        &'a self,
        authentication: &'a Authentication,
        session: Option<SessionId>,
        ends_at: UnixTime,
    ) -> NewToken<'a> {
        let lifetime = self.0.lifetime;
        NewToken {
            issuer: &self.0,
            authentication,
            session,
            ends_at,
            lifetime,
            scopes: None,
            own: Ok(Vec::new()),
        }
    }
}

impl Inner {
    fn written_down(&self, issued: IssuedToken, for_whom: &Authentication, now: UnixTime) -> IssuedToken {
        if let Some(audit) = &self.audit {
            let (principal, id) = (for_whom.principal.clone(), issued.id.clone());
            audit.record(now, &AuditEvent::TokenIssued { principal, id });
        }
        issued
    }
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer")
            .field("keys", self.0.pen.keys())
            .field("issuer", &self.0.issuer)
            .field("audience", &self.0.audience)
            .field("client_id", &self.0.client_id)
            .field("lifetime", &self.0.lifetime)
            .finish_non_exhaustive()
    }
}

fn checked_lifetime(lifetime: Duration, max: Duration) -> Result<Duration, IssueError> {
    let whole = Duration::from_secs(lifetime.as_secs());
    if whole.is_zero() || lifetime > max { Err(IssueError::Lifetime { max }) } else { Ok(whole) }
}

/// A token about to be signed. Made by [`TokenIssuer::for_login`] and [`TokenIssuer::for_session`].
#[must_use = "nothing is issued until it is signed"]
pub struct NewToken<'a> {
    issuer: &'a Inner,
    authentication: &'a Authentication,
    session: Option<SessionId>,
    ends_at: UnixTime,
    lifetime: Duration,
    scopes: Option<Scopes>,
    /// The members of the own claims' object, each with a comma before it.
    own: Result<Vec<u8>, IssueError>,
}

impl NewToken<'_> {
    /// Narrows what it may be used for. Without this call it may be used for all that the login may.
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// Shortens its life.
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Adds claims of your own: anything that becomes a JSON object and uses no name that is written here. A
    /// registered claim that is not, like `azp`, has to be of its registered type. Everybody who has the token
    /// can read them.
    pub fn with_claims<C: Serialize + ?Sized>(mut self, claims: &C) -> Self {
        let mut members = Vec::new();
        let reserved = match self.session {
            Some(_) => own::Reserved::OF_SESSION_TOKENS,
            None => own::Reserved::OF_ACCESS_TOKENS,
        };
        self.own = own::append(claims, &mut members, reserved).map(|()| members);
        self
    }

    /// Signs it.
    ///
    /// # Errors
    /// [`IssueError`]; nothing was issued.
    pub fn sign(self, now: UnixTime) -> Result<IssuedToken, IssueError> {
        let (issuer, authentication) = (self.issuer, self.authentication);
        let unsigned = self.unsigned(now)?;
        let token = issuer.pen.sign(&unsigned.payload, now)?;
        Ok(issuer.written_down(unsigned.issued(token, now), authentication, now))
    }

    /// Signs it with a key that may be elsewhere. With one that is here it does what [`sign`](Self::sign) does.
    ///
    /// # Errors
    /// [`IssueError`]; nothing was issued.
    pub async fn sign_async(self, now: UnixTime) -> Result<IssuedToken, IssueError> {
        let (issuer, authentication) = (self.issuer, self.authentication);
        let unsigned = self.unsigned(now)?;
        let token = issuer.pen.sign_async(&unsigned.payload, now).await?;
        Ok(issuer.written_down(unsigned.issued(token, now), authentication, now))
    }

    fn unsigned(self, now: UnixTime) -> Result<UnsignedToken, IssueError> {
        let issuer = self.issuer;
        let lifetime = checked_lifetime(self.lifetime, issuer.lifetime)?;
        if self.ends_at <= now {
            return Err(IssueError::SessionEnded);
        }
        let expires_at = now.saturating_add(lifetime).min(self.ends_at);
        let scope = self.scope()?;
        let id = issuer.ids.next()?;
        let claims = WireClaims::new(issuer, self.authentication, scope.as_ref(), &id, now, expires_at)
            .of_session(self.session);
        let payload = claims.payload(&self.own?)?;
        Ok(UnsignedToken { payload, id, expires_at })
    }

    /// The scopes asked for, if the login has them all; else the login's own.
    fn scope(&self) -> Result<Option<Scopes>, IssueError> {
        match (&self.scopes, &self.authentication.limits.scopes) {
            (Some(asked), Some(allowed)) if !asked.is_subset(allowed) => Err(IssueError::Scope),
            (Some(asked), _) => Ok(Some(asked.clone())),
            (None, allowed) => Ok(allowed.clone()),
        }
    }
}

impl fmt::Debug for NewToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken").field("principal", &self.authentication.principal).finish_non_exhaustive()
    }
}

/// What a token says, and what is told of it.
struct UnsignedToken {
    payload: Vec<u8>,
    id: String,
    expires_at: UnixTime,
}

impl UnsignedToken {
    fn issued(self, token: Vec<u8>, now: UnixTime) -> IssuedToken {
        let Self { id, expires_at, .. } = self;
        IssuedToken { token: AccessToken::written(token), id, expires_at, lifetime: expires_at.since(now) }
    }
}

/// A token that was issued.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    token: AccessToken,
    id: String,
    expires_at: UnixTime,
    lifetime: Duration,
}

impl IssuedToken {
    /// The token, for the client and nobody else.
    #[must_use]
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// The token, for keeps.
    #[must_use]
    pub fn into_token(self) -> AccessToken {
        self.token
    }

    /// Its `jti`, for logs and deny lists.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its `exp`.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// How long it lives, for `expires_in` (RFC 6749 section 5.1).
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }
}
