//! Changes of a stored policy.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use auth_core::{
    AuditEvent, DenialReason, MemoryAudit, PolicyVersion, Refusal, StoreError,
    testing::{FixedClock, block_on},
};
use auth_rbac::{
    AdminError, AdminPermissions, Administration, Loaded, MemoryPolicy, PolicyChange, PolicySource,
    PolicyStore, PolicyStoreError, Revision, Saved, SourceError, StoredAdministration,
    document::{Assignment, PolicyDocument, Role},
};

use super::{Full, allow, assign, inherit, key, refused::denied};
use crate::support::{NOW, V1, action, roles, user, who};

pub(super) fn document() -> PolicyDocument {
    PolicyDocument::new(V1)
        .permission(action("doc.read"))
        .permission(action("policy.assign"))
        .permission(action("policy.edit"))
        .role(Role::new(key("reader")).allow("doc.read"))
        .role(Role::new(key("root")).allow("**"))
        .role(Role::new(key("assigner")).inherits(key("reader")).allow("policy.assign"))
        .assign(Assignment::new(user("ann"), [key("assigner")]))
        .assign(Assignment::new(user("root"), [key("root")]))
}

pub(super) fn stored() -> Arc<MemoryPolicy> {
    let store = Arc::new(MemoryPolicy::new());
    assert_eq!(block_on(store.save(PolicyVersion::new(0), &document())).unwrap(), Saved::Saved(V1));
    store
}

pub(super) fn administration(store: Arc<dyn PolicyStore>) -> (StoredAdministration, Arc<MemoryAudit>) {
    let audit = Arc::new(MemoryAudit::new(1_000));
    let names = AdminPermissions::default();
    let clock = Arc::new(FixedClock(NOW));
    let administration = StoredAdministration::new(store, names, Arc::clone(&audit) as _, clock);
    (administration.with_refusals(Arc::clone(&audit) as _), audit)
}

fn found(store: &dyn PolicyStore) -> PolicyDocument {
    match block_on(store.load(None)).unwrap() {
        Loaded::Changed { document, .. } => *document,
        other => panic!("{other:?}"),
    }
}

fn changed(by: &str, change: &PolicyChange, version: u64) -> AuditEvent {
    let version = PolicyVersion::new(version);
    AuditEvent::PolicyChanged { by: user(by), change: change.to_string(), version }
}

/// The store asks nobody whether they may, so this does, and it is the only way that people have.
#[test]
fn a_stored_policy_is_changed_by_who_may() {
    let store = stored();
    let (administration, audit) = administration(Arc::clone(&store) as _);
    let ann = administration.by(&who(&user("ann")));
    let good = [assign("zoe", "reader")];
    assert_eq!(block_on(ann.check(&good)).unwrap(), V1);
    assert_eq!(block_on(ann.apply(&[])).unwrap(), V1);
    assert!(audit.events().is_empty());
    assert_eq!(found(&store), document());
    let escalated = block_on(ann.apply(&[good[0].clone(), assign("ann", "root")]));
    assert!(matches!(escalated, Err(AdminError::Escalation { .. })), "{escalated:?}");
    assert_eq!(audit.events(), [denied("ann", "policy.bind", DenialReason::NotPermitted)]);
    assert!(matches!(block_on(ann.apply(&[allow("reader", "doc.read")])), Err(AdminError::Refused(_))));
    assert!(matches!(block_on(ann.apply(&[assign("zoe", "nobody")])), Err(AdminError::Policy(_))));
    let many = vec![good[0].clone(); Administration::MAX_CHANGES + 1];
    assert!(matches!(block_on(ann.apply(&many)), Err(AdminError::TooMany)));
    assert_eq!(found(&store), document());

    assert_eq!(block_on(ann.apply(&good)).unwrap(), V1.next());
    assert_eq!(found(&store).compile().unwrap().roles().roles_of(&user("zoe")), roles(&["reader"]));
    assert_eq!(audit.events().last(), Some(&(NOW, changed("ann", &good[0], 2))));
    // Who loses a role has lost it at the next change.
    let root = administration.by(&who(&user("root")));
    block_on(root.apply(&[super::revoke("ann", "assigner")])).unwrap();
    assert!(matches!(block_on(ann.apply(&good)), Err(AdminError::Refused(_))));
    let inactive = root.with_active_roles([]);
    assert!(matches!(block_on(inactive.apply(&good)), Err(AdminError::Refused(_))));
}

/// What would be no policy is neither written down nor stored.
#[test]
fn what_makes_no_policy_is_not_written_down() {
    let store = stored();
    let (administration, audit) = administration(Arc::clone(&store) as _);
    let root = administration.by(&who(&user("root")));
    let circle = block_on(root.apply(&[inherit("reader", "assigner")]));
    assert!(matches!(circle, Err(AdminError::Policy(_))), "{circle:?}");
    assert!(audit.events().is_empty());
    assert_eq!(found(&store), document());
}

