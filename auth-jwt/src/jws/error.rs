//! Why a JWS was refused, or not made.

use std::sync::Arc;

use crate::{Algorithm, MalformedToken, Redacted, SignError, VerifyError};

/// Why a JWS was refused. No variant holds anything of its content.
///
/// Of a JWS with several signatures, none of which is good, it is the reason of the first one that got as far
/// as its signature, or else of the first one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// Longer than the cap, not the serialisation that was asked for, or a protected header that is not strict.
    /// Nothing was verified.
    #[error("malformed jws")]
    Malformed(#[from] MalformedToken),
    /// A member of the JSON serialisation is missing, is not the kind of value that it has to be, or belongs to
    /// the other JSON serialisation (RFC 7515 section 7.2).
    #[error("member {0} is missing, malformed or out of place")]
    Member(&'static str),
    /// No signature, or more than are looked at.
    #[error("not between 1 and {max} signatures")]
    Signatures {
        /// The most that are looked at.
        max: usize,
    },
    /// The payload is not in the JWS: it is detached (RFC 7515 appendix F).
    #[error("payload is detached")]
    PayloadMissing,
    /// A detached payload was given, and the JWS has one of its own.
    #[error("payload is not detached")]
    PayloadPresent,
    /// The detached payload is longer than the cap.
    #[error("detached payload is longer than {max} bytes")]
    PayloadTooLong {
        /// The most that is looked at.
        max: usize,
    },
    /// `alg`, `crit` or `b64` is in the unprotected header, which decides nothing (RFC 7515 section 4.1.11,
    /// RFC 7797 section 3).
    #[error("header parameter {0} is not protected")]
    Unprotected(&'static str),
    /// A parameter is in both headers (RFC 7515 section 7.2.1).
    #[error("a header parameter is both protected and unprotected")]
    BothHeaders,
    /// The payload is unencoded and the verifier does not take that, or the reverse, or two signatures disagree
    /// about it (RFC 7797 section 3).
    #[error("payload encoding is not the one that is wanted")]
    Encoding,
    /// The header names another algorithm than the key's own.
    #[error("the key is for {expected}, the jws names {found}")]
    Algorithm {
        /// The algorithm of the key.
        expected: Algorithm,
        /// The `alg` of the header.
        found: Redacted,
    },
    /// The protected header names a key that the verifier does not have.
    #[error("no such key")]
    UnknownKey,
    /// The protected header names no key, and several are of its algorithm.
    #[error("jws names no key, and several would fit")]
    AmbiguousKey,
    /// The signature does not match.
    #[error("signature does not match")]
    Signature,
    /// Signed, but the protected `typ` is not the one that is wanted.
    #[error("typ is not {expected}")]
    Type {
        /// The media type that is wanted.
        expected: Arc<str>,
        /// The `typ` of the header, if it has one.
        found: Option<Redacted>,
    },
    /// All signatures are good, but one of the keys has not signed.
    #[error("a key has not signed")]
    NotAllSigned,
    /// Signed, but the payload is not canonical base64url, or an unencoded one has characters that the compact
    /// serialisation does not allow (RFC 7797 section 5.2).
    #[error("payload is not in its encoding")]
    PayloadEncoding,
}

impl JwsError {
    /// What a choice of keys, or a rule for `typ`, has to say.
    pub(super) fn of(error: VerifyError) -> Self {
        match error {
            VerifyError::Algorithm { expected, found } => Self::Algorithm { expected, found },
            VerifyError::AmbiguousKey => Self::AmbiguousKey,
            VerifyError::Type { expected, found } => Self::Type { expected, found },
            _ => Self::UnknownKey,
        }
    }

    /// Which of two signatures' reasons says more.
    pub(super) fn or(self, other: Self) -> Self {
        let got_far = |error: &Self| matches!(error, Self::Signature | Self::Type { .. });
        if !got_far(&self) && got_far(&other) { other } else { self }
    }
}

/// Why no JWS was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsSignError {
    /// The JWS, or its detached payload, would be longer than verifiers accept.
    #[error("jws or its payload would be longer than {max} bytes")]
    TooLong {
        /// The most.
        max: usize,
    },
    /// An unencoded payload cannot be written so (RFC 7797 section 5.2): in the compact serialisation it is
    /// printable ASCII without a full stop; in JSON it is text without U+0000. A detached one is any bytes.
    #[error("unencoded payload has characters that are not allowed")]
    Payload,
    /// No signer, more than 8, or signers that disagree about the payload's encoding.
    #[error("signers do not make one jws")]
    Signers,
    /// The key's backend failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}
