//! Changes of a policy as data.

use auth_core::{Realm, Resource, ResourceKind};
use auth_rbac::{
    PolicyBuilder, PolicyChange, RoleKey, Snapshot,
    document::{PolicyDocument, Role},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::support::{V1, action, evaluate_on, role, user};

const PERMISSIONS: [&str; 3] = ["thing.x", "thing.y", "thing.*"];
const USERS: [&str; 2] = ["ann", "bob"];

fn acme() -> Realm {
    Realm::local("acme").unwrap()
}

fn key() -> impl Strategy<Value = RoleKey> {
    (option::weighted(0.3, Just(acme())), select(&["a", "b", "c", "d"][..]))
        .prop_map(|(tenant, name)| RoleKey { tenant, name: role(name) })
}

fn change() -> impl Strategy<Value = PolicyChange> {
    let permission = || select(&PERMISSIONS[..]).prop_map(str::to_owned);
    let principal = || select(&USERS[..]).prop_map(user);
    let tenant = || option::of(select(vec![acme(), Realm::LOCAL]));
    let holding = || (principal(), key(), tenant());
    let direct = || (principal(), permission(), any::<bool>(), tenant());
    prop_oneof![
        key().prop_map(PolicyChange::CreateRole),
        (key(), key()).prop_map(|(role, parent)| PolicyChange::Inherit { role, parent }),
        (key(), key()).prop_map(|(role, parent)| PolicyChange::Disinherit { role, parent }),
        (key(), permission(), any::<bool>()).prop_map(|(role, permission, denies)| PolicyChange::AddRule {
            role,
            permission,
            denies
        }),
        (key(), permission(), any::<bool>())
            .prop_map(|(role, permission, denies)| PolicyChange::RemoveRule { role, permission, denies }),
        holding().prop_map(|(principal, role, tenant)| PolicyChange::Assign { principal, role, tenant }),
        holding().prop_map(|(principal, role, tenant)| PolicyChange::Revoke { principal, role, tenant }),
        direct().prop_map(|(principal, permission, denies, tenant)| PolicyChange::AddDirect {
            principal,
            permission,
            denies,
            tenant,
        }),
        direct().prop_map(|(principal, permission, denies, tenant)| PolicyChange::RemoveDirect {
            principal,
            permission,
            denies,
            tenant,
        }),
    ]
}

/// What everybody may do everywhere.
fn effects(snapshot: &Snapshot) -> Vec<auth_core::Effect> {
    let thing = || Resource::any(ResourceKind::from_static("thing"));
    let places = [thing(), thing().of_tenant(acme()), thing().of_tenant(Realm::LOCAL)];
    let mut effects = Vec::new();
    for who in USERS {
        for permission in ["thing.x", "thing.y"] {
            for place in &places {
                effects.push(evaluate_on(snapshot, &user(who), &action(permission), place).effect());
            }
        }
    }
    effects
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A change that is kept as data and compiled later must give nobody more than the one that was made at once.
    #[test]
    fn a_change_of_a_document_is_the_change_of_its_policy(changes in vec(change(), 0..30)) {
        let mut policy = PolicyBuilder::new();
        policy.permission("thing.x").unwrap().permission("thing.y").unwrap();
        let mut document =
            PolicyDocument::new(V1).permission(action("thing.x")).permission(action("thing.y"));
        for name in ["a", "b", "c"] {
            policy.role(name).unwrap();
            document = document.role(Role::new(role(name)));
        }
        for change in changes {
            let (mut next_policy, mut next_document) = (policy.clone(), document.clone());
            let made = change.apply(&mut next_policy).and_then(|()| next_policy.clone().build(V1));
            let said = next_document.apply(&change).map(|()| next_document.compile());
            match (made, said) {
                (Ok(made), Ok(Ok(said))) => {
                    prop_assert_eq!(effects(&made), effects(said.roles()), "{}", change);
                    (policy, document) = (next_policy, next_document);
                }
                (Err(_), Err(_) | Ok(Err(_))) => {}
                (made, said) => prop_assert!(false, "{change}: {made:?} and {said:?}"),
            }
        }
    }
}
