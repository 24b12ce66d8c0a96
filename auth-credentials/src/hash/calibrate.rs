//! Parameters for this very host.

use std::time::{Duration, Instant};

use super::{
    hasher::{HashError, PasswordHasher},
    params::Argon2Params,
};
use crate::password::Password;

impl PasswordHasher {
    /// The dearest parameters with which a hash takes no longer than `target` on this host, and no more than
    /// `max_memory_kib` of memory: first memory grows, then passes do. Never less than [`Argon2Params::OWASP`], however
    /// slow the host is.
    ///
    /// Call it by hand, on the machine that will serve, while nothing else runs there, and write the result into the
    /// configuration: calibrating at each start would make hashes as weak as the busiest moment. What every worker of
    /// the pool needs at once is that much memory times the workers. It takes some ten times `target`.
    ///
    /// # Errors
    /// [`HashError`] if there is no memory or no randomness.
    pub fn calibrate(&self, target: Duration, max_memory_kib: u32) -> Result<Argon2Params, HashError> {
        let password = Password::new("a password of usual length".to_owned());
        choose(target, max_memory_kib, |params| {
            let hasher = Self::new(params, self.entropy())?;
            let mut memory = hasher.memory()?;
            // The first touch of fresh memory costs, and a worker touches it once.
            let mut best = Duration::MAX;
            for _ in 0..3 {
                let started = Instant::now();
                hasher.hash(&password, &mut memory)?;
                best = best.min(started.elapsed());
            }
            Ok(best)
        })
    }
}

/// Climbs as long as a step stays within the target.
fn choose<E>(
    target: Duration,
    max_memory_kib: u32,
    mut measure: impl FnMut(Argon2Params) -> Result<Duration, E>,
) -> Result<Argon2Params, E> {
    let most = max_memory_kib.min(Argon2Params::MAX_MEMORY_KIB);
    let mut best = Argon2Params::OWASP;
    while best.memory_kib() < most {
        let memory_kib = best.memory_kib().saturating_mul(2).min(most);
        match Argon2Params::new(memory_kib, best.passes(), 1) {
            Ok(next) if measure(next)? <= target => best = next,
            _ => break,
        }
    }
    while let Ok(next) = Argon2Params::new(best.memory_kib(), best.passes().saturating_add(1), 1) {
        if measure(next)? > target {
            break;
        }
        best = next;
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auth_core::SystemEntropy;

    use super::*;

    /// A host on which a block takes so many nanoseconds.
    fn on_a_host(nanos: u64, target_ms: u64, max_memory_kib: u32) -> Argon2Params {
        let measure = |params: Argon2Params| Ok::<_, ()>(Duration::from_nanos(params.work() * nanos));
        choose(Duration::from_millis(target_ms), max_memory_kib, measure).unwrap()
    }

    #[test]
    fn memory_grows_before_passes_and_nothing_goes_beyond_target_and_bounds() {
        let params = |memory_kib, passes| Argon2Params::new(memory_kib, passes, 1).unwrap();
        // 38,912 blocks at OWASP's parameters: 16 ms.
        assert_eq!(on_a_host(400, 10, u32::MAX), Argon2Params::OWASP, "a slow host is no excuse");
        assert_eq!(on_a_host(400, 100, u32::MAX), params(77_824, 3));
        assert_eq!(on_a_host(400, 100, 19_456), params(19_456, 12));
        assert_eq!(on_a_host(400, 100, 0), params(19_456, 12));
        assert_eq!(on_a_host(400, 100, 30_000), params(30_000, 8));
        let most = on_a_host(1, 60_000, u32::MAX);
        assert_eq!(most, params(Argon2Params::MAX_MEMORY_KIB, 4), "the bounds of a stored hash");
    }

    /// What comes of it is what a hasher takes.
    #[test]
    fn a_host_is_measured() {
        let hasher = PasswordHasher::new(Argon2Params::OWASP, Arc::new(SystemEntropy)).unwrap();
        assert_eq!(hasher.calibrate(Duration::ZERO, u32::MAX).unwrap(), Argon2Params::OWASP);
    }
}
