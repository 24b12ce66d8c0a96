//! How long sessions live, and what else is decided once for all of them.

use std::time::Duration;

use auth_core::{SessionLimit, SessionRecord};

use crate::{
    client_check::ClientCheck,
    cookie::{CookiePolicy, CookieTemplate},
};

/// A session policy was refused because it is weak or contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The idle timeout is under [`SessionPolicy::MIN_IDLE`].
    #[error("idle timeout must be at least 60 seconds")]
    IdleTooShort,
    /// The idle timeout is longer than the absolute one, which would then never be reached by being idle.
    #[error("idle timeout must not be longer than the absolute one")]
    IdleBeyondAbsolute,
    /// The absolute timeout is over [`SessionPolicy::MAX_ABSOLUTE`].
    #[error("absolute timeout must be at most 400 days")]
    AbsoluteTooLong,
    /// Rotation more often than [`SessionPolicy::MIN_ROTATION`], within which old secrets still work.
    #[error("rotation interval must be at least 5 minutes")]
    RotationTooOften,
    /// A rotation interval that no session lives to see.
    #[error("rotation interval must be shorter than the absolute timeout")]
    RotationBeyondAbsolute,
    /// Acting as somebody else for longer than [`SessionPolicy::MAX_IMPERSONATION`], or for no time at all.
    #[error("impersonation must last 1 second to 8 hours")]
    Impersonation,
    /// A limit of no session at all.
    #[error("session limit must be at least one")]
    LimitZero,
    /// Epochs are asked for more seldom than [`EpochCheck::MAX_INTERVAL`](crate::EpochCheck::MAX_INTERVAL).
    #[error("epoch check interval must be at most one hour")]
    EpochCheckTooSeldom,
}

/// How long sessions live and how often their secret changes. Valid by construction.
///
/// Deadlines are the server's: what the browser is told of a lifetime only saves it from sending a cookie that
/// is dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPolicy {
    idle: Duration,
    absolute: Duration,
    rotation: Option<Duration>,
    limit: Option<SessionLimit>,
    remembered: Option<(Duration, Duration)>,
    anonymous: (Duration, Duration),
    impersonation: Duration,
    client_check: ClientCheck,
    cookie: CookiePolicy,
}

impl SessionPolicy {
    /// The shortest idle timeout: 60 s.
    pub const MIN_IDLE: Duration = Duration::from_secs(60);
    /// The longest absolute timeout: 400 days, as long as a browser keeps a cookie.
    pub const MAX_ABSOLUTE: Duration = CookieTemplate::MAX_AGE;
    /// The shortest interval of periodic rotation: 5 min.
    pub const MIN_ROTATION: Duration = Duration::from_secs(300);
    /// How old a secret becomes before it is replaced, unless another interval is chosen: 24 h.
    pub const ROTATION: Duration = Duration::from_secs(24 * HOUR);
    /// How long a session of nobody lives without being used, unless another time is chosen: 1 h.
    pub const ANONYMOUS_IDLE: Duration = Duration::from_secs(HOUR);
    /// How long a session of nobody lives in any case, unless another time is chosen: 24 h.
    pub const ANONYMOUS_ABSOLUTE: Duration = Duration::from_secs(24 * HOUR);
    /// How long somebody acts as somebody else, unless another time is chosen: 1 h.
    pub const IMPERSONATION: Duration = Duration::from_secs(HOUR);
    /// The longest that somebody acts as somebody else: 8 h.
    pub const MAX_IMPERSONATION: Duration = Duration::from_secs(8 * HOUR);
    /// The longest that uses of a session go unwritten: 1 h.
    pub const MAX_TOUCH: Duration = Duration::from_secs(HOUR);

    /// Sessions that end after `idle` without use, and after `absolute` in any case; both in whole seconds. Those of
    /// nobody end [sooner](Self::with_anonymous).
    ///
    /// # Errors
    /// [`PolicyError`] unless 60 s <= `idle` <= `absolute` <= 400 days.
    pub fn new(idle: Duration, absolute: Duration, cookie: CookiePolicy) -> Result<Self, PolicyError> {
        check_lifetime(idle, absolute)?;
        Ok(Self::of(idle, absolute, Self::ROTATION, cookie))
    }

    const fn of(idle: Duration, absolute: Duration, rotation: Duration, cookie: CookiePolicy) -> Self {
        Self {
            idle,
            absolute,
            rotation: Some(rotation),
            limit: None,
            remembered: None,
            anonymous: (shorter(idle, Self::ANONYMOUS_IDLE), shorter(absolute, Self::ANONYMOUS_ABSOLUTE)),
            impersonation: Self::IMPERSONATION,
            client_check: ClientCheck::off(),
            cookie,
        }
    }

    /// For logins by one factor: 7 days idle, 30 days in any case (NIST SP 800-63B-4 section 2, AAL1).
    #[must_use]
    pub const fn aal1(cookie: CookiePolicy) -> Self {
        let (idle, absolute) = (Duration::from_secs(7 * 24 * HOUR), Duration::from_secs(30 * 24 * HOUR));
        Self::of(idle, absolute, Self::ROTATION, cookie)
    }

