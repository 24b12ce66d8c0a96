//! Random work from several nodes, compared with a model.

use std::{sync::Arc, time::Duration};

use auth_core::SessionStore;
use example_session_torture::{Options, StoreUrl, torture};

use crate::support::{Server, on_every_server};

on_every_server!(a_torture_breaks_no_promise);

async fn a_torture_breaks_no_promise<S: Server>() {
    let server = S::shared();
    let url: StoreUrl = server.create().await.parse().unwrap();
    let mut nodes: Vec<Arc<dyn SessionStore>> = Vec::new();
    for _ in 0..3 {
        nodes.push(url.open(&nodes).await.unwrap());
    }
    let report = torture(nodes, Options { time: Duration::ZERO, rounds: 30, ..Options::default() }).await;
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.failed, 0, "{report}");
}
