//! Randomness, injected.

use std::sync::Arc;

use getrandom::SysRng;
use rand_core::TryRng;

/// The source of unpredictable bytes.
///
/// Ids, secrets and nonces come from one of these. [`SystemEntropy`] is the one for production.
pub trait Entropy: Send + Sync {
    /// Fills `dest` with unpredictable bytes, all of it or none that may be used.
    ///
    /// # Errors
    /// [`EntropyError`] if the source has nothing to give; `dest` must then be thrown away.
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError>;
}

/// The source of randomness failed. No secret can be made until it works again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no randomness available")]
pub struct EntropyError;

impl<T: Entropy + ?Sized> Entropy for &T {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        (**self).fill(dest)
    }
}

impl<T: Entropy + ?Sized> Entropy for Box<T> {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        (**self).fill(dest)
    }
}

impl<T: Entropy + ?Sized> Entropy for Arc<T> {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        (**self).fill(dest)
    }
}

/// The operating system's random generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        SysRng.try_fill_bytes(dest).map_err(|_| EntropyError)
    }
}

/// `N` unpredictable bytes.
///
/// # Errors
/// [`EntropyError`] if `entropy` failed.
pub fn entropy_array<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let first: [u8; 32] = entropy_array(&SystemEntropy).unwrap();
        let second: [u8; 32] = entropy_array(&SystemEntropy).unwrap();
        assert_ne!(first, second);
        assert_ne!(first, [0; 32]);
    }
}
