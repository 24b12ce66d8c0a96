//! Changes of a policy that is in force.

mod deleting;
mod guarded;
mod looking;
mod many;
mod races;
mod refused;
mod reversible;
mod stored;
mod wildcards;

use std::sync::Arc;

use auth_core::{
    AccessRequest, AuditEvent, Authenticated, Authentication, AuthorizerExt, DecideError, DenialReason,
    DurableAudit, Effect, Limits, MemoryAudit, PolicyVersion, PrincipalId, Realm, Refusal, Resource,
    ResourceKind, Scopes, StoreError, UnixTime,
    testing::{FixedClock, authenticated_as},
};
use auth_rbac::{
    AdminError, AdminPermissions, Administration, Engine, PolicyBuilder, PolicyChange, PolicyError, RoleKey,
    Stack,
};

use crate::support::{NOW, V1, action, effect, role, roles, thing, user, who};

fn acme() -> Realm {
    Realm::local("acme").unwrap()
}

/// Root holds everything by a wildcard. Ann assigns what she holds, which is reading; Ed edits, and reads; Tess
/// is whoever root is, in acme alone.
fn shop() -> PolicyBuilder {
    let mut policy = PolicyBuilder::new();
    for name in ["doc.read", "doc.write", "policy.edit", "policy.assign", "policy.escalate", "policy.bind"] {
        policy.permission(name).unwrap();
    }
    policy.role("root").unwrap().allow("**").unwrap();
    policy.role("reader").unwrap().allow("doc.read").unwrap();
    policy.role("writer").unwrap().inherits("reader").unwrap().allow("doc.write").unwrap();
    policy.role("muted").unwrap().deny("doc.write").unwrap();
    policy.role("assigner").unwrap().inherits("reader").unwrap().allow("policy.assign").unwrap();
    policy.role("editor").unwrap().inherits("reader").unwrap().allow("policy.edit").unwrap();
    policy.assign(&user("root"), "root").unwrap();
    policy.assign(&user("ann"), "assigner").unwrap();
    policy.assign(&user("ed"), "editor").unwrap();
    policy.assign_in(&acme(), &user("tess"), "root").unwrap();
    policy
}

fn administer(policy: PolicyBuilder) -> (Administration, Arc<MemoryAudit>) {
    let audit = Arc::new(MemoryAudit::new(1_000));
    let clock = Arc::new(FixedClock(NOW));
    let names = AdminPermissions::default();
    let administration = Administration::new(policy, V1, names, Arc::clone(&audit) as _, clock).unwrap();
    (administration.with_refusals(Arc::clone(&audit) as _), audit)
}

fn key(name: &str) -> RoleKey {
    role(name).into()
}

fn own(name: &str) -> RoleKey {
    RoleKey { tenant: Some(acme()), name: role(name) }
}

fn assign(principal: &str, role: &str) -> PolicyChange {
    PolicyChange::Assign { principal: user(principal), role: key(role), tenant: None }
}

fn revoke(principal: &str, role: &str) -> PolicyChange {
    PolicyChange::Revoke { principal: user(principal), role: key(role), tenant: None }
}

fn allow(role: &str, permission: &str) -> PolicyChange {
    PolicyChange::AddRule { role: key(role), permission: permission.to_owned(), denies: false }
}

fn allow_directly(principal: &str, permission: &str) -> PolicyChange {
    PolicyChange::AddDirect {
        principal: user(principal),
        permission: permission.to_owned(),
        denies: false,
        tenant: None,
    }
}

fn inherit(role: &str, parent: &str) -> PolicyChange {
    PolicyChange::Inherit { role: key(role), parent: key(parent) }
}

/// What the change lacks: nothing, a permission to make such changes (403), or what is named.
fn tried(administration: &Administration, by: &Authenticated, change: PolicyChange) -> Result<(), String> {
    match administration.by(by).apply(&[change]) {
        Ok(_) => Ok(()),
        Err(AdminError::Escalation { missing }) => Err(missing),
        Err(AdminError::Refused(refusal)) => Err(refusal.status().to_string()),
        Err(other) => panic!("{other}"),
    }
}

