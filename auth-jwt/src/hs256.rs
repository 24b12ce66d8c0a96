//! The key of HS256: HMAC with SHA-256 (RFC 7518 section 3.2).

use std::{fmt, sync::Arc};

use auth_core::{DerivedKey, Entropy, EntropyError, Secret, entropy_array};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    KeyId, base64url,
    json::{JsonKind, Members, Reader},
};

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Shorter than the hash (RFC 7518 section 3.2).
    #[error("key has {found} bytes, at least {min} are needed")]
    TooShort {
        /// How many it has.
        found: usize,
        /// How many it needs.
        min: usize,
    },
    /// Every byte is the same: a buffer that nobody filled, or a placeholder that nobody replaced.
    #[error("key is not random")]
    NotRandom,
    /// It is a public or private key of another kind, in PEM, DER, JWK or OpenSSH form. What may be public
    /// is not a secret (RFC 8725 section 2.1; CVE-2016-10555).
    #[error("key is an asymmetric key, not a shared secret")]
    Asymmetric,
    /// Several keys are told apart by their ids, so each needs one of its own.
    #[error("key has no id, or shares it with another key")]
    AmbiguousId,
    /// More keys than a verifier holds.
    #[error("more than {max} keys")]
    TooMany {
        /// The most that it holds.
        max: usize,
    },
}

/// A secret that makes and checks HS256 signatures, and nothing else: the algorithm is the type.
///
/// Whoever can verify with it can also sign. Cheap to clone; wiped when the last clone goes.
///
/// ```
/// use auth_core::Secret;
/// use auth_jwt::{Hs256Key, KeyError, KeyId};
///
/// let secret = Secret::new((0..32).collect()); // yours comes from a key ring or a secret store
/// let key = Hs256Key::new(&secret)?.with_id(KeyId::new("2026-05")?);
/// assert_eq!(
///     Hs256Key::new(&Secret::from("hunter2".to_owned())).unwrap_err(),
///     KeyError::TooShort { found: 7, min: 32 },
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Hs256Key {
    // Keyed once: the two blocks that HMAC begins with are not hashed again for each token.
    keyed: Arc<Hmac<Sha256>>,
    id: Option<KeyId>,
}

impl Hs256Key {
    /// The `alg` of its tokens (RFC 7518 section 3.1).
    pub const ALGORITHM: &'static str = "HS256";
    /// The fewest bytes that a secret may have: as many as the hash (RFC 7518 section 3.2).
    pub const MIN_LEN: usize = 32;
    /// Length of a signature in base64url.
    pub(crate) const SIGNATURE_TEXT_LEN: usize = base64url::encoded_len(32);

    /// A key from at least 32 bytes that were made at random. A password is not such a secret.
    ///
    /// # Errors
    /// [`KeyError::TooShort`], [`KeyError::NotRandom`] or [`KeyError::Asymmetric`].
    pub fn new(secret: &Secret) -> Result<Self, KeyError> {
        let bytes = secret.expose();
        if bytes.len() < Self::MIN_LEN {
            return Err(KeyError::TooShort { found: bytes.len(), min: Self::MIN_LEN });
        }
        if bytes.first().is_some_and(|first| bytes.iter().all(|byte| byte == first)) {
            return Err(KeyError::NotRandom);
        }
        if is_asymmetric(bytes) {
            return Err(KeyError::Asymmetric);
        }
        Hmac::new_from_slice(bytes)
            .map(Self::keyed)
            .map_err(|_| KeyError::TooShort { found: bytes.len(), min: Self::MIN_LEN })
    }

