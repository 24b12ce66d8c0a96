//! The second skin: the same meanings as on axum, also where actix-web has ways of its own to fail.

use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::HeaderMap,
    middleware::{Next, from_fn},
    test::{TestRequest, call_service, init_service, read_body},
    web,
};
use auth_web::{
    ApiKey, Bearer, CurrentUser, MaybeUser, Require, Session, Visit,
    core::{
        RejectionReason,
        testing::{FailWith, login_as},
    },
};

use crate::{
    app::{Count, Fixture, ORIGIN, PEER, START, ann, fixture, perm},
    attacks::cut,
};

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn guard<B: MessageBody>(
    _: CurrentUser,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    next.call(request).await
}

async fn name(user: Option<CurrentUser>) -> String {
    user.map_or("nobody".to_owned(), |user| user.principal().id().to_owned())
}

pub async fn send(fixture: &Fixture, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send_body(fixture, method, path, headers, "").await
}

async fn send_body(
    fixture: &Fixture,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<String>,
) -> Answer {
    let app = App::new()
        .route("/open", web::get().to(async || "open"))
        .route("/maybe", web::get().to(async |MaybeUser(user): MaybeUser| name(user).await))
        .route("/user", web::get().to(async |user: CurrentUser| user.principal().id().to_owned()))
        .route("/bearer", web::get().to(async |user: Bearer| user.principal().id().to_owned()))
        .route("/key", web::get().to(async |user: ApiKey| user.principal().id().to_owned()))
        .route("/read", web::get().to(async |permit: Require<perm::UsersRead>| permit.0.action().to_string()))
        .route("/delete", web::post().to(async |_: Require<perm::UsersDelete>| "deleted"))
        .route(
            "/login",
            web::post().to(async |visit: Visit, body: String| {
                visit.may_log_in_by(Some(&body))?;
                visit.log_in(login_as(&ann(), START)).await.map(|_| "in")
            }),
        )
        .route("/login", web::get().to(async |visit: Visit| visit.form_token()))
        .route(
            "/sum",
            web::post().to(async |numbers: web::Json<Vec<u32>>| numbers.iter().sum::<u32>().to_string()),
        )
        .route("/form", web::post().to(async |form: web::Form<Vec<(String, String)>>| form.len().to_string()))
        .route("/own-words", web::post().to(async || HttpResponse::UnprocessableEntity().body("too long")))
        .app_data(web::FormConfig::default().limit(16))
        .app_data(web::JsonConfig::default().limit(16))
        .route("/logout", web::post().to(async |visit: Visit| visit.log_out().await.map(|_| "out")))
        .service(web::scope("/guarded").wrap(from_fn(guard)).route("", web::get().to(HttpResponse::Ok)))
        .wrap(fixture.auth.middleware());
    let service = init_service(app).await;
    let mut request = TestRequest::with_uri(path).method(method.parse().unwrap()).peer_addr(PEER);
    for (name, value) in headers {
        request = request.append_header((*name, *value));
    }
    let request = request.set_payload(body.into());
    let response = match actix_web::dev::Service::call(&service, request.to_request()).await {
        Ok(response) => response.into_parts().1,
        // As the server does with an error of its outermost service.
        Err(error) => error.error_response().map_into_right_body(),
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = actix_web::body::to_bytes(response.into_body()).await.unwrap_or_default();
    Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

pub async fn log_in(fixture: &Fixture) -> String {
    let login = send(fixture, "POST", "/login", &[("origin", ORIGIN)]).await;
    login.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[actix_web::test]
async fn a_login_sets_the_cookie() {
    let fixture = fixture();
    let login = send(&fixture, "POST", "/login", &[("origin", ORIGIN)]).await;
    let cookie = login.header("set-cookie").unwrap().split(';').next().unwrap();
    assert_eq!(send(&fixture, "GET", "/user", &[("cookie", cookie)]).await.body, "ann");
}

#[actix_web::test]
async fn a_dead_store_is_503_and_never_nobody() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    assert_eq!(send(&fixture, "GET", "/user", &[("cookie", &cookie)]).await.body, "ann");
    fixture.store.fail_with(Some(FailWith::NotWritten));
    for path in ["/maybe", "/user", "/read", "/guarded"] {
        let answer = send(&fixture, "GET", path, &[("cookie", &cookie)]).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (503, None), "{path}");
    }
    assert_eq!(send(&fixture, "GET", "/open", &[("cookie", &cookie)]).await.status, 200);
    let login = send(&fixture, "POST", "/login", &[("origin", ORIGIN)]).await;
    assert_eq!((login.status, login.header("set-cookie")), (503, None));
}

#[actix_web::test]
async fn refusals_are_the_same_as_on_axum() {
    let fixture = fixture();
    let cookie = fixture.log_in().await;
    let twice = format!("{cookie}; {cookie}");
    let cookie = ("cookie", cookie.as_str());
    let token = fixture.token(None);
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, &str, Headers<'_>, u16); 12] = [
        ("GET", "/user", &[], 401),
        ("GET", "/user", &[("accept", "text/html")], 303),
        ("GET", "/maybe", &[("authorization", "Bearer a.b.c")], 401),
        ("GET", "/user", &[("authorization", "Bearer")], 400),
        ("GET", "/user", &[("cookie", &twice)], 400),
        ("GET", "/user", &[cookie, ("authorization", "Basic dTpw")], 401),
        ("GET", "/bearer", &[cookie], 401),
        ("GET", "/bearer", &[("authorization", &token)], 200),
        ("POST", "/delete", &[("authorization", &token)], 403),
        ("POST", "/logout", &[cookie, ("sec-fetch-site", "cross-site")], 403),
        ("GET", "/user", &[cookie, ("upgrade", "websocket"), ("sec-fetch-site", "cross-site")], 403),
        ("POST", "/login", &[], 403),
    ];
    for (method, path, headers, status) in cases {
        assert_eq!(send(&fixture, method, path, headers).await.status, status, "{method} {path} {headers:?}");
    }
    let cross = send(&fixture, "POST", "/logout", &[cookie, ("sec-fetch-site", "cross-site")]).await;
    assert_eq!(cross.header("vary"), Some("Sec-Fetch-Site, Origin"));
    let maybe = send(&fixture, "GET", "/maybe", &[]).await;
    assert_eq!((maybe.body.as_str(), maybe.header("cache-control")), ("nobody", Some("no-store")));
    assert!(maybe.header("vary").is_some());
    let junk = send(&fixture, "GET", "/maybe", &[("cookie", "__Host-sid=junk")]).await;
    assert!(junk.header("set-cookie").unwrap().contains("Max-Age=0"));
}