fn by(name: &str, change: PolicyChange) -> Result<(), String> {
    let (administration, audit) = administer(shop());
    let outcome = tried(&administration, &who(&user(name)), change);
    let changes =
        audit.events().into_iter().filter(|(_, event)| matches!(event, AuditEvent::PolicyChanged { .. }));
    assert_eq!(changes.count(), usize::from(outcome.is_ok()), "what is refused changes nothing");
    assert_eq!(audit.events().len(), 1, "and is written down");
    let version = administration.rbac().snapshot().unwrap().version();
    assert_eq!(version.get(), 1 + u64::from(outcome.is_ok()));
    outcome
}

fn lacks(what: &str) -> Result<(), String> {
    Err(what.to_owned())
}

/// CIS Kubernetes benchmark 4.1.7 and "Privilege escalation prevention": `bind`.
#[test]
fn nobody_assigns_more_than_they_hold() {
    assert_eq!(by("ann", assign("zoe", "reader")), Ok(()));
    assert_eq!(by("ann", assign("zoe", "writer")), lacks("doc.write"));
    assert_eq!(by("ann", assign("ann", "root")), lacks("doc.write"));
    assert_eq!(by("ann", allow_directly("ann", "doc.write")), lacks("doc.write"));
    assert_eq!(by("ann", allow_directly("zoe", "doc.read")), Ok(()));
    assert_eq!(by("ann", assign("zoe", "assigner")), Ok(()));
    assert_eq!(by("root", assign("zoe", "root")), Ok(()));
    assert_eq!(by("zoe", assign("zoe", "reader")), lacks("403"), "may not assign at all");
    assert_eq!(by("ed", assign("zoe", "reader")), lacks("403"), "edits roles only");
}

/// The same: `escalate`.
#[test]
fn nobody_gives_a_role_more_than_they_hold() {
    assert_eq!(by("ed", allow("editor", "doc.read")), Ok(()));
    assert_eq!(by("ed", allow("editor", "doc.write")), lacks("doc.write"));
    assert_eq!(by("ed", inherit("editor", "writer")), lacks("doc.write"));
    assert_eq!(by("ed", inherit("editor", "root")), lacks("doc.write"));
    assert_eq!(by("ed", inherit("muted", "reader")), Ok(()));
    assert_eq!(by("ed", PolicyChange::CreateRole(key("new"))), Ok(()));
    assert_eq!(by("ann", PolicyChange::CreateRole(key("new"))), lacks("403"));
    assert_eq!(by("ed", PolicyChange::Disinherit { role: key("writer"), parent: key("reader") }), Ok(()));
}

/// The end of a denial gives as well.
#[test]
fn nobody_lifts_a_denial_of_what_they_do_not_hold() {
    let mut policy = shop();
    policy.assign(&user("eve"), "muted").unwrap().assign(&user("eve"), "writer").unwrap();
    policy.deny_principal(&user("mal"), "doc.write").unwrap();
    let undeny =
        PolicyChange::RemoveRule { role: key("muted"), permission: "doc.write".to_owned(), denies: true };
    let undeny_mal = PolicyChange::RemoveDirect {
        principal: user("mal"),
        permission: "doc.write".to_owned(),
        denies: true,
        tenant: None,
    };
    for (who_asks, change) in [("ann", revoke("eve", "muted")), ("ed", undeny), ("ann", undeny_mal)] {
        let (administration, _) = administer(policy.clone());
        assert_eq!(tried(&administration, &who(&user(who_asks)), change.clone()), lacks("doc.write"));
        assert_eq!(tried(&administration, &who(&user("root")), change), Ok(()));
    }
    assert_eq!(by("ann", revoke("root", "root")), Ok(()), "to take away takes no holding");
}

/// `policy.bind` and `policy.escalate` are what lets people hand out what they do not hold.
#[test]
fn who_may_bind_or_escalate_hands_out_anything() {
    let mut policy = shop();
    policy.allow_principal(&user("ann"), "policy.bind").unwrap();
    policy.allow_principal(&user("ed"), "policy.escalate").unwrap();
    let (administration, _) = administer(policy);
    let (ann, ed) = (who(&user("ann")), who(&user("ed")));
    assert_eq!(tried(&administration, &ann, assign("ann", "root")), Ok(()));
    assert_eq!(tried(&administration, &ed, allow("reader", "doc.write")), Ok(()));
    assert_eq!(effect(administration.rbac(), &user("ann"), "doc.write"), Effect::Permit);
}

