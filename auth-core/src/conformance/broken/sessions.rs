//! Session stores with one fault each.

mod ended;
mod list;
mod opened;
mod written;

use std::{collections::BTreeMap, sync::atomic::AtomicU64};

use async_trait::async_trait;

use super::{Gap, faults};
use crate::{
    EndAll, Inserted, Page, Rotated, SecretState, SessionBlob, SessionId, SessionLimit, SessionOwner,
    SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime, Updated, Version,
    conformance::reference::{Locked, ReferenceSessions},
};

faults! {
    /// What can be wrong with a session store.
    SessionFault {
        /// `insert` replaces the session that has the id.
        InsertOverwrites => an_id_is_inserted_once,
        /// `insert` ends sessions for the limit before it notices the collision.
        InsertEndsBeforeCollision => a_collision_ends_no_session,
        /// `insert` looks at the limit before anything else.
        InsertSaysLimitFirst => a_refused_session_names_the_first_reason,
        /// `insert` looks for the id in one step and writes in another.
        InsertNotAtomic => of_many_inserts_of_one_id_one_is_stored raced,
        /// `insert` does not look at the epoch marker.
        InsertIgnoresEpoch => a_login_that_was_under_way_is_outdated,
        /// `insert` looks at the epoch marker in one step and writes in another.
        InsertChecksEpochFirst => a_login_at_once_with_end_all_does_not_survive raced,
        /// `insert` keeps one of several methods.
        InsertKeepsOneMethod => every_login_is_kept_exactly,
        /// `insert` keeps "no scope" as "no limit".
        InsertTakesNoScopeForNoLimit => every_login_is_kept_exactly,
        /// `insert` keeps no terms.
        InsertForgetsTerms => the_terms_are_kept_exactly,
        /// `insert` keeps at most a kilobyte of data.
        InsertCutsData => data_of_every_size_is_kept_exactly,
        /// `insert` keeps times in 32 bits.
        InsertCutsTimes => every_field_is_kept_exactly,
        /// There is no limit.
        LimitIgnored => a_limit_refuses_one_session_more,
        /// The limit counts sessions that are past a deadline.
        LimitCountsTheDead => a_limit_counts_live_sessions_only,
        /// The limit counts in one step, and writes in another.
        LimitNotAtomic => logins_at_once_stay_within_a_limit_that_refuses raced,
        /// The limit ends the newest session.
        LimitEndsNewest => a_limit_ends_the_session_that_began_first,
        /// The limit ends one session, however many there are too many.
        LimitEndsOne => a_limit_ends_as_many_as_it_must,
        /// The limit counts anonymous sessions as one principal's.
        LimitCountsAnonymous => a_limit_does_not_count_anonymous_sessions,
        /// The limit counts sessions with an actor.
        LimitCountsActors => a_limit_neither_counts_nor_ends_sessions_with_an_actor,
        /// The limit ends the oldest session, with an actor or without.
        LimitEndsActors => a_limit_neither_counts_nor_ends_sessions_with_an_actor,
        /// The limit speaks against a session with an actor.
        LimitRefusesActors => a_limit_neither_counts_nor_ends_sessions_with_an_actor,
        /// `load` compares no more of the id than the tag.
        LoadByTag => a_session_is_found_by_its_id_only,
        /// `load` ignores the idle deadline.
        LoadIgnoresIdle => a_session_ends_at_its_idle_deadline,
        /// `load` ignores the absolute deadline.
        LoadIgnoresAbsolute => a_session_ends_at_its_absolute_deadline,
        /// `load` takes a deadline for the last moment of life.
        LoadAtTheDeadline => a_session_ends_at_its_idle_deadline,
        /// `load` ignores the marker, and `end_all` leaves nothing but the marker.
        LoadIgnoresEpoch => end_all_ends_every_older_session,
        /// `load` compares times as signed numbers.
        LoadTakesNeverForThePast => a_deadline_of_never_is_never_reached,
        /// `update` writes the session anew if it is gone: the classic.
        UpdateUpserts => an_update_after_removal_is_gone,
        /// `update` does not look how many rows it changed.
        UpdateIgnoresRowCount => an_update_of_no_session_makes_none,
        /// `update` ignores the version: the last writer wins.
        UpdateIgnoresVersion => an_update_of_another_version_is_a_conflict,
        /// `update` compares the version in one step and writes in another.
        UpdateNotAtomic => of_many_updates_of_one_version_one_wins raced,
        /// `update` does not move the version.
        UpdateKeepsVersion => an_update_replaces_the_data_and_nothing_else,
        /// `update` moves the idle deadline.
        UpdateMovesDeadline => an_update_replaces_the_data_and_nothing_else,
        /// `update` gives the session another hour.
        UpdateRevives => a_write_past_a_deadline_revives_nothing,
        /// `update` writes back a whole row that it read before.
        UpdateWritesTheRow => a_write_at_once_with_removal_brings_nothing_back raced,
        /// `touch` moves the deadline back.
        TouchBackwards => a_touch_never_moves_a_deadline_back,
        /// `touch` moves the idle deadline past the absolute one.
        TouchPastAbsolute => a_touch_never_passes_the_absolute_deadline,
        /// `touch` does nothing where it should stop at the absolute deadline.
        TouchStopsEarly => a_touch_never_passes_the_absolute_deadline,
        /// `touch` revives a session past its deadline.
        TouchRevives => a_touch_revives_nothing,
        /// `touch` does not look how many rows it changed.
        TouchIgnoresRowCount => a_touch_of_no_session_makes_none,
        /// `touch` moves the version.
        TouchMovesVersion => a_touch_leaves_the_version,
        /// `touch` does not note the use.
        TouchForgetsUse => a_touch_moves_the_idle_deadline_and_notes_the_use,
        /// `touch` writes back a whole row that it read before.
        TouchWritesTheRow => a_touch_and_an_update_at_once_are_both_kept raced,
        /// `touch` compares the deadline in one step and writes in another.
        TouchNotAtomic => of_touches_at_once_the_latest_deadline_stays raced,
        /// `rotate` removes the row before it writes the new one.
        RotateDeletesFirst => a_rotation_never_loses_the_session raced,
        /// `rotate` ignores the version.
        RotateIgnoresVersion => a_rotation_of_another_version_is_a_conflict,
        /// `rotate` compares the version in one step and writes in another.
        RotateNotAtomic => of_many_rotations_of_one_version_one_wins raced,
        /// `rotate` answers a conflict where there is no session.
        RotateTakesGoneForConflict => a_rotation_of_no_session_makes_none,
        /// `rotate` forgets how often the secret was replaced.
        RotateForgetsGeneration => a_rotation_replaces_the_secrets_and_nothing_else,
        /// `rotate` writes the secret in one step and the version in another.
        RotateInTwoSteps => a_session_is_never_read_half_written raced,
        /// `remove` always answers that there was a session.
        RemoveAlwaysTrue => removal_answers_whether_there_was_a_session,
        /// `remove` looks in one step and removes in another.
        RemoveNotAtomic => of_many_removals_one_ends_the_session raced,
        /// `list` ignores the realm.
        ListIgnoresRealm => a_list_has_the_sessions_of_its_owner_only,
        /// `list` compares ids without their case.
        ListIgnoresCase => principals_that_look_alike_are_kept_apart,
        /// `list` shows sessions past a deadline.
        ListShowsTheDead => a_list_has_live_sessions_only,
        /// `list` shows no terms.
        ListForgetsTerms => the_terms_are_kept_exactly,
        /// `list` has the oldest first.
        ListOldestFirst => a_list_has_the_newest_first_and_ties_by_id,
        /// `list` leaves the order of ties to chance.
        ListTiesAtRandom => a_list_has_the_newest_first_and_ties_by_id,
        /// `list` answers everything, whatever the page.
        ListIgnoresPage => a_list_is_cut_into_pages,
        /// `list` cuts the page before it leaves out the dead.
        ListCutsFirst => a_list_has_live_sessions_only,
        /// `list` looks under the current tag only.
        ListUnderOneTag => sessions_under_a_retired_key_belong_to_their_owner,
        /// `end_all` leaves no marker.
        EndAllLeavesNoMarker => a_login_that_was_under_way_is_outdated,
        /// `end_all` sets the marker lower.
        MarkerGoesDown => a_marker_never_goes_down,
        /// The marker is forgotten after an hour.
        MarkerForgotten => a_marker_is_kept_for_a_day,
        /// `purge` forgets the markers.
        PurgeForgetsMarkers => a_marker_is_kept_for_a_day,
        /// `end_all` reads the marker in one step and writes it in another.
        MarkerNotAtomic => of_markers_set_at_once_the_highest_stays raced,
        /// `end_all` ends the sessions of the same id in every realm.
        EndAllIgnoresRealm => end_all_leaves_all_other_principals_alone,
        /// `end_all` ends sessions of the new epoch too.
        EndAllEndsTheNew => end_all_leaves_sessions_of_its_epoch_and_later,
        /// `end_all` does not move the excepted session up.
        ExceptedStaysBehind => the_excepted_session_is_moved_up,
        /// `end_all` looks for the excepted session under its owner's tags only.
        ExceptedUnderOwnTags => an_excepted_session_whose_key_left_the_ring_is_moved_up,
        /// `end_all` moves an excepted session down.
        ExceptedMovesDown => the_excepted_session_is_never_moved_down,
        /// `end_all` moves an excepted session up from any epoch.
        ExceptedHoweverOld => an_excepted_session_that_was_outdated_before_ends,
        /// `end_all` moves the version of the excepted session.
        ExceptedMovesVersion => the_excepted_session_is_moved_up,
        /// `end_all` moves the excepted session up, whosever it is.
        ExceptedOfStrangers => an_excepted_session_of_another_principal_is_not_touched,
        /// `end_all` writes back an excepted row that it read before.
        ExceptedIsWrittenBack => the_excepted_session_is_moved_up_and_written_at_once raced,
        /// `end_all` ends the sessions first and sets the marker then.
        EndAllMarksLast => a_login_at_once_with_end_all_does_not_survive raced,
        /// `purge` forgets sessions that are alive for another hour.
        PurgeRemovesLive => purging_forgets_what_is_past_a_deadline_and_nothing_else,
        /// `purge` does nothing.
        PurgeDoesNothing => purging_forgets_what_is_past_a_deadline_and_nothing_else,
        /// `purge` ignores its limit.
        PurgeIgnoresLimit => purging_forgets_no_more_than_it_may,
        /// `purge` picks its rows in one step and removes them in another.
        PurgeNotAtomic => purging_does_not_forget_a_session_that_is_touched_at_once raced,
    }
}

