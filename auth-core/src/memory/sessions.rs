//! The session store in memory.

use std::{
    cmp::Reverse,
    fmt,
    hash::{BuildHasher, RandomState},
    ops::{Deref, DerefMut},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;

use super::{
    page_of,
    room::{Alarm, Place, Room},
    session_row::SessionRow,
    session_shard::SessionShard,
    shards::{SHARDS, Shards, lock_order, number},
};
use crate::{
    AuditSink, EndAll, Inserted, Page, PrincipalTag, Rotated, SecretState, SessionBlob, SessionId,
    SessionLimit, SessionOwner, SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime, Updated,
    Version,
};

/// Keeps sessions in memory: for one process, and gone when it ends.
///
/// Holds up to [`capacity`](Self::capacity) sessions. When it is full, expired sessions leave first, then
/// those in which nobody is logged in, oldest first. A live session of a principal is never thrown away: if
/// there are only those, [`insert`](SessionStore::insert) answers [`StoreError::Full`], and
/// [`with_audit`](Self::with_audit) has it recorded, at most once a second. So a flood of anonymous visitors
/// shortens the sessions of anonymous visitors only; against a person who logs in again and again, use a
/// [`SessionLimit`].
///
/// A session takes at most 350 bytes beside the application's data, its login and all indexes included
/// (`tests/memory_footprint.rs`). Loading takes the read lock of one of 64 shards; there is no background
/// task, and a few expired sessions leave with each insertion.
///
/// Sessions are sharded by the [tag](SessionId::tag) of their id, under a hash with random keys: those of one
/// principal are together, so limits, ending all, and adding one are single steps. After a change of the key
/// that tags are made with, a principal has sessions on several shards. [`end_all`](SessionStore::end_all) and
/// [`list`](SessionStore::list) lock all of them; a [`SessionLimit`], which is checked against the tag of the
/// new session, does not count those of the old key until they end.
///
/// The marker that `end_all` leaves is kept for 24 hours. It takes about 100 bytes, which the capacity does
/// not count; there is at most one for each principal and key.
pub struct MemorySessions {
    shards: Shards<RwLock<SessionShard>>,
    /// For each shard, what [`room_for`](Self::room_for) needs to know of it. Apart from the locks, which
    /// readers write to all the time.
    hints: Shards<Hint>,
    hasher: RandomState,
    room: Room,
    alarm: Alarm,
}

/// What the numbers of rows suffice for if all of them are on one shard.
const MOST: usize = u32::MAX as usize - 64;

/// How many expired sessions leave when one is added: more than come in, so that they cannot pile up.
const SWEPT: usize = 2;

/// What is next to leave a shard, readable without its lock. [`NONE`] if there is nothing.
#[derive(Debug)]
struct Hint {
    next_deadline: AtomicU64,
    oldest_of_nobody: AtomicU64,
}

const NONE: u64 = u64::MAX;

/// What leaves to make room, by the shard that it is on.
enum Victim {
    Expired(usize),
    OfNobody(usize),
}

impl MemorySessions {
    /// An empty store for up to `capacity` sessions, 4 billion at most. Memory is taken as sessions come.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let hint = || Hint { next_deadline: AtomicU64::new(NONE), oldest_of_nobody: AtomicU64::new(NONE) };
        Self {
            shards: Shards::new(|| RwLock::new(SessionShard::new())),
            hints: Shards::new(hint),
            hasher: RandomState::new(),
            room: Room::new(capacity.min(MOST)),
            alarm: Alarm::new("sessions"),
        }
    }

    /// Records in `audit` that the store is full, at most once a second.
    #[must_use]
    pub fn with_audit(mut self, audit: Arc<dyn AuditSink>) -> Self {
        self.alarm.set_sink(audit);
        self
    }

    /// How many sessions there may be.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.room.capacity()
    }

    /// How many sessions there are, those included that have expired and not left yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.room.used()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A place for one more session, after another left if need be. To be called without any lock.
    fn room_for(&self, now: UnixTime) -> Option<Place<'_>> {
        loop {
            if let Some(place) = self.room.take() {
                return Some(place);
            }
            // If somebody was faster there, the hints have changed: look again.
            let left = match self.victim(now)? {
                Victim::Expired(shard) => self.write(shard).drop_expired(now, 1) == 1,
                Victim::OfNobody(shard) => self.write(shard).drop_oldest_of_nobody(),
            };
            if left {
                return Some(self.room.inherit());
            }
        }
    }

    fn victim(&self, now: UnixTime) -> Option<Victim> {
        let least = |of: fn(&Hint) -> &AtomicU64| {
            let all = self.hints.iter().map(|hint| of(hint).load(Ordering::Relaxed));
            (0..).zip(all).filter(|(_, at)| *at != NONE).min_by_key(|(_, at)| *at)
        };
        least(|hint| &hint.next_deadline)
            .filter(|(_, deadline)| *deadline <= now.as_secs())
            .map(|(shard, _)| Victim::Expired(shard))
            .or_else(|| least(|hint| &hint.oldest_of_nobody).map(|(shard, _)| Victim::OfNobody(shard)))
    }

    fn shard_of(&self, id: &SessionId) -> usize {
        self.shard_of_tag(id.tag())
    }

    fn shard_of_tag(&self, tag: PrincipalTag) -> usize {
        number(self.hasher.hash_one(tag))
    }

    /// The shards that sessions of an owner may be on.
    fn shards_of(&self, owner: &SessionOwner, also: Option<&SessionId>) -> Vec<usize> {
        let tags = owner.tags().chain(also.map(SessionId::tag));
        lock_order(tags.map(|tag| self.shard_of_tag(tag)))
    }

    // A poisoned lock is used on. Nothing in a shard's methods panics, and the audit sink is called without
    // a lock; if it happened all the same, a shard could lose rows, but finds none under a wrong id or after
    // its deadline, for each row knows its own.
    fn read(&self, shard: usize) -> RwLockReadGuard<'_, SessionShard> {
        self.shards.at(shard).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, shard: usize) -> Writing<'_> {
        let rows = self.shards.at(shard).write().unwrap_or_else(PoisonError::into_inner);
        Writing { rows, hint: self.hints.at(shard) }
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let shard = self.shard_of(&record.id);
        let mut place = None;
        loop {
            let mut rows = self.write(shard);
            let ended = match rows.admit(record, limit, now) {
                Ok(ended) => ended,
                Err(why_not) => return Ok(why_not),
            };
            if ended.is_empty() && place.is_none() {
                place = self.room.take();
            }
            if ended.is_empty() && place.is_none() {
                // Room is made without this lock, for it may take another's. Then all is checked anew.
                drop(rows);
                place = Some(self.room_for(now).ok_or_else(|| self.alarm.full(now))?);
                continue;
            }
            let count = ended.len();
            rows.remove_all(ended);
            let stored = rows.insert(record);
            let expired = rows.drop_expired(now, SWEPT);
            drop(rows);
            let left = count.saturating_add(expired);
            match place {
                Some(place) if stored => {
                    place.used();
                    self.room.leave(left);
                }
                // It has the place of one that was ended.
                None if stored => self.room.leave(left.saturating_sub(1)),
                _ => {
                    self.room.leave(left);
                    return Err(self.alarm.full(now));
                }
            }
            return Ok(Inserted::Stored { ended: u32::try_from(count).unwrap_or(u32::MAX) });
        }
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.read(self.shard_of(id)).load(id, now))
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        Ok(self.write(self.shard_of(id)).update(id, expected, data))
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        Ok(self.write(self.shard_of(id)).touch(id, idle_until, now))
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        Ok(self.write(self.shard_of(id)).rotate(id, expected, next))
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        let removed = self.write(self.shard_of(id)).remove(id);
        self.room.leave(usize::from(removed));
        Ok(removed)
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let shards: Vec<_> = self.shards_of(owner, None).into_iter().map(|shard| self.read(shard)).collect();
        let mut rows: Vec<_> = shards
            .iter()
            .flat_map(|shard| shard.live_of(owner.principal(), now))
            .map(|(_, row)| row)
            .collect();
        rows.sort_unstable_by_key(|row| (Reverse(row.created_at()), *row.id()));
        Ok(page_of(rows.into_iter().map(SessionRow::summary), page))
    }

    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        let mut shards: Vec<_> =
            self.shards_of(what.owner, what.except).into_iter().map(|shard| self.write(shard)).collect();
        let mut live = 0_usize;
        for shard in &mut shards {
            let ended = shard.end_all(what.owner.principal(), what.except, what.epoch, now);
            self.room.leave(ended.rows);
            live = live.saturating_add(ended.live);
        }
        Ok(u64::try_from(live).unwrap_or(u64::MAX))
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        // In small bites, so that nobody waits long for a shard.
        const BITE: usize = 128;
        let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut purged = 0_u64;
        for shard in 0..SHARDS {
            loop {
                let bite = left.min(BITE);
                let dropped = self.write(shard).drop_expired(now, bite);
                self.room.leave(dropped);
                left = left.saturating_sub(dropped);
                purged = purged.saturating_add(dropped as u64);
                if dropped < bite || left == 0 {
                    break;
                }
            }
        }
        Ok(purged)
    }
}

impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessions").field("room", &self.room).field("alarm", &self.alarm).finish_non_exhaustive()
    }
}

/// The write lock of a shard. Brings the shard's hint up to date before it is released.
struct Writing<'a> {
    rows: RwLockWriteGuard<'a, SessionShard>,
    hint: &'a Hint,
}

impl Deref for Writing<'_> {
    type Target = SessionShard;

    fn deref(&self) -> &SessionShard {
        &self.rows
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut SessionShard {
        &mut self.rows
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let deadline = self.rows.next_deadline().map_or(NONE, UnixTime::as_secs);
        let began = self.rows.oldest_of_nobody().map_or(NONE, |at| at.as_secs().min(NONE - 1));
        // Relaxed: who is misled by a hint finds out under the lock.
        self.hint.next_deadline.store(deadline, Ordering::Relaxed);
        self.hint.oldest_of_nobody.store(began, Ordering::Relaxed);
    }
}
