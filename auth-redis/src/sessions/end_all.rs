//! Ending everything of a principal.
//!
//! The marker does it: from the step that writes it on, every other script and every load refuses what is older. The
//! same step deletes the rows that the index had a moment before; those that came in between are swept after it.

use auth_core::{EndAll, PrincipalTag, SessionId, SessionStore, StoreError, UnixTime, Written};
use redis::Value;

use super::{CHUNK, MARKER_KEPT, RedisSessions, bytes, ids, odd, row, shards};
use crate::{keys, script::SESSION_END_ALL};

pub(super) async fn end_all(
    sessions: &RedisSessions,
    what: EndAll<'_>,
    now: UnixTime,
) -> Result<u64, StoreError> {
    let elsewhere = excepted_elsewhere(sessions, &what, now).await?;
    let (mut ended, mut begun) = (0_u64, false);
    for tag in shards(what.owner.tags().chain(elsewhere)) {
        match end_under(sessions, &what, tag, now, &mut begun).await {
            Ok(count) => ended = ended.saturating_add(count),
            // Some were ended: that nothing was written would not be true.
            Err(error) if begun && error.written() == Written::No => return Err(StoreError::unknown(error)),
            Err(error) => return Err(error),
        }
    }
    Ok(ended)
}

/// The tag of the excepted session, if it is one that the owner's keys do not make any more: it began under a key that
/// has left the ring. The row says whose it is, for a marker of this principal has no place beside a stranger's sessions.
async fn excepted_elsewhere(
    sessions: &RedisSessions,
    what: &EndAll<'_>,
    now: UnixTime,
) -> Result<Option<PrincipalTag>, StoreError> {
    let Some(id) = what.except else { return Ok(None) };
    let shard = keys::shard(id.tag());
    if what.owner.tags().any(|tag| keys::shard(tag) == shard) {
        return Ok(None);
    }
    match sessions.load(id, now).await {
        Ok(found) => {
            let own = found.is_some_and(|record| record.principal() == Some(what.owner.principal()));
            Ok(own.then(|| id.tag()))
        }
        // It opens nothing, and is no reason to spare the others.
        Err(StoreError::Corrupt(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ends those under one tag, a chunk after the other. The first step has the marker in it.
async fn end_under(
    sessions: &RedisSessions,
    what: &EndAll<'_>,
    tag: PrincipalTag,
    now: UnixTime,
    begun: &mut bool,
) -> Result<u64, StoreError> {
    let mut rest = match sessions.members(tag).await {
        // The step repairs the index, and does not depend on it.
        Err(StoreError::Corrupt(_)) => Vec::new(),
        members => members?,
    };
    let (mut ended, mut first) = (0_u64, true);
    while first || !rest.is_empty() {
        let later = rest.split_off(rest.len().min(CHUNK));
        let (count, undeclared) = step(sessions, what, tag, &rest, first, now).await?;
        *begun = true;
        ended = ended.saturating_add(count);
        // What the index has besides: the other chunks, and what was inserted before the marker. What comes after it
        // is of the new epoch.
        rest = if first { undeclared } else { later };
        first = false;
    }
    Ok(ended)
}

async fn step(
    sessions: &RedisSessions,
    what: &EndAll<'_>,
    tag: PrincipalTag,
    members: &[SessionId],
    first: bool,
    now: UnixTime,
) -> Result<(u64, Vec<SessionId>), StoreError> {
    let names = &sessions.redis.keys;
    let except = what.except.filter(|id| keys::shard(id.tag()) == keys::shard(tag));
    let marker = names.marker(tag);
    let excepted = except.map_or_else(|| marker.clone(), |id| names.session(id));
    let mut keys = vec![marker, names.index(tag), excepted];
    keys.extend(members.iter().map(|id| names.session(id)));

    let principal = row::principal_hash(Some(what.owner.principal()));
    let (epoch, before) = (bytes(what.epoch.get()), what.epoch.before().map(|epoch| bytes(epoch.get())));
    let kept = bytes(now.saturating_add(MARKER_KEPT).as_secs());
    let now = bytes(now.as_secs());
    let before = before.as_ref().map_or(&[][..], |before| before);
    let except = except.map_or(&[][..], |id| id.as_bytes());
    let first: &[u8] = if first { b"first" } else { b"" };
    let mut arguments: Vec<&[u8]> = vec![&principal, &epoch, before, &now, &kept, except, first];
    arguments.extend(members.iter().map(|id| &id.as_bytes()[..]));

    let Value::Array(answer) = sessions.run(&SESSION_END_ALL, &keys, &arguments).await? else {
        return Err(odd());
    };
    let mut answer = answer.into_iter();
    let Some(Value::Int(ended)) = answer.next() else { return Err(odd()) };
    Ok((u64::try_from(ended).map_err(|_| odd())?, ids(answer)?))
}
