//! Links that are sent by mail.

use crate::{
    people::{Browser, Device, PASSWORD, Tokens, json, log_in, refresh, sign_up},
    server::Server,
};

const ANN: &str = "ann@example.com";
const NEW: &str = "paper boats in the attic";

/// The path of a link, as a browser asks for it, and the token in it.
fn parts<'a>(server: &Server, link: &'a str) -> (&'a str, &'a str) {
    (link.strip_prefix(&server.url).unwrap(), link.split_once("?token=").unwrap().1)
}

#[test]
fn whoever_forgot_the_password_sets_another_by_the_link_in_the_mail() {
    let server = Server::start();
    sign_up(&server, ANN);
    let there = Browser::logged_in(&server, ANN);
    let tokens = Tokens::of(&server, ANN);
    assert!(server.get("/login", &[]).body.contains("href=\"/forgot\""));

    let asked = |email: &str| {
        let forged = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
        server.post("/forgot", &forged, format!("email={email}"))
    };
    let (known, unknown) = (asked(ANN), asked("nobody@example.com"));
    assert_eq!((known.status, &known.body), (200, &unknown.body), "nobody learns who has an account");
    let link = server.link(ANN, "/reset");
    let mail = std::fs::read_to_string(server.path("quickstart.mail")).unwrap();
    assert!(!mail.contains("nobody@") && !mail.contains("evil.example"), "{mail}");

    // Programs that check mail open every link, and use none up.
    let (path, token) = parts(&server, &link);
    for _ in 0..2 {
        let page = server.get(path, &[]);
        assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
        assert!(page.body.contains(&format!("name=\"token\" value=\"{token}\"")));
    }
    let browser = Browser::new(&server);
    let weak = browser.post("/reset", &[("token", token), ("new", "short")]);
    assert_eq!(weak.status, 422);
    assert!(weak.body.contains("fewer than 15 characters") && weak.body.contains(token));
    assert_eq!(there.get("/profile").status, 200, "nothing has happened so far");

    let set = browser.post("/reset", &[("token", token), ("new", NEW)]);
    assert_eq!((set.status, browser.holds("sid")), (200, false), "nobody is logged in by it");
    assert_eq!(there.get("/profile").status, 401);
    assert_eq!(refresh(&server, &tokens.refresh).status, 401);
    assert_eq!(server.get("/api/profile", &[("authorization", &tokens.bearer)]).status, 401);
    assert_eq!(log_in(&server, ANN, PASSWORD).status, 401);
    assert_eq!(log_in(&server, ANN, NEW).status, 303);
    // It works once, and is told like one that never was.
    let again = browser.post("/reset", &[("token", token), ("new", "yet another long sentence")]);
    let never = browser.post("/reset", &[("token", "x"), ("new", "yet another long sentence")]);
    assert_eq!((again.status, &again.body), (410, &never.body));
    assert_eq!((server.get(path, &[]).status, server.get("/reset", &[]).status), (410, 410));
    assert_eq!(log_in(&server, ANN, NEW).status, 303);
}

/// Whoever reads the mail has one factor, and not the other.
#[test]
fn a_reset_does_not_get_past_the_second_factor() {
    let server = Server::start();
    sign_up(&server, ANN);
    let ann = Browser::logged_in(&server, ANN);
    let verify = server.link(ANN, "/verify");
    ann.post("/verify", &[("token", parts(&server, &verify).1)]);
    let (device, _) = Device::enrol(&ann);
    server.post("/forgot", &[], format!("email={ANN}"));
    let link = server.link(ANN, "/reset");
    let thief = Browser::new(&server);
    assert_eq!(thief.post("/reset", &[("token", parts(&server, &link).1), ("new", NEW)]).status, 200);
    assert_eq!(thief.log_in(ANN, NEW).header("location"), Some("/login/code"));
    assert_eq!(thief.get("/profile").status, 401);
    assert_eq!(thief.post("/login/code", &[("code", &device.code(1))]).status, 303);
}

#[test]
fn whoever_confirms_the_address_where_they_signed_up_keeps_everything() {
    let server = Server::start();
    sign_up(&server, ANN);
    let ann = Browser::logged_in(&server, ANN);
    assert!(ann.get("/profile").body.contains("action=\"/verify/send\""));
    let first = server.link(ANN, "/verify");
    assert_eq!(ann.post("/verify/send", &[]).status, 303);
    let newer = || server.link(ANN, "/verify");
    server.until("there is another", || newer() != first);
    let link = newer();
    assert_eq!(ann.get(parts(&server, &first).0).status, 410, "the newest counts");

    let (path, token) = parts(&server, &link);
    assert!(ann.get(path).body.contains("Yes, this address is mine"));
    let verified = ann.post("/verify", &[("token", token)]);
    assert_eq!((verified.status, verified.header("location")), (303, Some("/profile")));
    let profile = ann.get("/profile").body;
    assert!(profile.contains("Your address is confirmed.") && !profile.contains("/verify/send"), "{profile}");
    assert_eq!(ann.post("/verify", &[("token", token)]).status, 410);
    Browser::logged_in(&server, ANN);

    // Somebody signs up with it once more, and its owner is told.
    assert_eq!(sign_up(&server, ANN).status, 200);
    let told = || std::fs::read_to_string(server.path("quickstart.mail")).unwrap();
    server.until("its owner is told", || told().contains("You already have an account"));
}

