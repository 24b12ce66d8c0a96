//! Policies that are refused, and policies that only look as if they should be.

use auth_core::{Effect, NameError, PrincipalId, PrincipalKind, Realm};
use auth_rbac::{PolicyBuilder, PolicyError};

use crate::support::{V1, action, effect, office, role, roles, user};

#[test]
fn what_is_referred_to_must_exist() {
    let mut policy = office();
    let unknown_role = || PolicyError::UnknownRole(role("nobody").into());
    let unknown_permission = || PolicyError::UnknownPermission(action("users.reed"));
    assert_eq!(policy.inherit("nobody", "admin").unwrap_err(), unknown_role());
    assert_eq!(policy.inherit("admin", "nobody").unwrap_err(), unknown_role());
    assert_eq!(policy.allow("nobody", "users.read").unwrap_err(), unknown_role());
    assert_eq!(policy.deny("nobody", "users.read").unwrap_err(), unknown_role());
    assert_eq!(policy.assign(&user("ann"), "nobody").unwrap_err(), unknown_role());
    assert_eq!(policy.allow("admin", "users.reed").unwrap_err(), unknown_permission());
    assert_eq!(policy.deny("admin", "users.reed").unwrap_err(), unknown_permission());
    assert_eq!(policy.role("new").unwrap().allow("users.reed").unwrap_err(), unknown_permission());
    assert_eq!(policy.role("admin").unwrap_err(), PolicyError::DuplicateRole(role("admin").into()));
    assert_eq!(unknown_role().to_string(), "there is no role nobody");
}

/// One way to write a name, in ASCII, without separators of lines or C
/// strings; and a cap on its length.
#[test]
fn names_are_checked() {
    let mut policy = PolicyBuilder::new();
    let long = "x".repeat(129);
    for bad in
        ["", "ad min", "admin\0", "admin\n", "ädmin", "аdmin", "admin\u{200b}", "admin*", "ad#min", &long]
    {
        assert!(matches!(policy.role(bad), Err(PolicyError::RoleName(_))), "{bad:?}");
        assert!(matches!(policy.permission(bad), Err(PolicyError::PermissionName(_))), "{bad:?}");
        assert!(matches!(policy.allow(bad, "users.read"), Err(PolicyError::RoleName(_))), "{bad:?}");
    }
    assert_eq!(policy.role(&long).unwrap_err(), PolicyError::RoleName(NameError::TooLong { max: 128 }));
}

/// Roles in a circle would each hold what all of them do.
#[test]
fn a_circle_is_refused_with_its_path() {
    let mut policy = office();
    policy.inherit("support", "admin").unwrap();
    let error = policy.build(V1).unwrap_err();
    assert_eq!(error, PolicyError::Cycle { path: roles(&["support", "admin", "support"]) });
    assert_eq!(error.to_string(), "roles inherit in a circle: support > admin > support");
}

/// The shortest circle of all.
#[test]
fn a_role_that_inherits_itself_is_a_circle() {
    let mut policy = office();
    policy.inherit("admin", "admin").unwrap();
    assert_eq!(policy.build(V1).unwrap_err(), PolicyError::Cycle { path: roles(&["admin", "admin"]) });
}

/// Two ways to one role are no circle.
#[test]
fn a_diamond_is_no_circle() {
    let mut policy = PolicyBuilder::new();
    policy.permission("doc.read").unwrap();
    for name in ["top", "left", "right", "bottom"] {
        policy.role(name).unwrap();
    }
    for (role, parent) in [("top", "left"), ("top", "right"), ("left", "bottom"), ("right", "bottom")] {
        policy.inherit(role, parent).unwrap().inherit(role, parent).unwrap();
    }
    policy.allow("bottom", "doc.read").unwrap().assign(&user("ann"), "top").unwrap();
    assert_eq!(effect(&policy.build(V1).unwrap(), &user("ann"), "doc.read"), Effect::Permit);
}

fn chain(len: usize) -> PolicyBuilder {
    let mut policy = PolicyBuilder::new();
    for n in 0..len {
        policy.permission(format!("level{n}.read")).unwrap();
        policy.role(format!("r{n}")).unwrap().allow(format!("level{n}.read")).unwrap();
        if n > 0 {
            policy.inherit(format!("r{n}"), format!("r{}", n - 1)).unwrap();
        }
    }
    policy
}

