//! What each thread of a pool does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::queue::{Done, Job, PasswordCheck, Queue, Work};
use crate::hash::{
    hasher::{HashError, PasswordHasher, PasswordMatch},
    memory::HashMemory,
};

/// Works jobs off until the pool closes.
pub(super) fn run(queue: &Queue, hasher: &PasswordHasher, mut memory: HashMemory) {
    while let Some(Job { origin, work, reply }) = queue.next(&mut memory) {
        // Unwind safety: the memory holds no invariant, and the job is gone either way.
        let done = catch_unwind(AssertUnwindSafe(|| perform(work, hasher, &mut memory)))
            .unwrap_or(Err(HashError::Aborted));
        // Before the answer, so that whoever has it finds the place free.
        queue.finish(origin);
        // Answering runs the caller's waker, which is foreign code. A caller that has left misses nothing.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(reply.send(done))));
    }
}

fn perform(work: Work, hasher: &PasswordHasher, memory: &mut HashMemory) -> Result<Done, HashError> {
    match work {
        Work::Hash { password } => hasher.hash(&password, memory).map(Done::Hashed),
        Work::Check { password, stored: None, .. } => {
            hasher.verify_nothing(&password, memory)?;
            Ok(Done::Checked(PasswordCheck::Mismatch))
        }
        Work::Check { password, stored: Some(stored), replacement } => {
            let replacement = match (hasher.verify(&password, &stored, memory)?, replacement) {
                (PasswordMatch::Mismatch, _) => return Ok(Done::Checked(PasswordCheck::Mismatch)),
                (_, Some(new)) => Some(hasher.hash(&new, memory)?),
                // The password is right. That its hash cannot be renewed now is no reason to refuse it.
                (PasswordMatch::MatchOutdated, None) => hasher.hash(&password, memory).ok(),
                (PasswordMatch::Match, None) => None,
            };
            Ok(Done::Checked(PasswordCheck::Match { replacement }))
        }
        #[cfg(test)]
        Work::Panic => panic!("a job panicked"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auth_core::{SystemEntropy, testing::block_on};

    use super::*;
    use crate::{
        danger,
        password::Password,
        pool::{HashPool, HashPoolSize},
        source::SourceKey,
    };

    fn pool() -> HashPool {
        let params = danger::allow_weak_params(8, 1, 1).unwrap();
        let hasher = PasswordHasher::new(params, Arc::new(SystemEntropy)).unwrap();
        HashPool::start(hasher, HashPoolSize { workers: 1.try_into().unwrap(), ..HashPoolSize::default() })
            .unwrap()
    }

    fn hashes(pool: &HashPool) -> bool {
        let place = pool.admit(SourceKey::LOCAL).unwrap();
        block_on(place.hash(Password::new("still here".to_owned()))).is_ok()
    }

    /// A worker that dies takes a share of the throughput with it until the next restart.
    #[test]
    fn a_job_that_panics_is_given_up_and_the_worker_lives() {
        let pool = pool();
        let place = pool.admit(SourceKey::LOCAL).unwrap();
        let outcome = block_on(place.submit(Work::Panic));
        assert!(matches!(outcome, Err(HashError::Aborted)));
        assert!(hashes(&pool));
        assert_eq!((pool.stats().running, pool.stats().waiting), (0, 0));
    }
}
