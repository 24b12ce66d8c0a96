//! Patterns with stars.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a text may be like: `*` stands for any number of characters, `\*` for a star and `\\` for a backslash. The
/// whole text must match, and case counts.
///
/// Matching takes time in proportion to text and pattern together at worst, whatever they are; there are no regular
/// expressions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    /// What must be there, in this order, with anything in between; one more than there are stars.
    pieces: Box<[Box<str>]>,
}

/// Not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// A backslash stands before something that is neither a star nor a backslash.
    #[error("a backslash in a pattern stands before `*` or `\\`")]
    Escape,
    /// More than [`Pattern::MAX_LEN`] bytes or [`Pattern::MAX_STARS`] stars.
    #[error("a pattern has at most {} bytes and {} stars", Pattern::MAX_LEN, Pattern::MAX_STARS)]
    TooLong,
}

impl Pattern {
    /// The most bytes.
    pub const MAX_LEN: usize = 1024;
    /// The most stars.
    pub const MAX_STARS: usize = 16;

    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > Self::MAX_LEN {
            return Err(PatternError::TooLong);
        }
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                // Several stars are one.
                '*' if piece.is_empty() && !pieces.is_empty() => {}
                '*' => pieces.push(std::mem::take(&mut piece).into_boxed_str()),
                '\\' => match characters.next() {
                    Some(escaped @ ('*' | '\\')) => piece.push(escaped),
                    _ => return Err(PatternError::Escape),
                },
                other => piece.push(other),
            }
        }
        pieces.push(piece.into());
        if pieces.len() > Self::MAX_STARS.saturating_add(1) {
            return Err(PatternError::TooLong);
        }
        Ok(Self { pieces: pieces.into() })
    }

    /// Whether the whole text is like this.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else { return text == &**first };
        let Some(text) = text.strip_prefix(&**first) else { return false };
        let Some(mut text) = text.strip_suffix(&**last) else { return false };
        // The first place of each piece is the best: whatever follows has the most left.
        for piece in middle {
            let Some((_, after)) = text.split_once(&**piece) else { return false };
            text = after;
        }
        true
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, piece) in self.pieces.iter().enumerate() {
            if n > 0 {
                f.write_str("*")?;
            }
            f.write_str(&piece.replace('\\', "\\\\").replace('*', "\\*"))?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str, pattern: &str) -> bool {
        let pattern = Pattern::parse(pattern).unwrap();
        assert_eq!(Pattern::parse(&pattern.to_string()).as_ref(), Ok(&pattern));
        pattern.matches(text)
    }

    /// Prefixes that collide, a star that is meant, what is before a separator.
    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        assert!(like("doc:a:b", "doc:*") && like("doc:", "doc:*") && !like("docs:a", "doc:*"));
        assert!(!like("/foo", "/foo/*") && like("/foo/", "/foo/*") && !like("/foobar", "/foo/*"));
        assert!(like("a*b", r"a\*b") && !like("axb", r"a\*b") && like(r"a\b", r"a\\b"));
        assert!(!like("pods/status", "pods") && like("pods/status", "pods*") && !like("Pods", "pods"));
        assert!(like("", "*") && like("", "") && !like("a", "") && like("x", "**"));
        assert!(
            like("aXbXc", "a*b*c")
                && !like("ab", "ab*b")
                && !like("aba", "aba*ba")
                && like("ababa", "aba*ba")
        );
        assert!(like("äö", "ä*") && !like("aa", "ä*"));
    }

    /// Patterns that keep a backtracking matcher busy for years.
    #[test]
    fn no_pattern_takes_long() {
        let text = "a".repeat(60_000);
        let pattern = Pattern::parse(&"a*".repeat(16)).unwrap();
        assert!(
            pattern.matches(&text)
                && !Pattern::parse(&format!("{}b", "*a".repeat(16))).unwrap().matches(&text)
        );
        assert_eq!(Pattern::parse(&"*a".repeat(17)), Err(PatternError::TooLong));
        assert_eq!(Pattern::parse(&"a".repeat(1025)), Err(PatternError::TooLong));
        for bad in ["\\", "\\a", "a\\"] {
            assert_eq!(Pattern::parse(bad), Err(PatternError::Escape), "{bad:?}");
        }
    }
}
