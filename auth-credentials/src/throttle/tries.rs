//! One try, and what is counted of it.

use std::time::Duration;

use auth_core::{Count, CounterKey, CounterStore, StoreError, Throttled, UnixTime};

use super::{Limit, Throttle, ThrottleError};

/// One try: first a look at what was counted before, later the count itself.
pub(crate) struct Tries<'a> {
    pub(super) counters: &'a dyn CounterStore,
    pub(super) counted: Vec<Counted>,
    /// What is looked at here, and counted once a try was refused.
    pub(super) global: Option<Counted>,
    pub(super) soft: SoftTurn,
    pub(super) now: UnixTime,
}

impl Tries<'_> {
    /// Refuses a try that is over a limit. Nothing is counted, so that asking again does not prolong the wait.
    pub(crate) async fn look(&self) -> Result<(), ThrottleError> {
        for one in self.counted.iter().chain(&self.global) {
            let count = self.counters.add(&one.key, 0, one.limit.window, self.now).await?;
            let with_this = Count { value: count.value.saturating_add(1), ..count };
            one.judge(with_this, self.soft, self.now)?;
        }
        Ok(())
    }

    /// Counts the try. Of tries at once, those that find the limit used up by others go no further.
    pub(crate) async fn count(&self) -> Result<(), ThrottleError> {
        for one in self.counted.iter().filter(|one| !one.late) {
            let count = self.counters.add(&one.key, 1, one.limit.window, self.now).await?;
            one.judge(count, self.soft, self.now)?;
        }
        Ok(())
    }

    /// Counts the try, and lets it go on whatever the count is: for what was refused already.
    pub(crate) async fn count_only(&self) -> Result<(), ThrottleError> {
        for one in &self.counted {
            self.counters.add(&one.key, 1, one.limit.window, self.now).await?;
        }
        Ok(())
    }

    /// Counts what is not counted in advance, once the try was refused.
    pub(super) async fn count_late(&self) -> Result<(), StoreError> {
        for one in self.counted.iter().filter(|one| one.late) {
            self.counters.add(&one.key, 1, one.limit.window, self.now).await?;
        }
        Ok(())
    }
}

/// One thing that is counted, and what happens beyond its limit.
pub(super) struct Counted {
    pub(super) key: CounterKey,
    pub(super) limit: Limit,
    pub(super) hard: bool,
    /// Counted once the try was refused.
    pub(super) late: bool,
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

/// When softly throttled tries are let through: one turn for all counts of a try, so that they agree.
#[derive(Clone, Copy)]
pub(super) struct SoftTurn {
    /// Seconds until the next turn; none while it lasts.
    wait: Option<u64>,
}

impl SoftTurn {
    /// Each key has its own phase, so that not everybody comes at the same second.
    pub(super) fn new(key: &CounterKey, now: UnixTime) -> Self {
        let [phase, ..] = *key.as_bytes();
        let into = now.as_secs().saturating_add(u64::from(phase)) % Throttle::SOFT_CYCLE;
        let wait = Throttle::SOFT_CYCLE.saturating_sub(into);
        Self { wait: (into >= Throttle::SOFT_OPEN).then_some(wait) }
    }
}
