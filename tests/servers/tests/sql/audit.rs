//! The audit log on servers.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use auth_core::{
    AuditEvent, AuditSink, ChainError, ChainExtent, ChainFaultKind, ChainHead, KeyName, KeyRing, Method,
    Page, PrincipalId, Secret, StoreError, UnixTime,
};
use auth_sql::{
    AuditQuery, AuditRecord, MySql, MySqlAudit, MySqlOptions, Postgres, PostgresAudit, PostgresOptions,
    SqlAudit, SqlAuditWriter,
};

use crate::support::{MariaDbServer, NOW, PostgresServer, Server, TIMEOUT, after, ann, on_every_server};

on_every_server!(
    events_are_found_by_principal_and_time,
    writers_at_once_make_one_chain,
    what_is_done_to_rows_is_told,
    a_frozen_server_holds_nobody_up_and_costs_no_event,
    purging_leaves_a_chain,
);

/// The log, whichever server has it.
trait Log: Clone + Send + Sync + 'static {
    fn append(
        &self,
        at: UnixTime,
        events: &[AuditEvent],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
    async fn list(&self, query: &AuditQuery, page: Page) -> Vec<AuditRecord>;
    async fn verify(&self, known: Option<ChainHead>) -> Result<ChainExtent, Vec<ChainFaultKind>>;
    async fn head(&self) -> ChainHead;
    async fn purge(&self, before: UnixTime, limit: u32) -> u64;
    fn sink(&self) -> (SqlAudit, SqlAuditWriter);
}

macro_rules! log_of {
    ($($log:ty),*) => {$(
        impl Log for $log {
            async fn append(&self, at: UnixTime, events: &[AuditEvent]) -> Result<(), StoreError> {
                <$log>::append(self, at, events).await
            }

            async fn list(&self, query: &AuditQuery, page: Page) -> Vec<AuditRecord> {
                <$log>::list(self, query, page).await.unwrap()
            }

            async fn verify(&self, known: Option<ChainHead>) -> Result<ChainExtent, Vec<ChainFaultKind>> {
                <$log>::verify(self, &ring(), known).await.map_err(|error| match error {
                    ChainError::Broken(broken) => broken.faults.iter().map(|fault| fault.kind).collect(),
                    other => panic!("{other:?}"),
                })
            }

            async fn head(&self) -> ChainHead {
                <$log>::head(self).await.unwrap()
            }

            async fn purge(&self, before: UnixTime, limit: u32) -> u64 {
                <$log>::purge(self, before, limit).await.unwrap()
            }

            fn sink(&self) -> (SqlAudit, SqlAuditWriter) {
                <$log>::sink(self)
            }
        }
    )*};
}
log_of!(PostgresAudit, MySqlAudit);

trait Logs: Server {
    type Log: Log;
    async fn log(url: &str) -> Self::Log;
}

impl Logs for PostgresServer {
    type Log = PostgresAudit;

    async fn log(url: &str) -> PostgresAudit {
        let options = PostgresOptions::default().timeout(TIMEOUT);
        Postgres::open(url, options).await.unwrap().audit().with_chain(Arc::new(ring()))
    }
}

impl Logs for MariaDbServer {
    type Log = MySqlAudit;

    async fn log(url: &str) -> MySqlAudit {
        let options = MySqlOptions::default().timeout(TIMEOUT);
        MySql::open(url, options).await.unwrap().audit().with_chain(Arc::new(ring()))
    }
}

fn ring() -> KeyRing {
    KeyRing::new(KeyName::from_static("k"), Secret::new((1..).take(32).collect())).unwrap()
}

fn login(id: &str) -> AuditEvent {
    let principal = PrincipalId::local_user(id).unwrap();
    AuditEvent::LoggedIn { principal, methods: vec![Method::PASSWORD], source: None }
}

/// Ids that only differ in case, accents or a space at the end are others, whatever the collation of the server.
async fn events_are_found_by_principal_and_time<S: Logs>() {
    let server = S::shared();
    let log = S::log(&server.create().await).await;
    let ids = ["ann", "Ann", "\u{e4}nn", "ann ", "\u{1f980}"];
    for n in 0..5 {
        let events: Vec<_> = ids.iter().map(|id| login(id)).chain([AuditEvent::PeerUnknown]).collect();
        log.append(after(n), &events).await.unwrap();
    }
    for id in ids {
        let whose = PrincipalId::local_user(id).unwrap();
        let found =
            log.list(&AuditQuery::of(whose.clone()).since(after(1)).until(after(4)), Page::first()).await;
        let at: Vec<_> = found.iter().map(|record| record.at).collect();
        assert_eq!(at, [after(3), after(2), after(1)], "{id}");
        assert!(found.iter().all(|record| record.principal.as_ref() == Some(&whose)));
        assert_eq!(found[0].json, login(id).to_json(after(3)));
    }
    let all = log.list(&AuditQuery::all().since(after(4)), Page::first()).await;
    assert_eq!(all.len(), 6);
    assert!(all.windows(2).all(|pair| pair[0].entry > pair[1].entry));
    assert_eq!(log.verify(None).await.unwrap().head.entry, 30);
}

