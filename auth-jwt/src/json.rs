//! A strict JSON reader (RFC 8259) over text that is known to be UTF-8.
//!
//! Why not `serde_json` alone: it lets duplicate members through to maps, does not look into what it skips
//! (lone surrogates, duplicates), and reads numbers beyond 64 bits as floats. Here every byte passes the
//! same checks, whether somebody wants the value or not, and no check allocates: duplicate member names at
//! any depth (I-JSON, RFC 7493 section 2.3), unpaired surrogates (section 2.1), U+0000, nesting beyond a
//! cap, bytes after the end. Tests compare it with `serde_json` on everything that both must agree on.

pub(crate) mod de;
mod error;
mod extent;
mod members;
mod name;
mod number;
mod string;
mod variant;
mod write;

pub use error::{JsonError, JsonKind};
pub(crate) use members::Members;
pub(crate) use name::Name;
pub(crate) use number::{Number, Rounding};
pub(crate) use string::JsonStr;
pub(crate) use write::Writer;

/// How deep arrays and objects may nest in a header. Nothing of ours nests at all.
const HEADER_DEPTH: u8 = 8;
/// How many members one object of a header may have; IANA's registry knows fewer useful ones.
const HEADER_MEMBERS: usize = 16;
/// How many members a JWK or a set of them may have; a private RSA key with all that is registered has 21.
const KEY_MEMBERS: usize = 32;
/// The same for a JSON serialisation: a header, of a signature, in a list, of an object.
const JWS_DEPTH: u8 = 11;
/// How deep arrays and objects may nest in a payload.
pub(crate) const PAYLOAD_DEPTH: u8 = 32;

/// Walks over one JSON text.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// How many more containers may be opened.
    depth: u8,
    max_members: usize,
    /// An error was found, whatever a visitor makes of it.
    failed: Option<JsonError>,
}

/// A place to come back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    at: usize,
    depth: u8,
}

// `inline(always)` where it was measured: a result of several words that travels through memory makes the
// processor wait for its own stores, which cost a tenth of a whole verification.
impl<'a> Reader<'a> {
    /// Reads a header: shallow, and with few members, because nobody has vouched for it yet.
    pub(crate) fn header(text: &'a str) -> Self {
        Self { text, at: 0, depth: HEADER_DEPTH, max_members: HEADER_MEMBERS, failed: None }
    }

    /// Reads a JWK or a set of them.
    pub(crate) fn key(text: &'a str) -> Self {
        Self { text, at: 0, depth: HEADER_DEPTH, max_members: KEY_MEMBERS, failed: None }
    }

    /// Reads a JSON serialisation, for which nobody has vouched either.
    pub(crate) fn jws(text: &'a str) -> Self {
        Self { text, at: 0, depth: JWS_DEPTH, max_members: HEADER_MEMBERS, failed: None }
    }

    /// Reads a payload, whose signature was verified.
    pub(crate) fn payload(text: &'a str) -> Self {
        Self { text, at: 0, depth: PAYLOAD_DEPTH, max_members: usize::MAX, failed: None }
    }

