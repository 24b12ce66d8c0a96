//! `otpauth` URIs: how a device is told its secret.

use std::{fmt, num::NonZeroU16};

use zeroize::Zeroizing;

use super::{
    base32,
    codes::OtpDevice,
    key::{OtpAlgorithm, OtpDigits, OtpKey},
};

/// The `otpauth` URI of a device: what is in the QR code that an app reads.
///
/// It holds the secret, so it is shown to its owner once, never logged, and never put into an address bar.
#[derive(Clone)]
pub struct OtpUri {
    issuer: Box<str>,
    account: Box<str>,
    device: OtpDevice,
}

/// Why an `otpauth` URI cannot be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OtpUriError {
    /// A name is empty, longer than 255 bytes, or has a colon or a control character.
    #[error("issuer or account is empty, too long, or has a colon or a control character")]
    Name,
    /// Not an `otpauth` URI, or longer than 4,096 bytes.
    #[error("not an otpauth uri")]
    Malformed,
    /// A parameter comes twice, or has a value that makes no sense here.
    #[error("parameter of an otpauth uri is repeated or not valid")]
    Parameter,
    /// There is no secret, or one that is not accepted.
    #[error("otpauth uri has no secret of 16 to 64 bytes")]
    Secret,
}

impl OtpUri {
    /// The most bytes that are read.
    pub const MAX_LEN: usize = 4_096;
    /// The most bytes of issuer and account.
    pub const MAX_NAME: usize = 255;

    /// The URI of a device for an account at an issuer: names that its owner will read in a list.
    ///
    /// # Errors
    /// [`OtpUriError::Name`]: the colon separates the two, and apps differ in what they make of a second one.
    pub fn new(issuer: &str, account: &str, device: OtpDevice) -> Result<Self, OtpUriError> {
        Self::check_name(issuer)?;
        Self::check_name(account)?;
        Ok(Self { issuer: issuer.trim().into(), account: account.trim().into(), device })
    }

    pub(crate) fn check_name(name: &str) -> Result<(), OtpUriError> {
        let bad = name.trim().is_empty()
            || name.len() > Self::MAX_NAME
            || name.chars().any(|c| c == ':' || c.is_control());
        if bad { Err(OtpUriError::Name) } else { Ok(()) }
    }

    /// Reads a URI that another program made. Parameters of other names are ignored; issuer and prefix have to agree
    /// where both are there.
    ///
    /// # Errors
    /// [`OtpUriError`].
    pub fn parse(text: &str) -> Result<Self, OtpUriError> {
        if text.len() > Self::MAX_LEN {
            return Err(OtpUriError::Malformed);
        }
        let (scheme, rest) = text.split_once("://").ok_or(OtpUriError::Malformed)?;
        let (path, query) = rest.split_once('?').ok_or(OtpUriError::Malformed)?;
        let (kind, label) = path.split_once('/').ok_or(OtpUriError::Malformed)?;
        if !scheme.eq_ignore_ascii_case("otpauth") || query.contains('#') {
            return Err(OtpUriError::Malformed);
        }
        let label = unescape(label).ok_or(OtpUriError::Malformed)?;
        let (prefix, account) = match label.split_once(':') {
            Some((prefix, account)) => (Some(prefix.to_owned()), account.to_owned()),
            None => (None, label.to_string()),
        };
        let query = Query::parse(query)?;
        let issuer = match (query.issuer.as_deref(), prefix) {
            (Some(issuer), Some(prefix)) if issuer.trim() != prefix.trim() => return Err(OtpUriError::Name),
            (Some(issuer), _) => issuer.to_owned(),
            (None, Some(prefix)) => prefix,
            (None, None) => return Err(OtpUriError::Name),
        };
        let secret =
            query.secret.as_deref().and_then(|text| base32::decode(text)).ok_or(OtpUriError::Secret)?;
        let key = OtpKey::new(secret, query.algorithm.unwrap_or_default(), query.digits.unwrap_or_default())
            .map_err(|_| OtpUriError::Secret)?;
        let device = if kind.eq_ignore_ascii_case("totp") {
            query.period.map_or_else(
                || OtpDevice::totp(key.clone()),
                |period| OtpDevice::totp_every(key.clone(), period),
            )
        } else if kind.eq_ignore_ascii_case("hotp") && query.period.is_none() {
            OtpDevice::hotp(key)
        } else {
            return Err(OtpUriError::Malformed);
        };
        Self::new(&issuer, &account, device)
    }

