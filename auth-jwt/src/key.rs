//! Keys: each type is bound to one algorithm.

mod any;
mod any_formats;
mod asymmetric;
mod choose;
mod declare;
mod ecdsa;
mod ed25519;
mod error;
mod formats;
mod hmac;
mod material;
mod raw;
mod signature;

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
    declare::{SignCore, VerifyCore, signing_key, verifying_key},
    formats::{private_formats, public_formats, secret_formats},
    hmac::check_secret,
    material::{Curve, PrivateMaterial, PublicMaterial, RsaPrivate},
    raw::{ec_raw, ed25519_raw, ed25519_seed, raw_private},
};
