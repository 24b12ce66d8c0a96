//! A key, a policy, and a pen that signs anything.

use auth_core::{Secret, UnixTime};
use auth_jwt::{Audience, Hs256Key, Issuer, TokenPolicy, Verified, Verifier, VerifyError};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"at+jwt"}"#;

pub(crate) fn secret() -> Vec<u8> {
    (0..32).map(|n: u8| n.wrapping_mul(37)).collect()
}

pub(crate) fn key() -> Hs256Key {
    Hs256Key::new(&Secret::new(secret())).unwrap()
}

pub(crate) fn issuer() -> Issuer {
    Issuer::new(ISSUER).unwrap()
}

pub(crate) fn audience() -> Audience {
    Audience::new(AUDIENCE).unwrap()
}

pub(crate) fn policy() -> TokenPolicy {
    TokenPolicy::access_token(issuer(), audience())
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(key(), policy())
}

/// The payload of an access token that is good at [`NOW`], with `extra` members behind it.
pub(crate) fn payload_with(extra: &str) -> String {
    payload_but("", extra)
}

/// The same without one of its members.
pub(crate) fn payload_but(without: &str, extra: &str) -> String {
    let members = [
        ("iss", r#""https://id.example""#),
        ("sub", r#""42""#),
        ("aud", r#""https://api.example""#),
        ("exp", "1800000900"),
        ("iat", "1800000000"),
        ("jti", r#""t1""#),
        ("client_id", r#""web""#),
    ];
    let kept = members.into_iter().filter(|(name, _)| *name != without);
    let kept: Vec<_> = kept.map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    let comma = if extra.is_empty() { "" } else { "," };
    format!("{{{}{comma}{extra}}}", kept.join(","))
}

pub(crate) fn payload() -> String {
    payload_with("")
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs what is given as it is given.
pub(crate) fn sign_segments(header: &str, payload: &str, secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(header.as_bytes());
    mac.update(b".");
    mac.update(payload.as_bytes());
    format!("{header}.{payload}.{}", base64(mac.finalize().into_bytes()))
}

pub(crate) fn sign(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    sign_segments(&base64(header), &base64(payload), &secret())
}

pub(crate) fn verify(token: &str) -> Result<Verified, VerifyError> {
    verifier().verify(token, NOW)
}

/// Verifies a token with this header and a good payload.
pub(crate) fn with_header(header: &str) -> Result<Verified, VerifyError> {
    verify(&sign(header, payload()))
}

/// Verifies a token with this payload and a good header.
pub(crate) fn with_payload(payload: impl AsRef<[u8]>) -> Result<Verified, VerifyError> {
    verify(&sign(HEADER, payload))
}
