//! A session as a store keeps it.

mod encoding;
mod marker;
mod rules;

use std::{sync::Arc, time::Duration};

use crate::{
    AuthEpoch, Authentication, PrincipalId, SecretHash, SessionId, SessionOwner, UnixTime,
    session_blob::SessionBlob, session_terms::SessionTerms, store::Version,
};

pub use marker::EpochMarker;

/// What sort of thing carries the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionKind {
    /// A browser's cookie.
    Cookie,
    /// The refresh token of an API client.
    Refresh,
}

impl SessionKind {
    /// The word that stores keep: `cookie` or `refresh`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Refresh => "refresh",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "cookie" => Some(Self::Cookie),
            "refresh" => Some(Self::Refresh),
            _ => None,
        }
    }
}

/// The hashes of the secrets that a session is opened with, and what is known of their use.
///
/// Rotation changes the secret of one row; the session's id stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretState {
    /// Hash of the secret that opens the session.
    pub current: SecretHash,
    /// Hash of the one before, if it may still be seen: never after a login or a privilege change.
    pub previous: Option<SecretHash>,
    /// When the current one replaced the one before; the start of the session at first.
    pub rotated_at: UnixTime,
    /// Whether the current one was ever presented, which proves that its holder received it.
    pub seen: bool,
    /// How often the secret was replaced.
    pub generation: u64,
    /// How often the current one was handed out again because its answer may have been lost.
    pub reissued: u32,
}

impl SecretState {
    /// The state of a new session.
    #[must_use]
    pub const fn first(current: SecretHash, now: UnixTime) -> Self {
        Self { current, previous: None, rotated_at: now, seen: false, generation: 0, reissued: 0 }
    }

    /// The state after a periodic rotation: the old secret works for a little longer.
    #[must_use]
    pub const fn rotated(&self, next: SecretHash, now: UnixTime) -> Self {
        Self {
            current: next,
            previous: Some(self.current),
            rotated_at: now,
            seen: false,
            generation: self.generation.saturating_add(1),
            reissued: 0,
        }
    }

    /// The state after a login or a privilege change: the old secret is dead at once.
    #[must_use]
    pub const fn replaced(&self, next: SecretHash, now: UnixTime) -> Self {
        Self {
            current: next,
            previous: None,
            rotated_at: now,
            seen: false,
            generation: self.generation.saturating_add(1),
            reissued: 0,
        }
    }

    /// The state after the answer to a rotation was lost: another successor, the same old secret.
    #[must_use]
    pub const fn reissued(&self, next: SecretHash, now: UnixTime) -> Self {
        Self {
            current: next,
            previous: self.previous,
            rotated_at: now,
            seen: false,
            generation: self.generation,
            reissued: self.reissued.saturating_add(1),
        }
    }

    /// How long ago the current secret replaced the one before. `None` if that lies further ahead of `now` than
    /// [`SessionRecord::CLOCK_SKEW`]: it was replaced under a clock that was wrong, so that nothing may depend on its being
    /// recent.
    #[must_use]
    pub const fn age(&self, now: UnixTime) -> Option<Duration> {
        self.rotated_at.age_at(now, SessionRecord::CLOCK_SKEW)
    }

    /// The state once the current secret was presented.
    #[must_use]
    pub const fn confirmed(&self) -> Self {
        Self { seen: true, ..*self }
    }
}

/// What a presented secret means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a presented secret that nobody looks at is an open door"]
pub enum Presented {
    /// The secret of the session.
    Current,
    /// The one before, soon enough after a rotation: a request that was already under way.
    InGrace,
    /// The one before, and the current one was never seen: the answer with it was lost. Issue another.
    LostAnswer,
    /// The one before, although its successor was received: somebody has a copy. End the session.
    Replayed,
    /// Not a secret of this session.
    Unknown,
}

/// One session, as a store keeps it. Cheap to clone.
///
/// Serde writes all of it, for stores that keep bytes; [`summary`](Self::summary) is what people may see.
/// [`update`](Self::update), [`rotate`](Self::rotate) and [`touch`](Self::touch) are what the methods of a
/// [`SessionStore`](crate::SessionStore) make of it, for stores to write down; they change this value alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The row's key.
    pub id: SessionId,
    /// What carries it.
    pub kind: SessionKind,
    /// The login behind it, or `None` while nobody is logged in.
    pub authentication: Option<Arc<Authentication>>,
    /// What was settled when it began, or `None` if that is nothing but the policy. Never changes.
    pub terms: Option<Arc<SessionTerms>>,
    /// What it is opened with.
    pub secret: SecretState,
    /// Goes up with each change of secret or data.
    pub version: Version,
    /// When it began.
    pub created_at: UnixTime,
    /// When it was last known to be used; as exact as touches are frequent.
    pub last_used_at: UnixTime,
    /// When it ends unless it is used.
    pub idle_until: UnixTime,
    /// When it ends in any case.
    pub absolute_until: UnixTime,
    /// The application's data.
    pub data: SessionBlob,
}

