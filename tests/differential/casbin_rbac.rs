//! The engine against casbin, on what both have: roles with inheritance, denials that override, direct permissions; and
//! the same in domains, which are tenants here. What is ours for every tenant is written there once for each domain.
//!
//! Users and roles have names that cannot be confused, for casbin would: to it, both are strings of one space.

use std::cell::Cell;

use auth_core::{
    AccessRequest, Action, Effect, PolicyVersion, PrincipalId, Realm, Resource, ResourceKind, RoleName,
    UnixTime, testing::authenticated_as,
};
use auth_rbac::{Engine, PolicyBuilder, RoleKey, Snapshot};
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};
use proptest::{prelude::*, test_runner::TestRunner};

const NOW: UnixTime = UnixTime::from_secs(1_000);
const USERS: usize = 5;
/// casbin follows inheritance ten deep.
const ROLES: usize = 8;
const KINDS: usize = 4;
const TENANTS: usize = 2;

const PLAIN: &str = "
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act, eft
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act
";

/// What counts in one tenant, and a role of the whole policy beside it.
#[derive(Debug, Clone, Default)]
struct Policy {
    /// Tenant, role, and a role of a smaller number that it inherits.
    inherits: Vec<(usize, usize, usize)>,
    /// Tenant, who (a role, or a user beyond those), kind, and whether it is denied.
    rules: Vec<(usize, usize, usize, bool)>,
    /// Tenant, user, role.
    assigned: Vec<(usize, usize, usize)>,
    /// What the policy's own role may or may not, in whichever tenant.
    global_rules: Vec<(usize, bool)>,
    /// Who holds that, everywhere or in one tenant.
    global_assigned: Vec<(usize, Option<usize>)>,
    /// Tenant, and a role of it that inherits that.
    global_inherited: Vec<(usize, usize)>,
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let tenant = || 0..TENANTS;
    (
        prop::collection::vec((tenant(), 0..ROLES, 0..ROLES), 0..12),
        prop::collection::vec((tenant(), 0..ROLES + USERS, 0..KINDS, prop::bool::weighted(0.2)), 0..20),
        prop::collection::vec((tenant(), 0..USERS, 0..ROLES), 0..12),
        prop::collection::vec((0..KINDS, prop::bool::weighted(0.2)), 0..3),
        prop::collection::vec((0..USERS, prop::option::of(tenant())), 0..3),
        prop::collection::vec((tenant(), 0..ROLES), 0..3),
    )
        .prop_map(|(edges, rules, assigned, global_rules, global_assigned, global_inherited)| {
            let downwards = |(tenant, a, b): (usize, usize, usize)| (tenant, a.max(b), a.min(b));
            let inherits = edges.into_iter().filter(|(_, a, b)| a != b).map(downwards).collect();
            Policy { inherits, rules, assigned, global_rules, global_assigned, global_inherited }
        })
}

fn user(n: usize) -> String {
    format!("user{n}")
}

fn role(n: usize) -> String {
    format!("role{n}")
}

/// Named like the first role of each tenant, and none of them.
const GLOBAL: &str = "role0";
/// To casbin, names are all that there is.
const CASBINS_GLOBAL: &str = "everywhere";

fn kind(n: usize) -> String {
    format!("kind{n}")
}

fn tenant(n: usize) -> Realm {
    Realm::local(&format!("tenant{n}")).unwrap()
}

fn ours(policy: &Policy) -> Snapshot {
    let key = |at, n| RoleKey { tenant: Some(tenant(at)), name: RoleName::parse(&role(n)).unwrap() };
    let principal = |n| PrincipalId::local_user(&user(n)).unwrap();
    let mut built = PolicyBuilder::new();
    for n in 0..KINDS {
        built.permission(format!("{}.read", kind(n))).unwrap();
    }
    for at in 0..TENANTS {
        for n in 0..ROLES {
            built.role(&key(at, n)).unwrap();
        }
    }
    for (at, heir, parent) in &policy.inherits {
        built.inherit(&key(*at, *heir), &key(*at, *parent)).unwrap();
    }
    for (at, who, what, denies) in &policy.rules {
        let what = format!("{}.read", kind(*what));
        match (who.checked_sub(ROLES), denies) {
            (None, false) => built.allow(&key(*at, *who), what),
            (None, true) => built.deny(&key(*at, *who), what),
            (Some(who), false) => built.allow_principal_in(&tenant(*at), &principal(who), what),
            (Some(who), true) => built.deny_principal_in(&tenant(*at), &principal(who), what),
        }
        .unwrap();
    }
    for (at, who, what) in &policy.assigned {
        built.assign(&principal(*who), &key(*at, *what)).unwrap();
    }
    built.role(GLOBAL).unwrap();
    for (what, denies) in &policy.global_rules {
        let what = format!("{}.read", kind(*what));
        if *denies { built.deny(GLOBAL, what) } else { built.allow(GLOBAL, what) }.unwrap();
    }
    for (who, at) in &policy.global_assigned {
        match at {
            Some(at) => built.assign_in(&tenant(*at), &principal(*who), GLOBAL),
            None => built.assign(&principal(*who), GLOBAL),
        }
        .unwrap();
    }
    for (at, heir) in &policy.global_inherited {
        built.inherit(&key(*at, *heir), GLOBAL).unwrap();
    }
    built.build(PolicyVersion::new(1)).unwrap()
}

