//! The right way from keys to verifiers, for each thing that is signed.
use auth_core::{KeyRing, Purpose, SystemEntropy, UnixTime};
use auth_jwt::{
    Ed25519SigningKey, Es256SigningKey, Hs256Key, IssuerKeyRing, JwsSigner, JwsVerifier, KeySet, TokenPolicy,
    TokenSigner, Verifier, typ,
};

type Failure = Box<dyn std::error::Error>;

fn one(policy: TokenPolicy) -> Result<(TokenSigner, Verifier), Failure> {
    let key = Es256SigningKey::generate(&SystemEntropy)?;
    let verifier = Verifier::new(key.verifying_key(), policy.clone());
    Ok((TokenSigner::new(key, typ("invitation+jwt")?, policy.issuer().clone())?, verifier))
}

fn several(policy: TokenPolicy, now: UnixTime) -> Result<(Verifier, String), Failure> {
    let ring = IssuerKeyRing::new(Ed25519SigningKey::generate(&SystemEntropy)?)?;
    Ok((Verifier::new(ring.key_set(), policy), ring.to_jwks(now)))
}

fn secrets(ring: &KeyRing, policy: TokenPolicy) -> Result<Verifier, Failure> {
    let keys = ring.derive_all(Purpose::new("access tokens")).map(|key| Hs256Key::derived(&key));
    Ok(Verifier::new(KeySet::new(keys)?, policy))
}

fn bytes(payload: &[u8]) -> Result<Vec<u8>, Failure> {
    let key = Ed25519SigningKey::generate(&SystemEntropy)?;
    let verifier = JwsVerifier::new(key.verifying_key()).with_typ(typ("receipt+jws")?);
    let jws = JwsSigner::new(key).with_typ("receipt+jws")?.compact(payload)?;
    Ok(verifier.compact(&jws)?.payload().to_vec())
}

fn main() {
    let _ = (one, several, secrets, bytes);
}
