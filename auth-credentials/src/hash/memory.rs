//! The memory that a hash works in.

use std::fmt;

use argon2::Block;
use zeroize::Zeroize;

use super::params::Argon2Params;

/// The memory that hashes are computed in, kept from one to the next: touching fresh pages costs more than
/// a tenth of a hash.
///
/// After a hash it holds the hash's last state. Whoever gets hold of that can run the passes backwards once
/// and then check each guess without the memory-hard work. So it is wiped on drop, and [`wipe`](Self::wipe)
/// is for whoever keeps it: it takes a twentieth of the time of hashing. [`HashPool`](crate::HashPool) wipes
/// when no other job is waiting to overwrite it.
pub struct HashMemory {
    blocks: Vec<Block>,
    /// How many blocks at the front may hold something.
    dirty: usize,
}

/// There is not as much memory as a hash needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no memory to hash in")]
pub struct OutOfMemory;

impl HashMemory {
    /// As much as hashes at `params` need, already touched.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the allocator refuses.
    pub fn new(params: Argon2Params) -> Result<Self, OutOfMemory> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(params.blocks()).map_err(|_| OutOfMemory)?;
        blocks.resize(params.blocks(), Block::new());
        Ok(Self { blocks, dirty: 0 })
    }

    /// How much there is, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.blocks.len().saturating_mul(Block::SIZE)
    }

    /// Overwrites what the last hash left behind.
    pub fn wipe(&mut self) {
        for block in self.blocks.iter_mut().take(self.dirty) {
            block.zeroize();
        }
        self.dirty = 0;
    }

    /// Whether a hash has been computed here since the last wipe.
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty > 0
    }

    /// The blocks for a hash at `params`, or none if there are too few.
    pub(crate) fn blocks_for(&mut self, params: Argon2Params) -> Option<&mut [Block]> {
        let blocks = self.blocks.get_mut(..params.blocks())?;
        self.dirty = self.dirty.max(blocks.len());
        Some(blocks)
    }
}

impl Drop for HashMemory {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl fmt::Debug for HashMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashMemory").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block that is left behind checks a guess without the memory-hard work.
    #[test]
    fn wiping_leaves_no_word_of_a_hash() {
        let params = Argon2Params::within_bounds(64, 1, 1).unwrap();
        let mut memory = HashMemory::new(params).unwrap();
        for block in memory.blocks_for(params).unwrap() {
            block.as_mut().fill(0xAA);
        }
        memory.wipe();
        assert!(memory.blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
    }

    #[test]
    fn there_are_no_more_blocks_than_were_asked_for() {
        let mut memory = HashMemory::new(Argon2Params::within_bounds(64, 1, 1).unwrap()).unwrap();
        assert!(memory.blocks_for(Argon2Params::within_bounds(65, 1, 1).unwrap()).is_none());
        assert_eq!(memory.bytes(), 65_536);
    }
}
