//! Counts over a sliding window, in the buckets of the window.

use crate::{UnixTime, Window};

/// As many buckets as count at a time.
const LEN: usize = Window::BUCKETS as usize + 1;

/// The counts of the newest bucket and of those before it. All buckets in it are of one length, which the
/// owner knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buckets {
    /// The number of the newest bucket.
    newest: u64,
    /// Bucket `n` is at `n % LEN`.
    counts: [u64; LEN],
}

impl Buckets {
    pub(super) const fn new() -> Self {
        Self { newest: 0, counts: [0; LEN] }
    }

    /// Counts `n` in the bucket that `now` is in. If it is older than all that are kept, in the oldest one:
    /// that is forgotten later than it might be.
    pub(super) fn add(&mut self, n: u64, window: Window, now: UnixTime) {
        let bucket = window.bucket(now);
        self.advance(bucket);
        self.count(bucket.max(self.oldest()), n);
    }

    /// The sum of what counts at `now`. What lies after `now` counts too: some other clock may be ahead, and
    /// a sum is never too low.
    pub(super) fn sum(&self, window: Window, now: UnixTime) -> u64 {
        let first = window.oldest(now).max(self.oldest());
        (first..=self.newest).fold(0, |sum, bucket| sum.saturating_add(self.at(bucket)))
    }

    /// The same counts in the longer buckets of another window, each as late as it can have been.
    pub(super) fn widened(&self, from: Window, to: Window) -> Self {
        let mut wider = Self::new();
        for bucket in self.oldest()..=self.newest {
            let end = bucket.saturating_add(1).saturating_mul(from.bucket_length().as_secs());
            wider.add(self.at(bucket), to, UnixTime::from_secs(end.saturating_sub(1)));
        }
        wider
    }

    const fn oldest(&self) -> u64 {
        self.newest.saturating_sub(Window::BUCKETS)
    }

    /// Makes room up to `bucket`.
    fn advance(&mut self, bucket: u64) {
        if bucket.saturating_sub(self.newest) > Window::BUCKETS {
            self.counts = [0; LEN];
        } else {
            for passed in self.newest.saturating_add(1)..=bucket {
                if let Some(count) = self.counts.get_mut(place(passed)) {
                    *count = 0;
                }
            }
        }
        self.newest = self.newest.max(bucket);
    }

    fn at(&self, bucket: u64) -> u64 {
        self.counts.get(place(bucket)).copied().unwrap_or(0)
    }

    fn count(&mut self, bucket: u64, n: u64) {
        if let Some(count) = self.counts.get_mut(place(bucket)) {
            *count = count.saturating_add(n);
        }
    }
}

const fn place(bucket: u64) -> usize {
    bucket.rem_euclid(LEN as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    proptest! {
        /// Clocks that run apart must not lose a count; with one clock, nothing is counted that no window
        /// covers, and nothing twice.
        #[test]
        fn a_sum_is_never_too_low(
            adds in proptest::collection::vec((0_u64..300, 1_u64..10), 0..40),
            length in 1_u64..100,
            read in 0_u64..400,
        ) {
            let window = Window::new(Duration::from_secs(length));
            let sum_of = |adds: &[(u64, u64)]| {
                let (mut buckets, mut newest) = (Buckets::new(), 0);
                for (secs, n) in adds {
                    buckets.add(*n, window, at(*secs));
                    newest = newest.max(*secs);
                }
                // A reader whose clock is behind reads later than the adds all the same.
                let oldest = window.oldest(at(read));
                let wanted: u64 =
                    adds.iter().filter(|(secs, _)| window.bucket(at(*secs)) >= oldest).map(|(_, n)| n).sum();
                (buckets.sum(window, at(read)), wanted, newest)
            };
            let (found, wanted, newest) = sum_of(&adds);
            if read >= newest {
                prop_assert!(found >= wanted, "{} < {}", found, wanted);
            }
            let mut in_order = adds.clone();
            in_order.sort_unstable();
            let (found, wanted, newest) = sum_of(&in_order);
            if read >= newest {
                prop_assert_eq!(found, wanted);
            }
        }

        #[test]
        fn widened_counts_stay_at_least_as_long(
            adds in proptest::collection::vec((0_u64..100, 1_u64..10), 1..20),
            short in 8_u64..40,
            more in 0_u64..200,
            wait in 0_u64..300,
        ) {
            let from = Window::new(Duration::from_secs(short));
            let to = Window::new(Duration::from_secs(short + more));
            let mut adds = adds;
            adds.sort_unstable();
            let mut buckets = Buckets::new();
            for (secs, n) in &adds {
                buckets.add(*n, from, at(*secs));
            }
            let now = at(adds.last().unwrap().0 + wait);
            prop_assert!(buckets.widened(from, to).sum(to, now) >= buckets.sum(from, now));
        }
    }

    #[test]
    fn counts_saturate_and_the_end_of_time_is_no_panic() {
        let window = Window::new(Duration::from_secs(8));
        let mut buckets = Buckets::new();
        for now in [UnixTime::EPOCH, UnixTime::MAX, UnixTime::MAX] {
            buckets.add(u64::MAX, window, now);
            assert_eq!(buckets.sum(window, now), u64::MAX);
        }
        assert_eq!(
            buckets.widened(window, Window::new(Duration::from_secs(80))).counts.iter().max(),
            Some(&u64::MAX)
        );
    }
}
