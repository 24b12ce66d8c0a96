//! One call: how long it may take, and how often it is begun anew.

use std::time::{Duration, SystemTime};

use auth_core::StoreError;
use tokio::time::{Instant, sleep, timeout_at};

use super::failure::{Failure, Phase};

/// How often a call is begun anew, at most.
const REPEATS: u32 = 8;

/// What remains of a call's time and tries.
#[derive(Debug)]
pub(crate) struct Work {
    deadline: Instant,
    repeats: u32,
}

impl Work {
    pub(crate) fn new(timeout: Duration) -> Self {
        let now = Instant::now();
        Self { deadline: now.checked_add(timeout).unwrap_or(now), repeats: 0 }
    }

    /// Waits for a step of the call, no longer than the call may take.
    pub(crate) async fn step<T>(
        &self,
        phase: Phase,
        step: impl Future<Output = T> + Send,
    ) -> Result<T, Failure> {
        timeout_at(self.deadline, step).await.map_err(|_| Failure::late(phase))
    }

    /// Pauses before the next try, or answers why there is none.
    pub(crate) async fn again(&mut self, failure: Failure) -> Result<(), StoreError> {
        if !failure.repeat || self.repeats >= REPEATS {
            return Err(failure.error);
        }
        let pause = pause(self.repeats);
        self.repeats = self.repeats.saturating_add(1);
        if Instant::now().checked_add(pause).is_none_or(|then| then >= self.deadline) {
            return Err(failure.error);
        }
        sleep(pause).await;
        Ok(())
    }
}

/// 1 to 2 ms at first, and twice that each time. Who was in the way of another would be again after the same pause.
fn pause(repeats: u32) -> Duration {
    let whole = Duration::from_millis(1_u64.checked_shl(repeats).unwrap_or(u64::MAX));
    // Where the clock has microseconds only, the last three digits never change.
    let nanos = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| now.subsec_nanos());
    let part = whole.saturating_mul((nanos / 1_000) % 1_000).checked_div(1_000).unwrap_or_default();
    whole.saturating_add(part)
}

/// Begins a call anew until it ends or has used up its tries.
macro_rules! repeated {
    ($work:ident: $call:expr) => {
        loop {
            match $call.await {
                Ok(done) => break Ok(done),
                Err(failure) => $work.again(failure).await?,
            }
        }
    };
}
pub(crate) use repeated;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tries_are_bounded_in_number_and_time() {
        let conflict = || Failure { error: StoreError::not_written("busy"), repeat: true, lost: false };
        let mut work = Work::new(Duration::from_secs(3_600));
        for _ in 0..REPEATS {
            work.again(conflict()).await.unwrap();
        }
        assert!(work.again(conflict()).await.is_err());
        let mut short = Work::new(Duration::from_millis(1));
        assert!(short.again(conflict()).await.is_err());
    }

    /// Two that were in the way of each other are again, if both pause for as long.
    #[test]
    fn pauses_grow_and_have_a_random_part() {
        for repeats in 0..REPEATS {
            let whole = Duration::from_millis(1 << repeats);
            let pauses: Vec<_> = (0..2_000).map(|_| pause(repeats)).collect();
            assert!(pauses.iter().all(|pause| (whole..whole * 2).contains(pause)), "{repeats}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{repeats}");
        }
    }

    #[tokio::test]
    async fn what_may_have_happened_is_not_repeated() {
        let mut work = Work::new(Duration::from_secs(3_600));
        let unknown = Failure { error: StoreError::unknown("lost"), repeat: false, lost: true };
        assert!(matches!(work.again(unknown).await, Err(StoreError::Unknown(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_ends_with_the_call() {
        let work = Work::new(Duration::from_secs(5));
        let open = work.step(Phase::Open, std::future::pending::<()>()).await.unwrap_err();
        assert!(matches!(open.error, StoreError::NotWritten(Some(_))));
        let committing = work.step(Phase::Committing, std::future::pending::<()>()).await.unwrap_err();
        assert!(matches!(committing.error, StoreError::Timeout) && !committing.repeat);
    }
}
