//! What came of it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

/// What was done, and what was wrong with it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many rounds there were.
    pub rounds: u64,
    /// What was done how often, by name.
    pub done: BTreeMap<&'static str, u64>,
    /// How many calls failed. They promised nothing.
    pub failed: u64,
    /// Promises that were broken; none are listed beyond the first hundred.
    pub violations: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rounds;", self.rounds)?;
        for (name, count) in &self.done {
            write!(f, " {count} {name},")?;
        }
        write!(f, " {} calls failed", self.failed)?;
        for violation in &self.violations {
            write!(f, "\nVIOLATION: {violation}")?;
        }
        Ok(())
    }
}

/// The report while it is made.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Report>);

impl Log {
    pub(crate) fn done(&self, what: &'static str) {
        let mut report = self.lock();
        let count = report.done.entry(what).or_default();
        *count = count.saturating_add(1);
    }

    pub(crate) fn failed(&self) {
        let mut report = self.lock();
        report.failed = report.failed.saturating_add(1);
    }

    pub(crate) fn violation(&self, what: impl fmt::Display) {
        let mut report = self.lock();
        if report.violations.len() < 100 {
            report.violations.push(what.to_string());
        }
    }

    pub(crate) fn round(&self) {
        let mut report = self.lock();
        report.rounds = report.rounds.saturating_add(1);
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.lock().violations.is_empty()
    }

    pub(crate) fn report(&self) -> Report {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Report> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
