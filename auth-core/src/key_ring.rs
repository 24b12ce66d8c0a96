//! Named master keys, and everything that is derived from them.

mod by_id;

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    Entropy, EntropyError, PrincipalId, Secret, entropy_array,
    text::{self, Class},
};

text::name! {
    /// Names a master key, for the people who rotate it.
    KeyName, max: 64, class: Class::Identifier
}

/// What a derived key is for. Keys of two purposes have nothing to do with each other.
///
/// A purpose is written in the program; choose one that no other code uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Purpose(&'static str);

impl Purpose {
    /// The purpose of this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// What a sealed secret belongs to. It opens only under the same binding, so that sealed secrets cannot be
/// swapped between accounts or rows.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// The account that it belongs to, if to one.
    pub account: Option<&'a PrincipalId>,
    /// The row, and where it matters the column, that it is kept in.
    pub row: &'a [u8],
}

/// A key ring could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// A master key has fewer than 32 bytes.
    #[error("master key is shorter than 32 bytes")]
    TooShort,
    /// Every byte of a master key is the same: a buffer that nobody filled, or a placeholder that nobody replaced.
    #[error("master key is not random")]
    NotRandom,
    /// Two keys have one name, or one key has two.
    #[error("two keys share a name or a value")]
    Duplicate,
    /// More than [`KeyRing::MAX_KEYS`] keys.
    #[error("more than 16 keys")]
    TooMany,
    /// The text of a key file cannot be read.
    #[error("key file is malformed at line {line}")]
    Malformed {
        /// Counted from 1.
        line: usize,
    },
    /// There is no key in the file.
    #[error("key file has no key")]
    Empty,
    /// There is no randomness to make a key from.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// A sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is not something that a ring has sealed.
    #[error("not a sealed value")]
    Malformed,
    /// It was sealed under a key that the ring does not have.
    #[error("sealed under an unknown key")]
    UnknownKey,
    /// It was changed, or it belongs to another purpose, account or row.
    #[error("sealed value does not open here")]
    Refused,
}

/// A key for one purpose. Wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DerivedKey([u8; 32]);

impl DerivedKey {
    /// The 256 bits.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey(redacted)")
    }
}

/// The server's master keys: one that is current, and those that were.
///
/// Nothing uses a master key itself: each use derives its own by HKDF-SHA-256 (RFC 5869) from its
/// [`Purpose`]. New things are made with the current key; what was made with a retired one is still
/// accepted, until the key is dropped from the ring.
///
/// Keep a retired key for as long as anything lives that was made with it. For sessions that is the longest absolute
/// timeout after the key was current last, refresh tokens and remembered logins included: their ids keep the
/// [tag](crate::SessionId::tag) that it made, by which all of a principal's are ended and listed.
#[derive(Clone)]
pub struct KeyRing {
    current: Key,
    retired: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    name: KeyName,
    secret: Secret,
    /// Public: says under which key something was sealed.
    id: [u8; 8],
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retired: Vec<_> = self.retired.iter().map(|key| &key.name).collect();
        f.debug_struct("KeyRing").field("current", &self.current.name).field("retired", &retired).finish()
    }
}

impl KeyRing {
    /// The most keys, current and retired.
    pub const MAX_KEYS: usize = 16;
    /// The fewest bytes of a master key.
    pub const MIN_KEY_LEN: usize = 32;
    const SEAL_VERSION: u8 = 1;
    const NONCE_LEN: usize = 24;
    /// How much longer a sealed value is than its content: version, key id, nonce and tag.
    pub const SEAL_OVERHEAD: usize = 1 + 8 + Self::NONCE_LEN + 16;

    /// A ring of one key.
    ///
    /// # Errors
    /// [`KeyRingError::TooShort`] if the secret has fewer than 32 bytes, [`KeyRingError::NotRandom`] if they are
    /// all the same.
    pub fn new(name: KeyName, secret: Secret) -> Result<Self, KeyRingError> {
        Ok(Self { current: Key::new(name, secret)?, retired: Vec::new() })
    }

    /// A ring of one new key.
    ///
    /// # Errors
    /// [`KeyRingError::Entropy`] if `entropy` failed, [`KeyRingError::NotRandom`] if it did so and said nothing.
    pub fn generate(name: KeyName, entropy: &dyn Entropy) -> Result<Self, KeyRingError> {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(entropy_array(entropy)?);
        Self::new(name, Secret::new(bytes.to_vec()))
    }

