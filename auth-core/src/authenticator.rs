//! Code that checks a credential.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    EntropyError,
    refusal::{Malformed, Rejection, RejectionReason, Throttled, Unavailable},
    store::StoreError,
};

/// Code that checks a credential and yields its proof; not the thing that a person holds, which NIST
/// SP 800-63B calls an authenticator.
///
/// Bearer tokens, sessions and API keys yield an [`Authenticated`](crate::Authenticated); passwords, codes
/// and passkeys yield a [`FactorPassed`](crate::FactorPassed), which opens nothing by itself.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// What is presented. Owned, so that it can be wiped when it has been checked.
    type Credential: Send;
    /// What a credential that is right proves.
    type Proof: Send;

    /// Checks a credential.
    ///
    /// # Errors
    /// [`AuthenticateError`]. Whatever is wrong with the credential itself is one
    /// [`Rejection`], after the same work.
    async fn authenticate(&self, credential: Self::Credential) -> Result<Self::Proof, AuthenticateError>;
}

/// Why a credential proved nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticateError {
    /// It cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It was refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Too many tries; it was not looked at.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// It could not be checked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<RejectionReason> for AuthenticateError {
    fn from(reason: RejectionReason) -> Self {
        Self::Rejected(Rejection::new(reason))
    }
}

impl From<StoreError> for AuthenticateError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<EntropyError> for AuthenticateError {
    fn from(error: EntropyError) -> Self {
        Self::Unavailable(error.into())
    }
}

macro_rules! forward {
    ($pointer:ty) => {
        #[async_trait]
        impl<T: Authenticator + ?Sized> Authenticator for $pointer {
            type Credential = T::Credential;
            type Proof = T::Proof;

            async fn authenticate(
                &self,
                credential: Self::Credential,
            ) -> Result<Self::Proof, AuthenticateError> {
                (**self).authenticate(credential).await
            }
        }
    };
}

forward!(&T);
forward!(Box<T>);
forward!(Arc<T>);
