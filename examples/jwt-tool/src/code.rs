//! Stable names of what can be wrong, for programs that read the answers. Names are added, never changed.

use auth_jwt::{JwkError, JwsError, JwsSignError, KeyError, KeySetParseError, MalformedToken, VerifyError};

/// The name of a reason.
pub(crate) trait Code {
    fn code(&self) -> &'static str;
}

impl Code for MalformedToken {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too-long",
            Self::Refused("crit") => "critical-header",
            Self::Refused(_) => "refused-header",
            _ => "malformed",
        }
    }
}

impl Code for VerifyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(malformed) => malformed.code(),
            Self::Algorithm { .. } => "algorithm",
            Self::UnknownKey => "unknown-key",
            Self::AmbiguousKey => "ambiguous-key",
            Self::Signature => "signature",
            Self::Type { .. } => "type",
            Self::PayloadEncoding | Self::Payload(_) => "payload",
            Self::WrongType { .. } => "claim-type",
            Self::Missing { .. } => "claim-missing",
            Self::Mismatch { .. } => "claim-mismatch",
            Self::Forbidden { .. } => "claim-forbidden",
            Self::TooOld { .. } => "too-old",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            _ => "refused",
        }
    }
}

impl Code for JwsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(malformed) => malformed.code(),
            Self::Member(_) | Self::Signatures { .. } => "malformed",
            Self::PayloadMissing => "payload-detached",
            Self::PayloadPresent => "payload-present",
            Self::PayloadTooLong { .. } => "too-long",
            Self::Unprotected(_) | Self::BothHeaders => "unprotected-header",
            Self::Encoding => "payload-unencoded",
            Self::Algorithm { .. } => "algorithm",
            Self::UnknownKey => "unknown-key",
            Self::AmbiguousKey => "ambiguous-key",
            Self::Signature | Self::NotAllSigned => "signature",
            Self::Type { .. } => "type",
            Self::PayloadEncoding => "payload",
            _ => "refused",
        }
    }
}

impl Code for JwsSignError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too-long",
            _ => "sign",
        }
    }
}

impl Code for KeyError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } | Self::RsaModulus { .. } => "key-size",
            Self::NotOnCurve | Self::SmallOrder => "key-point",
            Self::Mismatch | Self::PrivateRange => "key-mismatch",
            Self::WrongKind { .. } => "key-algorithm",
            Self::Unsupported { .. } => "key-unsupported",
            _ => "key",
        }
    }
}

impl Code for JwkError {
    fn code(&self) -> &'static str {
        match self {
            Self::KeyType | Self::Curve => "key-unsupported",
            Self::Algorithm | Self::AmbiguousAlgorithm | Self::NotAccepted => "key-algorithm",
            Self::NotForSignatures | Self::KeyOps | Self::Operation { .. } => "key-use",
            Self::Private => "key-private",
            Self::NotPrivate => "key-public",
            Self::DuplicateId => "key-duplicate-id",
            Self::Key(key) => key.code(),
            _ => "key-malformed",
        }
    }
}

impl Code for KeySetParseError {
    fn code(&self) -> &'static str {
        match self {
            Self::Mixed => "key-set-mixed",
            Self::NothingUsable(_) => "key-set-unusable",
            _ => "key-set-malformed",
        }
    }
}
