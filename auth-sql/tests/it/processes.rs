//! Two processes, as the operating system sees them: locks of files are each process's own.

use std::process::{Child, Command, Stdio};

use auth_core::{
    AuthEpoch, Claim, CounterKey, CounterStore, EndAll, Inserted, Realm, Rotated, SecretHash, SessionBlob,
    SessionId, SessionRecord, SessionStore, TokenStore, Updated, Window,
};
use auth_sql::{Sqlite, SqliteOptions};

use crate::support::{Folder, NOW, PURPOSE, after, ann, owner, session, token};

const FILE: &str = "AUTH_SQL_TEST_FILE";
const ROLE: &str = "AUTH_SQL_TEST_ROLE";
const ROUNDS: u8 = 100;

/// Starts this program again, for one test only, on the database of a folder.
fn start(test: &str, folder: &Folder, role: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(FILE, folder.file()).env(ROLE, role);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// What [`start`] said, in the process that it started.
fn told() -> Option<(String, String)> {
    Some((std::env::var(FILE).ok()?, std::env::var(ROLE).unwrap()))
}

/// The number that a process printed behind `first:`.
fn first_of(process: Child) -> u32 {
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let (_, after) = printed.split_once("first: ").unwrap();
    after.split_once('.').unwrap().0.parse().unwrap()
}

fn counter() -> (CounterKey, Window) {
    (CounterKey::new(&Realm::LOCAL, PURPOSE, &[]), Window::new(std::time::Duration::from_secs(60)))
}

/// What each process does. It runs in a process of its own, which the test below starts; by itself, it does nothing.
#[tokio::test]
async fn one_of_them() {
    let Some((file, _)) = told() else { return };
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
    let both = [(); 2].map(|()| start("processes::one_of_them", &folder, ""));
    let first: u32 = both.into_iter().map(first_of).sum();
    assert_eq!(first, u32::from(ROUNDS));
    let (key, window) = counter();
    assert_eq!(database.counters().add(&key, 0, window, NOW).await.unwrap().value, 2 * u64::from(ROUNDS));
}

/// The session of a round, which both processes know.
fn session_of(round: u8) -> SessionRecord {
    SessionRecord { id: SessionId::from_bytes([round; 24]), ..session(&ann(), 0) }
}

/// The one that both write to.
fn shared() -> SessionRecord {
    session_of(u8::MAX)
}

fn number(n: u64) -> SessionBlob {
    SessionBlob::empty().with_slot("n", 1, &n.to_be_bytes()).unwrap()
}

fn number_in(data: &SessionBlob) -> u64 {
    data.slot("n").map_or(0, |slot| u64::from_be_bytes(slot.bytes.try_into().unwrap()))
}

/// Returns when both processes have come to this round.
async fn meet(database: &Sqlite, round: u8) {
    let (_, window) = counter();
    let key = CounterKey::new(&Realm::LOCAL, PURPOSE, &[b"round", &[round]]);
    let mut there = database.counters().add(&key, 1, window, NOW).await.unwrap().value;
    while there < 2 {
        tokio::task::yield_now().await;
        there = database.counters().add(&key, 0, window, NOW).await.unwrap().value;
    }
}

/// What each of two processes does with sessions: both rotate one at the same time, and both add to another.
#[tokio::test]
async fn one_of_them_with_sessions() {
    let Some((file, role)) = told() else { return };
    let database = Sqlite::open(file, SqliteOptions::default()).await.unwrap();
    let sessions = database.sessions();
    let mut first = 0;
    for round in 0..ROUNDS {
        let record = session_of(round);
        let next = record.secret.rotated(SecretHash::of(role.as_bytes()), NOW);
        meet(&database, round).await;
        match sessions.rotate(&record.id, record.version, &next).await.unwrap() {
            Rotated::Rotated => first += 1,
            Rotated::Conflict => {}
            Rotated::Gone => panic!("nobody ended it"),
        }
        // The secret is the winner's, and stays it.
        let found = sessions.load(&record.id, NOW).await.unwrap().unwrap();
        assert!([SecretHash::of(b"0"), SecretHash::of(b"1")].contains(&found.secret.current));
        assert_eq!(found.version, record.version.next());
        loop {
            let before = sessions.load(&shared().id, NOW).await.unwrap().unwrap();
            let more = number(number_in(&before.data) + 1);
            match sessions.update(&before.id, before.version, &more).await.unwrap() {
                Updated::Updated => break,
                Updated::Conflict => {}
                Updated::Gone => panic!("nobody ended it"),
            }
        }
    }
    println!("first: {first}.");
}

#[tokio::test]
async fn of_two_processes_one_rotates_a_session_and_no_update_is_lost() {
    let folder = Folder::new();
    let sessions = folder.open().await.sessions();
    for record in (0..ROUNDS).map(session_of).chain([shared()]) {
        assert_eq!(sessions.insert(&record, None, NOW).await.unwrap(), Inserted::Stored { ended: 0 });
    }
    let both = ["0", "1"].map(|role| start("processes::one_of_them_with_sessions", &folder, role));
    let first: u32 = both.into_iter().map(first_of).sum();
    assert_eq!(first, u32::from(ROUNDS));
    let found = sessions.load(&shared().id, NOW).await.unwrap().unwrap();
    assert_eq!(number_in(&found.data), 2 * u64::from(ROUNDS));
    assert_eq!(found.version.get(), 1 + 2 * u64::from(ROUNDS));
}

/// The process in which the password is changed, while another one serves requests.
#[tokio::test]
async fn one_that_ends_all() {
    let Some((file, _)) = told() else { return };
    let sessions = Sqlite::open(file, SqliteOptions::default()).await.unwrap().sessions();
    let (ann, kept) = (owner(ann()), shared().id);
    let what = EndAll { owner: &ann, except: Some(&kept), epoch: AuthEpoch::new(1) };
    println!("first: {}.", sessions.end_all(what, NOW).await.unwrap());
}

/// What one process ends is over for another that has it in hand, at once and for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_ends_is_brought_back_by_none() {
    let folder = Folder::new();
    let sessions = folder.open().await.sessions();
    let records: Vec<_> = (0..8).map(session_of).collect();
    for record in records.iter().chain([&shared()]) {
        assert_eq!(sessions.insert(record, None, NOW).await.unwrap(), Inserted::Stored { ended: 0 });
    }
    // Requests of this process, which write until they are told that the session is gone.
    let requests: Vec<_> = records
        .iter()
        .map(|record| {
            let (sessions, id) = (sessions.clone(), record.id);
            tokio::spawn(async move {
                let mut written = 0_u64;
                while let Some(found) = sessions.load(&id, NOW).await.unwrap() {
                    let next = found.secret.rotated(SecretHash::of(&written.to_be_bytes()), NOW);
                    let updated = sessions.update(&id, found.version, &number(written)).await.unwrap();
                    let rotated = sessions.rotate(&id, found.version.next(), &next).await.unwrap();
                    assert_ne!((updated, rotated), (Updated::Gone, Rotated::Rotated));
                    sessions.touch(&id, after(200), NOW).await.unwrap();
                    written += 1;
                }
                written
            })
        })
        .collect();
    while sessions.load(&records[0].id, NOW).await.unwrap().is_some_and(|found| found.version.get() < 4) {
        tokio::task::yield_now().await;
    }
    let other = start("processes::one_that_ends_all", &folder, "");
    let ended = tokio::task::spawn_blocking(move || first_of(other)).await.unwrap();
    assert_eq!(ended, 8);

    for (record, request) in records.iter().zip(requests) {
        assert!(sessions.load(&record.id, NOW).await.unwrap().is_none());
        assert!(!sessions.touch(&record.id, after(200), NOW).await.unwrap());
        request.await.unwrap();
        assert!(sessions.load(&record.id, NOW).await.unwrap().is_none(), "a request brought it back");
    }
    let kept = sessions.load(&shared().id, NOW).await.unwrap().unwrap();
    assert_eq!(kept.epoch(), AuthEpoch::new(1));
    let late = session(&ann(), 0);
    assert_eq!(sessions.insert(&late, None, NOW).await.unwrap(), Inserted::Outdated);
}
