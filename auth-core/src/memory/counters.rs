//! The counter store in memory.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    num::NonZeroU64,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::{buckets::Buckets, shards::Shards};
use crate::{Count, CounterKey, CounterStore, StoreError, UnixTime, Window};

/// Counts in memory: for one process, and gone when it ends.
///
/// The table has a fixed number of cells, so no flood of keys makes it grow. A key hashes, under random keys
/// of the process, to a set of 16 cells and takes one that counts nothing any more. If there is none, it is
/// folded: counted in one more cell, which all folded keys of the set share.
///
/// - **A count is never too low.**
/// - A count is [exact](Count::exact) if the key has had a cell of its own for as long as its window looks
///   back, or nothing was folded in its set meanwhile.
/// - A count that is not exact is at most the true one plus everything that was folded in its set within the
///   longest window that was folded there. So with `f` events folded in all and `c` cells, it is too high by
///   about `16 f / c`. An attacker cannot choose whom: the hash is keyed.
/// - Of keys that count at the same time, as many as half the cells, about 1 in 100 is folded; as many as a
///   quarter, fewer than 1 in 100,000. Two keys are taken for one with a probability of 2^-64.
///
/// It never answers [`StoreError`]. A cell takes 111 bytes, from the start. Calls for keys of different sets do not wait for each other.
pub struct MemoryCounters {
    sets: Shards<Mutex<Set>>,
    /// Two, so that what decides on the set says nothing about the tag.
    set_hasher: RandomState,
    tag_hasher: RandomState,
    /// The set at which the next purge begins.
    next_purged: AtomicUsize,
}

/// Cells of a set.
const WAYS: usize = 16;

/// What tells keys apart within a set: a keyed hash of key and window.
type Tag = NonZeroU64;

#[derive(Debug)]
struct Set {
    /// Whose each cell is.
    tags: [Option<Tag>; WAYS],
    /// From when on each cell counts nothing, and may be another's.
    free_from: [UnixTime; WAYS],
    cells: [Cell; WAYS],
    folded: Folded,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    buckets: Buckets,
    /// Until when some of the key's counts may be among the folded ones.
    folded_until: UnixTime,
}

/// What was counted for keys that found no cell of their own, in the buckets of the longest window of them.
#[derive(Debug)]
struct Folded {
    buckets: Buckets,
    window: Window,
    free_from: UnixTime,
}

impl MemoryCounters {
    /// A table of at least `cells` cells. Four times as many as there are keys within a window, such as
    /// addresses that fail to log in, keep nearly all counts exact.
    #[must_use]
    pub fn new(cells: usize) -> Self {
        Self {
            sets: Shards::of(cells.div_ceil(WAYS), || Mutex::new(Set::new())),
            set_hasher: RandomState::new(),
            tag_hasher: RandomState::new(),
            next_purged: AtomicUsize::new(0),
        }
    }

    /// How many cells there are, those of folded keys aside.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.sets.len().saturating_mul(WAYS)
    }

    /// The set of a key, locked, and what the key is called there.
    fn set_of(&self, key: &CounterKey, window: Window) -> (MutexGuard<'_, Set>, Tag) {
        let tag = NonZeroU64::new(self.tag_hasher.hash_one((key, window))).unwrap_or(NonZeroU64::MAX);
        // The hash scaled to the number of sets.
        let hash = u128::from(self.set_hasher.hash_one((key, window)));
        let number = hash.saturating_mul(self.sets.len() as u128) >> 64;
        (self.lock(usize::try_from(number).unwrap_or(0)), tag)
    }

    fn lock(&self, number: usize) -> MutexGuard<'_, Set> {
        // Nothing panics under the lock. If it did, a count could miss what the panicking call was to add,
        // and that call got no answer to go on with.
        self.sets.at(number).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CounterStore for MemoryCounters {
    async fn add(
        &self,
        key: &CounterKey,
        n: u32,
        window: Window,
        now: UnixTime,
    ) -> Result<Count, StoreError> {
        let (mut set, tag) = self.set_of(key, window);
        Ok(set.add(tag, u64::from(n), window, now))
    }

    /// What was folded stays, for it cannot be told from what was counted for others.
    async fn reset(&self, key: &CounterKey, window: Window) -> Result<(), StoreError> {
        let (mut set, tag) = self.set_of(key, window);
        set.reset(tag);
        Ok(())
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut purged = 0_u32;
        for _ in 0..self.sets.len() {
            if purged >= limit {
                break;
            }
            let number = self.next_purged.load(Ordering::Relaxed);
            let (dropped, done) = self.lock(number).purge(now, limit.saturating_sub(purged));
            purged = purged.saturating_add(dropped);
            if done {
                let next = number.saturating_add(1);
                self.next_purged.store(if next < self.sets.len() { next } else { 0 }, Ordering::Relaxed);
            }
        }
        Ok(u64::from(purged))
    }
}

