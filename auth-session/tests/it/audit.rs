//! What is written down of sessions, and how much of it strangers can cause.

use std::time::Duration;

use auth_core::{AuditEvent, SessionLimit, SessionTerms, WhenReached, testing::block_on};
use auth_session::{EpochCheck, RefreshPolicy, RefreshTokens};

use crate::support::{App, Browser, Cart, login, policy, user};

fn count(app: &App, of: fn(&AuditEvent) -> bool) -> usize {
    app.audit.events().iter().filter(|(_, event)| of(event)).count()
}

/// Any visitor can begin sessions and end them, as often as they like: that must not fill the audit log. Those of people
/// are all in it.
#[test]
fn visitors_fill_no_audit_log() {
    let app = App::new();
    let visit = |n| {
        let mut visitor = Browser::new();
        app.request(&mut visitor, |session| session.set(&Cart(vec![n])).unwrap());
        app.log_out(&mut visitor);
    };
    for n in 0..100 {
        visit(n);
        let mut person = Browser::new();
        app.log_in(&mut person, "ann");
        app.log_out(&mut person);
    }
    assert_eq!(count(&app, |e| matches!(e, AuditEvent::SessionStarted { principal: None, .. })), 16);
    assert_eq!(count(&app, |e| matches!(e, AuditEvent::SessionStarted { principal: Some(_), .. })), 100);
    assert_eq!(count(&app, |e| matches!(e, AuditEvent::SessionEnded { why: "logout", .. })), 116);
    app.step(Duration::from_secs(1));
    visit(7);
    for event in ["session.started", "session.ended"] {
        let told = AuditEvent::EventsSuppressed { event, count: 84 };
        assert!(app.audit.events().iter().any(|(_, e)| *e == told), "{event}");
    }
}

/// Who finds a device logged out must be able to find out why, whether a browser or a program took its place.
#[test]
fn sessions_that_end_because_of_a_limit_are_written_down() {
    let limit = |max, when_reached| policy().with_limit(SessionLimit { max, when_reached }).unwrap();
    let app = App::with(limit(2, WhenReached::EndOldest), EpochCheck::by_session_store_only());
    let by_limit = || {
        let events = app.audit.events().into_iter();
        let of = |event| match event {
            AuditEvent::SessionsEndedByLimit { principal, count, session } => {
                assert_eq!(principal, user("ann"));
                Some((count, session))
            }
            _ => None,
        };
        events.filter_map(|(_, event)| of(event)).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        app.log_in(&mut Browser::new(), "ann");
    }
    assert!(by_limit().is_empty());
    let third = app.log_in(&mut Browser::new(), "ann");
    assert_eq!(by_limit(), [(1, third)]);
    let tokens = RefreshTokens::new(&app.sessions, RefreshPolicy::default());
    let fourth = block_on(tokens.issue(login("ann"), SessionTerms::new())).unwrap().live.id();
    assert_eq!(by_limit(), [(1, third), (1, fourth)]);
}
