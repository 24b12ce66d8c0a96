//! Random work from several nodes, compared with a model.

use std::{sync::Arc, thread, time::Duration};

use auth_core::SessionStore;
use example_session_torture::{Options, Report, StoreUrl, torture};
use tokio::task::block_in_place;

use crate::support::{Server, on_every_server};

on_every_server!(
    a_torture_breaks_no_promise,
    a_torture_breaks_no_promise_while_the_server_is_killed,
    a_torture_breaks_no_promise_while_the_server_is_frozen,
);

/// Short, so that a frozen server is noticed often.
const IMPATIENT: Duration = Duration::from_millis(500);

async fn a_torture_breaks_no_promise<S: Server>() {
    let server = S::shared();
    let url: StoreUrl = server.create().await.parse().unwrap();
    let mut nodes: Vec<Arc<dyn SessionStore>> = Vec::new();
    for _ in 0..3 {
        nodes.push(url.open(&nodes).await.unwrap());
    }
    let report = torture(nodes, Options { time: Duration::ZERO, rounds: 30, ..Options::default() }).await;
    assert_eq!(report.verdict(), Ok(()), "{report}");
    assert_eq!(report.failed, 0, "{report}");
}

/// What was answered is on the disk, and what was not is there as a whole or not at all.
async fn a_torture_breaks_no_promise_while_the_server_is_killed<S: Server>() {
    let mut server = S::own();
    let nodes = nodes(&server).await;
    let report = torture_while(nodes, || {
        server.kill();
        server.restart();
    });
    assert_tried(&report.await);
}

/// What was not answered in time may happen when the server goes on, and then nobody is surprised.
async fn a_torture_breaks_no_promise_while_the_server_is_frozen<S: Server>() {
    let server = S::own();
    let nodes = nodes(&server).await;
    let report = torture_while(nodes, || {
        server.freeze();
        // Longer than any call waits, so that what is under way fails.
        thread::sleep(IMPATIENT * 3);
        server.thaw();
    });
    assert_tried(&report.await);
}

async fn nodes<S: Server>(server: &S) -> Vec<Arc<dyn SessionStore>> {
    let url = server.create().await;
    let mut nodes: Vec<Arc<dyn SessionStore>> = Vec::new();
    for _ in 0..3 {
        nodes.push(S::open(&url, IMPATIENT).await.unwrap().sessions);
    }
    nodes
}

/// Does harm again and again while a torture goes on.
async fn torture_while(nodes: Vec<Arc<dyn SessionStore>>, mut harm: impl FnMut()) -> Report {
    let options = Options {
        time: Duration::from_secs(10),
        rounds: 3,
        operations: 8,
        accounts: 6,
        ..Options::default()
    };
    let work = tokio::spawn(torture(nodes, options));
    while !work.is_finished() {
        tokio::time::sleep(Duration::from_secs(2)).await;
        block_in_place(&mut harm);
    }
    work.await.unwrap()
}

fn assert_tried(report: &Report) {
    assert_eq!(report.verdict(), Ok(()), "{report}");
    assert!(report.failed > 0, "nobody noticed any harm: {report}");
    for what in ["logins", "logouts", "writes", "refreshes", "ends by id", "checks"] {
        assert!(report.done.contains_key(what), "no {what}: {report}");
    }
}
