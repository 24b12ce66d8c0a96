//! Rows in place, named by small numbers: what the indexes of a store point to.

use std::num::NonZeroU32;

/// Names a row of a [`Slab`]. Four bytes, also as an `Option`: the indexes are made of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(NonZeroU32);

impl Slot {
    fn new(index: usize) -> Option<Self> {
        u32::try_from(index).ok()?.checked_add(1).and_then(NonZeroU32::new).map(Self)
    }

    const fn index(self) -> usize {
        (self.0.get().saturating_sub(1)) as usize
    }
}

/// Rows that stay where they are, in chunks, so that growing never copies them and never doubles the
/// memory. Places that become free are used again.
#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Box<[Place<T>]>>,
    free: Option<Slot>,
}

#[derive(Debug)]
enum Place<T> {
    Free { next: Option<Slot> },
    Used(T),
}

/// Rows of a chunk. Small, because each shard of a store has one chunk that is partly empty.
const CHUNK: usize = 16;

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), free: None }
    }

    #[inline]
    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        match self.chunks.get(slot.index() / CHUNK)?.get(slot.index() % CHUNK)? {
            Place::Used(row) => Some(row),
            Place::Free { .. } => None,
        }
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        match self.place(slot)? {
            Place::Used(row) => Some(row),
            Place::Free { .. } => None,
        }
    }

    /// Adds a row. Gives it back if the slab has `u32::MAX - 1` rows already.
    pub(super) fn insert(&mut self, row: T) -> Result<Slot, T> {
        let Some(slot) = self.free.or_else(|| self.grow()) else { return Err(row) };
        let Some(place) = self.place(slot) else { return Err(row) };
        let Place::Free { next } = place else { return Err(row) };
        let next = *next;
        *place = Place::Used(row);
        self.free = next;
        Ok(slot)
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<T> {
        let next = self.free;
        let place = self.place(slot)?;
        if matches!(place, Place::Free { .. }) {
            return None;
        }
        let Place::Used(row) = std::mem::replace(place, Place::Free { next }) else { return None };
        self.free = Some(slot);
        Some(row)
    }

    fn place(&mut self, slot: Slot) -> Option<&mut Place<T>> {
        self.chunks.get_mut(slot.index() / CHUNK)?.get_mut(slot.index() % CHUNK)
    }

    /// Adds a chunk, its places chained in their order, and answers the first.
    fn grow(&mut self) -> Option<Slot> {
        let start = self.chunks.len().checked_mul(CHUNK)?;
        let end = start.checked_add(CHUNK)?;
        Slot::new(end)?;
        let chunk = (start..end)
            .map(|index| Place::Free {
                next: index.checked_add(1).filter(|next| *next < end).and_then(Slot::new),
            })
            .collect();
        self.chunks.push(chunk);
        Slot::new(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_and_no_row_moves() {
        let mut slab = Slab::new();
        let slots: Vec<_> = (0..100).map(|n| slab.insert(n).unwrap()).collect();
        assert_eq!(slab.remove(slots[40]), Some(40));
        assert_eq!(slab.remove(slots[40]), None);
        assert_eq!(slab.get(slots[40]), None);
        assert_eq!(slab.insert(1_000).unwrap(), slots[40]);
        for (n, slot) in slots.iter().enumerate().filter(|(n, _)| *n != 40) {
            assert_eq!(slab.get(*slot), Some(&n));
        }
        assert_eq!(slab.chunks.len(), 100_usize.div_ceil(CHUNK));
    }

    #[test]
    fn an_absent_slot_costs_nothing() {
        assert_eq!(size_of::<Option<Slot>>(), 4);
    }
}
