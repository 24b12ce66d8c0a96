//! Sessions in Redis.

use std::{cmp::Reverse, time::Duration};

use async_trait::async_trait;
use auth_core::{
    EndAll, Inserted, Page, PrincipalTag, Rotated, SecretState, SessionBlob, SessionId, SessionLimit,
    SessionOwner, SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime, Updated, Version,
    WhenReached,
};
use redis::{Value, cmd};

use crate::{
    Redis,
    failure::{Intent, store_error},
    keys,
    script::{
        SESSION_FORGET, SESSION_INSERT, SESSION_REMOVE, SESSION_ROTATE, SESSION_TOUCH, SESSION_UPDATE, Script,
    },
    walk::Walk,
};

mod end_all;
mod login;
mod marker;
mod row;

/// The [`SessionStore`] of a [`Redis`] server. Cheap to clone.
///
/// A row holds SHA-256 hashes of secrets, never a secret. Each change is one script, and so one step. Loading is one
/// command and one round trip, which loads of the same moment share; a touch is one more.
///
/// A principal's sessions are found under the tag in their ids, one for each key of the ring that made them. What
/// concerns several tags (only while sessions of a retired key live) is one step for each: [`SessionStore::end_all`]
/// that fails between them says that it may have happened, and is to be repeated. A [`SessionLimit`] counts the
/// sessions under the new session's own tag.
#[derive(Debug, Clone)]
pub struct RedisSessions {
    pub(crate) redis: Redis,
    pub(crate) walk: Walk,
}

/// How long the marker of [`SessionStore::end_all`] is kept: as long as any session may live, in case the index of one
/// was lost. Its row is then still there, and nothing but the marker refuses it.
const MARKER_KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// How many rows one command reads or ends at most.
const CHUNK: usize = 256;
/// How often a change is tried whose sessions are not the ones that were read before. Each time, another login got
/// its way.
const ATTEMPTS: u32 = 100;

fn bytes(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

fn odd() -> StoreError {
    StoreError::corrupt("redis answer")
}

/// The session, unless the marker beside it has ended its epoch or it is past a deadline.
fn live_by(
    record: SessionRecord,
    principal: [u8; 16],
    marker: &[u8],
    now: UnixTime,
) -> Result<Option<SessionRecord>, StoreError> {
    let least = marker::least_epoch(marker, principal)?;
    let ended = record.principal().is_some() && least.is_some_and(|least| record.epoch() < least);
    Ok(Some(record).filter(|record| record.is_live(now) && !ended))
}

#[async_trait]
impl SessionStore for RedisSessions {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let (row, now) = (row::encode(record)?, bytes(now.as_secs()));
        let limit = limit.filter(|_| !record.has_actor());
        let most = limit.map_or(0, |limit| limit.max.max(1)).to_string();
        let how: &[u8] = match limit.map(|limit| limit.when_reached) {
            Some(WhenReached::EndOldest) => b"oldest",
            _ => b"refuse",
        };
        let mut members: Vec<SessionId> = Vec::new();
        for _ in 0..ATTEMPTS {
            let mut keys = self.keys_of(&record.id).to_vec();
            keys.extend(members.iter().map(|id| self.redis.keys.session(id)));
            let mut arguments: Vec<&[u8]> = vec![&row, record.id.as_bytes(), &now, most.as_bytes(), how];
            arguments.extend(members.iter().map(|id| &id.as_bytes()[..]));
            match self.run(&SESSION_INSERT, &keys, &arguments).await? {
                Value::Int(-1) => return Ok(Inserted::Collision),
                Value::Int(-2) => return Ok(Inserted::Outdated),
                Value::Int(-3) => return Ok(Inserted::LimitReached),
                Value::Int(ended) => {
                    return Ok(Inserted::Stored { ended: u32::try_from(ended).map_err(|_| odd())? });
                }
                Value::Array(found) => members = ids(found)?,
                _ => return Err(odd()),
            }
        }
        Err(StoreError::not_written("too many logins of one principal at once"))
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        // One command, which is the quickest, and the row and its marker of one moment. A key of another type is none to
        // it: a marker that somebody made a list refuses changes, and not this.
        let mut command = cmd("MGET");
        command.arg(self.redis.keys.session(id)).arg(self.redis.keys.marker(id.tag()));
        match self.redis.link.read_together(command).await? {
            Value::Array(found) => match <[Value; 2]>::try_from(found) {
                Ok([Value::Nil, _]) => Ok(None),
                Ok([Value::BulkString(row), marker]) => {
                    let (record, principal) = row::decode(*id, &row)?;
                    live_by(record, principal, &string(marker)?, now)
                }
                _ => Err(odd()),
            },
            _ => Err(odd()),
        }
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        let (expected, next) = (bytes(expected.get()), bytes(expected.next().get()));
        let [row, marker, _] = self.keys_of(id);
        match self.run(&SESSION_UPDATE, &[row, marker], &[&expected, &next, data.as_bytes()]).await? {
            Value::Int(0) => Ok(Updated::Gone),
            Value::Int(1) => Ok(Updated::Conflict),
            Value::Int(2) => Ok(Updated::Updated),
            _ => Err(odd()),
        }
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        let (idle_until, now) = (bytes(idle_until.as_secs()), bytes(now.as_secs()));
        let answer = self.run(&SESSION_TOUCH, &self.keys_of(id), &[id.as_bytes(), &idle_until, &now]).await?;
        flag(&answer)
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        let next = row::versioned_secret(expected.next(), next);
        let [row, marker, _] = self.keys_of(id);
        match self.run(&SESSION_ROTATE, &[row, marker], &[&bytes(expected.get()), &next]).await? {
            Value::Int(0) => Ok(Rotated::Gone),
            Value::Int(1) => Ok(Rotated::Conflict),
            Value::Int(2) => Ok(Rotated::Rotated),
            _ => Err(odd()),
        }
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        flag(&self.run(&SESSION_REMOVE, &self.keys_of(id), &[id.as_bytes()]).await?)
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let mut live = Vec::new();
        for tag in shards(owner.tags()) {
            for chunk in self.members(tag).await?.chunks(CHUNK) {
                let records = self.live(tag, chunk, now).await?;
                let own = records.iter().filter(|record| record.principal() == Some(owner.principal()));
                live.extend(own.map(SessionRecord::summary));
            }
        }
        live.sort_by_key(|summary| (Reverse(summary.created_at), summary.id));
        let (offset, limit) = (usize::try_from(page.offset()), usize::try_from(page.limit()));
        let (offset, limit) = (offset.unwrap_or(usize::MAX), limit.unwrap_or(usize::MAX));
        Ok(live.into_iter().skip(offset).take(limit).collect())
    }

    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        end_all::end_all(self, what, now).await
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let pattern = self.redis.keys.all_sessions();
        self.walk.on(&self.redis.link, &pattern, limit, |keys, left| self.forget(keys, left, now)).await
    }
}

