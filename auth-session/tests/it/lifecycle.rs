//! From login to logout.

use std::time::Duration;

use auth_core::{
    AuthenticateError, Authentication, Authenticator, Limits, Login, Method, Scopes, SessionId, SessionLimit,
    SessionRecord, SessionStore, SystemEntropy, WhenReached, testing::block_on,
};
use auth_session::{CommitError, EpochCheck, RotateError, Session, SessionCookie, SetCookie, StartError};

use crate::support::{
    ABSOLUTE, App, Browser, Cart, IDLE, ROTATION, START, TOUCH, Visits, login, policy, user,
};

const SECOND: Duration = Duration::from_secs(1);

/// What a stranger put into the browser is never adopted (OWASP, ASVS 7.2.4).
#[test]
fn an_unknown_id_is_never_adopted() {
    let app = App::new();
    let preset = format!("{}.{}", SessionId::anonymous(&SystemEntropy).unwrap(), "A".repeat(43));
    let mut browser = Browser(Some(preset.clone()));
    app.request(&mut browser, |session| assert!(session.id().is_none()));
    assert_eq!(app.rows(), 0);

    let mut browser = Browser(Some(preset.clone()));
    app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
    assert_ne!(browser.0, Some(preset.clone()));
    assert!(!preset.starts_with(browser.id_text()));

    let mut browser = Browser(Some(preset.clone()));
    app.log_in(&mut browser, "ann");
    assert!(!preset.starts_with(browser.id_text()));
}

/// Fixation. The attacker's own session, put into the victim's browser, must not be
/// logged in with the victim.
#[test]
fn a_login_changes_id_and_secret_and_the_old_cookie_is_dead() {
    let app = App::new();
    let mut attacker = Browser::new();
    app.request(&mut attacker, |session| session.set(&Cart(vec![1])).unwrap());
    let mut victim = attacker.clone();
    app.log_in(&mut victim, "ann");
    assert_ne!(victim.id_text(), attacker.id_text());
    assert_ne!(victim.secret_text(), attacker.secret_text());
    assert_eq!(app.who(&mut attacker), None);
    assert_eq!(app.who(&mut victim).as_deref(), Some("ann"));
}

/// Nothing of A is left for B, as with Django's `login`.
#[test]
fn logging_in_over_anothers_session_leaves_nothing_of_it() {
    let app = App::new();
    let mut browser = Browser::new();
    let a = app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
    let mut copy = browser.clone();
    let b = app.request(&mut browser, |session| {
        session.set(&Visits(9)).unwrap();
        let id = block_on(session.start(login("bob"))).unwrap().id;
        assert_eq!(session.get::<Cart>().unwrap(), None);
        assert_eq!(session.get::<Visits>().unwrap(), None, "set while it was A's session");
        id
    });
    assert_ne!(a, b);
    assert_eq!(app.who(&mut browser).as_deref(), Some("bob"));
    assert_eq!(app.request(&mut browser, |session| session.get::<Cart>().unwrap()), None);
    assert_eq!(app.who(&mut copy), None);
    assert_eq!((app.sessions_of("ann"), app.sessions_of("bob")), (vec![], vec![b]));
}

/// A person who acts for somebody, or with fewer rights, is not the same as before.
#[test]
fn data_goes_along_only_with_the_same_actor_and_limits() {
    let narrow = Limits::unlimited().with_scopes(Scopes::parse("read").unwrap());
    let plain = || Authentication::new(user("ann"), Method::PASSWORD, START, auth_core::AuthEpoch::ZERO);
    for (second, goes_along) in [
        (plain(), true),
        (plain().with_assurance(auth_core::Assurance::Aal2), true),
        (plain().with_actor(user("admin")), false),
        (plain().with_limits(narrow), false),
    ] {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
        app.request(&mut browser, |session| block_on(session.start(Login::assertion(second))).unwrap());
        let cart = app.request(&mut browser, |session| session.get::<Cart>().unwrap());
        assert_eq!(cart.is_some(), goes_along);
        assert_eq!(app.rows(), 1);
    }
}

