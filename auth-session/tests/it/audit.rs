//! What is written down of sessions, and how much of it strangers can cause.

use std::time::Duration;

use auth_core::AuditEvent;

use crate::support::{App, Browser, Cart};

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
