//! Refreshes at once, on OS threads behind a barrier.

use auth_core::testing::block_on;
use auth_session::RefreshError;

use crate::{
    races::{ROUNDS, at_once},
    refresh::{Api, secs, text},
};

const CLIENTS: usize = 6;

/// One successor, and everybody gets it (supabase/auth#2026 and many).
#[test]
fn parallel_refreshes_get_one_successor() {
    for _ in 0..ROUNDS {
        let api = Api::new();
        let first = api.log_in("ann");
        let answers = at_once(CLIENTS, |_| text(&api.refresh(&first).unwrap().token));
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_ne!(answers[0], text(&first));
        assert!(!api.app.has_audit("session.replayed") && !api.app.has_audit("session.reissued"));
        assert_eq!(api.app.rows(), 1);
    }
}

/// A client comes back with several requests after its answer was lost: it counts once, and nobody is locked out.
#[test]
fn parallel_refreshes_after_a_lost_answer_count_as_one() {
    for _ in 0..ROUNDS {
        let api = Api::new();
        let first = api.log_in("ann");
        let lost = text(&api.next(&first));
        for burst in 1..=2 {
            api.app.step(secs(60));
            let answers = at_once(CLIENTS, |_| text(&api.refresh(&first).unwrap().token));
            assert!(answers.iter().all(|answer| *answer == lost));
            let events = api.app.audit.events();
            let count = events.iter().filter(|(_, event)| event.name() == "session.reissued").count();
            assert_eq!(count, burst);
        }
        assert!(!api.app.has_audit("session.replayed"));
    }
}

/// Whoever is first, a login that was ended is over, and no refresh brings it back.
#[test]
fn a_logout_beats_every_refresh_under_way() {
    for _ in 0..ROUNDS {
        let api = Api::new();
        let first = api.log_in("ann");
        let answers = at_once(CLIENTS, |client| {
            if client == 0 {
                block_on(api.tokens.revoke(&first)).unwrap();
                return None;
            }
            match api.refresh(&first) {
                Ok(refreshed) => Some(refreshed.token),
                Err(RefreshError::Rejected(_)) => None,
                Err(other) => panic!("{other}"),
            }
        });
        for token in answers.iter().flatten() {
            assert!(api.refresh(token).is_err());
        }
        assert!(api.refresh(&first).is_err());
        assert_eq!(api.app.rows(), 0);
    }
}

/// A copy that is used at the same time as the client's own token gives nobody two branches: all that comes out is
/// one token, and it is worth nothing once the login was ended for a replay.
#[test]
fn parallel_replays_end_the_login_for_everybody() {
    for _ in 0..ROUNDS {
        let api = Api::new();
        let first = api.log_in("ann");
        let second = api.next(&first);
        let third = api.next(&second);
        let answers = at_once(CLIENTS, |client| {
            let token = if client % 2 == 0 { &first } else { &third };
            api.refresh(token).map(|refreshed| text(&refreshed.token)).ok()
        });
        let mut fresh: Vec<_> = answers.iter().flatten().collect();
        fresh.dedup();
        assert!(fresh.len() <= 1);
        assert!(answers.iter().step_by(2).all(Option::is_none));
        assert_eq!(api.app.rows(), 0);
        assert!(api.app.has_audit("session.replayed"));
    }
}
