//! The second step of a login: what waits for a code between two requests, and what the code is checked by.

use std::{net::IpAddr, sync::Arc};

use auth_web::{
    PublicUrl, Refusal,
    core::{
        AuthenticateError, Authenticator, Clock, KeyRing, LoginGate, LoginOutcome, Malformed, PendingLogin,
        SystemClock, SystemEntropy, Unavailable,
    },
    credentials::{CodeCredential, PendingLogins},
    session::{CookieError, CookieName, CookieTemplate, SameSite},
};
use axum::http::{HeaderMap, header};
use serde::Deserialize;

use crate::setup::App;

/// Carries a login that waits for a code: in a cookie of the browser that showed the password, or as text that a
/// program keeps. It is sealed, lives for ten minutes, and opens nothing by itself.
#[derive(Clone)]
pub struct WaitingLogins {
    logins: PendingLogins,
    cookie: CookieTemplate,
}

/// A code as a form or a program sends it: one of the device, or one of the list.
#[derive(Deserialize)]
pub struct TypedCode {
    code: Option<String>,
    recovery_code: Option<String>,
}

impl TypedCode {
    pub fn is_of_the_list(&self) -> bool {
        self.recovery_code.is_some()
    }
}

impl WaitingLogins {
    /// With a cookie for plain HTTP on this machine. Where there is TLS it is `__Host-login`, with `Secure`.
    pub fn new(keys: Arc<KeyRing>, public: &PublicUrl) -> Result<Self, CookieError> {
        let name = CookieName::parse(&format!("login-{}", public.origin().port()))?;
        let cookie = CookieTemplate::new(name).sent_over_plain_http()?.with_same_site(SameSite::Strict)?;
        Ok(Self { logins: PendingLogins::new(keys, Arc::new(SystemEntropy)), cookie })
    }

    /// The login as text.
    pub fn seal(&self, login: &PendingLogin) -> Result<String, Refusal> {
        Ok(self.logins.seal(login)?.to_string())
    }

    /// The login of a text; none if it was not sealed here or is too old.
    pub fn open(&self, text: &str) -> Option<PendingLogin> {
        self.logins.open(text, SystemClock.now())
    }

    /// The `Set-Cookie` header that keeps the login.
    pub fn keep(&self, login: &PendingLogin) -> Result<String, Refusal> {
        let cookie = self.cookie.set(&self.seal(login)?, Some(LoginGate::PENDING_LIFE));
        // Sealed text has letters that a cookie may have, and is shorter than one may be.
        Ok(cookie.map_err(|_| Unavailable::Overloaded)?.expose().to_owned())
    }

    /// The login that the browser keeps, if any.
    pub fn kept(&self, headers: &HeaderMap) -> Result<Option<PendingLogin>, Malformed> {
        let lines = headers.get_all(header::COOKIE).iter().map(|line| line.as_bytes()).collect::<Vec<_>>();
        let text = self.cookie.name().find_in(lines)?.and_then(|text| std::str::from_utf8(text).ok());
        Ok(text.and_then(|text| self.open(text)))
    }

    /// The `Set-Cookie` header that makes the browser forget it.
    pub fn forget(&self) -> String {
        self.cookie.clear().expose().to_owned()
    }
}

impl App {
    /// Goes on with a login by a code. Five tries in a quarter of an hour, whatever is tried.
    pub async fn log_in_by_code(
        &self,
        login: PendingLogin,
        typed: TypedCode,
        source: Option<IpAddr>,
    ) -> Result<LoginOutcome, AuthenticateError> {
        let credential = match (typed.code, typed.recovery_code) {
            (Some(code), None) => CodeCredential::one_time(&login, code, source),
            (None, Some(code)) => CodeCredential::recovery(&login, code, source),
            _ => return Err(Malformed::Content.into()),
        };
        let factor = self.factors.authenticate(credential).await?;
        self.accounts.proceed(login, factor, source).await
    }
}
