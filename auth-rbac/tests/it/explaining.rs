//! Why, for administrators.

use auth_core::{AccessRequest, AuthorizerExt, Effect, Realm, Resource, ResourceKind, RoleName};
use auth_rbac::{Because, Engine, Explanation, Rbac, RoleRef, RolesExplanation, Snapshot};
use proptest::prelude::*;

use crate::{
    model::{Model, permission, principals, tenant},
    support::{NOW, V1, action, office, office_snapshot, role, roles, thing, user, who},
};

fn explain(
    engine: &dyn Engine,
    principal: &str,
    permission: &str,
    active: Option<&[RoleName]>,
) -> Explanation {
    let (who, action, thing) = (who(&user(principal)), action(permission), thing());
    let mut request = AccessRequest::new(&who, &action, &thing, NOW);
    if let Some(active) = active {
        request = request.with_active_roles(active);
    }
    engine.explain(&request).unwrap()
}

fn told(snapshot: &Snapshot, principal: &str, permission: &str) -> String {
    explain(snapshot, principal, permission, None).to_string()
}

#[test]
fn what_decided_is_told_with_its_path() {
    let snapshot = office_snapshot();
    assert_eq!(told(&snapshot, "ann", "users.read"), "permit: users.read allowed by role admin > support");
    let denied = "deny: users.read denied by role suspended, \
                  overriding: users.read allowed by role admin > support";
    assert_eq!(told(&snapshot, "eve", "users.read"), denied);
    let rbac = Rbac::new(snapshot);
    let explanation = explain(&rbac, "ann", "users.delete", None);
    assert_eq!(explanation.verdict().effect(), Effect::Permit);
    assert!(matches!(explanation.because(), Because::Roles(RolesExplanation::Decided { .. })));
}

#[test]
fn what_was_missing_is_told() {
    let snapshot = office_snapshot();
    let missing =
        |held: &str| format!("not applicable: nothing that is held allows it{held}; allowed by: admin");
    assert_eq!(told(&snapshot, "bob", "users.delete"), missing("; held: support"));
    assert_eq!(told(&snapshot, "nobody", "users.delete"), missing(""));
    assert_eq!(told(&snapshot, "ann", "users.reed"), "not applicable: no permission has this name");
    let inactive = explain(&snapshot, "ann", "users.read", Some(&[])).to_string();
    let expected = "not applicable: nothing that is held allows it; held: admin; not active: admin; \
                    allowed by: admin, support";
    assert_eq!(inactive, expected);
}

#[test]
fn direct_rules_and_separations_are_told() {
    let mut policy = office();
    policy.dynamic_separation("four-eyes", ["support", "suspended"], 2).unwrap();
    policy.allow_principal(&user("zoe"), "users.read").unwrap();
    let snapshot = policy.build(V1).unwrap();
    assert_eq!(told(&snapshot, "zoe", "users.read"), "permit: users.read allowed directly");
    let denied = told(&snapshot, "eve", "users.delete");
    assert!(denied.starts_with("deny: denied by separation of duty four-eyes"), "{denied}");
}

/// The roles of other tenants are not told in this one.
#[test]
fn a_tenant_is_told_of_its_own_roles() {
    let (acme, evil) = (Realm::local("acme").unwrap(), Realm::local("evil").unwrap());
    let mut policy = office();
    for tenant in [&acme, &evil] {
        policy.role(RoleRef::of_tenant(tenant, "boss")).unwrap().allow("users.delete").unwrap();
    }
    let snapshot = policy.build(V1).unwrap();
    let (who, action) = (who(&user("bob")), action("users.delete"));
    let thing = Resource::any(ResourceKind::from_static("thing")).of_tenant(acme);
    let explanation = snapshot.explain(&AccessRequest::new(&who, &action, &thing, NOW)).unwrap();
    assert!(explanation.to_string().ends_with("allowed by: admin, boss of local:acme"), "{explanation}");
}

/// A policy of a thousand roles does not write a thousand names into a log line.
#[test]
fn only_some_of_many_roles_are_told() {
    let mut policy = office();
    for n in 0..1_000 {
        policy.role(format!("role{n}")).unwrap().allow("users.delete").unwrap();
    }
    let snapshot = policy.build(V1).unwrap();
    let explanation = explain(&snapshot, "bob", "users.delete", None);
    let Because::Roles(RolesExplanation::Missing { allowing, .. }) = explanation.because() else { panic!() };
    assert_eq!(allowing.len(), RolesExplanation::MAX_ROLES);
    assert_eq!(allowing[0], role("admin").into());
}

/// Several questions of one principal, by one snapshot, with its limits first.
#[test]
fn a_batch_answers_each_request_in_order() {
    let snapshot = office_snapshot();
    let (ann, thing) = (who(&user("ann")), thing());
    let actions = ["users.read", "users.reed", "users.delete"].map(action);
    let requests: Vec<_> =
        actions.iter().map(|action| AccessRequest::new(&ann, action, &thing, NOW)).collect();
    let answers: Vec<bool> = snapshot.require_each(&requests).iter().map(Result::is_ok).collect();
    assert_eq!(answers, [true, false, true]);
    assert!(snapshot.require_each(&[]).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// An explanation is of the verdict, and what it says would help, does: the roles that are told as allowing
    /// something are those that give it.
    #[test]
    fn an_explanation_agrees_with_the_decision(model in Model::with_tenants(), place in 0..3_usize, some in any::<bool>()) {
        let snapshot = model.compile(0);
        let realm = tenant(place);
        let active = roles(&["role0", "role2"]);
        for principal in &principals() {
            let who = who(principal);
            for what in model.interesting() {
                let action = action(&permission(what));
                let mut thing = thing();
                if let Some(realm) = &realm {
                    thing = thing.of_tenant(realm.clone());
                }
                let mut request = AccessRequest::new(&who, &action, &thing, NOW);
                if some {
                    request = request.with_active_roles(&active);
                }
                let explanation = snapshot.explain(&request).unwrap();
                let verdict = snapshot.evaluate(&request).unwrap();
                prop_assert_eq!(explanation.verdict(), &verdict);
                match explanation.because() {
                    Because::Roles(RolesExplanation::Decided { by, .. }) => {
                        prop_assert_eq!(by, &snapshot.describe(&verdict).unwrap());
                        prop_assert!(verdict.effect() != Effect::NotApplicable);
                    }
                    Because::Roles(RolesExplanation::Missing { held, inactive, allowing }) => {
                        prop_assert_eq!(verdict.effect(), Effect::NotApplicable);
                        let gives = |key| snapshot.permissions_of_role(key).contains(&action);
                        prop_assert!(inactive.iter().chain(allowing).all(gives));
                        prop_assert!(inactive.iter().all(|role| held.contains(role)));
                        prop_assert_eq!(held, &snapshot.within(realm.as_ref()).assigned_roles(principal));
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }
}
