//! Where everything is kept: one database, and the sessions elsewhere if that is wanted.

use std::{
    error::Error,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use auth_sql::{Sqlite, SqliteOptions};
use auth_web::core::{
    AccountStore, AssignmentStore, AuditSink, CounterStore, CredentialStore, MemorySessions, SessionStore,
    TokenStore,
};

/// A database, as the command line names it.
#[derive(Debug, Clone)]
pub enum Database {
    Sqlite(PathBuf),
    Postgres(ServerUrl),
    MySql(ServerUrl),
    /// A URL of no database that is known. It is refused when it is opened, in words that do not have it in them.
    Unknown,
}

/// Where the sessions are, as the command line names it.
#[derive(Debug, Clone)]
pub enum SessionsIn {
    /// With everything else.
    Database,
    /// In this process: everybody is logged out when it ends.
    Memory,
    Redis(ServerUrl),
    Unknown,
}

/// The URL of a server. It may have a password in it, so it is never shown.
#[derive(Clone)]
pub struct ServerUrl(
    #[cfg_attr(
        not(any(feature = "postgres", feature = "mysql", feature = "redis")),
        expect(dead_code, reason = "a build without servers opens none")
    )]
    String,
);

/// The stores that the application needs. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    pub accounts: Arc<dyn AccountStore>,
    pub credentials: Arc<dyn CredentialStore>,
    pub assignments: Arc<dyn AssignmentStore>,
    pub counters: Arc<dyn CounterStore>,
    pub sessions: Arc<dyn SessionStore>,
    /// Of the links that are sent by mail.
    pub links: Arc<dyn TokenStore>,
}

impl Stores {
    /// Opens the database, which is made ready if it is new, and what keeps the sessions.
    pub async fn open(
        database: &Database,
        sessions: &SessionsIn,
        audit: &Arc<dyn AuditSink>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut stores = database.open().await?;
        match sessions {
            SessionsIn::Database => {}
            SessionsIn::Memory => {
                // Beyond that, logins are refused and nobody is logged out for them.
                let memory = MemorySessions::new(1_000_000).with_audit(Arc::clone(audit));
                stores.sessions = Arc::new(memory);
            }
            SessionsIn::Redis(url) => stores.sessions = redis(url).await?,
            SessionsIn::Unknown => return Err("sessions are in `memory` or at `redis://..`".into()),
        }
        Ok(stores)
    }
}

/// The databases have the same stores under the same names.
macro_rules! stores {
    ($database:expr) => {{
        let database = $database;
        Ok(Stores {
            accounts: Arc::new(database.accounts()),
            credentials: Arc::new(database.accounts()),
            assignments: Arc::new(database.assignments()),
            counters: Arc::new(database.counters()),
            sessions: Arc::new(database.sessions()),
            links: Arc::new(database.tokens()),
        })
    }};
}

impl Database {
    /// Reads what the command line says. That cannot fail there, where an error would show the URL.
    pub fn named(name: PathBuf) -> Self {
        match name.to_str().and_then(|name| name.split_once("://")) {
            None => Self::Sqlite(name),
            Some(("postgres" | "postgresql", _)) => Self::Postgres(ServerUrl::of(name)),
            Some(("mysql", _)) => Self::MySql(ServerUrl::of(name)),
            Some(_) => Self::Unknown,
        }
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Postgres(_) | Self::MySql(_) | Self::Unknown => None,
        }
    }

    async fn open(&self) -> Result<Stores, Box<dyn Error>> {
        match self {
            Self::Sqlite(file) => stores!(Sqlite::open(file, SqliteOptions::default()).await?),
            Self::Postgres(url) => postgres(url).await,
            Self::MySql(url) => mysql(url).await,
            Self::Unknown => Err("a database is a file, `postgres://..` or `mysql://..`".into()),
        }
    }
}

impl SessionsIn {
    /// As [`Database::named`].
    pub fn named(name: String) -> Self {
        match name.split_once("://") {
            None if name == "memory" => Self::Memory,
            None if name == "database" => Self::Database,
            Some(("redis" | "rediss", _)) => Self::Redis(ServerUrl(name)),
            _ => Self::Unknown,
        }
    }

    /// Whether other processes see them.
    pub fn are_shared(&self) -> bool {
        !matches!(self, Self::Memory)
    }
}

impl ServerUrl {
    fn of(name: PathBuf) -> Self {
        Self(name.to_string_lossy().into_owned())
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerUrl(redacted)")
    }
}

#[cfg(feature = "postgres")]
async fn postgres(url: &ServerUrl) -> Result<Stores, Box<dyn Error>> {
    stores!(auth_sql::Postgres::open(&url.0, auth_sql::PostgresOptions::default()).await?)
}

#[cfg(feature = "mysql")]
async fn mysql(url: &ServerUrl) -> Result<Stores, Box<dyn Error>> {
    stores!(auth_sql::MySql::open(&url.0, auth_sql::MySqlOptions::default()).await?)
}

#[cfg(feature = "redis")]
async fn redis(url: &ServerUrl) -> Result<Arc<dyn SessionStore>, Box<dyn Error>> {
    let redis = auth_redis::Redis::connect(&url.0, auth_redis::RedisOptions::default()).await?;
    Ok(Arc::new(redis.sessions()))
}

/// Said in the place of what was left out of this build, to keep it short.
macro_rules! left_out {
    ($($feature:literal $name:ident -> $stores:ty;)*) => {
        $(
            #[cfg(not(feature = $feature))]
            async fn $name(_: &ServerUrl) -> Result<$stores, Box<dyn Error>> {
                const HOW: &str = concat!("start it by `cargo run -p quickstart --features ", $feature, "`");
                Err(format!("this build has no {}; {HOW}", $feature).into())
            }
        )*
    };
}

left_out! {
    "postgres" postgres -> Stores;
    "mysql" mysql -> Stores;
    "redis" redis -> Arc<dyn SessionStore>;
}
