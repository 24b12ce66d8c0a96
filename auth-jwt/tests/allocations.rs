//! How often verifying allocates. A binary of its own, for the counting allocator is the whole process's.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use allocation_counter::measure;
use auth_core::{
    Authenticator, Secret, SystemEntropy, UnixTime,
    testing::{FixedClock, block_on},
};
use auth_jwt::{
    AccessToken, AnySigningKey, AnyVerifyingKey, Audience, BearerAuthenticator, CacheCapacity,
    CachedVerifier, Ed25519SigningKey, Es256SigningKey, Es384SigningKey, Es512SigningKey, Hs256Key, Hs384Key,
    Hs512Key, Issuer, JwsError, JwsVerifier, Revocation, RevocationList, TokenBuffer, TokenPolicy, Verified,
    Verifier, VerifyError, danger::revoke_until_restart,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const HEADER: &str = r#"{"alg":"HS256","typ":"at+jwt"}"#;
const PAYLOAD: &str = r#"{"iss":"https://id.example","sub":"42","aud":"https://api.example","exp":1800000900,"iat":1800000000,"jti":"t1","client_id":"web","scope":"a b","email":"ann@example.com","own":{"deep":[1,{"a":"b"}]}}"#;

fn secret() -> Vec<u8> {
    (0..32).collect()
}

fn verifier() -> Verifier {
    let policy = TokenPolicy::access_token(
        Issuer::new("https://id.example").unwrap(),
        Audience::new("https://api.example").unwrap(),
    );
    Verifier::new(Hs256Key::new(&Secret::new(secret())).unwrap(), policy)
}

fn sign(header: &str, payload: &str, secret: &[u8]) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// A verifier that has seen its header, as it is at all times but the first.
fn warm() -> (Verifier, String) {
    let (verifier, token) = (verifier(), sign(HEADER, PAYLOAD, &secret()));
    assert!(verifier.verify::<()>(&token, NOW).is_ok());
    (verifier, token)
}

#[test]
fn borrowed_claims_cost_one_allocation() {
    #[derive(serde::Deserialize)]
    struct Own<'a> {
        email: &'a str,
    }
    let (verifier, token) = warm();
    let counted = measure(|| {
        let mut buffer = TokenBuffer::new();
        let verified: Verified<Own<'_>> = verifier.verify_in(&token, NOW, &mut buffer).unwrap();
        assert_eq!((verified.own().email, verified.claims().subject()), ("ann@example.com", Some("42")));
    });
    assert_eq!(counted.count_total, 1, "that of the registered claims");
}

#[test]
fn owned_claims_cost_their_own_allocations() {
    #[derive(serde::Deserialize)]
    struct Own {
        email: String,
    }
    let (verifier, token) = warm();
    let counted = measure(|| {
        let verified: Verified<Own> = verifier.verify(&token, NOW).unwrap();
        assert_eq!(verified.own().email, "ann@example.com");
    });
    assert_eq!(counted.count_total, 2, "that of the registered claims, and the email");
    let counted = measure(|| drop(verifier.verify::<()>(&token, NOW).unwrap()));
    assert_eq!(counted.count_total, 1);
}

