//! One-time codes and recovery codes.

use crate::{
    people::{Browser, Device, PASSWORD, Tokens, form, json, recovery_codes, sign_up},
    server::Server,
};

const ANN: &str = "ann@example.com";

#[test]
fn a_device_is_enrolled_and_from_then_on_a_login_takes_its_code() {
    let mut server = Server::start();
    sign_up(&server, ANN);
    {
        let (there, here) = (Browser::logged_in(&server, ANN), Browser::logged_in(&server, ANN));
        let page = here.post("/security/codes", &[]);
        assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
        assert!(page.body.contains("<svg") && !page.body.contains("<script"));
        let device = Device::of(&page.body);
        // Nothing is enrolled by looking at the secret, nor by a wrong code.
        let wrong = here.post("/security/codes/confirm", &[("code", "00000x")]);
        assert_eq!(wrong.status, 401);
        assert!(wrong.body.contains("This is not the code.") && !wrong.body.contains("<svg"));
        assert_eq!(Browser::new(&server).log_in(ANN, PASSWORD).header("location"), Some("/profile"));

        let confirmed = here.post("/security/codes/confirm", &[("code", &device.code(0))]);
        assert_eq!((confirmed.status, confirmed.header("cache-control")), (200, Some("no-store")));
        assert_eq!(recovery_codes(&confirmed.body).len(), 10);
        assert_eq!(there.get("/profile").status, 401, "it was begun without the device");
        let page = here.get("/security");
        assert!(page.body.contains("You have <strong>10</strong> recovery codes left."), "{}", page.body);
        assert!(!page.body.contains("class=\"secret\"") && !page.body.contains("class=\"codes\""));
        here.post("/logout", &[]);

        let fields = [("email", ANN), ("password", PASSWORD), ("remember", "yes"), ("next", "/devices?a=b")];
        let half = here.post("/login", &fields);
        let to = half.header("location").unwrap().to_owned();
        assert_eq!((half.status, to.as_str()), (303, "/login/code?next=/devices%3Fa%3Db&remember=yes"));
        let line = half.cookies().next().unwrap();
        assert!(
            line.starts_with("login-") && line.ends_with("; HttpOnly; SameSite=Strict; Max-Age=600"),
            "{line}"
        );
        assert!(here.holds("login") && !here.holds("sid"));
        assert_eq!(here.get("/profile").status, 401, "half a login opens nothing");
        let page = here.get(&to).body;
        assert!(
            page.contains("name=\"next\" value=\"/devices?a=b\"") && page.contains("name=\"remember\""),
            "{page}"
        );

        // The code that enrolled it was used.
        for wrong in ["00000x", &device.code(0)] {
            let refused = here.post("/login/code", &[("code", wrong), ("next", "/devices?a=b")]);
            assert_eq!(refused.status, 401);
            assert!(
                refused.body.contains("This code does not work.") && refused.body.contains("/devices?a=b")
            );
        }
        let fields = [("code", &*device.code(1)), ("next", "/devices?a=b"), ("remember", "yes")];
        let login = here.post("/login/code", &fields);
        assert_eq!((login.status, login.header("location")), (303, Some("/devices?a=b")), "{}", login.body);
        assert!(login.cookies().any(|line| line.starts_with("sid-") && line.contains("; Max-Age=2592000")));
        assert!(here.holds("sid") && !here.holds("login"));
        assert!(here.get("/devices").body.contains("by password and one-time code, AAL2"));

        let again = Browser::new(&server);
        again.log_in(ANN, PASSWORD);
        assert_eq!(again.post("/login/code", &[("code", &device.code(1))]).status, 401, "a code works once");
    }
    server.kill_and_restart();
    let later = Browser::new(&server).log_in(ANN, PASSWORD);
    assert_eq!(later.header("location"), Some("/login/code"), "it is still enrolled");
}

