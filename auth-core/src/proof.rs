//! Values that exist only because a check was passed.

use std::{sync::Arc, time::Duration};

use crate::{
    authentication::{Assurance, AuthEpoch, Authentication, Method},
    limits::Limits,
    principal::{PrincipalId, RoleName},
    refusal::Challenge,
    session_id::SessionId,
    time::UnixTime,
};

/// Proof that one factor was passed. By itself it opens nothing.
///
/// Passwords, codes and passkeys yield one; the [`LoginGate`](crate::LoginGate) decides whether the
/// factors at hand make a [`Login`].
#[derive(Debug)]
#[must_use = "a passed factor is nothing until the login gate has seen it"]
pub struct FactorPassed {
    principal: PrincipalId,
    method: Method,
    at: UnixTime,
    epoch: AuthEpoch,
}

impl FactorPassed {
    /// States that `principal` passed `method`. Call it only at the end of a credential check.
    ///
    /// `epoch` must have been read together with the credential that was checked; read later, it would
    /// let a login that was checked against the old password outlive the change.
    pub fn assertion(principal: PrincipalId, method: Method, at: UnixTime, epoch: AuthEpoch) -> Self {
        Self { principal, method, at, epoch }
    }

    /// Who passed it.
    #[must_use]
    pub fn principal(&self) -> &PrincipalId {
        &self.principal
    }

    /// What was passed.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// When.
    #[must_use]
    pub fn at(&self) -> UnixTime {
        self.at
    }

    /// The account's epoch at that moment.
    #[must_use]
    pub fn epoch(&self) -> AuthEpoch {
        self.epoch
    }
}

/// Proof that somebody logged in: the only thing that starts a session or is given a token.
///
/// It is used up by value and cannot be cloned, so one login makes one session. It comes from the
/// [`LoginGate`](crate::LoginGate); a request's [`Authenticated`] cannot be turned into one.
///
/// ```compile_fail
/// fn copy(login: auth_core::Login) -> auth_core::Login {
///     login.clone()
/// }
/// ```
#[derive(Debug)]
#[must_use = "a login does nothing until a session is started with it"]
pub struct Login(Authentication);

impl Login {
    /// States that `authentication` is a complete login. Call it only where factors have been checked.
    pub fn assertion(authentication: Authentication) -> Self {
        Self(authentication)
    }

    /// Who logged in, how and when.
    #[must_use]
    pub fn authentication(&self) -> &Authentication {
        &self.0
    }

    /// Uses the login up, for whoever starts something with it.
    #[must_use]
    pub fn into_authentication(self) -> Authentication {
        self.0
    }

    /// The same login with limits; they replace those it had, so pass the narrower ones.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }
}

/// A login that lacks a factor. No extractor accepts it and nothing can be started with it.
///
/// Not `Clone`: [`LoginGate::proceed`](crate::LoginGate::proceed) uses it up.
#[derive(Debug)]
#[must_use = "a pending login is lost unless it is kept until the next factor comes"]
pub struct PendingLogin {
    principal: PrincipalId,
    passed: Vec<Method>,
    missing: Vec<Method>,
    epoch: AuthEpoch,
    expires_at: UnixTime,
    passed_at: Option<UnixTime>,
}

impl PendingLogin {
    /// States that some factors were passed and some are missing.
    ///
    /// For the gate, and for whoever brings back a pending login that was kept between two requests: only
    /// from storage that the client cannot write.
    pub fn assertion(
        principal: PrincipalId,
        passed: Vec<Method>,
        missing: Vec<Method>,
        epoch: AuthEpoch,
        expires_at: UnixTime,
    ) -> Self {
        Self { principal, passed, missing, epoch, expires_at, passed_at: None }
    }

    /// The same, whose factors so far were shown at this moment, and not a few minutes ago on the way to this login. What
    /// comes of it is of that moment too: one factor that is shown now does not make the others fresh.
    pub fn with_passed_at(self, passed_at: UnixTime) -> Self {
        Self { passed_at: Some(passed_at), ..self }
    }

    /// Who is logging in.
    #[must_use]
    pub fn principal(&self) -> &PrincipalId {
        &self.principal
    }

    /// What was passed so far, in order.
    #[must_use]
    pub fn passed(&self) -> &[Method] {
        &self.passed
    }

    /// Any one of these is wanted next.
    #[must_use]
    pub fn missing(&self) -> &[Method] {
        &self.missing
    }

    /// The epoch that was read with the first factor.
    #[must_use]
    pub fn epoch(&self) -> AuthEpoch {
        self.epoch
    }

    /// From when on it is refused.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// When the factors so far were shown; `None` if that was on the way to this login.
    #[must_use]
    pub fn passed_at(&self) -> Option<UnixTime> {
        self.passed_at
    }
}

/// Proof that this request acts for a principal. Cheap to clone.
///
/// Code that takes one cannot be reached without a checked credential. There is one way to make it,
/// [`assertion`](Self::assertion), so every origin is one search away. It opens no new session: that
/// takes a [`Login`].
///
/// ```compile_fail
/// fn restart(request: auth_core::Authenticated) -> auth_core::Login {
///     request.into()
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Authenticated {
    authentication: Arc<Authentication>,
    asserted_roles: Option<Arc<[RoleName]>>,
}

