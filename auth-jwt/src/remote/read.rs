//! From the body of an answer to keys.

use auth_core::SecretHash;

use super::{FetchedKeySet, Freshness, RemoteKeySetError};
use crate::{Algorithm, Backend, JsonError, KeySet, KeySetParseError, KeySetReport};

/// The algorithms whose keys are taken, and whose types they become.
#[derive(Debug)]
pub(crate) struct Accepted {
    algorithms: Box<[Algorithm]>,
    backend: Backend,
}

impl Accepted {
    pub(super) fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Result<Self, RemoteKeySetError> {
        let mut accepted: Vec<Algorithm> = Vec::new();
        for algorithm in algorithms {
            if algorithm.is_symmetric() {
                return Err(RemoteKeySetError::Symmetric { algorithm });
            }
            // Each counts once, so there are only so many.
            if !accepted.contains(&algorithm) {
                accepted.push(algorithm);
            }
        }
        if accepted.is_empty() {
            return Err(RemoteKeySetError::NoAlgorithm);
        }
        Ok(Self { algorithms: accepted.into(), backend: Backend::default() })
    }

    /// Whether a token of this `alg` can have a key in the set at all.
    pub(crate) fn has(&self, alg: &str) -> bool {
        Algorithm::named(alg).is_some_and(|algorithm| self.algorithms.contains(&algorithm))
    }

    pub(super) fn with_backend(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    pub(super) fn read(&self, fetched: &FetchedKeySet) -> Result<Read, KeySetParseError> {
        let text = std::str::from_utf8(&fetched.body).map_err(|_| JsonError::Encoding)?;
        let (keys, report) = KeySet::parse(text, &self.algorithms, self.backend)?;
        let fingerprint = *SecretHash::of(&fetched.body).as_bytes();
        Ok(Read { keys, report, fingerprint, freshness: fetched.freshness })
    }
}

/// What was read of an answer.
pub(super) struct Read {
    pub(super) keys: KeySet,
    pub(super) report: KeySetReport,
    pub(super) fingerprint: [u8; 32],
    pub(super) freshness: Freshness,
}