    /// Who issued it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whose account it is for.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &OtpDevice {
        &self.device
    }

    /// The URI, for the QR code and nothing else.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let key = self.device.key();
        let (secret, digits) = (self.expose_secret(), key.digits().get().to_string());
        let (kind, last) = match self.device.period() {
            Some(period) => ("totp", format!("&period={period}")),
            None => ("hotp", "&counter=0".to_owned()),
        };
        // Large enough from the beginning, so that no copy stays behind in a smaller one.
        let mut uri = Zeroizing::new(String::with_capacity(Self::MAX_LEN));
        let (issuer, account) = (escape(&self.issuer), escape(&self.account));
        for part in
            ["otpauth://", kind, "/", &issuer, ":", &account, "?secret=", &secret, "&issuer=", &issuer]
        {
            uri.push_str(part);
        }
        for part in ["&algorithm=", key.algorithm().as_str(), "&digits=", &digits, &last] {
            uri.push_str(part);
        }
        uri
    }

    /// The secret in base32, for people who type it into an app.
    #[must_use]
    pub fn expose_secret(&self) -> Zeroizing<String> {
        base32::encode(self.device.key().expose())
    }
}

impl fmt::Debug for OtpUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtpUri").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Query {
    secret: Option<Zeroizing<String>>,
    issuer: Option<String>,
    algorithm: Option<OtpAlgorithm>,
    digits: Option<OtpDigits>,
    period: Option<NonZeroU16>,
    counter: Option<u64>,
}

impl Query {
    fn parse(text: &str) -> Result<Self, OtpUriError> {
        let mut query = Self::default();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').ok_or(OtpUriError::Parameter)?;
            let value = unescape(value).ok_or(OtpUriError::Parameter)?;
            match name {
                "secret" => once(&mut query.secret, Some(value))?,
                "issuer" => once(&mut query.issuer, Some(value.to_string()))?,
                "algorithm" => once(&mut query.algorithm, OtpAlgorithm::parse(&value))?,
                "digits" => once(&mut query.digits, decimal(&value).and_then(OtpDigits::new))?,
                "period" => once(&mut query.period, decimal(&value).and_then(NonZeroU16::new))?,
                // A device that was in use elsewhere: nothing here begins in the middle.
                "counter" => once(&mut query.counter, decimal(&value).filter(|counter| *counter == 0))?,
                _ => {}
            }
        }
        Ok(query)
    }
}

fn once<T>(place: &mut Option<T>, value: Option<T>) -> Result<(), OtpUriError> {
    if place.is_some() || value.is_none() {
        return Err(OtpUriError::Parameter);
    }
    *place = value;
    Ok(())
}

/// Digits only: `parse` would also read a sign.
fn decimal<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Everything but unreserved characters, byte by byte (RFC 3986 section 2.1): `+` is no space everywhere.
fn escape(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| char::from(HEX.get(usize::from(value)).copied().unwrap_or_default());
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    escaped
}

