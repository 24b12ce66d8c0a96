//! Random policies: the compiled one says what the model says, and lists say what checks say.

use std::collections::{BTreeMap, BTreeSet};

use auth_core::{AuthorizerExt, Effect, Page, RoleName};
use auth_rbac::{Description, Rbac, RoleKey, Snapshot};
use proptest::prelude::*;

use crate::{
    model::{Model, permission, principals, role, tenant},
    support::{NOW, action, evaluate, office, thing, user, who},
};

/// Every page of a list.
fn all_with(snapshot: &Snapshot, permission: &str, limit: u32) -> Vec<auth_core::PrincipalId> {
    let mut page = Page::new(0, limit);
    let mut all = Vec::new();
    loop {
        let some = snapshot.principals_with(permission, page);
        assert!(some.len() <= limit as usize);
        if some.is_empty() {
            return all;
        }
        all.extend(some);
        assert!(all.len() <= principals().len(), "a page came twice");
        page = page.next();
    }
}

/// The number at the end of a name of the model's.
fn number(name: &RoleName) -> usize {
    name.as_str().trim_start_matches("role").parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Differential, in two orders of rows.
    #[test]
    fn a_compiled_policy_decides_as_the_model(model in Model::any(), rotate in 0..50_usize) {
        let (one, two) = (model.compile(0), model.compile(rotate));
        for (n, principal) in principals().iter().enumerate() {
            for what in model.interesting() {
                let expected = model.check(n, what, None);
                let name = permission(what);
                prop_assert_eq!(evaluate(&one, principal, &name, None).effect(), expected);
                prop_assert_eq!(evaluate(&two, principal, &name, None).effect(), expected);
                let by_number = match (one.principal(principal), one.permission(&name)) {
                    (Some(principal), Some(permission)) => one.check(principal, permission),
                    _ => Effect::NotApplicable,
                };
                prop_assert_eq!(by_number, expected);
            }
        }
    }

    /// Active roles take away, and never add: a subset permits only what all roles permit.
    #[test]
    fn active_roles_never_widen(model in Model::any(), active in prop::collection::btree_set(0..14_usize, 0..6)) {
        let snapshot = model.compile(0);
        let names: Vec<RoleName> = active.iter().map(|n| crate::support::role(&role(*n))).collect();
        for (n, principal) in principals().iter().enumerate() {
            for what in model.interesting() {
                let effect = evaluate(&snapshot, principal, &permission(what), Some(&names)).effect();
                prop_assert_eq!(effect, model.check(n, what, Some(&active)));
                if effect == Effect::Permit {
                    prop_assert_eq!(model.check(n, what, None), Effect::Permit);
                }
            }
        }
    }

    /// A list holds exactly what a check permits (OpenFGA CVE-2023-40579, SpiceDB
    /// CVE-2025-65111).
    #[test]
    fn lists_hold_exactly_what_checks_permit(model in Model::any(), limit in 1..6_u32) {
        let snapshot = model.compile(0);
        let permits = |n, what| model.check(n, what, None) == Effect::Permit;
        for what in model.interesting() {
            let name = permission(what);
            let mut listed = all_with(&snapshot, &name, limit);
            let mut expected: Vec<_> =
                principals().into_iter().enumerate().filter(|(n, _)| permits(*n, what)).map(|(_, p)| p).collect();
            listed.sort();
            expected.sort();
            prop_assert_eq!(listed, expected);
        }
        for (n, principal) in principals().iter().enumerate() {
            // What no rule names, nobody has.
            let mut expected: Vec<_> = model
                .interesting()
                .into_iter()
                .filter(|what| permits(n, *what))
                .map(|what| action(&permission(what)))
                .collect();
            expected.sort();
            prop_assert_eq!(snapshot.permissions_of(principal), expected);
            let roles: BTreeSet<usize> = snapshot.roles_of(principal).iter().map(number).collect();
            prop_assert_eq!(roles, model.roles_of(n));
        }
    }

    /// What a decision is described by is really there: an assigned role, a path of inheritance, and a rule.
    #[test]
    fn a_description_is_true(model in Model::any()) {
        let rbac = Rbac::new(model.compile(0));
        let snapshot = rbac.snapshot().unwrap();
        for (n, principal) in principals().iter().enumerate() {
            for what in model.interesting() {
                let verdict = evaluate(&rbac, principal, &permission(what), None);
                match snapshot.describe(&verdict).unwrap() {
                    Description::Rule(rule) => {
                        let path: Vec<usize> = rule.path().iter().map(number).collect();
                        prop_assert!(model.roles_of(n).contains(&path[0]));
                        prop_assert!(path.windows(2).all(|pair| model.inherits(pair[0], pair[1])));
                        prop_assert!(model.has_rule(path[path.len() - 1], what, rule.denies()));
                        prop_assert_eq!(rule.denies(), verdict.effect() == Effect::Deny);
                        prop_assert_eq!(rule.permission(), &action(&permission(what)));
                    }
                    Description::Direct { denies, permission: named } => {
                        prop_assert!(model.has_direct(n, what, denies));
                        prop_assert_eq!(denies, verdict.effect() == Effect::Deny);
                        prop_assert_eq!(named, action(&permission(what)));
                    }
                    Description::NoRule => prop_assert_eq!(verdict.effect(), Effect::NotApplicable),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }

    /// What users call agrees with the engine.
    #[test]
    fn requiring_agrees_with_evaluating(model in Model::any()) {
        let rbac = Rbac::new(model.compile(0));
        let thing = thing();
        for principal in &principals() {
            let who = who(principal);
            for what in model.interesting() {
                let action = action(&permission(what));
                let request = auth_core::AccessRequest::new(&who, &action, &thing, NOW);
                let permitted = evaluate(&rbac, principal, action.as_str(), None).effect() == Effect::Permit;
                prop_assert_eq!(rbac.require(&request).is_ok(), permitted);
            }
        }
    }
}

/// A list is as long as its page, whoever asks.
#[test]
fn a_list_is_never_longer_than_its_page() {
    let mut policy = office();
    for n in 0..2_500 {
        policy.assign(&user(&format!("user{n}")), "support").unwrap();
    }
    let snapshot = policy.build(crate::support::V1).unwrap();
    let pages: Vec<usize> = [0, 1_000, 2_000, 3_000]
        .map(|offset| snapshot.principals_with("users.read", Page::new(offset, u32::MAX)).len())
        .to_vec();
    assert_eq!(pages, [1_000, 1_000, 502, 0]);
    assert!(snapshot.principals_with("users.read", Page::new(u32::MAX, 1)).is_empty());
}

/// Most people hold what others hold as well, and that is kept once.
#[test]
fn principals_with_the_same_roles_share_a_list() {
    let mut policy = office();
    for n in 0..100 {
        let user = user(&format!("user{n}"));
        policy.assign(&user, "suspended").unwrap().assign(&user, "support").unwrap();
    }
    let counts = policy.build(crate::support::V1).unwrap().counts();
    assert_eq!((counts.roles, counts.permissions, counts.principals), (3, 2, 103));
    // Those of the hundred, and eve's.
    assert_eq!(counts.profiles, 2);
}

/// Roles are listed as they were assigned, each once, by name.
#[test]
fn the_roles_of_a_principal_are_those_assigned() {
    let snapshot = crate::support::office_snapshot();
    assert_eq!(snapshot.roles_of(&user("eve")), crate::support::roles(&["admin", "suspended"]));
    assert_eq!(snapshot.roles_of(&user("ann")), crate::support::roles(&["admin"]));
    assert!(snapshot.roles_of(&user("nobody")).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Who covers somebody may do each thing that they may, for everybody in every order and every tenant: no
    /// escalation by acting as somebody else.
    #[test]
    fn covering_is_permitting_everything_that_the_other_may(model in Model::with_tenants()) {
        let snapshot = model.compile(0);
        let all = principals();
        let places: Vec<_> = (0..3).map(tenant).collect();
        let permissions: BTreeMap<_, Vec<BTreeSet<_>>> = all
            .iter()
            .map(|who| {
                let of = |place: &Option<_>| {
                    snapshot.within(place.as_ref()).permissions_of(who).into_iter().collect()
                };
                (who, places.iter().map(of).collect())
            })
            .collect();
        for holder in &all {
            for other in &all {
                let covers = permissions[holder].iter().zip(&permissions[other]).all(|(a, b)| b.is_subset(a));
                prop_assert_eq!(snapshot.covers(holder, other), covers);
            }
        }
    }

    /// What a role gives is what a principal may do that holds nothing else; who is authorized for it holds it, or
    /// an heir of it.
    #[test]
    fn the_reviews_of_a_role_agree_with_its_holders(model in Model::with_tenants(), place in 0..3_usize) {
        let snapshot = model.compile(0);
        let place = tenant(place);
        let number = |key: &RoleKey| (0..).find(|n| model.keys(&[*n].into())[0] == *key).unwrap();
        let within = snapshot.within(place.as_ref());
        for (n, key) in snapshot.roles(Page::new(0, 100)).iter().enumerate() {
            prop_assert_eq!(number(key), n, "roles are listed as they were declared");
            let all = Page::new(0, 1_000);
            let authorized: BTreeSet<_> = within.authorized_principals(key, all).into_iter().collect();
            let assigned: BTreeSet<_> = within.assigned_principals(key, all).into_iter().collect();
            for principal in &principals() {
                let held = within.assigned_roles(principal);
                prop_assert_eq!(assigned.contains(principal), held.contains(key));
                let all_held = within.authorized_roles(principal);
                prop_assert_eq!(authorized.contains(principal), all_held.contains(key));
                let heirs = held.iter().any(|held| model.with_inherited(number(held)).contains(&n));
                prop_assert_eq!(authorized.contains(principal), heirs);
            }
            let mut policy = model.builder(0);
            let stranger = user("stranger");
            policy.assign(&stranger, key).unwrap();
            let alone = policy.build(crate::support::V1).unwrap();
            let gives = alone.within(key.tenant.as_ref()).permissions_of(&stranger);
            prop_assert_eq!(snapshot.permissions_of_role(key), gives);
            let parents: BTreeSet<_> = snapshot.parents_of_role(key).iter().map(number).collect();
            prop_assert!(parents.iter().all(|parent| model.inherits(n, *parent)));
        }
    }
}

/// Without a policy nothing can be told, and a principal that no policy knows covers nobody who holds something.
#[test]
fn without_a_policy_nobody_covers_anybody() {
    use auth_core::{DecideError, Privileges};
    let nobody = Rbac::without_policy();
    assert!(matches!(nobody.covers(&user("ann"), &user("bob")), Err(DecideError::NoPolicy)));
}
