//! The keys of HS256, HS384 and HS512: HMAC with SHA-2 (RFC 7518 section 3.2).

use std::{fmt, sync::Arc};

use auth_core::{DerivedKey, Entropy, EntropyError, Secret, entropy_array};
use hmac::{
    Hmac, KeyInit, Mac,
    digest::{Key, Output},
};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::{Zeroize, Zeroizing};

use super::{KeyError, Signature, SignatureError, asymmetric::is_asymmetric, check_encoded};
use crate::{Algorithm, KeyId, base64url};

/// The longest secret that is looked at. Longer than the block it is hashed anyway (RFC 2104 section 2).
pub(crate) const MAX_LEN: usize = 1024;

/// What is asked of a secret for any algorithm and backend.
pub(crate) fn check_secret(bytes: &[u8], min: usize) -> Result<(), KeyError> {
    if bytes.len() < min {
        return Err(KeyError::TooShort { found: bytes.len(), min });
    }
    if bytes.len() > MAX_LEN {
        return Err(if is_asymmetric(bytes) {
            KeyError::Asymmetric
        } else {
            KeyError::TooLong { max: MAX_LEN }
        });
    }
    if bytes.first().is_some_and(|first| bytes.iter().all(|byte| byte == first)) {
        return Err(KeyError::NotRandom);
    }
    if is_asymmetric(bytes) { Err(KeyError::Asymmetric) } else { Ok(()) }
}

/// What a backend has for one algorithm's secrets: a MAC of `N` bytes that was keyed once.
pub(crate) trait MacCore<const N: usize>: Sized {
    fn new(secret: &[u8]) -> Result<Self, KeyError>;

    /// `secret` is no longer than a block of the hash, so nothing can fail.
    fn padded(secret: &[u8]) -> Self;

    fn tag(&self, message: &[u8]) -> [u8; N];

    /// Compares in constant time; another length is another signature.
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// A MAC that was keyed once: the two blocks that HMAC begins with are not hashed again for each token.
#[derive(Clone)]
pub(crate) struct Keyed<M>(M);

impl<const N: usize, M> MacCore<N> for Keyed<M>
where
    M: KeyInit + Mac + Clone,
    Output<M>: Into<[u8; N]>,
{
    fn new(secret: &[u8]) -> Result<Self, KeyError> {
        M::new_from_slice(secret).map(Self).map_err(|_| KeyError::Length)
    }

    /// HMAC pads a key with zeros to a block (RFC 2104 section 2); doing so here leaves nothing that can fail.
    fn padded(secret: &[u8]) -> Self {
        let mut block = Key::<M>::default();
        for (to, from) in block.iter_mut().zip(secret) {
            *to = *from;
        }
        let keyed = Self(M::new(&block));
        block.as_mut_slice().zeroize();
        keyed
    }

    #[inline]
    fn tag(&self, message: &[u8]) -> [u8; N] {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    #[inline]
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.verify_slice(signature).is_ok()
    }
}

macro_rules! hmac_key {
    ($(#[$doc:meta])* $name:ident, $algorithm:ident, $core:ty, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            core: std::sync::Arc<$core>,
            id: Option<$crate::KeyId>,
        }

        impl $name {
            /// The algorithm that it signs and verifies with.
            pub const ALGORITHM: Algorithm = Algorithm::$algorithm;
            /// The fewest bytes that a secret may have: as many as the hash (RFC 7518 section 3.2).
            pub const MIN_LEN: usize = $len;
            /// The most bytes that a secret may have.
            pub const MAX_LEN: usize = MAX_LEN;
            /// How many bytes a signature has.
            pub(crate) const SIGNATURE_LEN: usize = $len;

            /// A key from enough bytes that were made at random. A password is not such a secret.
            ///
            /// # Errors
            /// [`KeyError::TooShort`], [`KeyError::TooLong`], [`KeyError::NotRandom`] or
            /// [`KeyError::Asymmetric`].
            pub fn new(secret: &Secret) -> Result<Self, KeyError> {
                let bytes = secret.expose();
                check_secret(bytes, Self::MIN_LEN)?;
                Ok(Self { core: Arc::new(<$core as MacCore<$len>>::new(bytes)?), id: None })
            }

            /// A new key that exists only in this process: its tokens die with it.
            ///
            /// # Errors
            /// [`EntropyError`] if `entropy` failed.
            pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                let secret = Zeroizing::new(entropy_array::<$len>(entropy)?);
                Ok(Self::padded(&*secret))
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

            /// Signs a message, not a token: a [`TokenIssuer`](crate::TokenIssuer) does that.
            #[must_use]
            pub fn sign(&self, message: &[u8]) -> Signature {
                Signature::of(&self.tag(message))
            }

            /// Verifies the signature of a message, not of a token: a [`Verifier`](crate::Verifier) does that.
            ///
            /// # Errors
            /// [`SignatureError`] if it does not match, truncated ones included.
            pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
                if self.verifies(message, signature) { Ok(()) } else { Err(SignatureError) }
            }

            /// A key from a secret that is no longer than a block of the hash.
            fn padded(secret: &[u8]) -> Self {
                Self { core: Arc::new(<$core as MacCore<$len>>::padded(secret)), id: None }
            }

            #[inline]
            pub(crate) fn tag(&self, message: &[u8]) -> [u8; $len] {
                MacCore::<$len>::tag(&*self.core, message)
            }

            /// Compares in constant time; another length is another signature.
            #[inline]
            pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
                MacCore::<$len>::verifies(&*self.core, message, signature)
            }

            pub(crate) const fn signature_len(&self) -> usize {
                Self::SIGNATURE_LEN
            }

            pub(crate) const fn alg(&self) -> &'static str {
                Self::ALGORITHM.name()
            }

