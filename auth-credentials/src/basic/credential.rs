//! The header.

use std::{fmt, net::IpAddr};

use auth_core::{Malformed, Realm};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{password::Password, password_authenticator::PasswordCredential};

/// A login name and a password from an `Authorization: Basic` header, and from where.
#[derive(Clone)]
pub struct BasicCredential(pub(super) PasswordCredential);

impl BasicCredential {
    /// The most bytes of a header: room for the longest password with a login name, and no more.
    pub const MAX_LEN: usize = 6_144;

    /// Reads the value of an `Authorization` header (RFC 7617 section 2): `Basic`, spaces, and the base64 of
    /// `<login>:<password>` in UTF-8, with its padding. The scheme's case does not matter. The login name ends at the
    /// first colon; neither part has a control character, and there is a login name.
    ///
    /// The caller sees to it that there is one such header only, and that it came over TLS.
    ///
    /// # Errors
    /// [`Malformed::TooLarge`] beyond [`MAX_LEN`](Self::MAX_LEN), before anything is read; [`Malformed::Header`] for
    /// anything else that does not fit.
    pub fn parse(header: &[u8], source: Option<IpAddr>) -> Result<Self, Malformed> {
        if header.len() > Self::MAX_LEN {
            return Err(Malformed::TooLarge);
        }
        let (scheme, rest) = header.split_at_checked(5).ok_or(Malformed::Header)?;
        let encoded = rest.trim_ascii_start();
        let spaces = rest.get(..rest.len().saturating_sub(encoded.len())).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(b"basic")
            || spaces.is_empty()
            || spaces.iter().any(|byte| *byte != b' ')
        {
            return Err(Malformed::Header);
        }
        // Sized in advance, so that no copy is left behind where it grew.
        let mut text = Zeroizing::new(vec![0; encoded.len()]);
        let len = STANDARD.decode_slice(encoded, &mut text).map_err(|_| Malformed::Header)?;
        let text = text.get(..len).and_then(|text| std::str::from_utf8(text).ok());
        let (login, password) = text.and_then(|text| text.split_once(':')).ok_or(Malformed::Header)?;
        if login.is_empty() || login.chars().chain(password.chars()).any(char::is_control) {
            return Err(Malformed::Header);
        }
        let password = Password::new(password.to_owned());
        Ok(Self(PasswordCredential::typed(login, password, source)))
    }

    /// The same for an account of this realm instead of [`Realm::LOCAL`].
    #[must_use]
    pub fn in_realm(self, realm: Realm) -> Self {
        Self(self.0.in_realm(realm))
    }
}

/// Without the login name: people type passwords there.
impl fmt::Debug for BasicCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BasicCredential").field(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<(String, String)> {
        let credential = BasicCredential::parse(header.as_bytes(), None).ok()?.0;
        Some((credential.login.ok()?.as_str().to_owned(), credential.password.expose_str().to_owned()))
    }

    fn header(text: impl AsRef<[u8]>) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    /// The examples of RFC 7617, sections 2 and 2.1.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let both = |login: &str, password: &str| Some((login.to_owned(), password.to_owned()));
        assert_eq!(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), both("aladdin", "open sesame"));
        assert_eq!(read("Basic dGVzdDoxMjPCow=="), both("test", "123\u{a3}"));
        assert_eq!(read("bAsIc   dGVzdDoxMjPCow=="), both("test", "123\u{a3}"));
        assert_eq!(read(&header("ann@example.com:a:b::")), both("ann@example.com", "a:b::"));
        assert_eq!(read(&header("ann:")), both("ann", ""));
    }

    /// One spelling of everything: what two programs read in two ways lets somebody in at one of them.
    #[test]
    fn anything_else_is_malformed() {
        let long = format!("Basic {}", "A".repeat(1 << 20));
        assert_eq!(BasicCredential::parse(long.as_bytes(), None).unwrap_err(), Malformed::TooLarge);
        for bad in [
            "",
            "Basic",
            "Basic ",
            "BasicQTpi",
            "Basic\tQTpi",
            "Basic QTpi ",
            "Basic QTpi, Bearer x",
            " Basic QTpi",
            "Bearer QTpi",
            "Basic QTpi=",
            // Without its padding, with bits that mean nothing, in the other alphabet, with a line break.
            "Basic QTo",
            "Basic QTp=",
            "Basic QTp_",
            "Basic QT\npi",
            "Basic QTr/",
        ] {
            assert_eq!(
                BasicCredential::parse(bad.as_bytes(), None).unwrap_err(),
                Malformed::Header,
                "{bad:?}"
            );
        }
        for bad in
            [&b"ann"[..], b":secret", b"ann:a\0b", b"a\nnn:x", b"ann:\x7f", b"ann:\xff", b"ann:\xc2\x85"]
        {
            assert_eq!(
                BasicCredential::parse(header(bad).as_bytes(), None).unwrap_err(),
                Malformed::Header,
                "{bad:?}"
            );
        }
    }

    /// The longest password passes with a login name, and one that is longer is refused after the same work.
    #[test]
    fn the_longest_password_fits() {
        let longest = format!("ann@example.com:{}", "x".repeat(Password::MAX_BYTES));
        let credential = BasicCredential::parse(header(&longest).as_bytes(), None).unwrap().0;
        assert!(!credential.password.is_too_long());
        let longer = BasicCredential::parse(header(longest + "x").as_bytes(), None).unwrap().0;
        assert!(longer.password.is_too_long());
    }

    #[test]
    fn debug_shows_neither_part() {
        let shown = format!("{:?}", BasicCredential::parse(header("ann:secret").as_bytes(), None).unwrap());
        assert!(!shown.contains("ann") && !shown.contains("secret"), "{shown}");
    }
}
