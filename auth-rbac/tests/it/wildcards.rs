//! Rules about several permissions at once.

use auth_core::Effect;
use auth_rbac::{PolicyBuilder, PolicyError};

use crate::support::{V1, effect, user};

fn shop() -> PolicyBuilder {
    let mut policy = PolicyBuilder::new();
    for name in ["invoices", "invoices.read", "invoices.pay", "invoices.lines.read", "invoices2.read"] {
        policy.permission(name).unwrap();
    }
    policy
}

fn held(policy: PolicyBuilder) -> Vec<String> {
    let snapshot = policy.build(V1).unwrap();
    snapshot.permissions_of(&user("ann")).iter().map(ToString::to_string).collect()
}

/// A prefix that happens to be the same means nothing.
#[test]
fn a_wildcard_means_whole_segments() {
    let with = |pattern: &str| {
        let mut policy = shop();
        policy.role("clerk").unwrap().allow(pattern).unwrap();
        policy.assign(&user("ann"), "clerk").unwrap();
        held(policy)
    };
    assert_eq!(with("invoices.*"), ["invoices.pay", "invoices.read"]);
    assert_eq!(with("invoices.**"), ["invoices.lines.read", "invoices.pay", "invoices.read"]);
    assert_eq!(with("*"), ["invoices"]);
    assert_eq!(with("*.*.read"), ["invoices.lines.read"]);
    assert_eq!(with("**").len(), 5);
}

/// A permission that is declared after the rule is meant by it all the same.
#[test]
fn a_wildcard_means_permissions_declared_later_too() {
    let mut policy = shop();
    policy.role("clerk").unwrap().allow("**").unwrap();
    policy.role("frozen").unwrap().deny("invoices.*").unwrap();
    policy.assign(&user("ann"), "clerk").unwrap().assign(&user("ann"), "frozen").unwrap();
    policy.permission("invoices.void").unwrap();
    let snapshot = policy.build(V1).unwrap();
    assert_eq!(effect(&snapshot, &user("ann"), "invoices.void"), Effect::Deny);
    assert_eq!(effect(&snapshot, &user("ann"), "invoices.read"), Effect::Deny);
    assert_eq!(effect(&snapshot, &user("ann"), "invoices.lines.read"), Effect::Permit);
    assert_eq!(effect(&snapshot, &user("ann"), "invoices.unheard-of"), Effect::NotApplicable);
}

#[test]
fn principals_may_have_wildcards_of_their_own() {
    let mut policy = shop();
    policy.allow_principal(&user("ann"), "invoices.**").unwrap();
    policy.deny_principal(&user("ann"), "*.pay").unwrap();
    assert_eq!(held(policy), ["invoices.lines.read", "invoices.read"]);
}

/// A typing error must not become a rule that forbids nothing.
#[test]
fn a_wildcard_that_means_nothing_is_refused() {
    let mut policy = shop();
    for bad in ["invoices*", "invoices:*", "**.read", "inv*.read", ".*", "*."] {
        assert_eq!(policy.allow_principal(&user("ann"), bad).unwrap_err(), PolicyError::Pattern, "{bad}");
    }
    policy.deny_principal(&user("ann"), "invoice.*").unwrap();
    let error = policy.build(V1).unwrap_err();
    assert_eq!(error, PolicyError::UnmatchedPattern("invoice.*".to_owned()));
}

/// A star is no name, so nobody can ask for one.
#[test]
fn a_star_is_not_an_action() {
    assert!(auth_core::Action::parse("invoices.*").is_err());
    assert!(matches!(shop().permission("invoices.*"), Err(PolicyError::PermissionName(_))));
}

/// What is written out is counted.
#[test]
fn wildcards_are_capped() {
    let mut policy = PolicyBuilder::new();
    for n in 0..5_000 {
        policy.permission(format!("kind{n}.do")).unwrap();
    }
    for n in 0..4_000 {
        policy.role(format!("role{n}")).unwrap().allow("**").unwrap();
    }
    assert!(matches!(policy.build(V1), Err(PolicyError::TooMany { .. })));

    let mut policy = PolicyBuilder::new();
    policy.role("role").unwrap();
    for n in 0..PolicyBuilder::MAX_PATTERNS {
        policy.allow("role", format!("kind{n}.*")).unwrap();
    }
    policy.allow("role", "kind0.*").unwrap();
    assert!(matches!(policy.allow("role", "one.more.*"), Err(PolicyError::TooMany { .. })));
}
