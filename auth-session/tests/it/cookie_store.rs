//! Sessions that are nothing but a cookie.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    AuthEpoch, DiscardAudit, EpochSource, KeyName, KeyRing, Malformed, MemoryAudit, MemoryTokens,
    PrincipalId, Secret, SessionId, StoreError, TokenStore,
    testing::{FailWith, FailingStore, SeededEntropy, SteppedClock, block_on, login_at_epoch},
};
use auth_session::{
    CookiePolicy, CookieSession, CookieSessionPolicy, CookieSessions, EpochCheck, Irrevocable, Revocable,
    Revocation, SealError, SessionData, SetCookie, StartError,
};
use serde::{Deserialize, Serialize};

use crate::support::{ABSOLUTE, Cart, IDLE, START, TOUCH, Visits, login, user};

struct Accounts(AtomicU64);

#[async_trait]
impl EpochSource for Accounts {
    async fn epoch_of(&self, _: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
        Ok(Some(AuthEpoch::new(self.0.load(Ordering::SeqCst))))
    }
}

struct App<R: Revocation> {
    sessions: CookieSessions<R>,
    clock: Arc<SteppedClock>,
    audit: Arc<MemoryAudit>,
    accounts: Arc<Accounts>,
}

fn keys(number: u8) -> (KeyName, Secret) {
    (KeyName::parse(&format!("k{number}")).unwrap(), Secret::new((number..).take(32).collect()))
}

fn ring(number: u8) -> KeyRing {
    let (name, secret) = keys(number);
    KeyRing::new(name, secret).unwrap()
}

fn app_with(keys: KeyRing) -> App<Irrevocable> {
    let (clock, audit) = (Arc::new(SteppedClock::new(START)), Arc::new(MemoryAudit::new(100)));
    let accounts = Arc::new(Accounts(AtomicU64::new(0)));
    let policy = CookieSessionPolicy::new(IDLE, ABSOLUTE, CookiePolicy::default()).unwrap();
    let epochs = EpochCheck::by(Arc::clone(&accounts) as Arc<dyn EpochSource>);
    let sessions = CookieSessions::new(Arc::new(keys), epochs, Arc::clone(&audit) as _, policy)
        .with_clock(Arc::clone(&clock) as _)
        .with_entropy(Arc::new(SeededEntropy::new(1)));
    App { sessions, clock, audit, accounts }
}

fn app() -> App<Irrevocable> {
    app_with(ring(1))
}

fn app_with_list(list: Arc<dyn TokenStore>) -> App<Revocable> {
    let App { sessions, clock, audit, accounts } = app();
    App { sessions: sessions.with_revocations(list), clock, audit, accounts }
}

/// The value of the cookie that a browser holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Browser(Option<String>);

impl Browser {
    fn take(&mut self, cookie: Option<SetCookie>) {
        let Some(cookie) = cookie else { return };
        let pair = cookie.expose().split(';').next().unwrap();
        let value = pair.strip_prefix("__Host-sid=").unwrap();
        assert_eq!(cookie.clears(), value.is_empty());
        self.0 = (!cookie.clears()).then(|| value.to_owned());
    }
}

impl<R: Revocation> App<R> {
    fn open(&self, browser: &Browser) -> CookieSession<R> {
        let line = browser.0.as_ref().map(|value| format!("__Host-sid={value}"));
        let cookie = self.sessions.read(line.iter().map(|line| line.as_bytes())).unwrap();
        block_on(self.sessions.open(&cookie)).unwrap()
    }

    fn who(&self, browser: &Browser) -> Option<String> {
        self.open(browser).authenticated().map(|who| who.principal().id().to_owned())
    }

    fn log_in(&self, browser: &mut Browser, name: &str) -> SessionId {
        let mut session = self.open(browser);
        let id = block_on(session.start(login(name))).unwrap();
        browser.take(session.commit().unwrap());
        id
    }
}

