//! Numbers, kept as they are written until somebody says what they should be.

use super::JsonError;

/// A well-formed JSON number (RFC 8259 section 6).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<'a> {
    raw: &'a str,
    /// How many bytes there are before fraction or exponent. All of them, if there is neither.
    whole: usize,
}

/// Which whole second a fractional date becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// The earlier one: the token lives no longer than it says.
    Down,
    /// The later one: the token begins no earlier than it says.
    Up,
}

impl<'a> Number<'a> {
    /// The latest date that is read: 2^53, beyond which JSON numbers are no longer exact everywhere
    /// (RFC 7493 section 2.2).
    pub(crate) const MAX_DATE: u64 = 1 << 53;

    #[inline]
    pub(crate) fn raw(self) -> &'a str {
        self.raw
    }

    /// Written without fraction and exponent.
    #[inline]
    pub(crate) fn is_integer(self) -> bool {
        self.whole == self.raw.len()
    }

    /// A NumericDate (RFC 7519 section 2) from 0 to 2^53, in whole seconds.
    ///
    /// Computed on the digits: going through a float would round 1700000000.9999999999 up.
    #[inline]
    pub(crate) fn date(self, rounding: Rounding) -> Option<u64> {
        // As almost every token has it: an integer, too short to overflow.
        if self.is_integer() && self.raw.len() <= 15 && !self.raw.starts_with('-') {
            let digits = self.raw.bytes().map(|byte| u64::from(byte.wrapping_sub(b'0')));
            return Some(digits.fold(0u64, |seconds, digit| seconds.wrapping_mul(10).wrapping_add(digit)));
        }
        self.any_date(rounding)
    }

    fn any_date(self, rounding: Rounding) -> Option<u64> {
        if self.raw.starts_with('-') {
            return None;
        }
        let (mantissa, exponent) = match self.raw.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (self.raw, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // Where the point stands after the exponent has moved it, counted in digits from the left.
        let point = i64::try_from(whole.len()).ok()?.checked_add(i64::from(exponent))?;
        let mut seconds: u64 = 0;
        let mut rest = false;
        let mut position: i64 = 0;
        for digit in whole.bytes().chain(fraction.bytes()).map(|byte| byte.wrapping_sub(b'0')) {
            if position < point {
                seconds = push_digit(seconds, digit)?;
            } else {
                rest |= digit != 0;
            }
            position = position.wrapping_add(1);
        }
        // Digits that the exponent asks for beyond those written; ends early, for the cap is near.
        while seconds != 0 && position < point {
            seconds = push_digit(seconds, 0)?;
            position = position.wrapping_add(1);
        }
        if rest && rounding == Rounding::Up {
            seconds = seconds.checked_add(1)?;
        }
        (seconds <= Self::MAX_DATE).then_some(seconds)
    }
}

fn push_digit(seconds: u64, digit: u8) -> Option<u64> {
    let seconds = seconds.checked_mul(10)?.checked_add(u64::from(digit))?;
    (seconds <= Number::MAX_DATE).then_some(seconds)
}

/// Reads a number and yields where it ends.
#[inline]
pub(super) fn scan(text: &str, from: usize) -> Result<(Number<'_>, usize), JsonError> {
    let bytes = text.as_bytes();
    let digits = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        at.wrapping_add(count)
    };
    let some_digits = |at: usize| match digits(at) {
        end if end == at => Err(JsonError::Syntax { at }),
        end => Ok(end),
    };
    let mut at = from;
    if bytes.get(at) == Some(&b'-') {
        at = at.wrapping_add(1);
    }
    // A leading zero stands alone; a digit behind it is then a syntax error of whatever comes next.
    at = if bytes.get(at) == Some(&b'0') { at.wrapping_add(1) } else { some_digits(at)? };
    let whole = at.wrapping_sub(from);
    if bytes.get(at) == Some(&b'.') {
        at = some_digits(at.wrapping_add(1))?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at = at.wrapping_add(1);
        if let Some(b'+' | b'-') = bytes.get(at) {
            at = at.wrapping_add(1);
        }
        at = some_digits(at)?;
    }
    let raw = text.get(from..at).ok_or(JsonError::Syntax { at })?;
    Ok((Number { raw, whole }, at))
}

/// Whether `text` is an integer in the one way that JSON writes it.
pub(super) fn is_canonical_integer(text: &str) -> bool {
    text != "-0" && matches!(scan(text, 0), Ok((number, _)) if number.is_integer() && number.raw == text)
}
