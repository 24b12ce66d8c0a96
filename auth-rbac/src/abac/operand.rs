//! Values while a condition is evaluated.

use std::{cmp::Ordering, net::IpAddr, time::Duration};

use auth_core::{AttributeValue, Decimal, Method, Network, PrincipalId, RoleName, UnixTime};

use crate::{
    attribute::{
        kind::{AttributeType, ScalarType},
        value::Value,
    },
    condition::tree::{Comparison, Operation},
};

/// True, false, or neither: something is missing, of the wrong type, or too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    True,
    False,
    Unknown,
}

impl Truth {
    pub(super) const fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(is: bool) -> Self {
        if is { Self::True } else { Self::False }
    }
}

/// A value that is lent for one evaluation. Durations have a sign here.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operand<'a> {
    Bool(bool),
    Integer(i64),
    Decimal(Decimal),
    Text(&'a str),
    Time(UnixTime),
    Duration(i64),
    Address(IpAddr),
    Network(Network),
    Principal(&'a PrincipalId),
    Texts(&'a [&'a str]),
    Strings(&'a [String]),
    Methods(&'a [Method]),
    Roles(&'a [RoleName]),
    Integers(&'a [i64]),
    Decimals(&'a [Decimal]),
    Times(&'a [UnixTime]),
    Durations(&'a [Duration]),
    Addresses(&'a [IpAddr]),
    Networks(&'a [Network]),
    Principals(&'a [PrincipalId]),
}

impl<'a> Operand<'a> {
    /// `None` if it is of a kind that conditions do not know, or too large.
    #[inline]
    pub(crate) fn new(value: AttributeValue<'a>) -> Option<Self> {
        Some(match value {
            AttributeValue::Bool(value) => Self::Bool(value),
            AttributeValue::Integer(value) => Self::Integer(value),
            AttributeValue::Decimal(value) => Self::Decimal(value),
            AttributeValue::Text(value) => Self::Text(value),
            AttributeValue::Time(value) => Self::Time(value),
            AttributeValue::Duration(value) => Self::Duration(seconds(value)?),
            AttributeValue::Address(value) => Self::Address(value.to_canonical()),
            AttributeValue::Network(value) => Self::Network(value),
            AttributeValue::Principal(value) => Self::Principal(value),
            AttributeValue::Texts(values) => Self::Texts(values),
            AttributeValue::Strings(values) => Self::Strings(values),
            AttributeValue::Integers(values) => Self::Integers(values),
            AttributeValue::Decimals(values) => Self::Decimals(values),
            AttributeValue::Times(values) => Self::Times(values),
            AttributeValue::Durations(values) => Self::Durations(values),
            AttributeValue::Addresses(values) => Self::Addresses(values),
            AttributeValue::Networks(values) => Self::Networks(values),
            AttributeValue::Principals(values) => Self::Principals(values),
            _ => return None,
        })
    }

    /// Whether a value can be evaluated at all: if it is of a kind and a size that conditions know, and so are its
    /// elements.
    pub(crate) fn accepts(value: &'a Value) -> bool {
        Self::new(value.lend()).is_some_and(|operand| {
            operand.is_small()
                && (0..operand.len().unwrap_or_default()).all(|index| operand.element(index).is_some())
        })
    }

    #[inline]
    pub(super) const fn attribute_type(&self) -> AttributeType {
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
            Self::Texts(_) | Self::Strings(_) | Self::Methods(_) | Self::Roles(_) => Set(ScalarType::Text),
            Self::Integers(_) => Set(ScalarType::Integer),
            Self::Decimals(_) => Set(ScalarType::Decimal),
            Self::Times(_) => Set(ScalarType::Time),
            Self::Durations(_) => Set(ScalarType::Duration),
            Self::Addresses(_) => Set(ScalarType::Address),
            Self::Networks(_) => Set(ScalarType::Network),
            Self::Principals(_) => Set(ScalarType::Principal),
        }
    }

    /// The number of elements, if it is a set.
    pub(super) const fn len(self) -> Option<usize> {
        Some(match self {
            Self::Texts(values) => values.len(),
            Self::Strings(values) => values.len(),
            Self::Methods(values) => values.len(),
            Self::Roles(values) => values.len(),
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

    /// Whether it is no larger than texts and sets may be. How long the texts of a set are is not looked at here.
    #[inline]
    pub(super) const fn is_small(self) -> bool {
        match (self, self.len()) {
            (Self::Text(text), _) => text.len() <= Value::MAX_TEXT_LEN,
            (_, Some(len)) => len <= Value::MAX_ELEMENTS,
            (_, None) => true,
        }
    }

    /// How many bytes the texts of a set have together. Names, which are short, are not counted.
    pub(super) fn text_len(self) -> usize {
        match self {
            Self::Texts(texts) => texts.iter().fold(0, |sum, text| sum.saturating_add(text.len())),
            Self::Strings(texts) => texts.iter().fold(0, |sum, text| sum.saturating_add(text.len())),
            _ => 0,
        }
    }

    /// How many bytes have to be read to compare it with another one: those of texts, and none if the lengths differ.
    #[inline]
    pub(super) fn compared_with(self, other: Self) -> usize {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) if a.len() == b.len() => a.len(),
            _ => 0,
        }
    }

    /// An element, if it is a set, and no text that is too long.
    #[inline]
    pub(super) fn element(self, index: usize) -> Option<Self> {
        let element = self.element_as_it_is(index)?;
        element.is_small().then_some(element)
    }

    #[inline]
    fn element_as_it_is(self, index: usize) -> Option<Self> {
        Some(match self {
            Self::Texts(values) => Self::Text(values.get(index)?),
            Self::Strings(values) => Self::Text(values.get(index)?),
            Self::Methods(values) => Self::Text(values.get(index)?.as_str()),
            Self::Roles(values) => Self::Text(values.get(index)?.as_str()),
            Self::Integers(values) => Self::Integer(*values.get(index)?),
            Self::Decimals(values) => Self::Decimal(*values.get(index)?),
            Self::Times(values) => Self::Time(*values.get(index)?),
            Self::Durations(values) => Self::Duration(seconds(*values.get(index)?)?),
            Self::Addresses(values) => Self::Address(values.get(index)?.to_canonical()),
            Self::Networks(values) => Self::Network(*values.get(index)?),
            Self::Principals(values) => Self::Principal(values.get(index)?),
            _ => return None,
        })
    }

    /// Whether two are the same, if they are of one type.
    #[inline]
    pub(super) fn equals(self, other: Self) -> Option<bool> {
        Some(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) | (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Decimal(a), Self::Decimal(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Address(a), Self::Address(b)) => a == b,
            (Self::Network(a), Self::Network(b)) => a == b,
            (Self::Principal(a), Self::Principal(b)) => a == b,
            _ => return None,
        })
    }

    #[inline]
    fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) | (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(&b)),
            (Self::Decimal(a), Self::Decimal(b)) => Some(a.cmp(&b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(&b)),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn compare(self, by: Comparison, other: Self) -> Option<bool> {
        Some(match by {
            Comparison::Equal => self.equals(other)?,
            Comparison::NotEqual => !self.equals(other)?,
            Comparison::Less => self.order(other)?.is_lt(),
            Comparison::AtMost => self.order(other)?.is_le(),
            Comparison::More => self.order(other)?.is_gt(),
            Comparison::AtLeast => self.order(other)?.is_ge(),
        })
    }

    /// Whether it is in a set or a network.
    #[inline]
    pub(super) fn is_in(self, set: Self) -> Option<bool> {
        Some(match (self, set) {
            (Self::Text(text), Self::Texts(set)) => set.contains(&text),
            (Self::Text(text), Self::Strings(set)) => set.iter().any(|element| element == text),
            (Self::Text(text), Self::Methods(set)) => set.iter().any(|element| element.as_str() == text),
            (Self::Text(text), Self::Roles(set)) => set.iter().any(|element| element.as_str() == text),
            (Self::Integer(value), Self::Integers(set)) => set.contains(&value),
            (Self::Decimal(value), Self::Decimals(set)) => set.contains(&value),
            (Self::Time(value), Self::Times(set)) => set.contains(&value),
            (Self::Duration(value), Self::Durations(set)) => {
                set.iter().any(|element| seconds(*element) == Some(value))
            }
            (Self::Address(value), Self::Addresses(set)) => {
                set.iter().any(|element| element.to_canonical() == value)
            }
            (Self::Address(value), Self::Network(network)) => network.contains(value),
            (Self::Address(value), Self::Networks(set)) => set.iter().any(|network| network.contains(value)),
            (Self::Network(value), Self::Networks(set)) => set.contains(&value),
            (Self::Principal(value), Self::Principals(set)) => set.contains(value),
            _ => return None,
        })
    }

    /// The result, or `None` if it overflows.
    pub(super) fn compute(self, by: Operation, other: Self) -> Option<Self> {
        use Operation::{Add, Multiply, Subtract};
        Some(match (self, by, other) {
            (Self::Integer(a), Add, Self::Integer(b)) => Self::Integer(a.checked_add(b)?),
            (Self::Integer(a), Subtract, Self::Integer(b)) => Self::Integer(a.checked_sub(b)?),
            (Self::Integer(a), Multiply, Self::Integer(b)) => Self::Integer(a.checked_mul(b)?),
            (Self::Decimal(a), Add, Self::Decimal(b)) => Self::Decimal(a.checked_add(b)?),
            (Self::Decimal(a), Subtract, Self::Decimal(b)) => Self::Decimal(a.checked_sub(b)?),
            (Self::Decimal(a), Multiply, Self::Integer(b))
            | (Self::Integer(b), Multiply, Self::Decimal(a)) => Self::Decimal(a.checked_mul(b)?),
            (Self::Duration(a), Add, Self::Duration(b)) => Self::Duration(a.checked_add(b)?),
            (Self::Duration(a), Subtract, Self::Duration(b)) => Self::Duration(a.checked_sub(b)?),
            (Self::Duration(a), Multiply, Self::Integer(b))
            | (Self::Integer(b), Multiply, Self::Duration(a)) => Self::Duration(a.checked_mul(b)?),
            (Self::Time(time), Add, Self::Duration(by)) | (Self::Duration(by), Add, Self::Time(time)) => {
                Self::Time(UnixTime::from_secs(time.as_secs().checked_add_signed(by)?))
            }
            (Self::Time(time), Subtract, Self::Duration(by)) => {
                Self::Time(UnixTime::from_secs(time.as_secs().checked_add_signed(by.checked_neg()?)?))
            }
            (Self::Time(a), Subtract, Self::Time(b)) => {
                let between = i128::from(a.as_secs()).checked_sub(i128::from(b.as_secs()))?;
                Self::Duration(i64::try_from(between).ok()?)
            }
            _ => return None,
        })
    }

    /// A copy that may be kept, to be shown.
    pub(super) fn to_value(self) -> Option<Value> {
        let texts =
            |values: &mut dyn Iterator<Item = &str>| Value::Texts(values.map(str::to_owned).collect());
        Some(match self {
            Self::Bool(value) => value.into(),
            Self::Integer(value) => value.into(),
            Self::Decimal(value) => value.into(),
            Self::Text(value) => value.into(),
            Self::Time(value) => value.into(),
            Self::Duration(value) => Duration::from_secs(u64::try_from(value).ok()?).into(),
            Self::Address(value) => value.into(),
            Self::Network(value) => value.into(),
            Self::Principal(value) => value.clone().into(),
            Self::Texts(values) => texts(&mut values.iter().copied()),
            Self::Strings(values) => texts(&mut values.iter().map(String::as_str)),
            Self::Methods(values) => texts(&mut values.iter().map(Method::as_str)),
            Self::Roles(values) => texts(&mut values.iter().map(RoleName::as_str)),
            Self::Integers(values) => values.to_vec().into(),
            Self::Decimals(values) => values.to_vec().into(),
            Self::Times(values) => values.to_vec().into(),
            Self::Durations(values) => values.to_vec().into(),
            Self::Addresses(values) => values.to_vec().into(),
            Self::Networks(values) => values.to_vec().into(),
            Self::Principals(values) => values.to_vec().into(),
        })
    }
}

#[inline]
fn seconds(duration: Duration) -> Option<i64> {
    i64::try_from(duration.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What overflows has no value; nothing wraps.
    #[test]
    fn what_overflows_has_no_value() {
        use Operation::{Add, Multiply, Subtract};
        let last = Operand::Time(UnixTime::MAX);
        for (a, by, b) in [
            (Operand::Integer(i64::MAX), Add, Operand::Integer(1)),
            (Operand::Integer(i64::MIN), Subtract, Operand::Integer(1)),
            (Operand::Integer(i64::MIN), Multiply, Operand::Integer(-1)),
            (Operand::Decimal(Decimal::from_units(i64::MIN)), Multiply, Operand::Integer(-1)),
            (Operand::Duration(i64::MAX), Add, Operand::Duration(1)),
            (last, Add, Operand::Duration(1)),
            (Operand::Time(UnixTime::EPOCH), Subtract, Operand::Duration(1)),
            (Operand::Time(UnixTime::EPOCH), Subtract, Operand::Duration(i64::MIN)),
            (last, Subtract, Operand::Time(UnixTime::EPOCH)),
        ] {
            assert!(a.compute(by, b).is_none(), "{a:?} {by} {b:?}");
        }
        let before = Operand::Time(UnixTime::EPOCH).compute(Subtract, Operand::Time(UnixTime::from_secs(5)));
        assert_eq!(before.unwrap().equals(Operand::Duration(-5)), Some(true));
    }

    #[test]
    fn different_types_are_neither_the_same_nor_different() {
        let (one, text) = (Operand::Integer(1), Operand::Text("1"));
        for by in [Comparison::Equal, Comparison::NotEqual, Comparison::Less, Comparison::AtLeast] {
            assert_eq!(one.compare(by, text), None);
            assert_eq!(one.compare(by, Operand::Decimal(Decimal::from_integer(1).unwrap())), None);
        }
        assert_eq!(text.is_in(Operand::Integers(&[1])), None);
    }
}
