//! Slows guessing.

mod limits;
mod tries;

use std::{fmt, num::NonZeroU32, sync::Arc};

use auth_core::{
    AuthenticateError, CounterKey, CounterStore, LoginName, Purpose, Realm, Refusal, StoreError, Throttled,
    Unavailable, UnixTime, Window,
};

pub use self::limits::{Limit, ThrottleLimits};
pub(crate) use self::tries::Tries;
use self::tries::{Counted, SoftTurn};
use crate::source::{Origin, SourceKey};

/// Slows guessing: per account, per source, per pair of both, and everywhere together.
///
/// Every try is counted before anything is compared, so tries at once count each other. What is refused is
/// not counted, so asking again does not prolong the wait. A success forgets the pair only: an attacker who
/// logs in to an account of their own, or a victim who logs in to theirs, clears nobody else's record.
///
/// Two ways to be slowed, both a [`Throttled`] with the seconds to wait:
///
/// - *Hard*, for a pair or a source over its limit: until the window has moved on, an eighth of it at a time.
/// - *Soft*, for an account over its limit, for all of them when too many tries are refused anywhere, and for any
///   count that is not exact: tries pass for 2 seconds in every 16, so whoever waits as told gets in. A count that is
///   not exact may be somebody else's, and the tries at an account are mostly somebody else's: that must never keep
///   its owner out.
///
/// A device that is [remembered](crate::RememberedDevices) has counters of its own: what strangers do at the account of
/// its owner, or everywhere, does not slow it. It has as many tries as a pair, good ones among them; beyond them it is
/// like none.
///
/// What ends guessing from many places for good is the cap on consecutive failures in the credential's row:
/// [`PasswordAuthenticator::MAX_FAILURES`](crate::PasswordAuthenticator::MAX_FAILURES).
#[derive(Clone)]
pub struct Throttle {
    counters: Arc<dyn CounterStore>,
    purpose: Purpose,
    limits: ThrottleLimits,
    /// Whether tries are counted once they were refused, and not in advance.
    late: bool,
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
        Self { counters, purpose, limits, late: false }
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

    /// A throttle for codes by mail, with [`ThrottleLimits::second_factor`].
    #[must_use]
    pub fn mail_codes(counters: Arc<dyn CounterStore>) -> Self {
        Self::new(counters, Purpose::new("mail-code"), ThrottleLimits::second_factor())
    }

    /// A throttle for text messages, with [`ThrottleLimits::text_messages`].
    #[must_use]
    pub fn text_messages(counters: Arc<dyn CounterStore>) -> Self {
        Self::new(counters, Purpose::new("text-message"), ThrottleLimits::text_messages())
    }

    /// A throttle for refused API keys, with [`ThrottleLimits::api_keys`].
    #[must_use]
    pub fn api_keys(counters: Arc<dyn CounterStore>) -> Self {
        Self::new(counters, Purpose::new("api-key"), ThrottleLimits::api_keys())
    }

    /// The same limits for passwords that come with each request, counted apart from those of logins, and once they were
    /// refused: a program that does its work uses up nothing of anybody. Whoever hangs up before that is counted by what is
    /// [under way](Self::under_way).
    pub(crate) fn of_requests(&self) -> Self {
        Self { purpose: Purpose::new("basic"), late: true, ..self.clone() }
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

    /// Counts a try that was refused, for the limit of all of them. Without one it does nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refused(&self, realm: &Realm, now: UnixTime) -> Result<(), StoreError> {
        if let Some(Counted { key, limit, .. }) = self.global(realm) {
            self.counters.add(&key, 1, limit.window, now).await?;
        }
        Ok(())
    }

    /// The same, with what else is not counted in advance.
    pub(crate) async fn refused_at(
        &self,
        realm: &Realm,
        whose: Option<&[u8]>,
        source: SourceKey,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        self.tries(realm, whose, source, now).count_late().await?;
        self.refused(realm, now).await
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
        self.forget_pair(realm, login.as_str().as_bytes(), source.into()).await
    }

