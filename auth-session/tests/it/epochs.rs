//! Everything of an account ends at once.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use auth_core::{
    AuthEpoch, EpochSource, KeyName, KeyRing, Page, PrincipalId, Secret, SessionTerms, StoreError,
    testing::{block_on, login_at_epoch},
};
use auth_session::{EpochCheck, RefreshPolicy, RefreshTokens, RotateError, Sessions, StartError};

use crate::support::{App, Browser, Cart, START, name_of, policy, user};

#[derive(Default)]
pub(crate) struct Accounts {
    epoch: Mutex<Option<AuthEpoch>>,
    broken: AtomicBool,
}

impl Accounts {
    pub(crate) fn at(epoch: u64) -> Arc<Self> {
        Arc::new(Self { epoch: Mutex::new(Some(AuthEpoch::new(epoch))), broken: AtomicBool::new(false) })
    }

    pub(crate) fn set(&self, epoch: Option<u64>) {
        *self.epoch.lock().unwrap() = epoch.map(AuthEpoch::new);
    }
}

#[async_trait]
impl EpochSource for Accounts {
    async fn epoch_of(&self, _: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::timeout());
        }
        Ok(*self.epoch.lock().unwrap())
    }
}

/// A changed password ends what others hold; who changed it stays.
#[test]
fn ending_all_others_spares_the_session_that_asks_and_changes_its_secret() {
    let app = App::new();
    let (mut desk, mut phone) = (Browser::new(), Browser::new());
    let id = app.log_in_at(&mut desk, "ann", 1);
    app.log_in_at(&mut phone, "ann", 1);
    app.log_in_at(&mut Browser::new(), "bob", 1);
    app.request(&mut desk, |session| session.set(&Cart(vec![1])).unwrap());
    let mut copy = desk.clone();
    let ended = app.request(&mut desk, |session| {
        let ended = block_on(session.end_all_others(AuthEpoch::new(2))).unwrap();
        assert_eq!(session.authenticated().unwrap().authentication().epoch, AuthEpoch::new(2));
        ended
    });
    assert_eq!(ended, 1);
    assert_eq!(app.who(&mut phone), None);
    assert_eq!(app.who(&mut copy), None, "a stolen copy must not be what is spared");
    assert_eq!(app.who(&mut desk).as_deref(), Some("ann"));
    assert_eq!(app.request(&mut desk, |session| session.get::<Cart>().unwrap()), Some(Cart(vec![1])));
    assert_eq!(app.sessions_of("ann"), [id]);
    assert_eq!(app.sessions_of("bob").len(), 1);
    assert!(app.has_audit("sessions.ended"));
}

/// A login that was checked against the old password must not outlive the change.
#[test]
fn a_login_that_was_under_way_does_not_survive_the_end_of_all() {
    let app = App::new();
    let mut phone = Browser::new();
    app.log_in_at(&mut phone, "ann", 1);
    let under_way = auth_core::testing::login_at_epoch(&user("ann"), START, AuthEpoch::new(1));
    assert_eq!(block_on(app.sessions.end_all(&user("ann"), AuthEpoch::new(2))).unwrap(), 1);
    let mut visitor = Browser::new();
    app.request(&mut visitor, |session| session.set(&Cart(vec![1])).unwrap());
    app.request(&mut visitor, |session| {
        assert!(matches!(block_on(session.start(under_way)), Err(StartError::Outdated)));
    });
    assert_eq!(app.who(&mut visitor), None);
    assert_eq!(app.request(&mut visitor, |session| session.get::<Cart>().unwrap()), Some(Cart(vec![1])));
    assert_eq!(app.who(&mut phone), None);
    app.log_in_at(&mut phone, "ann", 2);
    assert_eq!(app.who(&mut phone).as_deref(), Some("ann"));
}

/// The process died between changing the account and ending its sessions: the backstop notices.
#[test]
fn the_account_store_is_asked_at_most_every_interval_and_its_word_counts() {
    let accounts = Accounts::at(1);
    let app = App::with(policy(), EpochCheck::by(accounts.clone()));
    let mut browser = Browser::new();
    app.log_in_at(&mut browser, "ann", 1);
    assert!(app.who(&mut browser).is_some());
    accounts.set(Some(2));
    assert!(app.who(&mut browser).is_some(), "asked less than 60 s ago");
    app.step(EpochCheck::INTERVAL);
    assert_eq!(app.who(&mut browser), None);
}

#[test]
fn a_disabled_account_is_noticed_and_let_in_again_at_once() {
    let accounts = Accounts::at(1);
    let always = EpochCheck::every(accounts.clone(), std::time::Duration::ZERO).unwrap();
    let app = App::with(policy(), always);
    let mut browser = Browser::new();
    app.log_in_at(&mut browser, "ann", 1);
    let kept = browser.clone();
    accounts.set(None);
    assert_eq!(app.who(&mut browser), None);
    accounts.set(Some(2));
    assert_eq!(app.who(&mut kept.clone()), None);
    app.log_in_at(&mut browser, "ann", 2);
    assert!(app.who(&mut browser).is_some());
}

