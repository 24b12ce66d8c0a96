//! Logging in and out, the session's data, and what caches and other sites are told.

use auth_web::{
    core::{
        AuthEpoch, PrincipalId,
        testing::{FailWith, login_at_epoch},
    },
    testing,
};
use axum::{body::Body, http::Request};

use crate::app::{ORIGIN, START, fixture};

#[tokio::test]
async fn a_login_lasts_until_logout_and_the_old_cookie_opens_nothing() {
    let fixture = fixture();
    let login = fixture.send("POST", "/login", &[("sec-fetch-site", "same-origin")]).await;
    let line = login.header("set-cookie").unwrap();
    assert!(
        line.starts_with("__Host-sid=") && line.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"),
        "{line}"
    );
    let cookie = login.cookie();
    assert_eq!(fixture.get("/user", &[("cookie", &cookie)]).await.body, "ann");
    let out = fixture.send("POST", "/logout", &[("cookie", &cookie), ("origin", ORIGIN)]).await;
    assert!(out.body == "true" && out.header("set-cookie").unwrap().contains("Max-Age=0"));
    let after = fixture.get("/maybe", &[("cookie", &cookie)]).await;
    assert!(
        after.body == "nobody" && after.header("set-cookie").is_none(),
        "it may be a newer login's by now"
    );
}

/// What was presented is ended, and its secret opens nothing.
#[tokio::test]
async fn logging_in_again_makes_another_session() {
    let fixture = fixture();
    let first = fixture.log_in().await;
    let again = fixture.send("POST", "/login", &[("cookie", &first), ("origin", ORIGIN)]).await.cookie();
    assert_ne!(first, again);
    assert_eq!(fixture.get("/maybe", &[("cookie", &first)]).await.body, "nobody");
    assert_eq!(fixture.get("/maybe", &[("cookie", &again)]).await.body, "ann");
}

/// A form, an image or a link elsewhere acts for nobody, and logs nobody in as its author.
#[tokio::test]
async fn other_sites_neither_act_nor_log_in() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    let evil = "https://evil.example.com";
    for headers in [
        &[("cookie", cookie.as_str()), ("origin", evil)][..],
        &[("cookie", &cookie), ("sec-fetch-site", "cross-site")],
        &[("cookie", &cookie), ("sec-fetch-site", "same-site"), ("origin", ORIGIN)],
        &[("cookie", &cookie), ("origin", "null")],
        &[("cookie", &cookie)],
        &[("authorization", "Basic dTpw")],
    ] {
        assert_eq!(fixture.send("POST", "/logout", headers).await.status, 403, "{headers:?}");
    }
    assert_eq!(fixture.get("/maybe", &[("cookie", &cookie)]).await.body, "ann");
    assert!(fixture.audit.has("cross-site.refused"));
    // Nothing that a browser adds by itself, and yet: a login is somebody's session afterwards.
    for headers in [&[][..], &[("sec-fetch-site", "cross-site")], &[("origin", evil)]] {
        for (method, path) in [("POST", "/login"), ("GET", "/login-by-get")] {
            let login = fixture.send(method, path, headers).await;
            assert_eq!((login.status, login.header("set-cookie")), (403, None), "{method} {headers:?}");
        }
    }
    // An upgrade is a GET that acts.
    let upgrade = [("cookie", cookie.as_str()), ("upgrade", "websocket"), ("sec-fetch-site", "cross-site")];
    assert_eq!(fixture.get("/user", &upgrade).await.status, 403);
    // A program with a token is nobody's browser.
    let token = fixture.token(None);
    let read = fixture.send("POST", "/delete", &[("authorization", &token), ("origin", evil)]).await;
    assert_eq!(read.status, 403, "refused by the policy and not as another site's: {}", read.body);
    assert!(read.body.contains("not-allowed"));
}

#[tokio::test]
async fn an_authorization_header_takes_the_place_of_the_cookie() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    assert_eq!(fixture.get("/bearer", &[("cookie", &cookie)]).await.status, 401);
    let other = fixture.get("/maybe", &[("cookie", &cookie), ("authorization", "Basic dTpw")]).await;
    assert_eq!(other.body, "nobody");
    let token = fixture.token(None);
    assert_eq!(fixture.get("/bearer", &[("cookie", &cookie), ("authorization", &token)]).await.body, "ann");
    assert_eq!(fixture.get("/count", &[("cookie", &cookie), ("authorization", &token)]).await.status, 401);
}

