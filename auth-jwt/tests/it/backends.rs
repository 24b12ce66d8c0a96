//! Tokens of one backend at a verifier of the other. Needs the feature `aws-lc-rs`.

use auth_core::{PrincipalId, Secret, SystemEntropy, testing::login_as};
use auth_jwt::{
    AnySigningKey, AnyVerifyingKey, Backend, ClientId, Jwk, KeySet, TokenIssuer, Verifier, VerifyError,
    aws_lc_rs::{
        Ed25519SigningKey, Es256SigningKey, Es384SigningKey, Es512SigningKey, Hs256Key, Hs384Key, Hs512Key,
        Ps256SigningKey, Ps384SigningKey, Ps512SigningKey, Rs256SigningKey, Rs384SigningKey, Rs512SigningKey,
        RsaSize,
    },
};

use crate::support::*;

/// A key of every algorithm; the RSA algorithms share the numbers of one key.
fn keys() -> Vec<AnySigningKey> {
    let rsa = Rs256SigningKey::generate(RsaSize::default()).unwrap().to_der();
    vec![
        Hs256Key::generate(&SystemEntropy).unwrap().into(),
        Hs384Key::generate(&SystemEntropy).unwrap().into(),
        Hs512Key::generate(&SystemEntropy).unwrap().into(),
        Es256SigningKey::generate(&SystemEntropy).unwrap().into(),
        Es384SigningKey::generate(&SystemEntropy).unwrap().into(),
        Es512SigningKey::generate(&SystemEntropy).unwrap().into(),
        Ed25519SigningKey::generate(&SystemEntropy).unwrap().into(),
        Rs256SigningKey::from_der(&rsa).unwrap().into(),
        Rs384SigningKey::from_der(&rsa).unwrap().into(),
        Rs512SigningKey::from_der(&rsa).unwrap().into(),
        Ps256SigningKey::from_der(&rsa).unwrap().into(),
        Ps384SigningKey::from_der(&rsa).unwrap().into(),
        Ps512SigningKey::from_der(&rsa).unwrap().into(),
    ]
}

fn token(key: &AnySigningKey) -> String {
    let issuer = TokenIssuer::new(key.clone(), issuer(), audience(), ClientId::new("web").unwrap());
    let login = login_as(&PrincipalId::local_user("42").unwrap(), NOW);
    issuer.for_login(&login).sign(NOW).unwrap().token().expose().to_owned()
}

fn check(key: &AnyVerifyingKey, token: &str) -> Result<(), VerifyError> {
    let verifier = Verifier::new(key.clone(), policy());
    // Twice: a header that was seen before takes another path.
    verifier.verify::<()>(token, NOW).map(drop).and(verifier.verify::<()>(token, NOW).map(drop))
}

/// The same public key, as each backend that this build has for it makes it of its JWK.
fn elsewhere(key: &AnyVerifyingKey) -> Vec<AnyVerifyingKey> {
    let Some(jwk) = key.to_jwk() else { return Vec::new() };
    let jwk = Jwk::parse(&jwk).unwrap();
    let backends = [Backend::RustCrypto, Backend::AwsLcRs].into_iter();
    let rsa = key.algorithm().name().starts_with(['R', 'P']);
    backends
        .filter(|backend| !rsa || cfg!(feature = "rsa") || *backend == Backend::AwsLcRs)
        .map(|backend| jwk.verifying_key(key.algorithm(), backend).unwrap())
        .collect()
}

/// Which backend has signed is nothing that a token shows.
#[test]
fn tokens_of_every_algorithm_verify_in_every_backend() {
    for key in keys() {
        let (token, public) = (token(&key), key.verifying_key());
        assert_eq!(check(&public, &token), Ok(()), "{public:?}");
        for other in elsewhere(&public) {
            assert_eq!(other.thumbprint(), public.thumbprint());
            assert_eq!(check(&other, &token), Ok(()), "{other:?}");
        }
    }
    // And the other way round, where the default backend signs.
    let key = auth_jwt::Es256SigningKey::generate(&SystemEntropy).unwrap();
    for other in elsewhere(&key.verifying_key().into()) {
        assert_eq!(check(&other, &token(&key.clone().into())), Ok(()), "{other:?}");
    }
}

/// A signature is as long as the modulus, and its length comes before everything (haproxy 648b0e7b).
#[test]
fn the_length_of_an_rsa_signature_is_that_of_the_modulus() {
    for key in keys() {
        let (token, public) = (token(&key), key.verifying_key());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let lengths = [0, 1, 4, 43, 86, 171, 341, 343, 344, 683, 684, 1366, 1367, 2048, 4096];
        for other in elsewhere(&public).iter().chain([&public]) {
            for length in lengths.into_iter().filter(|length| *length != signature.len()) {
                // Not even base64url: nobody looks.
                let junk = format!("{signed}.{}", "!".repeat(length));
                assert_eq!(check(other, &junk), Err(VerifyError::Signature), "{other:?}, {length}");
            }
            let zeros = format!("{signed}.{}", "A".repeat(signature.len()));
            assert_eq!(check(other, &zeros), Err(VerifyError::Signature), "{other:?}");
        }
    }
}

