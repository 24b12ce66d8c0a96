//! Tenants as separate spaces.

use std::collections::BTreeSet;

use auth_core::{AccessRequest, Effect, PrincipalId, Realm, Resource, ResourceKind, RoleName};
use auth_rbac::{Engine, PolicyBuilder, PolicyError, RoleKey, RoleRef, Snapshot, Verdict};
use proptest::prelude::*;

use crate::{
    model::{Model, permission, principals, role, tenant},
    support::{NOW, V1, action, roles, user, who},
};

fn acme() -> Realm {
    Realm::local("acme").unwrap()
}

fn evil() -> Realm {
    Realm::local("evil").unwrap()
}

fn evaluate(
    snapshot: &Snapshot,
    principal: &PrincipalId,
    place: Option<&Realm>,
    permission: &str,
    active: Option<&[RoleName]>,
) -> Verdict {
    let (who, action) = (who(principal), action(permission));
    let mut thing = Resource::one(ResourceKind::from_static("thing"), "1").unwrap();
    if let Some(tenant) = place {
        thing = thing.of_tenant(tenant.clone());
    }
    let mut request = AccessRequest::new(&who, &action, &thing, NOW);
    if let Some(active) = active {
        request = request.with_active_roles(active);
    }
    snapshot.evaluate(&request).unwrap()
}

fn may(snapshot: &Snapshot, principal: &str, place: Option<&Realm>, permission: &str) -> bool {
    evaluate(snapshot, &user(principal), place, permission, None).effect() == Effect::Permit
}

/// Editors of the policy write; acme has an editor of its own that only reads, and inherits nothing.
fn press() -> PolicyBuilder {
    let mut policy = PolicyBuilder::new();
    policy.permission("news.read").unwrap().permission("news.write").unwrap();
    policy.role("editor").unwrap().allow("news.write").unwrap();
    policy.role(RoleRef::of_tenant(&acme(), "editor")).unwrap().allow("news.read").unwrap();
    policy
}

#[test]
fn a_role_held_in_a_tenant_counts_there_alone() {
    let mut policy = press();
    policy.assign_in(&acme(), &user("ann"), "editor").unwrap();
    policy.assign(&user("bob"), "editor").unwrap();
    let snapshot = policy.build(V1).unwrap();
    let places = [Some(acme()), Some(evil()), None];
    let writes = |name| places.each_ref().map(|place| may(&snapshot, name, place.as_ref(), "news.write"));
    assert_eq!(writes("ann"), [true, false, false]);
    assert_eq!(writes("bob"), [true, true, true]);
    assert_eq!(writes("nobody"), [false, false, false]);
}

/// A role of a tenant and one of the policy, by the same name, have nothing in
/// common; whichever was declared first (casbin#858).
#[test]
fn a_role_of_a_tenant_is_not_the_policys_of_that_name() {
    let mut policy = press();
    policy.assign(&user("ann"), RoleRef::of_tenant(&acme(), "editor")).unwrap();
    policy.assign_in(&acme(), &user("bob"), "editor").unwrap();
    let snapshot = policy.build(V1).unwrap();
    let (acme, evil) = (acme(), evil());
    let can =
        |name, place| ["news.read", "news.write"].map(|permission| may(&snapshot, name, place, permission));
    assert_eq!(can("ann", Some(&acme)), [true, false]);
    assert_eq!(can("bob", Some(&acme)), [false, true]);
    for place in [None, Some(&evil)] {
        assert_eq!(can("ann", place), [false, false]);
        assert_eq!(can("bob", place), [false, false]);
    }
    let own = RoleKey { tenant: Some(acme.clone()), name: crate::support::role("editor") };
    assert_eq!(snapshot.within(Some(&acme)).assigned_roles(&user("ann")), [own]);
    assert!(snapshot.roles_of(&user("ann")).is_empty());
    let verdict = evaluate(&snapshot, &user("ann"), Some(&acme), "news.read", None);
    let told = snapshot.describe(&verdict).unwrap().to_string();
    assert_eq!(told, "news.read allowed by role editor of local:acme");
}

#[test]
fn a_tenants_role_goes_nowhere_else() {
    let (acme, evil) = (acme(), evil());
    let own = || RoleRef::of_tenant(&acme, "editor");
    let mut policy = press();
    policy.role(RoleRef::of_tenant(&evil, "boss")).unwrap();
    let refused = |result: Result<&mut PolicyBuilder, PolicyError>| {
        assert_eq!(result.map(drop).unwrap_err(), PolicyError::OtherTenant);
    };
    refused(policy.assign_in(&evil, &user("eve"), own()));
    refused(policy.inherit("editor", own()));
    refused(policy.inherit(RoleRef::of_tenant(&evil, "boss"), own()));
    policy.inherit(own(), "editor").unwrap();
    policy.assign_in(&acme, &user("ann"), own()).unwrap();
    // Nothing is looked up in another space than the one that was named.
    for missing in [RoleRef::of_tenant(&evil, "editor"), RoleRef::of_tenant(&acme, "boss"), "boss".into()] {
        assert!(matches!(policy.assign(&user("eve"), missing), Err(PolicyError::UnknownRole(_))));
    }
    assert!(may(&policy.build(V1).unwrap(), "ann", Some(&acme), "news.write"), "inherited from the policy's");
}

