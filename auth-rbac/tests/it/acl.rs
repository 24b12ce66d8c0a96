//! What access control lists mean.

use auth_core::{Effect, PrincipalId, PrincipalKind, Realm, Resource, ResourceKind};
use auth_rbac::{Acl, AclBuilder, AclOrder, GroupId, Trustee};

use crate::support::{V1, action, evaluate_on, user};

const FOLDER: ResourceKind = ResourceKind::from_static("folder");
const DOC: ResourceKind = ResourceKind::from_static("doc");

fn folder(id: &str) -> Resource {
    Resource::one(FOLDER, id).unwrap()
}

fn doc(id: &str) -> Resource {
    Resource::one(DOC, id).unwrap()
}

fn group(name: &str) -> GroupId {
    GroupId::local(name).unwrap()
}

fn builder(order: AclOrder) -> AclBuilder {
    let mut acl = AclBuilder::new(order);
    acl.permission("folder.list").unwrap().permission("doc.read").unwrap().permission("doc.write").unwrap();
    for name in ["staff", "interns", "everyone"] {
        acl.group(&group(name)).unwrap();
    }
    acl.nest(&group("staff"), &group("interns")).unwrap();
    acl.member(&group("staff"), &user("ann")).unwrap();
    acl.member(&group("interns"), &user("ivy")).unwrap();
    acl
}

fn effect(acl: &Acl, who: &str, permission: &str, resource: &Resource) -> Effect {
    evaluate_on(acl, &user(who), &action(permission), resource).effect()
}

/// Nothing said is nothing allowed.
#[test]
fn what_no_entry_speaks_of_is_not_applicable() {
    let mut acl = builder(AclOrder::DenyOverrides);
    acl.resource(&doc("1")).unwrap().allow(user("ann"), ["doc.read"]).unwrap();
    let acl = acl.build(V1).unwrap();
    assert_eq!(effect(&acl, "ann", "doc.read", &doc("1")), Effect::Permit);
    for (who, what, resource) in [
        ("ann", "doc.write", doc("1")),
        ("bob", "doc.read", doc("1")),
        ("ann", "doc.read", doc("2")),
        ("ann", "doc.read", Resource::any(DOC)),
        ("ann", "doc.read", folder("1")),
        ("ann", "doc.unheard-of", doc("1")),
        ("ann", "folder.list", doc("1")),
        ("ann", "doc.read", Resource::one(ResourceKind::from_static("docs"), "1").unwrap()),
        ("ann", "doc.read", doc("1").of_tenant(Realm::local("a").unwrap())),
    ] {
        assert_eq!(effect(&acl, who, what, &resource), Effect::NotApplicable, "{who} {what} {resource:?}");
    }
    let empty = AclBuilder::new(AclOrder::FirstMatch).build(V1).unwrap();
    assert_eq!(effect(&empty, "ann", "doc.read", &doc("1")), Effect::NotApplicable);
}

/// What everybody may on one object says nothing about another one, whoever holds a
/// grant there (OpenFGA CVE-2026-24851).
#[test]
fn an_entry_for_everyone_is_for_its_own_resource_alone() {
    for order in [AclOrder::DenyOverrides, AclOrder::FirstMatch] {
        let mut acl = builder(order);
        acl.resource(&doc("public")).unwrap().allow(Trustee::Everyone, ["doc.read"]).unwrap();
        acl.resource(&doc("private")).unwrap().allow(user("ann"), ["doc.read"]).unwrap();
        let acl = acl.build(V1).unwrap();
        for who in ["ann", "bob", "unheard-of"] {
            assert_eq!(effect(&acl, who, "doc.read", &doc("public")), Effect::Permit);
        }
        assert_eq!(effect(&acl, "ann", "doc.read", &doc("private")), Effect::Permit);
        assert_eq!(effect(&acl, "bob", "doc.read", &doc("private")), Effect::NotApplicable);
        // A group, or a principal, of that name is not everyone.
        assert_eq!(acl.membership(&user("bob"), &group("everyone")), None);
    }
}

