//! Counter stores with one fault each.

use async_trait::async_trait;

use super::{Gap, faults};
use crate::{
    Count, CounterKey, CounterStore, Realm, StoreError, UnixTime, Window,
    conformance::{
        reference::{ReferenceCounters, sum},
        sample::PURPOSE,
    },
};

faults! {
    /// What can be wrong with a counter store.
    CounterFault {
        /// `add` reads in one step and writes in another.
        AddNotAtomic => nothing_that_is_added_at_once_is_lost raced,
        /// `add` clears the cell of a bucket that begins in one step, and adds in another.
        ClearsNotAtomic => nothing_is_lost_while_a_bucket_begins raced,
        /// `add` answers the sum of before.
        AnswersBefore => a_count_is_the_sum_with_the_new_amount_in_it,
        /// `add` counts at most 255.
        CountsInAByte => a_count_is_the_sum_with_the_new_amount_in_it,
        /// Reading counts.
        ReadingCounts => adding_nothing_only_reads,
        /// Sums wrap in 32 bits.
        Wraps => a_sum_saturates,
        /// `reset` does nothing, and the counts are called exact.
        ResetIgnored => a_reset_forgets_the_count,
        /// `reset` forgets every window of the key.
        ResetForgetsWindows => a_reset_leaves_other_keys_and_windows,
        /// `reset` forgets everything.
        ResetForgetsAll => a_reset_leaves_other_keys_and_windows,
        /// The oldest bucket does not count.
        ForgetsEarly => a_count_looks_back_over_the_whole_window,
        /// Nothing is ever forgotten.
        NeverForgets => a_count_is_forgotten_a_bucket_after_the_window,
        /// The window begins anew every so often.
        FixedWindow => a_window_slides,
        /// The window is measured from the last use.
        SlidesWithUse => a_window_slides,
        /// A ring of nine cells, in which an older bucket overwrites a newer one.
        RingIsOverwritten => a_slow_clock_takes_nothing_away,
        /// A bucket older than the newest is not counted.
        SlowClockIgnored => a_slow_clock_counts,
        /// All keys are one.
        KeyIgnored => keys_count_apart,
        /// All windows are one.
        WindowIgnored => windows_count_apart,
        /// `purge` forgets what counts.
        PurgeForgetsAll => purging_forgets_nothing_that_counts,
        /// `purge` ignores its limit.
        PurgeIgnoresLimit => purging_forgets_nothing_that_counts,
    }
}

/// A [`CounterStore`] with one fault.
#[derive(Debug)]
pub struct BrokenCounters {
    fault: CounterFault,
    gap: Gap,
    good: ReferenceCounters,
}

impl BrokenCounters {
    /// An empty store with this fault. What is not atomic in it is as far apart as statements that a
    /// network carries.
    #[must_use]
    pub fn new(fault: CounterFault) -> Self {
        Self { fault, gap: Gap::Wide, good: ReferenceCounters::default() }
    }

    /// The same, with what is not atomic as near together as two locks in one process: hard to notice.
    #[must_use]
    pub fn tight(fault: CounterFault) -> Self {
        Self { gap: Gap::Tight, ..Self::new(fault) }
    }

    /// What is counted in one bucket.
    fn bucket(&self, key: &CounterKey, window: Window, bucket: u64) -> u64 {
        let counters = self.good.lock();
        counters.get(&(*key, window)).and_then(|buckets| buckets.get(&bucket)).copied().unwrap_or(0)
    }

    fn set_bucket(&self, key: &CounterKey, window: Window, bucket: u64, value: u64) {
        self.good.lock().entry((*key, window)).or_default().insert(bucket, value);
    }

    /// The newest bucket in which anything was counted.
    fn newest(&self, key: &CounterKey, window: Window) -> u64 {
        let counters = self.good.lock();
        counters.get(&(*key, window)).and_then(|buckets| buckets.keys().next_back()).copied().unwrap_or(0)
    }

