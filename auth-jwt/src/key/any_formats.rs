//! The formats of a key whose type is not known before it is read.

use auth_core::Secret;

use super::{AnySigningKey, AnyVerifyingKey};
use crate::{
    Backend, Jwk, JwkError, KeyId, Thumbprint,
    jwk::write::{private, public},
};

impl AnyVerifyingKey {
    /// Reads a public JWK, or a secret, that names its algorithm or serves for only one.
    ///
    /// # Errors
    /// [`JwkError::AmbiguousAlgorithm`] if it does not say which of several: [`Jwk::verifying_key`] takes one.
    /// [`JwkError::Private`] for a private key, and the other reasons of [`JwkError`].
    pub fn from_jwk(text: &str) -> Result<Self, JwkError> {
        let jwk = Jwk::parse(text)?;
        jwk.verifying_key(jwk.only_algorithm()?, Backend::default())
    }

    /// Writes a JWK, with `kid`, `alg` and `use`; `None` for a secret, which keeps no bytes to write.
    #[must_use]
    pub fn to_jwk(&self) -> Option<String> {
        Some(public(&self.material()?, self.effective_id().as_ref(), Some(self.alg())))
    }

    /// The hash of what the key is (RFC 7638); `None` for a secret.
    #[must_use]
    pub fn thumbprint(&self) -> Option<Thumbprint> {
        Some(Thumbprint::of(&self.material()?))
    }

    /// What tells it from others: the name that it was given, or else its thumbprint; `None` for a secret
    /// without a name.
    pub(crate) fn effective_id(&self) -> Option<KeyId> {
        self.id().cloned().or_else(|| self.thumbprint()?.key_id())
    }
}

impl AnySigningKey {
    /// Reads a private JWK, or a secret, that names its algorithm or serves for only one.
    ///
    /// # Errors
    /// [`JwkError::AmbiguousAlgorithm`] if it does not say which of several: [`Jwk::signing_key`] takes one.
    /// [`JwkError::NotPrivate`] for a public key, and the other reasons of [`JwkError`].
    pub fn from_jwk(text: &Secret) -> Result<Self, JwkError> {
        let jwk = Jwk::parse_secret(text)?;
        jwk.signing_key(jwk.only_algorithm()?, Backend::default())
    }

    /// Writes a private JWK, with `kid`, `alg` and `use`; `None` for an HMAC key, which keeps no bytes to write.
    #[must_use]
    pub fn to_jwk(&self) -> Option<Secret> {
        Some(private(&self.material()?, self.effective_id().as_ref(), self.alg()))
    }

    /// What its tokens carry as `kid`.
    pub(crate) fn effective_id(&self) -> Option<KeyId> {
        self.id().cloned().or_else(|| self.verifying_key().effective_id())
    }
}
