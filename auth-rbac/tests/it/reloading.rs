//! The policy is replaced while requests go on.

use std::sync::{
    Arc, Barrier,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use auth_core::{AuditEvent, Effect, MemoryAudit, PolicyVersion, UnixTime, testing::FixedClock};
use auth_rbac::{Outdated, PolicyBuilder, Rbac, Snapshot};

use crate::support::{decide, effect, evaluate, office_snapshot, roles, user};

/// Versions alternate between two policies that have nothing in common: odd ones let ann read, even ones let
/// her write.
fn alternating(version: u64) -> Snapshot {
    let mut policy = PolicyBuilder::new();
    policy.permission("doc.read").unwrap().permission("doc.write").unwrap();
    policy.role("role").unwrap().allow(if version % 2 == 1 { "doc.read" } else { "doc.write" }).unwrap();
    policy.assign(&user("ann"), "role").unwrap();
    policy.build(PolicyVersion::new(version)).unwrap()
}

/// What is revoked is denied by the very next check.
#[test]
fn a_revoked_role_gives_nothing_any_more() {
    let rbac = Rbac::new(office_snapshot());
    assert_eq!(effect(&rbac, &user("ann"), "users.delete"), Effect::Permit);
    let mut without = PolicyBuilder::new();
    without.permission("users.delete").unwrap();
    without.role("admin").unwrap().allow("users.delete").unwrap();
    rbac.clone().replace(without.build(PolicyVersion::new(2)).unwrap()).unwrap();
    assert_eq!(effect(&rbac, &user("ann"), "users.delete"), Effect::NotApplicable);
}

/// Two reloads may overtake each other: the slower one must not bring back what the other revoked.
#[test]
fn an_older_policy_does_not_replace_a_newer_one() {
    let rbac = Rbac::new(alternating(5));
    let (offered, in_force) = (PolicyVersion::new(4), PolicyVersion::new(5));
    assert_eq!(rbac.replace(alternating(4)), Err(Outdated { offered, in_force }));
    assert_eq!(rbac.snapshot().unwrap().version(), in_force);
    assert_eq!(rbac.replace(alternating(6)), Ok(()));
}

/// Two policies of one version are two policies: whoever waits for that version must find the one that they wait for.
#[test]
fn another_policy_of_the_same_version_does_not_come_into_force() {
    let rbac = Rbac::new(alternating(5));
    let before = rbac.snapshot().unwrap();
    let (offered, in_force) = (PolicyVersion::new(5), PolicyVersion::new(5));
    let mut other = PolicyBuilder::new();
    other.permission("doc.write").unwrap().allow_principal(&user("ann"), "doc.write").unwrap();
    assert_eq!(rbac.replace(other.build(offered).unwrap()), Err(Outdated { offered, in_force }));
    assert!(Arc::ptr_eq(&before, &rbac.snapshot().unwrap()));
    assert_eq!(effect(&rbac, &user("ann"), "doc.write"), Effect::NotApplicable);
}

/// Which policy decided at a given time is in the log: whatever came into force, in its order, and nothing else.
#[test]
fn every_policy_that_comes_into_force_is_written_down() {
    let audit = Arc::new(MemoryAudit::new(10));
    let sink = || Arc::<MemoryAudit>::clone(&audit);
    let now = UnixTime::from_secs(1_000);
    let before = Rbac::new(alternating(5));
    let rbac = before.clone().with_audit(sink(), Arc::new(FixedClock(now)));
    assert!(rbac.replace(alternating(4)).is_err());
    rbac.clone().replace(alternating(6)).unwrap();
    let loaded = |version| (now, AuditEvent::PolicyLoaded { version: PolicyVersion::new(version) });
    assert_eq!(audit.events(), [loaded(5), loaded(6)]);
    before.replace(alternating(7)).unwrap();
    assert_eq!(audit.events().len(), 2, "a clone from before writes nothing");
    let _ = Rbac::without_policy().with_audit(sink(), Arc::new(FixedClock(now)));
    assert_eq!(audit.events().len(), 2, "none is no policy");
}

/// Old or new, never a mix and never nothing (gravitino #13363).
#[test]
fn readers_see_one_whole_policy_at_any_moment() {
    const READERS: usize = 3;
    let rbac = Rbac::new(alternating(1));
    let snapshots: Vec<_> = (2..2_000).map(alternating).collect();
    let (done, checks, start) = (AtomicBool::new(false), AtomicU64::new(0), Barrier::new(READERS + 1));
    std::thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                let active = roles(&["role"]);
                let mut latest = PolicyVersion::default();
                start.wait();
                while !done.load(Ordering::Relaxed) || checks.load(Ordering::Relaxed) == 0 {
                    for (permission, odd) in [("doc.read", true), ("doc.write", false)] {
                        for active in [None, Some(active.as_slice())] {
                            let verdict = evaluate(&rbac, &user("ann"), permission, active);
                            let allows = (verdict.version().get() % 2 == 1) == odd;
                            let expected = if allows { Effect::Permit } else { Effect::NotApplicable };
                            assert_eq!(verdict.effect(), expected, "version {}", verdict.version());
                            assert!(verdict.version() >= latest, "an older policy came back");
                            latest = verdict.version();
                        }
                    }
                    checks.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        start.wait();
        // Readers are let go first: a failure must fail, not hang.
        let outcome = snapshots.into_iter().try_for_each(|snapshot| rbac.replace(snapshot));
        done.store(true, Ordering::Relaxed);
        outcome.unwrap();
    });
    assert_eq!(rbac.snapshot().unwrap().version(), PolicyVersion::new(1_999));
}

/// Whatever the order in which racing writers arrive, the newest policy stays.
#[test]
fn of_racing_writers_the_newest_policy_wins() {
    const WRITERS: u64 = 4;
    for _ in 0..50 {
        let (rbac, start) = (Rbac::without_policy(), Barrier::new(WRITERS as usize));
        let of = |writer| (0..5).map(|n| alternating(1 + writer + n * WRITERS)).collect::<Vec<_>>();
        let work: Vec<_> = (0..WRITERS).map(of).collect();
        std::thread::scope(|scope| {
            for snapshots in work {
                let (rbac, start) = (&rbac, &start);
                scope.spawn(move || {
                    start.wait();
                    for snapshot in snapshots {
                        let version = snapshot.version();
                        match rbac.replace(snapshot) {
                            Ok(()) => assert!(rbac.snapshot().unwrap().version() >= version),
                            Err(outdated) => assert!(outdated.in_force > version),
                        }
                    }
                });
            }
        });
        assert_eq!(rbac.snapshot().unwrap().version(), PolicyVersion::new(5 * WRITERS));
    }
}

/// A decision outlives the policy that made it, and a handle to that policy still describes it.
#[test]
fn a_replaced_policy_lives_as_long_as_it_is_held() {
    let rbac = Rbac::new(office_snapshot());
    let old = rbac.snapshot().unwrap();
    let decision = decide(&*old, &user("ann"), "users.read");
    rbac.replace(alternating(2)).unwrap();
    assert!(old.describe(&decision).is_ok());
    assert!(rbac.snapshot().unwrap().describe(&decision).is_err());
}
