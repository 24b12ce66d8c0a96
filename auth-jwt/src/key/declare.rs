//! How key types are declared: one public type an algorithm and a backend, each around a small core.

use std::sync::Arc;

use auth_core::{Entropy, EntropyError};

use super::{KeyError, PrivateMaterial, PublicMaterial, SignError, Signature};
use crate::Algorithm;

/// What a backend has for one algorithm's public keys.
pub(crate) trait VerifyCore: Sized {
    const ALGORITHM: Algorithm;

    /// The most bytes that a signature of any of its keys has.
    const MAX_SIGNATURE_LEN: usize;

    /// Makes a key, with every check that the algorithm needs.
    fn new(material: &PublicMaterial) -> Result<Self, KeyError>;

    fn material(&self) -> PublicMaterial;

    /// How many bytes each signature has.
    fn signature_len(&self) -> usize;

    /// `signature` has the right length.
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// What a backend has for one algorithm's private keys.
pub(crate) trait SignCore: Sized {
    const ALGORITHM: Algorithm;

    /// The public half's core.
    type Verifying: VerifyCore;

    /// Makes a key, with every check that the algorithm needs, that of the public part included.
    fn new(material: &PrivateMaterial) -> Result<Self, KeyError>;

    /// The key as every format writes it, with its public part.
    fn material(&self) -> PrivateMaterial;

    /// The public half, kept beside the private one: asking for it cannot fail.
    fn public(&self) -> &Arc<Self::Verifying>;

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError>;
}

/// Private keys that are made of nothing but random bytes: all but RSA's.
pub(crate) trait GenerateCore: SignCore {
    fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError>;
}

/// A public key's type.
macro_rules! verifying_key {
    ($(#[$doc:meta])* $name:ident, $core:ty) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            core: std::sync::Arc<$core>,
            id: Option<$crate::KeyId>,
            /// What tokens and JWKs call the algorithm.
            alg: &'static str,
        }

        impl $name {
            /// The algorithm that it verifies.
            pub const ALGORITHM: $crate::Algorithm = <$core as $crate::key::VerifyCore>::ALGORITHM;

            /// The same key under a name, which tokens must then carry if they carry a `kid`.
            #[must_use]
            pub fn with_id(self, id: $crate::KeyId) -> Self {
                Self { id: Some(id), ..self }
            }

            /// The name that it was given, if it was.
            #[must_use]
            pub fn id(&self) -> Option<&$crate::KeyId> {
                self.id.as_ref()
            }

            /// The algorithm's name in JWKs.
            pub(crate) const fn alg(&self) -> &'static str {
                self.alg
            }

            pub(crate) fn with_alg(self, alg: &'static str) -> Self {
                Self { alg, ..self }
            }

            /// Verifies the signature of a message, not of a token: a [`Verifier`](crate::Verifier) does that.
            ///
            /// # Errors
            /// [`SignatureError`](crate::SignatureError) if it does not match, or has another length or form.
            pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), $crate::SignatureError> {
                if signature.len() == self.signature_len() && self.verifies(message, signature) {
                    Ok(())
                } else {
                    Err($crate::SignatureError)
                }
            }

            pub(crate) fn from_material(
                material: &$crate::key::PublicMaterial,
            ) -> Result<Self, $crate::KeyError> {
                let core = <$core as $crate::key::VerifyCore>::new(material)?;
                Ok(Self { core: std::sync::Arc::new(core), id: None, alg: Self::ALGORITHM.name() })
            }

            pub(crate) fn material(&self) -> $crate::key::PublicMaterial {
                $crate::key::VerifyCore::material(&*self.core)
            }

            pub(crate) fn signature_len(&self) -> usize {
                $crate::key::VerifyCore::signature_len(&*self.core)
            }

            /// `signature` has the right length.
            pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
                $crate::key::VerifyCore::verifies(&*self.core, message, signature)
            }

            $crate::key::check_encoded! { <$core as $crate::key::VerifyCore>::MAX_SIGNATURE_LEN }
        }

        $crate::key::public_formats!($name);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("id", &self.id).finish_non_exhaustive()
            }
        }
    };
}

