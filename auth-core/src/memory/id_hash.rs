//! Hashing session ids for the index that finds their rows.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Takes the last eight bytes of an id as a number, under a multiply-shift hash with random keys.
///
/// These bytes of an id are random, and made here: whoever asks for ids can choose them, whoever fills the table cannot.
/// So nothing is won by the several rounds of a hash against flooding.
#[derive(Debug)]
pub(super) struct IdHash {
    mask: u64,
    odd: u64,
}

impl Default for IdHash {
    fn default() -> Self {
        let random = || RandomState::new().hash_one(());
        Self { mask: random(), odd: random() | 1 }
    }
}

impl BuildHasher for IdHash {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher { mask: self.mask, odd: self.odd, last: 0 }
    }
}

/// Remembers the last bytes that it was shown.
#[derive(Debug)]
pub(super) struct IdHasher {
    mask: u64,
    odd: u64,
    last: u64,
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.last = u64::from_ne_bytes(*last);
        }
    }

    /// The highest bits depend on all bits, and are those that a table looks at.
    fn finish(&self) -> u64 {
        (self.last ^ self.mask).wrapping_mul(self.odd)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{SessionId, SystemEntropy};

    /// A table looks at the upper half.
    #[test]
    fn ids_are_spread_by_the_upper_half() {
        let hash = IdHash::default();
        let ids: Vec<_> = (0..1_000).map(|_| SessionId::anonymous(&SystemEntropy).unwrap()).collect();
        let hashes: HashSet<_> = ids.iter().map(|id| hash.hash_one(id) >> 32).collect();
        assert!(hashes.len() >= 998, "{}", hashes.len());
        assert_eq!(hash.hash_one(ids[0]), hash.hash_one(ids[0]));
        assert_ne!(IdHash::default().hash_one(ids[0]), hash.hash_one(ids[0]), "keys are random");
    }
}
