//! The compact serialisation.

use auth_jwt::{JsonError, JwsError, JwsVerifier, MalformedToken, PolicyError};

use super::*;
use crate::support::{sign, sign_segments};

#[test]
fn any_bytes_are_a_payload() {
    for payload in [&b""[..], b"\0", b"\xff\xfe", b"{}", b"hello"] {
        assert_eq!(payload_of(verifier().compact(&sign(PLAIN, payload))).unwrap(), payload);
    }
    // Nothing, signed as nothing, is not a detached payload.
    let detached = format!("{}..{}", base64(PLAIN), signature(PLAIN, b"hello"));
    assert_eq!(verifier().compact(&detached).unwrap_err(), JwsError::Signature);
    assert_eq!(verifier().compact_detached(&detached, b"hello").unwrap().payload(), b"hello");
}

/// RFC 7515 appendix F.
#[test]
fn a_detached_payload_is_the_one_that_was_signed() {
    let detached = format!("{}..{}", base64(PLAIN), signature(PLAIN, b"hello"));
    let payload = b"hello".to_vec();
    let verified = verifier().compact_detached(&detached, &payload).unwrap();
    assert!(std::ptr::eq(verified.payload(), &*payload), "borrowed");
    for other in [&b"hell"[..], b"hello ", b"", b"aGVsbG8"] {
        assert_eq!(verifier().compact_detached(&detached, other).unwrap_err(), JwsError::Signature);
    }
    let attached = sign(PLAIN, "hello");
    assert_eq!(verifier().compact_detached(&attached, b"hello").unwrap_err(), JwsError::PayloadPresent);
    assert_eq!(verifier().compact_detached(&attached, b"").unwrap_err(), JwsError::PayloadPresent);
}

