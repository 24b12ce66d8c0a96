//! What can go wrong between an issuer's key set and a verified token.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use auth_core::{AuthenticateError, Refusal, Unavailable};

use super::FetchError;
use crate::{Algorithm, KeySetParseError, VerifyError};

/// A remote key set that contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteKeySetError {
    /// No algorithm is accepted, so no key is.
    #[error("no algorithm is accepted")]
    NoAlgorithm,
    /// A secret cannot be published.
    #[error("{algorithm} keys are secrets and cannot be published")]
    Symmetric {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A time outside of its bounds.
    #[error("time is not between {} and {} seconds", min.as_secs(), max.as_secs())]
    OutOfBounds {
        /// The least.
        min: Duration,
        /// The most.
        max: Duration,
    },
}

/// Why a fetch brought no keys. The keys that were there stay, unless the answer was a key set of which none can be
/// used here: those were then withdrawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// It could not be fetched.
    #[error("key set could not be fetched")]
    Fetch(#[from] FetchError),
    /// What was fetched is not a key set, or none of its keys can be used here.
    #[error("key set could not be read")]
    Read(#[from] KeySetParseError),
    /// The fetcher panicked.
    #[error("fetcher panicked")]
    Panicked,
}

impl RefreshError {
    /// Whether the answer was a key set, and had no key that can be used here.
    pub(super) fn is_withdrawal(&self) -> bool {
        matches!(self, Self::Read(KeySetParseError::NothingUsable(_)))
    }
}

/// There are no keys to tell with whether a token is good. HTTP 503: it is not the token's fault.
#[derive(Debug, Clone)]
pub struct KeysUnavailable(pub(super) Option<Arc<RefreshError>>);

impl fmt::Display for KeysUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys of the issuer are not available")
    }
}

impl Error for KeysUnavailable {
    /// A [`RefreshError`].
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|error| error as _)
    }
}

impl From<KeysUnavailable> for Unavailable {
    fn from(error: KeysUnavailable) -> Self {
        Self::Keys(Box::new(error))
    }
}

/// Why a token was not accepted under an issuer's remote keys.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteVerifyError {
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] VerifyError),
    /// It could not be checked.
    #[error(transparent)]
    Unavailable(#[from] KeysUnavailable),
}

impl From<RemoteVerifyError> for AuthenticateError {
    fn from(error: RemoteVerifyError) -> Self {
        match error {
            RemoteVerifyError::Refused(refused) => refused.into(),
            RemoteVerifyError::Unavailable(unavailable) => Self::Unavailable(unavailable.into()),
        }
    }
}

impl From<RemoteVerifyError> for Refusal {
    fn from(error: RemoteVerifyError) -> Self {
        AuthenticateError::from(error).into()
    }
}
