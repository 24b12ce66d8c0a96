//! Why a token was refused.

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{AuthenticateError, Refusal, Rejection, RejectionReason, StoreError};

use crate::{
    Algorithm,
    compact::MalformedToken,
    json::{JsonError, JsonKind},
    own_claims::OwnClaimsError,
};

/// What was found in a token, without its content: safe to log, useless to an attacker who reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redacted {
    kind: JsonKind,
    len: usize,
}

impl Redacted {
    /// Nothing was found.
    pub(crate) const ABSENT: Self = Self::new(JsonKind::Null, 0);

    pub(crate) const fn new(kind: JsonKind, len: usize) -> Self {
        Self { kind, len }
    }

    /// What kind of value it was.
    #[must_use]
    pub const fn kind(self) -> JsonKind {
        self.kind
    }

    /// How many bytes it is written with, quotes excluded.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "the length of something that is not kept")]
    pub const fn len(self) -> usize {
        self.len
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.kind, self.len)
    }
}

/// Why a token was refused.
///
/// [`public_reason`](Self::public_reason) is what a client may learn; the rest is for logs and audit. No
/// variant holds anything of the token's content. They come in the order in which they are declared: a
/// token with a wrong signature is never called expired.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Not a compact JWS within the caps, or its header is not strict. Nothing was verified.
    #[error("malformed token")]
    Malformed(#[from] MalformedToken),
    /// The header names another algorithm than the key's own. It is compared, never obeyed (RFC 8725
    /// section 3.1).
    #[error("the key is for {expected}, the token names {found}")]
    Algorithm {
        /// The algorithm of the key.
        expected: Algorithm,
        /// The `alg` of the header.
        found: Redacted,
    },
    /// The header names a key that the verifier does not have.
    #[error("no such key")]
    UnknownKey,
    /// The header names no key, and several are of its algorithm; or it names one that the set had twice.
    #[error("several keys would fit")]
    AmbiguousKey,
    /// The signature does not match. Claims were not looked at.
    #[error("signature does not match")]
    Signature,
    /// Signed, but the header's `typ` is not the one that is wanted (RFC 8725 section 3.11).
    #[error("typ is not {expected}")]
    Type {
        /// The media type that is wanted.
        expected: Arc<str>,
        /// The `typ` of the header, if it has one.
        found: Option<Redacted>,
    },
    /// Signed, but the payload is not canonical base64url.
    #[error("payload is not canonical base64url")]
    PayloadEncoding,
    /// Signed, but the payload is not a strict JSON object.
    #[error("payload is malformed")]
    Payload(#[from] JsonError),
    /// A registered claim has a value of the wrong type. It is not treated as absent.
    #[error("claim {claim} is not {expected}, but {found}")]
    WrongType {
        /// The claim.
        claim: &'static str,
        /// What it has to be.
        expected: &'static str,
        /// What it is.
        found: Redacted,
    },
    /// A claim that the policy requires is missing.
    #[error("claim {claim} is missing")]
    Missing {
        /// The claim.
        claim: &'static str,
    },
    /// A claim has another value than the policy wants: the token is from another issuer, for another audience,
    /// about another subject.
    #[error("claim {claim} is not {expected}")]
    Mismatch {
        /// The claim.
        claim: &'static str,
        /// What the policy wants.
        expected: Arc<str>,
        /// What the token has.
        found: Redacted,
    },
    /// A claim is there that tokens of this kind must not have.
    #[error("claim {claim} must not be there")]
    Forbidden {
        /// The claim.
        claim: &'static str,
        /// What the token has.
        found: Redacted,
    },
    /// A date is in the future, leeway included: `nbf` has not come, or the token was made then.
    #[error("{claim} is {} seconds in the future", wait.as_secs())]
    NotYetValid {
        /// `nbf`, `iat` or `auth_time`.
        claim: &'static str,
        /// The time until then.
        wait: Duration,
    },
    /// A date is longer ago than the policy allows, leeway included.
    #[error("{claim} is {} seconds ago, more than {}", ago.as_secs(), max.as_secs())]
    TooOld {
        /// `iat` or `auth_time`.
        claim: &'static str,
        /// The time since then.
        ago: Duration,
        /// The most that the policy allows.
        max: Duration,
    },
    /// `exp` has passed, leeway included.
    #[error("expired {} seconds ago", ago.as_secs())]
    Expired {
        /// The time since `exp`.
        ago: Duration,
    },
    /// Good in every other respect, and revoked: by its `jti`, its `sid`, or together with all tokens that its
    /// subject had.
    #[error("revoked")]
    Revoked,
    /// It could outlive its own revocation: it does not say when it was issued, lives longer than revocations
    /// are remembered, or has no name to revoke it by.
    #[error("token could outlive its revocation")]
    Unrevocable,
    /// Nobody can say whether it was revoked: the revocations are not loaded. Not the token's fault, and no
    /// reason to let it pass. HTTP 503.
    #[error("revocations are not loaded")]
    RevocationsUnavailable,
    /// The token is good, but its own claims do not fit the type that they were asked for as.
    #[error("own claims do not fit")]
    OwnClaims(#[from] OwnClaimsError),
}

impl VerifyError {
    /// Whether the token was good until it expired: a client may refresh it and try again. Not for
    /// [`TooOld`](Self::TooOld): what helps there is a new login, or a new token.
    #[must_use]
    pub const fn is_expired(&self) -> bool {
        matches!(self, Self::Expired { .. })
    }

    /// What a client may learn: `invalid_token`, always (RFC 6750 section 3.1).
    ///
    /// One word, because a second one would tell a forger how far the forgery got. A token that could not be
    /// checked is no exception here: there, the status says that it may be tried again.
    #[must_use]
    pub const fn public_reason(&self) -> &'static str {
        "invalid_token"
    }

    /// The reason as the audit log knows it. `None` if the token was not refused, but could not be checked.
    #[must_use]
    pub const fn rejection_reason(&self) -> Option<RejectionReason> {
        Some(match self {
            Self::Malformed(MalformedToken::TooLong { .. }) => RejectionReason::TooLong,
            Self::Malformed(_) => RejectionReason::Malformed,
            Self::UnknownKey | Self::AmbiguousKey => RejectionReason::Unknown,
            Self::Algorithm { .. } | Self::Signature => RejectionReason::Signature,
            Self::Expired { .. } => RejectionReason::Expired,
            Self::NotYetValid { .. } => RejectionReason::NotYetValid,
            Self::TooOld { .. } => RejectionReason::Expired,
            Self::Revoked => RejectionReason::Revoked,
            Self::RevocationsUnavailable => return None,
            Self::Type { .. }
            | Self::Missing { .. }
            | Self::Mismatch { .. }
            | Self::Forbidden { .. }
            | Self::Unrevocable => RejectionReason::WrongUse,
            Self::PayloadEncoding | Self::Payload(_) | Self::WrongType { .. } | Self::OwnClaims(_) => {
                RejectionReason::Malformed
            }
        })
    }
}

/// There is none for `Rejection`: a token that could not be checked was not refused.
impl From<VerifyError> for AuthenticateError {
    fn from(error: VerifyError) -> Self {
        match error.rejection_reason() {
            Some(reason) => Self::Rejected(Rejection::new(reason)),
            None => Self::Unavailable(StoreError::not_written(error).into()),
        }
    }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        AuthenticateError::from(error).into()
    }
}