/// Separators in names of tenants and roles move no border.
#[test]
fn separators_do_not_move_the_borders() {
    let (one, two) = (Realm::local("a").unwrap(), Realm::local("a/b").unwrap());
    let mut policy = press();
    policy.role(RoleRef::of_tenant(&one, "b/c")).unwrap().allow("news.read").unwrap();
    policy.role(RoleRef::of_tenant(&two, "c")).unwrap().allow("news.write").unwrap();
    policy.assign(&user("ann"), RoleRef::of_tenant(&one, "b/c")).unwrap();
    let snapshot = policy.build(V1).unwrap();
    assert!(may(&snapshot, "ann", Some(&one), "news.read"));
    assert!(!may(&snapshot, "ann", Some(&two), "news.read"));
    assert!(!may(&snapshot, "ann", Some(&one), "news.write"));
}

#[test]
fn a_denial_in_a_tenant_forbids_there_alone() {
    let mut policy = press();
    policy.assign(&user("ann"), "editor").unwrap();
    policy.deny_principal_in(&acme(), &user("ann"), "news.*").unwrap();
    policy.allow_principal_in(&evil(), &user("ann"), "news.read").unwrap();
    let snapshot = policy.build(V1).unwrap();
    let (acme, evil) = (acme(), evil());
    assert!(!may(&snapshot, "ann", Some(&acme), "news.write"));
    assert!(may(&snapshot, "ann", Some(&evil), "news.write"));
    assert!(may(&snapshot, "ann", None, "news.write"));
    assert!(may(&snapshot, "ann", Some(&evil), "news.read"));
    assert!(!may(&snapshot, "ann", Some(&acme), "news.read"));
}

/// To act as somebody else must not open the tenant that one is shut out of.
#[test]
fn who_is_denied_something_in_a_tenant_does_not_cover_who_is_not() {
    let mut policy = press();
    policy.assign(&user("ann"), "editor").unwrap().assign(&user("bob"), "editor").unwrap();
    assert!(policy.clone().build(V1).unwrap().covers(&user("ann"), &user("bob")));
    policy.deny_principal_in(&acme(), &user("ann"), "news.write").unwrap();
    let snapshot = policy.build(V1).unwrap();
    assert!(!snapshot.covers(&user("ann"), &user("bob")));
    assert!(snapshot.covers(&user("bob"), &user("ann")));
}

/// A foreign credential asserts roles of the policy. A tenant that names a role like one of them gave it to nobody.
#[test]
fn asserted_roles_are_the_policys_own() {
    let snapshot = press().build(V1).unwrap();
    let who = who(&user("stranger")).with_asserted_roles(&roles(&["editor"]));
    let thing = Resource::any(ResourceKind::from_static("thing")).of_tenant(acme());
    let effect = |permission: &str| {
        let action = action(permission);
        snapshot.evaluate(&AccessRequest::new(&who, &action, &thing, NOW)).unwrap().effect()
    };
    assert_eq!(effect("news.write"), Effect::Permit);
    assert_eq!(effect("news.read"), Effect::NotApplicable);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// As the naive model says, for every tenant, in two orders of rows, with all
    /// roles and with some, by request, by numbers and by list.
    #[test]
    fn a_policy_with_tenants_decides_as_the_model(
        model in Model::with_tenants(),
        rotate in 0..50_usize,
        active in prop::collection::btree_set(0..6_usize, 0..4),
    ) {
        let (one, two) = (model.compile(0), model.compile(rotate));
        let names: Vec<RoleName> = active.iter().map(|n| crate::support::role(&role(*n))).collect();
        for place in 0..3 {
            let realm = tenant(place);
            let within = one.within(realm.as_ref());
            for (n, principal) in principals().iter().enumerate() {
                let assigned = model.roles_in(n, place);
                prop_assert_eq!(within.assigned_roles(principal), model.keys(&assigned));
                let all: BTreeSet<usize> =
                    assigned.iter().flat_map(|role| model.with_inherited(*role)).collect();
                prop_assert_eq!(within.authorized_roles(principal), model.keys(&all));
                let permissions = within.permissions_of(principal);
                let with_some = within.permissions_with(principal, &names);
                for what in model.interesting() {
                    let name = permission(what);
                    let expected = model.check_in(n, place, what, None);
                    for snapshot in [&one, &two] {
                        let verdict = evaluate(snapshot, principal, realm.as_ref(), &name, None);
                        prop_assert_eq!(verdict.effect(), expected);
                        prop_assert!(snapshot.describe(&verdict).is_ok());
                    }
                    if let (Some(principal), Some(permission), Some(realm)) =
                        (one.principal(principal), one.permission(&name), &realm)
                    {
                        prop_assert_eq!(one.check_in(realm, principal, permission), expected);
                    }
                    prop_assert_eq!(permissions.contains(&action(&name)), expected == Effect::Permit);

                    let expected = model.check_in(n, place, what, Some(&active));
                    let verdict = evaluate(&one, principal, realm.as_ref(), &name, Some(&names));
                    prop_assert_eq!(verdict.effect(), expected);
                    prop_assert_eq!(with_some.contains(&action(&name)), expected == Effect::Permit);
                }
            }
        }
    }
}
