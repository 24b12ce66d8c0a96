//! A server that keeps its connections and answers nothing.

use std::time::{Duration, Instant};

use auth_core::{CounterKey, Realm, StoreError, Window, Written};

use crate::support::{
    NOW, PURPOSE, Server, TIMEOUT, account, ann, on_every_server, password, session, token,
};

on_every_server!(
    a_frozen_server_is_an_error_in_time_and_never_a_hang,
    after_a_call_that_was_too_late_no_idle_connection_is_trusted,
);

/// A request that waits for ever takes a worker with it, and soon there is none left.
async fn a_frozen_server_is_an_error_in_time_and_never_a_hang<S: Server>() {
    let server = S::own();
    let url = server.create().await;
    let stores = S::open(&url, TIMEOUT).await.unwrap();
    let (record, other) = (session(&ann(), 0), session(&ann(), 0));
    let _ = stores.sessions.insert(&record, None, NOW).await.unwrap();
    let _ = stores.sessions.insert(&other, None, NOW).await.unwrap();
    let _ = stores.accounts.create(&account(&ann()), &[password(&ann())]).await.unwrap();

    server.freeze();
    let started = Instant::now();
    // More than there are connections: some wait for one.
    let loads: Vec<_> = (0..20)
        .map(|_| {
            let (sessions, id) = (stores.sessions.clone(), record.id);
            tokio::spawn(async move { sessions.load(&id, NOW).await.map(|_| ()) })
        })
        .collect();
    for load in loads {
        assert_not_written(load.await.unwrap());
    }
    assert_not_written(stores.sessions.insert(&session(&ann(), 0), None, NOW).await);
    assert!(stores.sessions.remove(&record.id).await.is_err());
    assert!(stores.tokens.take(&token(b"t", "ann").key, NOW).await.is_err());
    let key = CounterKey::new(&Realm::LOCAL, PURPOSE, &[]);
    assert!(stores.counters.add(&key, 1, Window::new(Duration::from_secs(60)), NOW).await.is_err());
    assert_not_written(stores.credentials.find(&password(&ann()).key).await);
    assert_not_written(stores.assignments.roles_of(&ann()).await);
    // Seven calls one after the other, and a wave of loads in up to two turns.
    assert!(started.elapsed() < TIMEOUT * 12, "{:?}", started.elapsed());
    let opening = Instant::now();
    assert!(S::open(&url, TIMEOUT).await.is_err());
    assert!(opening.elapsed() < TIMEOUT * 3, "{:?}", opening.elapsed());

    server.thaw();
    let _ = stores.sessions.insert(&session(&ann(), 0), None, NOW).await.unwrap();
    assert_eq!(stores.sessions.load(&other.id, NOW).await.unwrap(), Some(other));
}

/// A server that was late once is late on every connection to it: each would cost another caller all of its patience.
async fn after_a_call_that_was_too_late_no_idle_connection_is_trusted<S: Server>() {
    let server = S::own();
    let url = server.create().await;
    let stores = S::open(&url, TIMEOUT * 3).await.unwrap();
    let record = session(&ann(), 0);
    let _ = stores.sessions.insert(&record, None, NOW).await.unwrap();
    // Calls that wait at the same time have a connection each.
    let holding = S::hold(&url, "auth_sessions").await;
    let touches: Vec<_> = (0..4)
        .map(|_| {
            let (sessions, id) = (stores.sessions.clone(), record.id);
            tokio::spawn(async move { sessions.touch(&id, NOW, NOW).await })
        })
        .collect();
    until(async || S::connections(&url).await >= 5).await;
    drop(holding);
    for touch in touches {
        assert!(touch.await.unwrap().unwrap());
    }
    assert!(S::connections(&url).await >= 4, "they stay open");

    server.freeze();
    assert!(stores.sessions.load(&record.id, NOW).await.is_err());
    server.thaw();
    until(async || S::connections(&url).await == 0).await;
    assert_eq!(stores.sessions.load(&record.id, NOW).await.unwrap().map(|found| found.id), Some(record.id));
}

/// There is nothing to wait for but the server.
async fn until(so: impl AsyncFn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !so().await {
        assert!(Instant::now() < end, "waited too long");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[track_caller]
fn assert_not_written<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.written(), Written::No, "{error:?}");
}
