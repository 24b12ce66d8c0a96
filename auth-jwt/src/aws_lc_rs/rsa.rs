//! The keys of RS256 to PS512 on AWS-LC: the only ones that sign.

use std::sync::Arc;

use ::aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeyPairComponents, KeySize, PublicKeyComponents, RsaParameters},
    signature::{
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
        RsaSignatureEncoding,
    },
};
use auth_core::EntropyError;

use crate::{
    Algorithm, KeyError, SignError, Signature, der,
    key::{
        PrivateMaterial, PublicMaterial, RsaPrivate, SignCore, VerifyCore,
        rsa::{self, MAX_MODULUS_LEN, rsa_verifying_key},
        signing_key,
    },
};

/// How many bits the modulus of a new RSA key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RsaSize {
    /// 2,048: the least that there is, about as strong as a symmetric key of 112 bits (NIST SP 800-57).
    #[default]
    Bits2048,
    /// 3,072: about 128 bits.
    Bits3072,
    /// 4,096: about 150 bits.
    Bits4096,
}

/// Declares the algorithm's two cores and its two types.
macro_rules! rsa {
    (
        $algorithm:ident, $public:ident, $private:ident, $verify:ident, $sign:ident;
        $(#[$pdoc:meta])* $verifying:ident; $(#[$sdoc:meta])* $signing:ident
    ) => {
        /// A public key.
        pub(crate) struct $public(Public);

        impl VerifyCore for $public {
            const ALGORITHM: Algorithm = Algorithm::$algorithm;
            const MAX_SIGNATURE_LEN: usize = MAX_MODULUS_LEN;

            fn new(material: &PublicMaterial) -> Result<Self, KeyError> {
                Public::new(material, &$verify, Self::ALGORITHM).map(Self)
            }

            fn material(&self) -> PublicMaterial {
                self.0.material()
            }

            fn signature_len(&self) -> usize {
                self.0.modulus.len()
            }

            fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
                self.0.key.verify_sig(message, signature).is_ok()
            }
        }

        /// A private key with its public half.
        pub(crate) struct $private {
            key: Private,
            public: Arc<$public>,
        }

        impl SignCore for $private {
            const ALGORITHM: Algorithm = Algorithm::$algorithm;
            type Verifying = $public;

            fn new(material: &PrivateMaterial) -> Result<Self, KeyError> {
                let key = Private::new(material, Self::ALGORITHM)?;
                let public = Arc::new($public::new(&key.public_material())?);
                Ok(Self { key, public })
            }

            fn material(&self) -> PrivateMaterial {
                PrivateMaterial::Rsa(self.key.numbers.clone())
            }

            fn public(&self) -> &Arc<Self::Verifying> {
                &self.public
            }

            fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
                self.key.sign(&$sign, message)
            }
        }

        rsa_verifying_key! {
            $(#[$pdoc])*
            $verifying, $public
        }

        signing_key! {
            $(#[$sdoc])*
            $signing, $private, $verifying
        }

        impl $signing {
            /// A new key, with 65,537 as its exponent. It takes a good part of a second, and seconds for the
            /// larger ones: not on a thread that others wait for.
            ///
            /// # Errors
            /// [`EntropyError`](auth_core::EntropyError) if AWS-LC had no randomness.
            pub fn generate(size: RsaSize) -> Result<Self, EntropyError> {
                let material = generate(size).ok_or(EntropyError)?;
                Self::from_material(&material).map_err(|_| EntropyError)
            }

            /// Writes RSAPrivateKey (PKCS#1, RFC 8017 appendix A.1.2), not encrypted and without the key's name: for
            /// programs that do not read PKCS#8.
            #[must_use]
            pub fn to_pkcs1_der(&self) -> auth_core::Secret {
                auth_core::Secret::new(std::mem::take(&mut *der::traditional(&self.material())))
            }

            /// The same as a PEM block `RSA PRIVATE KEY`.
            #[must_use]
            pub fn to_pkcs1_pem(&self) -> auth_core::Secret {
                crate::pem::write_traditional("RSA PRIVATE KEY", &self.material())
            }
        }
    };
}

rsa! {
    Rs256, Rs256Public, Rs256Private, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256;
    /// A public key of RS256: RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256VerifyingKey;
    /// A private key of RS256: RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256SigningKey
}

rsa! {
    Rs384, Rs384Public, Rs384Private, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_SHA384;
    /// A public key of RS384: RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384VerifyingKey;
    /// A private key of RS384: RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384SigningKey
}

rsa! {
    Rs512, Rs512Public, Rs512Private, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA512;
    /// A public key of RS512: RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512VerifyingKey;
    /// A private key of RS512: RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512SigningKey
}

rsa! {
    Ps256, Ps256Public, Ps256Private, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256;
    /// A public key of PS256: RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    Ps256VerifyingKey;
    /// A private key of PS256: RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    Ps256SigningKey
}

rsa! {
    Ps384, Ps384Public, Ps384Private, RSA_PSS_2048_8192_SHA384, RSA_PSS_SHA384;
    /// A public key of PS384: RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes.
    Ps384VerifyingKey;
    /// A private key of PS384: RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes.
    Ps384SigningKey
}

rsa! {
    Ps512, Ps512Public, Ps512Private, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA512;
    /// A public key of PS512: RSASSA-PSS with SHA-512, MGF1 with SHA-512 and a salt of 64 bytes.
    Ps512VerifyingKey;
    /// A private key of PS512: RSASSA-PSS with SHA-512, MGF1 with SHA-512 and a salt of 64 bytes.
    Ps512SigningKey
}

/// What all public keys have.
struct Public {
    key: ParsedPublicKey,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Public {
    fn new(
        material: &PublicMaterial,
        parameters: &'static RsaParameters,
        expected: Algorithm,
    ) -> Result<Self, KeyError> {
        let PublicMaterial::Rsa { modulus, exponent } = material else {
            return Err(KeyError::WrongKind { expected });
        };
        rsa::check(modulus, exponent)?;
        let key = PublicKeyComponents { n: modulus, e: exponent }
            .to_parsed_public_key(parameters)
            .map_err(|_| KeyError::Rsa)?;
        Ok(Self { key, modulus: modulus.clone(), exponent: exponent.clone() })
    }

    fn material(&self) -> PublicMaterial {
        PublicMaterial::Rsa { modulus: self.modulus.clone(), exponent: self.exponent.clone() }
    }
}

/// What all private keys have.
struct Private {
    pair: KeyPair,
    numbers: Box<RsaPrivate>,
}

impl Private {
    fn new(material: &PrivateMaterial, expected: Algorithm) -> Result<Self, KeyError> {
        let PrivateMaterial::Rsa(numbers) = material else {
            return Err(KeyError::WrongKind { expected });
        };
        rsa::check(&numbers.modulus, &numbers.exponent)?;
        // AWS-LC multiplies them to see whether they belong together.
        let parts = [&numbers.d, &numbers.p, &numbers.q, &numbers.dp, &numbers.dq, &numbers.qi];
        if parts.iter().any(|part| part.len() > numbers.modulus.len()) {
            return Err(KeyError::Rsa);
        }
        let pair = KeyPair::from_components(&KeyPairComponents {
            public_key: PublicKeyComponents { n: &numbers.modulus, e: &numbers.exponent },
            d: &*numbers.d,
            p: &*numbers.p,
            q: &*numbers.q,
            dP: &*numbers.dp,
            dQ: &*numbers.dq,
            qInv: &*numbers.qi,
        })
        .map_err(|_| KeyError::Rsa)?;
        Ok(Self { pair, numbers: numbers.clone() })
    }

    fn public_material(&self) -> PublicMaterial {
        PublicMaterial::Rsa { modulus: self.numbers.modulus.clone(), exponent: self.numbers.exponent.clone() }
    }

    fn sign(&self, encoding: &'static RsaSignatureEncoding, message: &[u8]) -> Result<Signature, SignError> {
        let mut signature = [0; MAX_MODULUS_LEN];
        let signature = signature.get_mut(..self.pair.public_modulus_len()).ok_or(SignError)?;
        self.pair.sign(encoding, &SystemRandom::new(), message, signature).map_err(|_| SignError)?;
        Ok(Signature::of(signature))
    }
}

fn generate(size: RsaSize) -> Option<PrivateMaterial> {
    let size = match size {
        RsaSize::Bits2048 => KeySize::Rsa2048,
        RsaSize::Bits3072 => KeySize::Rsa3072,
        RsaSize::Bits4096 => KeySize::Rsa4096,
    };
    // AWS-LC gives the numbers of a key away in DER only.
    let document: Pkcs8V1Der<'_> = KeyPair::generate(size).ok()?.as_der().ok()?;
    der::private(document.as_ref(), None).ok()
}
