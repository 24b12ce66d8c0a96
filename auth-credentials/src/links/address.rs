//! Where mail goes.

use std::fmt;

use auth_core::LoginName;

/// A mail address in its one canonical form: a login name that mail can be sent to.
///
/// Narrower than RFC 5321, on purpose: no quotes, comments, brackets, lists or anything that a mail header gives a
/// meaning to; one `@`; a domain of letters, digits, hyphens and dots. Write an internationalised domain in its `xn--`
/// form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MailAddress(LoginName);

/// Not an address that mail is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a mail address")]
pub struct MailAddressError;

impl MailAddress {
    /// The canonical form of what a person typed.
    ///
    /// # Errors
    /// [`MailAddressError`].
    pub fn canonical(typed: &str) -> Result<Self, MailAddressError> {
        Self::of(&LoginName::canonical(typed).map_err(|_| MailAddressError)?).ok_or(MailAddressError)
    }

    /// The address that a login name is, if it is one.
    #[must_use]
    pub fn of(login: &LoginName) -> Option<Self> {
        let (local, domain) = login.as_str().split_once('@')?;
        let dots = |text: &str| !text.is_empty() && text.split('.').all(|part| !part.is_empty());
        let local_ok = local.len() <= 64
            && dots(local)
            && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
        let domain_ok = dots(domain)
            && domain
                .split('.')
                .all(|label| label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-'))
            && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        // A leading hyphen looks like an option to programs that send mail.
        (local_ok && domain_ok && !local.starts_with('-')).then(|| Self(login.clone()))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The login name that it is.
    #[must_use]
    pub fn login(&self) -> &LoginName {
        &self.0
    }
}

/// Without the address: who has mail here is nobody's business.
impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailAddress(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_and_has_one_spelling() {
        for good in ["ann@example.com", " Ann+x@Example.COM ", "o'neil@xn--bcher-kva.example", "a@localhost"]
        {
            assert!(MailAddress::canonical(good).is_ok(), "{good}");
        }
        assert_eq!(MailAddress::canonical("ANN@Example.com").unwrap().as_str(), "ann@example.com");
    }

    /// Headers and command lines are built of it by others.
    #[test]
    fn nothing_that_a_mail_header_understands_is_an_address() {
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "a@b@c",
            "a b@c",
            "ann@exa mple.com",
            "\"a\"@b",
            "a,b@c",
            "a@b,c@d",
            "<a@b>",
            "a@b>",
            "a;b@c",
            "a:b@c",
            "a(b)@c",
            "a@[127.0.0.1]",
            "a@b\r\nbcc: c@d",
            "a\\@b",
            "-f@b",
            ".a@b",
            "a..b@c",
            "a.@b",
            "a@b.",
            "a@.b",
            "a@-b",
            "a@b..c",
            "ann＠example.com",
        ] {
            assert!(MailAddress::canonical(bad).is_err(), "{bad:?}");
        }
        assert!(MailAddress::canonical(&format!("{}@b", "a".repeat(65))).is_err());
        assert!(!format!("{:?}", MailAddress::canonical("ann@example.com").unwrap()).contains("ann"));
    }
}
