//! The whole story over a real socket, with a real HTTP client: what the README shows, and what must not work.

#[path = "story/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;

#[path = "story/people.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod people;

use std::{fs, path::PathBuf};

use people::{PASSWORD, Tokens, cookie, form, json, log_in, sign_up, token};
use server::Server;

#[test]
fn a_person_signs_up_logs_in_is_refused_what_needs_a_role_and_logs_out() {
    let server = Server::start();
    assert_eq!(server.get("/", &[]).status, 200);
    assert_eq!(sign_up(&server, "ann@example.com").status, 200);

    let html = ("accept", "text/html,*/*");
    let redirect = server.get("/profile?tab=1", &[html]);
    assert_eq!((redirect.status, redirect.header("location")), (303, Some("/login?next=/profile%3Ftab%3D1")));

    assert_eq!(log_in(&server, "ann@example.com", "another sentence of mine").status, 401);
    let login = log_in(&server, "ANN@example.com", PASSWORD);
    assert_eq!((login.status, login.header("location")), (303, Some("/profile")));
    let line = login.header("set-cookie").unwrap();
    assert!(
        line.starts_with(&format!("sid-{}=", server.port())) && line.contains("; HttpOnly; SameSite=Lax"),
        "{line}"
    );
    assert_eq!(login.header("cache-control"), Some("no-store"));

    let cookie = cookie(&login);
    let with_cookie: &[(&str, &str)] = &[("cookie", &cookie), html];
    let first = server.get("/profile", with_cookie);
    assert!(first.body.contains("ann@example.com") && first.body.contains("session</dt><dd>1</dd>"));
    assert_eq!(first.header("cache-control"), Some("no-store"));
    assert!(first.header("vary").is_some());
    // No other site is told where a link was followed.
    assert_eq!(first.header("referrer-policy"), Some("same-origin"));
    assert!(first.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    assert!(server.get("/profile", with_cookie).body.contains("session</dt><dd>2</dd>"));
    assert_eq!(server.get("/admin", with_cookie).status, 403);

    server.cli(&["grant", "--unverified", "ann@example.com", "admin"]);
    let cookie = people::cookie(&log_in(&server, "ann@example.com", PASSWORD));
    let with_cookie: &[(&str, &str)] = &[("cookie", &cookie), html];
    server.until("the role counts", || server.get("/admin", with_cookie).status == 200);
    server.cli(&["revoke", "ann@example.com", "admin"]);
    server.until("the role no longer counts", || server.get("/admin", with_cookie).status == 403);

    // Logging out takes a page of ours.
    assert_eq!(server.get("/logout", with_cookie).status, 405);
    for headers in [&[("cookie", &*cookie)][..], &[("cookie", &*cookie), ("origin", "https://evil.example")]]
    {
        assert_eq!(server.post("/logout", headers, String::new()).status, 403);
    }
    assert_eq!(server.get("/profile", with_cookie).status, 200);
    let out = server.post("/logout", &[("cookie", &cookie), ("origin", &server.url)], String::new());
    assert_eq!(out.status, 303);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    // The old cookie opens nothing.
    assert_eq!(server.get("/profile", with_cookie).status, 303);
}

/// Tabs that are opened at once count at once: none of them is an error, and each counts.
#[test]
fn tabs_at_once_are_all_counted() {
    const TABS: u32 = 4;
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    let cookie = cookie(&log_in(&server, "ann@example.com", PASSWORD));
    let rounds = 10;
    for _ in 0..rounds {
        std::thread::scope(|scope| {
            for _ in 0..TABS {
                scope.spawn(|| assert_eq!(server.get("/profile", &[("cookie", &cookie)]).status, 200));
            }
        });
    }
    let last = server.get("/profile", &[("cookie", &cookie)]);
    assert!(last.body.contains(&format!("session</dt><dd>{}</dd>", rounds * TABS + 1)), "{}", last.body);
}

#[test]
fn a_program_uses_the_api_with_a_bearer_token() {
    let server = Server::start();
    let new = server.post_json("/api/signup", &[], json("ann@example.com", PASSWORD));
    let again = server.post_json("/api/signup", &[], json("ann@example.com", "a different sentence"));
    assert_eq!((new.status, &new.body), (201, &again.body), "nobody learns who has an account");
    assert_eq!(new.status, again.status);
    assert!(new.header("set-cookie").is_none());
    server.post_json("/api/signup", &[], json("bob@example.com", PASSWORD));

    let ann = token(&server, "ann@example.com");
    let profile = server.get("/api/profile", &[("authorization", &ann)]);
    let profile: serde_json::Value = serde_json::from_str(&profile.body).unwrap();
    assert_eq!(
        (profile["email"].as_str(), profile["roles"].as_array().map(Vec::len)),
        (Some("ann@example.com"), Some(0))
    );
    let id = profile["id"].as_str().unwrap().to_owned();

    let none = server.get("/api/profile", &[]);
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(none.header("content-type"), Some("application/problem+json"));
    // Well-formed in every respect, with another signature: only checking it tells.
    let (signed, signature) = ann.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{signed}.{other}{}", &signature[1..]);
    for bad in [forged.as_str(), "Bearer a.b.c", &ann.replace("Bearer ey", "Bearer eY")] {
        let refused = server.get("/api/profile", &[("authorization", bad)]);
        assert_eq!(
            (refused.status, refused.header("www-authenticate")),
            (401, Some("Bearer error=\"invalid_token\""))
        );
    }
    assert_eq!(server.get("/api/profile", &[("authorization", "Bearer")]).status, 400);

    let bob = token(&server, "bob@example.com");
    let path = format!("/api/users/{id}");
    assert_eq!(server.get(&path, &[("authorization", &bob)]).status, 403);
    assert_eq!(server.delete(&path, &[("authorization", &bob)]).status, 403);
    server.cli(&["grant", "--unverified", "bob@example.com", "admin"]);
    let bob = token(&server, "bob@example.com");
    server.until("the role counts", || server.get(&path, &[("authorization", &bob)]).status == 200);
    assert_eq!(server.get("/api/users/nobody", &[("authorization", &bob)]).status, 404);

    // Whoever is deleted leaves no role behind for the pages to list.
    server.cli(&["grant", "--unverified", "ann@example.com", "admin"]);
    let cookie_of_bob = cookie(&log_in(&server, "bob@example.com", PASSWORD));
    let administrators = || server.get("/admin", &[("cookie", &cookie_of_bob)]).body;
    server.until("both are administrators", || administrators().contains(&id));

    // A cookie is not enough to delete: no page can make a browser send the header.
    let cookie = cookie(&log_in(&server, "bob@example.com", PASSWORD));
    let by_cookie: &[(&str, &str)] = &[("cookie", &cookie), ("origin", &server.url)];
    assert_eq!(server.delete(&path, by_cookie).status, 401);
    assert_eq!(server.delete(&path, &[("authorization", &bob)]).status, 204);
    assert_eq!(server.delete(&path, &[("authorization", &bob)]).status, 404);
    server.until("her role is gone", || !administrators().contains(&id));
    for name in ["account.removed", "role.revoked"] {
        server.until(name, || server.logged(name).len() == 1);
        let line = server.logged(name).remove(0);
        assert!(line.contains(&id) && line.contains("by: Some("), "{line}");
    }
    // The token of an account that is gone is refused before it expires.
    assert_eq!(server.get("/api/profile", &[("authorization", &ann)]).status, 401);
    assert_eq!(server.post_json("/api/login", &[], json("ann@example.com", PASSWORD)).status, 401);
}

/// Whoever has a copy of a cookie or a token from before must not come to more than it was worth.
#[test]
fn a_role_that_is_given_counts_for_nothing_of_before() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    let stolen = cookie(&log_in(&server, "ann@example.com", PASSWORD));
    let tokens = Tokens::of(&server, "ann@example.com");
    let admin = |cookie: &str| server.get("/admin", &[("cookie", cookie)]).status;
    assert_eq!(admin(&stolen), 403);
    server.cli(&["grant", "--unverified", "ann@example.com", "admin"]);
    assert_eq!((admin(&stolen), people::refresh(&server, &tokens.refresh).status), (401, 401));
    let own = cookie(&log_in(&server, "ann@example.com", PASSWORD));
    server.until("the role counts", || admin(&own) == 200);
    assert_eq!(admin(&stolen), 401);
    // Nothing is given, so nothing ends.
    server.cli(&["grant", "--unverified", "ann@example.com", "admin"]);
    assert_eq!(admin(&own), 200);
}

