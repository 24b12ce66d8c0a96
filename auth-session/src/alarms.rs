//! What strangers can cause as often as they like, and what the audit log is told of it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use auth_core::{AuditBudget, SessionId, UnixTime};

/// When it was told last. Whoever causes something again and again must not fill the log as well.
pub(crate) struct Alarms {
    store_full: Alarm,
    forged: Alarm,
    challenged: OfSessions,
    token_refused: OfSessions,
    /// Sessions of nobody that began.
    pub(crate) nobodys_started: AuditBudget,
    /// Those that were ended by whoever carried them.
    pub(crate) nobodys_ended: AuditBudget,
}

impl Alarms {
    /// How many seconds it is quiet after something that is nobody's in particular.
    const QUIET: u64 = 1;

    pub(crate) fn new() -> Self {
        Self {
            store_full: Alarm::default(),
            forged: Alarm::default(),
            challenged: OfSessions::new(),
            token_refused: OfSessions::new(),
            nobodys_started: AuditBudget::new(),
            nobodys_ended: AuditBudget::new(),
        }
    }

    /// Whether it is told that the store is full: once a second.
    pub(crate) fn store_full(&self, now: UnixTime) -> bool {
        self.store_full.rings(now, Self::QUIET)
    }

    /// Whether it is told that a token was forged: once a second.
    pub(crate) fn forged(&self, now: UnixTime) -> bool {
        self.forged.rings(now, Self::QUIET)
    }

    /// Whether it is told that a session was challenged: once a minute.
    pub(crate) fn challenged(&self, id: &SessionId, now: UnixTime) -> bool {
        self.challenged.rings(id, now)
    }

    /// Whether it is told that a token was refused that once was ours: once a minute.
    pub(crate) fn token_refused(&self, id: &SessionId, now: UnixTime) -> bool {
        self.token_refused.rings(id, now)
    }
}

/// The second from which on it may be told again.
#[derive(Default)]
struct Alarm(AtomicU64);

impl Alarm {
    fn rings(&self, now: UnixTime, quiet: u64) -> bool {
        let (now, known) = (now.as_secs(), self.0.load(Ordering::Relaxed));
        let next = now.saturating_add(quiet);
        let is_free = !is_quiet(known, now, quiet);
        is_free && self.0.compare_exchange(known, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Whether it is quiet until `until`. Beyond what there can be, the clock was set back meanwhile.
fn is_quiet(until: u64, now: u64, quiet: u64) -> bool {
    now < until && until <= now.saturating_add(quiet)
}

/// An alarm for each session, in as many places as there are; one that takes another's place is told anyway, for a user
/// can have ids in all of them.
struct OfSessions(Mutex<Places>);

struct Places {
    /// Who was told of last, and until when it is quiet about them.
    places: Box<[Option<(SessionId, u64)>]>,
    /// How many took another's place in this second.
    taken: (u64, u32),
}

impl OfSessions {
    const PLACES: usize = 1_024;
    /// How many seconds it is quiet about a session.
    const QUIET: u64 = 60;
    /// How many may take another's place in a second: ids that take turns must not fill the log either.
    const TURNS: u32 = 16;

    fn new() -> Self {
        Self(Mutex::new(Places { places: vec![None; Self::PLACES].into_boxed_slice(), taken: (0, 0) }))
    }

    fn rings(&self, id: &SessionId, now: UnixTime) -> bool {
        let now = now.as_secs();
        // Whatever panicked, each part of it stands for itself.
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Places { places, taken } = &mut *table;
        let Some((_, last)) = id.as_bytes().split_last_chunk() else { return true };
        let place = usize::from(u16::from_be_bytes(*last)).checked_rem(places.len());
        let Some(place) = place.and_then(|place| places.get_mut(place)) else { return true };
        if let Some((whose, _)) = place.filter(|(_, until)| is_quiet(*until, now, Self::QUIET)) {
            if taken.0 != now {
                *taken = (now, 0);
            }
            if whose == *id || taken.1 >= Self::TURNS {
                return false;
            }
            taken.1 = taken.1.saturating_add(1);
        }
        *place = Some((*id, now.saturating_add(Self::QUIET)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_000);

    fn after(secs: u64) -> UnixTime {
        UnixTime::from_secs(NOW.as_secs() + secs)
    }

    /// The nth of the ids that have one place.
    fn id(n: u8) -> SessionId {
        let mut bytes = [0; 24];
        bytes[0] = n;
        SessionId::from_bytes(bytes)
    }

    #[test]
    fn an_id_silences_no_other_that_has_its_place() {
        let alarms = Alarms::new();
        assert!(alarms.challenged(&id(1), NOW));
        assert!(!alarms.challenged(&id(1), after(59)));
        assert!(alarms.challenged(&id(2), after(59)));
        assert!(!alarms.challenged(&id(2), after(118)));
        assert!(alarms.challenged(&id(2), after(119)));
    }

    /// Whoever has two ids for one place takes turns with them.
    #[test]
    fn ids_that_take_turns_are_told_a_few_times_a_second() {
        let alarms = Alarms::new();
        let told = |at| (0..100).filter(|n| alarms.challenged(&id(n % 2), at)).count();
        assert_eq!((told(NOW), told(NOW), told(after(1))), (17, 0, 16));
        let free = SessionId::from_bytes([1; 24]);
        assert!(alarms.challenged(&free, after(1)), "a place that is free asks for none of that");
    }

    #[test]
    fn a_challenge_silences_no_refused_token() {
        let alarms = Alarms::new();
        assert!(alarms.challenged(&id(1), NOW) && alarms.token_refused(&id(1), NOW));
        assert!(!alarms.challenged(&id(1), NOW) && !alarms.token_refused(&id(1), NOW));
    }

    /// Otherwise it would be quiet until the old time comes again.
    #[test]
    fn a_clock_that_is_set_back_silences_nothing() {
        let (alarms, later) = (Alarms::new(), after(3_600));
        let all = |at| {
            [
                alarms.challenged(&id(1), at),
                alarms.token_refused(&id(1), at),
                alarms.forged(at),
                alarms.store_full(at),
            ]
        };
        assert_eq!((all(later), all(later)), ([true; 4], [false; 4]));
        assert_eq!((all(NOW), all(NOW)), ([true; 4], [false; 4]));
    }
}
