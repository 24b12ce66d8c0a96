//! JSON Web Keys (RFC 7517), read strictly.

mod error;
pub(crate) mod fields;
pub(crate) mod read;
pub(crate) mod write;

use std::fmt;

use auth_core::Secret;

pub use self::error::JwkError;
use crate::{
    Algorithm, AnySigningKey, AnyVerifyingKey, Backend, JsonError, KeyError, KeyId, Thumbprint,
    jwk::fields::Fields,
    key::{PrivateMaterial, PublicMaterial},
};

/// A JWK (RFC 7517) that was read, and whose algorithm may not be decided yet.
///
/// Key types read their own JWKs, so most code needs this one only for RSA keys that name no `alg`, and
/// for looking at keys. What is checked here is the format: strict JSON, no member twice, exact lengths, `use`,
/// `key_ops` and `alg`. The mathematics follow when it becomes a key. Certificates in it (`x5c`, `x5u`) are ignored
/// and never fetched.
///
/// ```
/// use auth_jwt::{Algorithm, Backend, Jwk};
///
/// // RFC 8037 appendix A.2
/// let jwk = Jwk::parse(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#)?;
/// assert_eq!(jwk.algorithms(), [Algorithm::EdDsa]);
/// let key = jwk.verifying_key(Algorithm::EdDsa, Backend::default())?;
/// # Ok::<(), auth_jwt::JwkError>(())
/// ```
#[derive(Clone)]
pub struct Jwk {
    material: Material,
    algorithms: &'static [Algorithm],
    /// Whether its `alg` is `Ed25519`, and not `EdDSA` or nothing.
    is_fully_specified: bool,
    id: Option<KeyId>,
    allowed: Operations,
}

/// What is in it.
#[derive(Clone)]
pub(crate) enum Material {
    Public(PublicMaterial),
    /// With the public part, which every private JWK has.
    Private(PrivateMaterial, PublicMaterial),
    Secret(Secret),
}

/// What `key_ops` allows; everything, without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operations {
    sign: bool,
    verify: bool,
}

impl Jwk {
    /// The longest text that is looked at, in bytes. A private RSA key of 8,192 bits has about 6,500.
    pub const MAX_LEN: usize = 16 * 1024;

    /// Reads a JWK of any kind. The text of a private one is the caller's to wipe.
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn parse(text: &str) -> Result<Self, JwkError> {
        Self::of(&Fields::read(text)?)
    }

    /// Reads one that may be published.
    pub(crate) fn parse_public(text: &str) -> Result<Self, JwkError> {
        let fields = Fields::read(text)?;
        // Before all else: whatever is wrong with it, this is worse.
        if fields.is_private() { Err(JwkError::Private) } else { Self::of(&fields) }
    }

    /// Reads one that may not.
    pub(crate) fn parse_secret(text: &Secret) -> Result<Self, JwkError> {
        Self::parse(text.expose_str().ok_or(JsonError::Encoding)?)
    }

    /// Everything behind the members' names.
    pub(crate) fn of(fields: &Fields<'_>) -> Result<Self, JwkError> {
        let allowed = read::operations(fields)?;
        let (material, algorithms) = read::material(fields)?;
        match material {
            Material::Public(_) if !allowed.verify => {
                return Err(JwkError::Operation { operation: "verify" });
            }
            Material::Private(..) if !allowed.sign => return Err(JwkError::Operation { operation: "sign" }),
            _ => {}
        }
        let is_fully_specified = fields.string("alg")?.is_some_and(|alg| alg.is(Algorithm::FULLY_SPECIFIED));
        Ok(Self { material, algorithms, is_fully_specified, id: read::id(fields)?, allowed })
    }

