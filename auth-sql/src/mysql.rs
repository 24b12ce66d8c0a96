//! One MariaDB or MySQL database and the connections to it.

use std::fmt;

use self::options::MySqlOptions;
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

/// The sessions of a [`MySql`] database.
pub type MySqlSessions = ServerSessions<MySql>;

/// The single-use tokens of a [`MySql`] database.
pub type MySqlTokens = ServerTokens<MySql>;

/// The counters of a [`MySql`] database.
pub type MySqlCounters = ServerCounters<MySql>;

/// The accounts of a [`MySql`] database, with their credentials and epochs.
pub type MySqlAccounts = ServerAccounts<MySql>;

/// The role assignments of a [`MySql`] database.
pub type MySqlAssignments = ServerAssignments<MySql>;

/// The policy of a [`MySql`] database.
#[cfg(feature = "policy")]
pub type MySqlPolicy = crate::server::policy::ServerPolicy<MySql>;

/// The revocations of a [`MySql`] database.
#[cfg(feature = "revocations")]
pub type MySqlRevocations = crate::server::revocations::ServerRevocations<MySql>;

/// The audit log of a [`MySql`] database.
#[cfg(feature = "audit")]
pub type MySqlAudit = crate::audit::log::AuditLog<MySql>;

/// One MariaDB database of version 10.8 or later, or MySQL database of version 8.0 or later. Cheap to clone; clones share the connections.
///
/// It gives out one store for each of the storage traits; all of them live in tables whose names start with
/// `auth_`, so that the database may be that of the application.
///
/// A call takes no longer than [`MySqlOptions::timeout`], whatever the server does. A transaction that another
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
/// use auth_sql::{MySql, MySqlOptions};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), auth_sql::SetupError> {
/// let url = "mysql://app@db.example.com/app";
/// let database = MySql::open(url, MySqlOptions::default()).await?;
/// let accounts: Arc<dyn AccountStore> = Arc::new(database.accounts());
/// let sessions: Arc<dyn SessionStore> = Arc::new(database.sessions());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MySql(Client<Self>);

#[cfg(feature = "audit")]
impl crate::server::audit::OnServer for MySql {
    fn client(&self) -> &Client<Self> {
        &self.0
    }
}

impl MySql {
    /// Connects to the database and brings its schema up to date.
    ///
    /// The URL is `mysql://user:password@host:3306/database?ssl-mode=..&ssl-ca=..`, with a database. Unless it says
    /// `ssl-mode`, a connection that leaves the host is made with TLS and a certificate that is checked
    /// (`VERIFY_IDENTITY`); it takes the feature `tls`.
    ///
    /// Several processes may do so at once: migrating takes a lock (`GET_LOCK`).
    ///
    /// # Errors
    /// [`SetupError`]. A migration that failed half-way, each of whose statements commits at once here, is made good
    /// by opening again.
    pub async fn open(url: &str, options: MySqlOptions) -> Result<Self, SetupError> {
        let connect = options.connect(url)?;
        migrate::migrate(&connect, &options.settings()).await?;
        Ok(Self(Client::new(connect, options.settings())))
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> MySqlSessions {
        ServerSessions(self.0.clone())
    }

    /// The single-use tokens.
    #[must_use]
    pub fn tokens(&self) -> MySqlTokens {
        ServerTokens(self.0.clone())
    }

    /// The counters of throttles.
    #[must_use]
    pub fn counters(&self) -> MySqlCounters {
        ServerCounters(self.0.clone())
    }

    /// The accounts with their credentials and epochs.
    #[must_use]
    pub fn accounts(&self) -> MySqlAccounts {
        ServerAccounts(self.0.clone())
    }

    /// Who holds which role.
    #[must_use]
    pub fn assignments(&self) -> MySqlAssignments {
        ServerAssignments(self.0.clone())
    }

    /// The policy.
    #[cfg(feature = "policy")]
    #[must_use]
    pub fn policy(&self) -> MySqlPolicy {
        crate::server::policy::ServerPolicy(self.0.clone())
    }

    /// The revocations.
    #[cfg(feature = "revocations")]
    #[must_use]
    pub fn revocations(&self) -> MySqlRevocations {
        crate::server::revocations::ServerRevocations(self.0.clone())
    }

    /// The audit log.
    #[cfg(feature = "audit")]
    #[must_use]
    pub fn audit(&self) -> MySqlAudit {
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

impl fmt::Debug for MySql {
    /// Without the address, which may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySql").finish_non_exhaustive()
    }
}
