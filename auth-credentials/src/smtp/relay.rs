//! The mail server that takes what we send.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};

use auth_core::Secret;
use lettre::transport::smtp::{
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::AsyncSmtpConnection,
    commands::{Data, Mail as MailFrom, Rcpt},
    extension::ClientId,
};
use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::{
    connection::{Connection, Tls, ask_for_tls},
    failure::Failure,
    letter::Mail,
};

/// Why there is no relay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpRelayError {
    /// Not `smtps://` or `smtp://` with a host, and perhaps a user and a port.
    #[error("not an smtp url of a host")]
    Url,
    /// Neither a host name nor an address.
    #[error("not a host name or an address")]
    Host,
    /// A user without a password or the other way round, one in the URL, or one that is empty, longer than 512 bytes,
    /// or has a NUL byte.
    #[error("credentials are not a user and a password")]
    Credentials,
    /// Not a host of this machine, by number: only there nobody is on the way.
    #[error("relay without tls is not on a loopback address")]
    NotLoopback,
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
    #[error("tls cannot be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
}

/// A mail server that takes what we send, and how it is spoken to. With the feature `smtp`.
///
/// | what | how |
/// |---|---|
/// | TLS | always: from the first byte ([`implicit_tls`](Self::implicit_tls), port 465), or asked for before anything else is said ([`starttls`](Self::starttls), port 587). A relay that does not offer it is told nothing |
/// | TLS versions | 1.2 and 1.3, rustls on aws-lc-rs |
/// | certificates | those that the operating system trusts, and [your own](Self::with_root_certificates) |
/// | authentication | `PLAIN` or `LOGIN`, inside of TLS |
/// | time | thirty seconds for a try, from the name to the answer, settable |
/// | connections | one for a try |
#[derive(Clone)]
pub struct SmtpRelay {
    host: Box<str>,
    port: u16,
    security: Security,
    credentials: Option<(Box<str>, Secret)>,
    timeout: Duration,
}

#[derive(Clone)]
enum Security {
    Implicit(Tls),
    StartTls(Tls),
    Loopback,
}

impl SmtpRelay {
    /// How long a relay has to take a mail: thirty seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(30);
    /// The bounds within which that can be set.
    pub const TIMEOUT_BOUNDS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(300);
    /// How long one is waited for that has taken a mail and was told that this was all.
    const GOODBYE: Duration = Duration::from_secs(1);

    /// A relay with TLS from the first byte, on port 465 (RFC 8314 section 3.3): the one to prefer.
    ///
    /// # Errors
    /// [`SmtpRelayError::Host`], [`SmtpRelayError::Tls`].
    pub fn implicit_tls(host: &str) -> Result<Self, SmtpRelayError> {
        Self::of(host, 465, Security::Implicit(tls(host, Vec::new())?))
    }

    /// A relay that is asked for TLS before anything else is said, on port 587 (RFC 3207). Where it is not offered,
    /// nothing is sent.
    ///
    /// # Errors
    /// As [`implicit_tls`](Self::implicit_tls).
    pub fn starttls(host: &str) -> Result<Self, SmtpRelayError> {
        Self::of(host, 587, Security::StartTls(tls(host, Vec::new())?))
    }

    /// The relay of a URL: `smtps://user@host:465` for TLS from the first byte, `smtp://user@host:587` for `STARTTLS`,
    /// which is demanded. User and port may be missing. What precedes the last `@` is the user, as it is written.
    ///
    /// # Errors
    /// [`SmtpRelayError`]: [`Credentials`](SmtpRelayError::Credentials) too if the URL has a password, which whoever
    /// lists processes would see, or a user without a `password`, or the other way round.
    pub fn parse(url: &str, password: Option<Secret>) -> Result<Self, SmtpRelayError> {
        let (scheme, rest) = url.split_once("://").ok_or(SmtpRelayError::Url)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
        let (host, port) = split_port(place)?;
        let relay = match scheme {
            "smtps" => Self::implicit_tls(host)?,
            "smtp" => Self::starttls(host)?,
            _ => return Err(SmtpRelayError::Url),
        };
        let relay = port.map_or(relay.clone(), |port| relay.with_port(port));
        match (user, password) {
            (None, None) => Ok(relay),
            (Some(user), Some(password)) if !user.contains(':') => relay.with_credentials(user, password),
            _ => Err(SmtpRelayError::Credentials),
        }
    }

    /// The same on another port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The same, showing who we are.
    ///
    /// # Errors
    /// [`SmtpRelayError::Credentials`], for a relay without TLS as well.
    pub fn with_credentials(mut self, user: &str, password: Secret) -> Result<Self, SmtpRelayError> {
        let good = |bytes: &[u8]| !bytes.is_empty() && bytes.len() <= 512 && !bytes.contains(&0);
        if matches!(self.security, Security::Loopback)
            || !good(user.as_bytes())
            || !good(password.expose())
            || password.expose_str().is_none()
        {
            return Err(SmtpRelayError::Credentials);
        }
        self.credentials = Some((user.into(), password));
        Ok(self)
    }

