//! Servers whose clocks disagree, and clocks that jump.

use std::{sync::Arc, time::Duration};

use auth_core::{
    DiscardAudit, SessionStore,
    testing::{SteppedClock, block_on},
};
use auth_session::{EpochCheck, Sessions};

use crate::support::{App, Browser, IDLE, ROTATION, START, keys, name_of, policy};

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
