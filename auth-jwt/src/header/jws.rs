//! The protected header of a JWS that need not be a JWT.

use super::{Header, HeaderBuffer, Parameters, decode, parameter};
use crate::{
    compact::MalformedToken,
    json::{JsonError, JsonKind, JsonStr, Members, Reader},
};

/// What the protected header of a JWS says. Nobody has vouched for any of it.
#[derive(Debug)]
pub(crate) struct JwsHeader<'h> {
    pub(crate) common: Header<'h>,
    pub(crate) cty: Option<JsonStr<'h>>,
    /// `b64` is false, and critical: the payload is signed as it is (RFC 7797 section 3).
    pub(crate) is_unencoded: bool,
    text: &'h str,
    names: Members<'h>,
}

impl<'h> JwsHeader<'h> {
    /// Decodes and reads a header segment. `crit` is refused unless it is `["b64"]`, and `b64` unless it is
    /// `false` and critical: a `true` says nothing (RFC 7797 section 6).
    pub(crate) fn parse(segment: &str, buffer: &'h mut HeaderBuffer) -> Result<Self, MalformedToken> {
        let text = decode(segment, buffer)?;
        let (mut cty, mut is_critical, mut is_unencoded) = (None, None, None);
        let mut names = Members::default();
        let parameters = Parameters::read(text, &mut names, |name, reader| {
            if name.is("cty") {
                cty = Some(parameter("cty", reader)?);
            } else if name.is("crit") {
                is_critical = Some(is_b64_alone(reader)?);
            } else if name.is("b64") {
                is_unencoded = Some(is_false(reader)?);
            } else {
                reader.skip()?;
            }
            Ok(())
        })?;
        let is_unencoded = match (is_critical, is_unencoded) {
            (None, None) => false,
            (Some(true), Some(true)) => true,
            (Some(true), Some(false)) | (None, Some(_)) => return Err(MalformedToken::Refused("b64")),
            // Not `["b64"]`, or there is no `b64` (RFC 7515 section 4.1.11).
            (Some(_), _) => return Err(MalformedToken::Refused("crit")),
        };
        Ok(Self { common: parameters.header()?, cty, is_unencoded, text, names })
    }

    /// Whether it has a parameter of this name, however it is written.
    pub(crate) fn has(&self, name: JsonStr<'_>) -> bool {
        // Members are compared within one lifetime, the shorter one.
        fn has<'a>(names: &Members<'a>, text: &'a str, name: JsonStr<'a>) -> bool {
            names.has(text, name)
        }
        has(&self.names, self.text, name)
    }
}

/// Whether what comes next is `["b64"]`. An unknown name, a second one, the name of a registered parameter, no
/// name at all and what is no name are all the same: not understood.
fn is_b64_alone(reader: &mut Reader<'_>) -> Result<bool, JsonError> {
    if reader.kind()? != JsonKind::Array {
        reader.skip()?;
        return Ok(false);
    }
    reader.open_array()?;
    let (mut first, mut count, mut is_b64) = (true, 0u32, false);
    while reader.next_element(&mut first)? {
        count = count.saturating_add(1);
        is_b64 = match reader.kind()? {
            JsonKind::String => reader.string()?.is("b64"),
            _ => {
                reader.skip()?;
                false
            }
        };
    }
    Ok(count == 1 && is_b64)
}

fn is_false(reader: &mut Reader<'_>) -> Result<bool, JsonError> {
    match reader.kind()? {
        JsonKind::Bool => Ok(!reader.bool()?),
        _ => {
            reader.skip()?;
            Ok(false)
        }
    }
}
