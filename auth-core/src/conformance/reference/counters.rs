//! Counters under one lock.

use std::{
    collections::{BTreeMap, HashMap},
    sync::MutexGuard,
};

use async_trait::async_trait;

use super::Locked;
use crate::{Count, CounterKey, CounterStore, StoreError, UnixTime, Window};

/// A [`CounterStore`] as its contract reads. It is always exact.
#[derive(Debug, Default)]
pub struct ReferenceCounters(Locked<Counters>);

/// What was counted, by bucket.
pub(in crate::conformance) type Counters = HashMap<(CounterKey, Window), BTreeMap<u64, u64>>;

impl ReferenceCounters {
    pub(in crate::conformance) fn lock(&self) -> MutexGuard<'_, Counters> {
        self.0.lock()
    }
}

/// The sum of what counts at `now`. A bucket that is still to come counts too: another server's clock may be
/// ahead, and a count is never too low.
pub(in crate::conformance) fn sum(buckets: &BTreeMap<u64, u64>, window: Window, now: UnixTime) -> u64 {
    buckets.range(window.oldest(now)..).fold(0, |sum, (_, n)| sum.saturating_add(*n))
}

#[async_trait]
impl CounterStore for ReferenceCounters {
    async fn add(
        &self,
        key: &CounterKey,
        n: u32,
        window: Window,
        now: UnixTime,
    ) -> Result<Count, StoreError> {
        let mut counters = self.lock();
        if n > 0 {
            let buckets = counters.entry((*key, window)).or_default();
            let bucket = buckets.entry(window.bucket(now)).or_default();
            *bucket = bucket.saturating_add(u64::from(n));
        }
        let value = counters.get(&(*key, window)).map_or(0, |buckets| sum(buckets, window, now));
        Ok(Count { value, exact: true })
    }

    async fn reset(&self, key: &CounterKey, window: Window) -> Result<(), StoreError> {
        self.lock().remove(&(*key, window));
        Ok(())
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut counters = self.lock();
        let mut forgotten = 0_u64;
        for ((_, window), buckets) in counters.iter_mut() {
            buckets.retain(|bucket, _| {
                let forget = *bucket < window.oldest(now) && forgotten < u64::from(limit);
                forgotten = forgotten.saturating_add(u64::from(forget));
                !forget
            });
        }
        counters.retain(|_, buckets| !buckets.is_empty());
        Ok(forgotten)
    }
}
