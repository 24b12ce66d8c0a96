//! Attacks that are about whole requests.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll, Waker},
};

use auth_web::core::AuditEvent;
use axum::{body::Body, http::Request};
use tower::ServiceExt;

use crate::app::{Fixture, ORIGIN, fixture};

/// Polls once and drops, and says whether that panicked: nothing here waits, unless for ever.
pub fn cut<T>(future: impl Future<Output = T>) -> std::thread::Result<Poll<T>> {
    catch_unwind(AssertUnwindSafe(|| pin!(future).poll(&mut Context::from_waker(Waker::noop()))))
}

/// What the request really is counts, and not what it says that it were.
#[tokio::test]
async fn no_header_or_field_makes_a_method_another_one() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    let (cookie, evil) = (("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site"));
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        assert_eq!(fixture.get("/logout", &[cookie, evil, (name, "POST")]).await.status, 405, "{name}");
        let post = fixture.send("POST", "/logout", &[cookie, evil, (name, "GET")]).await;
        assert_eq!(post.status, 403, "{name}");
    }
    assert_eq!(fixture.get("/logout?_method=POST", &[cookie, evil]).await.status, 405);
    assert_eq!(fixture.send("POST", "/logout?_method=GET", &[cookie, evil]).await.status, 403);
    assert_eq!(fixture.get("/user", &[cookie]).await.body, "ann");
}

/// A form of another site can send JSON as `text/plain`, without asking first.
#[tokio::test]
async fn json_in_plain_text_is_neither_read_nor_exempt() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    let (cookie, plain) = (("cookie", cookie.as_str()), ("content-type", "text/plain"));
    for site in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")] {
        let sent = fixture.send_body("POST", "/sum", &[cookie, plain, site], "[1,2]".to_owned()).await;
        assert_eq!(sent.status, 403, "{site:?}");
    }
    let own =
        fixture.send_body("POST", "/sum", &[cookie, plain, ("origin", ORIGIN)], "[1,2]".to_owned()).await;
    assert_eq!(own.status, 415);
}

/// A browser that holds too many cookies drops one of two that go together.
#[tokio::test]
async fn a_browser_that_dropped_one_of_its_cookies_is_nobody_and_no_more() {
    let fixture = fixture();
    let page = fixture.get("/login", &[]).await;
    let (form, token) = (page.cookie(), page.body);
    let login = fixture.send_body("POST", "/login", &[("cookie", &form)], token.clone()).await;
    let session = login.cookie();
    // The session's is gone: a visitor, who can log in again.
    let left = [("cookie", form.as_str())];
    assert_eq!(fixture.get("/maybe", &left).await.body, "nobody");
    assert_eq!(fixture.get("/user", &left).await.status, 401);
    assert_eq!(fixture.send_body("POST", "/login", &left, token.clone()).await.status, 200);
    // The form's is gone: its token proves nothing, and the session is what it was.
    let left = [("cookie", session.as_str())];
    assert_eq!(fixture.send_body("POST", "/login", &left, token).await.status, 403);
    assert_eq!(fixture.send("POST", "/logout", &left).await.status, 403);
    assert_eq!(fixture.get("/user", &left).await.body, "ann");
}

/// Behind a careless proxy a stranger chooses these. Where people are sent, and which site is
/// ours, is configured.
#[tokio::test]
async fn no_host_header_moves_the_site() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    let hosts = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-original-url", "https://evil.example/"),
    ];
    for host in hosts {
        let page = fixture.get("/user", &[host, ("accept", "text/html")]).await;
        assert_eq!((page.status, page.header("location")), (303, Some("/login?next=/user")), "{host:?}");
        let login = fixture.send("POST", "/login", &[host, ("origin", "https://evil.example")]).await;
        assert_eq!((login.status, login.header("set-cookie")), (403, None), "{host:?}");
        let cross = [host, ("cookie", cookie.as_str()), ("origin", "https://evil.example")];
        assert_eq!(fixture.send("POST", "/logout", &cross).await.status, 403, "{host:?}");
        let login = fixture.send("POST", "/login", &[host, ("origin", ORIGIN)]).await;
        let line = login.header("set-cookie").unwrap();
        assert!(line.contains("; Secure") && !line.contains("Domain") && !line.contains("evil"), "{line}");
    }
}

async fn counted(fixture: &Fixture, cookie: &str) -> String {
    fixture.get("/count", &[("cookie", cookie)]).await.body
}

/// A handler that panics, and a client that leaves while it is answered, have saved nothing, and
/// are in nobody's way.
#[tokio::test]
async fn what_a_handler_set_before_it_panicked_or_was_dropped_is_not_saved() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    assert_eq!(counted(&fixture, &cookie).await, "1");
    let send = |path: &str| {
        let request = Request::get(path).header("cookie", &cookie).body(Body::empty()).unwrap();
        cut(fixture.router.clone().oneshot(request))
    };
    assert!(send("/count-and-panic").is_err());
    assert!(send("/count-and-wait").unwrap().is_pending());
    assert_eq!(counted(&fixture, &cookie).await, "2");
}

/// What anybody can send as often as they like must not fill the audit log, nor go unseen.
#[tokio::test]
async fn strangers_fill_no_audit_log() {
    let fixture = fixture();
    let cross_site = [("origin", "https://evil.example.com"), ("cookie", "a=b")];
    for _ in 0..100 {
        assert_eq!(fixture.send("POST", "/logout", &cross_site).await.status, 403);
        assert_eq!(fixture.send("POST", "/login", &[]).await.status, 403);
        assert_eq!(fixture.get("/user", &[("authorization", "Bearer a.b.c")]).await.status, 401);
    }
    let count = |name: &str| fixture.audit.events().iter().filter(|(_, event)| event.name() == name).count();
    assert_eq!((count("cross-site.refused"), count("credential.refused")), (16, 16));
    fixture.step(1);
    fixture.send("POST", "/logout", &cross_site).await;
    fixture.get("/user", &[("authorization", "Bearer a.b.c")]).await;
    for (event, count) in [("cross-site.refused", 184), ("credential.refused", 84)] {
        let told = AuditEvent::EventsSuppressed { event, count };
        assert!(fixture.audit.events().iter().any(|(_, event)| *event == told), "{event}");
    }
}
