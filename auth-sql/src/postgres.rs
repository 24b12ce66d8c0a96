//! One PostgreSQL database and the connections to it.

use std::fmt;

use self::options::PostgresOptions;
use crate::{
    SetupError,
    server::{
        accounts::ServerAccounts, assignments::ServerAssignments, client::Client, counters::ServerCounters,
        sessions::ServerSessions, tokens::ServerTokens,
    },
};

mod driver;
mod migrate;
pub(crate) mod options;
mod sql;

/// The sessions of a [`Postgres`] database.
pub type PostgresSessions = ServerSessions<Postgres>;

/// The single-use tokens of a [`Postgres`] database.
pub type PostgresTokens = ServerTokens<Postgres>;

/// The counters of a [`Postgres`] database.
pub type PostgresCounters = ServerCounters<Postgres>;

/// The accounts of a [`Postgres`] database, with their credentials and epochs.
pub type PostgresAccounts = ServerAccounts<Postgres>;

/// The role assignments of a [`Postgres`] database.
pub type PostgresAssignments = ServerAssignments<Postgres>;

/// The policy of a [`Postgres`] database.
#[cfg(feature = "policy")]
pub type PostgresPolicy = crate::server::policy::ServerPolicy<Postgres>;

/// The revocations of a [`Postgres`] database.
#[cfg(feature = "revocations")]
pub type PostgresRevocations = crate::server::revocations::ServerRevocations<Postgres>;

/// The audit log of a [`Postgres`] database.
#[cfg(feature = "audit")]
pub type PostgresAudit = crate::audit::log::AuditLog<Postgres>;

/// One PostgreSQL database, of version 12 or later. Cheap to clone; clones share the connections.
///
/// It gives out one store for each of the storage traits; all of them live in tables whose names start with
/// `auth_`, so that the database may be that of the application.
///
/// A call takes no longer than [`PostgresOptions::timeout`], whatever the server does. A transaction that another
/// one was in the way of is begun anew, while there is time. Whether a call that failed has written is told by its
/// error: [`StoreError::NotWritten`](auth_core::StoreError::NotWritten) before a commit was sent,
/// [`StoreError::Unknown`](auth_core::StoreError::Unknown) or
/// [`StoreError::Timeout`](auth_core::StoreError::Timeout) if its answer was lost. Dropping the future of a call
/// leaves no transaction open; whether the call took effect is then unknown.
///
/// Everything happens within a tokio runtime that keeps time (`enable_all`, or `#[tokio::main]`).
///
/// ```no_run
/// use std::sync::Arc;
/// use auth_core::{AccountStore, SessionStore};
/// use auth_sql::{Postgres, PostgresOptions};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), auth_sql::SetupError> {
/// let url = "postgres://app@db.example.com/app";
/// let database = Postgres::open(url, PostgresOptions::default()).await?;
/// let accounts: Arc<dyn AccountStore> = Arc::new(database.accounts());
/// let sessions: Arc<dyn SessionStore> = Arc::new(database.sessions());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Postgres(Client<Self>);

#[cfg(feature = "audit")]
impl crate::server::audit::OnServer for Postgres {
    fn client(&self) -> &Client<Self> {
        &self.0
    }
}

impl Postgres {
    /// Connects to the database and brings its schema up to date.
    ///
    /// The URL is libpq's: `postgres://user:password@host:5432/database?sslmode=..&sslrootcert=..`. Unless it says
    /// `sslmode`, a connection that leaves the host is made with TLS and a certificate that is checked
    /// (`verify-full`); it takes the feature `tls`. What the URL does not say is taken from the environment
    /// (`PGHOST`, `PGUSER`, ..).
    ///
    /// Several processes may do so at once: each migration is one transaction that holds a lock.
    ///
    /// # Errors
    /// [`SetupError`]. The schema is then that of some earlier migration, entire.
    pub async fn open(url: &str, options: PostgresOptions) -> Result<Self, SetupError> {
        let connect = options.connect(url)?;
        migrate::migrate(&connect, &options.settings()).await?;
        Ok(Self(Client::new(connect, options.settings())))
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> PostgresSessions {
        ServerSessions(self.0.clone())
    }

    /// The single-use tokens.
    #[must_use]
    pub fn tokens(&self) -> PostgresTokens {
        ServerTokens(self.0.clone())
    }

    /// The counters of throttles.
    #[must_use]
    pub fn counters(&self) -> PostgresCounters {
        ServerCounters(self.0.clone())
    }

    /// The accounts with their credentials and epochs.
    #[must_use]
    pub fn accounts(&self) -> PostgresAccounts {
        ServerAccounts(self.0.clone())
    }

    /// Who holds which role.
    #[must_use]
    pub fn assignments(&self) -> PostgresAssignments {
        ServerAssignments(self.0.clone())
    }

    /// The policy.
    #[cfg(feature = "policy")]
    #[must_use]
    pub fn policy(&self) -> PostgresPolicy {
        crate::server::policy::ServerPolicy(self.0.clone())
    }

    /// The revocations.
    #[cfg(feature = "revocations")]
    #[must_use]
    pub fn revocations(&self) -> PostgresRevocations {
        crate::server::revocations::ServerRevocations(self.0.clone())
    }

    /// The audit log.
    #[cfg(feature = "audit")]
    #[must_use]
    pub fn audit(&self) -> PostgresAudit {
        crate::audit::log::AuditLog::new(self.clone())
    }

    /// Closes all connections once the calls under way have ended. Later calls, through any clone, fail with
    /// [`StoreError::NotWritten`](auth_core::StoreError::NotWritten).
    ///
    /// Not needed for safety: what was answered is stored, and a process may be killed at any moment.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

impl fmt::Debug for Postgres {
    /// Without the address, which may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}
