//! Strings: scanned without copying, compared and unescaped only where somebody asks.

use std::borrow::Cow;

use memchr::memchr;
use subtle::ConstantTimeEq;

use super::JsonError;

/// The inside of a JSON string, known to be well-formed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct JsonStr<'a> {
    raw: &'a str,
    /// How many bytes there are before the first escape. All of them, if there is none.
    ///
    /// A flag would do, but one byte that is stored and then loaded with its padding makes the processor wait
    /// each time; a seventh of all the time went there.
    plain: usize,
}

impl<'a> JsonStr<'a> {
    /// The string that is written as `raw`, which must have been scanned before.
    pub(super) fn scanned(raw: &'a str) -> Self {
        Self { raw, plain: memchr(b'\\', raw.as_bytes()).unwrap_or(raw.len()) }
    }

    /// A text that was never JSON, and has no escapes whatever it looks like.
    pub(crate) fn verbatim(text: &'a str) -> Self {
        Self { raw: text, plain: text.len() }
    }

    /// As it is written, if it is written without escapes.
    #[inline]
    pub(crate) fn plain(self) -> Option<&'a str> {
        (!self.is_escaped()).then_some(self.raw)
    }

    /// As it is written, escapes included.
    #[inline]
    pub(crate) fn raw(self) -> &'a str {
        self.raw
    }

    #[inline]
    pub(crate) fn is_escaped(self) -> bool {
        self.plain != self.raw.len()
    }

    /// An escape is never shorter than what it stands for, so this tells whether it is empty.
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// What it says, without a copy if it has no escapes.
    pub(crate) fn text(self) -> Cow<'a, str> {
        if self.is_escaped() { Cow::Owned(self.chars().collect()) } else { Cow::Borrowed(self.raw) }
    }

    /// Whether it says `text`, however it is written.
    // `text` is mostly known where it is asked for, and short: then it is compared as a number.
    #[inline(always)]
    pub(crate) fn is(self, text: &str) -> bool {
        match self.plain() {
            Some(plain) => plain == text,
            None => self.stands_for(text),
        }
    }

    /// The same in a time that depends on the lengths alone, as long as it is written without escapes.
    pub(crate) fn is_secret(self, text: &str) -> bool {
        match self.plain() {
            Some(plain) => plain.as_bytes().ct_eq(text.as_bytes()).into(),
            None => self.stands_for(text),
        }
    }

    #[cold]
    fn stands_for(self, text: &str) -> bool {
        self.chars().eq(text.chars())
    }

    /// Whether both say the same, however they are written.
    pub(crate) fn same(self, other: Self) -> bool {
        match (self.plain(), other.plain()) {
            (Some(one), Some(two)) => one == two,
            _ => self.chars().eq(other.chars()),
        }
    }

    /// What it says, character by character.
    pub(crate) fn chars(self) -> Chars<'a> {
        Chars(self.raw.chars())
    }

    #[inline]
    pub(crate) fn push_to(self, text: &mut String) {
        if self.is_escaped() { text.extend(self.chars()) } else { text.push_str(self.raw) }
    }
}

/// Unescapes what [`scan`] has found to be well-formed.
#[derive(Debug, Clone)]
pub(crate) struct Chars<'a>(std::str::Chars<'a>);

impl Chars<'_> {
    fn unit(&mut self) -> Option<u32> {
        (0..4).try_fold(0u32, |unit, _| Some((unit << 4) | self.0.next()?.to_digit(16)?))
    }
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self.0.next()? {
            '\\' => match self.0.next()? {
                'b' => Some('\u{8}'),
                'f' => Some('\u{c}'),
                'n' => Some('\n'),
                'r' => Some('\r'),
                't' => Some('\t'),
                'u' => match self.unit()? {
                    high @ 0xd800..=0xdbff => {
                        self.0.nth(1)?;
                        char::from_u32(pair(high, self.unit()?))
                    }
                    unit => char::from_u32(unit),
                },
                other => Some(other),
            },
            other => Some(other),
        }
    }
}