impl fmt::Debug for MemoryCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCounters").field("cells", &self.cells()).finish_non_exhaustive()
    }
}

impl Set {
    fn new() -> Self {
        let buckets = Buckets::new();
        let window = Window::new(Duration::ZERO);
        Self {
            tags: [None; WAYS],
            free_from: [UnixTime::EPOCH; WAYS],
            cells: [Cell { buckets, folded_until: UnixTime::EPOCH }; WAYS],
            folded: Folded { buckets, window, free_from: UnixTime::EPOCH },
        }
    }

    fn add(&mut self, tag: Tag, n: u64, window: Window, now: UnixTime) -> Count {
        // Who only reads takes no cell.
        let own = self.way_of(tag).or_else(|| if n > 0 { self.claim(tag, window, now) } else { None });
        let folded = self.folded.sum(now);
        let Some(way) = own else {
            let value = if n > 0 { self.folded.add(n, window, now) } else { folded.unwrap_or(0) };
            return Count { value, exact: n == 0 && folded.is_none() };
        };
        let (Some(cell), Some(free_from)) = (self.cells.get_mut(way), self.free_from.get_mut(way)) else {
            return Count { value: u64::MAX, exact: false };
        };
        if n > 0 {
            cell.buckets.add(n, window, now);
            *free_from = window.forgotten_at(now).max(*free_from);
        }
        let value = cell.buckets.sum(window, now);
        match folded.filter(|_| now < cell.folded_until) {
            Some(folded) => Count { value: value.saturating_add(folded), exact: false },
            None => Count { value, exact: true },
        }
    }

    fn way_of(&self, tag: Tag) -> Option<usize> {
        self.tags.iter().position(|own| *own == Some(tag))
    }

    /// Gives a key a cell that counts nothing any more, if there is one.
    fn claim(&mut self, tag: Tag, window: Window, now: UnixTime) -> Option<usize> {
        let way = self.free_from.iter().position(|free_from| *free_from <= now)?;
        // The key may have been folded until now: what is folded counts for it until no window of its covers
        // this moment.
        let folded_until = if self.folded.is_free(now) { UnixTime::EPOCH } else { window.forgotten_at(now) };
        *self.cells.get_mut(way)? = Cell { buckets: Buckets::new(), folded_until };
        *self.tags.get_mut(way)? = Some(tag);
        Some(way)
    }

    fn reset(&mut self, tag: Tag) {
        let Some(way) = self.way_of(tag) else { return };
        // The key keeps the cell until another needs it, and with it what is known of its having been folded.
        if let (Some(cell), Some(free_from)) = (self.cells.get_mut(way), self.free_from.get_mut(way)) {
            cell.buckets = Buckets::new();
            *free_from = UnixTime::EPOCH;
        }
    }

    /// Empties up to `limit` cells that count nothing any more. Answers how many counts were forgotten, and
    /// whether it saw all cells.
    fn purge(&mut self, now: UnixTime, limit: u32) -> (u32, bool) {
        let mut purged = 0_u32;
        for ((tag, free_from), cell) in self.tags.iter_mut().zip(&mut self.free_from).zip(&mut self.cells) {
            if tag.is_none() || now < *free_from {
                continue;
            }
            if purged >= limit {
                return (purged, false);
            }
            // A cell that was reset holds no count to forget.
            purged = purged.saturating_add(u32::from(*free_from > UnixTime::EPOCH));
            (*tag, *free_from) = (None, UnixTime::EPOCH);
            cell.buckets = Buckets::new();
        }
        if self.folded.free_from > UnixTime::EPOCH && self.folded.is_free(now) {
            if purged >= limit {
                return (purged, false);
            }
            purged = purged.saturating_add(1);
            self.folded.free_from = UnixTime::EPOCH;
        }
        (purged, true)
    }
}

impl Folded {
    fn is_free(&self, now: UnixTime) -> bool {
        self.free_from <= now
    }

    /// What counts at `now`, if anything may.
    fn sum(&self, now: UnixTime) -> Option<u64> {
        (!self.is_free(now)).then(|| self.buckets.sum(self.window, now))
    }

    fn add(&mut self, n: u64, window: Window, now: UnixTime) -> u64 {
        if self.is_free(now) {
            (self.buckets, self.window, self.free_from) = (Buckets::new(), window, UnixTime::EPOCH);
        }
        if self.window.length() < window.length() {
            // Kept as late as they can have been, counts may now live on to the end of a longer bucket.
            let latest = self.free_from.max(now);
            self.buckets = self.buckets.widened(self.window, window);
            self.window = window;
            self.free_from = window.forgotten_at(latest);
        }
        self.buckets.add(n, self.window, now);
        self.free_from = self.window.forgotten_at(now).max(self.free_from);
        self.buckets.sum(self.window, now)
    }
}
