//! What came of it.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt,
    sync::{Mutex, PoisonError},
};

/// What was done, and what was wrong with it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many rounds there were.
    pub rounds: u64,
    /// A fingerprint of what was done, in its order: runs that have the same did the same.
    pub history: u64,
    /// What was done how often, by name.
    pub done: BTreeMap<&'static str, u64>,
    /// How many calls failed. They promised nothing.
    pub failed: u64,
    /// Why they failed, as far as there are not too many reasons.
    pub reasons: BTreeMap<String, u64>,
    /// Promises that were broken; none are listed beyond the first hundred.
    pub violations: Vec<String>,
}

/// Why a run is no good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Promises were broken.
    #[error("{0} promises were broken")]
    Broken(usize),
    /// This was never done, so nothing was shown: the store refused everything, or the time was too short.
    #[error("there were no {0}")]
    Nothing(&'static str),
}

impl Report {
    /// What the run comes to.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn verdict(&self) -> Result<(), Failure> {
        if !self.violations.is_empty() {
            return Err(Failure::Broken(self.violations.len()));
        }
        let missing = ["logins", "checks"].into_iter().find(|what| !self.done.contains_key(what));
        missing.map_or(Ok(()), |what| Err(Failure::Nothing(what)))
    }
}

impl Failure {
    /// What a process ends with: 1 if a promise was broken, 3 if nothing was shown.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Broken(_) => 1,
            Self::Nothing(_) => 3,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rounds, history {:016x};", self.rounds, self.history)?;
        for (name, count) in &self.done {
            write!(f, " {count} {name},")?;
        }
        write!(f, " {} calls failed", self.failed)?;
        for (reason, count) in &self.reasons {
            write!(f, "\n{count} failed: {reason}")?;
        }
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
        // FNV-1a: nobody chooses what it is of.
        report.history = what.bytes().fold(report.history ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    }

    pub(crate) fn failed(&self, error: &dyn Error) {
        let mut reason = error.to_string();
        let mut next = error.source();
        while let Some(error) = next {
            reason = format!("{reason}: {error}");
            next = error.source();
        }
        let mut report = self.lock();
        report.failed = report.failed.saturating_add(1);
        if report.reasons.len() < 20 || report.reasons.contains_key(&reason) {
            let count = report.reasons.entry(reason).or_default();
            *count = count.saturating_add(1);
        }
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

    /// Whether no call has failed so far.
    pub(crate) fn has_no_failure(&self) -> bool {
        self.lock().failed == 0
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
