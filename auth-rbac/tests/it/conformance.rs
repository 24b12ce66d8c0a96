//! The suites of sources and stores: what keeps the contract passes, and every deliberately broken store is caught, by
//! the check that is there for it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use auth_core::{
    PolicyVersion,
    conformance::{Report, Threads},
    testing::block_on,
};
use auth_rbac::{
    MemoryPolicy, PolicyFile, PolicyStore, Saved,
    conformance::{
        broken::{BrokenPolicy, PolicyFault},
        policy_source, policy_store, sample,
    },
    document::PolicyDocument,
};
use tempfile::TempDir;

auth_rbac::policy_store_conformance!(|| async { MemoryPolicy::new() }, threads);

#[test]
fn the_sample_is_a_policy() {
    sample().unwrap().compile().unwrap();
}

/// Files are sources that somebody else writes.
#[test]
fn policy_files_conform() {
    let folder = TempDir::new().unwrap();
    let holding = async |document: PolicyDocument| {
        let path = folder.path().join(format!("{}.toml", document.version));
        std::fs::write(&path, document.to_toml().unwrap()).unwrap();
        PolicyFile::toml(path).settling(Duration::ZERO)
    };
    block_on(policy_source(holding)).assert_passed();
}

async fn holding(store: impl PolicyStore + 'static, document: PolicyDocument) -> impl PolicyStore {
    let saved = store.save(PolicyVersion::new(0), &document).await.unwrap();
    assert_eq!(saved, Saved::Saved(document.version));
    store
}

/// What a store loses, a source lacks.
#[test]
fn broken_sources_are_caught() {
    block_on(policy_source(|document| holding(MemoryPolicy::new(), document))).assert_passed();
    for (fault, check) in [
        (PolicyFault::RoleDenialsLost, "a_policy_is_answered_whole"),
        (PolicyFault::EntryLost, "a_policy_is_answered_whole"),
        (PolicyFault::NothingIsKnown, "what_is_known_is_not_answered_again"),
        (PolicyFault::AnythingIsKnown, "policies_that_differ_are_told_apart"),
    ] {
        let report = block_on(policy_source(|document| holding(BrokenPolicy::new(fault), document)));
        assert!(report.caught(check), "{fault:?}: {report}");
    }
}

/// How long a fault may stay unnoticed that shows only when calls meet, which is a matter of luck and of what else the
/// machine does.
const PATIENCE: Duration = Duration::from_secs(180);

fn report(fault: PolicyFault) -> Report {
    let race = Threads::new().with_rounds(if fault.needs_a_race() { 60 } else { 2 });
    let end = Instant::now() + PATIENCE;
    loop {
        let fresh = || async { BrokenPolicy::new(fault) };
        let report = block_on(policy_store(fresh, &race));
        if !fault.needs_a_race() || report.caught(fault.caught_by()) || Instant::now() > end {
            return report;
        }
    }
}

#[test]
fn every_broken_policy_store_is_caught() {
    let (mut missed, mut idle, mut proven) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for fault in PolicyFault::ALL {
        let (report, check) = (report(*fault), fault.caught_by());
        assert!(report.passed.contains(&check) || report.caught(check), "{fault:?} names {check}");
        if !report.caught(check) {
            missed.push(format!("{fault:?} was not caught by {check}: {report}"));
        }
        proven.extend(report.failed.iter().map(|failure| failure.check));
        idle.extend(report.passed);
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    // A check that nothing fails may as well not be there.
    let idle: Vec<_> = idle.difference(&proven).collect();
    assert!(idle.is_empty(), "no broken store fails {idle:?}");
}
