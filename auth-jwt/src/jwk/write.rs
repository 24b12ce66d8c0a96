//! Writing JWKs.

use auth_core::Secret;
use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

use super::Jwk;
use crate::{
    KeyId, base64url,
    key::{PrivateMaterial, PublicMaterial},
};

/// Appends a member whose value needs no escapes.
pub(crate) fn member(text: &mut String, name: &str, value: &str) {
    if !text.ends_with('{') {
        text.push(',');
    }
    for part in ["\"", name, "\":\"", value, "\""] {
        text.push_str(part);
    }
}

/// The members that make a public key (RFC 7638 section 3.2).
pub(crate) fn public_members(material: &PublicMaterial) -> Vec<(&'static str, String)> {
    let text = |bytes: &[u8]| {
        let mut text = String::with_capacity(base64url::encoded_len(bytes.len()));
        base64url::encode_to(bytes, &mut text);
        text
    };
    match material {
        PublicMaterial::Ec { curve, point } => {
            let coordinates = point.get(1..).unwrap_or_default();
            let (x, y) = coordinates.split_at_checked(curve.len()).unwrap_or_default();
            vec![("kty", "EC".to_owned()), ("crv", curve.name().to_owned()), ("x", text(x)), ("y", text(y))]
        }
        PublicMaterial::Ed25519(bytes) => {
            vec![("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned()), ("x", text(bytes))]
        }
        PublicMaterial::Rsa { modulus, exponent } => {
            vec![("kty", "RSA".to_owned()), ("n", text(modulus)), ("e", text(exponent))]
        }
    }
}

/// Private bytes as text, in a time that depends on nothing but their length.
pub(crate) fn secret_member(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(Base64UrlUnpadded::encode_string(bytes))
}

/// What surrounds the key itself.
fn attributes(text: &mut String, id: Option<&KeyId>, alg: Option<&str>) {
    if let Some(id) = id {
        // A string always serialises.
        let quoted = serde_json::to_string(id.as_str()).unwrap_or_default();
        text.push_str(",\"kid\":");
        text.push_str(&quoted);
    }
    if let Some(alg) = alg {
        member(text, "alg", alg);
    }
    member(text, "use", "sig");
}

/// A public key.
pub(crate) fn public(material: &PublicMaterial, id: Option<&KeyId>, alg: Option<&str>) -> String {
    let mut text = String::from("{");
    for (name, value) in public_members(material) {
        member(&mut text, name, &value);
    }
    attributes(&mut text, id, alg);
    text.push('}');
    text
}

/// A private key with its public part, which every key has.
pub(crate) fn private(material: &PrivateMaterial, id: Option<&KeyId>, alg: &str) -> Secret {
    let private: Vec<(&str, &[u8])> = match material {
        PrivateMaterial::Ec { scalar, .. } => vec![("d", scalar)],
        PrivateMaterial::Ed25519 { seed, .. } => vec![("d", &**seed)],
        PrivateMaterial::Rsa(key) => vec![
            ("d", &key.d),
            ("p", &key.p),
            ("q", &key.q),
            ("dp", &key.dp),
            ("dq", &key.dq),
            ("qi", &key.qi),
        ],
    };
    let mut text = secret_text();
    for (name, value) in material.public().iter().flat_map(public_members) {
        member(&mut text, name, &value);
    }
    for (name, bytes) in private {
        member(&mut text, name, &secret_member(bytes));
    }
    finished(text, id, alg)
}

/// A secret.
pub(crate) fn secret(secret: &[u8], id: Option<&KeyId>, alg: &str) -> Secret {
    let mut text = secret_text();
    member(&mut text, "kty", "oct");
    member(&mut text, "k", &secret_member(secret));
    finished(text, id, alg)
}

/// Room for the longest key, so that no part of it stays behind where a shorter text was.
fn secret_text() -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(Jwk::MAX_LEN));
    text.push('{');
    text
}

fn finished(mut text: Zeroizing<String>, id: Option<&KeyId>, alg: &str) -> Secret {
    attributes(&mut text, id, Some(alg));
    text.push('}');
    Secret::from(std::mem::take(&mut *text))
}
