//! Why a server cannot be used.

use std::error::Error;

/// A server could not be reached, or is not one that sessions may be kept on.
///
/// No variant has the URL in it, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The URL cannot be used, and why.
    #[error("redis url cannot be used: {0}")]
    Url(&'static str),
    /// The prefix of keys cannot be used: 1 to 64 ASCII letters, digits and `: . _ / -` are allowed.
    #[error("prefix of keys must be 1 to 64 letters, digits and : . _ / -")]
    Prefix,
    /// The certificates of [`RedisOptions::root_certificates`](crate::RedisOptions::root_certificates) cannot be
    /// read, or TLS cannot be set up.
    #[error("tls cannot be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// The server cannot be reached, does not answer in time, or refuses the user or password. Try again, or look
    /// at the source.
    #[error("redis server cannot be used")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The server is older than 6.2.
    #[error("redis server has version {found}, 6.2 is needed")]
    Version {
        /// The version that it has.
        found: String,
    },
    /// The server throws keys away when memory is short: sessions, and the markers that keep ended ones ended.
    #[error("redis server may evict keys: its maxmemory-policy is {policy}, noeviction is needed")]
    Evicts {
        /// Its `maxmemory-policy`.
        policy: String,
    },
    /// The server tells neither by `CONFIG GET` nor by `INFO` what it is and whether it evicts. Let the user run
    /// `INFO`, or take it on trust:
    /// [`RedisOptions::trust_unchecked_server`](crate::RedisOptions::trust_unchecked_server).
    #[error("redis server does not tell its version and maxmemory-policy")]
    Unchecked,
}
