//! What is left where everything of a principal was ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SessionRecord;
use crate::{AuthEpoch, UnixTime};

/// What [`SessionStore::end_all`](crate::SessionStore::end_all) leaves for a principal: the epoch below which all of its
/// sessions have ended, those included that a login under way is about to insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochMarker {
    /// Sessions of older epochs have ended.
    pub epoch: AuthEpoch,
    /// Until when it has to be kept.
    pub keep_until: UnixTime,
}

impl EpochMarker {
    /// How long one is kept: 24 hours, longer than any login is under way.
    pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

    /// What takes the place of the marker `before`, if there was one, when everything older than `epoch` is ended at
    /// `now`. Neither its epoch nor its time ever goes down.
    #[must_use]
    pub fn raised(before: Option<Self>, epoch: AuthEpoch, now: UnixTime) -> Self {
        let new = Self { epoch, keep_until: now.saturating_add(Self::KEPT) };
        before.map_or(new, |before| Self {
            epoch: before.epoch.max(new.epoch),
            keep_until: before.keep_until.max(new.keep_until),
        })
    }

    /// Whether a session of the principal's is of an epoch that was ended.
    #[must_use]
    pub fn ends(&self, record: &SessionRecord) -> bool {
        record.authentication.is_some() && record.epoch() < self.epoch
    }

    /// Whether it may be forgotten.
    #[must_use]
    pub fn is_over(&self, now: UnixTime) -> bool {
        self.keep_until < now
    }
}
