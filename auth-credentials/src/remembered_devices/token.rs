//! The text that a remembered device has, and its name.

use std::fmt;

use auth_core::{
    AuthEpoch, Binding, Entropy, EntropyError, KeyRing, LoginName, PrincipalId, PrincipalKind, Purpose,
    Realm, Secret, UnixTime,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

const PURPOSE: Purpose = Purpose::new("remembered-device");
const FORMAT: u8 = 1;

/// Names a remembered device. No secret: it may be shown and logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceId([u8; 16]);

impl DeviceId {
    /// Reads what its `Display` wrote: 22 characters of base64url (RFC 4648 section 5).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 22 {
            return None;
        }
        Self::read(&URL_SAFE_NO_PAD.decode(text).ok()?)
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn of(id: [u8; 16]) -> Self {
        Self(id)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// What a remembered device keeps in a cookie. Redacted in `Debug`.
#[derive(Clone)]
pub struct DeviceToken(Secret);

impl DeviceToken {
    /// The most bytes of the text: it fits into a cookie.
    pub const MAX_LEN: usize = 3_072;

    /// The text for the cookie, in letters, digits, `-` and `_`.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_str().unwrap_or_default()
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken(redacted)")
    }
}

/// What is sealed in there. Whoever made it knows all of this, and nobody else reads it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) id: [u8; 16],
    pub(super) principal: PrincipalId,
    /// What is typed to log in to the account, which raises the epoch when it changes.
    pub(super) login: LoginName,
    pub(super) epoch: AuthEpoch,
    pub(super) expires_at: UnixTime,
}

impl Sealed {
    pub(super) fn write(&self, keys: &KeyRing, entropy: &dyn Entropy) -> Result<DeviceToken, EntropyError> {
        let mut bytes = vec![FORMAT];
        bytes.extend(self.id);
        bytes.extend(self.epoch.get().to_be_bytes());
        bytes.extend(self.expires_at.as_secs().to_be_bytes());
        let who = &self.principal;
        for part in [who.realm().as_str(), who.kind().as_str(), who.id(), self.login.as_str()] {
            // Each is a name of at most some hundred bytes.
            bytes.extend(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        let sealed = keys.seal(PURPOSE, binding(), &bytes, entropy)?;
        Ok(DeviceToken(Secret::from(URL_SAFE_NO_PAD.encode(sealed))))
    }

    /// Reads a text back; none if it was not sealed here.
    pub(super) fn read(text: &str, keys: &KeyRing) -> Option<Self> {
        if text.len() > DeviceToken::MAX_LEN {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes = keys.open(PURPOSE, binding(), &sealed).ok()?;
        let rest = bytes.expose().strip_prefix(&[FORMAT])?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (epoch, rest) = rest.split_first_chunk::<8>()?;
        let (expires_at, mut rest) = rest.split_first_chunk::<8>()?;
        let mut next = || {
            let (len, tail) = rest.split_first_chunk::<2>()?;
            let (part, tail) = tail.split_at_checked(u16::from_be_bytes(*len).into())?;
            rest = tail;
            std::str::from_utf8(part).ok()
        };
        let (realm, kind, name, login) = (next()?, next()?, next()?, next()?);
        let principal =
            PrincipalId::new(Realm::parse(realm).ok()?, PrincipalKind::parse(kind)?, name).ok()?;
        let sealed = Self {
            id: *id,
            principal,
            login: LoginName::parse(login).ok()?,
            epoch: AuthEpoch::new(u64::from_be_bytes(*epoch)),
            expires_at: UnixTime::from_secs(u64::from_be_bytes(*expires_at)),
        };
        rest.is_empty().then_some(sealed)
    }
}

/// Whose it is stands inside.
fn binding() -> Binding<'static> {
    Binding { account: None, row: b"device" }
}

#[cfg(test)]
mod tests {
    use auth_core::{KeyName, SystemEntropy};

    use super::*;

    fn ring() -> KeyRing {
        KeyRing::generate(KeyName::parse("test").unwrap(), &SystemEntropy).unwrap()
    }

    fn sealed(name: &str, login: &str) -> Sealed {
        Sealed {
            id: [7; 16],
            principal: PrincipalId::new(Realm::local("tenant").unwrap(), PrincipalKind::User, name).unwrap(),
            login: LoginName::parse(login).unwrap(),
            epoch: AuthEpoch::new(3),
            expires_at: UnixTime::from_secs(1_000),
        }
    }

    #[test]
    fn a_token_survives_the_way_through_a_browser_and_shows_nothing() {
        let keys = ring();
        for (name, login) in [("ann", "ann@example.com"), (&"é".repeat(127), &"b".repeat(200))] {
            let sealed = sealed(name, login);
            let token = sealed.write(&keys, &SystemEntropy).unwrap();
            assert!(token.expose().len() <= DeviceToken::MAX_LEN && !token.expose().contains("ann"));
            assert!(Sealed::read(token.expose(), &keys).is_some_and(|back| back == sealed));
            assert_eq!(format!("{token:?}"), "DeviceToken(redacted)");
        }
    }

    /// Who could write one would do without a second factor at any account.
    #[test]
    fn nobody_writes_one() {
        let keys = ring();
        let token = sealed("ann", "ann").write(&keys, &SystemEntropy).unwrap();
        let text = token.expose();
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(Sealed::read(std::str::from_utf8(&changed).unwrap(), &keys).is_none(), "{at}");
            assert!(Sealed::read(&text[..at], &keys).is_none());
        }
        assert!(Sealed::read(text, &ring()).is_none(), "another ring");
        assert!(Sealed::read(&"A".repeat(1 << 20), &keys).is_none());
        let login = keys.seal(Purpose::new("pending-login"), binding(), b"\x01", &SystemEntropy).unwrap();
        assert!(Sealed::read(&URL_SAFE_NO_PAD.encode(login), &keys).is_none(), "another purpose");
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = DeviceId::of([7; 16]);
        assert_eq!(DeviceId::parse(&id.to_string()), Some(id));
        for bad in ["", "x", &"B".repeat(22), &"A".repeat(23), "AAAAAAAAAAAAAAAAAAAAA="] {
            assert_eq!(DeviceId::parse(bad), None, "{bad}");
        }
    }
}