#[test]
fn a_change_that_is_not_written_down_is_not_stored() {
    let (store, clock) = (stored(), Arc::new(FixedClock(NOW)));
    let audit = Arc::new(Full(0, MemoryAudit::new(1)));
    let administration =
        StoredAdministration::new(Arc::clone(&store) as _, AdminPermissions::default(), audit, clock);
    let error =
        block_on(administration.by(&who(&user("root"))).apply(&[assign("zoe", "reader")])).unwrap_err();
    assert!(matches!(error, AdminError::Audit(StoreError::Full)));
    assert_eq!(Refusal::from(error).status(), 503);
    assert_eq!(found(&store), document());
}

/// Before the first `until` changes, somebody else makes one; or the store fails.
struct Busy {
    store: Arc<MemoryPolicy>,
    until: u64,
    changes: AtomicU64,
    fails: fn() -> Option<StoreError>,
}

impl Busy {
    fn new(until: u64, fails: fn() -> Option<StoreError>) -> Arc<Self> {
        Arc::new(Self { store: stored(), until, changes: AtomicU64::new(0), fails })
    }
}

#[async_trait]
impl PolicySource for Busy {
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        self.store.load(known).await
    }
}

#[async_trait]
impl PolicyStore for Busy {
    async fn save(
        &self,
        expected: PolicyVersion,
        document: &PolicyDocument,
    ) -> Result<Saved, PolicyStoreError> {
        self.store.save(expected, document).await
    }

    async fn change(
        &self,
        expected: PolicyVersion,
        changes: &[PolicyChange],
    ) -> Result<Saved, PolicyStoreError> {
        if let Some(error) = (self.fails)() {
            return Err(error.into());
        }
        let n = self.changes.fetch_add(1, Ordering::Relaxed);
        if n < self.until {
            let other = PolicyChange::CreateRole(key(&format!("other{n}")));
            assert!(matches!(self.store.change(expected, &[other]).await?, Saved::Saved(_)));
        }
        self.store.change(expected, changes).await
    }
}

/// Two administrators at once are both served, and the log tells which of the versions are whose.
#[test]
fn whoever_is_overtaken_begins_anew() {
    let busy = Busy::new(2, || None);
    let (administration, audit) = administration(Arc::clone(&busy) as _);
    let change = assign("zoe", "reader");
    let version =
        block_on(administration.by(&who(&user("ann"))).apply(std::slice::from_ref(&change))).unwrap();
    assert_eq!(version, PolicyVersion::new(4));
    let unmade = |version| AuditEvent::PolicyUnchanged {
        by: user("ann"),
        change: change.to_string(),
        version: PolicyVersion::new(version),
    };
    let expected = [
        changed("ann", &change, 2),
        unmade(2),
        changed("ann", &change, 3),
        unmade(3),
        changed("ann", &change, 4),
    ];
    assert!(audit.events().into_iter().map(|(_, event)| event).eq(expected));
    assert_eq!(found(&busy.store).roles.len(), 5);
}

#[test]
fn whoever_is_overtaken_again_and_again_is_told() {
    let busy = Busy::new(u64::from(StoredAdministration::ATTEMPTS), || None);
    let (administration, audit) = administration(Arc::clone(&busy) as _);
    let error =
        block_on(administration.by(&who(&user("ann"))).apply(&[assign("zoe", "reader")])).unwrap_err();
    assert!(matches!(error, AdminError::Superseded), "{error}");
    assert_eq!(Refusal::from(error).status(), 503);
    assert!(matches!(audit.events().last(), Some((_, AuditEvent::PolicyUnchanged { .. }))));
    assert!(found(&busy.store).compile().unwrap().roles().roles_of(&user("zoe")).is_empty());
}

/// What may be stored stays in the log; what surely is not is taken back there.
#[test]
fn the_log_says_what_a_failing_store_did() {
    type Fails = fn() -> Option<StoreError>;
    let cases: [(Fails, usize); 2] =
        [(|| Some(StoreError::unknown("reset")), 1), (|| Some(StoreError::not_written("refused")), 2)];
    for (fails, events) in cases {
        let (administration, audit) = administration(Busy::new(0, fails));
        let error =
            block_on(administration.by(&who(&user("ann"))).apply(&[assign("zoe", "reader")])).unwrap_err();
        assert!(matches!(error, AdminError::Stored(PolicyStoreError::Store(_))), "{error}");
        assert_eq!(audit.events().len(), events);
        if let [(_, AuditEvent::PolicyChanged { change: made, .. }), (_, last)] = audit.events().as_slice() {
            assert!(matches!(last, AuditEvent::PolicyUnchanged { change, .. } if change == made));
        }
        assert_eq!(Refusal::from(error).status(), 503);
    }
}

/// Without a policy, nobody is allowed anything.
#[test]
fn where_nothing_is_stored_nobody_changes_anything() {
    let (administration, audit) = administration(Arc::new(MemoryPolicy::new()));
    let error =
        block_on(administration.by(&who(&user("root"))).apply(&[assign("zoe", "reader")])).unwrap_err();
    assert!(matches!(error, AdminError::Source(SourceError::Nothing)), "{error}");
    assert_eq!(Refusal::from(error).status(), 503);
    assert!(audit.events().is_empty());
}
