//! The contract of every storage trait in its plainest form: one lock around plain maps.
//!
//! To be read beside the traits by whoever writes a store. They are what the deliberately
//! [`broken`](super::broken) stores are made from. Not for production: every call waits for every other,
//! nothing is bounded, and epoch markers are never forgotten.

mod accounts;
mod assignments;
mod counters;
mod sessions;
mod tokens;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use accounts::ReferenceAccounts;
pub use assignments::ReferenceAssignments;
pub use counters::ReferenceCounters;
pub use sessions::ReferenceSessions;
pub use tokens::ReferenceTokens;

use crate::Page;

pub(super) use {
    accounts::{Book, added, bump, order, refuse_strangers},
    counters::sum,
    sessions::move_up,
    tokens::Entry,
};

/// State that only one call at a time sees. A call that panicked leaves it as it was then.
#[derive(Debug, Default)]
pub(super) struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of `rows` that is wanted.
pub(super) fn page_of<T>(rows: impl IntoIterator<Item = T>, page: Page) -> Vec<T> {
    let (skip, take) = (usize::try_from(page.offset()), usize::try_from(page.limit()));
    rows.into_iter().skip(skip.unwrap_or(usize::MAX)).take(take.unwrap_or(usize::MAX)).collect()
}

pub(super) fn count<T>(rows: &[T]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}
