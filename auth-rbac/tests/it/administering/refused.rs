//! Who may not change the policy does not try unseen.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicUsize, Ordering},
};

use auth_core::{
    AuditEvent, AuditSink, Authenticated, Authentication, DenialReason, Effect, Limits, PolicyVersion,
    Scopes, StoreError, UnixTime,
    testing::{FixedClock, authenticated_as},
};
use auth_rbac::{AdminError, AdminPermissions, Administration};

use super::{Full, administer, allow, assign, revoke, shop};
use crate::support::{NOW, V1, action, effect, user, who};

pub(super) fn denied(principal: &str, wanted: &str, reason: DenialReason) -> (UnixTime, AuditEvent) {
    let event = AuditEvent::AccessDenied {
        principal: user(principal),
        action: action(wanted),
        reason,
        version: Some(V1),
        rule: None,
    };
    (NOW, event)
}

/// Trying to come to more than one holds is what an administrator is looked at for.
#[test]
fn what_is_refused_is_written_down() {
    let (administration, audit) = administer(shop());
    let (ann, ed, zoe) = (who(&user("ann")), who(&user("ed")), who(&user("zoe")));
    let event = authenticated_as(&user("root"), NOW).authentication().clone();
    let limits = Limits::unlimited().with_scopes(Scopes::parse("doc.read").unwrap());
    let scoped = Authenticated::assertion(Authentication::with_limits(event, limits));
    assert!(administration.by(&zoe).apply(&[assign("zoe", "reader")]).is_err());
    assert!(administration.by(&ann).apply(&[assign("zoe", "reader"), assign("ann", "root")]).is_err());
    assert!(administration.by(&ed).apply(&[allow("editor", "**")]).is_err());
    assert!(administration.by(&scoped).apply(&[assign("zoe", "reader")]).is_err());
    let expected = [
        denied("zoe", "policy.assign", DenialReason::NotPermitted),
        denied("ann", "policy.bind", DenialReason::NotPermitted),
        denied("ed", "policy.escalate", DenialReason::NotPermitted),
        denied("root", "policy.assign", DenialReason::Scope),
    ];
    assert_eq!(audit.events(), expected);
}

/// Whoever asks in vain again and again must not fill the log without which nobody can be revoked, nor hold up those who
/// may change the policy.
#[test]
fn what_is_refused_takes_no_room_from_changes() {
    let audit = Arc::new(Full(1, auth_core::MemoryAudit::new(10)));
    let names = AdminPermissions::default();
    let clock = Arc::new(FixedClock(NOW));
    let administration = Administration::new(shop(), V1, names, Arc::clone(&audit) as _, clock).unwrap();
    let refused = Arc::new(AtomicUsize::new(0));
    let administration = Arc::new_cyclic(|this: &Weak<Administration>| {
        administration.with_refusals(Arc::new(Looking(Weak::clone(this), Arc::clone(&refused))))
    });
    for _ in 0..3 {
        assert!(administration.by(&who(&user("zoe"))).apply(&[assign("zoe", "reader")]).is_err());
        let escalated = administration.by(&who(&user("ed"))).apply(&[allow("editor", "**")]);
        assert!(matches!(escalated, Err(AdminError::Escalation { .. })));
    }
    assert_eq!((audit.1.events().len(), refused.load(Ordering::Relaxed)), (0, 6));
    administration.by(&who(&user("root"))).apply(&[revoke("ann", "assigner")]).unwrap();
    assert_eq!(audit.1.events().len(), 1);
}

/// Takes a look at the policy, which waits for whoever changes it.
struct Looking(Weak<Administration>, Arc<AtomicUsize>);

impl AuditSink for Looking {
    fn record(&self, _: UnixTime, _: &AuditEvent) {
        drop(self.0.upgrade().unwrap().policy());
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

/// A log that is full makes nobody an administrator.
#[test]
fn what_cannot_be_written_down_is_refused_as_before() {
    let audit = Arc::new(Full(0, auth_core::MemoryAudit::new(10)));
    let names = AdminPermissions::default();
    let administration = Administration::new(shop(), V1, names, audit, Arc::new(FixedClock(NOW))).unwrap();
    let error = administration.by(&who(&user("zoe"))).apply(&[assign("zoe", "reader")]).unwrap_err();
    assert!(matches!(error, AdminError::Refused(_)), "{error}");
    let error = administration.by(&who(&user("root"))).apply(&[assign("zoe", "reader")]).unwrap_err();
    assert!(matches!(error, AdminError::Audit(StoreError::Full)), "{error}");
}

/// Nothing is a change, takes no permission, and so must leave no trace.
#[test]
fn no_changes_make_no_version() {
    let (administration, audit) = administer(shop());
    let before = administration.rbac().snapshot().unwrap();
    for name in ["zoe", "root"] {
        assert_eq!(administration.by(&who(&user(name))).apply(&[]).unwrap(), V1);
    }
    assert!(Arc::ptr_eq(&before, &administration.rbac().snapshot().unwrap()));
    assert!(audit.events().is_empty());
}

/// A change of the same version as what was before could not be waited for.
#[test]
fn after_the_last_version_there_is_no_change() {
    let (audit, last) = (Arc::new(auth_core::MemoryAudit::new(10)), PolicyVersion::new(u64::MAX));
    let (names, clock) = (AdminPermissions::default(), Arc::new(FixedClock(NOW)));
    let administration = Administration::new(shop(), last, names, Arc::clone(&audit) as _, clock).unwrap();
    let error = administration.by(&who(&user("root"))).apply(&[assign("zoe", "reader")]).unwrap_err();
    assert!(matches!(error, AdminError::LastVersion), "{error}");
    assert!(audit.events().is_empty());
    assert_eq!(effect(administration.rbac(), &user("zoe"), "doc.read"), Effect::NotApplicable);
}