impl Authenticated {
    /// States that `authentication` happened. Call it only at the end of a credential check.
    pub fn assertion(authentication: Authentication) -> Self {
        Self::shared_assertion(Arc::new(authentication))
    }

    /// As [`assertion`](Self::assertion), for a store that shares its records.
    pub fn shared_assertion(authentication: Arc<Authentication>) -> Self {
        Self { authentication, asserted_roles: None }
    }

    /// The same, with local roles that the credential itself grants for this request: those that an explicit
    /// mapping made of what an issuer calls roles. They count beside the roles that are assigned here, and nowhere
    /// else: no session and no token of ours remembers them.
    pub fn with_asserted_roles(mut self, roles: &[RoleName]) -> Self {
        self.asserted_roles = if roles.is_empty() { None } else { Some(roles.into()) };
        self
    }

    /// The event behind it.
    #[must_use]
    #[inline]
    pub fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    /// The local roles that the credential grants for this request.
    #[must_use]
    #[inline]
    pub fn asserted_roles(&self) -> &[RoleName] {
        self.asserted_roles.as_deref().unwrap_or_default()
    }

    /// Whom the request acts for.
    #[must_use]
    #[inline]
    pub fn principal(&self) -> &PrincipalId {
        &self.authentication.principal
    }

    /// What the request may use of what the principal may do.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.authentication.limits
    }

    /// How sure one may be.
    #[must_use]
    pub fn assurance(&self) -> Assurance {
        self.authentication.assurance
    }

    /// Whether whoever this is authenticated within the last `max_age`, that moment included: what a page asks for
    /// before it changes a password or deletes something ("sudo mode").
    ///
    /// # Errors
    /// The [`Challenge`] that says what would help.
    pub fn fresh_within(&self, max_age: Duration, now: UnixTime) -> Result<(), Challenge> {
        if now.since(self.authentication.at) <= max_age {
            return Ok(());
        }
        Err(Challenge { assurance: None, max_age: Some(max_age) })
    }

    /// Whether whoever this is authenticated at least as surely as this.
    ///
    /// # Errors
    /// The [`Challenge`] that says what would help.
    pub fn at_least(&self, assurance: Assurance) -> Result<(), Challenge> {
        if self.assurance() >= assurance {
            return Ok(());
        }
        Err(Challenge { assurance: Some(assurance), max_age: None })
    }
}

/// Proof that a live session stands behind this request: the only thing beside a [`Login`] that is given an
/// access token.
///
/// An [`Authenticated`] is not enough for that. It may itself come from a token, and tokens that buy their
/// successors never end. Session engines make one where they have just found the session alive.
///
/// ```compile_fail
/// fn renew(request: auth_core::Authenticated) -> auth_core::LiveSession {
///     request.into()
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub struct LiveSession {
    id: SessionId,
    authentication: Arc<Authentication>,
    ends_at: UnixTime,
}

impl LiveSession {
    /// States that the session `id`, begun by `authentication`, is alive and ends at `ends_at` at the latest.
    pub fn assertion(id: SessionId, authentication: Arc<Authentication>, ends_at: UnixTime) -> Self {
        Self { id, authentication, ends_at }
    }

    /// The session's public id: the `sid` of what is made from it, by which it can be revoked.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The login that began the session.
    #[must_use]
    pub fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    /// The session's absolute deadline: nothing that is made from it says that it lives longer. Whoever checks
    /// it may add a leeway.
    #[must_use]
    pub fn ends_at(&self) -> UnixTime {
        self.ends_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(10_000);

    fn authenticated(at: UnixTime, assurance: Assurance) -> Authenticated {
        let ann = PrincipalId::local_user("ann").unwrap();
        let authentication = Authentication::new(ann, Method::PASSWORD, at, AuthEpoch::ZERO);
        Authenticated::assertion(authentication.with_assurance(assurance))
    }

    #[test]
    fn a_login_is_fresh_for_as_long_as_was_asked_and_no_longer() {
        let ten_minutes = Duration::from_secs(600);
        let ago = |secs| authenticated(NOW.saturating_sub(Duration::from_secs(secs)), Assurance::Aal1);
        assert_eq!(ago(600).fresh_within(ten_minutes, NOW), Ok(()));
        let challenge = ago(601).fresh_within(ten_minutes, NOW).unwrap_err();
        assert_eq!(challenge, Challenge { assurance: None, max_age: Some(ten_minutes) });
        assert!(ago(1).fresh_within(Duration::ZERO, NOW).is_err());
    }

    #[test]
    fn a_stronger_login_is_enough_and_a_weaker_one_is_challenged() {
        let strong = authenticated(NOW, Assurance::Aal2);
        assert_eq!(strong.at_least(Assurance::Aal1), Ok(()));
        assert_eq!(strong.at_least(Assurance::Aal2), Ok(()));
        let challenge = strong.at_least(Assurance::Aal3).unwrap_err();
        assert_eq!(challenge, Challenge { assurance: Some(Assurance::Aal3), max_age: None });
    }
}
