//! Events that strangers can cause as often as they like.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{AuditEvent, AuditSink, UnixTime};

/// Writes down events that anybody can cause, as often as they like, without letting them fill the log: 16 at once, and
/// one a second from then on. The others are counted, and [`AuditEvent::EventsSuppressed`] says how many there were before
/// the next that is written.
///
/// One of these is for one sort of event; what it costs does not depend on how many sources there are. The count of a
/// flood that ends is told with the next event of its sort.
///
/// ```
/// use auth_core::{AuditBudget, AuditEvent, MemoryAudit, UnixTime};
///
/// static REFUSED: AuditBudget = AuditBudget::new();
///
/// let log = MemoryAudit::new(100);
/// for _ in 0..1_000 {
///     REFUSED.record(&log, UnixTime::from_secs(7), &AuditEvent::CrossSiteRefused { source: None });
/// }
/// assert_eq!(log.events().len(), 16);
/// ```
#[derive(Debug, Default)]
pub struct AuditBudget {
    /// The second at which all that was written is paid for, at one a second.
    paid_at: AtomicU64,
    suppressed: AtomicU64,
}

impl AuditBudget {
    /// How many are written at once.
    pub const AT_ONCE: u64 = 16;

    /// Nothing was written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { paid_at: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// Writes `event` to `sink` if there were not too many of late, and otherwise counts it.
    pub fn record(&self, sink: &dyn AuditSink, at: UnixTime, event: &AuditEvent) {
        if !self.spends(at.as_secs()) {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let count = self.suppressed.swap(0, Ordering::Relaxed);
        if count > 0 {
            sink.record(at, &AuditEvent::EventsSuppressed { event: event.name(), count });
        }
        sink.record(at, event);
    }

    fn spends(&self, now: u64) -> bool {
        let spend = |paid_at: u64| {
            // Beyond what there can be, the clock was set back meanwhile, which must silence nothing.
            let latest = now.saturating_add(Self::AT_ONCE);
            let from = if (now..=latest).contains(&paid_at) { paid_at } else { now };
            (from < latest).then(|| from.saturating_add(1))
        };
        self.paid_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryAudit;

    const EVENT: AuditEvent = AuditEvent::CrossSiteRefused { source: None };

    /// Records `times` at this second, and answers how many were written, and what was said of the others.
    fn told(budget: &AuditBudget, secs: u64, times: u32) -> (usize, Vec<u64>) {
        let log = MemoryAudit::new(1_000);
        for _ in 0..times {
            budget.record(&log, UnixTime::from_secs(secs), &EVENT);
        }
        let (mut written, mut suppressed) = (0, Vec::new());
        for (_, event) in log.events() {
            match event {
                AuditEvent::EventsSuppressed { event: "cross-site.refused", count } => suppressed.push(count),
                event => {
                    assert_eq!(event, EVENT);
                    written += 1;
                }
            }
        }
        (written, suppressed)
    }

    #[test]
    fn a_flood_is_told_of_once_a_second_with_how_much_of_it_was_not() {
        let budget = AuditBudget::new();
        assert_eq!(told(&budget, 1_000, 100), (16, vec![]));
        assert_eq!(told(&budget, 1_000, 100), (0, vec![]));
        assert_eq!(told(&budget, 1_001, 100), (1, vec![184]));
        assert_eq!(told(&budget, 1_002, 1), (1, vec![99]));
        assert_eq!(told(&budget, 1_003, 1), (1, vec![]));
        assert_eq!(told(&budget, 2_000, 100), (16, vec![]));
    }

    #[test]
    fn what_comes_once_a_second_is_all_told() {
        let budget = AuditBudget::new();
        assert!((0..100).all(|secs| told(&budget, secs, 1) == (1, vec![])));
    }

    /// Otherwise it would be quiet until the old time comes again.
    #[test]
    fn a_clock_that_is_set_back_silences_nothing() {
        let budget = AuditBudget::new();
        assert_eq!(told(&budget, 10_000, 20), (16, vec![]));
        assert_eq!(told(&budget, 100, 20), (16, vec![4]));
        assert_eq!(told(&budget, u64::MAX, 2).0, 0, "the end of time has no second after it");
    }

    #[test]
    fn threads_at_once_spend_one_budget() {
        let (budget, log) = (AuditBudget::new(), MemoryAudit::new(1_000));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|_| budget.record(&log, UnixTime::from_secs(5), &EVENT)));
            }
        });
        assert_eq!(log.events().len(), 16);
        assert_eq!(told(&budget, 6, 1), (1, vec![184]));
    }
}
