//! Whatever a document says, it says after it was written and read again.

use std::time::Duration;

use auth_core::{
    Action, GroupName, PolicyVersion, PrincipalId, PrincipalKind, Realm, Resource, ResourceKind, RoleName,
};
use auth_rbac::{
    AclOrder, Actions, Combiner, Condition, Demand, GroupId, Kinds, RoleKey, Rule, RuleName, Schema, Trustee,
    document::{
        Assignment, Constraint, ConstraintKind, Direct, Entry, Group, KindPermission, Lists, PolicyDocument,
        ResourceList, Role,
    },
};
use proptest::{collection::vec, option, prelude::*};

fn realm() -> impl Strategy<Value = Realm> {
    prop_oneof![
        Just(Realm::LOCAL),
        "[a-z/:#]{1,6}".prop_map(|name| Realm::local(&name).unwrap()),
        Just(Realm::issuer("https://a.example").unwrap()),
    ]
}

/// Ids of any printable text: quotes, backslashes, separators, other alphabets.
fn id() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9]{1,4}", "[^\\p{C}]{1,8}", Just("\"\\'#=[]{}".to_owned())]
}

fn principal() -> impl Strategy<Value = PrincipalId> {
    let kind = prop_oneof![
        3 => Just(PrincipalKind::User),
        1 => Just(PrincipalKind::Service),
        1 => Just(PrincipalKind::Device)
    ];
    (realm(), kind, id()).prop_map(|(realm, kind, id)| PrincipalId::new(realm, kind, &id).unwrap())
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9._:/-]{1,8}"
}

fn action() -> impl Strategy<Value = Action> {
    name().prop_map(|name| Action::parse(&name).unwrap())
}

fn role() -> impl Strategy<Value = RoleKey> {
    (option::of(realm()), name())
        .prop_map(|(tenant, name)| RoleKey { tenant, name: RoleName::parse(&name).unwrap() })
}

fn group() -> impl Strategy<Value = GroupId> {
    (realm(), name()).prop_map(|(realm, name)| GroupId::new(realm, GroupName::parse(&name).unwrap()))
}

fn kind() -> impl Strategy<Value = ResourceKind> {
    name().prop_map(|name| ResourceKind::parse(&name).unwrap())
}

