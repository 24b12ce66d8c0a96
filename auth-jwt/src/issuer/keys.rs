//! What an issuer signs with.

use std::time::Duration;

use super::TokenIssuer;
use crate::{AnySigningKey, IssuerKeyRing, RemoteSigningKey};

/// What a [`TokenIssuer`] or a [`TokenSigner`](crate::TokenSigner) signs with: a key, an [`IssuerKeyRing`], or a [`RemoteSigningKey`]. Each converts into
/// one.
#[derive(Debug, Clone)]
pub struct IssuerKeys(pub(super) Keys);

#[derive(Debug, Clone)]
pub(super) enum Keys {
    One(AnySigningKey),
    Ring(IssuerKeyRing),
    Remote(RemoteSigningKey),
}

impl IssuerKeys {
    /// The longest life of a token that a ring was made for.
    pub(crate) fn ring_lifetime(&self) -> Option<Duration> {
        match &self.0 {
            Keys::Ring(ring) => Some(ring.max_lifetime()),
            Keys::One(_) | Keys::Remote(_) => None,
        }
    }

    /// The longest life of a token that they sign.
    pub(super) fn max_lifetime(&self) -> Duration {
        match &self.0 {
            Keys::Ring(ring) => ring.max_lifetime().min(TokenIssuer::MAX_LIFETIME),
            Keys::One(_) | Keys::Remote(_) => TokenIssuer::MAX_LIFETIME,
        }
    }
}

impl<K: Into<AnySigningKey>> From<K> for IssuerKeys {
    fn from(key: K) -> Self {
        Self(Keys::One(key.into()))
    }
}

impl From<IssuerKeyRing> for IssuerKeys {
    fn from(ring: IssuerKeyRing) -> Self {
        Self(Keys::Ring(ring))
    }
}

impl From<RemoteSigningKey> for IssuerKeys {
    fn from(key: RemoteSigningKey) -> Self {
        Self(Keys::Remote(key))
    }
}
