//! Counters of which a test says whether they are exact.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use auth_core::{Count, CounterKey, CounterStore, StoreError, UnixTime, Window};

/// Counts exactly, and says so or not.
#[derive(Default)]
pub(crate) struct TestCounters {
    counts: Mutex<HashMap<(CounterKey, Window, u64), u64>>,
    folded: AtomicBool,
    writes: AtomicUsize,
}

impl TestCounters {
    /// From now on, no count is exact.
    pub(crate) fn fold(&self) {
        self.folded.store(true, Ordering::SeqCst);
    }

    /// How often something was added.
    pub(crate) fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl CounterStore for TestCounters {
    async fn add(
        &self,
        key: &CounterKey,
        n: u32,
        window: Window,
        now: UnixTime,
    ) -> Result<Count, StoreError> {
        let mut counts = self.counts.lock().unwrap();
        if n > 0 {
            self.writes.fetch_add(1, Ordering::SeqCst);
            *counts.entry((*key, window, window.bucket(now))).or_default() += u64::from(n);
        }
        let buckets = window.oldest(now)..=window.bucket(now);
        let value = buckets.filter_map(|bucket| counts.get(&(*key, window, bucket))).sum();
        Ok(Count { value, exact: !self.folded.load(Ordering::SeqCst) })
    }

    async fn reset(&self, key: &CounterKey, window: Window) -> Result<(), StoreError> {
        self.counts.lock().unwrap().retain(|(one, length, _), _| (one, length) != (key, &window));
        Ok(())
    }

    async fn purge(&self, _: UnixTime, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}
