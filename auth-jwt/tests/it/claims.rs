//! What a policy accepts.

use std::time::Duration;

use auth_core::{RejectionReason, UnixTime};
use auth_jwt::{PolicyError, TokenPolicy, Verifier, VerifyError, any_audience, any_typ};

use crate::support::*;

fn at(token: &str, secs: u64) -> Result<(), VerifyError> {
    verifier().verify::<()>(token, UnixTime::from_secs(secs)).map(drop)
}

#[test]
fn a_good_token_tells_its_claims() {
    let extra =
        r#""scope":"a b","nbf":1799999999,"auth_time":1799990000.9,"acr":"aal2","amr":["pwd","\u006ftp"]"#;
    let verified = with_payload(payload_with(extra)).unwrap();
    let claims = verified.claims();
    assert_eq!(claims.issuer(), ISSUER);
    assert_eq!(claims.subject(), Some("42"));
    assert_eq!(claims.audience().collect::<Vec<_>>(), [AUDIENCE]);
    assert_eq!((claims.token_id(), claims.client_id()), (Some("t1"), Some("web")));
    assert_eq!((claims.scope(), claims.acr()), (Some("a b"), Some("aal2")));
    assert_eq!(claims.methods().collect::<Vec<_>>(), ["pwd", "otp"]);
    assert_eq!(claims.expires_at(), UnixTime::from_secs(1_800_000_900));
    assert_eq!(claims.not_before(), Some(UnixTime::from_secs(1_799_999_999)));
    assert_eq!(claims.issued_at(), Some(NOW));
    assert_eq!(claims.authenticated_at(), Some(UnixTime::from_secs(1_799_990_000)));
    // Personal data stays out of logs.
    assert!(!format!("{verified:?}").contains("42"));
}

/// RFC 9068 section 2.2; "configured audience but missing aud accepted" was a hole of several peers.
#[test]
fn an_access_token_has_all_its_claims() {
    for claim in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        let refused = with_payload(payload_but(claim, "")).unwrap_err();
        assert_eq!(refused, VerifyError::Missing { claim }, "{claim}");
    }
    let anybody = Verifier::new(key(), TokenPolicy::access_token(issuer(), any_audience()));
    let token = sign(HEADER, payload_but("aud", ""));
    assert_eq!(anybody.verify::<()>(&token, NOW).unwrap_err(), VerifyError::Missing { claim: "aud" });
}

/// An explicit policy requires `iss`, `exp` and, unless that was given up, `aud`.
#[test]
fn an_explicit_policy_requires_what_it_names() {
    let named = Verifier::new(key(), TokenPolicy::typed(any_typ(), issuer(), audience()));
    let anybody = Verifier::new(key(), TokenPolicy::typed(any_typ(), issuer(), any_audience()));
    for (claim, with_audience, without) in [
        ("iss", Some("iss"), Some("iss")),
        ("exp", Some("exp"), Some("exp")),
        ("aud", Some("aud"), None),
        ("sub", None, None),
        ("client_id", None, None),
        ("iat", None, None),
        ("jti", None, None),
    ] {
        let token = sign(HEADER, payload_but(claim, ""));
        for (verifier, missing) in [(&named, with_audience), (&anybody, without)] {
            let answer = verifier.verify::<()>(&token, NOW).map(drop);
            assert_eq!(answer.err(), missing.map(|claim| VerifyError::Missing { claim }), "{claim}");
        }
    }
}

