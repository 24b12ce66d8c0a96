//! Values that must not leak, and what a store may keep of them.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{Entropy, EntropyError};

/// Bytes that must not leak: a password, a key, a token.
///
/// Redacted in `Debug`, wiped on drop, and without `Display`, `PartialEq` or `Serialize`. The one way to
/// the bytes is [`expose`](Self::expose), so every use is one search away.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes `bytes` as a secret. What a vector with spare capacity leaves behind is wiped.
    #[must_use]
    pub fn new(mut bytes: Vec<u8>) -> Self {
        // Without spare capacity the memory itself is taken over, and nothing is left behind.
        if bytes.len() == bytes.capacity() {
            return Self(bytes.into_boxed_slice());
        }
        let boxed = bytes.as_slice().into();
        bytes.zeroize();
        Self(boxed)
    }

    /// The bytes. Copies made of them are the caller's to wipe.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text, or `None` if they are not UTF-8.
    #[must_use]
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl Zeroize for Secret {
    fn zeroize(&mut self) {
        // As one slice: through its box it would be wiped byte by byte.
        self.0.as_mut().zeroize();
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The secret half of a session cookie: 256 unpredictable bits.
///
/// It exists in the cookie and, while a request is handled, in memory. A store only ever sees its
/// [`SecretHash`].
#[derive(Clone)]
pub struct SessionSecret([u8; 32]);

impl SessionSecret {
    /// Length of the text form, in bytes.
    pub const TEXT_LEN: usize = 43;

    /// A new secret.
    ///
    /// # Errors
    /// [`EntropyError`] if `entropy` failed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut secret = Self([0; 32]);
        entropy.fill(&mut secret.0)?;
        Ok(secret)
    }

    /// Reads the text form: 43 characters of canonical base64url without padding (RFC 4648 section 5).
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != Self::TEXT_LEN {
            return None;
        }
        let mut secret = Self([0; 32]);
        let written = URL_SAFE_NO_PAD.decode_slice(text, &mut secret.0).ok()?;
        (written == 32).then_some(secret)
    }

    /// The text form, for the `Set-Cookie` header and nothing else.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// What a store may keep of it.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl Drop for SessionSecret {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl ZeroizeOnDrop for SessionSecret {}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(redacted)")
    }
}

/// The SHA-256 of a high-entropy secret: what a store keeps, so that a copy of the store opens nothing.
///
/// Only for secrets of 128 bits and more; a password needs a slow hash. Comparing is constant-time, in
/// [`ct_eq`](Self::ct_eq); `Eq` and `Hash` exist because stores use hashes as keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of `secret`.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// A hash read back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash for a store to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        // Word by word: byte by byte takes several times as many steps.
        let (ours, theirs) = (self.0.as_chunks().0, other.0.as_chunks().0);
        let same =
            |(one, two): (&[u8; 8], &[u8; 8])| u64::from_ne_bytes(*one).ct_eq(&u64::from_ne_bytes(*two));
        ours.iter().zip(theirs).map(same).fold(Choice::from(1), |all, one| all & one).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    /// No secret, no hash in any log.
    #[test]
    fn debug_shows_nothing_of_a_secret() {
        let secret = Secret::from("hunter2".to_owned());
        let session = SessionSecret::generate(&SystemEntropy).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
        assert_eq!(format!("{session:?}"), "SessionSecret(redacted)");
        assert_eq!(format!("{:?}", session.hash()), "SecretHash(redacted)");
    }

    #[test]
    fn a_session_secret_survives_its_text_form() {
        let secret = SessionSecret::generate(&SystemEntropy).unwrap();
        let text = secret.expose();
        assert_eq!(text.len(), SessionSecret::TEXT_LEN);
        let back = SessionSecret::parse(text.as_bytes()).unwrap();
        assert!(back.hash().ct_eq(&secret.hash()));
    }

    /// Two spellings of one secret would make cookie bytes a poor identity (RFC 4648 section 3.5).
    #[test]
    fn only_the_canonical_text_form_is_read() {
        let canonical = "A".repeat(43);
        assert!(SessionSecret::parse(canonical.as_bytes()).is_some());
        let trailing_bits = format!("{}B", "A".repeat(42));
        for bad in [trailing_bits, format!("{canonical}="), "A".repeat(42), "+".repeat(43), " ".repeat(43)] {
            assert!(SessionSecret::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    /// Compared word by word: no word and no bit of it may be passed over.
    #[test]
    fn a_difference_in_any_bit_is_seen() {
        let hash = SecretHash::of(b"a");
        assert!(hash.ct_eq(&hash.clone()));
        for bit in 0..256 {
            let mut bytes = *hash.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!hash.ct_eq(&SecretHash::from_bytes(bytes)), "{bit}");
        }
    }

    #[test]
    fn hashes_differ_when_secrets_do() {
        assert!(!SecretHash::of(b"a").ct_eq(&SecretHash::of(b"b")));
        assert_eq!(SecretHash::of(b"abc").as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf], "FIPS 180-4's example");
    }
}
