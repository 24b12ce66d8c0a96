//! Unencoded payloads (RFC 7797).

use auth_jwt::{JwsError, JwsSigner, MalformedToken, PolicyError, Verifier, VerifyError, danger};

use super::*;
use crate::support::{NOW, payload as claims, policy, sign_segments};

fn unencoded() -> JwsVerifier {
    verifier().with_unencoded_payload()
}

fn raw(payload: &[u8]) -> String {
    mac(&[base64(UNENCODED).as_bytes(), b".", payload].concat(), &secret())
}

/// RFC 7797 section 4, with the key of RFC 7515 appendix A.1.
#[test]
fn the_examples_of_the_standard_verify() {
    const KEY: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let verifier = JwsVerifier::new(super::vectors::secret_key(KEY));
    let encoded = "eyJhbGciOiJIUzI1NiJ9.JC4wMg.5mvfOroL-g7HyqJoozehmsaqmvTYGEq5jTI1gVvoEoQ";
    assert_eq!(verifier.compact(encoded).unwrap().payload(), b"$.02");
    let unencoded = verifier.clone().with_unencoded_payload();
    let detached = "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY";
    assert_eq!(unencoded.compact_detached(detached, b"$.02").unwrap().payload(), b"$.02");
    let json = r#"{
        "protected":"eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19",
        "payload":"$.02",
        "signature":"A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY"
    }"#;
    assert_eq!(unencoded.flattened(json).unwrap().payload(), b"$.02");
    for refused in [verifier.flattened(json), verifier.compact_detached(detached, b"$.02")] {
        assert_eq!(refused.unwrap_err(), JwsError::Encoding, "nobody asked for it");
    }
    assert_eq!(unencoded.compact(encoded).unwrap_err(), JwsError::Encoding);
    assert_eq!(unencoded.compact_detached(detached, b"JC4wMg").unwrap_err(), JwsError::Signature);
}

/// The same bytes must not be a payload under either reading.
#[test]
fn a_payload_is_not_reinterpreted() {
    let header = base64(UNENCODED);
    let jws = sign_segments(&header, "aGVsbG8", &secret());
    assert_eq!(payload_of(unencoded().compact(&jws)).unwrap(), b"aGVsbG8", "not hello");
    assert_eq!(verifier().compact(&jws).unwrap_err(), JwsError::Encoding);
    assert_eq!(
        unencoded().compact(&sign_segments(&base64(PLAIN), "aGVsbG8", &secret())).unwrap_err(),
        JwsError::Encoding
    );
}

/// RFC 7797 section 5.2: printable ASCII without the full stop; anything else has to be detached.
#[test]
fn a_compact_payload_has_characters_that_are_allowed() {
    let header = base64(UNENCODED);
    let printable: String = (' '..='~').filter(|character| *character != '.').collect();
    for good in ["", "hello", &printable] {
        let jws = sign_segments(&header, good, &secret());
        assert_eq!(payload_of(unencoded().compact(&jws)).unwrap(), good.as_bytes());
    }
    for bad in ["a\nb", "a\tb", "\u{7f}", "é", "\0"] {
        let jws = sign_segments(&header, bad, &secret());
        assert_eq!(unencoded().compact(&jws).unwrap_err(), JwsError::PayloadEncoding, "{bad:?}");
    }
    let dot = sign_segments(&header, "$.02", &secret());
    assert_eq!(unencoded().compact(&dot).unwrap_err(), MalformedToken::Segments.into());
}

