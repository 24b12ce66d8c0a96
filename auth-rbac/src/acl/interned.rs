//! Whole lists, each distinct one stored once.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

use crate::slots::Slots;

/// Lists with numbers. List 0 is the empty one.
#[derive(Debug, Clone)]
pub(super) struct Interned<T, S = RandomState> {
    /// Where each list begins; one more than there are lists.
    starts: Vec<u32>,
    items: Vec<T>,
    slots: Slots,
    hasher: S,
    max_items: usize,
}

impl<T: Copy + Eq + Hash, S: BuildHasher + Default> Interned<T, S> {
    pub(super) fn new(max_items: usize) -> Self {
        let mut lists =
            Self { starts: vec![0], items: Vec::new(), slots: Slots::new(), hasher: S::default(), max_items };
        // The empty list always has room.
        lists.intern(&[]);
        lists
    }

    /// The number of a list. `None` if there is no room for it.
    pub(super) fn intern(&mut self, list: &[T]) -> Option<u32> {
        let hash = self.hasher.hash_one(list);
        if let Some(known) = self.slots.find(hash, |known| self.get(known) == list) {
            return Some(known);
        }
        if self.items.len().saturating_add(list.len()) > self.max_items {
            return None;
        }
        let number = u32::try_from(self.len()).ok()?;
        self.items.extend_from_slice(list);
        self.starts.push(u32::try_from(self.items.len()).ok()?);
        self.slots.insert(hash, number);
        Some(number)
    }
}

impl<T, S> Interned<T, S> {
    #[inline]
    pub(super) fn get(&self, list: u32) -> &[T] {
        let list = list as usize;
        match (self.starts.get(list), self.starts.get(list.saturating_add(1))) {
            (Some(start), Some(end)) => self.items.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Gives back what only adding needs.
    pub(super) fn shrink(&mut self) {
        self.slots = Slots::new();
        self.starts.shrink_to_fit();
        self.items.shrink_to_fit();
    }

    /// What it holds on the heap.
    pub(super) fn heap(&self) -> usize {
        [self.slots.bytes(), size_of_val(self.starts.as_slice()), size_of_val(self.items.as_slice())]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasherDefault;

    use super::*;
    use crate::sets::SameHash;

    #[test]
    fn equal_lists_are_stored_once() {
        let mut lists = Interned::<u32>::new(100);
        assert_eq!((lists.intern(&[]), lists.len()), (Some(0), 1));
        let one = lists.intern(&[1, 2]).unwrap();
        let two = lists.intern(&[2, 1]).unwrap();
        assert_ne!(one, two);
        assert_eq!((lists.intern(&[1, 2]), lists.len()), (Some(one), 3));
        assert_eq!((lists.get(one), lists.get(two), lists.get(0)), (&[1, 2][..], &[2, 1][..], &[][..]));
        assert!(lists.get(99).is_empty());
    }

    /// A hash is no proof: lists that collide are compared.
    #[test]
    fn lists_with_the_same_hash_are_told_apart() {
        let mut lists = Interned::<u32, BuildHasherDefault<SameHash>>::new(100);
        let numbers: Vec<_> = [&[1][..], &[2], &[1, 2], &[]].map(|list| lists.intern(list).unwrap()).into();
        assert_eq!(numbers, [1, 2, 3, 0]);
    }

    #[test]
    fn lists_beyond_the_cap_are_refused() {
        let mut lists = Interned::<u32>::new(3);
        assert_eq!(lists.intern(&[1, 2]), Some(1));
        assert_eq!(lists.intern(&[3, 4]), None);
        assert_eq!(lists.intern(&[1, 2]), Some(1));
        assert_eq!(lists.intern(&[5]), Some(2));
    }
}
