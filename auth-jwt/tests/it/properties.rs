//! Whatever comes: no panic, and nothing but the token itself is accepted.

use auth_core::{Authentication, Login, Method, PrincipalId, UnixTime, testing::login_as};
use auth_jwt::{
    AccessToken, ClientId, MalformedToken, TokenIssuer, UnverifiedToken, Verified, Verifier, VerifyError,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::*;

/// Tampering. Every byte counts, whatever it is changed into.
#[test]
fn every_changed_byte_is_noticed() {
    let verifier = verifier();
    let token = sign(HEADER, payload_with(r#""own":{"a":[1,2,3]}"#));
    assert!(verifier.verify::<Value>(&token, NOW).is_ok());
    for at in 0..token.len() {
        for byte in (0..=127).map(char::from) {
            let mut changed = token.clone();
            changed.replace_range(at..=at, byte.encode_utf8(&mut [0; 4]));
            if changed != token {
                let refused = verifier.verify::<Value>(&changed, NOW).unwrap_err();
                assert!(
                    matches!(
                        refused,
                        VerifyError::Malformed(_) | VerifyError::Signature | VerifyError::Algorithm { .. }
                    ),
                    "byte {at}: {refused:?}"
                );
            }
        }
        let mut removed = token.clone();
        removed.remove(at);
        assert!(verifier.verify::<Value>(&removed, NOW).is_err());
        let mut doubled = token.clone();
        doubled.insert(at, token.as_bytes()[at].into());
        assert!(verifier.verify::<Value>(&doubled, NOW).is_err());
        assert!(verifier.verify::<Value>(&token[..at], NOW).is_err());
    }
}

/// The signed part of one token with the signature of another.
#[test]
fn segments_of_two_tokens_do_not_mix() {
    let one = sign(HEADER, payload());
    let two = sign(HEADER, payload_but("sub", r#""sub":"43""#));
    let (one, two): (Vec<_>, Vec<_>) = (one.split('.').collect(), two.split('.').collect());
    assert_eq!(verify(&[one[0], one[1], two[2]].join(".")).unwrap_err(), VerifyError::Signature);
    assert_eq!(verify(&[one[0], two[1], one[2]].join(".")).unwrap_err(), VerifyError::Signature);
}

fn never_panics(token: &str) {
    let verifier = verifier();
    for now in [UnixTime::EPOCH, NOW, UnixTime::MAX] {
        assert!(verifier.verify::<()>(token, now).is_err());
        assert!(verifier.verify::<Value>(token, now).is_err());
    }
    let _ = UnverifiedToken::parse(token);
    let _ = AccessToken::from_authorization(token.as_bytes());
}

proptest! {
    #[test]
    fn arbitrary_text_is_refused_without_a_panic(token in ".{0,300}") {
        never_panics(&token);
    }

    #[test]
    fn arbitrary_segments_are_refused_without_a_panic(
        header in prop::collection::vec(any::<u8>(), 0..80),
        payload in prop::collection::vec(any::<u8>(), 0..80),
        signature in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        never_panics(&format!("{}.{}.{}", base64(header), base64(payload), base64(signature)));
    }

    #[test]
    fn signed_headers_and_payloads_of_any_bytes_do_not_panic(
        header in prop::collection::vec(any::<u8>(), 0..80),
        payload in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        never_panics(&sign(&header, &payload));
        never_panics(&sign(HEADER, &payload));
    }

    #[test]
    fn a_signed_payload_with_changed_bytes_does_not_panic(
        at in any::<prop::sample::Index>(), with in any::<u8>(), extra in "[ -~]{0,20}",
    ) {
        let mut bytes = payload_with(&format!(r#""x":"{extra}""#)).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = with;
        let verifier = verifier();
        let token = sign(HEADER, &bytes);
        let (skipped, read) = (verifier.verify::<()>(&token, NOW), verifier.verify::<Value>(&token, NOW));
        match (skipped, read) {
            // The registered claims are the same, whatever is made of the others.
            (Ok(skipped), Ok(read)) => prop_assert_eq!(skipped.claims(), read.claims()),
            (Err(skipped), Err(read)) => prop_assert_eq!(skipped, read),
            (skipped, read) => prop_assert!(matches!(read, Err(VerifyError::OwnClaims(_))), "{skipped:?} {read:?}"),
        }
    }

    #[test]
    fn what_is_issued_is_what_is_verified(
        id in "[^\\pC]{1,60}", secs in 1_000_000_000..9_000_000_000u64, own in prop::collection::btree_map("x[^\\pC]{0,12}", any::<i64>(), 0..40),
    ) {
        let principal = PrincipalId::local_user(&id).unwrap();
        let now = UnixTime::from_secs(secs);
        let issuer = TokenIssuer::new(key(), issuer(), audience(), ClientId::new("web").unwrap());
        let issued = issuer.for_login(&login_as(&principal, now)).with_claims(&own).sign(now).unwrap();
        let verified: Verified<std::collections::BTreeMap<String, Value>> =
            verifier().verify(issued.token().expose(), now).unwrap();
        prop_assert_eq!(verified.claims().subject(), Some(&*id));
        prop_assert_eq!(verified.claims().token_id(), Some(issued.id()));
        for (name, value) in &own {
            prop_assert_eq!(&verified.own()[name], &Value::from(*value));
        }
    }

    #[test]
    fn time_decides_as_the_standard_says(exp in 0..4_000u64, nbf in 0..4_000u64, now in 0..4_000u64, leeway in 0..300u64) {
        let policy = policy().with_leeway(std::time::Duration::from_secs(leeway)).unwrap();
        let text = payload_but("exp", &format!(r#""exp":{exp},"nbf":{nbf}"#)).replace("1800000000", "0");
        let answer = Verifier::new(key(), policy).verify::<()>(&sign(HEADER, text), UnixTime::from_secs(now));
        let expected = nbf <= now + leeway && now < exp + leeway;
        prop_assert_eq!(answer.is_ok(), expected, "{:?}", answer);
    }
}

/// Size is judged before anything is done with it.
#[test]
fn a_hundred_megabytes_are_refused_at_once() {
    let token = "A".repeat(100_000_000);
    assert_eq!(verify(&token).unwrap_err(), MalformedToken::TooLong { max: 8192 }.into());
    let login = Login::assertion(Authentication::new(
        PrincipalId::local_user("42").unwrap(),
        Method::PASSWORD,
        NOW,
        auth_core::AuthEpoch::ZERO,
    ));
    let issuer = TokenIssuer::new(key(), issuer(), audience(), ClientId::new("web").unwrap());
    assert!(verify(issuer.for_login(&login).sign(NOW).unwrap().token().expose()).is_ok());
}