/// As on axum: what did not come to an answer has saved nothing.
#[actix_web::test]
async fn what_a_handler_set_before_it_panicked_or_was_dropped_is_not_saved() {
    let fixture = fixture();
    let count = async |slot: Session<Count>| {
        let Count(before) = slot.get().await?.unwrap_or_default();
        slot.set(&Count(before + 1)).await?;
        Ok::<_, auth_web::Refusal>((before + 1).to_string())
    };
    let app = App::new()
        .route("/count", web::get().to(count))
        .route(
            "/count-and-panic",
            web::get().to(async |slot: Session<Count>| -> HttpResponse {
                slot.set(&Count(100)).await.unwrap();
                panic!("a bug of the application")
            }),
        )
        .route(
            "/count-and-wait",
            web::get().to(async |slot: Session<Count>| -> HttpResponse {
                slot.set(&Count(100)).await.unwrap();
                std::future::pending().await
            }),
        )
        .wrap(fixture.auth.middleware());
    let service = init_service(app).await;
    let cookie = log_in(&fixture).await;
    let request = |path: &str| {
        TestRequest::with_uri(path).peer_addr(PEER).append_header(("cookie", cookie.as_str())).to_request()
    };
    assert_eq!(read_body(call_service(&service, request("/count")).await).await, "1");
    assert!(cut(call_service(&service, request("/count-and-panic"))).is_err());
    assert!(cut(call_service(&service, request("/count-and-wait"))).unwrap().is_pending());
    assert_eq!(read_body(call_service(&service, request("/count")).await).await, "2");
}