/// A password change ends the other sessions and the tokens, and not its own session.
#[test]
fn changing_the_password_ends_everything_else() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    let (here, there) = (
        cookie(&log_in(&server, "ann@example.com", PASSWORD)),
        cookie(&log_in(&server, "ann@example.com", PASSWORD)),
    );
    let bearer = token(&server, "ann@example.com");
    assert_eq!(server.get("/profile", &[("cookie", &there)]).status, 200);

    let change = form(&[("current", PASSWORD), ("new", "quite another long sentence")]);
    // A bearer token has no session to spare: nothing is changed.
    assert_eq!(server.post("/password", &[("authorization", &bearer)], change.clone()).status, 401);
    assert_eq!(server.get("/profile", &[("cookie", &here)]).status, 200);
    // What cannot be is said beside the form, and nothing is changed.
    let own: &[(&str, &str)] = &[("cookie", &here), ("origin", &server.url)];
    for (current, new, status, said) in [
        ("a wrong sentence of mine", "quite another long sentence", 401, "present password is another one"),
        (PASSWORD, "short", 422, "fewer than 15 characters"),
    ] {
        let again = server.post("/password", own, form(&[("current", current), ("new", new)]));
        assert_eq!(again.status, status, "{}", again.body);
        assert!(again.body.contains(said) && again.body.contains("action=\"/password\""), "{}", again.body);
        assert!(again.body.contains("ann@example.com") && !again.body.contains(new));
    }
    assert_eq!(server.get("/profile", &[("cookie", &there)]).status, 200);
    let changed = server.post("/password", own, change);
    assert_eq!(changed.status, 303, "{}", changed.body);
    assert_eq!(server.get("/profile", &[("cookie", &cookie(&changed))]).status, 200);
    assert_eq!(server.get("/profile", &[("cookie", &here)]).status, 401, "its secret was replaced");
    assert_eq!(server.get("/profile", &[("cookie", &there)]).status, 401);
    assert_eq!(server.get("/api/profile", &[("authorization", &bearer)]).status, 401);
    assert_eq!(log_in(&server, "ann@example.com", PASSWORD).status, 401);
    assert_eq!(log_in(&server, "ann@example.com", "quite another long sentence").status, 303);
}

