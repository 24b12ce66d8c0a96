//! The proof that a JWS was verified.

use std::{borrow::Cow, fmt};

use crate::{Algorithm, KeyId, header::JwsHeader, json::JsonStr};

/// Proof that these bytes were signed by a key of ours, and which.
///
/// Only [`JwsVerifier`](crate::JwsVerifier) makes one, so there is no payload without a signature. `'p` is the
/// lifetime of a detached payload; any other is owned.
///
/// That something was signed does not say what it was signed for: compare [`typ`](Self::typ), or have the
/// verifier do so, wherever a key signs more than one kind of thing.
///
/// ```compile_fail
/// fn forge(payload: Vec<u8>) -> auth_jwt::VerifiedJws<'static> {
///     auth_jwt::VerifiedJws { payload: payload.into() }
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct VerifiedJws<'p> {
    payload: Cow<'p, [u8]>,
    first: VerifiedSignature,
    others: Vec<VerifiedSignature>,
}

impl<'p> VerifiedJws<'p> {
    /// States that the signatures are good.
    pub(super) fn assertion(
        payload: Cow<'p, [u8]>,
        first: VerifiedSignature,
        others: Vec<VerifiedSignature>,
    ) -> Self {
        Self { payload, first, others }
    }

    /// What was signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What was signed, for keeps. It is then data like any other, and no proof.
    #[must_use]
    pub fn into_payload(self) -> Cow<'p, [u8]> {
        self.payload
    }

    /// The signature that made it good: of one that has several, and needs one, the first good one.
    #[must_use]
    pub fn signature(&self) -> &VerifiedSignature {
        &self.first
    }

    /// All signatures that were verified: one, unless all had to be.
    pub fn signatures(&self) -> impl Iterator<Item = &VerifiedSignature> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The algorithm of [`signature`](Self::signature).
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.first.algorithm()
    }

    /// The key of [`signature`](Self::signature): its name, or else its thumbprint.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.first.key_id()
    }

    /// The protected `typ` of [`signature`](Self::signature).
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.first.typ()
    }

    /// The protected `cty` of [`signature`](Self::signature).
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.first.content_type()
    }
}

/// Tells how much was signed, not what.
impl fmt::Debug for VerifiedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJws")
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .field("signatures", &self.signatures().collect::<Vec<_>>())
            .finish()
    }
}

/// A good signature: by which key, and what the header says that it protects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    algorithm: Algorithm,
    key_id: Option<KeyId>,
    typ: Option<Box<str>>,
    content_type: Option<Box<str>>,
}

impl VerifiedSignature {
    /// States that the signature under this header is good.
    pub(super) fn assertion(algorithm: Algorithm, key_id: Option<&KeyId>, header: &JwsHeader<'_>) -> Self {
        let owned = |string: JsonStr<'_>| string.text().into();
        Self {
            algorithm,
            key_id: key_id.cloned(),
            typ: header.common.typ.map(owned),
            content_type: header.cty.map(owned),
        }
    }

    /// The algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of the key, or else its thumbprint; `None` for a secret without a name. It is what we call the
    /// key, not what the JWS calls it.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// The protected `typ`: what the whole JWS is (RFC 7515 section 4.1.9), as it is written.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The protected `cty`: what the payload is (RFC 7515 section 4.1.10), as it is written.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }
}
