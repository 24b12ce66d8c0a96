//! Why a policy was not changed.

use auth_core::{DecideError, Denial, DenialReason, Malformed, Refusal, StoreError, Unavailable};

use super::Administration;
use crate::{error::PolicyError, source::SourceError, store::PolicyStoreError};

/// Why a policy was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// Whoever asked may not make such changes.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody might come to more by it than whoever asked holds.
    #[error("nobody hands out more than they hold: {missing} is not held")]
    Escalation {
        /// The first permission, or wildcard, that is not held.
        missing: String,
    },
    /// Whoever asked acts as somebody else.
    #[error("nobody changes the policy while acting as somebody else")]
    Impersonated,
    /// The policy would not be one.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// It could not be written down, so it was not done; or that it was not done could not be.
    #[error("the change could not be written down")]
    Audit(#[source] StoreError),
    /// Another policy is there than the one that would be changed. For an [`Administration`], trying again does not help:
    /// begin anew with that one. A [`StoredAdministration`](crate::StoredAdministration) has tried again already and
    /// found another one each time, or its store says that the policy is being changed right now.
    #[error("another policy has come in between")]
    Superseded,
    /// The policy in force has the last version that there is, so a change could not be told from what was before.
    #[error("there is no version after that of the policy in force")]
    LastVersion,
    /// More than [`Administration::MAX_CHANGES`] together.
    #[error("at most {} changes are made together", Administration::MAX_CHANGES)]
    TooMany,
    /// The stored policy could not be loaded, so nobody is known to be allowed anything.
    #[error("the stored policy could not be loaded")]
    Source(#[from] SourceError),
    /// The store did not take the changes.
    #[error("the changes could not be stored")]
    Stored(#[from] PolicyStoreError),
}

impl From<AdminError> for Refusal {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Refused(refusal) => refusal,
            AdminError::Escalation { .. } => Denial::new(DenialReason::NotPermitted).into(),
            AdminError::Impersonated => Denial::new(DenialReason::Forbidden).into(),
            AdminError::Policy(_) | AdminError::TooMany => Malformed::Content.into(),
            AdminError::Audit(error) | AdminError::Source(SourceError::Store(error)) => error.into(),
            AdminError::Superseded | AdminError::LastVersion => Self::Unavailable(Unavailable::Overloaded),
            AdminError::Source(_) => DecideError::NoPolicy.into(),
            AdminError::Stored(error) => error.into(),
        }
    }
}
