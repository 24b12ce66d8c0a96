//! Roles activated for one request (dynamic separation of duty, ANSI INCITS 359).

use auth_core::Effect;

use crate::support::{evaluate, office, office_snapshot, roles, user};

fn effect_with(active: &[&str], principal: &str, permission: &str) -> Effect {
    evaluate(&office_snapshot(), &user(principal), permission, Some(&roles(active))).effect()
}

#[test]
fn only_active_roles_give() {
    assert_eq!(effect_with(&["admin"], "ann", "users.delete"), Effect::Permit);
    assert_eq!(effect_with(&["admin"], "ann", "users.read"), Effect::Permit);
    assert_eq!(effect_with(&[], "ann", "users.read"), Effect::NotApplicable);
}

/// Naming a role does not make it one's own.
#[test]
fn a_role_that_nobody_is_authorized_for_cannot_be_activated() {
    assert_eq!(effect_with(&["admin"], "bob", "users.delete"), Effect::NotApplicable);
    assert_eq!(effect_with(&["admin", "support"], "bob", "users.delete"), Effect::NotApplicable);
    assert_eq!(effect_with(&["admin", "support"], "bob", "users.read"), Effect::Permit);
    assert_eq!(effect_with(&["unheard-of"], "ann", "users.read"), Effect::NotApplicable);
    assert_eq!(effect_with(&["admin"], "nobody", "users.read"), Effect::NotApplicable);
}

/// Least privilege: an administrator who does support's work is active as support alone. Under a general role hierarchy
/// whoever is authorized for a role may activate it, and inheriting it is enough (ANSI INCITS 359, `AddActiveRole`).
#[test]
fn a_role_that_is_inherited_can_be_activated() {
    assert_eq!(effect_with(&["support"], "ann", "users.read"), Effect::Permit);
    assert_eq!(effect_with(&["support"], "ann", "users.delete"), Effect::NotApplicable);
    assert_eq!(effect_with(&["support"], "eve", "users.read"), Effect::Deny, "what is held still forbids");
}

/// Who may choose the active roles must not get rid of a denial by leaving the
/// role out that brings it.
#[test]
fn leaving_a_role_out_does_not_lift_its_denial() {
    assert_eq!(effect_with(&["admin"], "eve", "users.read"), Effect::Deny);
    assert_eq!(effect_with(&["admin"], "eve", "users.delete"), Effect::Permit);
    assert_eq!(effect_with(&["suspended"], "eve", "users.delete"), Effect::NotApplicable);
    assert_eq!(effect_with(&[], "eve", "users.read"), Effect::Deny);
}

#[test]
fn the_active_role_that_gives_is_the_one_described() {
    let mut policy = office();
    policy.role("auditor").unwrap().allow("users.read").unwrap();
    policy.assign(&user("ann"), "auditor").unwrap();
    let snapshot = policy.build(crate::support::V1).unwrap();
    for active in ["admin", "auditor"] {
        let verdict = evaluate(&snapshot, &user("ann"), "users.read", Some(&roles(&[active])));
        let auth_rbac::Description::Rule(rule) = snapshot.describe(&verdict).unwrap() else { panic!() };
        assert_eq!(rule.path()[0].as_str(), active);
    }
}
