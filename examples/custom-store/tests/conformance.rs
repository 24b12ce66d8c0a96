//! The suite that every session store of the toolkit passes, by one macro.
#![allow(missing_docs, clippy::unwrap_used, reason = "test code")]

use auth_core::{
    Inserted, SecretHash, SecretState, SessionBlob, SessionId, SessionKind, SessionRecord, SessionStore,
    SystemEntropy, UnixTime, Version,
};
use example_custom_store::RedbSessions;

/// A fresh, empty store for each check. The file goes with the store: its name is gone already.
async fn fresh() -> RedbSessions {
    let folder = tempfile::tempdir().unwrap();
    RedbSessions::open(folder.path().join("sessions.redb")).unwrap()
}

auth_core::session_store_conformance!(fresh, rounds: 20);

/// What the suite does not see: that sessions are still there when the program starts again.
#[tokio::test]
async fn sessions_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.redb");
    let (now, later) = (UnixTime::from_secs(1_000), UnixTime::from_secs(2_000));
    let record = SessionRecord {
        id: SessionId::anonymous(&SystemEntropy).unwrap(),
        kind: SessionKind::Cookie,
        authentication: None,
        terms: None,
        secret: SecretState::first(SecretHash::of(b"secret"), now),
        version: Version::FIRST,
        created_at: now,
        last_used_at: now,
        idle_until: later,
        absolute_until: later,
        data: SessionBlob::empty().with_slot("cart", 1, b"[1]").unwrap(),
    };
    let store = RedbSessions::open(&file).unwrap();
    assert_eq!(store.insert(&record, None, now).await.unwrap(), Inserted::Stored { ended: 0 });
    drop(store);
    let store = RedbSessions::open(&file).unwrap();
    assert_eq!(store.load(&record.id, now).await.unwrap(), Some(record));
}
