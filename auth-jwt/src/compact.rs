//! The compact serialisation (RFC 7515 section 7.1): three segments, two dots, nothing else.

use memchr::memchr;

use crate::json::JsonError;

mod write;

pub(crate) use write::Unsigned;

/// Why something is not a JWS that is worth a look at its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedToken {
    /// It has more bytes than are looked at. Nothing of it was.
    #[error("token is longer than {max} bytes")]
    TooLong {
        /// The most that are looked at.
        max: usize,
    },
    /// It does not have exactly two dots, or there is nothing before the first or between them.
    #[error("token has not three segments")]
    Segments,
    /// Its header is longer than is looked at.
    #[error("token header is too long")]
    HeaderTooLong,
    /// A segment is not canonical base64url without padding (RFC 4648 section 3.5).
    #[error("token segment is not canonical base64url")]
    Base64,
    /// Its header is not a strict JSON object.
    #[error("token header is malformed")]
    Json(#[from] JsonError),
    /// `alg`, `kid`, `typ` or `cty` is missing, or not the kind of value that it has to be.
    #[error("header parameter {0} is missing or malformed")]
    Parameter(&'static str),
    /// Its header has a parameter that changes what the token means, and that is refused: `crit` (RFC 7515
    /// section 4.1.11) or `b64` (RFC 7797 section 7).
    #[error("header parameter {0} is refused")]
    Refused(&'static str),
}

/// The segments of a compact JWS, still encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compact<'t> {
    /// Header and payload with the dot between them: what is signed.
    pub(crate) signing_input: &'t str,
    pub(crate) header: &'t str,
    pub(crate) payload: &'t str,
    pub(crate) signature: &'t str,
}

impl<'t> Compact<'t> {
    /// Splits a token with a payload. Looks at no byte behind the cap, and holds nothing per dot
    /// (CVE-2025-30204).
    #[inline]
    pub(crate) fn split(token: &'t str, max: usize) -> Result<Self, MalformedToken> {
        let compact = Self::split_open(token, max)?;
        compact.check_end()?;
        Ok(compact)
    }

    /// The same, but what is called the signature may hold further segments. Whoever decodes it finds out, as a
    /// dot is no character of base64url; [`check_end`](Self::check_end) then says what is wrong.
    #[inline]
    pub(crate) fn split_open(token: &'t str, max: usize) -> Result<Self, MalformedToken> {
        let compact = Self::cut(token, max)?;
        if compact.payload.is_empty() { Err(MalformedToken::Segments) } else { Ok(compact) }
    }

    /// The same, but a payload may be empty or detached (RFC 7515 appendix F).
    #[inline]
    pub(crate) fn split_any(token: &'t str, max: usize) -> Result<Self, MalformedToken> {
        let compact = Self::cut(token, max)?;
        compact.check_end()?;
        Ok(compact)
    }

    /// That the signature is the last segment.
    #[inline]
    pub(crate) fn check_end(&self) -> Result<(), MalformedToken> {
        match memchr(b'.', self.signature.as_bytes()) {
            None => Ok(()),
            Some(_) => Err(MalformedToken::Segments),
        }
    }

    #[inline]
    fn cut(token: &'t str, max: usize) -> Result<Self, MalformedToken> {
        if token.len() > max {
            return Err(MalformedToken::TooLong { max });
        }
        let (header, rest) = cut(token).ok_or(MalformedToken::Segments)?;
        let (payload, signature) = cut(rest).ok_or(MalformedToken::Segments)?;
        if header.is_empty() {
            return Err(MalformedToken::Segments);
        }
        let signed = token.len().saturating_sub(signature.len()).saturating_sub(1);
        let signing_input = token.get(..signed).ok_or(MalformedToken::Segments)?;
        Ok(Self { signing_input, header, payload, signature })
    }
}

/// What is before the first dot, and what is behind it.
fn cut(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(memchr(b'.', text.as_bytes())?)
        .and_then(|(head, tail)| Some((head, tail.get(1..)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_segments_are_split() {
        let compact = Compact::split("ab.cd.ef", 8).unwrap();
        assert_eq!(
            (compact.signing_input, compact.header, compact.payload, compact.signature),
            ("ab.cd", "ab", "cd", "ef")
        );
        // An empty signature is not malformed; it is a wrong signature.
        assert_eq!(Compact::split("ab.cd.", 8).unwrap().signature, "");
    }

    /// 0, 1, 3, 4, 5 dots; millions of them in constant memory (CVE-2025-30204).
    #[test]
    fn another_number_of_dots_is_refused() {
        let dots = ".".repeat(5_000_000);
        for bad in ["", "a", "a.b", "a.b.c.", "a.b.c.d", "a.b.c.d.e", "..", ".b.c", "a..c", ".", "a.", &dots]
        {
            assert_eq!(Compact::split(bad, usize::MAX).unwrap_err(), MalformedToken::Segments);
        }
        assert_eq!(Compact::split(&dots, 8192).unwrap_err(), MalformedToken::TooLong { max: 8192 });
    }
}
