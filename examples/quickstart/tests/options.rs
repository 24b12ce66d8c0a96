//! What the command line says, and what is refused before anything is served.

#[path = "story/server.rs"]
#[allow(dead_code, reason = "the story uses the rest")]
mod server;

#[path = "story/people.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod people;

use people::Browser;
use server::Server;
use tempfile::TempDir;

fn sign_up(server: &Server, email: &str) {
    let body = serde_json::json!({ "email": email, "password": "a long sentence of mine" }).to_string();
    assert_eq!(server.post_json("/api/signup", &[], body).status, 201);
}

/// Makes somebody admin as the server says it is done.
fn follow_the_hint(server: &Server, email: &str) -> String {
    server.until("the hint is there", || server.told().contains("become admin: "));
    let told = server.told();
    let line = told.lines().find_map(|line| line.split_once("become admin: ")).unwrap().1;
    server.paste(&line.replace("<email>", email));
    line.to_owned()
}

#[test]
fn without_options_the_files_are_in_the_working_directory_and_the_hint_works() {
    let server = Server::start();
    assert!(server.path("quickstart.db").exists() && server.path("quickstart.key").exists());
    sign_up(&server, "ann@example.com");
    let ann = Browser::logged_in(&server, "ann@example.com");
    let link = server.link("ann@example.com", "/verify");
    let (_, token) = link.split_once("?token=").unwrap();
    assert_eq!(ann.post("/verify", &[("token", token)]).status, 303);
    let hint = follow_the_hint(&server, "ann@example.com");
    assert_eq!(hint, "cargo run -p quickstart -- grant <email> admin");
}

#[test]
fn options_name_the_files_and_the_hint_names_them_too() {
    let folder = TempDir::new().unwrap();
    let database = "it's ann's.db";
    let server = Server::start_in(folder, |server| {
        server.args(["--listen", "127.0.0.1:0", "--database", database, "--key-file", "secret"])
    });
    assert!(server.path(database).exists() && server.path("secret").exists());
    assert!(!server.path("quickstart.db").exists() && !server.path("it's ann's.key").exists());
    sign_up(&server, "ann@example.com");
    follow_the_hint(&server, "ann@example.com --unverified");
}

#[test]
fn every_option_is_an_environment_variable_too() {
    let server = Server::start_in(TempDir::new().unwrap(), |server| {
        server
            .env("QUICKSTART_LISTEN", "127.0.0.1:0")
            .env("QUICKSTART_DATABASE", "other.db")
            .env("QUICKSTART_KEY_FILE", "other.secret")
    });
    assert_ne!(server.port(), "3000");
    assert!(server.path("other.db").exists() && server.path("other.secret").exists());
    sign_up(&server, "ann@example.com");
    follow_the_hint(&server, "ann@example.com --unverified");
}

#[test]
fn plain_http_is_for_this_machine_alone() {
    let (ok, said) = Server::try_start(&["--listen", "0.0.0.0:0"]);
    assert!(!ok && said.contains("loopback"), "{said}");
}

/// A key that others can read is no secret: it is said, and not repaired in silence.
#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    let arguments = ["--listen", "127.0.0.1:0"];
    let key = folder.path().join("quickstart.key");
    let server = Server::start();
    std::fs::copy(server.path("quickstart.key"), &key).unwrap();
    for mode in [0o644, 0o640, 0o604] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let (ok, said) = Server::try_start_in(&folder, &arguments);
        assert!(!ok && said.contains("others may read this secret; run chmod 600"), "{mode:o}: {said}");
        assert!(!folder.path().join("quickstart.db").exists());
    }
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let server = Server::start_in(folder, |server| server.args(arguments));
    assert_eq!(server.get("/", &[]).status, 200);
}

/// The sessions of a small tool: nothing of them is on the disk, and the accounts are.
#[test]
fn sessions_in_memory_end_with_the_server_and_accounts_do_not() {
    let mut server = Server::start_on(vec![("QUICKSTART_SESSIONS", "memory".to_owned())]);
    sign_up(&server, "ann@example.com");
    let log_in = |server: &Server, password: &str| {
        let body = format!("email=ann@example.com&password={password}").replace(' ', "+");
        server.post("/login", &[("origin", &server.url)], body)
    };
    let login = log_in(&server, "a long sentence of mine");
    let cookie = login.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(server.get("/profile", &[("cookie", &cookie)]).status, 200);
    // The command cannot reach them and does not say that it did.
    let said = server.cli_with(&["set-password", "ann@example.com"], "a sentence that was reset\n");
    assert!(said.contains("its sessions end within a minute"), "{said}");
    assert_eq!(log_in(&server, "a long sentence of mine").status, 401);
    server.kill_and_restart();
    assert_eq!(server.get("/profile", &[("cookie", &cookie)]).status, 401);
    assert_eq!(log_in(&server, "a sentence that was reset").status, 303);
}

