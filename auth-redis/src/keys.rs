//! The names of keys. Those that one script needs have the same hash tag, the part in braces, so that they live in
//! the same slot of a cluster.

use auth_core::{CounterKey, PrincipalTag, Purpose, Realm, SessionId, TokenKey, TokenSubject, Window};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// How many characters of a session's id are its hash tag: those that the principal's tag alone decides.
const SHARD: usize = 10;

/// Makes the names of keys.
#[derive(Clone)]
pub(crate) struct Keys(pub(crate) std::sync::Arc<str>);

impl Keys {
    /// A session's row: its public id, with braces around the shard.
    pub(crate) fn session(&self, id: &SessionId) -> String {
        let mut text = [0; SessionId::TEXT_LEN];
        // 24 bytes are exactly 32 characters.
        let written = URL_SAFE_NO_PAD.encode_slice(id.as_bytes(), &mut text).unwrap_or(0);
        let text = text.get(..written).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        let (shard, rest) = text.split_at_checked(SHARD).unwrap_or_default();
        self.name("s:{", shard, rest)
    }

    /// A name with a hash tag, without what formatting would cost each request.
    fn name(&self, sort: &str, tag: &str, rest: &str) -> String {
        [&*self.0, sort, tag, "}", rest].concat()
    }

    /// The marker of ended epochs beside a session.
    pub(crate) fn marker(&self, tag: PrincipalTag) -> String {
        self.name("e:{", &shard(tag), "")
    }

    /// The index of the sessions that carry a tag.
    pub(crate) fn index(&self, tag: PrincipalTag) -> String {
        self.name("i:{", &shard(tag), "")
    }

    /// What matches the rows of all sessions.
    pub(crate) fn all_sessions(&self) -> String {
        format!("{}s:{{*", self.0)
    }

    /// The session whose row has this name.
    pub(crate) fn session_of(&self, key: &[u8]) -> Option<SessionId> {
        let rest = key.strip_prefix(self.0.as_bytes())?.strip_prefix(b"s:{")?;
        let (shard, rest) = rest.split_at_checked(SHARD)?;
        SessionId::parse(&[shard, rest.strip_prefix(b"}")?].concat())
    }

    /// A token or claim. All of one realm and purpose share a slot, so that replacing one is one step.
    pub(crate) fn token(&self, key: &TokenKey) -> String {
        self.token_row(&key.realm, key.purpose, key.hash.as_bytes())
    }

    pub(crate) fn token_row(&self, realm: &Realm, purpose: Purpose, hash: &[u8]) -> String {
        format!("{}t:{{{}}}{}", self.0, home(realm, purpose), URL_SAFE_NO_PAD.encode(hash))
    }

    /// The index of the tokens about a subject.
    pub(crate) fn subject(&self, realm: &Realm, purpose: Purpose, subject: &TokenSubject) -> String {
        let hash = half(Sha256::digest(subject.as_str()).into());
        format!("{}u:{{{}}}{}", self.0, home(realm, purpose), URL_SAFE_NO_PAD.encode(hash))
    }

    /// What matches all tokens and claims.
    pub(crate) fn all_tokens(&self) -> String {
        format!("{}t:{{*", self.0)
    }

    /// A counter. Each is a slot of its own.
    pub(crate) fn counter(&self, key: &CounterKey, window: Window) -> String {
        let hash = URL_SAFE_NO_PAD.encode(key.as_bytes());
        format!("{}c:{hash}:{}", self.0, window.length().as_secs())
    }

    /// What matches all counters.
    pub(crate) fn all_counters(&self) -> String {
        format!("{}c:*", self.0)
    }

    /// The window of the counter that has this name.
    pub(crate) fn window_of(&self, key: &[u8]) -> Option<Window> {
        let rest = std::str::from_utf8(key.strip_prefix(self.0.as_bytes())?).ok()?;
        let (_, secs) = rest.strip_prefix("c:")?.rsplit_once(':')?;
        Some(Window::new(std::time::Duration::from_secs(secs.parse().ok()?)))
    }
}

