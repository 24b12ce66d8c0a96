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
///   longest window that was folded there, and a bucket more. So with `f` events folded in all and `c` cells,
///   it is too high by about `16 f / c`. An attacker cannot choose whom: the hash is keyed.
/// - Of keys that count at the same time, as many as half the cells, about 1 in 100 is folded; as many as a
///   quarter, fewer than 1 in 100,000. Two keys are taken for one with a probability of 2^-64.
///
/// It never answers [`StoreError`]. A cell takes 111 bytes, from the start (`tests/memory_footprint.rs`). Calls
/// for keys of different sets do not wait for each other.
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
        // The one that has been free for longest: for a clock that is behind, it was free as well.
        let (way, _) =
            (0..).zip(&self.free_from).min_by_key(|(_, from)| **from).filter(|(_, from)| **from <= now)?;
        // The key may be among those that were folded. That counts for it as well until its own window has
        // passed, or nothing of what is folded now counts any more.
        let folded_until = window.forgotten_at(now).min(self.folded.free_from);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Purpose, Realm,
        memory::sample::{NOW, after},
        testing::block_on,
    };

    fn key(n: usize) -> CounterKey {
        CounterKey::new(&Realm::LOCAL, Purpose::new("test"), &[&n.to_be_bytes()])
    }

    fn window(secs: u64) -> Window {
        Window::new(Duration::from_secs(secs))
    }

    fn add(store: &MemoryCounters, n: usize, amount: u32, window: Window, now: UnixTime) -> (u64, bool) {
        let Count { value, exact } = block_on(store.add(&key(n), amount, window, now)).unwrap();
        (value, exact)
    }

    /// A store of one set, in which as many keys as it has cells have counted one each.
    fn full(window: Window) -> MemoryCounters {
        let store = MemoryCounters::new(1);
        for n in 0..WAYS {
            assert_eq!(add(&store, n, 1, window, NOW), (1, true));
        }
        store
    }

    #[test]
    fn a_key_without_a_cell_is_folded_and_nobody_else_suffers() {
        let (store, minute) = (full(window(64)), window(64));
        assert_eq!(add(&store, 100, 3, minute, NOW), (3, false));
        assert_eq!(add(&store, 101, 4, minute, after(8)), (7, false));
        // Not counted at all, but who knows.
        assert_eq!(add(&store, 102, 0, minute, after(8)), (7, false));
        for n in 0..WAYS {
            assert_eq!(add(&store, n, 1, minute, after(8)), (2, true));
        }
    }

    /// What was folded must not be forgotten when its key gets a cell of its own.
    #[test]
    fn a_folded_key_that_gets_a_cell_keeps_its_count_until_the_window_has_passed() {
        let (store, minute) = (full(window(64)), window(64));
        assert_eq!(add(&store, 100, 3, minute, after(40)), (3, false));
        // The cells are free now, and what is folded still counts.
        assert_eq!(add(&store, 100, 1, minute, after(80)), (4, false));
        assert_eq!(add(&store, 200, 1, minute, after(80)), (4, false));
        // Nothing is folded any more.
        assert_eq!(add(&store, 100, 1, minute, after(120)), (2, true));
        // What is folded by others later is none of it.
        for n in 300..320 {
            add(&store, n, 5, minute, after(121));
        }
        assert_eq!(add(&store, 100, 1, minute, after(121)), (3, true));
    }

    #[test]
    fn a_longer_window_keeps_what_a_shorter_one_folded() {
        let (store, minute, hour) = (full(window(3_600)), window(64), window(3_600));
        assert_eq!(add(&store, 100, 3, minute, NOW), (3, false));
        assert_eq!(add(&store, 101, 4, hour, after(10)), (7, false));
        assert_eq!(add(&store, 101, 0, hour, after(3_600)), (7, false));
        // As long as anything is folded, a key without a cell cannot know better.
        assert_eq!(add(&store, 100, 0, minute, after(3_600)), (7, false));
    }

    #[test]
    fn a_reset_forgets_what_is_exact_and_keeps_what_is_folded() {
        let (store, minute) = (full(window(64)), window(64));
        block_on(store.reset(&key(3), minute)).unwrap();
        // The cell is still its own.
        assert_eq!(add(&store, 3, 0, minute, NOW), (0, true));
        assert_eq!(add(&store, 3, 2, minute, NOW), (2, true));
        assert_eq!(add(&store, 100, 5, minute, NOW), (5, false));
        block_on(store.reset(&key(100), minute)).unwrap();
        assert_eq!(add(&store, 100, 0, minute, NOW), (5, false));
        // A cell that was reset is free for others.
        block_on(store.reset(&key(3), minute)).unwrap();
        assert_eq!(add(&store, 200, 1, minute, NOW), (6, false));
        assert_eq!(add(&store, 3, 0, minute, NOW), (5, false));
    }

    #[test]
    fn a_purge_forgets_what_no_window_covers_in_the_bites_it_may() {
        let store = MemoryCounters::new(100 * WAYS);
        for n in 0..100 {
            add(&store, n, 1, window(64), NOW);
            add(&store, n, 1, window(640), NOW);
        }
        assert_eq!(block_on(store.purge(after(63), 1_000)).unwrap(), 0);
        assert_eq!(block_on(store.purge(after(100), 0)).unwrap(), 0);
        let mut purged = 0;
        while let bite @ 1.. = block_on(store.purge(after(100), 7)).unwrap() {
            assert!(bite <= 7);
            purged += bite;
        }
        assert_eq!(purged, 100);
        assert_eq!(add(&store, 5, 0, window(640), after(100)), (1, true));
    }

    /// What the documentation promises for as many keys as half the cells, and as a quarter.
    #[test]
    fn few_keys_are_folded_while_enough_cells_are_free() {
        for (keys, most) in [(50_000, 500), (25_000, 3)] {
            let store = MemoryCounters::new(100_000);
            let folded = (0..keys).filter(|n| !add(&store, *n, 1, window(64), NOW).1).count();
            assert!(folded <= most, "{folded} of {keys}");
        }
    }

    proptest! {
        /// Whatever keys and windows share a set: no count is too low, one that claims to be exact is, and
        /// one that is not is too high by no more than what was folded.
        #[test]
        fn a_count_is_exact_or_too_high_within_its_bound(
            steps in proptest::collection::vec((0_usize..40, 0_u32..5, any::<bool>(), 0_u64..12), 0..150)
        ) {
            let (short, long) = (window(64), window(256));
            let store = MemoryCounters::new(1);
            let mut secs = 0;
            let mut events: Vec<(usize, u64, Window, u64)> = Vec::new();
            let mut folded: Vec<(u64, u64)> = Vec::new();
            for (n, amount, is_long, wait) in steps {
                secs += wait;
                let window = if is_long { long } else { short };
                let own_before = store.set_of(&key(n), window);
                let had_cell = own_before.0.way_of(own_before.1).is_some();
                drop(own_before);
                let (value, exact) = add(&store, n, amount, window, after(secs));
                events.push((n, u64::from(amount), window, secs));
                let (set, tag) = store.set_of(&key(n), window);
                if amount > 0 && !had_cell && set.way_of(tag).is_none() {
                    folded.push((secs, u64::from(amount)));
                }
                drop(set);
                let oldest = window.oldest(after(secs));
                let own = |event: &&(usize, u64, Window, u64)| {
                    event.0 == n && event.2 == window && window.bucket(after(event.3)) >= oldest
                };
                let truth: u64 = events.iter().filter(own).map(|event| event.1).sum();
                // Folded counts may live for a bucket more than the longest window, and for one of the
                // shorter when they are widened.
                let recent = folded.iter().filter(|(at, _)| secs - at <= 256 + 32 + 8);
                let bound = truth + recent.map(|(_, amount)| amount).sum::<u64>();
                prop_assert!(value >= truth, "{} < {}", value, truth);
                prop_assert!(value <= bound, "{} > {}", value, bound);
                prop_assert!(!exact || value == truth, "{} != {}", value, truth);
            }
        }
    }
}
