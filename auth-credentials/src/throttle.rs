//! Slows guessing.

mod limits;
mod tries;

use std::{fmt, sync::Arc};

use auth_core::{
    AuthenticateError, CounterKey, CounterStore, LoginName, Purpose, Realm, Refusal, StoreError, Throttled,
    Unavailable, UnixTime, Window,
};

pub use self::limits::{Limit, ThrottleLimits};
pub(crate) use self::tries::Tries;
use self::tries::{Counted, SoftTurn};
use crate::source::SourceKey;

/// Slows guessing: per account, per source, and per pair of both.
///
/// Every try is counted before anything is compared, so tries at once count each other. What is refused is
/// not counted, so asking again does not prolong the wait. A success forgets the pair only: an attacker who
/// logs in to an account of their own, or a victim who logs in to theirs, clears nobody else's record.
///
/// Two ways to be slowed, both a [`Throttled`] with the seconds to wait:
///
/// - *Hard*, for a pair or a source over its limit: until the window has moved on, an eighth of it at a time.
/// - *Soft*, for an account over its limit, and for any count that is not exact: tries pass for 2 seconds in
///   every 16, so whoever waits as told gets in. A count that is not exact may be somebody else's, and the
///   tries at an account are mostly somebody else's: that must never keep its owner out.
///
/// What ends guessing from many places for good is the cap on consecutive failures in the credential's row:
/// [`PasswordAuthenticator::MAX_FAILURES`](crate::PasswordAuthenticator::MAX_FAILURES).
#[derive(Clone)]
pub struct Throttle {
    counters: Arc<dyn CounterStore>,
    purpose: Purpose,
    limits: ThrottleLimits,
}