#[tokio::test]
async fn data_is_kept_for_visitors_too_and_goes_along_with_a_login() {
    let fixture = fixture();
    let first = fixture.get("/count", &[]).await;
    assert_eq!(first.body, "1");
    let visitor = first.cookie();
    assert_eq!(fixture.get("/count", &[("cookie", &visitor)]).await.body, "2");
    let login = fixture.send("POST", "/login", &[("cookie", &visitor), ("origin", ORIGIN)]).await.cookie();
    assert_eq!(fixture.get("/count", &[("cookie", &login)]).await.body, "3");
    assert_eq!(fixture.get("/maybe", &[("cookie", &visitor)]).await.body, "nobody");
    // Saved although the handler answered 500, as documented.
    assert_eq!(fixture.get("/count-and-fail", &[("cookie", &login)]).await.status, 500);
    assert_eq!(fixture.get("/count", &[("cookie", &login)]).await.body, "101");
}

/// What is removed is gone for the requests that follow, and nobody gets a session by it.
#[tokio::test]
async fn data_that_is_removed_is_gone() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    for expected in ["1", "2"] {
        assert_eq!(fixture.get("/count", &[("cookie", &cookie)]).await.body, expected);
    }
    let own = [("cookie", cookie.as_str()), ("origin", ORIGIN)];
    assert_eq!(fixture.send("POST", "/count-anew", &own).await.status, 200);
    assert_eq!(fixture.get("/count", &[("cookie", &cookie)]).await.body, "1");
    assert_eq!(fixture.get("/user", &[("cookie", &cookie)]).await.body, "ann");

    let stranger = fixture.send("POST", "/count-anew", &[("origin", ORIGIN)]).await;
    assert_eq!((stranger.status, stranger.header("set-cookie")), (200, None));
    let token = fixture.token(None);
    assert_eq!(fixture.send("POST", "/count-anew", &[("authorization", &token)]).await.status, 401);
    fixture.store.fail_with(Some(FailWith::NotWritten));
    assert_eq!(fixture.send("POST", "/count-anew", &own).await.status, 503);
}

/// A cache that keeps a refusal gives it to the people of the site, or what the site saw to others, unless it is
/// told by what the answer varies.
#[tokio::test]
async fn a_refusal_of_another_site_varies_by_what_gave_it_away() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    let varies = |answer: &crate::app::Answer| -> Vec<String> {
        let lines = answer.headers.get_all("vary").iter();
        lines.map(|line| line.to_str().unwrap().to_owned()).collect()
    };
    // Before a handler: another site's request that acts, an upgrade, and a page for a person.
    let cross = ("sec-fetch-site", "cross-site");
    let html = ("accept", "text/html");
    for (method, path, headers) in [
        ("POST", "/logout", &[("cookie", cookie.as_str()), cross][..]),
        ("POST", "/logout", &[("cookie", &cookie), ("origin", "https://evil.example"), html]),
        ("GET", "/user", &[("cookie", &cookie), ("upgrade", "websocket"), cross]),
    ] {
        let answer = fixture.send(method, path, headers).await;
        assert_eq!((answer.status, answer.header("cache-control")), (403, Some("no-store")));
        assert_eq!(varies(&answer), ["Sec-Fetch-Site, Origin"], "{method} {path}");
    }
    // By a handler that would have begun a session; it has asked who is there before.
    let answer = fixture.get("/login-by-get", &[cross]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (403, Some("no-store")));
    assert_eq!(varies(&answer), ["Sec-Fetch-Site, Origin", "cookie, authorization"]);
    // Other refusals vary by who asks and who reads, and by no header that only the cross-site check looks at.
    let answer = fixture.get("/user", &[html]).await;
    assert_eq!((answer.status, varies(&answer)), (303, vec!["Cookie, Authorization, Accept".to_owned()]));
    assert_eq!(varies(&fixture.get("/open", &[]).await), [""; 0]);
}

/// A cache in between must not serve one person's page, or cookie, to another.
#[tokio::test]
async fn answers_that_depend_on_who_asks_are_kept_out_of_caches() {
    let fixture = fixture();
    let open = fixture.get("/open", &[]).await;
    assert_eq!((open.header("cache-control"), open.header("vary")), (None, None));
    let maybe = fixture.get("/maybe", &[]).await;
    assert_eq!(maybe.header("cache-control"), Some("no-store"));
    let vary: Vec<_> = maybe.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["cookie, authorization"]);
    assert_eq!(fixture.get("/cached", &[]).await.header("cache-control"), Some("private, max-age=60"));
    // A cookie is never kept, whatever the handler says: here one is cleared.
    let cleared = fixture.get("/cached", &[("cookie", "__Host-sid=junk")]).await;
    assert!(cleared.header("set-cookie").is_some());
    assert_eq!(cleared.header("cache-control"), Some("no-store"));
}

