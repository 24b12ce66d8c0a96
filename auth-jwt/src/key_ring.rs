//! The keys of an issuer, one after another.

use std::{sync::Arc, time::Duration};

use auth_core::UnixTime;

use crate::{Algorithm, AnySigningKey, KeyId, KeySet, KeySetError, TokenIssuer, TokenPolicy};

#[cfg(test)]
mod tests;

/// Why keys do not make a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerKeyRingError {
    /// A secret cannot be published. What derives secrets is [`auth_core::KeyRing`].
    #[error("{0} keys are secrets and cannot be published")]
    Symmetric(Algorithm),
    /// Two keys have the same id.
    #[error("two keys have the same id")]
    DuplicateId,
    /// The keys do not make a set: there are too many.
    #[error(transparent)]
    Set(#[from] KeySetError),
    /// A key would sign before, or at the moment when, its predecessor begins to.
    #[error("key would sign before its predecessor")]
    Order,
    /// A key would sign so soon after it was published that those who verify may not have it.
    #[error("key would sign less than {} seconds after it is published", min.as_secs())]
    TooSoon {
        /// The least time between.
        min: Duration,
    },
    /// The ring has an end, and nothing comes behind it.
    #[error("ring has ended")]
    Ended,
    /// There is no such key.
    #[error("no such key")]
    UnknownKey,
    /// The key has no successor that could take over from it.
    #[error("key has no successor")]
    NoSuccessor,
    /// A lifetime of zero, or of more than a year.
    #[error("lifetime is not between 1 and {} seconds", max.as_secs())]
    Lifetime {
        /// The most.
        max: Duration,
    },
}

/// At this moment no key signs: the ring has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no key signs at this time")]
pub struct NoSigningKey;

/// The keys of an issuer over time: at every moment one of them signs, and all whose tokens may still be alive
/// verify. Cheap to clone.
///
/// | a key is | from | until | it |
/// |---|---|---|---|
/// | next | it is published | it signs | is in the JWK Set, so that everybody has it when its first token comes |
/// | current | it signs | its successor does | signs |
/// | retired | its successor signs | its last token has expired, and five minutes of leeway | verifies, and is in the JWK Set |
///
/// Each key ends where its successor begins, so there is neither a gap nor an overlap. It is a value: a rotation
/// makes another ring, of which one makes another [`TokenIssuer`] and another verifier; what time does to the
/// keys of one ring needs neither.
///
/// ```
/// use std::time::Duration;
/// use auth_core::{SystemEntropy, UnixTime};
/// use auth_jwt::{Es256SigningKey, IssuerKeyRing};
///
/// let monday = UnixTime::from_secs(1_800_000_000);
/// let tuesday = monday.saturating_add(Duration::from_secs(24 * 3600));
/// let (old, new) = (Es256SigningKey::generate(&SystemEntropy)?, Es256SigningKey::generate(&SystemEntropy)?);
///
/// let ring = IssuerKeyRing::new(old)?.with_next(new, monday, tuesday)?;
/// assert_ne!(ring.current(monday)?.id(), ring.current(tuesday)?.id());
/// println!("{}", ring.to_jwks(monday)); // both, at `/.well-known/jwks.json`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct IssuerKeyRing {
    /// In the order in which they sign; never empty.
    keys: Arc<[RingKey]>,
    /// What verifies, in the same order.
    set: KeySet,
    ends_at: UnixTime,
    max_lifetime: Duration,
}

#[derive(Debug, Clone)]
struct RingKey {
    /// Under its effective id.
    key: AnySigningKey,
    publish_from: UnixTime,
    sign_from: UnixTime,
}

/// A key and its times, none of which is left to be worked out.
struct Timed<'r> {
    ring_key: &'r RingKey,
    sign_until: UnixTime,
    verify_until: UnixTime,
}

impl IssuerKeyRing {
    /// How long a key is published at the least before it signs: ten minutes, as long as a
    /// [`RemoteKeySet`](crate::RemoteKeySet) may not ask again.
    pub const PUBLISH_AHEAD: Duration = Duration::from_secs(600);
    /// The longest life of a token that can be set: a year.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(366 * 24 * 3600);
    /// How long a key verifies beyond the life of its last token: the most leeway that a [`TokenPolicy`] has.
    pub const LEEWAY: Duration = TokenPolicy::MAX_LEEWAY;

