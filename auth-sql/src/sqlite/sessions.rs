//! Sessions in SQLite.

use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    EndAll, Inserted, Page, PrincipalId, Rotated, SecretState, SessionBlob, SessionId, SessionLimit,
    SessionOwner, SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime, Updated, Version,
    WhenReached,
};

use self::sql::{
    COUNT_LIVE, DELETE, DELETE_OLDER, DELETE_OLDEST, EXISTS, INSERT, LIST, LOAD, MARK, MOVE_UP, PURGE,
    PURGE_MARKERS, ROTATE, TOUCH, UPDATE, WHY_NOT,
};
use super::{
    Sqlite,
    statement::{Statement, Transaction, sql as statement},
};
use crate::{
    fields::Fields,
    number::{time_to_column, to_column},
    rows::session,
};

mod row;
pub(super) mod sql;

/// The [`SessionStore`] of a [`Sqlite`] database. Cheap to clone.
///
/// A row holds SHA-256 hashes of secrets, never a secret. It is full when the disk is.
#[derive(Debug, Clone)]
pub struct SqliteSessions(pub(super) Sqlite);

/// How long the marker that [`SessionStore::end_all`] leaves is kept: longer than any login is under way.
const MARKER_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Binds the three parameters that name a principal.
fn of<'q>(text: &'static str, principal: &PrincipalId) -> Statement<'q> {
    statement(text).bind(principal.realm().as_str()).bind(principal.kind().as_str()).bind(principal.id())
}

#[async_trait]
impl SessionStore for SqliteSessions {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let insert = row::bind(statement(INSERT), record)?;
        let mut transaction = self.0.begin().await?;
        if let Some(why_not) = why_not(&mut transaction, record).await? {
            return Ok(why_not);
        }
        let mut ended = 0;
        let limit = limit.filter(|_| !record.has_actor());
        if let (Some(principal), Some(limit)) = (record.principal(), limit) {
            let Some(made) = make_room(&mut transaction, principal, limit, now).await? else {
                return Ok(Inserted::LimitReached);
            };
            ended = made;
        }
        transaction.write(insert).await?;
        transaction.commit().await?;
        Ok(Inserted::Stored { ended })
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        let query = statement(LOAD).bind(&id.as_bytes()[..]).bind(time_to_column(now));
        let Some(found) = self.0.read_one(query).await? else { return Ok(None) };
        session::record(*id, found).map(Some)
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        let update =
            statement(UPDATE).bind(&id.as_bytes()[..]).bind(to_column(expected.get())).bind(data.as_bytes());
        if self.0.write(update).await? > 0 {
            return Ok(Updated::Updated);
        }
        Ok(if self.exists(id).await? { Updated::Conflict } else { Updated::Gone })
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        let touch = statement(TOUCH)
            .bind(&id.as_bytes()[..])
            .bind(time_to_column(now))
            .bind(time_to_column(idle_until));
        Ok(self.0.write(touch).await? > 0)
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        let rotate = statement(ROTATE).bind(&id.as_bytes()[..]).bind(to_column(expected.get()));
        if self.0.write(row::bind_secret(rotate, next)).await? > 0 {
            return Ok(Rotated::Rotated);
        }
        Ok(if self.exists(id).await? { Rotated::Conflict } else { Rotated::Gone })
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.0.write(statement(DELETE).bind(&id.as_bytes()[..])).await? > 0)
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let query =
            of(LIST, owner.principal()).bind(time_to_column(now)).bind(page.limit()).bind(page.offset());
        session::summaries(self.0.read_all(query).await?)
    }

    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        let principal = what.owner.principal();
        let epoch = to_column(what.epoch.get());
        let kept_until = time_to_column(now.saturating_add(MARKER_KEPT));
        let mut transaction = self.0.begin().await?;
        transaction.write(of(MARK, principal).bind(epoch).bind(kept_until)).await?;
        // Only from the epoch directly before: what an earlier change should have ended is not spared.
        if let Some((except, before)) = what.except.zip(what.epoch.before()) {
            let before = to_column(before.get());
            let move_up = of(MOVE_UP, principal).bind(epoch).bind(before).bind(&except.as_bytes()[..]);
            transaction.write(move_up).await?;
        }
        let ended = transaction.write(of(DELETE_OLDER, principal).bind(epoch)).await?;
        transaction.commit().await?;
        Ok(ended)
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let now = time_to_column(now);
        // First, since nobody sees it: an error says what became of the sessions.
        self.0.write(statement(PURGE_MARKERS).bind(now).bind(limit)).await?;
        self.0.write(statement(PURGE).bind(now).bind(limit)).await
    }
}

impl SqliteSessions {
    /// Why a conditional write changed nothing. Asked afterwards: an id never comes back, and a version never
    /// goes down, so the answer was true of the write too.
    async fn exists(&self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.0.read_one(statement(EXISTS).bind(&id.as_bytes()[..])).await?.is_some())
    }
}

/// Why a session cannot be stored, whatever the limit.
async fn why_not(
    transaction: &mut Transaction,
    record: &SessionRecord,
) -> Result<Option<Inserted>, StoreError> {
    // Without a principal, the parameters are NULL, and equal to nothing.
    let principal = record.principal();
    let query = statement(WHY_NOT)
        .bind(principal.map(|principal| principal.realm().as_str()))
        .bind(principal.map(|principal| principal.kind().as_str()))
        .bind(principal.map(PrincipalId::id))
        .bind(to_column(record.epoch().get()))
        .bind(&record.id.as_bytes()[..]);
    let found = Fields(transaction.read_one(query).await?.ok_or(StoreError::corrupt("sessions"))?);
    Ok(if found.flag("known")? {
        Some(Inserted::Collision)
    } else if found.flag("outdated")? {
        Some(Inserted::Outdated)
    } else {
        None
    })
}

/// Ends as many sessions as the limit asks for and answers how many, or `None` if it allows no more.
async fn make_room(
    transaction: &mut Transaction,
    principal: &PrincipalId,
    limit: &SessionLimit,
    now: UnixTime,
) -> Result<Option<u32>, StoreError> {
    let now = time_to_column(now);
    let counted = transaction.read_one(of(COUNT_LIVE, principal).bind(now)).await?;
    let live = counted.map_or(Ok(0), |row| Fields(row).small("live"))?;
    let others = limit.max.max(1).saturating_sub(1);
    let too_many = live.saturating_sub(others);
    if too_many > 0 && limit.when_reached == WhenReached::Refuse {
        return Ok(None);
    }
    if too_many > 0 {
        transaction.write(of(DELETE_OLDEST, principal).bind(now).bind(too_many)).await?;
    }
    Ok(Some(too_many))
}