/// A visitor's cart must survive the login, without the secret that the visitor had.
#[test]
fn what_a_visitor_had_goes_along_into_the_login() {
    let app = App::new();
    let mut browser = Browser::new();
    app.request(&mut browser, |session| session.set(&Cart(vec![1, 2])).unwrap());
    let id = app.request(&mut browser, |session| {
        session.set(&Visits(1)).unwrap();
        block_on(session.start(login("ann"))).unwrap().id
    });
    app.request(&mut browser, |session| {
        assert_eq!(session.get::<Cart>().unwrap(), Some(Cart(vec![1, 2])));
        assert_eq!(session.get::<Visits>().unwrap(), Some(Visits(1)));
        assert_eq!(session.id(), Some(id));
    });
    assert_eq!(app.rows(), 1);
}

#[test]
fn a_visitor_has_a_row_only_once_there_is_data() {
    let app = App::new();
    let mut browser = Browser::new();
    for _ in 0..3 {
        app.request(&mut browser, |session| assert_eq!(session.get::<Cart>().unwrap(), None));
        app.request(&mut browser, |session| session.remove::<Cart>());
    }
    assert_eq!((app.rows(), app.store.calls(), &browser.0), (0, 0, &None));
    app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
    assert_eq!(app.rows(), 1);
    assert_eq!(app.request(&mut browser, |session| session.get::<Cart>().unwrap()), Some(Cart(vec![1])));
    assert_eq!(app.who(&mut browser), None);
}

/// Logging out ends the session on the server, not only in the browser (devise#4272, civiform#6975).
#[test]
fn after_logout_the_old_cookie_is_anonymous() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let mut thief = browser.clone();
    app.log_out(&mut browser);
    assert_eq!(browser.0, None);
    assert_eq!(app.who(&mut thief), None);
    assert_eq!(app.rows(), 0);
    assert!(app.has_audit("session.started") && app.has_audit("session.ended"));
    app.log_out(&mut browser);
    app.log_out(&mut thief);
    assert_eq!(thief.0, None, "who logs out keeps no cookie, whatever it was worth");
}

/// A page that polls is answered when its reader has logged in again, by logging in over the old session or after it
/// ended elsewhere. That answer must not clear the newer cookie, whenever it arrives.
#[test]
fn a_late_answer_to_an_old_cookie_leaves_a_newer_login_alone() {
    let before_the_login: [fn(&App, &SessionId); 3] = [
        |_, _| {},
        |app, id| assert!(block_on(app.sessions.end_one(&user("ann"), id)).unwrap()),
        |app, _| app.step(IDLE),
    ];
    for (n, before_the_login) in before_the_login.into_iter().enumerate() {
        for poll_is_last in [true, false] {
            let app = App::new();
            let mut browser = Browser::new();
            let id = app.log_in(&mut browser, "ann");
            let polled = browser.clone();
            before_the_login(&app, &id);
            let mut session = app.open(&browser);
            block_on(session.start(login("ann"))).unwrap();
            let login = block_on(session.commit());
            let poll = app.open(&polled);
            assert!(poll.authenticated().is_none());
            let poll = poll.settled().unwrap();
            for answer in if poll_is_last { [login, poll] } else { [poll, login] } {
                browser.take(answer).unwrap();
            }
            assert_eq!(app.who(&mut browser).as_deref(), Some("ann"), "{n} {poll_is_last}");
        }
    }
}

/// What is set when the session has ended under the request would begin a visitor's session, whose cookie takes the
/// place of a newer login's.
#[test]
fn data_that_is_set_after_the_session_was_lost_begins_no_other() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let mut slow = app.open(&browser);
    app.log_in(&mut browser, "ann");
    assert!(matches!(block_on(slow.rotate()), Err(RotateError::Ended)));
    slow.set(&Visits(1)).unwrap();
    let late = block_on(slow.commit());
    assert!(late.cookie().is_none() && matches!(late.saved(), Err(CommitError::Ended)));
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    assert_eq!(app.rows(), 1);
}

