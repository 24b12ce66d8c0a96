//! Exact decimal numbers.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A decimal number with four digits after the point, such as an amount of money: exact, and never rounded.
///
/// From -922337203685477.5808 to 922337203685477.5807. There are no floating-point numbers in a policy: what cannot
/// be expressed is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(i64);

/// Not a decimal number, too large, or with more than four digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number with at most four digits after the point, or too large")]
pub struct DecimalError;

impl Decimal {
    /// How many of [`units`](Self::units) are one.
    pub const UNITS_PER_ONE: i64 = 10_000;

    /// Digits after the point.
    const SCALE: usize = 4;

    /// The number of this many ten-thousandths.
    #[must_use]
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// The number in ten-thousandths.
    #[must_use]
    pub const fn units(self) -> i64 {
        self.0
    }

    /// A whole number, or `None` if it is too large.
    #[must_use]
    pub const fn from_integer(number: i64) -> Option<Self> {
        match number.checked_mul(Self::UNITS_PER_ONE) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The sum, or `None` if it is too large.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The difference, or `None` if it is too large.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The product with a whole number, or `None` if it is too large.
    #[must_use]
    pub const fn checked_mul(self, factor: i64) -> Option<Self> {
        match self.0.checked_mul(factor) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }
}

impl fmt::Display for Decimal {
    /// With one digit after the point at least, so that it does not look like a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.0.unsigned_abs();
        let one = Self::UNITS_PER_ONE.unsigned_abs();
        let (whole, rest) =
            (units.checked_div(one).unwrap_or_default(), units.checked_rem(one).unwrap_or_default());
        let digits = format!("{rest:04}");
        let digits = digits.trim_end_matches('0');
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{whole}.{}", if digits.is_empty() { "0" } else { digits })
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads `-12.50` or `12`: an optional minus, digits, and a point with one to four digits after it.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (negative, number) = match text.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, text),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if !digits(whole) || !digits(fraction) || fraction.len() > Self::SCALE {
            return Err(DecimalError);
        }
        let sign = if negative { "-" } else { "" };
        let zeros = Self::SCALE.saturating_sub(fraction.len());
        // At the length that `i64` can have, so that a megabyte of zeros is not copied.
        if whole.len() > 19 {
            return Err(DecimalError);
        }
        format!("{sign}{whole}{fraction}{}", "0".repeat(zeros)).parse().map(Self).map_err(|_| DecimalError)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No rounding, no overflow, no `NaN`.
    #[test]
    fn a_number_is_read_exactly_or_not_at_all() {
        for (text, units, written) in [
            ("12.5", 125_000, "12.5"),
            ("-0.0001", -1, "-0.0001"),
            ("7", 70_000, "7.0"),
            ("007.10", 71_000, "7.1"),
            ("-922337203685477.5808", i64::MIN, "-922337203685477.5808"),
            ("922337203685477.5807", i64::MAX, "922337203685477.5807"),
        ] {
            let number: Decimal = text.parse().unwrap();
            assert_eq!((number.units(), number.to_string().as_str()), (units, written), "{text}");
            assert_eq!(number.to_string().parse(), Ok(number));
        }
        for bad in [
            "",
            "-",
            ".5",
            "5.",
            "1.00001",
            "1e3",
            "+1",
            "NaN",
            "inf",
            "1,5",
            " 1",
            "1.-5",
            "--1",
            "1.2.3",
            "922337203685477.5808",
            "99999999999999999999",
        ] {
            assert_eq!(bad.parse::<Decimal>(), Err(DecimalError), "{bad:?}");
        }
    }

    #[test]
    fn arithmetic_that_overflows_has_no_result() {
        let (most, least, one) = (Decimal(i64::MAX), Decimal(i64::MIN), Decimal(1));
        assert_eq!(most.checked_add(one), None);
        assert_eq!(least.checked_sub(one), None);
        assert_eq!(least.checked_mul(-1), None);
        assert_eq!(Decimal::from_integer(i64::MAX), None);
        assert_eq!(Decimal::from_integer(3).unwrap().checked_mul(2), Decimal::from_integer(6));
    }
}
