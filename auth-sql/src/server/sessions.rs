//! Sessions on a server.

use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    EndAll, Inserted, Page, PrincipalId, Rotated, SecretState, SessionBlob, SessionId, SessionLimit,
    SessionOwner, SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime, Updated, Version,
    WhenReached,
};

use super::{
    client::Client,
    driver::Driver,
    failure::Failure,
    sql::session::{
        COUNT_LIVE, DELETE, DELETE_OLDER, EXISTS, LIST, LOAD, MOVE_UP, ROTATE, TOUCH, UPDATE, WHY_NOT,
    },
    statement::{Statement, sql},
    transaction::Transaction,
    work::{Work, repeated},
};
use crate::{
    fields::Fields,
    number::{time_to_column, to_column},
    rows::session,
};

mod values;

/// The [`SessionStore`] of a database on a server. Cheap to clone.
///
/// A row holds SHA-256 hashes of secrets, never a secret. It is full when the disk of the server is.
#[derive(Debug, Clone)]
#[expect(private_bounds, reason = "the databases are this crate's")]
pub struct ServerSessions<D: Driver>(pub(crate) Client<D>);

/// How long the marker that [`SessionStore::end_all`] leaves is kept: longer than any login is under way.
const MARKER_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Binds the three parameters that name a principal.
fn of<'q>(text: &'static str, principal: &'q PrincipalId) -> Statement<'q> {
    sql(text).bind(principal.realm().as_str()).bind(principal.kind().as_str()).bind(principal.id())
}

#[async_trait]
impl<D: Driver> SessionStore for ServerSessions<D> {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let insert = values::all(D::DIALECT.inserts.session, record)?;
        let Some(principal) = record.principal() else {
            // Of nobody: no epoch and no limit speaks against it.
            let stored = self.0.write(&insert).await? > 0;
            return Ok(if stored { Inserted::Stored { ended: 0 } } else { Inserted::Collision });
        };
        let mut work = self.0.work();
        repeated!(work: self.0.insert_once(&work, record, principal, &insert, limit, now))
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        let query = sql(LOAD).bind(id.as_bytes()).bind(time_to_column(now));
        self.0.read_one(&query).await?.map(|row| session::record(*id, row)).transpose()
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        let update = sql(UPDATE).bind(id.as_bytes()).bind(to_column(expected.get())).bind(data.as_bytes());
        let mut work = self.0.work();
        if self.0.write_in(&mut work, &update).await? > 0 {
            return Ok(Updated::Updated);
        }
        Ok(if self.0.session_exists(&mut work, id).await? { Updated::Conflict } else { Updated::Gone })
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        let touch = sql(TOUCH).bind(id.as_bytes()).bind(time_to_column(now)).bind(time_to_column(idle_until));
        Ok(self.0.write(&touch).await? > 0)
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        let rotate = sql(ROTATE).bind(id.as_bytes()).bind(to_column(expected.get()));
        let mut work = self.0.work();
        if self.0.write_in(&mut work, &values::with_secret(rotate, next)).await? > 0 {
            return Ok(Rotated::Rotated);
        }
        Ok(if self.0.session_exists(&mut work, id).await? { Rotated::Conflict } else { Rotated::Gone })
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.0.write(&sql(DELETE).bind(id.as_bytes())).await? > 0)
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let query =
            of(LIST, owner.principal()).bind(time_to_column(now)).bind(page.limit()).bind(page.offset());
        session::summaries(self.0.read(&query).await?)
    }

    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        let mut work = self.0.work();
        repeated!(work: self.0.end_all_once(&work, &what, now))
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let now = time_to_column(now);
        let mut work = self.0.work();
        let purge = sql(D::DIALECT.purge_sessions).bind(now).bind(limit);
        // First, since nobody sees it: an error says what became of the sessions.
        self.0.write_in(&mut work, &purge.with_text(D::DIALECT.purge_markers)).await?;
        self.0.write_in(&mut work, &purge).await
    }
}

