//! The suite that every session store of the toolkit passes, by one macro.
#![allow(missing_docs, clippy::unwrap_used, reason = "test code")]

use std::{path::Path, sync::Arc};

use auth_core::{
    AuthEpoch, Authentication, EndAll, Inserted, KeyName, KeyRing, Method, Page, PrincipalId, Secret,
    SecretHash, SecretState, SessionBlob, SessionId, SessionKind, SessionLimit, SessionOwner, SessionRecord,
    SessionStore, StoreError, SystemEntropy, TransactionalSessions, UnixTime, Version, WhenReached,
};
use example_custom_store::{Redb, open};
use redb::{Database, TableDefinition};

/// A fresh, empty store for each check. The file goes with the store: its name is gone already.
async fn fresh() -> TransactionalSessions<Redb> {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path().join("sessions.redb")).unwrap()
}

auth_core::session_store_conformance!(fresh, rounds: 20);

const NOW: UnixTime = UnixTime::from_secs(1_000);
const LATER: UnixTime = UnixTime::from_secs(2_000);

fn session(id: SessionId, principal: Option<&PrincipalId>) -> SessionRecord {
    let login = |of: &PrincipalId| Authentication::new(of.clone(), Method::PASSWORD, NOW, AuthEpoch::ZERO);
    SessionRecord {
        id,
        kind: SessionKind::Cookie,
        authentication: principal.map(login).map(Arc::new),
        terms: None,
        secret: SecretState::first(SecretHash::of(b"secret"), NOW),
        version: Version::FIRST,
        created_at: NOW,
        last_used_at: NOW,
        idle_until: LATER,
        absolute_until: LATER,
        data: SessionBlob::empty().with_slot("cart", 1, b"[1]").unwrap(),
    }
}

/// What the suite does not see: that sessions are still there when the program starts again.
#[tokio::test]
async fn sessions_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.redb");
    let record = session(SessionId::anonymous(&SystemEntropy).unwrap(), None);
    let store = open(&file).unwrap();
    assert_eq!(store.insert(&record, None, NOW).await.unwrap(), Inserted::Stored { ended: 0 });
    drop(store);
    let store = open(&file).unwrap();
    assert_eq!(store.load(&record.id, NOW).await.unwrap(), Some(record));
}

/// Nor that one damaged row harms no other, and that ending everything of its owner ends it too: what this program
/// cannot read, a newer version of it may.
#[tokio::test]
async fn a_damaged_row_opens_nothing_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.redb");
    let ann = PrincipalId::local_user("ann").unwrap();
    let keys = KeyRing::new(KeyName::from_static("a"), Secret::new((7..).take(32).collect())).unwrap();
    let owner = SessionOwner::new(ann.clone(), &keys);
    let new = || session(SessionId::for_owner(&owner, &SystemEntropy).unwrap(), Some(&ann));
    let (damaged, whole, late) = (new(), new(), new());
    let store = open(&file).unwrap();
    assert_eq!(store.insert(&damaged, None, NOW).await.unwrap(), Inserted::Stored { ended: 0 });
    drop(store);
    damage(&file, &damaged.id);

    let store = open(&file).unwrap();
    assert!(matches!(store.load(&damaged.id, NOW).await, Err(StoreError::Corrupt(_))));
    let limit = SessionLimit { max: 2, when_reached: WhenReached::Refuse };
    assert_eq!(store.insert(&whole, Some(&limit), NOW).await.unwrap(), Inserted::Stored { ended: 0 });
    assert_eq!(store.list(&owner, Page::first(), NOW).await.unwrap(), [whole.summary()]);
    assert_eq!(store.purge(NOW, 10).await.unwrap(), 0);
    let all = EndAll { owner: &owner, except: None, epoch: AuthEpoch::new(1) };
    assert_eq!(store.end_all(all, NOW).await.unwrap(), 1);
    assert_eq!(store.load(&whole.id, NOW).await.unwrap(), None);
    assert_eq!(store.load(&damaged.id, NOW).await.unwrap(), None);
    assert_eq!(store.insert(&late, None, NOW).await.unwrap(), Inserted::Outdated);
}

fn damage(file: &Path, id: &SessionId) {
    let database = Database::open(file).unwrap();
    let transaction = database.begin_write().unwrap();
    let sessions = TableDefinition::<&[u8; 24], &[u8]>::new("sessions");
    transaction.open_table(sessions).unwrap().insert(id.as_bytes(), &b"{}"[..]).unwrap();
    transaction.commit().unwrap();
}
