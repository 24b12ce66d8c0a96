//! Why nothing came of a link, or of asking for one.

use auth_core::{
    AuthenticateError, Challenge, Denial, DenialReason, EntropyError, Malformed, Refusal, RejectionReason,
    StoreError, Unavailable,
};

use super::address::MailAddressError;
use crate::{accounts::ChangePasswordError, policy::PolicyError, pool::Overloaded, throttle::ThrottleError};

/// Why nothing came of a link, or of asking for one. That nobody has the address is not among the reasons.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Nobody makes accounts here ([`SignUps::Closed`](crate::SignUps::Closed)), so invitations are of no use now.
    #[error("sign-ups are closed")]
    Closed,
    /// Not a mail address, so it is nobody's: said where somebody chooses an address, never where one is looked for.
    #[error(transparent)]
    Address(#[from] MailAddressError),
    /// The password may not be chosen. The link still works.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The login is too long ago: ask for a password or a code again.
    #[error("stronger or fresher authentication needed")]
    Challenged(Challenge),
    /// The link is used up, too old or was never sent; too many tries; or it cannot be done now.
    #[error(transparent)]
    Refused(#[from] AuthenticateError),
}

impl LinkError {
    pub(super) fn busy() -> Self {
        Self::Refused(Unavailable::Overloaded.into())
    }
}

impl From<Challenge> for LinkError {
    fn from(challenge: Challenge) -> Self {
        Self::Challenged(challenge)
    }
}

impl From<RejectionReason> for LinkError {
    fn from(reason: RejectionReason) -> Self {
        Self::Refused(reason.into())
    }
}

impl From<StoreError> for LinkError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<EntropyError> for LinkError {
    fn from(error: EntropyError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ThrottleError> for LinkError {
    fn from(error: ThrottleError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Overloaded> for LinkError {
    fn from(error: Overloaded) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ChangePasswordError> for LinkError {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Policy(error) => Self::Policy(error),
            ChangePasswordError::Refused(error) => Self::Refused(error),
        }
    }
}

impl From<LinkError> for Refusal {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Closed => Self::Denied(Denial::new(DenialReason::Forbidden)),
            LinkError::Address(_) | LinkError::Policy(_) => Self::Malformed(Malformed::Body),
            LinkError::Challenged(challenge) => challenge.into(),
            LinkError::Refused(error) => error.into(),
        }
    }
}
