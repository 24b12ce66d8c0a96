//! What every format of a key holds, between the formats and the backends.
//!
//! A format (JWK, DER, PEM, raw) is read into one of these with all that the format itself demands; a backend
//! then makes its key of it with all that the mathematics demands. So both backends see the same bytes.

use zeroize::Zeroizing;

use crate::Algorithm;

/// The curves of ES256, ES384 and ES512 (RFC 7518 section 6.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// Bytes of a coordinate and of a scalar.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The name in a JWK's `crv`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    pub(crate) const fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
        }
    }
}

/// A public key. Lengths are right; nothing else was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicMaterial {
    /// `0x04`, x, y: SEC 1 section 2.3.3, uncompressed.
    Ec {
        curve: Curve,
        point: Vec<u8>,
    },
    Ed25519([u8; 32]),
    /// Big-endian, without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

/// A private key. The public part, where the format has one, is compared by whoever makes a key of this.
#[derive(Clone)]
pub(crate) enum PrivateMaterial {
    Ec { curve: Curve, scalar: Zeroizing<Vec<u8>>, public: Option<PublicMaterial> },
    Ed25519 { seed: Zeroizing<[u8; 32]>, public: Option<PublicMaterial> },
    // Without `aws-lc-rs` RSA keys are read, so that an error can say which feature they need, and not used.
    Rsa(Box<RsaPrivate>),
}

impl PrivateMaterial {
    /// The public part, if the format had one; keys that were made always have it.
    pub(crate) fn public(&self) -> Option<PublicMaterial> {
        match self {
            Self::Ec { public, .. } | Self::Ed25519 { public, .. } => public.clone(),
            Self::Rsa(key) => {
                let (modulus, exponent) = (key.modulus.clone(), key.exponent.clone());
                Some(PublicMaterial::Rsa { modulus, exponent })
            }
        }
    }

    /// Adds the public part that a format has beside the private one. RSA's is a part of it.
    pub(crate) fn set_public(&mut self, material: PublicMaterial) {
        match self {
            Self::Ec { public, .. } | Self::Ed25519 { public, .. } => *public = Some(material),
            Self::Rsa(_) => {}
        }
    }
}

/// The numbers of a two-prime RSA key (RFC 8017 section 3.2), big-endian, without leading zeros.
#[derive(Clone)]
pub(crate) struct RsaPrivate {
    pub(crate) modulus: Vec<u8>,
    pub(crate) exponent: Vec<u8>,
    pub(crate) d: Zeroizing<Vec<u8>>,
    pub(crate) p: Zeroizing<Vec<u8>>,
    pub(crate) q: Zeroizing<Vec<u8>>,
    pub(crate) dp: Zeroizing<Vec<u8>>,
    pub(crate) dq: Zeroizing<Vec<u8>>,
    pub(crate) qi: Zeroizing<Vec<u8>>,
}
