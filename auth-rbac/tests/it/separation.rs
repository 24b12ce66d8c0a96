//! Separation of duty (ANSI INCITS 359).

use std::collections::BTreeSet;

use auth_core::{
    AccessRequest, Authenticated, Effect, NameError, PrincipalId, Realm, Resource, ResourceKind,
};
use auth_rbac::{
    ActivationError, ActiveRoles, Engine, Policy, PolicyBuilder, PolicyError, RoleRef, SeparationKind,
    Snapshot, document::PolicyDocument,
};
use proptest::prelude::*;

use crate::{
    model::{Model, principals},
    support::{NOW, V1, action, role, roles, thing, user, who},
};

/// Cashiers pay, auditors audit, clerks file. The chief inherits cashier and clerk, the deputy the chief.
fn bank() -> PolicyBuilder {
    let mut policy = PolicyBuilder::new();
    for (name, permission) in [("cashier", "money.pay"), ("auditor", "money.audit"), ("clerk", "money.file")]
    {
        policy.permission(permission).unwrap().role(name).unwrap().allow(permission).unwrap();
    }
    policy.role("chief").unwrap().inherits("cashier").unwrap().inherits("clerk").unwrap();
    policy.role("deputy").unwrap().inherits("chief").unwrap();
    policy
}

fn separated(policy: PolicyBuilder) -> (PrincipalId, Vec<String>) {
    match policy.build(V1).unwrap_err() {
        PolicyError::Separated { separation, principal, roles } => {
            assert_eq!(separation, "books");
            (principal, roles.iter().map(ToString::to_string).collect())
        }
        other => panic!("{other}"),
    }
}

/// The set takes roles, and its number is between 2 and as many as they are.
#[test]
fn a_separation_separates_something() {
    for dynamic in [false, true] {
        let mut policy = bank();
        let mut separate = |name: &str, roles: &[&str], limit| {
            let roles = roles.iter().copied();
            if dynamic {
                policy.dynamic_separation(name, roles, limit).map(drop)
            } else {
                policy.static_separation(name, roles, limit).map(drop)
            }
        };
        let too_few = |roles, limit| Err(PolicyError::Cardinality { roles, limit });
        assert_eq!(separate("books", &["cashier", "auditor"], 1), too_few(2, 1));
        assert_eq!(separate("books", &["cashier", "auditor"], 0), too_few(2, 0));
        assert_eq!(separate("books", &["cashier", "auditor"], 3), too_few(2, 3));
        assert_eq!(separate("books", &["cashier", "cashier"], 2), too_few(1, 2));
        assert_eq!(separate("books", &[], 2), too_few(0, 2));
        assert!(matches!(separate("books", &["cashier", "boss"], 2), Err(PolicyError::UnknownRole(_))));
        assert!(matches!(separate("", &[], 2), Err(PolicyError::SeparationName(NameError::Empty))));
        assert_eq!(separate("books", &["cashier", "auditor"], 2), Ok(()));
        let again = separate("books", &["cashier", "clerk"], 2);
        assert_eq!(again, Err(PolicyError::DuplicateSeparation("books".to_owned())));
    }
}

#[test]
fn separated_roles_are_not_assigned_together() {
    let mut policy = bank();
    policy.static_separation("books", ["cashier", "auditor"], 2).unwrap();
    policy.assign(&user("ann"), "cashier").unwrap().assign(&user("bob"), "auditor").unwrap();
    assert!(policy.clone().build(V1).is_ok());
    policy.assign(&user("ann"), "auditor").unwrap();
    assert_eq!(separated(policy), (user("ann"), vec!["auditor".to_owned(), "cashier".to_owned()]));
}

/// casbin counts assigned roles only, so that a role which inherits two separated ones walks past
/// (`model/constraint.go` of its Go version).
#[test]
fn inherited_roles_count() {
    let mut policy = bank();
    policy.static_separation("books", ["cashier", "auditor"], 2).unwrap();
    policy.assign(&user("ann"), "deputy").unwrap().assign(&user("ann"), "auditor").unwrap();
    assert_eq!(separated(policy), (user("ann"), vec!["auditor".to_owned(), "cashier".to_owned()]));
}

/// Whichever line comes last: a separation, an assignment or an inheritance.
#[test]
fn inheriting_later_is_checked_again() {
    let mut policy = bank();
    policy.assign(&user("ann"), "chief").unwrap();
    policy.static_separation("books", ["cashier", "auditor"], 2).unwrap();
    assert!(policy.clone().build(V1).is_ok());
    policy.inherit("chief", "auditor").unwrap();
    assert_eq!(separated(policy.clone()).0, user("ann"));
    // A role that nobody holds harms nobody.
    let mut unheld = bank();
    unheld.static_separation("books", ["cashier", "auditor"], 2).unwrap();
    unheld.inherit("chief", "auditor").unwrap();
    assert!(unheld.build(V1).is_ok());
}