/// Neither the stack nor a hidden limit ends the chain (casbin #1632,
/// spicedb #1927). The thread's stack is far too small for one frame a role.
#[test]
fn a_chain_of_ten_thousand_roles_is_followed_to_its_end() {
    let walk = || {
        let mut policy = chain(10_000);
        policy.assign(&user("ann"), "r9999").unwrap().assign(&user("bob"), "r4999").unwrap();
        let snapshot = policy.build(V1).unwrap();
        for n in [0, 1, 4_999, 5_000, 9_999] {
            assert_eq!(effect(&snapshot, &user("ann"), &format!("level{n}.read")), Effect::Permit, "{n}");
        }
        assert_eq!(effect(&snapshot, &user("bob"), "level4999.read"), Effect::Permit);
        assert_eq!(effect(&snapshot, &user("bob"), "level5000.read"), Effect::NotApplicable);
        assert_eq!(snapshot.permissions_of(&user("ann")).len(), 10_000);
        let decision = crate::support::decide(&snapshot, &user("ann"), "level0.read");
        let auth_rbac::Description::Rule(rule) = snapshot.describe(&decision).unwrap() else { panic!() };
        assert_eq!(rule.path().len(), 10_000);
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(walk).unwrap().join().unwrap();
}

/// The circle is found however long, and told briefly.
#[test]
fn a_circle_of_ten_thousand_roles_is_refused() {
    let mut policy = chain(10_000);
    policy.inherit("r0", "r9999").unwrap();
    let error = policy.build(V1).unwrap_err();
    assert!(error.to_string().len() < 400);
    let PolicyError::Cycle { path } = error else { panic!() };
    assert_eq!(path.len(), 10_001);
    assert_eq!(path.first(), path.last());
}

/// Rows may come in any order, and more than once.
#[test]
fn the_order_of_rows_does_not_matter() {
    let everything = |order: &[usize]| {
        let mut policy = PolicyBuilder::new();
        policy.permission("a.do").unwrap().permission("b.do").unwrap();
        for name in ["one", "two", "three"] {
            policy.role(name).unwrap();
        }
        for row in order {
            match row {
                0 => policy.allow("one", "a.do"),
                1 => policy.allow("two", "b.do"),
                2 => policy.deny("three", "a.do"),
                3 => policy.inherit("two", "one"),
                4 => policy.assign(&user("ann"), "two"),
                5 => policy.assign(&user("bob"), "three"),
                _ => policy.assign(&user("bob"), "two"),
            }
            .unwrap();
        }
        let snapshot = policy.build(V1).unwrap();
        ["ann", "bob"].map(|who| ["a.do", "b.do"].map(|permission| effect(&snapshot, &user(who), permission)))
    };
    let expected = [[Effect::Permit, Effect::Permit], [Effect::Deny, Effect::Permit]];
    for start in 0..7 {
        let order: Vec<usize> = (0..7).map(|n| (n * 3 + start) % 7).collect();
        let twice: Vec<usize> = order.iter().rev().chain(&order).copied().collect();
        assert_eq!(everything(&order), expected);
        assert_eq!(everything(&twice), expected);
    }
}

/// A name means something only among its own kind.
#[test]
fn principals_roles_and_permissions_are_separate_spaces() {
    let mut policy = PolicyBuilder::new();
    policy.permission("admin").unwrap();
    policy.role("admin").unwrap().allow("admin").unwrap();
    policy.role("users.read").unwrap();
    policy.assign(&user("root"), "admin").unwrap();
    let snapshot = policy.build(V1).unwrap();
    assert_eq!(effect(&snapshot, &user("root"), "admin"), Effect::Permit);
    assert_eq!(effect(&snapshot, &user("admin"), "admin"), Effect::NotApplicable);
    assert!(snapshot.roles_of(&user("admin")).is_empty());
    assert_eq!(snapshot.permission("users.read"), None);

    // Nor does the same id elsewhere mean the same principal.
    let others = [
        PrincipalId::new(Realm::LOCAL, PrincipalKind::Service, "root"),
        PrincipalId::new(Realm::LOCAL, PrincipalKind::Device, "root"),
        PrincipalId::new(Realm::local("other").unwrap(), PrincipalKind::User, "root"),
        PrincipalId::new(Realm::issuer("https://a.example").unwrap(), PrincipalKind::User, "root"),
        PrincipalId::local_user("local:default::root"),
        PrincipalId::local_user("Root"),
    ];
    for other in others {
        assert_eq!(effect(&snapshot, &other.unwrap(), "admin"), Effect::NotApplicable);
    }
}
