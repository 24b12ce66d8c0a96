//! Links that are sent to an address.

mod ask;
mod change;
mod invite;
mod magic;
mod mail_codes;
mod reset;
mod verify;

use auth_core::AuthenticateError;
use auth_credentials::LinkError;

/// The word of a refusal.
fn reason<T: std::fmt::Debug>(outcome: Result<T, LinkError>) -> &'static str {
    match outcome {
        Err(LinkError::Refused(AuthenticateError::Rejected(rejection))) => rejection.reason().as_str(),
        Err(LinkError::Refused(AuthenticateError::Throttled(_))) => "throttled",
        Err(LinkError::Refused(AuthenticateError::Unavailable(_))) => "unavailable",
        Err(LinkError::Policy(_)) => "policy-of-passwords",
        Err(LinkError::Challenged(_)) => "challenged",
        Err(LinkError::Address(_)) => "address",
        Err(LinkError::Closed) => "closed",
        other => panic!("{other:?}"),
    }
}
