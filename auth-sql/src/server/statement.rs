//! Statements with their values, before they are any database's.

use std::borrow::Cow;

/// A value of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Value<'q> {
    Text(Option<Cow<'q, str>>),
    Bytes(Option<&'q [u8]>),
    Number(Option<i64>),
    Flag(bool),
}

impl<'q> From<&'q str> for Value<'q> {
    fn from(text: &'q str) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl<'q> From<Option<&'q str>> for Value<'q> {
    fn from(text: Option<&'q str>) -> Self {
        Self::Text(text.map(Cow::from))
    }
}

impl From<Option<String>> for Value<'_> {
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(Cow::from))
    }
}

impl<'q> From<&'q [u8]> for Value<'q> {
    fn from(bytes: &'q [u8]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'q, const N: usize> From<&'q [u8; N]> for Value<'q> {
    fn from(bytes: &'q [u8; N]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'q, const N: usize> From<Option<&'q [u8; N]>> for Value<'q> {
    fn from(bytes: Option<&'q [u8; N]>) -> Self {
        Self::Bytes(bytes.map(|bytes| bytes.as_slice()))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(Some(number.into()))
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// A text with the values of its parameters `?1`, `?2`, ..
#[derive(Debug, Clone)]
pub(crate) struct Statement<'q> {
    pub(crate) text: Cow<'q, str>,
    pub(crate) values: Vec<Value<'q>>,
}

/// A statement to bind values to.
pub(crate) fn sql<'q>(text: &'static str) -> Statement<'q> {
    Statement { text: text.into(), values: Vec::new() }
}

impl<'q> Statement<'q> {
    /// Gives the next parameter its value.
    pub(crate) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Another text with the same values.
    pub(crate) fn with_text(&self, text: &'static str) -> Self {
        Self { text: text.into(), values: self.values.clone() }
    }

    /// The text in parts: what stands before each parameter with the parameter's index, and the rest.
    pub(crate) fn parts(&self) -> (Vec<(&str, usize)>, &str) {
        let (mut parts, mut rest) = (Vec::new(), &*self.text);
        while let Some((before, after)) = rest.split_once('?') {
            let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let (number, tail) = after.split_at_checked(digits).unwrap_or((after, ""));
            parts.push((before, number.parse().unwrap_or(0_usize).wrapping_sub(1)));
            rest = tail;
        }
        (parts, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_wherever_they_stand() {
        let statement = sql("a = ?1 AND b = ?12, ?2");
        let (parts, rest) = statement.parts();
        assert_eq!(parts, [("a = ", 0), (" AND b = ", 11), (", ", 1)]);
        assert_eq!(rest, "");
        assert_eq!(sql("COMMIT").parts(), (vec![], "COMMIT"));
    }
}
