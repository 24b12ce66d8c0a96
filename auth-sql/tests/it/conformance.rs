//! The suites of every storage trait, each check on a file of its own.

use auth_core::conformance::{self, Race, Tasks};

use crate::support::Folder;

fn race() -> impl Race {
    Tasks::new(tokio::spawn)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_conform() {
    let folder = Folder::new();
    let fresh = || async { folder.fresh().await.sessions() };
    conformance::session_store(fresh, &race()).await.assert_passed();
}
