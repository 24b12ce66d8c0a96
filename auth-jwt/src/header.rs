//! The protected header (RFC 7515 section 4): compared with what the key is, never obeyed.

use crate::{
    KeyId, Redacted, base64url,
    compact::MalformedToken,
    json::{JsonError, JsonKind, JsonStr, Members, Reader},
};

mod jws;

pub(crate) use self::jws::JwsHeader;

/// The longest header that is looked at, in decoded bytes.
pub(crate) const MAX_LEN: usize = 1024;

/// Room for a decoded header, on the stack.
#[derive(Debug)]
pub(crate) struct HeaderBuffer {
    short: [u8; Self::SHORT],
    /// Filling this with zeros takes longer than reading most headers, so it is not there before it is needed.
    long: Option<[u8; MAX_LEN]>,
}

impl HeaderBuffer {
    const SHORT: usize = 160;

    /// Room for what `len` characters stand for.
    fn room(&mut self, len: usize) -> &mut [u8] {
        if base64url::decoded_len(len) <= Self::SHORT {
            &mut self.short
        } else {
            self.long.insert([0; MAX_LEN])
        }
    }
}

impl Default for HeaderBuffer {
    fn default() -> Self {
        Self { short: [0; Self::SHORT], long: None }
    }
}

/// What a header says and may be compared with. Nobody has vouched for any of it.
///
/// `jwk`, `jku`, `x5u` and `x5c` are not here: a token does not bring its own key (RFC 8725 section 3.10).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header<'h> {
    pub(crate) alg: JsonStr<'h>,
    pub(crate) kid: Option<JsonStr<'h>>,
    pub(crate) typ: Option<JsonStr<'h>>,
}

impl<'h> Header<'h> {
    /// Decodes and reads the header segment of a JWT, with every check that needs no key.
    pub(crate) fn parse(segment: &str, buffer: &'h mut HeaderBuffer) -> Result<Self, MalformedToken> {
        let text = decode(segment, buffer)?;
        let mut refused = None;
        let parameters = Parameters::read(text, &mut Members::default(), |name, reader| {
            if name.is("crit") {
                refused = Some("crit");
            } else if name.is("b64") {
                refused = Some("b64");
            }
            Ok(reader.skip()?)
        })?;
        match refused {
            Some(name) => Err(MalformedToken::Refused(name)),
            None => parameters.header(),
        }
    }

    /// The `alg`, as far as an error may show it.
    pub(crate) fn redacted_alg(&self) -> Redacted {
        redacted(self.alg)
    }
}

pub(crate) fn redacted(string: JsonStr<'_>) -> Redacted {
    Redacted::new(JsonKind::String, string.raw().len())
}

/// The parameters that every header may have, as they were found.
#[derive(Debug, Default)]
struct Parameters<'h> {
    alg: Option<JsonStr<'h>>,
    kid: Option<JsonStr<'h>>,
    typ: Option<JsonStr<'h>>,
}

impl<'h> Parameters<'h> {
    /// Reads a whole header. `other` has to read over the value of each parameter that is not one of these.
    #[inline]
    fn read(
        text: &'h str,
        seen: &mut Members<'h>,
        mut other: impl FnMut(JsonStr<'h>, &mut Reader<'h>) -> Result<(), MalformedToken>,
    ) -> Result<Self, MalformedToken> {
        let mut reader = Reader::header(text);
        if reader.kind()? != JsonKind::Object {
            return Err(JsonError::NotAnObject.into());
        }
        reader.open_object()?;
        let mut found = Self::default();
        while let Some(name) = reader.next_name(seen)? {
            if name.is("alg") {
                found.alg = Some(parameter("alg", &mut reader)?);
            } else if name.is("kid") {
                found.kid = Some(parameter("kid", &mut reader)?);
            } else if name.is("typ") {
                found.typ = Some(parameter("typ", &mut reader)?);
            } else {
                other(name, &mut reader)?;
            }
        }
        reader.end()?;
        Ok(found)
    }

    fn header(self) -> Result<Header<'h>, MalformedToken> {
        if self.kid.is_some_and(is_too_long) {
            return Err(MalformedToken::Parameter("kid"));
        }
        let alg = self.alg.ok_or(MalformedToken::Parameter("alg"))?;
        Ok(Header { alg, kid: self.kid, typ: self.typ })
    }
}

/// No key has such an id. What is escaped counts as what it stands for, or an id that is full of quotes could
/// be given to a key and not be read.
fn is_too_long(kid: JsonStr<'_>) -> bool {
    kid.raw().len() > KeyId::MAX_LEN
        && (!kid.is_escaped() || kid.chars().map(char::len_utf8).sum::<usize>() > KeyId::MAX_LEN)
}

fn decode<'h>(segment: &str, buffer: &'h mut HeaderBuffer) -> Result<&'h str, MalformedToken> {
    if segment.len() > base64url::encoded_len(MAX_LEN) {
        return Err(MalformedToken::HeaderTooLong);
    }
    let bytes = base64url::decode(segment, buffer.room(segment.len())).ok_or(MalformedToken::Base64)?;
    Ok(std::str::from_utf8(bytes).map_err(|_| JsonError::Encoding)?)
}

fn parameter<'h>(name: &'static str, reader: &mut Reader<'h>) -> Result<JsonStr<'h>, MalformedToken> {
    if reader.kind()? != JsonKind::String {
        return Err(MalformedToken::Parameter(name));
    }
    let value = reader.string()?;
    if value.is_empty() { Err(MalformedToken::Parameter(name)) } else { Ok(value) }
}

#[cfg(test)]
mod tests;
