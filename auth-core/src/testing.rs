//! What tests need: time that is stepped, randomness that repeats, stores that fail, people logged in.
//!
//! Behind the feature `testing`. Nothing here weakens a check: a test that logs somebody in by
//! [`login_as`] states so, and everything behind that is the real thing.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use crate::{
    AuthEpoch, Authenticated, Authentication, Clock, Entropy, EntropyError, Login, Method, PrincipalId,
    SecretHash, UnixTime,
};

mod failing;

pub use failing::{FailWith, FailingStore};

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub UnixTime);

impl Clock for FixedClock {
    fn now(&self) -> UnixTime {
        self.0
    }
}

/// A clock that moves when it is told to. Clones share the time.
#[derive(Debug, Clone)]
pub struct SteppedClock(Arc<AtomicU64>);

impl SteppedClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn new(start: UnixTime) -> Self {
        Self(Arc::new(AtomicU64::new(start.as_secs())))
    }

    /// Moves the clock forward by whole seconds. It cannot be moved back.
    pub fn step(&self, by: Duration) {
        let next = self.now().saturating_add(by);
        self.0.fetch_max(next.as_secs(), Ordering::SeqCst);
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Entropy that repeats for the same seed. Predictable: for tests only.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<SecretHash>);

impl SeededEntropy {
    /// The entropy of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(SecretHash::of(&seed.to_be_bytes())))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in dest.chunks_mut(32) {
            *state = SecretHash::of(state.as_bytes());
            for (to, from) in chunk.iter_mut().zip(SecretHash::of(state.as_bytes()).as_bytes()) {
                *to = *from;
            }
        }
        Ok(())
    }
}

/// Entropy that is exhausted.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}

/// States that `principal` logged in by password at `now`, at epoch zero.
pub fn login_as(principal: &PrincipalId, now: UnixTime) -> Login {
    login_at_epoch(principal, now, AuthEpoch::ZERO)
}

/// As [`login_as`], at an epoch.
pub fn login_at_epoch(principal: &PrincipalId, now: UnixTime, epoch: AuthEpoch) -> Login {
    Login::assertion(Authentication::new(principal.clone(), Method::PASSWORD, now, epoch))
}

/// States that a request acts for `principal`, who logged in by password at `now`.
pub fn authenticated_as(principal: &PrincipalId, now: UnixTime) -> Authenticated {
    Authenticated::assertion(login_as(principal, now).into_authentication())
}

/// Drives a future to its end on this thread: for tests of code that needs no runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy_array;

    #[test]
    fn seeded_entropy_repeats_and_does_not_stand_still() {
        let (a, b) = (SeededEntropy::new(1), SeededEntropy::new(1));
        let first: [u8; 40] = entropy_array(&a).unwrap();
        assert_eq!(first, entropy_array::<40>(&b).unwrap());
        assert_ne!(first, entropy_array::<40>(&a).unwrap());
    }

    #[test]
    fn a_stepped_clock_is_shared_by_its_clones() {
        let clock = SteppedClock::new(UnixTime::from_secs(10));
        clock.clone().step(Duration::from_secs(5));
        assert_eq!(clock.now(), UnixTime::from_secs(15));
    }
}
