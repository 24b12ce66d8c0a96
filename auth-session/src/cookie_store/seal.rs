//! What is in the cookie: version (1), id (24), four times (8 each), length of the login (2), the login as JSON, and the
//! data. Numbers are big-endian.

use std::sync::Arc;

use auth_core::{
    Authentication, Binding, Entropy, EntropyError, KeyRing, Purpose, SessionBlob, SessionId, UnixTime,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::cookie::{CookieName, CookieTemplate};

const SEAL: Purpose = Purpose::new("cookie-session");
const VERSION: u8 = 1;

/// A session as its cookie says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) id: SessionId,
    pub(super) authentication: Option<Arc<Authentication>>,
    pub(super) created_at: UnixTime,
    pub(super) sealed_at: UnixTime,
    pub(super) idle_until: UnixTime,
    pub(super) absolute_until: UnixTime,
    pub(super) data: SessionBlob,
}

impl Sealed {
    pub(super) fn ends_at(&self) -> UnixTime {
        self.idle_until.min(self.absolute_until)
    }

    /// A deadline itself is no longer alive.
    pub(super) fn is_live(&self, now: UnixTime) -> bool {
        now < self.ends_at()
    }

    /// The value of its cookie, or `None` if its login is too large to be written.
    pub(super) fn seal(
        &self,
        keys: &KeyRing,
        name: &CookieName,
        entropy: &dyn Entropy,
    ) -> Result<Option<String>, EntropyError> {
        let Some(content) = self.encode() else { return Ok(None) };
        let sealed = keys.seal(SEAL, binding(name), &content, entropy)?;
        Ok(Some(URL_SAFE_NO_PAD.encode(sealed)))
    }

    fn encode(&self) -> Option<Vec<u8>> {
        let login = match &self.authentication {
            Some(authentication) => serde_json::to_vec(&**authentication).ok()?,
            None => Vec::new(),
        };
        let mut content = vec![VERSION];
        content.extend_from_slice(self.id.as_bytes());
        for time in [self.created_at, self.sealed_at, self.idle_until, self.absolute_until] {
            content.extend_from_slice(&time.as_secs().to_be_bytes());
        }
        content.extend_from_slice(&u16::try_from(login.len()).ok()?.to_be_bytes());
        content.extend_from_slice(&login);
        content.extend_from_slice(self.data.as_bytes());
        Some(content)
    }

    fn decode(content: &[u8]) -> Option<Self> {
        let mut rest = content.strip_prefix(&[VERSION])?;
        let id = SessionId::from_bytes(*take(&mut rest)?);
        let mut time = || Some(UnixTime::from_secs(u64::from_be_bytes(*take(&mut rest)?)));
        let (created_at, sealed_at, idle_until, absolute_until) = (time()?, time()?, time()?, time()?);
        let length = usize::from(u16::from_be_bytes(*take(&mut rest)?));
        let (login, data) = rest.split_at_checked(length)?;
        let authentication = match login {
            [] => None,
            login => Some(Arc::new(serde_json::from_slice(login).ok()?)),
        };
        let data = SessionBlob::from_bytes(data).ok()?;
        Some(Self { id, authentication, created_at, sealed_at, idle_until, absolute_until, data })
    }
}

