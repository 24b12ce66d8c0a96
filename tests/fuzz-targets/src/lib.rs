//! One function a target. Each takes any bytes, and asserts what must hold of any bytes: nothing panics, and
//! what is accepted is what is written again.
//!
//! `fuzz/` calls them from libFuzzer; the test of this package calls them with `fuzz/corpus`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a fuzz target fails by a panic"
)]

mod condition;
mod credentials;
mod policy;
mod session;

use std::sync::{Arc, LazyLock};

pub use condition::{condition, condition_tree, evaluation};
pub use credentials::{api_key, basic, otpauth, phc};
pub use policy::policy_document;
pub use session::{cookie, cookie_seal, file_record};

use auth_core::{
    DiscardAudit, KeyName, KeyRing, MemorySessions, PrincipalId, Secret, SessionTerms, UnixTime,
    testing::{FixedClock, SeededEntropy, block_on, login_as},
};
use auth_jwt::{
    Algorithm, AnyVerifyingKey, Backend, Ed25519SigningKey, Ed25519VerifyingKey, Es256SigningKey,
    Es256VerifyingKey, Es384SigningKey, Es384VerifyingKey, Es512SigningKey, Es512VerifyingKey, Hs256Key,
    Issuer, Jwk, JwsVerifier, KeySet, TokenPolicy, UnverifiedToken, Verified, Verifier, any_audience,
    any_typ, aws_lc_rs,
};
use auth_session::{
    CookiePolicy, EpochCheck, RefreshPolicy, RefreshToken, RefreshTokens, SessionPolicy, Sessions,
};

/// A target: its name, which is that of its folder in `fuzz/corpus`, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 18] = [
    ("compact", compact),
    ("json", json),
    ("verify", verify),
    ("jwk", jwk),
    ("jwks", jwks),
    ("pem", pem),
    ("refresh_token", refresh_token),
    ("cookie", cookie),
    ("cookie_seal", cookie_seal),
    ("file_record", file_record),
    ("condition", condition),
    ("condition_tree", condition_tree),
    ("evaluation", evaluation),
    ("policy_document", policy_document),
    ("otpauth", otpauth),
    ("api_key", api_key),
    ("basic", basic),
    ("phc", phc),
];

const NOW: UnixTime = UnixTime::from_secs(1_300_819_300);

/// The key of RFC 7515 appendix A.1, so that the seeds get behind the signature.
static KEY: LazyLock<Hs256Key> = LazyLock::new(|| {
    let jwk = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    Hs256Key::from_jwk(&Secret::from(jwk.to_owned())).unwrap()
});

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let issuer = Issuer::new("joe").unwrap();
    Verifier::new(KEY.clone(), TokenPolicy::typed(any_typ(), issuer, any_audience()))
});

/// The compact serialisation: the header of a token, and a JWS.
pub fn compact(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let token = UnverifiedToken::parse(text);
    if let Ok(jws) = JwsVerifier::new(KEY.clone()).compact(text) {
        assert_eq!(jws.algorithm(), Algorithm::Hs256);
        // A JWS may be empty, and a token may not.
        assert!(token.is_err() || token.unwrap().alg() == "HS256");
    }
}

/// The JSON serialisations, and detached payloads.
pub fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for verifier in [JwsVerifier::new(KEY.clone()), JwsVerifier::new(KEY.clone()).with_unencoded_payload()] {
        let flattened = verifier.flattened(text);
        let general = verifier.general_any(text);
        assert!(flattened.is_err() || general.is_err(), "one text is not in both serialisations");
        if verifier.general_all(text).is_ok() {
            assert!(general.is_ok(), "all is more than any");
        }
        let _ = verifier.flattened_detached(text, b"payload");
        let _ = verifier.general_any_detached(text, b"payload");
        assert!(!text.starts_with('{') || verifier.compact(text).is_err(), "JSON is not compact");
    }
}

/// A whole verification. What is not a token is made the payload of one, so that the fuzzer need not forge a
/// signature to get behind it.
pub fn verify(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let first: Result<Verified, _> = VERIFIER.verify(text, NOW);
        assert_eq!(first, VERIFIER.verify(text, NOW), "the same answer, whatever was remembered");
    }
    let signed = auth_jwt::JwsSigner::new(KEY.clone()).compact(bytes);
    let Ok(token) = signed else { return };
    let verified: Result<Verified, _> = VERIFIER.verify(&token, NOW);
    if let Ok(verified) = verified {
        assert_eq!(verified.claims().issuer(), "joe");
    }
}

/// A JWK, public and private, in both backends.
pub fn jwk(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(jwk) = Jwk::parse(text) else { return };
    for algorithm in jwk.algorithms() {
        let keys =
            [Backend::RustCrypto, Backend::AwsLcRs].map(|backend| jwk.verifying_key(*algorithm, backend));
        assert_eq!(keys[0].is_ok(), keys[1].is_ok(), "both backends accept the same keys");
        let Ok(key) = &keys[0] else { continue };
        // What is written is read, and is the same key.
        if let Some(written) = key.to_jwk() {
            let again = AnyVerifyingKey::from_jwk(&written).unwrap();
            assert_eq!(again.thumbprint(), key.thumbprint());
        }
    }
    if jwk.is_private() {
        for algorithm in jwk.algorithms() {
            let _ = jwk.signing_key(*algorithm, Backend::AwsLcRs);
        }
    }
}

