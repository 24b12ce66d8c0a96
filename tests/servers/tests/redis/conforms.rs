//! The suites of the storage traits.

use auth_core::conformance::{self, Race, Tasks};
use auth_redis::Redis;
use servers::RedisServer;

use crate::support::on;

fn race() -> impl Race {
    Tasks::new(tokio::spawn)
}

/// Stores on an emptied server: a purge walks over all its keys.
async fn fresh(server: &RedisServer) -> Redis {
    assert_eq!(server.say(&["FLUSHALL"]), "+OK");
    on(server).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_conform() {
    let server = RedisServer::start();
    let fresh = || async { fresh(&server).await.sessions() };
    conformance::session_store(fresh, &race()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_conform() {
    let server = RedisServer::start();
    let fresh = || async { fresh(&server).await.tokens() };
    conformance::token_store(fresh, &race()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_conform() {
    let server = RedisServer::start();
    let fresh = || async { fresh(&server).await.counters() };
    conformance::counter_store(fresh, &race()).await.assert_passed();
}
