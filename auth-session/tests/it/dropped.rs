//! Futures that are dropped half way, as when a client leaves. Checklist, sessions 32: what was dropped has
//! happened or not, and never half.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
};

use auth_core::AuthEpoch;
use auth_session::Session;

use crate::support::{App, Browser, Cart, ROTATION, Visits, login};

/// Polls `times` times and drops. Answers whether it ended before.
fn cut<T>(future: impl Future<Output = T>, times: u32) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..times).any(|_| future.as_mut().poll(&mut context).is_ready())
}

/// Does `what` in a request of a logged-in browser, cut at every place where it waits, and each time looks at
/// what is left.
fn at_every_place(what: impl Fn(&mut Session, u32) -> bool, look: impl Fn(&App, &mut Browser)) {
    let mut places = 0;
    loop {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        app.step(ROTATION);
        let mut session = app.open(&browser);
        app.store.be_slow(true);
        let ended = what(&mut session, places);
        app.store.be_slow(false);
        drop(session);
        look(&app, &mut browser);
        if ended {
            break;
        }
        places += 1;
    }
    assert!(places >= 2, "it waits somewhere");
}

#[test]
fn a_login_that_was_dropped_logs_nobody_in_and_leaves_nothing_of_before_but_before() {
    at_every_place(
        |session, times| cut(session.start(login("bob")), times),
        |app, browser| {
            let who = app.who(browser);
            assert!(matches!(who.as_deref(), None | Some("ann")), "{who:?}");
            assert!(app.rows() <= 2);
        },
    );
}

#[test]
fn a_commit_that_was_dropped_has_saved_all_or_nothing() {
    let mut places = 0;
    loop {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        app.step(ROTATION);
        let mut session = app.open(&browser);
        session.set(&Cart(vec![1])).unwrap();
        session.set(&Visits(1)).unwrap();
        app.store.be_slow(true);
        let ended = cut(session.commit(), places);
        app.store.be_slow(false);
        // Even if it was the rotation whose answer was lost, the browser stays in.
        for wait in [0, 10, 31] {
            app.step(std::time::Duration::from_secs(wait));
            assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
        }
        app.request(&mut browser, |session| {
            let (cart, visits) = (session.get::<Cart>().unwrap(), session.get::<Visits>().unwrap());
            assert_eq!(cart.is_some(), visits.is_some());
        });
        if ended {
            break;
        }
        places += 1;
    }
    assert!(places >= 4, "it waits for the data and for the rotation");
}

#[test]
fn a_logout_that_was_dropped_has_happened_or_not() {
    at_every_place(
        |session, times| cut(session.end(), times),
        |app, browser| assert_eq!(app.who(browser).is_some(), app.rows() == 1),
    );
}

/// The browser did not get the new secret: if the old one is dead, nobody is logged in by it.
#[test]
fn a_privilege_change_that_was_dropped_has_happened_or_not() {
    at_every_place(
        |session, times| cut(session.rotate(), times),
        |app, browser| {
            app.who(browser);
            assert_eq!(app.rows(), 1);
        },
    );
    at_every_place(
        |session, times| cut(session.end_all_others(AuthEpoch::new(1)), times),
        |app, browser| {
            app.who(browser);
            assert_eq!(app.rows(), 1);
        },
    );
}
