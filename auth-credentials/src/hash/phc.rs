//! The stored form of a password hash.

use std::fmt::{self, Write};

use auth_core::{CredentialBlob, Secret};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::{Zeroize, Zeroizing};

use super::params::Argon2Params;

/// A password hash, in memory: its parameters, salt and tag.
///
/// Stored as a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>`. Whoever reads one can guess at
/// leisure, so it is handled as a secret: redacted, wiped on drop, written out by
/// [`expose_phc`](Self::expose_phc) only.
#[derive(Clone)]
pub struct PasswordHash {
    params: Argon2Params,
    salt: Field,
    tag: Field,
}

/// Why a stored hash cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredHashError {
    /// Not a PHC string in its one canonical spelling.
    #[error("stored hash is malformed")]
    Malformed,
    /// Made by another algorithm than Argon2id, version 19.
    #[error("stored hash was made by another algorithm")]
    Algorithm,
    /// It asks for more memory, time or bytes than any hash gets here, or for less than Argon2 allows.
    #[error("stored hash has parameters outside of the bounds")]
    HashParamsOutOfBounds,
}

impl PasswordHash {
    /// The most bytes that the stored form may have.
    pub const MAX_PHC_LEN: usize = 256;
    /// The bytes of a salt that is made here (RFC 9106 section 3.1).
    pub(crate) const SALT_LEN: usize = 16;
    /// The bytes of a tag that is made here: 256 bits.
    pub(crate) const TAG_LEN: usize = 32;
    const MIN_SALT_LEN: usize = 8;
    const MIN_TAG_LEN: usize = 16;

    pub(crate) fn new(params: Argon2Params, salt: [u8; Self::SALT_LEN], tag: [u8; Self::TAG_LEN]) -> Self {
        Self { params, salt: Field::of(&salt), tag: Field::of(&tag) }
    }

    /// Reads the stored form.
    ///
    /// A row in the database is input: a copy of it may have been edited, or imported from elsewhere. Nothing
    /// is allocated, whatever it says, and hashing it stays within the bounds of [`Argon2Params`]. Hashes
    /// that other tools made are read, however weak; salts of 8 to 64 bytes and tags of 16 to 64.
    ///
    /// # Errors
    /// [`StoredHashError`] if it is not exactly that.
    pub fn parse(stored: &str) -> Result<Self, StoredHashError> {
        if stored.len() > Self::MAX_PHC_LEN {
            return Err(StoredHashError::HashParamsOutOfBounds);
        }
        let mut parts = stored.split('$');
        let mut next = || parts.next().ok_or(StoredHashError::Malformed);
        if !next()?.is_empty() {
            return Err(StoredHashError::Malformed);
        }
        if next()? != "argon2id" || next()? != "v=19" {
            return Err(StoredHashError::Algorithm);
        }
        let (params, salt, tag) = (next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(StoredHashError::Malformed);
        }
        Ok(Self {
            params: parse_params(params)?,
            salt: Field::parse(salt, Self::MIN_SALT_LEN)?,
            tag: Field::parse(tag, Self::MIN_TAG_LEN)?,
        })
    }

    /// The stored form, for the credential's row and nothing else.
    #[must_use]
    pub fn expose_phc(&self) -> Secret {
        let (memory_kib, passes, lanes) =
            (self.params.memory_kib(), self.params.passes(), self.params.lanes());
        let salt = STANDARD_NO_PAD.encode(self.salt.as_slice());
        let tag = Zeroizing::new(STANDARD_NO_PAD.encode(self.tag.as_slice()));
        let mut phc = String::with_capacity(Self::MAX_PHC_LEN);
        // Writing to a string cannot fail; it is large enough, so no copy stays behind in a smaller one.
        let _ = write!(phc, "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${}", tag.as_str());
        Secret::from(phc)
    }

    /// What a credential's row keeps of it. Always there: the stored form is shorter than a blob may be.
    pub(crate) fn to_blob(&self) -> Option<CredentialBlob> {
        CredentialBlob::new(self.expose_phc().expose())
    }