/// What the value of a cookie of this name says, if we sealed it under that name.
pub(super) fn open(keys: &KeyRing, name: &CookieName, value: &[u8]) -> Option<Sealed> {
    if value.len() > CookieTemplate::MAX_LEN {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
    let content = keys.open(SEAL, binding(name), &sealed).ok()?;
    Sealed::decode(content.expose())
}

/// A cookie of one name is none of another.
fn binding(name: &CookieName) -> Binding<'_> {
    Binding { account: None, row: name.as_str().as_bytes() }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use auth_core::{AuthEpoch, KeyName, Method, PrincipalId, Secret, SystemEntropy};
    use proptest::prelude::*;

    use super::*;

    fn ring(first: u8) -> KeyRing {
        KeyRing::new(KeyName::parse(&format!("k{first}")).unwrap(), Secret::new((first..).take(32).collect()))
            .unwrap()
    }

    fn session() -> Sealed {
        let ann = PrincipalId::local_user("ann").unwrap();
        let at = UnixTime::from_secs;
        Sealed {
            id: SessionId::anonymous(&SystemEntropy).unwrap(),
            authentication: Some(Arc::new(Authentication::new(
                ann,
                Method::PASSWORD,
                at(5),
                AuthEpoch::ZERO,
            ))),
            created_at: at(10),
            sealed_at: at(11),
            idle_until: at(20),
            absolute_until: at(u64::MAX),
            data: SessionBlob::empty().with_slot("cart", 1, b"[1]").unwrap(),
        }
    }

    fn sealed(session: &Sealed, keys: &KeyRing) -> String {
        session.seal(keys, &CookieName::SESSION, &SystemEntropy).unwrap().unwrap()
    }

    #[test]
    fn a_session_survives_its_cookie() {
        let (with, keys) = (session(), ring(1));
        let without = Sealed { authentication: None, data: SessionBlob::empty(), ..session() };
        for session in [with, without] {
            assert_eq!(open(&keys, &CookieName::SESSION, sealed(&session, &keys).as_bytes()), Some(session));
        }
    }

    /// Every way to make a cookie of what is none; and a key that is no longer in the ring opens nothing.
    #[test]
    fn only_what_was_sealed_for_this_cookie_under_a_key_of_the_ring_opens() {
        let (session, keys) = (session(), ring(1));
        let value = sealed(&session, &keys);
        let other = CookieName::parse("__Host-other").unwrap();
        assert_eq!(open(&keys, &other, value.as_bytes()), None);
        assert_eq!(open(&ring(2), &CookieName::SESSION, value.as_bytes()), None);
        let rotated =
            ring(2).with_retired(KeyName::from_static("k1"), Secret::new((1..).take(32).collect())).unwrap();
        assert_eq!(open(&rotated, &CookieName::SESSION, value.as_bytes()), Some(session.clone()));
        let new = sealed(&session, &rotated);
        assert_eq!(
            open(&ring(2), &CookieName::SESSION, new.as_bytes()),
            Some(session.clone()),
            "the new key seals"
        );

        let content = session.encode().unwrap();
        for purpose in [Purpose::new("cookie-session-ended"), Purpose::new("csrf-token"), Purpose::new("")] {
            let forged = keys.seal(purpose, binding(&CookieName::SESSION), &content, &SystemEntropy).unwrap();
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert_eq!(open(&keys, &CookieName::SESSION, forged.as_bytes()), None);
        }
    }

    /// The deadlines are inside: whatever is changed, no later one opens.
    #[test]
    fn no_character_of_a_cookie_can_be_changed() {
        let keys = ring(1);
        let value = sealed(&session(), &keys).into_bytes();
        for at in 0..value.len() {
            let mut changed = value.clone();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(open(&keys, &CookieName::SESSION, &changed), None, "character {at}");
            assert_eq!(open(&keys, &CookieName::SESSION, &value[..at]), None, "cut at {at}");
        }
        assert_eq!(open(&keys, &CookieName::SESSION, &[&value[..], b"="].concat()), None);
        assert_eq!(open(&keys, &CookieName::SESSION, &[b'A'; 100_000]), None);
    }

    proptest! {
        /// Also what an older or a newer version of ours may have sealed.
        #[test]
        fn reading_any_content_never_panics(content in proptest::collection::vec(any::<u8>(), 0..200)) {
            for content in [content.clone(), [&[VERSION], &content[..]].concat()] {
                if let Some(session) = Sealed::decode(&content) {
                    prop_assert_eq!(Sealed::decode(&session.encode().unwrap()), Some(session));
                }
            }
        }
    }
}