/// Unless the handler wrote: what is set over a cookie that opens nothing, as every visitor's first data, begins a
/// session, whose cookie takes the place of any other.
#[test]
fn data_that_is_set_over_a_dead_cookie_takes_the_place_of_a_newer_login() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let old = browser.clone();
    let hers = app.log_in(&mut browser, "ann");
    let mut late = app.open(&old);
    late.set(&Visits(1)).unwrap();
    browser.take(block_on(late.commit())).unwrap();
    assert_eq!(app.who(&mut browser), None);
    assert_eq!(app.request(&mut browser, |session| session.get::<Visits>().unwrap()), Some(Visits(1)));
    assert_eq!(app.sessions_of("ann"), [hers], "the browser lost it; nothing ended it");
}

/// The id is public: knowing it must not be enough to log somebody out.
#[test]
fn a_stranger_who_knows_the_id_ends_nothing() {
    let app = App::new();
    let mut browser = Browser::new();
    let id = app.log_in(&mut browser, "ann");
    let mut stranger = Browser(Some(format!("{id}.{}", "A".repeat(43))));
    app.log_out(&mut stranger);
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    assert!(!block_on(app.sessions.end_one(&user("bob"), &id)).unwrap());
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    assert!(block_on(app.sessions.end_one(&user("ann"), &id)).unwrap());
    assert_eq!(app.who(&mut browser), None);
}

/// The browser keeps what it likes; the server's deadlines count.
#[test]
fn the_idle_deadline_ends_a_session_that_is_not_used() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.step(IDLE - SECOND);
    assert_eq!(app.who(&mut browser.clone()).as_deref(), Some("ann"));
    app.step(IDLE);
    assert_eq!(app.who(&mut browser), None);
}

/// Sliding never passes the absolute deadline.
#[test]
fn the_absolute_deadline_ends_a_session_however_much_it_is_used() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let step = Duration::from_secs(15 * 60);
    for _ in 1..ABSOLUTE.as_secs() / step.as_secs() {
        app.step(step);
        assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
        assert!(app.open(&browser).ends_at().unwrap() <= START.saturating_add(ABSOLUTE));
    }
    app.step(step);
    assert_eq!(app.who(&mut browser), None);
}

/// Users of per-request writes have paid thousands a year for them.
#[test]
fn a_request_that_reads_writes_nothing_inside_the_touch_interval() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| session.set(&Visits(1)).unwrap());
    app.store.writes();
    for _ in 0..10 {
        app.step(Duration::from_secs(5));
        app.request(&mut browser, |session| {
            // Setting what is there is no change.
            session.set(&Visits(1)).unwrap();
            session.remove::<Cart>();
            assert!(!session.is_changed());
        });
    }
    assert!(app.store.writes().is_empty());
    app.step(TOUCH);
    app.who(&mut browser);
    assert_eq!(app.store.writes().into_iter().collect::<Vec<_>>(), [("touch", 1)]);
    app.who(&mut browser);
    assert!(app.store.writes().is_empty());
}

#[test]
fn a_limit_refuses_one_more_or_ends_the_oldest() {
    for (when_reached, survivors) in
        [(WhenReached::Refuse, [true, true]), (WhenReached::EndOldest, [false, true])]
    {
        let limited = policy().with_limit(SessionLimit { max: 2, when_reached }).unwrap();
        let app = App::with(limited, EpochCheck::by_session_store_only());
        let mut browsers = [Browser::new(), Browser::new()];
        for browser in &mut browsers {
            app.log_in(browser, "ann");
            app.step(SECOND);
        }
        let mut third = app.open(&Browser::new());
        match block_on(third.start(login("ann"))) {
            Ok(started) => {
                assert_eq!((when_reached, started.ended_by_limit), (WhenReached::EndOldest, 1));
                drop(third);
            }
            Err(error) => {
                assert!(matches!(error, StartError::LimitReached));
                assert!(block_on(third.commit()).cookie().is_none());
            }
        }
        for (browser, survives) in browsers.iter_mut().zip(survivors) {
            assert_eq!(app.who(browser).is_some(), survives);
        }
    }
}

