//! What a remote key set remembers between fetches.

use std::{sync::Arc, time::Duration};

use auth_core::UnixTime;

use super::{
    RefreshError,
    flight::{Fetching, Flight},
    unknown::UnknownKeys,
};

/// What a caller who wants a fetch does.
#[derive(Debug)]
pub(super) enum Turn {
    Wait(Arc<Flight>),
    /// A fetch began and ended within the cooldown; with its error, if it failed.
    Cooling(Option<Arc<RefreshError>>),
}

#[derive(Debug, Default)]
pub(super) struct State {
    flight: Option<Arc<Flight>>,
    /// When the last fetch began, and which it was.
    last: Option<UnixTime>,
    number: u64,
    /// The latest fetch that has ended.
    pub(super) landed: u64,
    /// Why that one failed, if it did.
    pub(super) last_error: Option<Arc<RefreshError>>,
    /// When the last that failed began.
    failed_at: Option<UnixTime>,
    pub(super) unknown: UnknownKeys,
}

/// How long a fetch may take before another takes its place, if the cooldown is not longer. More than the longest
/// timeout that our own client can have: a server that is slower than a short cooldown is still waited for.
const GIVE_UP_AFTER: Duration = Duration::from_secs(35);

impl State {
    /// What there is to do without beginning another fetch; `None` if it is time for one.
    pub(super) fn turn(&self, now: UnixTime, cooldown: Duration) -> Option<Turn> {
        let patience = if self.flight.is_some() { cooldown.max(GIVE_UP_AFTER) } else { cooldown };
        if self.last.is_none_or(|last| now.since(last) >= patience) {
            return None;
        }
        Some(match &self.flight {
            Some(flight) => Turn::Wait(Arc::clone(flight)),
            None => Turn::Cooling(self.last_error.clone()),
        })
    }

    /// Whether a caller who finds the keys too old, since `fresh_until`, may leave it to another to fetch them.
    ///
    /// Only where that one fetch is all that keeps the others from younger keys: they got old just now, or the
    /// fetch before has failed just now. After a long silence nobody relies on what was there before it.
    pub(super) fn is_left_to_another(
        &self,
        now: UnixTime,
        cooldown: Duration,
        fresh_until: UnixTime,
    ) -> bool {
        let is_driven = match self.turn(now, cooldown) {
            Some(Turn::Wait(flight)) => flight.is_driven(),
            _ => false,
        };
        let just_failed = |at| now.since(at) < cooldown.saturating_mul(2);
        is_driven && (now.since(fresh_until) < cooldown || self.failed_at.is_some_and(just_failed))
    }

    /// Begins a fetch. The one that was under way is to be given up.
    pub(super) fn begin(&mut self, now: UnixTime, fetching: Fetching) -> (Arc<Flight>, Option<Arc<Flight>>) {
        self.number = self.number.saturating_add(1);
        self.last = Some(now);
        let flight = Arc::new(Flight::new(self.number, now, fetching));
        (Arc::clone(&flight), self.flight.replace(flight))
    }

    /// A fetch has ended, if there was none later that has.
    pub(super) fn land(&mut self, flight: &Flight) -> bool {
        if flight.number <= self.landed {
            return false;
        }
        self.landed = flight.number;
        self.flight.take_if(|present| present.number <= flight.number);
        true
    }

    pub(super) fn fail(&mut self, flight: &Flight, error: Arc<RefreshError>) {
        self.failed_at = Some(flight.started_at);
        self.last_error = Some(error);
    }
}
