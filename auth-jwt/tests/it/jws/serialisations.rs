//! The JSON serialisations (RFC 7515 section 7.2).

use auth_jwt::{JsonError, JwsError, MalformedToken};

use super::*;
use crate::support::sign;

#[test]
fn each_serialisation_has_its_own_method() {
    let ours = entry(PLAIN, b"hello", "");
    let (compact, flattened, general) = (sign(PLAIN, "hello"), flattened(PLAIN), general(&[&ours]));
    let verifier = verifier();
    assert_eq!(payload_of(verifier.compact(&compact)).unwrap(), b"hello");
    assert_eq!(payload_of(verifier.flattened(&flattened)).unwrap(), b"hello");
    assert_eq!(payload_of(verifier.general_any(&general)).unwrap(), b"hello");
    assert_eq!(payload_of(verifier.general_all(&general)).unwrap(), b"hello");

    assert_eq!(verifier.flattened(&general).unwrap_err(), JwsError::Member("signatures"));
    for refused in [verifier.general_any(&flattened), verifier.general_all(&flattened)] {
        assert_eq!(refused.unwrap_err(), JwsError::Member("signature"));
    }
    for refused in
        [verifier.flattened(&compact), verifier.general_any(&compact), verifier.general_all(&compact)]
    {
        assert!(matches!(refused, Err(JwsError::Malformed(MalformedToken::Json(_)))));
    }
    assert!(matches!(verifier.compact(&flattened), Err(JwsError::Malformed(_))));
    assert!(matches!(verifier.compact(&general), Err(JwsError::Malformed(_))));
}

