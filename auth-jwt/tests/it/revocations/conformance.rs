//! The suite of stores: what keeps the contract passes, and every deliberately broken store is caught, by the check that
//! is there for it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use auth_core::{
    conformance::{Report, Threads},
    testing::block_on,
};
use auth_jwt::conformance::{
    broken::{BrokenRevocations, RevocationFault},
    reference::ReferenceRevocations,
    revocation_store,
};

auth_jwt::revocation_store_conformance!(|| async { ReferenceRevocations::default() }, threads);

/// How long a fault may stay unnoticed that shows only when calls meet, which is a matter of luck and of what else the
/// machine does.
const PATIENCE: Duration = Duration::from_secs(180);

fn report(fault: RevocationFault) -> Report {
    let race = Threads::new().with_rounds(if fault.needs_a_race() { 60 } else { 1 });
    let end = Instant::now() + PATIENCE;
    loop {
        let fresh = || async { BrokenRevocations::new(fault) };
        let report = block_on(revocation_store(fresh, &race));
        if !fault.needs_a_race() || report.caught(fault.caught_by()) || Instant::now() > end {
            return report;
        }
    }
}

#[test]
fn every_broken_revocation_store_is_caught() {
    let (mut missed, mut idle, mut proven) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for fault in RevocationFault::ALL {
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
