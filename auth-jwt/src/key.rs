//! Keys: each type is bound to one algorithm.

mod any;
mod asymmetric;
mod declare;
mod ecdsa;
mod ed25519;
mod error;
mod hmac;
mod material;
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
    material::{Curve, PrivateMaterial, PublicMaterial, RsaPrivate},
};
