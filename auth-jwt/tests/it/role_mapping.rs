//! What an issuer calls roles counts only where an explicit mapping says so.

use std::sync::Arc;

use auth_core::{
    AuthenticateError, Authenticated, Authenticator, Realm, RejectionReason, RoleName,
    testing::{FixedClock, block_on},
};
use auth_jwt::{AccessToken, BearerAuthenticator, CacheCapacity, RoleMapping, RoleMappingError};

use crate::support::*;

fn role(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

fn nested() -> RoleMapping {
    let table =
        [("staff", role("support")), ("billing admin", role("accountant")), ("boss", role("support"))];
    RoleMapping::new(["realm_access", "roles"], table).unwrap()
}

fn bearer() -> BearerAuthenticator {
    BearerAuthenticator::new(verifier()).with_clock(Arc::new(FixedClock(NOW)))
}

fn present(authenticator: &BearerAuthenticator, extra: &str) -> Result<Authenticated, AuthenticateError> {
    let token = sign(HEADER, payload_with(extra));
    block_on(authenticator.authenticate(AccessToken::new(token)))
}

fn roles(authenticator: &BearerAuthenticator, extra: &str) -> Vec<String> {
    let proof = present(authenticator, extra).unwrap();
    proof.asserted_roles().iter().map(|role| role.as_str().to_owned()).collect()
}

#[test]
fn without_a_mapping_a_role_claim_means_nothing() {
    for extra in [
        r#""roles":["admin"]"#,
        r#""realm_access":{"roles":["staff"]}"#,
        r#""roles":7"#,
        r#""groups":"root""#,
    ] {
        assert!(roles(&bearer(), extra).is_empty(), "{extra}");
        assert!(roles(&bearer().local_issuer(Realm::LOCAL).unwrap(), extra).is_empty(), "{extra}");
    }
}

#[test]
fn only_mapped_values_of_the_mapped_claim_count() {
    let mapped = bearer().with_role_mapping(nested());
    for (claim, granted) in [
        (r#""realm_access":{"roles":["staff","offline_access"]}"#, &["support"][..]),
        (
            r#""realm_access":{"x":{"roles":["billing admin"]},"roles":["st\u0061ff","billing admin"]}"#,
            &["support", "accountant"],
        ),
        // Two values for one role, one value twice.
        (r#""realm_access":{"roles":["boss","staff","staff"]}"#, &["support"]),
        (r#""realm_access":{"roles":[]}"#, &[]),
        (r#""realm_access":{}"#, &[]),
        (r#""realm_access":{"Roles":["staff"]}"#, &[]),
        (r#""realm_access":{"roles":["Staff","staf","staff ","support"]}"#, &[]),
        // Another claim of the same name, elsewhere.
        (r#""roles":["staff"],"x":{"realm_access":{"roles":["staff"]}}"#, &[]),
        // A list in one string has values without spaces.
        (r#""realm_access":{"roles":"boss  staff"}"#, &["support"]),
        (r#""realm_access":{"roles":"billing admin"}"#, &[]),
        (r#""realm_access.roles":["staff"]"#, &[]),
        ("\"x\":1", &[]),
    ] {
        assert_eq!(roles(&mapped, claim), granted, "{claim}");
    }
}

/// A claim that is there and is not a list grants nothing silently only if nobody looks.
#[test]
fn a_claim_of_another_shape_refuses_the_token() {
    let mapped = bearer().with_role_mapping(nested());
    for bad in [
        r#""realm_access":null"#,
        r#""realm_access":["staff"]"#,
        r#""realm_access":"staff""#,
        r#""realm_access":{"roles":null}"#,
        r#""realm_access":{"roles":{"staff":true}}"#,
        r#""realm_access":{"roles":["staff",1]}"#,
        r#""realm_access":{"roles":[["staff"]]}"#,
        r#""realm_access":{"roles":true}"#,
    ] {
        match present(&mapped, bad) {
            Err(AuthenticateError::Rejected(rejection)) => {
                assert_eq!(rejection.reason(), RejectionReason::Malformed, "{bad}");
            }
            other => panic!("{bad}: {other:?}"),
        }
    }
}

#[test]
fn several_mappings_add_up() {
    let flat = RoleMapping::new(["groups"], [("ops", role("operator")), ("staff", role("support"))]).unwrap();
    let mapped = bearer().with_role_mapping(nested()).with_role_mapping(flat);
    let both = r#""groups":"staff ops","realm_access":{"roles":["boss"]}"#;
    assert_eq!(roles(&mapped, both), ["support", "operator"]);
    assert_eq!(roles(&mapped, r#""groups":["ops"]"#), ["operator"]);
}

/// A cached token keeps the roles that it was read with, and a mapping that comes later is not passed by.
#[test]
fn a_cache_gives_the_same_roles() {
    let extra = r#""realm_access":{"roles":["staff"]}"#;
    let unmapped = bearer().with_cache(CacheCapacity::default());
    assert!(roles(&unmapped, extra).is_empty());
    let mapped = unmapped.clone().with_role_mapping(nested());
    for _ in 0..3 {
        assert_eq!(roles(&mapped, extra), ["support"]);
        assert!(roles(&unmapped, extra).is_empty());
    }
}

#[test]
fn a_mapping_without_sense_cannot_be_made() {
    let new = |path: &[&str], values: &[(&str, RoleName)]| {
        RoleMapping::new(path.iter().copied(), values.iter().cloned()).map(drop)
    };
    let one = [("a", role("a"))];
    assert_eq!(new(&["a"; 8], &one), Ok(()));
    assert_eq!(new(&[], &one), Err(RoleMappingError::Claim));
    assert_eq!(new(&[""], &one), Err(RoleMappingError::Claim));
    assert_eq!(new(&["a"; 9], &one), Err(RoleMappingError::Claim));
    assert_eq!(new(&["a"], &[]), Err(RoleMappingError::Values));
    assert_eq!(new(&["a"], &[("", role("a"))]), Err(RoleMappingError::Values));
    assert_eq!(new(&["a"], &[("a", role("a")), ("a", role("b"))]), Err(RoleMappingError::Values));
    let names: Vec<_> = (0..257).map(|n| format!("v{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), role("a"))).collect();
    assert_eq!(new(&["a"], &many[..256]), Ok(()));
    assert_eq!(new(&["a"], &many), Err(RoleMappingError::Values));
}

/// RFC 9449 section 7.2: whoever stole a bound token has not stolen its key.
#[test]
fn a_bound_token_is_no_bearer_token() {
    for cnf in [r#""cnf":{"jkt":"x"}"#, r#""cnf":{"x5t#S256":"x"}"#, r#""cnf":{}"#] {
        for authenticator in [bearer(), bearer().local_issuer(Realm::LOCAL).unwrap()] {
            match present(&authenticator, cnf) {
                Err(AuthenticateError::Rejected(rejection)) => {
                    assert_eq!(rejection.reason(), RejectionReason::WrongUse, "{cnf}");
                }
                other => panic!("{cnf}: {other:?}"),
            }
        }
    }
}