#[test]
fn a_login_is_in_the_cookie_and_nowhere_else() {
    let (app, mut browser) = (app(), Browser::default());
    let id = app.log_in(&mut browser, "ann");
    let session = app.open(&browser);
    assert_eq!(session.authenticated().unwrap().principal(), &user("ann"));
    assert_eq!((session.id(), session.created_at()), (Some(id), Some(START)));
    assert!(app.audit.has("session.started"));
    assert!(session.commit().unwrap().is_none(), "nothing changed");
    // Another server with the same keys.
    assert_eq!(app_with(ring(1)).who(&browser).as_deref(), Some("ann"));
}

#[test]
fn data_is_kept_and_goes_along_with_its_owner_only() {
    let (app, mut browser) = (app(), Browser::default());
    let mut session = app.open(&browser);
    session.set(&Cart(vec![1, 2])).unwrap();
    browser.take(session.commit().unwrap());
    let visitor = app.open(&browser).id().unwrap();

    let hers = app.log_in(&mut browser, "ann");
    assert_ne!(hers, visitor);
    assert_eq!(app.open(&browser).get::<Cart>().unwrap(), Some(Cart(vec![1, 2])));
    assert_ne!(app.log_in(&mut browser, "ann"), hers, "a login is a new session");
    assert_eq!(app.open(&browser).get::<Cart>().unwrap(), Some(Cart(vec![1, 2])));
    app.log_in(&mut browser, "bob");
    assert_eq!(app.open(&browser).get::<Cart>().unwrap(), None);

    let mut session = app.open(&browser);
    session.set(&Visits(1)).unwrap();
    session.set(&Cart(vec![3])).unwrap();
    session.remove::<Visits>();
    browser.take(session.commit().unwrap());
    let session = app.open(&browser);
    assert_eq!((session.get().unwrap(), session.get::<Visits>().unwrap()), (Some(Cart(vec![3])), None));
    assert_eq!(app.who(&browser).as_deref(), Some("bob"));
}

#[test]
fn a_visitor_without_data_has_no_cookie() {
    let (app, mut browser) = (app(), Browser::default());
    assert!(app.open(&browser).commit().unwrap().is_none());
    let mut session = app.open(&browser);
    session.set(&Visits(1)).unwrap();
    browser.take(session.commit().unwrap());
    let mut session = app.open(&browser);
    session.remove::<Visits>();
    browser.take(session.commit().unwrap());
    assert_eq!(browser, Browser(None));
}

/// Deadlines are the server's, and use does not pass the absolute one.
#[test]
fn deadlines_are_inside_the_seal_and_sliding_ends_at_the_absolute_one() {
    let (app, mut browser) = (app(), Browser::default());
    app.log_in(&mut browser, "ann");
    let first = browser.clone();
    app.clock.step(TOUCH - Duration::from_secs(1));
    assert!(app.open(&browser).commit().unwrap().is_none(), "not yet due");
    app.clock.step(Duration::from_secs(1));
    browser.take(app.open(&browser).commit().unwrap());
    assert_ne!(browser, first);
    let mut used = 0;
    while app.who(&browser).is_some() {
        app.clock.step(IDLE - Duration::from_secs(1));
        browser.take(app.open(&browser).commit().unwrap());
        used += 1;
    }
    let lived = TOUCH + Duration::from_secs(used * (IDLE.as_secs() - 1));
    assert!(lived >= ABSOLUTE && lived < ABSOLUTE + IDLE, "{lived:?}");

    let app = self::app();
    app.clock.step(IDLE - Duration::from_secs(1));
    assert!(app.who(&first).is_some());
    app.clock.step(Duration::from_secs(1));
    assert_eq!(app.who(&first), None, "a copy that nobody used");
}

