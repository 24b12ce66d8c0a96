//! What a failure of a statement means for the call.

use std::{error::Error, fmt};

use auth_core::StoreError;

use super::driver::{Driver, Meaning};

/// What a statement could have done when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing that lasts: it reads, or its transaction was not committed yet.
    Open,
    /// It commits: a `COMMIT`, or a statement that is a transaction of its own.
    Committing,
}

/// A call that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: StoreError,
    /// Whether it surely changed nothing and may do better when repeated.
    pub(crate) repeat: bool,
    /// Whether the connection is of no more use, and others may be as dead.
    pub(crate) lost: bool,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { error, repeat: false, lost: false }
    }
}

impl Failure {
    /// A connection could not be made.
    pub(crate) fn unconnected<D: Driver>(error: sqlx::Error) -> Self {
        let meaning = error.as_database_error().map_or(Meaning::Lost, D::meaning);
        let repeat = matches!(meaning, Meaning::Lost | Meaning::Conflict);
        Self { error: StoreError::not_written(redacted(error)), repeat, lost: true }
    }

    /// The time of the call is over.
    pub(crate) fn late(phase: Phase) -> Self {
        let error = match phase {
            Phase::Open => StoreError::not_written(TooLate),
            Phase::Committing => StoreError::timeout(),
        };
        Self { error, repeat: false, lost: true }
    }

    /// What the driver reported.
    pub(crate) fn new<D: Driver>(error: sqlx::Error, phase: Phase) -> Self {
        let meaning = error.as_database_error().map_or(Meaning::Lost, D::meaning);
        let (conflict, broken) = (meaning == Meaning::Conflict, meaning == Meaning::Lost);
        let error = match (meaning, phase) {
            (Meaning::Full, _) => StoreError::full(),
            (Meaning::Lost, Phase::Committing) => StoreError::unknown(redacted(error)),
            _ => StoreError::not_written(redacted(error)),
        };
        let repeat = conflict || (broken && phase == Phase::Open);
        // The next call may be led to another server, but only by a new connection.
        Self { error, repeat, lost: broken || meaning == Meaning::Demoted }
    }
}

/// The driver's error without what the server says in words: they may quote a row.
fn redacted(error: sqlx::Error) -> Box<dyn Error + Send + Sync> {
    match error.as_database_error() {
        Some(database) => Box::new(Answered(database.code().unwrap_or_default().into())),
        None => Box::new(error),
    }
}

/// The server answered with an error.
struct Answered(Box<str>);

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database answered SQLSTATE {}", self.0)
    }
}

impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Answered {}

/// The time of the call was over before anything was committed.
#[derive(Debug, thiserror::Error)]
#[error("database did not answer in time")]
struct TooLate;