    /// A key derived from a [`KeyRing`](auth_core::KeyRing), under a purpose of its own.
    ///
    /// Its id comes from the key itself, so that the keys of a ring are told apart when it is rotated.
    ///
    /// ```
    /// use auth_core::{KeyName, KeyRing, Purpose, SystemEntropy};
    /// use auth_jwt::{Hs256Key, KeyError, TokenPolicy, Verifier};
    ///
    /// const TOKENS: Purpose = Purpose::new("access tokens");
    ///
    /// fn verifier(ring: &KeyRing, policy: TokenPolicy) -> Result<Verifier, KeyError> {
    ///     let current = Verifier::new(Hs256Key::derived(&ring.derive(TOKENS)), policy);
    ///     let retired = ring.derive_all(TOKENS).skip(1);
    ///     retired.map(|key| Hs256Key::derived(&key)).try_fold(current, Verifier::with_key)
    /// }
    /// # let ring = KeyRing::generate(KeyName::parse("b")?, &SystemEntropy)?
    /// #     .with_retired(KeyName::parse("a")?, auth_core::Secret::new((0..32).collect()))?;
    /// # let issuer = auth_jwt::Issuer::new("https://id.example")?;
    /// # assert!(verifier(&ring, TokenPolicy::access_token(issuer, auth_jwt::any_audience())).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn derived(key: &DerivedKey) -> Self {
        let key = Self::padded(key.expose());
        // No token's signing input: those have a dot. Eight bytes tell the keys of one ring apart.
        let mac = key.sign(b"auth-jwt key id");
        let ([fingerprint, ..], _) = mac.as_chunks::<8>() else { return key };
        let mut id = String::new();
        base64url::encode_to(fingerprint, &mut id);
        Self { id: KeyId::new(&id).ok(), ..key }
    }

    /// A new key that exists only in this process: its tokens die with it.
    ///
    /// # Errors
    /// [`EntropyError`] if `entropy` failed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let secret = Zeroizing::new(entropy_array::<32>(entropy)?);
        Ok(Self::padded(&secret))
    }

    /// The same key under a name, which its tokens then carry as `kid`.
    #[must_use]
    pub fn with_id(self, id: KeyId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// The name of the key, if it has one.
    #[must_use]
    pub fn id(&self) -> Option<&KeyId> {
        self.id.as_ref()
    }

    pub(crate) fn sign(&self, input: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::clone(&self.keyed);
        mac.update(input);
        mac.finalize().into_bytes().into()
    }

    /// Compares in constant time.
    pub(crate) fn verifies(&self, input: &[u8], signature: &[u8; 32]) -> bool {
        let mut mac = Hmac::clone(&self.keyed);
        mac.update(input);
        mac.verify(signature.into()).is_ok()
    }

    /// HMAC pads a key with zeros to a block (RFC 2104 section 2); doing so here leaves nothing that can fail.
    fn padded(secret: &[u8; 32]) -> Self {
        let mut block = Zeroizing::new([0; 64]);
        for (to, from) in block.iter_mut().zip(secret) {
            *to = *from;
        }
        let block: &[u8; 64] = &block;
        Self::keyed(Hmac::new(block.into()))
    }

    fn keyed(mac: Hmac<Sha256>) -> Self {
        Self { keyed: Arc::new(mac), id: None }
    }
}

impl fmt::Debug for Hs256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hs256Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Whether the bytes are the text or DER form of a key pair's half. Comparing with the verifier's own public
/// keys would catch fewer mistakes: this one is made with files.
fn is_asymmetric(whole: &[u8]) -> bool {
    let bytes = whole.strip_prefix(b"\xef\xbb\xbf").unwrap_or(whole).trim_ascii();
    // PEM (RFC 7468), also behind explanatory text; SSH2 and PuTTY files; authorized_keys lines.
    const TEXTS: [&[u8]; 7] = [
        b"-----BEGIN ",
        b"---- BEGIN ",
        b"PuTTY-User-Key-File",
        b"ssh-",
        b"ecdsa-sha2-",
        b"sk-ssh-",
        b"sk-ecdsa-sha2-",
    ];
    TEXTS.iter().any(|text| bytes.starts_with(text))
        || memchr::memmem::find(bytes, b"\n-----BEGIN ").is_some()
        // A key that happens to end in a byte that is white space in text is still a key.
        || is_der(whole)
        || is_der(bytes)
        || is_jwk(bytes)
}

/// A SEQUENCE whose length is exactly that of the rest: SPKI, PKCS#1, PKCS#8, SEC1, a certificate. A random
/// secret of 32 bytes or more is one with a chance of about 2^-23 at most, and is then simply made again.
fn is_der(bytes: &[u8]) -> bool {
    match bytes {
        [0x30, len @ 0..=0x7f, rest @ ..] => usize::from(*len) == rest.len() && is_der_key(rest),
        [0x30, 0x81, len, rest @ ..] => usize::from(*len) == rest.len() && is_der_key(rest),
        [0x30, 0x82, high, low, rest @ ..] => {
            usize::from(u16::from_be_bytes([*high, *low])) == rest.len() && is_der_key(rest)
        }
        _ => false,
    }
}

/// Such a sequence begins with another one or with an integer.
fn is_der_key(rest: &[u8]) -> bool {
    matches!(rest.first(), Some(0x30 | 0x02))
}

