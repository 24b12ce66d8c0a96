//! From the body of an answer to keys.

use auth_core::SecretHash;

use super::{FetchedKeySet, Freshness, RefreshError, RemoteKeySetError};
use crate::{Algorithm, KeySet};

/// The algorithms whose keys are taken.
#[derive(Debug)]
pub(crate) struct Accepted(Box<[Algorithm]>);

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
        if accepted.is_empty() { Err(RemoteKeySetError::NoAlgorithm) } else { Ok(Self(accepted.into())) }
    }

    /// Whether a token of this `alg` can have a key in the set at all.
    pub(crate) fn has(&self, alg: &str) -> bool {
        Algorithm::named(alg).is_some_and(|algorithm| self.0.contains(&algorithm))
    }

    pub(super) fn read(&self, fetched: FetchedKeySet) -> Result<Read, RefreshError> {
        let keys = parse(&fetched.body, &self.0)?;
        let fingerprint = *SecretHash::of(&fetched.body).as_bytes();
        Ok(Read { keys, fingerprint, freshness: fetched.freshness })
    }
}

/// What was read of an answer.
pub(super) struct Read {
    pub(super) keys: KeySet,
    pub(super) fingerprint: [u8; 32],
    pub(super) freshness: Freshness,
}

fn parse(_body: &[u8], _accepted: &[Algorithm]) -> Result<KeySet, RefreshError> {
    Err(RefreshError::Malformed)
}