#[test]
fn fewer_than_the_number_may_be_held() {
    let mut policy = bank();
    policy.static_separation("books", ["cashier", "auditor", "clerk"], 3).unwrap();
    policy.assign(&user("ann"), "cashier").unwrap().assign(&user("ann"), "auditor").unwrap();
    assert!(policy.clone().build(V1).is_ok());
    policy.assign(&user("ann"), "clerk").unwrap();
    assert_eq!(separated(policy).1.len(), 3);
}

/// What is held everywhere and what is held in a tenant meet there.
#[test]
fn roles_of_a_tenant_count_with_those_held_everywhere() {
    let (acme, other) = (Realm::local("acme").unwrap(), Realm::local("other").unwrap());
    let mut policy = bank();
    policy.static_separation("books", ["cashier", "auditor"], 2).unwrap();
    policy.assign_in(&acme, &user("ann"), "cashier").unwrap();
    policy.assign_in(&other, &user("ann"), "auditor").unwrap();
    assert!(policy.clone().build(V1).is_ok(), "never together");
    let mut everywhere = policy.clone();
    everywhere.assign(&user("ann"), "auditor").unwrap();
    assert_eq!(separated(everywhere).0, user("ann"));
    // A tenant's own role that inherits the policy's.
    policy.role(RoleRef::of_tenant(&acme, "till")).unwrap().inherits("auditor").unwrap();
    policy.assign(&user("ann"), RoleRef::of_tenant(&acme, "till")).unwrap();
    assert_eq!(separated(policy).0, user("ann"));
}

/// What a credential asserts is not known when the policy is built.
#[test]
fn an_asserted_role_does_not_get_around_a_separation() {
    let mut policy = bank();
    policy.static_separation("books", ["cashier", "auditor"], 2).unwrap();
    policy.assign(&user("ann"), "cashier").unwrap();
    let snapshot = policy.build(V1).unwrap();
    let ann = who(&user("ann"));
    assert_eq!(effect(&snapshot, &ann, "money.pay", None), Effect::Permit);
    let asserted = ann.clone().with_asserted_roles(&roles(&["auditor"]));
    assert_eq!(effect(&snapshot, &asserted, "money.pay", None), Effect::Deny);
    let asserted = ann.with_asserted_roles(&roles(&["clerk"]));
    assert_eq!(effect(&snapshot, &asserted, "money.pay", None), Effect::Permit);
}

fn effect(
    snapshot: &Snapshot,
    who: &Authenticated,
    permission: &str,
    active: Option<&ActiveRoles>,
) -> Effect {
    let (action, thing) = (action(permission), thing());
    let mut request = AccessRequest::new(who, &action, &thing, NOW);
    if let Some(active) = active {
        request = request.with_active_roles(active.as_slice());
    }
    snapshot.evaluate(&request).unwrap().effect()
}

/// Ann holds everything, and may not pay and audit at once.
fn dynamic() -> Snapshot {
    let mut policy = bank();
    policy.dynamic_separation("books", ["cashier", "auditor"], 2).unwrap();
    for name in ["cashier", "auditor", "clerk", "deputy"] {
        policy.assign(&user("ann"), name).unwrap();
    }
    policy.allow_principal(&user("ann"), "money.file").unwrap();
    policy.build(V1).unwrap()
}

#[test]
fn separated_roles_are_activated_one_at_a_time() {
    let (snapshot, ann) = (dynamic(), who(&user("ann")));
    let activate = |names: &[&str]| snapshot.activate(&ann, None, &roles(names));
    let cashier = activate(&["cashier", "clerk", "cashier"]).unwrap();
    assert_eq!(cashier.as_slice(), roles(&["cashier", "clerk"]));
    assert_eq!(effect(&snapshot, &ann, "money.pay", Some(&cashier)), Effect::Permit);
    assert_eq!(effect(&snapshot, &ann, "money.audit", Some(&cashier)), Effect::NotApplicable);
    let auditor = activate(&["auditor"]).unwrap();
    assert_eq!(effect(&snapshot, &ann, "money.audit", Some(&auditor)), Effect::Permit);

    // At the beginning of a session, and when a role is added to it; inherited roles count.
    for both in [&["cashier", "auditor"][..], &["auditor", "clerk", "deputy"]] {
        let refused = ActivationError::Separated {
            separation: "books".to_owned(),
            roles: roles(&["auditor", "cashier"]).into_iter().map(Into::into).collect(),
        };
        assert_eq!(activate(both), Err(refused));
    }
    assert_eq!(activate(&[]).unwrap(), ActiveRoles::default());
}

