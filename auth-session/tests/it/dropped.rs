//! Futures that are dropped half way, as when a client leaves: what was dropped has
//! happened or not, and never half.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
};

use auth_core::{AuthEpoch, SessionStore, testing::block_on};
use auth_session::Session;

use crate::support::{App, Browser, Cart, ROTATION, START, Visits, login, name_of};

/// Polls `times` times and drops. Answers whether it ended before.
fn cut<T>(future: impl Future<Output = T>, times: u32) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..times).any(|_| future.as_mut().poll(&mut context).is_ready())
}

/// How far it came.
enum Came {
    /// It was not even polled.
    Nowhere,
    HalfWay,
    /// To its end, and this is what the browser holds since.
    Through(Browser),
}

/// Does `what` in a request of a logged-in browser, cut at every place where it waits, and each time looks at
/// what is left: who the old cookie opens, and how far it came.
fn at_every_place(what: impl Fn(&mut Session, u32) -> bool, look: impl Fn(&App, Option<String>, Came)) {
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
        let came = match (ended, places) {
            (true, _) => {
                let mut after = browser.clone();
                after.take(block_on(session.commit())).unwrap();
                Came::Through(after)
            }
            (false, 0) => Came::Nowhere,
            (false, _) => Came::HalfWay,
        };
        let old = name_of(&app.open(&browser));
        look(&app, old, came);
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
        |app, old, came| match came {
            Came::Nowhere => assert_eq!((old.as_deref(), app.rows()), (Some("ann"), 1)),
            // Of the new one there may be a row, whose secret nobody has.
            Came::HalfWay => {
                assert!(matches!(old.as_deref(), None | Some("ann")), "{old:?}");
                assert!(app.rows() <= 2);
            }
            Came::Through(mut after) => {
                assert_eq!((old, app.who(&mut after).as_deref(), app.rows()), (None, Some("bob"), 1));
            }
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
        |app, old, came| match came {
            Came::Nowhere => assert_eq!((old.as_deref(), app.rows()), (Some("ann"), 1)),
            Came::HalfWay => assert_eq!(usize::from(old.is_some()), app.rows()),
            Came::Through(after) => assert_eq!((old, after, app.rows()), (None, Browser::new(), 0)),
        },
    );
}

/// The old secret works until the new one has taken its place, and the new one from then on. Half way, the browser did
/// not get it: if the old one is dead, the row is whole, and nobody is logged in by it.
#[test]
fn a_privilege_change_that_was_dropped_has_happened_or_not() {
    let look = |app: &App, old: Option<String>, came| {
        assert_eq!((app.rows(), app.sessions_of("ann").len()), (1, 1));
        let row = block_on(app.store.inner.load(&app.sessions_of("ann")[0], START)).unwrap().unwrap();
        let (replaced, previous) = (row.secret.generation == 1, row.secret.previous);
        match came {
            Came::Nowhere => assert!(old.is_some() && !replaced),
            Came::HalfWay => assert_eq!((old.is_some(), previous), (!replaced, None)),
            Came::Through(mut after) => {
                assert!(old.is_none() && replaced && previous.is_none());
                assert_eq!(app.who(&mut after).as_deref(), Some("ann"));
            }
        }
    };
    at_every_place(|session, times| cut(session.rotate(), times), look);
    at_every_place(|session, times| cut(session.end_all_others(AuthEpoch::new(1)), times), look);
}
