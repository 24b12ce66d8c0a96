//! Stores in memory, for one process: every storage trait, bounded, without a background task.
//!
//! They are for tests, for small programs, and as caches; what is in them is gone when the process ends.

mod account_book;
mod accounts;
mod assignments;
mod buckets;
mod counters;
mod expiring;
mod id_hash;
mod room;
#[cfg(test)]
pub(crate) mod sample;
mod session_row;
mod session_shard;
mod session_shards;
mod sessions;
mod shards;
mod slab;
mod table;
mod token_rows;
mod tokens;

pub use {
    accounts::MemoryAccounts, assignments::MemoryAssignments, counters::MemoryCounters,
    sessions::MemorySessions, tokens::MemoryTokens,
};

use crate::Page;

/// The part of `rows` that is wanted.
fn page_of<T>(rows: impl IntoIterator<Item = T>, page: Page) -> Vec<T> {
    let (skip, take) = (usize::try_from(page.offset()), usize::try_from(page.limit()));
    rows.into_iter().skip(skip.unwrap_or(usize::MAX)).take(take.unwrap_or(usize::MAX)).collect()
}
