//! Several keys, from which a token names one.

mod error;
mod parse;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use auth_core::UnixTime;

pub use self::error::{KeySetError, KeySetParseError, KeySetReport, RefusedJwk};
use crate::{Algorithm, AnyVerifyingKey, Backend, KeyId, VerifyError, header::Header, jwk::write};

/// Keys that verify tokens. Cheap to clone.
///
/// | the set | the token's `kid` | the key |
/// |---|---|---|
/// | one key without an id | any, or none | that one |
/// | one key with an id | the same, or none | that one |
/// | several | one of theirs | that one |
/// | several | none | the only one whose algorithm the token names; if there are several, [`VerifyError::AmbiguousKey`] |
///
/// In a set of several, a public key without an id is called by its [thumbprint](crate::Thumbprint), as its
/// issuer's tokens call it. A JWK of an RSA key or a secret that names no `alg` is one key, for several algorithms:
/// then it is for the one of these that the token names.
///
/// Whatever key is chosen, the header's `alg` must be the key's own.
///
/// ```
/// use auth_core::SystemEntropy;
/// use auth_jwt::{AnyVerifyingKey, Es256SigningKey, Hs256Key, KeyId, KeySet, KeySetError};
///
/// let (old, new) = (Es256SigningKey::generate(&SystemEntropy)?, Es256SigningKey::generate(&SystemEntropy)?);
/// let old = old.verifying_key().with_id(KeyId::new("2026-04")?);
/// let new = new.verifying_key().with_id(KeyId::new("2026-05")?);
/// let set = KeySet::new([old, new.clone()])?;
/// assert_eq!(set.len(), 2);
///
/// let secret = Hs256Key::generate(&SystemEntropy)?;
/// let mixed = [AnyVerifyingKey::from(new), secret.into()];
/// assert_eq!(KeySet::new(mixed).unwrap_err(), KeySetError::Mixed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeySet(Arc<Keys>);

struct Keys {
    entries: Box<[Entry]>,
    /// Ids that two keys had, so that neither is here.
    ambiguous: Box<[KeyId]>,
    /// Whether all entries are of one key, which has no name of its own.
    nameless: bool,
    generation: u64,
}

/// A key, and what tells it from the others.
struct Entry {
    key: AnyVerifyingKey,
    id: Option<KeyId>,
    /// Which JWK of a set it is of, for a secret has nothing else that says so.
    jwk: Option<usize>,
    window: Option<(UnixTime, UnixTime)>,
}

impl KeySet {
    /// The most keys that are looked at, in a JWK Set too. An RSA key there that names no `alg` is then one key for
    /// each accepted algorithm.
    pub const MAX_KEYS: usize = 64;
    /// The longest JWK Set that is looked at, in bytes.
    pub const MAX_JSON_LEN: usize = 256 * 1024;

