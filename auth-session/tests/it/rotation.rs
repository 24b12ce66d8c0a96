//! The secret changes, and the session stays.

use std::time::Duration;

use auth_core::{AuditEvent, AuthEpoch, Method, testing::block_on};
use auth_session::{EpochCheck, RotateError, SetCookie};

use crate::support::{App, Browser, Cart, ROTATION, login, name_of, policy, user};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A browser whose secret was just replaced by age, and the same browser as it was before.
fn rotated(app: &App) -> (Browser, Browser) {
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.step(ROTATION);
    let before = browser.clone();
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    assert_ne!(browser, before, "the secret is as old as it may become");
    assert_eq!(browser.id_text(), before.id_text());
    (browser, before)
}

/// No grace after a change of privilege (OWASP).
#[test]
fn a_privilege_change_kills_the_old_secret_at_once() {
    let app = App::new();
    let mut browser = Browser::new();
    let id = app.log_in(&mut browser, "ann");
    let mut thief = browser.clone();
    app.request(&mut browser, |session| block_on(session.rotate()).unwrap());
    assert_eq!(browser.id_text(), thief.id_text());
    assert_eq!(app.who(&mut thief), None);
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    assert_eq!(app.sessions_of("ann"), [id]);
}

/// A request that began under the stolen secret must not write into the session after the change.
#[test]
fn a_request_under_the_old_secret_writes_nothing_after_a_privilege_change() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let mut slow_thief = app.open(&browser);
    slow_thief.set(&Cart(vec![666])).unwrap();
    app.request(&mut browser, |session| block_on(session.rotate()).unwrap());
    let outgoing = block_on(slow_thief.commit());
    assert!(outgoing.saved().is_err() && outgoing.cookie().is_none());
    assert_eq!(app.request(&mut browser, |session| session.get::<Cart>().unwrap()), None);
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
}

/// A second factor comes with a login of its own: new id, new secret, same data.
#[test]
fn a_step_up_is_a_new_session_with_the_same_data() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
    let mut before = browser.clone();
    let stronger = auth_core::Login::assertion(
        login("ann")
            .into_authentication()
            .with_methods(vec![Method::PASSWORD, Method::ONE_TIME_CODE])
            .with_assurance(auth_core::Assurance::Aal2),
    );
    app.request(&mut browser, |session| block_on(session.start(stronger)).unwrap());
    assert_eq!(app.who(&mut before), None);
    app.request(&mut browser, |session| {
        assert_eq!(session.authenticated().unwrap().assurance(), auth_core::Assurance::Aal2);
        assert_eq!(session.get::<Cart>().unwrap(), Some(Cart(vec![1])));
    });
}

#[test]
fn a_secret_is_replaced_by_age_and_never_raises_assurance() {
    let app = App::new();
    let (browser, _) = rotated(&app);
    let session = app.open(&browser);
    let who = session.authenticated().unwrap().authentication();
    assert_eq!((who.at, who.assurance), (crate::support::START, auth_core::Assurance::Aal1));
    let mut visitor = Browser::new();
    app.request(&mut visitor, |session| session.set(&Cart(vec![1])).unwrap());
    let before = visitor.clone();
    app.step(ROTATION);
    app.who(&mut visitor);
    assert_eq!(visitor, before, "a visitor's secret opens nothing worth the write");
}

#[test]
fn without_rotation_the_secret_stays() {
    let app = App::with(policy().without_rotation(), EpochCheck::by_session_store_only());
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let before = browser.clone();
    app.step(ROTATION);
    app.who(&mut browser);
    assert_eq!(browser, before);
}

/// Requests that were under way when the secret changed must not log their sender out (pow#435).
#[test]
fn requests_under_way_work_with_the_old_secret_and_change_nothing() {
    let app = App::new();
    let (mut browser, before) = rotated(&app);
    for wait in [0, 9] {
        app.step(secs(wait));
        let mut late = before.clone();
        assert_eq!(app.who(&mut late).as_deref(), Some("ann"));
        assert_eq!(late, before, "the answer with the new secret is on its way");
    }
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    app.step(secs(21));
    let mut late = before.clone();
    assert_eq!(app.who(&mut late).as_deref(), Some("ann"), "30 s after the rotation");
    assert_eq!(late, before);
}

