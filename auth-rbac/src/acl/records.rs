//! Things that are named in several parts, each with numbers beside it.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

use crate::slots::Slots;

/// Bytes of a record between its values and its id: space, kind, length of the id.
const PARTS: usize = 7;

/// Where a record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct At(pub(super) u32);

/// What a thing is called, compared part by part and never joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key<'a> {
    pub(super) space: u32,
    pub(super) kind: u16,
    pub(super) id: &'a str,
}

/// Things in the order of arrival. Each is one run of bytes, values first, so that finding a cold one costs two
/// cache misses: its place in the index, and everything else.
#[derive(Debug, Clone)]
pub(super) struct Records<const VALUES: usize> {
    // Seeded per table: names come from outside, and must not be chosen to collide.
    hasher: RandomState,
    slots: Slots,
    bytes: Vec<u8>,
    count: usize,
}

impl<const VALUES: usize> Records<VALUES> {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::default(), slots: Slots::new(), bytes: Vec::new(), count: 0 }
    }

    #[inline]
    pub(super) fn find(&self, key: Key<'_>) -> Option<At> {
        self.find_hashed(self.hash(key), key)
    }

    /// Adds a thing that is not there yet. `None` if no room is left, or its id is longer than 255 bytes.
    pub(super) fn push(&mut self, key: Key<'_>, values: [u32; VALUES]) -> Option<At> {
        let at = u32::try_from(self.bytes.len()).ok()?;
        let len = u8::try_from(key.id.len()).ok()?;
        for value in values {
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
        self.bytes.extend_from_slice(&key.space.to_le_bytes());
        self.bytes.extend_from_slice(&key.kind.to_le_bytes());
        self.bytes.push(len);
        self.bytes.extend_from_slice(key.id.as_bytes());
        self.slots.insert(self.hash(key), at);
        self.count = self.count.saturating_add(1);
        Some(At(at))
    }

    #[inline]
    pub(super) fn values(&self, at: At) -> Option<[u32; VALUES]> {
        let mut values = [0; VALUES];
        let (chunks, _) = self.bytes.get(at.0 as usize..)?.as_chunks::<4>();
        for (value, bytes) in values.iter_mut().zip(chunks) {
            *value = u32::from_le_bytes(*bytes);
        }
        Some(values)
    }

    pub(super) fn set_values(&mut self, at: At, values: [u32; VALUES]) {
        let rest = self.bytes.get_mut(at.0 as usize..).unwrap_or_default();
        let (chunks, _) = rest.as_chunks_mut::<4>();
        for (value, bytes) in values.iter().zip(chunks) {
            *bytes = value.to_le_bytes();
        }
    }

    #[inline]
    pub(super) fn key(&self, at: At) -> Option<Key<'_>> {
        let (space, kind, id) = self.parts(at)?;
        Some(Key { space, kind, id: std::str::from_utf8(id).ok()? })
    }

    /// Where each of them begins, in the order of arrival.
    pub(super) fn places(&self) -> impl Iterator<Item = At> {
        let mut next = 0_u32;
        std::iter::from_fn(move || {
            let (_, _, id) = self.parts(At(next))?;
            let size = VALUES.saturating_mul(4).saturating_add(PARTS).saturating_add(id.len());
            let at = At(next);
            next = next.checked_add(u32::try_from(size).ok()?)?;
            Some(at)
        })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// What it holds on the heap.
    pub(super) fn heap(&self) -> usize {
        self.slots.bytes().saturating_add(self.bytes.len())
    }

    #[inline]
    fn find_hashed(&self, hash: u64, key: Key<'_>) -> Option<At> {
        let wanted = (key.space, key.kind, key.id.as_bytes());
        self.slots.find(hash, |at| self.parts(At(at)) == Some(wanted)).map(At)
    }

    #[inline]
    fn parts(&self, at: At) -> Option<(u32, u16, &[u8])> {
        let start = (at.0 as usize).saturating_add(VALUES.saturating_mul(4));
        let (header, rest) = self.bytes.get(start..)?.split_first_chunk::<PARTS>()?;
        let [s0, s1, s2, s3, k0, k1, len] = *header;
        Some((
            u32::from_le_bytes([s0, s1, s2, s3]),
            u16::from_le_bytes([k0, k1]),
            rest.get(..usize::from(len))?,
        ))
    }

    #[inline]
    fn hash(&self, key: Key<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(key.space);
        hasher.write_u16(key.kind);
        hasher.write(key.id.as_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Key<'static>> {
        let ids = ["", "1", "*", "a/b", "a", "b", "ä", "a\u{308}", "A"];
        [0, 1, u32::MAX]
            .into_iter()
            .flat_map(|space| [0, 1, u16::MAX].map(|kind| (space, kind)))
            .flat_map(|(space, kind)| ids.map(|id| Key { space, kind, id }))
            .collect()
    }

    /// What differs in any part is another thing.
    #[test]
    fn things_that_differ_in_any_part_are_different() {
        let mut records = Records::<2>::new();
        let mut places = Vec::new();
        for (n, key) in (0..).zip(keys()) {
            assert_eq!(records.find(key), None);
            places.push(records.push(key, [n, 7]).unwrap());
        }
        assert_eq!(records.len(), keys().len());
        assert!(records.places().eq(places.iter().copied()));
        for ((n, key), at) in (0..).zip(keys()).zip(places) {
            assert_eq!(records.find(key), Some(at));
            assert_eq!((records.key(at), records.values(at)), (Some(key), Some([n, 7])));
            records.set_values(at, [n, 8]);
            assert_eq!((records.key(at), records.values(at)), (Some(key), Some([n, 8])));
        }
    }

    /// A hash is no proof: whatever collides, each part is compared.
    #[test]
    fn things_with_the_same_hash_are_told_apart() {
        for one in keys() {
            let mut records = Records::<0>::new();
            records.push(one, []).unwrap();
            for other in keys() {
                assert_eq!(records.find_hashed(records.hash(one), other).is_some(), one == other);
            }
        }
    }

    #[test]
    fn an_id_that_is_too_long_is_not_cut() {
        let mut records = Records::<1>::new();
        let id = "x".repeat(256);
        assert_eq!(records.push(Key { space: 0, kind: 0, id: &id }, [1]), None);
        assert_eq!(records.len(), 0);
    }
}
