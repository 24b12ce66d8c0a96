//! Keys: each type is bound to one algorithm.

mod any;
mod any_formats;
mod asymmetric;
mod declare;
mod ecdsa;
mod ed25519;
mod error;
mod formats;
mod hmac;
mod material;
mod raw;
#[cfg(any(feature = "rsa", feature = "aws-lc-rs"))]
pub(crate) mod rsa;
mod signature;

#[cfg(feature = "rsa")]
pub use self::rsa::{
    Ps256VerifyingKey, Ps384VerifyingKey, Ps512VerifyingKey, Rs256VerifyingKey, Rs384VerifyingKey,
    Rs512VerifyingKey,
};
pub use self::{
    any::{AnySigningKey, AnyVerifyingKey},
    ecdsa::{
        Es256SigningKey, Es256VerifyingKey, Es384SigningKey, Es384VerifyingKey, Es512SigningKey,
        Es512VerifyingKey,
    },
    ed25519::{Ed25519SigningKey, Ed25519VerifyingKey},
    error::{KeyError, SignError, SignatureError},
    hmac::{Hs256Key, Hs384Key, Hs512Key},
    signature::Signature,
};
pub(crate) use self::{
    declare::{
        GenerateCore, SignCore, SignatureFault, VerifyCore, check_encoded, generated_key, signing_key,
        verifying_key,
    },
    formats::{private_formats, public_formats, secret_formats},
    hmac::check_secret,
    material::{Curve, PrivateMaterial, PublicMaterial, RsaPrivate},
    raw::{ec_raw, ed25519_raw, ed25519_seed, raw_private},
};
#[cfg(feature = "aws-lc-rs")]
pub(crate) use self::{
    ecdsa::{P256, P384, P521},
    ed25519::{Ed25519, checked as checked_ed25519},
    hmac::{MAX_LEN as MAX_SECRET_LEN, MacCore, derived_key, hmac_key},
};