    /// A ring of one key, which signs until it has a successor. Without a name it is called by its thumbprint
    /// (RFC 7638).
    ///
    /// # Errors
    /// [`IssuerKeyRingError::Symmetric`].
    pub fn new(key: impl Into<AnySigningKey>) -> Result<Self, IssuerKeyRingError> {
        let first = RingKey::new(key.into(), UnixTime::EPOCH, UnixTime::EPOCH)?;
        let set = KeySet::from(first.key.verifying_key());
        let (ends_at, max_lifetime) = (UnixTime::MAX, TokenIssuer::MAX_LIFETIME);
        Ok(Self { keys: Arc::new([first]), set, ends_at, max_lifetime })
    }

    /// The same with one more key, which is published at `publish_from` and takes over at `sign_from`.
    ///
    /// # Errors
    /// [`IssuerKeyRingError`]; [`TooSoon`](IssuerKeyRingError::TooSoon) if `sign_from` is less than
    /// [`PUBLISH_AHEAD`](Self::PUBLISH_AHEAD) behind `publish_from`.
    pub fn with_next(
        self,
        key: impl Into<AnySigningKey>,
        publish_from: UnixTime,
        sign_from: UnixTime,
    ) -> Result<Self, IssuerKeyRingError> {
        if sign_from < publish_from.saturating_add(Self::PUBLISH_AHEAD) {
            return Err(IssuerKeyRingError::TooSoon { min: Self::PUBLISH_AHEAD });
        }
        self.followed_by(key.into(), publish_from, sign_from)
    }

    /// The same with one more key, which is published and takes over at the same moment: in an emergency, when
    /// the present key may be in other hands. [`without`](Self::without) then ends that one.
    ///
    /// Who verifies has to ask for the new key when its first token comes.
    ///
    /// # Errors
    /// [`IssuerKeyRingError`].
    pub fn with_next_at_once(
        self,
        key: impl Into<AnySigningKey>,
        at: UnixTime,
    ) -> Result<Self, IssuerKeyRingError> {
        self.followed_by(key.into(), at, at)
    }

    /// The same without one of its keys: its tokens are worth nothing from now on, and its successor has
    /// whatever time it had left.
    ///
    /// # Errors
    /// [`IssuerKeyRingError::UnknownKey`]; [`NoSuccessor`](IssuerKeyRingError::NoSuccessor) if it is the last.
    pub fn without(self, id: &KeyId) -> Result<Self, IssuerKeyRingError> {
        let at = self.keys.iter().position(|key| key.key.id() == Some(id));
        let at = at.ok_or(IssuerKeyRingError::UnknownKey)?;
        let mut keys = self.keys.to_vec();
        let removed = keys.remove(at);
        let heir = keys.get_mut(at).ok_or(IssuerKeyRingError::NoSuccessor)?;
        heir.sign_from = removed.sign_from;
        heir.publish_from = heir.publish_from.min(removed.publish_from);
        self.with_keys(keys)
    }

    /// The same without the keys that verify nothing any more.
    #[must_use]
    pub fn without_expired(self, now: UnixTime) -> Self {
        let alive = |timed: &Timed<'_>| now < timed.verify_until;
        let kept = self.timed().filter(alive).map(|timed| timed.ring_key.clone()).collect();
        // A ring keeps a key even after its end.
        self.clone().with_keys(kept).unwrap_or(self)
    }

    /// The same, with an end: from `at` on no key signs.
    ///
    /// # Errors
    /// [`IssuerKeyRingError::Order`] if its last key would never sign.
    pub fn with_end(self, at: UnixTime) -> Result<Self, IssuerKeyRingError> {
        if self.keys.last().is_none_or(|last| at <= last.sign_from) {
            return Err(IssuerKeyRingError::Order);
        }
        Ok(Self { ends_at: at, ..self }.with_windows())
    }

    /// The same for tokens that live no longer than this, in whole seconds; a day unless it is set. It decides
    /// how long a retired key verifies.
    ///
    /// # Errors
    /// [`IssuerKeyRingError::Lifetime`] if it is less than a second or more than a year.
    pub fn with_max_lifetime(self, max_lifetime: Duration) -> Result<Self, IssuerKeyRingError> {
        if max_lifetime < Duration::from_secs(1) || max_lifetime > Self::MAX_LIFETIME {
            return Err(IssuerKeyRingError::Lifetime { max: Self::MAX_LIFETIME });
        }
        let max_lifetime = Duration::from_secs(max_lifetime.as_secs());
        Ok(Self { max_lifetime, ..self }.with_windows())
    }