    /// What comes next, or [`JsonError::Syntax`] if no value can.
    #[inline]
    pub(crate) fn kind(&mut self) -> Result<JsonKind, JsonError> {
        match self.peek() {
            Some(b'"') => Ok(JsonKind::String),
            Some(b'{') => Ok(JsonKind::Object),
            Some(b'[') => Ok(JsonKind::Array),
            Some(b't' | b'f') => Ok(JsonKind::Bool),
            Some(b'n') => Ok(JsonKind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(JsonKind::Number),
            _ => Err(self.syntax()),
        }
    }

    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<JsonStr<'a>, JsonError> {
        self.expect(b'"')?;
        match string::scan(self.text, self.at) {
            Ok((string, after)) => {
                self.at = after;
                Ok(string)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    #[inline(always)]
    pub(crate) fn number(&mut self) -> Result<Number<'a>, JsonError> {
        self.peek();
        match number::scan(self.text, self.at) {
            Ok((number, after)) => {
                self.at = after;
                Ok(number)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    pub(crate) fn bool(&mut self) -> Result<bool, JsonError> {
        if self.peek() == Some(b't') {
            self.literal("true")?;
            Ok(true)
        } else {
            self.literal("false")?;
            Ok(false)
        }
    }

    pub(crate) fn null(&mut self) -> Result<(), JsonError> {
        self.literal("null")
    }

    /// Opens an object; [`next_name`](Self::next_name) then yields its members.
    #[inline]
    pub(crate) fn open_object(&mut self) -> Result<(), JsonError> {
        self.expect(b'{')?;
        self.descend()
    }

    /// The next member's name, up to and including its colon; `None` closes the object.
    #[inline(always)]
    pub(crate) fn next_name(&mut self, seen: &mut Members<'a>) -> Result<Option<JsonStr<'a>>, JsonError> {
        match self.peek() {
            Some(b'}') => {
                self.ascend();
                return Ok(None);
            }
            Some(b',') if !seen.is_empty() => self.advance(1),
            _ if seen.is_empty() => {}
            _ => return Err(self.syntax()),
        }
        let name = self.string()?;
        let end = self.at.wrapping_sub(1);
        self.expect(b':')?;
        match seen.insert(self.text, name, end, self.max_members) {
            Ok(()) => Ok(Some(name)),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Opens an array; [`next_element`](Self::next_element) then yields its elements.
    #[inline]
    pub(crate) fn open_array(&mut self) -> Result<(), JsonError> {
        self.expect(b'[')?;
        self.descend()
    }

    /// Whether there is another element, which then comes next; `false` closes the array.
    #[inline]
    pub(crate) fn next_element(&mut self, first: &mut bool) -> Result<bool, JsonError> {
        match self.peek() {
            Some(b']') => {
                self.ascend();
                return Ok(false);
            }
            Some(b',') if !*first => self.advance(1),
            _ if *first => {}
            _ => return Err(self.syntax()),
        }
        *first = false;
        // What `[1,]` has after its comma is no value; without this check it would close the array.
        if self.peek() == Some(b']') { Err(self.syntax()) } else { Ok(true) }
    }

    /// Reads over a value, with every check.
    pub(crate) fn skip(&mut self) -> Result<(), JsonError> {
        match self.kind()? {
            JsonKind::Null => self.null(),
            JsonKind::Bool => self.bool().map(drop),
            JsonKind::Number => self.number().map(drop),
            JsonKind::String => self.string().map(drop),
            JsonKind::Array => {
                self.open_array()?;
                let mut first = true;
                while self.next_element(&mut first)? {
                    self.skip()?;
                }
                Ok(())
            }
            JsonKind::Object => {
                self.open_object()?;
                let mut seen = Members::default();
                while self.next_name(&mut seen)?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
        }
    }

    /// Reads over a value and yields its text.
    pub(crate) fn raw(&mut self) -> Result<&'a str, JsonError> {
        self.peek();
        let from = self.at;
        self.skip()?;
        match self.text.get(from..self.at) {
            Some(raw) => Ok(raw),
            None => Err(self.syntax()),
        }
    }

    /// States that the text ends here, and that nothing was wrong with it.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.peek().is_some() { Err(self.fail(JsonError::TrailingBytes)) } else { Ok(()) }
    }

    /// This place, behind white space.
    #[inline]
    pub(crate) fn mark(&mut self) -> Mark {
        self.peek();
        Mark { at: self.at, depth: self.depth }
    }

    /// Whether as many containers are open as at `mark`.
    #[inline]
    pub(crate) fn is_level(&self, mark: Mark) -> bool {
        self.depth == mark.depth
    }

    #[inline]
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.at = mark.at;
        self.depth = mark.depth;
        self.failed = None;
    }

    /// Makes sure that exactly the value at `mark` was read.
    ///
    /// A visitor of the user's may have swallowed an error, or not have looked at the value at all. The
    /// reader would then stand inside it and take what is nested for members of the outer object.
    #[inline]
    pub(crate) fn settle(&mut self, mark: Mark) -> Result<(), JsonError> {
        if self.failed.is_some() || self.depth != mark.depth || self.at == mark.at {
            self.rewind(mark);
            self.skip()?;
        }
        Ok(())
    }

    #[cold]
    pub(crate) fn syntax(&mut self) -> JsonError {
        let at = self.at;
        self.fail(JsonError::Syntax { at })
    }

    #[cold]
    fn fail(&mut self, error: JsonError) -> JsonError {
        self.failed = Some(error);
        error
    }

    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.advance(1),
                other => return other.copied(),
            }
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.peek() == Some(byte) {
            self.advance(1);
            Ok(())
        } else {
            Err(self.syntax())
        }
    }

    fn literal(&mut self, literal: &str) -> Result<(), JsonError> {
        self.peek();
        if self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(literal.as_bytes())) {
            self.advance(literal.len());
            Ok(())
        } else {
            Err(self.syntax())
        }
    }

    #[inline]
    fn descend(&mut self) -> Result<(), JsonError> {
        match self.depth.checked_sub(1) {
            Some(depth) => {
                self.depth = depth;
                Ok(())
            }
            None => Err(self.fail(JsonError::TooDeep)),
        }
    }

    #[inline]
    fn ascend(&mut self) {
        self.advance(1);
        self.depth = self.depth.saturating_add(1);
    }

    #[inline]
    fn advance(&mut self, bytes: usize) {
        // Never beyond the text's length, so it cannot wrap.
        self.at = self.at.wrapping_add(bytes);
    }
}

#[cfg(test)]
mod tests;
