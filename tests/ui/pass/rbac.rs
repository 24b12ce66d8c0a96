//! The right way from a policy to a function that wants a permit.
use auth_core::{
    AuthEpoch, Authenticated, Authentication, AuthorizerExt, Method, Permission as _, Permit, PolicyVersion,
    PrincipalId, Resource, UnixTime,
};
use auth_rbac::{PolicyBuilder, Rbac};

auth_rbac::permissions! {
    /// What this service lets people do.
    pub enum Permission, mod perm {
        /// Delete any account.
        UsersDelete = "users.delete",
    }
}

fn delete(permit: Permit<perm::UsersDelete>) {
    assert_eq!(permit.resource().id(), Some("7"));
}

fn main() {
    let now = UnixTime::from_secs(1_000);
    let ann = PrincipalId::local_user("ann").unwrap();
    let mut policy = PolicyBuilder::new();
    policy.permissions::<Permission>().unwrap();
    policy.role("admin").unwrap().allow(Permission::UsersDelete).unwrap();
    policy.assign(&ann, "admin").unwrap();
    let rbac = Rbac::new(policy.build(PolicyVersion::new(1)).unwrap());

    let event = Authentication::new(ann, Method::PASSWORD, now, AuthEpoch::ZERO);
    let user = Resource::one(perm::UsersDelete::RESOURCE, "7").unwrap();
    delete(rbac.require_for(&Authenticated::assertion(event), &user, now).unwrap());
}