    /// Reads what a credential's row keeps.
    pub(crate) fn from_blob(blob: &CredentialBlob) -> Result<Self, StoredHashError> {
        Self::parse(std::str::from_utf8(blob.expose()).map_err(|_| StoredHashError::Malformed)?)
    }

    /// What it cost to make.
    #[must_use]
    pub fn params(&self) -> Argon2Params {
        self.params
    }

    pub(crate) fn salt(&self) -> &[u8] {
        self.salt.as_slice()
    }

    pub(crate) fn tag(&self) -> &[u8] {
        self.tag.as_slice()
    }
}

/// Shows the parameters only.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("params", &self.params).finish_non_exhaustive()
    }
}

/// Reads `m=..,t=..,p=..`, in that order, without signs, spaces or leading zeros.
fn parse_params(text: &str) -> Result<Argon2Params, StoredHashError> {
    let mut parts = text.split(',');
    let mut next = |name: &str| {
        let digits =
            parts.next().and_then(|part| part.strip_prefix(name)).ok_or(StoredHashError::Malformed)?;
        let canonical = digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.is_empty()
            && (digits == "0" || !digits.starts_with('0'));
        if !canonical {
            return Err(StoredHashError::Malformed);
        }
        // Only digits: what fails to parse is too large.
        digits.parse::<u32>().map_err(|_| StoredHashError::HashParamsOutOfBounds)
    };
    let (memory_kib, passes, lanes) = (next("m=")?, next("t=")?, next("p=")?);
    if parts.next().is_some() {
        return Err(StoredHashError::Malformed);
    }
    Argon2Params::within_bounds(memory_kib, passes, lanes).ok_or(StoredHashError::HashParamsOutOfBounds)
}

/// Up to 64 bytes, in place.
#[derive(Clone)]
struct Field {
    bytes: [u8; Self::MAX_LEN],
    len: usize,
}

impl Field {
    const MAX_LEN: usize = 64;

    /// Takes the first 64 bytes.
    fn of(from: &[u8]) -> Self {
        let mut bytes = [0; Self::MAX_LEN];
        let len = bytes.iter_mut().zip(from).map(|(to, from)| *to = *from).count();
        Self { bytes, len }
    }

    /// Reads base64 without padding (RFC 4648 section 4), canonical only.
    fn parse(text: &str, min: usize) -> Result<Self, StoredHashError> {
        let mut field = Self { bytes: [0; Self::MAX_LEN], len: 0 };
        // 86 characters are 64 bytes; the decoder needs no more room than that.
        if text.len() > Self::MAX_LEN.div_ceil(3).saturating_mul(4) {
            return Err(StoredHashError::HashParamsOutOfBounds);
        }
        match STANDARD_NO_PAD.decode_slice(text, &mut field.bytes) {
            Ok(len) if len < min => Err(StoredHashError::HashParamsOutOfBounds),
            Ok(len) => {
                field.len = len;
                Ok(field)
            }
            Err(base64::DecodeSliceError::OutputSliceTooSmall) => Err(StoredHashError::HashParamsOutOfBounds),
            Err(base64::DecodeSliceError::DecodeError(_)) => Err(StoredHashError::Malformed),
        }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    const SALT: &str = "c29tZXNhbHRzb21lc2FsdA";
    const TAG: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn phc(params: &str) -> String {
        format!("$argon2id$v=19${params}${SALT}${TAG}")
    }

    fn error(stored: &str) -> StoredHashError {
        PasswordHash::parse(stored).expect_err(stored)
    }

    #[test]
    fn the_stored_form_survives_a_round_trip() {
        let text = phc("m=19456,t=2,p=1");
        let hash = PasswordHash::parse(&text).unwrap();
        assert_eq!(hash.params(), Argon2Params::OWASP);
        assert_eq!(hash.salt(), b"somesaltsomesalt");
        assert_eq!(hash.expose_phc().expose_str(), Some(text.as_str()));
    }

    /// Checklist, credentials P3: refused before anything is allocated or computed, in less than 1 ms.
    #[test]
    fn a_stored_hash_that_asks_for_too_much_is_refused_at_once() {
        let gigabyte = "A".repeat(1_400_000_000 / 1_000);
        let cases = [
            phc("m=4294967295,t=2,p=1"),
            phc("m=19456,t=4294967295,p=1"),
            phc("m=19456,t=2,p=16777216"),
            phc("m=19456,t=2,p=536870912"), // times 8 wraps a u32
            phc("m=4294967296,t=2,p=1"),
            phc("m=99999999999999999999999999,t=2,p=1"),
            phc("m=262144,t=16,p=1"),
            phc("m=0,t=2,p=1"),
            phc("m=19456,t=0,p=1"),
            phc("m=19456,t=2,p=0"),
            phc("m=15,t=2,p=2"),
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${gigabyte}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${}", "A".repeat(88)),
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${}", "A".repeat(160)),
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}$AAAA"),
            format!("$argon2id$v=19$m=19456,t=2,p=1$AAAA${TAG}"),
        ];
        let started = Instant::now();
        for case in &cases {
            assert_eq!(error(case), StoredHashError::HashParamsOutOfBounds, "{:.80}", case);
        }
        let each = started.elapsed() / u32::try_from(cases.len()).unwrap();
        assert!(each < Duration::from_millis(1), "{each:?}");
    }