            /// The algorithm has one name.
            pub(crate) fn with_alg(self, _: &'static str) -> Self {
                self
            }

            check_encoded! { $len }
        }

        $crate::key::secret_formats!($name);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("id", &self.id).finish_non_exhaustive()
            }
        }
    };
}

/// Adds the way from a ring's keys, which have the length of HS256's.
macro_rules! derived_key {
    ($(#[$doc:meta])* $name:ident) => {
        impl $name {
            $(#[$doc])*
            #[must_use]
            pub fn derived(key: &DerivedKey) -> Self {
                let key = Self::padded(key.expose());
                // No token's signing input: those have a dot. Eight bytes tell the keys of one ring apart.
                let mac = key.tag(b"auth-jwt key id");
                let ([fingerprint, ..], _) = mac.as_chunks::<8>() else { return key };
                let mut id = String::new();
                base64url::encode_to(fingerprint, &mut id);
                Self { id: KeyId::new(&id).ok(), ..key }
            }
        }
    };
}

#[cfg(feature = "aws-lc-rs")]
pub(crate) use {derived_key, hmac_key};

hmac_key! {
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
    Hs256Key, Hs256, Keyed<Hmac<Sha256>>, 32
}

hmac_key! {
    /// A secret that makes and checks HS384 signatures, and nothing else. At least 48 bytes.
    Hs384Key, Hs384, Keyed<Hmac<Sha384>>, 48
}

hmac_key! {
    /// A secret that makes and checks HS512 signatures, and nothing else. At least 64 bytes.
    Hs512Key, Hs512, Keyed<Hmac<Sha512>>, 64
}

derived_key! {
    /// A key derived from a [`KeyRing`](auth_core::KeyRing), under a purpose of its own.
    ///
    /// Its id comes from the key itself, so that the keys of a ring are told apart when it is rotated.
    ///
    /// ```
    /// use auth_core::{KeyName, KeyRing, Purpose, SystemEntropy};
    /// use auth_jwt::{Hs256Key, KeySet, KeySetError};
    ///
    /// const TOKENS: Purpose = Purpose::new("access tokens");
    ///
    /// /// What verifies the tokens of the current key and of all that were retired.
    /// fn keys(ring: &KeyRing) -> Result<KeySet, KeySetError> {
    ///     KeySet::new(ring.derive_all(TOKENS).map(|key| Hs256Key::derived(&key)))
    /// }
    /// # let ring = KeyRing::generate(KeyName::parse("b")?, &SystemEntropy)?
    /// #     .with_retired(KeyName::parse("a")?, auth_core::Secret::new((0..32).collect()))?;
    /// # assert_eq!(keys(&ring)?.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Hs256Key
}

#[cfg(test)]
mod tests {
    use auth_core::SystemEntropy;
    use zeroize::ZeroizeOnDrop;

    use super::*;

    fn key(bytes: &[u8]) -> Result<Hs256Key, KeyError> {
        Hs256Key::new(&Secret::new(bytes.to_vec()))
    }

    /// A key of P-256 as SubjectPublicKeyInfo, in base64.
    const ENCODED: &[u8] = b"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV1Itb/FJ9/OU9ascRUjfQMcz/h6BXC3c1Cp5QPucwWmmw==";

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
        assert_eq!(key(&secret).unwrap().tag(input), expected);
    }

    #[test]
    fn a_padded_key_signs_like_the_secret_itself() {
        let secret: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        assert_eq!(Hs256Key::padded(&secret).tag(b"x"), key(&secret).unwrap().tag(b"x"));
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

    /// Empty and short secrets (PyJWT 2.13, wycheproof key_too_short and empty_key).
    #[test]
    fn a_weak_secret_is_refused() {
        assert_eq!(key(b"").unwrap_err(), KeyError::TooShort { found: 0, min: 32 });
        assert_eq!(key(&[1; 31]).unwrap_err(), KeyError::TooShort { found: 31, min: 32 });
        assert_eq!(key(&[0; 32]).unwrap_err(), KeyError::NotRandom);
        assert_eq!(key(&[b'a'; 64]).unwrap_err(), KeyError::NotRandom);
    }

    /// A public key as HMAC secret (CVE-2016-10555, CVE-2022-29217,
    /// CVE-2023-48223, CVE-2026-34950, CVE-2024-37568).
    #[test]
    fn an_asymmetric_key_is_not_a_secret() {
        use crate::Es256SigningKey;
        let base64 = |bytes: &[u8]| {
            let mut text = String::new();
            base64url::encode_to(bytes, &mut text);
            text.into_bytes()
        };
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
            // As they stand in `.env` files, YAML, and behind options.
            format!("\"{}\"", pem.replace('\n', "\\n")).into_bytes(),
            format!("KEY={pem}").into_bytes(),
            format!("key: |\n  {pem}").into_bytes(),
            format!("\n\u{feff}{pem}").into_bytes(),
            b"no-pty ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3 ann@example".to_vec(),
            b"no-pty ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 ann@example".to_vec(),
            b"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=".to_vec(),
            b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAA".to_vec(),
            br#"{"alg":"RS256", "\u006bty":"RSA","n":"0vx7agoebGcQSuu","e":"AQAB"}"#.to_vec(),
            br#"{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAA"}]}"#.to_vec(),
            // As identity providers show it, and as it is cut out of a file.
            ENCODED.to_vec(),
            format!("\"{}\"", String::from_utf8_lossy(ENCODED).trim_end_matches('=')).into_bytes(),
            String::from_utf8_lossy(ENCODED).replace('/', "_").replace('+', "-").into_bytes(),
            [&ENCODED[..64], b"\r\n", &ENCODED[64..]].concat(),
            b"AAAAC3NzaC1lZDI1NTE5AAAAIPxZ4uaZVcQvZ8k3tD6wJcUbGZqyKk0sFJ0jz2zQ2aVd".to_vec(),
            br#"[{"kty":"RSA","n":"0vx7agoebGcQSuu","e":"AQAB"}]"#.to_vec(),
            // Whole files, as a cluster's configuration has them.
            base64(pem.as_bytes()),
            base64(br#"{"kty":"RSA","n":"0vx7agoebGcQSuu","e":"AQAB"}"#),
            base64(&Es256SigningKey::generate(&SystemEntropy).unwrap().verifying_key().to_sec1()),
            spki,
            pkcs1,
        ] {
            assert_eq!(key(&bad).unwrap_err(), KeyError::Asymmetric, "{}", String::from_utf8_lossy(&bad));
        }
        assert!(key(b"{a text that only begins like json, and is a secret}").is_ok());
        assert!(key(&[&[0x30, 0x1e, 0x30][..], &[7; 30]].concat()).is_ok(), "not a length that fits");
        assert!(key(b"[\"a\", \"list that only begins like json, and is a secret\"]").is_ok());
        assert!(key(&[b"MFkw", &[b'q'; 40][..]].concat()).is_ok(), "base64 of another length");
    }

    /// The same, "x/y raw": the points of all three curves, as bytes.
    #[test]
    fn a_point_is_not_a_secret() {
        use crate::{Es256SigningKey, Es384SigningKey, Es512SigningKey};
        let points = [
            Es256SigningKey::generate(&SystemEntropy).unwrap().verifying_key().to_sec1(),
            Es384SigningKey::generate(&SystemEntropy).unwrap().verifying_key().to_sec1(),
            Es512SigningKey::generate(&SystemEntropy).unwrap().verifying_key().to_sec1(),
        ];
        for point in points {
            assert_eq!(key(&point).unwrap_err(), KeyError::Asymmetric, "{} bytes", point.len());
            assert_eq!(key(&point[1..]).unwrap_err(), KeyError::Asymmetric, "x and y alone");
            let mut other = point.clone();
            *other.last_mut().unwrap() ^= 1;
            assert!(key(&other).is_ok(), "no point of the curve, but for one chance in 2^250");
        }
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
