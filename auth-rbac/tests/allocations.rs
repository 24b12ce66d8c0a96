//! In a binary of its own, because it counts what the allocator is asked for.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "test code")]

use auth_core::{
    AccessRequest, Action, Authorizer, AuthorizerExt, Decision, Effect, PolicyVersion, PrincipalId, Resource,
    ResourceKind, RoleName, UnixTime, testing,
};
use auth_rbac::{
    Abac, AclBuilder, AclOrder, Actions, AttributeMap, AttributeName, Combiner, Condition, Engine, GroupId,
    Kinds, PolicyBuilder, Rbac, Rule, RuleName, Schema, Stack, Trustee, Value,
};

const NOW: UnixTime = UnixTime::from_secs(1_000);

fn allocations(run: impl FnOnce()) -> u64 {
    allocation_counter::measure(run).count_total
}

/// Twenty roles in a chain, forty permissions each; ann holds three of them, bob one.
fn rbac() -> Rbac {
    let mut policy = PolicyBuilder::new();
    for role in 0..20 {
        policy.role(format!("role{role}")).unwrap();
        for n in 0..40 {
            policy.permission(format!("kind{role}.verb{n}")).unwrap();
            policy.allow(format!("role{role}"), format!("kind{role}.verb{n}")).unwrap();
        }
        if role > 0 {
            policy.inherit(format!("role{role}"), format!("role{}", role - 1)).unwrap();
        }
    }
    policy.deny("role3", "kind0.verb0").unwrap();
    for role in ["role1", "role9", "role19"] {
        policy.assign(&PrincipalId::local_user("ann").unwrap(), role).unwrap();
    }
    policy.assign(&PrincipalId::local_user("bob").unwrap(), "role5").unwrap();
    Rbac::new(policy.build(PolicyVersion::new(1)).unwrap())
}

/// Permitted, denied, unheard of; one role and several; all and some of those that are held active: nothing allocates.
#[test]
fn a_check_allocates_nothing() {
    let rbac = rbac();
    let resource = Resource::one(ResourceKind::from_static("kind"), "42").unwrap();
    let (mut permits, mut denials) = (0, 0);
    for name in ["ann", "bob", "nobody"] {
        let held: &[_] = if name == "ann" { &["role1", "role19", "no-role"] } else { &["role5", "no-role"] };
        // To find what is inherited takes a search, and room for it.
        let active: Vec<_> =
            held.iter().filter(|_| name != "nobody").copied().map(RoleName::from_static).collect();
        let who = testing::authenticated_as(&PrincipalId::local_user(name).unwrap(), NOW);
        for action in ["kind1.verb7", "kind0.verb0", "kind19.verb39", "no.action"] {
            let action = Action::parse(action).unwrap();
            let all = AccessRequest::new(&who, &action, &resource, NOW);
            for request in [all, all.with_active_roles(&active)] {
                // The first check of a thread makes room for its place among the readers.
                let first = rbac.decide(&request).unwrap();
                let count = allocations(|| match rbac.decide(&request) {
                    Ok(Decision::Allow(permit)) => {
                        assert!(permit.rule().is_some());
                        permits += 1;
                    }
                    Ok(Decision::Deny(_)) => denials += 1,
                    Err(error) => unreachable!("{error}"),
                });
                assert_eq!(count, 0, "{first:?}");
                assert_eq!(allocations(|| drop(rbac.evaluate(&request))), 0);
                assert_eq!(allocations(|| drop(rbac.require(&request))), 0);
            }
        }
    }
    assert!(permits > 0 && denials > 0);
}

