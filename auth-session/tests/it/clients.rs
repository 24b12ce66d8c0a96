//! Sessions that are used by another client than the one that began them.

use std::time::Duration;

use auth_core::{AuditEvent, ClientSignals, Refusal, testing::block_on};
use auth_session::{ClientCheck, CommitError, EpochCheck, Session, WhenClientChanges};

use crate::{
    epochs::Accounts,
    support::{App, Browser, Cart, Failing, ROTATION, TOUCH, login, name_of, policy},
};

fn app(check: ClientCheck) -> App {
    App::with(policy().with_client_check(check), EpochCheck::by_session_store_only())
}

fn firefox() -> ClientSignals {
    ClientSignals::none().with_user_agent(b"Firefox").with_address("192.0.2.1".parse().unwrap())
}

fn curl() -> ClientSignals {
    ClientSignals::none().with_user_agent(b"curl").with_address("192.0.2.200".parse().unwrap())
}

fn elsewhere() -> ClientSignals {
    ClientSignals::none().with_user_agent(b"Firefox").with_address("198.51.100.1".parse().unwrap())
}

fn open(app: &App, browser: &Browser, signals: ClientSignals) -> Session {
    let header = browser.header();
    let incoming = app.sessions.read(header.as_deref().map(str::as_bytes)).unwrap();
    block_on(app.sessions.open(&incoming.with_signals(signals))).unwrap()
}

fn log_in(app: &App, browser: &mut Browser, name: &str, signals: ClientSignals) {
    let mut session = open(app, browser, signals);
    block_on(session.start(login(name))).unwrap();
    browser.take(block_on(session.commit())).unwrap();
}

fn changes(app: &App) -> Vec<(bool, bool, &'static str)> {
    let events = app.audit.events().into_iter();
    events
        .filter_map(|(_, event)| match event {
            AuditEvent::ClientChanged { change, outcome, .. } => {
                Some((change.user_agent, change.network, outcome))
            }
            _ => None,
        })
        .collect()
}

/// Off is off: nothing about clients is kept, compared or written down.
#[test]
fn without_a_check_nothing_about_clients_is_kept() {
    let app = app(ClientCheck::off());
    let mut browser = Browser::new();
    log_in(&app, &mut browser, "ann", firefox());
    app.step(TOUCH);
    assert_eq!(name_of(&open(&app, &browser, curl())).as_deref(), Some("ann"));
    assert!(changes(&app).is_empty());
    let session = open(&app, &browser, curl());
    let devices = block_on(session.devices(auth_core::Page::first())).unwrap();
    assert!(devices[0].session.terms.is_none());
}

/// Whoever only watches must not fill the log with every image of a page.
#[test]
fn a_watched_change_is_written_down_as_often_as_a_use() {
    let app = app(ClientCheck::off().on_user_agent(WhenClientChanges::Observe));
    let mut browser = Browser::new();
    log_in(&app, &mut browser, "ann", firefox());
    for _ in 0..3 {
        app.step(TOUCH);
        for _ in 0..5 {
            assert_eq!(name_of(&open(&app, &browser, curl())).as_deref(), Some("ann"));
        }
    }
    assert_eq!(changes(&app), [(true, false, "observed"); 3]);
}

/// In a full store no use can be written down, so each request is the first; the log must not fill up for that.
#[test]
fn a_watched_change_does_not_fill_the_log_where_the_store_is_full() {
    let app = app(ClientCheck::off().on_user_agent(WhenClientChanges::Observe));
    let mut browser = Browser::new();
    log_in(&app, &mut browser, "ann", firefox());
    app.step(TOUCH);
    app.store.fail(Some(("touch", Failing::Full)));
    for _ in 0..100 {
        assert_eq!(name_of(&open(&app, &browser, curl())).as_deref(), Some("ann"));
    }
    assert_eq!(changes(&app), [(true, false, "observed")]);
}

/// What is not held to anything may change, and who says nothing of a signal has not changed it.
#[test]
fn only_what_was_asked_for_is_held_to() {
    let app = app(ClientCheck::off().on_network(WhenClientChanges::End));
    let mut browser = Browser::new();
    log_in(&app, &mut browser, "ann", firefox());
    for same_network in [curl(), ClientSignals::none(), firefox()] {
        assert_eq!(name_of(&open(&app, &browser, same_network)).as_deref(), Some("ann"));
    }
    assert!(changes(&app).is_empty());
    assert_eq!(name_of(&open(&app, &browser, elsewhere())), None);
    assert_eq!(changes(&app), [(false, true, "ended")]);
    assert_eq!(name_of(&open(&app, &browser, firefox())), None, "it ended for everybody");
    assert_eq!(app.rows(), 0);
}

