//! The page that lists where somebody is logged in.

#[path = "story/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;

#[path = "story/people.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod people;

use people::{PASSWORD, Tokens, cookie, form, json, log_in, refresh, sign_up};
use server::{Response, Server};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

fn browser(server: &Server, agent: &str, more: &[(&str, &str)]) -> Response {
    let mut fields = vec![("email", "ann@example.com"), ("password", PASSWORD)];
    fields.extend_from_slice(more);
    let login = server.post("/login", &[("origin", &server.url), ("user-agent", agent)], form(&fields));
    assert_eq!(login.status, 303, "{}", login.body);
    login
}

fn program(server: &Server, agent: &str) -> Tokens {
    let body = json("ann@example.com", PASSWORD);
    Tokens::read(&server.post_json("/api/login", &[("user-agent", agent)], body))
}

fn page(server: &Server, cookie: &str) -> String {
    let page = server.get("/devices", &[("cookie", cookie)]);
    assert_eq!(page.status, 200, "{}", page.body);
    page.body
}

/// The rows of the page, newest first.
fn rows(page: &str) -> Vec<&str> {
    page.split("<li>").skip(1).map(|row| row.split("</li>").next().unwrap()).collect()
}

fn path_to_end<'a>(page: &'a str, label: &str) -> &'a str {
    let row = *rows(page).iter().find(|row| row.contains(label)).unwrap();
    row.split_once("action=\"").unwrap().1.split('"').next().unwrap()
}

fn post(server: &Server, cookie: &str, path: &str) -> Response {
    server.post(path, &[("cookie", cookie), ("origin", &server.url)], String::new())
}

#[test]
fn browsers_and_programs_are_listed_and_ended_one_by_one() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    let there = cookie(&browser(&server, SAFARI, &[]));
    let tokens = program(&server, "backup/1.0");
    let unnamed = Tokens::read(&server.post_json(
        "/api/login",
        &[("user-agent", "")],
        json("ann@example.com", PASSWORD),
    ));
    let here = cookie(&browser(&server, FIREFOX, &[]));
    assert!(server.get("/profile", &[("cookie", &here)]).body.contains("href=\"/devices\""));

    let listed = page(&server, &here);
    let shown = rows(&listed);
    assert_eq!(shown.len(), 4);
    let mut seen = Vec::new();
    for row in &shown {
        let label = row.split_once("<strong>").unwrap().1.split('<').next().unwrap();
        let kind = row.split_once("<small>").unwrap().1.split(" ·").next().unwrap();
        assert!(
            row.contains("by password, AAL1") && row.contains("Logged in just now, last used just now"),
            "{row}"
        );
        assert_eq!(row.contains("this one"), label == "Firefox on Linux", "{row}");
        seen.push((label, kind));
    }
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            ("Firefox on Linux", "Browser"),
            ("Safari on iPhone", "Browser"),
            ("Unknown device", "API client"),
            ("backup", "API client"),
        ]
    );

    let ended = post(&server, &here, path_to_end(&listed, "Safari on iPhone"));
    assert_eq!((ended.status, ended.header("location")), (303, Some("/devices")));
    assert_eq!(server.get("/profile", &[("cookie", &there)]).status, 401);
    let after = page(&server, &here);
    assert!(after.contains("It is logged out.") && rows(&after).len() == 3, "{after}");
    assert!(!page(&server, &here).contains("It is logged out."), "it is said once");

    post(&server, &here, path_to_end(&after, "backup"));
    assert_eq!(refresh(&server, &tokens.refresh).status, 401);
    assert_eq!(refresh(&server, &unnamed.refresh).status, 200);
    // One's own is a logout.
    let out = post(&server, &here, path_to_end(&after, "this one"));
    assert_eq!((out.status, out.header("location")), (303, Some("/")));
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(server.get("/devices", &[("cookie", &here)]).status, 401);
    let html: &[(&str, &str)] = &[("cookie", &here), ("accept", "text/html")];
    assert_eq!(server.get("/devices", html).header("location"), Some("/login?next=/devices"));
}

#[test]
fn everything_else_is_logged_out_at_once_and_this_stays() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    let there = cookie(&browser(&server, SAFARI, &[]));
    let tokens = program(&server, "backup/1.0");
    let here = cookie(&browser(&server, FIREFOX, &[]));
    let ended = post(&server, &here, "/devices/end-others");
    assert_eq!((ended.status, ended.header("location")), (303, Some("/devices")));
    let now = cookie(&ended);
    assert_eq!(server.get("/devices", &[("cookie", &here)]).status, 401, "its secret was replaced");
    let left = page(&server, &now);
    assert!(left.contains("You are logged out everywhere else."), "{left}");
    assert_eq!(rows(&left).len(), 1);
    assert!(rows(&left)[0].contains("this one"));
    assert_eq!(server.get("/profile", &[("cookie", &there)]).status, 401);
    assert_eq!(refresh(&server, &tokens.refresh).status, 401);
    // The access token does not wait until it expires.
    assert_eq!(server.get("/api/profile", &[("authorization", &tokens.bearer)]).status, 401);
    assert_eq!(log_in(&server, "ann@example.com", PASSWORD).status, 303, "the password is as it was");
}

