//! Why a key cannot be used, and what can go wrong while it is.

use crate::Algorithm;

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Shorter than the hash (RFC 7518 section 3.2).
    #[error("key has {found} bytes, at least {min} are needed")]
    TooShort {
        /// How many it has.
        found: usize,
        /// How many it needs.
        min: usize,
    },
    /// Longer than anybody's key: more than is looked at.
    #[error("key has more than {max} bytes")]
    TooLong {
        /// The most that are looked at.
        max: usize,
    },
    /// Every byte is the same: a buffer that nobody filled, or a placeholder that nobody replaced.
    #[error("key is not random")]
    NotRandom,
    /// It is a public or private key of another kind, in PEM, DER, JWK or OpenSSH form. What may be public
    /// is not a secret (RFC 8725 section 2.1; CVE-2016-10555).
    #[error("key is an asymmetric key, not a shared secret")]
    Asymmetric,
    /// It is a key of another type or on another curve than the algorithm's.
    #[error("key is not one for {expected}")]
    WrongKind {
        /// The algorithm that it was taken for.
        expected: Algorithm,
    },
    /// A coordinate, a scalar or a seed has another length than the algorithm's (RFC 7518 section 6.2.1.2).
    #[error("key has the wrong length")]
    Length,
    /// Not a point on the curve, or not its canonical encoding, or the point at infinity.
    #[error("public key is not a point on the curve")]
    NotOnCurve,
    /// An Ed25519 point of small order, under which one signature fits many messages.
    #[error("public key has a small order")]
    SmallOrder,
    /// The private number is zero, or not below the group's order.
    #[error("private key is out of range")]
    PrivateRange,
    /// The private part is not that of the public part.
    #[error("private key does not belong to the public key")]
    Mismatch,
    /// An RSA modulus of fewer than 2,048 or more than 8,192 bits (RFC 7518 section 3.3).
    #[error("rsa modulus has {bits} bits, not between 2048 and 8192")]
    RsaModulus {
        /// How many it has.
        bits: usize,
    },
    /// An RSA exponent that is even, below 3, or above 2^33 - 1.
    #[error("rsa exponent is not an odd number from 3 to 2^33 - 1")]
    RsaExponent,
    /// An RSA modulus with the fingerprint of a generator whose keys can be factored (CVE-2017-15361).
    #[error("rsa modulus has the structure of a broken generator")]
    Roca,
    /// The numbers of an RSA key do not belong together, or the backend does not take them.
    #[error("rsa key is inconsistent")]
    Rsa,
    /// There is no code for the algorithm: a feature is off, or another backend has it (RSA signing is AWS-LC's alone).
    #[error("{algorithm} needs a feature or a backend that was not chosen")]
    Unsupported {
        /// The algorithm.
        algorithm: Algorithm,
    },
}

/// The signature does not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signature does not match")]
pub struct SignatureError;

/// The key could not sign: a backend or a source of randomness failed. Nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("key could not sign")]
pub struct SignError;
