//! Changes that are made at the same time.

use std::{
    collections::BTreeSet,
    sync::{Arc, Barrier, Mutex, Weak},
    thread,
};

use auth_core::{
    AuditEvent, DurableAudit, Effect, MemoryAudit, PolicyVersion, StoreError, UnixTime, testing::FixedClock,
};
use auth_rbac::{AdminError, AdminPermissions, Administration};

use super::{administer, assign, shop};
use crate::support::{NOW, V1, effect, user, who};

/// Each change is made to the policy that the one before it has left: none is lost, and each has its own version.
#[test]
fn changes_at_the_same_time_are_all_made() {
    const WRITERS: usize = 4;
    const EACH: usize = 8;
    let (administration, audit) = administer(shop());
    let (root, start) = (who(&user("root")), Barrier::new(WRITERS));
    let versions = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (administration, root, start, versions) = (&administration, &root, &start, &versions);
            scope.spawn(move || {
                start.wait();
                for n in 0..EACH {
                    let change = assign(&format!("user{writer}-{n}"), "reader");
                    let version = administration.by(root).apply(&[change]).unwrap();
                    assert!(administration.rbac().snapshot().unwrap().version() >= version);
                    versions.lock().unwrap().push(version);
                }
            });
        }
    });
    let versions: BTreeSet<PolicyVersion> = versions.into_inner().unwrap().into_iter().collect();
    let expected = (2..).take(WRITERS * EACH).map(PolicyVersion::new);
    assert_eq!(versions, expected.collect());
    for (writer, n) in (0..WRITERS).flat_map(|writer| (0..EACH).map(move |n| (writer, n))) {
        let name = format!("user{writer}-{n}");
        assert_eq!(effect(administration.rbac(), &user(&name), "doc.read"), Effect::Permit, "{name}");
    }
    let written = audit.events().into_iter().map(|(_, event)| match event {
        AuditEvent::PolicyChanged { version, .. } => version,
        other => panic!("{other:?}"),
    });
    assert!(written.is_sorted(), "in the order in which they came into force");
}

/// A reload at the same time: whichever is second finds the other, and nothing is put back.
#[test]
fn a_change_and_a_reload_at_the_same_time_do_not_undo_each_other() {
    for _ in 0..100 {
        let (administration, _) = administer(shop());
        let (root, start) = (who(&user("root")), Barrier::new(2));
        // The version that the change would have.
        let mut other = shop();
        other.permission("doc.print").unwrap();
        let reload = other.build(V1.next()).unwrap();
        let (change, replaced) = thread::scope(|scope| {
            let changing = scope.spawn(|| {
                start.wait();
                administration.by(&root).apply(&[assign("zoe", "reader")])
            });
            start.wait();
            let replaced = administration.rbac().replace(reload);
            (changing.join().unwrap(), replaced)
        });
        let in_force = administration.rbac().snapshot().unwrap();
        assert_eq!(in_force.version(), V1.next());
        let (is_reload, is_change) =
            (in_force.permission("doc.print").is_some(), in_force.principal(&user("zoe")).is_some());
        match (change, replaced) {
            (Ok(version), Err(outdated)) => {
                assert_eq!((version, outdated.in_force), (V1.next(), V1.next()));
                assert!(is_change && !is_reload);
            }
            (Err(AdminError::Superseded), Ok(())) => assert!(is_reload && !is_change),
            other => panic!("{other:?}"),
        }
    }
}

/// A reload at the very moment that the change is written down.
struct Reloading(Weak<Administration>, MemoryAudit);

impl DurableAudit for Reloading {
    fn append(&self, at: UnixTime, events: &[AuditEvent]) -> Result<(), StoreError> {
        if self.1.events().is_empty() {
            let mut other = shop();
            other.permission("doc.print").unwrap();
            self.0.upgrade().unwrap().rbac().replace(other.build(V1.next()).unwrap()).unwrap();
        }
        self.1.append(at, events)
    }
}

#[test]
fn a_reload_while_a_change_is_written_down_is_not_undone() {
    let mut log = None;
    let administration = Arc::new_cyclic(|this: &Weak<Administration>| {
        let audit = Arc::new(Reloading(Weak::clone(this), MemoryAudit::new(10)));
        let names = AdminPermissions::default();
        log = Some(Arc::clone(&audit));
        Administration::new(shop(), V1, names, audit, Arc::new(FixedClock(NOW))).unwrap()
    });
    let changed = administration.by(&who(&user("root"))).apply(&[assign("zoe", "reader")]);
    assert!(matches!(changed, Err(AdminError::Superseded)), "{changed:?}");
    let in_force = administration.rbac().snapshot().unwrap();
    assert!(in_force.permission("doc.print").is_some() && in_force.principal(&user("zoe")).is_none());
    // Whoever reads the log is not told that it was made.
    let unmade = AuditEvent::PolicyUnchanged {
        by: user("root"),
        change: assign("zoe", "reader").to_string(),
        version: V1.next(),
    };
    assert_eq!(log.unwrap().1.events().last(), Some(&(NOW, unmade)));
}
