//! How long sessions live that are nothing but a cookie.

use std::time::Duration;

use crate::{
    cookie::CookiePolicy,
    policy::{PolicyError, SessionPolicy},
};

/// How long sessions live that are nothing but a cookie. Valid by construction. There is no limit on their number, for
/// nobody can count them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieSessionPolicy(SessionPolicy);

impl CookieSessionPolicy {
    /// Sessions that end after `idle` without use, and after `absolute` in any case; both in whole seconds.
    ///
    /// # Errors
    /// [`PolicyError`] unless 60 s <= `idle` <= `absolute` <= 400 days.
    pub fn new(idle: Duration, absolute: Duration, cookie: CookiePolicy) -> Result<Self, PolicyError> {
        SessionPolicy::new(idle, absolute, cookie).map(Self)
    }

    /// For logins by one factor: 7 days idle, 30 days in any case (NIST SP 800-63B-4 section 2, AAL1). Long for
    /// sessions that no logout ends.
    #[must_use]
    pub const fn aal1(cookie: CookiePolicy) -> Self {
        Self(SessionPolicy::aal1(cookie))
    }

    /// For logins by two factors: 1 hour idle, 24 hours in any case (NIST SP 800-63B-4 section 2, AAL2).
    #[must_use]
    pub const fn aal2(cookie: CookiePolicy) -> Self {
        Self(SessionPolicy::aal2(cookie))
    }

    /// How long a session lives without being used.
    #[must_use]
    pub const fn idle(&self) -> Duration {
        self.0.idle()
    }

    /// How long a session lives in any case.
    #[must_use]
    pub const fn absolute(&self) -> Duration {
        self.0.absolute()
    }

    /// The cookie that is the session.
    #[must_use]
    pub const fn cookie(&self) -> &CookiePolicy {
        self.0.cookie()
    }

    /// How old a cookie becomes before a use makes a new one: a twentieth of the idle timeout, at most 1 h.
    #[must_use]
    pub fn renew_after(&self) -> Duration {
        self.0.touch_after()
    }
}
