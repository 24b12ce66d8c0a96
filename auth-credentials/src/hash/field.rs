//! What stored hashes are made of.

use base64::{DecodeSliceError, Engine};
use zeroize::Zeroize;

use super::phc::StoredHashError;

/// A salt or a tag: up to 64 bytes, in place.
#[derive(Clone)]
pub(super) struct Field {
    bytes: [u8; Self::MAX_LEN],
    len: usize,
}

impl Field {
    pub(super) const MAX_LEN: usize = 64;

    /// Takes the first 64 bytes.
    pub(super) fn of(from: &[u8]) -> Self {
        let mut bytes = [0; Self::MAX_LEN];
        let len = bytes.iter_mut().zip(from).map(|(to, from)| *to = *from).count();
        Self { bytes, len }
    }

    /// Reads base64 as this engine has it.
    pub(super) fn decode(engine: &impl Engine, text: &str, min: usize) -> Result<Self, StoredHashError> {
        let mut field = Self { bytes: [0; Self::MAX_LEN], len: 0 };
        // 86 characters are 64 bytes, 88 with padding; the decoder needs no more room than that.
        if text.len() > Self::MAX_LEN.div_ceil(3).saturating_mul(4) {
            return Err(StoredHashError::HashParamsOutOfBounds);
        }
        match engine.decode_slice(text, &mut field.bytes) {
            Ok(len) if len < min => Err(StoredHashError::HashParamsOutOfBounds),
            Ok(len) => {
                field.len = len;
                Ok(field)
            }
            Err(DecodeSliceError::OutputSliceTooSmall) => Err(StoredHashError::HashParamsOutOfBounds),
            Err(DecodeSliceError::DecodeError(_)) => Err(StoredHashError::Malformed),
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// Reads a decimal number without sign, spaces and leading zeros.
pub(super) fn decimal(digits: &str) -> Result<u32, StoredHashError> {
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.is_empty()
        && (digits == "0" || !digits.starts_with('0'));
    if !canonical {
        return Err(StoredHashError::Malformed);
    }
    // Only digits: what fails to parse is too large.
    digits.parse().map_err(|_| StoredHashError::HashParamsOutOfBounds)
}

/// Reads a part that is there, and has this name.
pub(super) fn named<'a>(part: Option<&'a str>, name: &str) -> Result<&'a str, StoredHashError> {
    part.and_then(|part| part.strip_prefix(name)).ok_or(StoredHashError::Malformed)
}
