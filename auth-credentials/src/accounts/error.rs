//! Why a flow did not end as wished.

use auth_core::{
    AuthenticateError, Denial, DenialReason, EntropyError, Malformed, NameError, Refusal, RejectionReason,
    StoreError, Throttled, Unavailable,
};

use crate::{hash::hasher::HashError, policy::PolicyError, pool::Overloaded, throttle::ThrottleError};

/// Why nobody was signed up. That the login is taken is not among the reasons.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignUpError {
    /// Nobody signs up here by themselves ([`SignUps`](crate::SignUps)).
    #[error("sign-ups are closed")]
    Closed,
    /// What was typed cannot be a login name.
    #[error("login name is not valid")]
    Login(#[from] NameError),
    /// The password may not be chosen.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Too many sign-ups from there.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// Not now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for SignUpError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<EntropyError> for SignUpError {
    fn from(error: EntropyError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<Overloaded> for SignUpError {
    fn from(error: Overloaded) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<ThrottleError> for SignUpError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::Throttled(throttled) => Self::Throttled(throttled),
            ThrottleError::Store(error) => error.into(),
        }
    }
}

impl From<HashError> for SignUpError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::TooLong => Self::Policy(PolicyError::TooLong),
            HashError::Entropy(error) => error.into(),
            // Nothing is checked at a sign-up, so no stored hash is unusable.
            HashError::OutOfMemory(_) | HashError::Unusable(_) | HashError::Aborted => {
                Self::Unavailable(Unavailable::Overloaded)
            }
        }
    }
}

/// What cannot be chosen is a bad request.
impl From<SignUpError> for Refusal {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Closed => Self::Denied(Denial::new(DenialReason::Forbidden)),
            SignUpError::Login(_) | SignUpError::Policy(_) => Self::Malformed(Malformed::Body),
            SignUpError::Throttled(throttled) => Self::Throttled(throttled),
            SignUpError::Unavailable(unavailable) => Self::Unavailable(unavailable),
        }
    }
}

/// Why the password is what it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangePasswordError {
    /// The new password may not be chosen.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The present password was refused, or could not be checked; or the account changed since the request's
    /// login.
    #[error(transparent)]
    Refused(#[from] AuthenticateError),
}

impl From<StoreError> for ChangePasswordError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Overloaded> for ChangePasswordError {
    fn from(error: Overloaded) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ThrottleError> for ChangePasswordError {
    fn from(error: ThrottleError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<RejectionReason> for ChangePasswordError {
    fn from(reason: RejectionReason) -> Self {
        Self::Refused(reason.into())
    }
}

impl From<HashError> for ChangePasswordError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::TooLong => Self::Policy(PolicyError::TooLong),
            other => Self::Refused(other.into()),
        }
    }
}

/// What cannot be chosen is a bad request.
impl From<ChangePasswordError> for Refusal {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Policy(_) => Self::Malformed(Malformed::Body),
            ChangePasswordError::Refused(error) => error.into(),
        }
    }
}

/// Why an account was not changed by whoever administers it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// There is no such account.
    #[error("no such account")]
    NoSuchAccount,
    /// The account kept changing meanwhile. Try again.
    #[error("account is busy")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