/// What is inherited is looked for among what is held, however many others hold something.
#[test]
fn an_inherited_role_is_found_without_looking_at_all_roles() {
    let mut policy = PolicyBuilder::new();
    policy.permission("kind.read").unwrap();
    for role in ["support", "clerk", "admin"] {
        policy.role(role).unwrap();
    }
    policy.allow("support", "kind.read").unwrap();
    policy.inherit("clerk", "support").unwrap().inherit("admin", "clerk").unwrap();
    for n in 0..10_000 {
        policy.role(format!("role{n}")).unwrap();
        policy.allow_principal(&PrincipalId::local_user(&format!("user{n}")).unwrap(), "kind.read").unwrap();
    }
    let ann = PrincipalId::local_user("ann").unwrap();
    policy.assign(&ann, "admin").unwrap();
    let rbac = Rbac::new(policy.build(PolicyVersion::new(1)).unwrap());
    let resource = Resource::one(ResourceKind::from_static("kind"), "42").unwrap();
    let (who, action) = (testing::authenticated_as(&ann, NOW), Action::from_static("kind.read"));
    let active = [RoleName::from_static("support")];
    let request = AccessRequest::new(&who, &action, &resource, NOW).with_active_roles(&active);
    assert_eq!(rbac.evaluate(&request).unwrap().effect(), Effect::Permit);
    let measured = allocation_counter::measure(|| drop(rbac.evaluate(&request)));
    assert!(measured.bytes_total < 1_024, "{measured:?}");
}

/// Obligations and challenges take memory only where there are some.
#[test]
fn a_stack_allocates_nothing() {
    let rbac = rbac();
    let resource = Resource::one(ResourceKind::from_static("kind"), "42").unwrap();
    let who = testing::authenticated_as(&PrincipalId::local_user("ann").unwrap(), NOW);
    for combiner in [Combiner::DenyOverrides, Combiner::PermitOverrides, Combiner::FirstApplicable] {
        let stack = Stack::new(combiner, rbac.clone()).with(rbac.clone());
        for (action, allowed) in [("kind1.verb7", true), ("kind0.verb0", false), ("no.action", false)] {
            let action = Action::parse(action).unwrap();
            let request = AccessRequest::new(&who, &action, &resource, NOW);
            assert_eq!(stack.require(&request).is_ok(), allowed);
            assert_eq!(allocations(|| drop(stack.require(&request))), 0, "{combiner:?}");
        }
    }
}

#[test]
fn a_check_by_numbers_allocates_nothing() {
    let snapshot = rbac().snapshot().unwrap();
    let ann = PrincipalId::local_user("ann").unwrap();
    let count = allocations(|| {
        let principal = snapshot.principal(&ann).unwrap();
        let permission = snapshot.permission("kind1.verb7").unwrap();
        assert_eq!(snapshot.check(principal, permission), Effect::Permit);
    });
    assert_eq!(count, 0);
}

/// Short lists and long ones, in either order: nothing allocates.
#[test]
fn a_check_of_a_list_allocates_nothing() {
    const DOC: ResourceKind = ResourceKind::from_static("doc");
    let user = |n: usize| PrincipalId::local_user(&format!("user{n}")).unwrap();
    let (inner, outer) = (GroupId::local("inner").unwrap(), GroupId::local("outer").unwrap());
    let (folder, doc) = (Resource::one(DOC, "folder").unwrap(), Resource::one(DOC, "1").unwrap());
    for (order, entries) in
        [AclOrder::DenyOverrides, AclOrder::FirstMatch].map(|order| [(order, 2), (order, 200)]).concat()
    {
        let mut acl = AclBuilder::new(order);
        acl.permission("doc.read").unwrap().permission("doc.write").unwrap();
        acl.group(&inner).unwrap().group(&outer).unwrap().nest(&outer, &inner).unwrap();
        acl.member(&inner, &user(0)).unwrap();
        let mut above = acl.resource(&folder).unwrap();
        above.allow(&outer, ["doc.read"]).unwrap().deny(Trustee::Owner, ["doc.write"]).unwrap();
        for n in 0..entries {
            above.allow(user(n + 1), ["doc.write"]).unwrap();
        }
        acl.resource(&doc).unwrap().inside(&folder).unwrap().owned_by(&user(1)).unwrap();
        let acl = acl.build(PolicyVersion::new(1)).unwrap();
        let mut effects = Vec::new();
        for n in [0, 1, 2, 999] {
            let who = testing::authenticated_as(&user(n), NOW);
            for action in ["doc.read", "doc.write", "no.action"] {
                let action = Action::parse(action).unwrap();
                let request = AccessRequest::new(&who, &action, &doc, NOW);
                effects.push(acl.evaluate(&request).unwrap().effect());
                assert_eq!(allocations(|| drop(acl.evaluate(&request))), 0);
            }
        }
        for effect in [Effect::Permit, Effect::Deny, Effect::NotApplicable] {
            assert!(effects.contains(&effect), "{order:?} {entries} {effects:?}");
        }
    }
}

