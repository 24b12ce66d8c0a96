//! What a user's claims type may find wrong with a payload.

use std::fmt;

/// The token's own claims do not fit the type that they were asked for as.
///
/// The token itself may be in order: its signature and its registered claims were. Nothing of the token is
/// kept here, neither values nor what the type's own code had to say of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnClaimsError {
    claim: Option<&'static str>,
    problem: Problem,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A member that the type requires is missing.
    Missing { member: &'static str },
    /// A value has another type.
    WrongType,
    /// The type denies members that it does not know.
    Unknown,
    /// The type's own code refused a value.
    Refused,
}

impl OwnClaimsError {
    /// `claim` is the top-level claim in which it was found.
    pub(crate) const fn new(problem: Problem, claim: Option<&'static str>) -> Self {
        Self { claim, problem }
    }

    /// The claim that does not fit, as the type calls it; `None` if it is not one of the type's fields.
    #[must_use]
    pub fn claim(&self) -> Option<&'static str> {
        match self.problem {
            Problem::Missing { member } => self.claim.or(Some(member)),
            _ => self.claim,
        }
    }
}

impl fmt::Display for OwnClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            Problem::Missing { member } => write!(f, "{member} is missing")?,
            Problem::WrongType => f.write_str("a value has another type")?,
            Problem::Unknown => f.write_str("an unknown member is denied")?,
            Problem::Refused => f.write_str("a value is refused")?,
        }
        match self.claim {
            Some(claim) => write!(f, " in claim {claim}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for OwnClaimsError {}
