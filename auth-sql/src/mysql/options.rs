//! How a MariaDB or MySQL database is reached.

use std::{str::FromStr, time::Duration};

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

use crate::{
    SetupError,
    server::{driver::Settings, local::is_local},
};

/// How a MariaDB or MySQL database is reached. The defaults are right for a service.
///
/// ```
/// use std::time::Duration;
/// use auth_sql::MySqlOptions;
///
/// let options = MySqlOptions::default().timeout(Duration::from_secs(2)).max_connections(20);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct MySqlOptions(Settings);

impl MySqlOptions {
    /// How many connections are open at most: 10 by default, 1 to 10,000. They are opened when needed.
    pub fn max_connections(mut self, max: u32) -> Self {
        self.0.max_connections = max.clamp(1, 10_000);
        self
    }

    /// How long a call takes at most, waiting for a connection and being begun anew included: 5 s by default,
    /// 1 ms to 10 minutes. The server is told to give up as well, in whole seconds (`innodb_lock_wait_timeout`,
    /// `lock_wait_timeout`; MariaDB's `max_statement_time` and `idle_transaction_timeout`, MySQL's
    /// `max_execution_time`).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout = timeout.clamp(Duration::from_millis(1), Duration::from_secs(600));
        self
    }

    pub(super) fn settings(&self) -> Settings {
        self.0.clone()
    }

    /// How one connection is made.
    pub(super) fn connect(&self, url: &str) -> Result<MySqlConnectOptions, SetupError> {
        // What is wrong with it may quote the password.
        let connect = MySqlConnectOptions::from_str(url).map_err(|_| SetupError::Url)?;
        if connect.get_database().is_none_or(str::is_empty) {
            return Err(SetupError::Url);
        }
        let local = connect.get_socket().is_some() || is_local(connect.get_host());
        let connect = match connect.get_ssl_mode() {
            // It lets whoever is in between choose to have no TLS.
            MySqlSslMode::Preferred if !local => connect.ssl_mode(MySqlSslMode::VerifyIdentity),
            _ => connect,
        };
        // The mode is set as a whole once the connection is there.
        Ok(connect.pipes_as_concat(false).no_engine_substitution(false))
    }
}

impl Default for MySqlOptions {
    fn default() -> Self {
        Self(Settings { max_connections: 10, timeout: Duration::from_secs(5), pooled: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PREFERRED`, the driver's default, sends the password to whoever says that there is no TLS.
    #[test]
    fn what_leaves_the_host_is_encrypted_unless_the_url_says_otherwise() {
        let mode = |url| MySqlOptions::default().connect(url).unwrap().get_ssl_mode();
        assert!(matches!(mode("mysql://u@db.example.com/d"), MySqlSslMode::VerifyIdentity));
        assert!(matches!(mode("mysql://u@db.example.com/d?ssl-mode=DISABLED"), MySqlSslMode::Disabled));
        assert!(matches!(mode("mysql://u@127.0.0.1/d"), MySqlSslMode::Preferred));
    }

    #[test]
    fn a_url_names_a_database() {
        let without = MySqlOptions::default().connect("mysql://u@127.0.0.1");
        assert!(matches!(without, Err(SetupError::Url)));
    }
}
