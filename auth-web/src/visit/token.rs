//! Tokens and keys that a request carries.

use auth_core::{AuthenticateError, Authenticated, Rejection, RejectionReason};
use auth_credentials::BasicCredential;
use auth_jwt::AccessToken;

use super::{Carried, Visit};
use crate::Refusal;

impl Visit {
    /// Whom the bearer token of the request acts for, or its key where [keys](crate::AuthBuilder::api_keys) are
    /// accepted. Cookies do not count. Why a token is refused is written to the audit log, once a request, and of many at
    /// once 16, and then one a second with how many were not.
    ///
    /// # Errors
    /// 401 if there is neither or it is refused; 429 if keys were refused too often; 503 if it cannot be checked.
    pub async fn require_bearer(&self) -> Result<Authenticated, Refusal> {
        self.consult();
        self.bearer().await
    }

    /// Whom the key of the request acts for. Neither cookies nor other bearer tokens count.
    ///
    /// # Errors
    /// As [`require_bearer`](Self::require_bearer).
    pub async fn require_api_key(&self) -> Result<Authenticated, Refusal> {
        self.consult();
        match &self.0.carried {
            Carried::ApiKey(_) => self.bearer().await,
            _ => Err(Refusal::unauthenticated()),
        }
    }

    /// The bearer token of the request as it came, for whoever reads more of its claims than what it acts for: ask
    /// [`require_bearer`](Self::require_bearer) first, for it proves nothing by itself, and verify it. A key of a program
    /// has no claims.
    #[must_use]
    pub fn bearer_token(&self) -> Option<&AccessToken> {
        self.consult();
        match &self.0.carried {
            Carried::Bearer(token) => Some(token),
            _ => None,
        }
    }

    pub(super) async fn bearer(&self) -> Result<Authenticated, Refusal> {
        let checked = match &self.0.carried {
            Carried::Bearer(token) => self.checked(token, |_| true).await?,
            Carried::ApiKey(key) => self.checked_key(key).await?,
            _ => return Err(Refusal::unauthenticated()),
        };
        Ok(checked.clone()?)
    }

    /// Whom the request's login name and password are right for. Whoever checks them writes down why they are refused.
    pub(super) async fn basic(&self, credential: &BasicCredential) -> Result<Authenticated, Refusal> {
        self.0.form.shown().map_err(|error| self.cross_site(error))?;
        let check = || async { settled(self.0.auth.0.check_basic(credential).await) };
        Ok(self.0.bearer.get_or_try_init(check).await?.clone()?)
    }

    /// A browser sends the cookie with every request, also where nobody needs to be logged in: one that is no longer
    /// good must not lock anybody out of those. That it has expired is what becomes of every one of them.
    pub(super) async fn token_cookie(&self, token: &AccessToken) -> Result<Option<Authenticated>, Refusal> {
        self.0.form.shown().map_err(|error| self.cross_site(error))?;
        match self.checked(token, |reason| reason != RejectionReason::Expired).await {
            Ok(user) => Ok(user.as_ref().ok().cloned()),
            Err(AuthenticateError::Malformed(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What comes of the request's token, asked once. Why it is refused is written down if that `is_news`.
    async fn checked(
        &self,
        token: &AccessToken,
        is_news: impl Fn(RejectionReason) -> bool,
    ) -> Result<&Result<Authenticated, Rejection>, AuthenticateError> {
        let check = || async {
            let checked = settled(self.0.auth.0.check(token.clone()).await)?;
            if let Err(rejection) = checked
                && is_news(rejection.reason())
            {
                self.0.auth.bearer_is_refused(rejection.reason(), self.0.source);
            }
            Ok(checked)
        };
        self.0.bearer.get_or_try_init(check).await
    }

    /// What comes of the request's key, asked once. Whoever checks it writes down why it is refused.
    async fn checked_key(
        &self,
        key: &AccessToken,
    ) -> Result<&Result<Authenticated, Rejection>, AuthenticateError> {
        let check = || async { settled(self.0.auth.0.check_api_key(key, self.0.source).await) };
        self.0.bearer.get_or_try_init(check).await
    }
}

/// A refusal stays one for the whole request; what could not be checked is an error, and is tried again.
fn settled(
    checked: Result<Authenticated, AuthenticateError>,
) -> Result<Result<Authenticated, Rejection>, AuthenticateError> {
    match checked {
        Ok(user) => Ok(Ok(user)),
        Err(AuthenticateError::Rejected(rejection)) => Ok(Err(rejection)),
        Err(error) => Err(error),
    }
}
