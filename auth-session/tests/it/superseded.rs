//! A login takes the place of the session that the request came with, while other requests write to that.

use std::sync::{Arc, Mutex};

use auth_core::{
    Assurance, AuditEvent, Login, Method, SessionLimit, SessionStore, WhenReached, testing::block_on,
};
use auth_session::{CommitError, EpochCheck, SessionPolicy, StartError};

use crate::{
    races::{ROUNDS, at_once},
    support::{App, Browser, Cart, Failing, START, Visits, login, name_of, policy},
};

/// Where another request may come in between, by the call of the store that it comes before.
const PLACES: [&str; 3] = ["insert", "rotate", "remove"];

fn limited() -> SessionPolicy {
    policy().with_limit(SessionLimit { max: 1, when_reached: WhenReached::Refuse }).unwrap()
}

fn app_with(policy: SessionPolicy) -> Arc<App> {
    Arc::new(App::with(policy, EpochCheck::by_session_store_only()))
}

fn stronger(name: &str) -> Login {
    let methods = vec![Method::PASSWORD, Method::ONE_TIME_CODE];
    Login::assertion(login(name).into_authentication().with_methods(methods).with_assurance(Assurance::Aal2))
}

/// A visitor or somebody who is logged in, who has been here before.
fn browser(app: &App, who: Option<&str>) -> Browser {
    let mut browser = Browser::new();
    if let Some(name) = who {
        app.log_in(&mut browser, name);
    }
    app.request(&mut browser, |session| session.set(&Visits(1)).unwrap());
    app.store.writes();
    browser
}

/// Another request of this browser puts something into the cart just before that call of the store. What it was told
/// is known then.
fn meanwhile(app: &Arc<App>, browser: &Browser, place: &'static str) -> Arc<Mutex<Option<bool>>> {
    let told = Arc::new(Mutex::new(None));
    let (other, browser, saved) = (Arc::clone(app), browser.clone(), Arc::clone(&told));
    let mut slow = other.open(&browser);
    app.store.before(place, move || {
        slow.set(&Cart(vec![7])).unwrap();
        let outgoing = block_on(slow.commit());
        assert!(matches!(outgoing.saved(), Ok(()) | Err(CommitError::Ended)));
        assert!(outgoing.cookie().is_none());
        *saved.lock().unwrap() = Some(outgoing.saved().is_ok());
    });
    told
}

/// What another request was told is saved is in the new session, whenever it came; and one that
/// comes too late is told so.
#[test]
fn what_was_saved_while_somebody_logs_in_goes_along() {
    for (policy, before) in [(policy(), None), (policy(), Some("ann")), (limited(), Some("ann"))] {
        for place in PLACES {
            let app = app_with(policy.clone());
            let mut browser = browser(&app, before);
            let old = browser.clone();
            let mut session = app.open(&browser);
            let told = meanwhile(&app, &browser, place);
            block_on(session.start(stronger("ann"))).unwrap();
            let told = told.lock().unwrap().expect("the other request was handled");
            browser.take(block_on(session.commit())).unwrap();

            let session = app.open(&browser);
            assert_eq!(name_of(&session).as_deref(), Some("ann"));
            assert_eq!(session.get::<Visits>().unwrap(), Some(Visits(1)), "{before:?} {place}");
            let cart = session.get::<Cart>().unwrap();
            assert_eq!(cart.is_some(), told, "{before:?} {place}");
            assert_eq!(name_of(&app.open(&old)), None);
            assert_eq!(app.rows(), 1);
        }
    }
}

/// Whatever is written to A's session while B logs in over it, B has nothing of it.
#[test]
fn nothing_of_anothers_session_goes_along_whenever_it_is_written() {
    for policy in [policy(), limited()] {
        for place in ["insert", "remove"] {
            let app = app_with(policy.clone());
            let mut browser = browser(&app, Some("ann"));
            let mut session = app.open(&browser);
            let told = meanwhile(&app, &browser, place);
            session.set(&Visits(9)).unwrap();
            block_on(session.start(login("bob"))).unwrap();
            assert_eq!(*told.lock().unwrap(), Some(true), "it was ann's, and ended with hers");
            browser.take(block_on(session.commit())).unwrap();
            let session = app.open(&browser);
            assert_eq!(name_of(&session).as_deref(), Some("bob"));
            assert_eq!((session.get::<Cart>().unwrap(), session.get::<Visits>().unwrap()), (None, None));
            assert_eq!(app.rows(), 1);
        }
    }
}

