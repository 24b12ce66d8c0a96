//! The keys of ES256, ES384 and ES512 on AWS-LC.

use std::sync::Arc;

use ::aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
        ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, ParsedPublicKey,
    },
};
use auth_core::{Entropy, EntropyError};

use crate::{
    Algorithm, KeyError, SignError, Signature,
    key::{
        Curve, GenerateCore, P256, P384, P521, PrivateMaterial, PublicMaterial, SignCore, VerifyCore, ec_raw,
        generated_key, signing_key, verifying_key,
    },
};

/// What differs between the curves. `$default` is the default backend's private key: it decides what a key
/// is, so that both backends accept the same ones.
macro_rules! curve {
    ($public:ident, $private:ident, $default:ident, $verify:ident, $sign:ident) => {
        /// A public key.
        pub(crate) struct $public(ParsedPublicKey);

        impl VerifyCore for $public {
            const ALGORITHM: Algorithm = <$default as SignCore>::ALGORITHM;
            const MAX_SIGNATURE_LEN: usize =
                <<$default as SignCore>::Verifying as VerifyCore>::MAX_SIGNATURE_LEN;

            fn new(material: &PublicMaterial) -> Result<Self, KeyError> {
                <$default as SignCore>::Verifying::new(material)?;
                let PublicMaterial::Ec { point, .. } = material else {
                    return Err(KeyError::WrongKind { expected: Self::ALGORITHM });
                };
                ParsedPublicKey::new(&$verify, point).map(Self).map_err(|_| KeyError::NotOnCurve)
            }

            fn material(&self) -> PublicMaterial {
                PublicMaterial::Ec { curve: Curve::$default, point: self.0.as_ref().to_vec() }
            }

            fn signature_len(&self) -> usize {
                Self::MAX_SIGNATURE_LEN
            }

            fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
                self.0.verify_sig(message, signature).is_ok()
            }
        }

        /// A private key with its public half.
        pub(crate) struct $private {
            pair: EcdsaKeyPair,
            default: $default,
            public: Arc<$public>,
        }

        impl $private {
            fn of(default: $default) -> Result<Self, KeyError> {
                let material = default.material();
                let PrivateMaterial::Ec { scalar, public: Some(PublicMaterial::Ec { point, .. }), .. } =
                    &material
                else {
                    return Err(KeyError::WrongKind { expected: <Self as SignCore>::ALGORITHM });
                };
                let pair = EcdsaKeyPair::from_private_key_and_public_key(&$sign, scalar, point)
                    .map_err(|_| KeyError::PrivateRange)?;
                let public = Arc::new($public::new(&VerifyCore::material(&**default.public()))?);
                Ok(Self { pair, default, public })
            }
        }

        impl SignCore for $private {
            const ALGORITHM: Algorithm = <$default as SignCore>::ALGORITHM;
            type Verifying = $public;

            fn new(material: &PrivateMaterial) -> Result<Self, KeyError> {
                Self::of(<$default as SignCore>::new(material)?)
            }

            fn material(&self) -> PrivateMaterial {
                self.default.material()
            }

            fn public(&self) -> &Arc<Self::Verifying> {
                &self.public
            }

            fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
                let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| SignError)?;
                Ok(Signature::of(signature.as_ref()))
            }
        }

        impl GenerateCore for $private {
            fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                // A key that the other backend has made is one.
                Self::of(<$default as GenerateCore>::generate(entropy)?).map_err(|_| EntropyError)
            }
        }
    };
}

curve!(Es256Public, Es256Private, P256, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING);
curve!(Es384Public, Es384Private, P384, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING);
curve!(Es512Public, Es512Private, P521, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING);

verifying_key! {
    /// A public key of ES256: ECDSA on P-256 with SHA-256.
    ///
    /// A signature has two spellings, (R, S) and (R, n - S), so a token's bytes are no name for it.
    Es256VerifyingKey, Es256Public
}

verifying_key! {
    /// A public key of ES384: ECDSA on P-384 with SHA-384.
    Es384VerifyingKey, Es384Public
}

verifying_key! {
    /// A public key of ES512: ECDSA on P-521 with SHA-512.
    Es512VerifyingKey, Es512Public
}

signing_key! {
    /// A private key of ES256: ECDSA on P-256 with SHA-256.
    ///
    /// Two signatures of one message differ: the default backend's do not (RFC 6979).
    Es256SigningKey, Es256Private, Es256VerifyingKey
}

signing_key! {
    /// A private key of ES384: ECDSA on P-384 with SHA-384.
    Es384SigningKey, Es384Private, Es384VerifyingKey
}

signing_key! {
    /// A private key of ES512: ECDSA on P-521 with SHA-512.
    Es512SigningKey, Es512Private, Es512VerifyingKey
}

generated_key! { Es256SigningKey, Es256Private }
generated_key! { Es384SigningKey, Es384Private }
generated_key! { Es512SigningKey, Es512Private }

ec_raw!(P256, Es256VerifyingKey, Es256SigningKey);
ec_raw!(P384, Es384VerifyingKey, Es384SigningKey);
ec_raw!(P521, Es512VerifyingKey, Es512SigningKey);
