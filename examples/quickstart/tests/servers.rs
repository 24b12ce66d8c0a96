//! The story on databases that are servers, and with the sessions in Redis. Each server is a real one of its test.

#[path = "story/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;

#[path = "story/people.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod people;

use std::time::{Duration, Instant};

use people::{
    Browser, Device, PASSWORD, Tokens, cookie, form, json, log_in, presented, refresh, secret, sign_up,
};
use server::{Response, Server};
use servers::{MariaDb, Postgres, RedisServer};

/// Must be nowhere in what is printed and logged.
const SECRET: &str = "only-the-server-knows";

trait Backend {
    fn kill(&mut self);
    fn restart(&mut self);
    fn freeze(&self);
    fn thaw(&self);
}

macro_rules! backend {
    ($($server:ty, $process:ident);* $(;)?) => {
        $(
            impl Backend for $server {
                fn kill(&mut self) {
                    self.kill();
                }

                fn restart(&mut self) {
                    self.restart();
                }

                fn freeze(&self) {
                    backend!(@ $process, self).freeze();
                }

                fn thaw(&self) {
                    backend!(@ $process, self).thaw();
                }
            }
        )*
    };
    (@ whole, $server:expr) => { $server };
    (@ process, $server:expr) => { $server.process() };
}

backend! {
    Postgres, whole;
    MariaDb, whole;
    RedisServer, process;
}

#[test]
fn the_story_on_postgres() {
    let postgres = Postgres::start(&[]);
    // It lets everybody in; that there is a password in the URL is for the log.
    let url = postgres.url("postgres").replace("test@", &format!("test:{SECRET}@"));
    story(vec![("QUICKSTART_DATABASE", url)], postgres);
}

#[test]
fn the_story_on_mariadb() {
    let mariadb = MariaDb::start(&[]);
    let url = mariadb.url("mysql");
    story(vec![("QUICKSTART_DATABASE", url)], mariadb);
}

#[test]
fn the_story_with_sessions_in_redis() {
    let redis =
        RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always", "--requirepass", SECRET]);
    let url = redis.url().replace("redis://", &format!("redis://:{SECRET}@"));
    story(vec![("QUICKSTART_SESSIONS", url)], redis);
}