    /// The same, whatever the account is called by, and wherever the tries came from.
    pub(crate) async fn forget_pair(
        &self,
        realm: &Realm,
        whose: &[u8],
        origin: Origin,
    ) -> Result<(), StoreError> {
        let pair = self.pair(realm, whose, origin);
        if self.late {
            let begun = self.under_way(realm, whose, origin);
            self.counters.reset(&begun.key, begun.limit.window).await?;
        }
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
        if !self.has_left(realm, whose, most, window, now).await? {
            return Ok(false);
        }
        let key = self.key(realm, b"spent", Some(whose), None);
        // Again, for others may have spent at the same moment.
        let count = self.counters.add(&key, 1, window, now).await?;
        Ok(!count.exact || count.value <= u64::from(most))
    }

    /// Whether `whose` has one left to [spend](Self::spend).
    pub(crate) async fn has_left(
        &self,
        realm: &Realm,
        whose: &[u8],
        most: u32,
        window: Window,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let key = self.key(realm, b"spent", Some(whose), None);
        let before = self.counters.add(&key, 0, window, now).await?;
        Ok(!before.exact || before.value < u64::from(most))
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
        let by_source = self.key(realm, b"source", None, Some(source.into()));
        let mut turn_of = by_source;
        let mut counted = Vec::with_capacity(4);
        if let Some(whose) = whose {
            turn_of = self.key(realm, b"account", Some(whose), None);
            counted.push(self.pair(realm, whose, source.into()));
            counted.extend(self.late.then(|| self.under_way(realm, whose, source.into())));
            counted.push(Counted { key: turn_of, limit: self.limits.account, hard: false, late: self.late });
        }
        counted.push(Counted { key: by_source, limit: self.limits.source, hard: true, late: self.late });
        let (counters, global, soft) = (&*self.counters, self.global(realm), SoftTurn::new(&turn_of, now));
        Tries { counters, counted, global, soft, now }
    }

    /// A try of whoever it is: a remembered device is a pair with the account, and nothing else is counted of it.
    pub(crate) fn tries_of(
        &self,
        realm: &Realm,
        whose: Option<&[u8]>,
        origin: Origin,
        now: UnixTime,
    ) -> Tries<'_> {
        match (origin, whose) {
            (Origin::Source(source), whose) => self.tries(realm, whose, source, now),
            (Origin::Device(_), whose) => {
                let pair = self.pair(realm, whose.unwrap_or_default(), origin);
                let soft = SoftTurn::new(&pair.key, now);
                Tries { counters: &*self.counters, counted: vec![pair], global: None, soft, now }
            }
        }
    }

    fn pair(&self, realm: &Realm, whose: &[u8], origin: Origin) -> Counted {
        let key = self.key(realm, b"pair", Some(whose), Some(origin));
        Counted { key, limit: self.limits.pair, hard: true, late: self.late }
    }

    /// Where a pair is counted late, what it has begun since its last success, counted in advance: four times as many as it
    /// may be refused, for those that are in flight at once.
    fn under_way(&self, realm: &Realm, whose: &[u8], origin: Origin) -> Counted {
        const FOUR: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);
        let key = self.key(realm, b"under way", Some(whose), Some(origin));
        Counted { key, limit: self.limits.pair.times(FOUR), hard: true, late: false }
    }

    fn global(&self, realm: &Realm) -> Option<Counted> {
        let limit = self.limits.global?;
        Some(Counted { key: self.key(realm, b"global", None, None), limit, hard: false, late: true })
    }

    fn key(&self, realm: &Realm, what: &[u8], whose: Option<&[u8]>, origin: Option<Origin>) -> CounterKey {
        let mut from = Vec::with_capacity(Origin::MAX_LEN);
        if let Some(origin) = origin {
            origin.write_to(&mut from);
        }
        CounterKey::new(realm, self.purpose, &[what, whose.unwrap_or_default(), &from])
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
