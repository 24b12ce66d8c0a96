//! Loads of the same moment, which share trips to the server.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{AuthEpoch, EndAll, SessionId, SessionStore, StoreError};
use auth_redis::RedisSessions;
use servers::RedisServer;
use tokio::{runtime::Builder, task::JoinSet, time::timeout};

use crate::support::{key_with, now, on, owner, raw, session};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    Live,
    Nothing,
    Damaged,
}

async fn check(store: &RedisSessions, id: SessionId, expected: Expected) {
    match (store.load(&id, now()).await, expected) {
        (Ok(Some(record)), Expected::Live) => assert_eq!(record.id, id),
        (Ok(None), Expected::Nothing) | (Err(StoreError::Corrupt(_)), Expected::Damaged) => {}
        (answer, expected) => panic!("{expected:?}: {answer:?}"),
    }
}

/// Whatever goes along with a question, its answer is its own, and the failure of one is no failure of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_question_gets_its_own_answer() {
    let server = RedisServer::start();
    let store = on(&server).await.sessions();
    let mut all = Vec::new();
    for n in 0..100 {
        let (alive, ended, broken) =
            (session(&owner(&format!("a{n}"))), owner(&format!("b{n}")), session(&owner(&format!("c{n}"))));
        let gone = session(&ended);
        for record in [&alive, &gone, &broken] {
            let _ = store.insert(record, None, now()).await.unwrap();
        }
        let end = EndAll { owner: &ended, except: None, epoch: AuthEpoch::new(1) };
        assert_eq!(store.end_all(end, now()).await.unwrap(), 1);
        let key = key_with(&server, &broken.id.to_string()[10..]);
        let () = redis::cmd("SETRANGE").arg(key).arg(0).arg("\u{7f}odd").query(&mut raw(&server)).unwrap();
        all.extend([
            (alive.id, Expected::Live),
            (gone.id, Expected::Nothing),
            (broken.id, Expected::Damaged),
            (session(&owner("never inserted")).id, Expected::Nothing),
        ]);
    }
    for _ in 0..5 {
        let mut loads = JoinSet::new();
        for (id, expected) in all.iter().copied() {
            let store = store.clone();
            loads.spawn(async move { check(&store, id, expected).await });
        }
        while let Some(load) = loads.join_next().await {
            load.unwrap();
        }
    }
}

/// Requests are given up all the time. What they asked was on its way with what others asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_up_takes_no_answer_of_others_along() {
    let server = RedisServer::start();
    let store = on(&server).await.sessions();
    let record = session(&owner("ann"));
    let _ = store.insert(&record, None, now()).await.unwrap();
    for _ in 0..50 {
        let (mut kept, mut given_up) = (JoinSet::new(), JoinSet::new());
        for n in 0..64 {
            let (store, id) = (store.clone(), record.id);
            let tasks = if n % 2 == 0 { &mut kept } else { &mut given_up };
            tasks.spawn(async move { check(&store, id, Expected::Live).await });
        }
        given_up.abort_all();
        while let Some(load) = kept.join_next().await {
            load.unwrap();
        }
    }
}

/// A trip that ends with the runtime it was on makes room for the next.
#[test]
fn the_end_of_a_runtime_leaves_no_trip_under_way() {
    let server = RedisServer::start();
    let runtime = || Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let main = runtime();
    let store = Arc::new(main.block_on(on(&server)).sessions());
    let record = session(&owner("ann"));
    let _ = main.block_on(store.insert(&record, None, now())).unwrap();
    // Nothing is answered while trips are begun, so all of them are under way when their runtime ends.
    for _ in 0..3 {
        server.process().freeze();
        let other = runtime();
        let mut asked = JoinSet::new();
        for _ in 0..64 {
            let (store, id) = (Arc::clone(&store), record.id);
            asked.spawn_on(async move { store.load(&id, now()).await.map(drop) }, other.handle());
        }
        // Until they have been sent off, which nothing tells.
        let answer = other.block_on(async { timeout(Duration::from_millis(20), asked.join_next()).await });
        assert!(answer.is_err(), "{answer:?}");
        // Who is on another runtime and went along asks alone.
        let (others, id) = (Arc::clone(&store), record.id);
        let along = main.spawn(async move { others.load(&id, now()).await });
        other.shutdown_background();
        server.process().thaw();
        assert!(main.block_on(along).unwrap().unwrap().is_some());
        let answer =
            main.block_on(async { timeout(Duration::from_secs(30), store.load(&record.id, now())).await });
        assert!(answer.unwrap().unwrap().is_some());
    }
}

/// A request may be on a runtime that is driven for its sake alone, and given up. What it began counts for a while only.
#[test]
fn a_runtime_that_is_not_driven_stops_nobody_for_long() {
    let server = RedisServer::start();
    let main = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = Arc::new(main.block_on(on(&server)).sessions());
    let record = session(&owner("ann"));
    let _ = main.block_on(store.insert(&record, None, now())).unwrap();
    let runtimes: Vec<_> =
        (0..8).map(|_| Builder::new_current_thread().enable_all().build().unwrap()).collect();
    server.process().freeze();
    for runtime in &runtimes {
        let asked = store.load(&record.id, now());
        // Until it has been sent off, which nothing tells.
        assert!(runtime.block_on(async { timeout(Duration::from_millis(20), asked).await }).is_err());
    }
    server.process().thaw();
    let end = Instant::now() + Duration::from_secs(30);
    while let Err(error) = main.block_on(store.load(&record.id, now())) {
        assert!(matches!(error, StoreError::Timeout) && Instant::now() < end, "{error:?}");
    }
    drop(runtimes);
}