/// A JSON object with a `kty` (RFC 7517 section 4.1), whatever it says: a JWK is not the bytes of its key.
fn is_jwk(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut reader = Reader::header(text);
    if !matches!(reader.kind(), Ok(JsonKind::Object)) || reader.open_object().is_err() {
        return false;
    }
    let mut seen = Members::default();
    while let Ok(Some(name)) = reader.next_name(&mut seen) {
        if name.is("kty") || name.is("keys") {
            return true;
        }
        if reader.skip().is_err() {
            break;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use auth_core::SystemEntropy;
    use zeroize::ZeroizeOnDrop;

    use super::*;

    fn key(bytes: &[u8]) -> Result<Hs256Key, KeyError> {
        Hs256Key::new(&Secret::new(bytes.to_vec()))
    }

    /// RFC 4231 section 4.2 to 4.4 need shorter keys than are allowed here; case 6 has a long one.
    #[test]
    fn a_long_key_is_hashed_as_the_standard_says() {
        let mut secret = vec![0xaa; 131];
        let input = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(key(&secret).unwrap_err(), KeyError::NotRandom, "the standard's own key");
        // The same length, with one byte changed, against the generic implementation.
        secret[0] = 0;
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
        mac.update(input);
        let expected: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(key(&secret).unwrap().sign(input), expected);
    }

    #[test]
    fn a_padded_key_signs_like_the_secret_itself() {
        let secret: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        assert_eq!(Hs256Key::padded(&secret).sign(b"x"), key(&secret).unwrap().sign(b"x"));
    }

    /// A ring's keys must be told apart, on every machine alike.
    #[test]
    fn a_derived_key_is_named_after_itself() {
        use auth_core::{KeyName, KeyRing, Purpose};
        let ring = KeyRing::new(KeyName::parse("a").unwrap(), Secret::new((0..32).collect())).unwrap();
        let id = |purpose| Hs256Key::derived(&ring.derive(purpose)).id().unwrap().clone();
        assert_eq!(id(Purpose::new("a")), id(Purpose::new("a")));
        assert_ne!(id(Purpose::new("a")), id(Purpose::new("b")));
        assert_eq!(id(Purpose::new("a")).as_str().len(), 11);
    }

    /// Checklist, signature: empty and short secrets (PyJWT 2.13, wycheproof key_too_short and empty_key).
    #[test]
    fn a_weak_secret_is_refused() {
        assert_eq!(key(b"").unwrap_err(), KeyError::TooShort { found: 0, min: 32 });
        assert_eq!(key(&[1; 31]).unwrap_err(), KeyError::TooShort { found: 31, min: 32 });
        assert_eq!(key(&[0; 32]).unwrap_err(), KeyError::NotRandom);
        assert_eq!(key(&[b'a'; 64]).unwrap_err(), KeyError::NotRandom);
    }

    /// Checklist, alg selection: a public key as HMAC secret (CVE-2016-10555, CVE-2022-29217,
    /// CVE-2023-48223, CVE-2026-34950, CVE-2024-37568).
    #[test]
    fn an_asymmetric_key_is_not_a_secret() {
        let pem =
            "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n";
        let mut spki = vec![0x30, 0x59, 0x30, 0x13];
        spki.extend((0..0x57).map(|n: u8| n));
        let mut pkcs1 = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01];
        pkcs1.extend((0..0x106).map(|n: u16| n.to_le_bytes()[0]));
        for bad in [
            pem.as_bytes().to_vec(),
            format!("\n\t  {pem}").into_bytes(),
            format!("\u{feff}{pem}").into_bytes(),
            format!("Bag Attributes\n{pem}").into_bytes(),
            b"-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA".to_vec(),
            b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3 ann@example".to_vec(),
            b"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=".to_vec(),
            b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAA".to_vec(),
            br#"{"alg":"RS256", "\u006bty":"RSA","n":"0vx7agoebGcQSuu","e":"AQAB"}"#.to_vec(),
            br#"{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAA"}]}"#.to_vec(),
            spki,
            pkcs1,
        ] {
            assert_eq!(key(&bad).unwrap_err(), KeyError::Asymmetric, "{}", String::from_utf8_lossy(&bad));
        }
        assert!(key(b"{a text that only begins like json, and is a secret}").is_ok());
        assert!(key(&[&[0x30, 0x1e, 0x30][..], &[7; 30]].concat()).is_ok(), "not a length that fits");
    }

    #[test]
    fn a_key_is_wiped_and_its_debug_shows_nothing() {
        fn wiped<T: ZeroizeOnDrop>() {}
        // What HMAC keeps of the key: its two keyed states.
        wiped::<sha2::block_api::Sha256VarCore>();
        let key = Hs256Key::generate(&SystemEntropy).unwrap().with_id(KeyId::new("k1").unwrap());
        assert_eq!(format!("{key:?}"), r#"Hs256Key { id: Some(KeyId("k1")), .. }"#);
    }
}
