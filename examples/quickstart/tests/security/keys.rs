//! Keys of programs.

use auth_core::SecretHash;

use crate::{
    people::{Browser, Device, PASSWORD, secret, sign_up},
    server::{Response, Server},
};

const ANN: &str = "ann@example.com";

/// Makes a key that may read accounts; answers the `Authorization` header and the key's id.
fn key(browser: &Browser<'_>, more: &[(&str, &str)]) -> (String, String) {
    let fields = [&[("name", "backup"), ("days", "30"), ("permission", "users.read")], more].concat();
    let page = browser.post("/api-keys", &fields);
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")), "{}", page.body);
    let key = secret(&page.body);
    let id = &key["quickstart_".len()..][..16];
    (format!("Bearer {key}"), id.to_owned())
}

fn profile(server: &Server, key: &str) -> Response {
    server.get("/api/profile", &[("authorization", key)])
}

#[test]
fn a_key_is_shown_once_acts_within_its_permissions_and_is_dead_when_it_is_revoked() {
    let server = Server::start();
    sign_up(&server, ANN);
    let ann = Browser::logged_in(&server, ANN);
    let (key, id) = key(&ann, &[]);
    let listed = ann.get("/api-keys").body;
    assert!(
        listed.contains("<strong>backup</strong>") && listed.contains(&id) && listed.contains("users.read")
    );
    assert!(
        !listed.contains(key.trim_start_matches("Bearer ")) && listed.contains("ends in 30 days"),
        "{listed}"
    );

    let body: serde_json::Value = serde_json::from_str(&profile(&server, &key).body).unwrap();
    assert_eq!(body["email"], ANN);
    let path = format!("/api/users/{}", body["id"].as_str().unwrap());
    let headers: &[(&str, &str)] = &[("authorization", &key)];
    assert_eq!(server.get(&path, headers).status, 403, "its owner may not");
    server.cli(&["grant", "--unverified", ANN, "admin"]);
    // One of before gets no more rights. It is over with the sessions.
    assert_eq!(profile(&server, &key).status, 401);
    let ann = Browser::logged_in(&server, ANN);
    let (key, id) = self::key(&ann, &[]);
    let headers: &[(&str, &str)] = &[("authorization", &key)];
    server.until("the role counts", || server.get(&path, headers).status == 200);
    // Its owner may delete and see the page; the key is not for that.
    for refused in [server.delete(&path, headers), server.get("/admin", headers)] {
        assert_eq!(refused.status, 403);
        let challenge = refused.header("www-authenticate").unwrap();
        assert!(challenge.contains("insufficient_scope"), "{challenge}");
    }

    let revoked = ann.post(&format!("/api-keys/{id}/revoke"), &[]);
    assert_eq!((revoked.status, revoked.header("location")), (303, Some("/api-keys")));
    let refused = profile(&server, &key);
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (401, Some("Bearer error=\"invalid_token\""))
    );
    let listed = ann.get("/api-keys").body;
    assert!(listed.contains("The key no longer works.") && !listed.contains(&id));
    // A key that was copied wrong is told the same.
    assert_eq!(profile(&server, &key[..key.len() - 1]).status, 401);
    assert_eq!(profile(&server, "Bearer quickstart_x").status, 401);
}

/// Permissions are for what asks for one. Whom a key acts for it can always find out, and its page says so.
#[test]
fn a_key_without_permissions_reads_its_owners_profile_as_the_page_says() {
    let server = Server::start();
    sign_up(&server, ANN);
    let ann = Browser::logged_in(&server, ANN);
    assert!(ann.get("/api-keys").body.contains("Every key reads your profile"));
    let made = ann.post("/api-keys", &[("name", "backup"), ("days", "30")]);
    let key = format!("Bearer {}", secret(&made.body));
    let read = profile(&server, &key);
    assert_eq!(read.status, 200);
    let body: serde_json::Value = serde_json::from_str(&read.body).unwrap();
    let path = format!("/api/users/{}", body["id"].as_str().unwrap());
    assert_eq!(server.get(&path, &[("authorization", &key)]).status, 403);
}