/// The character of a surrogate pair (RFC 8259 section 7).
fn pair(high: u32, low: u32) -> u32 {
    ((high & 0x3ff) << 10 | (low & 0x3ff)).wrapping_add(0x1_0000)
}

/// Reads from behind the opening quote to behind the closing one.
#[inline]
pub(super) fn scan(text: &str, from: usize) -> Result<(JsonStr<'_>, usize), JsonError> {
    let bytes = text.as_bytes();
    let at = from.wrapping_add(ordinary(bytes.get(from..).unwrap_or_default()));
    if bytes.get(at) == Some(&b'"') {
        let raw = text.get(from..at).ok_or(JsonError::Syntax { at })?;
        return Ok((JsonStr { raw, plain: raw.len() }, at.wrapping_add(1)));
    }
    scan_escaped(text, from, at)
}

/// The rest of a string whose first backslash, or first fault, is at `at`.
#[cold]
fn scan_escaped(text: &str, from: usize, first: usize) -> Result<(JsonStr<'_>, usize), JsonError> {
    let bytes = text.as_bytes();
    let mut at = first;
    loop {
        match bytes.get(at) {
            Some(b'"') => {
                let raw = text.get(from..at).ok_or(JsonError::Syntax { at })?;
                return Ok((JsonStr { raw, plain: first.wrapping_sub(from) }, at.wrapping_add(1)));
            }
            Some(b'\\') => at = escape(bytes, at)?,
            _ => return Err(JsonError::Syntax { at }),
        }
        at = at.wrapping_add(ordinary(bytes.get(at..).unwrap_or_default()));
    }
}

/// How many bytes there are before the first quote, backslash or control character.
#[inline]
pub(super) fn ordinary(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    const TWOS: u64 = u64::from_ne_bytes([2; 8]);
    const QUOTES_OR_LESS: u64 = u64::from_ne_bytes([0x21; 8]);
    const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    // Eight bytes at a time ("Bit Twiddling Hacks", `hasless`): the lowest bit that is set is exact; those
    // above it may not be, and are not looked at. With their second bit flipped, quotes and control characters
    // are all the bytes below 0x21.
    let (words, rest) = bytes.as_chunks::<8>();
    let mut count: usize = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = (word ^ TWOS).wrapping_sub(QUOTES_OR_LESS);
        let backslash = (word ^ BACKSLASHES).wrapping_sub(ONES);
        let found = (quote | backslash) & !word & HIGHS;
        if found != 0 {
            return count.wrapping_add((found.trailing_zeros() >> 3) as usize);
        }
        count = count.wrapping_add(8);
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    count.wrapping_add(rest.iter().position(special).unwrap_or(rest.len()))
}

/// Reads an escape, both halves of a surrogate pair, and yields where it ends.
fn escape(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    match bytes.get(at.wrapping_add(1)) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at.wrapping_add(2)),
        Some(b'u') => {
            let after = at.wrapping_add(6);
            match unit(bytes, at)? {
                0 | 0xdc00..=0xdfff => Err(JsonError::Character),
                0xd800..=0xdbff => {
                    if bytes.get(after..).is_none_or(|rest| !rest.starts_with(b"\\u")) {
                        return Err(JsonError::Character);
                    }
                    match unit(bytes, after)? {
                        0xdc00..=0xdfff => Ok(after.wrapping_add(6)),
                        _ => Err(JsonError::Character),
                    }
                }
                _ => Ok(after),
            }
        }
        _ => Err(JsonError::Syntax { at }),
    }
}

/// The number in the four digits of a `\u` escape that begins at `at`.
fn unit(bytes: &[u8], at: usize) -> Result<u32, JsonError> {
    let digits = bytes.get(at.wrapping_add(2)..at.wrapping_add(6)).ok_or(JsonError::Syntax { at })?;
    digits
        .iter()
        .try_fold(0u32, |unit, digit| Some((unit << 4) | char::from(*digit).to_digit(16)?))
        .ok_or(JsonError::Syntax { at })
}
