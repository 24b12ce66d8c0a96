//! The storage trait of sessions.

use async_trait::async_trait;

use crate::{
    SessionId, SessionOwner, UnixTime,
    session::{EndAll, Inserted, Rotated, SecretState, SessionLimit, SessionRecord, SessionSummary},
    session_blob::SessionBlob,
    store::{Page, StoreError, Updated, Version},
};

/// Keeps the sessions of an application.
///
/// Writing one? Run [`conformance::session_store`](crate::conformance::session_store) against it: the suite
/// races every method, and a store that passes it cannot resurrect a session or lose an update. Where there are
/// transactions, [`TransactionalSessions`](crate::TransactionalSessions) needs no more than rows in them.
///
/// A store never sees a session's secret, only its SHA-256, so a copy of the store opens no session. Time is
/// the caller's: every method that compares deadlines takes `now`.
///
/// Every method: [`StoreError::NotWritten`] if nothing was stored, [`StoreError::Unknown`] if the connection
/// broke after a write was sent. Never half a write.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Adds a session, or changes nothing and says why not.
    ///
    /// Refuses a session whose epoch is older than what [`end_all`](Self::end_all) left for its principal, so
    /// that a login that was under way does not survive. Counts the principal's live sessions of every
    /// [kind](crate::SessionKind) together against `limit`, and applies it in the same step, so that two logins
    /// at once cannot both be the last. A session of nobody neither counts nor is counted, nor does one in which
    /// [somebody else acts](SessionRecord::has_actor). A store may count the sessions
    /// under the new session's [tag](SessionId::tag) alone: for as long as those that began under a retired key live,
    /// there may then be up to as many of them beside it.
    ///
    /// If several reasons speak against it, the answer is the first of [`Inserted::Collision`],
    /// [`Inserted::Outdated`] and [`Inserted::LimitReached`]. The id of a session that is past a deadline and not
    /// [purged](Self::purge) yet may collide.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Full`] if there is no room, in which case no live session of a principal
    /// was thrown away for it.
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError>;

    /// The live session of this id: not past a deadline, not of an epoch that was ended.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError>;

    /// Replaces the data of a session whose version is `expected`, and nothing else: never a deadline or a
    /// secret. Never brings back a session that ended. One that is past a deadline may still be written, or be
    /// gone; either way it stays dead.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError>;

    /// Moves the idle deadline of a live session forward to `idle_until`, or to the absolute deadline if that is
    /// earlier; never back. Notes its use at `now`, unless a later one is known. Leaves the version alone. Answers
    /// whether the session was alive.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError>;

    /// Replaces the secrets of a session whose version is `expected`, and nothing else. Of one that is past a
    /// deadline, the same holds as for [`update`](Self::update).
    ///
    /// # Errors
    /// [`StoreError`].
    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError>;

    /// Ends a session. Answers whether there was one; of one that is past a deadline, either may be answered.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError>;

    /// The live sessions of a principal, of every kind, the one that was begun last first; ties by the bytes of
    /// the id, lowest first.
    ///
    /// One whose row cannot be read opens nothing, and is left out, so that it does not keep its owner from the
    /// others; a page that had it may be shorter for it, or empty though there are more.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError>;

    /// Ends all sessions of a principal that are older than `what.epoch`, in one step with leaving a marker
    /// that refuses such sessions in [`insert`](Self::insert) and [`load`](Self::load). A marker never goes
    /// down. Answers how many ended; those that are past a deadline may be left out.
    ///
    /// The excepted session is moved up to the epoch instead, its version kept, if it is the principal's and of
    /// the epoch [directly before](crate::AuthEpoch::before). One that is older ends like any other: an earlier
    /// change should have ended it already, and it does not outlive that by asking for the next.
    ///
    /// The marker is kept for at least 24 hours from `now`, longer than any login is under way.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError>;

    /// Forgets up to `limit` sessions that are past a deadline. Answers how many.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError>;
}

crate::store::forward_async!(SessionStore {
    async fn insert(&self, record: &SessionRecord, limit: Option<&SessionLimit>, now: UnixTime) -> Result<Inserted, StoreError>;
    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError>;
    async fn update(&self, id: &SessionId, expected: Version, data: &SessionBlob) -> Result<Updated, StoreError>;
    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError>;
    async fn rotate(&self, id: &SessionId, expected: Version, next: &SecretState) -> Result<Rotated, StoreError>;
    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError>;
    async fn list(&self, owner: &SessionOwner, page: Page, now: UnixTime) -> Result<Vec<SessionSummary>, StoreError>;
    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError>;
    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError>;
});