/// The same on OS threads: writers and a login at once.
#[test]
fn every_write_that_was_reported_saved_is_in_the_session_that_a_login_begins() {
    let mut in_time = 0;
    for round in 0..ROUNDS {
        let (policy, before) = match round % 3 {
            0 => (policy(), None),
            1 => (policy(), Some("ann")),
            _ => (limited(), Some("ann")),
        };
        let app = app_with(policy);
        let old = browser(&app, before);
        let opened = Mutex::new((0..3).map(|_| app.open(&old)).collect::<Vec<_>>());
        let answers = at_once(3, |who| {
            let mut session = opened.lock().unwrap().pop().unwrap();
            match who {
                0 => {
                    block_on(session.start(stronger("ann"))).unwrap();
                }
                1 => session.set(&Cart(vec![7])).unwrap(),
                _ => session.set(&Visits(2)).unwrap(),
            }
            (who, block_on(session.commit()))
        });
        let (mut browser, mut saved) = (old.clone(), [false; 3]);
        for (who, outgoing) in answers {
            saved[who] = outgoing.saved().is_ok();
            if who == 0 {
                browser.take(outgoing).unwrap();
            }
        }
        let session = app.open(&browser);
        assert_eq!(name_of(&session).as_deref(), Some("ann"));
        assert_eq!(session.get::<Cart>().unwrap().is_some(), saved[1]);
        assert_eq!(session.get::<Visits>().unwrap(), Some(Visits(if saved[2] { 2 } else { 1 })));
        assert_eq!((app.who(&mut old.clone()), app.rows()), (None, 1));
        in_time += usize::from(saved[1]) + usize::from(saved[2]);
    }
    assert!(in_time > 0 && in_time < 2 * ROUNDS as usize, "they met: {in_time}");
}

/// Both set one slot. The login happens, what was saved stays, and the request that logged in is told of its own.
#[test]
fn a_login_is_not_lost_over_a_conflict_of_data() {
    for (policy, before) in [(policy(), None), (policy(), Some("ann")), (limited(), Some("ann"))] {
        let app = app_with(policy);
        let mut browser = browser(&app, before);
        let mut session = app.open(&browser);
        session.set(&Cart(vec![1])).unwrap();
        let told = meanwhile(&app, &browser, "rotate");
        block_on(session.start(login("ann"))).unwrap();
        assert_eq!(*told.lock().unwrap(), Some(true));
        assert_eq!(session.get::<Cart>().unwrap(), Some(Cart(vec![1])), "as this request wants it");
        let outcome = browser.take(block_on(session.commit()));
        assert!(matches!(outcome, Err(CommitError::Conflict { slot }) if &*slot == "cart"));
        let session = app.open(&browser);
        assert_eq!(name_of(&session).as_deref(), Some("ann"));
        assert_eq!(session.get::<Cart>().unwrap(), Some(Cart(vec![7])));
        assert_eq!(session.get::<Visits>().unwrap(), Some(Visits(1)));
    }
}

/// Another login was faster and has the data. What this request sets is its own.
#[test]
fn what_a_request_sets_is_kept_though_another_login_took_the_rest() {
    let app = app_with(policy());
    let mut browser = browser(&app, None);
    let mut other = app.open(&browser);
    let mut session = app.open(&browser);
    session.set(&Cart(vec![1])).unwrap();
    block_on(other.start(login("ann"))).unwrap();
    block_on(session.start(login("ann"))).unwrap();
    browser.take(block_on(session.commit())).unwrap();
    let session = app.open(&browser);
    assert_eq!(session.get::<Cart>().unwrap(), Some(Cart(vec![1])));
    assert_eq!(session.get::<Visits>().unwrap(), None, "it went along with the other");
}

/// Whichever call fails, a login that is reported leaves no old secret alive, and one that is not loses nobody's data:
/// it is behind the old cookie still, unless the store does not say whether it did what it was asked.
#[test]
fn a_store_that_fails_at_any_step_of_a_login_loses_no_data() {
    for before in [None, Some("ann")] {
        for (place, how) in PLACES.into_iter().flat_map(|p| [(p, Failing::Before), (p, Failing::After)]) {
            let app = app_with(policy());
            let mut browser = browser(&app, before);
            let old = browser.clone();
            let mut session = app.open(&browser);
            app.store.fail(Some((place, how)));
            let started = block_on(session.start(stronger("ann")));
            app.store.fail(None);
            let case = format!("{before:?} {place} {how:?}");
            assert_eq!(started.is_ok(), place == "remove", "{case}");
            browser.take(block_on(session.commit())).unwrap();
            let with_old = app.open(&old).get::<Visits>().unwrap();
            let with_new = app.open(&browser).get::<Visits>().unwrap();
            if started.is_ok() {
                assert_eq!((with_old, with_new), (None, Some(Visits(1))), "{case}");
                let ended = app
                    .audit
                    .events()
                    .into_iter()
                    .filter(|(_, event)| matches!(event, AuditEvent::SessionEnded { why: "login", .. }));
                assert_eq!(ended.count(), 1, "{case}");
            } else {
                assert_eq!(browser, old, "{case}");
                let is_unknown = (place, how) == ("rotate", Failing::After);
                assert_eq!(with_old.is_some(), !is_unknown, "{case}");
                assert_eq!(app.rows(), 1, "nothing of the new one stays: {case}");
            }
        }
    }
}