    /// The same ring with one more retired key.
    ///
    /// # Errors
    /// [`KeyRingError`] if it is too short, not random, a duplicate, or one too many.
    pub fn with_retired(mut self, name: KeyName, secret: Secret) -> Result<Self, KeyRingError> {
        let key = Key::new(name, secret)?;
        if self.all().any(|other| other.name == key.name || other.id == key.id) {
            return Err(KeyRingError::Duplicate);
        }
        if self.all().count() >= Self::MAX_KEYS {
            return Err(KeyRingError::TooMany);
        }
        self.retired.push(key);
        Ok(self)
    }

    /// Reads a key file: a line `<name> <base64url>` for each key, the current one first. Empty lines and
    /// lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// [`KeyRingError`] names the line, never its content.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut ring: Option<Self> = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || KeyRingError::Malformed { line: index.saturating_add(1) };
            let (name, secret) = line.split_once(' ').ok_or_else(malformed)?;
            let name = KeyName::parse(name).map_err(|_| malformed())?;
            let secret = Secret::new(URL_SAFE_NO_PAD.decode(secret.trim()).map_err(|_| malformed())?);
            ring = Some(match ring {
                None => Self::new(name, secret)?,
                Some(ring) => ring.with_retired(name, secret)?,
            });
        }
        ring.ok_or(KeyRingError::Empty)
    }

    /// The ring as the text of a key file, which only the server may read.
    #[must_use]
    pub fn expose_file(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for key in self.all() {
            let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.secret.expose()));
            for part in [key.name.as_str(), " ", &secret, "\n"] {
                text.push_str(part);
            }
        }
        text
    }

    /// The current key for `purpose`.
    #[must_use]
    pub fn derive(&self, purpose: Purpose) -> DerivedKey {
        self.current.derive("key", purpose)
    }

    /// The keys for `purpose`, the current one first: for accepting what was made with any of them.
    pub fn derive_all(&self, purpose: Purpose) -> impl Iterator<Item = DerivedKey> {
        self.all().map(move |key| key.derive("key", purpose))
    }

    /// HMAC-SHA-256 of `parts`, each behind its length, under the current key for `purpose`.
    #[must_use]
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        self.current.mac(purpose, parts)
    }

    /// As [`mac`](Self::mac), under each retired key.
    pub fn retired_macs(&self, purpose: Purpose, parts: &[&[u8]]) -> impl Iterator<Item = [u8; 32]> {
        self.retired.iter().map(move |key| key.mac(purpose, parts))
    }

    /// Encrypts `content` for storage (XChaCha20-Poly1305), so that it opens only for the same purpose and
    /// binding.
    ///
    /// # Errors
    /// [`EntropyError`] if `entropy` failed.
    pub fn seal(
        &self,
        purpose: Purpose,
        binding: Binding<'_>,
        content: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, EntropyError> {
        let nonce: [u8; Self::NONCE_LEN] = entropy_array(entropy)?;
        let mut sealed = Vec::with_capacity(content.len().saturating_add(Self::SEAL_OVERHEAD));
        sealed.push(Self::SEAL_VERSION);
        sealed.extend_from_slice(&self.current.id);
        sealed.extend_from_slice(&nonce);
        let aad = associated(purpose, binding);
        // The cipher fails only beyond 256 GiB; reporting that as missing entropy keeps one error.
        let body = self
            .current
            .cipher(purpose)
            .encrypt(&XNonce::from(nonce), Payload { msg: content, aad: &aad })
            .map_err(|_| EntropyError)?;
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Decrypts what [`seal`](Self::seal) made, under the key it was made with.
    ///
    /// # Errors
    /// [`OpenError`]; what was tampered with and what belongs elsewhere look the same.
    pub fn open(&self, purpose: Purpose, binding: Binding<'_>, sealed: &[u8]) -> Result<Secret, OpenError> {
        let rest = sealed.strip_prefix(&[Self::SEAL_VERSION]).ok_or(OpenError::Malformed)?;
        let (id, rest) = rest.split_first_chunk::<8>().ok_or(OpenError::Malformed)?;
        let (nonce, body) = rest.split_first_chunk::<{ Self::NONCE_LEN }>().ok_or(OpenError::Malformed)?;
        let key = self.all().find(|key| key.id == *id).ok_or(OpenError::UnknownKey)?;
        let aad = associated(purpose, binding);
        key.cipher(purpose)
            .decrypt(&XNonce::from(*nonce), Payload { msg: body, aad: &aad })
            .map(Secret::new)
            .map_err(|_| OpenError::Refused)
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.retired)
    }
}

