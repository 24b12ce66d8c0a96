//! The token store in memory.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;

use super::{
    expiring::Expiring,
    room::{Alarm, Place, Room},
    shards::{SHARDS, Shards, lock_order, number},
    token_rows::{About, Listed, LockedRows, Named, Subjects, TokenRow},
};
use crate::{
    AuditSink, Claim, Purpose, Put, Realm, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject,
    UnixTime,
};

/// Keeps single-use tokens in memory: for one process, and gone when it ends.
///
/// Holds up to [`capacity`](Self::capacity) tokens and claims. When it is full, expired ones leave. One that
/// has not expired is never thrown away, for that would let a used `jti` be used again: the store answers
/// [`StoreError::Full`] instead, and [`with_audit`](Self::with_audit) has it recorded, at most once a second.
/// So throttle what makes tokens, and give a flow that strangers start a store of its own.
///
/// Tokens are sharded by key, under a hash with random keys, so looking at one waits for no other. There is
/// no background task: a few expired tokens leave with each that comes.
pub struct MemoryTokens {
    /// Locked before any of `rows`, and never two of them at once.
    subjects: Shards<Mutex<Subjects>>,
    /// If several are locked, then in the order of their numbers.
    rows: Shards<RwLock<Expiring<TokenRow>>>,
    /// When the next row of each shard expires, readable without its lock; the last second if none does.
    deadlines: Shards<AtomicU64>,
    serial: AtomicU64,
    hasher: RandomState,
    room: Room,
    alarm: Alarm,
}

/// What the numbers of rows suffice for if all of them are on one shard.
const MOST: usize = u32::MAX as usize - 64;

/// How many expired rows leave when one is added: more than come in, so that they cannot pile up.
const SWEPT: usize = 2;

impl MemoryTokens {
    /// An empty store for up to `capacity` tokens and claims, 4 billion at most. Memory is taken as they come.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            subjects: Shards::new(Mutex::default),
            rows: Shards::new(|| RwLock::new(Expiring::new())),
            deadlines: Shards::new(|| AtomicU64::new(u64::MAX)),
            serial: AtomicU64::new(0),
            hasher: RandomState::new(),
            room: Room::new(capacity.min(MOST)),
            alarm: Alarm::new("tokens"),
        }
    }

    /// Records in `audit` that the store is full, at most once a second.
    #[must_use]
    pub fn with_audit(mut self, audit: Arc<dyn AuditSink>) -> Self {
        self.alarm.set_sink(audit);
        self
    }

    /// How many tokens and claims there may be.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.room.capacity()
    }

    /// How many tokens and claims there are, those included that have expired and not left yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.room.used()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A place for one more row, after an expired one left if need be. To be called without any lock.
    fn room_for(&self, now: UnixTime) -> Option<Place<'_>> {
        loop {
            if let Some(place) = self.room.take() {
                return Some(place);
            }
            let deadlines = (0..).zip(self.deadlines.iter().map(|at| at.load(Ordering::Relaxed)));
            let (shard, _) = deadlines.min_by_key(|(_, at)| *at).filter(|(_, at)| *at <= now.as_secs())?;
            // If somebody was faster there, the deadlines have changed: look again.
            let gone = self.lock([shard]).drop_expired(shard, now, 1);
            if !gone.is_empty() {
                self.unlist(gone);
                return Some(self.room.inherit());
            }
        }
    }

    /// Adds a token, in one step with removing the others about its subject if they are to go.
    fn add(&self, token: &TokenRecord, others_go: bool, now: UnixTime) -> Result<Put, StoreError> {
        let about = About::of(&token.key, &token.subject);
        let shard = self.shard_of(&token.key);
        let place = self.room_for(now);
        let mut subjects = self.subjects(&about);
        let others = if others_go { self.listed(&subjects, &about) } else { Vec::new() };
        let mut rows = self.lock(others.iter().map(|other| other.shard).chain([shard]));
        if rows.find(shard, &token.key).is_some() {
            return Ok(Put::Collision);
        }
        let others: Vec<_> = others.iter().filter_map(|other| rows.find_token(other)).collect();
        if place.is_none() && others.is_empty() {
            drop((rows, subjects));
            return Err(self.alarm.full(now));
        }
        let mut gone = rows.remove_all(&others);
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        rows.insert(shard, TokenRow::of(token, serial));
        subjects.add(about, Listed { serial, hash: token.key.hash });
        gone.extend(rows.drop_expired(shard, now, SWEPT));
        drop((rows, subjects));
        self.settle(place, gone);
        Ok(Put::Stored)
    }

    /// Counts a row that came and those that left. To be called without any lock.
    fn settle(&self, place: Option<Place<'_>>, gone: Vec<TokenRow>) {
        match place {
            Some(place) => {
                place.used();
                self.room.leave(gone.len());
            }
            // It has the place of one that left.
            None => self.room.leave(gone.len().saturating_sub(1)),
        }
        self.unlist(gone);
    }

    /// Takes rows that left out of the lists of their subjects. To be called without any lock.
    fn unlist(&self, gone: Vec<TokenRow>) {
        for TokenRow { key, token, .. } in gone {
            if let Some(token) = token {
                let about = About::of(&key, &token.subject);
                self.subjects(&about).remove(&about, token.serial);
            }
        }
    }

    /// The tokens about a subject, with the shards that they are on.
    fn listed(&self, subjects: &Subjects, about: &About) -> Vec<Named> {
        let named = |listed: &Listed| {
            let key = about.key(listed.hash);
            Named { shard: self.shard_of(&key), key, serial: listed.serial }
        };
        subjects.of(about).iter().map(named).collect()
    }

    fn shard_of(&self, key: &TokenKey) -> usize {
        number(self.hasher.hash_one(key))
    }

    // Poisoned locks are used on. Nothing under them panics, and the audit sink is called without a lock; if
    // it happened all the same, a token could be lost, but none found under a wrong key or after its time.
    fn subjects(&self, about: &About) -> MutexGuard<'_, Subjects> {
        let shard = self.subjects.at(number(self.hasher.hash_one(about)));
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, shard: usize) -> RwLockReadGuard<'_, Expiring<TokenRow>> {
        self.rows.at(shard).read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks shards, each once and in their order.
    fn lock(&self, shards: impl IntoIterator<Item = usize>) -> LockedRows<'_> {
        let lock = |shard| {
            let rows = self.rows.at(shard).write().unwrap_or_else(PoisonError::into_inner);
            (shard, rows, self.deadlines.at(shard))
        };
        LockedRows::new(lock_order(shards.into_iter()).into_iter().map(lock).collect())
    }
}