/// Parts are never joined, so no separator moves a border.
#[test]
fn tenants_and_ids_do_not_bleed() {
    let tenant = |name: &str| Realm::local(name).unwrap();
    let mut acl = builder(AclOrder::DenyOverrides);
    let resources = [
        doc("1"),
        doc("a/1"),
        doc("doc::1"),
        doc("1").of_tenant(tenant("a")),
        doc("1").of_tenant(tenant("a/b")),
        doc("b/1").of_tenant(tenant("a")),
        doc("1#x").of_tenant(tenant("a")),
    ];
    for (n, resource) in resources.iter().enumerate() {
        acl.resource(resource).unwrap().allow(user(&format!("u{n}")), ["doc.read"]).unwrap();
    }
    let acl = acl.build(V1).unwrap();
    for n in 0..resources.len() {
        for (m, resource) in resources.iter().enumerate() {
            let expected = if n == m { Effect::Permit } else { Effect::NotApplicable };
            assert_eq!(effect(&acl, &format!("u{n}"), "doc.read", resource), expected, "{n} {m}");
        }
    }
    let stranger = PrincipalId::new(tenant("a"), PrincipalKind::User, "u0").unwrap();
    let service = PrincipalId::new(Realm::LOCAL, PrincipalKind::Service, "u0").unwrap();
    for other in [stranger, service] {
        let verdict = evaluate_on(&acl, &other, &action("doc.read"), &resources[0]);
        assert_eq!(verdict.effect(), Effect::NotApplicable);
    }
}

/// The staff of one tenant is not that of another.
#[test]
fn groups_of_two_tenants_share_a_name_and_nothing_else() {
    let of = |realm: Realm| GroupId::new(realm, auth_core::GroupName::from_static("staff"));
    let (a, b) = (of(Realm::local("a").unwrap()), of(Realm::local("b").unwrap()));
    let mut acl = AclBuilder::default();
    acl.permission("doc.read").unwrap().group(&a).unwrap().group(&b).unwrap();
    acl.member(&a, &user("ann")).unwrap().member(&b, &user("bob")).unwrap();
    acl.resource(&doc("1")).unwrap().allow(&a, ["doc.read"]).unwrap();
    let acl = acl.build(V1).unwrap();
    assert_eq!(effect(&acl, "ann", "doc.read", &doc("1")), Effect::Permit);
    assert_eq!(effect(&acl, "bob", "doc.read", &doc("1")), Effect::NotApplicable);
}

/// A user named like a group is not in it.
#[test]
fn a_principal_named_like_a_group_gets_nothing() {
    let mut acl = builder(AclOrder::DenyOverrides);
    acl.resource(&doc("1")).unwrap().allow(group("staff"), ["doc.read"]).unwrap();
    acl.resource(&doc("2")).unwrap().allow(user("interns"), ["doc.read"]).unwrap();
    let acl = acl.build(V1).unwrap();
    assert_eq!(effect(&acl, "staff", "doc.read", &doc("1")), Effect::NotApplicable);
    assert_eq!(effect(&acl, "ivy", "doc.read", &doc("1")), Effect::Permit);
    assert_eq!(effect(&acl, "ivy", "doc.read", &doc("2")), Effect::NotApplicable);
    assert_eq!(acl.membership(&user("ivy"), &group("staff")), Some(vec![group("interns"), group("staff")]));
}

