//! What has become of messages.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts, each by itself.
#[derive(Debug, Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    lost: AtomicU64,
    refused: AtomicU64,
}

impl Counts {
    pub(super) fn send(&self) {
        self.sent.fetch_add(1, Relaxed);
    }

    pub(super) fn lose(&self) {
        self.lost.fetch_add(1, Relaxed);
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// Sent, lost, refused.
    pub(super) fn read(&self) -> (u64, u64, u64) {
        (self.sent.load(Relaxed), self.lost.load(Relaxed), self.refused.load(Relaxed))
    }
}
