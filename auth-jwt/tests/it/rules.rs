//! Rules beyond issuer, audience, type and expiry: each requires its claim, and none is passed by saying nothing.

use std::time::Duration;

use auth_core::{Method, UnixTime};
use auth_jwt::{
    Audience, Claim, ClientId, PolicyError, TokenPolicy, Verified, Verifier, VerifyError, any_audience,
    any_typ, audiences, typ,
};

use crate::support::*;

/// Whether a policy accepts a token that has this claim instead of its own, or not at all.
fn check(policy: &TokenPolicy, claim: &str, member: Option<&str>) -> Result<(), VerifyError> {
    let extra = member.map(|value| format!(r#""{claim}":{value}"#)).unwrap_or_default();
    at(policy, &payload_but(claim, &extra), NOW)
}

fn at(policy: &TokenPolicy, payload: &str, now: UnixTime) -> Result<(), VerifyError> {
    let verifier = Verifier::new(key(), policy.clone());
    verifier.verify::<()>(&sign(HEADER, payload), now).map(drop)
}

fn clients(names: &[&str]) -> Vec<ClientId> {
    names.iter().map(|name| ClientId::new(name).unwrap()).collect()
}

fn plain() -> TokenPolicy {
    TokenPolicy::typed(any_typ(), issuer(), audience())
}

/// The table: what the rule accepts, and what is of the right type and wrong. Missing and wrongly typed are
/// the same for all.
#[test]
fn every_rule_refuses_missing_wrong_and_wrongly_typed() {
    let table: [(&str, TokenPolicy, &[&str], &[&str]); 5] = [
        (
            "sub",
            plain().with_subject("42").unwrap(),
            &[r#""42""#, r#""\u0034\u0032""#],
            &[r#""4""#, r#""421""#],
        ),
        (
            "client_id",
            plain().with_clients(clients(&["web", "app"])).unwrap(),
            &[r#""web""#, r#""app""#],
            &[r#""Web""#, r#""web app""#, r#""web or app""#],
        ),
        ("azp", plain().with_authorized_parties(clients(&["web"])).unwrap(), &[r#""web""#], &[r#""app""#]),
        ("acr", plain().with_acr(["aal2", "aal3"]).unwrap(), &[r#""aal2""#, r#""aal3""#], &[r#""aal1""#]),
        (
            "amr",
            plain().with_methods([Method::PASSWORD, Method::ONE_TIME_CODE]).unwrap(),
            &[r#"["pwd","otp"]"#, r#"["otp","mfa","pwd"]"#],
            &[r#"["pwd"]"#, r#"["otp"]"#, r#"["pwd otp"]"#],
        ),
    ];
    for (claim, policy, right, wrong) in &table {
        for value in *right {
            assert_eq!(check(policy, claim, Some(value)), Ok(()), "{claim} {value}");
        }
        for value in *wrong {
            let refused = check(policy, claim, Some(value)).unwrap_err();
            assert!(
                matches!(refused, VerifyError::Mismatch { claim: found, .. } if found == *claim),
                "{claim} {value}: {refused:?}"
            );
        }
        assert_eq!(check(policy, claim, None).unwrap_err(), VerifyError::Missing { claim });
        for value in ["1", "null", "true", "{}", "[]", "\"\"", r#"[""]"#, r#"["a",1]"#] {
            let refused = check(policy, claim, Some(value)).unwrap_err();
            assert!(
                matches!(refused, VerifyError::WrongType { claim: found, .. } if found == *claim),
                "{claim} {value}: {refused:?}"
            );
        }
    }
}

/// Every claim that has a name here can be required, and is then not passed by its absence.
#[test]
fn a_required_claim_is_required() {
    for (claim, value) in [
        (Claim::Sub, r#""1""#),
        (Claim::Nbf, "1"),
        (Claim::Iat, "1"),
        (Claim::Jti, r#""1""#),
        (Claim::ClientId, r#""1""#),
        (Claim::Scope, r#""""#),
        (Claim::AuthTime, "1"),
        (Claim::Acr, r#""1""#),
        (Claim::Amr, r#"["1"]"#),
        (Claim::Azp, r#""1""#),
        (Claim::Sid, r#""1""#),
        (Claim::Nonce, r#""1""#),
        (Claim::AtHash, r#""1""#),
        (Claim::CHash, r#""1""#),
        (Claim::Events, "{}"),
        (Claim::Cnf, "{}"),
    ] {
        let name = claim.name();
        let policy = plain().require(claim);
        assert_eq!(check(&policy, name, Some(value)), Ok(()), "{claim}");
        assert_eq!(check(&policy, name, None), Err(VerifyError::Missing { claim: name }));
        assert_eq!(check(&plain(), name, None), Ok(()), "{claim} is not required by itself");
        // Whether or not somebody requires it, another type is another claim.
        let refused = check(&plain(), name, Some("false")).unwrap_err();
        assert!(matches!(refused, VerifyError::WrongType { claim, .. } if claim == name), "{refused:?}");
    }
    let aud = TokenPolicy::typed(any_typ(), issuer(), any_audience()).require(Claim::Aud);
    assert_eq!(check(&aud, "aud", None), Err(VerifyError::Missing { claim: "aud" }));
}

#[test]
fn one_of_several_audiences_is_enough() {
    let names = ["https://api.example", "urn:example:old"].map(|name| Audience::new(name).unwrap());
    let policy = TokenPolicy::typed(any_typ(), issuer(), audiences(names).unwrap());
    for good in [r#""https://api.example""#, r#""urn:example:old""#, r#"["x","urn:example:old"]"#] {
        assert_eq!(check(&policy, "aud", Some(good)), Ok(()), "{good}");
    }
    for bad in [r#""x""#, r#"["x"]"#, r#""https://api.example or urn:example:old""#] {
        let refused = check(&policy, "aud", Some(bad)).unwrap_err();
        assert!(
            matches!(&refused, VerifyError::Mismatch { claim: "aud", expected, .. }
                if &**expected == "https://api.example or urn:example:old"),
            "{refused:?}"
        );
    }
    assert_eq!(check(&policy, "aud", None), Err(VerifyError::Missing { claim: "aud" }));
    assert!(matches!(check(&policy, "aud", Some("[]")), Err(VerifyError::WrongType { claim: "aud", .. })));
}

/// The last second is the one at which the age, leeway included, is exactly the maximum.
#[test]
fn an_age_is_counted_to_the_second() {
    let max = Duration::from_secs(600);
    let token_age = plain().with_max_token_age(max).unwrap();
    let auth_age = plain().with_max_auth_age(max).unwrap();
    for (policy, claim) in [(&token_age, "iat"), (&auth_age, "auth_time")] {
        let payload = payload_but(claim, &format!(r#""{claim}":1800000000"#));
        let check = |secs: u64| at(policy, &payload, UnixTime::from_secs(1_800_000_000 + secs));
        assert_eq!(check(0), Ok(()));
        assert_eq!(check(630), Ok(()));
        let ago = Duration::from_secs(631);
        assert_eq!(check(631), Err(VerifyError::TooOld { claim, ago, max }));
        assert!(!check(631).unwrap_err().is_expired());
        // Too old, and expired: a refresh would not help.
        assert!(matches!(check(10_000), Err(VerifyError::TooOld { .. })));
        assert_eq!(check(1_000_000_000_000).map_err(|error| error.is_expired()), Err(false));
        assert_eq!(at(policy, &payload_but(claim, ""), NOW), Err(VerifyError::Missing { claim }));
        // From the future, nothing is fresh.
        let future = payload_but(claim, &format!(r#""{claim}":1800000031"#));
        let wait = Duration::from_secs(31);
        assert_eq!(at(policy, &future, NOW), Err(VerifyError::NotYetValid { claim, wait }));
        // A fraction counts against the token.
        let fraction = payload_but(claim, &format!(r#""{claim}":1800000000.999"#));
        assert!(at(policy, &fraction, UnixTime::from_secs(1_800_000_631)).is_err());
        for bad in ["\"1800000000\"", "null", "-1", "1e400"] {
            let payload = payload_but(claim, &format!(r#""{claim}":{bad}"#));
            assert!(matches!(at(policy, &payload, NOW), Err(VerifyError::WrongType { .. })), "{claim} {bad}");
        }
    }
    let now_only = plain().with_leeway(Duration::ZERO).unwrap().with_max_auth_age(Duration::ZERO).unwrap();
    let payload = payload_with(r#""auth_time":1800000000"#);
    assert_eq!(at(&now_only, &payload, NOW), Ok(()));
    assert!(matches!(
        at(&now_only, &payload, UnixTime::from_secs(1_800_000_001)),
        Err(VerifyError::TooOld { .. })
    ));
}

/// The opt-out gives up what it names, and no more.
#[test]
fn a_token_without_expiry_takes_a_call() {
    let policy = plain().without_expiry();
    assert_eq!(check(&plain(), "exp", None), Err(VerifyError::Missing { claim: "exp" }));
    assert_eq!(check(&policy, "exp", None), Ok(()));
    let verified: Verified = Verifier::new(key(), policy.clone())
        .verify(&sign(HEADER, payload_but("exp", "")), UnixTime::MAX)
        .unwrap();
    assert_eq!(verified.claims().expires_at(), UnixTime::MAX);
    // One that is there still counts, and is still a date.
    assert!(check(&policy, "exp", Some("1")).unwrap_err().is_expired());
    assert!(matches!(check(&policy, "exp", Some("null")), Err(VerifyError::WrongType { claim: "exp", .. })));
    // With a maximum age, it has an end again.
    let bounded = policy.with_max_token_age(Duration::from_secs(60)).unwrap();
    let late = UnixTime::from_secs(1_800_000_091);
    assert!(matches!(at(&bounded, &payload_but("exp", ""), late), Err(VerifyError::TooOld { .. })));
}

/// Missing, then wrong, then dates: what a caller may conclude from an error depends on it.
#[test]
fn rules_come_before_dates_and_behind_the_issuer() {
    let policy = plain().with_subject("42").unwrap().with_max_token_age(Duration::from_secs(60)).unwrap();
    let with = |replaced: &[(&str, &str)]| {
        let mut payload = payload();
        for (from, to) in replaced {
            payload = payload.replace(from, to);
        }
        at(&policy, &payload, NOW).unwrap_err()
    };
    let expired = ("\"exp\":1800000900", "\"exp\":1");
    let old = ("\"iat\":1800000000", "\"iat\":1");
    let other = ("\"42\"", "\"43\"");
    let foreign = ("id.example", "id2.example");
    let no_jti = ("\"client_id\"", "\"klient\"");
    assert!(with(&[expired]).is_expired());
    assert!(matches!(with(&[expired, old]), VerifyError::TooOld { .. }));
    assert!(matches!(with(&[expired, old, other]), VerifyError::Mismatch { claim: "sub", .. }));
    assert!(matches!(with(&[expired, old, other, foreign]), VerifyError::Mismatch { claim: "iss", .. }));
    let strict = policy.clone().require(Claim::ClientId);
    let payload = payload().replace(foreign.0, foreign.1).replace(no_jti.0, no_jti.1);
    assert_eq!(at(&strict, &payload, NOW), Err(VerifyError::Missing { claim: "client_id" }));
}

/// A rule that no token meets, or that limits nothing, is a mistake.
#[test]
fn a_rule_without_sense_cannot_be_made() {
    let values = |claim| PolicyError::Values { claim };
    assert_eq!(plain().with_subject("").unwrap_err(), values("sub"));
    assert_eq!(plain().with_clients([]).unwrap_err(), values("client_id"));
    assert_eq!(plain().with_authorized_parties([]).unwrap_err(), values("azp"));
    assert_eq!(plain().with_acr([]).unwrap_err(), values("acr"));
    assert_eq!(plain().with_acr([""]).unwrap_err(), values("acr"));
    assert_eq!(plain().with_acr(["x"; 17]).unwrap_err(), values("acr"));
    assert!(plain().with_acr(["x"; 16]).is_ok());
    assert_eq!(plain().with_methods([]).unwrap_err(), values("amr"));
    assert_eq!(audiences([]).unwrap_err(), values("aud"));
    assert_eq!(audiences(vec![audience(); 17]).unwrap_err(), values("aud"));
    let max = TokenPolicy::MAX_AGE;
    let more = max + Duration::from_secs(1);
    assert_eq!(plain().with_max_token_age(more).unwrap_err(), PolicyError::MaxAge { max });
    assert_eq!(plain().with_max_auth_age(Duration::MAX).unwrap_err(), PolicyError::MaxAge { max });
}

/// Says that the type may be absent, and not that it may be another.
#[test]
fn a_type_that_may_be_absent_is_still_a_type() {
    let policy = TokenPolicy::typed(typ("JWT").unwrap().or_none(), issuer(), audience());
    let check = |header: &str| {
        Verifier::new(key(), policy.clone()).verify::<()>(&sign(header, payload()), NOW).map(drop)
    };
    assert_eq!(check(r#"{"alg":"HS256"}"#), Ok(()));
    assert_eq!(check(r#"{"alg":"HS256","typ":"JWT"}"#), Ok(()));
    assert!(matches!(check(HEADER), Err(VerifyError::Type { found: Some(_), .. })));
}