/// PyJWT 2.11, RFC 8725 section 3.1: one RSA key under two algorithms is two keys.
#[test]
fn an_rsa_key_verifies_the_algorithm_of_its_type_only() {
    let rsa: Vec<AnySigningKey> = keys().into_iter().skip(7).collect();
    for signing in &rsa {
        let token = token(signing);
        for verifying in &rsa {
            let expected = signing.algorithm() == verifying.algorithm();
            let answer = check(&verifying.verifying_key(), &token);
            assert_eq!(answer.is_ok(), expected, "{signing:?} {verifying:?}");
            if !expected {
                assert!(matches!(answer, Err(VerifyError::Algorithm { .. })));
            }
        }
    }
}

/// The same where the header lies: what an RSA key has signed with one hash and padding is no signature with another.
#[test]
fn a_signature_of_another_rsa_algorithm_is_refused() {
    let rsa: Vec<AnySigningKey> = keys().into_iter().skip(7).collect();
    assert_eq!(rsa.len(), 6);
    for verifying in &rsa {
        let header = format!(r#"{{"alg":"{}","typ":"at+jwt"}}"#, verifying.algorithm());
        let signed = format!("{}.{}", base64(header), base64(payload()));
        for signing in &rsa {
            let forged = format!("{signed}.{}", base64(signing.sign(signed.as_bytes()).unwrap().as_bytes()));
            let is_own = signing.algorithm() == verifying.algorithm();
            let expected = if is_own { Ok(()) } else { Err(VerifyError::Signature) };
            for public in elsewhere(&verifying.verifying_key()) {
                assert_eq!(check(&public, &forged), expected, "{} {public:?}", signing.algorithm());
            }
        }
    }
}

/// Both backends in one set, chosen by id: nothing is global, and nothing panics (jsonwebtoken's provider does).
#[test]
fn keys_of_both_backends_share_a_set() {
    let ours = auth_jwt::Es256SigningKey::generate(&SystemEntropy).unwrap();
    let theirs = Es256SigningKey::generate(&SystemEntropy).unwrap();
    let set: [AnyVerifyingKey; 2] = [ours.verifying_key().into(), theirs.verifying_key().into()];
    let verifier = Verifier::new(KeySet::new(set).unwrap(), policy());
    for key in [AnySigningKey::from(ours), theirs.into()] {
        assert!(verifier.verify::<()>(&token(&key), NOW).is_ok(), "{key:?}");
    }
}

/// Secrets: the same in both, and refused for the same reasons.
#[test]
fn a_secret_of_one_backend_is_one_of_the_other() {
    let secret = Secret::new(secret());
    let token = token(&Hs256Key::new(&secret).unwrap().into());
    assert_eq!(check(&auth_jwt::Hs256Key::new(&secret).unwrap().into(), &token), Ok(()));
    for bad in [vec![], vec![7; 31], vec![7; 32], b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ".to_vec()]
    {
        let bad = Secret::new(bad);
        assert_eq!(Hs256Key::new(&bad).unwrap_err(), auth_jwt::Hs256Key::new(&bad).unwrap_err());
    }
}

/// jsonwebtoken's features choose a backend for everybody, and both together panic. Here the second one is an addition:
/// what a program did without it, it does with it.
#[test]
fn a_second_backend_is_no_default() {
    assert_eq!(Backend::default(), Backend::RustCrypto);
    let key = Es256SigningKey::generate(&SystemEntropy).unwrap();
    let (private, public) =
        (AnySigningKey::from(key.clone()).to_jwk().unwrap(), key.verifying_key().to_jwk());
    let jwk = Jwk::parse(&public).unwrap();
    assert!(matches!(
        jwk.verifying_key(jwk.algorithms()[0], Backend::default()).unwrap(),
        AnyVerifyingKey::Es256(_)
    ));
    assert!(matches!(AnyVerifyingKey::from_jwk(&public).unwrap(), AnyVerifyingKey::Es256(_)));
    assert!(matches!(AnySigningKey::from_jwk(&private).unwrap(), AnySigningKey::Es256(_)));
}

/// A signature of another curve, under the name of its own algorithm and of the key's. A
/// longer or a shorter one is not the key's, whatever its bytes are.
#[test]
fn a_signature_on_another_curve_is_refused() {
    let curves: Vec<_> = keys().into_iter().filter(|key| key.algorithm().name().starts_with("ES")).collect();
    assert_eq!(curves.len(), 3);
    for signing in &curves {
        for verifying in &curves {
            let (own, other) = (signing.algorithm(), verifying.algorithm());
            let forged = |alg: &str| {
                let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt"}}"#);
                let signed = format!("{}.{}", base64(header), base64(payload()));
                format!("{signed}.{}", base64(signing.sign(signed.as_bytes()).unwrap().as_bytes()))
            };
            for public in elsewhere(&verifying.verifying_key()) {
                if own == other {
                    assert_eq!(check(&public, &forged(own.name())), Ok(()), "{public:?}");
                    continue;
                }
                let refused = check(&public, &forged(own.name()));
                assert!(matches!(refused, Err(VerifyError::Algorithm { .. })), "{own} {public:?}");
                assert_eq!(
                    check(&public, &forged(other.name())),
                    Err(VerifyError::Signature),
                    "{own} {public:?}"
                );
            }
        }
    }
}