#[test]
fn a_recovery_code_works_once_and_a_new_list_ends_the_old_one() {
    let server = Server::start();
    sign_up(&server, ANN);
    let first = Browser::logged_in(&server, ANN);
    let (_, codes) = Device::enrol(&first);
    let log_in = |code: &str| {
        let browser = Browser::new(&server);
        assert_eq!(browser.log_in(ANN, PASSWORD).header("location"), Some("/login/code"));
        let status = browser.post("/login/code", &[("recovery_code", code)]).status;
        (browser, status)
    };
    let (browser, status) = log_in(&codes[0].to_uppercase());
    assert_eq!(status, 303);
    assert!(browser.get("/profile").body.contains("You have 9 recovery codes left."));
    assert!(browser.get("/devices").body.contains("by password and recovery code, AAL2"));
    assert_eq!(log_in(&codes[0]).1, 401);

    let renewed = browser.post("/security/recovery-codes", &[]);
    assert_eq!((renewed.status, renewed.header("cache-control")), (200, Some("no-store")));
    let new = recovery_codes(&renewed.body);
    assert!(new.len() == 10 && new.iter().all(|code| !codes.contains(code)));
    assert_eq!(log_in(&codes[1]).1, 401);
    assert_eq!(log_in(&new[1]).1, 303);
}

#[test]
fn doing_without_a_device_takes_the_password_and_ends_other_sessions() {
    let server = Server::start();
    sign_up(&server, ANN);
    let here = Browser::logged_in(&server, ANN);
    let (device, codes) = Device::enrol(&here);
    let there = Browser::new(&server);
    there.log_in(ANN, PASSWORD);
    there.post("/login/code", &[("code", &device.code(1))]);
    assert_eq!(there.get("/security").status, 200);

    let wrong = here.post("/security/remove", &[("current", "a wrong sentence of mine")]);
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("Your password is another one."));
    let removed = here.post("/security/remove", &[("current", PASSWORD)]);
    assert_eq!((removed.status, removed.header("location")), (303, Some("/security")));
    assert!(here.get("/security").body.contains("Your password is enough again"));
    assert_eq!(there.get("/security").status, 401);
    Browser::logged_in(&server, ANN);

    // Whoever lost device and list is helped from the command line.
    let (_, newer) = Device::enrol(&here);
    assert!(newer.iter().all(|code| !codes.contains(code)));
    let said = server.cli_with(&["remove-device", ANN], "");
    assert!(said.contains("has no device and no recovery codes; "), "{said}");
    assert_eq!(here.get("/security").status, 401);
    Browser::logged_in(&server, ANN);
}

/// Counted by where it comes from, as the connection says, and apart from the password.
#[test]
fn guessing_codes_is_throttled_whatever_address_is_claimed() {
    let server = Server::start();
    sign_up(&server, ANN);
    let (device, _) = Device::enrol(&Browser::logged_in(&server, ANN));
    let guesser = Browser::new(&server);
    guesser.log_in(ANN, PASSWORD);
    let cookie = guesser.cookie();
    let guess = |number: u8, code: &str| {
        let claimed = format!("198.51.100.{number}");
        let headers = [("cookie", &*cookie), ("origin", &*server.url), ("x-forwarded-for", &claimed)];
        server.post("/login/code", &headers, form(&[("code", code)]))
    };
    for number in 0..5 {
        assert_eq!(guess(number, "00000x").status, 401);
    }
    let throttled = guess(5, &device.code(1));
    assert_eq!(throttled.status, 429, "the right one is not looked at either");
    assert!(throttled.header("retry-after").is_some());
    assert_eq!(guesser.log_in(ANN, PASSWORD).header("location"), Some("/login/code"));
    server.until("it is written down", || server.logged("throttled").len() == 1);
    let refused = server.logged("credential.refused");
    for line in refused.iter().chain(&server.logged("throttled")) {
        assert!(line.contains("127.0.0.1") && !line.contains("198.51.100."), "{line}");
    }
    assert_eq!(refused.len(), 5);
}

