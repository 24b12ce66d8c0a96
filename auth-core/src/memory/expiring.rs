//! Rows with deadlines: found by key, and by who is next to expire.

use std::hash::{BuildHasher, Hash};

use super::{
    slab::{Slab, Slot},
    table::Table,
};
use crate::UnixTime;

/// What an [`Expiring`] holds.
pub(super) trait Entry {
    type Key: Eq + Hash;
    /// How keys are hashed: with random keys, unless nobody outside chooses what is stored.
    type Hashing: BuildHasher + Default;

    fn key(&self) -> &Self::Key;

    fn ends_at(&self) -> UnixTime;
}

/// A map whose rows are also in the order of their deadlines.
///
/// The order is a binary heap of slots, in which each row knows its place: one that is removed or touched is
/// moved at once, so that a flood of them leaves nothing stale behind.
#[derive(Debug)]
pub(super) struct Expiring<E: Entry> {
    rows: Slab<Row<E>>,
    by_key: Table,
    heap: Vec<Slot>,
    hasher: E::Hashing,
}

#[derive(Debug)]
struct Row<E> {
    entry: E,
    /// Where in the heap it is.
    at: u32,
}

impl<E: Entry> Expiring<E> {
    pub(super) fn new() -> Self {
        Self { rows: Slab::new(), by_key: Table::default(), heap: Vec::new(), hasher: E::Hashing::default() }
    }

    #[inline]
    pub(super) fn find(&self, key: &E::Key) -> Option<Slot> {
        let is_it = |slot| self.get(slot).is_some_and(|entry| entry.key() == key);
        self.by_key.find(self.hasher.hash_one(key), is_it)
    }

    #[inline]
    pub(super) fn get(&self, slot: Slot) -> Option<&E> {
        self.rows.get(slot).map(|row| &row.entry)
    }

    /// For changes of anything but the key and the deadline.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut E> {
        self.rows.get_mut(slot).map(|row| &mut row.entry)
    }

    /// For changes of the deadline.
    pub(super) fn change_deadline(&mut self, slot: Slot, change: impl FnOnce(&mut E)) {
        if let Some(row) = self.rows.get_mut(slot) {
            change(&mut row.entry);
            let at = row.at as usize;
            self.settle(at);
        }
    }

    /// Adds a row whose key is not there yet. Gives it back if there are `u32::MAX - 1` rows already.
    pub(super) fn insert(&mut self, entry: E) -> Result<Slot, E> {
        let hash = self.hasher.hash_one(entry.key());
        let at = self.heap.len();
        // There are no more places in the heap than slots, which are numbers of 32 bits.
        let row = Row { entry, at: u32::try_from(at).unwrap_or(u32::MAX) };
        let slot = self.rows.insert(row).map_err(|row| row.entry)?;
        self.by_key.insert(hash, slot);
        if self.heap.len() == self.heap.capacity() {
            // By a quarter: doubling would keep up to four bytes a row for nothing.
            self.heap.reserve_exact((at / 4).max(4));
        }
        self.heap.push(slot);
        self.rise(at);
        Ok(slot)
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<E> {
        let Row { entry, at } = self.rows.remove(slot)?;
        self.by_key.remove(self.hasher.hash_one(entry.key()), slot);
        let at = at as usize;
        let last = self.heap.pop()?;
        if last != slot {
            self.put(at, last);
            self.settle(at);
        }
        Some(entry)
    }

    /// The row that expires first, and when.
    pub(super) fn first(&self) -> Option<(Slot, UnixTime)> {
        let slot = *self.heap.first()?;
        Some((slot, self.get(slot)?.ends_at()))
    }

    /// Moves what is at a place of the heap to where it belongs.
    fn settle(&mut self, at: usize) {
        let at = self.rise(at);
        self.sink(at);
    }

    fn rise(&mut self, mut at: usize) -> usize {
        while let Some(parent) = at.checked_sub(1).map(|above| above / 2)
            && self.deadline(at) < self.deadline(parent)
        {
            self.swap(at, parent);
            at = parent;
        }
        at
    }

    fn sink(&mut self, mut at: usize) {
        loop {
            let left = at.saturating_mul(2).saturating_add(1);
            let right = left.saturating_add(1);
            let child = if self.deadline(right) < self.deadline(left) { right } else { left };
            if self.deadline(child) >= self.deadline(at) {
                return;
            }
            self.swap(at, child);
            at = child;
        }
    }

    /// The deadline of what is at a place of the heap; never, if nothing is.
    fn deadline(&self, at: usize) -> UnixTime {
        self.heap.get(at).and_then(|slot| self.get(*slot)).map_or(UnixTime::MAX, Entry::ends_at)
    }

    fn swap(&mut self, a: usize, b: usize) {
        if let (Some(at_a), Some(at_b)) = (self.heap.get(a).copied(), self.heap.get(b).copied()) {
            self.put(a, at_b);
            self.put(b, at_a);
        }
    }

    fn put(&mut self, at: usize, slot: Slot) {
        if let (Some(place), Some(row)) = (self.heap.get_mut(at), self.rows.get_mut(slot)) {
            *place = slot;
            row.at = u32::try_from(at).unwrap_or(u32::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, btree_map},
        hash::RandomState,
    };

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Due {
        key: u16,
        at: u64,
    }

    impl Entry for Due {
        type Key = u16;
        type Hashing = RandomState;

        fn key(&self) -> &u16 {
            &self.key
        }

        fn ends_at(&self) -> UnixTime {
            UnixTime::from_secs(self.at)
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u16, u64),
        Remove(u16),
        Move(u16, u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let at = prop_oneof![4 => 0_u64..50, 1 => Just(u64::MAX)];
        prop_oneof![
            (0_u16..40, at.clone()).prop_map(|(key, at)| Step::Insert(key, at)),
            (0_u16..40).prop_map(Step::Remove),
            (0_u16..40, at).prop_map(|(key, at)| Step::Move(key, at)),
        ]
    }

    proptest! {
        /// Whatever was added, removed and moved: the first is one of the earliest, and in the end the rows
        /// leave in the order of their deadlines. A heap that is out of order would evict live sessions.
        #[test]
        fn the_first_is_always_the_earliest(steps in proptest::collection::vec(step(), 0..200)) {
            let mut rows = Expiring::new();
            let mut model: BTreeMap<u16, u64> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Insert(key, at) => {
                        if let btree_map::Entry::Vacant(place) = model.entry(key) {
                            rows.insert(Due { key, at }).unwrap();
                            place.insert(at);
                        }
                    }
                    Step::Remove(key) => {
                        let removed = rows.find(&key).and_then(|slot| rows.remove(slot));
                        prop_assert_eq!(removed.map(|due| due.at), model.remove(&key));
                    }
                    Step::Move(key, at) => {
                        if let Some(slot) = rows.find(&key) {
                            rows.change_deadline(slot, |due| due.at = at);
                            model.insert(key, at);
                        }
                    }
                }
                prop_assert_eq!(rows.heap.len(), model.len());
                let first = rows.first().map(|(_, at)| at.as_secs());
                prop_assert_eq!(first, model.values().min().copied());
            }
            let mut left = Vec::new();
            while let Some((slot, at)) = rows.first() {
                rows.remove(slot);
                left.push(at.as_secs());
            }
            let mut wanted: Vec<_> = model.into_values().collect();
            wanted.sort_unstable();
            prop_assert_eq!(left, wanted);
        }
    }
}
