//! How a PostgreSQL database is reached.

use std::{str::FromStr, time::Duration};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::{
    SetupError,
    server::{driver::Settings, local::is_local},
};

/// How a PostgreSQL database is reached. The defaults are right for a service.
///
/// ```
/// use std::time::Duration;
/// use auth_sql::PostgresOptions;
///
/// let options = PostgresOptions::default().timeout(Duration::from_secs(2)).max_connections(20);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PostgresOptions(Settings);

impl PostgresOptions {
    /// How many connections are open at most: 10 by default, 1 to 10,000. They are opened when needed.
    pub fn max_connections(mut self, max: u32) -> Self {
        self.0.max_connections = max.clamp(1, 10_000);
        self
    }

    /// How long a call takes at most, waiting for a connection and being begun anew included: 5 s by default,
    /// 1 ms to 10 minutes. The server is told to give up as well (`statement_timeout`, `lock_timeout`,
    /// `idle_in_transaction_session_timeout`), except through a [pooler](Self::transaction_pooler).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout = timeout.clamp(Duration::from_millis(1), Duration::from_secs(600));
        self
    }

    /// Whether the address is that of a pooler that gives a connection of the server to each transaction, such as
    /// PgBouncer with `pool_mode = transaction`: `false` by default.
    ///
    /// Then nothing is expected to last beyond a transaction: no prepared statement, no setting. Each statement
    /// costs two round trips more. Have `statement_timeout` set for the role on the server
    /// (`ALTER ROLE .. SET statement_timeout = '5s'`), since a connection cannot ask for it.
    pub fn transaction_pooler(mut self, pooler: bool) -> Self {
        self.0.pooled = pooler;
        self
    }

    pub(super) fn settings(&self) -> Settings {
        self.0.clone()
    }

    /// How one connection is made.
    pub(super) fn connect(&self, url: &str) -> Result<PgConnectOptions, SetupError> {
        // What is wrong with it may quote the password.
        let connect = PgConnectOptions::from_str(url).map_err(|_| SetupError::Url)?;
        let local = connect.get_socket().is_some() || is_local(connect.get_host());
        let connect = match connect.get_ssl_mode() {
            // Both let whoever is in between choose to have no TLS.
            PgSslMode::Allow | PgSslMode::Prefer if !local => connect.ssl_mode(PgSslMode::VerifyFull),
            _ => connect,
        };
        // Nothing here is a floating-point number, and poolers refuse a parameter that they do not know.
        let connect = connect.extra_float_digits(None);
        if self.0.pooled {
            return Ok(connect.statement_cache_capacity(0));
        }
        let millis = self.0.timeout.as_millis();
        let limits = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
        let connect = connect.options(limits.map(|limit| (limit, millis)));
        // For single statements; transactions say so themselves.
        Ok(connect.options([("default_transaction_isolation", "read committed")]))
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self(Settings { max_connections: 10, timeout: Duration::from_secs(5), pooled: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> PgSslMode {
        PostgresOptions::default().connect(url).unwrap().get_ssl_mode()
    }

    /// `prefer`, the driver's default, sends the password in the clear to whoever says that there is no TLS.
    #[test]
    fn what_leaves_the_host_is_encrypted_unless_the_url_says_otherwise() {
        for url in ["postgres://u@db.example.com/d", "postgres://u@10.0.0.1/d?sslmode=allow"] {
            assert!(matches!(mode(url), PgSslMode::VerifyFull), "{url}");
        }
        assert!(matches!(mode("postgres://u@db.example.com/d?sslmode=disable"), PgSslMode::Disable));
        assert!(matches!(mode("postgres://u@127.0.0.1/d"), PgSslMode::Prefer));
    }

    #[test]
    fn a_pooler_is_asked_for_no_settings() {
        let options = PostgresOptions::default();
        let asked = options.connect("postgres://u@127.0.0.1/d").unwrap();
        assert!(asked.get_options().unwrap().contains("statement_timeout=5000"));
        let pooled = options.transaction_pooler(true).connect("postgres://u@127.0.0.1/d").unwrap();
        assert_eq!(pooled.get_options(), None);
    }
}