    /// For logins by two factors: 1 hour idle, 24 hours in any case (NIST SP 800-63B-4 section 2, AAL2). The
    /// secret changes every 8 hours.
    #[must_use]
    pub const fn aal2(cookie: CookiePolicy) -> Self {
        let (idle, absolute) = (Duration::from_secs(HOUR), Duration::from_secs(24 * HOUR));
        Self::of(idle, absolute, Duration::from_secs(8 * HOUR), cookie)
    }

    /// With another age at which a logged-in session's secret is replaced.
    ///
    /// # Errors
    /// [`PolicyError`] unless 5 min <= `interval` < the absolute timeout.
    pub fn rotate_every(mut self, interval: Duration) -> Result<Self, PolicyError> {
        if interval < Self::MIN_ROTATION {
            return Err(PolicyError::RotationTooOften);
        }
        if interval >= self.absolute {
            return Err(PolicyError::RotationBeyondAbsolute);
        }
        self.rotation = Some(interval);
        Ok(self)
    }

    /// Without periodic rotation: a secret that was stolen unnoticed works as long as the session.
    #[must_use]
    pub const fn without_rotation(mut self) -> Self {
        self.rotation = None;
        self
    }

    /// With a limit on how many sessions a principal has at once.
    ///
    /// # Errors
    /// [`PolicyError::LimitZero`].
    pub fn with_limit(mut self, limit: SessionLimit) -> Result<Self, PolicyError> {
        if limit.max == 0 {
            return Err(PolicyError::LimitZero);
        }
        self.limit = Some(limit);
        Ok(self)
    }

    /// With other deadlines for sessions that are to be [remembered](crate::StartOptions::remembered); both in whole
    /// seconds.
    ///
    /// # Errors
    /// [`PolicyError`] unless 60 s <= `idle` <= `absolute` <= 400 days.
    pub fn with_remembered(mut self, idle: Duration, absolute: Duration) -> Result<Self, PolicyError> {
        check_lifetime(idle, absolute)?;
        self.remembered = Some((idle, absolute));
        Ok(self)
    }

    /// With other deadlines for sessions in which nobody has logged in yet: a cart, the state of a login. Both are in
    /// whole seconds, and unless chosen [1 h](Self::ANONYMOUS_IDLE) and [24 h](Self::ANONYMOUS_ABSOLUTE), and no longer
    /// than those of other sessions. Any visitor can cause as many of them as they like, and most stores
    /// keep them all until then.
    ///
    /// # Errors
    /// [`PolicyError`] unless 60 s <= `idle` <= `absolute` <= 400 days.
    pub fn with_anonymous(mut self, idle: Duration, absolute: Duration) -> Result<Self, PolicyError> {
        check_lifetime(idle, absolute)?;
        self.anonymous = (idle, absolute);
        Ok(self)
    }

    /// With another time for which somebody may act as somebody else, in whole seconds.
    ///
    /// # Errors
    /// [`PolicyError::Impersonation`] unless 1 s <= `longest` <= 8 h.
    pub fn with_impersonation(mut self, longest: Duration) -> Result<Self, PolicyError> {
        if longest.as_secs() == 0 || longest > Self::MAX_IMPERSONATION {
            return Err(PolicyError::Impersonation);
        }
        self.impersonation = longest;
        Ok(self)
    }

    /// With something that a session's client is held to. Read [`ClientCheck`] first.
    #[must_use]
    pub const fn with_client_check(mut self, check: ClientCheck) -> Self {
        self.client_check = check;
        self
    }

    /// How long a session lives without being used.
    #[must_use]
    pub const fn idle(&self) -> Duration {
        self.idle
    }

    /// How long a session lives in any case.
    #[must_use]
    pub const fn absolute(&self) -> Duration {
        self.absolute
    }

    /// The age at which a secret is replaced.
    #[must_use]
    pub const fn rotation(&self) -> Option<Duration> {
        self.rotation
    }

    /// How many sessions a principal may have.
    #[must_use]
    pub const fn limit(&self) -> Option<&SessionLimit> {
        self.limit.as_ref()
    }

    /// How long a session that is remembered lives without being used, and in any case, if that is not what holds for
    /// all.
    #[must_use]
    pub const fn remembered(&self) -> Option<(Duration, Duration)> {
        self.remembered
    }

    /// How long a session of nobody lives without being used, and in any case.
    #[must_use]
    pub const fn anonymous(&self) -> (Duration, Duration) {
        self.anonymous
    }

    /// How long somebody may act as somebody else.
    #[must_use]
    pub const fn impersonation(&self) -> Duration {
        self.impersonation
    }

    /// What a session's client is held to.
    #[must_use]
    pub const fn client_check(&self) -> ClientCheck {
        self.client_check
    }

    /// The cookie that carries the session.
    #[must_use]
    pub const fn cookie(&self) -> &CookiePolicy {
        &self.cookie
    }