/// What we did not seal opens nothing, is cleared, and is no error.
#[test]
fn a_cookie_that_was_changed_or_is_of_another_kind_is_nobodys() {
    let (app, mut browser) = (app(), Browser::default());
    app.log_in(&mut browser, "ann");
    let good = browser.0.unwrap();
    let mut middle = good.clone().into_bytes();
    let at = middle.len() / 2;
    middle[at] = if middle[at] == b'A' { b'B' } else { b'A' };
    let of_a_store = format!("{}.{}", "A".repeat(32), "A".repeat(43));
    let changed = String::from_utf8(middle).unwrap();
    for bad in [String::new(), "x".to_owned(), changed, of_a_store, good[1..].to_owned(), "A".repeat(9_000)] {
        let mut browser = Browser(Some(bad));
        let session = app.open(&browser);
        assert!(session.authenticated().is_none() && session.id().is_none());
        browser.take(session.commit().unwrap());
        assert_eq!(browser, Browser(None));
    }
    let line = format!("__Host-sid={good}; __Host-sid={good}");
    assert_eq!(app.sessions.read([line.as_bytes()]).unwrap_err(), Malformed::DuplicateCookie);
    let other = CookiePolicy::host("other").unwrap();
    let policy = CookieSessionPolicy::new(IDLE, ABSOLUTE, other).unwrap();
    let epochs = EpochCheck::by_session_store_only();
    let sessions = CookieSessions::new(Arc::new(ring(1)), epochs, Arc::new(DiscardAudit), policy)
        .with_clock(Arc::clone(&app.clock) as _);
    let moved = sessions.read([format!("__Host-other={good}").as_bytes()]).unwrap();
    assert!(block_on(sessions.open(&moved)).unwrap().authenticated().is_none(), "a cookie of another name");
}

/// Keys are changed without logging anybody out, and a key that leaked can be dropped.
#[test]
fn a_retired_key_opens_the_current_one_seals_and_a_dropped_one_ends_all() {
    let (app, mut browser) = (app(), Browser::default());
    app.log_in(&mut browser, "ann");
    let (name, secret) = keys(1);
    let rotated = app_with(ring(2).with_retired(name, secret).unwrap());
    let dropped = app_with(ring(2));
    assert_eq!(dropped.who(&browser), None);
    for app in [&rotated, &dropped] {
        app.clock.step(TOUCH);
    }
    assert_eq!(rotated.who(&browser).as_deref(), Some("ann"));
    browser.take(rotated.open(&browser).commit().unwrap());
    assert_eq!(dropped.who(&browser).as_deref(), Some("ann"));
}

/// Without a list this is how it is, and the documentation says so.
#[test]
fn without_a_list_a_copy_outlives_the_logout() {
    let (app, mut browser) = (app(), Browser::default());
    app.log_in(&mut browser, "ann");
    let thief = browser.clone();
    let mut session = app.open(&browser);
    session.forget();
    assert!(session.authenticated().is_none());
    browser.take(session.commit().unwrap());
    assert_eq!(browser, Browser(None));
    assert_eq!(app.who(&thief).as_deref(), Some("ann"));
}

/// A changed password ends what was before, at the next check, and a login under way too.
#[test]
fn a_raised_epoch_ends_every_copy_at_the_next_check() {
    let (app, mut browser) = (app(), Browser::default());
    app.log_in(&mut browser, "ann");
    app.accounts.0.store(1, Ordering::SeqCst);
    app.clock.step(EpochCheck::INTERVAL);
    assert_eq!(app.who(&browser), None);
    let mut session = app.open(&Browser::default());
    assert!(matches!(block_on(session.start(login("ann"))), Err(StartError::Outdated)));
    assert!(session.authenticated().is_none() && session.commit().unwrap().is_none());
    let mut session = app.open(&Browser::default());
    let now = START.saturating_add(EpochCheck::INTERVAL);
    block_on(session.start(login_at_epoch(&user("ann"), now, AuthEpoch::new(1)))).unwrap();
    browser.take(session.commit().unwrap());
    assert_eq!(app.who(&browser).as_deref(), Some("ann"));
}

#[test]
fn with_a_list_no_copy_outlives_the_logout() {
    let list = Arc::new(MemoryTokens::new(100));
    let (app, mut browser) = (app_with_list(Arc::clone(&list) as _), Browser::default());
    app.log_in(&mut browser, "ann");
    let old = browser.clone();
    app.clock.step(TOUCH);
    browser.take(app.open(&browser).commit().unwrap());
    assert_ne!(browser, old);
    let (thief, mut other) = (browser.clone(), Browser::default());
    app.log_in(&mut other, "ann");

    let mut session = app.open(&browser);
    assert!(block_on(session.end()).unwrap());
    assert!(!block_on(session.end()).unwrap(), "there is none any more");
    browser.take(session.commit().unwrap());
    assert_eq!(browser, Browser(None));
    assert!(app.audit.has("session.ended"));
    for copy in [&old, &thief] {
        assert_eq!(app.who(copy), None);
    }
    assert_eq!(app.who(&other).as_deref(), Some("ann"), "another session of hers");
    // The list forgets what has ended by itself, and only that.
    app.clock.step(ABSOLUTE - TOUCH - Duration::from_secs(1));
    let now = |secs: u64| START.saturating_add(ABSOLUTE).saturating_sub(Duration::from_secs(secs));
    assert_eq!(block_on(list.purge(now(1), 100)).unwrap(), 0);
    assert_eq!(block_on(list.purge(now(0), 100)).unwrap(), 1);
}

