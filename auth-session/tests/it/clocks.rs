//! Servers whose clocks disagree, and clocks that jump.

use std::{sync::Arc, time::Duration};

use auth_core::{
    DiscardAudit, SessionStore, SessionTerms,
    testing::{SteppedClock, block_on},
};
use auth_session::{EpochCheck, RefreshPolicy, RefreshTokens, Sessions};

use crate::support::{App, Browser, IDLE, ROTATION, START, keys, login, name_of, policy};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Another server on the store of `app`, whose clock goes `ahead` of it.
fn ahead(app: &App, ahead: Duration) -> (Sessions, SteppedClock) {
    let clock = SteppedClock::new(START.saturating_add(ahead));
    let store: Arc<dyn SessionStore> = app.store.clone();
    let epochs = EpochCheck::by_session_store_only();
    let sessions = Sessions::new(store, keys(), epochs, Arc::new(DiscardAudit), policy());
    (sessions.with_clock(Arc::new(clock.clone())), clock)
}

fn who_at(sessions: &Sessions, browser: &mut Browser) -> Option<String> {
    let header = browser.header();
    let incoming = sessions.read(header.as_deref().map(str::as_bytes)).unwrap();
    let session = block_on(sessions.open(&incoming)).unwrap();
    let name = name_of(&session);
    browser.take(block_on(session.commit())).unwrap();
    name
}

/// Seconds apart, as servers are: whichever handles a request, rotations included, nobody is taken for a thief. It
/// ends where an answer under way is taken for one that was lost, after 10 s.
#[test]
fn servers_that_are_seconds_apart_agree() {
    for apart in [1, 5, 9] {
        let app = App::new();
        let (other, clock) = ahead(&app, Duration::from_secs(apart));
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        for step in 0..40 {
            app.step(ROTATION / 4);
            clock.step(ROTATION / 4);
            let before = browser.clone();
            let (first, second) = if step % 2 == 0 {
                (who_at(&other, &mut browser), app.who(&mut before.clone()))
            } else {
                (app.who(&mut browser), who_at(&other, &mut before.clone()))
            };
            assert_eq!(
                (first.as_deref(), second.as_deref()),
                (Some("ann"), Some("ann")),
                "{apart} s, {step}"
            );
        }
    }
}

/// A clock that runs ahead ends sessions early. When it is right again, what it ended stays ended, and what is still
/// within its deadlines is there.
#[test]
fn a_jump_forward_and_back_revives_nothing() {
    let app = App::new();
    let (mut kept, mut ended) = (Browser::new(), Browser::new());
    app.log_in(&mut kept, "ann");
    app.log_in(&mut ended, "bob");
    let (ahead, _) = ahead(&app, DAY * 365);
    // There, everybody's time is up. Nothing is written, so nothing is lost.
    app.store.writes();
    assert_eq!(who_at(&ahead, &mut kept.clone()), None);
    assert!(app.store.writes().is_empty());
    assert_eq!(app.who(&mut kept).as_deref(), Some("ann"));
    app.log_out(&mut ended.clone());
    assert_eq!(app.who(&mut ended), None);
    assert_eq!(who_at(&ahead, &mut ended), None);
}

/// A secret that was replaced while the clock was ahead is not good until that time has come, once the clock is right:
/// whoever has a copy of it is noticed, and whoever has the new one stays in.
#[test]
fn a_rotation_under_a_clock_that_was_ahead_keeps_no_replaced_secret_alive() {
    for is_seen in [true, false] {
        // Longer than a rotation takes, and shorter than the session lives.
        let jump = ROTATION + Duration::from_secs(60);
        let app = App::new();
        let (ahead, _) = ahead(&app, jump);
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        let old = browser.clone();
        assert_eq!(who_at(&ahead, &mut browser).as_deref(), Some("ann"));
        assert_ne!(browser, old, "it was replaced ahead of time");
        if is_seen {
            assert_eq!(who_at(&ahead, &mut browser).as_deref(), Some("ann"));
            let mut thief = old.clone();
            assert_eq!(app.who(&mut thief), None);
            assert!(app.has_audit("session.replayed"));
            assert_eq!(app.who(&mut browser), None, "of two holders, which one is right cannot be known");
        } else {
            let mut lost = old.clone();
            assert_eq!(app.who(&mut lost).as_deref(), Some("ann"), "the answer may have been lost");
            assert_ne!(lost, old, "and is made good at once");
            assert!(app.has_audit("session.reissued"));
            app.step(Duration::from_secs(40));
            assert_eq!(app.who(&mut lost).as_deref(), Some("ann"));
            app.step(Duration::from_secs(40));
            assert_eq!(app.who(&mut old.clone()), None);
        }
    }
}

/// Nor must the current secret wait for its replacement until that time has come again.
#[test]
fn a_secret_of_a_clock_that_was_ahead_is_replaced_when_the_clock_is_right() {
    let app = App::new();
    let (ahead, _) = ahead(&app, ROTATION + Duration::from_secs(60));
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    who_at(&ahead, &mut browser);
    let of_ahead = browser.clone();
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    assert_ne!(browser, of_ahead);
    let replaced = browser.clone();
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    assert_eq!(browser, replaced, "once");
}

/// The same for refresh tokens: the one of before ends the login, and the current one goes on.
#[test]
fn a_refresh_under_a_clock_that_was_ahead_keeps_no_replaced_token_alive() {
    for comes_back in [true, false] {
        let app = App::new();
        let (ahead, _) = ahead(&app, Duration::from_secs(900));
        let of = |sessions: &Sessions| RefreshTokens::new(sessions, RefreshPolicy::default());
        let (here, there) = (of(&app.sessions), of(&ahead));
        let old = block_on(here.issue(login("ann"), SessionTerms::new())).unwrap().token;
        let next = block_on(there.refresh(&old)).unwrap().token;
        if comes_back {
            assert!(block_on(here.refresh(&old)).is_err());
            assert!(app.has_audit("session.replayed"));
        }
        assert_eq!(block_on(here.refresh(&next)).is_ok(), !comes_back);
    }
}

/// A clock that stands behind must not give a session more time than it had: deadlines are in the row.
#[test]
fn a_clock_that_is_behind_moves_no_deadline_back_or_on() {
    let app = App::new();
    app.step(DAY);
    let (behind, clock) = ahead(&app, Duration::ZERO);
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let ends = app.request(&mut browser, |session| session.ends_at().unwrap());
    // A day behind, used again and again.
    for _ in 0..20 {
        clock.step(Duration::from_secs(60));
        assert_eq!(who_at(&behind, &mut browser).as_deref(), Some("ann"));
    }
    assert_eq!(app.request(&mut browser, |session| session.ends_at().unwrap()), ends);
    app.step(IDLE);
    assert_eq!(app.who(&mut browser), None);
}
