//! Where a payload is, and what of it is signed (RFC 7515 section 5.1, RFC 7797 section 3).

use std::borrow::Cow;

use super::{JwsError, is_printable};
use crate::{base64url, header, json::JsonStr};

/// A payload as the verifier has it.
#[derive(Debug)]
pub(super) enum Payload<'t, 'p> {
    /// In base64url.
    Encoded(&'t str),
    /// As it is, in the compact serialisation.
    Printable(&'t str),
    /// As it is, in a JSON string, whose escapes are not signed (RFC 7797 section 5.3).
    Text(JsonStr<'t>),
    /// Beside the JWS.
    Detached(&'p [u8]),
}

impl<'p> Payload<'_, 'p> {
    fn input(&self, is_unencoded: bool) -> SigningInput {
        match self {
            Self::Encoded(text) | Self::Printable(text) => SigningInput::of(text.as_bytes()),
            Self::Text(text) => SigningInput::of(text.text().as_bytes()),
            Self::Detached(bytes) if is_unencoded => SigningInput::of(bytes),
            Self::Detached(bytes) => SigningInput::encoding(bytes),
        }
    }

    /// The payload itself. Called when its signature was verified.
    pub(super) fn verified(self) -> Result<Cow<'p, [u8]>, JwsError> {
        match self {
            Self::Detached(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Text(text) => Ok(Cow::Owned(text.text().into_owned().into_bytes())),
            Self::Printable(text) if is_printable(text.as_bytes()) => Ok(Cow::Owned(text.into())),
            Self::Printable(_) => Err(JwsError::PayloadEncoding),
            Self::Encoded(text) => {
                let mut bytes = vec![0; base64url::decoded_len(text.len())];
                let len = base64url::decode(text, &mut bytes).ok_or(JwsError::PayloadEncoding)?.len();
                bytes.truncate(len);
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

/// What a signature is of, put together when the first one is about to be verified, and not before.
#[derive(Debug)]
pub(super) enum Signed<'a, 't, 'p> {
    /// It is in one piece already.
    Whole(&'a str),
    /// It is in pieces, with the payload in base64url or as it is.
    Parts { payload: &'a Payload<'t, 'p>, is_unencoded: bool, input: Option<SigningInput> },
}

impl Signed<'_, '_, '_> {
    /// What is signed under this header.
    pub(super) fn under(&mut self, header: &str) -> Option<&[u8]> {
        match self {
            Self::Whole(text) => Some(text.as_bytes()),
            Self::Parts { payload, is_unencoded, input } => {
                input.get_or_insert_with(|| payload.input(*is_unencoded)).under(header)
            }
        }
    }
}

/// Header, a dot, and payload, one behind the other, as keys want it.
///
/// The payload is written once. Each of several headers is then written so that it ends where the payload
/// begins.
#[derive(Debug)]
pub(super) struct SigningInput(Vec<u8>);

impl SigningInput {
    /// Room for the longest header, and the dot.
    const ROOM: usize = base64url::encoded_len(header::MAX_LEN).saturating_add(1);

    /// Takes what is signed as it is.
    pub(super) fn of(payload: &[u8]) -> Self {
        let mut input = Vec::with_capacity(Self::ROOM.saturating_add(payload.len()));
        input.resize(Self::ROOM.saturating_sub(1), 0);
        input.push(b'.');
        input.extend_from_slice(payload);
        Self(input)
    }

    /// Takes what is signed in base64url.
    pub(super) fn encoding(payload: &[u8]) -> Self {
        let len = Self::ROOM.saturating_add(base64url::encoded_len(payload.len()));
        let mut input = String::with_capacity(len);
        input.push_str(std::str::from_utf8(&[0; Self::ROOM.saturating_sub(1)]).unwrap_or_default());
        input.push('.');
        base64url::encode_to(payload, &mut input);
        Self(input.into_bytes())
    }

    /// What is signed under this header, which is not longer than headers are.
    pub(super) fn under(&mut self, header: &str) -> Option<&[u8]> {
        let end = Self::ROOM.checked_sub(1)?;
        let begin = end.checked_sub(header.len())?;
        self.0.get_mut(begin..end)?.copy_from_slice(header.as_bytes());
        self.0.get(begin..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_stands_right_before_the_payload() {
        for payload in ["", "a", "payload"] {
            let (mut plain, mut encoded) =
                (SigningInput::of(payload.as_bytes()), SigningInput::encoding(payload.as_bytes()));
            let mut base64 = String::new();
            base64url::encode_to(payload.as_bytes(), &mut base64);
            let longest = "h".repeat(base64url::encoded_len(header::MAX_LEN));
            for header in ["header", &longest, "h", ""] {
                assert_eq!(plain.under(header).unwrap(), format!("{header}.{payload}").as_bytes());
                assert_eq!(encoded.under(header).unwrap(), format!("{header}.{base64}").as_bytes());
            }
            assert_eq!(plain.under(&format!("{longest}h")), None);
        }
    }
}
