//! The keys of ES256, ES384 and ES512 (RFC 7518 section 3.4), on the RustCrypto curves.

use std::sync::Arc;

use auth_core::{Entropy, EntropyError};
use p256::ecdsa::signature::{Signer, Verifier};
use zeroize::Zeroizing;

use super::{
    Curve, GenerateCore, KeyError, PrivateMaterial, PublicMaterial, SignCore, SignError, Signature,
    VerifyCore, ec_raw, generated_key, signing_key, verifying_key,
};
use crate::Algorithm;

/// What differs between the curves.
macro_rules! curve {
    ($curve:ident, $variant:ident, $module:ident, $len:literal, $top:literal) => {
        impl VerifyCore for $module::ecdsa::VerifyingKey {
            const ALGORITHM: Algorithm = Curve::$variant.algorithm();
            const MAX_SIGNATURE_LEN: usize = $len * 2;

            fn new(material: &PublicMaterial) -> Result<Self, KeyError> {
                match material {
                    // Only uncompressed points get here, and the point at infinity has no such form.
                    PublicMaterial::Ec { curve: Curve::$variant, point } => {
                        Self::from_sec1_bytes(point).map_err(|_| KeyError::NotOnCurve)
                    }
                    _ => Err(KeyError::WrongKind { expected: <Self as VerifyCore>::ALGORITHM }),
                }
            }

            fn material(&self) -> PublicMaterial {
                let point = self.to_sec1_point(false).as_bytes().to_vec();
                PublicMaterial::Ec { curve: Curve::$variant, point }
            }

            fn signature_len(&self) -> usize {
                Self::MAX_SIGNATURE_LEN
            }

            fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
                // R and S from 1 to n - 1 (CVE-2022-21449). A high S is as good as a low one in JWS.
                $module::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| self.verify(message, &signature).is_ok())
            }
        }

        /// A private key with its public half.
        pub(crate) struct $curve {
            key: $module::ecdsa::SigningKey,
            public: Arc<$module::ecdsa::VerifyingKey>,
        }

        impl $curve {
            fn of(key: $module::ecdsa::SigningKey) -> Self {
                let public = Arc::new(*key.verifying_key());
                Self { key, public }
            }
        }

        impl SignCore for $curve {
            const ALGORITHM: Algorithm = Curve::$variant.algorithm();
            type Verifying = $module::ecdsa::VerifyingKey;

            fn new(material: &PrivateMaterial) -> Result<Self, KeyError> {
                let PrivateMaterial::Ec { curve: Curve::$variant, scalar, public } = material else {
                    return Err(KeyError::WrongKind { expected: <Self as SignCore>::ALGORITHM });
                };
                if scalar.len() != $len {
                    return Err(KeyError::Length);
                }
                let key =
                    $module::ecdsa::SigningKey::from_slice(scalar).map_err(|_| KeyError::PrivateRange)?;
                let key = Self::of(key);
                match public {
                    Some(public) if VerifyCore::material(&*key.public) != *public => {
                        // Which of the two is wrong matters to nobody, unless the point is on no curve.
                        <Self as SignCore>::Verifying::new(public).and(Err(KeyError::Mismatch))
                    }
                    _ => Ok(key),
                }
            }

            fn material(&self) -> PrivateMaterial {
                PrivateMaterial::Ec {
                    curve: Curve::$variant,
                    scalar: Zeroizing::new(Zeroizing::new(self.key.to_bytes()).to_vec()),
                    public: Some(VerifyCore::material(&*self.public)),
                }
            }

            fn public(&self) -> &Arc<Self::Verifying> {
                &self.public
            }

            fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
                // Deterministic (RFC 6979): no randomness to get wrong.
                let signature: $module::ecdsa::Signature =
                    self.key.try_sign(message).map_err(|_| SignError)?;
                Ok(Signature::of(&signature.to_bytes()))
            }
        }

        impl GenerateCore for $curve {
            fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                let mut scalar = Zeroizing::new([0; $len]);
                // All but one in 2^32 of the candidates are below the order, so a source that never yields
                // one is broken (FIPS 186-5 appendix A.2.2).
                for _ in 0..32 {
                    entropy.fill(&mut *scalar)?;
                    if let Some(top) = scalar.first_mut() {
                        *top &= $top;
                    }
                    if let Ok(key) = $module::ecdsa::SigningKey::from_slice(&*scalar) {
                        return Ok(Self::of(key));
                    }
                }
                Err(EntropyError)
            }
        }
    };
}

curve!(P256, P256, p256, 32, 0xff);
curve!(P384, P384, p384, 48, 0xff);
curve!(P521, P521, p521, 66, 0x01);

verifying_key! {
    /// A public key of ES256: ECDSA on P-256 with SHA-256.
    ///
    /// A signature has two spellings, (R, S) and (R, n - S), so a token's bytes are no name for it.
    Es256VerifyingKey, p256::ecdsa::VerifyingKey
}

verifying_key! {
    /// A public key of ES384: ECDSA on P-384 with SHA-384.
    Es384VerifyingKey, p384::ecdsa::VerifyingKey
}

verifying_key! {
    /// A public key of ES512: ECDSA on P-521 with SHA-512.
    Es512VerifyingKey, p521::ecdsa::VerifyingKey
}

signing_key! {
    /// A private key of ES256: ECDSA on P-256 with SHA-256.
    ///
    /// ```
    /// use auth_core::SystemEntropy;
    /// use auth_jwt::Es256SigningKey;
    ///
    /// let key = Es256SigningKey::generate(&SystemEntropy)?;
    /// let signature = key.sign(b"message")?;
    /// assert!(key.verifying_key().verify(b"message", signature.as_bytes()).is_ok());
    /// assert!(key.verifying_key().verify(b"another", signature.as_bytes()).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Es256SigningKey, P256, Es256VerifyingKey
}

signing_key! {
    /// A private key of ES384: ECDSA on P-384 with SHA-384.
    Es384SigningKey, P384, Es384VerifyingKey
}

signing_key! {
    /// A private key of ES512: ECDSA on P-521 with SHA-512.
    Es512SigningKey, P521, Es512VerifyingKey
}

generated_key! { Es256SigningKey, P256 }
generated_key! { Es384SigningKey, P384 }
generated_key! { Es512SigningKey, P521 }

ec_raw!(P256, Es256VerifyingKey, Es256SigningKey);
ec_raw!(P384, Es384VerifyingKey, Es384SigningKey);
ec_raw!(P521, Es512VerifyingKey, Es512SigningKey);