#[test]
fn what_was_answered_survives_kill_9() {
    let mut server = Server::start();
    sign_up(&server, "ann@example.com");
    let live = cookie(&log_in(&server, "ann@example.com", PASSWORD));
    let dead = cookie(&log_in(&server, "ann@example.com", PASSWORD));
    let bearer = token(&server, "ann@example.com");
    server.get("/profile", &[("cookie", &live)]);
    server.post("/logout", &[("cookie", &dead), ("origin", &server.url)], String::new());

    server.kill_and_restart();
    assert!(server.get("/profile", &[("cookie", &live)]).body.contains("session</dt><dd>2</dd>"));
    assert_eq!(server.get("/profile", &[("cookie", &dead)]).status, 401, "logged out stays logged out");
    assert_eq!(server.get("/api/profile", &[("authorization", &bearer)]).status, 200);
    assert_eq!(log_in(&server, "ann@example.com", PASSWORD).status, 303);
}

/// Guessing is answered 429 with the time to wait, and does not lock others out.
#[test]
fn guessing_is_throttled() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    sign_up(&server, "bob@example.com");
    let tries: Vec<_> =
        (0..11).map(|_| log_in(&server, "ann@example.com", "a wrong sentence of mine")).collect();
    assert!(tries[..10].iter().all(|response| response.status == 401));
    assert_eq!(tries[10].status, 429);
    let wait: u64 = tries[10].header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2_000).contains(&wait), "{wait}");
    assert_eq!(
        log_in(&server, "ann@example.com", PASSWORD).status,
        429,
        "the right one is not looked at either"
    );
    assert_eq!(log_in(&server, "bob@example.com", PASSWORD).status, 303);
}

