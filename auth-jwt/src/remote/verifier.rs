//! Verifying under keys that an issuer publishes.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use auth_core::UnixTime;
use serde::{Deserialize, de::DeserializeOwned};

use super::{CachedRemoteVerifier, FetchKeySet, RemoteKeySet, RemoteKeys, RemoteVerifyError};
use crate::{CacheCapacity, Revocations, TokenBuffer, TokenPolicy, Verified, Verifier};

/// Verifies the tokens of an issuer who publishes its keys. Cheap to clone; share it.
///
/// It is a [`Verifier`] whose keys come from a [`RemoteKeySet`]. A token that names a key which is not there
/// causes one fetch, if the set allows it, and is then looked at once more. A token that no key of the set
/// could have signed, because it is malformed or of another algorithm, causes none; nor does a wrong signature.
///
/// The token's time is the caller's `now`; the age of the keys goes by the set's own clock.
///
/// ```
/// use auth_core::UnixTime;
/// use auth_jwt::{FetchKeySet, RemoteVerifier, RemoteVerifyError};
///
/// async fn subject<F: FetchKeySet + 'static>(
///     verifier: &RemoteVerifier<F>,
///     token: &str,
///     now: UnixTime,
/// ) -> Result<Option<String>, RemoteVerifyError> {
///     let verified = verifier.verify::<()>(token, now).await?;
///     Ok(verified.claims().subject().map(str::to_owned))
/// }
/// ```
pub struct RemoteVerifier<F> {
    keys: Arc<RemoteKeySet<F>>,
    policy: TokenPolicy,
    revocations: Option<Arc<dyn Revocations>>,
    built: Arc<ArcSwapOption<Built>>,
}

/// A verifier of one generation of keys.
struct Built {
    generation: u64,
    verifier: Arc<Verifier>,
}

impl<F: FetchKeySet + 'static> RemoteVerifier<F> {
    /// Accepts what the keys of `keys` have signed and `policy` allows.
    #[must_use]
    pub fn new(keys: Arc<RemoteKeySet<F>>, policy: TokenPolicy) -> Self {
        Self { keys, policy, revocations: None, built: Arc::default() }
    }

    /// The same, refusing what `revocations` says is revoked, or cannot say of: see
    /// [`Verifier::with_revocations`].
    #[must_use]
    pub fn with_revocations(self, revocations: Arc<dyn Revocations>) -> Self {
        Self { revocations: Some(revocations), built: Arc::default(), ..self }
    }

    /// The same, remembering the tokens that it has verified, for own claims of type `C`. They count no more once
    /// the keys change.
    #[must_use]
    pub fn with_cache<C>(self, capacity: CacheCapacity) -> CachedRemoteVerifier<F, C> {
        CachedRemoteVerifier::new(self, capacity)
    }

    /// Verifies a token, with own claims of type `C`.
    ///
    /// # Errors
    /// [`RemoteVerifyError::Refused`] if the token is not good; [`RemoteVerifyError::Unavailable`] if nobody can
    /// tell, for the keys cannot be fetched.
    pub async fn verify<C: DeserializeOwned>(
        &self,
        token: &str,
        now: UnixTime,
    ) -> Result<Verified<C>, RemoteVerifyError> {
        Ok(self.verifier_for(token).await?.verify(token, now)?)
    }

    /// Verifies a token, with own claims that may borrow their strings from `buffer`.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub async fn verify_in<'b, C: Deserialize<'b>>(
        &self,
        token: &str,
        now: UnixTime,
        buffer: &'b mut TokenBuffer,
    ) -> Result<Verified<C>, RemoteVerifyError> {
        Ok(self.verifier_for(token).await?.verify_in(token, now, buffer)?)
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Arc<RemoteKeySet<F>> {
        &self.keys
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &TokenPolicy {
        &self.policy
    }

    /// The verifier that has the key which `token` names, for this token and now: the next one may need others.
    ///
    /// Its keys are those of this moment, and never change. Whoever keeps it keeps accepting a key that its issuer
    /// withdraws; so does a [`CachedVerifier`](crate::CachedVerifier) around it, whose place
    /// [`with_cache`](Self::with_cache) takes here.
    ///
    /// # Errors
    /// As [`verify`](Self::verify), as far as header and key go. The token itself is not verified yet.
    pub async fn verifier_for(&self, token: &str) -> Result<Arc<Verifier>, RemoteVerifyError> {
        if let Some(keys) = self.keys.fresh() {
            let built = self.built_of(&keys);
            if built.has_seen_header_of(token) {
                return Ok(built);
            }
        }
        let keys = self.keys.keys_within(token, self.policy.max_len).await?;
        Ok(self.built_of(&keys))
    }

    fn built_of(&self, keys: &RemoteKeys) -> Arc<Verifier> {
        let built = self.built.load();
        if let Some(built) = &*built
            && built.generation == keys.keys().generation()
        {
            return Arc::clone(&built.verifier);
        }
        let verifier = Verifier::new(keys.keys().clone(), self.policy.clone());
        let verifier = Arc::new(match &self.revocations {
            Some(revocations) => verifier.with_revocations(Arc::clone(revocations)),
            None => verifier,
        });
        let built = Built { generation: keys.keys().generation(), verifier: Arc::clone(&verifier) };
        self.built.store(Some(Arc::new(built)));
        verifier
    }
}

/// Verifiers whose keys are somewhere, for those who do not care where.
#[async_trait]
pub(crate) trait VerifierSource: fmt::Debug + Send + Sync {
    async fn verifier_for(&self, token: &str) -> Result<Arc<Verifier>, RemoteVerifyError>;
}

#[async_trait]
impl<F: FetchKeySet + 'static> VerifierSource for RemoteVerifier<F> {
    async fn verifier_for(&self, token: &str) -> Result<Arc<Verifier>, RemoteVerifyError> {
        Self::verifier_for(self, token).await
    }
}

impl<F> Clone for RemoteVerifier<F> {
    fn clone(&self) -> Self {
        let (keys, built) = (Arc::clone(&self.keys), Arc::clone(&self.built));
        Self { keys, policy: self.policy.clone(), revocations: self.revocations.clone(), built }
    }
}

impl<F> fmt::Debug for RemoteVerifier<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteVerifier")
            .field("keys", &self.keys)
            .field("policy", &self.policy)
            .field("revocations", &self.revocations.is_some())
            .finish_non_exhaustive()
    }
}
