//! Slows guessing.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use auth_core::{
    AuthenticateError, Count, CounterKey, CounterStore, LoginName, Purpose, Realm, Refusal, StoreError,
    Throttled, Unavailable, UnixTime, Window,
};

use crate::source::SourceKey;

/// So many tries in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    tries: NonZeroU32,
    window: Window,
}

impl Limit {
    /// `tries` tries in any `window`.
    #[must_use]
    pub const fn new(tries: NonZeroU32, window: Window) -> Self {
        Self { tries, window }
    }

    /// How many tries.
    #[must_use]
    pub const fn tries(self) -> NonZeroU32 {
        self.tries
    }

    /// In how long.
    #[must_use]
    pub const fn window(self) -> Window {
        self.window
    }

    fn of(tries: u32, minutes: u64) -> Self {
        let window = Window::new(Duration::from_secs(minutes.saturating_mul(60)));
        Self { tries: NonZeroU32::new(tries).unwrap_or(NonZeroU32::MIN), window }
    }
}

/// The limits of a [`Throttle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleLimits {
    /// Tries at one account from one source.
    pub pair: Limit,
    /// Tries at one account from anywhere. Beyond it, tries are delayed and never refused, so nobody can lock
    /// somebody else out.
    pub account: Limit,
    /// Tries from one source at any account.
    pub source: Limit,
}

impl ThrottleLimits {
    /// For logins: 10 for a pair, 30 for an account, 100 for a source, each in 15 minutes.
    #[must_use]
    pub fn login() -> Self {
        Self { pair: Limit::of(10, 15), account: Limit::of(30, 15), source: Limit::of(100, 15) }
    }

    /// For signing up: 20 from a source in an hour. Accounts are not counted: nothing is guessed.
    #[must_use]
    pub fn sign_up() -> Self {
        let limit = Limit::of(20, 60);
        Self { pair: limit, account: limit, source: limit }
    }
}

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

/// One thing that is counted, and what happens beyond its limit.
#[derive(Clone, Copy)]
struct Counted {
    key: CounterKey,
    limit: Limit,
    hard: bool,
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
        let account = self.key(realm, b"account", Some(login), None);
        let soft = SoftTurn::new(&account, now);
        let counted = [
            self.pair(realm, login, source),
            Counted { key: account, limit: self.limits.account, hard: false },
            self.source(realm, source),
        ];
        self.count(&counted, soft, now).await
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
        let counted = self.source(realm, source);
        self.count(&[counted], SoftTurn::new(&counted.key, now), now).await
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
        let pair = self.pair(realm, login, source);
        self.counters.reset(&pair.key, pair.limit.window).await
    }

    fn pair(&self, realm: &Realm, login: &LoginName, source: SourceKey) -> Counted {
        let key = self.key(realm, b"pair", Some(login), Some(source));
        Counted { key, limit: self.limits.pair, hard: true }
    }

    fn source(&self, realm: &Realm, source: SourceKey) -> Counted {
        let key = self.key(realm, b"source", None, Some(source));
        Counted { key, limit: self.limits.source, hard: true }
    }

    fn key(
        &self,
        realm: &Realm,
        what: &[u8],
        login: Option<&LoginName>,
        source: Option<SourceKey>,
    ) -> CounterKey {
        let mut address = Vec::with_capacity(SourceKey::MAX_LEN);
        if let Some(source) = source {
            source.write_to(&mut address);
        }
        let login = login.map_or("", LoginName::as_str).as_bytes();
        CounterKey::new(realm, self.purpose, &[what, login, &address])
    }

    async fn count(&self, counted: &[Counted], soft: SoftTurn, now: UnixTime) -> Result<(), ThrottleError> {
        // First a look, so that what is refused is counted nowhere.
        for one in counted {
            let count = self.counters.add(&one.key, 0, one.limit.window, now).await?;
            one.judge(Count { value: count.value.saturating_add(1), ..count }, soft, now)?;
        }
        // Then the count itself. Of tries at once, those that find the limit used up by others go no further.
        for one in counted {
            let count = self.counters.add(&one.key, 1, one.limit.window, now).await?;
            one.judge(count, soft, now)?;
        }
        Ok(())
    }
}

/// When softly throttled tries are let through: one turn for all counts of a try, so that they agree.
#[derive(Clone, Copy)]
struct SoftTurn {
    /// Seconds until the next turn; none while it lasts.
    wait: Option<u64>,
}

impl SoftTurn {
    /// Each key has its own phase, so that not everybody comes at the same second.
    fn new(key: &CounterKey, now: UnixTime) -> Self {
        let [phase, ..] = *key.as_bytes();
        let into = now.as_secs().saturating_add(u64::from(phase)) % Throttle::SOFT_CYCLE;
        let wait = Throttle::SOFT_CYCLE.saturating_sub(into);
        Self { wait: (into >= Throttle::SOFT_OPEN).then_some(wait) }
    }
}

impl Counted {
    /// Judges a try that makes the count what it is.
    fn judge(&self, count: Count, soft: SoftTurn, now: UnixTime) -> Result<(), Throttled> {
        if count.value <= u64::from(self.limit.tries.get()) {
            return Ok(());
        }
        let wait = if self.hard && count.exact {
            // Which eighths of the window hold the tries is not known: told is when the oldest one goes.
            let bucket = self.limit.window.bucket_length().as_secs();
            let into = now.as_secs().checked_rem(bucket).unwrap_or(0);
            Some(bucket.saturating_sub(into).max(1))
        } else {
            soft.wait
        };
        match wait {
            Some(secs) => Err(Throttled { retry_after: Duration::from_secs(secs) }),
            None => Ok(()),
        }
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
