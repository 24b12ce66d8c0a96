//! Keys out of JSON and files.

use auth_jwt::{Algorithm, AnySigningKey, Backend, Jwk, JwkError, KeySet, Thumbprint};

use crate::code::Code;

/// The keys of one JWK to verify with. One that names no `alg` serves for each that fits its type: which one
/// is then the token's to say, within what the key is.
pub(crate) fn of_jwk(jwk: &str) -> Result<KeySet, &'static str> {
    let parsed = Jwk::parse(jwk).map_err(|error| error.code())?;
    for algorithm in parsed.algorithms() {
        parsed.verifying_key(*algorithm, Backend::default()).map_err(|error| error.code())?;
    }
    of_jwks(&format!("{{\"keys\":[{jwk}]}}"))
}

/// The keys of a JWK Set to verify with, for all algorithms that there are.
pub(crate) fn of_jwks(jwks: &str) -> Result<KeySet, &'static str> {
    let (keys, _) = KeySet::parse(jwks, Algorithm::ALL, Backend::default()).map_err(|error| error.code())?;
    Ok(keys)
}

/// The key of a private JWK, or of a secret, to sign with. `alg` counts if the key itself names none.
pub(crate) fn signing(text: &str, alg: Option<&str>) -> Result<AnySigningKey, &'static str> {
    let jwk = Jwk::parse(text).map_err(|error| error.code())?;
    let algorithm = match (jwk.algorithms(), alg) {
        ([only], None) => *only,
        (several, Some(alg)) => {
            let algorithm = Algorithm::named(alg).ok_or("algorithm")?;
            if !several.contains(&algorithm) {
                return Err("algorithm");
            }
            algorithm
        }
        _ => return Err(JwkError::AmbiguousAlgorithm.code()),
    };
    let default = jwk.signing_key(algorithm, Backend::default());
    // RSA keys sign with the other backend only.
    let key =
        default.or_else(|_| jwk.signing_key(algorithm, Backend::AwsLcRs)).map_err(|error| error.code())?;
    let Some(alg) = alg else { return Ok(key) };
    // A key that says which of the two names it is for is not for the other.
    let jwk: serde_json::Value = serde_json::from_str(text).map_err(|_| "key-malformed")?;
    match jwk.get("alg").and_then(serde_json::Value::as_str) {
        Some(own) if own != alg => Err("algorithm"),
        _ => Ok(called(key, alg)),
    }
}

/// The same key, whose tokens call the algorithm `alg`: Ed25519 has two names.
pub(crate) fn called(key: AnySigningKey, alg: &str) -> AnySigningKey {
    match key {
        AnySigningKey::EdDsa(key) if alg == "Ed25519" => key.fully_specified().into(),
        other => other,
    }
}

/// The name of a key (RFC 7638). A secret has none: guesses of it can be compared with that hash (section 7).
pub(crate) fn thumbprint(jwk: &Jwk) -> Option<Thumbprint> {
    let is_secret = jwk.algorithms().iter().any(|algorithm| algorithm.is_symmetric());
    (!is_secret).then(|| jwk.thumbprint())
}

/// Whether a key, public or private, is one for `algorithm`.
pub(crate) fn usable(jwk: &Jwk, algorithm: Algorithm) -> Result<(), &'static str> {
    let signs = || jwk.signing_key(algorithm, Backend::AwsLcRs).map(drop);
    let verifies = || jwk.verifying_key(algorithm, Backend::default()).map(drop);
    let result = match jwk.is_private() {
        false => verifies(),
        true => match signs() {
            // A secret may be there to verify only.
            Err(JwkError::Operation { .. }) => verifies(),
            other => other,
        },
    };
    result.map_err(|error| error.code())
}
