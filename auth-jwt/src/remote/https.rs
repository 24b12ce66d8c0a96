//! Fetching over HTTPS.

use std::{error::Error, fmt, net::IpAddr, ops::RangeInclusive, panic::resume_unwind, time::Duration};

use async_trait::async_trait;
use auth_core::{Clock, SystemClock};
use reqwest::{Certificate, Client, RequestBuilder, Response, StatusCode, Url, redirect, retry};

use super::{FetchError, FetchKeySet, FetchedKeySet, Freshness};
use crate::KeySet;

/// Why there is no fetcher.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpsFetcherError {
    /// Not an absolute URL with a host.
    #[error("not a url with a host")]
    Url,
    /// Another scheme than `https`: whoever is on the way could choose the keys.
    #[error("url is not https")]
    NotHttps,
    /// Not a host of this machine, by number: only there nobody is on the way.
    #[error("url is not http on a loopback address")]
    NotLoopback,
    /// The URL has a user name or a password, which would be in every log.
    #[error("url has credentials")]
    Credentials,
    /// Outside of its bounds.
    #[error("timeout is not between {} and {} seconds", min.as_secs(), max.as_secs())]
    Timeout {
        /// The least.
        min: Duration,
        /// The most.
        max: Duration,
    },
    /// Not certificates in PEM form.
    #[error("not certificates in pem form")]
    Certificates,
    /// There is no TLS here.
    #[error("http client cannot be made")]
    Client(#[source] Box<dyn Error + Send + Sync>),
}

/// Fetches a key set over HTTPS. Needs a tokio runtime around it. With the feature `reqwest`.
///
/// | what | how |
/// |---|---|
/// | scheme | `https` and no other |
/// | redirects | not followed |
/// | time | five seconds for the whole answer, settable. A request that its caller leaves goes on until it has its answer or they are over |
/// | size | [`KeySet::MAX_JSON_LEN`], and not a byte more is read |
/// | runtime | a request is a task of the one that asked first; with that it ends, and counts as out of reach |
/// | certificates | those that the operating system trusts, and [your own](Self::with_root_certificates) |
/// | TLS | rustls on aws-lc-rs, 1.2 and 1.3, whatever other features reqwest is built with |
/// | proxies | those of the environment (`HTTPS_PROXY`, `NO_PROXY`), as operators expect; TLS goes through them. [None](Self::without_proxies), if you say so |
/// | cookies, compression, repetitions, `Referer` | none |
/// | status | 200 and no other. The content type does not matter: many servers have the wrong one |
///
/// ```
/// use auth_jwt::{Algorithm, HttpsFetcher, HttpsFetcherError, RemoteKeySet};
///
/// let fetcher = HttpsFetcher::new("https://id.example/.well-known/jwks.json")?;
/// let keys = RemoteKeySet::new(fetcher, [Algorithm::Es256])?;
/// assert!(matches!(HttpsFetcher::new("http://id.example/jwks"), Err(HttpsFetcherError::NotHttps)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct HttpsFetcher {
    url: Url,
    client: Client,
    settings: Settings,
    timeout: Duration,
}

/// What a client is made of.
#[derive(Clone)]
struct Settings {
    certificates: Vec<Certificate>,
    https_only: bool,
    proxies: bool,
}

impl HttpsFetcher {
    /// How long a server has for its whole answer: five seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
    /// The bounds within which that can be set.
    pub const TIMEOUT_BOUNDS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(30);

    /// Fetches from `url`, as the issuer's metadata tell it (`jwks_uri`, RFC 8414 section 2).
    ///
    /// # Errors
    /// [`HttpsFetcherError`].
    pub fn new(url: &str) -> Result<Self, HttpsFetcherError> {
        let url = parse(url)?;
        if url.scheme() != "https" {
            return Err(HttpsFetcherError::NotHttps);
        }
        Self::of(url, Settings { certificates: Vec::new(), https_only: true, proxies: true })
    }

    /// The same with another time for the whole answer.
    ///
    /// # Errors
    /// [`HttpsFetcherError::Timeout`] outside of [`TIMEOUT_BOUNDS`](Self::TIMEOUT_BOUNDS).
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, HttpsFetcherError> {
        if !Self::TIMEOUT_BOUNDS.contains(&timeout) {
            let (min, max) = Self::TIMEOUT_BOUNDS.into_inner();
            return Err(HttpsFetcherError::Timeout { min, max });
        }
        self.timeout = timeout;
        Ok(self)
    }