/// Changes of one request do not make each other possible: what comes first gives the one who makes it nothing.
#[test]
fn what_is_held_is_what_was_held_before() {
    let mut policy = shop();
    policy.assign(&user("ann"), "editor").unwrap().allow_principal(&user("ann"), "policy.bind").unwrap();
    let (administration, audit) = administer(policy);
    let (ann, rbac) = (who(&user("ann")), administration.rbac());
    let steps = [assign("ann", "root"), allow("reader", "doc.write")];
    // One after the other, that is what binding is for: root may do anything.
    let error = administration.by(&ann).apply(&steps).unwrap_err();
    assert!(matches!(error, AdminError::Escalation { missing } if missing == "doc.write"));
    assert_eq!(effect(rbac, &user("ann"), "doc.write"), Effect::NotApplicable, "all or none");
    assert_eq!(rbac.snapshot().unwrap().version(), V1);
    assert!(audit.events().iter().all(|(_, event)| matches!(event, AuditEvent::AccessDenied { .. })));
    for step in steps {
        administration.by(&ann).apply(&[step]).unwrap();
    }
    assert_eq!(effect(rbac, &user("ann"), "doc.write"), Effect::Permit);
}

/// A role that is changed on the way is given with all that it has by then.
#[test]
fn what_is_given_is_what_it_has_become() {
    let mut policy = shop();
    policy.assign(&user("ann"), "editor").unwrap().allow_principal(&user("ann"), "policy.escalate").unwrap();
    let (administration, _) = administer(policy);
    let steps = [allow("reader", "doc.write"), assign("zoe", "reader")];
    let error = administration.by(&who(&user("ann"))).apply(&steps).unwrap_err();
    assert!(matches!(error, AdminError::Escalation { missing } if missing == "doc.write"));
    assert_eq!(effect(administration.rbac(), &user("zoe"), "doc.read"), Effect::NotApplicable, "all or none");
}

/// A read-only token of an administrator administers nothing, and one for reading documents gives reading at most.
#[test]
fn the_limits_of_the_authentication_hold() {
    let (administration, _) = administer(shop());
    let root = |scopes: &str| {
        let event = authenticated_as(&user("root"), NOW).authentication().clone();
        let limits = Limits::unlimited().with_scopes(Scopes::parse(scopes).unwrap());
        Authenticated::assertion(Authentication::with_limits(event, limits))
    };
    assert_eq!(tried(&administration, &root("doc.read"), assign("zoe", "reader")), lacks("403"));
    let scoped = root("doc.read policy.assign");
    assert_eq!(tried(&administration, &scoped, assign("zoe", "writer")), lacks("doc.write"));
    assert_eq!(tried(&administration, &scoped, assign("zoe", "reader")), Ok(()));
    let networks = Limits::unlimited().with_networks(vec!["10.0.0.0/8".parse().unwrap()]);
    let event = authenticated_as(&user("root"), NOW).authentication().clone().with_limits(networks);
    let inside = Authenticated::assertion(event);
    assert_eq!(tried(&administration, &inside, assign("zoe", "writer")), lacks("403"));
    let at = administration.by(&inside).from_address("10.1.2.3".parse().unwrap());
    assert!(at.apply(&[assign("zoe", "writer")]).is_ok());
}

/// Who administers a tenant administers nothing else.
#[test]
fn a_tenants_administrator_stays_in_the_tenant() {
    let in_acme = |principal: &str, name: RoleKey, tenant: Option<Realm>| PolicyChange::Assign {
        principal: user(principal),
        role: name,
        tenant,
    };
    assert_eq!(by("tess", PolicyChange::CreateRole(own("press"))), Ok(()));
    assert_eq!(by("tess", PolicyChange::CreateRole(key("press"))), lacks("403"));
    assert_eq!(by("tess", in_acme("zoe", key("writer"), Some(acme()))), Ok(()));
    assert_eq!(by("tess", in_acme("zoe", key("writer"), None)), lacks("403"));
    let other = Realm::local("other").unwrap();
    assert_eq!(by("tess", in_acme("zoe", key("writer"), Some(other))), lacks("403"));

    let (administration, _) = administer(shop());
    let tess = who(&user("tess"));
    let steps = [
        PolicyChange::CreateRole(own("press")),
        PolicyChange::Inherit { role: own("press"), parent: key("writer") },
        in_acme("zoe", own("press"), None),
    ];
    administration.by(&tess).apply(&steps).unwrap();
    let held = administration.rbac().snapshot().unwrap();
    let zoe = user("zoe");
    assert!(held.permissions_of(&zoe).is_empty());
    assert_eq!(held.within(Some(&acme())).permissions_of(&zoe).len(), 2);
}

