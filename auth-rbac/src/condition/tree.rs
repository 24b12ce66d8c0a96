//! The canonical form of conditions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{nested::nested, pattern::Pattern, zone::ZoneName};
use crate::attribute::{
    AttributePath, is_identifier,
    kind::{AttributeType, ScalarType},
    value::Value,
};

/// What is true, false or, where something is missing or goes wrong, neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Predicate {
    /// `true` or `false`.
    Constant(bool),
    /// A boolean is true: `context.device.managed`.
    Is(Term),
    /// All of several, at least two: `a && b`.
    All(#[serde(deserialize_with = "nested")] Vec<Predicate>),
    /// Any of several, at least two: `a || b`.
    Any(#[serde(deserialize_with = "nested")] Vec<Predicate>),
    /// The contrary: `!a`. Of what is neither true nor false, it is neither too.
    Not(#[serde(deserialize_with = "nested")] Box<Predicate>),
    /// Two values of one type: `resource.owner == principal.id`.
    Compare {
        /// What stands on the left.
        left: Term,
        /// How they are compared.
        by: Comparison,
        /// What stands on the right.
        right: Term,
    },
    /// A value is in a set or, an address, in a network: `"finance" in principal.departments`,
    /// `context.ip in cidr("10.0.0.0/8")`.
    In {
        /// What is looked for.
        value: Term,
        /// Where.
        set: Term,
    },
    /// A value is in a range: `context.time.hour in 9..17`.
    Within {
        /// What is looked for.
        value: Term,
        /// The least value of the range.
        from: Term,
        /// Its end, which is in the range only if it is `inclusive`.
        to: Term,
        /// Whether the end is in the range: `9..=17`.
        inclusive: bool,
    },
    /// A text is like a pattern: `resource.path like "/reports/*"`.
    Like {
        /// The text.
        text: Term,
        /// The pattern.
        pattern: Pattern,
    },
    /// The request has the attribute: `has resource.owner`. Indeterminate only if it is of another type than the
    /// schema says, or too large.
    Has(AttributePath),
    /// Any element of a set fulfils a condition: `any(d in principal.departments: d like "eu-*")`. False of no elements.
    AnyOf {
        /// What an element is called.
        variable: Variable,
        /// The set.
        set: Term,
        /// The condition.
        holds: Nested,
    },
    /// All elements of a set fulfil a condition: `all(d in resource.departments: d in principal.departments)`. Of no
    /// elements it is neither true nor false, so that it does not allow, and its contrary does not either.
    AllOf {
        /// What an element is called.
        variable: Variable,
        /// The set.
        set: Term,
        /// The condition.
        holds: Nested,
    },
}

/// A condition inside another, whose depth is counted while it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nested(#[serde(deserialize_with = "nested")] pub Box<Predicate>);

/// What has a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Term {
    /// A constant.
    Constant(Value),
    /// An attribute, or a part of one that is a time.
    Attribute(AttributePath),
    /// The principal, with its realm and its kind.
    Principal,
    /// The element that a quantifier looks at.
    Variable(Variable),
    /// The number of elements of a set: `size(principal.departments)`.
    Size(#[serde(deserialize_with = "nested")] Box<Term>),
    /// A part of a time, in a zone: `context.time.zone("Europe/Berlin").hour`.
    Part {
        /// The time.
        #[serde(deserialize_with = "nested")]
        time: Box<Term>,
        /// Which part of it.
        part: Part,
        /// The zone; UTC without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<ZoneName>,
    },
    /// Sum, difference or product: `resource.created + 30d`. Indeterminate if it overflows.
    Arithmetic {
        /// What stands on the left.
        #[serde(deserialize_with = "nested")]
        left: Box<Term>,
        /// What is computed.
        by: Operation,
        /// What stands on the right.
        #[serde(deserialize_with = "nested")]
        right: Box<Term>,
    },
}

macro_rules! symbols {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $symbol:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $symbol)] $variant),*
        }

        impl $name {
            /// How it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $symbol),* }
            }

            pub(crate) fn parse(text: &str) -> Option<Self> {
                match text { $($symbol => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

symbols! {
    /// How two values are compared. Only whole and decimal numbers, times and durations have an order.
    Comparison {
        /// They are the same.
        Equal = "==",
        /// They are not.
        NotEqual = "!=",
        /// The left is less.
        Less = "<",
        /// The left is less, or they are the same.
        AtMost = "<=",
        /// The left is more.
        More = ">",
        /// The left is more, or they are the same.
        AtLeast = ">=",
    }
}

symbols! {
    /// What is computed of two values.
    Operation {
        /// The sum of two numbers of one type, of two durations, or of a time and a duration.
        Add = "+",
        /// The difference of two numbers of one type, of durations, of times, or of a time and a duration.
        Subtract = "-",
        /// The product of a number or a duration with a whole number.
        Multiply = "*",
    }
}

symbols! {
    /// A part of a time.
    Part {
        /// The year.
        Year = "year",
        /// The month, from 1.
        Month = "month",
        /// The day of the month, from 1.
        Day = "day",
        /// The day of the week, from 1 for Monday to 7 for Sunday (ISO 8601).
        Weekday = "weekday",
        /// The hour, from 0 to 23.
        Hour = "hour",
        /// The minute, from 0 to 59.
        Minute = "minute",
        /// The time since midnight, as a duration.
        TimeOfDay = "time_of_day",
    }
}

impl Part {
    pub(crate) const fn attribute_type(self) -> AttributeType {
        AttributeType::Scalar(match self {
            Self::TimeOfDay => ScalarType::Duration,
            _ => ScalarType::Integer,
        })
    }
}

/// What an element is called inside a quantifier: an ASCII identifier of at most 32 bytes that is no word of the
/// language.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Variable(Box<str>);

/// Not a name that an element may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a name for an element: an identifier of at most 32 bytes that is no word of the language")]
pub struct VariableError;

/// Words of the language.
const WORDS: [&str; 12] = [
    "true",
    "false",
    "in",
    "like",
    "has",
    "any",
    "all",
    "size",
    "principal",
    "action",
    "resource",
    "context",
];

impl Variable {
    /// Reads a name.
    ///
    /// # Errors
    /// [`VariableError`].
    pub fn parse(text: &str) -> Result<Self, VariableError> {
        let may = text.len() <= 32 && is_identifier(text) && !WORDS.contains(&text);
        may.then(|| Self(text.into())).ok_or(VariableError)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Variable {
    type Error = VariableError;

    fn try_from(text: String) -> Result<Self, VariableError> {
        Self::parse(&text)
    }
}

impl From<Variable> for String {
    fn from(variable: Variable) -> Self {
        variable.0.into()
    }
}
