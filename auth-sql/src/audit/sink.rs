//! What takes events.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use auth_core::{AuditEvent, AuditSink, StoreError, UnixTime};
use tokio::sync::{mpsc, oneshot};

use super::{
    entry::Entry,
    writer::{Append, Job, SqlAuditWriter},
};

/// Takes events for the log in a database, and never waits: they queue until the [`SqlAuditWriter`] has written them.
/// When [`QUEUE`](Self::QUEUE) of them wait, events are dropped and counted, and an event `audit.dropped` says how many
/// before the next that can be written.
///
/// After a connection broke in the middle of a batch, that is written once more, and may be there twice. Cheap to clone;
/// the writer ends when the last clone is gone.
#[derive(Clone)]
pub struct SqlAudit {
    queue: mpsc::Sender<Job>,
    dropped: Arc<AtomicU64>,
}

/// A sink and its writer.
pub(crate) fn pair(log: Box<dyn Append>) -> (SqlAudit, SqlAuditWriter) {
    let (queue, jobs) = mpsc::channel(SqlAudit::QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    let writer = SqlAuditWriter::new(log, jobs, Arc::clone(&dropped));
    (SqlAudit { queue, dropped }, writer)
}

impl SqlAudit {
    /// How many events may wait.
    pub const QUEUE: usize = 4_096;

    /// How many events were dropped and are not in an `audit.dropped` event of the log yet.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until what was recorded so far is written. While the database is away it goes on waiting: give it a time
    /// limit.
    ///
    /// # Errors
    /// [`StoreError::NotWritten`] if the writer is gone; what the database said if a try failed. The writer tries anew.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let gone = || StoreError::not_written("nobody writes the audit log");
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job::Flush(answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl AuditSink for SqlAudit {
    fn record(&self, at: UnixTime, event: &AuditEvent) {
        let sent = Entry::new(at, event).map(|entry| self.queue.try_send(Job::Event(entry)));
        if !matches!(sent, Some(Ok(()))) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for SqlAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlAudit").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}