    /// The algorithms that it serves for, never none: the one that it names, or else all that fit. One for
    /// elliptic curves, six for RSA, and for a secret those that it is long enough for.
    #[must_use]
    pub fn algorithms(&self) -> &'static [Algorithm] {
        self.algorithms
    }

    /// Whether whoever has it can sign: it is a private key or a secret.
    #[must_use]
    pub fn is_private(&self) -> bool {
        !matches!(self.material, Material::Public(_))
    }

    /// Its `kid`, if it has one.
    #[must_use]
    pub fn id(&self) -> Option<&KeyId> {
        self.id.as_ref()
    }

    /// The hash of what it is (RFC 7638). That of a secret helps whoever guesses at it (section 7), so it is
    /// nobody's `kid`.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        match &self.material {
            Material::Public(public) | Material::Private(_, public) => Thumbprint::of(public),
            Material::Secret(secret) => Thumbprint::of_secret(secret.expose()),
        }
    }

    /// The key that verifies signatures of `algorithm`, under the name in `kid`.
    ///
    /// # Errors
    /// [`JwkError::Private`] for a private key; [`JwkError::Operation`]; [`JwkError::Key`] if it is not for
    /// `algorithm`, is no key, or needs a feature.
    pub fn verifying_key(&self, algorithm: Algorithm, backend: Backend) -> Result<AnyVerifyingKey, JwkError> {
        self.serves(algorithm)?;
        let key = match &self.material {
            Material::Public(public) => {
                AnyVerifyingKey::from_material(public, algorithm, backend)?.with_alg(self.alg(algorithm))
            }
            Material::Private(..) => return Err(JwkError::Private),
            Material::Secret(_) if !self.allowed.verify => {
                return Err(JwkError::Operation { operation: "verify" });
            }
            Material::Secret(secret) => AnyVerifyingKey::from_secret(secret, algorithm, backend)?,
        };
        Ok(match &self.id {
            Some(id) => key.with_id(id.clone()),
            None => key,
        })
    }

    /// The key that signs with `algorithm`, under the name in `kid`.
    ///
    /// # Errors
    /// [`JwkError::NotPrivate`] for a public key; [`JwkError::Operation`]; [`JwkError::Key`] if it is not for
    /// `algorithm`, is no key, or needs a feature.
    pub fn signing_key(&self, algorithm: Algorithm, backend: Backend) -> Result<AnySigningKey, JwkError> {
        self.serves(algorithm)?;
        let key = match &self.material {
            Material::Public(_) => return Err(JwkError::NotPrivate),
            Material::Private(private, _) => {
                AnySigningKey::from_material(private, algorithm, backend)?.with_alg(self.alg(algorithm))
            }
            Material::Secret(_) if !self.allowed.sign => {
                return Err(JwkError::Operation { operation: "sign" });
            }
            Material::Secret(secret) => AnySigningKey::from_secret(secret, algorithm, backend)?,
        };
        Ok(match &self.id {
            Some(id) => key.with_id(id.clone()),
            None => key,
        })
    }

    /// What tokens and JWKs of the key call the algorithm: what this one calls it, if it says.
    pub(crate) const fn alg(&self, algorithm: Algorithm) -> &'static str {
        if self.is_fully_specified { Algorithm::FULLY_SPECIFIED } else { algorithm.name() }
    }

    /// The public part of one that is public.
    pub(crate) fn public_for(&self, algorithm: Algorithm) -> Result<&PublicMaterial, JwkError> {
        self.serves(algorithm)?;
        match &self.material {
            Material::Public(public) => Ok(public),
            _ => Err(JwkError::Private),
        }
    }

    /// The private part of one that is private.
    pub(crate) fn private_for(&self, algorithm: Algorithm) -> Result<&PrivateMaterial, JwkError> {
        self.serves(algorithm)?;
        match &self.material {
            Material::Private(private, _) => Ok(private),
            _ => Err(JwkError::NotPrivate),
        }
    }

    /// The secret, for a key that both signs and verifies.
    pub(crate) fn secret_for(&self, algorithm: Algorithm) -> Result<&Secret, JwkError> {
        self.serves(algorithm)?;
        match &self.material {
            Material::Secret(_) if !self.allowed.sign => Err(JwkError::Operation { operation: "sign" }),
            Material::Secret(_) if !self.allowed.verify => Err(JwkError::Operation { operation: "verify" }),
            Material::Secret(secret) => Ok(secret),
            _ => Err(KeyError::WrongKind { expected: algorithm }.into()),
        }
    }

    /// The one algorithm that it serves for.
    pub(crate) fn only_algorithm(&self) -> Result<Algorithm, JwkError> {
        match self.algorithms {
            [only] => Ok(*only),
            _ => Err(JwkError::AmbiguousAlgorithm),
        }
    }

    /// What tells it from others: its `kid`, or else its thumbprint; `None` for a secret without a name.
    pub(crate) fn effective_id(&self) -> Option<KeyId> {
        match (&self.id, &self.material) {
            (Some(id), _) => Some(id.clone()),
            (None, Material::Secret(_)) => None,
            (None, _) => self.thumbprint().key_id(),
        }
    }

    fn serves(&self, algorithm: Algorithm) -> Result<(), JwkError> {
        if self.algorithms.contains(&algorithm) {
            Ok(())
        } else {
            Err(KeyError::WrongKind { expected: algorithm }.into())
        }
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk")
            .field("algorithms", &self.algorithms)
            .field("is_private", &self.is_private())
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
