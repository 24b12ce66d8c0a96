//! Tokens that are not access tokens: what is signed here is accepted there, or not signed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use auth_core::{
    UnixTime,
    testing::{NoEntropy, block_on},
};
use auth_jwt::{
    AnySigningKey, Audience, Ed25519SigningKey, Ed25519VerifyingKey, Es256SigningKey, IssueError,
    IssuerKeyRing, JwsSigner, KeyId, PolicyError, RemoteSigningKey, SignedToken, TokenPolicy, TokenSigner,
    Verified, Verifier, any_audience, any_typ, danger, typ,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::*;

const LATER: UnixTime = UnixTime::from_secs(1_800_000_900);

fn signer() -> TokenSigner {
    TokenSigner::new(key(), typ("invitation+jwt").unwrap(), issuer()).unwrap()
}

fn accepted(token: &SignedToken) -> Verified<Value> {
    let policy =
        TokenPolicy::typed(typ("invitation+jwt").unwrap(), issuer(), any_audience()).without_expiry();
    Verifier::new(key(), policy).verify(token.expose(), NOW).unwrap()
}

fn segment(token: &SignedToken, index: usize) -> Value {
    let segment = token.expose().split('.').nth(index).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

#[test]
fn a_token_says_what_was_named_and_no_more() {
    let least = signer().expiring_at(LATER).sign(NOW).unwrap();
    assert_eq!(segment(&least, 0), json!({"alg": "HS256", "typ": "invitation+jwt"}));
    assert_eq!(segment(&least, 1), json!({"iss": ISSUER, "exp": 1_800_000_900}));
    let audiences = ["a", "b \"c\\"].map(|name| Audience::new(name).unwrap());
    let own = json!({"team": "blue", "nonce": "n", "sid": "s", "deep": {"exp": 1}});
    let most = signer()
        .expiring_at(LATER)
        .with_subject("ann\n\"é\"")
        .with_audiences(&audiences)
        .with_not_before(NOW)
        .with_issued_at(NOW)
        .with_token_id("t1")
        .with_claims(&own)
        .sign(NOW)
        .unwrap();
    let payload = json!({
        "iss": ISSUER, "sub": "ann\n\"é\"", "aud": ["a", "b \"c\\"], "exp": 1_800_000_900, "nbf": 1_800_000_000,
        "iat": 1_800_000_000, "jti": "t1", "team": "blue", "nonce": "n", "sid": "s", "deep": {"exp": 1},
    });
    assert_eq!(segment(&most, 1), payload);
    let verified = accepted(&most);
    assert_eq!((verified.own(), verified.claims().session_id()), (&payload, Some("s")));
    let one = signer().expiring_at(LATER).with_audience(&audiences[0]).sign(NOW).unwrap();
    assert_eq!(segment(&one, 1)["aud"], json!("a"));
    let none = signer().expiring_at(LATER).with_audiences(&[]).with_claims(&json!({})).sign(NOW).unwrap();
    assert_eq!(segment(&none, 1), json!({"iss": ISSUER, "exp": 1_800_000_900}));
    let unit = signer().expiring_at(LATER).with_claims(&()).sign(NOW).unwrap();
    assert_eq!(segment(&unit, 1), json!({"iss": ISSUER, "exp": 1_800_000_900}));
}

/// A key's name is written, and the type only if there is one.
#[test]
fn the_header_names_algorithm_type_and_key() {
    let entropy = auth_core::SystemEntropy;
    let key = Es256SigningKey::generate(&entropy).unwrap().with_id(KeyId::new("2026 \"a\"").unwrap());
    let signer = TokenSigner::new(key.clone(), any_typ(), issuer()).unwrap();
    let token = signer.expiring_at(LATER).sign(NOW).unwrap();
    assert_eq!(segment(&token, 0), json!({"alg": "ES256", "kid": "2026 \"a\""}));
    let policy = TokenPolicy::typed(any_typ(), issuer(), any_audience());
    assert!(Verifier::new(key.verifying_key(), policy).verify::<()>(token.expose(), NOW).is_ok());
    let key = Ed25519SigningKey::generate(&entropy).unwrap().with_id(KeyId::new("k").unwrap());
    let signer = TokenSigner::new(key, typ("application/X+jwt").unwrap(), issuer()).unwrap();
    let token = signer.expiring_at(LATER).sign(NOW).unwrap();
    assert_eq!(segment(&token, 0), json!({"alg": "EdDSA", "typ": "x+jwt", "kid": "k"}));
}

/// That an access token was issued means that its subject was authenticated; nobody checks that here.
#[test]
fn access_tokens_are_not_signed_here() {
    for name in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        let refused = TokenSigner::new(key(), typ(name).unwrap(), issuer()).map(drop);
        assert!(matches!(refused, Err(IssueError::AccessToken)), "{name}");
        let refused = JwsSigner::new(key()).with_typ(name).map(drop);
        assert_eq!(refused, Err(PolicyError::AccessToken), "a payload of any kind may be claims");
    }
    let tool = danger::sign_access_tokens_without_login(JwsSigner::new(key())).unwrap();
    let token = tool.compact(b"{}").unwrap();
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&header).unwrap()["typ"], "at+jwt");
    for name in ["JWT", "text/at+jwt", "xat+jwt"] {
        assert!(TokenSigner::new(key(), typ(name).unwrap(), issuer()).is_ok(), "{name}");
        assert!(JwsSigner::new(key()).with_typ(name).is_ok(), "{name}");
    }
}

