//! Roles that are deleted.

use auth_core::Effect;
use auth_rbac::{PolicyBuilder, PolicyChange, PolicyError, document::PolicyDocument};

use super::{acme, administer, allow, assign, by, guarded, inherit, key, lacks, own, shop, tried};
use crate::support::{V1, effect, user, who};

fn delete(role: &str) -> PolicyChange {
    PolicyChange::DeleteRole(key(role))
}

/// ANSI INCITS 359, `DeleteRole`: what was said of the role goes with it, and only that.
#[test]
fn a_deleted_role_leaves_nothing_behind() {
    let (administration, _) = administer(shop());
    let root = who(&user("root"));
    let in_acme = PolicyChange::Assign { principal: user("zoe"), role: key("writer"), tenant: Some(acme()) };
    administration.by(&root).apply(&[assign("max", "writer"), in_acme, inherit("editor", "writer")]).unwrap();
    administration.by(&root).apply(&[delete("writer")]).unwrap();
    let snapshot = administration.rbac().snapshot().unwrap();
    assert!(snapshot.roles_of(&user("max")).is_empty());
    assert!(snapshot.within(Some(&acme())).authorized_roles(&user("zoe")).is_empty());
    assert_eq!(snapshot.permissions_of_role("writer").len(), 0);
    for (name, permission, expected) in [
        ("max", "doc.read", Effect::NotApplicable),
        ("ed", "doc.write", Effect::NotApplicable),
        ("ed", "doc.read", Effect::Permit),
        ("ann", "policy.assign", Effect::Permit),
        ("root", "doc.write", Effect::Permit),
    ] {
        assert_eq!(effect(administration.rbac(), &user(name), permission), expected, "{name} {permission}");
    }
    let unknown = PolicyError::UnknownRole(key("writer"));
    let again = administration.by(&root).apply(&[delete("writer")]).unwrap_err();
    assert_eq!(again.to_string(), unknown.to_string());
    // Another one of its name begins with nothing.
    administration
        .by(&root)
        .apply(&[PolicyChange::CreateRole(key("writer")), assign("max", "writer")])
        .unwrap();
    assert_eq!(effect(administration.rbac(), &user("max"), "doc.read"), Effect::NotApplicable);
}

/// The end of a role is the end of what it denies; what it allows takes no holding to take away.
#[test]
fn nobody_deletes_a_role_that_denies_what_they_do_not_hold() {
    assert_eq!(by("ed", delete("muted")), lacks("doc.write"));
    assert_eq!(by("ed", delete("root")), Ok(()));
    assert_eq!(by("root", delete("muted")), Ok(()));
    assert_eq!(by("ann", delete("muted")), lacks("403"));
    assert_eq!(by("tess", delete("reader")), lacks("403"), "it is not her tenant's");
    let mut policy = shop();
    policy.role(&own("press")).unwrap();
    let (administration, _) = administer(policy);
    assert_eq!(tried(&administration, &who(&user("tess")), PolicyChange::DeleteRole(own("press"))), Ok(()));
}

/// A separation of duty would keep less apart without it.
#[test]
fn a_role_that_is_kept_apart_is_not_deleted() {
    let mut policy = shop();
    policy.static_separation("books", ["reader", "muted"], 2).unwrap();
    let refused = delete("muted").apply(&mut policy).unwrap_err();
    let expected = PolicyError::SeparatedRole { role: key("muted"), separation: "books".to_owned() };
    assert_eq!(refused, expected);
    let constraint =
        "[[constraints]]\nname = \"books\"\nkind = \"static\"\nroles = [\"reader\", \"root\"]\nlimit = 2\n";
    let mut document = PolicyDocument::from_toml(&format!("{}{constraint}", guarded::SHOP)).unwrap();
    let before = document.clone();
    let expected = PolicyError::SeparatedRole { role: key("root"), separation: "books".to_owned() };
    assert_eq!(document.apply(&delete("root")), Err(expected));
    assert_eq!(document, before);
}

/// Those that come after it in the numbering keep what is theirs, separations included.
#[test]
fn the_roles_after_a_deleted_one_stay_what_they_are() {
    let mut policy = shop();
    policy.role("left").unwrap().allow("doc.write").unwrap();
    policy.role("right").unwrap();
    policy.static_separation("sides", ["left", "right"], 2).unwrap();
    policy.assign(&user("zoe"), "left").unwrap();
    for name in ["reader", "muted", "writer"] {
        policy.delete_role(name).unwrap();
    }
    let mut both = policy.clone();
    both.assign(&user("zoe"), "right").unwrap();
    let separated = both.build(V1).unwrap_err();
    assert!(matches!(separated, PolicyError::Separated { .. }), "{separated}");
    let snapshot = policy.build(V1).unwrap();
    assert_eq!(effect(&snapshot, &user("zoe"), "doc.write"), Effect::Permit);
    assert_eq!(effect(&snapshot, &user("ann"), "policy.assign"), Effect::Permit);
    assert_eq!(effect(&snapshot, &user("ann"), "doc.read"), Effect::NotApplicable);
}

/// Roles that come and go do not fill the policy.
#[test]
fn room_that_was_taken_by_roles_is_free_again() {
    let mut policy = PolicyBuilder::new();
    for n in 0..PolicyBuilder::MAX_ROLES {
        policy.role(format!("r{n}")).unwrap();
    }
    assert!(policy.role("more").is_err());
    policy.delete_role("r7").unwrap();
    policy.role("more").unwrap();
    assert!(policy.role("most").is_err());
}

/// A change of a document and one of a policy come to the same.
#[test]
fn a_role_is_deleted_from_a_document() {
    let mut document = PolicyDocument::from_toml(guarded::SHOP).unwrap();
    let steps = [
        delete("reader"),
        delete("assigner"),
        PolicyChange::CreateRole(key("reader")),
        allow("reader", "doc.pay"),
        assign("zoe", "reader"),
        delete("cashier"),
    ];
    document.apply_all(&steps).unwrap();
    let names: Vec<_> = document.roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["binder", "root", "reader"]);
    let policy = document.compile().unwrap();
    assert_eq!(effect(policy.roles(), &user("zoe"), "doc.pay"), Effect::Permit);
    assert_eq!(effect(policy.roles(), &user("bea"), "policy.bind"), Effect::Permit);
    assert_eq!(effect(policy.roles(), &user("bea"), "doc.read"), Effect::NotApplicable);
    assert!(policy.roles().roles_of(&user("ann")).is_empty());
    // What came before the one that fails is made.
    let failing = [delete("root"), delete("nobody"), delete("binder")];
    assert_eq!(document.apply_all(&failing), Err(PolicyError::UnknownRole(key("nobody"))));
    assert_eq!(document.roles.len(), 2);
}