/// Logging in again on the same device is not one more session.
#[test]
fn the_session_that_a_login_replaces_does_not_count_against_the_limit() {
    for when_reached in [WhenReached::Refuse, WhenReached::EndOldest] {
        let limited = policy().with_limit(SessionLimit { max: 2, when_reached }).unwrap();
        let app = App::with(limited, EpochCheck::by_session_store_only());
        let (mut desk, mut phone) = (Browser::new(), Browser::new());
        app.log_in(&mut desk, "ann");
        app.step(SECOND);
        app.log_in(&mut phone, "ann");
        app.request(&mut phone, |session| session.set(&Cart(vec![1])).unwrap());
        app.step(SECOND);
        app.log_in(&mut phone, "ann");
        assert_eq!(app.who(&mut desk).as_deref(), Some("ann"));
        assert_eq!(app.request(&mut phone, |session| session.get::<Cart>().unwrap()), Some(Cart(vec![1])));
        assert_eq!(app.rows(), 2);
    }
}

#[test]
fn a_visitors_data_survives_a_login_that_the_limit_refuses() {
    let limited = policy().with_limit(SessionLimit { max: 1, when_reached: WhenReached::Refuse }).unwrap();
    let app = App::with(limited, EpochCheck::by_session_store_only());
    app.log_in(&mut Browser::new(), "ann");
    let mut visitor = Browser::new();
    app.request(&mut visitor, |session| session.set(&Cart(vec![1])).unwrap());
    app.request(&mut visitor, |session| {
        assert!(matches!(block_on(session.start(login("ann"))), Err(StartError::LimitReached)));
    });
    assert_eq!(app.request(&mut visitor, |session| session.get::<Cart>().unwrap()), Some(Cart(vec![1])));
}

#[test]
fn a_list_shows_the_live_sessions_newest_first() {
    let app = App::new();
    let (mut desk, mut phone) = (Browser::new(), Browser::new());
    let first = app.log_in(&mut desk, "ann");
    app.step(SECOND);
    let second = app.log_in(&mut phone, "ann");
    app.log_in(&mut Browser::new(), "bob");
    assert_eq!(app.sessions_of("ann"), [second, first]);
    app.step(IDLE);
    assert!(app.sessions_of("ann").is_empty());
    assert_eq!(block_on(app.sessions.purge(2)).unwrap(), 2);
    assert_eq!(block_on(app.sessions.purge(10)).unwrap(), 1);
}

/// After logging out, a page may still say something: that is a visitor's session, not the old one.
#[test]
fn data_set_after_logout_begins_another_session() {
    let app = App::new();
    let mut browser = Browser::new();
    let before = app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| {
        session.set(&Cart(vec![1])).unwrap();
        assert!(block_on(session.end()).unwrap());
        session.set(&Visits(1)).unwrap();
    });
    app.request(&mut browser, |session| {
        assert!(session.authenticated().is_none());
        assert_ne!(session.id(), Some(before));
        assert_eq!(session.get::<Visits>().unwrap(), Some(Visits(1)));
        assert_eq!(session.get::<Cart>().unwrap(), None);
    });
}

/// What an access token may be issued for: a person's live session, and no longer than that lives.
#[test]
fn a_live_session_is_proven_only_while_somebody_is_logged_in() {
    let app = App::new();
    let mut browser = Browser::new();
    app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
    app.request(&mut browser, |session| assert!(session.live().is_none()));
    app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| {
        let live = session.live().unwrap();
        assert_eq!(live.authentication().principal, user("ann"));
        assert_eq!(live.ends_at(), START.saturating_add(ABSOLUTE));
        block_on(session.end()).unwrap();
        assert!(session.live().is_none());
    });
}