    /// A set of keys. No two may have the same id, unless they are the same RSA key for two algorithms.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn new<K: Into<AnyVerifyingKey>>(keys: impl IntoIterator<Item = K>) -> Result<Self, KeySetError> {
        let keys = keys.into_iter().take(Self::MAX_KEYS.saturating_add(1));
        let entries: Vec<_> = keys.map(|key| Entry::of(key.into())).collect();
        if entries.is_empty() {
            return Err(KeySetError::Empty);
        }
        if entries.len() > Self::MAX_KEYS {
            return Err(KeySetError::TooMany { max: Self::MAX_KEYS });
        }
        let secrets = entries.iter().filter(|entry| entry.is_secret()).count();
        if secrets > 0 && secrets < entries.len() {
            return Err(KeySetError::Mixed);
        }
        for (index, entry) in entries.iter().enumerate() {
            if entries.iter().take(index).any(|other| !entry.goes_with(other)) {
                return Err(KeySetError::DuplicateId);
            }
        }
        Ok(Self::of(entries, Vec::new()))
    }

    /// Reads a JWK Set (RFC 7517 section 5), for the algorithms that the caller accepts (RFC 8725 section 3.1).
    ///
    /// A key that is unknown, malformed, for encryption, or private where the others are public, is in the report
    /// and does no harm to the others. Two signature keys with one `kid` are both refused. A key that names no
    /// `alg` serves for each accepted algorithm that fits it, as a key of its own for each. A set of secrets is
    /// read too; secrets beside anything else refuse the whole set.
    ///
    /// ```
    /// use auth_jwt::{Algorithm, Backend, JwkError, KeySet};
    ///
    /// let json = r#"{"keys":[
    ///     {"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    ///     {"kty":"EC","crv":"secp256k1","kid":"b","x":"AA","y":"AA"}
    /// ]}"#;
    /// let (keys, report) = KeySet::parse(json, &[Algorithm::EdDsa, Algorithm::Es256], Backend::default())?;
    /// assert_eq!(keys.len(), 1);
    /// assert_eq!(report.refused()[0].error(), JwkError::Curve);
    /// # Ok::<(), auth_jwt::KeySetParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeySetParseError`].
    pub fn parse(
        json: &str,
        accepted: &[Algorithm],
        backend: Backend,
    ) -> Result<(Self, KeySetReport), KeySetParseError> {
        parse::parse(json, accepted, backend)
    }

    /// Writes the JWK Set that others verify with (RFC 7517 section 5): public keys, each with `kid` and `use`, and
    /// with `alg` unless it is there for several.
    ///
    /// # Errors
    /// [`KeySetError::Secret`] for a set of secrets; [`KeySetError::Timed`] for that of an
    /// [`IssuerKeyRing`](crate::IssuerKeyRing), which has a method of its own.
    pub fn to_jwks(&self) -> Result<String, KeySetError> {
        if self.0.entries.iter().any(|entry| entry.window.is_some()) {
            return Err(KeySetError::Timed);
        }
        let mut text = String::from("{\"keys\":[");
        for (index, entry) in self.0.entries.iter().enumerate() {
            let material = entry.key.material().ok_or(KeySetError::Secret)?;
            let same = |other: &&Entry| other.id == entry.id;
            if self.0.entries.iter().take(index).any(|other| same(&other)) {
                continue;
            }
            let alg = match self.0.entries.iter().filter(same).count() {
                1 => Some(entry.key.alg()),
                _ => None,
            };
            if !text.ends_with('[') {
                text.push(',');
            }
            text.push_str(&write::public(&material, entry.id.as_ref(), alg));
        }
        text.push_str("]}");
        Ok(text)
    }

    /// How many keys there are, each with one algorithm; never none.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &AnyVerifyingKey> {
        self.0.entries.iter().map(|entry| &entry.key)
    }

    /// What tells a key of the set from the others. Several may be one key, for several algorithms.
    pub(crate) fn id(&self, index: usize) -> Option<&KeyId> {
        self.0.entries.get(index)?.id.as_ref()
    }

    /// Whether two places are those of one key, for two algorithms.
    pub(crate) fn is_one_key(&self, one: usize, other: usize) -> bool {
        let entries = self.0.entries.get(one).zip(self.0.entries.get(other));
        one == other || entries.is_some_and(|(one, other)| one.is_same_key(other))
    }

    /// A number that no other set of this process has, unless it is a clone.
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation
    }

    /// The same keys, in their order, each to be used within its window only.
    pub(crate) fn with_windows(
        &self,
        windows: impl IntoIterator<Item = Option<(UnixTime, UnixTime)>>,
    ) -> Self {
        let entry = |(entry, window): (&Entry, _)| Entry {
            key: entry.key.clone(),
            id: entry.id.clone(),
            window,
            ..*entry
        };
        Self::of(self.0.entries.iter().zip(windows).map(entry).collect(), self.0.ambiguous.to_vec())
    }

    /// From when on, and until before when, a key may be used; `None` for always.
    pub(crate) fn window(&self, index: usize) -> Option<(UnixTime, UnixTime)> {
        self.0.entries.get(index)?.window
    }

    /// Which key a header means. Its `alg` is compared with that of the key.
    pub(crate) fn choose(&self, header: &Header<'_>) -> Result<usize, VerifyError> {
        let named = |entry: &Entry| match (header.kid, &entry.id) {
            (None, _) => true,
            (Some(_), _) if self.0.nameless => true,
            (Some(kid), Some(id)) => kid.is(id.as_str()),
            (Some(_), None) => false,
        };
        let mut fits = self.0.entries.iter().enumerate().filter(|(_, entry)| named(entry));
        let mut serves = fits.clone().filter(|(_, entry)| entry.key.algorithm().is(header.alg));
        match (serves.next(), serves.next()) {
            (Some((index, _)), None) => Ok(index),
            (Some(_), Some(_)) => Err(VerifyError::AmbiguousKey),
            // Only a key that the token means, or cannot but mean, is the other one that the algorithm is not of.
            (None, _) if header.kid.is_none() && self.len() > 1 && !self.0.nameless => {
                Err(VerifyError::UnknownKey)
            }
            (None, _) => match fits.next() {
                Some((_, entry)) => {
                    let (expected, found) = (entry.key.algorithm(), header.redacted_alg());
                    Err(VerifyError::Algorithm { expected, found })
                }
                None if self.is_ambiguous(header) => Err(VerifyError::AmbiguousKey),
                None => Err(VerifyError::UnknownKey),
            },
        }
    }

    /// Whether the token names an id that two keys had.
    fn is_ambiguous(&self, header: &Header<'_>) -> bool {
        header.kid.is_some_and(|kid| self.0.ambiguous.iter().any(|id| kid.is(id.as_str())))
    }

    fn of(entries: Vec<Entry>, ambiguous: Vec<KeyId>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let generation = NEXT.fetch_add(1, Ordering::Relaxed);
        let nameless = match entries.as_slice() {
            [only] => only.key.id().is_none(),
            [first, others @ ..] => {
                let is_nameless = |entry: &Entry| entry.key.id().is_none();
                is_nameless(first)
                    && others.iter().all(|other| is_nameless(other) && other.is_same_key(first))
            }
            [] => false,
        };
        let (entries, ambiguous) = (entries.into_boxed_slice(), ambiguous.into_boxed_slice());
        Self(Arc::new(Keys { entries, ambiguous, nameless, generation }))
    }
}

impl Entry {
    fn of(key: AnyVerifyingKey) -> Self {
        Self { id: key.effective_id(), key, jwk: None, window: None }
    }

    fn is_secret(&self) -> bool {
        self.key.algorithm().is_symmetric()
    }

    /// Whether both are one key, for two algorithms. Of two secrets only a JWK says so.
    fn is_same_key(&self, other: &Self) -> bool {
        (self.id.is_some() && self.id == other.id) || (self.jwk.is_some() && self.jwk == other.jwk)
    }

    /// Whether both may be in one set: they have different ids, or none, or are one key for two algorithms.
    fn goes_with(&self, other: &Self) -> bool {
        self.id.is_none()
            || self.id != other.id
            || (!self.is_secret()
                && self.key.algorithm() != other.key.algorithm()
                && self.key.material() == other.key.material())
    }
}

impl<K: Into<AnyVerifyingKey>> From<K> for KeySet {
    fn from(key: K) -> Self {
        Self::of(vec![Entry::of(key.into())], Vec::new())
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
