//! Several keys, from which a token names one.

use std::{fmt, sync::Arc};

use crate::{AnyVerifyingKey, VerifyError, header::Header};

/// Why keys do not make a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// There is no key to verify with.
    #[error("there is no key")]
    Empty,
    /// More keys than a set holds.
    #[error("more than {max} keys")]
    TooMany {
        /// The most that it holds.
        max: usize,
    },
    /// Two keys have the same id, so a token could not say which it means.
    #[error("two keys have the same id")]
    DuplicateId,
    /// Secrets and public keys in one set: whoever reads the public ones would know the secrets too
    /// (RFC 8725 section 2.1).
    #[error("secrets and public keys are mixed")]
    Mixed,
}

/// Keys that verify tokens. Cheap to clone.
///
/// | the set | the token's `kid` | the key |
/// |---|---|---|
/// | one key without an id | any, or none | that one |
/// | one key with an id | the same, or none | that one |
/// | several | one of theirs | that one |
/// | several | none | the only one whose algorithm the token names; if there are several, [`VerifyError::AmbiguousKey`] |
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
pub struct KeySet(Arc<[AnyVerifyingKey]>);

impl KeySet {
    /// The most keys that a set holds.
    pub const MAX_KEYS: usize = 64;

    /// A set of keys, each with an id of its own. One key alone needs none.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn new<K: Into<AnyVerifyingKey>>(keys: impl IntoIterator<Item = K>) -> Result<Self, KeySetError> {
        let keys = keys.into_iter().take(Self::MAX_KEYS.saturating_add(1));
        let keys: Arc<[AnyVerifyingKey]> = keys.map(Into::into).collect();
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        if keys.len() > Self::MAX_KEYS {
            return Err(KeySetError::TooMany { max: Self::MAX_KEYS });
        }
        let secrets = keys.iter().filter(|key| key.algorithm().is_symmetric()).count();
        if secrets > 0 && secrets < keys.len() {
            return Err(KeySetError::Mixed);
        }
        for (index, key) in keys.iter().enumerate() {
            if key.id().is_some() && keys.iter().take(index).any(|other| other.id() == key.id()) {
                return Err(KeySetError::DuplicateId);
            }
        }
        Ok(Self(keys))
    }

    /// How many keys there are; never none.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &AnyVerifyingKey> {
        self.0.iter()
    }

    /// Which key a header means. Its `alg` is compared with that of the key.
    pub(crate) fn choose(&self, header: &Header<'_>) -> Result<usize, VerifyError> {
        let named = |key: &AnyVerifyingKey| match (header.kid, key.id()) {
            (Some(kid), Some(id)) => kid.is(id.as_str()),
            (Some(_), None) => self.len() == 1,
            (None, _) => true,
        };
        let mut fits = self.iter().enumerate().filter(|(_, key)| named(key));
        let (index, key) = match header.kid {
            Some(_) => fits.next(),
            None if self.len() == 1 => fits.next(),
            None => {
                let mut fits = fits.filter(|(_, key)| key.algorithm().is(header.alg));
                let first = fits.next();
                if fits.next().is_some() {
                    return Err(VerifyError::AmbiguousKey);
                }
                first
            }
        }
        .ok_or(VerifyError::UnknownKey)?;
        if !key.algorithm().is(header.alg) {
            let (expected, found) = (key.algorithm(), header.redacted_alg());
            return Err(VerifyError::Algorithm { expected, found });
        }
        Ok(index)
    }
}

impl<K: Into<AnyVerifyingKey>> From<K> for KeySet {
    fn from(key: K) -> Self {
        Self(Arc::new([key.into()]))
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
