//! Types of attributes.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The type of a single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScalarType {
    /// True or false.
    Bool,
    /// A whole number of 64 bits.
    Integer,
    /// A decimal number with four digits after the point.
    Decimal,
    /// Text, compared byte by byte.
    Text,
    /// A moment, in whole seconds.
    Time,
    /// A length of time, in whole seconds.
    Duration,
    /// An address.
    Address,
    /// A range of addresses.
    Network,
    /// A principal, with its realm and its kind.
    Principal,
}

impl ScalarType {
    const ALL: [Self; 9] = [
        Self::Bool,
        Self::Integer,
        Self::Decimal,
        Self::Text,
        Self::Time,
        Self::Duration,
        Self::Address,
        Self::Network,
        Self::Principal,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Text => "text",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::Address => "address",
            Self::Network => "network",
            Self::Principal => "principal",
        }
    }

    /// Whether one may be less than another. Text has no order: whose would it be?
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Time | Self::Duration)
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The type of an attribute: `text`, or `set<text>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeType {
    /// One value.
    Scalar(ScalarType),
    /// A set of values, which are of one type. There are no sets of booleans.
    Set(ScalarType),
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::Set(scalar) => write!(f, "set<{scalar}>"),
        }
    }
}

/// Not a type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a type: one of bool, integer, decimal, text, time, duration, address, network, principal, or set<..> of \
     one but bool; with `?` behind it if the attribute is optional"
)]
pub struct AttributeTypeError;

impl FromStr for AttributeType {
    type Err = AttributeTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scalar = |word: &str| ScalarType::ALL.into_iter().find(|scalar| scalar.as_str() == word);
        let set = text.strip_prefix("set<").and_then(|rest| rest.strip_suffix('>'));
        match set {
            Some(of) => scalar(of).filter(|of| *of != ScalarType::Bool).map(Self::Set),
            None => scalar(text).map(Self::Scalar),
        }
        .ok_or(AttributeTypeError)
    }
}

/// What a schema says of an attribute: its type, and whether requests may come without it. Written `text` and `text?`.
///
/// A condition that looks at an attribute that is not there is indeterminate, whether it is optional or not. A required
/// one that is not there is a mistake of whoever asks, and [`Schema`](crate::Schema)'s readers refuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Declaration {
    kind: AttributeType,
    optional: bool,
}

impl Declaration {
    /// An attribute that every request has.
    #[must_use]
    pub const fn required(kind: AttributeType) -> Self {
        Self { kind, optional: false }
    }

    /// An attribute that a request may be without.
    #[must_use]
    pub const fn optional(kind: AttributeType) -> Self {
        Self { kind, optional: true }
    }

    /// Its type.
    #[must_use]
    pub const fn attribute_type(&self) -> AttributeType {
        self.kind
    }

    /// Whether a request may be without it.
    #[must_use]
    pub const fn is_optional(&self) -> bool {
        self.optional
    }
}

impl fmt::Display for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind, if self.optional { "?" } else { "" })
    }
}

impl FromStr for Declaration {
    type Err = AttributeTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_suffix('?') {
            Some(kind) => kind.parse().map(Self::optional),
            None => text.parse().map(Self::required),
        }
    }
}

macro_rules! as_text {
    ($name:ty) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(AttributeType);
as_text!(Declaration);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_written_as_it_is_read() {
        for scalar in ScalarType::ALL {
            for text in [format!("{scalar}"), format!("{scalar}?"), format!("set<{scalar}>?")] {
                match text.parse::<Declaration>() {
                    Ok(declaration) => assert_eq!(declaration.to_string(), text),
                    Err(AttributeTypeError) => assert_eq!(text, "set<bool>?"),
                }
            }
        }
        for bad in ["", "?", "Text", "text??", "set<set<text>>", "set<>", "string", " text"] {
            assert!(bad.parse::<Declaration>().is_err(), "{bad:?}");
        }
    }
}
