//! The keys for one token.

use std::sync::Arc;

use super::{FetchKeySet, KeysUnavailable, RemoteKeySet, RemoteKeys, RemoteVerifyError};
use crate::{
    KeyId, KeySet, TokenPolicy, UnverifiedToken, VerifyError,
    compact::Compact,
    header::{Header, HeaderBuffer},
};

impl<F: FetchKeySet + 'static> RemoteKeySet<F> {
    /// The keys, among them the one that `token` names: fetched once more if it is not there and a fetch is
    /// allowed now. For this token: the next may need others.
    ///
    /// A [`RemoteVerifier`](crate::RemoteVerifier) calls it by itself. It is for those who verify in another way:
    ///
    /// ```
    /// use auth_core::UnixTime;
    /// use auth_jwt::{
    ///     FetchKeySet, IdToken, IdTokenChecks, IdTokenPolicy, IdTokenVerifier, RemoteKeySet, RemoteVerifyError,
    /// };
    ///
    /// async fn logged_in<F: FetchKeySet + 'static>(
    ///     keys: &RemoteKeySet<F>,
    ///     policy: &IdTokenPolicy,
    ///     token: &str,
    ///     asked: &IdTokenChecks<'_>,
    ///     now: UnixTime,
    /// ) -> Result<IdToken, RemoteVerifyError> {
    ///     let keys = keys.keys_for(token).await?;
    ///     let verifier = IdTokenVerifier::new(keys.keys().clone(), policy.clone());
    ///     Ok(verifier.verify(token, asked, now)?)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`RemoteVerifyError::Refused`] if the token is malformed or there is no such key;
    /// [`RemoteVerifyError::Unavailable`] if nobody can tell. The token itself is not verified.
    pub async fn keys_for(&self, token: &str) -> Result<Arc<RemoteKeys>, RemoteVerifyError> {
        self.keys_within(token, *TokenPolicy::MAX_LEN_BOUNDS.end()).await
    }

    /// The same for a token of at most `max_len` bytes.
    pub(super) async fn keys_within(
        &self,
        token: &str,
        max_len: usize,
    ) -> Result<Arc<RemoteKeys>, RemoteVerifyError> {
        // Without any key it can be known that a token is malformed, or of an algorithm that no key here has.
        let unverified = UnverifiedToken::parse_within(token, max_len).map_err(VerifyError::from)?;
        if !self.accepted.has(unverified.alg()) {
            return Err(VerifyError::UnknownKey.into());
        }
        let keys = self.current().await?;
        match find(keys.keys(), token, max_len) {
            Err(VerifyError::UnknownKey) => {}
            found => return Ok(found.map(|()| keys)?),
        }
        let kid = unverified.kid();
        let Some(keys) = self.refresh_for(kid, keys.number).await? else {
            return Err(VerifyError::UnknownKey.into());
        };
        let found = find(keys.keys(), token, max_len);
        if let (Err(VerifyError::UnknownKey), Some(kid)) = (&found, kid) {
            let now = self.now();
            self.state().unknown.insert(kid.clone(), now);
        }
        Ok(found.map(|()| keys)?)
    }

    /// Fetches the keys once more, for a token whose key is not among those that came with the fetch `seen`.
    /// `None`: it would not help, now.
    async fn refresh_for(
        &self,
        id: Option<&KeyId>,
        seen: u64,
    ) -> Result<Option<Arc<RemoteKeys>>, KeysUnavailable> {
        let changed = || self.present().filter(|keys| keys.number > seen);
        if let Some(keys) = changed() {
            return Ok(Some(keys));
        }
        if id.is_some_and(|id| self.state().unknown.contains(id, self.now())) {
            return Ok(None);
        }
        match self.fetch_once().await {
            Ok(()) => Ok(changed()),
            // The fetch that would tell failed: nobody knows whether there is such a key.
            Err(failed) => Err(KeysUnavailable(failed)),
        }
    }
}

/// Whether the key that the token's header means is there.
fn find(keys: &KeySet, token: &str, max_len: usize) -> Result<(), VerifyError> {
    let compact = Compact::split(token, max_len)?;
    let mut buffer = HeaderBuffer::default();
    keys.choose(&Header::parse(compact.header, &mut buffer)?).map(drop)
}
