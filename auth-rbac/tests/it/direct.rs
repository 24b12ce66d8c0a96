//! What principals may do without a role.

use auth_core::Effect;
use auth_rbac::{Description, PolicyBuilder};

use crate::support::{V1, effect, evaluate, office, roles, user};

#[test]
fn a_permission_of_ones_own_needs_no_role() {
    let mut policy = office();
    policy.allow_principal(&user("zoe"), "users.read").unwrap();
    policy.allow_principal(&user("bob"), "users.delete").unwrap();
    let snapshot = policy.build(V1).unwrap();
    assert_eq!(effect(&snapshot, &user("zoe"), "users.read"), Effect::Permit);
    assert_eq!(effect(&snapshot, &user("zoe"), "users.delete"), Effect::NotApplicable);
    assert_eq!(effect(&snapshot, &user("bob"), "users.delete"), Effect::Permit);
    assert_eq!(effect(&snapshot, &user("bob"), "users.read"), Effect::Permit, "the role's");
    assert!(snapshot.roles_of(&user("zoe")).is_empty(), "it is no role");
    assert_eq!(snapshot.roles_of(&user("bob")), roles(&["support"]));
}

/// A denial overrides, whether it is the person's own or a role's.
#[test]
fn a_denial_of_ones_own_overrides_every_role_and_a_role_overrides_it() {
    let mut policy = office();
    policy.deny_principal(&user("ann"), "users.read").unwrap();
    policy.allow_principal(&user("ann"), "users.read").unwrap();
    policy.allow_principal(&user("eve"), "users.read").unwrap();
    let snapshot = policy.build(V1).unwrap();
    assert_eq!(effect(&snapshot, &user("ann"), "users.read"), Effect::Deny);
    assert_eq!(effect(&snapshot, &user("ann"), "users.delete"), Effect::Permit);
    assert_eq!(effect(&snapshot, &user("eve"), "users.read"), Effect::Deny, "suspended");
}

#[test]
fn it_counts_whichever_roles_are_active() {
    let mut policy = office();
    policy.allow_principal(&user("bob"), "users.delete").unwrap();
    let snapshot = policy.build(V1).unwrap();
    let active = |names: &[&str], permission| {
        evaluate(&snapshot, &user("bob"), permission, Some(&roles(names))).effect()
    };
    assert_eq!(active(&[], "users.delete"), Effect::Permit);
    assert_eq!(active(&[], "users.read"), Effect::NotApplicable);
    assert_eq!(active(&["support"], "users.delete"), Effect::Permit);
}

#[test]
fn it_is_described_as_ones_own() {
    let mut policy = office();
    policy.allow_principal(&user("zoe"), "users.read").unwrap();
    policy.deny_principal(&user("zoe"), "users.delete").unwrap();
    let snapshot = policy.build(V1).unwrap();
    let describe =
        |permission| snapshot.describe(&evaluate(&snapshot, &user("zoe"), permission, None)).unwrap();
    assert!(matches!(describe("users.read"), Description::Direct { denies: false, .. }));
    assert_eq!(describe("users.read").to_string(), "users.read allowed directly");
    assert_eq!(describe("users.delete").to_string(), "users.delete denied directly");
}

/// A thousand people with the same permissions of their own take one set.
#[test]
fn equal_permissions_are_kept_once() {
    let size = |count: usize| {
        let mut policy = PolicyBuilder::new();
        for n in 0..500 {
            policy.permission(format!("kind{n}.do")).unwrap();
        }
        for n in 0..count {
            for permission in (0..500).step_by(3) {
                policy.allow_principal(&user(&format!("{n:04}")), format!("kind{permission}.do")).unwrap();
            }
        }
        policy.build(V1).unwrap().size_in_bytes()
    };
    assert!(size(1_000) < size(10) + 1_000 * 64, "{} {}", size(1_000), size(10));
}
