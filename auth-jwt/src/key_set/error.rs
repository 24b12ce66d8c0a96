//! Why there is no set, and which keys of one are not used.

use std::fmt;

use crate::{JsonError, JwkError, KeyId};

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
    /// Which of the keys are to be published depends on the time, which a set does not know.
    #[error("which keys are published depends on the time")]
    Timed,
    /// A set of secrets is not published.
    #[error("a set of secrets is not published")]
    Secret,
}

/// Why a JWK Set cannot be used at all. A single key that cannot is no reason: it is in the [`KeySetReport`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetParseError {
    /// Longer than is looked at.
    #[error("key set has more than {max} bytes")]
    TooLong {
        /// The most bytes that are looked at.
        max: usize,
    },
    /// Not a strict JSON object.
    #[error("key set is malformed")]
    Json(#[from] JsonError),
    /// There is no member `keys`, or it is not an array (RFC 7517 section 5.1).
    #[error("key set has no array of keys")]
    NoKeys,
    /// More keys than are looked at, good or bad.
    #[error("key set has more than {max} keys")]
    TooMany {
        /// The most.
        max: usize,
    },
    /// Secrets beside other keys, usable or not: whoever reads the public ones knows the secrets too
    /// (RFC 8725 section 2.1).
    #[error("secrets and public keys are mixed")]
    Mixed,
    /// None of the keys can be used.
    #[error("key set has no key that can be used")]
    NothingUsable(KeySetReport),
}

/// The keys of a JWK Set that are not used, and why: worth a line in a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySetReport {
    refused: Vec<RefusedJwk>,
}

impl KeySetReport {
    pub(super) fn of(refused: Vec<RefusedJwk>) -> Self {
        Self { refused }
    }

    /// The keys that are not used, in the order of the set.
    #[must_use]
    pub fn refused(&self) -> &[RefusedJwk] {
        &self.refused
    }

    /// Whether every key is used.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.refused.is_empty()
    }
}

impl fmt::Display for KeySetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys refused", self.refused.len())?;
        self.refused.iter().try_for_each(|jwk| write!(f, "; {jwk}"))
    }
}

/// A key of a JWK Set that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedJwk {
    index: usize,
    id: Option<KeyId>,
    error: JwkError,
}

impl RefusedJwk {
    pub(super) fn new(index: usize, id: Option<KeyId>, error: JwkError) -> Self {
        Self { index, id, error }
    }

    /// Its place in the array `keys`, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its `kid`, if it has one that can be read. Whoever serves the set has chosen it.
    #[must_use]
    pub fn id(&self) -> Option<&KeyId> {
        self.id.as_ref()
    }

    /// Why it is not used.
    #[must_use]
    pub fn error(&self) -> JwkError {
        self.error
    }
}

impl fmt::Display for RefusedJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}: {}", self.index, self.error)?;
        match self.error {
            JwkError::Json(error) => write!(f, ": {error}"),
            JwkError::Key(error) => write!(f, ": {error}"),
            _ => Ok(()),
        }
    }
}
