//! The cookie that carries the session.

use std::time::Duration;

use crate::{
    cookie::{CookieError, CookieName, CookieTemplate, SameSite, SetCookie},
    csrf::Origin,
};

/// Which cookie carries the session, and how long the browser keeps it.
///
/// Always `HttpOnly` and `Path=/`. [`CookiePolicy::default`] is `__Host-sid; Secure; HttpOnly; SameSite=Lax;
/// Path=/`, kept until the browser is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookiePolicy {
    template: CookieTemplate,
    persistent: bool,
}

impl CookiePolicy {
    /// `__Host-<name>`: only this host sets and gets it, only over HTTPS.
    ///
    /// # Errors
    /// [`CookieError::Name`].
    pub fn host(name: &str) -> Result<Self, CookieError> {
        let name = CookieName::parse(&format!("__Host-{name}"))?;
        Ok(Self { template: CookieTemplate::new(name), persistent: false })
    }

    /// `__Secure-<name>` for `domain` and all its subdomains, over HTTPS.
    ///
    /// Every subdomain can then read, replace and double the cookie: use it only if all of them are yours and
    /// equally trusted.
    ///
    /// # Errors
    /// [`CookieError::Name`] or [`CookieError::Domain`].
    pub fn shared_with_subdomains(name: &str, domain: &str) -> Result<Self, CookieError> {
        let name = CookieName::parse(&format!("__Secure-{name}"))?;
        Ok(Self { template: CookieTemplate::new(name).with_domain(domain)?, persistent: false })
    }

    /// The development mode: plain HTTP between a browser and a server on one machine.
    ///
    /// The cookie is `sid-<port>`: without `Secure`, which not every browser takes there, and under a name
    /// that meets neither the real one nor that of a program on another port. `origin` is the address that
    /// the browser is given; the server must listen on a loopback address too.
    ///
    /// # Errors
    /// [`CookieError::NotLoopback`] unless `origin` is `http` on a loopback address or `localhost`.
    pub fn plain_http_loopback(origin: &Origin) -> Result<Self, CookieError> {
        if origin.is_https() || !origin.is_loopback() {
            return Err(CookieError::NotLoopback);
        }
        let name = CookieName::parse(&format!("sid-{}", origin.port()))?;
        Ok(Self { template: CookieTemplate::new(name).sent_over_plain_http()?, persistent: false })
    }

    /// Kept when the browser is closed, until the session's absolute deadline.
    #[must_use]
    pub fn persistent(mut self) -> Self {
        self.persistent = true;
        self
    }

    /// With another `SameSite`. `Strict` shows people who follow a link from elsewhere as logged out.
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

    /// Whether it is the development mode, which no address that others reach may use.
    #[must_use]
    pub fn is_plain_http(&self) -> bool {
        !self.template.is_secure()
    }

    /// What makes the browser forget the session.
    #[must_use]
    pub fn clear(&self) -> SetCookie {
        self.template.clear()
    }

    /// The cookie beside this one that forms of people without a session are bound to: `__Host-form`, or
    /// `form-<port>`.
    pub(crate) fn of_forms(&self) -> CookieTemplate {
        self.template.for_forms()
    }

    /// `value` is the toolkit's own and short; `lives_for` is what is left of the session, for a cookie that is kept
    /// when the browser is closed, because the policy or the session says so.
    pub(crate) fn set(&self, value: &str, lives_for: Duration, kept: bool) -> SetCookie {
        // A session in its last second: the grammar has no zero.
        let max_age = lives_for.max(Duration::from_secs(1));
        self.template.render(value, (self.persistent || kept).then_some(max_age))
    }
}

impl Default for CookiePolicy {
    fn default() -> Self {
        Self { template: CookieTemplate::new(CookieName::SESSION), persistent: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn the_default_is_host_bound_and_ends_with_the_browser() {
        let cookie = CookiePolicy::default().set("v", HOUR, false);
        assert_eq!(cookie.expose(), "__Host-sid=v; Path=/; Secure; HttpOnly; SameSite=Lax");
        for kept in [
            CookiePolicy::default().persistent().set("v", HOUR, false),
            CookiePolicy::default().set("v", HOUR, true),
        ] {
            assert!(kept.expose().ends_with("; Max-Age=3600"));
        }
        assert!(
            CookiePolicy::default()
                .persistent()
                .set("v", Duration::ZERO, false)
                .expose()
                .ends_with("; Max-Age=1")
        );
    }

    #[test]
    fn a_shared_cookie_names_its_domain() {
        let shared = CookiePolicy::shared_with_subdomains("sid", "example.com").unwrap();
        assert!(
            shared
                .set("v", HOUR, false)
                .expose()
                .starts_with("__Secure-sid=v; Path=/; Domain=example.com; Secure")
        );
        assert!(CookiePolicy::shared_with_subdomains("sid", "com").is_err());
        assert!(CookiePolicy::host("a;b").is_err());
    }

    /// Plain HTTP must not be had by mistake for an address that others reach.
    #[test]
    fn the_development_mode_is_for_loopback_and_names_its_port() {
        let policy = |origin: &str| CookiePolicy::plain_http_loopback(&Origin::parse(origin).unwrap());
        for (origin, name) in [
            ("http://127.0.0.1:3000", "sid-3000"),
            ("http://localhost:8080", "sid-8080"),
            ("http://[::1]:3000", "sid-3000"),
            ("http://localhost", "sid-80"),
        ] {
            let policy = policy(origin).unwrap();
            assert!(policy.is_plain_http());
            assert_eq!(
                policy.set("v", HOUR, false).expose(),
                format!("{name}=v; Path=/; HttpOnly; SameSite=Lax")
            );
            assert_eq!(policy.with_same_site(SameSite::None), Err(CookieError::SameSiteNone));
        }
        for origin in [
            "https://localhost:3000",
            "http://192.168.0.2:3000",
            "http://localhost.example.com",
            "http://app",
        ] {
            assert_eq!(policy(origin), Err(CookieError::NotLoopback), "{origin}");
        }
    }
}