#[test]
fn a_challenged_session_opens_nothing_and_is_left_alone() {
    let app = app(ClientCheck::off().on_user_agent(WhenClientChanges::Challenge));
    let mut browser = Browser::new();
    log_in(&app, &mut browser, "ann", firefox());
    app.request(&mut browser, |session| session.set(&Cart(vec![7])).unwrap());
    app.store.writes();
    app.step(TOUCH * 3);

    let mut session = open(&app, &browser, curl());
    let challenge = session.challenge().unwrap();
    assert_eq!(Refusal::from(challenge).status(), 401);
    assert!(session.authenticated().is_none() && session.live().is_none() && session.id().is_none());
    assert_eq!(session.get::<Cart>().unwrap(), None);
    assert!(block_on(session.rotate()).is_err());
    session.set(&Cart(vec![666])).unwrap();
    let outgoing = block_on(session.commit());
    assert!(outgoing.cookie().is_none(), "the cookie may be its owner's");
    assert!(matches!(outgoing.saved(), Err(CommitError::Challenged(_))));
    assert!(app.store.writes().is_empty(), "a challenge is no use");

    let owner = open(&app, &browser, firefox());
    assert_eq!(name_of(&owner).as_deref(), Some("ann"));
    assert_eq!(owner.get::<Cart>().unwrap(), Some(Cart(vec![7])));
    assert!(owner.challenge().is_none());
}

/// A thief who asks again and again, or a page with a hundred images, must not fill the log.
#[test]
fn a_challenge_is_written_down_once_a_minute() {
    let app = app(ClientCheck::off().on_user_agent(WhenClientChanges::Challenge));
    let mut browser = Browser::new();
    log_in(&app, &mut browser, "ann", firefox());
    for minutes in 1..=3 {
        for _ in 0..20 {
            assert!(open(&app, &browser, curl()).challenge().is_some());
        }
        assert_eq!(changes(&app), vec![(true, false, "challenged"); minutes]);
        app.step(Duration::from_secs(60));
    }
}

/// Logging in again is the way out: the same person finds their data, and anybody else nothing.
#[test]
fn a_login_over_a_challenged_session_takes_its_place() {
    for (who, cart) in [("ann", Some(Cart(vec![7]))), ("bob", None)] {
        let app = app(ClientCheck::off().on_user_agent(WhenClientChanges::Challenge));
        let mut browser = Browser::new();
        log_in(&app, &mut browser, "ann", firefox());
        app.request(&mut browser, |session| session.set(&Cart(vec![7])).unwrap());
        let before = browser.clone();
        log_in(&app, &mut browser, who, curl());
        let session = open(&app, &browser, curl());
        assert_eq!(name_of(&session).as_deref(), Some(who));
        assert_eq!(session.get::<Cart>().unwrap(), cart);
        assert_eq!(name_of(&open(&app, &before, firefox())), None);
        assert_eq!(app.rows(), 1);
    }
}

/// Whoever holds the cookie may always log out.
#[test]
fn a_challenged_session_can_be_ended() {
    let app = app(ClientCheck::off().on_user_agent(WhenClientChanges::Challenge));
    let mut browser = Browser::new();
    log_in(&app, &mut browser, "ann", firefox());
    let mut session = open(&app, &browser, curl());
    assert!(block_on(session.end()).unwrap());
    browser.take(block_on(session.commit())).unwrap();
    assert_eq!((app.rows(), browser), (0, Browser::new()));
}

/// A challenge must not be a way to learn whether a cookie's secret is right, nor keep a session that an account's
/// change has ended, nor shield a replay.
#[test]
fn secret_and_epoch_come_before_the_client() {
    let check = ClientCheck::off().on_user_agent(WhenClientChanges::Challenge);
    let accounts = Accounts::at(0);
    let always = EpochCheck::every(accounts.clone(), Duration::ZERO).unwrap();
    let app = App::with(policy().with_client_check(check), always);
    let mut browser = Browser::new();
    log_in(&app, &mut browser, "ann", firefox());
    let mut forged = browser.clone();
    let value = forged.0.as_mut().unwrap();
    let last = if value.ends_with('A') { 'E' } else { 'A' };
    value.pop();
    value.push(last);
    assert!(open(&app, &forged, curl()).challenge().is_none());
    assert!(open(&app, &browser, curl()).challenge().is_some());

    accounts.set(Some(1));
    assert!(open(&app, &browser, curl()).challenge().is_none(), "its epoch is over");
    accounts.set(Some(0));

    // The secret is replaced by age, and the new one is seen.
    let old = browser.clone();
    app.step(ROTATION);
    for _ in 0..2 {
        browser.take(block_on(open(&app, &browser, firefox()).commit())).unwrap();
    }
    assert_ne!(browser, old);
    app.step(Duration::from_secs(31));
    assert!(open(&app, &browser, curl()).challenge().is_some());
    assert!(open(&app, &old, curl()).challenge().is_none());
    assert!(app.has_audit("session.replayed"));
    assert_eq!(app.rows(), 0);
}
