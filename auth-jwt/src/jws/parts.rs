//! The JSON serialisations (RFC 7515 section 7.2), taken apart without a copy.

use super::{JwsError, MAX_SIGNATURES};
use crate::{
    compact::MalformedToken,
    json::{JsonError, JsonKind, JsonStr, Members, Reader},
};

/// One signature with its headers, still encoded.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry<'t> {
    pub(super) protected: Option<&'t str>,
    /// The text of the unprotected header, which is an object.
    pub(super) unprotected: Option<&'t str>,
    pub(super) signature: &'t str,
}

/// A JWS in parts.
#[derive(Debug)]
pub(super) struct Parts<'t> {
    pub(super) payload: Option<JsonStr<'t>>,
    entries: [Entry<'t>; MAX_SIGNATURES],
    count: usize,
}

/// Which of the two JSON serialisations is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One signature, beside the payload (RFC 7515 section 7.2.2).
    Flattened,
    /// A list of them (section 7.2.1).
    General,
}

impl<'t> Parts<'t> {
    /// Reads a whole text. Unknown members are ignored, and checked all the same.
    pub(super) fn read(text: &'t str, form: Form, max: usize) -> Result<Self, JwsError> {
        if text.len() > max {
            return Err(MalformedToken::TooLong { max }.into());
        }
        let mut parts = Self { payload: None, entries: [Entry::default(); MAX_SIGNATURES], count: 0 };
        let mut reader = Reader::jws(text);
        object(&mut reader)?;
        let (mut own, mut has_list) = (Found::default(), false);
        let mut seen = Members::default();
        while let Some(name) = reader.next_name(&mut seen).map_err(json)? {
            if name.is("payload") {
                parts.payload = Some(string("payload", &mut reader)?);
            } else if name.is("signatures") {
                if form == Form::Flattened {
                    return Err(JwsError::Member("signatures"));
                }
                parts.read_list(&mut reader)?;
                has_list = true;
            } else {
                own.read(name, &mut reader)?;
            }
        }
        reader.end().map_err(json)?;
        match form {
            Form::Flattened => parts.push(own.entry()?)?,
            // What belongs to a signature is beside the list: two readers could see two different JWS.
            Form::General => match own.first() {
                Some(name) => return Err(JwsError::Member(name)),
                None if !has_list => return Err(JwsError::Member("signatures")),
                None if parts.count == 0 => return Err(JwsError::Signatures { max: MAX_SIGNATURES }),
                None => {}
            },
        }
        Ok(parts)
    }

    pub(super) fn entries(&self) -> &[Entry<'t>] {
        self.entries.get(..self.count).unwrap_or_default()
    }

    fn read_list(&mut self, reader: &mut Reader<'t>) -> Result<(), JwsError> {
        if reader.kind().map_err(json)? != JsonKind::Array {
            return Err(JwsError::Member("signatures"));
        }
        reader.open_array().map_err(json)?;
        let mut first = true;
        while reader.next_element(&mut first).map_err(json)? {
            if reader.kind().map_err(json)? != JsonKind::Object {
                return Err(JwsError::Member("signatures"));
            }
            object(reader)?;
            let (mut found, mut seen) = (Found::default(), Members::default());
            while let Some(name) = reader.next_name(&mut seen).map_err(json)? {
                found.read(name, reader)?;
            }
            self.push(found.entry()?)?;
        }
        Ok(())
    }

    fn push(&mut self, entry: Entry<'t>) -> Result<(), JwsError> {
        let place = self.entries.get_mut(self.count).ok_or(JwsError::Signatures { max: MAX_SIGNATURES })?;
        *place = entry;
        self.count = self.count.saturating_add(1);
        Ok(())
    }
}

/// The members of a signature that were found in an object.
#[derive(Debug, Default)]
struct Found<'t> {
    protected: Option<&'t str>,
    unprotected: Option<&'t str>,
    signature: Option<&'t str>,
}

impl<'t> Found<'t> {
    /// Reads a member's value, whatever its name.
    fn read(&mut self, name: JsonStr<'t>, reader: &mut Reader<'t>) -> Result<(), JwsError> {
        if name.is("protected") {
            self.protected = Some(base64("protected", reader)?);
        } else if name.is("signature") {
            self.signature = Some(base64("signature", reader)?);
        } else if name.is("header") {
            if reader.kind().map_err(json)? != JsonKind::Object {
                return Err(JwsError::Member("header"));
            }
            self.unprotected = Some(reader.raw().map_err(json)?);
        } else {
            reader.skip().map_err(json)?;
        }
        Ok(())
    }

    fn entry(self) -> Result<Entry<'t>, JwsError> {
        let Self { protected, unprotected, signature } = self;
        Ok(Entry { protected, unprotected, signature: signature.ok_or(JwsError::Member("signature"))? })
    }

    fn first(&self) -> Option<&'static str> {
        let names = [
            ("signature", self.signature.is_some()),
            ("protected", self.protected.is_some()),
            ("header", self.unprotected.is_some()),
        ];
        names.into_iter().find_map(|(name, is_there)| is_there.then_some(name))
    }
}

fn object(reader: &mut Reader<'_>) -> Result<(), JwsError> {
    if reader.kind().map_err(json)? != JsonKind::Object {
        return Err(json(JsonError::NotAnObject));
    }
    reader.open_object().map_err(json)
}

fn string<'t>(name: &'static str, reader: &mut Reader<'t>) -> Result<JsonStr<'t>, JwsError> {
    match reader.kind().map_err(json)? {
        JsonKind::String => reader.string().map_err(json),
        _ => Err(JwsError::Member(name)),
    }
}

/// A string of base64url, whose characters nobody has to escape.
fn base64<'t>(name: &'static str, reader: &mut Reader<'t>) -> Result<&'t str, JwsError> {
    Ok(string(name, reader)?.plain().ok_or(MalformedToken::Base64)?)
}

fn json(error: JsonError) -> JwsError {
    MalformedToken::Json(error).into()
}
