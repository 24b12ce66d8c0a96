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

/// The formats of an HMAC key's type.
macro_rules! secret_formats {
    ($name:ident) => {
        impl $name {
            /// A new secret, to be kept and to make keys of: a key itself does not give it back.
            ///
            /// # Errors
            /// [`EntropyError`](auth_core::EntropyError) if `entropy` failed.
            pub fn generate_secret(
                entropy: &dyn auth_core::Entropy,
            ) -> Result<auth_core::Secret, auth_core::EntropyError> {
                let mut secret = vec![0; Self::MIN_LEN];
                match entropy.fill(&mut secret) {
                    Ok(()) => Ok(auth_core::Secret::new(secret)),
                    Err(error) => Err(error),
                }
            }

            /// Reads a JWK of the type `oct` (RFC 7518 section 6.4). Its `kid` becomes the key's id.
            ///
            /// # Errors
            /// [`JwkError`](crate::JwkError): also if its `key_ops` does not allow both signing and verifying.
            pub fn from_jwk(text: &auth_core::Secret) -> Result<Self, $crate::JwkError> {
                let jwk = $crate::Jwk::parse_secret(text)?;
                let key = Self::new(jwk.secret_for(Self::ALGORITHM)?)?;
                Ok(Self { id: jwk.id().cloned(), ..key })
            }

            /// Writes a secret that is good for such a key as a JWK, with `alg` and `use`, and with a `kid` if
            /// there is an id. A key keeps no secret to write.
            ///
            /// # Errors
            /// [`KeyError`](crate::KeyError), as for [`new`](Self::new).
            pub fn secret_to_jwk(
                secret: &auth_core::Secret,
                id: Option<&$crate::KeyId>,
            ) -> Result<auth_core::Secret, $crate::KeyError> {
                $crate::key::check_secret(secret.expose(), Self::MIN_LEN)?;
                Ok($crate::jwk::write::secret(secret.expose(), id, Self::ALGORITHM))
            }
        }
    };
}

pub(crate) use {private_formats, public_formats, secret_formats};
