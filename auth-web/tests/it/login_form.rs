//! For the browsers that send neither `Sec-Fetch-Site` nor `Origin`: a token in the form.

use crate::app::{Answer, Fixture, ORIGIN, fixture, fixture_with};

struct Page {
    cookie: String,
    token: String,
}

/// A browser that has opened the login page.
async fn open(fixture: &Fixture) -> Page {
    let answer = fixture.get("/login", &[]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let line = answer.header("set-cookie").unwrap();
    assert!(
        line.starts_with("__Host-form=") && line.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"),
        "{line}"
    );
    Page { cookie: answer.cookie(), token: answer.body }
}

async fn send(fixture: &Fixture, headers: &[(&str, &str)], token: &str) -> Answer {
    fixture.send_body("POST", "/login", headers, token.to_owned()).await
}

#[tokio::test]
async fn a_form_with_its_token_logs_in_and_the_session_is_a_whole_one() {
    let fixture = fixture();
    let page = open(&fixture).await;
    let login = send(&fixture, &[("cookie", &page.cookie)], &page.token).await;
    assert_eq!(login.status, 200);
    let both = format!("{}; {}", page.cookie, login.cookie());
    assert_eq!(fixture.get("/user", &[("cookie", &both)]).await.body, "ann");
    // Logging in again ends the session that the browser came with.
    let again = send(&fixture, &[("cookie", &both)], &page.token).await;
    assert_eq!(again.status, 200);
    assert_eq!(fixture.get("/maybe", &[("cookie", &both)]).await.body, "nobody");
}

/// Whoever makes a browser send his own login knows neither its cookie nor a token that goes with it.
#[tokio::test]
async fn without_the_token_of_this_browser_nobody_is_logged_in() {
    let fixture = fixture();
    let (page, evil) = (open(&fixture).await, open(&fixture).await);
    let twice = format!("{}; {}", page.cookie, evil.cookie);
    let changed =
        page.token.replacen(&page.token[..1], if page.token.starts_with('A') { "B" } else { "A" }, 1);
    for (cookie, token) in [
        (page.cookie.as_str(), ""),
        (&page.cookie, &evil.token),
        (&page.cookie, &changed),
        (&twice, &evil.token),
        ("__Host-form=", &page.token),
        ("a=b", &page.token),
    ] {
        let login = send(&fixture, &[("cookie", cookie)], token).await;
        assert_eq!((login.status, login.header("set-cookie")), (403, None), "{cookie}");
    }
    assert_eq!(send(&fixture, &[], &page.token).await.status, 403);
    assert!(fixture.audit.has("cross-site.refused") && !fixture.audit.has("session.started"));
}

/// A token that leaked must not open what a header says is another site's.
#[tokio::test]
async fn a_token_outweighs_no_header() {
    let fixture = fixture();
    let page = open(&fixture).await;
    let cookie = ("cookie", page.cookie.as_str());
    for header in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        assert_eq!(send(&fixture, &[cookie, header], &page.token).await.status, 403, "{header:?}");
    }
    assert_eq!(send(&fixture, &[cookie, ("upgrade", "websocket")], &page.token).await.status, 403);
}

/// The form waits for its token; until it was shown, the handler sees nobody's session and cannot change one.
#[tokio::test]
async fn before_the_token_is_shown_the_session_stays_closed() {
    let fixture = fixture();
    let (page, live) = (open(&fixture).await, fixture.log_in().await);
    let both = format!("{}; {live}", page.cookie);
    assert_eq!(send(&fixture, &[("cookie", &both)], "who am I?").await.status, 403);
    assert_eq!(send(&fixture, &[("cookie", &both), ("origin", ORIGIN)], "who am I?").await.body, "true");
    // No other route waits for anything.
    let out = fixture.send_body("POST", "/logout", &[("cookie", &both)], page.token.clone()).await;
    assert_eq!(out.status, 403);
    assert_eq!(fixture.get("/user", &[("cookie", &both)]).await.body, "ann");
}

