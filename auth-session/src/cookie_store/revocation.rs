//! Whether sessions that are nothing but a cookie can be ended.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use auth_core::{
    Purpose, Put, Realm, SecretHash, SessionId, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject,
    UnixTime,
};

const ENDED: Purpose = Purpose::new("cookie-session-ended");

/// Whether a [`CookieSession`](crate::CookieSession) can be ended: [`Irrevocable`] or [`Revocable`].
pub trait Revocation: Ended + Clone + fmt::Debug + Send + Sync {}

/// Nothing is kept of sessions, so none can be ended.
#[derive(Debug, Clone, Copy)]
pub struct Irrevocable;

impl Revocation for Irrevocable {}

/// There is a list of the sessions that were ended.
#[derive(Clone)]
pub struct Revocable(Arc<dyn TokenStore>);

impl Revocation for Revocable {}

/// What became of a session that was to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// This call ended it.
    Now,
    /// It had ended before.
    Before,
    /// Nothing can end it.
    Never,
}

/// The part that nobody outside can name, call or implement.
#[async_trait]
pub trait Ended {
    async fn is_ended(&self, id: &SessionId, now: UnixTime) -> Result<bool, StoreError>;

    /// Ends what a login takes the place of.
    async fn end(&self, id: &SessionId, until: UnixTime, now: UnixTime) -> Result<Ending, StoreError>;
}

#[async_trait]
impl Ended for Irrevocable {
    async fn is_ended(&self, _: &SessionId, _: UnixTime) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn end(&self, _: &SessionId, _: UnixTime, _: UnixTime) -> Result<Ending, StoreError> {
        Ok(Ending::Never)
    }
}

impl Revocable {
    pub(super) fn new(list: Arc<dyn TokenStore>) -> Self {
        Self(list)
    }
}

#[async_trait]
impl Ended for Revocable {
    async fn is_ended(&self, id: &SessionId, now: UnixTime) -> Result<bool, StoreError> {
        Ok(self.0.peek(&key(id), now).await?.is_some())
    }

    async fn end(&self, id: &SessionId, until: UnixTime, now: UnixTime) -> Result<Ending, StoreError> {
        let subject = TokenSubject::parse(&id.to_string()).map_err(StoreError::not_written)?;
        let record = TokenRecord { key: key(id), subject, expires_at: until, payload: Vec::new() };
        Ok(if self.0.put(&record, now).await? == Put::Stored { Ending::Now } else { Ending::Before })
    }
}

impl fmt::Debug for Revocable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revocable")
    }
}

/// The id is no secret; its hash is what the store looks for.
fn key(id: &SessionId) -> TokenKey {
    TokenKey { realm: Realm::LOCAL, purpose: ENDED, hash: SecretHash::of(id.as_bytes()) }
}
