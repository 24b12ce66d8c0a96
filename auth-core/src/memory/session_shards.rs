//! The locks of a session store, and what is known of each shard without its lock.

use std::{
    hash::{BuildHasher, RandomState},
    ops::{Deref, DerefMut},
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    session_shard::SessionShard,
    shards::{Shards, lock_order, number},
};
use crate::{PrincipalTag, SessionId, SessionOwner, UnixTime};

/// Shards by the tag of a session's id, under a hash with random keys.
#[derive(Debug)]
pub(super) struct SessionShards {
    keys: ShardKeys,
    /// If several are locked, then in the order of their numbers.
    shards: Shards<RwLock<SessionShard>>,
    /// Apart from the locks, which readers write to all the time.
    hints: Shards<Hint>,
}

/// The random keys of a multiply-shift hash. Tags of owners are a MAC already, and the others random: what is
/// wanted is that nobody can tell which tags share a shard.
#[derive(Debug)]
struct ShardKeys {
    mask: u64,
    odd: u64,
}

/// What is next to leave a shard, or [`NONE`].
#[derive(Debug)]
struct Hint {
    next_deadline: AtomicU64,
    oldest_of_nobody: AtomicU64,
}

const NONE: u64 = u64::MAX;

/// What may leave to make room, by the shard that it is on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Victim {
    /// The session whose deadline was first to pass.
    Expired(usize),
    /// The oldest session of nobody.
    OfNobody(usize),
}

/// The write lock of a shard. Brings the shard's hint up to date before it is released.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    rows: RwLockWriteGuard<'a, SessionShard>,
    hint: &'a Hint,
}

impl SessionShards {
    pub(super) fn new() -> Self {
        let random = || RandomState::new().hash_one(());
        Self {
            keys: ShardKeys { mask: random(), odd: random() | 1 },
            shards: Shards::new(|| RwLock::new(SessionShard::new())),
            hints: Shards::new(|| Hint { next_deadline: NONE.into(), oldest_of_nobody: NONE.into() }),
        }
    }

    /// The shard of a session.
    #[inline]
    pub(super) fn of(&self, id: &SessionId) -> usize {
        self.of_tag(id.tag())
    }

    /// The shards that sessions of an owner may be on, and that of one more session.
    pub(super) fn of_owner(&self, owner: &SessionOwner, also: Option<&SessionId>) -> Vec<usize> {
        let tags = owner.tags().chain(also.map(SessionId::tag));
        lock_order(tags.map(|tag| self.of_tag(tag)))
    }

    #[inline]
    fn of_tag(&self, tag: PrincipalTag) -> usize {
        let tag = u64::from_ne_bytes(*tag.as_bytes());
        // Only the highest bits depend on all bits of the tag.
        number((tag ^ self.keys.mask).wrapping_mul(self.keys.odd) >> 58)
    }

    // A poisoned lock is used on. Nothing in a shard's methods panics, and the audit sink is called without
    // a lock; if it happened all the same, a shard could lose rows, but finds none under a wrong id or after
    // its deadline, for each row knows its own.
    #[inline]
    pub(super) fn read(&self, shard: usize) -> RwLockReadGuard<'_, SessionShard> {
        self.shards.at(shard).read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self, shard: usize) -> Writing<'_> {
        let rows = self.shards.at(shard).write().unwrap_or_else(PoisonError::into_inner);
        Writing { rows, hint: self.hints.at(shard) }
    }

    /// What should leave first, as far as the hints tell: who looks under the lock may find it gone.
    pub(super) fn victim(&self, now: UnixTime) -> Option<Victim> {
        let least = |of: fn(&Hint) -> &AtomicU64| {
            // Relaxed: who is misled finds the hints changed after he held the lock.
            let all = self.hints.iter().map(|hint| of(hint).load(Ordering::Relaxed));
            (0..).zip(all).filter(|(_, at)| *at != NONE).min_by_key(|(_, at)| *at)
        };
        least(|hint| &hint.next_deadline)
            .filter(|(_, deadline)| *deadline <= now.as_secs())
            .map(|(shard, _)| Victim::Expired(shard))
            .or_else(|| least(|hint| &hint.oldest_of_nobody).map(|(shard, _)| Victim::OfNobody(shard)))
    }
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
        self.hint.next_deadline.store(deadline, Ordering::Relaxed);
        self.hint.oldest_of_nobody.store(began, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;
    use crate::memory::{
        sample::{NOW, ann, owner, session},
        shards::SHARDS,
    };

    /// Every request loads a session: one reader that is slow, or a writer elsewhere, must hold up nobody.
    #[test]
    fn a_reader_waits_for_no_reader_and_for_no_other_shard() {
        let shards = SessionShards::new();
        let record = session(&ann(), 0);
        let shard = shards.of(&record.id);
        assert!(shards.write(shard).insert(&record));
        let read_by_another_thread = || {
            let (done, answer) = mpsc::channel();
            thread::scope(|threads| {
                threads.spawn(|| done.send(shards.read(shard).load(&record.id, NOW)).unwrap());
                answer.recv().unwrap().is_some()
            })
        };
        let slow = shards.read(shard);
        assert!(read_by_another_thread());
        drop(slow);
        let elsewhere: Vec<_> =
            (0..SHARDS).filter(|other| *other != shard).map(|other| shards.write(other)).collect();
        assert!(read_by_another_thread());
        drop(elsewhere);
    }

    /// With hints that are not kept up to date, a full store throws away the wrong session, or none.
    #[test]
    fn the_hints_follow_every_change() {
        let shards = SessionShards::new();
        let record = session(&owner("bob"), 0);
        let shard = shards.of(&record.id);
        let hint = || shards.hints.at(shard).next_deadline.load(Ordering::Relaxed);
        shards.write(shard).insert(&record);
        assert_eq!(hint(), record.ends_at().as_secs());
        let later = record.ends_at().saturating_add(std::time::Duration::from_secs(5));
        assert!(shards.write(shard).touch(&record.id, later, NOW));
        assert_eq!(hint(), later.as_secs());
        assert!(shards.victim(record.ends_at()).is_none());
        assert!(matches!(shards.victim(later), Some(Victim::Expired(found)) if found == shard));
        assert!(shards.write(shard).remove(&record.id));
        assert_eq!(hint(), NONE);
    }

    #[test]
    fn a_panic_under_a_lock_does_not_end_the_store() {
        let shards = SessionShards::new();
        let record = session(&ann(), 0);
        let shard = shards.of(&record.id);
        shards.write(shard).insert(&record);
        let outcome = thread::scope(|threads| {
            let panics = || {
                let _locked = shards.write(shard);
                panic!("as a bug would");
            };
            threads.spawn(panics).join().map(|(): ()| ())
        });
        assert!(outcome.is_err());
        assert_eq!(shards.read(shard).load(&record.id, NOW), Some(record));
    }
}
