//! What a failure says: to the program, and over HTTP.

use std::{fmt, time::Duration};

use crate::{
    authentication::Assurance,
    authenticator::AuthenticateError,
    decision::{Denial, PolicyVersion},
    limits::Scope,
    store::StoreError,
};

/// A credential was refused. To the outside it is one word; the reason is for the audit log.
///
/// `Display` never tells the reason, so it cannot slip into an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("credential refused")]
pub struct Rejection(RejectionReason);

impl Rejection {
    /// A refusal for `reason`.
    #[must_use]
    pub const fn new(reason: RejectionReason) -> Self {
        Self(reason)
    }

    /// Why, for audit and metrics. Never for the client.
    #[must_use]
    pub const fn reason(self) -> RejectionReason {
        self.0
    }
}

/// Why a credential was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionReason {
    /// No such account, key or token.
    Unknown,
    /// The account exists and has no credential of this kind.
    NoCredential,
    /// It is not the right one.
    Mismatch,
    /// The account is disabled.
    Disabled,
    /// Its time has passed.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It was ended, or the account changed since it was made.
    Revoked,
    /// It was presented again after it had been replaced.
    Replayed,
    /// Too many consecutive failures: the credential is locked until it is reset.
    Locked,
    /// It has more bytes than are looked at.
    TooLong,
    /// It arrived whole and cannot be read: a token whose segments or claims are not well-formed.
    Malformed,
    /// What the store holds of it cannot be used.
    Corrupt,
    /// What the store holds of it was made with a key that the ring does not have.
    UnknownKey,
    /// It is valid, for somebody else: another audience, issuer, profile or purpose.
    WrongUse,
    /// The signature does not match.
    Signature,
    /// The login policy does not accept this factor.
    Policy,
}

impl RejectionReason {
    /// One word for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NoCredential => "no-credential",
            Self::Mismatch => "mismatch",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::Replayed => "replayed",
            Self::Locked => "locked",
            Self::TooLong => "too-long",
            Self::Malformed => "malformed",
            Self::Corrupt => "corrupt",
            Self::UnknownKey => "unknown-key",
            Self::WrongUse => "wrong-use",
            Self::Signature => "signature",
            Self::Policy => "policy",
        }
    }
}

impl fmt::Display for RejectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Too many tries. HTTP 429 with `Retry-After` (RFC 6585 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts, try again in {} seconds", retry_after.as_secs())]
pub struct Throttled {
    /// How long to wait, in whole seconds, at least one.
    pub retry_after: Duration,
}

/// The request itself cannot be read. HTTP 400, and what is more exact for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// A header that decides about authentication is not well-formed.
    #[error("malformed header")]
    Header,
    /// A header, cookie or token has more bytes than are looked at.
    #[error("too large")]
    TooLarge,
    /// One of our cookies came more than once, so it is not known which one was meant.
    #[error("duplicate cookie")]
    DuplicateCookie,
    /// A form or JSON body is not well-formed.
    #[error("malformed body")]
    Body,
    /// A body has more bytes than are read. HTTP 413.
    #[error("body is too large")]
    BodyTooLarge,
    /// A body is of another media type than is read there, or of none. HTTP 415.
    #[error("media type of the body is not supported")]
    MediaType,
    /// A body is well-formed and does not say what is needed. HTTP 422.
    #[error("body does not say what is needed")]
    Content,
}

impl Malformed {
    /// The HTTP status code that says this (RFC 9110 section 15.5).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Header | Self::TooLarge | Self::DuplicateCookie | Self::Body => 400,
            Self::BodyTooLarge => 413,
            Self::MediaType => 415,
            Self::Content => 422,
        }
    }
}

/// Stronger or fresher authentication would help. HTTP 401, `insufficient_user_authentication` (RFC 9470).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Challenge {
    /// The assurance that is wanted.
    pub assurance: Option<Assurance>,
    /// How recent the authentication must be, in seconds.
    pub max_age: Option<Duration>,
}

impl Challenge {
    /// Whether it asks for nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.assurance.is_none() && self.max_age.is_none()
    }

    /// Whether who satisfies this one satisfies `other` as well.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        let fresh = match (self.max_age, other.max_age) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(other)) => own <= other,
        };
        fresh && self.assurance >= other.assurance
    }

    /// The weakest challenge that includes both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let max_age = match (self.max_age, other.max_age) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { assurance: self.assurance.max(other.assurance), max_age }
    }
}