/// Two readers must not see two JWS in one text (RFC 7515 section 7.2.2).
#[test]
fn members_of_both_serialisations_do_not_mix() {
    let ours = entry(PLAIN, b"hello", "");
    let payload = base64("hello");
    for (extra, name) in [
        (ours.clone(), "signature"),
        (r#""signature":"AAAA""#.to_owned(), "signature"),
        (format!(r#""protected":"{}""#, base64(PLAIN)), "protected"),
        (r#""header":{"kid":"a"}"#.to_owned(), "header"),
        (r#""sign\u0061ture":"AAAA""#.to_owned(), "signature"),
    ] {
        let before = format!(r#"{{"payload":"{payload}",{extra},"signatures":[{{{ours}}}]}}"#);
        let after = format!(r#"{{"payload":"{payload}","signatures":[{{{ours}}}],{extra}}}"#);
        for mixed in [before, after] {
            assert_eq!(verifier().general_any(&mixed).unwrap_err(), JwsError::Member(name), "{mixed}");
            assert_eq!(verifier().general_all(&mixed).unwrap_err(), JwsError::Member(name), "{mixed}");
            assert_eq!(verifier().flattened(&mixed).unwrap_err(), JwsError::Member("signatures"), "{mixed}");
        }
    }
}

/// RFC 7515 section 7.2: what nobody knows is ignored, and wrong case is not known.
#[test]
fn unknown_members_are_ignored() {
    let extra = r#""Payload":"eHh4","SIGNATURES":[],"x":{"signature":[1,2,{"protected":null}]},"#;
    assert!(verifier().flattened(&flattened_with(PLAIN, extra)).is_ok());
    let ours = entry(PLAIN, b"hello", extra);
    let jws = general(&[&ours]).replacen('{', r#"{"y":[[]],"#, 1);
    assert!(verifier().general_any(&jws).is_ok());
    assert!(verifier().general_all(&jws).is_ok());
    let spaced = flattened(PLAIN).replace(',', " ,\r\n\t").replace(':', " : ");
    assert!(verifier().flattened(&format!(" {spaced}\n")).is_ok());
}

#[test]
fn members_have_their_types() {
    let payload = base64("hello");
    let (protected, signature) = (base64(PLAIN), signature(PLAIN, b"hello"));
    for (name, bad) in [
        ("payload", format!(r#"{{"payload":1,"protected":"{protected}","signature":"{signature}"}}"#)),
        ("payload", format!(r#"{{"payload":null,"protected":"{protected}","signature":"{signature}"}}"#)),
        (
            "payload",
            format!(r#"{{"payload":["{payload}"],"protected":"{protected}","signature":"{signature}"}}"#),
        ),
        ("payload", format!(r#"{{"payload":{{}},"protected":"{protected}","signature":"{signature}"}}"#)),
        ("protected", format!(r#"{{"payload":"{payload}","protected":{PLAIN},"signature":"{signature}"}}"#)),
        ("protected", format!(r#"{{"payload":"{payload}","protected":null,"signature":"{signature}"}}"#)),
        ("signature", format!(r#"{{"payload":"{payload}","protected":"{protected}"}}"#)),
        ("signature", format!(r#"{{"payload":"{payload}","protected":"{protected}","signature":null}}"#)),
        (
            "signature",
            format!(r#"{{"payload":"{payload}","protected":"{protected}","signature":["{signature}"]}}"#),
        ),
        ("header", flattened_with(PLAIN, r#""header":"e30","#)),
        ("header", flattened_with(PLAIN, r#""header":null,"#)),
        ("header", flattened_with(PLAIN, r#""header":[],"#)),
    ] {
        assert_eq!(verifier().flattened(&bad).unwrap_err(), JwsError::Member(name), "{bad}");
    }
    assert!(verifier().flattened(&flattened_with(PLAIN, r#""header":{},"#)).is_ok());
    for bad in ["{}", "null", "1", r#""x""#, "[1]", "[null]", "[[]]", r#"["eyJ"]"#] {
        let jws = format!(r#"{{"payload":"{payload}","signatures":{bad}}}"#);
        assert_eq!(verifier().general_any(&jws).unwrap_err(), JwsError::Member("signatures"), "{jws}");
    }
    let none = format!(r#"{{"payload":"{payload}"}}"#);
    assert_eq!(verifier().general_any(&none).unwrap_err(), JwsError::Member("signatures"));
    let without = format!(r#"{{"payload":"{payload}","signatures":[{{"protected":"{protected}"}}]}}"#);
    assert_eq!(verifier().general_any(&without).unwrap_err(), JwsError::Member("signature"));
    let empty = flattened(PLAIN).replace(&protected, "");
    assert_eq!(
        verifier().flattened(&empty).unwrap_err(),
        MalformedToken::Json(JsonError::Syntax { at: 0 }).into()
    );
}

/// RFC 7515 appendix F: detached means that there is no member.
#[test]
fn a_payload_is_detached_or_not() {
    let detached = format!("{{{}}}", entry(PLAIN, b"hello", ""));
    assert_eq!(verifier().flattened_detached(&detached, b"hello").unwrap().payload(), b"hello");
    assert_eq!(verifier().flattened_detached(&detached, b"other").unwrap_err(), JwsError::Signature);
    assert_eq!(verifier().flattened(&detached).unwrap_err(), JwsError::PayloadMissing);
    let several = format!(r#"{{"signatures":[{detached}]}}"#);
    assert_eq!(verifier().general_any_detached(&several, b"hello").unwrap().payload(), b"hello");
    assert_eq!(verifier().general_all_detached(&several, b"hello").unwrap().payload(), b"hello");
    assert_eq!(verifier().general_any(&several).unwrap_err(), JwsError::PayloadMissing);
    assert_eq!(verifier().general_all(&several).unwrap_err(), JwsError::PayloadMissing);
    for payload in ["", "aGVsbG8"] {
        let present = detached.replacen('{', &format!(r#"{{"payload":"{payload}","#), 1);
        let error = JwsError::PayloadPresent;
        assert_eq!(verifier().flattened_detached(&present, b"hello").unwrap_err(), error);
        let several = several.replacen('{', &format!(r#"{{"payload":"{payload}","#), 1);
        assert_eq!(verifier().general_any_detached(&several, b"hello").unwrap_err(), error);
        assert_eq!(verifier().general_all_detached(&several, b"hello").unwrap_err(), error);
    }
    let empty = format!(r#"{{"payload":"",{}}}"#, entry(PLAIN, b"", ""));
    assert_eq!(verifier().flattened(&empty).unwrap().payload(), b"");
}

/// Duplicate members at any depth, byte order mark, trailing bytes, nesting, NUL.
#[test]
fn a_serialisation_is_strict_json() {
    let good = flattened(PLAIN);
    let with = |extra: &str| flattened_with(PLAIN, extra);
    for (bad, error) in [
        (with(r#""payload":"eHh4","#), JsonError::DuplicateMember),
        (with(r#""p\u0061yload":"eHh4","#), JsonError::DuplicateMember),
        (with(r#""signature":"AAAA","#), JsonError::DuplicateMember),
        (with(r#""header":{"a":1},"header":{},"#), JsonError::DuplicateMember),
        (with(r#""header":{"a":1,"\u0061":2},"#), JsonError::DuplicateMember),
        (with(r#""x":[{"y":{"a":1,"a":2}}],"#), JsonError::DuplicateMember),
        (with(r#""x":"\ud800","#), JsonError::Character),
        (with(r#""x":"\u0000","#), JsonError::Character),
        (with(&format!(r#""x":{}{},"#, "[".repeat(25_000), "]".repeat(25_000))), JsonError::TooDeep),
        (with(&format!(r#""header":{{"x":{}{}}},"#, "[".repeat(12), "]".repeat(12))), JsonError::TooDeep),
        (with(&(0..20).map(|n| format!(r#""x{n}":1,"#)).collect::<String>()), JsonError::TooManyMembers),
        (format!("{good}x"), JsonError::TrailingBytes),
        (format!("{good}{good}"), JsonError::TrailingBytes),
        (format!("{good}\0"), JsonError::TrailingBytes),
        (format!("\u{feff}{good}"), JsonError::Syntax { at: 0 }),
        (format!("[{good}]"), JsonError::NotAnObject),
        ("null".to_owned(), JsonError::NotAnObject),
        ("\"eyJ\"".to_owned(), JsonError::NotAnObject),
        (String::new(), JsonError::Syntax { at: 0 }),
    ] {
        assert_eq!(verifier().flattened(&bad).unwrap_err(), MalformedToken::Json(error).into(), "{bad}");
    }
    // In another's signature it spoils all: the text is no JSON that two readers read alike.
    let ours = entry(PLAIN, b"hello", "");
    let theirs = r#""signature":"AAAA","header":{"a":1,"a":2}"#;
    let duplicate = MalformedToken::Json(JsonError::DuplicateMember).into();
    assert_eq!(verifier().general_any(&general(&[&ours, theirs])).unwrap_err(), duplicate);
    // A header of a common shape does not come near the caps.
    let jwk = r#""header":{"kid":"a","jwk":{"kty":"EC","x5c":["a","b"],"key_ops":["verify"]}},"#;
    assert!(verifier().general_any(&general(&[&entry(PLAIN, b"hello", jwk)])).is_ok());
}

/// Nobody has to escape base64url, so whoever does so hides something.
#[test]
fn base64url_has_no_escapes() {
    let good = flattened(PLAIN);
    for name in ["payload", "protected", "signature"] {
        let at = good.find(&format!(r#""{name}":""#)).unwrap() + name.len() + 4;
        let mut bad = good.clone();
        let escaped = format!("\\u00{:02x}", good.as_bytes()[at]);
        bad.replace_range(at..=at, &escaped);
        assert_eq!(verifier().flattened(&bad).unwrap_err(), MalformedToken::Base64.into(), "{bad}");
    }
}
