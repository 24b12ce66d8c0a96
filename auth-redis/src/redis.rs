//! One server and the stores on it.

use std::{fmt, sync::Arc};

use redis::{Client, ConnectionInfo, IntoConnectionInfo};

use crate::{
    RedisCounters, RedisOptions, RedisSessions, RedisTokens, SetupError, keys::Keys, link::Link, walk::Walk,
};

/// One Redis or Valkey server. Cheap to clone; clones share the connection.
///
/// It gives out one store for each of the storage traits that it can keep. All requests go over one multiplexed
/// connection, which is made anew when it breaks. Whoever asks while that is attempted waits for the attempt, which
/// takes [`RedisOptions::connect_timeout`] at most; after one that failed there is a pause of 50 ms to 2 s, in which
/// everybody is answered [`StoreError::NotWritten`](auth_core::StoreError::NotWritten) at once. Everything happens
/// within a tokio runtime that keeps time (`enable_all`, or `#[tokio::main]`).
#[derive(Clone)]
pub struct Redis {
    pub(crate) link: Arc<Link>,
    pub(crate) keys: Keys,
}

impl Redis {
    /// Connects to the server at `url`: `redis://user:password@host:port/database`, or `rediss://..` with TLS
    /// (feature `tls`), or `unix:///path?db=..&user=..&pass=..`. Asks it for its version and its `maxmemory-policy`, here
    /// and on each new connection: a server that took the place of another and fails there is not used.
    ///
    /// # Errors
    /// [`SetupError`]: the server cannot be reached, is older than 6.2, or may evict keys.
    pub async fn connect(url: &str, options: RedisOptions) -> Result<Self, SetupError> {
        if !options.prefix_is_fine() {
            return Err(SetupError::Prefix);
        }
        let client = client(url, &options)?;
        let link = Link::new(client, &options);
        link.connect().await?;
        Ok(Self { link: Arc::new(link), keys: Keys(options.prefix.into()) })
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> RedisSessions {
        RedisSessions { redis: self.clone(), walk: Walk::default() }
    }

    /// The single-use tokens.
    #[must_use]
    pub fn tokens(&self) -> RedisTokens {
        RedisTokens { redis: self.clone(), walk: Walk::default() }
    }

    /// The counters of throttles.
    #[must_use]
    pub fn counters(&self) -> RedisCounters {
        RedisCounters { redis: self.clone(), walk: Walk::default() }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.keys.0).finish_non_exhaustive()
    }
}

fn client(url: &str, options: &RedisOptions) -> Result<Client, SetupError> {
    // The client library's own errors may quote the URL.
    let scheme = url.split_once(':').map(|(scheme, _)| scheme);
    if matches!(scheme, Some("rediss" | "valkeys")) && !cfg!(feature = "tls") {
        return Err(SetupError::Url("its scheme needs the feature `tls`"));
    }
    // `#insecure` would accept any certificate.
    if url.contains('#') {
        return Err(SetupError::Url("it has a fragment"));
    }
    let info = url.into_connection_info().map_err(|_| SetupError::Url("it is malformed"))?;
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    open(info.set_redis_settings(settings), options)
}

#[cfg(not(feature = "tls"))]
fn open(info: ConnectionInfo, _: &RedisOptions) -> Result<Client, SetupError> {
    Client::open(info).map_err(|_| SetupError::Url("it is malformed"))
}

#[cfg(feature = "tls")]
fn open(info: ConnectionInfo, options: &RedisOptions) -> Result<Client, SetupError> {
    use redis::{ConnectionAddr, TlsCertificates};

    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Client::open(info).map_err(|_| SetupError::Url("it is malformed"));
    }
    // Without one, rustls would choose for the process, and panic where two are compiled in.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Whoever was faster chose.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
    let certificates = TlsCertificates { client_tls: None, root_cert: options.root_certificates.clone() };
    Client::build_with_tls(info, certificates).map_err(|error| SetupError::Tls(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(url: &str) -> String {
        let error = Redis::connect(url, RedisOptions::default()).await.expect_err("no server");
        format!("{error} {error:?} {:?}", std::error::Error::source(&error))
    }

    /// A URL holds the password, and ends up in logs by way of errors.
    #[tokio::test]
    async fn no_error_has_the_url_in_it() {
        for url in [
            "redis://ann:hunter2@host:port/0",
            "http://ann:hunter2@host/0",
            "redis://ann:hunter2@127.0.0.1:1/hunter2",
            "redis://ann:hunter2@127.0.0.1:1/0",
            "redis://ann:hunter2@127.0.0.1:1/0?protocol=hunter2",
            "rediss://ann:hunter2@127.0.0.1:1/#insecure",
            "hunter2",
        ] {
            let said = refused(url).await;
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[tokio::test]
    async fn an_unchecked_certificate_is_not_an_option() {
        let refused = Redis::connect("rediss://127.0.0.1:1/#insecure", RedisOptions::default()).await;
        assert!(matches!(refused, Err(SetupError::Url(_))), "{refused:?}");
    }
}