/// CVE-2025-30204 (dots); CVE-2022-39227 and jwcrypto#342, #381 (a JSON serialisation fed to a compact reader).
#[test]
fn what_is_not_three_segments_is_malformed() {
    let jws = sign(PLAIN, "hello");
    let (header, rest) = jws.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let dots = ".".repeat(60_000);
    let json = flattened(PLAIN);
    let smuggled = format!(r#"{{"{header}.{payload}.":1,"protected":"{header}","signature":"{signature}"}}"#);
    for verifier in [verifier(), verifier().with_unencoded_payload()] {
        for bad in [
            "",
            ".",
            "..",
            "...",
            header,
            &format!("{header}.{payload}"),
            &format!("{jws}."),
            &format!(".{jws}"),
            &format!("{jws}.{payload}.{signature}"),
            &format!(".{payload}.{signature}"),
            &dots,
            &json,
            &general(&[&entry(PLAIN, b"hello", "")]),
        ] {
            let error = MalformedToken::Segments.into();
            assert_eq!(verifier.compact(bad).unwrap_err(), error, "{bad}");
            assert_eq!(verifier.compact_detached(bad, b"hello").unwrap_err(), error, "{bad}");
        }
        assert_eq!(verifier.compact(&smuggled).unwrap_err(), MalformedToken::Base64.into());
        assert!(verifier.compact_detached(&smuggled, b"hello").is_err());
    }
}

/// libjwt#284, tink-java#82, joserfc#51, GHSA-hxm8-2xgr-2p9m: nothing is trimmed, and one segment has one
/// spelling, even if the signer itself signs another one.
#[test]
fn segments_are_canonical() {
    let jws = sign(PLAIN, "hello");
    for bad in [format!(" {jws}"), format!("\u{feff}{jws}"), format!("Bearer {jws}"), format!("\"{jws}\"")] {
        assert_eq!(verifier().compact(&bad).unwrap_err(), MalformedToken::Base64.into(), "{bad:?}");
    }
    for bad in [format!("{jws} "), format!("{jws}\n"), format!("{jws}\0"), format!("{jws}=")] {
        assert_eq!(verifier().compact(&bad).unwrap_err(), JwsError::Signature, "{bad:?}");
    }
    let (signed, _) = jws.rsplit_once('.').unwrap();
    for bad in ["+", "/", "=", " ", "\n", "é"] {
        let signature = format!("{bad}{}", "A".repeat(43 - bad.len()));
        let error = verifier().compact(&format!("{signed}.{signature}")).unwrap_err();
        assert_eq!(error, MalformedToken::Base64.into(), "{bad:?}");
    }
    let header = base64(PLAIN);
    for bad in ["aGVsbG8=", "aGVsbG9", "aGVsbG8AA", "aGVs bG8", "aGVsbG8\n", "aGVsb", "a+Vs", "a/Vs"] {
        let jws = sign_segments(&header, bad, &secret());
        assert_eq!(verifier().compact(&jws).unwrap_err(), JwsError::PayloadEncoding, "{bad:?}");
        // And unless it was signed, nobody looks at it.
        let forged = sign_segments(&header, bad, &[1; 32]);
        assert_eq!(verifier().compact(&forged).unwrap_err(), JwsError::Signature);
        let json = format!(
            r#"{{"payload":{},"protected":"{header}","signature":"{}"}}"#,
            serde_json::to_string(bad).unwrap(),
            mac(format!("{header}.{bad}").as_bytes(), &secret())
        );
        let expected =
            if bad.contains('\n') { MalformedToken::Base64.into() } else { JwsError::PayloadEncoding };
        assert_eq!(verifier().flattened(&json).unwrap_err(), expected, "{bad:?}");
    }
    for bad in [format!("{header}="), format!("{header}A"), header.replacen('e', "+", 1)] {
        let jws = sign_segments(&bad, "aGVsbG8", &secret());
        assert_eq!(verifier().compact(&jws).unwrap_err(), MalformedToken::Base64.into(), "{bad:?}");
    }
}

/// A header is strict JSON.
#[test]
fn a_header_is_strict_json() {
    for (bad, error) in [
        (r#"{"alg":"none","alg":"HS256"}"#, JsonError::DuplicateMember),
        (r#"{"alg":"HS256","\u0061lg":"none"}"#, JsonError::DuplicateMember),
        (r#"{"alg":"HS256","x":{"y":1,"y":2}}"#, JsonError::DuplicateMember),
        (r#"{"alg":"HS256","b64":false,"b64":false,"crit":["b64"]}"#, JsonError::DuplicateMember),
        (r#"["alg","HS256"]"#, JsonError::NotAnObject),
        (r#"{"alg":"HS256"}x"#, JsonError::TrailingBytes),
        (r#"{"alg":"HS256","crit":["\ud800"]}"#, JsonError::Character),
        (r#"{"alg":"HS256","crit":["b64",]}"#, JsonError::Syntax { at: 29 }),
        ("\u{feff}{\"alg\":\"HS256\"}", JsonError::Syntax { at: 0 }),
        (r#"{"alg":"HS256","x":[[[[[[[[[]]]]]]]]]}"#, JsonError::TooDeep),
    ] {
        let error = MalformedToken::Json(error).into();
        assert_eq!(verifier().compact(&sign(bad, "hello")).unwrap_err(), error, "{bad}");
        assert_eq!(verifier().flattened(&flattened(bad)).unwrap_err(), error, "{bad}");
    }
    let long = format!(r#"{{"alg":"HS256","x":"{}"}}"#, "x".repeat(1024));
    assert_eq!(verifier().compact(&sign(&long, "hello")).unwrap_err(), MalformedToken::HeaderTooLong.into());
    assert_eq!(verifier().flattened(&flattened(&long)).unwrap_err(), MalformedToken::HeaderTooLong.into());
}

/// Work in proportion to the cap, not to the input.
#[test]
fn length_is_judged_first_and_is_a_setting_with_bounds() {
    let huge = "A".repeat(100_000_000);
    let error: JwsError = MalformedToken::TooLong { max: 65536 }.into();
    assert_eq!(verifier().compact(&huge).unwrap_err(), error);
    assert_eq!(verifier().flattened(&huge).unwrap_err(), error);
    assert_eq!(verifier().general_any(&huge).unwrap_err(), error);
    assert_eq!(verifier().general_all_detached(&huge, b"").unwrap_err(), error);
    let detached = format!("{}..{}", base64(PLAIN), signature(PLAIN, b"hello"));
    let error = verifier().compact_detached(&detached, huge.as_bytes()).unwrap_err();
    assert_eq!(error, JwsError::PayloadTooLong { max: 65536 });

    let megabytes = vec![b'x'; 3 << 20];
    let jws = sign(PLAIN, &megabytes);
    assert!(verifier().compact(&jws).is_err());
    let wide = verifier().with_max_len(8 << 20).unwrap();
    assert_eq!(wide.compact(&jws).unwrap().payload(), megabytes);
    for bad in [0, 255, (8 << 20) + 1, usize::MAX] {
        assert_eq!(
            verifier().with_max_len(bad).unwrap_err(),
            PolicyError::MaxLen { min: 256, max: 8 << 20 },
            "{bad}"
        );
    }
    assert_eq!(JwsVerifier::MAX_LEN, 65536);
}

/// HAProxy's heap overflow on a long signature: its length is judged before it is decoded.
#[test]
fn a_signature_of_another_length_is_another_signature() {
    let jws = sign(PLAIN, "hello");
    let (signed, good) = jws.rsplit_once('.').unwrap();
    for len in 0..good.len() {
        assert_eq!(
            verifier().compact(&format!("{signed}.{}", &good[..len])).unwrap_err(),
            JwsError::Signature
        );
    }
    for longer in ["A".repeat(21_830), format!("{good}A"), format!("{good}{good}")] {
        assert_eq!(verifier().compact(&format!("{signed}.{longer}")).unwrap_err(), JwsError::Signature);
        let json = flattened(PLAIN).replace(good, &longer);
        assert_eq!(verifier().flattened(&json).unwrap_err(), JwsError::Signature);
    }
}
