//! Programs: a short access token, a refresh token for the next pair, and all that ends them.

#[path = "story/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;

#[path = "story/people.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod people;

use people::{PASSWORD, Tokens, cookie, form, json, log_in, presented, refresh, sign_up, token};
use server::{Response, Server};

fn server_with(people: &[&str]) -> Server {
    let server = Server::start();
    for email in people {
        assert_eq!(sign_up(&server, email).status, 200);
    }
    server
}

fn log_out(server: &Server, body: &str) -> u16 {
    server.post_json("/api/logout", &[], presented(body)).status
}

fn profile(server: &Server, bearer: &str) -> Response {
    server.get("/api/profile", &[("authorization", bearer)])
}

#[test]
fn a_program_goes_on_with_its_refresh_token_until_it_logs_out() {
    let server = server_with(&["ann@example.com"]);
    let login = Tokens::of(&server, "ann@example.com");
    let mut last = Tokens::read(&refresh(&server, &login.refresh));
    for _ in 0..5 {
        let next = Tokens::read(&refresh(&server, &last.refresh));
        assert_ne!(next.refresh, last.refresh);
        assert!(profile(&server, &next.bearer).body.contains("ann@example.com"));
        last = next;
    }
    assert_eq!(log_out(&server, &last.refresh), 204);
    assert_eq!(refresh(&server, &last.refresh).status, 401);
    // RFC 7009 section 2.2: what is unknown is no error, or a client would have to handle it.
    let long = "x".repeat(5_000);
    for over in [last.refresh.as_str(), &login.refresh, "", "garbage", &long] {
        assert_eq!(log_out(&server, over), 204, "{over}");
    }
    server.until("it is written down, once", || server.logged("session.ended").len() == 1);
}

/// The access token says in `sid` which login it is of: with it alone, that login is ended and no other.
#[test]
fn a_bearer_token_logs_out_its_own_login_only() {
    let server = server_with(&["ann@example.com"]);
    let (here, there) = (Tokens::of(&server, "ann@example.com"), Tokens::of(&server, "ann@example.com"));
    let next = Tokens::read(&refresh(&server, &here.refresh));
    let by_bearer = |bearer: &str| server.post_nothing("/api/logout", &[("authorization", bearer)]).status;
    assert_eq!(by_bearer(&next.bearer), 204);
    assert_eq!(refresh(&server, &next.refresh).status, 401);
    assert_eq!(by_bearer(&next.bearer), 204, "it is over already");
    assert_eq!(refresh(&server, &there.refresh).status, 200);
    // Both in one request: both end.
    let [one, two] = [(); 2].map(|()| Tokens::of(&server, "ann@example.com"));
    let both = server.post_json("/api/logout", &[("authorization", &one.bearer)], presented(&two.refresh));
    assert_eq!(both.status, 204);
    for over in [one, two] {
        assert_eq!(refresh(&server, &over.refresh).status, 401);
    }

    // An access token has often expired by then, and must not keep its login alive.
    let late = Tokens::of(&server, "ann@example.com").refresh;
    let expired = server.post_json("/api/logout", &[("authorization", "Bearer a.b.c")], presented(&late));
    assert_eq!((expired.status, refresh(&server, &late).status), (204, 401));

    // Who says nothing of a session, or cannot be believed, ends none.
    let cookie = cookie(&log_in(&server, "ann@example.com", PASSWORD));
    let own: &[(&str, &str)] = &[("cookie", &cookie), ("origin", &server.url)];
    for headers in [&[][..], own] {
        assert_eq!(server.post_nothing("/api/logout", headers).status, 401);
        assert_eq!(server.post_json("/api/logout", headers, "{}".to_owned()).status, 401);
    }
    assert_eq!(by_bearer("Bearer a.b.c"), 401);
    assert_eq!(server.post_json("/api/logout", &[], "{".to_owned()).status, 400);
    assert_eq!(server.get("/profile", own).status, 200);
}

/// RFC 9700 section 4.14: two parties hold copies, and which is the thief cannot be known.
#[test]
fn an_old_refresh_token_that_comes_back_ends_its_login() {
    let server = server_with(&["ann@example.com"]);
    let stolen = Tokens::of(&server, "ann@example.com").refresh;
    let other = Tokens::of(&server, "ann@example.com").refresh;
    let second = Tokens::read(&refresh(&server, &stolen)).refresh;
    let newest = Tokens::read(&refresh(&server, &second)).refresh;
    assert_eq!(refresh(&server, &stolen).status, 401);
    assert_eq!(refresh(&server, &newest).status, 401, "the newest is dead, too");
    assert_eq!(refresh(&server, &second).status, 401);
    server.until("it is written down", || server.logged("session.replayed").len() == 1);
    assert_eq!(refresh(&server, &other).status, 200, "another login is none of its business");
}

