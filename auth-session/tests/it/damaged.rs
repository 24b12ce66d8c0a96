//! Rows that the store cannot read. Nobody can be told to be logged in or not, and nobody may be locked out for it.

use auth_core::{
    AuditEvent, Authenticator as _, Refusal, SessionStore, Unavailable,
    testing::{block_on, login_as},
};
use auth_session::{CommitError, RotateError, SessionCookie};

use crate::support::{App, Browser, Cart, Failing, START, login, name_of, user};

/// A browser whose session cannot be read any more.
fn damaged(app: &App) -> Browser {
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| session.set(&Cart(vec![1])).unwrap());
    app.store.fail(Some(("load", Failing::Corrupt)));
    app.store.writes();
    browser
}

/// 503 for whoever asks who is there, and neither row nor cookie is touched.
#[test]
fn a_session_that_cannot_be_read_is_neither_a_login_nor_nobody() {
    let app = App::new();
    let browser = damaged(&app);
    let error = app.try_open(&browser).unwrap_err();
    assert_eq!(Refusal::from(error).status(), 503);
    let cookie = SessionCookie::parse(browser.0.as_ref().unwrap().as_bytes()).unwrap();
    let error = block_on(app.sessions.authenticate(cookie)).unwrap_err();
    assert_eq!(Refusal::from(error).status(), 503);

    let mut session = app.open_to_replace(&browser);
    assert!(matches!(session.damage(), Some(Unavailable::Store(_))));
    assert!(session.authenticated().is_none() && session.live().is_none() && session.id().is_none());
    assert_eq!(session.get::<Cart>().unwrap(), None);
    assert!(matches!(block_on(session.rotate()), Err(RotateError::Ended)));
    session.set(&Cart(vec![2])).unwrap();
    let outgoing = block_on(session.commit());
    assert!(matches!(outgoing.saved(), Err(CommitError::Unavailable(_))));
    assert!(outgoing.cookie().is_none() && app.store.writes().is_empty());

    let settled = app.open_to_replace(&browser).settled().unwrap();
    assert!(settled.cookie().is_none() && settled.saved().is_ok());
    app.store.fail(None);
    assert_eq!(name_of(&app.open_to_replace(&browser)).as_deref(), Some("ann"));
    assert!(app.open_to_replace(&browser).damage().is_none());
}

/// A browser must not be locked out until the deadline of a row that nobody can read.
#[test]
fn a_login_takes_the_place_of_a_session_that_cannot_be_read() {
    for removes in [true, false] {
        let app = App::new();
        let mut browser = damaged(&app);
        let mut session = app.open_to_replace(&browser);
        if !removes {
            app.store.fail(Some(("remove", Failing::Corrupt)));
        }
        block_on(session.start(login("ann"))).unwrap();
        assert!(session.damage().is_none());
        app.store.fail(None);
        browser.take(block_on(session.commit())).unwrap();
        let session = app.open(&browser);
        assert_eq!(name_of(&session).as_deref(), Some("ann"));
        assert_eq!(session.get::<Cart>().unwrap(), None, "nothing of it could be read");
        assert_eq!(app.rows(), if removes { 1 } else { 2 });
    }
}

#[test]
fn a_login_that_fails_leaves_a_session_that_cannot_be_read_as_it_is() {
    let app = App::new();
    let browser = damaged(&app);
    let mut session = app.open_to_replace(&browser);
    app.store.fail(Some(("insert", Failing::Before)));
    assert!(block_on(session.start(login("ann"))).is_err());
    assert!(session.damage().is_some());
    assert!(block_on(session.commit()).cookie().is_none());
    app.store.fail(None);
    assert_eq!(name_of(&app.open(&browser)).as_deref(), Some("ann"));
}

#[test]
fn a_logout_ends_a_session_that_cannot_be_read_and_clears_its_cookie() {
    let app = App::new();
    let mut browser = damaged(&app);
    let mut session = app.open_to_replace(&browser);
    assert!(block_on(session.end()).unwrap());
    browser.take(block_on(session.commit())).unwrap();
    assert_eq!((browser, app.rows()), (Browser::new(), 0));
    let why = |event: &AuditEvent| matches!(event, AuditEvent::SessionEnded { why: "logout", .. });
    assert!(app.audit.events().iter().any(|(_, event)| why(event)));

    app.store.fail(None);
    let browser = damaged(&app);
    let mut session = app.open_to_replace(&browser);
    app.store.fail(Some(("remove", Failing::Before)));
    assert!(block_on(session.end()).is_err());
    assert!(block_on(session.commit()).cookie().is_none(), "it can be tried again");
}

/// From another device, by its public id: whose it is stands in the id.
#[test]
fn a_session_that_cannot_be_read_is_ended_by_its_id_and_by_nobody_elses() {
    let app = App::new();
    let mut browser = Browser::new();
    let id = app.log_in(&mut browser, "ann");
    app.store.fail(Some(("load", Failing::Corrupt)));
    assert!(block_on(app.sessions.end_one(&user("bob"), &id)).is_err());
    assert_eq!(app.rows(), 1);
    assert!(block_on(app.sessions.end_one(&user("ann"), &id)).unwrap());
    assert_eq!(app.rows(), 0);
    assert!(!block_on(app.sessions.end_one(&user("ann"), &id)).unwrap(), "it is gone");
}

/// The token itself says which login it is of.
#[test]
fn a_refresh_tokens_login_that_cannot_be_read_can_be_ended() {
    let app = App::new();
    let tokens = auth_session::RefreshTokens::new(&app.sessions, auth_session::RefreshPolicy::default());
    let login = login_as(&user("ann"), START);
    let issued = block_on(tokens.issue(login, auth_core::SessionTerms::new())).unwrap();
    app.store.fail(Some(("load", Failing::Corrupt)));
    let refused = block_on(tokens.refresh(&issued.token)).unwrap_err();
    assert_eq!(Refusal::from(refused).status(), 503);
    assert!(block_on(tokens.revoke(&issued.token)).unwrap());
    app.store.fail(None);
    assert!(block_on(app.store.load(&issued.live.id(), START)).unwrap().is_none());
}
