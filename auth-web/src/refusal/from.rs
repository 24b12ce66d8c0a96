//! What each error of the toolkit says over HTTP. What only the set-up of an application can meet is not here.

use std::error::Error;

use auth_core::{
    AuthenticateError, BlobError, Challenge, DecideError, DecimalError, Denial, DenialReason, EntropyError,
    GateError, Malformed, NameError, NetworkError, OpenError, Refusal as Core, Rejection, RejectionReason,
    ScopesError, StoreError, Throttled, Unavailable,
};
use auth_credentials::{self as credentials, AccountError};
use auth_jwt::{self as jwt, IssueError, JwsError, JwsSignError, VerifyError};
use auth_rbac as rbac;
use auth_session as session;

use super::Refusal;

macro_rules! from {
    ($($error:ty => $how:expr),* $(,)?) => {
        $(
            impl From<$error> for Refusal {
                fn from(error: $error) -> Self {
                    Self($how(error))
                }
            }
        )*
    };
}

from!(
    // What the inner crates say themselves.
    AuthenticateError => Core::from,
    DecideError => Core::from,
    Denial => Core::from,
    EntropyError => Core::from,
    Malformed => Core::from,
    Rejection => Core::from,
    StoreError => Core::from,
    Throttled => Core::from,
    Unavailable => Core::from,
    credentials::ApiKeyError => Core::from,
    credentials::ChangePasswordError => Core::from,
    credentials::HashError => Core::from,
    credentials::LeakedError => Core::from,
    credentials::LinkError => Core::from,
    credentials::Overloaded => Core::from,
    credentials::SecondFactorError => Core::from,
    credentials::SignUpError => Core::from,
    credentials::ThrottleError => Core::from,
    rbac::AdminError => Core::from,
    rbac::PolicyStoreError => Core::from,
    jwt::RemoteVerifyError => Core::from,
    jwt::VerifyError => Core::from,
    session::CommitError => Core::from,
    session::CrossSite => Core::from,
    session::DataError => Core::from,
    session::ImpersonateError => Core::from,
    session::RefreshError => Core::from,
    session::RotateError => Core::from,
    session::StartError => Core::from,
    // What the request brought cannot be read: 400.
    DecimalError => unreadable,
    NameError => unreadable,
    NetworkError => unreadable,
    ScopesError => unreadable,
    credentials::ApiKeyFormatError => unreadable,
    credentials::MailAddressError => unreadable,
    credentials::PhoneNumberError => unreadable,
    credentials::PolicyError => unreadable,
    jwt::JsonError => unreadable,
    jwt::JwkError => unreadable,
    jwt::KeyError => unreadable,
    jwt::KeyFormatError => unreadable,
    jwt::KeySetError => unreadable,
    jwt::KeySetParseError => unreadable,
    jwt::SignatureError => unreadable,
    rbac::PatternError => unreadable,
    rbac::UnknownPermission => unreadable,
    rbac::VariableError => unreadable,
    rbac::ZoneError => unreadable,
    // What should work and does not: 503, and nothing was done.
    AccountError => of_an_account,
    BlobError => of_data,
    OpenError => of_a_seal,
    credentials::NotSent => undone,
    credentials::RangeError => unanswered,
    credentials::StoredHashError => of_a_stored_hash,
    rbac::DescribeError => undone,
    rbac::Outdated => undone,
    rbac::PolicyError => undone,
    rbac::ReloadError => undone,
    // Keys that are out of reach, or do not sign: 503.
    jwt::AsyncSignError => keyless,
    jwt::FetchError => keyless,
    jwt::KeysUnavailable => keyless,
    jwt::NoSigningKey => keyless,
    jwt::RefreshError => keyless,
    jwt::SignError => keyless,
    // What depends.
    Challenge => Core::Challenged,
    GateError => of_the_gate,
    rbac::ActivationError => of_activation,
    IssueError => of_issuing,
    JwsError => of_a_jws,
    JwsSignError => of_signing,
    // As in a token that is verified.
    jwt::MalformedToken => of_a_token,
    jwt::OwnClaimsError => of_a_token,
);

#[cfg(feature = "certificates")]
from!(
    credentials::CertificateError => Core::from,
);

#[cfg(feature = "cookie-store")]
from!(
    session::SealError => Core::from,
);

fn unreadable<E>(_: E) -> Core {
    Malformed::Body.into()
}

fn undone(error: impl Error + Send + Sync + 'static) -> Core {
    StoreError::not_written(error).into()
}

fn unanswered(error: impl Error + Send + Sync + 'static) -> Core {
    Unavailable::Unanswered(Box::new(error)).into()
}

fn keyless(error: impl Error + Send + Sync + 'static) -> Core {
    Unavailable::Keys(Box::new(error)).into()
}

/// Nothing was changed. Handlers that can say "not found" look at the error first.
fn of_an_account(error: AccountError) -> Core {
    match error {
        AccountError::Store(error) => error.into(),
        error => undone(error),
    }
}

/// What they do not hold, or hold and may not use together, they may not have.
fn of_activation(error: rbac::ActivationError) -> Core {
    match error {
        rbac::ActivationError::TooMany => Malformed::Body.into(),
        _ => Denial::new(DenialReason::NotPermitted).into(),
    }
}

fn of_data(error: BlobError) -> Core {
    match error {
        BlobError::Malformed => StoreError::corrupt("session data").into(),
        error => undone(error),
    }
}

/// What is sealed is what we stored. Whoever lets a client keep it says what a bad one is.
fn of_a_seal(_: OpenError) -> Core {
    StoreError::corrupt("sealed value").into()
}

fn of_a_stored_hash(_: credentials::StoredHashError) -> Core {
    StoreError::corrupt("stored hash").into()
}

/// The login has to begin again.
fn of_the_gate(error: GateError) -> Core {
    Rejection::new(match error {
        GateError::OtherPrincipal => RejectionReason::Mismatch,
        GateError::Outdated => RejectionReason::Expired,
        _ => RejectionReason::Policy,
    })
    .into()
}

/// A token that was not issued: what the caller may not have, or what cannot be made now.
fn of_issuing(error: IssueError) -> Core {
    match error {
        IssueError::SessionEnded => Core::Unauthenticated,
        IssueError::Scope => Denial::new(DenialReason::Scope).into(),
        IssueError::Entropy(error) => error.into(),
        IssueError::Signer(_) | IssueError::Sign(_) | IssueError::NoSigningKey(_) => keyless(error),
        error => undone(error),
    }
}

fn of_signing(error: JwsSignError) -> Core {
    match error {
        JwsSignError::Sign(error) => keyless(error),
        error => undone(error),
    }
}

/// Something signed that came with the request: it cannot be read, or is not signed by whom it has to be.
fn of_a_jws(error: JwsError) -> Core {
    let reason = match error {
        JwsError::Algorithm { .. } | JwsError::Type { .. } => RejectionReason::WrongUse,
        JwsError::UnknownKey | JwsError::AmbiguousKey => RejectionReason::Unknown,
        JwsError::Signature | JwsError::NotAllSigned => RejectionReason::Signature,
        error => return unreadable(error),
    };
    Rejection::new(reason).into()
}

fn of_a_token(error: impl Into<VerifyError>) -> Core {
    error.into().into()
}
