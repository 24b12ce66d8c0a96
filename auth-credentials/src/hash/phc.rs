//! The stored form of a password hash.

use std::fmt;

use auth_core::{CredentialBlob, RejectionReason, Secret};

#[cfg(feature = "import")]
use super::import::ForeignHash;
use super::{argon2id::Argon2Hash, params::Argon2Params};

/// A password hash, in memory: its parameters, salt and tag.
///
/// Stored as a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>`, with `,keyid=<id>` behind the parameters if
/// there is a [pepper](crate::PasswordHasher::with_pepper). With the feature `import`, it may also be one of
/// another algorithm (`ForeignHashes`), to be checked and replaced. Whoever reads one can guess at leisure, so
/// it is handled as a secret: redacted, wiped on drop, written out by [`expose_phc`](Self::expose_phc) only.
#[derive(Clone)]
pub struct PasswordHash(pub(super) Form);

#[derive(Clone)]
pub(super) enum Form {
    Argon2id(Argon2Hash),
    #[cfg(feature = "import")]
    Foreign(ForeignHash),
}

/// Why a stored hash cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredHashError {
    /// Not in the one canonical spelling of its format.
    #[error("stored hash is malformed")]
    Malformed,
    /// Made by another algorithm than Argon2id, version 19, and than those that are accepted beside it.
    #[error("stored hash was made by another algorithm")]
    Algorithm,
    /// It asks for more memory, time or bytes than any hash gets here, or for less than its algorithm allows.
    #[error("stored hash has parameters outside of the bounds")]
    HashParamsOutOfBounds,
    /// The password was keyed with a pepper that the ring does not have: whether it is right is not known.
    #[error("stored hash was made with an unknown pepper")]
    UnknownPepper,
}

impl StoredHashError {
    /// What the audit log says of it.
    pub(crate) fn reason(self) -> RejectionReason {
        match self {
            Self::UnknownPepper => RejectionReason::UnknownKey,
            Self::Malformed | Self::Algorithm | Self::HashParamsOutOfBounds => RejectionReason::Corrupt,
        }
    }
}

impl PasswordHash {
    /// The most bytes that the stored form may have.
    pub const MAX_PHC_LEN: usize = 256;
    /// The bytes of a salt that is made here (RFC 9106 section 3.1).
    pub(crate) const SALT_LEN: usize = 16;
    /// The bytes of a tag that is made here: 256 bits.
    pub(crate) const TAG_LEN: usize = 32;

    /// Reads the stored form.
    ///
    /// A row in the database is input: a copy of it may have been edited, or imported from elsewhere. No more than its
    /// own length is allocated, whatever it says, and hashing it stays within the bounds of [`Argon2Params`], or of
    /// `ForeignHashes`. Hashes that other tools made are read, however weak; salts of 8 to 64 bytes and tags of 16 to
    /// 64.
    ///
    /// With the feature `import`, these are read too: bcrypt (`$2a$`, `$2b$`, `$2y$`), scrypt and PBKDF2 as PHC strings
    /// (`$scrypt$ln=..,r=..,p=..$`, `$pbkdf2-sha256$i=..$`), and what Django writes (`argon2$argon2id$..`, `bcrypt$..`,
    /// `bcrypt_sha256$..`, `pbkdf2_sha256$..`, `pbkdf2_sha1$..`, `scrypt$..`). Salts may be of any length up to 64 bytes
    /// there.
    ///
    /// # Errors
    /// [`StoredHashError`] if it is not exactly that.
    pub fn parse(stored: &str) -> Result<Self, StoredHashError> {
        if stored.len() > Self::MAX_PHC_LEN {
            return Err(StoredHashError::HashParamsOutOfBounds);
        }
        #[cfg(feature = "import")]
        {
            if let Some(foreign) = ForeignHash::parse(stored) {
                return foreign.map(|foreign| Self(Form::Foreign(foreign)));
            }
            if !stored.starts_with('$') {
                return Argon2Hash::parse_django(stored).map(|hash| Self(Form::Argon2id(hash)));
            }
        }
        Argon2Hash::parse(stored).map(|hash| Self(Form::Argon2id(hash)))
    }

    /// The stored form, for the credential's row and nothing else. A PHC string, unless it was read from another one.
    #[must_use]
    pub fn expose_phc(&self) -> Secret {
        match &self.0 {
            Form::Argon2id(hash) => hash.expose(),
            #[cfg(feature = "import")]
            Form::Foreign(foreign) => foreign.expose(),
        }
    }

    /// What a credential's row keeps of it. Always there: the stored form is shorter than a blob may be.
    pub(crate) fn to_blob(&self) -> Option<CredentialBlob> {
        CredentialBlob::new(self.expose_phc().expose())
    }

    /// Reads what a credential's row keeps.
    pub(crate) fn from_blob(blob: &CredentialBlob) -> Result<Self, StoredHashError> {
        Self::parse(std::str::from_utf8(blob.expose()).map_err(|_| StoredHashError::Malformed)?)
    }

    /// What it cost to make, if Argon2id made it.
    #[must_use]
    pub fn params(&self) -> Option<Argon2Params> {
        match &self.0 {
            Form::Argon2id(hash) => Some(hash.params),
            #[cfg(feature = "import")]
            Form::Foreign(_) => None,
        }
    }
}

/// Shows the parameters only.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Argon2id(hash) => {
                f.debug_struct("PasswordHash").field("params", &hash.params).finish_non_exhaustive()
            }
            #[cfg(feature = "import")]
            Form::Foreign(foreign) => foreign.fmt(f),
        }
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

    fn argon2id(hash: &PasswordHash) -> &Argon2Hash {
        match &hash.0 {
            Form::Argon2id(hash) => hash,
            #[cfg(feature = "import")]
            Form::Foreign(_) => panic!("not of Argon2id"),
        }
    }

    fn error(stored: &str) -> StoredHashError {
        PasswordHash::parse(stored).expect_err(stored)
    }

    #[test]
    fn the_stored_form_survives_a_round_trip() {
        let text = phc("m=19456,t=2,p=1");
        let hash = PasswordHash::parse(&text).unwrap();
        assert_eq!(hash.params(), Some(Argon2Params::OWASP));
        assert_eq!(argon2id(&hash).salt(), b"somesaltsomesalt");
        assert_eq!(hash.expose_phc().expose_str(), Some(text.as_str()));
    }

    /// Refused before anything is allocated or computed, in less than 1 ms.
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
            "$2x$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
            format!("$pbkdf2-md5$i=1${SALT}${TAG}"),
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
            phc("m=19456,t=2,p=1,keyid=AAAAAAAAAAB"),
            phc("m=19456,t=2,p=1,keyid=AAAAAAAAAAA,data=AAAA"),
            phc("m=19456,t=2,p=1,data=AAAAAAAAAAA"),
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
            pepper in any::<Option<[u8; 8]>>(), memory_kib in 8_u32..60_000, passes in 1_u32..16,
        ) {
            let params = Argon2Params::within_bounds(memory_kib, passes, 1).unwrap();
            let phc = PasswordHash(Form::Argon2id(Argon2Hash::new(params, salt, tag, pepper))).expose_phc();
            let back = PasswordHash::parse(phc.expose_str().unwrap()).unwrap();
            prop_assert_eq!(back.params(), Some(params));
            let back = argon2id(&back);
            prop_assert_eq!(back.salt(), salt);
            prop_assert_eq!(back.tag(), tag);
            prop_assert_eq!(back.pepper, pepper);
        }
    }
}