/// Those that are held, and those that they inherit (ANSI INCITS 359, `AddActiveRole` under a general role hierarchy).
#[test]
fn only_authorized_roles_are_activated() {
    let snapshot = dynamic();
    let activate = |who: &Authenticated, name| snapshot.activate(who, None, &roles(&[name]));
    let not_held = |name| Err(ActivationError::NotHeld(role(name)));
    let (ann, bob) = (who(&user("ann")), who(&user("bob")));
    assert!(activate(&ann, "chief").is_ok(), "the deputy inherits it");
    assert_eq!(activate(&ann, "unheard-of"), not_held("unheard-of"));
    assert_eq!(activate(&bob, "cashier"), not_held("cashier"));
    let bob = bob.with_asserted_roles(&roles(&["cashier"]));
    assert!(activate(&bob, "cashier").is_ok());
    let mut policy = bank();
    policy.dynamic_separation("books", ["chief", "auditor"], 2).unwrap();
    policy.assign(&user("eve"), "chief").unwrap().assign(&user("eve"), "auditor").unwrap();
    let (junior, eve) = (policy.build(V1).unwrap(), who(&user("eve")));
    let active = junior.activate(&eve, None, &roles(&["cashier", "auditor"])).unwrap();
    assert_eq!(effect(&junior, &eve, "money.pay", Some(&active)), Effect::Permit);
    assert_eq!(effect(&junior, &eve, "money.file", Some(&active)), Effect::NotApplicable);
    assert_eq!(activate(&eve, "cashier"), not_held("cashier"), "in another policy");
    let many = vec![role("clerk"); ActiveRoles::MAX + 1];
    assert_eq!(snapshot.activate(&ann, None, &many), Err(ActivationError::TooMany));
}

/// Whoever skips the activation is stopped at the decision: by naming too many, or none and so having all.
#[test]
fn too_many_active_roles_are_denied_everything() {
    let (snapshot, ann) = (dynamic(), who(&user("ann")));
    let (action, thing) = (action("money.file"), thing());
    let both = roles(&["cashier", "auditor"]);
    let all = AccessRequest::new(&ann, &action, &thing, NOW);
    for request in [all.with_active_roles(&both), all] {
        let verdict = snapshot.evaluate(&request).unwrap();
        assert_eq!(verdict.effect(), Effect::Deny);
        let told = snapshot.describe(&verdict).unwrap().to_string();
        assert_eq!(told, "denied by separation of duty books");
    }
    // The list says what the check says, and so do numbers.
    assert!(snapshot.permissions_of(&user("ann")).is_empty());
    let (principal, permission) = (snapshot.principal(&user("ann")), snapshot.permission("money.file"));
    assert_eq!(snapshot.check(principal.unwrap(), permission.unwrap()), Effect::Deny);
    // Naming a role that is not held as well changes nothing.
    let strangers = roles(&["cashier", "no-role"]);
    assert_eq!(snapshot.evaluate(&all.with_active_roles(&strangers)).unwrap().effect(), Effect::Permit);
}

/// Nobody covers more by holding what they may not use at once: to act as somebody else would lift the separation.
#[test]
fn who_may_do_two_things_one_at_a_time_does_not_cover_who_may_do_both() {
    let mut policy = bank();
    policy.dynamic_separation("books", ["cashier", "auditor"], 2).unwrap();
    policy.assign(&user("ann"), "cashier").unwrap().assign(&user("ann"), "auditor").unwrap();
    policy.allow_principal(&user("bob"), "money.pay").unwrap();
    policy.allow_principal(&user("bob"), "money.audit").unwrap();
    let snapshot = policy.build(V1).unwrap();
    assert!(!snapshot.covers(&user("ann"), &user("bob")));
    assert!(snapshot.covers(&user("bob"), &user("ann")));
    assert!(snapshot.covers(&user("ann"), &user("ann")));
    assert!(!snapshot.covers(&user("nobody"), &user("ann")), "what she may do one at a time counts");
}

#[test]
fn separations_are_listed() {
    let mut policy = bank();
    policy.dynamic_separation("books", ["cashier", "auditor"], 2).unwrap();
    policy.static_separation("all", ["clerk", "cashier", "auditor"], 3).unwrap();
    let listed: Vec<_> = policy.build(V1).unwrap().separations().collect();
    let told: Vec<_> =
        listed.iter().map(|set| (set.name.as_str(), set.kind, set.roles.len(), set.limit)).collect();
    assert_eq!(told, [("books", SeparationKind::Dynamic, 2, 2), ("all", SeparationKind::Static, 3, 3)]);
}

