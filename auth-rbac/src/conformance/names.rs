//! Names, byte by byte.

use auth_core::{Action, GroupName, PrincipalId, PrincipalKind, Realm, Resource, ResourceKind, RoleName};

use super::check::{Bench, Verdict, role, version};
use crate::{
    acl::{AclOrder, GroupId},
    document::{Assignment, Direct, Entry, Group, Lists, PolicyDocument, ResourceList, Role},
    role_ref::RoleKey,
};

/// Names that look alike to a person, a collation or a LIKE are different.
pub(super) async fn names_of_policies_compare_byte_by_byte(bench: &Bench<'_>) -> Verdict {
    let mut document = PolicyDocument::new(version(1));
    for name in ["a.b", "A.b", "a_b", "a-b"] {
        document = document.permission(Action::parse(name)?);
    }
    let names = ["Role", "role", "role-", "role_"];
    for name in names {
        document = document.role(Role::new(role(name)?));
    }
    for realm in [Realm::issuer("default")?, Realm::local("DEFAULT")?, Realm::LOCAL] {
        let key = RoleKey { tenant: Some(realm.clone()), ..role("role")? };
        document = document.role(Role::new(key).allow("a.b"));
        for kind in [PrincipalKind::Service, PrincipalKind::User] {
            let ids = ["Ann", "a%", "a\u{308}nn", "ann", "ann ", "ann'; --", "ann\\", "änn"];
            for (id, name) in ids.into_iter().zip(names.into_iter().cycle()) {
                let who = PrincipalId::new(realm.clone(), kind, id)?;
                document = document.assign(Assignment::new(who, [role(name)?]));
            }
        }
    }
    bench.save(0, &document).await?;
    bench.expect("names that look alike", &document).await
}

/// Indexes of servers have a limit for what they hold, and a name that was cut off would be another's.
pub(super) async fn the_longest_names_of_policies_survive(bench: &Bench<'_>) -> Verdict {
    let realm = Realm::parse(&format!("local:{}", "~".repeat(Realm::MAX_LEN.saturating_sub(6))))?;
    let id = PrincipalId::new(realm.clone(), PrincipalKind::Service, &"z".repeat(PrincipalId::MAX_LEN))?;
    let name = "n".repeat(RoleName::MAX_LEN);
    let key = RoleKey { tenant: Some(realm.clone()), name: RoleName::parse(&name)? };
    let action = Action::parse(&format!("{}.p", "k".repeat(64)))?;
    let long = Action::parse(&"p".repeat(Action::MAX_LEN))?;
    let group = GroupId::new(realm.clone(), GroupName::parse(&name)?);
    let inner = GroupId::new(realm.clone(), GroupName::parse(name.split_at(1).1)?);
    let resource = Resource::one(ResourceKind::parse(&"k".repeat(64))?, &"i".repeat(Resource::MAX_ID_LEN))?;
    let list = ResourceList::new(resource.of_tenant(realm.clone()))
        .owned_by(id.clone())
        .entry(Entry::deny(group.clone(), [action.clone()]));
    let lists = Lists::new(AclOrder::DenyOverrides)
        .permission(action)
        .group(Group::new(inner.clone()).member(id.clone()))
        .group(Group::new(group).member(id.clone()).group(inner))
        .resource(list);
    let document = PolicyDocument::new(version(1))
        .permission(long.clone())
        .role(Role::new(key.clone()).allow(&long))
        .assign(Assignment::new(id.clone(), [key]))
        .direct(Direct::new(id).of_tenant(realm).deny(&long))
        .acl(lists);
    bench.save(0, &document).await?;
    bench.expect("the longest names", &document).await
}
