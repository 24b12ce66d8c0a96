//! How key types are read and written: the methods that every one of them has.

/// The formats of a public key's type.
macro_rules! public_formats {
    ($name:ident) => {
        impl $name {
            /// Reads a public JWK (RFC 7517). The key's `kid` becomes its id.
            ///
            /// # Errors
            /// [`JwkError`](crate::JwkError); for a private key, or a secret, always
            /// [`JwkError::Private`](crate::JwkError::Private).
            pub fn from_jwk(text: &str) -> Result<Self, $crate::JwkError> {
                let jwk = $crate::Jwk::parse_public(text)?;
                let key = Self::from_material(jwk.public_for(Self::ALGORITHM)?)?;
                Ok(Self { id: jwk.id().cloned(), ..key })
            }

            /// Writes a JWK, with `kid`, `alg` and `use`. Without a name of its own the key is called by its
            /// thumbprint.
            #[must_use]
            pub fn to_jwk(&self) -> String {
                $crate::jwk::write::public(
                    &self.material(),
                    self.effective_id().as_ref(),
                    Some(Self::ALGORITHM),
                )
            }

            /// The hash of what the key is (RFC 7638), whatever its name.
            #[must_use]
            pub fn thumbprint(&self) -> $crate::Thumbprint {
                $crate::Thumbprint::of(&self.material())
            }

            /// What tells it from others: the name that it was given, or else its thumbprint.
            pub(crate) fn effective_id(&self) -> Option<$crate::KeyId> {
                self.id.clone().or_else(|| self.thumbprint().key_id())
            }
        }
    };
}

/// The formats of a private key's type.
macro_rules! private_formats {
    ($name:ident) => {
        impl $name {
            /// Reads a private JWK (RFC 7517). The key's `kid` becomes its id.
            ///
            /// # Errors
            /// [`JwkError`](crate::JwkError); [`JwkError::NotPrivate`](crate::JwkError::NotPrivate) for a
            /// public key.
            pub fn from_jwk(text: &auth_core::Secret) -> Result<Self, $crate::JwkError> {
                let jwk = $crate::Jwk::parse_secret(text)?;
                let key = Self::from_material(jwk.private_for(Self::ALGORITHM)?)?;
                Ok(Self { id: jwk.id().cloned(), ..key })
            }

            /// Writes a private JWK, with `kid`, `alg` and `use`. Without a name of its own the key is called by
            /// its thumbprint.
            #[must_use]
            pub fn to_jwk(&self) -> auth_core::Secret {
                let id = self.verifying_key().effective_id();
                $crate::jwk::write::private(&self.material(), id.as_ref(), Self::ALGORITHM)
            }
        }
    };
}

pub(crate) use {private_formats, public_formats};
