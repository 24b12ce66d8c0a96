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
                Ok(Self { id: jwk.id().cloned(), ..key.with_alg(jwk.alg(Self::ALGORITHM)) })
            }

            /// Writes a JWK, with `kid`, `alg` and `use`. Without a name of its own the key is called by its
            /// thumbprint.
            #[must_use]
            pub fn to_jwk(&self) -> String {
                $crate::jwk::write::public(&self.material(), self.effective_id().as_ref(), Some(self.alg))
            }

            /// Reads a PEM block `PUBLIC KEY`, or, for RSA, `RSA PUBLIC KEY` (RFC 7468 section 13, PKCS#1).
            ///
            /// # Errors
            /// [`KeyFormatError`](crate::KeyFormatError): for a certificate too.
            pub fn from_pem(text: &str) -> Result<Self, $crate::KeyFormatError> {
                Ok(Self::from_material(&$crate::pem::public(text)?)?)
            }

            /// Reads SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) or, for RSA, RSAPublicKey (PKCS#1).
            ///
            /// # Errors
            /// [`KeyFormatError`](crate::KeyFormatError): for a certificate too.
            pub fn from_der(bytes: &[u8]) -> Result<Self, $crate::KeyFormatError> {
                Ok(Self::from_material(&$crate::der::public(bytes, None)?)?)
            }

            /// Writes a PEM block `PUBLIC KEY`, without the key's name.
            #[must_use]
            pub fn to_pem(&self) -> String {
                $crate::pem::write_public(&self.material())
            }

            /// Writes SubjectPublicKeyInfo, without the key's name.
            #[must_use]
            pub fn to_der(&self) -> Vec<u8> {
                $crate::der::spki(&self.material())
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
                Ok(Self { id: jwk.id().cloned(), ..key.with_alg(jwk.alg(Self::ALGORITHM)) })
            }

            /// Writes a private JWK, with `kid`, `alg` and `use`. Without a name of its own the key is called by
            /// its thumbprint.
            #[must_use]
            pub fn to_jwk(&self) -> auth_core::Secret {
                let id = self.verifying_key().effective_id();
                $crate::jwk::write::private(&self.material(), id.as_ref(), self.alg)
            }

            /// Reads a PEM block `PRIVATE KEY` (PKCS#8, RFC 7468 section 10), or the older ones that OpenSSL
            /// wrote, `EC PRIVATE KEY` and `RSA PRIVATE KEY`.
            ///
            /// # Errors
            /// [`KeyFormatError`](crate::KeyFormatError): also for an encrypted key.
            pub fn from_pem(text: &auth_core::Secret) -> Result<Self, $crate::KeyFormatError> {
                let text = text.expose_str().ok_or($crate::KeyFormatError::Pem)?;
                Ok(Self::from_material(&$crate::pem::private(text)?)?)
            }

            /// Reads PKCS#8 (RFC 5958, version 1 or 2), ECPrivateKey (SEC 1, RFC 5915) or RSAPrivateKey (PKCS#1).
            ///
            /// # Errors
            /// [`KeyFormatError`](crate::KeyFormatError): also for an encrypted key.
            pub fn from_der(bytes: &auth_core::Secret) -> Result<Self, $crate::KeyFormatError> {
                Ok(Self::from_material(&$crate::der::private(bytes.expose(), None)?)?)
            }

            /// Writes a PEM block `PRIVATE KEY` (PKCS#8), not encrypted and without the key's name.
            #[must_use]
            pub fn to_pem(&self) -> auth_core::Secret {
                $crate::pem::write_private(&self.material())
            }

            /// Writes PKCS#8, not encrypted and without the key's name.
            #[must_use]
            pub fn to_der(&self) -> auth_core::Secret {
                let mut der = $crate::der::pkcs8(&self.material());
                auth_core::Secret::new(std::mem::take(&mut *der))
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
                Ok($crate::jwk::write::secret(secret.expose(), id, Self::ALGORITHM.name()))
            }
        }
    };
}

pub(crate) use {private_formats, public_formats, secret_formats};
