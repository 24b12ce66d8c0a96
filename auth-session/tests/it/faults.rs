//! Stores that fail: 503, never a login, and never "nobody is logged in".

use std::sync::Arc;

use auth_core::{
    Entropy, EntropyError, MemorySessions, Refusal, SessionStore, StoreError, Unavailable,
    testing::{FailWith, FailingStore, NoEntropy, SeededEntropy, SteppedClock, block_on},
};
use auth_session::{CommitError, EpochCheck, RotateError, Sessions, StartError};

use crate::support::{App, Browser, Cart, Failing, IDLE, ROTATION, START, TOUCH, login, name_of, policy};

const MODES: [FailWith; 4] = [FailWith::NotWritten, FailWith::LostAnswer, FailWith::Full, FailWith::Timeout];
/// The ways in which reading fails.
const READ_MODES: [FailWith; 5] = [MODES[0], MODES[1], MODES[2], MODES[3], FailWith::Corrupt];

fn app() -> (Sessions, Arc<FailingStore<MemorySessions>>, Arc<auth_core::MemoryAudit>) {
    let store = Arc::new(FailingStore::new(MemorySessions::new(100)));
    let audit = Arc::new(auth_core::MemoryAudit::new(100));
    let epochs = EpochCheck::by_session_store_only();
    let sessions = Sessions::new(store.clone(), crate::support::keys(), epochs, audit.clone(), policy())
        .with_clock(Arc::new(SteppedClock::new(START)));
    (sessions, store, audit)
}

async fn open(sessions: &Sessions, browser: &Browser) -> Result<auth_session::Session, Unavailable> {
    let header = browser.header();
    sessions.open(&sessions.read(header.as_deref().map(str::as_bytes)).unwrap()).await
}

#[test]
fn a_store_that_fails_is_neither_a_login_nor_nobody() {
    for mode in READ_MODES {
        let (sessions, store, _) = app();
        let mut browser = Browser::new();
        block_on(async {
            let mut session = open(&sessions, &browser).await.unwrap();
            session.start(login("ann")).await.unwrap();
            browser.take(session.commit().await).unwrap();

            store.fail_with(Some(mode));
            let error = open(&sessions, &browser).await.unwrap_err();
            assert_eq!(Refusal::from(error).status(), 503, "{mode:?}");
            // Who carries nothing needs no store.
            assert!(open(&sessions, &Browser::new()).await.is_ok());

            store.fail_with(None);
            assert_eq!(name_of(&open(&sessions, &browser).await.unwrap()).as_deref(), Some("ann"));
        });
    }
}

/// A login whose row may or may not be there gets no cookie, and leaves no row that anybody could use.
#[test]
fn a_login_that_was_not_confirmed_is_no_login() {
    for mode in MODES {
        let (sessions, store, audit) = app();
        block_on(async {
            let mut session = open(&sessions, &Browser::new()).await.unwrap();
            store.fail_with(Some(mode));
            let error = session.start(login("ann")).await.unwrap_err();
            assert!(matches!(error, StartError::Unavailable(_)));
            assert_eq!(Refusal::from(error).status(), 503);
            assert_eq!(name_of(&session), None);
            let outgoing = session.commit().await;
            assert!(outgoing.cookie().is_none() && outgoing.saved().is_ok());
        });
        assert_eq!(store.inner().len(), 0, "{mode:?}");
        assert_eq!(audit.has("store.full"), mode == FailWith::Full);
        assert!(!audit.has("session.started"));
    }
}

/// Visitors who fill a store must not lock out who was logged in before: Redis at its `maxmemory` refuses to overwrite,
/// too. What could not be written down does not lengthen the session.
#[test]
fn a_full_store_keeps_nobody_from_the_session_there_is() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.store.fail(Some(("touch", Failing::Full)));
    app.step(TOUCH);
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    assert!(app.audit.has("store.full"));
    app.step(IDLE - TOUCH);
    assert_eq!(app.who(&mut browser), None);
}

/// The first use of a new secret is more than a sign of use: unless it is written, whoever stole the old one passes for a
/// browser that the answer did not reach.
#[test]
fn a_new_secret_waits_for_room() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.step(ROTATION);
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    app.store.fail(Some(("rotate", Failing::Full)));
    assert!(app.try_open(&browser).is_err());
    app.store.fail(None);
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
}

/// Who fills a store must not fill the log as well.
#[test]
fn a_full_store_is_told_of_once_a_second() {
    let (sessions, store, audit) = app();
    store.fail_with(Some(FailWith::Full));
    for _ in 0..10 {
        let mut session = block_on(open(&sessions, &Browser::new())).unwrap();
        assert!(block_on(session.start(login("ann"))).is_err());
    }
    assert_eq!(audit.events().len(), 1);
}