/// Tabs and retries refresh at once; it is no theft, and makes no second login.
#[test]
fn many_refreshes_at_once_come_to_one_successor() {
    let server = server_with(&["ann@example.com"]);
    let first = Tokens::of(&server, "ann@example.com").refresh;
    let mut next: Vec<_> = std::thread::scope(|scope| {
        let one = || Tokens::read(&refresh(&server, &first)).refresh;
        let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    next.dedup();
    assert_eq!(next.len(), 1, "{next:?}");
    assert_eq!(refresh(&server, &next[0]).status, 200);
}

/// Why a token is refused helps only whoever guesses.
#[test]
fn refused_tokens_are_told_one_reason() {
    let server = server_with(&["ann@example.com"]);
    let elsewhere = server_with(&["ann@example.com"]);
    let good = Tokens::of(&server, "ann@example.com").refresh;
    let ended = Tokens::of(&server, "ann@example.com").refresh;
    assert_eq!(log_out(&server, &ended), 204);
    let last = if good.ends_with('A') { "E" } else { "A" };
    let forged = format!("{}{last}", &good[..good.len() - 1]);
    let foreign = Tokens::of(&elsewhere, "ann@example.com").refresh;
    let access = token(&server, "ann@example.com");
    for bad in [&forged, &foreign, &ended, "", "garbage", &format!("{good} "), &access, &"x".repeat(5_000)] {
        let refused = refresh(&server, bad);
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")), "{bad}");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        assert!(refused.body.contains("\"code\":\"credential-refused\""), "{}", refused.body);
    }
    server.until("the log tells them apart", || {
        let lines = server.logged("credential.refused");
        let tells = |reason| lines.iter().any(|line| line.contains("refresh") && line.contains(reason));
        tells("Signature") && tells("Unknown")
    });
    // Neither is an access token, and neither in another place.
    assert_eq!(profile(&server, &format!("Bearer {good}")).status, 401);
    assert_eq!(server.get(&format!("/api/refresh-token?refresh_token={good}"), &[]).status, 405);
    for (body, status) in [("{}", 422), (r#"{"refresh_token":1}"#, 422), ("{", 400)] {
        assert_eq!(server.post_json("/api/refresh-token", &[], body.to_owned()).status, status);
    }
    let large = server.post_json("/api/refresh-token", &[], presented(&"x".repeat(9_000)));
    assert_eq!(large.status, 413);
    // JSON as a form of another site could send it.
    assert_eq!(server.post("/api/logout", &[], presented(&good)).status, 415);
    assert_eq!(refresh(&server, &good).status, 200, "none of it has harmed the login");
}

/// What ends everything of an account ends its refresh tokens: they are sessions of the same store and epoch.
#[test]
fn a_changed_password_a_disabled_and_a_deleted_account_end_refresh_tokens() {
    let server = server_with(&["ann@example.com", "bob@example.com", "eve@example.com", "joe@example.com"]);
    let login = |email| Tokens::of(&server, email);
    let refused = |tokens: &Tokens| {
        assert_eq!(refresh(&server, &tokens.refresh).status, 401);
        assert_eq!(profile(&server, &tokens.bearer).status, 401);
    };
    let ann = login("ann@example.com");
    let cookie = cookie(&log_in(&server, "ann@example.com", PASSWORD));
    let change = form(&[("current", PASSWORD), ("new", "quite another long sentence")]);
    let own: &[(&str, &str)] = &[("cookie", &cookie), ("origin", &server.url)];
    assert_eq!(server.post("/password", own, change).status, 303);
    refused(&ann);

    let bob = login("bob@example.com");
    server.cli(&["disable", "bob@example.com"]);
    refused(&bob);
    assert_eq!(server.post_json("/api/login", &[], json("bob@example.com", PASSWORD)).status, 401);
    server.cli(&["enable", "bob@example.com"]);
    refused(&bob);
    let again = login("bob@example.com");
    server.cli_with(&["set-password", "bob@example.com"], "a sentence that was reset\n");
    refused(&again);

    let eve = login("eve@example.com");
    let id: serde_json::Value = serde_json::from_str(&profile(&server, &eve.bearer).body).unwrap();
    let path = format!("/api/users/{}", id["id"].as_str().unwrap());
    server.cli(&["grant", "--unverified", "joe@example.com", "admin"]);
    let joe = login("joe@example.com");
    server.until("she is deleted", || server.delete(&path, &[("authorization", &joe.bearer)]).status == 204);
    refused(&eve);
    assert_eq!(refresh(&server, &joe.refresh).status, 200);
}

#[test]
fn refresh_tokens_survive_kill_9_and_ended_ones_stay_ended() {
    let mut server = server_with(&["ann@example.com"]);
    let [fresh, used, ended, replayed] = [(); 4].map(|()| Tokens::of(&server, "ann@example.com").refresh);
    let next = Tokens::read(&refresh(&server, &used)).refresh;
    assert_eq!(log_out(&server, &ended), 204);
    let second = Tokens::read(&refresh(&server, &replayed)).refresh;
    let third = Tokens::read(&refresh(&server, &second)).refresh;

    server.kill_and_restart();
    assert_eq!(refresh(&server, &fresh).status, 200);
    let after = Tokens::read(&refresh(&server, &next));
    assert_eq!(profile(&server, &after.bearer).status, 200);
    assert_eq!(refresh(&server, &ended).status, 401);
    assert_eq!(refresh(&server, &replayed).status, 401);
    server.kill_and_restart();
    assert_eq!(refresh(&server, &third).status, 401, "its login has ended for good");
    assert_eq!(refresh(&server, &after.refresh).status, 200);
}