#[test]
fn a_token_without_expiry_takes_a_call_on_both_sides() {
    let token = signer().without_expiry().sign(NOW).unwrap();
    assert_eq!(segment(&token, 1), json!({"iss": ISSUER}));
    let strict = TokenPolicy::typed(typ("invitation+jwt").unwrap(), issuer(), any_audience());
    assert!(Verifier::new(key(), strict).verify::<()>(token.expose(), NOW).is_err());
    assert_eq!(accepted(&token).claims().expires_at(), UnixTime::MAX);
}

/// A second `exp`, written by whoever fills in the own claims, would be the one that counts for some readers.
#[test]
fn own_claims_do_not_shadow_what_the_builder_writes() {
    for claim in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_ctx"] {
        let own = BTreeMap::from([(claim, 1)]);
        let refused = signer().expiring_at(LATER).with_claims(&own).sign(NOW).unwrap_err();
        assert!(matches!(refused, IssueError::Reserved { claim: found } if found == claim), "{refused:?}");
    }
    // Another case is another claim.
    assert!(signer().expiring_at(LATER).with_claims(&json!({"EXP": 1})).sign(NOW).is_ok());
}

#[test]
fn own_claims_are_what_a_verifier_accepts() {
    for (claim, bad) in [
        ("nonce", json!(1)),
        ("sid", json!("")),
        ("acr", json!(["x"])),
        ("amr", json!("pwd")),
        ("amr", json!([])),
        ("auth_time", json!("1")),
        ("auth_time", json!(-1)),
        ("scope", json!(["a"])),
        ("events", json!([])),
        ("cnf", json!("key")),
        ("azp", json!(null)),
        ("client_id", json!(7)),
        ("at_hash", json!({})),
        ("c_hash", json!(true)),
    ] {
        let own = BTreeMap::from([(claim, bad)]);
        let refused = signer().expiring_at(LATER).with_claims(&own).sign(NOW).unwrap_err();
        assert!(
            matches!(refused, IssueError::WrongType { claim: found } if found == claim),
            "{claim}: {refused:?}"
        );
    }
    for bad in [json!([]), json!("x"), json!(1)] {
        let refused = signer().expiring_at(LATER).with_claims(&bad).sign(NOW).unwrap_err();
        assert!(matches!(refused, IssueError::OwnClaims(None)), "{bad}: {refused:?}");
    }
    // A verifier refuses U+0000 and the second of two equal names.
    struct Twice;
    impl serde::Serialize for Twice {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([("a", 1), ("a", 2)])
        }
    }
    assert!(matches!(
        signer().expiring_at(LATER).with_claims(&Twice).sign(NOW).unwrap_err(),
        IssueError::OwnClaims(None)
    ));
    assert!(signer().expiring_at(LATER).with_claims(&json!({"a": "\0"})).sign(NOW).is_err());
    assert!(matches!(
        signer().expiring_at(LATER).with_subject("a\0b").sign(NOW).unwrap_err(),
        IssueError::WrongType { claim: "sub" }
    ));
    assert!(matches!(
        signer().expiring_at(LATER).with_subject("").sign(NOW).unwrap_err(),
        IssueError::Empty { claim: "sub" }
    ));
    assert!(matches!(
        signer().expiring_at(LATER).with_token_id("").sign(NOW).unwrap_err(),
        IssueError::Empty { claim: "jti" }
    ));
}

