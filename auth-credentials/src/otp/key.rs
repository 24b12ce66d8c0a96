//! The secret that a device and a server share, and one code of it.

use std::fmt;

use auth_core::{Entropy, EntropyError, Secret};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

/// The hash function under the codes (RFC 6238 section 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OtpAlgorithm {
    /// HMAC-SHA-1: what every app reads. The weaknesses of SHA-1 are in its collisions, which HMAC does not rest on.
    #[default]
    Sha1,
    /// HMAC-SHA-256. Several apps ignore the word and make codes of SHA-1.
    Sha256,
    /// HMAC-SHA-512. The same holds.
    Sha512,
}

impl OtpAlgorithm {
    /// The word in an `otpauth` URI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// Reads the word, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512]
            .into_iter()
            .find(|one| one.as_str().eq_ignore_ascii_case(text))
    }
}

/// How many digits a code has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OtpDigits {
    /// 6, the least that RFC 4226 section 5.3 allows.
    #[default]
    Six,
    /// 7.
    Seven,
    /// 8.
    Eight,
}

impl OtpDigits {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::Six => 6,
            Self::Seven => 7,
            Self::Eight => 8,
        }
    }

    /// Reads the number.
    #[must_use]
    pub const fn new(digits: u8) -> Option<Self> {
        match digits {
            6 => Some(Self::Six),
            7 => Some(Self::Seven),
            8 => Some(Self::Eight),
            _ => None,
        }
    }
}

/// The secret that a device and a server share, with the algorithm and the number of digits.
#[derive(Clone)]
pub struct OtpKey {
    secret: Secret,
    algorithm: OtpAlgorithm,
    digits: OtpDigits,
}

/// A shared secret has fewer than 16 bytes or more than 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("shared secret has fewer than 16 bytes or more than 64")]
pub struct OtpKeyError;

impl OtpKey {
    /// The fewest bytes of a secret: 128 bits (RFC 4226 section 4, R6).
    pub const MIN_LEN: usize = 16;
    /// The most bytes of a secret: one block of HMAC-SHA-1, beyond which more bytes are no more strength.
    pub const MAX_LEN: usize = 64;

    /// A key of a secret that exists already, on a device or in another system.
    ///
    /// # Errors
    /// [`OtpKeyError`] if it is too short or too long.
    pub fn new(secret: Secret, algorithm: OtpAlgorithm, digits: OtpDigits) -> Result<Self, OtpKeyError> {
        if !(Self::MIN_LEN..=Self::MAX_LEN).contains(&secret.len()) {
            return Err(OtpKeyError);
        }
        Ok(Self { secret, algorithm, digits })
    }

    /// A new key, with as many bytes as the hash function yields (RFC 6238 section 5.1): 160 bits for SHA-1.
    ///
    /// # Errors
    /// [`EntropyError`] if `entropy` failed.
    pub fn generate(
        algorithm: OtpAlgorithm,
        digits: OtpDigits,
        entropy: &dyn Entropy,
    ) -> Result<Self, EntropyError> {
        let len = match algorithm {
            OtpAlgorithm::Sha1 => 20,
            OtpAlgorithm::Sha256 => 32,
            OtpAlgorithm::Sha512 => 64,
        };
        let mut secret = vec![0; len];
        entropy.fill(&mut secret)?;
        Ok(Self { secret: Secret::new(secret), algorithm, digits })
    }

    /// The hash function.
    #[must_use]
    pub fn algorithm(&self) -> OtpAlgorithm {
        self.algorithm
    }

    /// How many digits a code has.
    #[must_use]
    pub fn digits(&self) -> OtpDigits {
        self.digits
    }

    /// The code at a counter (RFC 4226 section 5.3), as the device shows it: for tests, and for programs that are
    /// the device.
    #[must_use]
    pub fn code_at(&self, counter: u64) -> Zeroizing<String> {
        let width = usize::from(self.digits.get());
        Zeroizing::new(format!("{:0width$}", self.number_at(counter)))
    }

