//! How much a store may hold, and who is told when it is full.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::{AuditEvent, AuditSink, StoreError, UnixTime};

/// What the numbers of rows suffice for if all of them are on one shard.
pub(super) const MOST: usize = u32::MAX as usize - 64;

/// How many expired rows leave when one is added: more than come in, so that they cannot pile up.
pub(super) const SWEPT: usize = 2;

/// Counts the rows of a store over all its shards.
#[derive(Debug)]
pub(super) struct Room {
    capacity: usize,
    used: AtomicUsize,
}

/// The right to add one row. It goes back when it is dropped, unless it was [used](Self::used).
#[derive(Debug)]
#[must_use]
pub(super) struct Place<'a>(Option<&'a Room>);

impl Room {
    pub(super) const fn new(capacity: usize) -> Self {
        Self { capacity, used: AtomicUsize::new(0) }
    }

    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many rows there are, those included that are about to be added.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// A free place, if there is one.
    pub(super) fn take(&self) -> Option<Place<'_>> {
        let more = |used: usize| used.checked_add(1).filter(|used| *used <= self.capacity);
        // Relaxed, here and below: the count orders nothing; rows are seen through the locks of their shards.
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Place(Some(self)))
    }

    /// The place of a row that was just removed, kept instead of left.
    pub(super) const fn inherit(&self) -> Place<'_> {
        Place(Some(self))
    }

    /// Gives back the places of rows that were removed.
    pub(super) fn leave(&self, rows: usize) {
        if rows > 0 {
            self.used.fetch_sub(rows, Ordering::Relaxed);
        }
    }
}

impl Place<'_> {
    /// A row has it now.
    pub(super) fn used(mut self) {
        self.0 = None;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(room) = self.0 {
            room.leave(1);
        }
    }
}

/// Tells the audit sink that a store is full, at most once a second: who fills a store must not fill the
/// log as well.
pub(super) struct Alarm {
    store: &'static str,
    sink: Option<Arc<dyn AuditSink>>,
    /// The second from which on it may be told again.
    next: AtomicU64,
}

impl Alarm {
    pub(super) const fn new(store: &'static str) -> Self {
        Self { store, sink: None, next: AtomicU64::new(0) }
    }

    pub(super) fn set_sink(&mut self, sink: Arc<dyn AuditSink>) {
        self.sink = Some(sink);
    }

    /// The error to answer with. Not to be called under a lock: the sink is somebody else's code.
    pub(super) fn full(&self, now: UnixTime) -> StoreError {
        let next = now.as_secs().saturating_add(1);
        if let Some(sink) = &self.sink
            && self.next.fetch_max(next, Ordering::Relaxed) < next
        {
            sink.record(now, &AuditEvent::StoreFull { store: self.store });
        }
        StoreError::full()
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("store", &self.store).field("audited", &self.sink.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryAudit;

    #[test]
    fn a_place_that_is_not_used_goes_back() {
        let room = Room::new(1);
        let place = room.take().unwrap();
        assert!(room.take().is_none());
        drop(place);
        room.take().unwrap().used();
        assert!(room.take().is_none());
        room.leave(1);
        assert_eq!(room.used(), 0);
    }

    #[test]
    fn a_full_store_is_told_of_once_a_second() {
        let log = Arc::new(MemoryAudit::new(10));
        let mut alarm = Alarm::new("rows");
        alarm.set_sink(log.clone());
        for secs in [5, 5, 5, 6, 6, 4] {
            assert!(matches!(alarm.full(UnixTime::from_secs(secs)), StoreError::Full));
        }
        let event = AuditEvent::StoreFull { store: "rows" };
        let at = |secs| (UnixTime::from_secs(secs), event.clone());
        assert_eq!(log.events(), [at(5), at(6)]);
    }
}
