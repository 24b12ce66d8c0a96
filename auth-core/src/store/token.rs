//! The storage trait of single-use tokens.

use async_trait::async_trait;

use crate::{
    Purpose, Realm, UnixTime,
    store::StoreError,
    token::{Claim, Put, TokenKey, TokenRecord, TokenSubject},
};

/// Keeps single-use tokens: reset links, login states, seen `jti`s.
///
/// Writing one? Run [`conformance::token_store`](crate::conformance::token_store) against it. A store sees
/// hashes only. An unexpired token is never thrown away to make room: the store answers
/// [`StoreError::Full`].
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Adds a token. Others of the same subject stay. The key of a token or claim that has expired and is not
    /// [purged](Self::purge) yet may collide.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Full`] if there is no room.
    async fn put(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError>;

    /// Adds a token and removes all others of the same realm, purpose and subject, in one step: the newest
    /// wins. Claims stay, and so does everything if the key collides.
    ///
    /// # Errors
    /// [`StoreError`]; if it failed surely, the old tokens are as they were.
    async fn replace(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError>;

    /// Removes a live token and returns it. Of any number of calls at once, one gets it. A
    /// [claim](Self::claim) is not a token: it is neither returned nor removed.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn take(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError>;

    /// A live token, left where it is. `None` for a claim.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn peek(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError>;

    /// Marks a key as used until `expires_at`. Of any number of calls at once, one is first; once it has
    /// expired, the key may be claimed anew. A live token under the key counts as seen, and stays.
    ///
    /// A claim is not a token: nothing removes it before its end, or whoever can ask for tokens could free a key
    /// that was used.
    ///
    /// # Errors
    /// [`StoreError`]. Without an answer, nobody was first.
    async fn claim(&self, key: &TokenKey, expires_at: UnixTime, now: UnixTime) -> Result<Claim, StoreError>;

    /// Removes all tokens of a subject for a purpose, and no claim. Answers how many live ones there were.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn revoke(
        &self,
        realm: &Realm,
        purpose: Purpose,
        subject: &TokenSubject,
        now: UnixTime,
    ) -> Result<u64, StoreError>;

    /// Forgets up to `limit` expired tokens and claims. Answers how many.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError>;
}

crate::store::forward_async!(TokenStore {
    async fn put(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError>;
    async fn replace(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError>;
    async fn take(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError>;
    async fn peek(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError>;
    async fn claim(&self, key: &TokenKey, expires_at: UnixTime, now: UnixTime) -> Result<Claim, StoreError>;
    async fn revoke(&self, realm: &Realm, purpose: Purpose, subject: &TokenSubject, now: UnixTime) -> Result<u64, StoreError>;
    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError>;
});
