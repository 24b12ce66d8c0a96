//! From structures to keys.

use der::{
    Tag, TagNumber, Tagged,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef},
};
use zeroize::Zeroizing;

use super::{
    Form, KeyFormatError,
    form::{only, open, parts, sequence},
};
use crate::{
    KeyError,
    key::{Curve, PrivateMaterial, PublicMaterial, RsaPrivate},
};

/// The longest encoding that is looked at, in bytes. A private RSA key of 8,192 bits has about 4,700.
pub(crate) const MAX_LEN: usize = 16 * 1024;

/// `id-ecPublicKey` (RFC 5480 section 2.1.1).
pub(super) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `id-Ed25519` (RFC 8410 section 3).
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// `rsaEncryption` (RFC 8017 appendix A.1). Keys that `id-RSASSA-PSS` restricts are not supported.
pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// What an AlgorithmIdentifier says that a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ec(Curve),
    Ed25519,
    Rsa,
}

impl Curve {
    /// Its name (RFC 5480 section 2.1.1.1).
    pub(super) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
            Self::P384 => ObjectIdentifier::new_unwrap("1.3.132.0.34"),
            Self::P521 => ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        }
    }
}

/// Reads a public key: SPKI, or PKCS#1. With `form`, that one only.
pub(crate) fn public(der: &[u8], expected: Option<Form>) -> Result<PublicMaterial, KeyFormatError> {
    let (form, parts) = open(der)?;
    match form {
        Form::Encrypted | Form::Pkcs8 | Form::RsaPrivate | Form::EcPrivate => Err(KeyFormatError::Private),
        Form::Certificate => Err(KeyFormatError::Certificate),
        _ if expected.is_some_and(|expected| expected != form) => Err(KeyFormatError::Label),
        Form::RsaPublic => rsa_public(&parts),
        Form::Spki => match parts.as_slice() {
            [algorithm, key] => point(kind(*algorithm)?, bits(*key)?),
            _ => Err(KeyFormatError::Der),
        },
    }
}

/// Reads a private key: PKCS#8, PKCS#1 or SEC 1. With `form`, that one only.
pub(crate) fn private(der: &[u8], expected: Option<Form>) -> Result<PrivateMaterial, KeyFormatError> {
    let (form, parts) = open(der)?;
    match form {
        Form::Encrypted => Err(KeyFormatError::Encrypted),
        Form::Certificate => Err(KeyFormatError::Certificate),
        Form::Spki | Form::RsaPublic => Err(KeyFormatError::NotPrivate),
        _ if expected.is_some_and(|expected| expected != form) => Err(KeyFormatError::Label),
        Form::RsaPrivate => rsa_private(&parts),
        Form::EcPrivate => ec_private(&parts, None),
        Form::Pkcs8 => pkcs8(&parts),
    }
}

fn uint<'a>(value: AnyRef<'a>) -> Result<&'a [u8], KeyFormatError> {
    value.decode_as::<UintRef<'a>>().map(|uint| uint.as_bytes()).map_err(|_| KeyFormatError::Der)
}

/// A number that is not zero.
fn number<'a>(value: AnyRef<'a>) -> Result<&'a [u8], KeyFormatError> {
    match uint(value)? {
        [] | [0, ..] => Err(KeyError::Rsa.into()),
        bytes => Ok(bytes),
    }
}

fn bits<'a>(value: AnyRef<'a>) -> Result<&'a [u8], KeyFormatError> {
    let bits = value.decode_as::<BitStringRef<'a>>().map_err(|_| KeyFormatError::Der)?;
    bits.as_bytes().ok_or(KeyFormatError::Der)
}

fn octets<'a>(value: AnyRef<'a>) -> Result<&'a [u8], KeyFormatError> {
    let octets = value.decode_as::<&'a OctetStringRef>().map_err(|_| KeyFormatError::Der)?;
    Ok(octets.as_bytes())
}

fn oid(value: AnyRef<'_>) -> Result<ObjectIdentifier, KeyFormatError> {
    value.decode_as().map_err(|_| KeyFormatError::Der)
}

/// A context-specific tag.
fn context(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific { constructed, number: TagNumber(number) }
}

/// Reads an AlgorithmIdentifier (RFC 5280 section 4.1.1.2).
fn kind(algorithm: AnyRef<'_>) -> Result<Kind, KeyFormatError> {
    if algorithm.tag() != Tag::Sequence {
        return Err(KeyFormatError::Der);
    }
    let parts = parts(algorithm.value())?;
    let (name, parameters) = parts.split_first().ok_or(KeyFormatError::Der)?;
    let name = oid(*name)?;
    match parameters {
        [curve] if name == EC => named_curve(*curve).map(Kind::Ec),
        [] if name == ED25519 => Ok(Kind::Ed25519),
        [null] if name == RSA && null.is_null() => Ok(Kind::Rsa),
        _ if [EC, ED25519, RSA].contains(&name) => Err(KeyFormatError::Parameters),
        _ => Err(KeyFormatError::KeyType),
    }
}

/// Only curves by name (RFC 5480 section 2.1.1): one that brings its own numbers may have been made for its key.
fn named_curve(parameters: AnyRef<'_>) -> Result<Curve, KeyFormatError> {
    if parameters.tag() != Tag::ObjectIdentifier {
        return Err(KeyFormatError::Parameters);
    }
    let name = oid(parameters)?;
    [Curve::P256, Curve::P384, Curve::P521]
        .into_iter()
        .find(|curve| curve.oid() == name)
        .ok_or(KeyFormatError::Parameters)
}