/// A JWK Set.
pub fn jwks(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok((keys, _)) = KeySet::parse(text, Algorithm::ALL, Backend::default()) else { return };
    if let Ok(written) = keys.to_jwks() {
        let (again, report) = KeySet::parse(&written, Algorithm::ALL, Backend::default()).unwrap();
        assert!(report.is_clean(), "{report}");
        assert!(again.len() >= keys.len());
    }
}

/// PEM and DER, of every kind of key.
pub fn pem(bytes: &[u8]) {
    macro_rules! public {
        ($($key:ty),*) => {$(
            if let Ok(key) = <$key>::from_der(bytes) {
                assert_eq!(<$key>::from_der(&key.to_der()).unwrap().thumbprint(), key.thumbprint());
            }
            if let Ok(Ok(key)) = std::str::from_utf8(bytes).map(<$key>::from_pem) {
                assert_eq!(<$key>::from_pem(&key.to_pem()).unwrap().thumbprint(), key.thumbprint());
            }
        )*};
    }
    public!(
        Es256VerifyingKey,
        Es384VerifyingKey,
        Es512VerifyingKey,
        Ed25519VerifyingKey,
        auth_jwt::Rs256VerifyingKey,
        aws_lc_rs::Es256VerifyingKey,
        aws_lc_rs::Es384VerifyingKey,
        aws_lc_rs::Es512VerifyingKey,
        aws_lc_rs::Ed25519VerifyingKey,
        aws_lc_rs::Rs256VerifyingKey
    );
    let secret = Secret::new(bytes.to_vec());
    macro_rules! private {
        ($($key:ty),*) => {$(
            if let Ok(key) = <$key>::from_der(&secret) {
                let again = <$key>::from_der(&key.to_der()).unwrap();
                assert_eq!(again.verifying_key().thumbprint(), key.verifying_key().thumbprint());
            }
            if let Ok(key) = <$key>::from_pem(&secret) {
                let again = <$key>::from_pem(&key.to_pem()).unwrap();
                assert_eq!(again.verifying_key().thumbprint(), key.verifying_key().thumbprint());
            }
        )*};
    }
    private!(
        Es256SigningKey,
        Es384SigningKey,
        Es512SigningKey,
        Ed25519SigningKey,
        aws_lc_rs::Es256SigningKey,
        aws_lc_rs::Es384SigningKey,
        aws_lc_rs::Es512SigningKey,
        aws_lc_rs::Ed25519SigningKey,
        aws_lc_rs::Rs256SigningKey
    );
    let backends = [
        Es256SigningKey::from_der(&secret).is_ok() == aws_lc_rs::Es256SigningKey::from_der(&secret).is_ok(),
        Es384SigningKey::from_der(&secret).is_ok() == aws_lc_rs::Es384SigningKey::from_der(&secret).is_ok(),
        Es512SigningKey::from_der(&secret).is_ok() == aws_lc_rs::Es512SigningKey::from_der(&secret).is_ok(),
        Ed25519SigningKey::from_der(&secret).is_ok()
            == aws_lc_rs::Ed25519SigningKey::from_der(&secret).is_ok(),
    ];
    assert_eq!(backends, [true; 4], "both backends accept the same keys");
}

/// A refresh token, presented to a server that has issued one: that one is good, and nothing else.
pub fn refresh_token(bytes: &[u8]) {
    let Some(token) = RefreshToken::parse(bytes) else { return };
    assert_eq!(token.expose().as_bytes(), bytes, "one spelling");
    let keys = KeyRing::new(KeyName::from_static("k"), Secret::new((1..=32).collect())).unwrap();
    let sessions = Sessions::new(
        Arc::new(MemorySessions::new(1)),
        Arc::new(keys),
        EpochCheck::by_session_store_only(),
        Arc::new(DiscardAudit),
        SessionPolicy::aal1(CookiePolicy::default()),
    )
    .with_clock(Arc::new(FixedClock(NOW)))
    .with_entropy(Arc::new(SeededEntropy::new(1)));
    let tokens = RefreshTokens::new(&sessions, RefreshPolicy::default());
    let ann = PrincipalId::local_user("ann").unwrap();
    let issued = block_on(tokens.issue(login_as(&ann, NOW), SessionTerms::new())).unwrap();
    let is_ours = issued.token.expose().as_bytes() == bytes;
    assert_eq!(block_on(tokens.refresh(&token)).is_ok(), is_ours);
    // Whatever was presented, the login is where it was.
    assert!(block_on(tokens.refresh(&issued.token)).is_ok());
}
