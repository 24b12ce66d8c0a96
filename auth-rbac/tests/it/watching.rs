//! Policy files that are seen to change.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use auth_core::{PolicyVersion, testing::block_on};
use auth_rbac::{LivePolicy, PolicyFile, PolicyReloader, PolicyWatch, Reloaded, document::PolicyDocument};
use tempfile::TempDir;

/// Waits for the operating system, and for a bounded time.
fn woken(mut watch: PolicyWatch) -> PolicyWatch {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        block_on(watch.changed());
        let _ = send.send(watch);
    });
    receive.recv_timeout(Duration::from_secs(60)).expect("the change is seen")
}

fn policy(version: u64) -> String {
    PolicyDocument::new(PolicyVersion::new(version)).to_toml().unwrap()
}

/// As careful programs and most editors save: all of it elsewhere, and then in the place of the old one.
fn rename_over(path: &Path, text: &str) {
    let beside = path.with_extension("tmp");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

struct Watching {
    _folder: TempDir,
    path: PathBuf,
    reloader: PolicyReloader,
    watch: Option<PolicyWatch>,
}

impl Watching {
    /// With a policy of version 1 in force.
    fn new(make: impl FnOnce(&Path) -> PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = make(folder.path());
        // Looks that follow each other at once: what is waited for is the operating system alone.
        let file = PolicyFile::toml(&path).settling(Duration::ZERO);
        let watch = PolicyWatch::new(&file).unwrap();
        let reloader = PolicyReloader::new(file, LivePolicy::without_policy());
        let mut watching = Self { _folder: folder, path, reloader, watch: Some(watch) };
        watching.takes(1);
        watching
    }

    fn wait(&mut self) {
        self.watch = self.watch.take().map(woken);
    }

    /// Looks until what the file says is in force: once more for each change that comes late.
    fn takes(&mut self, version: u64) {
        let version = PolicyVersion::new(version);
        for _ in 0..10 {
            if block_on(self.reloader.poll()).outcome.unwrap() == Reloaded::Replaced(version) {
                return;
            }
        }
        panic!("{:?} and not {version}", self.reloader.live());
    }
}

fn plain(folder: &Path) -> PathBuf {
    let path = folder.join("policy.toml");
    fs::write(&path, policy(1)).unwrap();
    path
}

#[test]
fn a_file_that_is_renamed_over_the_old_one_is_seen() {
    let mut watching = Watching::new(plain);
    for version in 2..5 {
        rename_over(&watching.path, &policy(version));
        watching.wait();
        watching.takes(version);
    }
}

#[test]
fn a_file_that_is_written_in_its_place_is_seen() {
    let mut watching = Watching::new(plain);
    fs::write(&watching.path, policy(2)).unwrap();
    watching.wait();
    watching.takes(2);
}

/// As version control does.
#[test]
fn a_file_that_is_removed_and_made_again_is_seen() {
    let mut watching = Watching::new(plain);
    fs::remove_file(&watching.path).unwrap();
    watching.wait();
    assert!(block_on(watching.reloader.poll()).outcome.is_err());
    fs::write(&watching.path, policy(2)).unwrap();
    watching.wait();
    watching.takes(2);
}

/// As Kubernetes mounts its configuration: what changes is a link beside the file.
#[cfg(unix)]
#[test]
fn a_file_behind_a_link_that_changes_is_seen() {
    use std::os::unix::fs::symlink;

    let release = |folder: &Path, version: u64| {
        let name = format!("release{version}");
        fs::create_dir(folder.join(&name)).unwrap();
        fs::write(folder.join(&name).join("policy.toml"), policy(version)).unwrap();
        symlink(&name, folder.join("next")).unwrap();
        fs::rename(folder.join("next"), folder.join("current")).unwrap();
    };
    let mut watching = Watching::new(|folder| {
        release(folder, 1);
        symlink("current/policy.toml", folder.join("policy.toml")).unwrap();
        folder.join("policy.toml")
    });
    release(watching.path.parent().unwrap(), 2);
    watching.wait();
    watching.takes(2);
}

/// Nothing would ever be seen there, and nobody would know.
#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("no/policy.toml"), PathBuf::from("/")] {
        assert!(PolicyWatch::new(&PolicyFile::toml(&path)).is_err(), "{path:?}");
    }
    PolicyWatch::new(&PolicyFile::toml(folder.path().join("not-yet.toml"))).unwrap();
}