    /// The longest life of a token that its keys sign.
    #[must_use]
    pub fn max_lifetime(&self) -> Duration {
        self.max_lifetime
    }

    /// The key that signs at `now`.
    ///
    /// # Errors
    /// [`NoSigningKey`] if the ring has ended.
    pub fn current(&self, now: UnixTime) -> Result<&AnySigningKey, NoSigningKey> {
        self.current_at(now).map(|(key, _)| key)
    }

    /// What verifies its tokens: every key, each from when it is published until its last token has expired. A
    /// verifier that is made of it follows the time, and need not be made anew until the ring is.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        self.set.clone()
    }

    /// The JWK Set to publish at `now` (RFC 7517 section 5): the public keys that are next, current or retired.
    #[must_use]
    pub fn to_jwks(&self, now: UnixTime) -> String {
        let is_published = |timed: &Timed<'_>| timed.ring_key.publish_from <= now && now < timed.verify_until;
        let keys = self.timed().filter(is_published).map(|timed| timed.ring_key.key.verifying_key());
        let json = KeySet::new(keys).and_then(|set| set.to_jwks());
        // After the end of the ring there are no keys, which a set cannot say.
        json.unwrap_or_else(|_| "{\"keys\":[]}".to_owned())
    }

    /// All signing keys, in the order in which they sign.
    pub(crate) fn signing_keys(&self) -> impl Iterator<Item = &AnySigningKey> {
        self.keys.iter().map(|key| &key.key)
    }

    /// The key that signs at `now`, and its place among all.
    pub(crate) fn current_at(&self, now: UnixTime) -> Result<(&AnySigningKey, usize), NoSigningKey> {
        let signs =
            |(_, timed): &(usize, Timed<'_>)| timed.ring_key.sign_from <= now && now < timed.sign_until;
        let (index, timed) = self.timed().enumerate().find(signs).ok_or(NoSigningKey)?;
        Ok((&timed.ring_key.key, index))
    }

    fn followed_by(
        self,
        key: AnySigningKey,
        publish_from: UnixTime,
        sign_from: UnixTime,
    ) -> Result<Self, IssuerKeyRingError> {
        let next = RingKey::new(key, publish_from, sign_from)?;
        if sign_from >= self.ends_at {
            return Err(IssuerKeyRingError::Ended);
        }
        if self.keys.last().is_some_and(|last| sign_from <= last.sign_from) {
            return Err(IssuerKeyRingError::Order);
        }
        if self.keys.iter().any(|key| key.key.id() == next.key.id()) {
            return Err(IssuerKeyRingError::DuplicateId);
        }
        self.clone().with_keys(self.keys.iter().cloned().chain([next]).collect())
    }

    fn with_keys(self, keys: Vec<RingKey>) -> Result<Self, IssuerKeyRingError> {
        let set = KeySet::new(keys.iter().map(|key| key.key.verifying_key()))?;
        Ok(Self { keys: keys.into(), set, ..self }.with_windows())
    }

    /// The same, whose verifying keys keep to its times.
    fn with_windows(self) -> Self {
        let windows = self.timed().map(|timed| Some((timed.ring_key.publish_from, timed.verify_until)));
        let set = self.set.with_windows(windows);
        Self { set, ..self }
    }

    fn timed(&self) -> impl Iterator<Item = Timed<'_>> {
        let ends = self.keys.iter().skip(1).map(|next| next.sign_from).chain([self.ends_at]);
        self.keys.iter().zip(ends).map(|(ring_key, sign_until)| {
            let verify_until = sign_until.saturating_add(self.max_lifetime).saturating_add(Self::LEEWAY);
            Timed { ring_key, sign_until, verify_until }
        })
    }
}

impl RingKey {
    fn new(
        key: AnySigningKey,
        publish_from: UnixTime,
        sign_from: UnixTime,
    ) -> Result<Self, IssuerKeyRingError> {
        let public = key.verifying_key();
        if public.algorithm().is_symmetric() {
            return Err(IssuerKeyRingError::Symmetric(public.algorithm()));
        }
        let key = match public.effective_id() {
            Some(id) => key.with_id(id),
            None => key,
        };
        Ok(Self { key, publish_from, sign_from })
    }
}