    /// The code as a number.
    pub(super) fn number_at(&self, counter: u64) -> u32 {
        let counter = counter.to_be_bytes();
        let truncated = match self.algorithm {
            OtpAlgorithm::Sha1 => {
                let mut mac = Hmac::<Sha1>::new(&self.block().into());
                mac.update(&counter);
                truncate(&mac.finalize().into_bytes())
            }
            OtpAlgorithm::Sha256 => {
                let mut mac = Hmac::<Sha256>::new(&self.block().into());
                mac.update(&counter);
                truncate(&mac.finalize().into_bytes())
            }
            OtpAlgorithm::Sha512 => {
                let mut mac = Hmac::<Sha512>::new(&self.block().into());
                mac.update(&counter);
                truncate(&mac.finalize().into_bytes())
            }
        };
        match self.digits {
            OtpDigits::Six => truncated % 1_000_000,
            OtpDigits::Seven => truncated % 10_000_000,
            OtpDigits::Eight => truncated % 100_000_000,
        }
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.secret.expose()
    }

    /// The secret as a block of HMAC, which pads it with zeros (RFC 2104 section 2). It is never longer.
    fn block<const N: usize>(&self) -> [u8; N] {
        let mut block = [0; N];
        for (to, from) in block.iter_mut().zip(self.secret.expose()) {
            *to = *from;
        }
        block
    }
}

impl fmt::Debug for OtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtpKey")
            .field("algorithm", &self.algorithm)
            .field("digits", &self.digits)
            .finish_non_exhaustive()
    }
}

/// Four bytes from where the last four bits say, without the first bit (RFC 4226 section 5.3).
fn truncate(mac: &[u8]) -> u32 {
    let offset = usize::from(mac.last().copied().unwrap_or(0) & 0xf);
    // At most 15, and a tag has 20 bytes and more.
    let four = mac.get(offset..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; 4]);
    u32::from_be_bytes(four) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &[u8], algorithm: OtpAlgorithm, digits: OtpDigits) -> OtpKey {
        OtpKey::new(Secret::new(secret.to_vec()), algorithm, digits).unwrap()
    }

    /// RFC 4226 appendix D.
    #[test]
    fn the_vectors_of_rfc_4226_hold() {
        let key = key(b"12345678901234567890", OtpAlgorithm::Sha1, OtpDigits::Six);
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (counter, expected) in (0..).zip(expected) {
            assert_eq!(*key.code_at(counter), expected);
        }
    }

    /// RFC 6238 appendix B, all rows, the years 2603 included: steps beyond 32 bits of seconds.
    #[test]
    fn the_vectors_of_rfc_6238_hold() {
        let rows = [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000_u64, "65353130", "77737706", "47863826"),
        ];
        let seed: Vec<u8> = b"1234567890".iter().copied().cycle().take(64).collect();
        for (time, sha1, sha256, sha512) in rows {
            for (algorithm, len, expected) in [
                (OtpAlgorithm::Sha1, 20, sha1),
                (OtpAlgorithm::Sha256, 32, sha256),
                (OtpAlgorithm::Sha512, 64, sha512),
            ] {
                let key = key(&seed[..len], algorithm, OtpDigits::Eight);
                assert_eq!(*key.code_at(time / 30), expected, "{algorithm:?} at {time}");
            }
        }
    }

    /// No counter and no length panics, and zeros in front are kept.
    #[test]
    fn every_code_has_its_digits() {
        for digits in [OtpDigits::Six, OtpDigits::Seven, OtpDigits::Eight] {
            let key = key(&[7; 16], OtpAlgorithm::Sha1, digits);
            for counter in (0..2_000).chain([u64::from(u32::MAX), u64::MAX]) {
                assert_eq!(key.code_at(counter).len(), usize::from(digits.get()));
            }
        }
        assert_eq!([5, 9].map(OtpDigits::new), [None, None]);
    }

    /// RFC 4226 section 4: 128 bits at least; and whoever reads the secret makes every code.
    #[test]
    fn a_secret_has_128_bits_and_more_and_is_not_shown() {
        let new = |len| OtpKey::new(Secret::new(vec![1; len]), OtpAlgorithm::Sha1, OtpDigits::Six);
        assert!(new(15).is_err() && new(65).is_err() && new(16).is_ok() && new(64).is_ok());
        let made = OtpKey::generate(OtpAlgorithm::Sha1, OtpDigits::Six, &auth_core::SystemEntropy).unwrap();
        assert_eq!(made.expose().len(), 20);
        assert_eq!(format!("{made:?}"), "OtpKey { algorithm: Sha1, digits: Six, .. }");
    }
}