async fn casbins(policy: &Policy) -> Enforcer {
    let domain = |n: usize| format!("tenant{n}");
    let subject = |n: usize| if n < ROLES { role(n) } else { user(n - ROLES) };
    let rule = |who: String, at: usize, what: usize, denies: bool| {
        let effect = if denies { "deny" } else { "allow" };
        vec![who, domain(at), kind(what), "read".to_owned(), effect.to_owned()]
    };
    let of_tenants =
        policy.rules.iter().map(|(at, who, what, denies)| rule(subject(*who), *at, *what, *denies));
    let of_all = policy.global_rules.iter().flat_map(|(what, denies)| {
        (0..TENANTS).map(|at| rule(CASBINS_GLOBAL.to_owned(), at, *what, *denies))
    });
    let mut rules: Vec<Vec<String>> = of_tenants.chain(of_all).collect();
    let inherits =
        policy.inherits.iter().map(|(at, heir, parent)| vec![role(*heir), role(*parent), domain(*at)]);
    let assigned = policy.assigned.iter().map(|(at, who, what)| vec![user(*who), role(*what), domain(*at)]);
    let everywhere = policy.global_assigned.iter().flat_map(|(who, place)| {
        let places = (0..TENANTS).filter(|at| place.is_none_or(|place| place == *at));
        places.map(|at| vec![user(*who), CASBINS_GLOBAL.to_owned(), domain(at)])
    });
    let through = policy
        .global_inherited
        .iter()
        .map(|(at, heir)| vec![role(*heir), CASBINS_GLOBAL.to_owned(), domain(*at)]);
    let mut links: Vec<Vec<String>> = inherits.chain(assigned).chain(everywhere).chain(through).collect();
    // It refuses a whole batch that says something twice.
    for list in [&mut rules, &mut links] {
        list.sort();
        list.dedup();
    }
    let model = DefaultModel::from_str(PLAIN).await.unwrap();
    let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.unwrap();
    assert!(rules.is_empty() || enforcer.add_policies(rules).await.unwrap());
    assert!(links.is_empty() || enforcer.add_grouping_policies(links).await.unwrap());
    enforcer
}

#[test]
fn the_engine_decides_as_casbin() {
    // A comparison in which nobody may do anything, or everybody everything, would compare nothing.
    let (allowed, denied) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(200));
    let outcome = runner.run(&any_policy(), |policy| {
        let snapshot = ours(&policy);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let enforcer = runtime.block_on(casbins(&policy));
        for at in 0..TENANTS {
            for who in 0..USERS {
                let authenticated = authenticated_as(&PrincipalId::local_user(&user(who)).unwrap(), NOW);
                for what in 0..KINDS {
                    let action = Action::parse(&format!("{}.read", kind(what))).unwrap();
                    let thing = Resource::any(ResourceKind::from_static("thing")).of_tenant(tenant(at));
                    let request = AccessRequest::new(&authenticated, &action, &thing, NOW);
                    let ours = snapshot.evaluate(&request).unwrap().effect() == Effect::Permit;
                    let question = (user(who), format!("tenant{at}"), kind(what), "read");
                    let casbins = enforcer.enforce(question).unwrap();
                    prop_assert_eq!(ours, casbins, "{} {} in {}", who, what, at);
                    let count = if ours { &allowed } else { &denied };
                    count.set(count.get() + 1);
                }
            }
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(allowed.get() > 100 && denied.get() > 100, "{} allowed, {} denied", allowed.get(), denied.get());
}

/// Where we differ, on purpose: to casbin a user named like a role has what the role has.
#[test]
fn a_user_named_like_a_role_has_nothing_here_and_everything_there() {
    let policy = Policy { rules: vec![(0, 0, 0, false)], ..Policy::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let enforcer = runtime.block_on(casbins(&policy));
    assert!(enforcer.enforce((role(0), "tenant0", kind(0), "read")).unwrap());
    let snapshot = ours(&policy);
    let who = PrincipalId::local_user(&role(0)).unwrap();
    assert!(snapshot.within(Some(&tenant(0))).permissions_of(&who).is_empty());
}