/// A flood of bad tokens must not become work for the allocator.
#[test]
fn a_refusal_allocates_nothing() {
    let (verifier, token) = warm();
    let other = [1; 32];
    let kid = "k".repeat(300);
    let cases = [
        "".to_owned(),
        "x".repeat(9_000),
        ".".repeat(8_000),
        format!("{token}."),
        format!("!{token}"),
        token.replacen('.', ".!", 1),
        format!("{}A", token.get(..token.len() - 1).unwrap()),
        sign(HEADER, PAYLOAD, &other),
        sign(r#"{"alg":"none"}"#, PAYLOAD, &secret()),
        sign(r#"{"alg":"RS256","kid":"some key","typ":"at+jwt"}"#, PAYLOAD, &secret()),
        sign(r#"{"alg":"HS256","typ":"at+jwt","x":[1,{"a":"\u00e9"}]}"#, PAYLOAD, &other),
        sign(r#"{"alg":"HS256","\u0061lg":"HS256"}"#, PAYLOAD, &secret()),
        sign(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), PAYLOAD, &secret()),
        sign(r#"{"alg":"HS256","crit":["x"]}"#, PAYLOAD, &secret()),
        sign("[]", PAYLOAD, &secret()),
        sign(r#"{"alg":"HS256","typ":"JWT"}"#, PAYLOAD, &secret()),
        sign(HEADER, "not json", &secret()),
        sign(HEADER, "[]", &secret()),
        sign(HEADER, &PAYLOAD.replace("1800000900", "\"1800000900\""), &secret()),
        sign(HEADER, &PAYLOAD.replace("1800000900", "1700000000"), &secret()),
        sign(HEADER, &PAYLOAD.replace("id.example", "id2.example"), &secret()),
        sign(HEADER, &PAYLOAD.replace("api.example", "api2.example"), &secret()),
        sign(HEADER, &PAYLOAD.replace("\"jti\"", "\"jtj\""), &secret()),
        sign(HEADER, &PAYLOAD.replace("\"own\"", "\"email\""), &secret()),
    ];
    for bad in &cases {
        let mut refused = None;
        let counted = measure(|| refused = verifier.verify::<()>(bad, NOW).err());
        assert_eq!(counted.count_total, 0, "{refused:?}: {bad}");
        assert!(refused.is_some(), "{bad}");
    }
    let late = UnixTime::from_secs(1_900_000_000);
    let counted = measure(|| {
        assert!(matches!(verifier.verify::<()>(&token, late), Err(VerifyError::Expired { .. })));
    });
    assert_eq!(counted.count_total, 0);
}

/// A key of every algorithm of this build, in every backend, as it signs and as it verifies.
fn keys() -> Vec<(AnySigningKey, AnyVerifyingKey)> {
    let secret = Secret::new((0..64).collect());
    #[allow(unused_mut, reason = "the second backend adds its own")]
    let mut keys: Vec<AnySigningKey> = vec![
        Hs256Key::new(&secret).unwrap().into(),
        Hs384Key::new(&secret).unwrap().into(),
        Hs512Key::new(&secret).unwrap().into(),
        Es256SigningKey::generate(&SystemEntropy).unwrap().into(),
        Es384SigningKey::generate(&SystemEntropy).unwrap().into(),
        Es512SigningKey::generate(&SystemEntropy).unwrap().into(),
        Ed25519SigningKey::generate(&SystemEntropy).unwrap().into(),
    ];
    #[cfg(feature = "aws-lc-rs")]
    {
        use auth_jwt::aws_lc_rs;
        let rsa = aws_lc_rs::Rs256SigningKey::generate(aws_lc_rs::RsaSize::Bits2048).unwrap();
        keys.extend::<[AnySigningKey; 10]>([
            aws_lc_rs::Hs256Key::new(&secret).unwrap().into(),
            aws_lc_rs::Hs384Key::new(&secret).unwrap().into(),
            aws_lc_rs::Hs512Key::new(&secret).unwrap().into(),
            aws_lc_rs::Es256SigningKey::generate(&SystemEntropy).unwrap().into(),
            aws_lc_rs::Es384SigningKey::generate(&SystemEntropy).unwrap().into(),
            aws_lc_rs::Es512SigningKey::generate(&SystemEntropy).unwrap().into(),
            aws_lc_rs::Ed25519SigningKey::generate(&SystemEntropy).unwrap().into(),
            aws_lc_rs::Rs384SigningKey::from_der(&rsa.to_der()).unwrap().into(),
            aws_lc_rs::Ps512SigningKey::from_der(&rsa.to_der()).unwrap().into(),
            rsa.into(),
        ]);
    }
    keys.into_iter().map(|key| (key.clone(), key.verifying_key())).collect()
}

/// The same promise for every algorithm: no allocation of ours. Two primitives make some of their own, for each
/// signature that they look at. What AWS-LC allocates is C's, and not counted.
#[test]
fn a_refusal_by_a_key_of_any_algorithm_allocates_nothing() {
    let of = |key: &AnySigningKey| u64::from(matches!(key, AnySigningKey::EdDsa(_)));
    #[allow(unused_mut, reason = "the feature `rsa` adds its own")]
    let mut pairs: Vec<_> =
        keys().into_iter().map(|(signing, verifying)| (of(&signing), signing, verifying)).collect();
    #[cfg(all(feature = "rsa", feature = "aws-lc-rs"))]
    for (signing, verifying) in keys() {
        if !signing.algorithm().name().starts_with(['R', 'P']) {
            continue;
        }
        let jwk = auth_jwt::Jwk::parse(&verifying.to_jwk().unwrap()).unwrap();
        let key = jwk.verifying_key(signing.algorithm(), auth_jwt::Backend::RustCrypto).unwrap();
        pairs.push((RSA_ALLOCATIONS, signing, key));
    }
    for (allowed, signing, verifying) in pairs {
        let policy = TokenPolicy::access_token(
            Issuer::new("https://id.example").unwrap(),
            Audience::new("https://api.example").unwrap(),
        );
        let verifier = Verifier::new(verifying, policy);
        let name = signing.algorithm().name();
        let token = |header: &str, signed: Option<&[u8]>| {
            let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(PAYLOAD));
            let signature = signing.sign(signed.unwrap_or(input.as_bytes())).unwrap();
            format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.as_bytes()))
        };
        let header = format!(r#"{{"alg":"{name}","typ":"at+jwt"}}"#);
        let good = token(&header, None);
        assert!(verifier.verify::<()>(&good, NOW).is_ok(), "{signing:?}");
        let before = [
            format!("!{good}"),
            format!("{good}A"),
            token(&header.replace(name, "XS256"), None),
            token(&header.replace(name, "none"), None),
            token(&format!(r#"{{"crit":["x"],"alg":"{name}"}}"#), None),
        ];
        for bad in &before {
            let counted = measure(|| assert!(verifier.verify::<()>(bad, NOW).is_err()));
            assert_eq!(counted.count_total, 0, "{signing:?}: {bad}");
        }
        for header in [&header, &format!(r#"{{"typ":"at+jwt","alg":"{name}"}}"#)] {
            let forged = token(header, Some(b"something else"));
            let counted = measure(|| {
                assert_eq!(verifier.verify::<()>(&forged, NOW).unwrap_err(), VerifyError::Signature);
            });
            println!("{name}: {} allocations", counted.count_total);
            assert!(counted.count_total <= allowed, "{signing:?}: {}", counted.count_total);
        }
        let late = UnixTime::from_secs(1_900_000_000);
        let counted = measure(|| assert!(verifier.verify::<()>(&good, late).unwrap_err().is_expired()));
        assert!(counted.count_total <= allowed, "{signing:?}: {}", counted.count_total);
    }
}

/// How often the crate `rsa` may allocate to verify one signature.
#[cfg(all(feature = "rsa", feature = "aws-lc-rs"))]
const RSA_ALLOCATIONS: u64 = 60;

#[derive(serde::Deserialize)]
struct Email {
    email: String,
}

/// Revocations of each kind, none of them the token's.
fn revocations(capacity: usize) -> RevocationList {
    let list = revoke_until_restart(Duration::from_secs(900), capacity).unwrap();
    let issuer = Issuer::new("https://id.example").unwrap();
    for revocation in [
        Revocation::token(issuer.clone(), "t2", None),
        Revocation::session(issuer.clone(), "s2"),
        Revocation::subject(issuer, "43", NOW),
    ] {
        block_on(list.revoke(&revocation.unwrap(), NOW)).unwrap();
    }
    list
}

/// What a `CachedVerifier` promises: a token that was seen costs no allocation, revocations or not.
#[test]
fn a_token_that_was_seen_before_costs_no_allocation() {
    let list = revocations(100);
    for verifier in [verifier(), verifier().with_revocations(Arc::new(list.clone()))] {
        let cached = CachedVerifier::<Email>::new(verifier, CacheCapacity::default());
        let token = sign(HEADER, PAYLOAD, &secret());
        let first = cached.verify(&token, NOW).unwrap();
        let counted = measure(|| {
            let verified = cached.verify(&token, NOW).unwrap();
            assert_eq!(verified.own().email, "ann@example.com");
            assert!(Arc::ptr_eq(&first, &verified));
        });
        assert_eq!(counted.count_total, 0);
        // After a change, the list is asked again, and that costs none either.
        let more = Revocation::token(Issuer::new("https://id.example").unwrap(), "t3", None).unwrap();
        let counted = measure(|| {
            block_on(list.revoke(&more, NOW)).unwrap();
            assert!(Arc::ptr_eq(&first, &cached.verify(&token, NOW).unwrap()));
        });
        assert!(counted.count_total <= 1, "that of `block_on`");
    }
}

/// One for the future, which `async_trait` boxes.
#[test]
fn a_bearer_token_that_was_seen_before_costs_no_allocation_of_its_own() {
    let bearer = BearerAuthenticator::new(verifier())
        .with_cache(CacheCapacity::default())
        .with_clock(Arc::new(FixedClock(NOW)));
    let token = || AccessToken::new(sign(HEADER, PAYLOAD, &secret()));
    let _first = block_on(bearer.authenticate(token())).unwrap();
    let (again, waker) = (token(), Waker::noop());
    let counted = measure(|| {
        let mut future = bearer.authenticate(again);
        let answer = future.as_mut().poll(&mut Context::from_waker(waker));
        assert!(matches!(answer, Poll::Ready(Ok(_))));
    });
    assert_eq!(counted.count_total, 1);
}

/// Said in the docs of `RevocationList`: 24 bytes for each that there is room for, all of them taken at once.
#[test]
fn a_million_revocations_take_24_megabytes() {
    let mut list = None;
    let taken = measure(|| list = Some(revoke_until_restart(Duration::from_secs(900), 1_000_000).unwrap()));
    let bytes = u64::try_from(taken.bytes_current).unwrap();
    assert!((24_000_000..24_001_000).contains(&bytes), "{bytes}");
    let (list, issuer) = (list.unwrap(), Issuer::new("https://id.example").unwrap());
    let taken = measure(|| {
        for n in 0..10_000 {
            let revocation = Revocation::session(issuer.clone(), &n.to_string()).unwrap();
            block_on(list.revoke(&revocation, NOW)).unwrap();
        }
    });
    assert_eq!((taken.bytes_current, list.len()), (0, 10_000));
}

/// Said in the docs of `CacheCapacity`.
#[test]
fn a_cached_token_takes_400_bytes_beyond_its_own() {
    const TOKENS: usize = 4_000;
    let tokens: Vec<_> = (0..TOKENS)
        .map(|n| sign(HEADER, &PAYLOAD.replace(r#""t1""#, &format!(r#""t{n}""#)), &secret()))
        .collect();
    let verifier = warm().0;
    let mut cache = None;
    let taken = measure(|| {
        let cached =
            CachedVerifier::<()>::new(verifier.clone(), CacheCapacity::new(TOKENS, TOKENS * 1_024).unwrap());
        for token in &tokens {
            let _verified = cached.verify(token, NOW).unwrap();
        }
        cache = Some(cached);
    });
    let bytes = usize::try_from(taken.bytes_current).unwrap() / TOKENS;
    println!("{bytes} bytes an entry of a token of {} bytes", tokens[0].len());
    assert!(bytes < tokens[0].len() + 400, "{bytes}");
    drop(cache);
}

/// Nor must a flood of bad JWS: nothing is put together before a signature is about to be verified.
#[test]
fn a_jws_that_is_refused_before_its_signature_allocates_nothing() {
    let verifier = JwsVerifier::new(Hs256Key::new(&Secret::new(secret())).unwrap());
    let (plain, payload) = (URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode("hello"));
    let mac = "A".repeat(43);
    let entry = |extra: &str, protected: &str, signature: &str| {
        format!(r#"{extra}"protected":"{}","signature":"{signature}""#, URL_SAFE_NO_PAD.encode(protected))
    };
    let bad = [
        entry("", r#"{"alg":"none"}"#, ""),
        entry("", r#"{"alg":"RS256","kid":"k"}"#, &mac),
        entry("", r#"{"alg":"HS256","crit":["exp"],"exp":1}"#, &mac),
        entry("", r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#, &mac),
        entry("", r#"{"alg":"HS256","alg":"HS256"}"#, &mac),
        entry("", r#"{"alg":"HS256"}"#, "AAAA"),
        entry("", r#"{"alg":"HS256"}"#, &"A".repeat(10_000)),
        entry(r#""header":{"alg":"HS256"},"#, r#"{"alg":"HS256"}"#, &mac),
        entry(r#""header":{"x":1,"kid":"a"},"#, r#"{"alg":"HS256","kid":"b","x":1}"#, &mac),
        entry(r#""header":{"a":1,"a":2},"#, r#"{"alg":"HS256"}"#, &mac),
        entry(r#""\u0070ayload":"\u0061","payload":"","#, r#"{"alg":"HS256"}"#, &mac),
        format!(r#""header":{{"jwk":{{}}}},"signature":"{mac}""#),
    ];
    for entry in &bad {
        let flattened = format!(r#"{{"payload":"{payload}",{entry}}}"#);
        let eight = vec![format!("{{{entry}}}"); 8].join(",");
        let general = format!(r#"{{"payload":"{payload}","signatures":[{eight}]}}"#);
        let counted = measure(|| {
            assert!(verifier.flattened(&flattened).is_err());
            assert!(verifier.flattened_detached(&flattened, b"hello").is_err());
            assert!(verifier.general_any(&general).is_err());
            assert!(verifier.general_all(&general).is_err());
            assert!(verifier.compact(&flattened).is_err());
        });
        assert_eq!(counted.count_total, 0, "{entry}");
    }
    let compact = format!("{plain}.{payload}.{mac}");
    let counted = measure(|| assert_eq!(verifier.compact(&compact).unwrap_err(), JwsError::Signature));
    assert_eq!(counted.count_total, 0, "what is in one piece need not be put together");
    let general = format!(
        r#"{{"payload":"{payload}","signatures":[{}]}}"#,
        vec![format!(r#"{{"protected":"{plain}","signature":"{mac}"}}"#); 8].join(",")
    );
    let counted = measure(|| assert_eq!(verifier.general_any(&general).unwrap_err(), JwsError::Signature));
    assert_eq!(counted.count_total, 1, "once for eight signatures");
}
