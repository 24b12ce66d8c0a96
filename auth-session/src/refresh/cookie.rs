//! A refresh token in a cookie, for browsers that hold a short access token in memory.

use std::time::Duration;

use auth_core::Malformed;

use crate::{
    cookie::{CookieError, CookieName, CookieTemplate, SameSite, SetCookie},
    csrf::Origin,
    refresh::RefreshToken,
};

/// Which cookie carries a browser's refresh token.
///
/// Always `HttpOnly`, and `SameSite=Strict` unless another is chosen: only pages of the site itself refresh. Routes
/// that read it check where the request comes from ([`CsrfPolicy`](crate::CsrfPolicy)) like those of sessions do.
///
/// Set it whenever a token is issued or refreshed, and clear it at logout only: a request whose token is refused
/// may be late, and the browser hold a newer one by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshCookie {
    template: CookieTemplate,
    persistent: bool,
}

impl RefreshCookie {
    /// `__Secure-<name>` under `path` only, which is where the routes are that refresh and log out: other requests
    /// do not carry it. A sibling domain can plant a cookie of that name, which then is a duplicate, or a
    /// stranger's token.
    ///
    /// # Errors
    /// [`CookieError::Name`] or [`CookieError::Path`].
    pub fn at_path(name: &str, path: &str) -> Result<Self, CookieError> {
        let name = CookieName::parse(&format!("__Secure-{name}"))?;
        Self::of(CookieTemplate::new(name).with_path(path)?)
    }

    /// `__Host-<name>`, which no other host can plant, and every request to this one carries.
    ///
    /// # Errors
    /// [`CookieError::Name`].
    pub fn host(name: &str) -> Result<Self, CookieError> {
        Self::of(CookieTemplate::new(CookieName::parse(&format!("__Host-{name}"))?))
    }

    /// The development mode: `<name>-<port>` without `Secure`, as
    /// [`CookiePolicy::plain_http_loopback`](crate::CookiePolicy::plain_http_loopback).
    ///
    /// # Errors
    /// [`CookieError::NotLoopback`] unless `origin` is `http` on a loopback address or `localhost`;
    /// [`CookieError::Name`] or [`CookieError::Path`].
    pub fn plain_http_loopback(name: &str, path: &str, origin: &Origin) -> Result<Self, CookieError> {
        if origin.is_https() || !origin.is_loopback() {
            return Err(CookieError::NotLoopback);
        }
        let name = CookieName::parse(&format!("{name}-{}", origin.port()))?;
        Self::of(CookieTemplate::new(name).with_path(path)?.sent_over_plain_http()?)
    }

    /// Kept when the browser is closed, until the login's absolute deadline.
    #[must_use]
    pub fn persistent(mut self) -> Self {
        self.persistent = true;
        self
    }

    /// With another `SameSite`.
    ///
    /// # Errors
    /// [`CookieError::SameSiteNone`] for [`SameSite::None`] in the development mode.
    pub fn with_same_site(mut self, same_site: SameSite) -> Result<Self, CookieError> {
        self.template = self.template.with_same_site(same_site)?;
        Ok(self)
    }

    /// The cookie's name.
    #[must_use]
    pub fn name(&self) -> &CookieName {
        self.template.name()
    }

    /// The token in the `Cookie` lines of a request, or `None` if there is none of our form. Touches no store.
    ///
    /// # Errors
    /// [`Malformed`] if the cookie comes twice or the lines are too long: 400, before any work.
    pub fn read<'a>(
        &self,
        cookie_lines: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
    ) -> Result<Option<RefreshToken>, Malformed> {
        Ok(self.name().find_in(cookie_lines)?.and_then(RefreshToken::parse))
    }

    /// The `Set-Cookie` header that gives the browser a token, to be sent with `Cache-Control: no-store`.
    /// `lives_for` is what is left of the login: until [`LiveSession::ends_at`](auth_core::LiveSession::ends_at).
    #[must_use]
    pub fn set(&self, token: &RefreshToken, lives_for: Duration) -> SetCookie {
        // The grammar has no zero, and browsers no more than 400 days.
        let max_age = lives_for.max(Duration::from_secs(1)).min(CookieTemplate::MAX_AGE);
        self.template.render(&token.expose(), self.persistent.then_some(max_age))
    }

    /// What makes the browser forget the token: at logout.
    #[must_use]
    pub fn clear(&self) -> SetCookie {
        self.template.clear()
    }

    fn of(template: CookieTemplate) -> Result<Self, CookieError> {
        let template = template.with_same_site(SameSite::Strict)?;
        Ok(Self { template, persistent: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::{KeyName, KeyRing, SessionId, SystemEntropy};

    fn token() -> RefreshToken {
        let keys = KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap();
        RefreshToken::make(&keys, SessionId::anonymous(&SystemEntropy).unwrap(), 3)
    }

    #[test]
    fn what_is_set_is_read_back_and_cleared_with_the_same_attributes() {
        let (token, hour) = (token(), Duration::from_secs(3_600));
        let text = token.expose();
        let cookie = RefreshCookie::at_path("rt", "/api/refresh").unwrap();
        let set = cookie.set(&token, hour);
        let attributes = "; Path=/api/refresh; Secure; HttpOnly; SameSite=Strict";
        assert_eq!(set.expose(), format!("__Secure-rt={}{attributes}", *text));
        assert!(cookie.clear().expose().starts_with(&format!("__Secure-rt={attributes}; Expires=")));
        let pair = set.expose().split(';').next().unwrap().as_bytes();
        assert_eq!(*cookie.read([pair]).unwrap().unwrap().expose(), *text);
        let host = RefreshCookie::host("rt").unwrap().persistent().set(&token, hour);
        let rest = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=3600";
        assert_eq!(host.expose(), format!("__Host-rt={}{rest}", *text));
        assert!(!format!("{host:?}").contains(&text[50..]));
    }

    /// Never first-wins.
    #[test]
    fn two_tokens_are_refused_and_what_is_none_of_ours_is_none() {
        let cookie = RefreshCookie::host("rt").unwrap();
        let text = token().expose().to_string();
        let two = format!("__Host-rt={text}; __Host-rt={text}");
        assert_eq!(cookie.read([two.as_bytes()]).unwrap_err(), Malformed::DuplicateCookie);
        assert!(cookie.read([&b"__Host-rt=x"[..]]).unwrap().is_none());
        assert!(cookie.read([&b"rt=x"[..]]).unwrap().is_none());
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        let cookie =
            |origin: &str| RefreshCookie::plain_http_loopback("rt", "/api", &Origin::parse(origin).unwrap());
        let set = cookie("http://127.0.0.1:3000").unwrap().set(&token(), Duration::ZERO);
        assert!(set.expose().starts_with("rt-3000=rt1.") && !set.expose().contains("Secure"));
        assert_eq!(cookie("http://example.com").unwrap_err(), CookieError::NotLoopback);
        assert_eq!(cookie("https://localhost").unwrap_err(), CookieError::NotLoopback);
    }
}
