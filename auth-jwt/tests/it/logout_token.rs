//! Logout tokens, by the table of OpenID Connect Back-Channel Logout section 2.6.

use std::time::Duration;

use auth_core::UnixTime;
use auth_jwt::{ClientId, LogoutToken, LogoutTokenVerifier, VerifyError};

use crate::support::*;

const LOGOUT: &str = r#"{"alg":"HS256","typ":"logout+jwt"}"#;
const EVENTS: &str = r#"{"http://schemas.openid.net/event/backchannel-logout":{}}"#;

fn logout_verifier() -> LogoutTokenVerifier {
    LogoutTokenVerifier::new(key(), issuer(), ClientId::new("web").unwrap())
}

fn payload_of(changes: &[(&str, &str)]) -> String {
    let members = [
        ("iss", r#""https://id.example""#),
        ("sub", r#""42""#),
        ("sid", r#""s1""#),
        ("aud", r#""web""#),
        ("exp", "1800000120"),
        ("iat", "1800000000"),
        ("jti", r#""t1""#),
        ("events", EVENTS),
    ];
    let changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    let kept = members.into_iter().filter(|(name, _)| !changed(name)).chain(changes.iter().copied());
    let kept: Vec<_> = kept
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    format!("{{{}}}", kept.join(","))
}

fn verify_logout(changes: &[(&str, &str)]) -> Result<LogoutToken, VerifyError> {
    logout_verifier().verify(&sign(LOGOUT, payload_of(changes)), NOW)
}

#[test]
fn a_good_logout_token_says_what_is_over() {
    let both = verify_logout(&[]).unwrap();
    assert_eq!((both.session_id(), both.subject(), both.token_id()), (Some("s1"), Some("42"), "t1"));
    let session = verify_logout(&[("sub", "")]).unwrap();
    assert_eq!((session.session_id(), session.subject()), (Some("s1"), None));
    let subject = verify_logout(&[("sid", "")]).unwrap();
    assert_eq!((subject.session_id(), subject.subject()), (None, Some("42")));
    assert_eq!(subject.claims().issuer(), ISSUER);
    let nobody = verify_logout(&[("sid", ""), ("sub", "")]).unwrap_err();
    assert_eq!(nobody, VerifyError::Missing { claim: "sub or sid" });
}

#[test]
fn a_logout_token_has_all_its_claims() {
    for claim in ["iss", "aud", "exp", "iat", "jti", "events"] {
        assert_eq!(verify_logout(&[(claim, "")]).unwrap_err(), VerifyError::Missing { claim });
    }
    for claim in ["iss", "aud", "exp", "iat", "jti", "events", "sub", "sid"] {
        for bad in ["null", "true", "[]", "\"\""] {
            let refused = verify_logout(&[(claim, bad)]).unwrap_err();
            assert!(
                matches!(refused, VerifyError::WrongType { claim: found, .. } if found == claim),
                "{claim} {bad}: {refused:?}"
            );
        }
    }
    assert!(matches!(verify_logout(&[("aud", r#""app""#)]), Err(VerifyError::Mismatch { claim: "aud", .. })));
    assert!(verify_logout(&[("exp", "1")]).unwrap_err().is_expired());
    let future = verify_logout(&[("iat", "1800000031")]).unwrap_err();
    assert!(matches!(future, VerifyError::NotYetValid { claim: "iat", .. }));
}

#[test]
fn the_event_is_that_of_logging_out() {
    for good in [
        EVENTS,
        r#"{"other":1,"http://schemas.openid.net/event/backchannel-logout":{"x":[]}}"#,
        r#"{"http:\/\/schemas.openid.net\/event\/backchannel-logout":{}}"#,
    ] {
        assert!(verify_logout(&[("events", good)]).is_ok(), "{good}");
    }
    for bad in [
        "{}",
        r#"{"other":{}}"#,
        r#"{"http://schemas.openid.net/event/backchannel-logout":null}"#,
        r#"{"http://schemas.openid.net/event/backchannel-logout":"x"}"#,
        r#"{"http://schemas.openid.net/event/backchannel-logout":[]}"#,
        r#"{"http://schemas.openid.net/event/backchannel-logout/":{}}"#,
        r#"{"HTTP://schemas.openid.net/event/backchannel-logout":{}}"#,
        r#"{"x":{"http://schemas.openid.net/event/backchannel-logout":{}}}"#,
    ] {
        let refused = verify_logout(&[("events", bad)]).unwrap_err();
        assert!(matches!(refused, VerifyError::Mismatch { claim: "events", .. }), "{bad}: {refused:?}");
    }
    // The same member twice, one of which would do.
    let twice = EVENTS.replace("{}}", r#"{},"http://schemas.openid.net/event/backchannel-logout":1}"#);
    assert!(matches!(verify_logout(&[("events", &twice)]), Err(VerifyError::Payload(_))));
}

/// Section 2.4: a `nonce` is prohibited, so that nobody presents an ID token here, or a logout token there.
#[test]
fn an_id_token_is_no_logout_token() {
    let refused = verify_logout(&[("nonce", r#""n""#)]).unwrap_err();
    assert!(matches!(refused, VerifyError::Forbidden { claim: "nonce", .. }));
    for other in [r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","typ":"JWT"}"#, HEADER] {
        let refused = logout_verifier().verify(&sign(other, payload_of(&[])), NOW).unwrap_err();
        assert!(matches!(refused, VerifyError::Type { .. }), "{other}");
        let legacy = logout_verifier().with_any_typ();
        assert!(legacy.verify(&sign(other, payload_of(&[])), NOW).is_ok());
        assert!(legacy.verify(&sign(other, payload_of(&[("events", "")])), NOW).is_err());
    }
}

#[test]
fn a_logout_token_without_expiry_takes_a_call() {
    let legacy = logout_verifier().without_expiry();
    let late = UnixTime::from_secs(1_900_000_000);
    let token = sign(LOGOUT, payload_of(&[("exp", "")]));
    assert!(legacy.verify(&token, late).is_ok());
    let bounded = legacy.with_max_token_age(Duration::from_secs(120)).unwrap();
    assert!(bounded.verify(&token, NOW).is_ok());
    assert!(matches!(bounded.verify(&token, late), Err(VerifyError::TooOld { claim: "iat", .. })));
    assert!(logout_verifier().with_leeway(Duration::from_secs(301)).is_err());
    let strict = logout_verifier().with_leeway(Duration::ZERO).unwrap();
    let token = sign(LOGOUT, payload_of(&[]));
    assert!(strict.verify(&token, UnixTime::from_secs(1_800_000_119)).is_ok());
    assert!(strict.verify(&token, UnixTime::from_secs(1_800_000_120)).unwrap_err().is_expired());
}