/// There are no wildcards; a star is a star, and a prefix is nothing.
#[test]
fn no_character_means_more_than_itself() {
    let mut acl = builder(AclOrder::DenyOverrides);
    for id in ["*", "a*", "a", "/foo/*", "pods"] {
        acl.resource(&doc(id)).unwrap().allow(user("ann"), ["doc.read"]).unwrap();
    }
    acl.resource(&Resource::any(DOC)).unwrap().allow(user("bob"), ["doc.read"]).unwrap();
    assert!(acl.permission("doc.*").is_err() && acl.permission("*").is_err());
    let acl = acl.build(V1).unwrap();
    for id in ["b", "ab", "a*b", "/foo", "/foo/", "/foo/x", "pods/status", "A", "a:b"] {
        assert_eq!(effect(&acl, "ann", "doc.read", &doc(id)), Effect::NotApplicable, "{id}");
    }
    // The whole kind is a question of its own, and no answer to others.
    assert_eq!(effect(&acl, "bob", "doc.read", &Resource::any(DOC)), Effect::Permit);
    assert_eq!(effect(&acl, "bob", "doc.read", &doc("*")), Effect::NotApplicable);
    assert_eq!(effect(&acl, "bob", "doc.read", &doc("b")), Effect::NotApplicable);
}

/// Where a denial stands has no meaning, unless the first match decides.
#[test]
fn a_denial_overrides_unless_the_first_match_decides() {
    for (order, expected) in [(AclOrder::DenyOverrides, Effect::Deny), (AclOrder::FirstMatch, Effect::Permit)]
    {
        let mut acl = builder(order);
        acl.resource(&folder("f")).unwrap().deny(group("staff"), ["doc.read"]).unwrap();
        let allow_first = ["doc.read", "doc.write"];
        let mut resource = acl.resource(&doc("1")).unwrap();
        resource.inside(&folder("f")).unwrap().allow(user("ann"), allow_first).unwrap();
        resource.deny(Trustee::Everyone, ["doc.write"]).unwrap();
        let acl = acl.build(V1).unwrap();
        assert_eq!(effect(&acl, "ann", "doc.read", &doc("1")), expected);
        assert_eq!(effect(&acl, "ann", "doc.write", &doc("1")), expected);
        assert_eq!(effect(&acl, "ivy", "doc.read", &doc("1")), Effect::Deny);
        assert_eq!(effect(&acl, "bob", "doc.write", &doc("1")), Effect::Deny);
    }
}

/// By the lists alone an owner can be locked out; what it keeps is a choice.
#[test]
fn an_owner_keeps_what_the_policy_says_it_keeps() {
    let build = |keeps: bool| {
        let mut acl = builder(AclOrder::DenyOverrides);
        if keeps {
            acl.owner_keeps(&DOC, "doc.write").unwrap();
        }
        for id in ["1", "2"] {
            let mut resource = acl.resource(&doc(id)).unwrap();
            resource.allow(Trustee::Owner, ["doc.read", "doc.write"]).unwrap();
            resource.deny(Trustee::Everyone, ["doc.read", "doc.write"]).unwrap();
        }
        acl.edit(&doc("1")).unwrap().owned_by(&user("ann")).unwrap();
        acl.build(V1).unwrap()
    };
    let (strict, kept) = (build(false), build(true));
    assert_eq!(effect(&strict, "ann", "doc.write", &doc("1")), Effect::Deny);
    assert_eq!(effect(&kept, "ann", "doc.write", &doc("1")), Effect::Permit);
    assert_eq!(effect(&kept, "ann", "doc.read", &doc("1")), Effect::Deny);
    // Of what it owns alone; and nobody owns what has no owner.
    assert_eq!(effect(&kept, "ann", "doc.write", &doc("2")), Effect::Deny);
    assert_eq!(effect(&kept, "unheard-of", "doc.write", &doc("2")), Effect::Deny);
}

/// An entry for the owner that comes from above is for whoever owns what is below.
#[test]
fn an_inherited_entry_for_the_owner_is_for_the_owner_below() {
    let mut acl = builder(AclOrder::DenyOverrides);
    let mut above = acl.resource(&folder("f")).unwrap();
    above.owned_by(&user("ann")).unwrap().allow(Trustee::Owner, ["doc.write"]).unwrap();
    acl.resource(&doc("1")).unwrap().inside(&folder("f")).unwrap().owned_by(&user("bob")).unwrap();
    let acl = acl.build(V1).unwrap();
    assert_eq!(effect(&acl, "bob", "doc.write", &doc("1")), Effect::Permit);
    assert_eq!(effect(&acl, "ann", "doc.write", &doc("1")), Effect::NotApplicable);
}