/// Why a try may not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThrottleError {
    /// Too many tries.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// The counters failed. Without them nobody gets through.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Throttle {
    /// The cycle in which softly throttled tries are let through, in seconds.
    pub const SOFT_CYCLE: u64 = 16;
    /// The part of the cycle in which they are, in seconds.
    pub const SOFT_OPEN: u64 = 2;

    /// Counts in `counters` under `purpose`; throttles with different purposes do not see each other.
    #[must_use]
    pub fn new(counters: Arc<dyn CounterStore>, purpose: Purpose, limits: ThrottleLimits) -> Self {
        Self { counters, purpose, limits }
    }

    /// A throttle for logins, with [`ThrottleLimits::login`].
    #[must_use]
    pub fn login(counters: Arc<dyn CounterStore>) -> Self {
        Self::new(counters, Purpose::new("login"), ThrottleLimits::login())
    }

    /// A throttle for signing up, with [`ThrottleLimits::sign_up`].
    #[must_use]
    pub fn sign_up(counters: Arc<dyn CounterStore>) -> Self {
        Self::new(counters, Purpose::new("sign-up"), ThrottleLimits::sign_up())
    }

    /// A throttle for second factors, with [`ThrottleLimits::second_factor`].
    #[must_use]
    pub fn second_factor(counters: Arc<dyn CounterStore>) -> Self {
        Self::new(counters, Purpose::new("second-factor"), ThrottleLimits::second_factor())
    }

    /// A throttle for asking for links, with [`ThrottleLimits::links`].
    #[must_use]
    pub fn links(counters: Arc<dyn CounterStore>) -> Self {
        Self::new(counters, Purpose::new("link"), ThrottleLimits::links())
    }

    /// A throttle for refused API keys, with [`ThrottleLimits::api_keys`].
    #[must_use]
    pub fn api_keys(counters: Arc<dyn CounterStore>) -> Self {
        Self::new(counters, Purpose::new("api-key"), ThrottleLimits::api_keys())
    }

    /// What is throttled, as audit events name it.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> ThrottleLimits {
        self.limits
    }

    /// Counts a try at `login`, whether or not there is such an account, and lets it go on or not.
    ///
    /// Call it before any other work on the request.
    ///
    /// # Errors
    /// [`ThrottleError`]: the try must not go on.
    pub async fn attempt(
        &self,
        realm: &Realm,
        login: &LoginName,
        source: SourceKey,
        now: UnixTime,
    ) -> Result<(), ThrottleError> {
        let tries = self.tries(realm, Some(login.as_str().as_bytes()), source, now);
        tries.look().await?;
        tries.count().await
    }

    /// Counts a try that is at no account.
    ///
    /// # Errors
    /// [`ThrottleError`]: the try must not go on.
    pub async fn attempt_by_source(
        &self,
        realm: &Realm,
        source: SourceKey,
        now: UnixTime,
    ) -> Result<(), ThrottleError> {
        let tries = self.tries(realm, None, source, now);
        tries.look().await?;
        tries.count().await
    }

    /// Forgets the tries of a pair, after a success.
    ///
    /// # Errors
    /// [`StoreError`]; the tries then stay counted, which harms nobody for longer than the window.
    pub async fn succeeded(
        &self,
        realm: &Realm,
        login: &LoginName,
        source: SourceKey,
    ) -> Result<(), StoreError> {
        self.forget_pair(realm, login.as_str().as_bytes(), source).await
    }

    /// The same, whatever the account is called by.
    pub(crate) async fn forget_pair(
        &self,
        realm: &Realm,
        whose: &[u8],
        source: SourceKey,
    ) -> Result<(), StoreError> {
        let pair = self.pair(realm, whose, source);
        self.counters.reset(&pair.key, pair.limit.window).await
    }

    /// Spends one of `most` that `whose` has in any `window`, and answers whether there was one left. What was not spent
    /// is not counted. A count that is not exact may be somebody else's, so it takes nothing from anybody.
    pub(crate) async fn spend(
        &self,
        realm: &Realm,
        whose: &[u8],
        most: u32,
        window: Window,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let key = self.key(realm, b"spent", Some(whose), None);
        let before = self.counters.add(&key, 0, window, now).await?;
        if before.exact && before.value >= u64::from(most) {
            return Ok(false);
        }
        // Again, for others may have spent at the same moment.
        let count = self.counters.add(&key, 1, window, now).await?;
        Ok(!count.exact || count.value <= u64::from(most))
    }

    /// A try that is looked at and counted in two steps, with something in between. The account may be called by
    /// its login, or by its principal where that is known.
    pub(crate) fn tries(
        &self,
        realm: &Realm,
        whose: Option<&[u8]>,
        source: SourceKey,
        now: UnixTime,
    ) -> Tries<'_> {
        let by_source = self.key(realm, b"source", None, Some(source));
        let mut turn_of = by_source;
        let mut counted = Vec::with_capacity(3);
        if let Some(whose) = whose {
            turn_of = self.key(realm, b"account", Some(whose), None);
            counted.push(self.pair(realm, whose, source));
            counted.push(Counted { key: turn_of, limit: self.limits.account, hard: false });
        }
        counted.push(Counted { key: by_source, limit: self.limits.source, hard: true });
        Tries { counters: &*self.counters, counted, soft: SoftTurn::new(&turn_of, now), now }
    }

    fn pair(&self, realm: &Realm, whose: &[u8], source: SourceKey) -> Counted {
        let key = self.key(realm, b"pair", Some(whose), Some(source));
        Counted { key, limit: self.limits.pair, hard: true }
    }

    fn key(&self, realm: &Realm, what: &[u8], whose: Option<&[u8]>, source: Option<SourceKey>) -> CounterKey {
        let mut address = Vec::with_capacity(SourceKey::MAX_LEN);
        if let Some(source) = source {
            source.write_to(&mut address);
        }
        CounterKey::new(realm, self.purpose, &[what, whose.unwrap_or_default(), &address])
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("purpose", &self.purpose)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl From<ThrottleError> for AuthenticateError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::Throttled(throttled) => Self::Throttled(throttled),
            ThrottleError::Store(error) => Self::Unavailable(Unavailable::Store(error)),
        }
    }
}

impl From<ThrottleError> for Refusal {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::Throttled(throttled) => Self::Throttled(throttled),
            ThrottleError::Store(error) => Self::Unavailable(Unavailable::Store(error)),
        }
    }
}
