//! Finds slots by hash.

use super::slab::Slot;

/// A hash table of slots. It does not hold keys, which are in the rows already: eight bytes an entry
/// instead of a key and more.
///
/// Open addressing with linear probing; removal closes the gap, so there are no tombstones to fill it up.
/// It grows by a quarter when five sixths are full, by the hashes that it holds, without a look at the rows.
#[derive(Debug, Default)]
pub(super) struct Table {
    cells: Box<[Cell]>,
    len: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    hash: u32,
    slot: Option<Slot>,
}

impl Table {
    /// The slot of this hash that `is_it` recognises.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl FnMut(Slot) -> bool) -> Option<Slot> {
        self.position(hash, is_it).map(|(_, slot)| slot)
    }

    /// Adds a slot. The caller knows that it is not there yet.
    pub(super) fn insert(&mut self, hash: u64, slot: Slot) {
        if self.len.saturating_mul(6) >= self.cells.len().saturating_mul(5) {
            self.grow();
        }
        self.place(Cell { hash: fragment(hash), slot: Some(slot) });
        self.len = self.len.saturating_add(1);
    }

    /// Lets the entry of `old` point to `new`.
    pub(super) fn replace(&mut self, hash: u64, old: Slot, new: Slot) {
        if let Some((at, _)) = self.position(hash, |slot| slot == old)
            && let Some(cell) = self.cells.get_mut(at)
        {
            cell.slot = Some(new);
        }
    }

    /// Removes a slot, and moves back what had to step aside for it.
    pub(super) fn remove(&mut self, hash: u64, slot: Slot) {
        let Some((mut gap, _)) = self.position(hash, |found| found == slot) else { return };
        self.len = self.len.saturating_sub(1);
        let mut at = gap;
        loop {
            at = self.after(at);
            let Some(cell) = self.cells.get(at).copied().filter(|cell| cell.slot.is_some()) else { break };
            // It may move into the gap if that is not before the place where its probing starts.
            if self.distance(self.start(cell.hash), at) >= self.distance(gap, at) {
                self.set(gap, cell);
                gap = at;
            }
        }
        self.set(gap, Cell::default());
    }

    #[inline]
    fn position(&self, hash: u64, mut is_it: impl FnMut(Slot) -> bool) -> Option<(usize, Slot)> {
        let hash = fragment(hash);
        let mut at = self.start(hash);
        // A table is never full, so an empty cell ends this.
        loop {
            let cell = self.cells.get(at)?;
            let slot = cell.slot?;
            if cell.hash == hash && is_it(slot) {
                return Some((at, slot));
            }
            at = self.after(at);
        }
    }

    fn place(&mut self, cell: Cell) {
        let mut at = self.start(cell.hash);
        while self.cells.get(at).is_some_and(|cell| cell.slot.is_some()) {
            at = self.after(at);
        }
        self.set(at, cell);
    }

    fn grow(&mut self) {
        let len = self.cells.len();
        let cells = vec![Cell::default(); len.saturating_add(len / 4).max(8)].into_boxed_slice();
        for cell in std::mem::replace(&mut self.cells, cells).into_iter().filter(|cell| cell.slot.is_some()) {
            self.place(cell);
        }
    }

    fn set(&mut self, at: usize, cell: Cell) {
        if let Some(place) = self.cells.get_mut(at) {
            *place = cell;
        }
    }

    /// Where probing for a hash starts: the hash scaled to the length, which then need not be a power of two.
    fn start(&self, hash: u32) -> usize {
        let scaled = u128::from(hash).saturating_mul(self.cells.len() as u128) >> 32;
        usize::try_from(scaled).unwrap_or(0)
    }

    fn after(&self, at: usize) -> usize {
        let next = at.saturating_add(1);
        if next == self.cells.len() { 0 } else { next }
    }

    /// How many steps of probing lead from one cell to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.checked_sub(from).unwrap_or_else(|| to.saturating_add(self.cells.len()).saturating_sub(from))
    }
}

/// The part of a hash that is kept: enough to tell entries apart nearly always, and to start probing.
const fn fragment(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::memory::slab::Slab;

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u16),
        Remove(u16),
    }

    /// Few distinct hashes, many of them equal, at both ends of the table: long runs that wrap around.
    fn hash(key: u16) -> u64 {
        u64::from(key % 5).wrapping_mul(0x3fff_ffff_f000_0000)
    }

    proptest! {
        /// Whatever was added and removed before, exactly what is in it is found: a removal that left a gap
        /// in a run of probing would hide the rest of the run.
        #[test]
        fn what_is_in_it_is_found_and_nothing_else(
            steps in proptest::collection::vec(
                prop_oneof![(0_u16..60).prop_map(Step::Insert), (0_u16..60).prop_map(Step::Remove)],
                0..200,
            )
        ) {
            let mut slab = Slab::new();
            let mut table = Table::default();
            let mut model = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Insert(key) if !model.contains_key(&key) => {
                        let slot = slab.insert(key).unwrap();
                        table.insert(hash(key), slot);
                        model.insert(key, slot);
                    }
                    Step::Remove(key) => {
                        if let Some(slot) = model.remove(&key) {
                            table.remove(hash(key), slot);
                            slab.remove(slot);
                        }
                    }
                    Step::Insert(_) => {}
                }
                for key in 0..60 {
                    let found = table.find(hash(key), |slot| slab.get(slot) == Some(&key));
                    prop_assert_eq!(found, model.get(&key).copied());
                }
            }
        }
    }

    #[test]
    fn an_entry_takes_eight_bytes_and_can_be_pointed_elsewhere() {
        assert_eq!(size_of::<Cell>(), 8);
        let mut slab = Slab::new();
        let (a, b) = (slab.insert('a').unwrap(), slab.insert('b').unwrap());
        let mut table = Table::default();
        assert_eq!(table.find(1, |_| true), None);
        table.insert(1, a);
        table.replace(1, a, b);
        assert_eq!(table.find(1, |_| true), Some(b));
    }
}
