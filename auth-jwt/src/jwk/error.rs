//! Why a JWK cannot be used.

use crate::{JsonError, KeyError};

/// Why a JWK cannot be used. Nothing of its content is in here, only names of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// Longer than anybody's key: more than is looked at.
    #[error("jwk has more than {max} bytes")]
    TooLong {
        /// The most that are looked at.
        max: usize,
    },
    /// Not a strict JSON object; a member name that comes twice is one reason (RFC 7517 section 4).
    #[error("jwk is malformed")]
    Json(#[from] JsonError),
    /// A member that such a key must have is missing.
    #[error("{member} is missing")]
    Missing {
        /// Which.
        member: &'static str,
    },
    /// A member has a value of another type than it must have.
    #[error("{member} has the wrong type")]
    WrongType {
        /// Which.
        member: &'static str,
    },
    /// A member is not canonical base64url.
    #[error("{member} is not canonical base64url")]
    Base64 {
        /// Which.
        member: &'static str,
    },
    /// A member is shorter or longer than such a key has it. Nothing is padded, and nothing is cut.
    #[error("{member} has the wrong length")]
    Length {
        /// Which.
        member: &'static str,
    },
    /// A number begins with a zero byte (RFC 7518 section 2, "Base64urlUInt").
    #[error("{member} has leading zeros")]
    LeadingZeros {
        /// Which.
        member: &'static str,
    },
    /// A private member that keys of this type do not have: the key was put together from two.
    #[error("{member} does not belong to this type of key")]
    Unexpected {
        /// Which.
        member: &'static str,
    },
    /// A `kty` that is not supported.
    #[error("kty is not supported")]
    KeyType,
    /// A `crv` that is not supported.
    #[error("crv is not supported")]
    Curve,
    /// An `alg` that is no signature algorithm, or not one for such a key.
    #[error("alg is not a signature algorithm for such a key")]
    Algorithm,
    /// There is no `alg`, and the key would serve for several. Say which, with
    /// [`Jwk::verifying_key`](crate::Jwk::verifying_key).
    #[error("alg is missing, and several would fit")]
    AmbiguousAlgorithm,
    /// None of the algorithms that the key serves for is one that the caller accepts.
    #[error("key is not for an algorithm that is accepted")]
    NotAccepted,
    /// A `use` other than `sig`, or `key_ops` with neither `sign` nor `verify`: the key is for something else.
    #[error("key is not for signatures")]
    NotForSignatures,
    /// A `key_ops` with an operation twice, or with operations that do not go together (RFC 7517 section 4.3).
    #[error("key_ops is not a set of operations that go together")]
    KeyOps,
    /// The `key_ops` does not allow what the key is wanted for.
    #[error("key_ops does not contain {operation}")]
    Operation {
        /// `sign` or `verify`.
        operation: &'static str,
    },
    /// A `kid` that is empty, longer than [`KeyId::MAX_LEN`](crate::KeyId::MAX_LEN), or has a control character.
    #[error("kid is not a key id")]
    KeyId,
    /// Two keys of a set have the same id, so neither can be used.
    #[error("another key has the same id")]
    DuplicateId,
    /// The key is private, or a secret, where a public one is expected: it was given to the wrong people.
    #[error("key is private where a public one is expected")]
    Private,
    /// The key is public where a private one is expected.
    #[error("key is public where a private one is expected")]
    NotPrivate,
    /// An RSA key with more than two primes (RFC 7518 section 6.3.2.7).
    #[error("rsa keys of more than two primes are not supported")]
    MultiPrime,
    /// Well-formed, but its numbers make no key.
    #[error("key cannot be used")]
    Key(#[from] KeyError),
}