/// CVE-2024-53861 (a substring of the issuer), case, and wrong types.
#[test]
fn the_issuer_is_exact() {
    for bad in [
        "https://id.exampl",
        "https://id.example/",
        "https://ID.example",
        "id.example",
        "https://id.example\\u0020",
    ] {
        let refused = with_payload(payload_but("iss", &format!(r#""iss":"{bad}""#))).unwrap_err();
        assert!(matches!(refused, VerifyError::Mismatch { claim: "iss", .. }), "{bad}: {refused:?}");
        assert!(!refused.to_string().contains(bad) || ISSUER.contains(bad), "{refused}");
    }
    for bad in [r#"["https://id.example"]"#, "1", "null", "\"\"", "{}"] {
        let refused = with_payload(payload_but("iss", &format!(r#""iss":{bad}"#))).unwrap_err();
        assert!(matches!(refused, VerifyError::WrongType { claim: "iss", .. }), "{bad}");
    }
    assert!(
        with_payload(payload_but("iss", r#""iss":"https:\/\/id.exampl\u0065""#)).is_ok(),
        "the same text"
    );
}

/// CVE-2020-26160 (an array slipped past the check), and every other shape.
#[test]
fn the_audience_is_one_of_those_that_are_named() {
    let check = |aud: &str| with_payload(payload_but("aud", &format!(r#""aud":{aud}"#))).map(drop);
    for good in [
        r#""https://api.example""#,
        r#"["https://api.example"]"#,
        r#"["x","https://api.example"]"#,
        r#"[ "https://api.exampl\u0065" , "y" ]"#,
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for other in
        [r#""https://api.exampl""#, r#""https://API.example""#, r#"["a","b"]"#, r#""https://api.example x""#]
    {
        assert!(matches!(check(other), Err(VerifyError::Mismatch { claim: "aud", .. })), "{other}");
    }
    for bad in [
        "1",
        "null",
        "true",
        "{}",
        "[]",
        "\"\"",
        r#"[""]"#,
        r#"[["https://api.example"]]"#,
        r#"["https://api.example",1]"#,
        r#"["https://api.example",""]"#,
        r#"{"https://api.example":1}"#,
    ] {
        assert!(matches!(check(bad), Err(VerifyError::WrongType { claim: "aud", .. })), "{bad}");
    }
    // Although the policy looks at no audience, a wrong type is wrong.
    let anybody = Verifier::new(key(), TokenPolicy::typed(any_typ(), issuer(), any_audience()));
    let token = sign(HEADER, payload_but("aud", r#""aud":7"#));
    assert!(matches!(anybody.verify::<()>(&token, NOW), Err(VerifyError::WrongType { claim: "aud", .. })));
}

/// RFC 7519 section 4.1.4: on or after `exp` it is refused; leeway moves that moment and nothing else.
#[test]
fn the_last_second_is_the_one_before_exp_and_leeway() {
    let token = sign(HEADER, payload());
    assert_eq!(at(&token, 1_800_000_900 + 29), Ok(()));
    let refused = at(&token, 1_800_000_900 + 30).unwrap_err();
    assert_eq!(refused, VerifyError::Expired { ago: Duration::from_secs(30) });
    assert!(refused.is_expired());

    let strict = Verifier::new(key(), policy().with_leeway(Duration::ZERO).unwrap());
    assert!(strict.verify::<()>(&token, UnixTime::from_secs(1_800_000_899)).is_ok());
    assert!(strict.verify::<()>(&token, UnixTime::from_secs(1_800_000_900)).unwrap_err().is_expired());
    assert!(strict.verify::<()>(&token, UnixTime::MAX).unwrap_err().is_expired());
}

#[test]
fn a_token_does_not_begin_before_nbf() {
    let token = sign(HEADER, payload_with(r#""nbf":1800000100"#));
    assert_eq!(at(&token, 1_800_000_100 - 30), Ok(()));
    let refused = at(&token, 1_800_000_100 - 31).unwrap_err();
    assert_eq!(refused, VerifyError::NotYetValid { claim: "nbf", wait: Duration::from_secs(31) });
}

/// A token from the future would outlive "revoke all that were issued before now".
#[test]
fn a_token_is_not_issued_in_the_future() {
    let token = sign(HEADER, payload());
    assert_eq!(at(&token, 1_800_000_000 - 30), Ok(()));
    let refused = at(&token, 1_800_000_000 - 31).unwrap_err();
    assert_eq!(refused, VerifyError::NotYetValid { claim: "iat", wait: Duration::from_secs(31) });
    // A clock before 1970 reads as 1970.
    assert!(matches!(at(&token, 0), Err(VerifyError::NotYetValid { .. })));
}

/// RFC 7519 section 2: dates may have fractions. `exp` is rounded down, `nbf` up.
#[test]
fn fractions_of_seconds_count_against_the_token() {
    let exp = |exp: &str| sign(HEADER, payload_but("exp", &format!(r#""exp":{exp}"#)));
    assert_eq!(at(&exp("1800000900.999"), 1_800_000_929), Ok(()));
    assert!(at(&exp("1800000900.999"), 1_800_000_930).unwrap_err().is_expired());
    assert_eq!(at(&exp("1.8000009e9"), 1_800_000_929), Ok(()));
    let nbf = sign(HEADER, payload_with(r#""nbf":1800000100.001"#));
    assert!(at(&nbf, 1_800_000_070).is_err());
    assert_eq!(at(&nbf, 1_800_000_071), Ok(()));
}

/// Every number that is not a date.
#[test]
fn what_is_not_a_date_is_refused() {
    for claim in ["exp", "nbf", "iat", "auth_time"] {
        for bad in [
            "\"1800000900\"",
            "true",
            "null",
            "[1800000900]",
            "{}",
            "-1",
            "-0",
            "1e308",
            "1e400",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
            "-1800000900",
        ] {
            let refused = with_payload(payload_but(claim, &format!(r#""{claim}":{bad}"#))).unwrap_err();
            let is_it = matches!(refused, VerifyError::WrongType { claim: found, .. } if found == claim);
            assert!(is_it, "{claim} {bad}: {refused:?}");
        }
        for bad in ["NaN", "Infinity", "1800000900s", "0x6b49d200", "01800000900"] {
            let refused = with_payload(payload_but(claim, &format!(r#""{claim}":{bad}"#))).unwrap_err();
            assert!(matches!(refused, VerifyError::Payload(_)), "{claim} {bad}");
        }
    }
    let latest = sign(HEADER, payload_but("exp", r#""exp":9007199254740992"#));
    assert_eq!(at(&latest, 1_800_000_000), Ok(()));
}

#[test]
fn leeway_has_an_upper_bound() {
    assert!(policy().with_leeway(Duration::from_secs(300)).is_ok());
    for bad in [Duration::from_secs(301), Duration::from_millis(300_001), Duration::MAX] {
        let refused = policy().with_leeway(bad).unwrap_err();
        assert_eq!(refused, PolicyError::Leeway { max: Duration::from_secs(300) });
    }
}

/// CVE-2024-51744: the signature comes first, then the token, then time, and nothing before it tells more.
#[test]
fn errors_come_in_their_order() {
    let forged = |payload: &str| sign_segments(&base64(HEADER), &base64(payload), &[1; 32]);
    let expired = payload_but("exp", r#""exp":1"#);
    for payload in [&*expired, "not json", "{}", r#"{"iss":7}"#] {
        assert_eq!(verify(&forged(payload)).unwrap_err(), VerifyError::Signature, "{payload}");
    }
    let other_typ = sign_segments(&base64(r#"{"alg":"HS256","typ":"JWT"}"#), &base64(&expired), &[1; 32]);
    assert_eq!(verify(&other_typ).unwrap_err(), VerifyError::Signature);
    // Expired, and for somebody else: it is not called expired, for no refresh would help.
    let both = payload_but("exp", r#""exp":1"#).replace(AUDIENCE, "https://other.example");
    assert!(matches!(with_payload(both), Err(VerifyError::Mismatch { claim: "aud", .. })));
    assert!(with_payload(&expired).unwrap_err().is_expired());
    // Expired, and not what the type wants.
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Own {
        plan: String,
    }
    let refused = verifier().verify::<Own>(&sign(HEADER, &expired), NOW).unwrap_err();
    assert!(refused.is_expired());
    let refused = verifier().verify::<Own>(&sign(HEADER, payload()), NOW).unwrap_err();
    assert!(matches!(refused, VerifyError::OwnClaims(error) if error.claim() == Some("plan")));
}

/// One word for whoever presents a token; the reason for the audit log.
#[test]
fn the_public_reason_is_always_the_same() {
    let expired = with_payload(payload_but("exp", r#""exp":1"#)).unwrap_err();
    let forged = verify(&sign_segments(&base64(HEADER), &base64(payload()), &[1; 32])).unwrap_err();
    let malformed = verify("x").unwrap_err();
    for (error, reason) in [
        (expired, RejectionReason::Expired),
        (forged, RejectionReason::Signature),
        (malformed, RejectionReason::Malformed),
    ] {
        assert_eq!((error.public_reason(), error.rejection_reason()), ("invalid_token", Some(reason)));
        assert_eq!(auth_core::Refusal::from(error).to_string(), "credential refused");
    }
}

/// One pass gives borrowed claims, and the buffer serves the next token.
#[test]
fn claims_may_be_borrowed() {
    #[derive(serde::Deserialize)]
    struct Own<'a> {
        #[serde(borrow)]
        plan: std::borrow::Cow<'a, str>,
        tags: Vec<&'a str>,
    }
    let verifier = verifier();
    let mut buffer = auth_jwt::TokenBuffer::new();
    let long = "x".repeat(2_000);
    for (plan, text) in [("pro", "pro"), (&*long, &*long), ("pr\\u006f", "pro")] {
        let token = sign(HEADER, payload_with(&format!(r#""plan":"{plan}","tags":["a","b"]"#)));
        let verified = verifier.verify_in::<Own<'_>>(&token, NOW, &mut buffer).unwrap();
        assert_eq!((&*verified.own().plan, &*verified.own().tags), (text, &["a", "b"][..]));
    }
}