/// The same in a tenant: a name activates its own role and the policy's.
#[test]
fn a_tenants_roles_are_activated_for_its_resources() {
    let acme = Realm::local("acme").unwrap();
    let mut policy = bank();
    policy.role(RoleRef::of_tenant(&acme, "cashier")).unwrap().inherits("auditor").unwrap();
    policy.assign(&user("ann"), RoleRef::of_tenant(&acme, "cashier")).unwrap();
    policy.assign(&user("ann"), "cashier").unwrap();
    policy.dynamic_separation("books", ["cashier", "auditor"], 2).unwrap();
    let (snapshot, ann) = (policy.build(V1).unwrap(), who(&user("ann")));
    assert!(snapshot.activate(&ann, None, &roles(&["cashier"])).is_ok());
    let both = snapshot.activate(&ann, Some(&acme), &roles(&["cashier"]));
    assert!(matches!(both, Err(ActivationError::Separated { .. })));
    let own = Resource::any(ResourceKind::from_static("thing")).of_tenant(acme);
    let action = action("money.pay");
    let cashier = roles(&["cashier"]);
    let request = AccessRequest::new(&ann, &action, &own, NOW).with_active_roles(&cashier);
    assert_eq!(snapshot.evaluate(&request).unwrap().effect(), Effect::Deny);
}

/// What nobody declares as a permission, other models decide: rules, lists.
fn of_all_models(combining: &str, kind: &str) -> Policy {
    let auditor = if kind == "dynamic" { ", \"auditor\"" } else { "" };
    let text = format!(
        r#"
        format = 1
        version = 1
        combining = "{combining}"
        permissions = ["money.pay", "money.audit"]
        [[roles]]
        name = "cashier"
        allow = ["money.pay"]
        [[roles]]
        name = "auditor"
        allow = ["money.audit"]
        [[assignments]]
        principal = "ann"
        roles = ["cashier"{auditor}]
        [[constraints]]
        name = "books"
        kind = "{kind}"
        roles = ["cashier", "auditor"]
        limit = 2
        [acl]
        permissions = ["thing.see"]
        [[acl.resources]]
        resource = {{ kind = "thing" }}
        entries = [{{ effect = "permit", to = "everyone", permissions = ["thing.see"] }}]
        [schema.actions]
        "reports.sign" = {{}}
        "money.pay" = {{}}
        [schema.resources.thing]
        [[rules]]
        name = "everybody"
        effect = "permit"
        actions = "*"
        resource = "thing"
        condition = "true"
        "#
    );
    PolicyDocument::from_toml(&text).unwrap().compile().unwrap()
}

/// Denied whatever it asks for: also what no role speaks of, and whatever another model or the combiner says.
#[test]
fn separated_roles_are_denied_what_other_models_allow() {
    for combining in ["deny-overrides", "permit-overrides", "first-applicable"] {
        for kind in ["dynamic", "static"] {
            let policy = of_all_models(combining, kind);
            let (cashier, both) = (roles(&["cashier"]), roles(&["auditor"]));
            let ann = who(&user("ann"));
            let auditing =
                if kind == "static" { ann.clone().with_asserted_roles(&both) } else { ann.clone() };
            for name in ["reports.sign", "thing.see", "money.pay"] {
                let (action, thing) = (action(name), thing());
                let alone = AccessRequest::new(&ann, &action, &thing, NOW).with_active_roles(&cashier);
                assert_eq!(policy.evaluate(&alone).unwrap().effect(), Effect::Permit, "{combining} {name}");
                let together = AccessRequest::new(&auditing, &action, &thing, NOW);
                let verdict = policy.evaluate(&together).unwrap();
                assert_eq!(verdict.effect(), Effect::Deny, "{combining} {kind} {name}");
                let told = policy.describe(&verdict).unwrap().to_string();
                assert_eq!(told, "denied by separation of duty books");
                let explained = policy.explain(&together).unwrap();
                assert_eq!(explained.verdict(), &verdict);
                assert!(explained.to_string().contains("separation of duty books"), "{explained}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A policy is refused exactly if the model finds somebody with too many of a set, inherited ones included.
    #[test]
    fn a_static_separation_holds_for_every_principal_in_every_tenant(
        model in Model::with_tenants(),
        picks in prop::collection::vec(0..12_usize, 2..5),
        limit in 2..4_usize,
    ) {
        let mut policy = model.builder(0);
        let all = model.keys(&(0..model.roles()).collect());
        let chosen: BTreeSet<usize> = picks.iter().map(|n| n % model.roles()).collect();
        prop_assume!(limit <= chosen.len());
        let keys = model.keys(&chosen);
        prop_assert!(keys.iter().all(|key| all.contains(key)));
        policy.static_separation("set", &keys, limit).unwrap();
        let violated = (0..principals().len()).any(|who| (0..3).any(|place| {
            let held = model.roles_in(who, place).into_iter().flat_map(|role| model.with_inherited(role));
            held.collect::<BTreeSet<_>>().intersection(&chosen).count() >= limit
        }));
        prop_assert_eq!(policy.build(V1).is_err(), violated);
    }
}
