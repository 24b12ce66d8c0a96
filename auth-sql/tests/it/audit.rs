//! The audit log in SQLite.

use std::{sync::Arc, time::Duration};

use auth_core::{
    AuditEvent, AuditSink, ChainError, ChainFaultKind, ChainHead, KeyName, KeyRing, Method, Page,
    PrincipalId, Secret, StoreError, UnixTime,
};
use auth_sql::{AuditQuery, SqlAudit, Sqlite, SqliteAudit, SqliteOptions};

use crate::support::{Folder, NOW, after, ann};

fn ring(seed: u8) -> Arc<KeyRing> {
    let secret = Secret::new((seed..).take(32).collect());
    Arc::new(KeyRing::new(KeyName::from_static("k"), secret).unwrap())
}

fn login(principal: &PrincipalId) -> AuditEvent {
    AuditEvent::LoggedIn { principal: principal.clone(), methods: vec![Method::PASSWORD], source: None }
}

async fn all(log: &SqliteAudit) -> Vec<auth_sql::AuditRecord> {
    log.list(&AuditQuery::all(), Page::first()).await.unwrap()
}

/// So many entries about Ann, one a second.
async fn fill(log: &SqliteAudit, entries: u64) {
    for n in 0..entries {
        log.append(after(n), &[login(&ann())]).await.unwrap();
    }
}

#[tokio::test]
async fn events_are_found_by_principal_and_time_latest_first() {
    let folder = Folder::new();
    let log = folder.open().await.audit();
    let bob = PrincipalId::local_user("bob").unwrap();
    for n in 0..10 {
        log.append(after(n), &[login(&ann()), login(&bob), AuditEvent::PeerUnknown]).await.unwrap();
    }
    assert_eq!(log.list(&AuditQuery::all(), Page::first()).await.unwrap().len(), 30);
    let found = log.list(&AuditQuery::of(bob.clone()), Page::first()).await.unwrap();
    assert_eq!(found.len(), 10);
    assert!(found.iter().all(|record| record.principal.as_ref() == Some(&bob) && record.name == "login"));
    assert!(found.windows(2).all(|pair| pair[0].at > pair[1].at && pair[0].entry > pair[1].entry));
    assert_eq!(found[0].json, login(&bob).to_json(after(9)));
    let some = AuditQuery::of(ann()).since(after(3)).until(after(6));
    let at: Vec<UnixTime> =
        log.list(&some, Page::first()).await.unwrap().iter().map(|record| record.at).collect();
    assert_eq!(at, [after(5), after(4), after(3)]);
    let nobody = log.list(&AuditQuery::all().until(after(1)), Page::first()).await.unwrap();
    assert_eq!(nobody.iter().filter(|record| record.principal.is_none()).count(), 1);
}

/// Nothing that a request does waits for the database, whatever that does; and what is lost is told.
#[tokio::test]
async fn a_full_queue_drops_counts_and_tells() {
    let folder = Folder::new();
    let log = folder.open().await.audit();
    let (audit, writer) = log.sink();
    // Nobody writes yet.
    for n in 0..SqlAudit::QUEUE as u64 + 100 {
        audit.record(after(n), &login(&ann()));
    }
    assert_eq!(audit.dropped(), 100);
    let writing = tokio::spawn(writer.run());
    audit.flush().await.unwrap();
    assert_eq!(audit.dropped(), 0);
    let told = log.list(&AuditQuery::all(), Page::first()).await.unwrap();
    audit.record(after(9_999), &login(&ann()));
    drop(audit);
    assert_eq!(writing.await.unwrap(), 0);
    assert_eq!(log.head().await.unwrap().entry, SqlAudit::QUEUE as u64 + 2);
    let dropped: Vec<_> = told.iter().filter(|record| record.name == "audit.dropped").collect();
    assert!(dropped.len() <= 1);
    let mut stranger = folder.stranger().await;
    let said: String = sqlx::query_scalar("SELECT content FROM auth_audit WHERE name = 'audit.dropped'")
        .fetch_one(&mut stranger)
        .await
        .unwrap();
    assert_eq!(said, AuditEvent::EventsDropped { count: 100 }.to_json(NOW));
}

/// While somebody keeps the database locked, events wait; afterwards all of them are there, in their order.
#[tokio::test]
async fn a_locked_database_costs_no_event() {
    let folder = Folder::new();
    let options = SqliteOptions::default().timeout(Duration::from_millis(500));
    let log = Sqlite::open(folder.file(), options).await.unwrap().audit().with_chain(ring(1));
    let (audit, writer) = log.sink();
    let writing = tokio::spawn(writer.run());
    let mut stranger = folder.stranger().await;
    let held = sqlx::Connection::begin_with(&mut stranger, "BEGIN IMMEDIATE").await.unwrap();
    for n in 0..500 {
        audit.record(after(n), &login(&ann()));
    }
    let waited = tokio::time::timeout(Duration::from_millis(1_500), audit.flush()).await;
    assert!(!matches!(waited, Ok(Ok(()))), "nothing can be written");
    assert_eq!(log.head().await.unwrap(), ChainHead::START);
    held.rollback().await.unwrap();
    while audit.flush().await.is_err() {}
    drop(audit);
    assert_eq!(writing.await.unwrap(), 0);
    let extent = log.verify(&ring(1), None).await.unwrap();
    assert_eq!((extent.first, extent.head.entry), (1, 500));
    let newest = all(&log).await;
    assert!(newest.windows(2).all(|pair| pair[0].at > pair[1].at));
}

