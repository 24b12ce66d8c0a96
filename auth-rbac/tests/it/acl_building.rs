//! What is refused when access control lists are built.

use auth_core::{PolicyVersion, Realm, Resource, ResourceKind};
use auth_rbac::{AclBuilder, AclCounted, AclError, AclOrder, GroupId, Trustee};

use crate::support::{V1, action, evaluate_on, user};

const DOC: ResourceKind = ResourceKind::from_static("doc");

fn doc(id: impl std::fmt::Display) -> Resource {
    Resource::one(DOC, &id.to_string()).unwrap()
}

fn group(name: impl std::fmt::Display) -> GroupId {
    GroupId::local(&name.to_string()).unwrap()
}

fn builder() -> AclBuilder {
    let mut acl = AclBuilder::new(AclOrder::DenyOverrides);
    acl.permission("doc.read").unwrap();
    acl
}

#[test]
fn what_refers_to_nothing_is_refused() {
    let mut acl = builder();
    let folder = Resource::any(ResourceKind::from_static("folder"));
    assert_eq!(
        acl.resource(&folder).map(drop).unwrap_err(),
        AclError::UnknownKind(ResourceKind::from_static("folder"))
    );
    assert_eq!(acl.edit(&doc(1)).map(drop).unwrap_err(), AclError::UnknownResource(doc(1)));
    let unknown = |name| AclError::UnknownGroup(group(name));
    assert_eq!(acl.member(&group("a"), &user("ann")).map(drop).unwrap_err(), unknown("a"));
    acl.group(&group("a")).unwrap();
    assert_eq!(acl.nest(&group("a"), &group("b")).map(drop).unwrap_err(), unknown("b"));
    assert_eq!(acl.nest(&group("b"), &group("a")).map(drop).unwrap_err(), unknown("b"));
    assert_eq!(acl.group(&group("a")).map(drop).unwrap_err(), AclError::DuplicateGroup(group("a")));
    let mut one = acl.resource(&doc(1)).unwrap();
    assert_eq!(one.inside(&doc(2)).map(drop).unwrap_err(), AclError::UnknownResource(doc(2)));
    assert_eq!(one.allow(group("b"), ["doc.read"]).map(drop).unwrap_err(), unknown("b"));
    assert_eq!(
        one.allow(Trustee::Everyone, ["doc.write"]).map(drop).unwrap_err(),
        AclError::UnknownPermission(action("doc.write"))
    );
    assert!(matches!(one.deny(Trustee::Everyone, ["doc *"]), Err(AclError::PermissionName(_))));
    assert_eq!(acl.resource(&doc(1)).map(drop).unwrap_err(), AclError::DuplicateResource(doc(1)));
    assert_eq!(acl.permission("read").map(drop).unwrap_err(), AclError::NoKind(action("read")));
    assert_eq!(
        acl.owner_keeps(&DOC, "doc.write").map(drop).unwrap_err(),
        AclError::UnknownPermission(action("doc.write"))
    );
    // Nothing of what was refused is in force.
    let acl = acl.build(V1).unwrap();
    assert!(acl.permissions_on(&user("ann"), &doc(1)).is_empty());
}

/// What one tenant says of its folder does not open what belongs to another.
#[test]
fn nothing_is_inside_a_resource_of_another_tenant() {
    let of = |id: &str, tenant: &str| doc(id).of_tenant(Realm::local(tenant).unwrap());
    let mut acl = builder();
    for resource in [doc("shelf"), of("shelf", "a"), of("shelf", "b"), doc("1"), of("1", "a"), of("2", "a")] {
        acl.resource(&resource).unwrap();
    }
    for (inner, outer) in [(of("1", "a"), of("shelf", "b")), (doc("1"), of("shelf", "a"))] {
        let error = acl.edit(&inner).unwrap().inside(&outer).map(drop).unwrap_err();
        assert_eq!(error, AclError::OtherTenant(inner));
    }
    for (inner, outer) in
        [(of("1", "a"), of("shelf", "a")), (of("2", "a"), doc("shelf")), (doc("1"), doc("shelf"))]
    {
        acl.edit(&inner).unwrap().inside(&outer).unwrap();
    }
}

#[test]
fn a_resource_is_inside_one_other() {
    let mut acl = builder();
    for n in 1..4 {
        acl.resource(&doc(n)).unwrap();
    }
    let mut one = acl.edit(&doc(1)).unwrap();
    one.inside(&doc(2)).unwrap().inside(&doc(2)).unwrap();
    assert_eq!(one.inside(&doc(3)).map(drop).unwrap_err(), AclError::TwoParents(doc(1)));
}

/// A circle is told as a path back to itself.
#[test]
fn groups_inside_themselves_are_refused_with_the_path() {
    let mut acl = builder();
    for name in ["a", "b", "c"] {
        acl.group(&group(name)).unwrap();
    }
    for (outer, inner) in [("a", "b"), ("b", "c"), ("c", "b")] {
        acl.nest(&group(outer), &group(inner)).unwrap();
    }
    let error = acl.build(V1).unwrap_err();
    let AclError::GroupCycle { path } = &error else { panic!("{error:?}") };
    assert!(path.len() == 3 && path.first() == path.last() && !path.contains(&group("a")), "{path:?}");
    assert!(error.to_string().starts_with("groups are inside each other in a circle: "), "{error}");

    let mut acl = builder();
    acl.group(&group("a")).unwrap().nest(&group("a"), &group("a")).unwrap();
    assert_eq!(acl.build(V1).unwrap_err(), AclError::GroupCycle { path: vec![group("a"), group("a")] });
}