#[test]
fn as_an_authenticator_it_has_one_rejection_for_whatever_opens_nothing() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let cookie = |browser: &Browser| SessionCookie::parse(browser.0.as_ref().unwrap().as_bytes()).unwrap();
    let proof = block_on(app.sessions.authenticate(cookie(&browser))).unwrap();
    assert_eq!(proof.principal(), &user("ann"));
    let mut visitor = Browser::new();
    app.request(&mut visitor, |session| session.set(&Cart(vec![1])).unwrap());
    let wrong = Browser(Some(format!("{}.{}", browser.id_text(), "A".repeat(43))));
    for refused in [visitor, wrong] {
        let error = block_on(app.sessions.authenticate(cookie(&refused))).unwrap_err();
        assert!(matches!(error, AuthenticateError::Rejected(_)));
    }
}

/// A refresh token's row shares the store, and its id opens no browser session.
#[test]
fn a_row_of_another_kind_is_no_browser_session() {
    let app = App::new();
    let mut browser = Browser::new();
    let id = app.log_in(&mut browser, "ann");
    let mut row = block_on(app.store.inner.load(&id, START)).unwrap().unwrap();
    block_on(app.store.inner.remove(&id)).unwrap();
    row.kind = auth_core::SessionKind::Refresh;
    let _ = block_on(app.store.inner.insert(&row, None, START)).unwrap();
    assert_eq!(app.who(&mut browser), None);
}

/// A request that is dropped, by a panic or by a client that left, has written no data.
#[test]
fn a_session_that_is_dropped_writes_nothing() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.store.writes();
    let mut session = app.open(&browser);
    session.set(&Cart(vec![1])).unwrap();
    drop(session);
    // A commit that is dropped before it was polled has not happened either.
    let mut session = app.open(&browser);
    session.set(&Cart(vec![1])).unwrap();
    drop(session.commit());
    assert!(app.store.writes().is_empty());
    assert_eq!(app.request(&mut browser, |session| session.get::<Cart>().unwrap()), None);
}

/// The classic resurrection (connect-redis#328).
#[test]
fn saving_after_a_logout_elsewhere_brings_nothing_back_and_sets_no_cookie() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let mut slow = app.open(&browser);
    slow.set(&Cart(vec![1])).unwrap();
    app.log_out(&mut browser);
    let outgoing = block_on(slow.commit());
    assert!(outgoing.cookie().is_none(), "it would clear or overwrite a newer session's");
    assert!(matches!(outgoing.saved(), Err(CommitError::Ended)));
    assert_eq!(app.rows(), 0);
}

/// Who asks [`Session::settled`] does not wait for the store, and must not lose what only the store can keep.
#[test]
fn a_request_is_settled_unless_something_is_to_be_written() {
    let app = App::new();
    let clears = |session: &Session| -> Option<Option<bool>> {
        session.settled().map(|outgoing| outgoing.cookie().map(SetCookie::clears))
    };
    let mut browser = Browser::new();
    let mut session = app.open(&browser);
    assert_eq!(clears(&session), Some(None), "a visitor is nobody");
    session.set(&Cart(vec![1])).unwrap();
    assert_eq!(clears(&session), None, "a visitor's first data");
    let junk = Browser(Some(format!("{}.{}", "A".repeat(32), "A".repeat(43))));
    assert_eq!(clears(&app.open(&junk)), Some(None), "it may once have been a session");
    assert_eq!(clears(&app.open(&Browser(Some("junk".to_owned())))), Some(Some(true)));

    let mut session = app.open(&browser);
    block_on(session.start(login("ann"))).unwrap();
    browser.take(session.settled().expect("a login is written when it happens")).unwrap();
    let mut session = app.open(&browser);
    assert_eq!(clears(&session), Some(None));
    session.set(&Cart(vec![2])).unwrap();
    assert_eq!(clears(&session), None);
    session.remove::<Cart>();
    assert_eq!(clears(&session), Some(None), "changed back");

    app.step(ROTATION);
    assert_eq!(clears(&app.open(&browser)), None, "the secret is due");
    let before = browser.clone();
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    assert_ne!(browser, before);
    app.step(SessionRecord::LOST_AFTER);
    assert_eq!(clears(&app.open(&before)), None, "the answer was lost");
    let mut session = app.open(&browser);
    assert!(block_on(session.end()).unwrap());
    assert_eq!(clears(&session), Some(Some(true)));
}