fn resource() -> impl Strategy<Value = Resource> {
    (kind(), option::of(id()), option::of(realm())).prop_map(|(kind, id, tenant)| {
        let resource = match id {
            Some(id) => Resource::one(kind, &id).unwrap(),
            None => Resource::any(kind),
        };
        match tenant {
            Some(tenant) => resource.of_tenant(tenant),
            None => resource,
        }
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let trustee = prop_oneof![
        Just(Trustee::Everyone),
        Just(Trustee::Owner),
        group().prop_map(Trustee::Group),
        principal().prop_map(Trustee::Principal),
    ];
    (any::<bool>(), trustee, vec(action(), 0..3)).prop_map(|(allows, to, permissions)| {
        if allows { Entry::allow(to, permissions) } else { Entry::deny(to, permissions) }
    })
}

fn lists() -> impl Strategy<Value = Lists> {
    let order = prop_oneof![Just(AclOrder::DenyOverrides), Just(AclOrder::FirstMatch)];
    let kind_permission =
        || (kind(), action()).prop_map(|(kind, permission)| KindPermission { kind, permission });
    let groups = (group(), vec(principal(), 0..3), vec(group(), 0..3)).prop_map(|(name, members, groups)| {
        let group = members.into_iter().fold(Group::new(name), Group::member);
        groups.into_iter().fold(group, Group::group)
    });
    let flags = (any::<bool>(), any::<bool>());
    let parts = (resource(), option::of(resource()), flags, option::of(principal()), vec(entry(), 0..3));
    let resources = parts.prop_map(|(resource, inside, (breaks, reapplies), owner, entries)| {
        let mut list = ResourceList::new(resource);
        list.inside = inside;
        list.breaks_inheritance = breaks;
        list.reapplies_below = reapplies;
        list.owner = owner;
        list.entries = entries;
        list
    });
    let kinds = (vec(kind_permission(), 0..2), vec(kind_permission(), 0..2));
    (order, vec(action(), 0..3), kinds, vec(groups, 0..3), vec(resources, 0..3)).prop_map(
        |(order, permissions, (on, keeps), groups, resources)| {
            let mut lists = Lists::new(order);
            lists.permissions = permissions;
            lists.permissions_on = on;
            lists.owner_keeps = keeps;
            lists.groups = groups;
            lists.resources = resources;
            lists
        },
    )
}

fn rule() -> impl Strategy<Value = Rule> {
    let condition = prop::sample::select(
        &[
            "true",
            r#"resource.owner == principal.id && "a\"b" in principal.departments"#,
            r#"!(context.ip in cidr("10.0.0.0/8")) || all(d in principal.departments: d like "eu-*")"#,
            "context.auth.age < 10m && context.time.hour in 9..17",
        ][..],
    )
    .prop_map(|text| Condition::parse(text).unwrap());
    let actions = prop_oneof![Just(Actions::Any), vec(action(), 1..3).prop_map(Actions::These)];
    let kinds = prop_oneof![Just(Kinds::Any), kind().prop_map(Kinds::One)];
    (name(), any::<bool>(), actions, kinds, condition, option::of(1..9_000_u64)).prop_map(
        |(name, permits, actions, kinds, condition, age)| {
            let name = RuleName::parse(&name).unwrap();
            let rule = if permits {
                Rule::permit(name, actions, kinds, condition).with_obligation(Action::from_static("log"))
            } else {
                Rule::deny(name, actions, kinds, condition)
            };
            match age {
                Some(age) => rule.with_challenge(Demand::fresh_within(Duration::from_secs(age))),
                None => rule,
            }
        },
    )
}

fn schema() -> impl Strategy<Value = Schema> {
    let declared = || prop::sample::select(&["text", "integer?", "set<text>", "time", "address?"][..]);
    (declared(), declared(), kind(), action()).prop_map(|(principal, resource, kind, action)| {
        let mut schema = Schema::new();
        schema.principal("departments", principal).unwrap().context("channel.name", resource).unwrap();
        schema.resource(kind.as_str(), "owner", resource).unwrap().action(action.as_str()).unwrap();
        schema.action_attribute("doc.export", "risk", 7).unwrap();
        schema
    })
}

fn document() -> impl Strategy<Value = PolicyDocument> {
    let combiner = prop_oneof![
        Just(Combiner::DenyOverrides),
        Just(Combiner::PermitOverrides),
        Just(Combiner::FirstApplicable)
    ];
    let patterns = || vec("[a-z.*]{1,6}", 0..3);
    let roles =
        (role(), vec(role(), 0..3), patterns(), patterns()).prop_map(|(key, inherits, allow, deny)| {
            let role = inherits.into_iter().fold(Role::new(key), Role::inherits);
            let role = allow.into_iter().fold(role, Role::allow);
            deny.into_iter().fold(role, Role::deny)
        });
    let assignments =
        (principal(), option::of(realm()), vec(role(), 0..3)).prop_map(|(who, tenant, roles)| {
            let assignment = Assignment::new(who, roles);
            match tenant {
                Some(tenant) => assignment.of_tenant(tenant),
                None => assignment,
            }
        });
    let direct =
        (principal(), option::of(realm()), patterns(), patterns()).prop_map(|(who, tenant, allow, deny)| {
            let direct = allow.into_iter().fold(Direct::new(who), Direct::allow);
            let direct = deny.into_iter().fold(direct, Direct::deny);
            match tenant {
                Some(tenant) => direct.of_tenant(tenant),
                None => direct,
            }
        });
    let constraint_kind = prop_oneof![Just(ConstraintKind::Static), Just(ConstraintKind::Dynamic)];
    let constraints = (id(), constraint_kind, vec(role(), 0..3), 0..9_usize)
        .prop_map(|(name, kind, roles, limit)| Constraint::new(name, kind, roles, limit));
    let version = any::<u64>().prop_map(PolicyVersion::new);
    let items = (vec(roles, 0..4), vec(assignments, 0..4), vec(direct, 0..3), vec(constraints, 0..3));
    let rules = (option::of(schema()), vec(rule(), 0..3));
    (version, combiner, vec(action(), 0..4), items, option::of(lists()), rules).prop_map(
        |(
            version,
            combiner,
            permissions,
            (roles, assignments, direct, constraints),
            lists,
            (schema, rules),
        )| {
            let mut document = PolicyDocument::new(version).combining(combiner);
            document.permissions = permissions;
            document.roles = roles;
            document.assignments = assignments;
            document.direct = direct;
            document.constraints = constraints;
            document.acl = lists;
            document.schema = schema;
            document.rules = rules;
            document
        },
    )
}

proptest! {
    #[test]
    fn a_document_survives_both_languages(document in document()) {
        let toml = document.to_toml().unwrap();
        prop_assert_eq!(&PolicyDocument::from_toml(&toml).unwrap(), &document, "{}", toml);
        let json = document.to_json().unwrap();
        prop_assert_eq!(&PolicyDocument::from_json(&json).unwrap(), &document, "{}", json);
    }

    /// Compiling what refers to nothing, or says things twice, is an error and never a panic.
    #[test]
    fn any_document_compiles_or_is_refused(document in document()) {
        if let Ok(policy) = document.compile() {
            prop_assert_eq!(policy.version(), document.version);
            prop_assert_eq!(policy.acl().is_some(), document.acl.is_some());
        }
    }

    #[test]
    fn any_text_is_a_document_or_is_refused(text in "\\PC{0,64}") {
        let read = [PolicyDocument::from_toml(&text), PolicyDocument::from_json(&text)];
        prop_assert!(read.iter().all(Result::is_err), "{:?}", text);
    }
}