/// Whoever signs up with somebody else's address and waits.
#[test]
fn whoever_only_reads_the_mail_ends_what_somebody_else_made() {
    let server = Server::start();
    sign_up(&server, ANN);
    let stranger = Browser::logged_in(&server, ANN);
    let old = server.link(ANN, "/verify");
    Device::enrol(&stranger);
    assert_eq!(
        stranger.get(parts(&server, &old).0).status,
        200,
        "who waits there ends no link of the mailbox"
    );
    assert_eq!(stranger.post("/verify/send", &[]).status, 303);
    server.until("there is another", || server.link(ANN, "/verify") != old);
    let link = server.link(ANN, "/verify");
    let (path, token) = parts(&server, &link);
    let owner = Browser::new(&server);
    let page = owner.get(path).body;
    assert!(page.contains(&format!("href=\"/login?next=/verify%3Ftoken%3D{token}\"")), "{page}");
    assert_eq!(stranger.get("/profile").status, 200);

    let verified = owner.post("/verify", &[("token", token)]);
    assert!(verified.status == 200 && verified.body.contains("href=\"/forgot\""), "{}", verified.body);
    assert_eq!(stranger.get("/profile").status, 401);
    assert_eq!(log_in(&server, ANN, PASSWORD).status, 401);
    server.post("/forgot", &[], format!("email={ANN}"));
    let reset = server.link(ANN, "/reset");
    owner.post("/reset", &[("token", parts(&server, &reset).1), ("new", NEW)]);
    assert_eq!(owner.log_in(ANN, NEW).header("location"), Some("/profile"), "the device is gone, too");
}

/// Whoever is first to sign up with an administrator's address gets no role by it.
#[test]
fn a_role_is_for_whoever_reads_the_mail_of_the_address() {
    let server = Server::start();
    sign_up(&server, ANN);
    let stranger = Browser::logged_in(&server, ANN);
    let grant = || server.try_cli(&["grant", ANN, "admin"]);
    let (given, said) = grant();
    assert!(!given && said.contains("nobody has opened the link") && said.contains("--unverified"), "{said}");
    assert_eq!(stranger.get("/profile").status, 200, "nothing has happened");

    let link = server.link(ANN, "/verify");
    let owner = Browser::new(&server);
    assert_eq!(owner.post("/verify", &[("token", parts(&server, &link).1)]).status, 200);
    server.post("/forgot", &[], format!("email={ANN}"));
    let reset = server.link(ANN, "/reset");
    owner.post("/reset", &[("token", parts(&server, &reset).1), ("new", NEW)]);
    let (given, said) = grant();
    assert!(given, "{said}");
    assert_eq!(owner.log_in(ANN, NEW).status, 303);
    server.until("the role counts", || owner.get("/admin").status == 200);
    assert_eq!(stranger.get("/admin").status, 401);
    // What is held already is not given, whatever has become of the address.
    assert!(grant().0);
}

#[test]
fn asking_for_links_is_throttled_and_other_sites_do_not_ask() {
    let server = Server::start();
    let ask = |headers: &[(&str, &str)]| server.post("/forgot", headers, format!("email={ANN}")).status;
    assert_eq!(ask(&[("origin", "https://evil.example")]), 403);
    assert_eq!([(); 3].map(|()| ask(&[])), [200; 3]);
    assert_eq!(ask(&[("x-forwarded-for", "198.51.100.7")]), 429);
}

/// The account is there, whatever else its source has asked for: to answer that it is not would have people try again
/// with another password.
#[test]
fn whoever_asked_for_many_links_still_signs_up() {
    let server = Server::start();
    let ask = |n: u32| server.post("/forgot", &[], format!("email=user{n}@example.com")).status;
    server
        .until("the source has asked for as many as it may", || (0..20).map(ask).any(|status| status == 429));
    let signed_up = sign_up(&server, ANN);
    assert_eq!((signed_up.status, log_in(&server, ANN, PASSWORD).status), (200, 303), "{}", signed_up.body);
    let bob = server.post_json("/api/signup", &[], json("bob@example.com", PASSWORD));
    assert_eq!((bob.status, log_in(&server, "bob@example.com", PASSWORD).status), (201, 303), "{}", bob.body);
    let again = Browser::logged_in(&server, ANN).post("/verify/send", &[]);
    assert_eq!(again.status, 429, "asked for as such, it is said");
}

#[test]
fn mail_is_printed_where_that_is_wanted_and_never_into_another_file() {
    let folder = tempfile::TempDir::new().unwrap();
    let server =
        Server::start_in(folder, |server| server.args(["--listen", "127.0.0.1:0", "--mail-file", "-"]));
    sign_up(&server, ANN);
    server.until("it is printed", || server.told().contains(&format!("{}/verify?token=", server.url)));
    assert!(!server.path("quickstart.mail").exists());
    for arguments in [
        &["--mail-file", "quickstart.db"][..],
        &["--mail-file", "./quickstart.key"],
        &["--database", "app.mail"],
    ] {
        let folder = tempfile::TempDir::new().unwrap();
        let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
        let (ok, said) = Server::try_start_in(&folder, &arguments);
        assert!(!ok && said.contains("cannot be both") && said.contains("mail file"), "{said}");
    }
}