#[async_trait]
impl TokenStore for MemoryTokens {
    async fn put(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError> {
        self.add(token, false, now)
    }

    async fn replace(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError> {
        self.add(token, true, now)
    }

    async fn take(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        let shard = self.shard_of(key);
        let mut rows = self.lock([shard]);
        let live = |row: &TokenRow| row.is_token() && row.is_live(now);
        let found = rows.find(shard, key).filter(|found| rows.get(*found).is_some_and(live));
        let gone = rows.remove_all(found.as_slice());
        drop(rows);
        let record = gone.first().and_then(TokenRow::record);
        self.room.leave(gone.len());
        self.unlist(gone);
        Ok(record)
    }

    async fn peek(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        let rows = self.read(self.shard_of(key));
        let row = rows.find(key).and_then(|slot| rows.get(slot));
        Ok(row.filter(|row| row.is_live(now)).and_then(TokenRow::record))
    }

    async fn claim(&self, key: &TokenKey, expires_at: UnixTime, now: UnixTime) -> Result<Claim, StoreError> {
        let shard = self.shard_of(key);
        let place = self.room_for(now);
        let mut rows = self.lock([shard]);
        let found = rows.find(shard, key);
        if found.and_then(|found| rows.get(found)).is_some_and(|row| row.is_live(now)) {
            return Ok(Claim::Seen);
        }
        if place.is_none() && found.is_none() {
            drop(rows);
            return Err(self.alarm.full(now));
        }
        let mut gone = rows.remove_all(found.as_slice());
        rows.insert(shard, TokenRow::claim(key, expires_at));
        gone.extend(rows.drop_expired(shard, now, SWEPT));
        drop(rows);
        self.settle(place, gone);
        Ok(Claim::First)
    }

    async fn revoke(
        &self,
        realm: &Realm,
        purpose: Purpose,
        subject: &TokenSubject,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        let about = About { realm: realm.clone(), purpose, subject: subject.clone() };
        let subjects = self.subjects(&about);
        let listed = self.listed(&subjects, &about);
        let mut rows = self.lock(listed.iter().map(|named| named.shard));
        let found: Vec<_> = listed.iter().filter_map(|named| rows.find_token(named)).collect();
        let gone = rows.remove_all(&found);
        drop((rows, subjects));
        let live = gone.iter().filter(|row| row.is_live(now)).count();
        self.room.leave(gone.len());
        self.unlist(gone);
        Ok(live as u64)
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        // In small bites, so that nobody waits long for a shard.
        const BITE: usize = 128;
        let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut purged = 0_u64;
        for shard in 0..SHARDS {
            loop {
                let bite = left.min(BITE);
                let gone = self.lock([shard]).drop_expired(shard, now, bite);
                let count = gone.len();
                self.room.leave(count);
                self.unlist(gone);
                left = left.saturating_sub(count);
                purged = purged.saturating_add(count as u64);
                if count < bite || left == 0 {
                    break;
                }
            }
        }
        Ok(purged)
    }
}

impl fmt::Debug for MemoryTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTokens").field("room", &self.room).field("alarm", &self.alarm).finish_non_exhaustive()
    }
}