    /// How long a use goes unwritten: a twentieth of the idle timeout, at most 1 h. A session may end that
    /// much earlier than its last use and the idle timeout say.
    #[must_use]
    pub fn touch_after(&self) -> Duration {
        Self::touch_after_of(self.idle)
    }

    pub(crate) fn touch_after_of(idle: Duration) -> Duration {
        Duration::from_secs(idle.as_secs() / 20).min(Self::MAX_TOUCH)
    }

    /// How long this session lives without being used.
    pub(crate) fn idle_of(&self, record: &SessionRecord) -> Duration {
        let of_all = if record.authentication.is_some() { self.idle } else { self.anonymous.0 };
        record.terms.as_ref().and_then(|terms| terms.idle).unwrap_or(of_all)
    }
}

const fn shorter(a: Duration, b: Duration) -> Duration {
    if a.as_nanos() < b.as_nanos() { a } else { b }
}

pub(crate) fn check_lifetime(idle: Duration, absolute: Duration) -> Result<(), PolicyError> {
    if idle < SessionPolicy::MIN_IDLE {
        return Err(PolicyError::IdleTooShort);
    }
    if idle > absolute {
        return Err(PolicyError::IdleBeyondAbsolute);
    }
    if absolute > SessionPolicy::MAX_ABSOLUTE {
        return Err(PolicyError::AbsoluteTooLong);
    }
    Ok(())
}

const HOUR: u64 = 3_600;

// Replaced secrets must be long dead when the next rotation comes.
const _: () = assert!(SessionPolicy::MIN_ROTATION.as_secs() > 2 * SessionRecord::GRACE.as_secs());
const _: () = assert!(SessionPolicy::MIN_ROTATION.as_secs() > 2 * SessionRecord::LOST_AFTER.as_secs());

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::WhenReached;

    fn policy(idle: u64, absolute: u64) -> Result<SessionPolicy, PolicyError> {
        SessionPolicy::new(Duration::from_secs(idle), Duration::from_secs(absolute), CookiePolicy::default())
    }

    #[test]
    fn weak_and_contradictory_policies_are_refused() {
        let days = |n: u64| n * 24 * HOUR;
        assert_eq!(policy(59, 100), Err(PolicyError::IdleTooShort));
        assert_eq!(policy(0, 0), Err(PolicyError::IdleTooShort));
        assert_eq!(policy(101, 100), Err(PolicyError::IdleBeyondAbsolute));
        assert_eq!(policy(60, days(400) + 1), Err(PolicyError::AbsoluteTooLong));
        let day = policy(HOUR, days(1)).unwrap();
        let every = |secs| day.clone().rotate_every(Duration::from_secs(secs));
        assert_eq!(every(299), Err(PolicyError::RotationTooOften));
        assert_eq!(every(days(1)), Err(PolicyError::RotationBeyondAbsolute));
        assert!(every(300).is_ok());
        let none = SessionLimit { max: 0, when_reached: WhenReached::Refuse };
        assert_eq!(day.clone().with_limit(none), Err(PolicyError::LimitZero));
        let remembered = |idle, absolute| {
            day.clone().with_remembered(Duration::from_secs(idle), Duration::from_secs(absolute))
        };
        assert_eq!(remembered(59, 100), Err(PolicyError::IdleTooShort));
        assert_eq!(remembered(101, 100), Err(PolicyError::IdleBeyondAbsolute));
        assert_eq!(remembered(60, days(400) + 1), Err(PolicyError::AbsoluteTooLong));
        let anonymous = |idle, absolute| {
            day.clone().with_anonymous(Duration::from_secs(idle), Duration::from_secs(absolute))
        };
        assert_eq!(anonymous(59, 100), Err(PolicyError::IdleTooShort));
        assert_eq!(anonymous(101, 100), Err(PolicyError::IdleBeyondAbsolute));
        assert_eq!(anonymous(60, days(400) + 1), Err(PolicyError::AbsoluteTooLong));
        for (longest, expected) in [(0, false), (1, true), (8 * HOUR, true), (8 * HOUR + 1, false)] {
            let policy = day.clone().with_impersonation(Duration::from_secs(longest));
            assert_eq!(policy.is_ok(), expected, "{longest}");
        }
    }

    #[test]
    fn the_named_policies_would_pass_their_own_checks() {
        for named in
            [SessionPolicy::aal1(CookiePolicy::default()), SessionPolicy::aal2(CookiePolicy::default())]
        {
            let built = SessionPolicy::new(named.idle, named.absolute, CookiePolicy::default()).unwrap();
            assert_eq!(built.rotate_every(named.rotation.unwrap()).unwrap(), named);
        }
    }

    #[test]
    fn a_touch_is_due_after_a_twentieth_of_idle_and_at_most_an_hour() {
        assert_eq!(policy(60, 60).unwrap().touch_after(), Duration::from_secs(3));
        assert_eq!(policy(1_200, 9_999).unwrap().touch_after(), Duration::from_secs(60));
        assert_eq!(SessionPolicy::aal1(CookiePolicy::default()).touch_after(), Duration::from_secs(HOUR));
    }
}
