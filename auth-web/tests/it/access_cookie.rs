//! An access token in a cookie, on both frameworks.

use auth_web::core::testing::FailWith;

use crate::app::{Fixture, ORIGIN, access_cookie, fixture, fixture_with};

fn with_cookie() -> Fixture {
    fixture_with(|auth| auth.access_cookie(access_cookie()))
}

/// The `Cookie` line of a browser that was given a token.
fn line(fixture: &Fixture) -> String {
    let token = fixture.token(None);
    let set = access_cookie().set(token.strip_prefix("Bearer ").unwrap(), None).unwrap();
    set.expose().split(';').next().unwrap().to_owned()
}

/// What is answered to each request, whichever framework serves it.
type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, u16);

fn cases<'a>(access: &'a str, both: &'a str, twice: &'a str, bearer: &'a str) -> Vec<Case<'a>> {
    let cookie = ("cookie", access);
    vec![
        ("GET", "/user", vec![cookie], 200),
        ("GET", "/read", vec![cookie], 200),
        // The token is no session, and no bearer token either.
        ("GET", "/bearer", vec![cookie], 401),
        // A header that the client wrote on purpose comes first.
        ("GET", "/bearer", vec![cookie, ("authorization", bearer)], 200),
        ("GET", "/user", vec![cookie, ("authorization", "Basic dTpw")], 401),
        // Which one was meant?
        ("GET", "/open", vec![("cookie", twice)], 400),
        // A session's is never meant.
        ("GET", "/user", vec![("cookie", both)], 200),
        // What a browser adds by itself, another site can make it send.
        ("POST", "/delete", vec![cookie], 403),
        ("POST", "/delete", vec![cookie, ("origin", "https://evil.example")], 403),
        ("POST", "/delete", vec![cookie, ("sec-fetch-site", "cross-site")], 403),
        ("POST", "/delete", vec![cookie, ("sec-fetch-site", "same-site")], 403),
        ("GET", "/user", vec![cookie, ("upgrade", "websocket"), ("sec-fetch-site", "cross-site")], 403),
    ]
}

#[tokio::test]
async fn an_access_token_in_its_cookie_is_like_a_session_to_other_sites() {
    let fixture = with_cookie();
    let (access, bearer) = (line(&fixture), fixture.token(None));
    let both = format!("{}; {access}", self::fixture().log_in().await);
    let twice = format!("{access}; {access}");
    for (method, path, headers, status) in cases(&access, &both, &twice, &bearer) {
        let answer = fixture.send(method, path, &headers).await;
        assert_eq!(answer.status, status, "{method} {path} {headers:?}: {}", answer.body);
        assert!(answer.header("set-cookie").is_none());
    }
    // Ann may not delete, and is told so as herself.
    let own = [("cookie", access.as_str()), ("origin", ORIGIN)];
    assert!(fixture.send("POST", "/delete", &own).await.body.contains("not-allowed"));
    let evil = [("cookie", access.as_str()), ("origin", "https://evil.example")];
    assert!(fixture.send("POST", "/delete", &evil).await.body.contains("cross-site"));
}

#[cfg(feature = "actix4")]
#[actix_web::test]
async fn an_access_token_in_its_cookie_is_the_same_on_actix() {
    let fixture = with_cookie();
    let (access, bearer) = (line(&fixture), fixture.token(None));
    let both = format!("{}; {access}", crate::actix::log_in(&self::fixture()).await);
    let twice = format!("{access}; {access}");
    for (method, path, headers, status) in cases(&access, &both, &twice, &bearer) {
        let answer = crate::actix::send(&fixture, method, path, &headers).await;
        assert_eq!(answer.status, status, "{method} {path} {headers:?}: {}", answer.body);
    }
}

