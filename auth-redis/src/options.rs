//! How a server is used.

use std::{fmt, time::Duration};

/// How a server is used. The defaults are right for a service beside its Redis.
///
/// ```
/// use std::time::Duration;
/// use auth_redis::RedisOptions;
///
/// let options = RedisOptions::default().prefix("shop:auth:").timeout(Duration::from_millis(500));
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedisOptions {
    pub(crate) prefix: String,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) trust_unchecked: bool,
    #[cfg(feature = "tls")]
    pub(crate) root_certificates: Option<Vec<u8>>,
}

impl RedisOptions {
    /// The longest prefix, in bytes.
    pub const MAX_PREFIX: usize = 64;

    /// What the names of all keys begin with: `auth:` by default. Applications that share a server take different
    /// ones, neither of them the beginning of the other. 1 to 64 ASCII letters, digits and `: . _ / -`; never a
    /// brace, which would decide on which shard of a cluster a key lives.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long an answer is waited for: 1 s by default, 10 ms to 1 minute. A load, which may wait for others first, gets
    /// the [`connect_timeout`](Self::connect_timeout) on top.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = bounded(timeout);
        self
    }

    /// How long a connection is waited for, its handshake included: 2 s by default, 10 ms to 1 minute.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = bounded(timeout);
        self
    }

    /// The certificates that the server's must be signed by, as PEM, instead of those of the operating system.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Uses a server that does not tell its version or its `maxmemory-policy`, because its user may run neither
    /// `INFO` nor `CONFIG GET`. Whoever calls this vouches that it is Redis 6.2 or later, or Valkey, and set to
    /// `noeviction`. A server that does tell, and is not, is refused all the same.
    pub fn trust_unchecked_server(mut self) -> Self {
        self.trust_unchecked = true;
        self
    }

    pub(crate) fn prefix_is_fine(&self) -> bool {
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b":._/-".contains(&byte);
        (1..=Self::MAX_PREFIX).contains(&self.prefix.len()) && self.prefix.bytes().all(fine)
    }
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            prefix: "auth:".into(),
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(2),
            trust_unchecked: false,
            #[cfg(feature = "tls")]
            root_certificates: None,
        }
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("trust_unchecked", &self.trust_unchecked)
            .finish_non_exhaustive()
    }
}

fn bounded(timeout: Duration) -> Duration {
    timeout.clamp(Duration::from_millis(10), Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A brace would move keys to other shards; a wildcard would make a purge walk over other people's keys.
    #[test]
    fn a_prefix_has_nothing_that_means_something_to_redis() {
        for good in ["auth:", "a", "shop/eu-1.auth_2:", &"p".repeat(64)] {
            assert!(RedisOptions::default().prefix(good).prefix_is_fine(), "{good}");
        }
        for bad in ["", "a{b", "a}b", "{tag}", "a*", "a?", "a[b]", "a\\b", "a b", "é", "a\n", &"p".repeat(65)]
        {
            assert!(!RedisOptions::default().prefix(bad).prefix_is_fine(), "{bad}");
        }
    }

    #[test]
    fn a_timeout_is_never_none_and_never_endless() {
        let options = RedisOptions::default().timeout(Duration::ZERO).connect_timeout(Duration::MAX);
        assert_eq!(options.timeout, Duration::from_millis(10));
        assert_eq!(options.connect_timeout, Duration::from_secs(60));
    }
}
