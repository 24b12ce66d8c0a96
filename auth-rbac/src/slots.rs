//! Open addressing: from a hash to an index into a list that is kept elsewhere.

/// A free place. Lists are capped below it.
const FREE: u32 = u32::MAX;
const SMALLEST: u32 = 4;

#[derive(Debug, Clone, Copy)]
struct Slot {
    tag: u32,
    index: u32,
}

/// Eight bytes a place, at most three quarters full.
///
/// The place is the upper bits of the tag, so growing needs no key, and the tag's other bits spare most
/// comparisons.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
    bits: u32,
    len: usize,
}

impl Slots {
    pub(crate) fn new() -> Self {
        Self::with_bits(SMALLEST)
    }

    fn with_bits(bits: u32) -> Self {
        Self { slots: vec![Slot { tag: 0, index: FREE }; 1 << bits], bits, len: 0 }
    }

    /// The index that was inserted with this hash and for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        let mut at = self.home(tag);
        loop {
            let slot = self.slots.get(at)?;
            if slot.index == FREE {
                return None;
            }
            if slot.tag == tag && is(slot.index) {
                return Some(slot.index);
            }
            at = self.after(at);
        }
    }

    /// Adds an index that is not in it.
    pub(crate) fn insert(&mut self, hash: u64, index: u32) {
        self.len = self.len.saturating_add(1);
        if self.len.saturating_mul(4) > self.slots.len().saturating_mul(3) {
            let mut larger = Self::with_bits(self.bits.saturating_add(1));
            for slot in self.slots.iter().filter(|slot| slot.index != FREE) {
                larger.place(*slot);
            }
            larger.len = self.len;
            *self = larger;
        }
        self.place(Slot { tag: tag(hash), index });
    }

    /// What it holds on the heap.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.slots.as_slice())
    }

    fn place(&mut self, new: Slot) {
        let mut at = self.home(new.tag);
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.index == FREE {
                *slot = new;
                return;
            }
            at = self.after(at);
        }
    }

    #[inline]
    fn home(&self, tag: u32) -> usize {
        (tag >> 32_u32.saturating_sub(self.bits)) as usize
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.slots.len().wrapping_sub(1)
    }
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worst that hashes can do: all the same, at the table's end.
    #[test]
    fn equal_hashes_wrap_around_and_are_told_apart_by_the_comparison() {
        let mut slots = Slots::new();
        for index in 0..1_000 {
            slots.insert(u64::MAX, index);
        }
        for index in 0..1_000 {
            assert_eq!(slots.find(u64::MAX, |found| found == index), Some(index));
        }
        assert_eq!(slots.find(u64::MAX, |_| false), None);
        assert_eq!(slots.find(0, |_| true), None);
    }

    #[test]
    fn an_empty_table_finds_nothing() {
        assert_eq!(Slots::new().find(0, |_| true), None);
    }
}
