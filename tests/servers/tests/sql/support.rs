//! Servers that tests share, and things to keep in them.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{
    Account, AccountStore, AssignmentStore, AuthEpoch, Authentication, CounterStore, CredentialBlob,
    CredentialKey, CredentialKind, CredentialRecord, CredentialStore, LoginName, Method, PrincipalId,
    Purpose, Realm, SecretHash, SecretState, SessionBlob, SessionId, SessionKind, SessionRecord,
    SessionStore, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime, Version,
};
use auth_jwt::RevocationStore;
use auth_rbac::PolicyStore;
use auth_sql::{MySql, MySqlOptions, Postgres, PostgresOptions, SetupError, Sqlite};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
pub(crate) const PURPOSE: Purpose = Purpose::new("test");

/// How long a call takes at most in these tests.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn after(secs: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(secs))
}

/// The stores of one database.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) tokens: Arc<dyn TokenStore>,
    pub(crate) counters: Arc<dyn CounterStore>,
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) credentials: Arc<dyn CredentialStore>,
    pub(crate) assignments: Arc<dyn AssignmentStore>,
    pub(crate) policy: Arc<dyn PolicyStore>,
    pub(crate) revocations: Arc<dyn RevocationStore>,
}

macro_rules! stores_of {
    ($($database:ty),*) => {$(
        impl From<$database> for Stores {
            fn from(database: $database) -> Self {
                Self {
                    sessions: Arc::new(database.sessions()),
                    tokens: Arc::new(database.tokens()),
                    counters: Arc::new(database.counters()),
                    accounts: Arc::new(database.accounts()),
                    credentials: Arc::new(database.accounts()),
                    assignments: Arc::new(database.assignments()),
                    policy: Arc::new(database.policy()),
                    revocations: Arc::new(database.revocations()),
                }
            }
        }
    )*};
}
stores_of!(Postgres, MySql, Sqlite);

/// What tests do with a server, whichever it is.
pub(crate) trait Server: Sized {
    /// One that nobody shares, with its own defaults: what it answers is on the disk.
    fn own() -> Self;
    fn shared() -> Arc<Self>;
    /// The URL of a new, empty database.
    async fn create(&self) -> String;
    async fn open(url: &str, timeout: Duration) -> Result<Stores, SetupError>;
    /// Runs SQL past the crate.
    async fn run(url: &str, sql: &str);
    /// Locks all rows of a table, until what this answers is dropped.
    async fn hold(url: &str, table: &str) -> Box<dyn Send>;
    /// How many others are connected.
    async fn connections(url: &str) -> i64;
    /// Whether anybody waits for a lock.
    async fn waits(url: &str) -> bool;
    /// What is needed to make connections from now on read-only, or no longer: those that there are stay as they are.
    fn read_only(on: bool) -> &'static str;
    fn kill(&mut self);
    fn restart(&mut self);
    fn freeze(&self);
    fn thaw(&self);
}

/// The server that tests at work share. It is stopped with the last of them.
fn shared<S>(slot: &Mutex<Weak<S>>, start: impl FnOnce() -> S) -> Arc<S> {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    slot.upgrade().unwrap_or_else(|| {
        let server = Arc::new(start());
        *slot = Arc::downgrade(&server);
        server
    })
}

/// A name that no other database of this run has.
fn fresh_name() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("fresh{}", MADE.fetch_add(1, Ordering::Relaxed))
}

/// A PostgreSQL server, with a database for whoever asks.
pub(crate) struct PostgresServer(pub(crate) servers::Postgres);

impl PostgresServer {
    pub(crate) async fn fresh(&self) -> Postgres {
        Postgres::open(&self.create().await, PostgresOptions::default()).await.unwrap()
    }
}

impl Server for PostgresServer {
    fn own() -> Self {
        Self(servers::Postgres::start(&[]))
    }

    /// A quick one, since what is written need not survive the host, and with defaults that are not PostgreSQL's.
    fn shared() -> Arc<Self> {
        static SERVER: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
        shared(&SERVER, || {
            let isolation = "default_transaction_isolation=serializable";
            Self(servers::Postgres::start(&["fsync=off", "max_connections=400", isolation]))
        })
    }

    /// A schema, which is quicker to make than a database.
    async fn create(&self) -> String {
        let name = fresh_name();
        Self::run(&self.0.url("postgres"), &format!("CREATE SCHEMA {name}")).await;
        format!("{}?options=-csearch_path%3D{name}", self.0.url("postgres"))
    }

    async fn open(url: &str, timeout: Duration) -> Result<Stores, SetupError> {
        Postgres::open(url, PostgresOptions::default().timeout(timeout)).await.map(Stores::from)
    }

    async fn run(url: &str, sql: &str) {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    }

    async fn hold(url: &str, table: &str) -> Box<dyn Send> {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let lock = format!("BEGIN; SELECT * FROM {table} FOR UPDATE");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut connection).await.unwrap();
        Box::new(connection)
    }

    async fn connections(url: &str) -> i64 {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let others = "SELECT count(*) FROM pg_stat_activity \
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        sqlx::query_scalar(others).fetch_one(&mut connection).await.unwrap()
    }

    async fn waits(url: &str) -> bool {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut connection).await.unwrap() > 0
    }

    fn read_only(on: bool) -> &'static str {
        if on {
            "ALTER ROLE test SET default_transaction_read_only = on"
        } else {
            "BEGIN READ WRITE; ALTER ROLE test RESET default_transaction_read_only; COMMIT"
        }
    }

    fn kill(&mut self) {
        self.0.kill();
    }

    fn restart(&mut self) {
        self.0.restart();
    }

    fn freeze(&self) {
        self.0.freeze();
    }

    fn thaw(&self) {
        self.0.thaw();
    }
}

