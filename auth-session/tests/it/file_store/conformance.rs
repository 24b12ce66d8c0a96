//! The suite of session stores, each check in a folder of its own.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use auth_core::{
    conformance::{self, Tasks, Threads},
    testing::block_on,
};
use auth_session::{FileDurability, FileSessions};
use tempfile::TempDir;

use super::options;

struct Folders {
    above: TempDir,
    count: AtomicU64,
    durability: FileDurability,
}

impl Folders {
    fn new(durability: FileDurability) -> Self {
        Self { above: tempfile::tempdir().unwrap(), count: AtomicU64::new(0), durability }
    }

    async fn fresh(&self) -> FileSessions {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let folder: PathBuf = self.above.path().join(number.to_string());
        FileSessions::open(folder, options(self.durability)).unwrap()
    }
}

#[test]
fn files_conform_among_threads() {
    let folders = Folders::new(FileDurability::ProcessCrash);
    let race = Threads::new().with_rounds(100);
    block_on(conformance::session_store(|| folders.fresh(), &race)).assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_conform_among_tasks() {
    let folders = Folders::new(FileDurability::ProcessCrash);
    conformance::session_store(|| folders.fresh(), &Tasks::new(tokio::spawn)).await.assert_passed();
}

/// As they are by default: each write waits for the disk, which makes other races likely.
#[test]
fn files_that_are_made_to_last_conform() {
    let folders = Folders::new(FileDurability::PowerLoss);
    let race = Threads::new().with_rounds(5);
    block_on(conformance::session_store(|| folders.fresh(), &race)).assert_passed();
}
