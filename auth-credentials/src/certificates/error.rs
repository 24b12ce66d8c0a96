//! Why there is no binding, or no certificate.

use auth_core::{AuthenticateError, Malformed, Refusal, RejectionReason, StoreError, Unavailable};

/// Why a certificate cannot be read, or an account is not bound to one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// It is no certificate (RFC 5280), has more than 16 KiB or more than 16 names.
    #[error("not a certificate that can be read")]
    Malformed,
    /// An account is bound to it already.
    #[error("an account is bound to it already")]
    Taken,
    /// The account is not bound to it.
    #[error("account is not bound to it")]
    NotBound,
    /// The account may not be bound now, or it cannot be done now.
    #[error(transparent)]
    Refused(#[from] AuthenticateError),
}

impl CertificateError {
    pub(super) fn busy() -> Self {
        Self::Refused(Unavailable::Overloaded.into())
    }
}

impl From<RejectionReason> for CertificateError {
    fn from(reason: RejectionReason) -> Self {
        Self::Refused(reason.into())
    }
}

impl From<StoreError> for CertificateError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// What cannot be had is a bad request.
impl From<CertificateError> for Refusal {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::Malformed => Self::Malformed(Malformed::Header),
            CertificateError::Taken | CertificateError::NotBound => Self::Malformed(Malformed::Content),
            CertificateError::Refused(error) => error.into(),
        }
    }
}