/// Which address a client claims to have decides nothing: only the connection's does.
#[test]
fn a_key_is_good_in_its_networks_alone() {
    let server = Server::start();
    sign_up(&server, ANN);
    let ann = Browser::logged_in(&server, ANN);
    let (here, _) = key(&ann, &[("networks", "127.0.0.0/8 2001:db8::/32")]);
    let (elsewhere, id) = key(&ann, &[("networks", "10.0.0.0/8")]);
    assert!(ann.get("/api-keys").body.contains("users.read, from 127.0.0.0/8, 2001:db8::/32"));
    assert_eq!(profile(&server, &here).status, 200);
    for claimed in ["10.1.2.3", "10.1.2.3, 127.0.0.1"] {
        let headers =
            [("authorization", &*elsewhere), ("x-forwarded-for", claimed), ("forwarded", "for=10.1.2.3")];
        assert_eq!(server.get("/api/profile", &headers).status, 401);
    }
    server.until("it is written down", || server.logged("credential.refused").len() == 2);
    for line in server.logged("credential.refused") {
        assert!(line.contains("127.0.0.1") && line.contains("api-key") && !line.contains(&id), "{line}");
    }
}

#[test]
fn a_key_changes_nothing_of_how_its_owner_logs_in() {
    let server = Server::start();
    sign_up(&server, ANN);
    let ann = Browser::logged_in(&server, ANN);
    let (key, id) = key(&ann, &[("permission", "users.delete"), ("permission", "admin.read")]);
    let headers: &[(&str, &str)] = &[("authorization", &key), ("cookie", &ann.cookie())];
    let revoke = format!("/api-keys/{id}/revoke");
    for path in [
        "/api-keys",
        &revoke,
        "/security/codes",
        "/security/remove",
        "/password",
        "/devices/end-others",
        "/logout",
        "/verify/send",
    ] {
        let fields = format!("name=x&days=30&code=1&current={PASSWORD}&new={PASSWORD}x").replace(' ', "+");
        let answer = server.post(path, headers, fields);
        assert_eq!(answer.status, 401, "{path} {}", answer.body);
    }
    assert_eq!(profile(&server, &key).status, 200);
    assert_eq!(ann.get("/api-keys").body.matches("<strong>backup</strong>").count(), 1);
}

#[test]
fn keys_die_with_the_sessions_and_are_nobody_elses() {
    let server = Server::start();
    sign_up(&server, ANN);
    sign_up(&server, "bob@example.com");
    let (ann, bob) = (Browser::logged_in(&server, ANN), Browser::logged_in(&server, "bob@example.com"));
    let (key, id) = key(&ann, &[]);
    for unknown in [&*id, "x", "0123456789abcdef"] {
        bob.post(&format!("/api-keys/{unknown}/revoke"), &[]);
        assert!(bob.get("/api-keys").body.contains("There is no such key."), "{unknown}");
    }
    assert_eq!(profile(&server, &key).status, 200);
    let change = [("current", PASSWORD), ("new", "quite another long sentence")];
    assert_eq!(ann.post("/password", &change).status, 303);
    assert_eq!(profile(&server, &key).status, 401);
}