/// Another site must not log people out, and a link must not either.
#[test]
fn only_a_page_of_ours_ends_devices() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    let there = cookie(&browser(&server, SAFARI, &[]));
    let here = cookie(&browser(&server, FIREFOX, &[]));
    let listed = page(&server, &here);
    for path in [path_to_end(&listed, "Safari on iPhone"), "/devices/end-others"] {
        for site in [&[][..], &[("origin", "https://evil.example")], &[("sec-fetch-site", "same-site")]] {
            let headers = [&[("cookie", here.as_str())], site].concat();
            assert_eq!(server.post(path, &headers, String::new()).status, 403, "{path} {site:?}");
        }
        assert_eq!(server.get(path, &[("cookie", &here)]).status, 405);
        assert_eq!(server.post(path, &[("origin", &server.url)], String::new()).status, 401, "nobody");
    }
    assert_eq!(page(&server, &here).matches("<li>").count(), 2);
    assert_eq!(server.get("/profile", &[("cookie", &there)]).status, 200);
}

/// Whose a session is, is not asked of the client; and nobody learns which ids there are.
#[test]
fn the_device_of_somebody_else_is_as_unknown_as_none() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    sign_up(&server, "bob@example.com");
    let ann = cookie(&browser(&server, FIREFOX, &[]));
    let bob = cookie(&log_in(&server, "bob@example.com", PASSWORD));
    let listed = page(&server, &ann);
    let hers = path_to_end(&listed, "Firefox on Linux");
    let unknown = format!("/devices/{}/end", "A".repeat(32));
    for path in [hers, &unknown, "/devices/x/end", "/devices/%00%ff/end"] {
        let answer = post(&server, &bob, path);
        if path.contains('%') {
            assert_eq!(answer.status, 400);
            continue;
        }
        assert_eq!((answer.status, answer.header("location")), (303, Some("/devices")), "{path}");
        let told = page(&server, &bob);
        assert!(told.contains("No such device is logged in.") && rows(&told).len() == 1, "{told}");
    }
    assert_eq!(server.get("/profile", &[("cookie", &ann)]).status, 200);
}

/// The page is for who has a session: a token that was lent to a program must not end what its owner does elsewhere.
#[test]
fn a_bearer_token_has_no_devices_to_end() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    let here = cookie(&browser(&server, FIREFOX, &[]));
    let Tokens { bearer, .. } = program(&server, "backup/1.0");
    let by_bearer: &[(&str, &str)] = &[("authorization", &bearer), ("cookie", &here)];
    assert_eq!(server.get("/devices", by_bearer).status, 401);
    let listed = page(&server, &here);
    for path in [path_to_end(&listed, "Firefox on Linux"), "/devices/end-others"] {
        assert_eq!(server.post(path, by_bearer, String::new()).status, 401);
    }
    assert_eq!(rows(&page(&server, &here)).len(), 2);
}

/// The header is a stranger's text on somebody's page.
#[test]
fn the_name_of_a_device_is_text_and_short() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    program(&server, &format!("<script>{}", "x".repeat(5_000)));
    let here = cookie(&browser(&server, FIREFOX, &[]));
    let listed = page(&server, &here);
    assert!(listed.contains("&lt;script&gt;xxx") && !listed.contains("<script"), "{listed}");
    assert!(!listed.contains(&"x".repeat(33)));
}

/// "Remember me" is a choice: without it, a browser forgets the login when it is closed.
#[test]
fn only_who_wants_it_is_remembered() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    assert!(server.get("/login", &[]).body.contains("type=\"checkbox\" name=\"remember\""));
    assert!(!server.get("/signup", &[]).body.contains("remember"));
    let line = |login: &Response| login.header("set-cookie").unwrap().to_owned();
    let forgotten = line(&browser(&server, FIREFOX, &[]));
    assert!(!forgotten.contains("Max-Age") && !forgotten.contains("Expires"), "{forgotten}");
    let remembered = browser(&server, FIREFOX, &[("remember", "yes")]);
    assert!(line(&remembered).contains("; Max-Age=2592000"), "{}", line(&remembered));
    // A new password changes the secret, and not the choice.
    let change = form(&[("current", PASSWORD), ("new", "quite another long sentence")]);
    let own: &[(&str, &str)] = &[("cookie", &cookie(&remembered)), ("origin", &server.url)];
    let changed = server.post("/password", own, change);
    assert!(line(&changed).contains("; Max-Age=25"), "{}", line(&changed));
    let profile = server.get("/profile", &[("cookie", &cookie(&changed))]);
    assert!(profile.body.contains("Your password is changed."), "{}", profile.body);
    // Who logs in again over it and leaves the box empty has chosen too.
    let over: &[(&str, &str)] = &[("cookie", &cookie(&changed)), ("origin", &server.url)];
    let again = form(&[("email", "ann@example.com"), ("password", "quite another long sentence")]);
    let again = line(&server.post("/login", over, again));
    assert!(!again.contains("Max-Age") && !again.contains("Expires"), "{again}");
}
