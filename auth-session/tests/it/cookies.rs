//! What comes in and what goes out.

use auth_core::{Malformed, testing::block_on};
use auth_session::{CookieName, Incoming};

use crate::support::{App, Browser, Cart, login};

/// A cookie that we never made costs no look into the store, and is cleared.
#[test]
fn a_cookie_of_another_form_reaches_no_store_and_is_cleared() {
    let app = App::new();
    let mut real = Browser::new();
    app.log_in(&mut real, "ann");
    let value = real.0.unwrap();
    app.store.calls();
    for bad in [
        "",
        "x",
        &value[1..],
        &format!("{value}A"),
        &value.replace('.', "~"),
        &"é".repeat(38),
        &"A".repeat(9_000),
    ] {
        let mut browser = Browser(Some(bad.to_owned()));
        assert_eq!(app.who(&mut browser), None);
        assert_eq!(browser.0, None, "{bad}");
    }
    assert_eq!(app.store.calls(), 0);
}

/// A cookie that a sibling domain tossed in must not be taken for ours, nor ours for it.
#[test]
fn our_cookie_twice_is_malformed_before_any_store_is_asked() {
    let app = App::new();
    let mut ann = Browser::new();
    app.log_in(&mut ann, "ann");
    let (ours, theirs) = (ann.header().unwrap(), "__Host-sid=x".to_owned());
    app.store.calls();
    for lines in [
        vec![format!("{ours}; {theirs}")],
        vec![format!("{theirs}; {ours}")],
        vec![ours.clone(), theirs.clone()],
        vec![ours.clone(), ours.clone()],
    ] {
        let lines = lines.iter().map(String::as_bytes);
        assert_eq!(app.sessions.read(lines).unwrap_err(), Malformed::DuplicateCookie);
    }
    let megabyte = format!("a={}; {ours}", "x".repeat(1 << 20));
    assert_eq!(app.sessions.read([megabyte.as_bytes()]).unwrap_err(), Malformed::TooLarge);
    assert_eq!(app.store.calls(), 0);
}

/// A jar that overflows drops the oldest cookies, and whoever can set cookies makes it overflow.
/// With what is left, the browser is anonymous, nothing is sent to it, and a form of before is worth nothing.
#[test]
fn a_browser_that_lost_its_cookie_is_anonymous() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let forms = app.sessions.form_tokens();
    let form = forms.new_cookie().unwrap();
    let token = forms.issue(&form).unwrap();
    let kept: Vec<String> = (0..200).map(|n| format!("c{n}={}", "x".repeat(40))).collect();
    // Both of ours are gone; what was set later is there, and what looks like ours and is not.
    let line = format!("{}; sid={}; __Host-SID=x", kept.join("; "), browser.0.as_ref().unwrap());
    app.store.calls();
    let incoming = app.sessions.read([line.as_bytes()]).unwrap();
    assert!(!incoming.is_something());
    let session = block_on(app.sessions.open(&incoming)).unwrap();
    assert!(session.authenticated().is_none() && session.id().is_none());
    let outgoing = block_on(session.commit());
    assert!(outgoing.cookie().is_none() && outgoing.saved().is_ok());
    assert_eq!(app.store.calls(), 0);

    assert!(forms.read([line.as_bytes()]).is_none());
    let anew = forms.new_cookie().unwrap();
    assert!(forms.check(&form, token.expose()).is_some() && forms.check(&anew, token.expose()).is_none());
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"), "whoever still has it is in");
}

#[test]
fn a_request_that_changes_nothing_gets_no_cookie() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let outgoing = block_on(app.open(&browser).commit());
    assert!(outgoing.cookie().is_none() && outgoing.saved().is_ok());
}

#[test]
fn a_persistent_cookie_lasts_until_the_absolute_deadline_and_no_longer() {
    let policy = auth_session::SessionPolicy::new(
        crate::support::IDLE,
        crate::support::ABSOLUTE,
        auth_session::CookiePolicy::default().persistent(),
    );
    let app = App::with(policy.unwrap(), auth_session::EpochCheck::by_session_store_only());
    let mut session = app.open(&Browser::new());
    block_on(session.start(login("ann"))).unwrap();
    let mut browser = Browser::new();
    let outgoing = block_on(session.commit());
    assert!(outgoing.cookie().unwrap().expose().ends_with("; Max-Age=36000"));
    browser.take(outgoing).unwrap();
    app.step(std::time::Duration::from_secs(600));
    let mut session = app.open(&browser);
    block_on(session.rotate()).unwrap();
    assert!(block_on(session.commit()).cookie().unwrap().expose().ends_with("; Max-Age=35400"));
}

/// Neither secret nor hash in anything that may be logged.
#[test]
fn nothing_that_can_be_printed_shows_a_secret() {
    let app = App::new();
    let mut browser = Browser::new();
    let mut session = app.open(&browser);
    session.set(&Cart(vec![424_242])).unwrap();
    block_on(session.start(login("ann"))).unwrap();
    let mut shown = format!("{session:?}");
    let outgoing = block_on(session.commit());
    shown.push_str(&format!("{outgoing:?} {:?} {:?}", app.sessions, app.audit.events()));
    browser.take(outgoing).unwrap();
    let incoming = app.sessions.read([browser.header().unwrap().as_bytes()]).unwrap();
    shown.push_str(&format!("{incoming:?} {:?}", app.open(&browser)));
    assert!(!shown.contains(browser.secret_text()), "{shown}");
    assert!(!shown.contains("424242"), "{shown}");
    assert!(shown.contains(browser.id_text()), "the public id may be shown");
}

/// What the store holds cannot be sent as a cookie.
#[test]
fn a_copy_of_the_store_opens_nothing() {
    let app = App::new();
    let mut browser = Browser::new();
    let id = app.log_in(&mut browser, "ann");
    let row = block_on(auth_core::SessionStore::load(&app.store.inner, &id, crate::support::START))
        .unwrap()
        .unwrap();
    let hash = *row.secret.current.as_bytes();
    let forged = auth_core::Secret::new(hash.to_vec());
    let text = base64url(forged.expose());
    let mut thief = Browser(Some(format!("{id}.{text}")));
    assert_eq!(app.who(&mut thief), None);
    assert_eq!(app.who(&mut browser).as_deref(), Some("ann"));
}

#[test]
fn another_name_is_read_by_that_name_only() {
    let name = CookieName::parse("other").unwrap();
    assert!(!Incoming::read(&name, [&b"__Host-sid=x"[..]]).unwrap().is_something());
    assert!(Incoming::read(&name, [&b"other=x"[..]]).unwrap().is_something());
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    bits.as_bytes()
        .chunks(6)
        .map(|chunk| {
            let text = format!("{:0<6}", std::str::from_utf8(chunk).unwrap());
            char::from(ALPHABET[usize::from_str_radix(&text, 2).unwrap()])
        })
        .collect()
}
