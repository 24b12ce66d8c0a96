//! Time as the toolkit sees it: whole seconds since 1970, always handed in, never read in passing.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// A moment in whole seconds since 1970-01-01T00:00:00Z (RFC 7519 section 2, "NumericDate").
///
/// Arithmetic saturates: an attacker's `u64::MAX` never wraps into the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(u64);

impl UnixTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The last moment that can be expressed; used as "never".
    pub const MAX: Self = Self(u64::MAX);

    /// The moment `secs` seconds after 1970.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// This moment plus the whole seconds of `duration`, at most [`MAX`](Self::MAX).
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// This moment less the whole seconds of `duration`, at least [`EPOCH`](Self::EPOCH).
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// How long ago this was at `now`, where clocks agree within `skew`, in whole seconds: zero if it is ahead by no more
    /// than that. `None` if it is further ahead: a clock was wrong, and how long ago it was is not known.
    #[must_use]
    pub const fn age_at(self, now: Self, skew: Duration) -> Option<Duration> {
        if self.0 > now.saturating_add(skew).0 { None } else { Some(now.since(self)) }
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Tells the time.
///
/// Everything that compares deadlines takes its `now` from one of these, so that tests step time and
/// nothing sleeps. An implementation never goes backwards within a process.
pub trait Clock: Send + Sync {
    /// The current moment.
    fn now(&self) -> UnixTime;
}

impl<T: Clock + ?Sized> Clock for &T {
    fn now(&self) -> UnixTime {
        (**self).now()
    }
}

impl<T: Clock + ?Sized> Clock for Box<T> {
    fn now(&self) -> UnixTime {
        (**self).now()
    }
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> UnixTime {
        (**self).now()
    }
}

/// The operating system's clock, slowed while it is behind what it said before.
///
/// If the system clock is set back, this goes on from the latest moment it has told, so that an expired session does not
/// come back to life: at half the speed, by the monotonic clock, until the system clock has caught up. So deadlines still
/// pass, if late, while a clock that had run ahead for an hour is right again after two. Until then this process is ahead
/// of others, in the tokens that it issues too.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// What all [`SystemClock`]s of this process have told.
static TOLD: Told = Told::nothing();

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        // A clock before 1970 reads as 1970: everything with an expiry date is then still in its future,
        // and `TOLD` keeps that from following a moment when the clock was right.
        let secs = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        UnixTime(TOLD.next(secs, Instant::now))
    }
}

/// The latest second that was told, and when it was.
struct Told {
    latest: AtomicU64,
    /// Held by whoever tells another second.
    at: Mutex<Option<Instant>>,
}

impl Told {
    const fn nothing() -> Self {
        Self { latest: AtomicU64::new(0), at: Mutex::new(None) }
    }

    /// What to tell while the system clock says `secs`.
    fn next(&self, secs: u64, instant: impl FnOnce() -> Instant) -> u64 {
        // Most calls fall into the second that was told last.
        if self.latest.load(Ordering::Relaxed) == secs {
            return secs;
        }
        // Two values that belong together; whoever panicked beside them left them so.
        let mut at = match self.at.try_lock() {
            Ok(at) => at,
            Err(TryLockError::Poisoned(at)) => at.into_inner(),
            // Somebody else is about to tell the next. While the clock is behind, nobody waits for that.
            Err(TryLockError::WouldBlock) => {
                let latest = self.latest.load(Ordering::Relaxed);
                if secs < latest {
                    return latest;
                }
                self.at.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        let latest = self.latest.load(Ordering::Relaxed);
        let now = instant();
        let next = match *at {
            Some(_) if secs == latest => return latest,
            Some(told) if secs < latest => {
                let steps = now.saturating_duration_since(told).as_secs() / 2;
                if steps == 0 {
                    return latest;
                }
                // What is left of a step counts for the next.
                *at = told.checked_add(Duration::from_secs(steps.saturating_mul(2)));
                latest.saturating_add(steps)
            }
            _ => {
                *at = Some(now);
                secs
            }
        };
        self.latest.store(next, Ordering::Relaxed);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(UnixTime::MAX.saturating_add(Duration::from_secs(1)), UnixTime::MAX);
        assert_eq!(UnixTime::EPOCH.saturating_sub(Duration::from_secs(1)), UnixTime::EPOCH);
        assert_eq!(UnixTime::from_secs(3).since(UnixTime::from_secs(5)), Duration::ZERO);
    }

    #[test]
    fn what_lies_further_ahead_than_clocks_differ_has_no_age() {
        let (skew, now) = (Duration::from_secs(10), UnixTime::from_secs(100));
        let age = |secs| UnixTime::from_secs(secs).age_at(now, skew);
        assert_eq!([age(97), age(100), age(110)], [3, 0, 0].map(|secs| Some(Duration::from_secs(secs))));
        assert_eq!((age(111), age(u64::MAX)), (None, None));
        assert_eq!(UnixTime::MAX.age_at(UnixTime::MAX, skew), Some(Duration::ZERO));
    }

    /// A wall clock that was set back must not revive what has expired, nor keep alive what is to expire.
    #[test]
    fn a_clock_that_is_set_back_goes_on_slowly_from_what_it_said() {
        let (told, start) = (Told::nothing(), Instant::now());
        let next = |secs, after: f64| told.next(secs, || start + Duration::from_secs_f64(after));
        assert_eq!([next(100, 0.0), next(4_000, 0.5)], [100, 4_000], "an hour ahead");
        assert_eq!([next(101, 1.0), next(102, 2.4)], [4_000, 4_000]);
        assert_eq!(
            [next(102, 2.5), next(103, 3.5), next(104, 4.4), next(104, 4.5)],
            [4_001, 4_001, 4_001, 4_002]
        );
        assert_eq!(next(3_700, 3_600.5), 5_800, "also if nobody asked meanwhile");
        assert_eq!([next(7_900, 7_800.5), next(7_901, 7_801.5)], [7_900, 7_901], "caught up");
        assert_eq!(next(u64::MAX, 7_801.5), u64::MAX);
        assert_eq!(next(0, 9_000.0), u64::MAX);
    }

    #[test]
    fn the_system_clock_tells_the_time() {
        let system = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let told = SystemClock.now().as_secs();
        assert!((system..=system + 10).contains(&told), "{told}");
        // As if the system's clock had said so, and been set back.
        *TOLD.at.lock().unwrap() = Some(Instant::now());
        TOLD.latest.store(told + 3_600, Ordering::Relaxed);
        assert!(SystemClock.now().as_secs() >= told + 3_600, "it went backwards");
    }
}