    #[test]
    fn another_algorithm_or_version_is_named_as_such() {
        for case in [
            format!("$argon2i$v=19$m=19456,t=2,p=1${SALT}${TAG}"),
            format!("$argon2id$v=16$m=19456,t=2,p=1${SALT}${TAG}"),
            format!("$argon2id$m=19456,t=2,p=1${SALT}${TAG}"),
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
        ] {
            assert_eq!(error(&case), StoredHashError::Algorithm, "{case}");
        }
    }

    /// Two spellings of one hash would defeat a compare-and-set on it, and lenient parsers disagree.
    #[test]
    fn only_the_canonical_spelling_is_read() {
        for case in [
            String::new(),
            "hunter2".to_owned(),
            "$argon2id$v=19".to_owned(),
            phc("m=019456,t=2,p=1"),
            phc("m=+19456,t=2,p=1"),
            phc("m=19456 ,t=2,p=1"),
            phc("t=2,m=19456,p=1"),
            phc("m=19456,t=2"),
            phc("m=19456,t=2,p=1,keyid=AAAA"),
            phc("m=,t=2,p=1"),
            phc("m=19456,t=2,p=1") + "$",
            phc("m=19456,t=2,p=1") + "\n",
            phc("m=19456,t=2,p=1") + "=",
            format!(" {}", phc("m=19456,t=2,p=1")),
            // The last character carries bits beyond the last byte.
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${}B", "A".repeat(42)),
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${}-_", "A".repeat(41)),
        ] {
            assert_eq!(error(&case), StoredHashError::Malformed, "{case}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_written_back_the_same(
            text in "(\\$argon2id\\$v=19\\$)?[$,=mtp0-9A-Za-z+/]{0,120}",
        ) {
            if let Ok(hash) = PasswordHash::parse(&text) {
                let phc = hash.expose_phc();
                prop_assert_eq!(phc.expose_str(), Some(text.as_str()));
            }
        }

        #[test]
        fn every_hash_of_ours_is_read_back(
            salt in any::<[u8; 16]>(), tag in any::<[u8; 32]>(),
            memory_kib in 8_u32..60_000, passes in 1_u32..16,
        ) {
            let params = Argon2Params::within_bounds(memory_kib, passes, 1).unwrap();
            let phc = PasswordHash::new(params, salt, tag).expose_phc();
            let back = PasswordHash::parse(phc.expose_str().unwrap()).unwrap();
            prop_assert_eq!(back.params(), params);
            prop_assert_eq!(back.salt(), salt);
            prop_assert_eq!(back.tag(), tag);
        }
    }
}
