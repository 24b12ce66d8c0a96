//! PBKDF2 (RFC 8018 section 5.2).

use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::hash::{
    field::{Field, decimal, named},
    phc::StoredHashError,
};

pub(super) const MAX_ROUNDS: u32 = 5_000_000;
const MIN_TAG_LEN: usize = 16;

/// What PBKDF2 is computed with. With the feature `import`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pbkdf2Digest {
    /// HMAC-SHA-1.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Pbkdf2Digest {
    pub(super) const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The bytes of a block.
    const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

#[derive(Clone)]
pub(super) struct Hash {
    pub(super) digest: Pbkdf2Digest,
    pub(super) rounds: u32,
    salt: Field,
    /// One block at most: more would cost more, and protect nothing.
    tag: Field,
}

impl Hash {
    /// Reads `i=<rounds>[,l=<bytes>]$<salt>$<tag>`, which follow `$pbkdf2-..$` in a PHC string.
    pub(super) fn parse_phc(digest: Pbkdf2Digest, text: &str) -> Result<Self, StoredHashError> {
        let mut parts = text.split('$');
        let (Some(params), Some(salt), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(StoredHashError::Malformed);
        };
        let tag = Field::decode(&STANDARD_NO_PAD, tag, MIN_TAG_LEN)?;
        let mut params = params.split(',');
        let rounds = decimal(named(params.next(), "i=")?)?;
        let len = params.next().map(|part| decimal(named(Some(part), "l=")?)).transpose()?;
        if len.is_some_and(|len| usize::try_from(len) != Ok(tag.as_slice().len())) || params.next().is_some()
        {
            return Err(StoredHashError::Malformed);
        }
        Self { digest, rounds, salt: Field::decode(&STANDARD_NO_PAD, salt, 0)?, tag }.checked()
    }

    /// Reads `<rounds>$<salt>$<tag>`, which follow `pbkdf2_..$` in Django. The salt is text.
    pub(super) fn parse_django(digest: Pbkdf2Digest, text: &str) -> Result<Self, StoredHashError> {
        let mut parts = text.split('$');
        let (Some(rounds), Some(salt), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(StoredHashError::Malformed);
        };
        if salt.len() > Field::MAX_LEN {
            return Err(StoredHashError::HashParamsOutOfBounds);
        }
        let tag = Field::decode(&STANDARD, tag, MIN_TAG_LEN)?;
        Self { digest, rounds: decimal(rounds)?, salt: Field::of(salt.as_bytes()), tag }.checked()
    }

    fn checked(self) -> Result<Self, StoredHashError> {
        if (1..=MAX_ROUNDS).contains(&self.rounds) && self.tag.as_slice().len() <= self.digest.len() {
            Ok(self)
        } else {
            Err(StoredHashError::HashParamsOutOfBounds)
        }
    }

    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        let mut buffer = Zeroizing::new([0; Field::MAX_LEN]);
        let tag = self.tag.as_slice();
        let Some(computed) = buffer.get_mut(..tag.len()) else { return false };
        compute(self.digest, password, self.salt.as_slice(), self.rounds, computed);
        // HMAC fills its key up with NULs: with some at its end, another password is the same key.
        bool::from(computed.ct_eq(tag)) & !password.ends_with(&[0])
    }
}

/// Computes for this many rounds.
pub(super) fn make_up(digest: Pbkdf2Digest, rounds: u32, password: &[u8]) {
    if rounds > 0 {
        let mut unused = Zeroizing::new([0; 16]);
        compute(digest, password, b"-", rounds, unused.as_mut_slice());
        std::hint::black_box(&unused);
    }
}

