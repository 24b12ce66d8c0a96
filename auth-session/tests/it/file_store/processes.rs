//! Two real processes on one folder: this program, started again.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use auth_core::{
    Inserted, Page, SessionId, SessionLimit, SessionStore, Updated, WhenReached, testing::block_on,
};

use super::{NOW, blob, insert, load, number_in, open, owner, place, session};

/// What a process that was started by a test works on.
const FOLDER: &str = "AUTH_FILE_STORE_FOLDER";
const ARGUMENT: &str = "AUTH_FILE_STORE_ARGUMENT";

/// Starts this program again, for one test only, which will find what it is told by [`told`].
pub(super) fn start(test: &str, folder: &Path, argument: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ARGUMENT, argument)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What [`start`] said, in the process that it started.
pub(super) fn told() -> Option<(PathBuf, String)> {
    Some((env::var_os(FOLDER)?.into(), env::var(ARGUMENT).unwrap()))
}

const ROUNDS: u64 = 150;

fn work(folder: &Path, id: &SessionId) {
    let store = open(folder);
    let limit = SessionLimit { max: 3, when_reached: WhenReached::EndOldest };
    for _ in 0..ROUNDS {
        // No update is lost, or the number is too small in the end.
        loop {
            let record = load(&store, id).unwrap();
            let next = blob(number_in(&record.data) + 1);
            match block_on(store.update(id, record.version, &next)).unwrap() {
                Updated::Updated => break,
                Updated::Conflict => {}
                Updated::Gone => panic!("nobody ended it"),
            }
        }
        let login = session(&owner("bob"), 0);
        let inserted = block_on(store.insert(&login, Some(&limit), NOW)).unwrap();
        assert!(matches!(inserted, Inserted::Stored { ended: 0 | 1 }), "{inserted:?}");
        let listed = block_on(store.list(&owner("bob"), Page::first(), NOW)).unwrap();
        assert!((1..=3).contains(&listed.len()), "{}", listed.len());
    }
}

#[test]
fn two_processes_on_one_folder_lose_no_update_and_keep_to_a_limit() {
    if let Some((folder, id)) = told() {
        return work(&folder, &SessionId::parse(id.as_bytes()).unwrap());
    }
    let (_above, folder) = place();
    let store = open(&folder);
    let record = session(&owner("ann"), 0);
    insert(&store, &record);
    let name = "file_store::processes::two_processes_on_one_folder_lose_no_update_and_keep_to_a_limit";
    let children = [(); 2].map(|()| start(name, &folder, &record.id.to_string()));
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let found = load(&store, &record.id).unwrap();
    assert_eq!(number_in(&found.data), 2 * ROUNDS);
    assert_eq!(found.version.get(), 1 + 2 * ROUNDS);
    assert_eq!(block_on(store.list(&owner("bob"), Page::first(), NOW)).unwrap().len(), 3);
}