#[actix_web::test]
async fn why_a_bearer_token_was_refused_is_written_down() {
    let fixture = fixture();
    fixture.step(1_000);
    let late = fixture.token(None);
    for path in ["/maybe", "/bearer", "/guarded"] {
        assert_eq!(send(&fixture, "GET", path, &[("authorization", &late)]).await.status, 401, "{path}");
    }
    assert_eq!(fixture.refused_tokens(), [RejectionReason::Expired; 3]);
}

/// The framework's own extractors quote what was sent, in plain text.
#[actix_web::test]
async fn a_refused_body_is_worded_like_every_refusal() {
    let fixture = fixture();
    let json = ("content-type", "application/json");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (path, header, body, status) in [
        ("/sum", json, "[1,<b>", 400),
        ("/sum", json, "[1,2,3,4,5,6,7,8,9]", 413),
        ("/form", form, "a=1&b=2&c=3&d=4&e=5", 413),
        ("/form", json, "{}", 415),
    ] {
        let answer = send_body(&fixture, "POST", path, &[header], body).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, Some("application/problem+json"))
        );
        assert!(answer.body.contains(&format!(r#""status":{status}"#)) && !answer.body.contains("<b>"));
        let page = send_body(&fixture, "POST", path, &[header, ("accept", "text/html")], body).await;
        assert_eq!((page.status, page.header("content-type")), (status, Some("text/html; charset=utf-8")));
    }
    assert_eq!(send_body(&fixture, "POST", "/sum", &[json], "[1,2,3]").await.body, "6");
    let own = send(&fixture, "POST", "/own-words", &[]).await;
    assert_eq!((own.status, own.body.as_str()), (422, "too long"));
}

/// A guard that is middleware refuses by an error and not by a response: people are still sent to log in.
#[actix_web::test]
async fn a_guard_inside_is_worded_for_people_too() {
    let fixture = fixture();
    let person = [("accept", "text/html"), ("cookie", "__Host-sid=junk")];
    let answer = send(&fixture, "GET", "/guarded", &person).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login?next=/guarded")));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    let cookie = fixture.log_in().await;
    assert_eq!(send(&fixture, "GET", "/guarded", &[("cookie", &cookie)]).await.status, 200);
}

#[actix_web::test]
async fn without_the_middleware_an_extractor_is_503() {
    let service = init_service(App::new().route("/", web::get().to(async |_: MaybeUser| "never"))).await;
    let response = call_service(&service, TestRequest::get().to_request()).await;
    assert_eq!(response.status().as_u16(), 503);
    assert!(!read_body(response).await.is_empty());
}

/// For the browsers that send no header to tell by.
#[actix_web::test]
async fn a_browser_that_sends_neither_header_logs_in_by_the_forms_token() {
    let fixture = fixture();
    let page = send(&fixture, "GET", "/login", &[]).await;
    let held = page.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let cookie = [("cookie", held.as_str())];
    assert_eq!(send_body(&fixture, "POST", "/login", &cookie, "").await.status, 403);
    assert_eq!(send_body(&fixture, "POST", "/login", &[], page.body.clone()).await.status, 403);
    let login = send_body(&fixture, "POST", "/login", &cookie, page.body).await;
    assert!(login.status == 200 && login.header("set-cookie").unwrap().starts_with("__Host-sid="));
    assert_eq!(send(&fixture, "POST", "/logout", &cookie).await.status, 403);
}
