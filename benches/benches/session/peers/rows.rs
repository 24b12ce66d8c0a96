//! The sessions of others.

use std::{collections::HashMap, hint::black_box};

use axum::{Router, http::header, routing::get};
use axum_session::{SessionConfig, SessionLayer, SessionNullPool};
use serde_json::json;
use tower_sessions::{
    MemoryStore, SessionManagerLayer,
    cookie::time::{Duration, OffsetDateTime},
    session::{Id, Record},
    session_store::SessionStore as _,
};

use crate::{
    route::{call, route},
    world::{Row, now},
};

/// As many sessions of the same content, and their ids in random order, for they are random.
pub(crate) fn tower_store(count: usize) -> (MemoryStore, Vec<Id>) {
    let store = MemoryStore::default();
    let insert = |user| {
        let login =
            json!({ "user": format!("user{user}"), "methods": ["pwd"], "at": 1_800_000_000, "epoch": 0 });
        let data = HashMap::from([("login".to_owned(), login), ("visits".to_owned(), json!(1))]);
        let expiry_date = OffsetDateTime::now_utc() + Duration::hours(12);
        let mut record = Record { id: Id::default(), data, expiry_date };
        now(store.create(&mut record)).unwrap();
        record.id
    };
    let mut ids: Vec<_> = (0..count).map(insert).collect();
    ids.sort_unstable_by_key(|id| id.0);
    (store, ids)
}

pub(crate) fn rows() -> Vec<Row> {
    let (store, ids) = tower_store(1_000);
    let load = Row::new("load/tower-sessions", move || {
        assert_eq!(now(store.load(black_box(&ids[7]))).unwrap().unwrap().id, ids[7]);
    });
    vec![load, tower_sessions(), axum_session()]
}

fn tower_sessions() -> Row {
    async fn read(session: tower_sessions::Session) -> String {
        session.get::<u32>("visits").await.unwrap().unwrap_or(0).to_string()
    }
    let (store, ids) = tower_store(1_000);
    let router = Router::new().route("/", get(read)).layer(SessionManagerLayer::new(store));
    route("route/tower-sessions", router, Some(&format!("id={}", ids[7])))
}

fn axum_session() -> Row {
    type Session = axum_session::Session<SessionNullPool>;
    async fn read(session: Session) -> String {
        session.get::<u32>("visits").unwrap_or(0).to_string()
    }
    async fn set(session: Session) {
        session.set("visits", 1);
    }
    // The layer begins a task that clears up, and which no row waits for.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let entered = runtime.enter();
    let store = axum_session::SessionStore::<SessionNullPool>::new(None, SessionConfig::default());
    let store = now(store).unwrap();
    let router = Router::new().route("/", get(read)).route("/set", get(set));
    let mut router = router.layer(SessionLayer::new(store));
    let response = call(&mut router, "/set", "theme=dark");
    let set = response.headers().get_all(header::SET_COOKIE).iter();
    let pairs: Vec<_> = set.map(|set| set.to_str().unwrap().split(';').next().unwrap()).collect();
    drop(entered);
    let Row { name, mut run } = route("route/axum_session", router, Some(&pairs.join("; ")));
    let run = Box::new(move || {
        let _entered = runtime.enter();
        run();
    });
    Row { name, run }
}