/// Two tabs with the form, and the one that was opened first is sent.
#[tokio::test]
async fn opening_the_page_again_keeps_the_cookie_and_every_token() {
    let fixture = fixture();
    let page = open(&fixture).await;
    let again = fixture.get("/login?next=/", &[("cookie", &page.cookie)]).await;
    assert_eq!(again.header("set-cookie"), None);
    assert_ne!(again.body, page.token, "compression of the page shows nothing");
    for token in [&page.token, &again.body] {
        assert_eq!(send(&fixture, &[("cookie", &page.cookie)], token).await.status, 200);
    }
}

/// Who logged in by a token has a browser that sends neither header when it logs out either.
#[tokio::test]
async fn a_form_elsewhere_may_bring_a_token_where_that_was_asked_for() {
    for asked_for in [true, false] {
        let fixture =
            fixture_with(|auth| if asked_for { auth.form_page("/logout-by-form").unwrap() } else { auth });
        let page = open(&fixture).await;
        let session = send(&fixture, &[("cookie", &page.cookie)], &page.token).await.cookie();
        let both = format!("{}; {session}", page.cookie);
        let form = fixture.get("/page-with-a-form", &[("cookie", &both)]).await;
        let log_out = async |headers: &[(&str, &str)], token: &str| {
            fixture.send_body("POST", "/logout-by-form", headers, token.to_owned()).await
        };
        let other = open(&fixture).await.token;
        for (headers, token) in [
            (&[("cookie", both.as_str())][..], ""),
            (&[("cookie", &both)], &other),
            (&[("cookie", &session)], &form.body),
            (&[("cookie", &both), ("origin", "https://evil.example")], &form.body),
            (&[("cookie", &both), ("sec-fetch-site", "cross-site")], &form.body),
        ] {
            assert_eq!(log_out(headers, token).await.status, 403, "{headers:?}");
        }
        let out = log_out(&[("cookie", &both)], &form.body).await;
        if asked_for {
            assert!(form.header("set-cookie").is_none(), "the browser holds it already");
            assert_eq!((out.status, out.body.as_str()), (200, "true"));
            assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
        } else {
            assert_eq!(out.status, 403);
        }
        let who = fixture.get("/maybe", &[("cookie", &both)]).await.body;
        assert_eq!(who, if asked_for { "nobody" } else { "ann" });
    }
}

/// At a browser that one person leaves to the next, a token that the first has seen must not act for the second.
#[tokio::test]
async fn a_login_and_a_logout_make_every_earlier_token_stale() {
    let fixture = fixture_with(|auth| auth.form_page("/logout-by-form").unwrap());
    let page = open(&fixture).await;
    let answer = send(&fixture, &[("cookie", &page.cookie)], &page.token).await;
    let [session, form] = answer.cookies().try_into().unwrap();
    assert!(form.starts_with("__Host-form=") && form != page.cookie, "{form}");
    let anns = format!("{form}; {session}");
    let token = fixture.get("/page-with-a-form", &[("cookie", &anns)]).await.body;
    let log_out = async |cookie: &str, token: &str| {
        fixture.send_body("POST", "/logout-by-form", &[("cookie", cookie)], token.to_owned()).await
    };
    assert_eq!(log_out(&anns, &page.token).await.status, 403, "of before the login");

    let again = send(&fixture, &[("cookie", &anns)], &token).await;
    let bobs = again.cookies().join("; ");
    assert_eq!(log_out(&bobs, &token).await.status, 403, "of the session before");
    let token = fixture.get("/page-with-a-form", &[("cookie", &bobs)]).await.body;
    let out = log_out(&bobs, &token).await;
    assert_eq!((out.status, out.body.as_str()), (200, "true"));
    let [_, form] = out.cookies().try_into().unwrap();
    assert!(!bobs.contains(&form), "{form}");
    // Who holds none needs none.
    assert_eq!(send(&fixture, &[("origin", ORIGIN)], "").await.cookies().len(), 1);
}