impl Key {
    fn new(name: KeyName, secret: Secret) -> Result<Self, KeyRingError> {
        if secret.len() < KeyRing::MIN_KEY_LEN {
            return Err(KeyRingError::TooShort);
        }
        let bytes = secret.expose();
        if bytes.first().is_some_and(|first| bytes.iter().all(|byte| byte == first)) {
            return Err(KeyRingError::NotRandom);
        }
        let mut key = Self { name, secret, id: [0; 8] };
        let DerivedKey([a, b, c, d, e, f, g, h, ..]) = &key.derive("id", Purpose::new(""));
        key.id = [*a, *b, *c, *d, *e, *f, *g, *h];
        Ok(key)
    }

    /// `label` keeps apart what a ring derives for itself and what it hands out.
    fn derive(&self, label: &str, purpose: Purpose) -> DerivedKey {
        let mut key = DerivedKey([0; 32]);
        let info = [b"auth/1/", label.as_bytes(), b"/", purpose.as_str().as_bytes()];
        // 32 bytes are one block of SHA-256: HKDF refuses only more than 255 blocks.
        let expanded = Hkdf::<Sha256>::new(None, self.secret.expose()).expand_multi_info(&info, &mut key.0);
        debug_assert!(expanded.is_ok());
        key
    }

    fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC pads short keys with zeros (RFC 2104 section 2); a whole block needs no fallible call.
        let mut block = Zeroizing::new([0; 64]);
        for (to, from) in block.iter_mut().zip(self.derive("mac", purpose).0) {
            *to = from;
        }
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new(&(*block).into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn cipher(&self, purpose: Purpose) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derive("seal", purpose).0.into())
    }
}

