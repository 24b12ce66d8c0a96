//! What links begin with.

use std::{fmt, net::IpAddr};

use auth_core::Secret;
use zeroize::Zeroizing;

use super::token::OneTimeToken;

/// The public URL of the application, as it is configured: what every link begins with.
///
/// A request's `Host` and `X-Forwarded-Host` are chosen by whoever sends it, and a link with a token that is built of
/// them is sent to the attacker's server (ltb-project/self-service-password#755). So no link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkBase(Box<str>);

/// Not a URL that links may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkBaseError {
    /// Not `https://`, nor `http://` to this very machine.
    #[error("links begin with https, or with http on a loopback address")]
    Scheme,
    /// There is no host, or something beside scheme, host, port and path: a user, a query, a fragment.
    #[error("public url has no host, or more than scheme, host, port and path")]
    Malformed,
    /// A path does not begin with one slash, or has characters that a path has not.
    #[error("path of a link does not begin with one slash, or has characters that are not allowed")]
    Path,
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkPurpose {
    /// To show that an address is read by whoever signed up with it.
    VerifyAddress,
    /// To set a new password.
    ResetPassword,
    /// To log in.
    MagicLink,
    /// To make another address the account's login.
    ChangeAddress,
    /// To make an account.
    Invitation,
}

impl LinkPurpose {
    /// The word in audit events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyAddress => "verify",
            Self::ResetPassword => "reset",
            Self::MagicLink => "magic-link",
            Self::ChangeAddress => "change-address",
            Self::Invitation => "invite",
        }
    }

    /// The path that a link has unless told otherwise.
    #[must_use]
    pub const fn default_path(self) -> &'static str {
        match self {
            Self::VerifyAddress => "/verify-address",
            Self::ResetPassword => "/reset-password",
            Self::MagicLink => "/log-in/link",
            Self::ChangeAddress => "/change-address",
            Self::Invitation => "/invitation",
        }
    }
}

impl LinkBase {
    /// Reads the public URL, such as `https://app.example.com`. A slash at its end is dropped.
    ///
    /// # Errors
    /// [`LinkBaseError`].
    pub fn parse(url: &str) -> Result<Self, LinkBaseError> {
        let (rest, secure) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (rest, true),
            (_, Some(rest)) => (rest, false),
            _ => return Err(LinkBaseError::Scheme),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        if !path.is_empty() {
            check_path(path)?;
        }
        let host = host(authority).ok_or(LinkBaseError::Malformed)?;
        let bare = host.trim_matches(['[', ']']);
        let loopback = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if !secure && !loopback {
            return Err(LinkBaseError::Scheme);
        }
        let scheme = if secure { "https" } else { "http" };
        Ok(Self(format!("{scheme}://{}{path}", authority.to_ascii_lowercase()).into()))
    }

    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A link to a path with a token.
    pub(super) fn link(&self, path: &str, token: &OneTimeToken) -> Link {
        let token = token.expose();
        let mut url = Zeroizing::new(String::with_capacity(self.0.len().saturating_add(512)));
        for part in [&*self.0, path, "?token=", &token] {
            url.push_str(part);
        }
        Link(Secret::new(url.as_bytes().to_vec()))
    }
}

/// A link with a token in it: whoever has it can use it. Redacted in `Debug`.
///
/// The page that it leads to sends `Referrer-Policy: same-origin` and `Cache-Control: no-store`, loads nothing from
/// elsewhere, and has a form: mail is read by programs that open every link with GET and HEAD, so only POST uses a
/// token up. Under `no-referrer`, browsers send `Origin: null` with that form, which reads as another site's.
#[derive(Clone)]
pub struct Link(Secret);

impl Link {
    /// The URL, for the message to its receiver and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_str().unwrap_or_default()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(redacted)")
    }
}

/// The path of a page: one slash, then letters, digits and `-._~/`.
pub(super) fn check_path(path: &str) -> Result<(), LinkBaseError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let good = path.starts_with('/') && !path.contains("//") && path.len() <= 256 && path.bytes().all(plain);
    if good { Ok(()) } else { Err(LinkBaseError::Path) }
}

/// The host of an authority that has nothing but a host and perhaps a port.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')?;
            rest.get(..end)?.parse::<std::net::Ipv6Addr>().ok()?;
            let (host, port) = authority.split_at(end.checked_add(2)?);
            (host, port.strip_prefix(':').or(port.is_empty().then_some(""))?)
        }
        None => {
            let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
            if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)) {
                return None;
            }
            (host, port)
        }
    };
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    let good = digits && (port.is_empty() || port.parse::<u16>().is_ok()) && !authority.ends_with(':');
    (good && authority.len() <= 255).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_begin_with_what_is_configured_and_with_https() {
        for (url, expected) in [
            ("https://App.example.com/", "https://app.example.com"),
            ("https://example.com:8443/app", "https://example.com:8443/app"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(LinkBase::parse(url).unwrap().as_str(), expected);
        }
        for bad in
            ["http://example.com", "http://localhost.example.com", "ftp://a", "//a", "a", "http://[::2]"]
        {
            assert_eq!(LinkBase::parse(bad).unwrap_err(), LinkBaseError::Scheme, "{bad}");
        }
        for bad in [
            "https://",
            "https:///x",
            "https://ann@example.com",
            "https://a:b@example.com",
            "https://example.com:",
            "https://example.com:99999",
            "https://example.com?x",
            "https://example.com#x",
            "https://exa mple.com",
            "https://example.com\\x",
            "https://[::1",
            "https://[::1]x",
        ] {
            assert_eq!(LinkBase::parse(bad).unwrap_err(), LinkBaseError::Malformed, "{bad}");
        }
        for bad in ["https://example.com//x", "https://example.com/a?b", "https://example.com/%0d"] {
            assert_eq!(LinkBase::parse(bad).unwrap_err(), LinkBaseError::Path, "{bad}");
        }
    }
}
