//! The suite of session stores.

mod at_once;
mod deadlines;
mod end_all;
mod end_all_at_once;
mod insert;
mod limit;
mod list;
mod purge;
mod rotate;
mod round_trip;
mod sample;
mod touch;
mod update;

use std::sync::Arc;

use super::{
    check::{Bench, checks, run},
    race::Race,
    report::Report,
};
use crate::SessionStore;

type SessionBench<'a> = Bench<'a, dyn SessionStore>;

checks! { dyn SessionStore:
    insert {
        a_session_is_found_by_its_id_only,
        an_id_is_inserted_once,
        a_collision_ends_no_session,
        a_refused_session_names_the_first_reason,
        of_many_inserts_of_one_id_one_is_stored,
    }
    round_trip {
        every_field_is_kept_exactly,
        every_login_is_kept_exactly,
        the_terms_are_kept_exactly,
        every_secret_state_is_kept_exactly,
        data_of_every_size_is_kept_exactly,
        a_deadline_of_never_is_never_reached,
        principals_that_look_alike_are_kept_apart,
    }
    deadlines {
        a_session_ends_at_its_idle_deadline,
        a_session_ends_at_its_absolute_deadline,
        a_write_past_a_deadline_revives_nothing,
    }
    limit {
        a_limit_refuses_one_session_more,
        a_limit_of_zero_counts_as_one,
        a_limit_ends_the_session_that_began_first,
        a_limit_ends_as_many_as_it_must,
        a_limit_counts_live_sessions_only,
        a_limit_counts_the_sessions_of_its_principal_only,
        a_limit_does_not_count_anonymous_sessions,
        a_limit_neither_counts_nor_ends_sessions_with_an_actor,
        logins_at_once_stay_within_a_limit_that_refuses,
        logins_at_once_stay_within_a_limit_that_ends_the_oldest,
    }
    update {
        an_update_replaces_the_data_and_nothing_else,
        an_update_of_another_version_is_a_conflict,
        an_update_after_removal_is_gone,
        an_update_of_no_session_makes_none,
        of_many_updates_of_one_version_one_wins,
        no_update_is_lost,
    }
    touch {
        a_touch_moves_the_idle_deadline_and_notes_the_use,
        a_touch_never_moves_a_deadline_back,
        a_touch_never_passes_the_absolute_deadline,
        a_touch_leaves_the_version,
        a_touch_revives_nothing,
        a_touch_of_no_session_makes_none,
        of_touches_at_once_the_latest_deadline_stays,
    }
    rotate {
        a_rotation_replaces_the_secrets_and_nothing_else,
        a_rotation_of_another_version_is_a_conflict,
        a_rotation_of_no_session_makes_none,
        of_many_rotations_of_one_version_one_wins,
        a_rotation_never_loses_the_session,
        removal_answers_whether_there_was_a_session,
        of_many_removals_one_ends_the_session,
    }
    list {
        a_list_has_the_newest_first_and_ties_by_id,
        a_list_is_cut_into_pages,
        a_list_has_live_sessions_only,
        a_list_has_the_sessions_of_its_owner_only,
        a_list_shows_what_the_sessions_hold,
        sessions_under_a_retired_key_belong_to_their_owner,
    }
    end_all {
        end_all_ends_every_older_session,
        end_all_leaves_sessions_of_its_epoch_and_later,
        end_all_leaves_all_other_principals_alone,
        a_session_that_was_ended_can_no_longer_be_written,
        the_excepted_session_is_moved_up,
        an_excepted_session_whose_key_left_the_ring_is_moved_up,
        the_excepted_session_is_never_moved_down,
        an_excepted_session_that_was_outdated_before_ends,
        an_excepted_session_of_another_principal_is_not_touched,
        an_excepted_session_that_does_not_exist_changes_nothing,
        a_login_that_was_under_way_is_outdated,
        an_outdated_login_ends_no_session,
        a_marker_never_goes_down,
        a_marker_is_kept_for_a_day,
    }
    purge {
        purging_forgets_what_is_past_a_deadline_and_nothing_else,
        purging_forgets_no_more_than_it_may,
        purging_does_not_forget_a_session_that_is_touched_at_once,
    }
    at_once {
        an_update_and_a_rotation_of_one_version_have_one_winner,
        a_touch_and_an_update_at_once_are_both_kept,
        a_touch_and_a_rotation_at_once_are_both_kept,
        a_write_at_once_with_removal_brings_nothing_back,
        a_session_is_never_read_half_written,
    }
    end_all_at_once {
        a_login_at_once_with_end_all_does_not_survive,
        a_write_at_once_with_end_all_brings_nothing_back,
        the_excepted_session_is_moved_up_and_written_at_once,
        of_markers_set_at_once_the_highest_stays,
    }
}

/// Checks a [`SessionStore`]: every sentence of its contract, and every method raced against the others.
///
/// `fresh` makes an empty store; it is called once for each check. No check keeps more than 8 sessions for
/// each round of a race, or 100, at a time.
pub async fn session_store<S, Fut>(fresh: impl Fn() -> Fut, race: &dyn Race) -> Report
where
    S: SessionStore + 'static,
    Fut: Future<Output = S>,
{
    let fresh = || async { Arc::new(fresh().await) as Arc<dyn SessionStore> };
    run("session_store", CHECKS, fresh, race).await
}