#[test]
fn half_a_login_is_worth_nothing_elsewhere_or_later() {
    let server = Server::start();
    sign_up(&server, ANN);
    let (device, codes) = Device::enrol(&Browser::logged_in(&server, ANN));
    let half = Browser::new(&server);
    half.log_in(ANN, PASSWORD);
    let cookie = half.cookie();
    let code = form(&[("recovery_code", &codes[0])]);

    // Another site, or a browser that says nothing of where the form is from.
    for site in [&[][..], &[("origin", "https://evil.example")]] {
        let headers = [&[("cookie", cookie.as_str())], site].concat();
        assert_eq!(server.post("/login/code", &headers, code.clone()).status, 403);
    }
    // Without the cookie, or with one that was not sealed here, it begins at the beginning.
    let own = ("origin", &*server.url);
    for other in ["", "login=x", &cookie[..cookie.len() - 1], &cookie.replace("login-", "sid-")] {
        let answer = server.post("/login/code", &[("cookie", other), own], code.clone());
        assert_eq!((answer.status, answer.header("location")), (303, Some("/login")), "{other}");
    }
    assert_eq!(server.get("/login/code", &[]).header("location"), Some("/login"));
    let twice = format!("{cookie}; {cookie}");
    assert_eq!(server.post("/login/code", &[("cookie", &twice), own], code.clone()).status, 400);
    // Both codes, or none, is no code.
    for fields in [&[][..], &[("code", "1"), ("recovery_code", "2")]] {
        assert_eq!(half.post("/login/code", fields).status, 422);
    }

    // What ends all sessions ends it, too.
    server.cli_with(&["set-password", ANN], "a sentence that was reset\n");
    for typed in [("code", &device.code(1)), ("recovery_code", &codes[0])] {
        assert_eq!(half.post("/login/code", &[(typed.0, typed.1)]).status, 401);
    }
}

#[test]
fn a_program_logs_in_in_two_steps() {
    let server = Server::start();
    sign_up(&server, ANN);
    let (device, codes) = Device::enrol(&Browser::logged_in(&server, ANN));
    let half = server.post_json("/api/login", &[], json(ANN, PASSWORD));
    assert_eq!((half.status, half.header("cache-control")), (202, Some("no-store")));
    let body: serde_json::Value = serde_json::from_str(&half.body).unwrap();
    assert_eq!(body["missing"], serde_json::json!(["otp", "recovery"]));
    assert!(
        (590..=600).contains(&body["expires_in"].as_u64().unwrap()) && body.get("access_token").is_none()
    );
    let pending = body["pending"].as_str().unwrap();
    let bearer = format!("Bearer {pending}");
    assert_eq!(server.get("/api/profile", &[("authorization", &bearer)]).status, 401, "it is no token");

    let step = |body: serde_json::Value| server.post_json("/api/login/code", &[], body.to_string());
    for refused in [
        serde_json::json!({ "pending": pending, "code": device.code(0) }),
        serde_json::json!({ "pending": pending, "recovery_code": device.code(1) }),
        serde_json::json!({ "pending": &pending[1..], "code": device.code(1) }),
    ] {
        let answer = step(refused);
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains("\"code\":\"credential-refused\""), "{}", answer.body);
    }
    assert_eq!(step(serde_json::json!({ "pending": pending })).status, 422);
    let tokens = Tokens::read(&step(serde_json::json!({ "pending": pending, "code": device.code(1) })));
    assert_eq!(server.get("/api/profile", &[("authorization", &tokens.bearer)]).status, 200);
    Tokens::read(&step(serde_json::json!({ "pending": pending, "recovery_code": codes[0] })));
    // A token that was lent to a program does not change how its owner logs in.
    for path in ["/security/codes", "/security/recovery-codes", "/api-keys"] {
        let headers = [("authorization", &*tokens.bearer)];
        assert_eq!(server.post(path, &headers, String::new()).status, 401, "{path}");
    }
}