/// A late answer to the cookie of a session that has ended must not clear that of a newer login.
#[test]
fn a_late_answer_to_an_old_cookie_leaves_a_newer_login_alone() {
    for late_is_last in [true, false] {
        let (app, mut browser) = (app_with_list(Arc::new(MemoryTokens::new(100))), Browser::default());
        app.log_in(&mut browser, "ann");
        let old = browser.clone();
        let mut session = app.open(&browser);
        block_on(session.start(login("bob"))).unwrap();
        let login = session.commit().unwrap();
        let late = app.open(&old);
        assert!(late.authenticated().is_none());
        let late = late.commit().unwrap();
        for answer in if late_is_last { [login, late] } else { [late, login] } {
            browser.take(answer);
        }
        assert_eq!(app.who(&browser).as_deref(), Some("bob"), "{late_is_last}");
        let (mut session, mut browser) = (app.open(&old), old);
        assert!(!block_on(session.end()).unwrap());
        browser.take(session.commit().unwrap());
        assert_eq!(browser, Browser(None), "who logs out keeps no cookie");
    }
}

/// Unless the handler wrote: first data begins a session, and a visitor's last datum ends one. Either way the browser
/// is told, whatever it holds by then.
#[test]
fn data_over_an_old_cookie_takes_the_place_of_a_newer_login() {
    let (app, mut browser) = (app_with_list(Arc::new(MemoryTokens::new(100))), Browser::default());
    app.log_in(&mut browser, "ann");
    let old = browser.clone();
    app.log_in(&mut browser, "bob");
    let mut late = app.open(&old);
    late.set(&Visits(1)).unwrap();
    browser.take(late.commit().unwrap());
    let session = app.open(&browser);
    assert_eq!((session.authenticated().is_none(), session.get().unwrap()), (true, Some(Visits(1))));

    let mut late = app.open(&browser);
    app.log_in(&mut browser, "ann");
    late.remove::<Visits>();
    browser.take(late.commit().unwrap());
    assert_eq!(browser, Browser(None));
}

/// Nothing of what the browser brought along lives on.
#[test]
fn with_a_list_a_login_ends_the_session_that_it_replaces() {
    let (app, mut browser) = (app_with_list(Arc::new(MemoryTokens::new(100))), Browser::default());
    app.log_in(&mut browser, "ann");
    let hers = browser.clone();
    app.log_in(&mut browser, "bob");
    assert_eq!(app.who(&hers), None);
    assert_eq!(app.who(&browser).as_deref(), Some("bob"));
}

/// A logout between this request's opening and its login has the last word on the data.
#[test]
fn with_a_list_data_of_a_session_that_has_ended_does_not_go_along() {
    let (app, mut browser) = (app_with_list(Arc::new(MemoryTokens::new(100))), Browser::default());
    app.log_in(&mut browser, "ann");
    let mut session = app.open(&browser);
    session.set(&Cart(vec![1])).unwrap();
    browser.take(session.commit().unwrap());

    let (mut logout, mut login_again) = (app.open(&browser), app.open(&browser));
    assert!(block_on(logout.end()).unwrap());
    block_on(login_again.start(login("ann"))).unwrap();
    browser.take(login_again.commit().unwrap());
    let session = app.open(&browser);
    assert_eq!(session.authenticated().unwrap().principal(), &user("ann"));
    assert_eq!(session.get::<Cart>().unwrap(), None);
}