fn story(environment: Vec<(&'static str, String)>, mut backend: impl Backend) {
    let mut server = Server::start_on(environment);
    for email in ["ann@example.com", "bob@example.com"] {
        assert_eq!(sign_up(&server, email).status, 200);
    }
    an_account_is_protected_and_recovered(&server);
    server.cli(&["grant", "--unverified", "ann@example.com", "admin"]);
    let [here, there] = [(); 2].map(|()| cookie(&log_in(&server, "ann@example.com", PASSWORD)));
    let [first, ended] = [(); 2].map(|()| Tokens::of(&server, "ann@example.com"));
    let own: &[(&str, &str)] = &[("cookie", &here), ("origin", &server.url.clone())];
    let page = |server: &Server, path: &str| server.get(path, own);

    // Of many at once, one makes the successor, on every store.
    let mut next: Vec<_> = std::thread::scope(|scope| {
        let one = || Tokens::read(&refresh(&server, &first.refresh)).refresh;
        let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    next.dedup();
    assert_eq!(next.len(), 1, "{next:?}");
    assert_eq!(page(&server, "/devices").body.matches("<li>").count(), 4);
    assert_eq!(
        server.post("/logout", &[("cookie", &there), ("origin", &server.url)], String::new()).status,
        303
    );
    assert_eq!(server.post_json("/api/logout", &[], presented(&ended.refresh)).status, 204);
    server.until("the role counts", || page(&server, "/admin").status == 200);

    // What was answered is still so after a crash of the program, and of the server that keeps it.
    let as_before = |server: &Server| {
        assert_eq!(page(server, "/devices").body.matches("<li>").count(), 2);
        assert_eq!(server.get("/profile", &[("cookie", &there)]).status, 401);
        assert_eq!(refresh(server, &ended.refresh).status, 401);
    };
    server.kill_and_restart();
    as_before(&server);
    backend.kill();
    // Nobody is logged in by an error, and nobody is logged out by one.
    for _ in 0..3 {
        let down = page(&server, "/devices");
        assert_eq!((down.status, down.header("set-cookie")), (503, None), "{}", down.body);
        assert_eq!(refresh(&server, &next[0]).status, 503);
    }
    backend.restart();
    server.until("the server is found again", || page(&server, "/devices").status == 200);
    as_before(&server);
    backend.freeze();
    nobody_waits_long_or_gets_in(&server, &here, &next[0]);
    backend.thaw();
    server.until("the server goes on", || page(&server, "/devices").status == 200);
    as_before(&server);
    let newest = Tokens::read(&refresh(&server, &next[0])).refresh;

    server.cli_with(&["set-password", "ann@example.com"], "a sentence that was reset\n");
    assert_eq!(page(&server, "/devices").status, 401);
    assert_eq!(refresh(&server, &newest).status, 401);
    let fields = [("email", "ann@example.com"), ("password", "a sentence that was reset")];
    assert_eq!(server.post("/login", &[("origin", &server.url)], form(&fields)).status, 303);
    assert!(server.told().contains("become admin: "));
    assert!(!server.said().contains(SECRET), "{}", server.said());
}

/// Codes, links and keys, of which this store has the rows.
fn an_account_is_protected_and_recovered(server: &Server) {
    let eve = "eve@example.com";
    sign_up(server, eve);
    let token = |page: &str| server.link(eve, page).split_once("?token=").unwrap().1.to_owned();
    let browser = Browser::logged_in(server, eve);
    let verified = browser.post("/verify", &[("token", &token("/verify"))]);
    assert_eq!((verified.status, verified.header("location")), (303, Some("/profile")));
    let (device, codes) = Device::enrol(&browser);
    let page = browser.post("/api-keys", &[("name", "backup"), ("days", "30")]).body;
    let key = format!("Bearer {}", secret(&page));
    let by_key = || server.get("/api/profile", &[("authorization", &key)]).status;
    assert_eq!(by_key(), 200);

    let new = "quite another long sentence";
    assert_eq!(browser.post("/forgot", &[("email", eve)]).status, 200);
    let reset = [("token", &*token("/reset")), ("new", new)];
    assert_eq!([(); 2].map(|()| browser.post("/reset", &reset).status), [200, 410]);
    assert_eq!((by_key(), browser.get("/profile").status), (401, 401));
    for (field, code, used) in [
        ("code", device.code(0), true),
        ("code", device.code(1), false),
        ("recovery_code", codes[3].clone(), false),
    ] {
        for used in [used, true] {
            let login = Browser::new(server);
            assert_eq!(login.log_in(eve, new).header("location"), Some("/login/code"));
            let status = login.post("/login/code", &[(field, &code)]).status;
            assert_eq!(status, if used { 401 } else { 303 }, "{field}");
        }
    }
}

/// A server that takes connections and answers nothing is worse than one that is gone: whoever waits for it for ever takes
/// others along.
fn nobody_waits_long_or_gets_in(server: &Server, cookie: &str, token: &str) {
    let started = Instant::now();
    let own: &[(&str, &str)] = &[("cookie", cookie), ("origin", &server.url)];
    std::thread::scope(|scope| {
        // More than there are connections to it.
        for _ in 0..12 {
            scope.spawn(|| assert_unavailable(&server.get("/devices", own)));
        }
        scope.spawn(|| assert_unavailable(&refresh(server, token)));
        scope.spawn(|| assert_unavailable(&log_in(server, "bob@example.com", PASSWORD)));
        scope.spawn(|| {
            let login = json("bob@example.com", PASSWORD);
            assert_unavailable(&server.post_json("/api/login", &[], login));
        });
    });
    // A call waits for five seconds at most, one of many for a connection before that, and a login makes a few calls.
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    // What needs no server is served.
    assert_eq!(server.get("/", &[]).status, 200);
}

fn assert_unavailable(answer: &Response) {
    assert_eq!((answer.status, answer.header("set-cookie")), (503, None), "{}", answer.body);
}

/// What is wrong with a URL is said without it: terminals and logs are read by others.
#[test]
fn a_server_that_cannot_be_used_is_refused_without_a_word_of_its_url() {
    let nobody = servers::free_port();
    for (option, scheme) in [
        ("--database", "postgres"),
        ("--database", "mysql"),
        ("--database", "postgress"),
        ("--sessions", "redis"),
        ("--sessions", "rdis"),
    ] {
        for rest in
            [format!("ann:{SECRET}@127.0.0.1:{nobody}/app"), format!("{SECRET}@[::x/{SECRET}?{SECRET}")]
        {
            let url = format!("{scheme}://{rest}");
            let arguments = ["--listen", "127.0.0.1:0", option, &url];
            for command in [&[][..], &["grant", "ann@example.com", "admin"]] {
                let (ok, said) = Server::try_start(&[&arguments, command].concat());
                assert!(!ok && said.contains("quickstart: ") && !said.contains(SECRET), "{url}: {said}");
            }
        }
    }
}
