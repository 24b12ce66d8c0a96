//! The same on SQLite, beside a query that was written by hand: `session/sqlite-*`.
//!
//! Both files are written ahead, and no commit waits for the disk: what is measured is not the disk.

use std::{hint::black_box, rc::Rc, sync::Arc};

use auth_core::{
    AuthEpoch, Authentication, Clock, Inserted, Method, PrincipalId, SecretHash, SecretState, SessionBlob,
    SessionId, SessionKind, SessionRecord, SessionStore, SystemClock, SystemEntropy, Version, entropy_array,
};
use auth_sql::{Durability, Sqlite, SqliteOptions};
use sha2::{Digest, Sha256};
use sqlx::{
    Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::world::{Row, log_in, sessions_in};

const SESSIONS: usize = 1_000;

pub(crate) fn rows() -> Vec<Row> {
    let runtime = Rc::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    let folder = Rc::new(tempfile::tempdir().unwrap());
    let mut rows = ours(&runtime, &folder);
    rows.extend(by_hand(&runtime, &folder));
    rows
}

fn ours(runtime: &Rc<Runtime>, folder: &Rc<TempDir>) -> Vec<Row> {
    let options = SqliteOptions::default().readers(1).durability(Durability::ProcessCrash);
    let database = runtime.block_on(Sqlite::open(folder.path().join("ours.db"), options)).unwrap();
    let store = Arc::new(database.sessions());
    let sessions = sessions_in(Arc::clone(&store) as _);
    let cookies: Vec<_> = (0..SESSIONS).map(|user| runtime.block_on(log_in(&sessions, user))).collect();
    let (mut next, kept) = (0, Rc::clone(folder));
    let (reader, writer) = (Rc::clone(runtime), Rc::clone(runtime));
    vec![
        Row::new("sqlite-resume/ours", move || {
            next = (next + 7) % cookies.len();
            let incoming = sessions.read([black_box(cookies[next].as_bytes())]).unwrap();
            let session = reader.block_on(sessions.open(&incoming)).unwrap();
            assert!(session.authenticated().is_some());
        }),
        Row::new("sqlite-insert/ours", move || {
            let record = record();
            let inserted = writer.block_on(store.insert(&record, None, record.created_at)).unwrap();
            assert_eq!(inserted, Inserted::Stored { ended: 0 });
            assert!(kept.path().exists());
        }),
    ]
}

fn record() -> SessionRecord {
    let now = SystemClock.now();
    let later = now.saturating_add(std::time::Duration::from_secs(3_600));
    let principal = PrincipalId::local_user("user7").unwrap();
    let login = Authentication::new(principal, Method::PASSWORD, now, AuthEpoch::ZERO);
    SessionRecord {
        id: SessionId::anonymous(&SystemEntropy).unwrap(),
        kind: SessionKind::Cookie,
        authentication: Some(Arc::new(login)),
        terms: None,
        secret: SecretState::first(SecretHash::of(b"secret"), now),
        version: Version::FIRST,
        created_at: now,
        last_used_at: now,
        idle_until: later,
        absolute_until: later,
        data: SessionBlob::empty().with_slot("visits", 1, b"1").unwrap(),
    }
}

/// One table with what a login is, one statement for each question, and no second thought: an epoch, a limit, rotation
/// and a list of devices would each take more.
fn by_hand(runtime: &Rc<Runtime>, folder: &Rc<TempDir>) -> Vec<Row> {
    let pool = runtime.block_on(pool(folder));
    let secrets: Vec<[u8; 32]> = (0..SESSIONS).map(|_| entropy_array(&SystemEntropy).unwrap()).collect();
    for secret in &secrets {
        assert!(runtime.block_on(insert(&pool, &id_of(secret), secret)));
    }
    let (mut next, kept, writing) = (0, Rc::clone(folder), pool.clone());
    let (reader, writer) = (Rc::clone(runtime), Rc::clone(runtime));
    vec![
        Row::new("sqlite-resume/by-hand", move || {
            next = (next + 7) % secrets.len();
            let secret = black_box(&secrets[next]);
            assert!(reader.block_on(resume(&pool, &id_of(secret), secret)).is_some());
        }),
        Row::new("sqlite-insert/by-hand", move || {
            let secret = entropy_array(&SystemEntropy).unwrap();
            assert!(writer.block_on(insert(&writing, &id_of(&secret), &secret)));
            assert!(kept.path().exists());
        }),
    ]
}

fn id_of(secret: &[u8; 32]) -> [u8; 24] {
    *secret.first_chunk().unwrap()
}

async fn pool(folder: &TempDir) -> SqlitePool {
    let connect = SqliteConnectOptions::new()
        .filename(folder.path().join("by-hand.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let options = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = options.connect_with(connect).await.unwrap();
    let table = "CREATE TABLE sessions (id BLOB PRIMARY KEY, person TEXT NOT NULL, secret BLOB NOT NULL, \
        ends_at INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID";
    sqlx::query(table).execute(&pool).await.unwrap();
    pool
}

async fn insert(pool: &SqlitePool, id: &[u8], secret: &[u8]) -> bool {
    let hash = Sha256::digest(secret);
    let ends_at = SystemClock.now().as_secs() as i64 + 3_600;
    let insert = sqlx::query("INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5)");
    let insert = insert.bind(id).bind("user7").bind(&hash[..]).bind(ends_at).bind(&b"1"[..]);
    insert.execute(pool).await.unwrap().rows_affected() == 1
}

async fn resume(pool: &SqlitePool, id: &[u8], secret: &[u8]) -> Option<(String, Vec<u8>)> {
    let select = sqlx::query("SELECT person, secret, data FROM sessions WHERE id = ?1 AND ends_at > ?2");
    let found =
        select.bind(id).bind(SystemClock.now().as_secs() as i64).fetch_optional(pool).await.unwrap()?;
    let hash: &[u8] = found.get("secret");
    (*hash == Sha256::digest(secret)[..]).then(|| (found.get("person"), found.get("data")))
}
