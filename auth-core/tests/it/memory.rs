//! The memory stores pass every suite, among tasks and among OS threads.

use std::sync::Arc;

use auth_core::{MemoryAccounts, MemoryAssignments, MemoryCounters, MemorySessions, MemoryTokens};

const CAPACITY: usize = 10_000;

async fn accounts() -> (Arc<MemoryAccounts>, Arc<MemoryAccounts>) {
    let both = Arc::new(MemoryAccounts::new(CAPACITY));
    (Arc::clone(&both), both)
}

auth_core::session_store_conformance!(|| async { MemorySessions::new(CAPACITY) }, threads);
auth_core::token_store_conformance!(|| async { MemoryTokens::new(CAPACITY) }, threads);
auth_core::counter_store_conformance!(|| async { MemoryCounters::new(CAPACITY) }, threads);
auth_core::account_store_conformance!(accounts, threads);
auth_core::credential_store_conformance!(accounts, threads);
auth_core::assignment_store_conformance!(|| async { MemoryAssignments::new(CAPACITY) }, threads);

/// A table of one cell folds every key with every other: what is left is that no count is too low.
mod folded_counters {
    auth_core::counter_store_conformance!(|| async { auth_core::MemoryCounters::new(1) }, threads);
}