#[test]
fn dates_that_make_a_token_useless_are_refused() {
    let date = |result: Result<SignedToken, IssueError>| match result {
        Ok(_) => None,
        Err(IssueError::Date { claim }) => Some(claim),
        Err(other) => panic!("{other:?}"),
    };
    let signer = signer();
    let latest = UnixTime::from_secs(1 << 53);
    let beyond = UnixTime::from_secs((1 << 53) + 1);
    assert_eq!(date(signer.expiring_at(latest).sign(NOW)), None);
    assert_eq!(date(signer.expiring_at(beyond).sign(NOW)), Some("exp"));
    assert_eq!(date(signer.expiring_at(UnixTime::MAX).sign(NOW)), Some("exp"));
    assert_eq!(date(signer.expiring_at(LATER).with_not_before(LATER).sign(NOW)), Some("nbf"));
    assert_eq!(date(signer.expiring_at(LATER).with_issued_at(LATER).sign(NOW)), Some("iat"));
    assert_eq!(date(signer.without_expiry().with_issued_at(beyond).sign(NOW)), Some("iat"));
    assert_eq!(date(signer.without_expiry().with_not_before(NOW).sign(NOW)), None);
    // Already expired is somebody's test, and not a contradiction.
    assert_eq!(date(signer.expiring_at(UnixTime::EPOCH).sign(NOW)), None);
}

#[test]
fn a_token_that_verifiers_would_not_look_at_is_not_signed() {
    let own = json!({"x": "y".repeat(9_000)});
    let refused = signer().expiring_at(LATER).with_claims(&own).sign(NOW).unwrap_err();
    assert!(matches!(refused, IssueError::TooLong { max: 8_192 }));
}

#[test]
fn a_random_name_is_new_each_time_or_there_is_no_token() {
    let name = |token: SignedToken| accepted(&token).claims().token_id().unwrap().to_owned();
    let one = name(signer().expiring_at(LATER).with_random_token_id().sign(NOW).unwrap());
    let two = name(signer().expiring_at(LATER).with_random_token_id().sign(NOW).unwrap());
    assert_ne!(one, two);
    assert_eq!(one.len(), 22);
    let failing = signer().with_entropy(Arc::new(NoEntropy));
    let refused = failing.expiring_at(LATER).with_random_token_id().sign(NOW);
    assert!(matches!(refused, Err(IssueError::Entropy(_))));
}

#[test]
fn debug_shows_no_token() {
    let token = signer().expiring_at(LATER).with_subject("ann").sign(NOW).unwrap();
    assert_eq!(format!("{token:?}"), "SignedToken(redacted)");
    assert!(!format!("{:?}", signer().expiring_at(LATER).with_subject("ann")).contains("ann"));
    let text = token.expose().to_owned();
    assert_eq!(token.into_exposed(), text);
}

/// A rotation needs no new signer, and no token outlives the key that verifies it.
#[test]
fn a_ring_signs_with_the_key_of_the_moment() {
    let entropy = auth_core::SystemEntropy;
    let (old, new) =
        (Es256SigningKey::generate(&entropy).unwrap(), Es256SigningKey::generate(&entropy).unwrap());
    let later = NOW.saturating_add(Duration::from_secs(3600));
    let ring = IssuerKeyRing::new(old).unwrap().with_next(new, NOW, later).unwrap();
    let ring = ring.with_max_lifetime(Duration::from_secs(900)).unwrap();
    let signer = TokenSigner::new(ring.clone(), typ("JWT").unwrap(), issuer()).unwrap();
    let policy = TokenPolicy::typed(typ("JWT").unwrap(), issuer(), any_audience());
    let verifier = Verifier::new(ring.key_set(), policy);
    let mut names = Vec::new();
    for now in [NOW, later] {
        let token = signer.expiring_at(now.saturating_add(Duration::from_secs(900))).sign(now).unwrap();
        assert!(verifier.verify::<()>(token.expose(), now).is_ok());
        names.push(segment(&token, 0)["kid"].clone());
        let too_long = signer.expiring_at(now.saturating_add(Duration::from_secs(901))).sign(now);
        assert!(matches!(too_long, Err(IssueError::Lifetime { .. })));
        assert!(matches!(signer.without_expiry().sign(now), Err(IssueError::Lifetime { .. })));
    }
    assert_ne!(names[0], names[1]);
}

