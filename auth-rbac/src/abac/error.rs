//! Why rules are refused.

use auth_core::{Action, ResourceKind};

use super::{Abac, rule::RuleName};
use crate::{condition::error::ConditionError, schema::SchemaError};

/// Why a policy of rules is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AbacError {
    /// The schema contradicts itself.
    #[error("the schema is refused")]
    Schema(#[from] SchemaError),
    /// A rule is wrong.
    #[error("rule {name}: {problem}")]
    Rule {
        /// Which.
        name: RuleName,
        /// In what.
        problem: RuleProblem,
    },
    /// There are more than [`Abac::MAX_RULES`].
    #[error("a policy has at most {} rules", Abac::MAX_RULES)]
    TooMany,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleProblem {
    /// Another rule has the same name.
    #[error("there are two rules of this name")]
    Duplicate,
    /// The schema does not declare the action.
    #[error("the schema does not declare the action {0}")]
    UnknownAction(Action),
    /// The schema does not declare the kind.
    #[error("the schema does not declare the kind {0}")]
    UnknownKind(ResourceKind),
    /// It names no action.
    #[error("the rule is about no action")]
    NoAction,
    /// Only what is allowed can depend on obligations.
    #[error("a rule that forbids has no obligations")]
    Obligations,
    /// A challenge that asks for nothing helps nobody.
    #[error("a challenge that asks for nothing")]
    Demand,
    /// There are more different challenges than [`Abac::MAX_CHALLENGES`].
    #[error("a policy has at most {} different challenges", Abac::MAX_CHALLENGES)]
    Demands,
    /// The condition is wrong.
    #[error("{0}")]
    Condition(#[source] ConditionError),
}
