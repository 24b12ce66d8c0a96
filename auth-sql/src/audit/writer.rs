//! What writes them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{AuditEvent, StoreError, UnixTime};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

use super::entry::Entry;

/// How many entries are written together at most.
const BATCH: usize = 256;

/// How long to wait after the first try that failed, and at most after the others.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How often a batch is tried when nobody records any more.
const LAST_TRIES: u32 = 3;

/// Where entries go.
#[async_trait]
pub(crate) trait Append: Send + Sync {
    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError>;
}

pub(crate) enum Job {
    Event(Entry),
    /// Everything that came before is written at the answer.
    Flush(oneshot::Sender<Result<(), StoreError>>),
}

/// Writes what a [`SqlAudit`](crate::SqlAudit) takes.
#[must_use = "nothing is written unless it runs"]
pub struct SqlAuditWriter {
    log: Box<dyn Append>,
    jobs: mpsc::Receiver<Job>,
    dropped: Arc<AtomicU64>,
    /// When the last event happened.
    latest: UnixTime,
}

impl SqlAuditWriter {
    pub(crate) fn new(log: Box<dyn Append>, jobs: mpsc::Receiver<Job>, dropped: Arc<AtomicU64>) -> Self {
        Self { log, jobs, dropped, latest: UnixTime::EPOCH }
    }

    /// Writes until the last clone of the sink is gone and nothing waits, and answers how many events could not be
    /// written. While the database does not take them, it tries again, every five seconds at least, and events queue.
    ///
    /// Run it on the runtime that the database is used on. If it is dropped earlier, what waits is lost.
    pub async fn run(mut self) -> u64 {
        let mut jobs = Vec::with_capacity(BATCH);
        while self.jobs.recv_many(&mut jobs, BATCH).await > 0 {
            let (mut entries, mut flushes) = (Vec::with_capacity(jobs.len()), Vec::new());
            for job in jobs.drain(..) {
                match job {
                    Job::Event(entry) => entries.push(entry),
                    Job::Flush(answer) => flushes.push(answer),
                }
            }
            self.latest = entries.last().map_or(self.latest, |entry| entry.at);
            self.write(entries, flushes).await;
        }
        // Those that nothing followed.
        self.write(Vec::new(), Vec::new()).await;
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes a batch, with what was lost before it.
    async fn write(
        &mut self,
        mut entries: Vec<Entry>,
        mut flushes: Vec<oneshot::Sender<Result<(), StoreError>>>,
    ) {
        let (mut pause, mut tries) = (PAUSES.0, 0_u32);
        loop {
            let lost = self.dropped.swap(0, Ordering::Relaxed);
            let at = entries.first().map_or(self.latest, |entry| entry.at);
            let told = (lost > 0).then(|| Entry::new(at, &AuditEvent::EventsDropped { count: lost }));
            let told = told.flatten().is_some_and(|told| {
                entries.insert(0, told);
                true
            });
            let written = if entries.is_empty() { Ok(()) } else { self.log.append(&entries).await };
            let Err(error) = written else {
                for flush in flushes {
                    // Who does not wait any more does not need it.
                    let _ = flush.send(Ok(()));
                }
                return;
            };
            if told {
                entries.remove(0);
                self.dropped.fetch_add(lost, Ordering::Relaxed);
            }
            if let Some(flush) = flushes.pop() {
                let _ = flush.send(Err(error));
            }
            for flush in flushes.drain(..) {
                let _ = flush.send(Err(StoreError::not_written("audit log")));
            }
            tries = tries.saturating_add(1);
            if tries >= LAST_TRIES && self.jobs.is_closed() {
                let lost = u64::try_from(entries.len()).unwrap_or(u64::MAX);
                self.dropped.fetch_add(lost, Ordering::Relaxed);
                return;
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSES.1);
        }
    }
}

impl fmt::Debug for SqlAuditWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlAuditWriter").finish_non_exhaustive()
    }
}
