//! Where text messages go.

use std::fmt;

/// A telephone number in its international form (ITU-T E.164): `+`, and 8 to 15 digits that do not begin with 0.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber(Box<str>);

/// Not a number that messages are sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an international telephone number")]
pub struct PhoneNumberError;

impl PhoneNumber {
    /// Reads what a person typed, with whatever spaces, hyphens, dots and brackets.
    ///
    /// # Errors
    /// [`PhoneNumberError`].
    pub fn parse(typed: &str) -> Result<Self, PhoneNumberError> {
        if typed.len() > 64 {
            return Err(PhoneNumberError);
        }
        let number: String = typed.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
        let digits = number.strip_prefix('+').ok_or(PhoneNumberError)?;
        let good = (8..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if good { Ok(Self(number.into())) } else { Err(PhoneNumberError) }
    }

    /// The number as text, `+` and digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Without the number: it is nobody's business.
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_international_and_has_one_spelling() {
        for typed in ["+491701234567", " +49 170 / 1234567".replace('/', "").as_str(), "+49 (170) 123-45.67"]
        {
            assert_eq!(PhoneNumber::parse(typed).unwrap().as_str(), "+491701234567", "{typed}");
        }
        let long = format!("+{}", "1".repeat(16));
        for bad in ["", "+", "01701234567", "491701234567", "+1234567", "+0123456789", "+49170x234567", &long]
        {
            assert_eq!(PhoneNumber::parse(bad), Err(PhoneNumberError), "{bad}");
        }
        for bad in ["+491701234567\r\n", "+49170,+49171", "++491701234567", "+٤٩١٧٠١٢٣٤٥٦٧"] {
            assert_eq!(PhoneNumber::parse(bad), Err(PhoneNumberError), "{bad}");
        }
        assert_eq!(format!("{:?}", PhoneNumber::parse("+491701234567").unwrap()), "PhoneNumber(redacted)");
    }
}