/// If nobody can say whether the account is alive, nobody is let in and nobody is
/// logged out.
#[test]
fn a_failing_account_store_is_an_error_and_keeps_the_cookie() {
    let accounts = Accounts::at(1);
    let always = EpochCheck::every(accounts.clone(), std::time::Duration::ZERO).unwrap();
    let app = App::with(policy(), always);
    let mut browser = Browser::new();
    app.log_in_at(&mut browser, "ann", 1);
    accounts.broken.store(true, Ordering::SeqCst);
    let error = app.try_open(&browser).unwrap_err();
    assert_eq!(auth_core::Refusal::from(error).status(), 503);
    accounts.broken.store(false, Ordering::SeqCst);
    assert!(app.who(&mut browser).is_some());
}

/// A stolen session is in use for as long as its epoch is cached, although the password was changed. It must not
/// use that time to log out everybody but itself.
#[test]
fn a_session_that_an_earlier_change_should_have_ended_is_not_spared() {
    let accounts = Accounts::at(1);
    let app = App::with(policy(), EpochCheck::by(accounts.clone()));
    let (mut owner, mut thief) = (Browser::new(), Browser::new());
    app.log_in_at(&mut thief, "ann", 1);
    assert!(app.who(&mut thief).is_some());
    // The process that changed the password died before it ended the sessions.
    accounts.set(Some(2));
    app.log_in_at(&mut owner, "ann", 2);
    let mut stolen = app.open(&thief);
    assert!(stolen.authenticated().is_some(), "still cached");
    accounts.set(Some(3));
    let refused = block_on(stolen.end_all_others(AuthEpoch::new(3)));
    assert!(matches!(refused, Err(RotateError::Ended)));
    thief.take(block_on(stolen.commit())).unwrap();
    assert_eq!((app.who(&mut thief), app.who(&mut owner)), (None, None));
    assert!(app.sessions_of("ann").is_empty());
}

/// Between the change of the account and the call that moves the spared session up, that session looks
/// outdated. A request in that moment must not end it for good, nor take its cookie out of the browser, whichever of
/// the two is answered last.
#[test]
fn a_request_between_the_change_and_the_sweep_does_not_end_the_spared_session() {
    for change_is_last in [true, false] {
        let accounts = Accounts::at(1);
        let always = EpochCheck::every(accounts.clone(), std::time::Duration::ZERO).unwrap();
        let app = App::with(policy(), always);
        let mut browser = Browser::new();
        app.log_in_at(&mut browser, "ann", 1);
        let mut changing = app.open(&browser);
        accounts.set(Some(2));
        let other = app.open(&browser);
        assert!(other.authenticated().is_none());
        let other = block_on(other.commit());
        block_on(changing.end_all_others(AuthEpoch::new(2))).unwrap();
        let change = block_on(changing.commit());
        for answer in if change_is_last { [other, change] } else { [change, other] } {
            browser.take(answer).unwrap();
        }
        assert_eq!(app.who(&mut browser).as_deref(), Some("ann"), "{change_is_last}");
    }
}

/// A session keeps the tag of the key under which it began, however often it is used or refreshed. Without that key, the
/// ends of all and the lists miss it, and the account store is what refuses it.
#[test]
fn a_key_that_is_dropped_too_early_hides_sessions_that_the_account_store_still_ends() {
    let new_secret = || Secret::new((8..).take(32).collect());
    let new_name = || KeyName::from_static("new");
    let old_secret = || Secret::new((7..).take(32).collect());
    for keeps_the_old in [true, false] {
        let accounts = Accounts::at(1);
        let app = App::new();
        let with = |ring: KeyRing, epochs: EpochCheck| {
            let clock = Arc::new(app.clock.clone());
            Sessions::new(app.store.clone(), Arc::new(ring), epochs, app.audit.clone(), policy())
                .with_clock(clock)
        };
        let both = || {
            let ring = KeyRing::new(new_name(), new_secret()).unwrap();
            ring.with_retired(KeyName::from_static("test"), old_secret()).unwrap()
        };
        let mut browser = Browser::new();
        app.log_in_at(&mut browser, "ann", 1);
        let refresh = |sessions: &Sessions| RefreshTokens::new(sessions, RefreshPolicy::default());
        let login = login_at_epoch(&user("ann"), START, AuthEpoch::new(1));
        let first = block_on(refresh(&app.sessions).issue(login, SessionTerms::new())).unwrap().token;
        // The new key becomes current, and the token is one of it from then on.
        let store_only = EpochCheck::by_session_store_only();
        let token = block_on(refresh(&with(both(), store_only.clone())).refresh(&first)).unwrap().token;

        let now = || if keeps_the_old { both() } else { KeyRing::new(new_name(), new_secret()).unwrap() };
        let sessions = with(now(), store_only);
        let listed = block_on(sessions.list(&user("ann"), Page::first())).unwrap().len();
        let ended = block_on(sessions.end_all(&user("ann"), AuthEpoch::new(2))).unwrap();
        assert_eq!((listed, ended), if keeps_the_old { (2, 2) } else { (0, 0) });
        if keeps_the_old {
            assert_eq!(app.rows(), 0);
            continue;
        }
        assert_eq!(name_of(&app.open(&browser)).as_deref(), Some("ann"), "nothing has ended it");

        accounts.set(Some(2));
        let always = EpochCheck::every(accounts, std::time::Duration::ZERO).unwrap();
        let asking = with(now(), always);
        let header = browser.header();
        let incoming = asking.read(header.as_deref().map(str::as_bytes)).unwrap();
        assert_eq!(name_of(&block_on(asking.open(&incoming)).unwrap()), None);
        assert!(block_on(refresh(&asking).refresh(&token)).is_err());
    }
}
