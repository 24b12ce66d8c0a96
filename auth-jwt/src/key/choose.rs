//! Which key type a parsed key becomes.

use auth_core::Secret;

use super::{
    AnySigningKey, AnyVerifyingKey, Ed25519SigningKey, Ed25519VerifyingKey, Es256SigningKey,
    Es256VerifyingKey, Es384SigningKey, Es384VerifyingKey, Es512SigningKey, Es512VerifyingKey, Hs256Key,
    Hs384Key, Hs512Key, KeyError, PrivateMaterial, PublicMaterial,
};
use crate::{Algorithm, Backend};

impl AnyVerifyingKey {
    pub(crate) fn from_material(
        material: &PublicMaterial,
        algorithm: Algorithm,
        backend: Backend,
    ) -> Result<Self, KeyError> {
        match (backend, algorithm) {
            (Backend::RustCrypto, Algorithm::Es256) => {
                Es256VerifyingKey::from_material(material).map(Into::into)
            }
            (Backend::RustCrypto, Algorithm::Es384) => {
                Es384VerifyingKey::from_material(material).map(Into::into)
            }
            (Backend::RustCrypto, Algorithm::Es512) => {
                Es512VerifyingKey::from_material(material).map(Into::into)
            }
            (Backend::RustCrypto, Algorithm::EdDsa) => {
                Ed25519VerifyingKey::from_material(material).map(Into::into)
            }
            _ if algorithm.is_symmetric() => Err(KeyError::WrongKind { expected: algorithm }),
            _ => Err(KeyError::Unsupported { algorithm }),
        }
    }

    pub(crate) fn from_secret(
        secret: &Secret,
        algorithm: Algorithm,
        backend: Backend,
    ) -> Result<Self, KeyError> {
        match (backend, algorithm) {
            (Backend::RustCrypto, Algorithm::Hs256) => Hs256Key::new(secret).map(Into::into),
            (Backend::RustCrypto, Algorithm::Hs384) => Hs384Key::new(secret).map(Into::into),
            (Backend::RustCrypto, Algorithm::Hs512) => Hs512Key::new(secret).map(Into::into),
            _ if !algorithm.is_symmetric() => Err(KeyError::WrongKind { expected: algorithm }),
            _ => Err(KeyError::Unsupported { algorithm }),
        }
    }
}

impl AnySigningKey {
    pub(crate) fn from_material(
        material: &PrivateMaterial,
        algorithm: Algorithm,
        backend: Backend,
    ) -> Result<Self, KeyError> {
        match (backend, algorithm) {
            (Backend::RustCrypto, Algorithm::Es256) => {
                Es256SigningKey::from_material(material).map(Into::into)
            }
            (Backend::RustCrypto, Algorithm::Es384) => {
                Es384SigningKey::from_material(material).map(Into::into)
            }
            (Backend::RustCrypto, Algorithm::Es512) => {
                Es512SigningKey::from_material(material).map(Into::into)
            }
            (Backend::RustCrypto, Algorithm::EdDsa) => {
                Ed25519SigningKey::from_material(material).map(Into::into)
            }
            _ if algorithm.is_symmetric() => Err(KeyError::WrongKind { expected: algorithm }),
            _ => Err(KeyError::Unsupported { algorithm }),
        }
    }

    pub(crate) fn from_secret(
        secret: &Secret,
        algorithm: Algorithm,
        backend: Backend,
    ) -> Result<Self, KeyError> {
        match (backend, algorithm) {
            (Backend::RustCrypto, Algorithm::Hs256) => Hs256Key::new(secret).map(Into::into),
            (Backend::RustCrypto, Algorithm::Hs384) => Hs384Key::new(secret).map(Into::into),
            (Backend::RustCrypto, Algorithm::Hs512) => Hs512Key::new(secret).map(Into::into),
            _ if !algorithm.is_symmetric() => Err(KeyError::WrongKind { expected: algorithm }),
            _ => Err(KeyError::Unsupported { algorithm }),
        }
    }
}
