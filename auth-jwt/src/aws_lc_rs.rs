//! The second backend: the keys of every algorithm on `aws-lc-rs`. Feature `aws-lc-rs`.
//!
//! The types have the names of those at the crate's root and work like them: a program chooses a backend by
//! the path that it imports a key from, and may use both at once. Nothing is global, and the feature changes
//! nothing else. Both backends accept and refuse the same keys and the same signatures, of which they are
//! tested with one set.
//!
//! Two things are only here: speed where public keys are concerned, and signing with RSA.
//!
//! The randomness of ECDSA and RSA-PSS signatures, and that of new RSA keys, is AWS-LC's own: its generator is
//! seeded from the operating system, and no [`Entropy`](auth_core::Entropy) is asked.
//!
//! ```
//! use auth_core::SystemEntropy;
//! use auth_jwt::aws_lc_rs::{RsaSize, Rs256SigningKey, Es256SigningKey};
//!
//! let key = Es256SigningKey::generate(&SystemEntropy)?;
//! let signature = key.sign(b"message")?;
//! assert!(key.verifying_key().verify(b"message", signature.as_bytes()).is_ok());
//!
//! let key = Rs256SigningKey::generate(RsaSize::default())?;
//! let signature = key.sign(b"message")?;
//! assert!(key.verifying_key().verify(b"message", signature.as_bytes()).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ecdsa;
mod ed25519;
mod hmac;
mod rsa;
#[cfg(test)]
mod tests;

pub use self::{
    ecdsa::{
        Es256SigningKey, Es256VerifyingKey, Es384SigningKey, Es384VerifyingKey, Es512SigningKey,
        Es512VerifyingKey,
    },
    ed25519::{Ed25519SigningKey, Ed25519VerifyingKey},
    hmac::{Hs256Key, Hs384Key, Hs512Key},
    rsa::{
        Ps256SigningKey, Ps256VerifyingKey, Ps384SigningKey, Ps384VerifyingKey, Ps512SigningKey,
        Ps512VerifyingKey, Rs256SigningKey, Rs256VerifyingKey, Rs384SigningKey, Rs384VerifyingKey,
        Rs512SigningKey, Rs512VerifyingKey, RsaSize,
    },
};
