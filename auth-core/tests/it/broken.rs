//! Every deliberately broken store is caught, and by the check that is there for it.

use std::fmt::Debug;

use auth_core::{
    conformance::{
        Report, Threads,
        broken::{BrokenSessions, SessionFault},
        session_store,
    },
    testing::block_on,
};

/// Few rounds where one is enough: two hundred suites are run here.
fn race(needs_a_race: bool) -> Threads {
    if needs_a_race { Threads::new() } else { Threads::new().rounds(1) }
}

/// What the suite missed of all faults of a store, in words.
#[derive(Default)]
struct Missed(Vec<String>);

impl Missed {
    fn look_for(&mut self, fault: &dyn Debug, check: &str, report: &Report) {
        assert!(
            report.failed.iter().map(|failure| failure.check).chain(report.passed.iter().copied()).any(|name| name == check),
            "{fault:?} names {check}, and there is no such check",
        );
        if !report.caught(check) {
            self.0.push(format!("{fault:?} was not caught by {check}: {report}"));
        }
    }

    fn assert_none(self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}

#[test]
fn every_broken_session_store_is_caught() {
    let mut missed = Missed::default();
    for fault in SessionFault::ALL {
        let fresh = || async { BrokenSessions::new(*fault) };
        let t = std::time::Instant::now();
        let report = block_on(session_store(fresh, &race(fault.needs_a_race())));
        println!("{fault:?} {:?} {:?}", t.elapsed(), report.failed.iter().map(|f| f.check).collect::<Vec<_>>());
        missed.look_for(fault, fault.caught_by(), &report);
    }
    missed.assert_none();
}

/// EXPERIMENT
#[test]
fn xp() {
    let rounds: u32 = std::env::var("R").ok().and_then(|r| r.parse().ok()).unwrap_or(300);
    let t = std::time::Instant::now();
    let (mut caught, mut all) = (0, 0);
    let mut missed = vec![];
    for _ in 0..3 {
    for fault in SessionFault::ALL.iter().filter(|f| f.needs_a_race()) {
        let tight = std::env::var("TIGHT").is_ok();
        let fresh = || async { if tight { BrokenSessions::tight(*fault) } else { BrokenSessions::new(*fault) } };
        let report = block_on(session_store(fresh, &Threads::new().rounds(rounds)));
        all += 1;
        if report.caught(fault.caught_by()) { caught += 1; } else { missed.push(fault); }
    }}
    println!("XP {caught}/{all} in {:?} missed {missed:?}", t.elapsed()/all);
}
