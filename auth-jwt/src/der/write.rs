//! From keys to structures.

use der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::read::{EC, ED25519, RSA};
use crate::key::{PrivateMaterial, PublicMaterial, RsaPrivate};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: [u8; 2] = [0x05, 0x00];
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0]` and `[1]`, around another value.
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;

/// Bytes that may be a part of a private key.
type Bytes = Zeroizing<Vec<u8>>;

/// A public key as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
pub(crate) fn spki(material: &PublicMaterial) -> Vec<u8> {
    let (algorithm, key) = match material {
        PublicMaterial::Ec { curve, point } => (algorithm(EC, &oid(curve.oid())), point.clone()),
        PublicMaterial::Ed25519(bytes) => (algorithm(ED25519, &[]), bytes.to_vec()),
        PublicMaterial::Rsa { modulus, exponent } => (algorithm(RSA, &NULL), pkcs1_public(modulus, exponent)),
    };
    tlv(SEQUENCE, &[&algorithm, &bit_string(&key)]).to_vec()
}

/// A private key as PKCS#8 (RFC 5958 section 2, version 1, which everybody reads).
pub(crate) fn pkcs8(material: &PrivateMaterial) -> Bytes {
    let (algorithm, key) = match material {
        // The curve is named outside.
        PrivateMaterial::Ec { curve, scalar, public } => {
            (algorithm(EC, &oid(curve.oid())), ec_private(scalar, &[], public.as_ref()))
        }
        PrivateMaterial::Ed25519 { seed, .. } => (algorithm(ED25519, &[]), tlv(OCTET_STRING, &[&**seed])),
        PrivateMaterial::Rsa(key) => (algorithm(RSA, &NULL), rsa_private(key)),
    };
    tlv(SEQUENCE, &[&integer(&[0]), &algorithm, &tlv(OCTET_STRING, &[&key])])
}

/// The form that a private key's kind has of its own: ECPrivateKey (RFC 5915 section 3) with its curve, or RSAPrivateKey.
/// Ed25519 has none, and is written as PKCS#8.
pub(crate) fn traditional(material: &PrivateMaterial) -> Bytes {
    match material {
        PrivateMaterial::Ec { curve, scalar, public } => {
            ec_private(scalar, &tlv(CONTEXT_0, &[&oid(curve.oid())]), public.as_ref())
        }
        PrivateMaterial::Ed25519 { .. } => pkcs8(material),
        PrivateMaterial::Rsa(key) => rsa_private(key),
    }
}

/// RSAPublicKey (RFC 8017 appendix A.1.1).
pub(crate) fn pkcs1_public(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&integer(modulus), &integer(exponent)]).to_vec()
}

/// ECPrivateKey (RFC 5915 section 3).
fn ec_private(scalar: &[u8], curve: &[u8], public: Option<&PublicMaterial>) -> Bytes {
    let public = match public {
        Some(PublicMaterial::Ec { point, .. }) => tlv(CONTEXT_1, &[&bit_string(point)]),
        _ => Bytes::default(),
    };
    tlv(SEQUENCE, &[&integer(&[1]), &tlv(OCTET_STRING, &[scalar]), curve, &public])
}

/// RSAPrivateKey (RFC 8017 appendix A.1.2).
fn rsa_private(key: &RsaPrivate) -> Bytes {
    let numbers: [&[u8]; 9] =
        [&[0], &key.modulus, &key.exponent, &key.d, &key.p, &key.q, &key.dp, &key.dq, &key.qi];
    let numbers = numbers.map(integer);
    let numbers: Vec<&[u8]> = numbers.iter().map(|number| number.as_slice()).collect();
    tlv(SEQUENCE, &numbers)
}

fn algorithm(name: ObjectIdentifier, parameters: &[u8]) -> Bytes {
    tlv(SEQUENCE, &[&oid(name), parameters])
}

fn oid(name: ObjectIdentifier) -> Bytes {
    tlv(OBJECT_IDENTIFIER, &[name.as_bytes()])
}

fn bit_string(bytes: &[u8]) -> Bytes {
    tlv(BIT_STRING, &[&[0], bytes])
}

/// A number without leading zeros; one more if it would be taken for a negative one.
fn integer(bytes: &[u8]) -> Bytes {
    let sign: &[u8] = if bytes.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
    tlv(INTEGER, &[sign, bytes])
}

/// Tag, length and value, of which nothing is written twice, so that nothing stays behind.
fn tlv(tag: u8, parts: &[&[u8]]) -> Bytes {
    let len = parts.iter().map(|part| part.len()).fold(0, usize::saturating_add);
    let mut bytes = Bytes::new(Vec::with_capacity(len.saturating_add(10)));
    bytes.push(tag);
    match u8::try_from(len) {
        Ok(short @ ..0x80) => bytes.push(short),
        _ => {
            let long = len.to_be_bytes();
            let leading = long.iter().take_while(|byte| **byte == 0).count();
            let long = long.get(leading..).unwrap_or_default();
            bytes.push(0x80 | long.len() as u8);
            bytes.extend_from_slice(long);
        }
    }
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}
