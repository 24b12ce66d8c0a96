//! How much a cache may hold.

use std::ops::RangeInclusive;

/// A cache that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Room for too few tokens to be of use, or for more than a process should hold.
    #[error("entries are not between {min} and {max}")]
    Entries {
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// Less room than so many tokens need.
    #[error("fewer than {min} bytes an entry")]
    Bytes {
        /// The least.
        min: usize,
    },
}

/// How many tokens a cache may hold, and how many bytes of them.
///
/// Beyond the tokens' own bytes, each takes about 400 bytes, as much as its claims are long, and whatever your own
/// claims' type holds. The room is divided among sets of eight entries, so a token may push out another one
/// before all of it is used, and one that is longer than eight entries' share of the bytes is not remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheCapacity {
    entries: usize,
    bytes: usize,
}

impl CacheCapacity {
    /// How many tokens, unless set otherwise: 8,192.
    pub const ENTRIES: usize = 8_192;
    /// How many bytes of tokens, unless set otherwise: 8 MiB.
    pub const BYTES: usize = 8 * 1024 * 1024;
    /// The bounds within which the number of tokens can be set.
    pub const ENTRIES_BOUNDS: RangeInclusive<usize> = 8..=16 * 1024 * 1024;
    /// The fewest bytes that there may be for each entry.
    pub const MIN_BYTES_EACH: usize = 256;

    /// Room for `entries` tokens with `bytes` bytes in all.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn new(entries: usize, bytes: usize) -> Result<Self, CacheError> {
        if !Self::ENTRIES_BOUNDS.contains(&entries) {
            let (min, max) = Self::ENTRIES_BOUNDS.into_inner();
            return Err(CacheError::Entries { min, max });
        }
        if bytes < entries.saturating_mul(Self::MIN_BYTES_EACH) {
            return Err(CacheError::Bytes { min: Self::MIN_BYTES_EACH });
        }
        Ok(Self { entries, bytes })
    }

    /// How many tokens.
    #[must_use]
    pub const fn entries(self) -> usize {
        self.entries
    }

    /// How many bytes of tokens.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.bytes
    }
}

/// 8,192 tokens, 8 MiB of them.
impl Default for CacheCapacity {
    fn default() -> Self {
        Self { entries: Self::ENTRIES, bytes: Self::BYTES }
    }
}
