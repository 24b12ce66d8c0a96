//! Sessions as files.

mod conformance;
#[cfg(target_os = "linux")]
mod disk;
mod folder;
mod killed;
mod processes;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use auth_core::{
    AuthEpoch, Authentication, Inserted, KeyName, KeyRing, Method, Secret, SecretHash, SecretState,
    SessionBlob, SessionId, SessionKind, SessionOwner, SessionRecord, SessionStore, SystemEntropy, UnixTime,
    Version, testing::block_on,
};
use auth_session::{FileDurability, FileOptions, FileSessions};
use tempfile::TempDir;

use crate::support::user;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn after(secs: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(secs))
}

/// A place for a store, which does not exist yet.
fn place() -> (TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("sessions");
    (above, folder)
}

fn options(durability: FileDurability) -> FileOptions {
    FileOptions { durability, ..FileOptions::default() }
}

fn open(folder: &Path) -> FileSessions {
    FileSessions::open(folder, options(FileDurability::ProcessCrash)).unwrap()
}

fn owner(name: &str) -> SessionOwner {
    let keys = KeyRing::new(KeyName::from_static("k"), Secret::new((1..=32).collect())).unwrap();
    SessionOwner::new(user(name), &keys)
}

fn session(owner: &SessionOwner, epoch: u64) -> SessionRecord {
    let login = Authentication::new(owner.principal().clone(), Method::PASSWORD, NOW, AuthEpoch::new(epoch));
    SessionRecord {
        id: SessionId::for_owner(owner, &SystemEntropy).unwrap(),
        kind: SessionKind::Cookie,
        authentication: Some(Arc::new(login)),
        terms: None,
        secret: SecretState::first(SecretHash::of(b"secret"), NOW),
        version: Version::FIRST,
        created_at: NOW,
        last_used_at: NOW,
        idle_until: after(7 * 24 * 3_600),
        absolute_until: after(30 * 24 * 3_600),
        data: SessionBlob::empty(),
    }
}

fn blob(number: u64) -> SessionBlob {
    SessionBlob::empty().with_slot("number", 1, &number.to_be_bytes()).unwrap()
}

fn number_in(blob: &SessionBlob) -> u64 {
    blob.slot("number").map_or(0, |slot| u64::from_be_bytes(slot.bytes.try_into().unwrap()))
}

fn insert(store: &FileSessions, record: &SessionRecord) {
    assert_eq!(block_on(store.insert(record, None, NOW)).unwrap(), Inserted::Stored { ended: 0 });
}

fn load(store: &FileSessions, id: &SessionId) -> Option<SessionRecord> {
    block_on(store.load(id, NOW)).unwrap()
}

/// The file of a session.
fn file_of(folder: &Path, id: &SessionId) -> PathBuf {
    let hex: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    folder.join(&hex[1..2]).join(format!("s{hex}"))
}