#[test]
fn what_cannot_be_read_is_refused_before_any_work() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    let live = cookie(&log_in(&server, "ann@example.com", PASSWORD));

    // A stranger must not log people in as himself.
    for headers in [&[][..], &[("origin", "https://evil.example")], &[("sec-fetch-site", "cross-site")]] {
        let body = form(&[("email", "ann@example.com"), ("password", PASSWORD)]);
        let response = server.post("/login", headers, body);
        assert_eq!(response.status, 403);
        assert!(response.header("set-cookie").is_none());
        // The password was not looked at: the wrong one is told nothing else.
        let body = form(&[("email", "ann@example.com"), ("password", "a wrong sentence of mine")]);
        assert_eq!(server.post("/login", headers, body).status, 403);
    }
    // A browser that sends neither header has the form's token.
    let page = server.get("/login", &[]);
    let token = page.body.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap();
    let fields = [("email", "ann@example.com"), ("password", PASSWORD), ("token", token)];
    let held = cookie(&page);
    assert_eq!(server.post("/login", &[("cookie", &held)], form(&fields)).status, 303);
    assert_eq!(server.post("/login", &[("cookie", &held)], form(&fields[..2])).status, 403);
    // 14: which of two was meant?
    assert_eq!(server.get("/profile", &[("cookie", &format!("{live}; {live}"))]).status, 400);
    // 21: whatever has not our form is nobody's, and is cleared.
    let name = format!("sid-{}", server.port());
    let junk = server.get("/", &[("cookie", &format!("{name}=junk"))]);
    assert_eq!(junk.status, 200);
    assert!(junk.header("set-cookie").unwrap().contains("Max-Age=0"));
    let large = format!("{name}={}", "x".repeat(20_000));
    assert_eq!(server.get("/", &[("cookie", &large)]).status, 400);
    let token = format!("Bearer {}", "x".repeat(20_000));
    assert_eq!(server.get("/api/profile", &[("authorization", &token)]).status, 401);
    let large = server.post_json("/api/login", &[], json("ann@example.com", &"x".repeat(9_000)));
    let unread = server.post("/api/login", &[], form(&[("email", "ann@example.com")]));
    let unexpected = server.post_json("/api/login", &[], r#"{"email":["<b>"]}"#.to_owned());
    for (response, status) in [(large, 413), (unread, 415), (unexpected, 422)] {
        assert_eq!(response.status, status);
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert!(!response.body.contains("<b>"), "{}", response.body);
    }
    // An `Authorization` header takes the cookie's place, whatever it is.
    assert_eq!(server.get("/api/profile", &[("cookie", &live), ("authorization", "Basic dTpw")]).status, 401);
    // The development mode answers to its own name only.
    assert_eq!(server.get("/", &[("host", "evil.example")]).status, 400);
    // 29: nobody is led elsewhere.
    let body = form(&[("email", "ann@example.com"), ("password", PASSWORD), ("next", "//evil.example")]);
    let response = server.post("/login", &[("origin", &server.url)], body);
    assert_eq!(response.header("location"), Some("/profile"));
    // A password that nobody may choose.
    let weak = server.post_json("/api/signup", &[], json("bob@example.com", "short"));
    assert_eq!(weak.status, 422);
}

/// The key file is the owner's alone and never in the database; neither has a secret of a session.
#[test]
fn a_copy_of_the_database_opens_nothing() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    let cookie = cookie(&log_in(&server, "ann@example.com", PASSWORD));
    let secret = cookie.rsplit('.').next().unwrap().as_bytes();
    let refresh = Tokens::of(&server, "ann@example.com").refresh;
    let mac = refresh.rsplit('.').next().unwrap().as_bytes();
    let key = std::fs::read_to_string(server.path("quickstart.key")).unwrap();
    let key = key.trim().rsplit(' ').next().unwrap().as_bytes();
    for file in ["quickstart.db", "quickstart.db-wal"] {
        let bytes = std::fs::read(server.path(file)).unwrap();
        for needle in [secret, mac, key, PASSWORD.as_bytes()] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{file}");
        }
    }
    #[cfg(unix)]
    for file in ["quickstart.db", "quickstart.key"] {
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(server.path(file)).unwrap());
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// Whoever failed too often or forgot the password gets a new one, and everything old ends.
#[test]
fn a_password_can_be_set_from_the_command_line() {
    let server = Server::start();
    sign_up(&server, "ann@example.com");
    let cookie = cookie(&log_in(&server, "ann@example.com", PASSWORD));
    server.cli_with(&["set-password", "ann@example.com"], "a sentence that was reset\n");
    assert_eq!(server.get("/profile", &[("cookie", &cookie)]).status, 401);
    assert_eq!(log_in(&server, "ann@example.com", PASSWORD).status, 401);
    assert_eq!(log_in(&server, "ann@example.com", "a sentence that was reset").status, 303);
}

