//! What was signed is read from the proof, which only a verifier makes.
use auth_jwt::{JwsVerifier, VerifiedJws, VerifiedSignature};

fn unchecked(verifier: &JwsVerifier, jws: &str) -> Vec<u8> {
    verifier.compact(jws).payload().to_vec()
}

fn forge(payload: Vec<u8>, signature: VerifiedSignature) -> VerifiedJws<'static> {
    VerifiedJws::assertion(payload.into(), signature, Vec::new())
}

fn main() {}
