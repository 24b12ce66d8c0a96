//! Numbers, kept as they are written until somebody says what they should be.

use super::JsonError;

/// A well-formed JSON number (RFC 8259 section 6).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<'a> {
    raw: &'a str,
    /// How many bytes there are before fraction or exponent. All of them, if there is neither.
    whole: usize,
    /// What the digits of these bytes say, if there are few enough.
    value: u64,
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

    /// Its value, if it is an integer as almost all are: not negative, and too short to overflow.
    #[inline]
    pub(super) fn small(self) -> Option<u64> {
        // 18 digits fit 64 bits; a sign is no digit, and is sorted out here.
        (self.is_integer() && self.raw.len() <= 18 && !self.raw.starts_with('-')).then_some(self.value)
    }

    /// A NumericDate (RFC 7519 section 2) from 0 to 2^53, in whole seconds.
    ///
    /// Computed on the digits: going through a float would round 1700000000.9999999999 up.
    #[inline]
    pub(crate) fn date(self, rounding: Rounding) -> Option<u64> {
        match self.small() {
            Some(seconds) => (seconds <= Self::MAX_DATE).then_some(seconds),
            None => self.any_date(rounding),
        }
    }

    #[cold]
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
    let first = match bytes.get(from) {
        Some(b'-') => from.wrapping_add(1),
        _ => from,
    };
    // A leading zero stands alone; a digit behind it is then a syntax error of whatever comes next.
    let (value, mut at) = match bytes.get(first) {
        Some(b'0') => (0, first.wrapping_add(1)),
        _ => digits(bytes, first)?,
    };
    let whole = at.wrapping_sub(from);
    if let Some(b'.' | b'e' | b'E') = bytes.get(at) {
        at = fraction(bytes, at)?;
    }
    let raw = text.get(from..at).ok_or(JsonError::Syntax { at })?;
    Ok((Number { raw, whole, value }, at))
}

/// Reads fraction and exponent, of which there is at least one, and yields where they end.
#[cold]
fn fraction(bytes: &[u8], from: usize) -> Result<usize, JsonError> {
    let mut at = from;
    if bytes.get(at) == Some(&b'.') {
        (_, at) = digits(bytes, at.wrapping_add(1))?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at = at.wrapping_add(1);
        if let Some(b'+' | b'-') = bytes.get(at) {
            at = at.wrapping_add(1);
        }
        (_, at) = digits(bytes, at)?;
    }
    Ok(at)
}

/// Reads digits, of which there is at least one, and yields what they say, modulo 2^64, and where they end.
#[inline]
fn digits(bytes: &[u8], from: usize) -> Result<(u64, usize), JsonError> {
    let (mut value, mut at) =
        match bytes.get(from..).and_then(<[u8]>::first_chunk).copied().and_then(eight_digits) {
            Some(value) => (value, from.wrapping_add(8)),
            None => (0, from),
        };
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit & 0xf));
        at = at.wrapping_add(1);
    }
    if at == from { Err(JsonError::Syntax { at }) } else { Ok((value, at)) }
}

/// What eight digits say, if it is eight digits: a date has ten, so most of it is read at once.
#[inline]
fn eight_digits(bytes: [u8; 8]) -> Option<u64> {
    const ONES: u64 = u64::MAX / 255;
    let word = u64::from_le_bytes(bytes);
    // The high half of a digit is 3, and stays so when 6 is added.
    let halves = (word & (ONES * 0xf0)) | (word.wrapping_add(ONES * 6) >> 4 & (ONES * 0xf));
    if halves != ONES * 0x33 {
        return None;
    }
    // Neighbours are joined: 8 digits, 4 pairs, 2 fours.
    let pairs = (word & (ONES * 0xf)).wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// Whether `text` is an integer in the one way that JSON writes it.
pub(super) fn is_canonical_integer(text: &str) -> bool {
    text != "-0" && matches!(scan(text, 0), Ok((number, _)) if number.is_integer() && number.raw == text)
}
