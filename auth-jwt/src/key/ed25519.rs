//! The keys of EdDSA on Ed25519 (RFC 8037 section 3.1, RFC 9864 section 2.2), on ed25519-dalek.

use std::sync::Arc;

use auth_core::{Entropy, EntropyError, entropy_array};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::{
    GenerateCore, KeyError, PrivateMaterial, PublicMaterial, SignCore, SignError, Signature, VerifyCore,
    ed25519_raw, generated_key, signing_key, verifying_key,
};
use crate::Algorithm;

/// A public key that is the canonical encoding of a point whose order is not small.
pub(crate) fn checked(bytes: &[u8; 32]) -> Result<VerifyingKey, KeyError> {
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
    if key.is_weak() {
        return Err(KeyError::SmallOrder);
    }
    // Points have one encoding here: y below the prime (RFC 8032 section 5.1.3), and no sign of a zero x.
    if key.to_edwards().compress().as_bytes() != bytes {
        return Err(KeyError::NotOnCurve);
    }
    Ok(key)
}

impl VerifyCore for VerifyingKey {
    const ALGORITHM: Algorithm = Algorithm::EdDsa;
    const MAX_SIGNATURE_LEN: usize = 64;

    fn new(material: &PublicMaterial) -> Result<Self, KeyError> {
        match material {
            PublicMaterial::Ed25519(bytes) => checked(bytes),
            _ => Err(KeyError::WrongKind { expected: Algorithm::EdDsa }),
        }
    }

    fn material(&self) -> PublicMaterial {
        PublicMaterial::Ed25519(self.to_bytes())
    }

    fn signature_len(&self) -> usize {
        Self::MAX_SIGNATURE_LEN
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        // Strict: S below the order, R not of small order, no cofactor (RFC 8032 section 5.1.7).
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.verify_strict(message, &signature).is_ok())
    }
}

/// A private key with its public half.
pub(crate) struct Ed25519 {
    key: SigningKey,
    public: Arc<VerifyingKey>,
}

impl Ed25519 {
    fn of(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let public = Arc::new(key.verifying_key());
        Self { key, public }
    }
}

impl SignCore for Ed25519 {
    const ALGORITHM: Algorithm = Algorithm::EdDsa;
    type Verifying = VerifyingKey;

    fn new(material: &PrivateMaterial) -> Result<Self, KeyError> {
        let PrivateMaterial::Ed25519 { seed, public } = material else {
            return Err(KeyError::WrongKind { expected: Algorithm::EdDsa });
        };
        let key = Self::of(seed);
        match public {
            Some(public) if VerifyCore::material(&*key.public) != *public => {
                VerifyingKey::new(public).and(Err(KeyError::Mismatch))
            }
            _ => Ok(key),
        }
    }

    fn material(&self) -> PrivateMaterial {
        PrivateMaterial::Ed25519 {
            seed: Zeroizing::new(self.key.to_bytes()),
            public: Some(VerifyCore::material(&*self.public)),
        }
    }

    fn public(&self) -> &Arc<VerifyingKey> {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let signature = self.key.try_sign(message).map_err(|_| SignError)?;
        Ok(Signature::of(&signature.to_bytes()))
    }
}

impl GenerateCore for Ed25519 {
    fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self::of(&Zeroizing::new(entropy_array::<32>(entropy)?)))
    }
}

verifying_key! {
    /// A public key of Ed25519. Tokens may call the algorithm `EdDSA` (RFC 8037) or `Ed25519` (RFC 9864): it
    /// is the same one.
    ///
    /// Verification is strict: keys and signatures with points of small order, and signatures with an S that
    /// is not reduced, are refused.
    Ed25519VerifyingKey, VerifyingKey
}

signing_key! {
    /// A private key of Ed25519. Its tokens call the algorithm `EdDSA` (RFC 8037), as most do, or `Ed25519`
    /// if it is [fully specified](Self::fully_specified).
    Ed25519SigningKey, Ed25519, Ed25519VerifyingKey
}

generated_key! { Ed25519SigningKey, Ed25519 }

ed25519_raw!(Ed25519VerifyingKey, Ed25519SigningKey);