/// The first use of the new secret is written down once, and from then on the old one is a copy.
#[test]
fn the_old_secret_after_its_successor_was_seen_ends_the_session() {
    let app = App::new();
    let (mut browser, mut thief) = rotated(&app);
    app.store.writes();
    app.who(&mut browser);
    app.who(&mut browser);
    assert_eq!(app.store.writes().into_iter().collect::<Vec<_>>(), [("rotate", 1)]);
    app.step(secs(31));
    assert_eq!(app.who(&mut thief), None);
    assert_eq!(app.who(&mut browser), None, "nobody can tell who of the two is the thief");
    assert_eq!(app.rows(), 0);
    let replayed = app.audit.events().into_iter().any(|(_, event)| {
        matches!(event, AuditEvent::SessionReplayed { principal: Some(who), .. } if who == user("ann"))
    });
    assert!(replayed);
}

/// A lost answer must not log honest people out: the lid was closed before it came.
#[test]
fn a_lost_answer_is_made_good_however_late() {
    for wait in [10, 31, 600] {
        let app = App::new();
        let (mut lost, mut browser) = rotated(&app);
        app.step(secs(wait));
        let before = browser.clone();
        assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
        assert_ne!(browser, before);
        assert!(app.has_audit("session.reissued"));
        assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
        // The answer that was lost is worth nothing to whoever found it.
        assert_eq!(app.who(&mut lost), None);
        assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
        // And the healing is over: the old secret is a copy now.
        app.step(secs(31));
        assert_eq!(app.who(&mut before.clone()), None);
        assert_eq!(app.who(&mut browser), None);
    }
}

#[test]
fn an_answer_can_be_lost_again_and_again() {
    let app = App::new();
    let (_, browser) = rotated(&app);
    for _ in 0..20 {
        app.step(secs(10));
        let mut try_again = browser.clone();
        assert_eq!(app.who(&mut try_again).as_deref(), Some("ann"));
        assert_ne!(try_again, browser);
    }
}

/// A grace window that promotes an old secret after step-up is fixation.
#[test]
fn a_privilege_change_ends_the_grace_of_the_secret_before() {
    let app = App::new();
    let (mut browser, mut before) = rotated(&app);
    app.request(&mut browser, |session| block_on(session.rotate()).unwrap());
    assert_eq!(app.who(&mut before), None);
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
}

/// Data and a due rotation in one request: both happen, in that order.
#[test]
fn data_is_saved_in_the_request_that_rotates() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.step(ROTATION);
    let before = browser.clone();
    app.store.writes();
    app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
    assert_ne!(browser, before);
    assert_eq!(
        app.store.writes().into_iter().collect::<Vec<_>>(),
        [("rotate", 1), ("touch", 1), ("update", 1)]
    );
    assert_eq!(app.request(&mut browser, |session| session.get::<Cart>().unwrap()), Some(Cart(vec![1])));
}

#[test]
fn without_a_session_there_is_nothing_to_rotate() {
    let app = App::new();
    let mut session = app.open(&Browser::new());
    assert!(matches!(block_on(session.rotate()), Err(RotateError::Ended)));
    assert!(matches!(block_on(session.end_all_others(AuthEpoch::new(1))), Err(RotateError::Ended)));
}

/// A session that was ended elsewhere is noticed by the change of privilege, before anything is granted.
#[test]
fn a_privilege_change_of_an_ended_session_fails() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let mut slow = app.open(&browser);
    app.log_out(&mut browser.clone());
    assert!(matches!(block_on(slow.rotate()), Err(RotateError::Ended)));
    assert_eq!(name_of(&slow), None);
    assert!(block_on(slow.commit()).cookie().is_none(), "it would clear a newer session's");
    assert_eq!(app.rows(), 0);
}

/// Another request's data must not be lost when a rotation has to start over.
#[test]
fn a_privilege_change_keeps_what_others_wrote_meanwhile() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let mut slow = app.open(&browser);
    slow.set(&crate::support::Visits(1)).unwrap();
    app.request(&mut browser.clone(), |session| session.set(&Cart(vec![1])).unwrap());
    block_on(slow.rotate()).unwrap();
    browser.take(block_on(slow.commit())).unwrap();
    app.request(&mut browser, |session| {
        assert_eq!(session.get::<Cart>().unwrap(), Some(Cart(vec![1])));
        assert_eq!(session.get::<crate::support::Visits>().unwrap(), Some(crate::support::Visits(1)));
    });
}

/// A secret that was replaced opens nothing, and so ends nothing: whoever stole it could log its owner out.
#[test]
fn a_logout_behind_a_privilege_change_ends_nothing() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let before = browser.clone();
    app.request(&mut browser, |session| block_on(session.rotate()).unwrap());
    let mut late = app.open(&before);
    assert!(!block_on(late.end()).unwrap());
    assert!(block_on(late.commit()).cookie().is_some_and(SetCookie::clears));
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
}
