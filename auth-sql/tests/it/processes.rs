//! Two processes, as the operating system sees them: locks of files are each process's own.

use std::process::{Command, Stdio};

use auth_core::{Claim, CounterKey, CounterStore, Realm, TokenStore, Window};
use auth_sql::{Sqlite, SqliteOptions};

use crate::support::{Folder, NOW, PURPOSE, after, token};

const FILE: &str = "AUTH_SQL_TEST_FILE";
const ROUNDS: u8 = 100;

fn counter() -> (CounterKey, Window) {
    (CounterKey::new(&Realm::LOCAL, PURPOSE, &[]), Window::new(std::time::Duration::from_secs(60)))
}

/// What each process does. It runs in a process of its own, which the test below starts; by itself, it does nothing.
#[tokio::test]
async fn one_of_them() {
    let Ok(file) = std::env::var(FILE) else { return };
    let database = Sqlite::open(file, SqliteOptions::default()).await.unwrap();
    let (key, window) = counter();
    let mut first = 0;
    for round in 0..ROUNDS {
        database.counters().add(&key, 1, window, NOW).await.unwrap();
        let claim = database.tokens().claim(&token(&[round], "any").key, after(100), NOW).await.unwrap();
        first += u32::from(claim == Claim::First);
    }
    println!("first: {first}.");
}

#[tokio::test]
async fn two_processes_lose_no_count_and_share_no_claim() {
    let folder = Folder::new();
    let database = folder.open().await;
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "processes::one_of_them", "--nocapture"]).env(FILE, folder.file());
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let both = [start(), start()];
    let mut first = 0;
    for process in both {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let (_, after) = printed.split_once("first: ").unwrap();
        first += after.split_once('.').unwrap().0.parse::<u32>().unwrap();
    }
    assert_eq!(first, u32::from(ROUNDS));
    let (key, window) = counter();
    assert_eq!(database.counters().add(&key, 0, window, NOW).await.unwrap().value, 2 * u64::from(ROUNDS));
}
