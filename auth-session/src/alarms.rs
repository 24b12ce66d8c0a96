//! What strangers can cause as often as they like, and what the audit log is told of it.

use std::sync::atomic::{AtomicU64, Ordering};

use auth_core::{SessionId, UnixTime};

/// When it was told last. Whoever causes something again and again must not fill the log as well.
pub(crate) struct Alarms {
    store_full: Alarm,
    forged: Alarm,
    /// Those of a session are told apart by a few bits of its id, which nobody outside chooses.
    sessions: Box<[Alarm]>,
}

impl Alarms {
    const SLOTS: usize = 1_024;
    /// How long it is quiet after something that is nobody's in particular.
    const QUIET: u64 = 1;
    /// How long it is quiet about a session.
    const QUIET_OF_A_SESSION: u64 = 60;

    pub(crate) fn new() -> Self {
        let sessions = (0..Self::SLOTS).map(|_| Alarm::default()).collect();
        Self { store_full: Alarm::default(), forged: Alarm::default(), sessions }
    }

    /// Whether it is told that the store is full: once a second.
    pub(crate) fn store_full(&self, now: UnixTime) -> bool {
        self.store_full.rings(now, Self::QUIET)
    }

    /// Whether it is told that a token was forged: once a second.
    pub(crate) fn forged(&self, now: UnixTime) -> bool {
        self.forged.rings(now, Self::QUIET)
    }

    /// Whether it is told what was refused to a session that once was ours: once a minute.
    pub(crate) fn session(&self, id: &SessionId, now: UnixTime) -> bool {
        let Some((_, last)) = id.as_bytes().split_last_chunk() else { return true };
        let slot = usize::from(u16::from_be_bytes(*last)).checked_rem(self.sessions.len());
        let alarm = slot.and_then(|slot| self.sessions.get(slot));
        alarm.is_none_or(|alarm| alarm.rings(now, Self::QUIET_OF_A_SESSION))
    }
}

/// The second from which on it may be told again.
#[derive(Default)]
struct Alarm(AtomicU64);

impl Alarm {
    fn rings(&self, now: UnixTime, quiet: u64) -> bool {
        let (now, known) = (now.as_secs(), self.0.load(Ordering::Relaxed));
        let next = now.saturating_add(quiet);
        known <= now && self.0.compare_exchange(known, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
