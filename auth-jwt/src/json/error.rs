//! What is wrong with a JSON text, and words for what was found in it.

use std::fmt;

/// Why a header or a payload is not strict JSON.
///
/// Offsets count bytes of the decoded segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Not UTF-8 (RFC 8259 section 8.1).
    #[error("json is not utf-8")]
    Encoding,
    /// Not JSON (RFC 8259). A byte order mark is not JSON either.
    #[error("not json, at byte {at}")]
    Syntax {
        /// Where.
        at: usize,
    },
    /// JSON, but not an object.
    #[error("json is not an object")]
    NotAnObject,
    /// A member name comes twice in one object, perhaps written differently (RFC 7515 section 4).
    #[error("duplicate member name")]
    DuplicateMember,
    /// An object of a header has more members than are looked at.
    #[error("too many members")]
    TooManyMembers,
    /// Arrays and objects nest deeper than is followed.
    #[error("nested too deeply")]
    TooDeep,
    /// An escape names half of a surrogate pair (RFC 7493 section 2.1), or U+0000.
    #[error("escape names no character that is allowed")]
    Character,
    /// Something follows the object.
    #[error("bytes after the end of json")]
    TrailingBytes,
}

/// The six kinds of JSON values (RFC 8259 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl fmt::Display for JsonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}