impl SessionRecord {
    /// How long the old secret works after a rotation whose answer arrived: 30 s.
    pub const GRACE: Duration = Duration::from_secs(30);
    /// How long after a rotation an unseen successor is waited for before another is made: 10 s.
    pub const LOST_AFTER: Duration = Duration::from_secs(10);
    /// How far the clocks of servers that share a store may be apart: 10 s, as long as an answer is waited for.
    pub const CLOCK_SKEW: Duration = Self::LOST_AFTER;

    /// When it ends if nothing more happens.
    #[must_use]
    pub fn ends_at(&self) -> UnixTime {
        self.idle_until.min(self.absolute_until)
    }

    /// Whether it is alive. A deadline itself is no longer alive.
    #[must_use]
    pub fn is_live(&self, now: UnixTime) -> bool {
        now < self.ends_at()
    }

    /// Whose it is.
    #[must_use]
    pub fn principal(&self) -> Option<&PrincipalId> {
        self.authentication.as_ref().map(|authentication| &authentication.principal)
    }

    /// Whether somebody else acts in it for whose it is.
    #[must_use]
    pub fn has_actor(&self) -> bool {
        self.authentication.as_ref().is_some_and(|authentication| authentication.actor.is_some())
    }

    /// The epoch of its login; zero while nobody is logged in.
    #[must_use]
    pub fn epoch(&self) -> AuthEpoch {
        self.authentication.as_ref().map_or(AuthEpoch::ZERO, |authentication| authentication.epoch)
    }

    /// What a presented secret means. Pure; both hashes are always compared, in constant time.
    ///
    /// A rotation that lies [ahead](SecretState::age) gives no grace: the clock that it was made by was wrong.
    pub fn present(&self, presented: &SecretHash, now: UnixTime) -> Presented {
        let current = self.secret.current.ct_eq(presented);
        let previous = self.secret.previous.is_some_and(|previous| previous.ct_eq(presented));
        let age = self.secret.age(now);
        match (current, previous, self.secret.seen) {
            (true, _, _) => Presented::Current,
            (false, true, true) if age.is_some_and(|age| age <= Self::GRACE) => Presented::InGrace,
            (false, true, true) => Presented::Replayed,
            (false, true, false) if age.is_some_and(|age| age < Self::LOST_AFTER) => Presented::InGrace,
            (false, true, false) => Presented::LostAnswer,
            (false, false, _) => Presented::Unknown,
        }
    }

    /// What may be shown of it.
    #[must_use]
    pub fn summary(&self) -> SessionSummary {
        SessionSummary {
            id: self.id,
            kind: self.kind,
            authentication: self.authentication.clone(),
            terms: self.terms.clone(),
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            ends_at: self.ends_at(),
        }
    }
}

/// What a person may be shown of a session. It has no secret, not even a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// Its public id, by which it can be ended.
    pub id: SessionId,
    /// What carries it.
    pub kind: SessionKind,
    /// The login behind it.
    pub authentication: Option<Arc<Authentication>>,
    /// What was settled when it began: device and place among it.
    pub terms: Option<Arc<SessionTerms>>,
    /// When it began.
    pub created_at: UnixTime,
    /// When it was last known to be used.
    pub last_used_at: UnixTime,
    /// When it ends if nothing more happens.
    pub ends_at: UnixTime,
}

/// How many sessions a principal may have at once, cookies and refresh tokens together, and what happens to one
/// more. Those in which [somebody else acts](SessionRecord::has_actor) do not count, end none and are ended for none:
/// support must neither log out whom it helps nor keep them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLimit {
    /// The most live sessions, the new one included. Zero counts as one.
    pub max: u32,
    /// What happens to one more.
    pub when_reached: WhenReached,
}

/// What happens to a session beyond a [`SessionLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenReached {
    /// It is refused.
    Refuse,
    /// It begins, and the session that was begun first ends, as often as needed; ties by id, lowest first.
    EndOldest,
}

/// What became of a new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a session that was not stored must not get a cookie"]
pub enum Inserted {
    /// It was stored.
    Stored {
        /// How many others a [`SessionLimit`] ended for it.
        ended: u32,
    },
    /// A row with its id exists; nothing was changed.
    Collision,
    /// The principal has as many sessions as it may have; nothing was changed.
    LimitReached,
    /// Everything of its epoch was ended meanwhile; nothing was stored.
    Outdated,
}

/// What became of a change of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a rotation that lost must not set a cookie"]
pub enum Rotated {
    /// The row has the new secret; its version went up by one.
    Rotated,
    /// Another writer was faster. Nothing was written.
    Conflict,
    /// There is no such session. Nothing was written.
    Gone,
}

