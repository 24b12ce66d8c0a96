//! A route that reads one value of the session, on axum, in process: `session/route`.
//!
//! The router is made once, the request each time, and the answer's status and body are asserted. What is compared is the
//! same route without a session, which answers the same.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use auth_web::{Auth, PublicUrl, Refusal, Session};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request},
    http::{StatusCode, header, request::Parts},
    response::Response,
    routing::get,
};
use tower::Service;

use crate::world::{Row, Visits, World, now};

pub(crate) fn rows(world: &World) -> Vec<Row> {
    vec![route("route/open", Router::new().route("/", get(open)), None), ours(world), by_hand()]
}

/// The row of one router. Without a cookie, a visitor comes who has none.
pub(crate) fn route(name: &str, mut router: Router, cookie: Option<&str>) -> Row {
    let cookie = cookie.unwrap_or("theme=dark").to_owned();
    Row::new(name, move || {
        let response = call(&mut router, "/", &cookie);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(now(to_bytes(response.into_body(), 100)).unwrap(), "1");
    })
}

pub(crate) fn call(router: &mut Router, path: &str, cookie: &str) -> Response {
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    now(router.call(request)).unwrap()
}

async fn open() -> String {
    1.to_string()
}

fn ours(world: &World) -> Row {
    async fn read(session: Session<Visits>) -> Result<String, Refusal> {
        Ok(session.get().await?.map_or(0, |visits| visits.0).to_string())
    }
    let url = PublicUrl::https("https://app.example").unwrap();
    let auth = Auth::builder(url, world.sessions.clone()).build().unwrap();
    let router = auth.mount(Router::new().route("/", get(read)), ());
    route("route/ours", router, Some(&world.cookies[0]))
}

/// What one would write in an afternoon: a map from the cookie's value to the value, and neither deadlines, nor hashes,
/// nor anything that could be changed or ended.
#[derive(Clone)]
struct ByHand(Arc<RwLock<HashMap<String, u32>>>);

struct Read(u32);

impl FromRequestParts<ByHand> for Read {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &ByHand) -> Result<Self, StatusCode> {
        let line = parts.headers.get(header::COOKIE).and_then(|line| line.to_str().ok());
        let mut pairs = line.into_iter().flat_map(|line| line.split("; "));
        let id = pairs.find_map(|pair| pair.strip_prefix("sid=")).ok_or(StatusCode::UNAUTHORIZED)?;
        state.0.read().unwrap().get(id).copied().map(Self).ok_or(StatusCode::UNAUTHORIZED)
    }
}

fn by_hand() -> Row {
    async fn read(Read(visits): Read) -> String {
        visits.to_string()
    }
    let ids = (0..1_000).map(|n| (format!("{n:032}"), 1));
    let state = ByHand(Arc::new(RwLock::new(ids.collect())));
    let router = Router::new().route("/", get(read)).with_state(state);
    route("route/by-hand", router, Some(&format!("sid={:032}", 7)))
}