impl RedisSessions {
    /// The row, the marker and the index of a session.
    fn keys_of(&self, id: &SessionId) -> [String; 3] {
        let keys = &self.redis.keys;
        [keys.session(id), keys.marker(id.tag()), keys.index(id.tag())]
    }

    async fn run(&self, script: &Script, keys: &[String], arguments: &[&[u8]]) -> Result<Value, StoreError> {
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        self.redis.link.run(script, &keys, arguments).await
    }

    /// The sessions that an index knows of. Some may be over, and some missing.
    async fn members(&self, tag: PrincipalTag) -> Result<Vec<SessionId>, StoreError> {
        let index = self.redis.keys.index(tag);
        match self.redis.link.read(cmd("ZRANGE").arg(index).arg(0).arg(-1)).await? {
            Value::Array(members) => ids(members),
            _ => Err(odd()),
        }
    }

    /// Those of these sessions that are live. One whose row cannot be read opens nothing, and is left out, so that it
    /// does not keep its owner from the others; a marker that cannot be read may have ended all of them.
    async fn live(
        &self,
        tag: PrincipalTag,
        members: &[SessionId],
        now: UnixTime,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        // The marker first: what it ends meanwhile is gone, or was there before. And by itself, for `MGET` would take one
        // of another type for none.
        let mut commands = redis::pipe();
        commands.ignore_errors().cmd("GET").arg(self.redis.keys.marker(tag)).cmd("MGET");
        members.iter().for_each(|id| {
            commands.arg(self.redis.keys.session(id));
        });
        let answers = self.redis.link.read_all(&commands).await?;
        let Ok([marker, rows]) = <[Value; 2]>::try_from(answers) else { return Err(odd()) };
        let answered = |value: Value| value.extract_error().map_err(|error| store_error(error, Intent::Read));
        let (marker, Value::Array(rows)) = (string(answered(marker)?)?, answered(rows)?) else {
            return Err(odd());
        };
        let mut live = Vec::new();
        for (id, row) in members.iter().zip(rows) {
            if matches!(row, Value::Nil) {
                continue;
            }
            match row::decode(*id, &string(row)?) {
                Ok((record, principal)) => live.extend(live_by(record, principal, &marker, now)?),
                Err(StoreError::Corrupt(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(live)
    }

    /// Forgets up to `limit` of the sessions under these keys that are past a deadline.
    async fn forget(&self, keys: Vec<Vec<u8>>, limit: u64, now: UnixTime) -> Result<u64, StoreError> {
        let ids: Vec<_> = keys.iter().filter_map(|key| self.redis.keys.session_of(key)).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let mut heads = redis::pipe();
        heads.ignore_errors();
        ids.iter().for_each(|id| {
            heads.cmd("GETRANGE").arg(self.redis.keys.session(id)).arg(0).arg(65);
        });
        let heads = self.redis.link.read_all(&heads).await?;
        let mut forgotten = 0_u64;
        for id in row::past(&ids, &heads, now) {
            if forgotten >= limit {
                break;
            }
            let [row, _, index] = self.keys_of(&id);
            let removed =
                self.run(&SESSION_FORGET, &[row, index], &[id.as_bytes(), &bytes(now.as_secs())]).await?;
            forgotten = forgotten.saturating_add(u64::from(flag(&removed)?));
        }
        Ok(forgotten)
    }
}

/// One of these tags for each shard.
fn shards(all: impl IntoIterator<Item = PrincipalTag>) -> Vec<PrincipalTag> {
    let mut tags: Vec<PrincipalTag> = Vec::new();
    for tag in all {
        if tags.iter().all(|known| keys::shard(*known) != keys::shard(tag)) {
            tags.push(tag);
        }
    }
    tags
}

/// A string that may not be there.
fn string(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::Nil => Ok(Vec::new()),
        _ => Err(odd()),
    }
}

fn flag(value: &Value) -> Result<bool, StoreError> {
    match value {
        Value::Int(0) => Ok(false),
        Value::Int(1) => Ok(true),
        _ => Err(odd()),
    }
}

/// The members of an index. Those that name no session are passed over: scripts remove them.
fn ids(members: impl IntoIterator<Item = Value>) -> Result<Vec<SessionId>, StoreError> {
    let id = |member| match member {
        Value::BulkString(bytes) => Ok(bytes.try_into().ok().map(SessionId::from_bytes)),
        _ => Err(odd()),
    };
    members.into_iter().filter_map(|member| id(member).transpose()).collect()
}