/// Whom [`SessionStore::end_all`](crate::SessionStore::end_all) ends.
#[derive(Debug, Clone, Copy)]
pub struct EndAll<'a> {
    /// Whose sessions.
    pub owner: &'a SessionOwner,
    /// The one that lives on, moved up to `epoch`, if it is of the epoch directly before: the session of whoever
    /// raised the epoch. One of an older epoch was ended by an earlier change already, and ends with the others.
    pub except: Option<&'a SessionId>,
    /// Sessions and logins of older epochs are dead. It was raised by one.
    pub epoch: AuthEpoch,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: UnixTime = UnixTime::from_secs(10_000);

    fn hash(n: u8) -> SecretHash {
        SecretHash::of(&[n])
    }

    fn record(secret: SecretState) -> SessionRecord {
        SessionRecord {
            id: SessionId::from_bytes([0; 24]),
            kind: SessionKind::Cookie,
            authentication: None,
            terms: None,
            secret,
            version: Version::FIRST,
            created_at: START,
            last_used_at: START,
            idle_until: START.saturating_add(Duration::from_secs(100)),
            absolute_until: START.saturating_add(Duration::from_secs(1_000)),
            data: SessionBlob::empty(),
        }
    }

    fn after(secs: u64) -> UnixTime {
        START.saturating_add(Duration::from_secs(secs))
    }

    /// No grace for the old secret after a privilege change.
    #[test]
    fn a_replaced_secret_is_dead_at_once() {
        let record = record(SecretState::first(hash(1), START).replaced(hash(2), START));
        assert_eq!(record.present(&hash(1), START), Presented::Unknown);
        assert_eq!(record.present(&hash(2), START), Presented::Current);
    }

    #[test]
    fn the_previous_secret_means_what_time_and_confirmation_say() {
        let unseen = SecretState::first(hash(1), START).rotated(hash(2), START);
        let seen = unseen.confirmed();
        for (state, secs, expected) in [
            (&unseen, 0, Presented::InGrace),
            (&unseen, 9, Presented::InGrace),
            (&unseen, 10, Presented::LostAnswer),
            (&unseen, 10_000, Presented::LostAnswer),
            (&seen, 30, Presented::InGrace),
            (&seen, 31, Presented::Replayed),
        ] {
            assert_eq!(
                record(state.clone()).present(&hash(1), after(secs)),
                expected,
                "{secs} {}",
                state.seen
            );
        }
    }

    /// A rotation under a clock that was ahead must not keep the old secret alive until that time has come: it is not
    /// known how long ago it was.
    #[test]
    fn a_rotation_that_lies_ahead_gives_no_grace_beyond_what_clocks_may_differ() {
        let unseen = SecretState::first(hash(1), START).rotated(hash(2), after(100));
        let seen = unseen.confirmed();
        for (state, secs, expected) in [
            (&seen, 90, Presented::InGrace),
            (&seen, 89, Presented::Replayed),
            (&seen, 0, Presented::Replayed),
            (&unseen, 90, Presented::InGrace),
            (&unseen, 89, Presented::LostAnswer),
        ] {
            let record = record(state.clone());
            assert_eq!(record.present(&hash(1), after(secs)), expected, "{secs} {}", state.seen);
            assert_eq!(record.present(&hash(2), after(secs)), Presented::Current);
        }
        assert_eq!((seen.age(after(89)), seen.age(after(90))), (None, Some(Duration::ZERO)));
        assert_eq!(seen.age(after(103)), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_deadline_itself_is_over() {
        let record = record(SecretState::first(hash(1), START));
        assert!(record.is_live(after(99)));
        assert!(!record.is_live(after(100)));
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Rotate,
        Replace,
        Reissue,
        Confirm,
    }

    proptest! {
        /// Whatever happened before, one secret is current, at most one other is known, and no secret that
        /// is neither opens anything.
        #[test]
        fn only_the_last_two_secrets_are_ever_known(
            steps in proptest::collection::vec(
                prop_oneof![Just(Step::Rotate), Just(Step::Replace), Just(Step::Reissue), Just(Step::Confirm)],
                0..12,
            ),
            wait in 0_u64..100,
        ) {
            let mut state = SecretState::first(hash(0), START);
            let mut fresh = 0;
            for step in steps {
                fresh += 1;
                state = match step {
                    Step::Rotate => state.rotated(hash(fresh), START),
                    Step::Replace => state.replaced(hash(fresh), START),
                    Step::Reissue => state.reissued(hash(fresh), START),
                    Step::Confirm => state.confirmed(),
                };
            }
            let record = record(state);
            let known: Vec<_> =
                (0..=fresh).map(|n| record.present(&hash(n), after(wait))).filter(|p| *p != Presented::Unknown).collect();
            prop_assert!((1..=2).contains(&known.len()));
            prop_assert_eq!(known.iter().filter(|p| **p == Presented::Current).count(), 1);
        }
    }
}
