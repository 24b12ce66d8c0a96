//! The name of a cookie.

use std::{borrow::Cow, fmt};

use crate::cookie::CookieError;

/// The name of a cookie: a token (RFC 9110 section 5.6.2) of 1 to 64 bytes. Case counts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CookieName(Cow<'static, str>);

impl CookieName {
    /// The most bytes of a name.
    pub const MAX_LEN: usize = 64;
    /// `__Host-sid`, the name of the session cookie unless another is chosen.
    pub const SESSION: Self = Self(Cow::Borrowed("__Host-sid"));

    /// Reads a name.
    ///
    /// # Errors
    /// [`CookieError::Name`] if it is not a token or too long.
    pub fn parse(name: &str) -> Result<Self, CookieError> {
        let token = !name.is_empty() && name.len() <= Self::MAX_LEN && name.bytes().all(is_token_byte);
        if token { Ok(Self(Cow::Owned(name.to_owned()))) } else { Err(CookieError::Name) }
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name beside it for the cookie of forms.
    pub(crate) fn for_forms(&self, secure: bool) -> Self {
        // In the development mode, the rest is the port.
        if secure {
            Self(Cow::Borrowed("__Host-form"))
        } else {
            Self(self.0.replacen("sid", "form", 1).into())
        }
    }

    /// Whether a browser takes it only with `Secure`, `Path=/` and no `Domain`.
    pub(crate) fn is_host_bound(&self) -> bool {
        self.has_prefix("__Host-")
    }

    /// Whether a browser takes it only with `Secure`.
    pub(crate) fn needs_secure(&self) -> bool {
        self.is_host_bound() || self.has_prefix("__Secure-")
    }

    /// Browsers compare prefixes without case (RFC 6265bis section 5.4), so `__host-` is bound by the same rules.
    fn has_prefix(&self, prefix: &str) -> bool {
        self.0.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    }
}

impl fmt::Display for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieName({:?})", &*self.0)
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that carries a separator writes attributes (CVE-2024-47764).
    #[test]
    fn only_a_token_is_a_name() {
        for good in ["sid", "__Host-sid", "a.b_c-d", "x!#$%&'*+^`|~"] {
            assert!(CookieName::parse(good).is_ok(), "{good}");
        }
        let long = "n".repeat(CookieName::MAX_LEN + 1);
        for bad in
            ["", "a b", "a=b", "a;b", "a,b", "a\r\nb", "a\0", "é", "\"a\"", "a\\b", "a\tb", long.as_str()]
        {
            assert_eq!(CookieName::parse(bad), Err(CookieError::Name), "{bad:?}");
        }
    }

    #[test]
    fn the_session_cookie_has_a_name_that_would_be_read() {
        assert_eq!(CookieName::parse(CookieName::SESSION.as_str()), Ok(CookieName::SESSION));
    }

    #[test]
    fn a_prefix_binds_whatever_its_case() {
        let host = CookieName::parse("__hOST-sid").unwrap();
        assert!(host.is_host_bound() && host.needs_secure());
        let secure = CookieName::parse("__SECURE-sid").unwrap();
        assert!(!secure.is_host_bound() && secure.needs_secure());
        assert!(!CookieName::parse("__Hos").unwrap().needs_secure());
    }
}
