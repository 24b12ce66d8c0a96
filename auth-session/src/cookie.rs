//! Cookies: our own strict reading and writing of them (RFC 6265bis).

mod date;
mod header;
mod name;
mod policy;
mod set_cookie;
mod template;

pub use name::CookieName;
pub use policy::CookiePolicy;
pub use set_cookie::SetCookie;
pub use template::{CookieTemplate, SameSite};

/// A cookie was refused when it was described, so that a browser does not drop it in silence.
///
/// The section numbers are those of draft-ietf-httpbis-rfc6265bis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is not a token (RFC 9110 section 5.6.2) of 1 to 64 bytes.
    #[error("cookie name must be a token of 1 to 64 bytes")]
    Name,
    /// The value has a character that is not a `cookie-octet` (section 4.1.1): white space, a control
    /// character, a quote, comma, semicolon or backslash, or anything beyond ASCII.
    #[error("cookie value has a character that is not allowed")]
    Value,
    /// The path does not begin with `/`, or has a character that is not visible ASCII, or a semicolon.
    #[error("cookie path must begin with a slash and be visible ASCII without semicolon")]
    Path,
    /// The domain is not a host name of at least two labels, in lower case and without leading dot.
    #[error("cookie domain must be a lower-case host name of at least two labels")]
    Domain,
    /// The name begins with `__Host-` or `__Secure-`, which a browser takes only with `Secure`
    /// (sections 4.1.3.1 and 4.1.3.2).
    #[error("a cookie with this name prefix needs Secure")]
    PrefixNeedsSecure,
    /// The name begins with `__Host-`, which a browser takes only with `Path=/` and without `Domain`
    /// (section 4.1.3.2).
    #[error("a __Host- cookie needs Path=/ and no Domain")]
    HostPrefix,
    /// `SameSite=None` without `Secure` (section 5.7).
    #[error("SameSite=None needs Secure")]
    SameSiteNone,
    /// `Partitioned` without `Secure`, which browsers do not take.
    #[error("Partitioned needs Secure")]
    PartitionedNeedsSecure,
    /// The header would have more than 4096 bytes, attributes included (section 5.6).
    #[error("cookie is larger than 4096 bytes")]
    TooLarge,
    /// `Max-Age` is zero or beyond the 400 days that browsers keep a cookie (section 5.5).
    #[error("cookie lifetime must be 1 second to 400 days")]
    MaxAge,
    /// The development mode, for an origin that is not `http` on a loopback address.
    #[error("plain http is for loopback origins only")]
    NotLoopback,
}
