//! Refresh tokens: sessions of clients that keep no cookie, or keep their session in an access token.

mod cookie;
mod issue;
mod policy;
mod presented;
mod renew;
mod token;

use std::{fmt, sync::Arc};

use auth_core::{
    Refusal, Rejection, RejectionReason, SessionKind, SessionRecord, StoreError, Unavailable, UnixTime,
};

pub use {
    cookie::RefreshCookie, issue::RefreshIssued, policy::RefreshPolicy, renew::Refreshed, token::RefreshToken,
};

use crate::sessions::{Engine, Sessions};

/// Issues refresh tokens, and exchanges each of them for the next. Cheap to clone.
///
/// A login is one row of the session store, however often its token changes: [`issue`](Self::issue) begins it,
/// [`refresh`](Self::refresh) goes on with it, [`revoke`](Self::revoke) ends it. It is a session like those of
/// browsers: it stands in the same [list of devices](Sessions::list), counts against the same limit, and ends by
/// [`Sessions::end_one`], [`Sessions::end_all`] and a newer epoch of the account.
///
/// What comes out is a [`LiveSession`](auth_core::LiveSession), for which an access token is issued; its `auth_time`
/// is that of the login, always.
///
/// ```
/// use std::time::Duration;
///
/// use auth_core::{LiveSession, Login, Refusal, SessionTerms};
/// use auth_session::{RefreshPolicy, RefreshToken, RefreshTokens, Sessions};
///
/// # fn access_token(_: &LiveSession) -> String { String::new() }
/// async fn log_in(tokens: &RefreshTokens, login: Login) -> Result<(String, String), Refusal> {
///     let issued = tokens.issue(login, SessionTerms::new()).await?;
///     Ok((access_token(&issued.live), issued.token.expose().to_string()))
/// }
///
/// async fn refresh(tokens: &RefreshTokens, posted: &[u8]) -> Result<(String, String), Refusal> {
///     let token = RefreshToken::parse(posted).ok_or(Refusal::Unauthenticated)?;
///     let next = tokens.refresh(&token).await?;
///     Ok((access_token(&next.live), next.token.expose().to_string()))
/// }
///
/// # fn set_up(sessions: &Sessions) -> Result<RefreshTokens, auth_session::PolicyError> {
/// let days = |n: u64| Duration::from_secs(n * 24 * 3_600);
/// let tokens = RefreshTokens::new(sessions, RefreshPolicy::new(days(14), days(60))?);
/// # Ok(tokens)
/// # }
/// ```
#[derive(Clone)]
pub struct RefreshTokens {
    engine: Arc<Engine>,
    policy: RefreshPolicy,
}

impl RefreshTokens {
    /// Refresh tokens in the store of `sessions`, with its keys, epoch check, audit sink, clock, randomness and
    /// limit of sessions, as they are now.
    ///
    /// The tokens are authenticated by the key ring. To change its key, make the new key known to all servers as
    /// a retired one first, and current when all of them know it; drop the old one no sooner than the longest absolute
    /// timeout later, that of this policy or of the sessions'. A login keeps the tag of the key under which it began for
    /// life, however often it is refreshed, and without that key [`Sessions::end_all`] and [`Sessions::list`] may miss it.
    #[must_use]
    pub fn new(sessions: &Sessions, policy: RefreshPolicy) -> Self {
        Self { engine: Arc::clone(sessions.engine()), policy }
    }

    /// How long they live.
    #[must_use]
    pub const fn policy(&self) -> &RefreshPolicy {
        &self.policy
    }

    /// Ends the login that a token is of: logs out. Answers whether it was alive. An older token of the same login
    /// does it too, and one that is unknown or forged is no error (RFC 7009 section 2.2).
    ///
    /// Access tokens that were issued live until they expire, unless their `sid` is revoked too.
    ///
    /// # Errors
    /// [`Unavailable`]: the login may live on. Try again.
    pub async fn revoke(&self, token: &RefreshToken) -> Result<bool, Unavailable> {
        if !token.is_genuine(&self.engine.keys) {
            return Ok(false);
        }
        let now = self.engine.clock.now();
        let is_alive = match self.engine.store.load(&token.id(), now).await {
            Ok(found) => found.is_some_and(|record| is_usable(&record, now)),
            // The row cannot be read. The token says that it is of this login.
            Err(StoreError::Corrupt(_)) => true,
            Err(error) => return Err(error.into()),
        };
        Ok(is_alive && self.engine.end(&token.id(), "logout", now).await?)
    }
}

impl fmt::Debug for RefreshTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTokens")
            .field("keys", &self.engine.keys)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// A refresh token was not exchanged.
///
/// If it came in a cookie, leave the cookie alone: another request of the same client may have brought a newer
/// one meanwhile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// It is worth nothing, whatever the reason: forged, unknown, too old, ended, or used twice. The client logs in
    /// again (`invalid_grant`, RFC 6749 section 5.2).
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// It could not be looked at to the end. The same token may be presented again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<RejectionReason> for RefreshError {
    fn from(reason: RejectionReason) -> Self {
        Self::Rejected(Rejection::new(reason))
    }
}

impl From<auth_core::StoreError> for RefreshError {
    fn from(error: auth_core::StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<RefreshError> for Refusal {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Rejected(rejection) => rejection.into(),
            RefreshError::Unavailable(unavailable) => unavailable.into(),
        }
    }
}

/// A store keeps the deadlines by contract, and is not taken at its word; a browser's session has no token.
fn is_usable(record: &SessionRecord, now: UnixTime) -> bool {
    record.kind == SessionKind::Refresh && record.is_live(now)
}
