//! ID tokens, by the table of OpenID Connect Core section 3.1.3.7.

use std::time::Duration;

use auth_core::{SystemEntropy, UnixTime};
use auth_jwt::{
    AccessToken, Audience, Claims, ClientId, Ed25519SigningKey, IdToken, IdTokenChecks, IdTokenPolicy,
    IdTokenVerifier, Nonce, TokenSigner, VerifyError, any_typ, typ,
};

use crate::support::*;

const JWT: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn client(name: &str) -> ClientId {
    ClientId::new(name).unwrap()
}

fn id_policy() -> IdTokenPolicy {
    IdTokenPolicy::new(issuer(), client("web"))
}

fn nonce() -> Nonce {
    Nonce::new("n-0S6_WzA2Mj").unwrap()
}

/// A good ID token's payload, with members replaced or added, or left out if they are empty.
fn id_payload(changes: &[(&str, &str)]) -> String {
    let members = [
        ("iss", r#""https://id.example""#),
        ("sub", r#""42""#),
        ("aud", r#""web""#),
        ("exp", "1800000900"),
        ("iat", "1800000000"),
        ("nonce", r#""n-0S6_WzA2Mj""#),
    ];
    let changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    let kept = members.into_iter().filter(|(name, _)| !changed(name)).chain(changes.iter().copied());
    let kept: Vec<_> = kept
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    format!("{{{}}}", kept.join(","))
}

fn verify_with(
    policy: IdTokenPolicy,
    checks: &IdTokenChecks<'_>,
    changes: &[(&str, &str)],
) -> Result<IdToken, VerifyError> {
    IdTokenVerifier::new(key(), policy).verify(&sign(JWT, id_payload(changes)), checks, NOW)
}

fn verify_id(changes: &[(&str, &str)]) -> Result<IdToken, VerifyError> {
    verify_with(id_policy(), &IdTokenChecks::nonce(&nonce()), changes)
}

fn mismatch(answer: Result<IdToken, VerifyError>) -> &'static str {
    match answer {
        Err(VerifyError::Mismatch { claim, .. }) => claim,
        other => panic!("no mismatch: {other:?}"),
    }
}

#[test]
fn a_good_id_token_says_who_logged_in() {
    let token = verify_id(&[("sid", r#""s1""#), ("auth_time", "1799999000"), ("azp", r#""web""#)]).unwrap();
    assert_eq!((token.subject(), token.session_id()), ("42", Some("s1")));
    assert_eq!(token.claims().authorized_party(), Some("web"));
    assert_eq!(token.claims().authenticated_at(), Some(UnixTime::from_secs(1_799_999_000)));
}

#[test]
fn an_id_token_has_all_its_claims() {
    for claim in ["iss", "sub", "aud", "exp", "iat", "nonce"] {
        assert_eq!(verify_id(&[(claim, "")]).unwrap_err(), VerifyError::Missing { claim });
        for bad in ["null", "{}", "false", "[]"] {
            let refused = verify_id(&[(claim, bad)]).unwrap_err();
            assert!(
                matches!(refused, VerifyError::WrongType { claim: found, .. } if found == claim),
                "{refused:?}"
            );
        }
    }
    assert_eq!(mismatch(verify_id(&[("iss", r#""https://id.example/""#)])), "iss");
    assert_eq!(mismatch(verify_id(&[("aud", r#""app""#)])), "aud");
    assert!(verify_id(&[("exp", "1799999970")]).unwrap_err().is_expired());
}

/// Steps 3 to 5: one audience is the client; several need an `azp`, and the others have to be trusted.
#[test]
fn an_id_token_for_several_says_who_asked_for_it() {
    let both = r#"["web","api"]"#;
    let trusting = || id_policy().with_trusted_audiences([Audience::new("api").unwrap()]);
    let check = |policy: IdTokenPolicy, aud: &str, azp: &str| {
        verify_with(policy, &IdTokenChecks::nonce(&nonce()), &[("aud", aud), ("azp", azp)])
    };
    assert!(check(id_policy(), r#"["web"]"#, "").is_ok());
    assert!(check(id_policy(), r#"["web","web"]"#, r#""web""#).is_ok());
    assert_eq!(mismatch(check(id_policy(), both, r#""web""#)), "aud");
    assert_eq!(mismatch(check(trusting(), r#"["web","other"]"#, r#""web""#)), "aud");
    assert_eq!(mismatch(check(trusting(), r#""api""#, r#""web""#)), "aud");
    assert!(check(trusting(), both, r#""web""#).is_ok());
    assert_eq!(check(trusting(), both, "").unwrap_err(), VerifyError::Missing { claim: "azp" });
    assert_eq!(mismatch(check(trusting(), both, r#""api""#)), "azp");
    assert_eq!(mismatch(check(id_policy(), r#""web""#, r#""app""#)), "azp");
    let family = || id_policy().with_authorized_parties([client("app")]);
    assert!(check(family(), r#""web""#, r#""app""#).is_ok());
    assert!(check(family(), r#""web""#, r#""web""#).is_ok());
    assert_eq!(mismatch(check(family(), r#""web""#, r#""other""#)), "azp");
}

/// Step 11. A token of another login is a good token, except for this.
#[test]
fn the_nonce_is_that_of_the_request() {
    let nonce = nonce();
    let check =
        |checks: IdTokenChecks<'_>, value: &str| verify_with(id_policy(), &checks, &[("nonce", value)]);
    let right = r#""n-0S6_WzA2M\u006a""#;
    for wrong in [r#""n-0S6_WzA2M""#, r#""n-0S6_WzA2Mjx""#, r#""N-0S6_WZA2MJ""#] {
        assert_eq!(mismatch(check(IdTokenChecks::nonce(&nonce), wrong)), "nonce");
        assert_eq!(mismatch(check(IdTokenChecks::nonce_if_present(&nonce), wrong)), "nonce");
    }
    assert!(check(IdTokenChecks::nonce(&nonce), right).is_ok());
    assert!(check(IdTokenChecks::nonce_if_present(&nonce), right).is_ok());
    assert!(check(IdTokenChecks::nonce_if_present(&nonce), "").is_ok());
    assert!(check(IdTokenChecks::no_nonce(), "").is_ok());
    // It answers a request that had one, so not ours.
    let refused = check(IdTokenChecks::no_nonce(), right).unwrap_err();
    assert!(matches!(refused, VerifyError::Forbidden { claim: "nonce", .. }));
    assert!(!format!("{refused:?} {refused}").contains("n-0S6"), "errors are logged");
}

/// Steps 12 and 13, and section 12.2.
#[test]
fn what_was_asked_for_is_required() {
    let nonce = nonce();
    let base = || IdTokenChecks::nonce(&nonce);
    let check =
        |checks: &IdTokenChecks<'_>, changes: &[(&str, &str)]| verify_with(id_policy(), checks, changes);

    let classes = ["aal2", "aal3"];
    let acr = base().with_acr(&classes);
    assert!(check(&acr, &[("acr", r#""aal3""#)]).is_ok());
    assert_eq!(mismatch(check(&acr, &[("acr", r#""aal1""#)])), "acr");
    assert_eq!(check(&acr, &[]).unwrap_err(), VerifyError::Missing { claim: "acr" });
    assert_eq!(mismatch(check(&base().with_acr(&[]), &[("acr", r#""aal3""#)])), "acr");

    let max = Duration::from_secs(600);
    let fresh = base().with_max_age(max);
    assert!(check(&fresh, &[("auth_time", "1799999370")]).is_ok());
    let ago = Duration::from_secs(631);
    let refused = check(&fresh, &[("auth_time", "1799999369")]).unwrap_err();
    assert_eq!(refused, VerifyError::TooOld { claim: "auth_time", ago, max });
    assert_eq!(check(&fresh, &[]).unwrap_err(), VerifyError::Missing { claim: "auth_time" });
    let refused = check(&fresh, &[("auth_time", "1800000031")]).unwrap_err();
    assert!(matches!(refused, VerifyError::NotYetValid { claim: "auth_time", .. }));

    let known = base().with_subject("42");
    assert!(check(&known, &[]).is_ok());
    assert_eq!(mismatch(check(&known, &[("sub", r#""43""#)])), "sub");
    assert_eq!(mismatch(check(&base().with_subject(""), &[])), "sub");
}

/// OpenID Connect Core sections 3.1.3.8, 3.2.2.9 and 3.3.2.10: a token or code of somebody else's is not slipped in.
#[test]
fn what_came_with_the_token_is_hashed_in_it() {
    let nonce = nonce();
    let token = AccessToken::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y".to_owned());
    let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
    let base = || IdTokenChecks::nonce(&nonce);
    let check =
        |checks: IdTokenChecks<'_>, changes: &[(&str, &str)]| verify_with(id_policy(), &checks, changes);
    for (claim, right, required, if_there) in [
        (
            "at_hash",
            r#""77QmUPtjPfzWtF2AnpK9RQ""#,
            base().with_access_token(&token),
            base().with_access_token_if_hashed(&token),
        ),
        ("c_hash", r#""LDktKdoQak3Pk0cnXxCltA""#, base().with_code(code), base().with_code_if_hashed(code)),
    ] {
        assert!(check(required.clone(), &[(claim, right)]).is_ok());
        assert!(check(if_there.clone(), &[(claim, right)]).is_ok());
        assert_eq!(check(required.clone(), &[]).unwrap_err(), VerifyError::Missing { claim });
        assert!(check(if_there.clone(), &[]).is_ok());
        // Half, whole and padded hashes, and another's.
        for wrong in [
            r#""77QmUPtjPfzWtF2AnpK9RA""#,
            r#""77QmUPtjPfzWtF2AnpK9RQ==""#,
            r#""77QmUPtjPfzWtF2AnpK9""#,
            r#""ldKTkDOqAK3pK0CNxXcLTa""#,
        ] {
            assert_eq!(mismatch(check(required.clone(), &[(claim, wrong)])), claim);
            assert_eq!(mismatch(check(if_there.clone(), &[(claim, wrong)])), claim);
        }
        // Nobody asked.
        assert!(check(base(), &[(claim, r#""whatever""#)]).is_ok());
        assert!(matches!(check(base(), &[(claim, "1")]), Err(VerifyError::WrongType { .. })));
    }
}

/// The hash is that of the token's algorithm: for Ed25519, half of SHA-512.
#[test]
fn the_hash_function_is_that_of_the_key() {
    let key = Ed25519SigningKey::generate(&SystemEntropy).unwrap();
    let signer = TokenSigner::new(key.clone(), typ("JWT").unwrap(), issuer()).unwrap();
    let verify = |at_hash: &str| {
        let own = serde_json::json!({"at_hash": at_hash});
        let token = signer
            .expiring_at(UnixTime::from_secs(1_800_000_900))
            .with_issued_at(NOW)
            .with_subject("42")
            .with_audience(&Audience::from(client("web")))
            .with_claims(&own)
            .sign(NOW)
            .unwrap();
        let access_token = AccessToken::new("abc".to_owned());
        let checks = IdTokenChecks::no_nonce().with_access_token(&access_token);
        let verifier = IdTokenVerifier::new(key.verifying_key(), id_policy());
        verifier.verify::<()>(token.expose(), &checks, NOW).map(drop)
    };
    // SHA-512("abc"), FIPS 180-2 appendix C.1; SHA-256("abc"), appendix B.1.
    let sha512 = "3a81oZNherrMQXNJriBBMRLm-k6JqX6iCp7u5ktV05o";
    let sha256 = "ungWv48Bz-pBQUDeXa4iIw";
    assert_eq!(verify(sha512), Ok(()));
    assert!(matches!(verify(sha256), Err(VerifyError::Mismatch { claim: "at_hash", .. })));
}

/// None of the others is an ID token.
#[test]
fn other_tokens_of_the_provider_are_no_id_tokens() {
    let nonce = nonce();
    let verify = |policy: IdTokenPolicy, header: &str| {
        let verifier = IdTokenVerifier::new(key(), policy);
        verifier.verify::<()>(&sign(header, id_payload(&[])), &IdTokenChecks::nonce(&nonce), NOW).map(drop)
    };
    for good in [r#"{"alg":"HS256"}"#, JWT, r#"{"alg":"HS256","typ":"application/jwt"}"#] {
        assert_eq!(verify(id_policy(), good), Ok(()), "{good}");
    }
    for other in ["at+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "JWS", "id_token+jwt"] {
        let header = format!(r#"{{"alg":"HS256","typ":"{other}"}}"#);
        assert!(matches!(verify(id_policy(), &header), Err(VerifyError::Type { .. })), "{other}");
        assert_eq!(verify(id_policy().with_typ(any_typ()), &header), Ok(()), "{other}");
    }
}

/// A provider that writes no `typ` into its logout tokens writes all else of an ID token into them, but the nonce.
#[test]
fn a_security_event_logs_nobody_in() {
    let event = r#"{"http://schemas.openid.net/event/backchannel-logout":{}}"#;
    let payload = id_payload(&[("events", event)]);
    let verifier = IdTokenVerifier::new(key(), id_policy());
    let nonce = nonce();
    for checks in
        [IdTokenChecks::no_nonce(), IdTokenChecks::nonce_if_present(&nonce), IdTokenChecks::nonce(&nonce)]
    {
        let refused = verifier.verify::<()>(&sign(JWT, &payload), &checks, NOW).unwrap_err();
        assert!(matches!(refused, VerifyError::Forbidden { claim: "events", .. }), "{refused}");
    }
}

/// What is asked for comes behind the issuer and before the date: an expired token was good in every other respect.
#[test]
fn errors_come_in_their_order() {
    let expired = ("exp", "1");
    assert!(verify_id(&[expired]).unwrap_err().is_expired());
    assert_eq!(mismatch(verify_id(&[expired, ("nonce", r#""x""#)])), "nonce");
    assert_eq!(mismatch(verify_id(&[expired, ("nonce", r#""x""#), ("azp", r#""x""#)])), "azp");
    assert_eq!(mismatch(verify_id(&[("iss", r#""x""#), ("nonce", r#""x""#), ("azp", r#""x""#)])), "iss");
    let forged = sign_segments(&base64(JWT), &base64(id_payload(&[("nonce", r#""x""#)])), &[1; 32]);
    let verifier = IdTokenVerifier::new(key(), id_policy());
    let refused = verifier.verify::<()>(&forged, &IdTokenChecks::nonce(&nonce()), NOW).unwrap_err();
    assert_eq!(refused, VerifyError::Signature);
}

#[test]
fn the_policy_bounds_are_those_of_every_policy() {
    assert!(id_policy().with_leeway(Duration::from_secs(301)).is_err());
    assert!(id_policy().with_max_len(65 * 1024).is_err());
    assert!(id_policy().with_max_token_age(Duration::MAX).is_err());
    let checks = IdTokenChecks::no_nonce();
    let young = id_policy().with_max_token_age(Duration::from_secs(60)).unwrap();
    let answer = verify_with(young, &checks, &[("nonce", ""), ("iat", "1799999000")]);
    assert!(matches!(answer, Err(VerifyError::TooOld { claim: "iat", .. })));
    fn registered(token: &IdToken) -> &Claims {
        token.claims()
    }
    assert_eq!(registered(&verify_id(&[]).unwrap()).issuer(), ISSUER);
}
