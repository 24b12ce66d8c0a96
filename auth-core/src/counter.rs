//! What is counted, and over how long.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::{Purpose, Realm, UnixTime};

/// What is counted: a hash of realm, purpose and parts, so that a store of counters holds no addresses or
/// names that could be read.
///
/// The hash is not keyed: who has the store and a guess can test the guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CounterKey([u8; 32]);

impl CounterKey {
    /// The key for `parts`, each hashed behind its length.
    #[must_use]
    pub fn new(realm: &Realm, purpose: Purpose, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        let head = [realm.as_str().as_bytes(), purpose.as_str().as_bytes()];
        for part in head.iter().chain(parts) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The key for a store to use.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The span of time that a count looks back over: 8 seconds to 30 days.
///
/// It is kept in [`BUCKETS`](Self::BUCKETS) buckets of equal length. A count has everything of the last
/// `length`, and may still have what is up to one bucket older: it is never too low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window(u32);

impl Window {
    /// How many buckets a window has.
    pub const BUCKETS: u64 = 8;

    /// A window of this length, rounded up to a multiple of 8 seconds, at most 30 days.
    #[must_use]
    pub fn new(length: Duration) -> Self {
        const MAX: u32 = 30 * 86_400;
        let secs = u32::try_from(length.as_secs()).unwrap_or(MAX).clamp(1, MAX);
        Self(secs.div_ceil(8).saturating_mul(8))
    }

    /// Its length.
    #[must_use]
    pub const fn length(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }

    /// The length of one of its buckets.
    #[must_use]
    pub const fn bucket_length(self) -> Duration {
        Duration::from_secs((self.0 / 8) as u64)
    }

    /// The number of the bucket that `now` is in.
    #[must_use]
    pub fn bucket(self, now: UnixTime) -> u64 {
        now.as_secs().checked_div(self.bucket_length().as_secs()).unwrap_or(0)
    }

    /// The oldest bucket that counts at `now`. With the one that `now` is in, nine count.
    #[must_use]
    pub fn oldest(self, now: UnixTime) -> u64 {
        self.bucket(now).saturating_sub(Self::BUCKETS)
    }

    /// When everything that was counted up to `now` is forgotten.
    #[must_use]
    pub fn forgotten_at(self, now: UnixTime) -> UnixTime {
        let bucket = self.bucket(now).saturating_add(Self::BUCKETS).saturating_add(1);
        UnixTime::from_secs(bucket.saturating_mul(self.bucket_length().as_secs()))
    }
}

/// How much was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The sum over the window, the new amount included. Never too low.
    pub value: u64,
    /// Whether it is this key's alone. If not, others were counted with it: that may delay somebody, and
    /// must never refuse them.
    pub exact: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let key = |parts: &[&[u8]]| CounterKey::new(&Realm::LOCAL, Purpose::new("p"), parts);
        assert_ne!(key(&[b"ab", b"c"]), key(&[b"a", b"bc"]));
        assert_ne!(key(&[b"a"]), CounterKey::new(&Realm::LOCAL, Purpose::new("q"), &[b"a"]));
    }

    #[test]
    fn a_window_is_rounded_up_and_bounded() {
        assert_eq!(Window::new(Duration::ZERO).length(), Duration::from_secs(8));
        assert_eq!(Window::new(Duration::from_secs(60)).length(), Duration::from_secs(64));
        assert_eq!(Window::new(Duration::MAX).length(), Duration::from_secs(30 * 86_400));
    }

    /// What was counted `length` ago still counts; what is a bucket older does not.
    #[test]
    fn the_window_covers_its_length_and_at_most_a_bucket_more() {
        let window = Window::new(Duration::from_secs(80));
        for start in 1_000..1_020 {
            let then = UnixTime::from_secs(start);
            let within = then.saturating_add(window.length());
            assert!(window.bucket(then) >= window.oldest(within));
            let after = within.saturating_add(window.bucket_length());
            assert!(window.bucket(then) < window.oldest(after));
            assert!(window.forgotten_at(then) <= after);
        }
    }
}
