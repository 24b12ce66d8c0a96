//! How a token is written.

use auth_jwt::{JsonError, MalformedToken, TokenPolicy, Verifier, VerifyError};

use crate::support::*;

/// CVE-2025-30204 (dots), CVE-2022-39227 and jwcrypto#342 (a JSON serialisation fed to a compact reader).
#[test]
fn what_is_not_three_segments_is_malformed() {
    let token = sign(HEADER, payload());
    let (header, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let dots = ".".repeat(8_000);
    let json = format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#);
    let smuggled = format!(r#"{{"{header}.{payload}.":1,"protected":"x","signature":"{signature}"}}"#);
    for bad in [
        "",
        header,
        &format!("{header}.{payload}"),
        &format!("{token}."),
        &format!(".{token}"),
        &format!("{token}.{payload}.{signature}"),
        &dots,
        &json,
        "..",
        "...",
    ] {
        assert_eq!(verify(bad).unwrap_err(), MalformedToken::Segments.into(), "{bad}");
    }
    assert!(matches!(verify(&smuggled), Err(VerifyError::Malformed(_))));
}

/// White space and prefixes.
#[test]
fn nothing_is_trimmed() {
    let token = sign(HEADER, payload());
    for bad in [
        format!(" {token}"),
        format!("\t{token}"),
        format!("\u{feff}{token}"),
        format!("Bearer {token}"),
        format!("\"{token}\""),
    ] {
        assert_eq!(verify(&bad).unwrap_err(), MalformedToken::Base64.into(), "{bad:?}");
    }
    for bad in [format!("{token} "), format!("{token}\n"), format!("{token}\0"), format!("{token}=")] {
        assert_eq!(verify(&bad).unwrap_err(), VerifyError::Signature, "{bad:?}");
    }
}

/// libjwt#284, tink-java#82, joserfc#51, GHSA-hxm8-2xgr-2p9m: one token has one spelling, in each segment,
/// even if the issuer itself signs another one.
#[test]
fn segments_are_canonical() {
    // Two bytes over a multiple of three, so that both have bits that stand for nothing.
    let (header, payload) = (base64(format!("{HEADER}  ")), base64(payload_with(r#""n":12"#)));
    assert_eq!((header.len() % 4, payload.len() % 4), (3, 3), "the cases below need loose bits");
    let loose = |segment: &str| {
        let (head, last) = segment.split_at(segment.len() - 1);
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let at = alphabet.find(last).unwrap();
        format!("{head}{}", &alphabet[at + 1..at + 2])
    };
    assert!(verify(&sign_segments(&header, &payload, &secret())).is_ok());
    for bad in [
        loose(&header),
        format!("{header}="),
        format!("{header}AA"),
        header.replacen('e', "+", 1),
        format!("{header}\n"),
    ] {
        let refused = verify(&sign_segments(&bad, &payload, &secret())).unwrap_err();
        assert_eq!(refused, MalformedToken::Base64.into(), "{bad:?}");
    }
    for bad in [
        loose(&payload),
        format!("{payload}="),
        format!("{payload}AA"),
        format!("{payload} "),
        payload.replacen('e', "/", 1),
    ] {
        let refused = verify(&sign_segments(&header, &bad, &secret())).unwrap_err();
        assert_eq!(refused, VerifyError::PayloadEncoding, "{bad:?}");
        // And unless it was signed, nobody looks at it.
        let forged = sign_segments(&header, &bad, &[1; 32]);
        assert_eq!(verify(&forged).unwrap_err(), VerifyError::Signature);
    }
    let good = sign_segments(&header, &payload, &secret());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    for bad in [
        loose(signature),
        signature.replacen(char::is_alphanumeric, "+", 1),
        signature.replacen(char::is_alphanumeric, "=", 1),
    ] {
        assert_eq!(verify(&format!("{signed}.{bad}")).unwrap_err(), MalformedToken::Base64.into(), "{bad:?}");
    }
}

/// Work in proportion to the cap, not to the input.
#[test]
fn the_length_cap_is_a_setting_with_bounds() {
    let token = sign(HEADER, payload_with(&format!(r#""pad":"{}""#, "x".repeat(9_000))));
    assert_eq!(verify(&token).unwrap_err(), MalformedToken::TooLong { max: 8192 }.into());
    let wide = policy().with_max_len(64 * 1024).unwrap();
    assert!(Verifier::new(key(), wide).verify::<()>(&token, NOW).is_ok());
    let small = policy().with_max_len(256).unwrap();
    let refused = Verifier::new(key(), small).verify::<()>(&sign(HEADER, payload()), NOW).unwrap_err();
    assert_eq!(refused, MalformedToken::TooLong { max: 256 }.into());
    for bad in [0, 255, 64 * 1024 + 1, usize::MAX] {
        assert!(policy().with_max_len(bad).is_err(), "{bad}");
    }
    assert_eq!(TokenPolicy::MAX_LEN, 8192);
}

/// Strict JSON also in a payload that the issuer has signed.
#[test]
fn a_payload_is_strict_json() {
    for (bad, error) in [
        (payload_with(r#""iss":"https://id.example""#), JsonError::DuplicateMember),
        (payload_with(r#""\u0069ss":"https://id.example""#), JsonError::DuplicateMember),
        (payload_with(r#""own":1,"own":2"#), JsonError::DuplicateMember),
        (payload_with(r#""own":{"deep":[{"a":1,"\u0061":2}]}"#), JsonError::DuplicateMember),
        (payload_with(r#""own":"\ud800""#), JsonError::Character),
        (payload_with(r#""own":"\u0000""#), JsonError::Character),
        (payload_with(&format!(r#""own":{}{}"#, "[".repeat(2_500), "]".repeat(2_500))), JsonError::TooDeep),
        (format!("{}x", payload()), JsonError::TrailingBytes),
        (format!("{}{}", payload(), payload()), JsonError::TrailingBytes),
        (format!("{}\0", payload()), JsonError::TrailingBytes),
        (format!("\u{feff}{}", payload()), JsonError::Syntax { at: 0 }),
        (format!("[{}]", payload()), JsonError::NotAnObject),
        ("null".to_owned(), JsonError::NotAnObject),
        ("\"eyJ\"".to_owned(), JsonError::NotAnObject),
    ] {
        assert_eq!(with_payload(&bad).unwrap_err(), VerifyError::Payload(error), "{bad}");
    }
    let mut latin1 = payload_with(r#""own":"?""#).into_bytes();
    let at = latin1.iter().position(|byte| *byte == b'?').unwrap();
    latin1[at] = 0xe9;
    assert_eq!(with_payload(latin1).unwrap_err(), VerifyError::Payload(JsonError::Encoding));
    // Overlong and surrogate forms of UTF-8.
    for bytes in [&b"\xc0\xaf"[..], b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
        let text = [payload_with(r#""own":""#).as_bytes(), bytes, b"\"}"].concat();
        assert_eq!(with_payload(text).unwrap_err(), VerifyError::Payload(JsonError::Encoding));
    }
    // JSON sets numbers no limit (RFC 8259 section 6), and issuers in other languages write integers of any length:
    // whoever reads one is told if it does not fit, and nothing of it is guessed. Where nobody reads it, to refuse it
    // would refuse good tokens of theirs and protect nobody.
    assert!(
        with_payload(payload_with(r#""own":[1e400,123456789012345678901234567890,-0]"#)).is_ok(),
        "nobody asks for it"
    );
}

/// `crit` and `b64` (CVE-2025-59420, RFC 7797 section 7): rightly signed, still refused.
#[test]
fn critical_headers_are_refused() {
    for (name, header) in [
        ("crit", r#"{"alg":"HS256","typ":"at+jwt","crit":["exp"],"exp":1}"#),
        ("crit", r#"{"alg":"HS256","typ":"at+jwt","crit":[]}"#),
        ("crit", r#"{"alg":"HS256","typ":"at+jwt","b64":false,"crit":["b64"]}"#),
        ("b64", r#"{"alg":"HS256","typ":"at+jwt","b64":false}"#),
        ("b64", r#"{"alg":"HS256","typ":"at+jwt","b64":true}"#),
    ] {
        assert_eq!(with_header(header).unwrap_err(), MalformedToken::Refused(name).into(), "{header}");
    }
}