    /// The same, trusting the certificates in `pem` beside those of the operating system: a private authority.
    ///
    /// # Errors
    /// [`SmtpRelayError::Certificates`] if there is none in it, [`SmtpRelayError::Tls`].
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, SmtpRelayError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.map_err(|_| SmtpRelayError::Certificates)?;
        if certificates.is_empty() {
            return Err(SmtpRelayError::Certificates);
        }
        if let Security::Implicit(tls) | Security::StartTls(tls) = &mut self.security {
            *tls = self::tls(&self.host, certificates)?;
        }
        Ok(self)
    }

    /// The same with another time for a try.
    ///
    /// # Errors
    /// [`SmtpRelayError::Timeout`] outside of [`TIMEOUT_BOUNDS`](Self::TIMEOUT_BOUNDS).
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, SmtpRelayError> {
        if !Self::TIMEOUT_BOUNDS.contains(&timeout) {
            let (min, max) = Self::TIMEOUT_BOUNDS.into_inner();
            return Err(SmtpRelayError::Timeout { min, max });
        }
        self.timeout = timeout;
        Ok(self)
    }

    fn of(host: &str, port: u16, security: Security) -> Result<Self, SmtpRelayError> {
        Ok(Self { host: host.into(), port, security, credentials: None, timeout: Self::TIMEOUT })
    }

    /// Sends one mail over a connection of its own.
    pub(super) async fn send(&self, mail: &Mail) -> Result<(), Failure> {
        let mut connection =
            timeout(self.timeout, self.hand_over(mail)).await.unwrap_or(Err(Failure::Timeout))?;
        // The mail is the relay's from here on. Whatever fails now must not have it sent twice.
        let _goodbye = timeout(Self::GOODBYE, connection.abort()).await;
        Ok(())
    }

    async fn hand_over(&self, mail: &Mail) -> Result<AsyncSmtpConnection, Failure> {
        let client = mail.from.domain();
        let stream = Box::new(self.connect(client).await?);
        let client = ClientId::Domain(client.to_owned());
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &client).await?;
        if let Some((user, password)) = &self.credentials {
            // Made for the moment, for it is not wiped.
            let password = password.expose_str().unwrap_or_default().to_owned();
            let credentials = Credentials::new(user.to_string(), password);
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        connection.command(MailFrom::new(Some(mail.from.clone()), Vec::new())).await?;
        connection.command(Rcpt::new(mail.to.clone(), Vec::new())).await?;
        connection.command(Data).await?;
        connection.message(&mail.bytes).await?;
        Ok(connection)
    }

    async fn connect(&self, client: &str) -> Result<Connection, Failure> {
        let place = (&*self.host, self.port);
        let mut tcp = TcpStream::connect(place).await.map_err(|_| Failure::Connection)?;
        match &self.security {
            Security::Loopback => Ok(Connection::plain(tcp)),
            Security::Implicit(tls) => Ok(Connection::tls(tls.wrap(tcp).await?)),
            Security::StartTls(tls) => {
                ask_for_tls(&mut tcp, client).await?;
                Ok(Connection::tls(tls.wrap(tcp).await?).greeted())
            }
        }
    }
}

/// A relay on this machine that is spoken to without TLS and without credentials, such as a mail server's own port 25.
///
/// Every process of the machine that can listen on that port reads the links and codes.
///
/// # Errors
/// [`SmtpRelayError::NotLoopback`] for any other address.
pub fn relay_on_loopback(address: SocketAddr) -> Result<SmtpRelay, SmtpRelayError> {
    if !address.ip().is_loopback() {
        return Err(SmtpRelayError::NotLoopback);
    }
    SmtpRelay::of(&address.ip().to_string(), address.port(), Security::Loopback)
}

impl fmt::Debug for SmtpRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let security = match self.security {
            Security::Implicit(_) => "tls",
            Security::StartTls(_) => "starttls",
            Security::Loopback => "none",
        };
        f.debug_struct("SmtpRelay")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &security)
            .field("user", &self.credentials.as_ref().map(|(user, _)| user))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// TLS with this host, by rustls on aws-lc-rs, whatever else is in the build.
fn tls(host: &str, roots: Vec<CertificateDer<'static>>) -> Result<Tls, SmtpRelayError> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| SmtpRelayError::Host)?;
    let failed = |error: rustls::Error| SmtpRelayError::Tls(error.into());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = verifier(roots, &provider).map_err(failed)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        // A name of rustls: this verifier is the one of the operating system, with further roots.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Tls { connector: TlsConnector::from(Arc::new(config)), host: name })
}