fn unescape(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit()?, digit()?);
        bytes.push((high << 4) | low);
    }
    Some(Zeroizing::new(std::str::from_utf8(&bytes).ok()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use auth_core::Secret;
    use proptest::prelude::*;

    use super::*;

    fn key() -> OtpKey {
        let secret = Secret::new(b"Hello!\xDE\xAD\xBE\xEF0123456789".to_vec());
        OtpKey::new(secret, OtpAlgorithm::Sha1, OtpDigits::Six).unwrap()
    }

    /// Nothing in a name gets out of its place.
    #[test]
    fn names_are_escaped() {
        let uri = OtpUri::new("Ann & Bob's Büro?", "ann/x@example.com#1=%", OtpDevice::totp(key())).unwrap();
        assert_eq!(
            *uri.expose(),
            "otpauth://totp/Ann%20%26%20Bob%27s%20B%C3%BCro%3F:ann%2Fx%40example.com%231%3D%25\
             ?secret=JBSWY3DPEHPK3PXPGAYTEMZUGU3DOOBZ&issuer=Ann%20%26%20Bob%27s%20B%C3%BCro%3F\
             &algorithm=SHA1&digits=6&period=30"
        );
        let back = OtpUri::parse(&uri.expose()).unwrap();
        assert_eq!((back.issuer(), back.account()), (uri.issuer(), uri.account()));
        for (issuer, account) in
            [("a:b", "c"), ("a", "b:c"), ("", "c"), ("a", " "), ("a\n", "c"), ("a", "b\u{0}")]
        {
            assert_eq!(OtpUri::new(issuer, account, OtpDevice::totp(key())).unwrap_err(), OtpUriError::Name);
        }
        assert!(!format!("{uri:?}").contains("JBSWY"));
    }

    #[test]
    fn what_others_write_is_read() {
        let text = "OTPAUTH://totp/ACME%20Co:john@example.com?secret=hxdmvjecjjwsrb3hwizr4ifugftmxboz&image=x&digits=8\
                    &algorithm=sha256&period=60";
        let uri = OtpUri::parse(text).unwrap();
        assert_eq!((uri.issuer(), uri.account()), ("ACME Co", "john@example.com"));
        assert_eq!(uri.device().period(), NonZeroU16::new(60));
        assert_eq!(uri.device().key().algorithm(), OtpAlgorithm::Sha256);
        let hotp =
            OtpUri::parse("otpauth://hotp/A:b?secret=HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ&counter=0").unwrap();
        assert_eq!(hotp.device().period(), None);
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        let secret = "HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ";
        for (rest, error) in [
            (format!("A:b?secret={secret}&secret={secret}"), OtpUriError::Parameter),
            (format!("A:b?secret={secret}&digits=5"), OtpUriError::Parameter),
            (format!("A:b?secret={secret}&digits=+6"), OtpUriError::Parameter),
            (format!("A:b?secret={secret}&period=0"), OtpUriError::Parameter),
            (format!("A:b?secret={secret}&period=70000"), OtpUriError::Parameter),
            (format!("A:b?secret={secret}&algorithm=MD5"), OtpUriError::Parameter),
            (format!("A:b?secret={secret}&counter=5"), OtpUriError::Parameter),
            (format!("A:b?secret={secret}&issuer=C"), OtpUriError::Name),
            (format!("b?secret={secret}"), OtpUriError::Name),
            (format!("A:b:c?secret={secret}"), OtpUriError::Name),
            (format!("A:%zz?secret={secret}"), OtpUriError::Malformed),
            (format!("A:%ff?secret={secret}"), OtpUriError::Malformed),
            (format!("A:b?secret={secret}#x"), OtpUriError::Malformed),
            ("A:b?secret=AAAA".to_owned(), OtpUriError::Secret),
            ("A:b?digits=6".to_owned(), OtpUriError::Secret),
            ("A:b".to_owned(), OtpUriError::Malformed),
        ] {
            assert_eq!(OtpUri::parse(&format!("otpauth://totp/{rest}")).unwrap_err(), error, "{rest}");
        }
        let long = format!("otpauth://totp/{}?secret={secret}", "a".repeat(1 << 20));
        assert_eq!(OtpUri::parse(&long).unwrap_err(), OtpUriError::Malformed);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(issuer in "[^:\\p{Cc}]{1,60}", account in "[^:\\p{Cc}]{1,60}", hotp: bool) {
            let device = if hotp { OtpDevice::hotp(key()) } else { OtpDevice::totp(key()) };
            let Ok(uri) = OtpUri::new(&issuer, &account, device) else { return Ok(()) };
            let back = OtpUri::parse(&uri.expose()).unwrap();
            prop_assert_eq!((back.issuer(), back.account()), (uri.issuer(), uri.account()));
            prop_assert_eq!(back.expose(), uri.expose());
        }

        #[test]
        fn no_text_panics(text in "otpauth://[th]otp/.{0,40}\\?secret=.{0,40}") {
            let _ = OtpUri::parse(&text);
        }
    }
}