/// What is given everywhere counts in the tenant as well where the giver is denied it.
#[test]
fn what_is_denied_in_a_tenant_is_not_given_everywhere() {
    let mut policy = shop();
    policy.deny_principal_in(&acme(), &user("root"), "doc.write").unwrap();
    let (administration, _) = administer(policy);
    let root = who(&user("root"));
    assert_eq!(tried(&administration, &root, assign("zoe", "reader")), Ok(()));
    // `policy.bind` is what root holds everywhere, so it is taken away to see this.
    let unbind = PolicyChange::AddDirect {
        principal: user("root"),
        permission: "policy.bind".to_owned(),
        denies: true,
        tenant: None,
    };
    assert_eq!(tried(&administration, &root, unbind), Ok(()));
    assert_eq!(tried(&administration, &root, assign("zoe", "writer")), lacks("doc.write"));
}

/// Whoever made a change finds it made, at once.
#[test]
fn a_revoked_role_is_gone_with_the_next_decision() {
    let (administration, _) = administer(shop());
    let root = who(&user("root"));
    let rbac = administration.rbac().clone();
    let may = |name: &str| effect(&rbac, &user(name), "doc.read") == Effect::Permit;
    for round in 0..3 {
        administration.by(&root).apply(&[assign("zoe", "reader")]).unwrap();
        assert!(may("zoe"), "{round}");
        let version = administration.by(&root).apply(&[revoke("zoe", "reader")]).unwrap();
        assert!(!may("zoe"), "{round}");
        assert_eq!(version, PolicyVersion::new(3 + 2 * round));
    }
}

/// Read your writes: a policy that is older than what was written decides nothing.
#[test]
fn a_policy_that_is_behind_decides_nothing() {
    let (administration, _) = administer(shop());
    let rbac = administration.rbac();
    let (root, action, thing) = (who(&user("root")), action("doc.read"), thing());
    let request = AccessRequest::new(&root, &action, &thing, NOW);
    assert!(rbac.check_at_least(V1).require(&request).is_ok());
    assert!(rbac.check_at_least(V1).explain(&request).is_ok());
    let next = V1.next();
    let error = rbac.check_at_least(next).evaluate(&request).unwrap_err();
    assert!(matches!(error, DecideError::Behind { wanted, in_force } if (wanted, in_force) == (next, V1)));
    assert_eq!(rbac.check_at_least(next).require(&request).unwrap_err().status(), 503);
    assert_eq!(administration.by(&root).apply(&[assign("zoe", "reader")]).unwrap(), next);
    assert!(rbac.check_at_least(next).require(&request).is_ok());
}

/// Has no room from the second write on, or from the first.
struct Full(usize, MemoryAudit);

impl DurableAudit for Full {
    fn append(&self, at: UnixTime, events: &[AuditEvent]) -> Result<(), StoreError> {
        if self.1.events().len() >= self.0 { Err(StoreError::full()) } else { self.1.append(at, events) }
    }
}

/// What could not be written down was not done.
#[test]
fn a_change_that_is_not_written_down_is_not_made() {
    let audit = Arc::new(Full(1, MemoryAudit::new(10)));
    let clock = Arc::new(FixedClock(NOW));
    let names = AdminPermissions::default();
    let administration = Administration::new(shop(), V1, names, Arc::clone(&audit) as _, clock).unwrap();
    let root = who(&user("root"));
    administration.by(&root).apply(&[assign("zoe", "reader")]).unwrap();
    let error = administration.by(&root).apply(&[assign("max", "reader")]).unwrap_err();
    assert!(matches!(error, AdminError::Audit(StoreError::Full)));
    assert_eq!(Refusal::from(error).status(), 503);
    assert_eq!(effect(administration.rbac(), &user("max"), "doc.read"), Effect::NotApplicable);
    assert_eq!(administration.rbac().snapshot().unwrap().version(), V1.next());
    let expected = AuditEvent::PolicyChanged {
        by: user("root"),
        change: "assign role reader to PrincipalId(local:default user \"zoe\")".to_owned(),
        version: V1.next(),
    };
    assert_eq!(audit.1.events(), [(NOW, expected)]);
}

