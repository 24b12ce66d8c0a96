//! The algorithm is the key's. There is no list beside it that could disagree, and none that a header fills.
use auth_core::UnixTime;
use auth_jwt::{Algorithm, KeySet, TokenPolicy, Verified, Verifier, VerifyError};

fn verifier(keys: KeySet, policy: TokenPolicy) -> Verifier {
    Verifier::new(keys, policy, &[Algorithm::Es256, Algorithm::Hs256])
}

fn token(verifier: &Verifier, token: &str, alg: Algorithm, now: UnixTime) -> Result<Verified, VerifyError> {
    verifier.verify(token, alg, now)
}

fn unsecured() -> Algorithm {
    Algorithm::Unsecured
}

fn main() {}