fn compute(digest: Pbkdf2Digest, password: &[u8], salt: &[u8], rounds: u32, tag: &mut [u8]) {
    match digest {
        Pbkdf2Digest::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, rounds, tag),
        Pbkdf2Digest::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, tag),
        Pbkdf2Digest::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, tag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag<const N: usize>(digest: Pbkdf2Digest, password: &str, salt: &str, rounds: u32) -> String {
        let mut tag = [0; N];
        compute(digest, password.as_bytes(), salt.as_bytes(), rounds, &mut tag);
        tag.map(|byte| format!("{byte:02x}")).concat()
    }

    /// RFC 6070 section 2, and RFC 7914 section 11.
    #[test]
    fn the_vectors_of_the_rfcs_hold() {
        let sha1 = |rounds| tag::<20>(Pbkdf2Digest::Sha1, "password", "salt", rounds);
        assert_eq!(sha1(1), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
        assert_eq!(sha1(2), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
        assert_eq!(sha1(4096), "4b007901b765489abead49d926f721d065a429c1");
        let sha256 = |password, salt, rounds| tag::<64>(Pbkdf2Digest::Sha256, password, salt, rounds);
        assert_eq!(
            sha256("passwd", "salt", 1),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
             49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
        );
        assert_eq!(
            sha256("Password", "NaCl", 80_000),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56\
             a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"
        );
    }

    /// HMAC fills its key up with NULs (RFC 2104 section 2), so `a` and `a\0` are one to it.
    #[test]
    fn a_password_that_ends_in_nul_is_never_right() {
        for digest in [Pbkdf2Digest::Sha1, Pbkdf2Digest::Sha256, Pbkdf2Digest::Sha512] {
            for (short, long) in [("a", "a\0"), ("", "\0"), ("a\0b", "a\0b\0\0")] {
                let mut computed = [0; 20];
                compute(digest, short.as_bytes(), b"salt", 1, &mut computed);
                let hash = Hash { digest, rounds: 1, salt: Field::of(b"salt"), tag: Field::of(&computed) };
                assert!(hash.is_of(short.as_bytes()) && !hash.is_of(long.as_bytes()), "{long:?}");
            }
        }
    }

    const TAG: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// A stored hash is input: nothing is computed for one that would keep a worker busy.
    #[test]
    fn what_asks_for_too_much_or_is_no_hash_of_pbkdf2_is_refused() {
        let phc =
            |params: &str| Hash::parse_phc(Pbkdf2Digest::Sha256, &format!("{params}$c2FsdA${TAG}")).err();
        assert_eq!((phc("i=600000"), phc("i=600000,l=32")), (None, None));
        for params in ["i=0", "i=5000001", "i=4294967295", "i=99999999999999999999"] {
            assert_eq!(phc(params), Some(StoredHashError::HashParamsOutOfBounds), "{params}");
        }
        for params in ["", "i=", "i=01", "600000", "i=1,l=31", "i=1,l=32,x=1", "i=1,x=1", "l=32,i=1"] {
            assert_eq!(phc(params), Some(StoredHashError::Malformed), "{params}");
        }

        let django =
            |digest, text: &str| Hash::parse_django(digest, &text.replace("TAG", &format!("{TAG}="))).err();
        assert_eq!(django(Pbkdf2Digest::Sha256, "1$salt$TAG"), None);
        // 32 bytes are two blocks of SHA-1.
        let two_blocks = django(Pbkdf2Digest::Sha1, "1$salt$TAG");
        assert_eq!(two_blocks, Some(StoredHashError::HashParamsOutOfBounds));
        let long_salt = format!("1${}$TAG", "s".repeat(65));
        for text in ["0$s$TAG", "5000001$s$TAG", "1$s$AAAA", &long_salt] {
            let error = django(Pbkdf2Digest::Sha256, text);
            assert_eq!(error, Some(StoredHashError::HashParamsOutOfBounds), "{text}");
        }
        for text in ["1$s", "1$s$TAG$", "1$TAG", "-1$s$TAG", "1$s$!"] {
            assert_eq!(django(Pbkdf2Digest::Sha256, text), Some(StoredHashError::Malformed), "{text}");
        }
    }
}
