//! The engine against the naive model: wildcards, tenants, direct permissions, asserted and active roles, and both kinds
//! of separation, all at once.

use std::{cell::Cell, collections::BTreeSet};

use auth_core::{
    AccessRequest, Action, Effect, PolicyVersion, PrincipalId, Realm, Resource, ResourceKind, RoleName,
    UnixTime, testing::authenticated_as,
};
use auth_rbac::{Engine, PolicyBuilder, PolicyError, RoleKey, Snapshot};
use proptest::{prelude::*, sample::Index, test_runner::TestRunner};

use crate::naive::{Answer, Naive, Place, Question, Role, means};

const NOW: UnixTime = UnixTime::from_secs(1_000);
const USERS: [&str; 4] = ["ann", "bob", "admin", "a/b"];
/// Named like users, like permissions, and like a tenant with a separator.
const NAMES: [&str; 4] = ["admin", "a.read", "b", "ann"];
const PLACES: [Place; 3] = [None, Some("a"), Some("a/b")];
const PERMISSIONS: [&str; 6] = ["a.read", "a.write", "a.b.read", "ab.read", "admin", "b"];
/// What no policy declares: separated roles are denied it all the same.
const UNDECLARED: [&str; 3] = ["a", "read", "a.b"];
const WHAT: [&str; 11] =
    ["a.read", "a.write", "a.b.read", "ab.read", "admin", "b", "a.*", "*.read", "a.**", "**", "*"];

fn pick<T: Copy + std::fmt::Debug + 'static>(list: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(list)
}

fn any_role() -> impl Strategy<Value = Role> {
    (pick(&PLACES), pick(&NAMES))
}

fn any_policy() -> impl Strategy<Value = Naive> {
    let rule = (any_role(), pick(&WHAT), prop::bool::weighted(0.2));
    let direct = (pick(&USERS), pick(&WHAT), prop::bool::weighted(0.2), pick(&PLACES));
    let separation = (any::<bool>(), prop::collection::vec(any::<Index>(), 2..6), 2..4_usize);
    (
        prop::collection::btree_set(any_role(), 1..12),
        prop::collection::vec((any_role(), any_role()), 0..12),
        prop::collection::vec(rule, 0..10),
        prop::collection::vec((pick(&USERS), any_role(), pick(&PLACES)), 0..10),
        prop::collection::vec(direct, 0..4),
        prop::collection::vec(separation, 0..2),
    )
        .prop_map(|(roles, inherits, rules, assigned, direct, separations)| {
            let roles: Vec<Role> = roles.into_iter().collect();
            let known = |role: &Role| roles.contains(role);
            let of = |place: Place, role: &Role| role.0.is_none() || role.0 == place;
            Naive {
                permissions: PERMISSIONS.to_vec(),
                // Downwards, so that there are no circles.
                inherits: inherits
                    .into_iter()
                    .filter(|(heir, parent)| {
                        known(heir) && known(parent) && heir > parent && of(heir.0, parent)
                    })
                    .collect(),
                rules: rules.into_iter().filter(|(role, ..)| known(role)).collect(),
                assigned: assigned
                    .into_iter()
                    .filter(|(_, role, place)| known(role) && of(*place, role))
                    .collect(),
                direct,
                // Of roles that there are, or hardly any would ever meet.
                separations: separations
                    .into_iter()
                    .map(|(dynamic, set, limit)| {
                        (dynamic, set.iter().map(|at| *at.get(&roles)).collect::<Vec<_>>(), limit)
                    })
                    .filter(|(_, set, limit)| set.iter().collect::<BTreeSet<_>>().len() >= *limit)
                    .collect(),
                roles,
            }
        })
}

fn realm(place: Place) -> Option<Realm> {
    place.map(|tenant| Realm::local(tenant).unwrap())
}

fn key((place, name): Role) -> RoleKey {
    RoleKey { tenant: realm(place), name: RoleName::parse(name).unwrap() }
}

fn user(name: &str) -> PrincipalId {
    PrincipalId::local_user(name).unwrap()
}