/// The key in a BIT STRING.
fn point(kind: Kind, bits: &[u8]) -> Result<PublicMaterial, KeyFormatError> {
    match kind {
        Kind::Ec(_) if !matches!(bits.first(), Some(0x04)) => Err(KeyFormatError::PointForm),
        Kind::Ec(curve) => Ok(curve.public(bits)?),
        Kind::Ed25519 => Ok(PublicMaterial::Ed25519(bits.try_into().map_err(|_| KeyError::Length)?)),
        Kind::Rsa => rsa_public(&sequence(bits)?),
    }
}

fn rsa_public(parts: &[AnyRef<'_>]) -> Result<PublicMaterial, KeyFormatError> {
    let [modulus, exponent] = parts else { return Err(KeyFormatError::Der) };
    let (modulus, exponent) = (number(*modulus)?.to_vec(), number(*exponent)?.to_vec());
    Ok(PublicMaterial::Rsa { modulus, exponent })
}

fn rsa_private(parts: &[AnyRef<'_>]) -> Result<PrivateMaterial, KeyFormatError> {
    let (version, numbers) = parts.split_first().ok_or(KeyFormatError::Der)?;
    match uint(*version)? {
        [0] => {}
        [1] => return Err(KeyFormatError::MultiPrime),
        _ => return Err(KeyFormatError::Der),
    }
    let [modulus, exponent, d, p, q, dp, dq, qi] = numbers else { return Err(KeyFormatError::Der) };
    let secret = |value: &AnyRef<'_>| number(*value).map(|bytes| Zeroizing::new(bytes.to_vec()));
    let key = RsaPrivate {
        modulus: number(*modulus)?.to_vec(),
        exponent: number(*exponent)?.to_vec(),
        d: secret(d)?,
        p: secret(p)?,
        q: secret(q)?,
        dp: secret(dp)?,
        dq: secret(dq)?,
        qi: secret(qi)?,
    };
    key.check_shape()?;
    Ok(PrivateMaterial::Rsa(Box::new(key)))
}

/// Reads an ECPrivateKey, which names its curve unless the structure around it does.
fn ec_private(parts: &[AnyRef<'_>], outer: Option<Curve>) -> Result<PrivateMaterial, KeyFormatError> {
    let [version, scalar, optional @ ..] = parts else { return Err(KeyFormatError::Der) };
    if uint(*version)? != [1] {
        return Err(KeyFormatError::Der);
    }
    let (parameters, optional) = take(optional, context(0, true));
    let (public, optional) = take(optional, context(1, true));
    if !optional.is_empty() {
        return Err(KeyFormatError::Der);
    }
    let inner = parameters.map(|explicit| named_curve(only(explicit.value())?)).transpose()?;
    let curve = match (outer, inner) {
        (Some(outer), Some(inner)) if outer != inner => return Err(KeyError::Mismatch.into()),
        (outer, inner) => outer.or(inner).ok_or(KeyFormatError::Parameters)?,
    };
    let scalar = octets(*scalar)?;
    if scalar.len() != curve.len() {
        return Err(KeyError::Length.into());
    }
    let public = public.map(|explicit| point(Kind::Ec(curve), bits(only(explicit.value())?)?));
    Ok(PrivateMaterial::Ec { curve, scalar: Zeroizing::new(scalar.to_vec()), public: public.transpose()? })
}

/// Reads a OneAsymmetricKey: version 1 has no public key, and version 2 is there for it.
fn pkcs8(parts: &[AnyRef<'_>]) -> Result<PrivateMaterial, KeyFormatError> {
    let [version, algorithm, key, optional @ ..] = parts else { return Err(KeyFormatError::Der) };
    let kind = kind(*algorithm)?;
    // Attributes say nothing about the key.
    let (_attributes, optional) = take(optional, context(0, true));
    let public = match (uint(*version)?, optional) {
        ([0], []) => None,
        ([1], [public]) => Some(point(kind, implicit_bits(*public)?)?),
        _ => return Err(KeyFormatError::Der),
    };
    let key = octets(*key)?;
    let mut material = match kind {
        Kind::Ec(curve) => ec_private(&sequence(key)?, Some(curve))?,
        Kind::Rsa => rsa_private(&sequence(key)?)?,
        Kind::Ed25519 => {
            let bytes = octets(only(key)?)?;
            let mut seed = Zeroizing::new([0; 32]);
            if bytes.len() != seed.len() {
                return Err(KeyError::Length.into());
            }
            seed.copy_from_slice(bytes);
            PrivateMaterial::Ed25519 { seed, public: None }
        }
    };
    match (material.public(), public) {
        (Some(inner), Some(outer)) if inner != outer => return Err(KeyError::Mismatch.into()),
        (None, Some(outer)) => material.set_public(outer),
        _ => {}
    }
    Ok(material)
}

/// The BIT STRING of the public key, whose tag is replaced by `[1]` (RFC 5958 section 2). What `ring` writes has both
/// tags, and is read too: many Ed25519 keys were made with it.
fn implicit_bits<'a>(value: AnyRef<'a>) -> Result<&'a [u8], KeyFormatError> {
    if value.tag() == context(1, true) {
        return bits(only(value.value())?);
    }
    match value.value().split_first() {
        Some((0, bytes)) if value.tag() == context(1, false) => Ok(bytes),
        _ => Err(KeyFormatError::Der),
    }
}

/// An optional part, if it comes next.
fn take<'p, 'a>(parts: &'p [AnyRef<'a>], tag: Tag) -> (Option<AnyRef<'a>>, &'p [AnyRef<'a>]) {
    match parts.split_first() {
        Some((first, rest)) if first.tag() == tag => (Some(*first), rest),
        _ => (None, parts),
    }
}
