//! The keys that a fetch has brought.

use auth_core::UnixTime;

use super::{Rules, flight::Flight, read::Read};
use crate::{KeySet, KeySetReport};

/// Keys as their issuer published them at one moment.
#[derive(Debug, Clone)]
pub struct RemoteKeys {
    keys: KeySet,
    report: KeySetReport,
    /// Of the body, to tell whether another answer is the same.
    fingerprint: [u8; 32],
    /// Which fetch has brought them.
    pub(super) number: u64,
    fetched_at: UnixTime,
    fresh_until: UnixTime,
    usable_until: UnixTime,
}

impl RemoteKeys {
    pub(super) fn new(read: Read, flight: &Flight, present: Option<&Self>, rules: &Rules) -> Self {
        let age = read.freshness.duration().unwrap_or(rules.max_age).clamp(rules.min_age, rules.max_age);
        // Within the cooldown nothing else could be fetched anyway.
        let age = age.max(rules.cooldown);
        // The answer is as old as the question.
        let fresh_until = flight.started_at.saturating_add(age);
        // What says the same again is the same set, so that nothing which was made of it is made anew.
        let keys = match present {
            Some(present) if present.fingerprint == read.fingerprint => present.keys.clone(),
            _ => read.keys,
        };
        Self {
            keys,
            report: read.report,
            fingerprint: read.fingerprint,
            number: flight.number,
            fetched_at: flight.started_at,
            fresh_until,
            usable_until: fresh_until.saturating_add(rules.stale_for),
        }
    }

    /// The same keys, which end when they were to be replaced.
    pub(super) fn withdrawn(&self) -> Self {
        Self { usable_until: self.fresh_until, ..self.clone() }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Which of the published keys are not used, and why.
    #[must_use]
    pub fn report(&self) -> &KeySetReport {
        &self.report
    }

    /// When they were asked for.
    #[must_use]
    pub fn fetched_at(&self) -> UnixTime {
        self.fetched_at
    }

    /// When they are to be replaced.
    #[must_use]
    pub fn fresh_until(&self) -> UnixTime {
        self.fresh_until
    }

    /// When they end, if they could not be replaced.
    #[must_use]
    pub fn usable_until(&self) -> UnixTime {
        self.usable_until
    }
}
