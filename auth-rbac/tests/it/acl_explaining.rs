//! Why lists say what they say, for administrators.

use auth_core::{AccessRequest, Resource, ResourceKind};
use auth_rbac::{Acl, AclBuilder, AclDescription, AclOrder, Because, Engine, Explanation, GroupId, Trustee};

use crate::support::{NOW, V1, action, user, who};

const DOC: ResourceKind = ResourceKind::from_static("doc");

fn doc(id: &str) -> Resource {
    Resource::one(DOC, id).unwrap()
}

fn group(name: &str) -> GroupId {
    GroupId::local(name).unwrap()
}

/// Interns are staff, and staff are people; all people read the handbook, and trainees, who are interns, do not.
fn office() -> Acl {
    let mut acl = AclBuilder::new(AclOrder::DenyOverrides);
    acl.permission("doc.read").unwrap().permission("doc.write").unwrap().permission("folder.list").unwrap();
    for name in ["people", "staff", "interns", "trainees"] {
        acl.group(&group(name)).unwrap();
    }
    for [outer, inner] in [["people", "staff"], ["staff", "interns"], ["interns", "trainees"]] {
        acl.nest(&group(outer), &group(inner)).unwrap();
    }
    acl.member(&group("interns"), &user("ivy")).unwrap();
    acl.member(&group("people"), &user("pat")).unwrap();
    acl.member(&group("trainees"), &user("tim")).unwrap();
    let mut handbook = acl.resource(&doc("handbook")).unwrap();
    handbook.allow(group("people"), ["doc.read"]).unwrap().deny(group("trainees"), ["doc.read"]).unwrap();
    handbook.allow(user("bob"), ["doc.write"]).unwrap().allow(Trustee::Owner, ["doc.write"]).unwrap();
    acl.build(V1).unwrap()
}

fn explain(acl: &Acl, principal: &str, permission: &str, resource: &Resource) -> Explanation {
    let (who, action) = (who(&user(principal)), action(permission));
    acl.explain(&AccessRequest::new(&who, &action, resource, NOW)).unwrap()
}

fn told(principal: &str, permission: &str, resource: &Resource) -> String {
    explain(&office(), principal, permission, resource).to_string()
}

#[test]
fn what_a_denial_misses_is_told() {
    assert_eq!(told("ivy", "doc.read", &doc("other")), "not applicable: there is no list of doc \"other\"");
    assert_eq!(
        told("ivy", "doc.delete", &doc("handbook")),
        "not applicable: no permission doc.delete is declared for doc"
    );
    // A permission of another kind is none of this one.
    assert_eq!(
        told("ivy", "folder.list", &doc("handbook")),
        "not applicable: no permission folder.list is declared for doc"
    );
    assert_eq!(
        told("ivy", "doc.write", &doc("handbook")),
        "not applicable: no entry of doc \"handbook\" allows doc.write to the principal; allowed to: the owner, user \"bob\""
    );
    let acl = office();
    let explanation = explain(&acl, "ivy", "doc.write", &doc("handbook"));
    let Because::Acl(AclDescription::NotListed { allowing, .. }) = explanation.because() else {
        panic!("{explanation:?}")
    };
    assert_eq!(allowing, &[Trustee::Owner, Trustee::Principal(user("bob"))]);
}

#[test]
fn those_that_are_allowed_something_are_told_up_to_a_limit() {
    let mut acl = AclBuilder::new(AclOrder::FirstMatch);
    acl.permission("doc.read").unwrap();
    let mut list = acl.resource(&doc("1")).unwrap();
    for n in 0..100 {
        list.allow(user(&format!("u{n}")), ["doc.read"]).unwrap();
    }
    let explanation = explain(&acl.build(V1).unwrap(), "ann", "doc.read", &doc("1"));
    let Because::Acl(AclDescription::NotListed { allowing, .. }) = explanation.because() else {
        panic!("{explanation:?}")
    };
    assert_eq!(allowing.len(), AclDescription::MAX_TRUSTEES);
}

#[test]
fn the_way_into_a_group_is_told() {
    let read = "doc.read";
    let by = "by entry of doc \"handbook\"";
    assert_eq!(
        told("ivy", read, &doc("handbook")),
        format!("permit: doc.read allowed to group people, through interns > staff > people, {by}")
    );
    // Whoever is a member itself needs no way.
    assert_eq!(told("pat", read, &doc("handbook")), format!("permit: doc.read allowed to group people {by}"));
    let acl = office();
    let explanation = explain(&acl, "tim", read, &doc("handbook"));
    assert_eq!(explanation.to_string(), format!("deny: doc.read denied to group trainees {by}"));
    let Because::Acl(AclDescription::Entry(entry)) = explanation.because() else { panic!("{explanation:?}") };
    assert_eq!(entry.membership(), [group("trainees")]);
    // A decision does not say who asked.
    let Ok(AclDescription::Entry(entry)) = acl.describe(explanation.verdict()) else { panic!() };
    assert!(entry.membership().is_empty());
}
