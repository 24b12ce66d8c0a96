//! The text of a key: `<prefix>_<id><secret><checksum>`, in base62.

use std::fmt;

use auth_core::{Entropy, EntropyError, NameError, Secret, SecretHash};
use zeroize::Zeroizing;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Letters of an id: 95 bits.
const ID_LEN: usize = 16;
/// Letters of a secret: 256 bits.
const SECRET_LEN: usize = 43;
/// Letters of a checksum: 32 bits.
const CHECKSUM_LEN: usize = 6;

/// What the keys of an application begin with: `acme`, `acme_live`. Secret scanners look for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ApiKeyPrefix(Box<str>);

/// The public part of a key, by which it is listed and revoked. It is no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApiKeyId([u8; ID_LEN]);

/// A key that has the right form and checksum. Whether it is anybody's, only the store knows.
#[derive(Debug)]
pub struct ParsedApiKey {
    pub(super) id: ApiKeyId,
    pub(super) hash: SecretHash,
}

/// Not a key of this prefix, or one that was copied wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an api key of this application")]
pub struct ApiKeyFormatError;

impl ApiKeyPrefix {
    /// The most bytes.
    pub const MAX_LEN: usize = 32;

    /// Reads a prefix: lower-case letters, digits and `_`, a letter first and no `_` last.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(NameError::TooLong { max: Self::MAX_LEN });
        }
        let bad = |b: u8| !(b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let first = !text.starts_with(|c: char| c.is_ascii_lowercase());
        let last = text.ends_with('_').then(|| text.len().saturating_sub(1));
        match first.then_some(0).or_else(|| text.bytes().position(bad)).or(last) {
            Some(at) => Err(NameError::Character { at }),
            None => Ok(Self(text.into())),
        }
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text is meant as a key of this prefix rather than as another bearer token: it begins like one, and has
    /// no `.`, which keys never have and signed tokens always have. Whether it is a key at all, that does not tell.
    #[must_use]
    pub fn marks(&self, text: &str) -> bool {
        let rest = text.strip_prefix(&*self.0);
        rest.is_some_and(|rest| rest.starts_with('_')) && !text.contains('.')
    }

    /// Makes a key.
    pub(super) fn generate(&self, entropy: &dyn Entropy) -> Result<(ApiKeyId, Secret), EntropyError> {
        let mut text = Zeroizing::new(Vec::with_capacity(Self::MAX_LEN.saturating_add(128)));
        text.extend(self.0.as_bytes());
        text.push(b'_');
        let mut id = ApiKeyId([0; ID_LEN]);
        fill(&mut id.0, entropy)?;
        text.extend(id.0);
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        fill(&mut *secret, entropy)?;
        text.extend(*secret);
        let checksum = checksum(&text);
        text.extend(checksum);
        Ok((id, Secret::new(text.to_vec())))
    }

    /// Reads a key. What was not made here, or was cut off or copied wrong, is refused before anything is looked up.
    ///
    /// # Errors
    /// [`ApiKeyFormatError`].
    pub fn read(&self, text: &[u8]) -> Result<ParsedApiKey, ApiKeyFormatError> {
        let parsed = || {
            let body = text.strip_prefix(self.0.as_bytes())?.strip_prefix(b"_")?;
            if body.len() != ID_LEN + SECRET_LEN + CHECKSUM_LEN || !body.iter().all(u8::is_ascii_alphanumeric)
            {
                return None;
            }
            let (rest, sum) = text.split_last_chunk::<CHECKSUM_LEN>()?;
            if checksum(rest) != *sum {
                return None;
            }
            Some(ParsedApiKey { id: ApiKeyId(*body.first_chunk()?), hash: SecretHash::of(text) })
        };
        parsed().ok_or(ApiKeyFormatError)
    }
}

impl ApiKeyId {
    /// Reads the text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id: [u8; ID_LEN] = text.as_bytes().try_into().ok()?;
        id.iter().all(u8::is_ascii_alphanumeric).then_some(Self(id))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Letters and digits, by both ways in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8; ID_LEN] {
        &self.0
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyId({self})")
    }
}

/// Fills `letters` evenly: bytes that would favour some letters are thrown away.
fn fill(letters: &mut [u8], entropy: &dyn Entropy) -> Result<(), EntropyError> {
    const EVEN: u8 = 62 * 4;
    let mut bytes = Zeroizing::new([0_u8; 64]);
    let mut left = letters.iter_mut();
    // Each draw of 64 bytes yields 62 letters on average; a source that never yields one is none.
    for _ in 0..16 {
        entropy.fill(&mut *bytes)?;
        for byte in bytes.iter().filter(|byte| **byte < EVEN) {
            let Some(letter) = left.next() else { return Ok(()) };
            *letter = ALPHABET.get(usize::from(byte % 62)).copied().unwrap_or_default();
        }
    }
    Err(EntropyError)
}

