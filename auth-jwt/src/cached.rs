//! Verified tokens, remembered for the next request that brings them.

use std::{fmt, sync::Arc};

use auth_core::UnixTime;
use serde::de::DeserializeOwned;

use crate::{CacheCapacity, Verified, Verifier, VerifyError, cached::entries::TokenCache};

pub(crate) mod capacity;
pub(crate) mod entries;
#[cfg(test)]
mod tests;

/// A verifier that remembers which tokens it has verified, for callers that see the same token again and again.
/// Cheap to clone; clones share what they remember.
///
/// A token that was seen before costs well under 200 ns, whatever its algorithm, and no allocation. The answers
/// are the verifier's own, in every case. Why that is so:
///
/// | claim | shown by |
/// |---|---|
/// | A token is served only if it is, byte for byte and at full length, one that was verified. A keyed hash says where to look and decides nothing | `distinct_tokens_are_never_served_for_one_another`, `a_hash_alone_serves_nothing` |
/// | Comparing takes the same time wherever two tokens of one length differ | `cached/entries.rs`, by `subtle` |
/// | Only successes are remembered. A forger puts nothing in, and pushes nothing out | `refusals_are_not_remembered` |
/// | Everything in which the time has a part (`exp`, `nbf`, `iat`) is asked each time, by the same code and with the caller's `now`. A clock that steps back gets the answer that the verifier itself would give | `a_cache_cannot_be_told_from_its_verifier` |
/// | Revocations are asked each time. What they refuse, or cannot say, is not served | `a_revoked_token_is_not_served` |
/// | An entry counts only for the set of keys under which it was made, as it was before the token was verified, and only while its key is valid | `another_generation_is_a_miss`, `an_entry_does_not_outlive_its_key` |
/// | A token with a `cnf` is verified each time: its presenter has more to prove than that he has it | `bound_tokens_are_never_remembered` |
/// | The policy, the keys and the own claims' type cannot change under it: a cache belongs to one [`Verifier`], which it owns, and to one `C` | the type |
/// | Its size is bounded in entries and in bytes, whatever is presented | `a_cache_never_holds_more_than_it_may` |
/// | Tokens of different sets of entries never wait for each other, and readers never for readers | `threads_get_their_own_answers` |
///
/// What it costs: a copy of each token in memory, wiped when it is dropped, until a newer token needs its place or
/// it is presented again after it has expired. Somebody who is issued many tokens can push out those of others,
/// which are then verified as if there were no cache.
///
/// ```
/// use std::sync::Arc;
/// use auth_core::UnixTime;
/// use auth_jwt::{CacheCapacity, CachedVerifier, Verified, Verifier, VerifyError};
///
/// #[derive(serde::Deserialize)]
/// struct Plan {
///     plan: String,
/// }
///
/// fn cached(verifier: Verifier) -> CachedVerifier<Plan> {
///     CachedVerifier::new(verifier, CacheCapacity::default())
/// }
///
/// fn is_paid(verifier: &CachedVerifier<Plan>, token: &str, now: UnixTime) -> Result<bool, VerifyError> {
///     let verified: Arc<Verified<Plan>> = verifier.verify(token, now)?;
///     Ok(verified.own().plan != "free")
/// }
/// ```
pub struct CachedVerifier<C = ()> {
    verifier: Verifier,
    cache: Arc<TokenCache<C>>,
}

impl<C> CachedVerifier<C> {
    /// Remembers what `verifier` has verified, for own claims of type `C`.
    ///
    /// The keys are those of `verifier`, for as long as this lives. Keys that others publish, and change, are for
    /// [`RemoteVerifier::with_cache`](crate::RemoteVerifier::with_cache): around one of its verifiers this would go on
    /// accepting a key that was withdrawn, and never learn of a new one.
    #[must_use]
    pub fn new(verifier: Verifier, capacity: CacheCapacity) -> Self {
        Self { verifier, cache: Arc::new(TokenCache::new(capacity)) }
    }

    /// The verifier behind it.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

impl<C: DeserializeOwned> CachedVerifier<C> {
    /// Verifies a token, or recognises it, and answers what [`Verifier::verify`] would.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify(&self, token: &str, now: UnixTime) -> Result<Arc<Verified<C>>, VerifyError> {
        self.cache.verify(&self.verifier, token, now)
    }
}

impl<C> Clone for CachedVerifier<C> {
    fn clone(&self) -> Self {
        Self { verifier: self.verifier.clone(), cache: Arc::clone(&self.cache) }
    }
}

impl<C> fmt::Debug for CachedVerifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedVerifier")
            .field("verifier", &self.verifier)
            .field("capacity", &self.cache.capacity())
            .finish_non_exhaustive()
    }
}