/// Processes of one service share the log, and their entries one chain.
async fn writers_at_once_make_one_chain<S: Logs>() {
    let server = S::shared();
    let url = server.create().await;
    let mut writing = Vec::new();
    for _ in 0..4 {
        let log = S::log(&url).await;
        writing.push(tokio::spawn(async move {
            for n in 0..10 {
                log.append(after(n), &vec![login("ann"); 40]).await.unwrap();
            }
        }));
    }
    for done in writing {
        done.await.unwrap();
    }
    let log = S::log(&url).await;
    let head = log.head().await;
    assert_eq!(head.entry, 1_600);
    assert_eq!(log.verify(Some(head)).await.unwrap(), ChainExtent { first: 1, head });
}

async fn what_is_done_to_rows_is_told<S: Logs>() {
    use ChainFaultKind::{Changed, Missing, Truncated, Unreadable};
    let server = S::shared();
    for (how, fault) in [
        ("UPDATE auth_audit SET principal_id = 'bob' WHERE entry = 3", Changed),
        ("UPDATE auth_audit SET content = '{\"at\":1}' WHERE entry = 3", Changed),
        ("UPDATE auth_audit SET happened_at = 1 WHERE entry = 3", Changed),
        ("UPDATE auth_audit SET hash = previous WHERE entry = 3", Changed),
        ("UPDATE auth_audit SET hash = NULL WHERE entry = 3", Unreadable),
        ("DELETE FROM auth_audit WHERE entry IN (3, 4)", Missing { from: 3, to: 4 }),
        ("DELETE FROM auth_audit WHERE entry > 7", Truncated { from: 8, to: 10 }),
    ] {
        let url = server.create().await;
        let log = S::log(&url).await;
        log.append(NOW, &vec![login("ann"); 10]).await.unwrap();
        S::run(&url, how).await;
        assert_eq!(log.verify(None).await, Err(vec![fault]), "{how}");
    }
}

/// Issue: neither blocks a login nor loses silently. What a batch that got no answer has written may be there twice.
async fn a_frozen_server_holds_nobody_up_and_costs_no_event<S: Logs>() {
    let server = S::own();
    let log = S::log(&server.create().await).await;
    let (audit, writer) = log.sink();
    let writing = tokio::spawn(writer.run());
    audit.record(NOW, &login("ann"));
    audit.flush().await.unwrap();
    server.freeze();
    let started = std::time::Instant::now();
    let more = SqlAudit::QUEUE as u64 * 2;
    for n in 1..=more {
        audit.record(after(n), &login("ann"));
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let waited = tokio::time::timeout(TIMEOUT * 2, audit.flush()).await;
    assert!(!matches!(waited, Ok(Ok(()))), "nothing can be written");
    server.thaw();
    while audit.flush().await.is_err() {}
    drop(audit);
    assert_eq!(writing.await.unwrap(), 0);

    let head = log.verify(None).await.unwrap().head.entry;
    let (mut seen, mut told) = (BTreeSet::new(), 0);
    for offset in (0..head).step_by(100) {
        let page = Page::new(offset.try_into().unwrap(), 100);
        for record in log.list(&AuditQuery::all(), page).await {
            match record.json.split_once("\"count\":") {
                Some((_, count)) => told += count.trim_end_matches('}').parse::<u64>().unwrap(),
                None => assert!(seen.insert((record.at, record.entry))),
            }
        }
    }
    let seen: BTreeSet<_> = seen.into_iter().map(|(at, _)| at).collect();
    assert!(seen.len() as u64 <= more + 1 && seen.len() as u64 + told > more, "{} {told}", seen.len());
}

async fn purging_leaves_a_chain<S: Logs>() {
    let server = S::shared();
    let log = S::log(&server.create().await).await;
    for n in 0..20 {
        log.append(after(n), &[AuditEvent::AccountCreated { principal: ann() }]).await.unwrap();
    }
    assert_eq!(log.purge(after(10), 4).await, 4);
    assert_eq!(log.purge(after(10), 100).await, 6);
    assert_eq!(log.purge(after(10), 100).await, 0);
    let extent = log.verify(Some(log.head().await)).await.unwrap();
    assert_eq!((extent.first, extent.head.entry), (11, 20));
}
