//! The public half of a session: its id, and the tag that keeps a principal's sessions together.

use std::{fmt, ops::RangeInclusive};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{Entropy, EntropyError, KeyRing, PrincipalId, Purpose};

/// A keyed hash of a principal that is part of the ids of its sessions, so that a sharded store keeps the
/// session, the index and the epoch marker of a principal on one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrincipalTag([u8; 8]);

impl PrincipalTag {
    /// The tag's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// The ids that begin with it, for stores that look through a range of keys. Ids are in the order of their bytes.
    #[must_use]
    pub fn ids(&self) -> RangeInclusive<SessionId> {
        let [a, b, c, d, e, f, g, h] = self.0;
        let all = |x| SessionId([a, b, c, d, e, f, g, h, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x]);
        all(0)..=all(255)
    }
}

/// A principal with the tags that its sessions may carry: one for each key of the ring.
///
/// Stores take this instead of a bare [`PrincipalId`]: those that shard find the shards by the tags, the
/// others ignore them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOwner {
    principal: PrincipalId,
    current: PrincipalTag,
    retired: Vec<PrincipalTag>,
}

const TAG: Purpose = Purpose::new("session-tag");

impl SessionOwner {
    /// The owner of `principal`'s sessions under the keys of `keys`.
    #[must_use]
    pub fn new(principal: PrincipalId, keys: &KeyRing) -> Self {
        let bytes = principal.to_bytes();
        let tag = |mac: [u8; 32]| {
            let [a, b, c, d, e, f, g, h, ..] = mac;
            PrincipalTag([a, b, c, d, e, f, g, h])
        };
        Self {
            current: tag(keys.mac(TAG, &[&bytes])),
            retired: keys.retired_macs(TAG, &[&bytes]).map(tag).collect(),
            principal,
        }
    }

    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &PrincipalId {
        &self.principal
    }

    /// The tag of new sessions.
    #[must_use]
    pub fn tag(&self) -> PrincipalTag {
        self.current
    }

    /// The tags of all sessions, the current one first.
    pub fn tags(&self) -> impl Iterator<Item = PrincipalTag> {
        std::iter::once(self.current).chain(self.retired.iter().copied())
    }
}

/// Names a session: the row's key. Public: it may be shown and logged, and opens nothing.
///
/// 8 bytes of [`PrincipalTag`] (random while nobody is logged in) and 128 unpredictable bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; 24]);

impl SessionId {
    /// Length of the text form, in bytes.
    pub const TEXT_LEN: usize = 32;

    /// An id for a session of `owner`.
    ///
    /// # Errors
    /// [`EntropyError`] if `entropy` failed.
    pub fn for_owner(owner: &SessionOwner, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut id = Self::anonymous(entropy)?;
        for (to, from) in id.0.iter_mut().zip(owner.tag().0) {
            *to = from;
        }
        Ok(id)
    }

    /// An id for a session of nobody.
    ///
    /// # Errors
    /// [`EntropyError`] if `entropy` failed.
    pub fn anonymous(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut id = Self([0; 24]);
        entropy.fill(&mut id.0)?;
        Ok(id)
    }

    /// An id read back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 24]) -> Self {
        Self(bytes)
    }

    /// The id for a store to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 24] {
        &self.0
    }

    /// Reads the text form: 32 characters of base64url (RFC 4648 section 5), of which there is one per id.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != Self::TEXT_LEN {
            return None;
        }
        let mut id = Self([0; 24]);
        let written = URL_SAFE_NO_PAD.decode_slice(text, &mut id.0).ok()?;
        (written == 24).then_some(id)
    }

    /// The shard that the session lives on.
    #[must_use]
    pub fn tag(&self) -> PrincipalTag {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        PrincipalTag([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; Self::TEXT_LEN];
        // 24 bytes are exactly 32 characters.
        let written = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(text.get(..written).and_then(|text| std::str::from_utf8(text).ok()).ok_or(fmt::Error)?)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyName, Secret, SystemEntropy};

    fn keys(byte: u8) -> KeyRing {
        KeyRing::new(KeyName::from_static("a"), Secret::new((byte..).take(32).collect())).unwrap()
    }

    #[test]
    fn an_id_survives_its_text_form() {
        let id = SessionId::anonymous(&SystemEntropy).unwrap();
        let text = id.to_string();
        assert_eq!(text.len(), SessionId::TEXT_LEN);
        assert_eq!(SessionId::parse(text.as_bytes()), Some(id));
        assert_eq!(SessionId::parse(&text.as_bytes()[1..]), None);
        assert_eq!(SessionId::parse(&[b'='; 32]), None);
    }

    /// After a key change, the sessions made under the old key must still be found.
    #[test]
    fn an_owner_knows_the_tags_of_retired_keys() {
        let ann = PrincipalId::local_user("ann").unwrap();
        let old = SessionOwner::new(ann.clone(), &keys(1));
        let ring =
            keys(2).with_retired(KeyName::from_static("b"), Secret::new((1..).take(32).collect())).unwrap();
        let new = SessionOwner::new(ann.clone(), &ring);
        assert_ne!(new.tag(), old.tag());
        assert!(new.tags().any(|tag| tag == old.tag()));
        let id = SessionId::for_owner(&new, &SystemEntropy).unwrap();
        assert_eq!(id.tag(), new.tag());
        assert!(new.tag().ids().contains(&id) && !old.tag().ids().contains(&id));
        let bob = SessionOwner::new(PrincipalId::local_user("bob").unwrap(), &ring);
        assert_ne!(bob.tag(), new.tag());
    }
}
