//! Random work from several nodes, compared with a model.

use std::{sync::Arc, time::Duration};

use auth_core::SessionStore;
use example_session_torture::{Options, StoreUrl, torture};
use servers::RedisServer;

/// Time leaps by days in it, so what Redis forgets by its own clock must not be what is alive by the application's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_torture_breaks_no_promise() {
    let server = RedisServer::start();
    let url: StoreUrl = server.url().parse().unwrap();
    let mut nodes: Vec<Arc<dyn SessionStore>> = Vec::new();
    for _ in 0..3 {
        nodes.push(url.open(&nodes).await.unwrap());
    }
    let report = torture(nodes, Options { time: Duration::ZERO, rounds: 30, ..Options::default() }).await;
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.failed, 0, "{report}");
}
