//! How often verifying allocates. A binary of its own, for the counting allocator is the whole process's.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "test code")]

use allocation_counter::measure;
use auth_core::{Secret, UnixTime};
use auth_jwt::{
    Audience, Hs256Key, Issuer, JwsError, JwsVerifier, TokenBuffer, TokenPolicy, Verified, Verifier,
    VerifyError,
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
