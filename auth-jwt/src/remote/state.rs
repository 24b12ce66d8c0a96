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
    pub(super) unknown: UnknownKeys,
}

impl State {
    /// What there is to do without beginning another fetch; `None` if it is time for one.
    pub(super) fn turn(&self, now: UnixTime, cooldown: Duration) -> Option<Turn> {
        if self.last.is_none_or(|last| now.since(last) >= cooldown) {
            return None;
        }
        Some(match &self.flight {
            Some(flight) => Turn::Wait(Arc::clone(flight)),
            None => Turn::Cooling(self.last_error.clone()),
        })
    }

    /// The fetch under way, if it is not so old that the next who comes begins another.
    pub(super) fn flight(&self, now: UnixTime, cooldown: Duration) -> Option<Arc<Flight>> {
        match self.turn(now, cooldown) {
            Some(Turn::Wait(flight)) => Some(flight),
            _ => None,
        }
    }

    /// Begins a fetch. The one that was under way is to be given up.
    pub(super) fn begin(&mut self, now: UnixTime, fetching: Fetching) -> (Arc<Flight>, Option<Arc<Flight>>) {
        self.number = self.number.saturating_add(1);
        self.last = Some(now);
        let flight = Arc::new(Flight::new(self.number, now, fetching));
        (Arc::clone(&flight), self.flight.replace(flight))
    }

    /// A fetch has ended.
    pub(super) fn land(&mut self, number: u64) {
        self.landed = number;
        self.flight.take_if(|flight| flight.number <= number);
    }
}