/// The characters that the ids of all sessions with this tag begin with.
pub(crate) fn shard(tag: PrincipalTag) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(tag.as_bytes());
    text.truncate(SHARD);
    text
}

/// Where the tokens of a realm for a purpose live.
fn home(realm: &Realm, purpose: Purpose) -> String {
    let mut hash = Sha256::new();
    for part in [realm.as_str(), purpose.as_str()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(half(hash.finalize().into()))
}

/// Half of a SHA-256: what names are told apart by.
pub(crate) fn half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    half
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::{KeyName, KeyRing, PrincipalId, Secret, SecretHash, SessionOwner, SystemEntropy};

    /// The slot of a key: <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>, appendix A.
    fn slot(key: &str) -> u16 {
        let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or(key, |(tag, _)| tag);
        let crc = tag.bytes().fold(0_u16, |crc, byte| {
            (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
            })
        });
        crc % 16_384
    }

    fn owner(id: &str) -> SessionOwner {
        let ring = KeyRing::new(KeyName::from_static("k"), Secret::new((0..32).collect())).unwrap();
        SessionOwner::new(PrincipalId::local_user(id).unwrap(), &ring)
    }

    #[test]
    fn the_slot_is_that_of_the_specification() {
        assert_eq!((slot("123456789"), slot("foo"), slot("x{foo}y")), (12_739, 12_182, 12_182));
    }

    /// The session, its marker and the index must be reachable by one script.
    #[test]
    fn what_belongs_to_a_principal_is_in_one_slot() {
        let keys = Keys("auth:".into());
        let mut slots = std::collections::HashSet::new();
        for n in 0..100 {
            let owner = owner(&format!("user{n}"));
            let wanted = slot(&keys.marker(owner.tag()));
            assert_eq!(slot(&keys.index(owner.tag())), wanted);
            for _ in 0..10 {
                let id = SessionId::for_owner(&owner, &SystemEntropy).unwrap();
                assert_eq!(slot(&keys.session(&id)), wanted);
                assert_eq!(keys.marker(id.tag()), keys.marker(owner.tag()));
            }
            slots.insert(wanted);
        }
        assert!(slots.len() > 90, "principals are spread: {}", slots.len());
    }

    #[test]
    fn the_tokens_of_a_purpose_and_their_indexes_are_in_one_slot() {
        let (keys, purpose) = (Keys("auth:".into()), Purpose::new("reset"));
        let at = |n: u8| TokenKey { realm: Realm::LOCAL, purpose, hash: SecretHash::of(&[n]) };
        let wanted = slot(&keys.token(&at(0)));
        for n in 0..50 {
            assert_eq!(slot(&keys.token(&at(n))), wanted);
            let subject = TokenSubject::parse(&format!("user{n}")).unwrap();
            assert_eq!(slot(&keys.subject(&Realm::LOCAL, purpose, &subject)), wanted);
        }
    }

    #[test]
    fn a_name_can_be_read_back_and_no_other_is() {
        let keys = Keys("auth:".into());
        let id = SessionId::for_owner(&owner("ann"), &SystemEntropy).unwrap();
        let name = keys.session(&id);
        assert_eq!(keys.session_of(name.as_bytes()), Some(id));
        assert_eq!(
            name.replace(['{', '}'], ""),
            format!("auth:s:{id}"),
            "operators find a session by its id"
        );
        for other in [&name[1..], &name[..name.len() - 1], &name.replace('}', ""), "auth:s:{é", ""] {
            assert_eq!(keys.session_of(other.as_bytes()), None, "{other}");
        }
        let (key, window) = (
            CounterKey::new(&Realm::LOCAL, Purpose::new("p"), &[]),
            Window::new(std::time::Duration::from_secs(80)),
        );
        assert_eq!(keys.window_of(keys.counter(&key, window).as_bytes()), Some(window));
        assert_eq!(keys.window_of(b"auth:c:x"), None);
    }
}
