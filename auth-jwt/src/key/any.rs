//! A key of one algorithm or another, for sets of keys.

use auth_core::Secret;

#[cfg(feature = "aws-lc-rs")]
use crate::aws_lc_rs;
use crate::{
    Algorithm, Backend, Ed25519SigningKey, Ed25519VerifyingKey, Es256SigningKey, Es256VerifyingKey,
    Es384SigningKey, Es384VerifyingKey, Es512SigningKey, Es512VerifyingKey, Hs256Key, Hs384Key, Hs512Key,
    KeyError, KeyId, SignError, Signature, SignatureError,
    key::{PrivateMaterial, PublicMaterial, SignatureFault},
};
#[cfg(feature = "rsa")]
use crate::{
    Ps256VerifyingKey, Ps384VerifyingKey, Ps512VerifyingKey, Rs256VerifyingKey, Rs384VerifyingKey,
    Rs512VerifyingKey,
};

/// Declares both sums from one list: secrets, which are in both; pairs, of which each has a half; and public
/// keys whose private halves no backend has.
macro_rules! any_keys {
    (
        secrets { $($(#[$scfg:meta])* $secret:ident($key:ty) of $sbackend:ident: $sdoc:literal,)* }
        pairs { $($(#[$pcfg:meta])* $pair:ident($public:ty, $private:ty) of $pbackend:ident: $pdoc:literal,)* }
        publics { $($(#[$vcfg:meta])* $lone:ident($verifying:ty) of $vbackend:ident: $vdoc:literal,)* }
    ) => {
        impl AnyVerifyingKey {
            /// The key type of an algorithm and a backend. None is ever replaced by another.
            pub(crate) fn from_material(
                material: &PublicMaterial,
                algorithm: Algorithm,
                backend: Backend,
            ) -> Result<Self, KeyError> {
                $(
                    $(#[$pcfg])*
                    if matches!(backend, Backend::$pbackend) && algorithm == <$public>::ALGORITHM {
                        return <$public>::from_material(material).map(Self::$pair);
                    }
                )*
                $(
                    $(#[$vcfg])*
                    if matches!(backend, Backend::$vbackend) && algorithm == <$verifying>::ALGORITHM {
                        return <$verifying>::from_material(material).map(Self::$lone);
                    }
                )*
                Err(KeyError::without_pair(algorithm))
            }

            /// The same for a secret.
            pub(crate) fn from_secret(
                secret: &Secret,
                algorithm: Algorithm,
                backend: Backend,
            ) -> Result<Self, KeyError> {
                $(
                    $(#[$scfg])*
                    if matches!(backend, Backend::$sbackend) && algorithm == <$key>::ALGORITHM {
                        return <$key>::new(secret).map(Self::$secret);
                    }
                )*
                Err(KeyError::WrongKind { expected: algorithm })
            }
        }

        impl AnySigningKey {
            /// The key type of an algorithm and a backend. None is ever replaced by another.
            pub(crate) fn from_material(
                material: &PrivateMaterial,
                algorithm: Algorithm,
                backend: Backend,
            ) -> Result<Self, KeyError> {
                $(
                    $(#[$pcfg])*
                    if matches!(backend, Backend::$pbackend) && algorithm == <$private>::ALGORITHM {
                        return <$private>::from_material(material).map(Self::$pair);
                    }
                )*
                Err(KeyError::without_pair(algorithm))
            }

            /// The same for a secret.
            pub(crate) fn from_secret(
                secret: &Secret,
                algorithm: Algorithm,
                backend: Backend,
            ) -> Result<Self, KeyError> {
                $(
                    $(#[$scfg])*
                    if matches!(backend, Backend::$sbackend) && algorithm == <$key>::ALGORITHM {
                        return <$key>::new(secret).map(Self::$secret);
                    }
                )*
                Err(KeyError::WrongKind { expected: algorithm })
            }

            /// The private key; `None` for a secret.
            pub(crate) fn material(&self) -> Option<PrivateMaterial> {
                match self {
                    $($(#[$scfg])* Self::$secret(_) => None,)*
                    $($(#[$pcfg])* Self::$pair(key) => Some(key.material()),)*
                }
            }
        }

        any_key! {
            /// A key that verifies, of one algorithm or another: what a [`KeySet`](crate::KeySet) holds.
            ///
            /// Every variant is a type of one algorithm, so there is still nothing that a token could choose.
            AnyVerifyingKey {
                $($(#[$scfg])* $secret($key): concat!($sdoc, ". It can sign as well."),)*
                $($(#[$pcfg])* $pair($public): concat!($pdoc, "."),)*
                $($(#[$vcfg])* $lone($verifying): concat!($vdoc, "."),)*
            }
        }

        any_key! {
            /// A key that signs, of one algorithm or another: what a [`TokenIssuer`](crate::TokenIssuer) takes.
            AnySigningKey {
                $($(#[$scfg])* $secret($key): concat!($sdoc, "."),)*
                $($(#[$pcfg])* $pair($private): concat!($pdoc, "."),)*
            }
        }

        impl AnyVerifyingKey {
            /// Verifies the signature of a message, not of a token: a [`Verifier`](crate::Verifier) does that.
            ///
            /// # Errors
            /// [`SignatureError`] if it does not match, or has another length or form.
            pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
                match self {
                    $($(#[$scfg])* Self::$secret(key) => key.verify(message, signature),)*
                    $($(#[$pcfg])* Self::$pair(key) => key.verify(message, signature),)*
                    $($(#[$vcfg])* Self::$lone(key) => key.verify(message, signature),)*
                }
            }

            /// Verifies a signature that is still encoded.
            #[inline]
            pub(crate) fn check(&self, message: &str, signature: &str) -> Result<(), SignatureFault> {
                match self {
                    $($(#[$scfg])* Self::$secret(key) => key.check(message, signature),)*
                    $($(#[$pcfg])* Self::$pair(key) => key.check(message, signature),)*
                    $($(#[$vcfg])* Self::$lone(key) => key.check(message, signature),)*
                }
            }

            /// How many bytes each signature has.
            pub(crate) fn signature_len(&self) -> usize {
                match self {
                    $($(#[$scfg])* Self::$secret(key) => key.signature_len(),)*
                    $($(#[$pcfg])* Self::$pair(key) => key.signature_len(),)*
                    $($(#[$vcfg])* Self::$lone(key) => key.signature_len(),)*
                }
            }

            /// The public key; `None` for a secret.
            pub(crate) fn material(&self) -> Option<PublicMaterial> {
                match self {
                    $($(#[$scfg])* Self::$secret(_) => None,)*
                    $($(#[$pcfg])* Self::$pair(key) => Some(key.material()),)*
                    $($(#[$vcfg])* Self::$lone(key) => Some(key.material()),)*
                }
            }
        }

        impl AnySigningKey {
            /// Signs a message, not a token: a [`TokenIssuer`](crate::TokenIssuer) does that.
            ///
            /// # Errors
            /// [`SignError`] if a backend failed. Keys of the default backend do not.
            pub fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
                match self {
                    $($(#[$scfg])* Self::$secret(key) => Ok(key.sign(message)),)*
                    $($(#[$pcfg])* Self::$pair(key) => key.sign(message),)*
                }
            }

            /// What verifies its signatures, under the same name: the public half, or the secret itself.
            #[must_use]
            pub fn verifying_key(&self) -> AnyVerifyingKey {
                match self {
                    $($(#[$scfg])* Self::$secret(key) => key.clone().into(),)*
                    $($(#[$pcfg])* Self::$pair(key) => key.verifying_key().into(),)*
                }
            }
        }
    };
}

/// Declares a sum, the ways into it, and what all its parts can do.
macro_rules! any_key {
    ($(#[$doc:meta])* $any:ident { $($(#[$cfg:meta])* $variant:ident($key:ty): $variant_doc:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum $any {
            $(
                #[doc = $variant_doc]
                $(#[$cfg])*
                $variant($key),
            )*
        }

        $(
            $(#[$cfg])*
            impl From<$key> for $any {
                fn from(key: $key) -> Self {
                    Self::$variant(key)
                }
            }
        )*

        impl $any {
            /// The algorithm of the key, which its type decides.
            #[must_use]
            pub fn algorithm(&self) -> Algorithm {
                match self {
                    $( $(#[$cfg])* Self::$variant(_) => <$key>::ALGORITHM, )*
                }
            }

            /// What its tokens and JWKs call the algorithm: [`Algorithm::name`], unless a key of Ed25519 is
            /// [fully specified](Ed25519SigningKey::fully_specified).
            #[must_use]
            pub fn alg(&self) -> &'static str {
                match self {
                    $( $(#[$cfg])* Self::$variant(key) => key.alg(), )*
                }
            }

            pub(crate) fn with_alg(self, alg: &'static str) -> Self {
                match self {
                    $( $(#[$cfg])* Self::$variant(key) => Self::$variant(key.with_alg(alg)), )*
                }
            }

            /// The name that the key was given, if it was.
            #[must_use]
            pub fn id(&self) -> Option<&KeyId> {
                match self {
                    $( $(#[$cfg])* Self::$variant(key) => key.id(), )*
                }
            }

            /// The same key under a name.
            #[must_use]
            pub fn with_id(self, id: KeyId) -> Self {
                match self {
                    $( $(#[$cfg])* Self::$variant(key) => Self::$variant(key.with_id(id)), )*
                }
            }
        }
    };
}

any_keys! {
    secrets {
        Hs256(Hs256Key) of RustCrypto: "HS256",
        Hs384(Hs384Key) of RustCrypto: "HS384",
        Hs512(Hs512Key) of RustCrypto: "HS512",
        #[cfg(feature = "aws-lc-rs")]
        AwsHs256(aws_lc_rs::Hs256Key) of AwsLcRs: "HS256, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsHs384(aws_lc_rs::Hs384Key) of AwsLcRs: "HS384, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsHs512(aws_lc_rs::Hs512Key) of AwsLcRs: "HS512, by `aws-lc-rs`",
    }
    pairs {
        Es256(Es256VerifyingKey, Es256SigningKey) of RustCrypto: "ES256",
        Es384(Es384VerifyingKey, Es384SigningKey) of RustCrypto: "ES384",
        Es512(Es512VerifyingKey, Es512SigningKey) of RustCrypto: "ES512",
        EdDsa(Ed25519VerifyingKey, Ed25519SigningKey) of RustCrypto: "Ed25519, as `EdDSA` or `Ed25519`",
        #[cfg(feature = "aws-lc-rs")]
        AwsEs256(aws_lc_rs::Es256VerifyingKey, aws_lc_rs::Es256SigningKey) of AwsLcRs: "ES256, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsEs384(aws_lc_rs::Es384VerifyingKey, aws_lc_rs::Es384SigningKey) of AwsLcRs: "ES384, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsEs512(aws_lc_rs::Es512VerifyingKey, aws_lc_rs::Es512SigningKey) of AwsLcRs: "ES512, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsEdDsa(aws_lc_rs::Ed25519VerifyingKey, aws_lc_rs::Ed25519SigningKey) of AwsLcRs: "Ed25519, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsRs256(aws_lc_rs::Rs256VerifyingKey, aws_lc_rs::Rs256SigningKey) of AwsLcRs: "RS256, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsRs384(aws_lc_rs::Rs384VerifyingKey, aws_lc_rs::Rs384SigningKey) of AwsLcRs: "RS384, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsRs512(aws_lc_rs::Rs512VerifyingKey, aws_lc_rs::Rs512SigningKey) of AwsLcRs: "RS512, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsPs256(aws_lc_rs::Ps256VerifyingKey, aws_lc_rs::Ps256SigningKey) of AwsLcRs: "PS256, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsPs384(aws_lc_rs::Ps384VerifyingKey, aws_lc_rs::Ps384SigningKey) of AwsLcRs: "PS384, by `aws-lc-rs`",
        #[cfg(feature = "aws-lc-rs")]
        AwsPs512(aws_lc_rs::Ps512VerifyingKey, aws_lc_rs::Ps512SigningKey) of AwsLcRs: "PS512, by `aws-lc-rs`",
    }
    publics {
        #[cfg(feature = "rsa")]
        Rs256(Rs256VerifyingKey) of RustCrypto: "RS256",
        #[cfg(feature = "rsa")]
        Rs384(Rs384VerifyingKey) of RustCrypto: "RS384",
        #[cfg(feature = "rsa")]
        Rs512(Rs512VerifyingKey) of RustCrypto: "RS512",
        #[cfg(feature = "rsa")]
        Ps256(Ps256VerifyingKey) of RustCrypto: "PS256",
        #[cfg(feature = "rsa")]
        Ps384(Ps384VerifyingKey) of RustCrypto: "PS384",
        #[cfg(feature = "rsa")]
        Ps512(Ps512VerifyingKey) of RustCrypto: "PS512",
    }
}

impl KeyError {
    /// There is no key pair for `algorithm`: there never is for a secret's, and else a feature is off.
    fn without_pair(algorithm: Algorithm) -> Self {
        if algorithm.is_symmetric() {
            Self::WrongKind { expected: algorithm }
        } else {
            Self::Unsupported { algorithm }
        }
    }
}