/// CRC-32 as in Ethernet and ZIP, in six letters, the highest first.
fn checksum(text: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut crc = u32::MAX;
    for byte in text {
        let [low, ..] = crc.to_le_bytes();
        crc = (crc >> 8) ^ CRC_TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default();
    }
    let mut rest = !crc;
    let mut letters = [0; CHECKSUM_LEN];
    for letter in letters.iter_mut().rev() {
        *letter = ALPHABET.get((rest % 62) as usize).copied().unwrap_or_default();
        rest /= 62;
    }
    letters
}

static CRC_TABLE: [u32; 256] = crc_table();

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "computed by the compiler")]
const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xEDB8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use auth_core::{SystemEntropy, testing::NoEntropy};

    use super::*;

    fn prefix() -> ApiKeyPrefix {
        ApiKeyPrefix::parse("acme_live").unwrap()
    }

    /// The check value of CRC-32: 0xCBF43926 for the nine digits.
    #[test]
    fn the_checksum_is_that_of_zip() {
        let value = checksum(b"123456789").iter().fold(0_u64, |value, letter| {
            value * 62 + ALPHABET.iter().position(|one| one == letter).unwrap() as u64
        });
        assert_eq!(value, 0xCBF4_3926);
    }

    /// Any byte that is changed, and any cut, is noticed without a look into the store.
    #[test]
    fn a_key_that_was_copied_wrong_is_refused() {
        let (id, text) = prefix().generate(&SystemEntropy).unwrap();
        let text = text.expose();
        assert_eq!(text.len(), "acme_live_".len() + 65);
        assert_eq!(prefix().read(text).unwrap().id, id);
        for at in 0..text.len() {
            assert!(prefix().read(&text[..at]).is_err() && prefix().read(&text[at + 1..]).is_err());
            for letter in [b'0', b'z', b'_', 0, 255] {
                let mut changed = text.to_vec();
                if std::mem::replace(&mut changed[at], letter) != letter {
                    assert!(prefix().read(&changed).is_err(), "byte {at}");
                }
            }
        }
        for bad in [[text, b"0"].concat(), [b" ", text].concat(), vec![b'a'; 1 << 20]] {
            assert!(prefix().read(&bad).is_err());
        }
        let other = ApiKeyPrefix::parse("acme").unwrap();
        assert!(other.read(text).is_err());
    }

    /// Where both are presented in one header, neither may be taken for the other.
    #[test]
    fn a_key_is_marked_by_its_prefix_and_a_signed_token_never_is() {
        let (_, key) = prefix().generate(&SystemEntropy).unwrap();
        assert!(prefix().marks(key.expose_str().unwrap()) && prefix().marks("acme_live_mistyped"));
        for other in
            ["acme_live", "acme_liver_x", "acme_x", "eyJhbGciOiJub25lIn0.e30.", "acme_live_.e30.x", ""]
        {
            assert!(!prefix().marks(other), "{other}");
        }
    }

    #[test]
    fn letters_are_even_and_no_two_keys_share_any_part() {
        let keys: Vec<_> = (0..200).map(|_| prefix().generate(&SystemEntropy).unwrap()).collect();
        let ids: std::collections::HashSet<_> = keys.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), keys.len());
        let mut counts = [0_usize; 62];
        for letter in keys.iter().flat_map(|(_, text)| &text.expose()[10..69]) {
            counts[ALPHABET.iter().position(|one| one == letter).unwrap()] += 1;
        }
        // 190 on average; six standard deviations.
        assert!(counts.iter().all(|count| (107..274).contains(count)), "{counts:?}");
        assert!(prefix().generate(&NoEntropy).is_err());
    }

    #[test]
    fn a_prefix_is_lower_case_and_has_one_end() {
        for good in ["a", "acme", "acme_live", "x2"] {
            assert_eq!(ApiKeyPrefix::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "Acme", "acme_", "_acme", "2x", "a-b", "a b", "é", &"a".repeat(33)] {
            assert!(ApiKeyPrefix::parse(bad).is_err(), "{bad}");
        }
        assert!(ApiKeyId::parse("short").is_none() && ApiKeyId::parse("0123456789abcde_").is_none());
        assert_eq!(ApiKeyId::parse("0123456789abcdeF").unwrap().to_string(), "0123456789abcdeF");
    }
}
