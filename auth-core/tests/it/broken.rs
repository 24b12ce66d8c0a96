//! Every deliberately broken store is caught, and by the check that is there for it.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{
    conformance::{
        Report, Threads, account_store, assignment_store,
        broken::{
            AccountFault, AssignmentFault, BrokenAccounts, BrokenAssignments, BrokenCounters,
            BrokenCredentials, BrokenSessions, BrokenTokens, CounterFault, CredentialFault, SessionFault,
            TokenFault,
        },
        counter_store, credential_store, session_store, token_store,
    },
    testing::block_on,
};

/// How long a fault may stay unnoticed that shows only when calls meet. How soon they do is a matter of luck, and
/// of what else the machine does: the first run of a suite finds it on an idle one, and the twentieth may not where
/// a dozen processes share the cores. So such a fault has time, not runs.
const PATIENCE: Duration = Duration::from_secs(180);

/// Few rounds, and one where one is enough: two hundred suites are run here.
fn race(needs_a_race: bool) -> Threads {
    Threads::new().with_rounds(if needs_a_race { 60 } else { 1 })
}

/// The suite's last report: of its first run, or, where only a race shows the fault, of the run that caught it.
fn report(check: &str, needs_a_race: bool, suite: impl Fn() -> Report) -> Report {
    let end = Instant::now() + PATIENCE;
    loop {
        let report = suite();
        if !needs_a_race || report.caught(check) || Instant::now() > end {
            return report;
        }
    }
}

/// What a suite missed.
#[derive(Default)]
struct Missed {
    /// Faults that were not caught, in words.
    faults: Vec<String>,
    /// Checks that no fault has failed so far, and those that one has.
    idle: BTreeSet<&'static str>,
    proven: BTreeSet<&'static str>,
}

impl Missed {
    fn look_for(&mut self, fault: &dyn Debug, check: &str, report: &Report) {
        let known = report.passed.contains(&check) || report.caught(check);
        assert!(known, "{fault:?} names the check {check}, which there is not");
        if !report.caught(check) {
            self.faults.push(format!("{fault:?} was not caught by {check}: {report}"));
        }
        self.proven.extend(report.failed.iter().map(|failure| failure.check));
        self.idle.extend(&report.passed);
    }

    fn assert_none(self) {
        assert!(self.faults.is_empty(), "{}", self.faults.join("\n"));
        // A check that nothing fails may as well not be there.
        let idle: Vec<_> = self.idle.difference(&self.proven).collect();
        assert!(idle.is_empty(), "no broken store fails {idle:?}");
    }
}

fn alone<S>(store: S) -> S {
    store
}

/// The account store has the credential store in it.
fn both(store: BrokenAccounts) -> (Arc<BrokenAccounts>, Arc<BrokenAccounts>) {
    let both = Arc::new(store);
    (Arc::clone(&both), both)
}

macro_rules! every_fault_is_caught {
    ($($name:ident: $fault:ty, $store:ty, $fixture:path, $suite:path;)*) => { $(
        #[test]
        fn $name() {
            let mut missed = Missed::default();
            for fault in <$fault>::ALL {
                let fresh = || async { $fixture(<$store>::new(*fault)) };
                let race = race(fault.needs_a_race());
                let report =
                    report(fault.caught_by(), fault.needs_a_race(), || block_on($suite(fresh, &race)));
                missed.look_for(fault, fault.caught_by(), &report);
            }
            missed.assert_none();
        }
    )* };
}

every_fault_is_caught! {
    every_broken_session_store_is_caught: SessionFault, BrokenSessions, alone, session_store;
    every_broken_token_store_is_caught: TokenFault, BrokenTokens, alone, token_store;
    every_broken_counter_store_is_caught: CounterFault, BrokenCounters, alone, counter_store;
    every_broken_account_store_is_caught: AccountFault, BrokenAccounts, both, account_store;
    every_broken_credential_store_is_caught: CredentialFault, BrokenCredentials, alone, credential_store;
    every_broken_assignment_store_is_caught: AssignmentFault, BrokenAssignments, alone, assignment_store;
}

/// The windows of a store in the process are nanoseconds wide: two locks in a row. A non-atomic take once
/// passed 3,000 rounds of joined futures. On a single core, nothing runs between two locks, and there is
/// nothing to notice.
macro_rules! a_tight_fault_is_caught {
    ($($name:ident: $fault:expr, $store:ty, $fixture:path, $suite:path;)*) => { $(
        #[test]
        fn $name() {
            let fresh = || async { $fixture(<$store>::tight($fault)) };
            let race = Threads::new().with_rounds(100);
            let alone = std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
            let check = $fault.caught_by();
            let caught = alone || report(check, true, || block_on($suite(fresh, &race))).caught(check);
            assert!(caught, "{:?} was never caught", $fault);
        }
    )* };
}

a_tight_fault_is_caught! {
    a_take_of_two_locks_is_caught: TokenFault::TakeNotAtomic, BrokenTokens, alone, token_store;
    a_claim_of_two_locks_is_caught: TokenFault::ClaimNotAtomic, BrokenTokens, alone, token_store;
    an_update_of_two_locks_is_caught: SessionFault::UpdateNotAtomic, BrokenSessions, alone, session_store;
    a_rotation_of_two_locks_is_caught: SessionFault::RotateDeletesFirst, BrokenSessions, alone, session_store;
    a_count_of_two_locks_is_caught: CounterFault::AddNotAtomic, BrokenCounters, alone, counter_store;
    a_change_of_two_locks_is_caught: AccountFault::ApplyNotAtomic, BrokenAccounts, both, account_store;
    a_use_of_two_locks_is_caught: CredentialFault::ConsumeNotAtomic, BrokenCredentials, alone, credential_store;
    a_grant_of_two_locks_is_caught: AssignmentFault::GrantNotAtomic, BrokenAssignments, alone, assignment_store;
}
