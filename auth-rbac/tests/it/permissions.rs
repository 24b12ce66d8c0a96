//! The macro, used as applications use it. What must not compile is in its documentation.

use auth_core::{AuthorizerExt, Effect, Permission as _, Permit, Resource};
use auth_rbac::{PermissionId, PermissionSet, PolicyBuilder, Rbac, UnknownPermission};

use crate::support::{NOW, V1, effect, user, who};

auth_rbac::permissions! {
    /// What the tests let people do.
    pub(crate) enum Permission, mod perm {
        /// See any account.
        UsersRead = "users.read",
        /// Delete any account.
        UsersDelete = "users.delete",
        /// Approve a payment.
        PaymentsApprove = "billing.payments.approve",
    }
}

mod elsewhere {
    auth_rbac::permissions! {
        /// One permission, private to its module.
        enum Single, mod single {
            /// The only one.
            Only = "only.one"
        }
    }

    #[test]
    fn a_set_may_be_private_and_small() {
        use auth_core::Permission as _;
        assert_eq!(Single::ALL, [Single::Only]);
        assert_eq!(single::Only::ACTION.as_str(), Single::Only.name());
    }
}

#[test]
fn the_enum_and_the_markers_say_the_same() {
    assert_eq!(Permission::ALL.len(), 3);
    for (n, permission) in Permission::ALL.iter().enumerate() {
        assert_eq!(permission.index(), n);
        assert_eq!(permission.id(), PermissionId::of(permission.name()));
        assert_eq!(permission.action().as_str(), permission.name());
        assert_eq!(permission.to_string().parse(), Ok(*permission));
        assert_eq!(<Permission as PermissionSet>::from_name(permission.as_ref()), Some(*permission));
    }
    assert_eq!("users.reed".parse::<Permission>(), Err(UnknownPermission));
    assert_eq!("Users.Read".parse::<Permission>(), Err(UnknownPermission));
    assert_eq!(perm::UsersRead::ACTION, Permission::UsersRead.action());
    assert_eq!(perm::UsersRead::RESOURCE.as_str(), "users");
    assert_eq!(perm::PaymentsApprove::RESOURCE.as_str(), "billing.payments");
}

/// Ids are stored, so they must not change when permissions are added or re-ordered.
#[test]
fn an_id_depends_on_the_name_alone() {
    assert_eq!(Permission::UsersRead.id().get(), 0x048f_450d_c81c_e02b);
}

fn delete(permit: &Permit<perm::UsersDelete>) -> &str {
    permit.resource().id().unwrap()
}

#[test]
fn a_permit_of_the_right_type_opens_the_door() {
    let mut policy = PolicyBuilder::new();
    policy.permissions::<Permission>().unwrap().permissions::<Permission>().unwrap();
    policy
        .role("admin")
        .unwrap()
        .allow(Permission::UsersDelete)
        .unwrap()
        .allow(Permission::UsersRead)
        .unwrap();
    policy.assign(&user("ann"), "admin").unwrap();
    let rbac = Rbac::new(policy.build(V1).unwrap());
    let account = Resource::one(perm::UsersDelete::RESOURCE, "42").unwrap();
    let ann = who(&user("ann"));

    let permit = rbac.require_for::<perm::UsersDelete>(&ann, &account, NOW).unwrap();
    assert_eq!(delete(&permit), "42");
    assert!(rbac.require_for::<perm::PaymentsApprove>(&ann, &account, NOW).is_err());
    // The permission is about accounts; a payment is none.
    let payment = Resource::one(perm::PaymentsApprove::RESOURCE, "42").unwrap();
    assert_eq!(rbac.require_for::<perm::UsersDelete>(&ann, &payment, NOW).unwrap_err().status(), 403);
    let snapshot = rbac.snapshot().unwrap();
    assert_eq!(effect(&*snapshot, &user("ann"), "billing.payments.approve"), Effect::NotApplicable);
    assert!(snapshot.permission(Permission::PaymentsApprove).is_some());
}
