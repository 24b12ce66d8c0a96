//! RSA keys in their formats. The hashes are those of what OpenSSL 3.0 writes for the standards' keys.

use auth_jwt::{Algorithm, Backend, Jwk, JwkError, KeyError, KeySet};

use crate::rfc_keys::*;

const RSA: [Algorithm; 6] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
];

/// The backends that verify RSA signatures in this build.
fn backends() -> Vec<Backend> {
    vec![
        #[cfg(feature = "rsa")]
        Backend::RustCrypto,
        #[cfg(feature = "aws-lc-rs")]
        Backend::AwsLcRs,
    ]
}

/// Without the feature the algorithm is unsupported: no other backend takes its place.
#[cfg(not(feature = "rsa"))]
#[test]
fn without_the_feature_an_rsa_key_is_read_and_not_used() {
    let key = Jwk::parse(&jwk(&[RFC7517_RSA])).unwrap();
    for algorithm in RSA {
        let unsupported = JwkError::Key(KeyError::Unsupported { algorithm });
        assert_eq!(key.verifying_key(algorithm, Backend::RustCrypto).unwrap_err(), unsupported);
    }
    let set = format!(r#"{{"keys":[{}]}}"#, jwk(&[RFC7517_RSA, r#""alg":"PS256""#]));
    let refused = KeySet::parse(&set, &RSA, Backend::RustCrypto).unwrap_err();
    let auth_jwt::KeySetParseError::NothingUsable(report) = refused else { panic!("{refused:?}") };
    let unsupported = KeyError::Unsupported { algorithm: Algorithm::Ps256 };
    assert_eq!(report.refused()[0].error(), JwkError::Key(unsupported));
}

/// RFC 7517 appendix A.1: the key that names RS256 is for RS256 and nothing else (RFC 8725 section 3.1).
#[test]
fn alg_binds_an_rsa_key() {
    for backend in backends() {
        let key = Jwk::parse(&jwk(&[RFC7517_RSA, r#""alg":"RS256","kid":"2011-04-29""#])).unwrap();
        let rs256 = key.verifying_key(Algorithm::Rs256, backend).unwrap();
        assert_eq!(rs256.id().map(|id| id.as_str()), Some("2011-04-29"));
        for algorithm in &RSA[1..] {
            let wrong = JwkError::Key(KeyError::WrongKind { expected: *algorithm });
            assert_eq!(key.verifying_key(*algorithm, backend).unwrap_err(), wrong);
        }
        let free = Jwk::parse(&jwk(&[RFC7517_RSA])).unwrap();
        for algorithm in RSA {
            assert_eq!(free.verifying_key(algorithm, backend).unwrap().algorithm(), algorithm);
        }
    }
}

/// An RSA key that names no `alg` is there once for each algorithm that the caller accepts, and is published as one.
#[test]
fn one_rsa_key_serves_several_algorithms_under_one_name() {
    for backend in backends() {
        let kid = r#""kid":"a","use":"sig""#;
        let set = format!(r#"{{"keys":[{},{}]}}"#, jwk(&[RFC7517_RSA, kid]), jwk(&[RFC7520_RSA]));
        let accepted = [Algorithm::Ps256, Algorithm::Rs256, Algorithm::Es256];
        let (keys, report) = KeySet::parse(&set, &accepted, backend).unwrap();
        assert!(report.is_clean());
        let algorithms: Vec<_> = keys.iter().map(|key| key.algorithm()).collect();
        assert_eq!(algorithms, [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Rs256, Algorithm::Ps256]);
        let again = KeySet::new(keys.iter().cloned()).unwrap();
        for keys in [&keys, &again] {
            let written = keys.to_jwks().unwrap();
            assert_eq!(written.matches(r#""kty":"RSA""#).count(), 2);
            assert!(!written.contains("alg"));
            let (back, _) = KeySet::parse(&written, &accepted, backend).unwrap();
            assert_eq!(back.len(), 4);
        }
    }
}

/// RSA with e = 1 or an even one, and fewer than 2,048 bits, whatever the format says.
#[test]
fn weak_rsa_keys_are_refused() {
    for backend in backends() {
        let refused = |key: &str| {
            let jwk = Jwk::parse(&jwk(&[key])).unwrap();
            jwk.verifying_key(Algorithm::Rs256, backend).map(drop).unwrap_err()
        };
        let exponent = JwkError::Key(KeyError::RsaExponent);
        assert_eq!(refused(&RFC7517_RSA.replace("AQAB", "AQ")), exponent);
        assert_eq!(refused(&RFC7517_RSA.replace("AQAB", "AQAA")), exponent);
        let start = RFC7517_RSA.find("0vx7").unwrap();
        let short = format!("{}{}", &RFC7517_RSA[..start], &RFC7517_RSA[start + 4..]);
        assert!(matches!(refused(&short), JwkError::Key(KeyError::RsaModulus { .. })));
    }
}

#[cfg(feature = "rsa")]
#[test]
fn public_keys_are_written_as_openssl_writes_them() {
    use auth_jwt::{KeyFormatError, Ps512VerifyingKey, Rs256VerifyingKey};
    use sha2::{Digest, Sha256};

    let key = Rs256VerifyingKey::from_jwk(&jwk(&[RFC7517_RSA, r#""alg":"RS256""#])).unwrap();
    let hash = |der: &[u8]| Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let spki = key.to_der();
    assert_eq!(hash(&spki), "ad32320cf6c596d884b05381ba573aba8ddd5749b4de8f4a23a79f9a89ddaeb2");
    let pkcs1 = &spki[24..];
    assert_eq!(hash(pkcs1), "ef68aefd9e40dbdde2bb1a734c0cd08d6a14da2b8d25045d1ffa5c7e0f9a8760");
    assert_eq!(key.to_pkcs1_der(), pkcs1);
    let (modulus, exponent) = key.to_components();
    for back in [
        Rs256VerifyingKey::from_der(&spki),
        Rs256VerifyingKey::from_der(pkcs1),
        Rs256VerifyingKey::from_pem(&key.to_pkcs1_pem()),
        Rs256VerifyingKey::from_components(&modulus, &exponent).map_err(KeyFormatError::Key),
    ] {
        assert_eq!(back.unwrap().thumbprint(), key.thumbprint());
    }
    // PEM does not say which algorithm: the type does.
    let pss = Ps512VerifyingKey::from_pem(&key.to_pem()).unwrap();
    assert_eq!(pss.thumbprint(), key.thumbprint());
    assert!(pss.to_jwk().contains(r#""alg":"PS512""#));
    let wrong = auth_jwt::Es256VerifyingKey::from_pem(&key.to_pem()).unwrap_err();
    assert_eq!(wrong, KeyFormatError::Key(KeyError::WrongKind { expected: Algorithm::Es256 }));
}

#[cfg(feature = "aws-lc-rs")]
mod private {
    use auth_core::Secret;
    use auth_jwt::{
        AnySigningKey, KeyFormatError,
        aws_lc_rs::{Ps256SigningKey, Rs256SigningKey, Rs256VerifyingKey},
    };
    use sha2::{Digest, Sha256};

    use super::*;

    fn secret(text: String) -> Secret {
        Secret::from(text)
    }

    fn rfc7517() -> Rs256SigningKey {
        Rs256SigningKey::from_jwk(&secret(jwk(&[RFC7517_RSA, RFC7517_RSA_D, r#""alg":"RS256""#]))).unwrap()
    }

    #[test]
    fn private_keys_are_written_as_openssl_writes_them() {
        let key = rfc7517();
        let hash =
            |der: &[u8]| Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let pkcs8 = key.to_der();
        assert_eq!(hash(pkcs8.expose()), "d3e3a5158124e6b79a8d9e86b7e6af0a0dfbf30747b1a2ae7c5200196cbdea14");
        let pkcs1 = Secret::new(pkcs8.expose()[26..].to_vec());
        assert_eq!(hash(pkcs1.expose()), "08e2026aee961dda4d81d567ee7448bb30bd3afb7bd593594c831a08e1f13b4e");
        assert_eq!(key.to_pkcs1_der().expose(), pkcs1.expose());
        for back in [
            Rs256SigningKey::from_der(&pkcs8),
            Rs256SigningKey::from_der(&pkcs1),
            Rs256SigningKey::from_pem(&key.to_pkcs1_pem()),
            Rs256SigningKey::from_pem(&key.to_pem()),
        ] {
            let back = back.unwrap();
            let signature = back.sign(b"message").unwrap();
            assert!(key.verifying_key().verify(b"message", signature.as_bytes()).is_ok());
        }
        let refused = Rs256VerifyingKey::from_der(pkcs8.expose()).unwrap_err();
        assert_eq!(refused, KeyFormatError::Private);
    }

    #[test]
    fn a_private_jwk_comes_back_as_it_went_out() {
        let key = rfc7517();
        let written = key.to_jwk();
        let back = Rs256SigningKey::from_jwk(&written).unwrap();
        assert_eq!(back.id().map(|id| id.as_str()), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        assert_eq!(back.to_jwk().expose(), written.expose());
        let other = Ps256SigningKey::from_jwk(&written).unwrap_err();
        assert_eq!(other, JwkError::Key(KeyError::WrongKind { expected: Algorithm::Ps256 }));
        let any = Jwk::parse(written.expose_str().unwrap()).unwrap();
        let any = any.signing_key(Algorithm::Rs256, Backend::AwsLcRs).unwrap();
        assert_eq!(any.to_jwk().unwrap().expose(), written.expose());
        assert_eq!(
            AnySigningKey::from_jwk(&written).unwrap_err(),
            JwkError::Key(KeyError::Unsupported { algorithm: Algorithm::Rs256 }),
            "the default backend does not sign with rsa"
        );
    }

    /// A private part that is another key's, in whichever number.
    #[test]
    fn numbers_of_two_keys_make_none() {
        let members = |text: &'static str| text.split(',').collect::<Vec<_>>();
        let (own, foreign) = (members(RFC7517_RSA_D), members(RFC7520_RSA_D));
        assert_eq!(own.len(), 6);
        for index in 0..6 {
            let mut mixed = own.clone();
            mixed[index] = foreign[index];
            let text = secret(jwk(&[RFC7517_RSA, &mixed.join(",")]));
            let refused = Rs256SigningKey::from_jwk(&text).map(drop);
            assert!(matches!(refused, Err(JwkError::Key(_))), "{}: {refused:?}", &own[index][..5]);
        }
        let text = secret(jwk(&[RFC7520_RSA, RFC7517_RSA_D]));
        assert!(matches!(Rs256SigningKey::from_jwk(&text), Err(JwkError::Key(_))));
    }
}