/// RFC 7797 section 5.3: what is signed is what the JSON string stands for.
#[test]
fn a_json_payload_is_signed_without_its_escapes() {
    let payload = "a \"quoted\" .\\é😀\n\t";
    let header = base64(UNENCODED);
    let jws = |written: &str| {
        let signature = raw(payload.as_bytes());
        format!(r#"{{"payload":{written},"protected":"{header}","signature":"{signature}"}}"#)
    };
    for written in [
        serde_json::to_string(payload).unwrap(),
        r#""\u0061 \u0022quoted\u0022 .\\\u00e9\ud83d\ude00\u000a\u0009""#.to_owned(),
    ] {
        assert_eq!(payload_of(unencoded().flattened(&jws(&written))).unwrap(), payload.as_bytes());
    }
    let general =
        format!(r#"{{"payload":"x","signatures":[{{"protected":"{header}","signature":"{}"}}]}}"#, raw(b"x"));
    assert_eq!(payload_of(unencoded().general_any(&general)).unwrap(), b"x");
    assert_eq!(payload_of(unencoded().general_all(&general)).unwrap(), b"x");
    assert_eq!(verifier().general_any(&general).unwrap_err(), JwsError::Encoding);
}

#[test]
fn a_detached_payload_is_any_bytes() {
    for payload in [&b"$.02"[..], b"", b"\0\xff\n.", "é".as_bytes()] {
        let jws = format!("{}..{}", base64(UNENCODED), raw(payload));
        assert_eq!(unencoded().compact_detached(&jws, payload).unwrap().payload(), payload);
        let json = format!(r#"{{"protected":"{}","signature":"{}"}}"#, base64(UNENCODED), raw(payload));
        assert_eq!(unencoded().flattened_detached(&json, payload).unwrap().payload(), payload);
        let other = [payload, b"x"].concat();
        assert_eq!(unencoded().compact_detached(&jws, &other).unwrap_err(), JwsError::Signature);
    }
}

/// RFC 7797 section 7: a JWT is not made with one, in whatever order it is asked for.
#[test]
fn no_jwt_is_signed_unencoded() {
    let signer = || JwsSigner::new(key());
    for jwt in ["JWT", "jwt", "application/JWT", "logout+jwt", "Application/SecEvent+JWT"] {
        let typed = signer().with_typ(jwt).unwrap().with_unencoded_payload().unwrap_err();
        let unencoded = signer().with_unencoded_payload().unwrap().with_typ(jwt).unwrap_err();
        assert_eq!([typed, unencoded], [PolicyError::UnencodedJwt; 2], "{jwt}");
    }
    let unencoded = signer().with_unencoded_payload().unwrap();
    assert_eq!(unencoded.clone().with_typ("at+jwt").unwrap_err(), PolicyError::AccessToken);
    let access_token = danger::sign_access_tokens_without_login(unencoded.clone());
    assert_eq!(access_token.unwrap_err(), PolicyError::UnencodedJwt);
    for other in ["jose", "jwt+x", "xjwt", "text/jwt", "j+wt"] {
        let jws = unencoded.clone().with_typ(other).unwrap().compact(b"x").unwrap();
        assert_eq!(payload_of(self::unencoded().compact(&jws)).unwrap(), b"x", "{other}");
    }
}

/// The other side: what calls itself a JWT is not read as it is, by whomever and however it is spelt.
#[test]
fn no_jwt_is_read_unencoded() {
    for typ in ["JWT", "jWt", r"\u006awt", "application/JWT", "APPLICATION/jwt", "at+jwt", r"x/y+JW\u0054"] {
        let header = format!(r#"{{"alg":"HS256","typ":"{typ}","b64":false,"crit":["b64"]}}"#);
        let (segment, mac) =
            (base64(&header), mac(&[base64(&header).as_bytes(), b".{}"].concat(), &secret()));
        let json = format!(r#""protected":"{segment}","signature":"{mac}""#);
        let verifier = unencoded();
        for refused in [
            verifier.compact(&format!("{segment}.{{}}.{mac}")),
            verifier.compact_detached(&format!("{segment}..{mac}"), b"{}"),
            verifier.flattened(&format!(r#"{{"payload":"{{}}",{json}}}"#)),
            verifier.general_any(&format!(r#"{{"payload":"{{}}","signatures":[{{{json}}}]}}"#)),
            verifier.general_all(&format!(r#"{{"payload":"{{}}","signatures":[{{{json}}}]}}"#)),
        ] {
            assert_eq!(refused.unwrap_err(), MalformedToken::Refused("b64").into(), "{typ}");
        }
    }
}

/// RFC 7797 section 7, GHSA-w7vc-732c-9m39: never in a JWT, whoever signed it.
#[test]
fn a_jwt_has_no_unencoded_payload() {
    let jwt = Verifier::new(key(), policy());
    for header in [
        r#"{"alg":"HS256","typ":"at+jwt","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"HS256","typ":"at+jwt","crit":["b64"],"b64":false}"#,
        r#"{"alg":"HS256","typ":"at+jwt","b64":true}"#,
    ] {
        for payload in [claims(), base64(claims())] {
            let token = sign_segments(&base64(header), &payload.replace('.', " "), &secret());
            let refused = jwt.verify::<()>(&token, NOW).unwrap_err();
            assert!(matches!(refused, VerifyError::Malformed(MalformedToken::Refused(_))), "{header}");
        }
    }
}
