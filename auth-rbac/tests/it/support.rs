//! What the tests share.

use auth_core::{
    AccessRequest, Action, Authenticated, Decision, Effect, PolicyVersion, PrincipalId, Resource,
    ResourceKind, RoleName, UnixTime, testing,
};
use auth_rbac::{Engine, PolicyBuilder, Snapshot, Verdict};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_000);
pub(crate) const V1: PolicyVersion = PolicyVersion::new(1);

pub(crate) fn user(id: &str) -> PrincipalId {
    PrincipalId::local_user(id).unwrap()
}

pub(crate) fn role(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

pub(crate) fn roles(names: &[&str]) -> Vec<RoleName> {
    names.iter().map(|name| role(name)).collect()
}

pub(crate) fn action(name: &str) -> Action {
    Action::parse(name).unwrap()
}

pub(crate) fn who(principal: &PrincipalId) -> Authenticated {
    testing::authenticated_as(principal, NOW)
}

pub(crate) fn thing() -> Resource {
    Resource::any(ResourceKind::from_static("thing"))
}

/// Evaluates a request with all roles, or with some.
pub(crate) fn evaluate(
    engine: &dyn Engine,
    principal: &PrincipalId,
    permission: &str,
    active: Option<&[RoleName]>,
) -> Verdict {
    let (who, action, thing) = (who(principal), action(permission), thing());
    let mut request = AccessRequest::new(&who, &action, &thing, NOW);
    if let Some(active) = active {
        request = request.with_active_roles(active);
    }
    engine.evaluate(&request).unwrap()
}

/// Evaluates a request for one resource.
pub(crate) fn evaluate_on(
    engine: &dyn Engine,
    principal: &PrincipalId,
    action: &Action,
    resource: &Resource,
) -> Verdict {
    let who = who(principal);
    engine.evaluate(&AccessRequest::new(&who, action, resource, NOW)).unwrap()
}

pub(crate) fn effect(engine: &dyn Engine, principal: &PrincipalId, permission: &str) -> Effect {
    evaluate(engine, principal, permission, None).effect()
}

pub(crate) fn decide(engine: &dyn Engine, principal: &PrincipalId, permission: &str) -> Decision {
    let (who, action, thing) = (who(principal), action(permission), thing());
    let request = AccessRequest::new(&who, &action, &thing, NOW);
    engine.evaluate(&request).unwrap().decide(&request)
}

/// Support reads; admin inherits support and deletes; suspended is denied reading; ann is admin, bob is
/// support, eve is admin and suspended.
pub(crate) fn office() -> PolicyBuilder {
    let mut policy = PolicyBuilder::new();
    policy.permission("users.read").unwrap().permission("users.delete").unwrap();
    policy.role("support").unwrap().allow("users.read").unwrap();
    policy.role("admin").unwrap().inherits("support").unwrap().allow("users.delete").unwrap();
    policy.role("suspended").unwrap().deny("users.read").unwrap();
    policy.assign(&user("ann"), "admin").unwrap();
    policy.assign(&user("bob"), "support").unwrap();
    policy.assign(&user("eve"), "admin").unwrap().assign(&user("eve"), "suspended").unwrap();
    policy
}

pub(crate) fn office_snapshot() -> Snapshot {
    office().build(V1).unwrap()
}
