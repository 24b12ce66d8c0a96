//! A service that only verifies has no use for a private key, and is not handed one in passing.
use auth_jwt::{
    AnySigningKey, Ed25519SigningKey, Es256SigningKey, JwsVerifier, KeySet, KeySetError, TokenPolicy,
    Verifier,
};

fn tokens(private: Es256SigningKey, policy: TokenPolicy) -> Verifier {
    Verifier::new(private, policy)
}

fn bytes(private: Ed25519SigningKey) -> JwsVerifier {
    JwsVerifier::new(private)
}

fn set(private: [AnySigningKey; 2]) -> Result<KeySet, KeySetError> {
    KeySet::new(private)
}

fn main() {}
