//! The storage trait of counters.

use async_trait::async_trait;

use crate::{
    UnixTime,
    counter::{Count, CounterKey, Window},
    store::StoreError,
};

/// Counts events over a sliding window, for throttles.
///
/// Writing one? Run [`conformance::counter_store`](crate::conformance::counter_store) against it.
#[async_trait]
pub trait CounterStore: Send + Sync {
    /// Adds `n` and answers the sum over the window, `n` included, in one step: of any number of calls at
    /// once, each sees the others that came before it. With 0 it only reads. The same key with another window
    /// is another counter. A sum saturates.
    ///
    /// # Errors
    /// [`StoreError`]. A throttle that gets one must not let anybody through.
    async fn add(&self, key: &CounterKey, n: u32, window: Window, now: UnixTime)
    -> Result<Count, StoreError>;

    /// Forgets what was counted under the key in this window. A store whose counters share cells may keep the
    /// count: it is then not exact.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn reset(&self, key: &CounterKey, window: Window) -> Result<(), StoreError>;

    /// Forgets up to `limit` counts that no window covers any more. Answers how many.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError>;
}

crate::store::forward_async!(CounterStore {
    async fn add(&self, key: &CounterKey, n: u32, window: Window, now: UnixTime) -> Result<Count, StoreError>;
    async fn reset(&self, key: &CounterKey, window: Window) -> Result<(), StoreError>;
    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError>;
});