/// Why the signature of a token was refused. One byte, unlike the errors that callers see: to hand one of those from
/// function to function costs as much as to decode the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureFault {
    /// It has another length than the key's, and was not looked at.
    Length,
    /// It is not canonical base64url.
    Encoding,
    /// It is not the message's.
    Mismatch,
}

/// How every key that verifies reads a signature in a token.
macro_rules! check_encoded {
    ($max:expr) => {
        /// Verifies a signature that is still encoded. Its length comes first: another one is another
        /// signature, whose characters are of no interest.
        #[inline]
        pub(crate) fn check(
            &self,
            message: &str,
            signature: &str,
        ) -> Result<(), $crate::key::SignatureFault> {
            use $crate::key::SignatureFault;
            if signature.len() != $crate::base64url::encoded_len(self.signature_len()) {
                return Err(SignatureFault::Length);
            }
            let mut bytes = [0; $max];
            let bytes = $crate::base64url::decode(signature, &mut bytes).ok_or(SignatureFault::Encoding)?;
            if self.verifies(message.as_bytes(), bytes) { Ok(()) } else { Err(SignatureFault::Mismatch) }
        }
    };
}

/// A private key's type, and how to get its public one.
macro_rules! signing_key {
    ($(#[$doc:meta])* $name:ident, $core:ty, $verifying:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            core: std::sync::Arc<$core>,
            id: Option<$crate::KeyId>,
            /// What tokens and JWKs call the algorithm.
            alg: &'static str,
        }

        impl $name {
            /// The algorithm that it signs with.
            pub const ALGORITHM: $crate::Algorithm = <$core as $crate::key::SignCore>::ALGORITHM;

            /// The same key under a name, which its tokens then carry as `kid`. Without one they carry the
            /// key's thumbprint.
            #[must_use]
            pub fn with_id(self, id: $crate::KeyId) -> Self {
                Self { id: Some(id), ..self }
            }

            /// The name that it was given, if it was.
            #[must_use]
            pub fn id(&self) -> Option<&$crate::KeyId> {
                self.id.as_ref()
            }

            /// The public half, under the same name.
            #[must_use]
            pub fn verifying_key(&self) -> $verifying {
                let public = $crate::key::SignCore::public(&*self.core);
                $verifying { core: std::sync::Arc::clone(public), id: self.id.clone(), alg: self.alg }
            }

            /// The algorithm's name in tokens and JWKs.
            pub(crate) const fn alg(&self) -> &'static str {
                self.alg
            }

            pub(crate) fn with_alg(self, alg: &'static str) -> Self {
                Self { alg, ..self }
            }

            /// Signs a message, not a token: a [`TokenIssuer`](crate::TokenIssuer) does that.
            ///
            /// # Errors
            /// [`SignError`](crate::SignError) if the backend failed.
            pub fn sign(&self, message: &[u8]) -> Result<$crate::Signature, $crate::SignError> {
                $crate::key::SignCore::sign(&*self.core, message)
            }

            pub(crate) fn from_material(
                material: &$crate::key::PrivateMaterial,
            ) -> Result<Self, $crate::KeyError> {
                let core = <$core as $crate::key::SignCore>::new(material)?;
                Ok(Self { core: std::sync::Arc::new(core), id: None, alg: Self::ALGORITHM.name() })
            }

            pub(crate) fn material(&self) -> $crate::key::PrivateMaterial {
                $crate::key::SignCore::material(&*self.core)
            }
        }

        $crate::key::private_formats!($name);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("id", &self.id).finish_non_exhaustive()
            }
        }
    };
}

/// Adds the way to a new key, where random bytes are all that it takes.
macro_rules! generated_key {
    ($name:ident, $core:ty) => {
        impl $name {
            /// A new key.
            ///
            /// # Errors
            /// [`EntropyError`](auth_core::EntropyError) if `entropy` failed.
            pub fn generate(entropy: &dyn auth_core::Entropy) -> Result<Self, auth_core::EntropyError> {
                let core = <$core as $crate::key::GenerateCore>::generate(entropy)?;
                Ok(Self { core: std::sync::Arc::new(core), id: None, alg: Self::ALGORITHM.name() })
            }
        }
    };
}

pub(crate) use {check_encoded, generated_key, signing_key, verifying_key};
