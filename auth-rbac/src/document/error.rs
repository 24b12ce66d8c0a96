//! Why a document is refused.

use crate::{abac::error::AbacError, acl::AclError, error::PolicyError};

/// Why a policy document is refused. What was in force stays in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Longer than [`PolicyDocument::MAX_LEN`](super::PolicyDocument::MAX_LEN).
    #[error("a policy document has at most {max} bytes")]
    TooLong {
        /// The most that there may be.
        max: usize,
    },
    /// Not of the form of a document: a fault in the language, an unknown field, a value that is none.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The language has no way to write it.
    #[error("it cannot be written: {0}")]
    Unwritable(String),
    /// The roles do not make a policy.
    #[error("in {place}")]
    Roles {
        /// Which item.
        place: String,
        /// What is wrong.
        #[source]
        error: PolicyError,
    },
    /// The access control lists do not make a policy.
    #[error("in {place}")]
    Acl {
        /// Which item.
        place: String,
        /// What is wrong.
        #[source]
        error: AclError,
    },
    /// The rules and the schema do not make a policy.
    #[error("in {place}")]
    Rules {
        /// Which item.
        place: String,
        /// What is wrong.
        #[source]
        error: AbacError,
    },
}
