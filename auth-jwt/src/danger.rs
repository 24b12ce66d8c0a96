//! What gives up safety, under names that say so.

use std::time::Duration;

#[cfg(feature = "reqwest")]
pub use crate::remote::http_on_loopback;
use crate::{JwsSigner, PolicyError, RevocationList, RevocationListError};

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

/// The same signer, of access tokens (`typ` `at+jwt`): whatever it is given becomes one, for whoever and whatever the
/// payload says, though nobody has logged in. For tests of verifiers and for tools; a service issues its tokens by
/// [`TokenIssuer`](crate::TokenIssuer).
///
/// # Errors
/// [`PolicyError::UnencodedJwt`] of a signer of unencoded payloads.
pub fn sign_access_tokens_without_login(signer: JwsSigner) -> Result<JwsSigner, PolicyError> {
    signer.of_access_tokens()
}