/// When a program ends while the database is away, the writer does not keep it from ending.
#[tokio::test]
async fn a_database_that_is_gone_does_not_keep_the_program() {
    let folder = Folder::new();
    let database = folder.open().await;
    let (audit, writer) = database.audit().sink();
    database.close().await;
    // The pauses between its tries are over at once.
    tokio::time::pause();
    for _ in 0..10 {
        audit.record(NOW, &login(&ann()));
    }
    drop(audit);
    assert_eq!(writer.run().await, 10);
    let (audit, writer) = database.audit().sink();
    drop(writer);
    audit.record(NOW, &login(&ann()));
    assert_eq!(audit.dropped(), 1);
    assert!(audit.flush().await.is_err());
}

#[tokio::test]
async fn what_is_done_to_rows_is_told_with_its_place() {
    use ChainFaultKind::{Changed, Missing, Truncated, Unreadable};
    let missing = Missing { from: 3, to: 4 };
    let cases: [(&'static str, Vec<ChainFaultKind>); 13] = [
        ("UPDATE auth_audit SET content = replace(content, 'ann', 'bob') WHERE entry = 3", vec![Changed]),
        // Whoever looks for Ann would not see it.
        ("UPDATE auth_audit SET principal_id = 'bob' WHERE entry = 3", vec![Changed]),
        ("UPDATE auth_audit SET realm = NULL WHERE entry = 3", vec![Changed]),
        ("UPDATE auth_audit SET happened_at = 1 WHERE entry = 3", vec![Changed]),
        ("UPDATE auth_audit SET name = 'throttled' WHERE entry = 3", vec![Changed]),
        ("UPDATE auth_audit SET hash = zeroblob(32) WHERE entry = 3", vec![Changed]),
        ("UPDATE auth_audit SET hash = x'00' WHERE entry = 3", vec![Changed]),
        ("UPDATE auth_audit SET hash = NULL WHERE entry = 3", vec![Unreadable]),
        ("DELETE FROM auth_audit WHERE entry IN (3, 4)", vec![missing]),
        // Exchanged.
        (
            "UPDATE auth_audit SET entry = 99 WHERE entry = 3; UPDATE auth_audit SET entry = 3 WHERE entry = 4; \
            UPDATE auth_audit SET entry = 4 WHERE entry = 99",
            vec![Changed, Changed],
        ),
        // Added.
        (
            "INSERT INTO auth_audit SELECT 11, happened_at, name, realm, principal_kind, principal_id, content, \
            previous, hash FROM auth_audit WHERE entry = 10",
            vec![Changed],
        ),
        ("DELETE FROM auth_audit WHERE entry > 7", vec![Truncated { from: 8, to: 10 }]),
        // Set back whole: only who knows an entry can tell.
        (
            "DELETE FROM auth_audit WHERE entry > 7; UPDATE auth_audit_head SET entry = 7, \
            hash = (SELECT hash FROM auth_audit WHERE entry = 7)",
            vec![Truncated { from: 8, to: 10 }],
        ),
    ];
    for (how, faults) in cases {
        let folder = Folder::new();
        let log = folder.open().await.audit().with_chain(ring(1));
        fill(&log, 10).await;
        let end = log.head().await.unwrap();
        assert_eq!(log.verify(&ring(1), Some(end)).await.unwrap().head, end);
        folder.run(how).await;
        let Err(ChainError::Broken(broken)) = log.verify(&ring(1), Some(end)).await else { panic!("{how}") };
        assert_eq!(broken.faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), faults, "{how}");
    }
}

/// Processes of one service share the log, and their entries one chain.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_once_make_one_chain() {
    let folder = Folder::new();
    folder.open().await;
    let mut writing = Vec::new();
    for _ in 0..4 {
        let log = folder.open().await.audit().with_chain(ring(1));
        writing.push(tokio::spawn(async move {
            for n in 0..10 {
                log.append(after(n), &vec![login(&ann()); 40]).await.unwrap();
            }
        }));
    }
    for done in writing {
        done.await.unwrap();
    }
    let log = folder.open().await.audit();
    assert_eq!(log.verify(&ring(1), None).await.unwrap().head.entry, 1_600);
    assert!(log.verify(&ring(2), None).await.is_err(), "whoever has no key does not make it whole");
}

/// What is old goes, and what stays is whole.
#[tokio::test]
async fn purging_leaves_a_chain() {
    let folder = Folder::new();
    let log = folder.open().await.audit().with_chain(ring(1));
    fill(&log, 20).await;
    // One whose clock was behind, in the middle.
    log.append(after(0), &[login(&ann())]).await.unwrap();
    fill(&log, 5).await;
    assert_eq!(log.purge(after(10), 4).await.unwrap(), 4);
    assert_eq!(log.purge(after(10), 100).await.unwrap(), 6);
    assert_eq!(log.purge(after(10), 100).await.unwrap(), 0);
    let extent = log.verify(&ring(1), None).await.unwrap();
    assert_eq!((extent.first, extent.head.entry), (11, 26));
    assert_eq!(log.purge(UnixTime::MAX, 1_000).await.unwrap(), 16);
    fill(&log, 1).await;
    assert_eq!(log.verify(&ring(1), None).await.unwrap().first, 27);
}

/// A statement of many rows has to fit into what a server accepts.
#[tokio::test]
async fn an_event_that_says_too_much_is_refused() {
    let folder = Folder::new();
    let log = folder.open().await.audit();
    let version = auth_core::PolicyVersion::new(1);
    let event = AuditEvent::PolicyChanged { by: ann(), change: "x".repeat(1 << 20), version };
    assert!(matches!(log.append(NOW, std::slice::from_ref(&event)).await, Err(StoreError::Full)));
    let (audit, _writer) = log.sink();
    audit.record(NOW, &event);
    assert_eq!(audit.dropped(), 1);
}