/// Inheritance in a circle has no end.
#[test]
fn resources_inside_themselves_are_refused_with_the_path() {
    let mut acl = builder();
    for n in 0..3 {
        acl.resource(&doc(n)).unwrap();
    }
    for n in 0..3 {
        acl.edit(&doc(n)).unwrap().inside(&doc((n + 1) % 3)).unwrap();
    }
    let error = acl.build(V1).unwrap_err();
    let AclError::ResourceCycle { path } = &error else { panic!("{error:?}") };
    assert!(path.len() == 4 && path.first() == path.last(), "{path:?}");
    // Breaking inheritance does not make a circle a tree.
    let mut acl = builder();
    acl.resource(&doc(1)).unwrap().breaks_inheritance();
    acl.edit(&doc(1)).unwrap().inside(&doc(1)).unwrap();
    assert!(matches!(acl.build(V1), Err(AclError::ResourceCycle { .. })));
}

/// Neither nesting recurses, and neither is cut short.
#[test]
fn ten_thousand_levels_are_followed_to_their_end() {
    const DEEP: usize = 10_000;
    let mut acl = builder();
    for n in 0..DEEP {
        acl.group(&group(n)).unwrap();
        acl.resource(&doc(n)).unwrap();
        if n > 0 {
            acl.nest(&group(n - 1), &group(n)).unwrap();
            acl.edit(&doc(n)).unwrap().inside(&doc(n - 1)).unwrap();
        }
    }
    acl.member(&group(DEEP - 1), &user("ann")).unwrap();
    acl.edit(&doc(0)).unwrap().allow(group(0), ["doc.read"]).unwrap();
    let acl = acl.build(V1).unwrap();
    assert_eq!(acl.permissions_on(&user("ann"), &doc(DEEP - 1)), [action("doc.read")]);
    assert_eq!(acl.membership(&user("ann"), &group(0)).unwrap().len(), DEEP);
    let verdict = evaluate_on(&acl, &user("ann"), &action("doc.read"), &doc(DEEP - 1));
    assert!(acl.describe(&verdict).unwrap().to_string().ends_with(r#"by inherited entry of doc "0""#));
    // All of it is one list.
    assert_eq!(acl.counts().lists, 2);
}

/// A list of permissions that was left empty protects nothing, and looks as if it did.
#[test]
fn an_entry_without_permissions_is_refused() {
    let mut acl = AclBuilder::new(AclOrder::DenyOverrides);
    acl.permission("doc.read").unwrap();
    let mut resource = acl.resource(&doc(1)).unwrap();
    let none: [&str; 0] = [];
    assert_eq!(resource.deny(Trustee::Everyone, none).map(drop).unwrap_err(), AclError::NoPermission(doc(1)));
    assert_eq!(resource.allow(user("ann"), none).map(drop).unwrap_err(), AclError::NoPermission(doc(1)));
    assert_eq!(AclError::NoPermission(doc(1)).to_string(), "an entry of doc \"1\" speaks of no permission");
}

/// The bits of a word are all that a kind has; one more is refused and not dropped.
#[test]
fn a_kind_has_at_most_64_permissions() {
    let mut acl = AclBuilder::default();
    for n in 0..AclBuilder::MAX_PERMISSIONS_OF_KIND {
        acl.permission(format!("doc.verb{n}")).unwrap().permission(format!("doc.verb{n}")).unwrap();
    }
    let max = AclBuilder::MAX_PERMISSIONS_OF_KIND;
    assert_eq!(
        acl.permission("doc.more").map(drop).unwrap_err(),
        AclError::TooMany { what: AclCounted::PermissionsOfKind, max }
    );
    acl.permission("folder.more").unwrap();
    acl.resource(&doc(1)).unwrap().allow(user("ann"), ["doc.verb0", "doc.verb63"]).unwrap();
    let acl = acl.build(V1).unwrap();
    assert_eq!(acl.permissions_on(&user("ann"), &doc(1)), [action("doc.verb0"), action("doc.verb63")]);
}

#[test]
fn entries_are_capped() {
    let mut acl = builder();
    let mut above = acl.resource(&doc(0)).unwrap();
    for n in 0..AclBuilder::MAX_ENTRIES {
        above.allow(user(&n.to_string()), ["doc.read"]).unwrap();
    }
    let too_many = |what, max| AclError::TooMany { what, max };
    assert_eq!(
        above.allow(user("more"), ["doc.read"]).map(drop).unwrap_err(),
        too_many(AclCounted::Entries, AclBuilder::MAX_ENTRIES)
    );
    for level in 1..6 {
        let mut resource = acl.resource(&doc(level)).unwrap();
        resource.inside(&doc(level - 1)).unwrap();
        for n in 0..AclBuilder::MAX_ENTRIES - 1 {
            resource.allow(user(&format!("{level}/{n}")), ["doc.read"]).unwrap();
        }
    }
    assert_eq!(
        acl.build(PolicyVersion::new(1)).unwrap_err(),
        too_many(AclCounted::EffectiveEntries, AclBuilder::MAX_EFFECTIVE_ENTRIES)
    );
}