impl<D: Driver> Client<D> {
    /// Why a conditional write changed nothing. Asked afterwards: an id never comes back, and a version never
    /// goes down, so the answer was true of the write too.
    async fn session_exists(&self, work: &mut Work, id: &SessionId) -> Result<bool, StoreError> {
        Ok(!self.read_in(work, &sql(EXISTS).bind(id.as_bytes())).await?.is_empty())
    }

    async fn insert_once(
        &self,
        work: &Work,
        record: &SessionRecord,
        principal: &PrincipalId,
        insert: &Statement<'_>,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, Failure> {
        let mut transaction = self.begin(work).await?;
        lock(&mut transaction, principal, now).await?;
        let why_not = of(WHY_NOT, principal).bind(to_column(record.epoch().get())).bind(record.id.as_bytes());
        let found = transaction.read_one(&why_not).await?.ok_or(StoreError::corrupt("sessions"))?;
        let found = Fields(found);
        if found.flag("known")? {
            return transaction.roll_back(Inserted::Collision).await;
        }
        if found.flag("outdated")? {
            return transaction.roll_back(Inserted::Outdated).await;
        }
        let mut ended = 0;
        if let Some(limit) = limit.filter(|_| !record.has_actor()) {
            let Some(made) = make_room(&mut transaction, principal, limit, now).await? else {
                return transaction.roll_back(Inserted::LimitReached).await;
            };
            ended = made;
        }
        if transaction.write(insert).await? == 0 {
            return transaction.roll_back(Inserted::Collision).await;
        }
        transaction.commit(Inserted::Stored { ended }).await
    }

    async fn end_all_once(&self, work: &Work, what: &EndAll<'_>, now: UnixTime) -> Result<u64, Failure> {
        let principal = what.owner.principal();
        let epoch = to_column(what.epoch.get());
        let mut transaction = self.begin(work).await?;
        lock(&mut transaction, principal, now).await?;
        let mark = of(D::DIALECT.mark, principal).bind(epoch).bind(kept_until(now));
        transaction.write(&mark).await?;
        // Only from the epoch directly before: what an earlier change should have ended is not spared.
        if let Some((except, before)) = what.except.zip(what.epoch.before()) {
            let before = to_column(before.get());
            let move_up = of(MOVE_UP, principal).bind(epoch).bind(before).bind(except.as_bytes());
            transaction.write(&move_up).await?;
        }
        let ended = transaction.write(&of(DELETE_OLDER, principal).bind(epoch)).await?;
        transaction.commit(ended).await
    }
}

/// Two logins at once, or a login and the end of all, must not each miss what the other writes.
async fn lock<D: Driver>(
    transaction: &mut Transaction<'_, D>,
    principal: &PrincipalId,
    now: UnixTime,
) -> Result<(), Failure> {
    let lock = of(D::DIALECT.lock_principal, principal).bind(kept_until(now));
    transaction.write(&lock).await.map(|_| ())
}

fn kept_until(now: UnixTime) -> i64 {
    time_to_column(now.saturating_add(MARKER_KEPT))
}

/// Ends as many sessions as the limit asks for and answers how many, or `None` if it allows no more.
async fn make_room<D: Driver>(
    transaction: &mut Transaction<'_, D>,
    principal: &PrincipalId,
    limit: &SessionLimit,
    now: UnixTime,
) -> Result<Option<u32>, Failure> {
    let now = time_to_column(now);
    let counted = transaction.read_one(&of(COUNT_LIVE, principal).bind(now)).await?;
    let live = counted.map_or(Ok(0), |row| Fields(row).small("live"))?;
    let others = limit.max.max(1).saturating_sub(1);
    let too_many = live.saturating_sub(others);
    if too_many > 0 && limit.when_reached == WhenReached::Refuse {
        return Ok(None);
    }
    if too_many > 0 {
        let oldest = of(D::DIALECT.delete_oldest, principal).bind(now).bind(too_many);
        transaction.write(&oldest).await?;
    }
    Ok(Some(too_many))
}