#[test]
fn inheritance_is_broken_restored_and_applied_again() {
    let build = |change: fn(&mut AclBuilder)| {
        let mut acl = builder(AclOrder::DenyOverrides);
        acl.resource(&folder("top")).unwrap().allow(user("ann"), ["doc.read"]).unwrap();
        let mut middle = acl.resource(&folder("middle")).unwrap();
        middle.inside(&folder("top")).unwrap().allow(user("bob"), ["doc.read"]).unwrap();
        let mut below = acl.resource(&doc("1")).unwrap();
        below.inside(&folder("middle")).unwrap().allow(user("eve"), ["doc.read"]).unwrap();
        change(&mut acl);
        let acl = acl.build(V1).unwrap();
        ["ann", "bob", "eve"].map(|who| effect(&acl, who, "doc.read", &doc("1")) == Effect::Permit)
    };
    assert_eq!(build(|_| ()), [true, true, true]);
    assert_eq!(
        build(|acl| {
            acl.edit(&folder("middle")).unwrap().breaks_inheritance();
        }),
        [false, true, true]
    );
    assert_eq!(
        build(|acl| {
            acl.edit(&folder("middle")).unwrap().breaks_inheritance().restores_inheritance();
        }),
        [true, true, true]
    );
    assert_eq!(
        build(|acl| {
            acl.edit(&doc("1")).unwrap().breaks_inheritance();
            acl.edit(&folder("top")).unwrap().reapplies_below();
        }),
        [true, false, false]
    );
}

/// The permissions of a folder say nothing of the documents in it, unless an entry names theirs.
#[test]
fn an_entry_gives_each_kind_its_own_permissions() {
    let mut acl = builder(AclOrder::DenyOverrides);
    acl.permission_on(&FOLDER, &action("share")).unwrap().permission_on(&DOC, &action("share")).unwrap();
    let mut above = acl.resource(&folder("f")).unwrap();
    above.allow(user("ann"), ["folder.list", "doc.read", "share"]).unwrap();
    acl.resource(&doc("1")).unwrap().inside(&folder("f")).unwrap();
    let acl = acl.build(V1).unwrap();
    let on = |resource| acl.permissions_on(&user("ann"), &resource);
    assert_eq!(on(folder("f")), [action("folder.list"), action("share")]);
    assert_eq!(on(doc("1")), [action("doc.read"), action("share")]);
}

#[test]
fn a_decision_tells_the_entry_and_where_it_stands() {
    let mut acl = builder(AclOrder::DenyOverrides);
    acl.owner_keeps(&DOC, "doc.write").unwrap();
    acl.resource(&folder("f")).unwrap().deny(group("interns"), ["doc.read"]).unwrap();
    let mut below = acl.resource(&doc("1")).unwrap();
    below.inside(&folder("f")).unwrap().owned_by(&user("bob")).unwrap();
    below.allow(group("staff"), ["doc.read"]).unwrap();
    let acl = acl.build(V1).unwrap();
    let told = |who: &str, what: &str| {
        acl.describe(&evaluate_on(&acl, &user(who), &action(what), &doc("1"))).unwrap().to_string()
    };
    assert_eq!(told("ann", "doc.read"), r#"doc.read allowed to group staff by entry of doc "1""#);
    assert_eq!(
        told("ivy", "doc.read"),
        r#"doc.read denied to group interns by inherited entry of folder "f""#
    );
    assert_eq!(
        told("bob", "doc.write"),
        r#"doc.write allowed to the owner of doc "1" whatever its list says"#
    );
    assert_eq!(told("bob", "doc.read"), "no entry allows it");
}
