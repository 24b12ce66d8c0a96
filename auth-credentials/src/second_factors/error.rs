//! Why the factors of an account are what they were.

use auth_core::{
    AuthenticateError, Challenge, EntropyError, Malformed, Refusal, RejectionReason, StoreError, Unavailable,
};

use crate::{
    accounts::ChangePasswordError, policy::PolicyError, sent_codes::phone::PhoneNumberError,
    throttle::ThrottleError,
};

/// Why the factors of an account are what they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecondFactorError {
    /// The login is too long ago: ask for a password or a code again.
    #[error("stronger or fresher authentication needed")]
    Challenged(Challenge),
    /// Without the second factor the password has to be another one, and the new one may not be chosen.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// What was typed is no telephone number.
    #[error(transparent)]
    Phone(#[from] PhoneNumberError),
    /// A code or a password was refused, nothing was begun, or the account changed since the request's login.
    #[error(transparent)]
    Refused(#[from] AuthenticateError),
}

impl SecondFactorError {
    pub(crate) fn busy() -> Self {
        Self::Refused(Unavailable::Overloaded.into())
    }
}

impl From<Challenge> for SecondFactorError {
    fn from(challenge: Challenge) -> Self {
        Self::Challenged(challenge)
    }
}

impl From<RejectionReason> for SecondFactorError {
    fn from(reason: RejectionReason) -> Self {
        Self::Refused(reason.into())
    }
}

impl From<StoreError> for SecondFactorError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<EntropyError> for SecondFactorError {
    fn from(error: EntropyError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ThrottleError> for SecondFactorError {
    fn from(error: ThrottleError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ChangePasswordError> for SecondFactorError {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Policy(error) => Self::Policy(error),
            ChangePasswordError::Refused(error) => Self::Refused(error),
        }
    }
}

impl From<SecondFactorError> for Refusal {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Challenged(challenge) => challenge.into(),
            SecondFactorError::Policy(_) | SecondFactorError::Phone(_) => Self::Malformed(Malformed::Body),
            SecondFactorError::Refused(error) => error.into(),
        }
    }
}