#[test]
fn what_no_key_can_be_is_said_beside_the_form() {
    let server = Server::start();
    sign_up(&server, ANN);
    let ann = Browser::logged_in(&server, ANN);
    let long = "x".repeat(65);
    for (wrong, said) in [
        (("name", ""), "its name: "),
        (("name", &*long), "its name: "),
        (("days", "31"), "it has no end"),
        (("permission", "users.burn"), "there is no permission users.burn"),
        (("networks", "10.0.0.1/8"), "networks are written like"),
        (("networks", "everywhere"), "networks are written like"),
    ] {
        let mut fields =
            vec![("name", "backup"), ("days", "30"), ("permission", "users.read"), ("networks", "")];
        fields.retain(|(name, _)| *name != wrong.0);
        fields.push(wrong);
        let again = ann.post("/api-keys", &fields);
        assert_eq!(again.status, 422, "{wrong:?}");
        assert!(again.body.contains(said) && !again.body.contains("class=\"secret\""), "{}", again.body);
    }
    assert!(!ann.get("/api-keys").body.contains("backup</strong>"));
    let cookie = ann.cookie();
    for site in [&[][..], &[("origin", "https://evil.example")]] {
        let headers = [&[("cookie", cookie.as_str())], site].concat();
        assert_eq!(server.post("/api-keys", &headers, "name=x&days=30".to_owned()).status, 403);
    }
}

/// A copy of the database, and of the log, is worth nothing. What is looked for is what was
/// really enrolled and sent, as people see it and as a program would keep it.
#[test]
fn no_secret_is_in_the_database_or_in_the_log() {
    let server = Server::start();
    sign_up(&server, ANN);
    let ann = Browser::logged_in(&server, ANN);
    let (key, id) = key(&ann, &[]);
    let key = key.strip_prefix("Bearer ").unwrap();
    let (device, codes) = Device::enrol(&ann);
    let link = {
        server.post("/forgot", &[], format!("email={ANN}"));
        server.link(ANN, "/reset")
    };
    let token = link.split_once("?token=").unwrap().1;

    let mut kept = server.said().into_bytes();
    for file in ["quickstart.db", "quickstart.db-wal"] {
        kept.extend(std::fs::read(server.path(file)).unwrap());
    }
    let holds = |needle: &[u8]| kept.windows(needle.len()).any(|window| window == needle);
    // What is there: the account, the key's id, and hashes of the key and of the token.
    assert!(holds(ANN.as_bytes()) && holds(id.as_bytes()));
    for text in [key.as_bytes(), &bits(token, BASE64URL)] {
        assert!(holds(SecretHash::of(text).as_bytes()));
    }
    // The secret of a key stands between its id and its checksum.
    let between = &key["quickstart_".len() + id.len()..key.len() - 6];
    let mut needles = vec![PASSWORD.as_bytes().to_vec(), between.as_bytes().to_vec()];
    needles.extend(forms(token, BASE64URL));
    needles.extend(forms(&device.secret(), BASE32));
    for code in &codes {
        needles.extend(forms(&code.replace('-', "").to_uppercase(), BASE32));
        needles.push(code.clone().into_bytes());
    }
    assert_eq!((needles.len(), bits(token, BASE64URL).len(), codes.len()), (2 + 4 + 4 + 50, 32, 10));
    for needle in needles {
        assert!(needle.len() >= 10 && !holds(&needle), "{}", String::from_utf8_lossy(&needle));
    }
    #[cfg(unix)]
    {
        let mail = std::fs::metadata(server.path("quickstart.mail")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&mail) & 0o777, 0o600);
    }
}

const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A secret as it is written, in lower case, as bytes and in hexadecimal digits.
fn forms(text: &str, alphabet: &str) -> [Vec<u8>; 4] {
    let bytes = bits(text, alphabet);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [text.as_bytes().to_vec(), text.to_lowercase().into_bytes(), bytes, hex.into_bytes()]
}

/// The whole bytes of what is written in this alphabet (RFC 4648).
fn bits(text: &str, alphabet: &str) -> Vec<u8> {
    let (mut bytes, mut waiting, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.chars() {
        let value = alphabet.find(letter).expect("a letter of the alphabet");
        waiting = waiting << alphabet.len().ilog2() | u32::try_from(value).unwrap();
        count += alphabet.len().ilog2();
        while count >= 8 {
            count -= 8;
            bytes.push((waiting >> count) as u8);
            waiting &= (1 << count) - 1;
        }
    }
    bytes
}