fn compile(naive: &Naive) -> Result<Snapshot, PolicyError> {
    let mut policy = PolicyBuilder::new();
    for permission in &naive.permissions {
        policy.permission(permission)?;
    }
    for role in &naive.roles {
        policy.role(&key(*role))?;
    }
    for (heir, parent) in &naive.inherits {
        policy.inherit(&key(*heir), &key(*parent))?;
    }
    for (role, what, denies) in &naive.rules {
        let role = key(*role);
        if *denies { policy.deny(&role, what) } else { policy.allow(&role, what) }?;
    }
    for (who, role, place) in &naive.assigned {
        match realm(*place) {
            Some(tenant) => policy.assign_in(&tenant, &user(who), &key(*role)),
            None => policy.assign(&user(who), &key(*role)),
        }?;
    }
    for (who, what, denies, place) in &naive.direct {
        match (realm(*place), denies) {
            (None, false) => policy.allow_principal(&user(who), what),
            (None, true) => policy.deny_principal(&user(who), what),
            (Some(tenant), false) => policy.allow_principal_in(&tenant, &user(who), what),
            (Some(tenant), true) => policy.deny_principal_in(&tenant, &user(who), what),
        }?;
    }
    for (n, (dynamic, set, limit)) in naive.separations.iter().enumerate() {
        let keys: Vec<RoleKey> = set.iter().map(|role| key(*role)).collect();
        if *dynamic {
            policy.dynamic_separation(format!("s{n}"), &keys, *limit)
        } else {
            policy.static_separation(format!("s{n}"), &keys, *limit)
        }?;
    }
    policy.build(PolicyVersion::new(1))
}

fn ask(snapshot: &Snapshot, question: Question<'_>) -> Answer {
    let names = |names: &[&str]| -> Vec<RoleName> {
        names.iter().map(|name| RoleName::parse(name).unwrap()).collect()
    };
    let who = authenticated_as(&user(question.user), NOW).with_asserted_roles(&names(question.asserted));
    let action = Action::parse(question.action).unwrap();
    let mut thing = Resource::any(ResourceKind::from_static("thing"));
    if let Some(tenant) = realm(question.place) {
        thing = thing.of_tenant(tenant);
    }
    let active = question.active.map(names);
    let mut request = AccessRequest::new(&who, &action, &thing, NOW);
    if let Some(active) = &active {
        request = request.with_active_roles(active);
    }
    match snapshot.evaluate(&request).unwrap().effect() {
        Effect::Permit => Answer::Permit,
        Effect::Deny => Answer::Deny,
        Effect::NotApplicable => Answer::Nothing,
        Effect::Indeterminate(_) => panic!("roles are never in doubt"),
    }
}

#[test]
fn the_naive_wildcard_is_what_it_should_be() {
    assert!(
        means("a.*", "a.read") && !means("a.*", "a.b.read") && !means("a.*", "a") && !means("a.*", "ab.read")
    );
    assert!(means("a.**", "a.b.read") && !means("a.**", "a") && means("**", "a") && !means("*", "a.read"));
}

#[test]
fn the_engine_decides_as_the_naive_model() {
    let names = || prop::collection::vec(pick(&NAMES), 0..3);
    let asked = (any_policy(), names(), prop::option::of(names()));
    let (permits, denials, separated) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let count = |counter: &Cell<u32>| counter.set(counter.get() + 1);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(1_500));
    let outcome = runner.run(&asked, |(naive, asserted, active)| {
        let snapshot = match compile(&naive) {
            Ok(snapshot) => snapshot,
            Err(PolicyError::Separated { .. }) => {
                prop_assert!(naive.is_separated());
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert!(!naive.is_separated());
        for user in USERS {
            for place in PLACES {
                for action in PERMISSIONS.into_iter().chain(UNDECLARED) {
                    let question =
                        Question { user, action, place, asserted: &asserted, active: active.as_deref() };
                    let answer = naive.ask(question);
                    prop_assert_eq!(ask(&snapshot, question), answer, "{:?}", question);
                    match answer {
                        Answer::Permit => count(&permits),
                        Answer::Deny if UNDECLARED.contains(&action) => count(&separated),
                        Answer::Deny => count(&denials),
                        Answer::Nothing => {}
                    }
                }
            }
        }
        Ok(())
    });
    outcome.unwrap();
    let counts = [permits.get(), denials.get(), separated.get()];
    assert!(counts.iter().all(|count| *count > 50), "something of everything is compared: {counts:?}");
}
