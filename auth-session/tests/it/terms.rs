//! What is settled at a login: "remember me", the list of devices, messages for the next page.

use std::time::Duration;

use auth_core::{
    ClientLabel, KeyThumbprint, Page, SessionRecord, SessionStore, SessionTerms, testing::block_on,
};
use auth_session::{CookiePolicy, EpochCheck, Flash, SessionData, SessionPolicy, StartOptions};
use serde::{Deserialize, Serialize};

use crate::support::{ABSOLUTE, App, Browser, Cart, IDLE, START, login, name_of, policy};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

fn label(text: &str) -> ClientLabel {
    ClientLabel::parse(text).unwrap()
}

/// Logs in with options and answers the whole `Set-Cookie`.
fn log_in(app: &App, browser: &mut Browser, options: StartOptions) -> String {
    let mut session = app.open(browser);
    block_on(session.start_with(login("ann"), options)).unwrap();
    let outgoing = block_on(session.commit());
    let header = outgoing.cookie().unwrap().expose().to_owned();
    browser.take(outgoing).unwrap();
    header
}

fn remembering() -> App {
    let policy = policy().with_remembered(WEEK, WEEK * 4).unwrap();
    App::with(policy, EpochCheck::by_session_store_only())
}

#[test]
fn a_remembered_session_outlives_the_others_and_the_browser() {
    let app = remembering();
    let (mut usual, mut kept) = (Browser::new(), Browser::new());
    assert!(!log_in(&app, &mut usual, StartOptions::new()).contains("Max-Age"));
    let cookie = log_in(&app, &mut kept, StartOptions::new().remembered());
    assert!(cookie.ends_with(&format!("; Max-Age={}", (WEEK * 4).as_secs())), "{cookie}");
    app.step(IDLE);
    assert_eq!(app.who(&mut usual), None);
    assert_eq!(app.who(&mut kept).as_deref(), Some("ann"));
    // A use is written down by the hour, and the first was earlier than that.
    app.step(WEEK - IDLE - Duration::from_secs(1));
    assert_eq!(app.who(&mut kept).as_deref(), Some("ann"));
    app.step(WEEK);
    assert_eq!(app.who(&mut kept), None);
}

/// Any visitor can cause as many as they like, and most stores keep all of them until a deadline.
#[test]
fn a_session_of_nobody_ends_sooner_than_one_of_somebody() {
    let long = SessionPolicy::new(WEEK, WEEK * 4, CookiePolicy::default()).unwrap();
    let (hour, day) = (Duration::from_secs(3_600), Duration::from_secs(24 * 3_600));
    let chosen = long.clone().with_anonymous(hour * 2, day * 2).unwrap();
    assert_eq!(policy().anonymous(), (IDLE, hour * 10), "never longer than the others");
    for (policy, idle, absolute) in [(long, hour, day), (chosen, hour * 2, day * 2)] {
        let app = App::with(policy, EpochCheck::by_session_store_only());
        let (mut visitor, mut left, mut person) = (Browser::new(), Browser::new(), Browser::new());
        for browser in [&mut visitor, &mut left] {
            app.request(browser, |session| session.set(&Cart(vec![1])).unwrap());
        }
        app.log_in(&mut person, "ann");
        let has_cart =
            |browser: &mut Browser| app.request(browser, |session| session.get::<Cart>().unwrap().is_some());
        let step = idle / 2;
        for _ in 1..absolute.as_secs() / step.as_secs() {
            app.step(step);
            assert!(has_cart(&mut visitor), "it is used");
        }
        app.step(step);
        assert!(!has_cart(&mut visitor) && !has_cart(&mut left));
        assert_eq!(app.who(&mut person).as_deref(), Some("ann"));
        assert_eq!(block_on(app.sessions.purge(10)).unwrap(), 2);

        app.request(&mut visitor, |session| session.set(&Cart(vec![1])).unwrap());
        app.step(idle);
        assert!(!has_cart(&mut visitor), "it is not used");
        app.request(&mut visitor, |session| session.set(&Cart(vec![1])).unwrap());
        app.log_in(&mut visitor, "ann");
        app.step(idle);
        assert!(has_cart(&mut visitor), "who logs in with it has a session like others");
    }
}

