//! The one error of handlers.

use auth_core::{
    AuthenticateError, Challenge, DecideError, Denial, DenialReason, EntropyError, Malformed,
    Refusal as Core, Rejection, StoreError, Throttled, Unavailable,
};

/// What a handler answers when it cannot give what was asked for. Every error of the toolkit turns into one, so
/// `?` works in handlers.
///
/// As an answer it is problem details (RFC 9457) for programs; for people it is a redirect to the login page
/// where logging in would help, and a small page otherwise. Match on [`kind`](Self::kind) to show your own.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Refusal(Core);

impl Refusal {
    /// Nobody is logged in, and this needs somebody.
    #[must_use]
    pub const fn unauthenticated() -> Self {
        Self(Core::Unauthenticated)
    }

    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> &Core {
        &self.0
    }

    /// The same, by value.
    #[must_use]
    pub fn into_kind(self) -> Core {
        self.0
    }

    /// The HTTP status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.0.status()
    }
}

impl From<Core> for Refusal {
    fn from(refusal: Core) -> Self {
        Self(refusal)
    }
}

macro_rules! from {
    ($($error:ty),* $(,)?) => {
        $(
            impl From<$error> for Refusal {
                fn from(error: $error) -> Self {
                    Self(error.into())
                }
            }
        )*
    };
}

from!(
    AuthenticateError,
    DecideError,
    Denial,
    EntropyError,
    Malformed,
    Rejection,
    StoreError,
    Throttled,
    Unavailable,
    auth_credentials::ChangePasswordError,
    auth_credentials::HashError,
    auth_credentials::Overloaded,
    auth_credentials::SignUpError,
    auth_credentials::ThrottleError,
    auth_jwt::VerifyError,
    auth_session::CommitError,
    auth_session::CrossSite,
    auth_session::DataError,
    auth_session::ImpersonateError,
    auth_session::RotateError,
    auth_session::StartError,
);

impl From<auth_credentials::AccountError> for Refusal {
    /// Nothing was changed. Handlers that can say "not found" look at the error first.
    fn from(error: auth_credentials::AccountError) -> Self {
        Self(match error {
            auth_credentials::AccountError::Store(error) => error.into(),
            error => StoreError::not_written(error).into(),
        })
    }
}

impl From<auth_jwt::IssueError> for Refusal {
    /// A token that was not issued: what the caller may not have, or what cannot be made now.
    fn from(error: auth_jwt::IssueError) -> Self {
        use auth_jwt::IssueError;
        Self(match error {
            IssueError::SessionEnded => Core::Unauthenticated,
            IssueError::Scope => Denial::new(DenialReason::Scope).into(),
            IssueError::Entropy(error) => error.into(),
            error => StoreError::not_written(error).into(),
        })
    }
}

impl From<Challenge> for Refusal {
    fn from(challenge: Challenge) -> Self {
        Self(Core::Challenged(challenge))
    }
}
