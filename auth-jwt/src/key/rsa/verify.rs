//! The keys of RS256 to PS512 on the `rsa` crate. It verifies with public numbers only, so that the timing
//! of its private-key operations (RUSTSEC-2023-0071) reaches nobody.

use rsa::{
    BoxedUint, RsaPublicKey, pkcs1v15, pss, signature::hazmat::PrehashVerifier, traits::PublicKeyParts,
};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{MAX_BITS, MAX_MODULUS_LEN, MIN_BITS, check, rsa_verifying_key};
use crate::{
    Algorithm,
    key::{KeyError, PublicMaterial, VerifyCore},
};

/// What differs between the algorithms.
macro_rules! core {
    ($algorithm:ident, $padding:ident, $hash:ty) => {
        /// A public key.
        pub(crate) struct $algorithm($padding::VerifyingKey<$hash>);

        impl VerifyCore for $algorithm {
            const ALGORITHM: Algorithm = Algorithm::$algorithm;
            const MAX_SIGNATURE_LEN: usize = MAX_MODULUS_LEN;

            fn new(material: &PublicMaterial) -> Result<Self, KeyError> {
                let key = public_key(material, Self::ALGORITHM)?;
                Ok(Self($padding::VerifyingKey::new(key)))
            }

            fn material(&self) -> PublicMaterial {
                let key: &RsaPublicKey = self.0.as_ref();
                PublicMaterial::Rsa { modulus: key.n_bytes().into(), exponent: key.e_bytes().into() }
            }

            fn signature_len(&self) -> usize {
                self.0.as_ref().size()
            }

            fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
                $padding::Signature::try_from(signature).is_ok_and(|signature| {
                    self.0.verify_prehash(&<$hash>::digest(message), &signature).is_ok()
                })
            }
        }
    };
}

core!(Rs256, pkcs1v15, Sha256);
core!(Rs384, pkcs1v15, Sha384);
core!(Rs512, pkcs1v15, Sha512);
// The salt is as long as the hash (RFC 7518 section 3.5), which is what these keys insist on.
core!(Ps256, pss, Sha256);
core!(Ps384, pss, Sha384);
core!(Ps512, pss, Sha512);

rsa_verifying_key! {
    /// A public key of RS256: RSASSA-PKCS1-v1_5 with SHA-256. Feature `rsa`.
    ///
    /// It verifies only. Signing takes the feature `aws-lc-rs` and its `Rs256SigningKey`.
    Rs256VerifyingKey, Rs256
}

rsa_verifying_key! {
    /// A public key of RS384: RSASSA-PKCS1-v1_5 with SHA-384. Feature `rsa`.
    Rs384VerifyingKey, Rs384
}

rsa_verifying_key! {
    /// A public key of RS512: RSASSA-PKCS1-v1_5 with SHA-512. Feature `rsa`.
    Rs512VerifyingKey, Rs512
}

rsa_verifying_key! {
    /// A public key of PS256: RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes. Feature `rsa`.
    Ps256VerifyingKey, Ps256
}

rsa_verifying_key! {
    /// A public key of PS384: RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes. Feature `rsa`.
    Ps384VerifyingKey, Ps384
}

rsa_verifying_key! {
    /// A public key of PS512: RSASSA-PSS with SHA-512, MGF1 with SHA-512 and a salt of 64 bytes. Feature `rsa`.
    Ps512VerifyingKey, Ps512
}

fn public_key(material: &PublicMaterial, expected: Algorithm) -> Result<RsaPublicKey, KeyError> {
    let PublicMaterial::Rsa { modulus, exponent } = material else {
        return Err(KeyError::WrongKind { expected });
    };
    check(modulus, exponent)?;
    let number = BoxedUint::from_be_slice_vartime;
    RsaPublicKey::new_with_size_limits(number(modulus), number(exponent), MIN_BITS..=MAX_BITS)
        .map_err(|_| KeyError::Rsa)
}