/// A [`SessionStore`] with one fault.
#[derive(Debug)]
pub struct BrokenSessions {
    fault: SessionFault,
    gap: Gap,
    good: ReferenceSessions,
    /// What was removed, for faults that bring it back.
    removed: Locked<BTreeMap<SessionId, SessionRecord>>,
    /// When a marker was last set, for faults that forget it.
    marked_at: AtomicU64,
}

impl BrokenSessions {
    /// An empty store with this fault. What is not atomic in it is as far apart as statements that a
    /// network carries.
    #[must_use]
    pub fn new(fault: SessionFault) -> Self {
        Self::with_gap(fault, Gap::Wide)
    }

    /// The same, with what is not atomic as near together as two locks in one process: hard to notice.
    #[must_use]
    pub fn tight(fault: SessionFault) -> Self {
        Self::with_gap(fault, Gap::Tight)
    }

    fn with_gap(fault: SessionFault, gap: Gap) -> Self {
        Self {
            fault,
            gap,
            good: ReferenceSessions::default(),
            removed: Locked::default(),
            marked_at: AtomicU64::new(0),
        }
    }
}

#[async_trait]
impl SessionStore for BrokenSessions {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        self.broken_insert(record, limit, now).await
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        self.broken_load(id, now).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        self.broken_update(id, expected, data).await
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        self.broken_touch(id, idle_until, now).await
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        self.broken_rotate(id, expected, next).await
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.broken_remove(id).await
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        self.broken_list(owner, page, now).await
    }

    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        self.broken_end_all(what, now).await
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.broken_purge(now, limit).await
    }
}