/// A route whose handler asks nobody who they are, or not what they may do, is on one of these lists, or is a mistake.
#[test]
fn every_route_that_lets_strangers_in_is_meant_to() {
    /// How people get in, and out again: what they prove it by is in the body.
    const OPEN: [&str; 19] = [
        "get /",
        "get /signup",
        "post /signup",
        "get /verify",
        "post /verify",
        "get /login",
        "post /login",
        "get /login/code",
        "post /login/code",
        "post /logout",
        "get /forgot",
        "post /forgot",
        "get /reset",
        "post /reset",
        "post /api/signup",
        "post /api/login",
        "post /api/login/code",
        "post /api/refresh-token",
        "post /api/logout",
    ];
    /// What people do with what is theirs. All else takes a permission that members do not have.
    const MEMBER: [&str; 15] = [
        "get /profile",
        "post /password",
        "post /verify/send",
        "get /security",
        "post /security/codes",
        "post /security/codes/confirm",
        "post /security/recovery-codes",
        "post /security/remove",
        "get /api-keys",
        "post /api-keys",
        "post /api-keys/{id}/revoke",
        "get /devices",
        "post /devices/{id}/end",
        "post /devices/end-others",
        "get /api/profile",
    ];
    let mut sources = Vec::new();
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { sources.push(fs::read_to_string(path).unwrap()) }
        }
    }
    for other in [".nest(", ".nest_service(", ".route_service(", ".fallback(", ".fallback_service("] {
        assert!(
            sources.iter().all(|source| !source.contains(other)),
            "{other} adds routes that are not looked at"
        );
    }
    let mut routes = Vec::new();
    for route in sources.iter().flat_map(|source| source.split(".route(").skip(1)) {
        let (path, rest) =
            route.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"')).unwrap();
        let mut depth = 1_i32;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        let handlers = &rest[..end.unwrap()];
        let before = routes.len();
        for method in ["get", "post", "delete", "put", "patch"] {
            if handlers.contains(&format!("{method}(")) {
                routes.push((method, path));
            }
        }
        assert!(routes.len() > before, "{path}: {handlers}");
    }
    let server = Server::start();
    let headers = [("origin", server.url.as_str())];
    for (method, path) in &routes {
        let asked = path.replace("{id}", "1");
        let answer = match *method {
            "get" => server.get(&asked, &headers),
            "post" => server.post_json(&asked, &headers, "{}".to_owned()),
            "delete" => server.delete(&asked, &headers),
            other => panic!("{other} {path}: how is it asked?"),
        };
        let refused = [401, 403].contains(&answer.status);
        let route = format!("{method} {path}");
        assert!(refused || OPEN.contains(&route.as_str()), "{route}: {}", answer.status);
    }
    assert_eq!(sign_up(&server, "ann@example.com").status, 200);
    let mut session = cookie(&log_in(&server, "ann@example.com", PASSWORD));
    let bearer = token(&server, "ann@example.com");
    for (method, path) in &routes {
        let asked = path.replace("{id}", "1");
        let with =
            if path.starts_with("/api/") { ("authorization", &*bearer) } else { ("cookie", &*session) };
        let headers = [with, ("origin", server.url.as_str())];
        let answer = match *method {
            "get" => server.get(&asked, &headers),
            "post" => server.post_json(&asked, &headers, "{}".to_owned()),
            _ => server.delete(&asked, &headers),
        };
        let route = format!("{method} {path}");
        let may = [&OPEN[..], &MEMBER].concat().contains(&route.as_str());
        assert_eq!(answer.status != 403, may, "{route}: {}", answer.status);
        // Some of them end it.
        if server.get("/profile", &[("cookie", &session)]).status != 200 {
            session = cookie(&log_in(&server, "ann@example.com", PASSWORD));
        }
    }
    let routes: Vec<String> = routes.iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert!(OPEN.iter().chain(&MEMBER).all(|known| routes.iter().any(|route| route == known)), "{routes:?}");
}