/// With a limit, the old session ends before the new one is counted.
#[test]
fn a_login_under_a_limit_that_cannot_end_the_session_of_before_leaves_it() {
    let app = app_with(limited());
    let mut browser = browser(&app, Some("ann"));
    let mut session = app.open(&browser);
    app.store.fail(Some(("remove", Failing::Before)));
    assert!(matches!(block_on(session.start(stronger("ann"))), Err(StartError::Unavailable(_))));
    app.store.fail(None);
    assert_eq!(name_of(&session).as_deref(), Some("ann"));
    browser.take(block_on(session.commit())).unwrap();
    let session = app.open(&browser);
    assert_eq!(name_of(&session).as_deref(), Some("ann"));
    assert_eq!(session.get::<Visits>().unwrap(), Some(Visits(1)));
}

/// A session that somebody else writes to all the time: an error after a few tries, and nothing has changed.
#[test]
fn a_login_over_a_session_that_is_never_quiet_is_an_error() {
    let app = app_with(policy());
    let mut browser = browser(&app, Some("ann"));
    let mut session = app.open(&browser);
    app.store.contend(session.id());
    assert!(matches!(block_on(session.start(stronger("ann"))), Err(StartError::Unavailable(_))));
    app.store.contend(None);
    browser.take(block_on(session.commit())).unwrap();
    assert_eq!((app.who(&mut browser).as_deref(), app.rows()), (Some("ann"), 1));
}

/// What a login costs: one call where there was no session, two over somebody else's, and one more where data goes
/// along.
#[test]
fn a_login_makes_as_many_calls_as_it_needs() {
    let cost = |before: Option<&str>, name: &str| {
        let app = app_with(policy());
        let mut browser = Browser::new();
        if before.is_some() {
            browser = self::browser(&app, before.filter(|name| !name.is_empty()));
        }
        let mut session = app.open(&browser);
        app.store.calls();
        block_on(session.start(login(name))).unwrap();
        app.store.calls()
    };
    assert_eq!(cost(None, "ann"), 1);
    assert_eq!(cost(Some("bob"), "ann"), 2);
    assert_eq!(cost(Some(""), "ann"), 3);
    assert_eq!(cost(Some("ann"), "ann"), 3);
}

/// A login that fails over a session that is challenged must not open that session for whoever holds its cookie, nor
/// give them its next secret.
#[test]
fn a_login_that_fails_over_a_challenged_session_leaves_it_challenged() {
    use auth_core::ClientSignals;
    use auth_session::{ClientCheck, WhenClientChanges};

    let check = ClientCheck::off().on_user_agent(WhenClientChanges::Challenge);
    let app = app_with(policy().with_client_check(check));
    let signals = |name: &[u8]| ClientSignals::none().with_user_agent(name);
    let open = |browser: &Browser, name: &[u8]| {
        let header = browser.header();
        let incoming = app.sessions.read(header.as_deref().map(str::as_bytes)).unwrap();
        block_on(app.sessions.open(&incoming.with_signals(signals(name)))).unwrap()
    };
    let mut browser = Browser::new();
    let mut session = open(&browser, b"Firefox");
    block_on(session.start(login("ann"))).unwrap();
    browser.take(block_on(session.commit())).unwrap();
    app.step(crate::support::ROTATION);

    let mut stolen = open(&browser, b"curl");
    app.store.fail(Some(("insert", Failing::Before)));
    assert!(block_on(stolen.start(login("eve"))).is_err());
    app.store.fail(Some(("remove", Failing::Before)));
    assert!(block_on(stolen.end()).is_err());
    app.store.fail(None);
    assert!(stolen.challenge().is_some() && stolen.authenticated().is_none() && stolen.live().is_none());
    assert!(block_on(stolen.commit()).cookie().is_none());
    assert_eq!(name_of(&open(&browser, b"Firefox")).as_deref(), Some("ann"));
    let id = app.sessions_of("ann")[0];
    assert_eq!(block_on(app.store.inner.load(&id, START)).unwrap().unwrap().secret.generation, 0);
}

/// Nobody is logged in by it: whoever logged out in one tab while they logged in in another has to log in again.
#[test]
fn a_late_answer_to_a_logout_clears_a_newer_cookie() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let mut late = app.open(&browser);
    app.log_in(&mut browser, "bob");
    assert!(!block_on(late.end()).unwrap());
    browser.take(block_on(late.commit())).unwrap();
    assert_eq!(app.who(&mut browser), None);
    assert_eq!(app.sessions_of("bob").len(), 1, "and ends no other session");
}
