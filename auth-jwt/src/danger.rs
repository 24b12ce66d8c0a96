//! What gives up safety, under names that say so.

use std::time::Duration;

#[cfg(feature = "reqwest")]
pub use crate::remote::http_on_loopback;
use crate::{RevocationList, RevocationListError};

/// A list of revocations that is nowhere but in the memory of this process, and accepts tokens at once.
///
/// A restart forgets all of it, so every token that was revoked and has not expired is accepted again; and no
/// other process knows of it. For tests, and where the lifetime of tokens is what is relied on.
///
/// # Errors
/// [`RevocationListError`], as for [`RevocationList::new`].
pub fn revoke_until_restart(
    longest_lifetime: Duration,
    capacity: usize,
) -> Result<RevocationList, RevocationListError> {
    RevocationList::of(None, longest_lifetime, capacity)
}
