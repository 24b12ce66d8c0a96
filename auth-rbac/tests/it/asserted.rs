//! Roles that a credential asserts: held for one request, as if they were assigned.

use auth_core::{AccessRequest, Authenticated, Effect, RoleName};
use auth_rbac::{Engine, Verdict};

use crate::support::*;

fn verdict(who: &Authenticated, permission: &str, active: Option<&[RoleName]>) -> Verdict {
    let (action, thing) = (action(permission), thing());
    let mut request = AccessRequest::new(who, &action, &thing, NOW);
    if let Some(active) = active {
        request = request.with_active_roles(active);
    }
    office_snapshot().evaluate(&request).unwrap()
}

fn asserted(principal: &str, names: &[&str], permission: &str) -> Effect {
    verdict(&who(&user(principal)).with_asserted_roles(&roles(names)), permission, None).effect()
}

/// A subject of a foreign issuer has no assignment here; what was mapped is all that it has.
#[test]
fn an_asserted_role_gives_to_somebody_who_is_not_known() {
    assert_eq!(asserted("stranger", &[], "users.read"), Effect::NotApplicable);
    assert_eq!(asserted("stranger", &["support"], "users.read"), Effect::Permit);
    assert_eq!(asserted("stranger", &["support"], "users.delete"), Effect::NotApplicable);
    assert_eq!(asserted("stranger", &["admin"], "users.read"), Effect::Permit, "inherited");
    assert_eq!(asserted("stranger", &["no.such.role"], "users.read"), Effect::NotApplicable);
}

#[test]
fn asserted_and_assigned_roles_add_up() {
    assert_eq!(asserted("bob", &[], "users.delete"), Effect::NotApplicable);
    assert_eq!(asserted("bob", &["admin"], "users.delete"), Effect::Permit);
    assert_eq!(asserted("ann", &["support"], "users.delete"), Effect::Permit, "the assigned one");
}

/// Denials of either kind win, whatever the other says.
#[test]
fn a_denial_is_not_put_aside_by_an_assertion() {
    assert_eq!(asserted("eve", &["support", "admin"], "users.read"), Effect::Deny);
    assert_eq!(asserted("ann", &["suspended"], "users.read"), Effect::Deny);
    assert_eq!(asserted("stranger", &["suspended", "admin"], "users.read"), Effect::Deny);
}

#[test]
fn only_active_roles_give_asserted_ones_too() {
    let stranger = who(&user("stranger")).with_asserted_roles(&roles(&["admin", "suspended"]));
    let bob = who(&user("bob")).with_asserted_roles(&roles(&["admin"]));
    let effect = |who: &Authenticated, permission: &str, active: &[&str]| {
        verdict(who, permission, Some(&roles(active))).effect()
    };
    assert_eq!(effect(&bob, "users.delete", &["support"]), Effect::NotApplicable);
    assert_eq!(effect(&bob, "users.delete", &["admin"]), Effect::Permit);
    assert_eq!(effect(&bob, "users.read", &["support"]), Effect::Permit);
    assert_eq!(effect(&stranger, "users.read", &["admin"]), Effect::Deny, "a denial needs no activation");
    assert_eq!(effect(&who(&user("bob")), "users.delete", &["admin"]), Effect::NotApplicable, "not held");
}

/// They are of the request that the credential came with.
#[test]
fn asserted_roles_are_replaced_and_not_kept() {
    let who = who(&user("stranger")).with_asserted_roles(&roles(&["admin"]));
    let without = Authenticated::assertion(who.authentication().clone());
    assert!(without.asserted_roles().is_empty());
    assert!(who.with_asserted_roles(&[]).asserted_roles().is_empty());
}
