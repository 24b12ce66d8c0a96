//! Changes and what takes them back.

use auth_core::Realm;
use auth_rbac::{PolicyChange, RoleRef};

use super::{acme, administer, assign, inherit, key, own, revoke, shop};
use crate::support::{user, who};

/// Each change, and what takes it back.
#[test]
fn every_change_can_be_taken_back() {
    let (zoe, acme) = (user("zoe"), acme());
    let direct = |permission: &str, denies, tenant: &Option<Realm>, add: bool| {
        let (principal, permission, tenant) = (user("zoe"), permission.to_owned(), tenant.clone());
        if add {
            PolicyChange::AddDirect { principal, permission, denies, tenant }
        } else {
            PolicyChange::RemoveDirect { principal, permission, denies, tenant }
        }
    };
    let rule = |permission: &str, denies, add: bool| {
        let (role, permission) = (key("reader"), permission.to_owned());
        if add {
            PolicyChange::AddRule { role, permission, denies }
        } else {
            PolicyChange::RemoveRule { role, permission, denies }
        }
    };
    let mut pairs = vec![
        (assign("zoe", "writer"), revoke("zoe", "writer")),
        // Whatever was made of it meanwhile goes with it.
        (PolicyChange::CreateRole(key("fresh")), PolicyChange::DeleteRole(key("fresh"))),
        (inherit("reader", "muted"), PolicyChange::Disinherit { role: key("reader"), parent: key("muted") }),
        (
            PolicyChange::Assign { principal: user("zoe"), role: key("muted"), tenant: Some(acme.clone()) },
            PolicyChange::Revoke { principal: user("zoe"), role: key("muted"), tenant: Some(acme.clone()) },
        ),
        (
            PolicyChange::Assign { principal: user("zoe"), role: own("press"), tenant: None },
            PolicyChange::Revoke { principal: user("zoe"), role: own("press"), tenant: None },
        ),
    ];
    for tenant in [None, Some(acme.clone())] {
        for (permission, denies) in [("doc.write", false), ("doc.read", true), ("doc.*", false)] {
            pairs.push((
                direct(permission, denies, &tenant, true),
                direct(permission, denies, &tenant, false),
            ));
            pairs.push((rule(permission, denies, true), rule(permission, denies, false)));
        }
    }
    let mut policy = shop();
    policy.role(RoleRef::of_tenant(&acme, "press")).unwrap().allow("doc.write").unwrap();
    policy.assign(&zoe, "assigner").unwrap();
    let (administration, _) = administer(policy);
    let root = who(&user("root"));
    let told = || {
        let snapshot = administration.rbac().snapshot().unwrap();
        [None, Some(&acme)].map(|place| {
            let within = snapshot.within(place);
            (
                within.authorized_roles(&zoe),
                within.permissions_of(&zoe),
                snapshot.permissions_of_role("reader"),
                snapshot.counts().roles,
            )
        })
    };
    let before = told();
    for (change, back) in pairs {
        administration.by(&root).apply(std::slice::from_ref(&change)).unwrap();
        assert_ne!(told(), before, "{change}");
        // What is gone is gone, but a role that is not there is nobody's to delete.
        let twice = usize::from(!matches!(back, PolicyChange::DeleteRole(_)));
        administration.by(&root).apply(&vec![back; 1 + twice]).unwrap();
        assert_eq!(told(), before, "{change}");
    }
}
