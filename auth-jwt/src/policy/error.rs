//! Policies that cannot be.

use std::time::Duration;

/// A policy that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// More leeway than clocks need.
    #[error("leeway is more than {} seconds", max.as_secs())]
    Leeway {
        /// The most that is allowed.
        max: Duration,
    },
    /// A length cap that refuses every token, or none.
    #[error("length cap is not between {min} and {max} bytes")]
    MaxLen {
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// Not a media type (RFC 2045 section 5.1), with or without `application/`.
    #[error("typ is not a media type")]
    Type,
    /// Access tokens are issued on a login or a live session, by a [`TokenIssuer`](crate::TokenIssuer).
    #[error("access tokens are issued on a login or a live session")]
    AccessToken,
    /// A JWT has no unencoded payload (RFC 7797 section 7).
    #[error("a jwt has no unencoded payload")]
    UnencodedJwt,
    /// A rule that no token can meet, or that has more values than are compared: none, an empty one, or more
    /// than 16.
    #[error("rule for {claim} has no value, an empty one, or too many")]
    Values {
        /// The claim.
        claim: &'static str,
    },
    /// More time than there is between two tokens: a maximum age beyond 10 years limits nothing.
    #[error("maximum age is more than {} seconds", max.as_secs())]
    MaxAge {
        /// The most that is allowed.
        max: Duration,
    },
}