    /// Forgets the buckets of which `wanted` says so.
    fn forget(&self, key: &CounterKey, window: Window, wanted: impl Fn(u64) -> bool) {
        if let Some(buckets) = self.good.lock().get_mut(&(*key, window)) {
            buckets.retain(|bucket, _| !wanted(*bucket));
        }
    }

    fn all(&self, key: &CounterKey, window: Window) -> Count {
        let counters = self.good.lock();
        let value = counters.get(&(*key, window)).map_or(0, |buckets| sum(buckets, window, UnixTime::EPOCH));
        Count { value, exact: true }
    }
}

const RING: u64 = 9;

#[async_trait]
impl CounterStore for BrokenCounters {
    async fn add(
        &self,
        key: &CounterKey,
        n: u32,
        window: Window,
        now: UnixTime,
    ) -> Result<Count, StoreError> {
        let bucket = window.bucket(now);
        match self.fault {
            CounterFault::AddNotAtomic => {
                let value = self.bucket(key, window, bucket).saturating_add(n.into());
                self.gap.pass();
                self.set_bucket(key, window, bucket, value);
                self.good.add(key, 0, window, now).await
            }
            CounterFault::ClearsNotAtomic => {
                if self.newest(key, window) < bucket {
                    self.gap.pass();
                    self.set_bucket(key, window, bucket, 0);
                }
                self.good.add(key, n, window, now).await
            }
            CounterFault::AnswersBefore => {
                let before = self.good.add(key, 0, window, now).await?;
                self.good.add(key, n, window, now).await?;
                Ok(before)
            }
            CounterFault::CountsInAByte => {
                let count = self.good.add(key, n.min(255), window, now).await?;
                Ok(Count { value: count.value.min(255), ..count })
            }
            CounterFault::ReadingCounts => self.good.add(key, n.max(1), window, now).await,
            CounterFault::Wraps => {
                let count = self.good.add(key, n, window, now).await?;
                Ok(Count { value: count.value & u64::from(u32::MAX), ..count })
            }
            CounterFault::ForgetsEarly => {
                self.forget(key, window, |other| other <= window.oldest(now));
                self.good.add(key, n, window, now).await
            }
            CounterFault::NeverForgets => {
                self.good.add(key, n, window, now).await?;
                Ok(self.all(key, window))
            }
            CounterFault::FixedWindow => {
                let begin = bucket.saturating_sub(bucket % Window::BUCKETS);
                self.forget(key, window, |other| other < begin);
                self.good.add(key, n, window, now).await
            }
            CounterFault::SlidesWithUse => {
                if self.newest(key, window) < window.oldest(now) {
                    self.forget(key, window, |_| true);
                }
                self.good.add(key, n, window, now).await?;
                Ok(self.all(key, window))
            }
            CounterFault::RingIsOverwritten => {
                self.forget(key, window, |other| other != bucket && other % RING == bucket % RING);
                self.good.add(key, n, window, now).await
            }
            CounterFault::SlowClockIgnored if bucket < self.newest(key, window) => {
                self.good.add(key, 0, window, now).await
            }
            CounterFault::KeyIgnored => {
                self.good.add(&CounterKey::new(&Realm::LOCAL, PURPOSE, &[]), n, window, now).await
            }
            CounterFault::WindowIgnored => {
                let any = Window::new(std::time::Duration::MAX);
                self.good.add(key, n, any, now).await
            }
            _ => self.good.add(key, n, window, now).await,
        }
    }

    async fn reset(&self, key: &CounterKey, window: Window) -> Result<(), StoreError> {
        match self.fault {
            CounterFault::ResetIgnored => {}
            CounterFault::ResetForgetsWindows => self.good.lock().retain(|(other, _), _| other != key),
            CounterFault::ResetForgetsAll => self.good.lock().clear(),
            _ => self.good.reset(key, window).await?,
        }
        Ok(())
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        match self.fault {
            CounterFault::PurgeForgetsAll => {
                self.good.lock().clear();
                Ok(0)
            }
            CounterFault::PurgeIgnoresLimit => self.good.purge(now, u32::MAX).await,
            _ => self.good.purge(now, limit).await,
        }
    }
}
