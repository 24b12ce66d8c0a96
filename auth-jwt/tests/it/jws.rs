//! JWS in every serialisation.

mod compact;
mod headers;
mod properties;

mod serialisations;
mod several;
mod signing;
mod unencoded;
mod vectors;

use auth_jwt::{Es256SigningKey, JwsError, JwsVerifier, KeyId, VerifiedJws};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::{base64, key, secret};

/// The header of a plain JWS by the key of the tests.
const PLAIN: &str = r#"{"alg":"HS256"}"#;
/// The header of one with an unencoded payload.
const UNENCODED: &str = r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#;

fn verifier() -> JwsVerifier {
    JwsVerifier::new(key())
}

fn named(name: &str) -> Es256SigningKey {
    Es256SigningKey::generate(&auth_core::SystemEntropy).unwrap().with_id(KeyId::new(name).unwrap())
}

/// The HS256 signature over these bytes, in base64url.
fn mac(message: &[u8], secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(message);
    base64(mac.finalize().into_bytes())
}

/// The signature of a JWS with this header, written as it is given.
fn signature(header: &str, payload: &[u8]) -> String {
    mac(format!("{}.{}", base64(header), base64(payload)).as_bytes(), &secret())
}

/// One signature of the general serialisation, or the members of it in the flattened one.
fn entry(header: &str, payload: &[u8], extra: &str) -> String {
    format!(r#""protected":"{}",{extra}"signature":"{}""#, base64(header), signature(header, payload))
}

/// A flattened JWS over `hello`, with `extra` members in front of its signature.
fn flattened_with(header: &str, extra: &str) -> String {
    format!(r#"{{"payload":"{}",{}}}"#, base64("hello"), entry(header, b"hello", extra))
}

fn flattened(header: &str) -> String {
    flattened_with(header, "")
}

/// A general JWS over `hello` with these signatures.
fn general(entries: &[&str]) -> String {
    format!(r#"{{"payload":"{}","signatures":[{{{}}}]}}"#, base64("hello"), entries.join("},{"))
}

fn payload_of(verified: Result<VerifiedJws<'_>, JwsError>) -> Result<Vec<u8>, JwsError> {
    verified.map(|verified| verified.into_payload().into_owned())
}
