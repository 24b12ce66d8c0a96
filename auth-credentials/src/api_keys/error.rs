//! Why there is no key, or none less.

use auth_core::{
    AuthenticateError, Challenge, EntropyError, Malformed, Refusal, RejectionReason, StoreError, Unavailable,
};

/// Why there is no key, or none less.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// The account has [`ApiKeys::MAX_KEYS`](crate::ApiKeys::MAX_KEYS) keys; or, where one is rotated, twice as many, half of
    /// them on their way out.
    #[error("account has as many keys as it may have")]
    TooMany,
    /// More than 16 networks, or scopes that are too long together for a row (8,192 bytes with everything else).
    #[error("key has more than 16 networks, or scopes that are too long together")]
    Terms,
    /// The account has no such key.
    #[error("no such key")]
    NoSuchKey,
    /// Another key has taken its place already.
    #[error("key was rotated already")]
    Rotated,
    /// The name of a service is taken.
    #[error("name is taken")]
    NameTaken,
    /// The login is too long ago: ask for a password or a code again.
    #[error("stronger or fresher authentication needed")]
    Challenged(Challenge),
    /// The account may not have keys now, or it cannot be done now.
    #[error(transparent)]
    Refused(#[from] AuthenticateError),
}

impl ApiKeyError {
    pub(super) fn busy() -> Self {
        Self::Refused(Unavailable::Overloaded.into())
    }
}

impl From<Challenge> for ApiKeyError {
    fn from(challenge: Challenge) -> Self {
        Self::Challenged(challenge)
    }
}

impl From<RejectionReason> for ApiKeyError {
    fn from(reason: RejectionReason) -> Self {
        Self::Refused(reason.into())
    }
}

impl From<StoreError> for ApiKeyError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<EntropyError> for ApiKeyError {
    fn from(error: EntropyError) -> Self {
        Self::Refused(error.into())
    }
}

/// What cannot be had is a bad request.
impl From<ApiKeyError> for Refusal {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::TooMany
            | ApiKeyError::Terms
            | ApiKeyError::NoSuchKey
            | ApiKeyError::Rotated
            | ApiKeyError::NameTaken => Self::Malformed(Malformed::Content),
            ApiKeyError::Challenged(challenge) => challenge.into(),
            ApiKeyError::Refused(error) => error.into(),
        }
    }
}