/// A cookie is sent to pages that everybody may see: one that has expired must not lock people out of them, or out
/// of the login page.
#[tokio::test]
async fn a_token_in_a_cookie_that_is_refused_is_nobody() {
    let fixture = with_cookie();
    let good = line(&fixture);
    assert_eq!(fixture.get("/maybe", &[("cookie", &good)]).await.body, "ann");
    fixture.step(24 * 3_600);
    let forged = format!("{}A", &good[..good.len() - 1]);
    for bad in [good.as_str(), &forged, "__Host-access=", "__Host-access=a.b.c", "__Host-access=\u{e9}"] {
        let maybe = fixture.get("/maybe", &[("cookie", bad)]).await;
        assert_eq!((maybe.status, maybe.body.as_str()), (200, "nobody"), "{bad}");
        assert!(maybe.header("set-cookie").is_none(), "a newer one may be under way");
        assert_eq!(maybe.header("cache-control"), Some("no-store"));
        let user = fixture.get("/user", &[("cookie", bad)]).await;
        assert_eq!(user.status, 401, "{bad}");
        let page = fixture.get("/user", &[("cookie", bad), ("accept", "text/html")]).await;
        assert_eq!(page.header("location"), Some("/login?next=/user"));
    }
}

/// There is no session beside it: nothing is kept for it, and none is begun.
#[tokio::test]
async fn a_token_in_a_cookie_opens_no_session_and_asks_no_store() {
    let fixture = with_cookie();
    let access = line(&fixture);
    fixture.store.fail_with(Some(FailWith::NotWritten));
    let cookie = ("cookie", access.as_str());
    assert_eq!(fixture.get("/user", &[cookie]).await.body, "ann");
    assert_eq!(fixture.get("/count", &[cookie]).await.status, 401);
    assert_eq!(fixture.send("POST", "/login", &[cookie, ("origin", ORIGIN)]).await.status, 401);
    assert_eq!(fixture.send("POST", "/logout", &[cookie, ("origin", ORIGIN)]).await.status, 401);
}

/// A session that a page for visitors began, or whose cookie a sibling host planted, would lock the browser out of every
/// route from the login on, or act instead of the token.
#[tokio::test]
async fn beside_tokens_in_a_cookie_there_are_no_sessions() {
    let fixture = with_cookie();
    let access = line(&fixture);
    for (method, path) in [("GET", "/count"), ("POST", "/login")] {
        let answer = fixture.send(method, path, &[("origin", ORIGIN)]).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (401, None), "{path}");
    }
    let session = self::fixture().log_in().await;
    fixture.store.fail_with(Some(FailWith::NotWritten));
    let planted = ["__Host-sid=junk".to_owned(), session.clone(), format!("{session}; {session}")];
    for planted in &planted {
        assert_eq!(fixture.get("/maybe", &[("cookie", planted)]).await.body, "nobody");
        for both in [format!("{planted}; {access}"), format!("{access}; {planted}")] {
            let answer = fixture.get("/user", &[("cookie", &both)]).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, "ann"), "{both}");
            assert_eq!(fixture.get("/open", &[("cookie", &both)]).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_token_in_a_cookie_counts_only_where_it_was_asked_for() {
    let fixture = fixture();
    let access = line(&fixture);
    assert_eq!(fixture.get("/maybe", &[("cookie", &access)]).await.body, "nobody");
    let both = format!("{}; {access}", fixture.log_in().await);
    assert_eq!(fixture.get("/maybe", &[("cookie", &both)]).await.body, "ann");
}

/// The path of the login form lets requests through that no header speaks for, since the form may have a token. What a
/// browser added by itself counts for nothing there.
#[tokio::test]
async fn on_the_login_path_a_token_in_its_cookie_opens_nothing_by_itself() {
    let fixture = with_cookie();
    let access = line(&fixture);
    let who = "who am I?".to_owned();
    let asked = fixture.send_body("POST", "/login", &[("cookie", &access)], who.clone()).await;
    assert_eq!(asked.status, 403, "{}", asked.body);
    let own = [("cookie", access.as_str()), ("origin", ORIGIN)];
    assert_eq!(fixture.send_body("POST", "/login", &own, who).await.body, "true");
}
