//! bcrypt, as OpenBSD made it.

use base64::{
    Engine,
    alphabet::BCRYPT,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::hash::phc::StoredHashError;

/// The last characters of salt and tag carry bits beyond their last byte. Some programs set them at random, and every
/// other ignores them.
const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// The most bytes of a password that are looked at.
const MAX_KEY_LEN: usize = 72;

/// The base 2 logarithm of the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost(u32);

impl Cost {
    pub(super) const MAX: u32 = 15;

    pub(super) fn new(cost: u32) -> Option<Self> {
        (4..=Self::MAX).contains(&cost).then_some(Self(cost))
    }
}

#[derive(Clone)]
pub(super) struct Hash {
    pub(super) cost: Cost,
    salt: [u8; 16],
    tag: [u8; 23],
    /// Whether it is the hash of the password's SHA-256, in hexadecimal.
    of_sha256: bool,
}

impl Hash {
    /// Reads `$2b$<cost>$<salt><tag>`: 60 characters.
    pub(super) fn parse(stored: &str, of_sha256: bool) -> Result<Self, StoredHashError> {
        let mut parts = stored.split('$');
        let (Some(""), Some(version), Some(cost), Some(text), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(StoredHashError::Malformed);
        };
        if !matches!(version, "2a" | "2b" | "2y") {
            return Err(StoredHashError::Algorithm);
        }
        if cost.len() != 2 || !cost.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StoredHashError::Malformed);
        }
        let cost = cost.parse().ok().and_then(Cost::new).ok_or(StoredHashError::HashParamsOutOfBounds)?;
        let (salt, tag) = text.split_at_checked(22).ok_or(StoredHashError::Malformed)?;
        Ok(Self { cost, salt: decode(salt)?, tag: decode(tag)?, of_sha256 })
    }

    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        let hex;
        let password = if self.of_sha256 {
            hex = sha256_hex(password);
            hex.as_slice()
        } else {
            password
        };
        let tag = compute(self.cost.0, self.salt, password);
        // Programs in C hash what is before the first NUL, others all of it; and the key is repeated with a NUL after
        // each, so that `a` and `a\0a` are one. Whichever was meant, it is not told apart from another password.
        bool::from(tag.get(..23).unwrap_or_default().ct_eq(&self.tag)) & !password.contains(&0)
    }
}

impl Drop for Hash {
    fn drop(&mut self) {
        self.tag.zeroize();
    }
}

/// Computes for as many rounds as a hash of cost `done`, or none, has fewer than one of cost `most`.
pub(super) fn make_up(most: Cost, done: Option<Cost>) {
    let nothing = |cost| std::hint::black_box(compute(cost, [0; 16], b"-"));
    match done {
        None => drop(nothing(most.0)),
        // Powers of two add up: 2^a + .. + 2^(b-1) = 2^b - 2^a.
        Some(done) => (done.0..most.0).for_each(|cost| drop(nothing(cost))),
    }
}

fn compute(cost: u32, salt: [u8; 16], password: &[u8]) -> Zeroizing<[u8; 24]> {
    let mut key = Zeroizing::new([0; MAX_KEY_LEN]);
    let len = key.iter_mut().zip(password).map(|(to, from)| *to = *from).count();
    // With the NUL that ends a string in C, if there is room for it.
    let key = key.get(..len.saturating_add(1)).unwrap_or(key.as_slice());
    Zeroizing::new(bcrypt::bcrypt(cost, salt, key))
}

fn sha256_hex(password: &[u8]) -> Zeroizing<[u8; 64]> {
    let mut hex = Zeroizing::new([0; 64]);
    let digest = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(password)));
    for (to, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(digest.iter()) {
        *to = [byte >> 4, byte & 15]
            .map(|digit| if digit < 10 { b'0' | digit } else { b'W'.wrapping_add(digit) });
    }
    hex
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], StoredHashError> {
    let mut bytes = [0; N];
    match BASE64.decode_slice(text, &mut bytes) {
        Ok(len) if len == N => Ok(bytes),
        _ => Err(StoredHashError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(stored: &str) -> Hash {
        Hash::parse(stored, false).unwrap()
    }

    /// Vectors of jBCrypt and of crypt_blowfish's wrapper.
    #[test]
    fn published_hashes_are_checked() {
        for (password, stored) in [
            ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
            ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
            ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
            ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
            (
                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored",
                "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
            ),
        ] {
            assert!(hash(stored).is_of(password.as_bytes()), "{password}");
            assert!(!hash(stored).is_of(b"b"), "{password}");
        }
    }

    /// What other programs hashed was cut off at 72 bytes, and must be right nevertheless.
    /// 72 bytes exactly are no error.
    #[test]
    fn seventy_two_bytes_are_hashed_and_what_follows_is_right() {
        let tag = compute(4, [7; 16], &[b'x'; 72]);
        let mut hash = hash("$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
        (hash.salt, hash.tag) = ([7; 16], tag[..23].try_into().unwrap());
        for len in [72, 73, 100] {
            assert!(hash.is_of(&vec![b'x'; len]), "{len}");
        }
        assert!(!hash.is_of(&[b'x'; 71]));
    }

    /// The keys of these are equal, or were to programs that stop at the first NUL.
    #[test]
    fn a_password_with_nul_is_never_right() {
        let mut hash = hash("$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
        for (short, long) in [("a", "a\0a"), ("", "\0"), ("", "\0x")] {
            hash.tag = compute(4, hash.salt, short.as_bytes())[..23].try_into().unwrap();
            assert!(hash.is_of(short.as_bytes()));
            assert!(!hash.is_of(long.as_bytes()), "{long:?}");
            hash.tag = compute(4, hash.salt, long.as_bytes())[..23].try_into().unwrap();
            assert!(!hash.is_of(long.as_bytes()), "{long:?}");
        }
        assert_eq!(compute(4, [1; 16], b"a"), compute(4, [1; 16], b"a\0a"), "one key, repeated");
    }

    #[test]
    fn hexadecimal_is_in_lower_case() {
        assert_eq!(*sha256_hex(b"abc"), *b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn what_is_no_hash_of_bcrypt_is_refused() {
        let good = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
        assert!(Hash::parse(good, false).is_ok());
        for (stored, error) in [
            (good.replace("$2b", "$2x"), StoredHashError::Algorithm),
            (good.replace("$12$", "$03$"), StoredHashError::HashParamsOutOfBounds),
            (good.replace("$12$", "$16$"), StoredHashError::HashParamsOutOfBounds),
            (good.replace("$12$", "$99$"), StoredHashError::HashParamsOutOfBounds),
            (good.replace("$12$", "$4$"), StoredHashError::Malformed),
            (good.replace("$12$", "$+4$"), StoredHashError::Malformed),
            (good.replace("$12$", "$012$"), StoredHashError::Malformed),
            (good.replace("URN", "URN="), StoredHashError::Malformed),
            (good.replace("URN", "ÜRN"), StoredHashError::Malformed),
            (good.to_owned() + "a", StoredHashError::Malformed),
            (good.to_owned() + "$", StoredHashError::Malformed),
            (good[..59].to_owned(), StoredHashError::Malformed),
            ("$2b$12$".to_owned(), StoredHashError::Malformed),
        ] {
            assert_eq!(Hash::parse(&stored, false).err(), Some(error), "{stored}");
        }
    }
}