/// A failed login must not leave the session of before half ended, nor a new one that nobody knows of.
#[test]
fn a_login_that_cannot_end_what_was_there_is_undone() {
    for how in [Failing::Before, Failing::After] {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        let mut session = app.open(&browser);
        app.store.fail(Some(("remove", how)));
        assert!(matches!(block_on(session.start(login("bob"))), Err(StartError::Unavailable(_))));
        app.store.fail(None);
        assert_ne!(name_of(&session).as_deref(), Some("bob"));
        assert!(block_on(session.commit()).cookie().is_none());
        let expected = if how == Failing::Before { Some("ann") } else { None };
        assert_eq!(app.who(&mut browser).as_deref(), expected);
        if how == Failing::After {
            assert!(app.sessions_of("bob").is_empty());
        }
    }
}

/// Confirming a password must not log anybody out because the store was down for a moment.
#[test]
fn a_login_that_is_not_stored_keeps_the_session_of_before() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
    let mut session = app.open(&browser);
    app.store.fail(Some(("insert", Failing::Before)));
    assert!(block_on(session.start(login("ann"))).is_err());
    app.store.fail(None);
    assert_eq!(name_of(&session).as_deref(), Some("ann"));
    browser.take(block_on(session.commit())).unwrap();
    assert_eq!(app.request(&mut browser, |session| session.get::<Cart>().unwrap()), Some(Cart(vec![1])));
}

/// Ending a session that may live on must not throw away the cookie to try again with.
#[test]
fn a_logout_that_fails_can_be_tried_again() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let mut session = app.open(&browser);
    app.store.fail(Some(("remove", Failing::Before)));
    assert!(block_on(session.end()).is_err());
    app.store.fail(None);
    assert!(block_on(session.commit()).cookie().is_none());
    app.log_out(&mut browser);
    assert_eq!((browser.0, app.rows()), (None, 0));
}

#[test]
fn data_that_was_not_saved_is_reported() {
    for how in [Failing::Before, Failing::After] {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        let mut session = app.open(&browser);
        session.set(&Cart(vec![1])).unwrap();
        app.store.fail(Some(("update", how)));
        let outgoing = block_on(session.commit());
        app.store.fail(None);
        assert!(matches!(outgoing.saved(), Err(CommitError::Unavailable(_))));
        assert!(outgoing.cookie().is_none());
        let saved = app.request(&mut browser, |session| session.get::<Cart>().unwrap().is_some());
        assert_eq!(saved, how == Failing::After, "all or nothing");
    }
}

/// A login that happened must reach the browser even if other data of the request is not saved.
#[test]
fn the_cookie_of_a_login_is_sent_though_data_is_not_saved() {
    let app = App::new();
    let mut browser = Browser::new();
    let mut session = app.open(&browser);
    block_on(session.start(login("ann"))).unwrap();
    session.set(&Cart(vec![1])).unwrap();
    app.store.fail(Some(("update", Failing::Before)));
    assert!(browser.take(block_on(session.commit())).is_err());
    app.store.fail(None);
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
}

#[test]
fn a_visitors_data_that_was_not_stored_sets_no_cookie() {
    for how in [Failing::Before, Failing::After] {
        let app = App::new();
        let mut session = app.open(&Browser::new());
        session.set(&Cart(vec![1])).unwrap();
        app.store.fail(Some(("insert", how)));
        let outgoing = block_on(session.commit());
        assert!(outgoing.cookie().is_none() && outgoing.saved().is_err());
        assert_eq!(app.rows(), 0);
    }
}

/// Writing a use down, or the first use of a secret, is part of knowing who is there: before the handler ran.
#[test]
fn a_touch_or_a_confirmation_that_fails_is_an_error_before_the_handler() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.step(TOUCH);
    app.store.fail(Some(("touch", Failing::Before)));
    assert!(app.try_open(&browser).is_err());
    app.store.fail(None);
    app.step(ROTATION);
    app.who(&mut browser);
    app.store.fail(Some(("rotate", Failing::Before)));
    assert!(app.try_open(&browser).is_err());
    app.store.fail(None);
    assert!(app.who(&mut browser).is_some());
}

/// Nothing was promised by a rotation by age: a request that was served is not failed for it.
#[test]
fn a_rotation_by_age_that_fails_is_left_to_the_next_request() {
    for how in [Failing::Before, Failing::After] {
        let app = App::new();
        let mut browser = Browser::new();
        app.log_in(&mut browser, "ann");
        app.step(ROTATION);
        let before = browser.clone();
        app.store.fail(Some(("rotate", how)));
        app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
        app.store.fail(None);
        assert_eq!(browser, before);
        // If it happened all the same, its answer was lost, and that heals.
        app.step(std::time::Duration::from_secs(10));
        assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
        assert_ne!(browser, before);
        assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
    }
}

#[test]
fn a_privilege_change_that_fails_is_an_error_before_anything_is_granted() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let mut session = app.open(&browser);
    app.store.fail(Some(("rotate", Failing::Before)));
    assert!(matches!(block_on(session.rotate()), Err(RotateError::Unavailable(_))));
    app.store.fail(None);
    assert!(block_on(session.commit()).cookie().is_none());
    assert!(app.who(&mut browser).is_some());
}