/// Attributes of every kind, found by an index and not, allowed, forbidden, and unknown.
#[test]
fn a_check_of_conditions_allocates_nothing() {
    let mut schema = Schema::new();
    schema.action("kind.read").unwrap().principal("departments", "set<text>").unwrap();
    for (name, declared) in [("owner", "text"), ("level", "integer?"), ("path", "text")] {
        schema.resource("kind", name, declared).unwrap();
    }
    let mut conditions: Vec<String> =
        (0..20).map(|n| format!("resource.owner == \"user{n}\" && resource.level > 1")).collect();
    conditions
        .push("any(d in principal.departments: d like \"fin*\") && context.time.hour in 0..24".to_owned());
    conditions.push(
        "context.ip in cidr(\"10.0.0.0/8\") && context.auth.age + 1m < 1h && has resource.level".to_owned(),
    );
    conditions.extend((0..20).map(|n| format!("\"department{n}\" in principal.departments")));
    let rules: Vec<Rule> = conditions
        .iter()
        .enumerate()
        .map(|(n, text)| {
            let rule = if n % 4 == 3 { Rule::deny } else { Rule::permit };
            let actions = Actions::these([Action::from_static("kind.read")]);
            let kind = Kinds::One(ResourceKind::from_static("kind"));
            rule(RuleName::parse(&format!("r{n}")).unwrap(), actions, kind, Condition::parse(text).unwrap())
        })
        .collect();
    let abac = Abac::compile(PolicyVersion::new(1), &schema, &rules).unwrap();
    let map = |attributes: &[(&str, Value)]| {
        attributes.iter().fold(AttributeMap::new(), |map, (name, value)| {
            map.with(AttributeName::parse(name).unwrap(), value.clone())
        })
    };
    let who = testing::authenticated_as(&PrincipalId::local_user("ann").unwrap(), NOW);
    let resource = Resource::one(ResourceKind::from_static("kind"), "42").unwrap();
    let action = Action::from_static("kind.read");
    let mut effects = Vec::new();
    for (department, many, from) in [
        ("finance", 1, None),
        ("law", 1, Some("192.0.2.1")),
        ("law", Value::MAX_ELEMENTS, None),
        ("department4", Value::MAX_ELEMENTS, None),
    ] {
        let person = map(&[("departments", vec![department.to_owned(); many].into())]);
        for thing in [
            map(&[]),
            map(&[("owner", "user3".into()), ("level", 5.into())]),
            map(&[("owner", "user4".into()), ("level", 5.into())]),
            map(&[("owner", "nobody".into()), ("level", 0.into())]),
        ] {
            let mut request = AccessRequest::new(&who, &action, &resource, NOW)
                .with_principal_attributes(&person)
                .with_resource_attributes(&thing);
            if let Some(from) = from {
                request = request.from_address(from.parse().unwrap());
            }
            let count = allocations(|| effects.push(abac.evaluate(&request).unwrap().effect()));
            // The list of effects grows.
            assert!(count <= 1, "{count}");
            assert_eq!(allocations(|| drop(abac.decide(&request))), 0);
        }
    }
    for expected in [Effect::Permit, Effect::Deny, Effect::NotApplicable] {
        assert!(effects.contains(&expected), "{effects:?}");
    }
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Indeterminate(_))), "{effects:?}");
}