/// Sliding must not pass the deadline that was settled for it.
#[test]
fn a_remembered_session_ends_at_its_own_absolute_deadline() {
    let app = remembering();
    let mut kept = Browser::new();
    log_in(&app, &mut kept, StartOptions::new().remembered());
    for _ in 0..7 {
        app.step(WEEK / 2);
        assert_eq!(app.who(&mut kept).as_deref(), Some("ann"));
    }
    app.step(WEEK / 2);
    assert_eq!(app.who(&mut kept), None);
}

/// Where the policy says nothing of it, being remembered gives nobody more time on the server.
#[test]
fn without_a_policy_for_it_only_the_browser_remembers() {
    let app = App::new();
    let mut browser = Browser::new();
    let cookie = log_in(&app, &mut browser, StartOptions::new().remembered());
    assert!(cookie.ends_with(&format!("; Max-Age={}", ABSOLUTE.as_secs())), "{cookie}");
    app.step(IDLE);
    assert_eq!(app.who(&mut browser), None);
}

/// A rotation writes the cookie anew: one that loses its lifetime there is forgotten with the browser.
#[test]
fn a_rotated_cookie_is_still_remembered() {
    let app = remembering();
    let mut browser = Browser::new();
    log_in(&app, &mut browser, StartOptions::new().remembered());
    let mut session = app.open(&browser);
    block_on(session.rotate()).unwrap();
    let outgoing = block_on(session.commit());
    assert!(outgoing.cookie().unwrap().expose().contains("; Max-Age="));
    browser.take(outgoing).unwrap();
    // Confirming the password says nothing of all that, and changes nothing of it.
    let cookie = log_in(&app, &mut browser, StartOptions::new());
    assert!(cookie.contains("; Max-Age="), "{cookie}");
}

/// A use within a twentieth of the session's own idle timeout is not written, and one after it is.
#[test]
fn uses_of_a_remembered_session_are_written_as_seldom_as_it_may_be_idle() {
    let app = remembering();
    let mut browser = Browser::new();
    log_in(&app, &mut browser, StartOptions::new().remembered());
    app.store.writes();
    app.step(Duration::from_secs(3_599));
    app.who(&mut browser);
    assert_eq!(app.store.writes().get("touch"), None);
    app.step(Duration::from_secs(1));
    app.who(&mut browser);
    assert_eq!(app.store.writes().get("touch"), Some(&1));
}

#[test]
fn a_list_of_devices_says_which_is_which() {
    let app = App::new();
    let (mut laptop, mut phone) = (Browser::new(), Browser::new());
    log_in(&app, &mut laptop, StartOptions::new().on_device(label("Firefox on Linux")));
    app.step(Duration::from_secs(5));
    log_in(&app, &mut phone, StartOptions::new().on_device(label("Phone")).at_place(label("Lisbon")));
    let mut stranger = Browser::new();
    app.log_in(&mut stranger, "bob");
    let devices = app.request(&mut laptop, |session| block_on(session.devices(Page::first())).unwrap());
    let shown: Vec<_> = devices
        .iter()
        .map(|device| {
            let terms = device.session.terms.as_ref().unwrap();
            let text = |label: &Option<ClientLabel>| label.as_ref().map(ToString::to_string);
            (text(&terms.device).unwrap(), text(&terms.place), device.is_current)
        })
        .collect();
    assert_eq!(
        shown,
        [("Phone".into(), Some("Lisbon".into()), false), ("Firefox on Linux".into(), None, true)]
    );
    let ann = login("ann").authentication().principal.clone();
    assert!(block_on(app.sessions.end_one(&ann, &devices[0].session.id)).unwrap());
    assert_eq!(app.who(&mut phone), None);
    let left = app.request(&mut laptop, |session| block_on(session.devices(Page::first())).unwrap());
    assert_eq!(left.len(), 1);
    let mut nobody = Browser::new();
    assert!(app.request(&mut nobody, |session| block_on(session.devices(Page::first())).unwrap()).is_empty());
}

