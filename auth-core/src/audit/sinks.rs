//! The sinks that come with the toolkit.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use crate::{
    StoreError, UnixTime,
    audit::{AuditEvent, AuditSink, DurableAudit},
};

/// Writes nothing down. For programs that have no audit log and say so.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiscardAudit;

impl AuditSink for DiscardAudit {
    fn record(&self, _: UnixTime, _: &AuditEvent) {}
}

/// Keeps the latest events in memory: for tests, and for a page that shows them.
#[derive(Debug)]
pub struct MemoryAudit {
    capacity: usize,
    events: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<(UnixTime, AuditEvent)>,
    dropped: u64,
}

impl MemoryAudit {
    /// A log of the latest `capacity` events; older ones are dropped and counted.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, events: Mutex::default() }
    }

    /// What is kept, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<(UnixTime, AuditEvent)> {
        self.lock().events.iter().cloned().collect()
    }

    /// How many events were dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Whether an event of this [name](AuditEvent::name) is kept.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.lock().events.iter().any(|(_, event)| event.name() == name)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        // A panic elsewhere leaves the list as it was before or after one push: both are fine.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditSink for MemoryAudit {
    fn record(&self, at: UnixTime, event: &AuditEvent) {
        let mut kept = self.lock();
        kept.events.push_back((at, event.clone()));
        while kept.events.len() > self.capacity {
            kept.events.pop_front();
            kept.dropped = kept.dropped.saturating_add(1);
        }
    }
}

/// For tests: nothing is lost while the process lives, because an event for which there is no room is refused.
impl DurableAudit for MemoryAudit {
    fn append(&self, at: UnixTime, events: &[AuditEvent]) -> Result<(), StoreError> {
        let mut kept = self.lock();
        if kept.events.len().saturating_add(events.len()) > self.capacity {
            return Err(StoreError::full());
        }
        kept.events.extend(events.iter().map(|event| (at, event.clone())));
        Ok(())
    }
}

/// Writes events to `tracing`, with target `auth` and level `INFO`, or `WARN` for what should not happen in a
/// quiet system: replays, overload, full stores, messages that were not sent, events that were lost or too many.
#[cfg(feature = "tracing")]
#[derive(Debug, Clone, Copy, Default)]
pub struct TracingAudit;

#[cfg(feature = "tracing")]
impl AuditSink for TracingAudit {
    fn record(&self, at: UnixTime, event: &AuditEvent) {
        let (at, name) = (at.as_secs(), event.name());
        match event {
            AuditEvent::SessionReplayed { .. }
            | AuditEvent::NotSent { .. }
            | AuditEvent::Unanswered { .. }
            | AuditEvent::Overloaded { .. }
            | AuditEvent::EventsSuppressed { .. }
            | AuditEvent::EventsDropped { .. }
            | AuditEvent::StoreFull { .. } => {
                tracing::warn!(target: "auth", at, name, ?event);
            }
            _ => tracing::info!(target: "auth", at, name, ?event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_events_are_kept_and_the_rest_is_counted() {
        let log = MemoryAudit::new(2);
        for what in ["a", "b", "c"] {
            log.record(UnixTime::EPOCH, &AuditEvent::Overloaded { what });
        }
        let kept: Vec<_> = log.events().into_iter().map(|(_, event)| event).collect();
        assert_eq!(kept, [AuditEvent::Overloaded { what: "b" }, AuditEvent::Overloaded { what: "c" }]);
        assert_eq!(log.dropped(), 1);
        assert!(log.has("overloaded") && !log.has("login"));
    }
}
