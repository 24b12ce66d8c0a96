//! The keys of EdDSA on Ed25519 on AWS-LC, with the strictness that it does not have by itself.

use std::sync::Arc;

use ::aws_lc_rs::signature::{ED25519, Ed25519KeyPair, ParsedPublicKey};
use auth_core::{Entropy, EntropyError};

use crate::{
    Algorithm, KeyError, SignError, Signature,
    key::{
        Ed25519, GenerateCore, PrivateMaterial, PublicMaterial, SignCore, VerifyCore, checked_ed25519,
        ed25519_raw, generated_key, signing_key, verifying_key,
    },
};

/// The eight points of small order, as they are encoded (RFC 8032 section 5.1.2).
const SMALL_ORDER: [[u8; 32]; 8] = {
    const Y8: [u8; 32] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    const MINUS_Y8: [u8; 32] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    const MINUS_ONE: [u8; 32] = with_ends([0xff; 32], 0xec, 0x7f);
    const ZERO: [u8; 32] = [0; 32];
    [
        with_ends(ZERO, 1, 0),
        MINUS_ONE,
        ZERO,
        with_ends(ZERO, 0, 0x80),
        Y8,
        with_ends(Y8, 0x26, 0x85),
        MINUS_Y8,
        with_ends(MINUS_Y8, 0xc7, 0xfa),
    ]
};

const fn with_ends(mut bytes: [u8; 32], first: u8, last: u8) -> [u8; 32] {
    let ([start, .., end], _) = (&mut bytes, ());
    *start = first;
    *end = last;
    bytes
}

/// A public key.
pub(crate) struct Public(ParsedPublicKey, [u8; 32]);

impl VerifyCore for Public {
    const ALGORITHM: Algorithm = Algorithm::EdDsa;
    const MAX_SIGNATURE_LEN: usize = 64;

    fn new(material: &PublicMaterial) -> Result<Self, KeyError> {
        let PublicMaterial::Ed25519(bytes) = material else {
            return Err(KeyError::WrongKind { expected: Algorithm::EdDsa });
        };
        // AWS-LC takes points of small order, and several encodings of one point.
        checked_ed25519(bytes)?;
        let key = ParsedPublicKey::new(&ED25519, bytes).map_err(|_| KeyError::NotOnCurve)?;
        Ok(Self(key, *bytes))
    }

    fn material(&self) -> PublicMaterial {
        PublicMaterial::Ed25519(self.1)
    }

    fn signature_len(&self) -> usize {
        Self::MAX_SIGNATURE_LEN
    }

    /// AWS-LC refuses an S that is not reduced, uses no cofactor, and compares R with the encoding of what
    /// it has computed: so R is canonical, and can be looked up in a list of encodings.
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        !SMALL_ORDER.iter().any(|point| signature.starts_with(point))
            && self.0.verify_sig(message, signature).is_ok()
    }
}

/// A private key with its public half.
pub(crate) struct Private {
    pair: Ed25519KeyPair,
    /// Decides what a key is, so that both backends accept the same ones.
    default: Ed25519,
    public: Arc<Public>,
}

impl Private {
    fn of(default: Ed25519) -> Result<Self, KeyError> {
        let material = default.material();
        let PrivateMaterial::Ed25519 { seed, public: Some(public) } = &material else {
            return Err(KeyError::WrongKind { expected: Algorithm::EdDsa });
        };
        let public = Arc::new(Public::new(public)?);
        let pair =
            Ed25519KeyPair::from_seed_and_public_key(&**seed, &public.1).map_err(|_| KeyError::Mismatch)?;
        Ok(Self { pair, default, public })
    }
}

impl SignCore for Private {
    const ALGORITHM: Algorithm = Algorithm::EdDsa;
    type Verifying = Public;

    fn new(material: &PrivateMaterial) -> Result<Self, KeyError> {
        Self::of(Ed25519::new(material)?)
    }

    fn material(&self) -> PrivateMaterial {
        self.default.material()
    }

    fn public(&self) -> &Arc<Public> {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let signature = self.pair.try_sign(message).map_err(|_| SignError)?;
        Ok(Signature::of(signature.as_ref()))
    }
}

impl GenerateCore for Private {
    fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        // A key that the other backend has made is one.
        Self::of(Ed25519::generate(entropy)?).map_err(|_| EntropyError)
    }
}

verifying_key! {
    /// A public key of Ed25519. Tokens may call the algorithm `EdDSA` (RFC 8037) or `Ed25519` (RFC 9864): it
    /// is the same one.
    ///
    /// Verification is as strict as that of [`auth_jwt::Ed25519VerifyingKey`](crate::Ed25519VerifyingKey).
    Ed25519VerifyingKey, Public
}

signing_key! {
    /// A private key of Ed25519. Its tokens call the algorithm `EdDSA` (RFC 8037), as most do, or `Ed25519`
    /// if it is [fully specified](Self::fully_specified).
    Ed25519SigningKey, Private, Ed25519VerifyingKey
}

generated_key! { Ed25519SigningKey, Private }

ed25519_raw!(Ed25519VerifyingKey, Ed25519SigningKey);

#[cfg(test)]
mod tests {
    use super::*;

    /// The torsion subgroup has eight points; these are all of them, each once, canonically encoded.
    #[test]
    fn the_list_of_small_points_is_right_and_complete() {
        for (index, point) in SMALL_ORDER.iter().enumerate() {
            let key = ed25519_dalek::VerifyingKey::from_bytes(point).unwrap();
            assert!(key.is_weak(), "{point:02x?}");
            assert_eq!(key.to_edwards().compress().as_bytes(), point);
            assert!(!SMALL_ORDER[..index].contains(point));
            assert_eq!(checked_ed25519(point).unwrap_err(), KeyError::SmallOrder);
        }
    }
}
