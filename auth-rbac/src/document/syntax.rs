//! Documents as text.

use super::{DocumentError, PolicyDocument};

impl PolicyDocument {
    /// Reads a document in TOML 1.1.
    ///
    /// # Errors
    /// [`DocumentError::TooLong`] or [`DocumentError::Syntax`].
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        capped(text)?;
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let (line, column) = position(text, at);
            DocumentError::Syntax { line, column, message: error.message().to_owned() }
        })
    }

    /// Reads a document in JSON (RFC 8259).
    ///
    /// # Errors
    /// [`DocumentError::TooLong`] or [`DocumentError::Syntax`].
    #[cfg(feature = "json")]
    pub fn from_json(text: &str) -> Result<Self, DocumentError> {
        capped(text)?;
        serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            DocumentError::Syntax {
                line: error.line(),
                column: error.column(),
                message: message.strip_suffix(&place).unwrap_or(&message).to_owned(),
            }
        })
    }

    /// Writes the document in TOML. What it writes, [`from_toml`](Self::from_toml) reads as the same document.
    ///
    /// # Errors
    /// None that is known of.
    #[cfg(feature = "toml")]
    pub fn to_toml(&self) -> Result<String, DocumentError> {
        toml::to_string(self).map_err(|error| DocumentError::Unwritable(error.to_string()))
    }

    /// Writes the document in JSON. What it writes, [`from_json`](Self::from_json) reads as the same document.
    ///
    /// # Errors
    /// None that is known of.
    #[cfg(feature = "json")]
    pub fn to_json(&self) -> Result<String, DocumentError> {
        serde_json::to_string_pretty(self).map_err(|error| DocumentError::Unwritable(error.to_string()))
    }
}

fn capped(text: &str) -> Result<(), DocumentError> {
    let max = PolicyDocument::MAX_LEN;
    if text.len() <= max { Ok(()) } else { Err(DocumentError::TooLong { max }) }
}

/// Line and column of a byte, from 1.
#[cfg(feature = "toml")]
fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at = at.saturating_sub(1);
    }
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
    (line, column)
}

#[cfg(all(test, feature = "json", feature = "toml"))]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_counted_in_lines_and_characters() {
        let text = "ä = 1\nb = 2\n";
        assert_eq!(position(text, 0), (1, 1));
        // Inside a character is at it.
        assert_eq!(position(text, 1), (1, 1));
        assert_eq!(position(text, 2), (1, 2));
        assert_eq!(position(text, 7), (2, 1));
        assert_eq!(position(text, 11), (2, 5));
        assert_eq!(position(text, 99), (3, 1));
    }

    #[test]
    fn a_document_beyond_the_cap_is_not_looked_at() {
        let text = " ".repeat(PolicyDocument::MAX_LEN + 1);
        let error = DocumentError::TooLong { max: PolicyDocument::MAX_LEN };
        assert_eq!(PolicyDocument::from_toml(&text), Err(error.clone()));
        assert_eq!(PolicyDocument::from_json(&text), Err(error));
    }
}
