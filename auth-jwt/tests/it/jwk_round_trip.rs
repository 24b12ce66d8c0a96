//! JWKs that are written and read again, and changed in between.

use auth_core::{Secret, SystemEntropy};
use auth_jwt::{
    Algorithm, AnySigningKey, AnyVerifyingKey, Backend, Ed25519SigningKey, Ed25519VerifyingKey,
    Es256SigningKey, Es384SigningKey, Es512SigningKey, Hs256Key, Hs512Key, Jwk, KeyError, KeyId,
};
use proptest::prelude::*;

use crate::rfc_keys::*;

/// Those of this build.
const BACKENDS: &[Backend] = &[
    Backend::RustCrypto,
    #[cfg(feature = "aws-lc-rs")]
    Backend::AwsLcRs,
];

fn text(secret: &Secret) -> &str {
    secret.expose_str().unwrap()
}

/// What is written says all that a reader needs, and is read again.
#[test]
fn a_written_key_names_itself_and_what_it_is_for() {
    let key = Ed25519VerifyingKey::from_jwk(&jwk(&[RFC8037])).unwrap();
    assert_eq!(
        key.to_jwk(),
        concat!(
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","#,
            r#""kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","alg":"EdDSA","use":"sig"}"#
        )
    );
    let odd = KeyId::new("a \"quoted\\ name\" é").unwrap();
    let named = key.with_id(odd.clone());
    let back = Ed25519VerifyingKey::from_jwk(&named.to_jwk()).unwrap();
    assert_eq!(back.id(), Some(&odd));
    assert_eq!(back.thumbprint(), named.thumbprint());
    assert_eq!(named.to_jwk(), AnyVerifyingKey::from(named).to_jwk().unwrap());
}

macro_rules! round_trip {
    ($($signing:ident),*) => { $(
        let key = $signing::generate(&SystemEntropy).unwrap().with_id(KeyId::new("k1").unwrap());
        let written = key.to_jwk();
        let back = $signing::from_jwk(&written).unwrap();
        assert_eq!(back.id(), key.id());
        assert_eq!(text(&back.to_jwk()), text(&written));
        assert_eq!(text(&AnySigningKey::from_jwk(&written).unwrap().to_jwk().unwrap()), text(&written));
        assert!(Jwk::parse(text(&written)).unwrap().is_private());
        let signature = back.sign(b"message").unwrap();
        assert!(key.verifying_key().verify(b"message", signature.as_bytes()).is_ok());
        let raw = $signing::from_raw(&key.to_raw()).unwrap();
        assert_eq!(raw.verifying_key().thumbprint(), key.verifying_key().thumbprint());
        for len in [0, key.to_raw().len() - 1, key.to_raw().len() + 1] {
            assert_eq!($signing::from_raw(&Secret::new(vec![1; len])).unwrap_err(), KeyError::Length);
        }
        assert!(!format!("{:?}", Jwk::parse(text(&written)).unwrap()).contains("\"d\""));
    )* };
}

#[test]
fn private_keys_come_back_as_they_went_out() {
    for _ in 0..20 {
        round_trip!(Es256SigningKey, Es384SigningKey, Es512SigningKey, Ed25519SigningKey);
    }
}

/// A key keeps no secret, so what is exported is the secret that it is made of.
#[test]
fn secrets_come_back_as_they_went_out() {
    let id = KeyId::new("k1").unwrap();
    let fresh = Hs512Key::generate_secret(&SystemEntropy).unwrap();
    assert_eq!(fresh.len(), 64);
    let written = Hs512Key::secret_to_jwk(&fresh, Some(&id)).unwrap();
    let back = Hs512Key::from_jwk(&written).unwrap();
    assert_eq!(back.id(), Some(&id));
    let signature = back.sign(b"message");
    assert!(Hs512Key::new(&fresh).unwrap().verify(b"message", signature.as_bytes()).is_ok());
    let unnamed = Hs512Key::secret_to_jwk(&fresh, None).unwrap();
    assert!(!text(&unnamed).contains("kid"), "a secret is not called by a hash of itself");
    assert!(AnySigningKey::from(back).to_jwk().is_none());
    let short = Secret::new(vec![1; 8]);
    assert_eq!(Hs256Key::secret_to_jwk(&short, None).unwrap_err(), KeyError::TooShort { found: 8, min: 32 });
}

proptest! {
    /// No text makes the reader panic; and what was changed is another key or none.
    #[test]
    fn no_change_of_a_key_goes_unseen(
        at in any::<prop::sample::Index>(),
        with in prop::sample::select(vec!["", "A", "_", "\"", "\\", "{", "}", ",", ":", "null", "é", "\u{0}"]),
    ) {
        for parts in [
            &[RFC7518_ALICE, RFC7518_ALICE_D][..],
            &[RFC8037, RFC8037_D],
            &[RFC7517_RSA, RFC7517_RSA_D],
            &[RFC8037],
            &[RFC7520_OCT],
        ] {
            let key = jwk(parts);
            let at = at.index(key.len());
            let changed = format!("{}{with}{}", &key[..at], &key[at + 1..]);
            let Ok(other) = Jwk::parse(&changed) else { continue };
            if changed != key && parts.len() == 2 && !parts.contains(&RFC7517_RSA) {
                let verifying = other.signing_key(other.algorithms()[0], Backend::default());
                // Only a name that means nothing could have become another one.
                prop_assert!(verifying.is_err() || !other.is_private(), "{}", changed);
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}", members in prop::collection::vec((
        prop::sample::select(vec!["kty", "crv", "x", "y", "d", "k", "n", "e", "use", "key_ops", "alg", "kid", "oth"]),
        prop::sample::select(vec!["\"EC\"", "\"OKP\"", "\"RSA\"", "\"oct\"", "\"P-256\"", "\"Ed25519\"", "\"AQAB\"",
            "\"\"", "null", "[\"verify\"]", "[]", "{}", "1e9", "\"sig\""]),
    ), 0..8)) {
        let _ = Jwk::parse(&text).is_ok();
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let key = jwk(&[&members.join(",")]);
        let _ = Jwk::parse(&key).is_ok();
        let set = format!("{{\"keys\":[{key},{key},{text}]}}");
        let _ = auth_jwt::KeySet::parse(&set, Algorithm::ALL, Backend::default()).is_ok();
    }

    /// Changed keys get further than texts that were never one: to the numbers, and to both backends.
    #[test]
    fn no_change_of_a_jwk_makes_its_reader_panic(
        at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_\"{}:,-]{0,3}", cut in 0..4usize,
    ) {
        for members in [
            &[RFC8037, RFC8037_D][..], &[RFC8037], &[RFC7517_EC, RFC7517_EC_D], &[RFC7517_EC], &[RFC7520_EC], &[RFC7517_RSA],
            &[RFC7517_OCT],
        ] {
            let mut text = jwk(members);
            let at = at.index(text.len());
            text.replace_range(at..(at + cut).min(text.len()), &with);
            let set = format!("{{\"keys\":[{text}]}}");
            let _ = auth_jwt::KeySet::parse(&set, Algorithm::ALL, Backend::default()).is_ok();
            let Ok(jwk) = Jwk::parse(&text) else { continue };
            for algorithm in jwk.algorithms() {
                for backend in BACKENDS {
                    let _ = jwk.verifying_key(*algorithm, *backend).is_ok();
                    let _ = jwk.signing_key(*algorithm, *backend).is_ok();
                }
            }
        }
    }
}
