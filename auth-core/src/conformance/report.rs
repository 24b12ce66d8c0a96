//! What a suite found.

use std::fmt;

/// The outcome of a suite: which checks a store passed, and which it did not.
///
/// A check's name is the property that it checks, written as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a report that nobody reads lets a broken store pass: call `assert_passed`"]
pub struct Report {
    /// The suite, such as `session_store`.
    pub suite: &'static str,
    /// The checks that were passed, in the order in which they ran.
    pub passed: Vec<&'static str>,
    /// The checks that were not.
    pub failed: Vec<Failure>,
}

/// One check that a store did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The check.
    pub check: &'static str,
    /// What was found, what was wanted, and the line of the suite that says so.
    pub why: String,
}

impl Report {
    /// The empty report of a suite: for suites of traits that are not of this crate.
    pub const fn new(suite: &'static str) -> Self {
        Self { suite, passed: Vec::new(), failed: Vec::new() }
    }

    /// Notes what came of a check. An error says what was found, what was wanted, and where.
    pub fn note(&mut self, check: &'static str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed.push(check),
            Err(why) => self.failed.push(Failure { check, why }),
        }
    }

    /// Ends the test if a check was not passed.
    ///
    /// # Panics
    /// With all failures, if there are any.
    #[expect(clippy::panic, reason = "this is how a test fails; the suites themselves never panic")]
    pub fn assert_passed(&self) {
        if !self.failed.is_empty() {
            panic!("{self}");
        }
    }

    /// Whether the check of this name was not passed.
    #[must_use]
    pub fn caught(&self, check: &str) -> bool {
        self.failed.iter().any(|failure| failure.check == check)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed) = (self.passed.len(), self.failed.len());
        write!(f, "{}: {passed} checks passed, {failed} failed", self.suite)?;
        for failure in &self.failed {
            write!(f, "\n  {}\n    {}", failure.check, failure.why)?;
        }
        Ok(())
    }
}