fn verifier(
    roots: Vec<CertificateDer<'static>>,
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Verifier, rustls::Error> {
    if roots.is_empty() {
        return Verifier::new(Arc::clone(provider));
    }
    #[cfg(not(target_os = "android"))]
    return Verifier::new_with_extra_roots(roots, Arc::clone(provider));
    #[cfg(target_os = "android")]
    Err(rustls::Error::General("further roots are not for android".to_owned()))
}

/// Host and port of `host`, `host:465`, `[::1]`, `[::1]:465`.
fn split_port(place: &str) -> Result<(&str, Option<u16>), SmtpRelayError> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(SmtpRelayError::Host)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| SmtpRelayError::Host)?;
            let port = port.strip_prefix(':').or(port.is_empty().then_some(""));
            (host, port.ok_or(SmtpRelayError::Url).map(|port| (!port.is_empty()).then_some(port))?)
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    if host.parse::<IpAddr>().is_err() && host.contains(':') {
        return Err(SmtpRelayError::Host);
    }
    match port {
        None => Ok((host, None)),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port.parse().map(|port| (host, Some(port))).map_err(|_| SmtpRelayError::Url)
        }
        Some(_) => Err(SmtpRelayError::Url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password() -> Option<Secret> {
        Some(Secret::from("hunter2".to_owned()))
    }

    #[test]
    fn a_url_names_a_relay_and_always_tls() {
        for (url, expected) in [
            ("smtps://mail.example", ("mail.example", 465, "tls")),
            ("smtp://mail.example/", ("mail.example", 587, "starttls")),
            ("smtp://mail.example:2525", ("mail.example", 2525, "starttls")),
            ("smtps://[::1]:1465", ("::1", 1465, "tls")),
            ("smtps://127.0.0.1", ("127.0.0.1", 465, "tls")),
        ] {
            let relay = SmtpRelay::parse(url, None).unwrap();
            let (host, port, security) = expected;
            assert_eq!((&*relay.host, relay.port), (host, port), "{url}");
            assert!(format!("{relay:?}").contains(&format!("security: {security:?}")), "{relay:?}");
        }
        let relay = SmtpRelay::parse("smtps://ann@example.com@mail.example:465", password()).unwrap();
        assert_eq!(relay.credentials.as_ref().map(|(user, _)| &**user), Some("ann@example.com"));
        assert!(!format!("{relay:?}").contains("hunter2"));
        for bad in [
            "",
            "mail.example",
            "http://mail.example",
            "smtps://mail.example:",
            "smtps://a:70000",
            "smtps://a:+1",
        ] {
            assert!(matches!(SmtpRelay::parse(bad, None), Err(SmtpRelayError::Url)), "{bad}");
        }
        for bad in ["smtps://", "smtps://a b", "smtps://a/b", "smtps://[a]", "smtps://[::1", "smtps://a\r\nb"]
        {
            assert!(matches!(SmtpRelay::parse(bad, None), Err(SmtpRelayError::Host)), "{bad}");
        }
        for (url, password) in [
            ("smtps://ann@mail.example", None),
            ("smtps://mail.example", password()),
            ("smtps://ann:hunter2@mail.example", password()),
            ("smtps://@mail.example", password()),
            ("smtps://ann@mail.example", Some(Secret::new(vec![0xff]))),
            ("smtps://ann@mail.example", Some(Secret::new(b"a\0b".to_vec()))),
        ] {
            assert!(matches!(SmtpRelay::parse(url, password), Err(SmtpRelayError::Credentials)), "{url}");
        }
    }

    #[test]
    fn without_tls_there_is_this_machine_alone_and_no_password() {
        for bad in ["192.0.2.1:25", "0.0.0.0:25", "[2001:db8::1]:25"] {
            let refused = relay_on_loopback(bad.parse().unwrap());
            assert!(matches!(refused, Err(SmtpRelayError::NotLoopback)), "{bad}");
        }
        let relay = relay_on_loopback("127.0.0.1:25".parse().unwrap()).unwrap();
        let refused = relay.with_credentials("ann", password().unwrap());
        assert!(matches!(refused, Err(SmtpRelayError::Credentials)));
    }

    #[test]
    fn a_relay_has_bounds() {
        let relay = SmtpRelay::implicit_tls("mail.example").unwrap();
        for secs in [0, 301] {
            let refused = relay.clone().with_timeout(Duration::from_secs(secs));
            assert!(matches!(refused, Err(SmtpRelayError::Timeout { .. })));
        }
        for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            let refused = relay.clone().with_root_certificates(pem.as_bytes());
            assert!(matches!(refused, Err(SmtpRelayError::Certificates)), "{pem}");
        }
    }
}
