//! Time as the toolkit sees it: whole seconds since 1970, always handed in, never read in passing.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
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

/// The operating system's clock, held still while it steps backwards.
///
/// If the system clock is set back, this keeps telling the latest moment it has told until the system
/// clock passes it again, so an expired session does not come back to life.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// The latest second that any [`SystemClock`] of this process has told.
static LATEST: AtomicU64 = AtomicU64::new(0);

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        // A clock before 1970 reads as 1970: everything with an expiry date is then still in its future,
        // and `LATEST` keeps that from following a moment when the clock was right.
        let secs = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // Most calls fall into a second that was already told: reading is cheaper than writing.
        let latest = LATEST.load(Ordering::Relaxed);
        if secs <= latest {
            return UnixTime(latest);
        }
        UnixTime(LATEST.fetch_max(secs, Ordering::Relaxed).max(secs))
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

    /// A wall clock that was set back must not revive what has expired.
    #[test]
    fn the_system_clock_never_goes_backwards() {
        let ahead = SystemClock.now().saturating_add(Duration::from_secs(3600));
        LATEST.store(ahead.as_secs(), Ordering::Relaxed);
        assert_eq!(SystemClock.now(), ahead);
    }
}
