//! Keys as bare bytes: the methods that only some types have.

/// Points and scalars of the elliptic curves.
macro_rules! ec_raw {
    ($curve:ident, $verifying:ident, $signing:ident) => {
        impl $verifying {
            /// Takes an uncompressed point: `0x04`, x, y (SEC 1 section 2.3.3).
            ///
            /// # Errors
            /// [`KeyError::Length`](crate::KeyError::Length) in any other form,
            /// [`KeyError::NotOnCurve`](crate::KeyError::NotOnCurve) if it is no such point.
            pub fn from_sec1(point: &[u8]) -> Result<Self, $crate::KeyError> {
                $crate::key::Curve::$curve.public(point).and_then(|material| Self::from_material(&material))
            }

            /// The uncompressed point: `0x04`, x, y (SEC 1 section 2.3.3).
            #[must_use]
            pub fn to_sec1(&self) -> Vec<u8> {
                match self.material() {
                    $crate::key::PublicMaterial::Ec { point, .. } => point,
                    _ => Vec::new(),
                }
            }
        }

        impl $signing {
            /// Takes the private number, big-endian, at its full width.
            ///
            /// # Errors
            /// [`KeyError::Length`](crate::KeyError::Length) for another width,
            /// [`KeyError::PrivateRange`](crate::KeyError::PrivateRange) if it is zero or not below the order.
            pub fn from_raw(scalar: &auth_core::Secret) -> Result<Self, $crate::KeyError> {
                $crate::key::Curve::$curve.private(scalar).and_then(|material| Self::from_material(&material))
            }

            /// The private number, big-endian, at its full width.
            #[must_use]
            pub fn to_raw(&self) -> auth_core::Secret {
                $crate::key::raw_private(&self.material())
            }

            /// Writes ECPrivateKey (SEC 1 appendix C.4, RFC 5915), not encrypted and without the key's name: for
            /// programs that do not read PKCS#8.
            #[must_use]
            pub fn to_sec1_der(&self) -> auth_core::Secret {
                auth_core::Secret::new(std::mem::take(&mut *$crate::der::traditional(&self.material())))
            }

            /// The same as a PEM block `EC PRIVATE KEY`.
            #[must_use]
            pub fn to_sec1_pem(&self) -> auth_core::Secret {
                $crate::pem::write_traditional("EC PRIVATE KEY", &self.material())
            }
        }
    };
}

/// Points and seeds of Ed25519.
macro_rules! ed25519_raw {
    ($verifying:ident, $signing:ident) => {
        impl $verifying {
            /// Takes the 32 bytes of a public key (RFC 8032 section 5.1.5).
            ///
            /// # Errors
            /// [`KeyError::NotOnCurve`](crate::KeyError::NotOnCurve) or
            /// [`KeyError::SmallOrder`](crate::KeyError::SmallOrder).
            pub fn from_raw(bytes: &[u8; 32]) -> Result<Self, $crate::KeyError> {
                Self::from_material(&$crate::key::PublicMaterial::Ed25519(*bytes))
            }

            /// The same key, whose JWK calls the algorithm `Ed25519` (RFC 9864 section 2.2) and not `EdDSA`. What it
            /// verifies is the same: tokens under either name. The key of a JWK that says so is so already.
            #[must_use]
            pub fn fully_specified(self) -> Self {
                self.with_alg($crate::Algorithm::FULLY_SPECIFIED)
            }

            /// The 32 bytes of the public key.
            #[must_use]
            pub fn to_raw(&self) -> [u8; 32] {
                match self.material() {
                    $crate::key::PublicMaterial::Ed25519(bytes) => bytes,
                    _ => [0; 32],
                }
            }
        }

        impl $signing {
            /// Takes the 32 bytes of the private key, the seed (RFC 8032 section 5.1.5).
            ///
            /// # Errors
            /// [`KeyError::Length`](crate::KeyError::Length) if there are not 32.
            pub fn from_raw(seed: &auth_core::Secret) -> Result<Self, $crate::KeyError> {
                $crate::key::ed25519_seed(seed).and_then(|material| Self::from_material(&material))
            }

            /// The same key, whose tokens and JWKs call the algorithm `Ed25519` (RFC 9864 section 2.2), and not
            /// `EdDSA`, which that RFC deprecates (section 4.1.2) and which more verifiers know. The key of a JWK
            /// that says so is so already. PEM, DER and raw bytes have no place for it: ask for it again after reading
            /// them.
            #[must_use]
            pub fn fully_specified(self) -> Self {
                self.with_alg($crate::Algorithm::FULLY_SPECIFIED)
            }

            /// The 32 bytes of the private key, the seed.
            #[must_use]
            pub fn to_raw(&self) -> auth_core::Secret {
                $crate::key::raw_private(&self.material())
            }
        }
    };
}

pub(crate) use {ec_raw, ed25519_raw};

use auth_core::Secret;
use zeroize::Zeroizing;

use super::{Curve, KeyError, PrivateMaterial, PublicMaterial};

impl Curve {
    /// An uncompressed point, by its form.
    pub(crate) fn public(self, point: &[u8]) -> Result<PublicMaterial, KeyError> {
        let len = self.len().saturating_mul(2).saturating_add(1);
        if point.len() == len && point.first() == Some(&0x04) {
            Ok(PublicMaterial::Ec { curve: self, point: point.to_vec() })
        } else {
            Err(KeyError::Length)
        }
    }

    /// A scalar, by its width.
    pub(crate) fn private(self, scalar: &Secret) -> Result<PrivateMaterial, KeyError> {
        if scalar.len() != self.len() {
            return Err(KeyError::Length);
        }
        let scalar = Zeroizing::new(scalar.expose().to_vec());
        Ok(PrivateMaterial::Ec { curve: self, scalar, public: None })
    }
}

/// A seed, by its length.
pub(crate) fn ed25519_seed(bytes: &Secret) -> Result<PrivateMaterial, KeyError> {
    if bytes.len() != 32 {
        return Err(KeyError::Length);
    }
    let mut seed = Zeroizing::new([0; 32]);
    seed.copy_from_slice(bytes.expose());
    Ok(PrivateMaterial::Ed25519 { seed, public: None })
}

/// The bytes that are the private key, where there is one number only.
pub(crate) fn raw_private(material: &PrivateMaterial) -> Secret {
    Secret::new(match material {
        PrivateMaterial::Ec { scalar, .. } => scalar.to_vec(),
        PrivateMaterial::Ed25519 { seed, .. } => seed.to_vec(),
        PrivateMaterial::Rsa(key) => key.d.to_vec(),
    })
}
