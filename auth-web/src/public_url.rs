//! The address under which people reach the application.

use std::net::SocketAddr;

use auth_session::{Origin, OriginError};

use crate::NextPath;

/// The address under which people reach the application: scheme, host and port.
///
/// Cross-site checks compare with it and links are built from it, never from what a request says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Origin);

/// A public address was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicUrlError {
    /// Not of the form `https://host` or `https://host:port`.
    #[error("public url must be a scheme, a host and at most a port")]
    Malformed(#[from] OriginError),
    /// Plain HTTP, which is not the development mode's constructor.
    #[error("public url must begin with https://")]
    NotHttps,
    /// HTTPS, where the development mode was asked for.
    #[error("the development mode is plain http")]
    NotPlainHttp,
    /// Plain HTTP, for a host that is not this machine.
    #[error("plain http is for loopback addresses only")]
    NotLoopback,
    /// Plain HTTP, on a socket that other machines reach.
    #[error("plain http must listen on a loopback address only")]
    ListensPublicly,
}

impl PublicUrl {
    /// A public address: `https://app.example.com`, with a port if it is not 443.
    ///
    /// # Errors
    /// [`PublicUrlError`] if it is anything else.
    pub fn https(url: &str) -> Result<Self, PublicUrlError> {
        let origin = Origin::parse(url)?;
        if !origin.is_https() {
            return Err(PublicUrlError::NotHttps);
        }
        Ok(Self(origin))
    }

    /// The development mode: plain HTTP between a browser and a server on one machine.
    ///
    /// Cookies are then not `Secure` and have another name, which includes the port, so that they never meet
    /// those of the real thing; and requests that name another `Host` are refused, so that no page reaches the
    /// server by a name of its own (DNS rebinding). `listen` is where the server is bound.
    ///
    /// # Errors
    /// [`PublicUrlError`] unless both the address and the socket are loopback.
    pub fn plain_http_loopback(url: &str, listen: SocketAddr) -> Result<Self, PublicUrlError> {
        let origin = Origin::parse(url)?;
        if origin.is_https() {
            return Err(PublicUrlError::NotPlainHttp);
        }
        if !origin.is_loopback() {
            return Err(PublicUrlError::NotLoopback);
        }
        if !listen.ip().to_canonical().is_loopback() {
            return Err(PublicUrlError::ListensPublicly);
        }
        Ok(Self(origin))
    }

    /// The address as an origin (RFC 6454).
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.0
    }

    /// An absolute link to a path on this site.
    #[must_use]
    pub fn link(&self, path: &NextPath) -> String {
        format!("{}{}", self.0, path.as_str())
    }

    /// Host and port as a `Host` header has them (RFC 9110 section 7.2): the default port is left out.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.as_str().split_once("://").map_or("", |(_, authority)| authority)
    }

    /// Whether it is the development mode.
    pub(crate) fn is_development(&self) -> bool {
        !self.0.is_https()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(socket: &str) -> SocketAddr {
        socket.parse().unwrap()
    }

    #[test]
    fn links_are_built_from_the_address_alone() {
        let url = PublicUrl::https("https://app.example.com:443").unwrap();
        assert_eq!(url.authority(), "app.example.com");
        assert_eq!(url.link(&NextPath::parse("/a?b").unwrap()), "https://app.example.com/a?b");
        assert_eq!(PublicUrl::https("https://[::1]:8443").unwrap().authority(), "[::1]:8443");
        assert_eq!(PublicUrl::https("http://app.example.com"), Err(PublicUrlError::NotHttps));
        assert!(matches!(PublicUrl::https("https://a/b"), Err(PublicUrlError::Malformed(_))));
    }

    /// Plain HTTP must not be had by mistake on an address that others reach.
    #[test]
    fn plain_http_needs_a_loopback_address_and_a_loopback_socket() {
        for good in ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"] {
            assert!(PublicUrl::plain_http_loopback(good, at("127.0.0.1:3000")).is_ok(), "{good}");
        }
        for (url, listen, error) in [
            ("http://app.example.com", "127.0.0.1:3000", PublicUrlError::NotLoopback),
            ("http://localhost.example.com", "127.0.0.1:3000", PublicUrlError::NotLoopback),
            ("http://192.168.0.2:3000", "127.0.0.1:3000", PublicUrlError::NotLoopback),
            ("http://127.0.0.1:3000", "0.0.0.0:3000", PublicUrlError::ListensPublicly),
            ("http://127.0.0.1:3000", "192.168.0.2:3000", PublicUrlError::ListensPublicly),
            ("https://127.0.0.1:3000", "127.0.0.1:3000", PublicUrlError::NotPlainHttp),
        ] {
            assert_eq!(PublicUrl::plain_http_loopback(url, at(listen)), Err(error), "{url} {listen}");
        }
    }
}