/// The server's deadlines count, whatever the browser keeps.
#[tokio::test]
async fn a_session_ends_by_the_servers_clock() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    fixture.step(7 * 24 * 3_600 - 1);
    assert_eq!(fixture.get("/maybe", &[("cookie", &cookie)]).await.body, "ann");
    fixture.step(7 * 24 * 3_600);
    assert_eq!(fixture.get("/maybe", &[("cookie", &cookie)]).await.body, "nobody");
}

/// Without the peers, a throttle per source is one for everybody: whoever runs the server must hear of it, and not
/// with every request.
#[tokio::test]
async fn a_server_that_does_not_tell_its_peers_is_written_down_once() {
    let fixture = fixture();
    fixture.get("/source", &[]).await;
    assert!(!fixture.audit.has("peer.unknown"));
    for _ in 0..3 {
        let request = Request::get("/source").body(Body::empty()).unwrap();
        assert_eq!(fixture.answer(request).await.body, "None");
    }
    let said = fixture.audit.events().iter().filter(|(_, event)| event.name() == "peer.unknown").count();
    assert_eq!(said, 1);
}

#[tokio::test]
async fn the_peer_is_the_client_unless_a_proxy_is_trusted() {
    let fixture = fixture();
    let spoofed = fixture.get("/source", &[("x-forwarded-for", "1.2.3.4")]).await;
    assert_eq!(spoofed.body, "Some(10.0.0.1)");
}

/// What `testing` hands out is no more than a login of that person: it ends as theirs do, opens no other account's
/// doors, and cannot be had where nobody could log in.
#[tokio::test]
async fn a_stated_login_is_held_to_every_check() {
    let fixture = fixture();
    let bob = PrincipalId::local_user("bob").unwrap();
    let cookie = testing::login_as(&fixture.auth, &bob).await.unwrap();
    assert_eq!(fixture.get("/user", &[("cookie", &cookie)]).await.body, "bob");
    assert_eq!(fixture.get("/read", &[("cookie", &cookie)]).await.status, 403, "only ann is a reader");
    assert_eq!(fixture.send("POST", "/logout", &[("cookie", &cookie)]).await.status, 403, "no page of ours");
    let own = [("cookie", cookie.as_str()), ("origin", ORIGIN)];
    assert_eq!(fixture.send("POST", "/logout", &own).await.body, "true");
    assert_eq!(fixture.get("/maybe", &[("cookie", &cookie)]).await.body, "nobody");

    let token = testing::bearer_as(&fixture.tokens, &bob, START).unwrap();
    assert_eq!(fixture.get("/bearer", &[("authorization", &token)]).await.body, "bob");
    fixture.step(1_000);
    assert_eq!(fixture.get("/bearer", &[("authorization", &token)]).await.status, 401);
    let limited = login_at_epoch(&bob, START, AuthEpoch::new(1));
    assert!(testing::login(&fixture.auth, limited).await.is_ok());
    // Begun before the epoch that his sessions are at by now.
    fixture.auth.sessions().end_all(&bob, AuthEpoch::new(2)).await.unwrap();
    assert_eq!(testing::login_as(&fixture.auth, &bob).await.unwrap_err().status(), 401);
    fixture.store.fail_with(Some(FailWith::NotWritten));
    assert_eq!(testing::login_as(&fixture.auth, &bob).await.unwrap_err().status(), 503);
}

/// What a handler verifies once more is the token that was checked, and never another credential.
#[tokio::test]
async fn a_visit_hands_out_its_bearer_token_and_nothing_else() {
    let fixture = fixture();
    let bearer = fixture.token(None);
    let (_, token) = bearer.split_once(' ').unwrap();
    let cookie = fixture.log_in().await;
    let shown = async |headers: &[(&str, &str)]| fixture.get("/bearer-token", headers).await.body;
    assert_eq!(shown(&[("authorization", &bearer), ("cookie", &cookie)]).await, format!("{:?}", Some(token)));
    for other in [&[][..], &[("cookie", cookie.as_str())], &[("authorization", "Basic dTpw")]] {
        assert_eq!(shown(other).await, "None", "{other:?}");
    }
}
