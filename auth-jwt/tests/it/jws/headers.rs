//! What decides, and what does not.

use auth_core::SystemEntropy;
use auth_jwt::{Algorithm, Es256SigningKey, JwsError, JwsVerifier, KeyId, KeySet, MalformedToken, typ};

use super::*;
use crate::support::sign_segments;

fn refused(header: &str) -> JwsError {
    let (compact, flattened) =
        (sign_segments(&base64(header), &base64("hello"), &secret()), flattened(header));
    let error = verifier().compact(&compact).unwrap_err();
    assert_eq!(verifier().flattened(&flattened).unwrap_err(), error);
    assert_eq!(verifier().general_any(&general(&[&entry(header, b"hello", "")])).unwrap_err(), error);
    assert_eq!(verifier().general_all(&general(&[&entry(header, b"hello", "")])).unwrap_err(), error);
    error
}

/// RFC 7515 section 4.1.11; CVE-2025-59420 Authlib, GHSA-752w-5fwx-jx9f PyJWT, fast-jwt#590,
/// node-jsonwebtoken#1032. Rightly signed, in every serialisation.
#[test]
fn critical_parameters_are_refused() {
    for crit in [
        "[]",
        r#"["exp"]"#,
        r#"["http://example.com/UNDEFINED"]"#,
        r#"["x","x"]"#,
        r#"["alg"]"#,
        r#"["typ"]"#,
        r#"["crit"]"#,
        r#"["absent"]"#,
        "[1]",
        "[null]",
        "[[\"exp\"]]",
        r#""exp""#,
        "null",
        "{}",
        "true",
    ] {
        for header in [
            format!(r#"{{"alg":"HS256","exp":1,"x":2,"crit":{crit}}}"#),
            format!(r#"{{"crit":{crit},"exp":1,"x":2,"alg":"HS256"}}"#),
            format!(r#"{{"alg":"HS256","exp":1,"x":2,"\u0063rit":{crit}}}"#),
        ] {
            let error = MalformedToken::Refused("crit").into();
            assert_eq!(refused(&header), error, "{header}");
        }
    }
}

/// RFC 7797 sections 3 and 6: `b64` only where it is `false`, critical, and asked for.
#[test]
fn b64_is_refused_where_nobody_asked_for_it() {
    for header in [
        UNENCODED,
        r#"{"crit":["b64"],"b64":false,"alg":"HS256"}"#,
        r#"{"alg":"HS256","crit":["b\u00364"],"b64":false}"#,
    ] {
        assert_eq!(refused(header), JwsError::Encoding, "{header}");
    }
    for header in [
        r#"{"alg":"HS256","b64":false}"#,
        r#"{"alg":"HS256","b64":true}"#,
        r#"{"alg":"HS256","b64":null}"#,
        r#"{"alg":"HS256","b64":true,"crit":["b64"]}"#,
        r#"{"alg":"HS256","b64":0,"crit":["b64"]}"#,
        r#"{"alg":"HS256","b64":"false","crit":["b64"]}"#,
    ] {
        assert_eq!(refused(header), MalformedToken::Refused("b64").into(), "{header}");
    }
    for header in [
        r#"{"alg":"HS256","crit":["b64"]}"#,
        r#"{"alg":"HS256","b64":false,"crit":[]}"#,
        r#"{"alg":"HS256","b64":false,"crit":"b64"}"#,
        r#"{"alg":"HS256","b64":false,"crit":["b64","b64"]}"#,
        r#"{"alg":"HS256","b64":false,"exp":1,"crit":["b64","exp"]}"#,
        r#"{"alg":"HS256","b64":false,"exp":1,"crit":["exp","b64"]}"#,
        r#"{"alg":"HS256","b64":false,"crit":["b64",1]}"#,
        r#"{"alg":"HS256","b64":false,"crit":["B64"]}"#,
    ] {
        assert_eq!(refused(header), MalformedToken::Refused("crit").into(), "{header}");
    }
}

/// CVE-2015-9235, CVE-2022-23540; RFC 7515 appendix A.5: there is no `none`, signed or not.
#[test]
fn none_is_not_an_algorithm() {
    let unsecured = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert!(matches!(verifier().compact(unsecured), Err(JwsError::Algorithm { .. })));
    for alg in ["none", "None", "NONE", "nOnE", "none ", "HS256 ", "hs256", "HS384", "RS256", "ES256"] {
        let header = format!(r#"{{"alg":"{alg}"}}"#);
        assert!(
            matches!(refused(&header), JwsError::Algorithm { expected: Algorithm::Hs256, .. }),
            "{header}"
        );
        let unsigned = format!("{}.{}.", base64(&header), base64("hello"));
        assert!(matches!(verifier().compact(&unsigned), Err(JwsError::Algorithm { .. })));
        let unsigned = format!(
            r#"{{"payload":"{}","protected":"{}","signature":""}}"#,
            base64("hello"),
            base64(&header)
        );
        assert!(matches!(verifier().flattened(&unsigned), Err(JwsError::Algorithm { .. })));
    }
    for header in ["{}", r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#, r#"{"alg":""}"#, r#"{"ALG":"HS256"}"#] {
        assert_eq!(refused(header), MalformedToken::Parameter("alg").into(), "{header}");
    }
    let empty = format!("{}.{}.", base64(PLAIN), base64("hello"));
    assert_eq!(verifier().compact(&empty).unwrap_err(), JwsError::Signature);
}

/// GHSA-jc38-x7x8-2xc8 (web-token): `alg` taken from the unprotected header. And `crit` and `b64` there
/// (RFC 7515 section 4.1.11, RFC 7797 section 3).
#[test]
fn the_unprotected_header_decides_nothing() {
    for name in ["alg", "crit", "b64"] {
        for value in [r#""HS256""#, r#""none""#, r#"["b64"]"#, "false", "null", "{}"] {
            let escaped = format!("\\u00{:02x}{}", name.as_bytes()[0], &name[1..]);
            for written in [name, &escaped] {
                let header = format!(r#""header":{{"x":1,"{written}":{value}}},"#);
                let error = JwsError::Unprotected(name);
                assert_eq!(verifier().flattened(&flattened_with(PLAIN, &header)).unwrap_err(), error);
                // The protected header has none at all, or is not there.
                assert_eq!(verifier().flattened(&flattened_with("{}", &header)).unwrap_err(), error);
                let (payload, mac) =
                    (base64("hello"), mac(format!(".{}", base64("hello")).as_bytes(), &secret()));
                let bare = format!(r#"{{"payload":"{payload}",{header}"signature":"{mac}"}}"#);
                assert_eq!(verifier().flattened(&bare).unwrap_err(), error);
            }
        }
    }
    let missing = format!(
        r#"{{"payload":"{}","header":{{"kid":"k"}},"signature":"{}"}}"#,
        base64("hello"),
        mac(format!(".{}", base64("hello")).as_bytes(), &secret())
    );
    assert_eq!(
        verifier().flattened(&missing).unwrap_err(),
        MalformedToken::Parameter("alg").into(),
        "nothing is protected"
    );
    // The wrong case is another name, and means nothing.
    assert!(verifier().flattened(&flattened_with(PLAIN, r#""header":{"ALG":"none","Crit":[]},"#)).is_ok());
}

/// An unprotected `kid` is a stranger's word: it neither chooses a key nor rules one out.
#[test]
fn an_unprotected_kid_chooses_no_key() {
    let ours = JwsVerifier::new(key().with_id(KeyId::new("ours").unwrap()));
    for kid in [r#""ours""#, r#""theirs""#, r#""../../etc/passwd""#, "1", "null"] {
        let jws = flattened_with(PLAIN, &format!(r#""header":{{"kid":{kid}}},"#));
        assert_eq!(ours.flattened(&jws).unwrap().key_id().unwrap().as_str(), "ours", "{kid}");
    }
    let (one, two) = (named("one"), named("two"));
    let set = JwsVerifier::new(KeySet::new([one.verifying_key(), two.verifying_key()]).unwrap());
    let unnamed = Es256SigningKey::generate(&SystemEntropy).unwrap();
    let jws = |kid: &str| {
        let (header, payload) = (base64(r#"{"alg":"ES256"}"#), base64("hello"));
        let signature = unnamed.sign(format!("{header}.{payload}").as_bytes()).unwrap();
        format!(
            r#"{{"payload":"{payload}","protected":"{header}","header":{{"kid":"{kid}"}},"signature":"{}"}}"#,
            base64(signature.as_bytes())
        )
    };
    assert_eq!(set.flattened(&jws("one")).unwrap_err(), JwsError::AmbiguousKey);
}

/// RFC 7515 section 7.2.1: the names in both headers have to be disjoint.
#[test]
fn a_parameter_is_protected_or_not_but_not_both() {
    for (protected, unprotected) in [
        (r#"{"alg":"HS256","kid":"a"}"#, r#"{"kid":"a"}"#),
        (r#"{"alg":"HS256","kid":"a"}"#, r#"{"x":1,"\u006bid":"b"}"#),
        (r#"{"alg":"HS256","typ":"a"}"#, r#"{"typ":"b"}"#),
        (r#"{"alg":"HS256","x":1,"cty":"a"}"#, r#"{"cty":"a"}"#),
        (r#"{"alg":"HS256","own\u0021":1}"#, r#"{"own!":{"a":1}}"#),
        (r#"{"alg":"HS256","a":1,"b":2,"c":3,"d":4}"#, r#"{"e":1,"f":2,"d":3}"#),
    ] {
        let jws = flattened_with(protected, &format!(r#""header":{unprotected},"#));
        assert_eq!(verifier().flattened(&jws).unwrap_err(), JwsError::BothHeaders, "{jws}");
    }
    let disjoint = flattened_with(r#"{"alg":"HS256","typ":"a"}"#, r#""header":{"kid":"a","Typ":"b"},"#);
    assert!(verifier().flattened(&disjoint).is_ok());
}

/// CVE-2018-0114, CVE-2026-34240; RFC 8725 section 3.10: a JWS brings no key, in neither header.
#[test]
fn keys_in_headers_are_never_used() {
    let attacker = [9; 31].into_iter().chain([1]).collect::<Vec<u8>>();
    for parameter in [
        format!(r#""jwk":{{"kty":"oct","k":"{}"}}"#, base64(&attacker)),
        r#""jku":"https://evil.example/keys""#.to_owned(),
        r#""x5u":"file:///etc/passwd""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
    ] {
        let header = format!(r#"{{"alg":"HS256",{parameter}}}"#);
        let forged = sign_segments(&base64(&header), &base64("hello"), &attacker);
        assert_eq!(verifier().compact(&forged).unwrap_err(), JwsError::Signature, "{parameter}");
        let (payload, segment) = (base64("hello"), base64(PLAIN));
        let forged = format!(
            r#"{{"payload":"{payload}","protected":"{segment}","header":{{{parameter}}},"signature":"{}"}}"#,
            mac(format!("{segment}.{payload}").as_bytes(), &attacker)
        );
        assert_eq!(verifier().flattened(&forged).unwrap_err(), JwsError::Signature, "{parameter}");
        let ours = flattened_with(PLAIN, &format!(r#""header":{{{parameter}}},"#));
        assert!(verifier().flattened(&ours).is_ok(), "ignored, not refused: {parameter}");
    }
}

/// RFC 8725 section 3.11: what a key signs for one use is not taken for another.
#[test]
fn typ_tells_kinds_of_jws_apart() {
    let receipts = verifier().with_typ(typ("receipt+jws").unwrap());
    for header in [
        r#"{"alg":"HS256","typ":"receipt+jws"}"#,
        r#"{"alg":"HS256","typ":"application/receipt+jws"}"#,
        r#"{"alg":"HS256","typ":"Receipt+JWS"}"#,
    ] {
        assert!(receipts.flattened(&flattened(header)).is_ok(), "{header}");
    }
    for header in [PLAIN, r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"alg":"HS256","typ":"receipt+jwsx"}"#] {
        assert!(matches!(receipts.flattened(&flattened(header)), Err(JwsError::Type { .. })), "{header}");
    }
    let unprotected = flattened_with(PLAIN, r#""header":{"typ":"receipt+jws"},"#);
    assert!(matches!(receipts.flattened(&unprotected), Err(JwsError::Type { .. })), "nobody signed it");
    // A forger learns nothing of it.
    let forged = flattened(PLAIN).replace(&signature(PLAIN, b"hello"), &signature(PLAIN, b"other"));
    assert_eq!(receipts.flattened(&forged).unwrap_err(), JwsError::Signature);
}

#[test]
fn a_verified_jws_tells_what_was_protected() {
    let ours = JwsVerifier::new(key().with_id(KeyId::new("k1").unwrap()));
    let header = r#"{"alg":"HS256","typ":"x+jws","cty":"text\/plain","kid":"k1"}"#;
    let jws = flattened_with(header, r#""header":{"x":"y"},"#);
    let verified = ours.flattened(&jws).unwrap();
    assert_eq!(verified.payload(), b"hello");
    assert_eq!((verified.algorithm(), verified.key_id().map(KeyId::as_str)), (Algorithm::Hs256, Some("k1")));
    assert_eq!((verified.typ(), verified.content_type()), (Some("x+jws"), Some("text/plain")));
    assert_eq!(verified.signatures().count(), 1);
    assert!(!format!("{verified:?}").contains("104, 101"), "the payload is nobody's log line");

    let plain = verifier().flattened(&flattened_with(PLAIN, r#""header":{"typ":"a","cty":"b","kid":"c"},"#));
    let plain = plain.unwrap();
    assert_eq!((plain.typ(), plain.content_type(), plain.key_id()), (None, None, None));
    for bad in [r#"{"alg":"HS256","cty":1}"#, r#"{"alg":"HS256","cty":""}"#] {
        assert_eq!(refused(bad), MalformedToken::Parameter("cty").into());
    }
}
