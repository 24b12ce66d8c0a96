//! Remembering what was verified under keys that an issuer publishes.

use std::{fmt, sync::Arc};

use auth_core::UnixTime;
use serde::de::DeserializeOwned;

use super::{FetchKeySet, RemoteVerifier, RemoteVerifyError};
use crate::{CacheCapacity, Verified, cached::entries::TokenCache};

/// A [`RemoteVerifier`] that remembers which tokens it has verified. Cheap to clone; clones share what they
/// remember. Made by [`RemoteVerifier::with_cache`].
///
/// It is to a [`RemoteVerifier`] what [`CachedVerifier`](crate::CachedVerifier) is to a
/// [`Verifier`](crate::Verifier), and safe for the same reasons, with one more: what is remembered counts for the very
/// set of keys under which it was verified. A fetch that brings another set makes all of it count no more
/// (`a_remembered_token_ends_with_its_key`); one that brings the same set again changes nothing.
///
/// ```
/// use std::sync::Arc;
/// use auth_core::UnixTime;
/// use auth_jwt::{CacheCapacity, CachedRemoteVerifier, FetchKeySet, RemoteVerifier, RemoteVerifyError, Verified};
///
/// #[derive(serde::Deserialize)]
/// struct Plan {
///     plan: String,
/// }
///
/// fn cached<F: FetchKeySet + 'static>(verifier: RemoteVerifier<F>) -> CachedRemoteVerifier<F, Plan> {
///     verifier.with_cache(CacheCapacity::default())
/// }
///
/// async fn is_paid<F: FetchKeySet + 'static>(
///     verifier: &CachedRemoteVerifier<F, Plan>,
///     token: &str,
///     now: UnixTime,
/// ) -> Result<bool, RemoteVerifyError> {
///     let verified: Arc<Verified<Plan>> = verifier.verify(token, now).await?;
///     Ok(verified.own().plan != "free")
/// }
/// ```
pub struct CachedRemoteVerifier<F, C = ()> {
    verifier: RemoteVerifier<F>,
    cache: Arc<TokenCache<C>>,
}

impl<F, C> CachedRemoteVerifier<F, C> {
    pub(super) fn new(verifier: RemoteVerifier<F>, capacity: CacheCapacity) -> Self {
        Self { verifier, cache: Arc::new(TokenCache::new(capacity)) }
    }

    /// The verifier behind it.
    #[must_use]
    pub fn verifier(&self) -> &RemoteVerifier<F> {
        &self.verifier
    }
}

impl<F: FetchKeySet + 'static, C: DeserializeOwned> CachedRemoteVerifier<F, C> {
    /// Verifies a token, or recognises it, and answers what [`RemoteVerifier::verify`] would. It fetches keys when
    /// that would.
    ///
    /// # Errors
    /// As [`RemoteVerifier::verify`].
    pub async fn verify(&self, token: &str, now: UnixTime) -> Result<Arc<Verified<C>>, RemoteVerifyError> {
        let verifier = self.verifier.verifier_for(token).await?;
        Ok(self.cache.verify(&verifier, token, now)?)
    }
}

impl<F, C> Clone for CachedRemoteVerifier<F, C> {
    fn clone(&self) -> Self {
        Self { verifier: self.verifier.clone(), cache: Arc::clone(&self.cache) }
    }
}

impl<F, C> fmt::Debug for CachedRemoteVerifier<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedRemoteVerifier")
            .field("verifier", &self.verifier)
            .field("capacity", &self.cache.capacity())
            .finish_non_exhaustive()
    }
}