/// A MariaDB server, with a database for whoever asks.
pub(crate) struct MariaDbServer(pub(crate) servers::MariaDb);

impl MariaDbServer {
    pub(crate) async fn fresh(&self) -> MySql {
        MySql::open(&self.create().await, MySqlOptions::default()).await.unwrap()
    }
}

impl Server for MariaDbServer {
    fn own() -> Self {
        Self(servers::MariaDb::start(&[]))
    }

    /// A quick one, since what is written need not survive the host, and with defaults that are not MariaDB's: what does
    /// not fit is cut off, and text that differs in case is the same.
    fn shared() -> Arc<Self> {
        static SERVER: Mutex<Weak<MariaDbServer>> = Mutex::new(Weak::new());
        shared(&SERVER, || {
            Self(servers::MariaDb::start(&[
                "innodb-flush-log-at-trx-commit=0",
                "innodb-doublewrite=0",
                "max-connections=400",
                "transaction-isolation=SERIALIZABLE",
                "sql-mode=",
                "character-set-server=utf8mb4",
                "collation-server=utf8mb4_general_ci",
            ]))
        })
    }

    async fn create(&self) -> String {
        let name = fresh_name();
        Self::run(&self.0.url("mysql"), &format!("CREATE DATABASE {name}")).await;
        self.0.url(&name)
    }

    async fn open(url: &str, timeout: Duration) -> Result<Stores, SetupError> {
        MySql::open(url, MySqlOptions::default().timeout(timeout)).await.map(Stores::from)
    }

    async fn run(url: &str, sql: &str) {
        let mut connection = MySqlConnection::connect(url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    }

    async fn hold(url: &str, table: &str) -> Box<dyn Send> {
        let mut connection = MySqlConnection::connect(url).await.unwrap();
        sqlx::raw_sql("BEGIN").execute(&mut connection).await.unwrap();
        let lock = format!("SELECT * FROM {table} FOR UPDATE");
        assert!(!sqlx::raw_sql(AssertSqlSafe(lock)).fetch_all(&mut connection).await.unwrap().is_empty());
        Box::new(connection)
    }

    async fn connections(url: &str) -> i64 {
        let mut connection = MySqlConnection::connect(url).await.unwrap();
        let others = "SELECT count(*) FROM information_schema.processlist \
            WHERE id <> connection_id() AND user <> 'system user'";
        sqlx::query_scalar(others).fetch_one(&mut connection).await.unwrap()
    }

    async fn waits(url: &str) -> bool {
        let mut connection = MySqlConnection::connect(url).await.unwrap();
        // `innodb_trx` shows nothing new to whoever looks more often than ten times a second.
        let waiting = "SELECT CAST(variable_value AS SIGNED) FROM information_schema.global_status \
            WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'";
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut connection).await.unwrap() > 0
    }

    fn read_only(on: bool) -> &'static str {
        if on { "SET GLOBAL tx_read_only = 1" } else { "SET GLOBAL tx_read_only = 0" }
    }

    fn kill(&mut self) {
        self.0.kill();
    }

    fn restart(&mut self) {
        self.0.restart();
    }

    fn freeze(&self) {
        self.0.freeze();
    }

    fn thaw(&self) {
        self.0.thaw();
    }
}

/// The tests of a module on every server: each is a function over [`Server`].
macro_rules! on_every_server {
    ($($test:ident),* $(,)?) => {
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test::<crate::support::PostgresServer>().await;
                }
            )*
        }

        mod mariadb {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test::<crate::support::MariaDbServer>().await;
                }
            )*
        }
    };
}
pub(crate) use on_every_server;

pub(crate) fn ann() -> PrincipalId {
    PrincipalId::local_user("ann").unwrap()
}

/// An id that no other session of this run has.
pub(crate) fn session_id() -> SessionId {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&MADE.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    SessionId::from_bytes(bytes)
}

/// A session of `principal` at an epoch.
pub(crate) fn session(principal: &PrincipalId, epoch: u64) -> SessionRecord {
    let authentication = Authentication::new(principal.clone(), Method::PASSWORD, NOW, AuthEpoch::new(epoch));
    SessionRecord {
        id: session_id(),
        kind: SessionKind::Cookie,
        authentication: Some(Arc::new(authentication)),
        terms: None,
        secret: SecretState::first(SecretHash::of(b"secret"), NOW),
        version: Version::FIRST,
        created_at: NOW,
        last_used_at: NOW,
        idle_until: after(100),
        absolute_until: after(1_000),
        data: SessionBlob::empty().with_slot("cart", 1, b"apples").unwrap(),
    }
}

pub(crate) fn token(hash: &[u8], subject: &str) -> TokenRecord {
    TokenRecord {
        key: TokenKey { realm: Realm::LOCAL, purpose: PURPOSE, hash: SecretHash::of(hash) },
        subject: TokenSubject::parse(subject).unwrap(),
        expires_at: after(100),
        payload: b"payload".to_vec(),
    }
}

pub(crate) fn account(id: &PrincipalId) -> Account {
    Account::new(id.clone(), LoginName::canonical(&format!("{}@example.com", id.id())).unwrap(), NOW)
}

pub(crate) fn password(owner: &PrincipalId) -> CredentialRecord {
    let key = CredentialKey::only(owner, CredentialKind::PASSWORD);
    CredentialRecord::new(key, owner.clone(), CredentialBlob::new(b"hash").unwrap(), NOW)
}
