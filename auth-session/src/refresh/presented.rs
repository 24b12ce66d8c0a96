//! What a refresh token that is genuine means. Pure.
//!
//! A row knows two tokens. The current one is replaced whenever it is presented, so whoever presents the previous
//! one comes while the current one was never seen:
//!
//! ```text
//!   presented      since it was replaced                            answer
//!   ------------   ----------------------------------------------   -------------------------------
//!   current                                                         the next one, which is current now
//!   previous       within 30 s of it or of a re-issue               the current one
//!   previous       within 10 min, re-issued less than twice         the current one, written down
//!   previous       later, or more often                             the login ends
//!   any other                                                       the login ends
//! ```
//!
//! What was replaced under a clock that is further ahead than clocks may differ is "later".
//!
//! "Any other" is one of before the previous: its successor was seen, so two parties hold copies. Or it is one that
//! the row has not come to yet, as after restoring a backup of the store: what happened meanwhile is not known.

use std::time::Duration;

use auth_core::{SecretHash, SessionRecord, UnixTime};

use crate::refresh::RefreshPolicy;

/// What a genuine token of a login means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented {
    /// The one that is good for the next.
    Current,
    /// The one before, soon enough: another request of the same client was faster.
    InGrace,
    /// The one before, a little late: the answer was lost.
    LostAnswer,
    /// Somebody has a copy.
    Replayed,
}

impl Presented {
    /// Both hashes are always compared, in constant time.
    pub(super) fn find(record: &SessionRecord, presented: &SecretHash, now: UnixTime) -> Self {
        let state = &record.secret;
        let current = state.current.ct_eq(presented);
        let previous = state.previous.is_some_and(|previous| previous.ct_eq(presented));
        let is_recent = |age: Option<Duration>, most| age.is_some_and(|age| age <= most);
        let in_grace = is_recent(state.age(now), RefreshPolicy::GRACE);
        let in_time = is_recent(state.age(now), RefreshPolicy::REISSUE_FOR);
        // Re-issuing notes a use before it counts.
        let used = record.last_used_at.age_at(now, SessionRecord::CLOCK_SKEW);
        let reissued_just_now = state.reissued > 0 && is_recent(used, RefreshPolicy::GRACE);
        match (current, previous) {
            (true, _) => Self::Current,
            (false, true) if in_grace || (in_time && reissued_just_now) => Self::InGrace,
            (false, true) if in_time && state.reissued < RefreshPolicy::MAX_REISSUES => Self::LostAnswer,
            (false, _) => Self::Replayed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::{SecretState, SessionBlob, SessionId, SessionKind, Version};

    const START: UnixTime = UnixTime::from_secs(10_000);

    fn hash(n: u8) -> SecretHash {
        SecretHash::of(&[n])
    }

    fn after(secs: u64) -> UnixTime {
        START.saturating_add(Duration::from_secs(secs))
    }

    fn record(reissued: u32, last_used: u64) -> SessionRecord {
        let state = SecretState::first(hash(0), START).rotated(hash(1), START).rotated(hash(2), START);
        SessionRecord {
            id: SessionId::from_bytes([0; 24]),
            kind: SessionKind::Refresh,
            authentication: None,
            terms: None,
            secret: SecretState { reissued, ..state },
            version: Version::FIRST,
            created_at: START,
            last_used_at: after(last_used),
            idle_until: UnixTime::MAX,
            absolute_until: UnixTime::MAX,
            data: SessionBlob::empty(),
        }
    }

    #[test]
    fn the_previous_token_means_what_time_and_count_say() {
        use Presented::{InGrace, LostAnswer, Replayed};
        for (reissued, last_used, secs, expected) in [
            (0, 0, 0, InGrace),
            (0, 0, 30, InGrace),
            (0, 0, 31, LostAnswer),
            (0, 0, 600, LostAnswer),
            (0, 0, 601, Replayed),
            // A re-issue at 100 s opens the grace once more, and counts.
            (1, 100, 130, InGrace),
            (1, 100, 131, LostAnswer),
            (2, 200, 230, InGrace),
            (2, 200, 231, Replayed),
            // Nothing goes beyond the ten minutes, and a use that was no re-issue opens nothing.
            (1, 590, 600, InGrace),
            (1, 590, 601, Replayed),
            (0, 590, 601, Replayed),
            (2, 9_000, 9_000, Replayed),
        ] {
            let found = Presented::find(&record(reissued, last_used), &hash(1), after(secs));
            assert_eq!(found, expected, "{reissued} {last_used} {secs}");
        }
    }

    /// A clock that was ahead when the token was replaced, or handed out again, is right by now.
    #[test]
    fn what_lies_further_ahead_than_clocks_differ_gives_no_grace() {
        use Presented::{InGrace, Replayed};
        let before = |secs| START.saturating_sub(Duration::from_secs(secs));
        let at = |record: &SessionRecord, now| Presented::find(record, &hash(1), now);
        assert_eq!(at(&record(0, 0), before(10)), InGrace);
        assert_eq!(at(&record(0, 0), before(11)), Replayed);
        assert_eq!(at(&record(2, 0), before(11)), Replayed);
        // Handed out twice, the second time at 500 s.
        assert_eq!(at(&record(2, 500), after(490)), InGrace);
        assert_eq!(at(&record(2, 500), after(489)), Replayed);
    }

    #[test]
    fn the_current_token_is_good_and_all_others_are_replays_at_any_time() {
        for secs in [0, 30, 600, 100_000] {
            let of = |n| Presented::find(&record(0, 0), &hash(n), after(secs));
            assert_eq!(of(2), Presented::Current);
            assert_eq!((of(0), of(3)), (Presented::Replayed, Presented::Replayed));
        }
    }
}
