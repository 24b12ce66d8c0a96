//! The harness finds nothing in stores that keep their promises, and something in those that do not.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "test code")]

mod wrong;

use std::{process::Stdio, sync::Arc, time::Duration};

use auth_core::{
    MemorySessions, SessionStore, UnixTime,
    conformance::broken::{BrokenSessions, SessionFault},
};
use example_session_torture::{Failure, Options, StoreUrl, torture};

use self::wrong::{Fault, Wrong};

/// How long a fault may stay unnoticed, which is a matter of luck: a run ends with the first that is noticed.
const PATIENCE: Duration = Duration::from_secs(180);

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
            "logins over a session",
            "logins for tokens",
            "refreshes",
            "lost tokens",
            "revocations",
            "replays",
            "ends by a limit",
            "logins beyond the limit",
            "checks",
            "checks of the ended",
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
        let report = torture(nodes, Options { time: PATIENCE, ..Options::default() }).await;
        assert!(matches!(report.verdict(), Err(Failure::Broken(1..))), "{fault:?} was not found: {report}");
        assert_eq!(report.verdict().unwrap_err().exit_code(), 1);
    }
}

/// A fault that shows late, or in one act only, is found by what looks for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_shows_late_or_seldom_is_found_out() {
    for (fault, what) in [
        (Fault::ComesBackLater, "was ended"),
        (Fault::Stranger, "is listed, and nobody began it"),
        (Fault::LeavesTheReplaced, "was ended, and"),
    ] {
        let store: Arc<dyn SessionStore> = Arc::new(Wrong::new(fault));
        let nodes = vec![Arc::clone(&store), store];
        let report = torture(nodes, Options { time: PATIENCE, ..Options::default() }).await;
        let found = report.violations.iter().any(|violation| violation.contains(what));
        assert!(found, "{fault:?} was not found: {report}");
    }
}

/// A violation that cannot be repeated can hardly be understood.
#[tokio::test]
async fn a_seed_repeats_what_one_task_did() {
    let run = async |seed| {
        let store: Arc<dyn SessionStore> = Arc::new(MemorySessions::new(100_000));
        let nodes = vec![Arc::clone(&store), store];
        let (tasks, operations, accounts) = (1, 100, 2);
        let options = Options { seed, tasks, operations, accounts, time: Duration::ZERO, rounds: 60 };
        let report = torture(nodes, options).await;
        assert_eq!(report.verdict(), Ok(()), "{report}");
        report
    };
    let (first, second, other) = (run(7).await, run(7).await, run(8).await);
    assert!(first.done.get("ends by a limit").is_some_and(|count| *count > 0), "{first}");
    assert_eq!((&first.done, first.history), (&second.done, second.history));
    assert_ne!(first.history, other.history);
}

fn tool(arguments: &[&str]) -> std::process::Command {
    let mut tool = std::process::Command::new(env!("CARGO_BIN_EXE_session-torture"));
    tool.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    tool
}

#[test]
fn the_tool_prints_its_seed_and_ends_well_on_a_good_store() {
    let output =
        tool(&["--store", "memory", "--seconds", "1", "--seed", "7", "--tasks", "1"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.starts_with("seed 7\n") && said.contains(" rounds, history "), "{said}");

    let output = tool(&["--store", "memory", "--seconds", "1"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let (seed, _) = said.strip_prefix("seed ").unwrap().split_once('\n').unwrap();
    assert!(seed.parse::<u64>().is_ok_and(|seed| seed > 0), "{said}");
}

/// Somebody deletes the sessions of a database while the tool works on it: that is a store that loses them.
#[tokio::test]
async fn the_tool_ends_with_one_where_sessions_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("torture.db").display());
    let stores = nodes(&url).await;
    let mut running = tool(&["--store", &url, "--seconds", "60"]).spawn().unwrap();
    let mut purged = 0;
    while running.try_wait().unwrap().is_none() {
        // Past every deadline, says who asks.
        purged += stores[0].purge(UnixTime::MAX, 1_000).await.unwrap();
    }
    let output = running.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(purged > 0);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("VIOLATION: ") && said.contains("promises were broken"), "{said}");
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
