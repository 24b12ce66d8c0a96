//! What is wrong with a condition, and where.

use std::fmt;

use super::{
    Condition,
    tree::{Comparison, Operation},
};
use crate::attribute::{AttributePath, kind::AttributeType};

/// A condition is refused: what is wrong, with the line, the column and the place in the text. If it was not read from
/// text, the text is what the condition would be written as.
///
/// ```
/// let error = auth_rbac::Condition::parse("resource.owner = principal.id").unwrap_err();
/// let lines = [
///     "line 1, column 16: expected an operator, found `=`; equality is written `==`",
///     "1 | resource.owner = principal.id",
///     "  |                ^",
/// ];
/// assert_eq!(error.to_string(), lines.join("\n"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    problem: Box<ConditionProblem>,
    line: usize,
    column: usize,
    excerpt: Box<str>,
}

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConditionProblem {
    /// Something else was expected here.
    #[error("expected {expected}, found {found}{}", hint.map(|hint| format!("; {hint}")).unwrap_or_default())]
    Unexpected {
        /// What may stand here.
        expected: &'static str,
        /// What does.
        found: Box<str>,
        /// What may have been meant.
        hint: Option<&'static str>,
    },
    /// A constant is not one.
    #[error("{0}")]
    Constant(&'static str),
    /// There is no function of this name.
    #[error("there is no function {0}")]
    UnknownFunction(Box<str>),
    /// The schema does not declare it.
    #[error("there is no attribute {path}{}", similar.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    UnknownAttribute {
        /// The attribute that is named.
        path: AttributePath,
        /// The one that it is most like.
        similar: Option<AttributePath>,
    },
    /// No quantifier around it has an element of this name.
    #[error("there is no {0} here")]
    UnknownVariable(Box<str>),
    /// A quantifier inside another has an element of the same name.
    #[error("{0} is the name of another element already")]
    DuplicateVariable(Box<str>),
    /// The types do not fit.
    #[error("{left} {by} {right} compares different types")]
    Compare {
        /// The type on the left.
        left: AttributeType,
        /// How they are compared.
        by: Comparison,
        /// The type on the right.
        right: AttributeType,
    },
    /// What is computed is not defined for the types.
    #[error("{left} {by} {right} cannot be computed")]
    Compute {
        /// The type on the left.
        left: AttributeType,
        /// What is computed.
        by: Operation,
        /// The type on the right.
        right: AttributeType,
    },
    /// The type has no order, or, of a set, no equality.
    #[error("values of type {of} are not compared by {by}")]
    NoOrder {
        /// The type.
        of: AttributeType,
        /// How they are compared.
        by: Comparison,
    },
    /// Something of another type is needed here.
    #[error("expected {expected}, found a value of type {found}")]
    Type {
        /// What is needed.
        expected: &'static str,
        /// The type that it has.
        found: AttributeType,
    },
    /// A value of one type can never be in a set of another.
    #[error("a value of type {value} is never in one of type {set}")]
    In {
        /// The type of the value.
        value: AttributeType,
        /// The type of where it is looked for.
        set: AttributeType,
    },
    /// No value is in the range.
    #[error("no value is in this range")]
    EmptyRange,
    /// `&&` and `||` of fewer than two conditions.
    #[error("a conjunction or disjunction of fewer than two conditions")]
    Few,
    /// More bytes than [`Condition::MAX_LEN`].
    #[error("a condition has at most {} bytes", Condition::MAX_LEN)]
    TooLong,
    /// Deeper than [`Condition::MAX_DEPTH`].
    #[error("a condition is nested at most {} levels deep", Condition::MAX_DEPTH)]
    TooDeep,
    /// More nodes than [`Condition::MAX_NODES`].
    #[error("a condition has at most {} parts", Condition::MAX_NODES)]
    TooLarge,
}

/// Bytes of a text, from the first to the one behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(super) const fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }
}

impl ConditionError {
    /// Characters of a line that are shown on each side of where it went wrong.
    const AROUND: usize = 60;

    pub(super) fn new(problem: ConditionProblem, text: &str, at: Span) -> Self {
        let before = text.get(..at.start).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
        let line = before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1);
        let column = before.get(start..).unwrap_or_default().chars().count().saturating_add(1);
        let whole = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let marked = text.get(at.start..at.end).and_then(|marked| marked.lines().next()).unwrap_or_default();
        let skip = column.saturating_sub(1).saturating_sub(Self::AROUND);
        // What is not shown as it is takes one column too.
        let shown = |text: &str, skip: usize, take: usize| -> String {
            text.chars()
                .skip(skip)
                .take(take)
                .map(|c| if super::text::is_hidden(c) { '?' } else { c })
                .collect()
        };
        let line_shown = shown(whole, skip, Self::AROUND.saturating_mul(2));
        let carets = marked.chars().count().clamp(1, Self::AROUND);
        let margin = " ".repeat(line.to_string().len());
        let indent = " ".repeat(column.saturating_sub(1).saturating_sub(skip));
        let excerpt = format!("{line} | {line_shown}\n{margin} | {indent}{}", "^".repeat(carets)).into();
        Self { problem: Box::new(problem), line, column, excerpt }
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &ConditionProblem {
        &self.problem
    }

    /// In which line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// At which character of the line, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// The line, and carets below the place.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}\n{}", self.line, self.column, self.problem, self.excerpt)
    }
}

impl std::error::Error for ConditionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.problem)
    }
}
