//! An access token as it travels.

use std::fmt;

use auth_core::{Malformed, Secret};

/// An access token as it travels: whoever has it may use it (RFC 6750 section 1.2).
///
/// Redacted in `Debug`, wiped on drop, read through [`expose`](Self::expose).
#[derive(Clone)]
pub struct AccessToken(Secret);

impl AccessToken {
    /// More bytes than any policy looks at.
    const MAX_LEN: usize = 64 * 1024;

    /// Takes a token that came in some other way than a header.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token.into())
    }

    /// Takes a token that was written here, and is ASCII.
    pub(crate) fn written(token: Vec<u8>) -> Self {
        Self(Secret::new(token))
    }

    /// Reads the value of an `Authorization` header: `Bearer`, one or more spaces, and a token of the
    /// characters that RFC 6750 section 2.1 allows. The scheme's case does not matter (RFC 9110 section 11.1).
    ///
    /// The caller sees to it that there is one such header only.
    ///
    /// # Errors
    /// [`Malformed::TooLarge`] beyond 64 KiB, before anything is read; [`Malformed::Header`] for anything
    /// else that does not fit.
    pub fn from_authorization(value: &[u8]) -> Result<Self, Malformed> {
        if value.len() > Self::MAX_LEN {
            return Err(Malformed::TooLarge);
        }
        let (scheme, rest) = value.split_at_checked(6).ok_or(Malformed::Header)?;
        let token = rest.trim_ascii_start();
        let spaces = rest.len().saturating_sub(token.len());
        if !scheme.eq_ignore_ascii_case(b"bearer")
            || spaces == 0
            || rest.iter().take(spaces).any(|byte| *byte != b' ')
            || !is_b64token(token)
        {
            return Err(Malformed::Header);
        }
        Ok(Self(Secret::new(token.to_vec())))
    }

    /// The token, for the answer to the client that asked for it.
    #[must_use]
    pub fn expose(&self) -> &str {
        // All ways in take text, so there is always some.
        self.0.expose_str().unwrap_or_default()
    }
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = token.get(..token.len().saturating_sub(padding)).unwrap_or_default();
    !body.is_empty() && body.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte))
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_header_is_read() {
        for good in ["Bearer a.b-c_d", "bearer a.b-c_d", "BEARER   a.b-c_d"] {
            assert_eq!(AccessToken::from_authorization(good.as_bytes()).unwrap().expose(), "a.b-c_d");
        }
        assert_eq!(AccessToken::from_authorization(b"Bearer a/+==").unwrap().expose(), "a/+==");
    }

    /// White space and junk around tokens.
    #[test]
    fn anything_else_is_malformed() {
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "Bearera",
            "Basic YTpi",
            "Bearer\ta",
            "Bearer a b",
            "Bearer a ",
            " Bearer a",
            "Bearer a,Bearer b",
            "Bearer =",
            "Bearer a=b",
            "Bearer \"a\"",
            "Bearer a\n",
            "Bearer é",
            "Bearer a\0",
        ] {
            assert_eq!(
                AccessToken::from_authorization(bad.as_bytes()).unwrap_err(),
                Malformed::Header,
                "{bad:?}"
            );
        }
        let huge = format!("Bearer {}", "a".repeat(64 * 1024));
        assert_eq!(AccessToken::from_authorization(huge.as_bytes()).unwrap_err(), Malformed::TooLarge);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", AccessToken::new("a.b.c".to_owned())), "AccessToken(redacted)");
    }
}
