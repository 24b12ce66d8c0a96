//! Requests at once, on OS threads behind a barrier: joined futures on one thread find nothing.

use std::{sync::Barrier, thread};

use auth_core::{AuthEpoch, SessionLimit, WhenReached, testing::block_on};
use auth_session::{CommitError, EpochCheck, Outgoing};

use crate::support::{App, Browser, Cart, ROTATION, Visits, login, name_of, policy, user};

pub(crate) const ROUNDS: u32 = 200;

/// Runs all of them at once.
fn race<T: Send>(contenders: Vec<Box<dyn FnOnce() -> T + Send + '_>>) -> Vec<T> {
    let barrier = Barrier::new(contenders.len());
    thread::scope(|scope| {
        let running: Vec<_> = contenders
            .into_iter()
            .map(|contender| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    contender()
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

pub(crate) fn at_once<'a, T: Send + 'a>(
    n: usize,
    what: impl Fn(usize) -> T + Sync + Send + Copy + 'a,
) -> Vec<T> {
    race((0..n).map(|i| Box::new(move || what(i)) as Box<dyn FnOnce() -> T + Send>).collect())
}

/// One winner, and every request stays logged in (expressjs/session#923, pow#435).
#[test]
fn parallel_requests_rotate_once_and_all_stay_in() {
    for _ in 0..ROUNDS {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        app.step(ROTATION);
        let answers = at_once(4, |_| {
            let session = app.open(&browser);
            (name_of(&session), block_on(session.commit()))
        });
        let mut cookies = Vec::new();
        for (who, outgoing) in answers {
            assert_eq!(who.as_deref(), Some("ann"));
            assert!(outgoing.saved().is_ok());
            cookies.extend(outgoing.into_parts().0);
        }
        assert_eq!(cookies.len(), 1, "one secret was made, and one browser told");
        assert!(!cookies[0].clears());
        let mut after = Browser::new();
        after.0 = cookies[0]
            .expose()
            .split(';')
            .next()
            .and_then(|pair| pair.split_once('='))
            .map(|(_, v)| v.to_owned());
        assert_eq!(app.who(&mut after).as_deref(), Some("ann"));
        assert_eq!(app.rows(), 1);
    }
}

/// All of a page's requests carry the new secret for the first time at once.
#[test]
fn parallel_first_uses_of_a_new_secret_all_pass() {
    for _ in 0..ROUNDS {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        app.step(ROTATION);
        app.who(&mut browser);
        let seen = at_once(4, |i| {
            let mut session = app.open(&browser);
            if i == 0 {
                session.set(&Visits(1)).unwrap();
            }
            let who = name_of(&session);
            assert!(block_on(session.commit()).saved().is_ok());
            who
        });
        assert!(seen.iter().all(|who| who.as_deref() == Some("ann")));
    }
}

/// A lost answer is asked for by several requests: one successor.
#[test]
fn parallel_lost_answers_are_made_good_once() {
    for _ in 0..ROUNDS {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        app.step(ROTATION);
        app.who(&mut browser.clone());
        app.step(std::time::Duration::from_secs(10));
        let cookies: Vec<_> = at_once(4, |_| block_on(app.open(&browser).commit()))
            .into_iter()
            .filter_map(|outgoing| outgoing.into_parts().0)
            .collect();
        assert_eq!(cookies.len(), 1);
    }
}

/// Two logins over one session. What was there ends once, its data goes along once, and
/// whichever answer the browser keeps, it is logged in.
#[test]
fn parallel_logins_end_what_was_there_and_each_answer_works() {
    for _ in 0..ROUNDS {
        let app = App::new();
        let mut browser = Browser::new();
        app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
        let answers = at_once(2, |_| {
            let mut session = app.open(&browser);
            block_on(session.start(login("ann"))).unwrap();
            block_on(session.commit())
        });
        let mut carts = 0;
        for outgoing in answers {
            let mut kept = browser.clone();
            kept.take(outgoing).unwrap();
            assert_eq!(app.who(&mut kept).as_deref(), Some("ann"));
            carts += u32::from(app.request(&mut kept, |session| session.get::<Cart>().unwrap()).is_some());
        }
        assert_eq!(carts, 1, "the cart went along into one of them");
        assert_eq!(app.who(&mut browser), None, "the visitor's session is gone");
        assert_eq!(app.rows(), 2);
    }
}

/// The same with a limit, and as the same person: the limit holds, and what was there ends once.
#[test]
fn parallel_logins_of_one_person_keep_the_limit() {
    use WhenReached::{EndOldest, Refuse};
    for (max, when_reached) in [(1, Refuse), (1, EndOldest), (2, Refuse), (2, EndOldest)] {
        for _ in 0..ROUNDS / 2 {
            let limited = policy().with_limit(SessionLimit { max, when_reached }).unwrap();
            let app = App::with(limited, EpochCheck::by_session_store_only());
            let mut browser = Browser::new();
            app.log_in(&mut browser, "ann");
            app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
            let answers = at_once(2, |_| {
                let mut session = app.open(&browser);
                let _ = block_on(session.start(login("ann")));
                block_on(session.commit())
            });
            assert_eq!(app.rows(), max as usize);
            let (mut alive, mut carts) = (0, 0);
            for outgoing in answers {
                let mut kept = browser.clone();
                kept.take(outgoing).unwrap();
                alive += u32::from(app.who(&mut kept).is_some());
                let cart = app.request(&mut kept, |session| session.get::<Cart>().unwrap());
                carts += u32::from(cart.is_some());
            }
            assert_eq!(alive, max);
            assert!(carts <= 1, "the cart went along at most once");
            assert_eq!(app.who(&mut browser), None);
        }
    }
}

/// Whoever is first, a session that was logged out is gone, and no answer brings it or
/// its cookie back.
#[test]
fn a_logout_beats_every_write_and_rotation_under_way() {
    for round in 0..ROUNDS {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        if round % 2 == 0 {
            app.step(ROTATION);
        }
        let (app_, browser_) = (&app, &browser);
        let write = |i: u32| -> Box<dyn FnOnce() -> (bool, Outgoing) + Send + '_> {
            Box::new(move || {
                let mut session = app_.open(browser_);
                session.set(&Visits(i)).unwrap();
                let was_in = session.authenticated().is_some();
                (was_in, block_on(session.commit()))
            })
        };
        let logout: Box<dyn FnOnce() -> (bool, Outgoing) + Send + '_> = Box::new(move || {
            let mut session = app_.open(browser_);
            block_on(session.end()).unwrap();
            (false, block_on(session.commit()))
        });
        for (was_in, outgoing) in race(vec![write(1), logout, write(2)]) {
            let (cookie, saved) = outgoing.into_parts();
            if was_in && matches!(saved, Err(CommitError::Ended)) {
                assert!(cookie.is_none());
            }
            // Whatever cookie was sent, it opens nobody's session.
            if let Some(cookie) = cookie {
                let value = cookie.expose().split(';').next().unwrap().split_once('=').unwrap().1.to_owned();
                assert_eq!(app.who(&mut Browser(Some(value))), None);
            }
        }
        assert!(app.sessions_of("ann").is_empty());
        assert_eq!(app.who(&mut browser), None);
    }
}

/// A password change races logins that were checked against the old one.
#[test]
fn no_login_of_the_old_epoch_survives_the_end_of_all() {
    for _ in 0..ROUNDS {
        let app = App::new();
        let app_ = &app;
        let login = |_: u32| -> Box<dyn FnOnce() + Send + '_> {
            Box::new(move || {
                let mut session = app_.open(&Browser::new());
                let login = auth_core::testing::login_at_epoch(
                    &user("ann"),
                    crate::support::START,
                    AuthEpoch::new(1),
                );
                let _ = block_on(session.start(login));
            })
        };
        let change: Box<dyn FnOnce() + Send + '_> = Box::new(move || {
            block_on(app_.sessions.end_all(&user("ann"), AuthEpoch::new(2))).unwrap();
        });
        race(vec![login(1), change, login(2), login(3)]);
        assert!(app.sessions_of("ann").is_empty());
    }
}

/// Each puts something else in, and what was reported saved is there, neither more nor less.
#[test]
fn every_write_that_was_reported_saved_is_there() {
    let mut conflicts = 0;
    for _ in 0..ROUNDS {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        let saved: Vec<_> = at_once(4, |own| {
            let own = u32::try_from(own).unwrap();
            let mut session = app.open(&browser);
            let Cart(mut items) = session.get().unwrap().unwrap_or_default();
            items.push(own);
            session.set(&Cart(items)).unwrap();
            match block_on(session.commit()).saved() {
                Ok(()) => Some(own),
                Err(CommitError::Conflict { .. }) => None,
                Err(other) => panic!("{other}"),
            }
        });
        conflicts += saved.iter().filter(|own| own.is_none()).count();
        let Cart(mut there) = app.request(&mut browser, |session| session.get().unwrap().unwrap());
        there.sort_unstable();
        assert_eq!(there, saved.into_iter().flatten().collect::<Vec<_>>());
    }
    assert!(conflicts > 0, "they met");
}
