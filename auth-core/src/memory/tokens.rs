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
    room::{Alarm, MOST, Place, Room, SWEPT},
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
        f.debug_struct("MemoryTokens")
            .field("room", &self.room)
            .field("alarm", &self.alarm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;
    use crate::{
        AuditEvent, MemoryAudit, SecretHash,
        memory::sample::{NOW, after},
        testing::block_on,
    };

    const PURPOSE: Purpose = Purpose::new("test");

    fn key(n: u64) -> TokenKey {
        TokenKey { realm: Realm::LOCAL, purpose: PURPOSE, hash: SecretHash::of(&n.to_be_bytes()) }
    }

    fn subject(text: &str) -> TokenSubject {
        TokenSubject::parse(text).unwrap()
    }

    fn token(n: u64, about: &str, lives: u64) -> TokenRecord {
        TokenRecord { key: key(n), subject: subject(about), expires_at: after(lives), payload: vec![1, 2] }
    }

    fn is_there(store: &MemoryTokens, n: u64, now: UnixTime) -> bool {
        block_on(store.peek(&key(n), now)).unwrap().is_some()
    }

    fn listed(store: &MemoryTokens, about: &str) -> usize {
        let about = About { realm: Realm::LOCAL, purpose: PURPOSE, subject: subject(about) };
        store.subjects(&about).of(&about).len()
    }

    /// A used `jti` that is thrown away can be used again.
    #[test]
    fn what_has_not_expired_is_never_thrown_away() {
        let log = Arc::new(MemoryAudit::new(10));
        let store = MemoryTokens::new(3).with_audit(log.clone());
        assert_eq!(block_on(store.put(&token(1, "ann", 100), NOW)).unwrap(), Put::Stored);
        assert_eq!(block_on(store.claim(&key(2), after(50), NOW)).unwrap(), Claim::First);
        assert_eq!(block_on(store.put(&token(3, "bob", 100), NOW)).unwrap(), Put::Stored);

        assert!(matches!(block_on(store.put(&token(4, "cid", 100), NOW)), Err(StoreError::Full)));
        assert!(matches!(block_on(store.claim(&key(4), after(100), NOW)), Err(StoreError::Full)));
        assert!(matches!(block_on(store.replace(&token(4, "cid", 100), NOW)), Err(StoreError::Full)));
        assert_eq!(log.events(), [(NOW, AuditEvent::StoreFull { store: "tokens" })]);
        assert_eq!(block_on(store.claim(&key(2), after(50), after(49))).unwrap(), Claim::Seen);
        assert!(is_there(&store, 1, after(49)) && is_there(&store, 3, after(49)));
        assert!(!is_there(&store, 4, NOW));

        // What has expired makes room, wherever it is.
        assert_eq!(block_on(store.put(&token(5, "cid", 100), after(50))).unwrap(), Put::Stored);
        assert!(block_on(store.put(&token(6, "cid", 100), after(50))).is_err());
    }

    #[test]
    fn what_takes_the_place_of_another_needs_no_room() {
        let store = MemoryTokens::new(2);
        assert_eq!(block_on(store.put(&token(1, "ann", 100), NOW)).unwrap(), Put::Stored);
        assert_eq!(block_on(store.claim(&key(99), after(100), NOW)).unwrap(), Claim::First);
        for n in 2..20 {
            assert_eq!(block_on(store.replace(&token(n, "ann", 100), NOW)).unwrap(), Put::Stored);
            assert!(is_there(&store, n, NOW) && !is_there(&store, n - 1, NOW));
        }
        assert_eq!((store.len(), listed(&store, "ann")), (2, 1));
        assert_eq!(block_on(store.claim(&key(99), after(300), after(100))).unwrap(), Claim::First);
        assert_eq!(block_on(store.claim(&key(99), after(300), after(200))).unwrap(), Claim::Seen);
    }

    /// An entry that stays behind leaks; one that is missing lets an old reset link live on.
    #[test]
    fn the_list_of_a_subject_follows_its_tokens() {
        let store = MemoryTokens::new(100);
        for n in 0..10 {
            assert_eq!(block_on(store.put(&token(n, "ann", 10 + n), NOW)).unwrap(), Put::Stored);
        }
        assert!(block_on(store.take(&key(3), NOW)).unwrap().is_some());
        assert_eq!(listed(&store, "ann"), 9);
        assert_eq!(block_on(store.purge(after(11), 100)).unwrap(), 2);
        assert_eq!(listed(&store, "ann"), 7);
        // The key of an expired token is claimed. The claim is about nobody.
        assert_eq!(block_on(store.claim(&key(2), after(99), after(12))).unwrap(), Claim::First);
        assert_eq!(block_on(store.revoke(&Realm::LOCAL, PURPOSE, &subject("ann"), after(12))).unwrap(), 6);
        assert_eq!((listed(&store, "ann"), store.len()), (0, 1));
        assert_eq!(block_on(store.claim(&key(2), after(99), after(12))).unwrap(), Claim::Seen);
    }

    /// Locks in another order on another thread, and none of both goes on.
    #[test]
    fn threads_that_replace_revoke_and_take_neither_lock_up_nor_lose_a_place() {
        const THREADS: u64 = 8;
        let store = MemoryTokens::new(30);
        let barrier = Barrier::new(THREADS as usize);
        let work = |thread: u64| {
            barrier.wait();
            for n in 0..300_u64 {
                let about = ["ann", "bob", "cid"][(n % 3) as usize];
                let (now, id) = (after(n), n * 10 + thread % 4);
                let record = token(id, about, n + 10);
                // Collisions and a full store are among the answers.
                match (n + thread) % 5 {
                    0 | 1 => drop(block_on(store.put(&record, now))),
                    2 => drop(block_on(store.replace(&record, now))),
                    3 => drop(block_on(store.claim(&record.key, record.expires_at, now))),
                    _ => drop(block_on(store.revoke(&Realm::LOCAL, PURPOSE, &record.subject, now))),
                }
                drop(block_on(store.take(&key(id.saturating_sub(10)), now)));
                assert!(store.len() <= store.capacity());
            }
        };
        thread::scope(|threads| {
            for thread in 0..THREADS {
                let work = &work;
                threads.spawn(move || work(thread));
            }
        });
        let kept = store.len() as u64;
        assert_eq!(block_on(store.purge(UnixTime::MAX, u32::MAX)).unwrap(), kept);
        assert_eq!(store.len(), 0);
        assert!(["ann", "bob", "cid"].iter().all(|about| listed(&store, about) == 0));
    }
}