/// A policy that would not be one, and separated roles above all, stays out of force.
#[test]
fn a_change_that_breaks_the_policy_is_refused() {
    let mut policy = shop();
    policy.static_separation("books", ["reader", "muted"], 2).unwrap();
    policy.assign(&user("zoe"), "muted").unwrap();
    let (administration, audit) = administer(policy);
    let root = who(&user("root"));
    let refused = |change: PolicyChange| match administration.by(&root).apply(&[change]) {
        Err(AdminError::Policy(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(assign("zoe", "writer")), PolicyError::Separated { .. }));
    assert!(matches!(refused(inherit("muted", "reader")), PolicyError::Separated { .. }));
    assert!(matches!(refused(inherit("reader", "writer")), PolicyError::Cycle { .. }));
    assert!(matches!(refused(assign("zoe", "nobody")), PolicyError::UnknownRole(_)));
    assert!(matches!(refused(allow("reader", "doc.burn")), PolicyError::UnknownPermission(_)));
    assert!(audit.events().is_empty());
}

/// A reload in between is not undone by a change of what was there before.
#[test]
fn a_policy_from_elsewhere_is_not_overwritten() {
    let (administration, _) = administer(shop());
    let root = who(&user("root"));
    administration.rbac().replace(shop().build(PolicyVersion::new(7)).unwrap()).unwrap();
    let error = administration.by(&root).apply(&[assign("zoe", "reader")]).unwrap_err();
    assert!(matches!(error, AdminError::Superseded));
    assert_eq!(administration.rbac().snapshot().unwrap().version(), PolicyVersion::new(7));
}

/// Whatever the one may do as whom they act: it would be written down as the other's doing.
#[test]
fn nobody_changes_the_policy_as_somebody_else() {
    let root =
        Authentication::new(user("root"), auth_core::Method::PASSWORD, NOW, auth_core::AuthEpoch::ZERO)
            .with_actor(user("ann"));
    let (administration, audit) = administer(shop());
    let acting = Authenticated::assertion(root);
    let error = administration.by(&acting).apply(&[assign("ann", "root")]).unwrap_err();
    assert!(matches!(error, AdminError::Impersonated), "{error}");
    assert_eq!(Refusal::from(error).status(), 403);
    assert_eq!(audit.events(), [refused::denied("ann", "policy.assign", DenialReason::Forbidden)]);
}

/// Who lacks the permission for one of the changes is told so before any other of them is looked at.
#[test]
fn who_may_not_make_a_change_learns_nothing_of_the_others() {
    let (administration, _) = administer(shop());
    let wrong = inherit("no-such-role", "root");
    let error = administration.by(&who(&user("ed"))).apply(&[wrong, assign("zoe", "reader")]).unwrap_err();
    assert!(matches!(error, AdminError::Refused(_)), "{error}");
}

#[test]
fn too_many_changes_at_once_are_refused() {
    let (administration, _) = administer(shop());
    let many = vec![assign("zoe", "reader"); Administration::MAX_CHANGES + 1];
    let error = administration.by(&who(&user("root"))).apply(&many).unwrap_err();
    assert!(matches!(error, AdminError::TooMany));
    assert_eq!(Refusal::from(error).status(), 422);
}

/// Administration is no way around the outermost engine: it is asked like any other door, and stacks like one.
#[test]
fn what_is_administered_is_an_engine_like_any_other() {
    let (administration, _) = administer(shop());
    let stack = Stack::new(auth_rbac::Combiner::DenyOverrides, administration.rbac().clone());
    administration.by(&who(&user("root"))).apply(&[assign("zoe", "reader")]).unwrap();
    let zoe: PrincipalId = user("zoe");
    let (zoe, action) = (who(&zoe), action("doc.read"));
    let resource = Resource::any(ResourceKind::from_static("doc"));
    assert!(stack.require(&AccessRequest::new(&zoe, &action, &resource, NOW)).is_ok());
    assert_eq!(administration.policy().build(V1).unwrap().roles_of(&user("zoe")), roles(&["reader"]));
}