#[test]
fn where_sessions_are_is_one_of_a_few_words() {
    for unknown in ["disk", "memory:", "http://example.com", "Memory"] {
        let (ok, said) = Server::try_start(&["--listen", "127.0.0.1:0", "--sessions", unknown]);
        assert!(!ok && said.contains("sessions are in `memory` or at `redis://..`"), "{said}");
    }
    let (ok, said) =
        Server::try_start(&["--listen", "127.0.0.1:0", "--database", "oracle://ann:secret@db/app"]);
    assert!(!ok && said.contains("a database is a file, `postgres://..` or `mysql://..`"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

/// A help text that shows what variables say shows their passwords.
#[test]
fn the_help_shows_no_url() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .arg("--help")
        .env("QUICKSTART_DATABASE", "postgres://ann:secret@db/app")
        .env("QUICKSTART_SESSIONS", "redis://:secret@db")
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("QUICKSTART_DATABASE") && said.contains("--sessions"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

/// The default build is short. What it leaves out is named with what brings it.
#[cfg(not(any(feature = "postgres", feature = "mysql", feature = "redis", feature = "smtp")))]
#[test]
fn a_build_without_a_server_says_which_feature_has_it() {
    for (option, url, feature) in [
        ("--database", "postgres://ann:secret@db/app", "postgres"),
        ("--database", "mysql://ann:secret@db/app", "mysql"),
        ("--sessions", "redis://:secret@db", "redis"),
    ] {
        let (ok, said) = Server::try_start(&["--listen", "127.0.0.1:0", option, url]);
        assert!(!ok && said.contains(&format!("--features {feature}")), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    let mail = ["--smtp", "smtps://app@mail", "--mail-from", "no-reply@app.example"];
    let (ok, said) = Server::try_start(&[&["--listen", "127.0.0.1:0"][..], &mail].concat());
    assert!(!ok && said.contains("--features smtp"), "{said}");
}

/// Whoever forgot the server would find that mail went to a file.
#[test]
fn options_of_mail_without_a_mail_server_are_refused() {
    for option in [["--mail-from", "no-reply@app.example"], ["--smtp-password-file", "secret"]] {
        let (ok, said) = Server::try_start(&[&["--listen", "127.0.0.1:0"][..], &option].concat());
        assert!(!ok && said.contains("--smtp <"), "{said}");
    }
}

/// Whoever copies the database must not have the key with it.
#[test]
fn database_and_key_are_two_files() {
    for arguments in [
        &["--database", "both.key"][..],
        &["--database", "both.db", "--key-file", "both.db"],
        &["--database", "both.db", "--key-file", "./both.db"],
    ] {
        let folder = TempDir::new().unwrap();
        let (ok, said) = Server::try_start_in(&folder, &[&["--listen", "127.0.0.1:0"], arguments].concat());
        assert!(!ok && said.contains("cannot be both database and key file"), "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
    }
}

/// Members may read the page of administrators where the file says so, as soon as it does.
#[test]
fn a_policy_file_decides_and_its_changes_count_while_the_server_runs() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("policy.toml");
    let built_in = include_str!("../policy.toml");
    std::fs::write(&path, built_in).unwrap();
    let server = Server::start_in(folder, |server| {
        server.args(["--listen", "127.0.0.1:0", "--policy", "policy.toml"]).env("RUST_LOG", "warn")
    });
    sign_up(&server, "ann@example.com");
    server.cli(&["grant", "--unverified", "ann@example.com", "member"]);
    let body =
        serde_json::json!({ "email": "ann@example.com", "password": "a long sentence of mine" }).to_string();
    let answer: serde_json::Value =
        serde_json::from_str(&server.post_json("/api/login", &[], body).body).unwrap();
    let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    let admin = || server.get("/admin", &[("authorization", &bearer)]).status;
    assert_eq!(admin(), 403);
    let changed = built_in
        .replace("version = 1\n", "version = 2\n")
        .replace("name = \"member\"\n", "name = \"member\"\nallow = [\"admin.read\"]\n");
    std::fs::write(&path, &changed).unwrap();
    server.until("members read it", || admin() == 200);
    // What is no policy changes nothing, and is told.
    std::fs::write(&path, "version = 3").unwrap();
    server.until("it is told", || server.said().contains("what it said before stays"));
    assert_eq!(admin(), 200);
    std::fs::write(&path, built_in.replace("version = 1\n", "version = 4\n")).unwrap();
    server.until("members no longer read it", || admin() == 403);
}