    /// The same, trusting the certificates in `pem` beside those of the operating system: a private authority.
    ///
    /// # Errors
    /// [`HttpsFetcherError::Certificates`] if there is none in it.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, HttpsFetcherError> {
        let certificates = Certificate::from_pem_bundle(pem).map_err(|_| HttpsFetcherError::Certificates)?;
        if certificates.is_empty() {
            return Err(HttpsFetcherError::Certificates);
        }
        self.settings.certificates = certificates;
        self.client = self.settings.client()?;
        Ok(self)
    }

    /// The same, asking no proxy, whatever the environment says.
    ///
    /// # Errors
    /// [`HttpsFetcherError::Client`].
    pub fn without_proxies(mut self) -> Result<Self, HttpsFetcherError> {
        self.settings.proxies = false;
        self.client = self.settings.client()?;
        Ok(self)
    }

    fn of(url: Url, settings: Settings) -> Result<Self, HttpsFetcherError> {
        Ok(Self { url, client: settings.client()?, settings, timeout: Self::TIMEOUT })
    }
}

/// Fetches a key set over plain HTTP from a loopback address (`127.0.0.1`, `[::1]`): an issuer that is being
/// developed on the same machine. No proxy is asked.
///
/// Every process of the machine that can listen on that port can choose the keys.
///
/// # Errors
/// [`HttpsFetcherError::NotLoopback`] for any other address, names included.
pub fn http_on_loopback(url: &str) -> Result<HttpsFetcher, HttpsFetcherError> {
    let url = parse(url)?;
    // A name could be answered with any address.
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if url.scheme() != "http" || !address.is_some_and(|address| address.is_loopback()) {
        return Err(HttpsFetcherError::NotLoopback);
    }
    HttpsFetcher::of(url, Settings { certificates: Vec::new(), https_only: false, proxies: false })
}

#[async_trait]
impl FetchKeySet for HttpsFetcher {
    async fn fetch(&self) -> Result<FetchedKeySet, FetchError> {
        let request = self.client.get(self.url.clone()).timeout(self.timeout);
        let request = request.header("accept", "application/jwk-set+json, application/json");
        // A task, for its time runs whether or not it is polled, and whoever waits for it may hang up.
        match tokio::spawn(answer(request)).await {
            Ok(answered) => answered,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(runtime_ended) => Err(FetchError::Unreachable(runtime_ended.into())),
            },
        }
    }
}

async fn answer(request: RequestBuilder) -> Result<FetchedKeySet, FetchError> {
    let mut answer = request.send().await.map_err(failed)?;
    match answer.status() {
        StatusCode::OK => {}
        status if status.is_redirection() => return Err(FetchError::Redirect(status.as_u16())),
        status => return Err(FetchError::Status(status.as_u16())),
    }
    let freshness = Freshness::from_headers(
        answer.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())),
        SystemClock.now(),
    );
    Ok(FetchedKeySet::new(body(&mut answer).await?, freshness))
}

async fn body(answer: &mut Response) -> Result<Vec<u8>, FetchError> {
    let max = KeySet::MAX_JSON_LEN;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len().saturating_add(chunk.len()) > max {
            return Err(FetchError::TooLarge { max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failed(error: reqwest::Error) -> FetchError {
    if error.is_timeout() {
        return FetchError::Timeout;
    }
    // The address is known to whoever reads the log, and may have a key in its query.
    FetchError::Unreachable(error.without_url().into())
}

fn parse(url: &str) -> Result<Url, HttpsFetcherError> {
    let url = Url::parse(url).map_err(|_| HttpsFetcherError::Url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpsFetcherError::Credentials);
    }
    if url.has_host() { Ok(url) } else { Err(HttpsFetcherError::Url) }
}

impl Settings {
    fn client(&self) -> Result<Client, HttpsFetcherError> {
        // Everything is named that another crate in the build may have switched on.
        let builder = Client::builder()
            .tls_backend_rustls()
            .tls_certs_merge(self.certificates.iter().cloned())
            .https_only(self.https_only)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            // The next fetch is minutes away.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("auth-jwt/", env!("CARGO_PKG_VERSION")));
        let builder = if self.proxies { builder } else { builder.no_proxy() };
        builder.build().map_err(|error| HttpsFetcherError::Client(error.into()))
    }
}

impl fmt::Debug for HttpsFetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsFetcher")
            .field("host", &self.url.host_str())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