#[test]
fn with_a_list_a_session_is_ended_by_its_public_id_however_long_its_policy_let_it_live() {
    let list: Arc<dyn TokenStore> = Arc::new(MemoryTokens::new(100));
    let (app, mut browser) = (app_with_list(Arc::clone(&list)), Browser::default());
    let id = app.log_in(&mut browser, "ann");
    let policy = CookieSessionPolicy::new(SHORT, SHORT, CookiePolicy::default()).unwrap();
    let epochs = EpochCheck::by_session_store_only();
    let strict = CookieSessions::new(Arc::new(ring(1)), epochs, Arc::new(DiscardAudit), policy)
        .with_revocations(Arc::clone(&list))
        .with_clock(Arc::clone(&app.clock) as _);
    for _ in 0..2 {
        block_on(strict.revoke(&id)).unwrap();
    }
    assert_eq!(app.who(&browser), None);
    app.clock.step(SHORT);
    assert_eq!(app.who(&browser), None);
}

const SHORT: Duration = Duration::from_secs(60);

/// A list that does not answer must neither log in who was logged out nor log out who was not.
#[test]
fn a_list_that_fails_is_an_error_and_nobody_is_let_in() {
    let (working, mut browser) = (app_with_list(Arc::new(MemoryTokens::new(100))), Browser::default());
    working.log_in(&mut browser, "ann");
    let mut session = working.open(&browser);
    let broken = FailingStore::new(MemoryTokens::new(100));
    broken.fail_with(Some(FailWith::Timeout));
    let app = app_with_list(Arc::new(broken));
    let line = format!("__Host-sid={}", browser.0.as_ref().unwrap());
    let cookie = app.sessions.read([line.as_bytes()]).unwrap();
    assert!(block_on(app.sessions.open(&cookie)).is_err());
    // Nobody's: the list is not asked, and nothing is to be ended.
    assert!(app.who(&Browser::default()).is_none());

    let full = app_with_list(Arc::new(MemoryTokens::new(0)));
    let mut ending = full.open(&browser);
    assert!(matches!(block_on(ending.end()), Err(StoreError::Full)));
    assert!(ending.authenticated().is_some(), "it did not end");
    let before = ending.id();
    assert!(matches!(block_on(ending.start(login("bob"))), Err(StartError::Unavailable(_))));
    assert_eq!(ending.id(), before);
    assert!(block_on(session.end()).unwrap());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note(String);

impl SessionData for Note {
    const SLOT: &'static str = "note";
    const VERSION: u16 = 1;
}

/// A browser drops a larger one in silence.
#[test]
fn what_does_not_go_into_a_cookie_is_a_typed_error_and_the_old_one_stays() {
    let (app, mut browser) = (app(), Browser::default());
    app.log_in(&mut browser, "ann");
    let commit = |len: usize| {
        let mut session = app.open(&browser);
        session.set(&Note("n".repeat(len))).unwrap();
        session.commit()
    };
    let lengths: Vec<_> = (0..4_000).collect();
    let most = lengths.partition_point(|len| commit(*len).is_ok()) - 1;
    assert!((2_000..3_000).contains(&most), "{most}");
    let cookie = commit(most).unwrap().unwrap();
    assert!((4_090..=4_096).contains(&cookie.expose().len()), "{}", cookie.expose().len());
    for len in [most + 1, 60_000] {
        assert!(matches!(commit(len), Err(SealError::TooLarge)), "{len}");
    }
    assert_eq!(app.who(&browser).as_deref(), Some("ann"));
}

/// A cookie in a log is as good as a login, and the data is nobody's to read.
#[test]
fn debug_shows_neither_cookie_nor_data() {
    let (app, mut browser) = (app(), Browser::default());
    app.log_in(&mut browser, "ann");
    let mut session = app.open(&browser);
    session.set(&Note("private".to_owned())).unwrap();
    let line = format!("__Host-sid={}", browser.0.as_ref().unwrap());
    let read = app.sessions.read([line.as_bytes()]).unwrap();
    let shown = format!("{:?} {session:?} {read:?}", app.sessions);
    assert!(!shown.contains("private") && !shown.contains(browser.0.as_ref().unwrap()), "{shown}");
    let cookie = session.commit().unwrap().unwrap();
    assert!(!format!("{cookie:?}").contains(&cookie.expose()[11..60]));
}