/// Logging in as somebody else must not take the other's device along.
#[test]
fn nothing_that_was_settled_for_one_person_holds_for_another() {
    let app = remembering();
    let mut browser = Browser::new();
    log_in(&app, &mut browser, StartOptions::new().remembered().on_device(label("Laptop of Ann")));
    app.log_in(&mut browser, "bob");
    let devices = app.request(&mut browser, |session| block_on(session.devices(Page::first())).unwrap());
    assert_eq!(devices.len(), 1);
    assert!(devices[0].session.terms.is_none());
}

#[test]
fn a_message_is_shown_once_even_behind_a_login() {
    let app = App::new();
    let mut browser = Browser::new();
    app.request(&mut browser, |session| session.flash(Flash::success("saved")).unwrap());
    app.request(&mut browser, |session| session.flash(Flash::error("not sent")).unwrap());
    app.request(&mut browser, |session| {
        block_on(session.start(login("ann"))).unwrap();
    });
    let shown = app.request(&mut browser, |session| {
        assert_eq!(name_of(session).as_deref(), Some("ann"));
        session.take_flashes().unwrap()
    });
    assert_eq!(shown, [Flash::success("saved"), Flash::error("not sent")]);
    app.store.writes();
    assert!(app.request(&mut browser, |session| session.take_flashes().unwrap()).is_empty());
    assert!(app.store.writes().is_empty(), "where nothing waits, nothing is written");
}

/// Two pages that are loaded at once, and a form that is posted meanwhile: nothing is lost, nothing is shown for ever.
#[test]
fn messages_of_requests_at_once_go_together() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| session.flash(Flash::success("one")).unwrap());
    let (mut page, mut form) = (app.open(&browser), app.open(&browser));
    assert_eq!(page.take_flashes().unwrap().len(), 1);
    form.flash(Flash::success("two")).unwrap();
    browser.take(block_on(page.commit())).unwrap();
    browser.take(block_on(form.commit())).unwrap();
    let shown = app.request(&mut browser, |session| session.take_flashes().unwrap());
    assert_eq!(shown, [Flash::success("two")]);
}

/// A box that was not ticked is an answer; one that was not there is none.
#[test]
fn a_login_can_say_that_it_is_not_to_be_remembered_any_more() {
    let app = remembering();
    let mut browser = Browser::new();
    log_in(&app, &mut browser, StartOptions::new().remembered());
    assert!(log_in(&app, &mut browser, StartOptions::new()).contains("Max-Age"));
    assert!(!log_in(&app, &mut browser, StartOptions::new().not_remembered()).contains("Max-Age"));
    app.step(IDLE);
    assert_eq!(app.who(&mut browser), None);
}

/// After a roll-back there may be messages that this version cannot read: they must not keep anybody out of a page.
#[test]
fn messages_that_cannot_be_read_are_none() {
    #[derive(Serialize, Deserialize)]
    struct Newer(Vec<String>);

    impl SessionData for Newer {
        const SLOT: &'static str = "auth.flash";
        const VERSION: u16 = 2;
    }

    let app = App::new();
    let mut browser = Browser::new();
    app.request(&mut browser, |session| session.set(&Newer(vec!["hello".into()])).unwrap());
    assert!(app.request(&mut browser, |session| session.take_flashes().unwrap()).is_empty());
    app.request(&mut browser, |session| session.flash(Flash::success("saved")).unwrap());
    let shown = app.request(&mut browser, |session| session.take_flashes().unwrap());
    assert_eq!(shown, [Flash::success("saved")]);
}

/// A newer version may have bound a session to a key. This one cannot check it, and must not open what it cannot check.
#[test]
fn a_session_that_is_bound_to_a_key_opens_for_nobody() {
    let app = App::new();
    let mut browser = Browser::new();
    let id = app.log_in(&mut browser, "ann");
    let record = block_on(app.store.load(&id, START)).unwrap().unwrap();
    let mut terms = SessionTerms::new();
    terms.bound_key = Some(KeyThumbprint::from_static("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    block_on(app.store.remove(&id)).unwrap();
    let bound = SessionRecord { terms: Some(terms.into()), ..record };
    let _ = block_on(app.store.insert(&bound, None, START)).unwrap();
    assert_eq!(app.who(&mut browser), None);
}
