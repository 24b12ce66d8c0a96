//! The harness finds nothing in stores that keep their promises, and something in those that do not.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::{sync::Arc, time::Duration};

use auth_core::{
    MemorySessions, SessionStore,
    conformance::broken::{BrokenSessions, SessionFault},
};
use example_session_torture::{Failure, Options, StoreUrl, torture};

async fn nodes(url: &str) -> Vec<Arc<dyn SessionStore>> {
    let url: StoreUrl = url.parse().unwrap();
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(url.open(&nodes).await.unwrap());
    }
    nodes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stores_that_keep_their_promises_pass() {
    let folder = tempfile::tempdir().unwrap();
    let (files, database) = (folder.path().join("torture"), folder.path().join("torture.db"));
    let urls =
        ["memory".to_owned(), format!("file:{}", files.display()), format!("sqlite:{}", database.display())];
    for url in urls {
        // Rounds and not seconds: what a busy machine does in a second is anybody's guess.
        let options = Options { time: Duration::ZERO, rounds: 30, ..Options::default() };
        let report = torture(nodes(&url).await, options).await;
        assert!(report.violations.is_empty(), "{url}: {report}");
        for what in [
            "logins",
            "logouts",
            "writes",
            "privilege changes",
            "password changes",
            "lost answers",
            "logins for tokens",
            "refreshes",
            "lost tokens",
            "revocations",
            "replays",
            "ends by a limit",
            "logins beyond the limit",
            "checks",
        ] {
            assert!(report.done.get(what).is_some_and(|count| *count > 0), "{url} did no {what}: {report}");
        }
        assert_eq!(report.failed, 0, "{url}: {report}");
    }
}

/// A run in which nobody ever got in shows nothing, and must not look like one that does.
#[tokio::test]
async fn a_store_that_refuses_everything_is_no_success() {
    let store: Arc<dyn SessionStore> = Arc::new(MemorySessions::new(0));
    let report = torture(vec![store], Options { time: Duration::ZERO, ..Options::default() }).await;
    assert_eq!(report.verdict(), Err(Failure::Nothing("logins")), "{report}");
    assert!(report.violations.is_empty() && report.failed > 0, "{report}");
}

/// A harness that finds nothing in a store that loses writes says nothing about any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stores_that_break_a_promise_are_found_out() {
    for fault in [
        SessionFault::UpdateUpserts,
        SessionFault::UpdateIgnoresVersion,
        SessionFault::UpdateNotAtomic,
        SessionFault::InsertIgnoresEpoch,
        SessionFault::RotateDeletesFirst,
        SessionFault::RotateIgnoresVersion,
        SessionFault::LimitIgnored,
        SessionFault::LimitEndsNewest,
        SessionFault::LoadByTag,
        SessionFault::ListShowsTheDead,
    ] {
        let store: Arc<dyn SessionStore> = Arc::new(BrokenSessions::new(fault));
        let nodes = vec![Arc::clone(&store), store];
        let report = torture(nodes, Options { time: Duration::from_secs(60), ..Options::default() }).await;
        assert!(!report.violations.is_empty(), "{fault:?} was not found: {report}");
    }
}

#[test]
fn a_store_is_named_in_one_way() {
    for bad in [
        "",
        "Memory",
        "sqlite",
        "sqlite:",
        "file:",
        "memory:",
        "ftp://example.com",
        "postgres:ann",
        "mysql",
        "redis:",
    ] {
        assert!(bad.parse::<StoreUrl>().is_err(), "{bad}");
    }
}

/// Reports and logs are read by others.
#[test]
fn the_url_of_a_server_is_never_shown() {
    for scheme in ["postgres", "mysql", "redis"] {
        let url: StoreUrl = format!("{scheme}://ann:secret@127.0.0.1/app").parse().unwrap();
        assert_eq!(format!("{url:?}").to_lowercase(), scheme);
    }
    for url in
        ["postgres://ann:secret@127.0.0.1:1/app", "postgress://ann:secret@db/app", "redis://:secret@[x"]
    {
        let mut tool = std::process::Command::new(env!("CARGO_BIN_EXE_session-torture"));
        let output = tool.args(["--store", url]).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("session-torture: ") && !said.contains("secret"), "{said}");
    }
}
