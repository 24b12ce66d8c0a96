//! Values that somebody owns: constants of conditions, attributes that were read.

use std::{fmt, net::IpAddr, time::Duration};

use auth_core::{AttributeValue, Decimal, Network, PrincipalId, UnixTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::kind::{AttributeType, ScalarType};

/// A value: a constant of a condition, or an attribute that was read from somewhere. Every one says its type, in a
/// policy too (`{"text": "finance"}`), so that none is taken for another.
///
/// [`AttributeValue`] is the same for who only lends it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A decimal number.
    Decimal(Decimal),
    /// Text.
    Text(String),
    /// A moment.
    Time(UnixTime),
    /// A length of time in whole seconds.
    Duration(#[serde(with = "seconds")] Duration),
    /// An address.
    Address(IpAddr),
    /// A range of addresses.
    Network(Network),
    /// A principal.
    Principal(PrincipalId),
    /// A set of texts.
    Texts(Vec<String>),
    /// A set of whole numbers.
    Integers(Vec<i64>),
    /// A set of decimal numbers.
    Decimals(Vec<Decimal>),
    /// A set of moments.
    Times(Vec<UnixTime>),
    /// A set of lengths of time in whole seconds.
    Durations(#[serde(with = "seconds::list")] Vec<Duration>),
    /// A set of addresses.
    Addresses(Vec<IpAddr>),
    /// A set of ranges of addresses.
    Networks(Vec<Network>),
    /// A set of principals.
    Principals(Vec<PrincipalId>),
}

impl Value {
    /// The most elements of a set.
    pub const MAX_ELEMENTS: usize = 4096;
    /// The most bytes of a text.
    pub const MAX_TEXT_LEN: usize = 65_536;

    /// Its type.
    #[must_use]
    pub const fn attribute_type(&self) -> AttributeType {
        use AttributeType::{Scalar, Set};
        match self {
            Self::Bool(_) => Scalar(ScalarType::Bool),
            Self::Integer(_) => Scalar(ScalarType::Integer),
            Self::Decimal(_) => Scalar(ScalarType::Decimal),
            Self::Text(_) => Scalar(ScalarType::Text),
            Self::Time(_) => Scalar(ScalarType::Time),
            Self::Duration(_) => Scalar(ScalarType::Duration),
            Self::Address(_) => Scalar(ScalarType::Address),
            Self::Network(_) => Scalar(ScalarType::Network),
            Self::Principal(_) => Scalar(ScalarType::Principal),
            Self::Texts(_) => Set(ScalarType::Text),
            Self::Integers(_) => Set(ScalarType::Integer),
            Self::Decimals(_) => Set(ScalarType::Decimal),
            Self::Times(_) => Set(ScalarType::Time),
            Self::Durations(_) => Set(ScalarType::Duration),
            Self::Addresses(_) => Set(ScalarType::Address),
            Self::Networks(_) => Set(ScalarType::Network),
            Self::Principals(_) => Set(ScalarType::Principal),
        }
    }

    /// The same, lent.
    #[must_use]
    pub fn lend(&self) -> AttributeValue<'_> {
        match self {
            Self::Bool(value) => AttributeValue::Bool(*value),
            Self::Integer(value) => AttributeValue::Integer(*value),
            Self::Decimal(value) => AttributeValue::Decimal(*value),
            Self::Text(value) => AttributeValue::Text(value),
            Self::Time(value) => AttributeValue::Time(*value),
            Self::Duration(value) => AttributeValue::Duration(*value),
            Self::Address(value) => AttributeValue::Address(*value),
            Self::Network(value) => AttributeValue::Network(*value),
            Self::Principal(value) => AttributeValue::Principal(value),
            Self::Texts(values) => AttributeValue::Strings(values),
            Self::Integers(values) => AttributeValue::Integers(values),
            Self::Decimals(values) => AttributeValue::Decimals(values),
            Self::Times(values) => AttributeValue::Times(values),
            Self::Durations(values) => AttributeValue::Durations(values),
            Self::Addresses(values) => AttributeValue::Addresses(values),
            Self::Networks(values) => AttributeValue::Networks(values),
            Self::Principals(values) => AttributeValue::Principals(values),
        }
    }

    /// What it holds on the heap. Principals are shared, and not counted.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Texts(texts) => {
                let of_texts = texts.iter().map(String::len);
                of_texts.fold(size_of_val(texts.as_slice()), usize::saturating_add)
            }
            Self::Integers(values) => size_of_val(values.as_slice()),
            Self::Decimals(values) => size_of_val(values.as_slice()),
            Self::Times(values) => size_of_val(values.as_slice()),
            Self::Durations(values) => size_of_val(values.as_slice()),
            Self::Addresses(values) => size_of_val(values.as_slice()),
            Self::Networks(values) => size_of_val(values.as_slice()),
            Self::Principals(values) => size_of_val(values.as_slice()),
            _ => 0,
        }
    }

    /// The number of elements, if it is a set.
    pub(crate) fn elements(&self) -> Option<usize> {
        Some(match self {
            Self::Texts(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Decimals(values) => values.len(),
            Self::Times(values) => values.len(),
            Self::Durations(values) => values.len(),
            Self::Addresses(values) => values.len(),
            Self::Networks(values) => values.len(),
            Self::Principals(values) => values.len(),
            _ => return None,
        })
    }

    /// One set of single values, or `None` if they are of several types, of one that sets are not made of, or none.
    pub(crate) fn set(values: Vec<Self>) -> Option<Self> {
        macro_rules! all {
            ($one:ident, $set:ident) => {
                values
                    .into_iter()
                    .map(|value| if let Self::$one(value) = value { Some(value) } else { None })
                    .collect::<Option<_>>()
                    .map(Self::$set)
            };
        }
        match values.first()? {
            Self::Integer(_) => all!(Integer, Integers),
            Self::Decimal(_) => all!(Decimal, Decimals),
            Self::Text(_) => all!(Text, Texts),
            Self::Time(_) => all!(Time, Times),
            Self::Duration(_) => all!(Duration, Durations),
            Self::Address(_) => all!(Address, Addresses),
            Self::Network(_) => all!(Network, Networks),
            Self::Principal(_) => all!(Principal, Principals),
            _ => None,
        }
    }

    /// The elements of a set as single values.
    pub(crate) fn singles(&self) -> Vec<Self> {
        match self {
            Self::Texts(values) => values.iter().cloned().map(Self::Text).collect(),
            Self::Integers(values) => values.iter().copied().map(Self::Integer).collect(),
            Self::Decimals(values) => values.iter().copied().map(Self::Decimal).collect(),
            Self::Times(values) => values.iter().copied().map(Self::Time).collect(),
            Self::Durations(values) => values.iter().copied().map(Self::Duration).collect(),
            Self::Addresses(values) => values.iter().copied().map(Self::Address).collect(),
            Self::Networks(values) => values.iter().copied().map(Self::Network).collect(),
            Self::Principals(values) => values.iter().cloned().map(Self::Principal).collect(),
            single => vec![single.clone()],
        }
    }
}

/// Says the type only: an attribute may be anything that is known of a person.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({}, redacted)", self.attribute_type())
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool, i64 => Integer, Decimal => Decimal, &str => Text, String => Text, UnixTime => Time,
    Duration => Duration, IpAddr => Address, Network => Network, PrincipalId => Principal, Vec<String> => Texts,
    Vec<i64> => Integers, Vec<Decimal> => Decimals, Vec<UnixTime> => Times, Vec<Duration> => Durations,
    Vec<IpAddr> => Addresses, Vec<Network> => Networks, Vec<PrincipalId> => Principals,
}

impl From<&[&str]> for Value {
    fn from(values: &[&str]) -> Self {
        Self::Texts(values.iter().map(|value| (*value).to_owned()).collect())
    }
}

/// Lengths of time as whole seconds, which is what counts of them.
pub(crate) mod seconds {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_secs().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }

    pub(crate) mod list {
        use super::{Deserialize, Deserializer, Duration, Serializer};

        pub(crate) fn serialize<S: Serializer>(
            values: &[Duration],
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(values.iter().map(Duration::as_secs))
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Vec<Duration>, D::Error> {
            Ok(Vec::<u64>::deserialize(deserializer)?.into_iter().map(Duration::from_secs).collect())
        }
    }
}