fn associated(purpose: Purpose, binding: Binding<'_>) -> Vec<u8> {
    let account = binding.account.map(PrincipalId::to_bytes);
    let account: &[u8] = account.as_deref().unwrap_or_default();
    let mut bytes = Vec::new();
    for part in [purpose.as_str().as_bytes(), account, binding.row] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    const A: Purpose = Purpose::new("a");
    const B: Purpose = Purpose::new("b");

    fn name(text: &str) -> KeyName {
        KeyName::parse(text).unwrap()
    }

    fn ring(byte: u8) -> KeyRing {
        KeyRing::new(name(&format!("k{byte}")), secret(byte)).unwrap()
    }

    fn secret(byte: u8) -> Secret {
        Secret::new((byte..).take(32).collect())
    }

    /// HKDF-Expand bounds its output; a refusal there must never leave a key of zeros.
    #[test]
    fn no_derived_key_is_empty_and_purposes_do_not_share_keys() {
        assert_ne!(ring(1).derive(A).expose(), &[0; 32]);
        assert_ne!(ring(1).derive(A).expose(), ring(1).derive(B).expose());
        assert_ne!(ring(1).derive(A).expose(), ring(2).derive(A).expose());
        assert_ne!(ring(1).mac(A, &[b"ab", b"c"]), ring(1).mac(A, &[b"a", b"bc"]));
    }

    #[test]
    fn weak_and_duplicate_keys_are_refused() {
        let short = KeyRing::new(name("a"), Secret::new(vec![1; 31]));
        assert_eq!(short.unwrap_err(), KeyRingError::TooShort);
        let same_name = ring(1).with_retired(name("k1"), secret(2));
        assert_eq!(same_name.unwrap_err(), KeyRingError::Duplicate);
        let same_value = ring(1).with_retired(name("k2"), secret(1));
        assert_eq!(same_value.unwrap_err(), KeyRingError::Duplicate);
    }

    /// A buffer that nobody filled makes keys that everybody can derive: every cookie and token could be forged.
    #[test]
    fn a_key_that_is_one_byte_over_and_over_is_refused() {
        for constant in [vec![0; 32], vec![b'a'; 64], vec![255; 33]] {
            let text = format!("k {}", URL_SAFE_NO_PAD.encode(&constant));
            assert_eq!(KeyRing::parse(&text).unwrap_err(), KeyRingError::NotRandom);
            let second = format!("{}{text}", *ring(1).expose_file());
            assert_eq!(KeyRing::parse(&second).unwrap_err(), KeyRingError::NotRandom);
            let secret = Secret::new(constant);
            assert_eq!(ring(1).with_retired(name("k"), secret.clone()).unwrap_err(), KeyRingError::NotRandom);
            assert_eq!(KeyRing::new(name("k"), secret).unwrap_err(), KeyRingError::NotRandom);
        }
        assert_eq!(KeyRing::generate(name("k"), &Unfilled).unwrap_err(), KeyRingError::NotRandom);
    }

    /// A source that says it filled the buffer, and did not.
    struct Unfilled;

    impl Entropy for Unfilled {
        fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
            Ok(())
        }
    }

    #[test]
    fn a_sealed_secret_opens_only_where_it_belongs() {
        let ann = PrincipalId::local_user("ann").unwrap();
        let bob = PrincipalId::local_user("bob").unwrap();
        let at = |account, row| Binding { account: Some(account), row };
        let ring = ring(1);
        let sealed = ring.seal(A, at(&ann, b"1"), b"secret", &SystemEntropy).unwrap();
        assert_eq!(sealed.len(), 6 + KeyRing::SEAL_OVERHEAD);
        assert_eq!(ring.open(A, at(&ann, b"1"), &sealed).unwrap().expose(), b"secret");
        for (purpose, binding) in [
            (B, at(&ann, b"1")),
            (A, at(&bob, b"1")),
            (A, at(&ann, b"2")),
            (A, Binding { account: None, row: b"1" }),
        ] {
            assert_eq!(ring.open(purpose, binding, &sealed).unwrap_err(), OpenError::Refused);
        }
    }

    #[test]
    fn no_bit_of_a_sealed_secret_can_be_changed() {
        let binding = Binding { account: None, row: b"row" };
        let ring = ring(1);
        let sealed = ring.seal(A, binding, b"secret", &SystemEntropy).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(ring.open(A, binding, &changed).is_err(), "byte {index}");
            assert!(ring.open(A, binding, &sealed[..index]).is_err(), "cut at {index}");
        }
    }

    /// The old key still opens, the new one seals, an unknown one is refused.
    #[test]
    fn a_retired_key_opens_and_a_dropped_one_does_not() {
        let binding = Binding { account: None, row: b"row" };
        let old = ring(1).seal(A, binding, b"x", &SystemEntropy).unwrap();
        let rotated = ring(2).with_retired(name("k1"), secret(1)).unwrap();
        assert!(rotated.open(A, binding, &old).is_ok());
        assert_eq!(ring(2).open(A, binding, &old).unwrap_err(), OpenError::UnknownKey);
        let new = rotated.seal(A, binding, b"x", &SystemEntropy).unwrap();
        assert!(ring(2).open(A, binding, &new).is_ok());
    }

    #[test]
    fn a_key_file_survives_writing_and_reading() {
        let ring = KeyRing::generate(name("2026-01"), &SystemEntropy)
            .unwrap()
            .with_retired(name("2025-01"), Secret::new((7..).take(40).collect()))
            .unwrap();
        let text = ring.expose_file();
        let back = KeyRing::parse(&format!("# keys\n\n{}", *text)).unwrap();
        assert_eq!(back.derive(A).expose(), ring.derive(A).expose());
        assert_eq!(back.derive_all(A).count(), 2);
    }

    #[test]
    fn a_bad_key_file_names_the_line_and_not_the_key() {
        assert_eq!(KeyRing::parse("# none\n").unwrap_err(), KeyRingError::Empty);
        for bad in ["a", "a b!", "a  ", "é AAAA"] {
            let error = KeyRing::parse(&format!("#\n{bad}")).unwrap_err();
            assert_eq!(error, KeyRingError::Malformed { line: 2 }, "{bad:?}");
        }
        assert_eq!(KeyRing::parse("a AAAA").unwrap_err(), KeyRingError::TooShort);
    }

    #[test]
    fn debug_shows_names_only() {
        let shown = format!("{:?} {:?}", ring(1), ring(1).derive(A));
        assert_eq!(shown, "KeyRing { current: KeyName(\"k1\"), retired: [] } DerivedKey(redacted)");
    }
}
