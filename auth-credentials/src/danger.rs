//! What gives up safety, under names that say so.

use crate::hash::params::{Argon2Params, ParamsError};
#[cfg(feature = "reqwest")]
pub use crate::leaked::https::ranges_on_loopback;
#[cfg(feature = "smtp")]
pub use crate::smtp::relay::relay_on_loopback;

/// Parameters for Argon2id below the OWASP settings: a stolen hash is then cheap to guess.
///
/// For tests that log in a thousand times. 8 KiB a lane is the least that Argon2 knows (RFC 9106 section 3.1).
///
/// # Errors
/// [`ParamsError::OutOfBounds`] if they are not valid Argon2, or beyond the upper bounds.
pub fn allow_weak_params(memory_kib: u32, passes: u32, lanes: u32) -> Result<Argon2Params, ParamsError> {
    Argon2Params::within_bounds(memory_kib, passes, lanes).ok_or(ParamsError::OutOfBounds)
}
