//! Drives the example over a real socket.

use std::{net::TcpListener, time::Duration};

use actix_web::{App, HttpServer};
use example_actix_sessions::{PASSWORD, build, routes};

struct Client {
    url: String,
    agent: ureq::Agent,
}

struct Answer {
    status: u16,
    body: String,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn cookie(&self) -> String {
        self.header("set-cookie").expect("a cookie").split(';').next().unwrap().to_owned()
    }
}

impl Client {
    fn read(response: ureq::http::Response<ureq::Body>) -> Answer {
        let (parts, mut body) = response.into_parts();
        Answer { status: parts.status.as_u16(), body: body.read_to_string().unwrap(), headers: parts.headers }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::read(request.call().unwrap())
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::read(request.send_form(form.iter().copied()).unwrap())
    }

    fn log_in(&self, email: &str, password: &str) -> Answer {
        self.post("/login", &[("origin", &self.url)], &[("email", email), ("password", password)])
    }
}

fn serve() -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let (auth, accounts) = build(listen).await.unwrap();
            HttpServer::new(move || {
                App::new().app_data(accounts.clone()).configure(routes).wrap(auth.middleware())
            })
            .workers(1)
            .listen(listener)
            .unwrap()
            .run()
            .await
            .unwrap();
        });
    });
    // The socket is bound already: a request waits until the server takes it.
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(Duration::from_secs(60)));
    Client { url: format!("http://{listen}"), agent: config.build().new_agent() }
}

#[test]
fn the_story_is_the_same_as_on_axum() {
    let client = serve();
    let html = ("accept", "text/html");
    let redirect = client.get("/profile", &[html]);
    assert_eq!((redirect.status, redirect.header("location")), (303, Some("/login?next=/profile")));
    let refused = client.get("/profile", &[]);
    assert_eq!((refused.status, refused.header("content-type")), (401, Some("application/problem+json")));
    assert_eq!(client.log_in("ann@example.com", "wrong horse battery").status, 401);

    // Another site must not log anybody in.
    let evil = client.post(
        "/login",
        &[("origin", "https://evil.example")],
        &[("email", "ann@example.com"), ("password", PASSWORD)],
    );
    assert_eq!((evil.status, evil.header("set-cookie")), (403, None));

    let large = "x".repeat(10_000);
    assert_eq!(client.log_in("ann@example.com", &large).status, 413);

    // Who mistypes reads why on the page where they are, and still gets to where they wanted.
    let typo = [("email", "ann@example.com"), ("password", "wrong horse battery")];
    let again = client.post("/login?next=/reports", &[html, ("origin", &client.url)], &typo);
    assert_eq!((again.status, again.header("location")), (401, None));
    assert!(again.body.contains("do not belong together") && again.body.contains("<form method=post>"));

    let fields = [("email", "ann@example.com"), ("password", PASSWORD)];
    let back = client.post("/login?next=/reports", &[("origin", &client.url)], &fields);
    assert_eq!((back.status, back.header("location")), (303, Some("/reports")));
    let elsewhere = client.post("/login?next=//evil.example", &[("origin", &client.url)], &fields);
    assert_eq!(elsewhere.header("location"), Some("/profile"));
    let login = client.log_in("ann@example.com", PASSWORD);
    assert_eq!(
        (login.status, login.header("location"), login.header("cache-control")),
        (303, Some("/profile"), Some("no-store"))
    );
    let ann = login.cookie();
    assert!(client.get("/profile", &[("cookie", &ann)]).body.ends_with("session: 1.\n"));
    let second = client.get("/profile", &[("cookie", &ann)]);
    assert!(second.body.ends_with("session: 2.\n"));
    assert_eq!(second.header("cache-control"), Some("no-store"));
    assert_eq!(client.get("/reports", &[("cookie", &ann)]).status, 403);
    assert_eq!(client.get("/profile", &[("cookie", &format!("{ann}; {ann}"))]).status, 400);

    let bob = client.log_in("bob@example.com", PASSWORD).cookie();
    assert_eq!(client.get("/reports", &[("cookie", &bob)]).status, 200);

    let out = client.post("/logout", &[("cookie", &ann), ("origin", &client.url)], &[]);
    assert!(out.status == 303 && out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(client.get("/profile", &[("cookie", &ann)]).status, 401);
    assert_eq!(client.get("/profile", &[("cookie", &bob)]).status, 200);
}