/// A key in a KMS signs the same tokens, and a signer that waits for it is not mistaken for one that does not.
#[test]
fn a_key_that_is_elsewhere_signs_too() {
    let key = Es256SigningKey::generate(&auth_core::SystemEntropy).unwrap();
    let public = key.verifying_key();
    let remote = RemoteSigningKey::new(AnySigningKey::from(key.clone()), public.clone()).unwrap();
    let signer = TokenSigner::new(remote, typ("JWT").unwrap(), issuer()).unwrap();
    let token = block_on(signer.expiring_at(LATER).with_subject("42").sign_async(NOW)).unwrap();
    let policy = TokenPolicy::typed(typ("JWT").unwrap(), issuer(), any_audience());
    let verified: Verified = Verifier::new(public, policy).verify(token.expose(), NOW).unwrap();
    assert_eq!(verified.claims().subject(), Some("42"));
    assert!(matches!(signer.expiring_at(LATER).sign(NOW), Err(IssueError::KeyElsewhere)));
    // Claims that are for one thread do not bind the future to it.
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let own = std::cell::RefCell::new(BTreeMap::from([("a", 1)]));
    assert!(block_on(is_send(signer.expiring_at(LATER).with_claims(&own).sign_async(NOW))).is_ok());
    let here = TokenSigner::new(key, typ("JWT").unwrap(), issuer()).unwrap();
    assert!(block_on(here.expiring_at(LATER).sign_async(NOW)).is_ok());
}

/// RFC 9864 section 2.2: Ed25519 under the name that says which curve it is, wherever a key of it is written, and under
/// the other unless somebody asks.
#[test]
fn ed25519_is_called_what_its_key_says() {
    let key = Ed25519SigningKey::from_raw(&auth_core::Secret::new((0..32).collect())).unwrap();
    #[cfg(feature = "aws-lc-rs")]
    let other = auth_jwt::aws_lc_rs::Ed25519SigningKey::from_raw(&key.to_raw()).unwrap();
    let keys: Vec<(AnySigningKey, AnySigningKey)> = vec![
        (key.clone().into(), key.fully_specified().into()),
        #[cfg(feature = "aws-lc-rs")]
        (other.clone().into(), other.fully_specified().into()),
    ];
    for (usual, full) in keys {
        for (key, alg) in [(usual, "EdDSA"), (full.with_id(KeyId::new("k").unwrap()), "Ed25519")] {
            let signer = TokenSigner::new(key.clone(), typ("invitation+jwt").unwrap(), issuer()).unwrap();
            let token = signer.expiring_at(LATER).sign(NOW).unwrap();
            assert_eq!(segment(&token, 0)["alg"], alg);
            let jws = JwsSigner::new(key.clone()).compact(b"x").unwrap();
            let header = URL_SAFE_NO_PAD.decode(jws.split('.').next().unwrap()).unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&header).unwrap()["alg"], alg);
            // A key elsewhere, whose public half says the name.
            let remote = RemoteSigningKey::new(key.clone(), key.verifying_key()).unwrap();
            let signer = TokenSigner::new(remote, typ("invitation+jwt").unwrap(), issuer()).unwrap();
            let remotely = block_on(signer.expiring_at(LATER).sign_async(NOW)).unwrap();
            assert_eq!(segment(&remotely, 0)["alg"], alg);

            let written = key.to_jwk().unwrap();
            let public = key.verifying_key().to_jwk().unwrap();
            let set = auth_jwt::KeySet::from(key.verifying_key()).to_jwks().unwrap();
            for jwk in [written.expose_str().unwrap(), &public, &set] {
                assert_eq!(jwk.matches(&format!(r#""alg":"{alg}""#)).count(), 1, "{jwk}");
            }
            // A JWK keeps the name. PEM, DER and raw bytes have no place for it.
            let back = AnySigningKey::from_jwk(&written).unwrap();
            assert_eq!(back.to_jwk().unwrap().expose_str(), written.expose_str());
            let back = Ed25519SigningKey::from_jwk(&written).unwrap();
            assert_eq!(back.verifying_key().to_jwk(), public);
            // Whatever it is called, it is one algorithm: a key of either name verifies it.
            let nameless = Ed25519VerifyingKey::from_raw(&back.verifying_key().to_raw()).unwrap();
            for verifying in [nameless.clone(), nameless.fully_specified()] {
                let policy = TokenPolicy::typed(typ("invitation+jwt").unwrap(), issuer(), any_audience());
                let verified = Verifier::new(verifying, policy).verify::<Value>(token.expose(), NOW);
                assert!(verified.is_ok(), "{verified:?}");
            }
        }
    }
}
