//! Asking over HTTPS.

use std::{error::Error, fmt, net::IpAddr, ops::RangeInclusive, time::Duration};

use async_trait::async_trait;
use reqwest::{Certificate, Client, Response, StatusCode, Url, redirect, retry};

use super::{HashPrefix, LeakedPasswords, RangeClient, RangeError};

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpsRangesError {
    /// Not an absolute URL with a host, or one with a query or a fragment.
    #[error("not a url with a host and a path alone")]
    Url,
    /// Another scheme than `https`: whoever is on the way could say of each password that it did not leak.
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

/// Asks [Pwned Passwords], or a mirror of it, over HTTPS. Needs a tokio runtime around it. With the feature `reqwest`.
///
/// | what | how |
/// |---|---|
/// | scheme | `https` and no other |
/// | redirects | not followed |
/// | what is sent | five hexadecimal digits, as the last segment of the path, and `Add-Padding: true`, so that the length of the answer does not tell which |
/// | time | three seconds for the whole answer, settable |
/// | size | [`LeakedPasswords::MAX_ANSWER_LEN`], and not a byte more is read |
/// | certificates | those that the operating system trusts, and [your own](Self::with_root_certificates) |
/// | TLS | rustls on aws-lc-rs, 1.2 and 1.3, whatever other features reqwest is built with |
/// | proxies | those of the environment (`HTTPS_PROXY`, `NO_PROXY`); TLS goes through them. [None](Self::without_proxies), if you say so |
/// | cookies, compression, repetitions, `Referer` | none |
/// | status | 200 and no other |
///
/// ```
/// use std::sync::Arc;
/// use auth_credentials::{HttpsRanges, IfUnanswered, LeakedPasswords};
///
/// let leaked = LeakedPasswords::new(Arc::new(HttpsRanges::pwned_passwords()?), IfUnanswered::Accept);
/// # Ok::<(), auth_credentials::HttpsRangesError>(())
/// ```
///
/// [Pwned Passwords]: https://haveibeenpwned.com/API/v3#PwnedPasswords
#[derive(Clone)]
pub struct HttpsRanges {
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

impl HttpsRanges {
    /// How long a server has for its whole answer: three seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(3);
    /// The bounds within which that can be set.
    pub const TIMEOUT_BOUNDS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(30);
    /// Where Pwned Passwords is.
    pub const PWNED_PASSWORDS: &str = "https://api.pwnedpasswords.com/range/";

    /// Asks Pwned Passwords.
    ///
    /// # Errors
    /// [`HttpsRangesError::Client`].
    pub fn pwned_passwords() -> Result<Self, HttpsRangesError> {
        Self::new(Self::PWNED_PASSWORDS)
    }

    /// Asks a mirror: its URL is `url`, a slash if that does not end with one, and the five digits.
    ///
    /// # Errors
    /// [`HttpsRangesError`].
    pub fn new(url: &str) -> Result<Self, HttpsRangesError> {
        let url = parse(url)?;
        if url.scheme() != "https" {
            return Err(HttpsRangesError::NotHttps);
        }
        Self::of(url, Settings { certificates: Vec::new(), https_only: true, proxies: true })
    }

    /// The same with another time for the whole answer. Whoever chooses a password waits for it.
    ///
    /// # Errors
    /// [`HttpsRangesError::Timeout`] outside of [`TIMEOUT_BOUNDS`](Self::TIMEOUT_BOUNDS).
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, HttpsRangesError> {
        if !Self::TIMEOUT_BOUNDS.contains(&timeout) {
            let (min, max) = Self::TIMEOUT_BOUNDS.into_inner();
            return Err(HttpsRangesError::Timeout { min, max });
        }
        self.timeout = timeout;
        Ok(self)
    }

    /// The same, trusting the certificates in `pem` beside those of the operating system: a private authority.
    ///
    /// # Errors
    /// [`HttpsRangesError::Certificates`] if there is none in it.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, HttpsRangesError> {
        let certificates = Certificate::from_pem_bundle(pem).map_err(|_| HttpsRangesError::Certificates)?;
        if certificates.is_empty() {
            return Err(HttpsRangesError::Certificates);
        }
        self.settings.certificates = certificates;
        self.client = self.settings.client()?;
        Ok(self)
    }

    /// The same, asking no proxy, whatever the environment says.
    ///
    /// # Errors
    /// [`HttpsRangesError::Client`].
    pub fn without_proxies(mut self) -> Result<Self, HttpsRangesError> {
        self.settings.proxies = false;
        self.client = self.settings.client()?;
        Ok(self)
    }

    fn of(url: Url, settings: Settings) -> Result<Self, HttpsRangesError> {
        Ok(Self { url, client: settings.client()?, settings, timeout: Self::TIMEOUT })
    }
}

/// Asks a mirror over plain HTTP on a loopback address (`127.0.0.1`, `[::1]`): one that runs on the same machine. No
/// proxy is asked.
///
/// Every process of the machine that can listen on that port can say of each password that it did not leak.
///
/// # Errors
/// [`HttpsRangesError::NotLoopback`] for any other address, names included.
pub fn ranges_on_loopback(url: &str) -> Result<HttpsRanges, HttpsRangesError> {
    let url = parse(url)?;
    // A name could be answered with any address.
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if url.scheme() != "http" || !address.is_some_and(|address| address.is_loopback()) {
        return Err(HttpsRangesError::NotLoopback);
    }
    HttpsRanges::of(url, Settings { certificates: Vec::new(), https_only: false, proxies: false })
}

#[async_trait]
impl RangeClient for HttpsRanges {
    async fn range(&self, prefix: HashPrefix) -> Result<Vec<u8>, RangeError> {
        let url = self.url.join(prefix.as_str()).map_err(|error| RangeError::Unreachable(error.into()))?;
        let request = self.client.get(url).timeout(self.timeout).header("add-padding", "true");
        let mut answer = request.send().await.map_err(failed)?;
        match answer.status() {
            StatusCode::OK => body(&mut answer).await,
            status if status.is_redirection() => Err(RangeError::Redirect(status.as_u16())),
            status => Err(RangeError::Status(status.as_u16())),
        }
    }
}

async fn body(answer: &mut Response) -> Result<Vec<u8>, RangeError> {
    let max = LeakedPasswords::MAX_ANSWER_LEN;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len().saturating_add(chunk.len()) > max {
            return Err(RangeError::TooLarge { max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failed(error: reqwest::Error) -> RangeError {
    if error.is_timeout() {
        return RangeError::Timeout;
    }
    // The digits of a password's hash are in the address.
    RangeError::Unreachable(error.without_url().into())
}

fn parse(url: &str) -> Result<Url, HttpsRangesError> {
    let mut url = Url::parse(url).map_err(|_| HttpsRangesError::Url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpsRangesError::Credentials);
    }
    if !url.has_host() || url.query().is_some() || url.fragment().is_some() {
        return Err(HttpsRangesError::Url);
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

impl Settings {
    fn client(&self) -> Result<Client, HttpsRangesError> {
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
            .user_agent(concat!("auth-credentials/", env!("CARGO_PKG_VERSION")));
        let builder = if self.proxies { builder } else { builder.no_proxy() };
        builder.build().map_err(|error| HttpsRangesError::Client(error.into()))
    }
}

impl fmt::Debug for HttpsRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsRanges")
            .field("host", &self.url.host_str())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