#[test]
fn without_randomness_nobody_is_logged_in() {
    let app = App::new();
    let starved = app.sessions.clone().with_entropy(Arc::new(NoEntropy));
    let mut session = block_on(open(&starved, &Browser::new())).unwrap();
    let error = block_on(session.start(login("ann"))).unwrap_err();
    assert!(matches!(error, StartError::Unavailable(Unavailable::Entropy(_))));
    assert_eq!(app.rows(), 0);
}

/// An id that exists is not taken over: another is made, and the one that was there keeps its row.
#[test]
fn a_collision_is_tried_again_with_another_id() {
    let app = App::new();
    let mut ann = Browser::new();
    let first = app.log_in(&mut ann, "ann");
    let again = app.sessions.clone().with_entropy(Arc::new(SeededEntropy::new(1)));
    let mut session = block_on(open(&again, &Browser::new())).unwrap();
    app.store.writes();
    let second = block_on(session.start(login("ann"))).unwrap().id;
    assert_eq!(app.store.writes()["insert"], 2);
    assert_ne!(first, second);
    assert!(app.who(&mut ann).is_some());
}

/// Randomness that repeats for ever: an error after a few tries, not a loop and not somebody's session.
#[test]
fn endless_collisions_are_an_error() {
    struct Stuck;

    impl Entropy for Stuck {
        fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
            dest.fill(7);
            Ok(())
        }
    }

    let app = App::new();
    let stuck = app.sessions.clone().with_entropy(Arc::new(Stuck));
    let mut first = block_on(open(&stuck, &Browser::new())).unwrap();
    block_on(first.start(login("ann"))).unwrap();
    let mut second = block_on(open(&stuck, &Browser::new())).unwrap();
    let error = block_on(second.start(login("ann"))).unwrap_err();
    assert!(matches!(error, StartError::Unavailable(Unavailable::Entropy(_))));
    assert_eq!(app.rows(), 1);
}

/// A store that breaks its word on deadlines must not keep a session alive.
#[test]
fn a_row_past_its_deadline_opens_nothing_whatever_the_store_says() {
    struct Lax(MemorySessions);

    #[async_trait::async_trait]
    impl SessionStore for Lax {
        async fn load(
            &self,
            id: &auth_core::SessionId,
            _: auth_core::UnixTime,
        ) -> Result<Option<auth_core::SessionRecord>, StoreError> {
            self.0.load(id, auth_core::UnixTime::EPOCH).await
        }
        async fn insert(
            &self,
            record: &auth_core::SessionRecord,
            limit: Option<&auth_core::SessionLimit>,
            now: auth_core::UnixTime,
        ) -> Result<auth_core::Inserted, StoreError> {
            self.0.insert(record, limit, now).await
        }
        async fn update(
            &self,
            id: &auth_core::SessionId,
            expected: auth_core::Version,
            data: &auth_core::SessionBlob,
        ) -> Result<auth_core::Updated, StoreError> {
            self.0.update(id, expected, data).await
        }
        async fn touch(
            &self,
            _: &auth_core::SessionId,
            _: auth_core::UnixTime,
            _: auth_core::UnixTime,
        ) -> Result<bool, StoreError> {
            Ok(true)
        }
        async fn rotate(
            &self,
            id: &auth_core::SessionId,
            expected: auth_core::Version,
            next: &auth_core::SecretState,
        ) -> Result<auth_core::Rotated, StoreError> {
            self.0.rotate(id, expected, next).await
        }
        async fn remove(&self, id: &auth_core::SessionId) -> Result<bool, StoreError> {
            self.0.remove(id).await
        }
        async fn list(
            &self,
            owner: &auth_core::SessionOwner,
            page: auth_core::Page,
            now: auth_core::UnixTime,
        ) -> Result<Vec<auth_core::SessionSummary>, StoreError> {
            self.0.list(owner, page, now).await
        }
        async fn end_all(
            &self,
            what: auth_core::EndAll<'_>,
            now: auth_core::UnixTime,
        ) -> Result<u64, StoreError> {
            self.0.end_all(what, now).await
        }
        async fn purge(&self, now: auth_core::UnixTime, limit: u32) -> Result<u64, StoreError> {
            self.0.purge(now, limit).await
        }
    }

    let clock = SteppedClock::new(START);
    let audit = Arc::new(auth_core::DiscardAudit);
    let epochs = EpochCheck::by_session_store_only();
    let sessions = Sessions::new(
        Arc::new(Lax(MemorySessions::new(10))),
        crate::support::keys(),
        epochs,
        audit,
        policy(),
    )
    .with_clock(Arc::new(clock.clone()));
    let mut browser = Browser::new();
    let mut session = block_on(open(&sessions, &browser)).unwrap();
    block_on(session.start(login("ann"))).unwrap();
    browser.take(block_on(session.commit())).unwrap();
    clock.step(crate::support::IDLE);
    assert_eq!(name_of(&block_on(open(&sessions, &browser)).unwrap()), None);
}