/// Something that an answer needs is not there. HTTP 503; never a login and never 200.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// A store failed.
    #[error("store unavailable")]
    Store(#[from] StoreError),
    /// More work is waiting than is taken on.
    #[error("overloaded")]
    Overloaded,
    /// No decision could be made: no policy is loaded, or the decision point is out of reach.
    #[error("no decision can be made")]
    Decision(#[from] DecideError),
    /// There is no randomness, so no secret can be made.
    #[error("no randomness available")]
    Entropy(#[from] crate::EntropyError),
    /// The keys that credentials are checked with, or tokens signed, are out of reach.
    #[error("keys unavailable")]
    Keys(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Somebody else who has to be asked did not answer.
    #[error("somebody who had to be asked did not answer")]
    Unanswered(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Infrastructure that a decision needs is missing. Never an allow; HTTP 503.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecideError {
    /// No policy has been loaded yet.
    #[error("no policy is loaded")]
    NoPolicy,
    /// The policy in force is older than the one that the caller knows of. It will come; until then nothing is
    /// decided by what was revoked since.
    #[error("policy version {wanted} is not in force yet")]
    Behind {
        /// The version that was asked for.
        wanted: PolicyVersion,
        /// The version in force.
        in_force: PolicyVersion,
    },
    /// A remote decision point did not answer.
    #[error("the decision point is unreachable")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Everything that a handler may meet instead of what it asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Nobody is logged in, and this needs somebody.
    #[error("not authenticated")]
    Unauthenticated,
    /// A credential was presented and refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Another site caused this request (cross-site request forgery).
    #[error("cross-site request refused")]
    CrossSite,
    /// Somebody is logged in who may not do this.
    #[error("not allowed")]
    Denied(Denial),
    /// Stronger or fresher authentication would help.
    #[error("stronger authentication needed")]
    Challenged(Challenge),
    /// Too many tries.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// Something that an answer needs is not there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Refusal {
    /// The HTTP status code that says this.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(malformed) => malformed.status(),
            Self::Unauthenticated | Self::Rejected(_) | Self::Challenged(_) => 401,
            Self::Denied(_) | Self::CrossSite => 403,
            Self::Throttled(_) => 429,
            Self::Unavailable(_) => 503,
        }
    }

    /// The scope that the request lacked, for the `WWW-Authenticate` header (RFC 6750 section 3.1).
    #[must_use]
    pub fn missing_scope(&self) -> Option<&Scope> {
        match self {
            Self::Denied(denial) => denial.missing_scope(),
            _ => None,
        }
    }
}

impl From<AuthenticateError> for Refusal {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Malformed(malformed) => malformed.into(),
            AuthenticateError::Rejected(rejection) => rejection.into(),
            AuthenticateError::Throttled(throttled) => throttled.into(),
            AuthenticateError::Unavailable(unavailable) => unavailable.into(),
        }
    }
}

impl From<Denial> for Refusal {
    /// A denial with a challenge becomes the challenge: satisfying it would lead to a permit.
    fn from(denial: Denial) -> Self {
        match denial.challenge() {
            Some(challenge) => Self::Challenged(challenge.clone()),
            None => Self::Denied(denial),
        }
    }
}

impl From<Challenge> for Refusal {
    fn from(challenge: Challenge) -> Self {
        Self::Challenged(challenge)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<DecideError> for Refusal {
    fn from(error: DecideError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<crate::EntropyError> for Refusal {
    fn from(error: crate::EntropyError) -> Self {
        Self::Unavailable(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A failing part is 503, never a login and never 200.
    #[test]
    fn a_store_that_fails_is_service_unavailable() {
        assert_eq!(Refusal::from(StoreError::full()).status(), 503);
        assert_eq!(Refusal::from(DecideError::NoPolicy).status(), 503);
        assert_eq!(Refusal::from(crate::EntropyError).status(), 503);
    }

    /// Who satisfies two challenges together satisfies each, and no weaker one does.
    #[test]
    fn challenges_together_ask_for_what_each_asks() {
        let assurances = [None, Some(Assurance::Aal1), Some(Assurance::Aal3)];
        let ages = [None, Some(Duration::from_secs(60)), Some(Duration::from_secs(600))];
        let all: Vec<Challenge> = assurances
            .into_iter()
            .flat_map(|assurance| ages.map(|max_age| Challenge { assurance, max_age }))
            .collect();
        for one in &all {
            assert_eq!(one.is_empty(), *one == Challenge::default());
            for other in &all {
                let both = one.and(other);
                assert!(both.includes(one) && both.includes(other), "{one:?} {other:?}");
                let weaker = |c: &&Challenge| c.includes(one) && c.includes(other) && both.includes(c);
                assert!(all.iter().filter(weaker).all(|c| *c == both), "{one:?} {other:?}");
            }
        }
    }

    /// One word for attackers, whatever the reason.
    #[test]
    fn a_rejection_does_not_tell_its_reason() {
        let texts = [RejectionReason::Unknown, RejectionReason::Disabled, RejectionReason::Mismatch]
            .map(|reason| Refusal::from(Rejection::new(reason)).to_string());
        assert!(texts.iter().all(|text| text == "credential refused"), "{texts:?}");
    }
}
