//! A web origin.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A web origin: scheme, host and port (RFC 6454 section 4), `http` or `https`.
///
/// It is kept and compared in the one form in which browsers send it (section 6.2): in lower case, without
/// the default port, without a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    text: Box<str>,
    port: u16,
    is_https: bool,
    is_loopback: bool,
}

/// Not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// Neither `http://` nor `https://`, in lower case.
    #[error("origin must begin with http:// or https://")]
    Scheme,
    /// The host is not a name in lower-case ASCII (`xn--` for others), an IPv4 address, or an IPv6 address in
    /// brackets; or there is something around it, such as a user name or a path.
    #[error("origin must have a plain host and nothing behind it but a port")]
    Host,
    /// The port is not a number from 1 to 65535 without leading zeros.
    #[error("port must be a number from 1 to 65535")]
    Port,
}

impl Origin {
    /// Reads `https://host` or `https://host:port`. The default port may be written and is dropped; no other
    /// variation is taken, for what is compared must have one spelling.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let (is_https, default_port, authority) = match text.strip_prefix("https://") {
            Some(authority) => (true, 443, authority),
            None => (false, 80, text.strip_prefix("http://").ok_or(OriginError::Scheme)?),
        };
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address are inside its brackets.
            Some((host, port)) if !port.ends_with(']') => (host, parse_port(port)?),
            _ => (authority, default_port),
        };
        let (host, is_loopback) = parse_host(host).ok_or(OriginError::Host)?;
        let scheme = if is_https { "https" } else { "http" };
        let text = if port == default_port {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        };
        Ok(Self { text: text.into(), port, is_https, is_loopback })
    }

    /// The origin as browsers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The port, the scheme's own if none is written.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether its scheme is `https`.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether it is this machine: `localhost` (RFC 6761 section 6.3) or a loopback address.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Whether a header's value is this origin. Browsers write it in one form, so bytes are compared.
    pub(crate) fn is(&self, value: &[u8]) -> bool {
        self.text.as_bytes() == value
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse_port(digits: &str) -> Result<u16, OriginError> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().map_err(|_| OriginError::Port) } else { Err(OriginError::Port) }
}

/// The host in its one form, and whether it is this machine.
fn parse_host(host: &str) -> Option<(String, bool)> {
    if let Some(inner) = host.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some((format!("[{address}]"), IpAddr::V6(address).to_canonical().is_loopback()));
    }
    let label = |label: &str| {
        let inner =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(inner)
    };
    if host.len() > 253 || !host.split('.').all(label) {
        return None;
    }
    // A browser reads a host whose last label is a number as an IPv4 address, `0x7f.1` included (WHATWG URL,
    // "ends in a number"). Only the dotted form is what it then sends.
    let last = host.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if numeric {
        let address: Ipv4Addr = host.parse().ok()?;
        return Some((address.to_string(), address.is_loopback()));
    }
    Some((host.to_owned(), host == "localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_origin_has_one_form() {
        for (text, form, port) in [
            ("https://app.example.com", "https://app.example.com", 443),
            ("https://app.example.com:443", "https://app.example.com", 443),
            ("https://app.example.com:8443", "https://app.example.com:8443", 8_443),
            ("http://localhost:3000", "http://localhost:3000", 3_000),
            ("http://127.0.0.1", "http://127.0.0.1", 80),
            ("https://[0:0::1]:8443", "https://[::1]:8443", 8_443),
            ("http://a_b", "http://a_b", 80),
        ] {
            let origin = Origin::parse(text).unwrap();
            assert_eq!((origin.as_str(), origin.port()), (form, port));
            assert!(origin.is(form.as_bytes()));
        }
    }

    #[test]
    fn whatever_is_more_or_less_than_an_origin_is_refused() {
        for bad in ["", "null", "app.example.com", "ftp://a", "HTTPS://a", "//a", "wss://a"] {
            assert_eq!(Origin::parse(bad), Err(OriginError::Scheme), "{bad}");
        }
        for bad in [
            "https://",
            "https://a/",
            "https://a/b",
            "https://A",
            "https://a..b",
            "https://a.",
            "https://u@a",
            "https://a b",
            "https://é",
            "https://a?b",
            "https://a#b",
            "https://[::1",
            "https://::1]",
            "https://[a]",
            "https://127.1",
            "https://0x7f.0.0.1",
            "https://0x7f.1",
            "https://1.2.3.256",
            "https://2130706433",
        ] {
            assert_eq!(Origin::parse(bad), Err(OriginError::Host), "{bad}");
        }
        for bad in
            ["https://a:", "https://a:0", "https://a:080", "https://a:65536", "https://a:+1", "https://a:b"]
        {
            assert_eq!(Origin::parse(bad), Err(OriginError::Port), "{bad}");
        }
    }

    #[test]
    fn loopback_is_known() {
        for (text, loopback) in [
            ("http://localhost:1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
            ("http://[fe80::1]", false),
        ] {
            assert_eq!(Origin::parse(text).unwrap().is_loopback(), loopback, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_its_form_is_stable(text in "\\PC{0,20}|https?://[a-z0-9.:\\[\\]@/-]{0,20}") {
            if let Ok(origin) = Origin::parse(&text) {
                prop_assert_eq!(Origin::parse(origin.as_str()), Ok(origin));
            }
        }
    }
}
