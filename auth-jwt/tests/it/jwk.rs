//! JWKs: what is read, and what is refused.

use auth_core::{Secret, SystemEntropy};
use auth_jwt::{
    Algorithm, AnySigningKey, AnyVerifyingKey, Backend, Ed25519SigningKey, Ed25519VerifyingKey,
    Es256SigningKey, Es256VerifyingKey, Es512SigningKey, Es512VerifyingKey, Hs256Key, Hs384Key, JsonError,
    Jwk, JwkError, KeyError, KeyId,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{rfc_keys::*, support::base64};

const RSA_ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
];

fn secret(text: impl Into<String>) -> Secret {
    Secret::from(text.into())
}

fn refused(text: &str) -> JwkError {
    Jwk::parse(text).unwrap_err()
}

/// RFC 7517 appendix A.1 and A.2: one key is for encryption, the other for RS256.
#[test]
fn the_keys_of_rfc_7517_are_read() {
    let usage = r#""use":"enc","kid":"1""#;
    assert_eq!(refused(&jwk(&[RFC7517_EC, usage])), JwkError::NotForSignatures);
    assert_eq!(refused(&jwk(&[RFC7517_EC, RFC7517_EC_D, usage])), JwkError::NotForSignatures);
    let public = Jwk::parse(&jwk(&[RFC7517_RSA, r#""alg":"RS256","kid":"2011-04-29""#])).unwrap();
    assert_eq!(public.algorithms(), [Algorithm::Rs256]);
    assert_eq!(public.id().map(KeyId::as_str), Some("2011-04-29"));
    assert!(!public.is_private());
    let private = Jwk::parse(&jwk(&[RFC7517_RSA, RFC7517_RSA_D, r#""alg":"RS256""#])).unwrap();
    assert!(private.is_private());
    assert_eq!(private.thumbprint(), public.thumbprint());
}

/// RFC 7517 appendix A.3: a key for wrapping keys, and the HMAC key of RFC 7515 appendix A.1.
#[test]
fn the_secrets_of_rfc_7517_are_read() {
    let wrap = r#"{"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"}"#;
    assert_eq!(refused(wrap), JwkError::Algorithm);
    let kid = r#""kid":"HMAC key used in JWS spec Appendix A.1 example""#;
    let hmac = Jwk::parse(&jwk(&[RFC7517_OCT, kid])).unwrap();
    assert_eq!(hmac.algorithms(), [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512]);
    assert!(hmac.is_private());
}

/// RFC 7518 appendix C is about agreeing on keys, but its points are points and its numbers are theirs.
#[test]
fn the_key_pairs_of_rfc_7518_match() {
    for (public, private) in [(RFC7518_ALICE, RFC7518_ALICE_D), (RFC7518_BOB, RFC7518_BOB_D)] {
        let key = Es256SigningKey::from_jwk(&secret(jwk(&[public, private]))).unwrap();
        let verifying = Es256VerifyingKey::from_jwk(&jwk(&[public])).unwrap();
        assert_eq!(key.verifying_key().thumbprint(), verifying.thumbprint());
    }
    let mixed = secret(jwk(&[RFC7518_ALICE, RFC7518_BOB_D]));
    assert_eq!(Es256SigningKey::from_jwk(&mixed).unwrap_err(), JwkError::Key(KeyError::Mismatch));
}

/// RFC 7520 section 3.
#[test]
fn the_keys_of_rfc_7520_are_read() {
    let usage = r#""kid":"bilbo.baggins@hobbiton.example","use":"sig""#;
    let public = Es512VerifyingKey::from_jwk(&jwk(&[usage, RFC7520_EC])).unwrap();
    let private = Es512SigningKey::from_jwk(&secret(jwk(&[usage, RFC7520_EC, RFC7520_EC_D]))).unwrap();
    assert_eq!(public.id().map(KeyId::as_str), Some("bilbo.baggins@hobbiton.example"));
    let signature = private.sign(b"message").unwrap();
    assert!(public.verify(b"message", signature.as_bytes()).is_ok());

    for parts in [&[usage, RFC7520_RSA][..], &[usage, RFC7520_RSA, RFC7520_RSA_D]] {
        let key = Jwk::parse(&jwk(parts)).unwrap();
        assert_eq!(key.algorithms(), RSA_ALGORITHMS);
        assert_eq!(key.is_private(), parts.len() == 3);
    }
    let hmac = r#""kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037","use":"sig","alg":"HS256""#;
    let hmac = secret(jwk(&[RFC7520_OCT, hmac]));
    assert!(Hs256Key::from_jwk(&hmac).is_ok());
    assert_eq!(
        Hs384Key::from_jwk(&hmac).unwrap_err(),
        JwkError::Key(KeyError::WrongKind { expected: Algorithm::Hs384 })
    );
}

/// RFC 7638 section 3.1, RFC 8037 appendix A.3, and RFC 9278 section 3 for the URI.
#[test]
fn thumbprints_are_those_of_the_standards() {
    let print = |parts: &[&str]| Jwk::parse(&jwk(parts)).unwrap().thumbprint().to_string();
    let named = [r#""alg":"RS256","kid":"2011-04-29""#, RFC7517_RSA];
    assert_eq!(print(&named), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(print(&[RFC8037]), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(print(&[RFC8037, RFC8037_D]), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let uri = Jwk::parse(&jwk(&[RFC7517_RSA])).unwrap().thumbprint().to_uri();
    let expected = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    assert_eq!(uri, expected);
}

/// RFC 8037 appendix A.1, A.2 and A.4: the pair, and its signature.
#[test]
fn the_key_pair_of_rfc_8037_signs_as_the_standard_does() {
    let key = Ed25519SigningKey::from_jwk(&secret(jwk(&[RFC8037, RFC8037_D]))).unwrap();
    let signature = key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap();
    assert_eq!(
        base64(signature.as_bytes()),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    let public = Ed25519VerifyingKey::from_jwk(&jwk(&[RFC8037, r#""alg":"Ed25519""#])).unwrap();
    assert_eq!(public.thumbprint(), key.verifying_key().thumbprint());
}

/// A private JWK where a public one is expected. Any private member counts, of whatever
/// type, and before anything else that may be wrong.
#[test]
fn a_private_key_is_not_a_public_one() {
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        for value in [r#""AQ""#, "null", "[]", "1"] {
            let member = format!(r#""{private}":{value}"#);
            for public in [RFC7517_EC, RFC8037, RFC7517_RSA, r#""kty":"AKP""#, r#""kty":"nonsense""#] {
                let key = jwk(&[public, &member]);
                assert_eq!(Es256VerifyingKey::from_jwk(&key).unwrap_err(), JwkError::Private, "{key}");
                assert_eq!(Ed25519VerifyingKey::from_jwk(&key).unwrap_err(), JwkError::Private, "{key}");
            }
        }
    }
    for pair in [[RFC7518_BOB, RFC7518_BOB_D], [RFC8037, RFC8037_D]] {
        assert_eq!(AnyVerifyingKey::from_jwk(&jwk(&pair)).unwrap_err(), JwkError::Private);
    }
    let public = secret(jwk(&[RFC8037]));
    assert_eq!(Ed25519SigningKey::from_jwk(&public).unwrap_err(), JwkError::NotPrivate);
    assert_eq!(AnySigningKey::from_jwk(&public).unwrap_err(), JwkError::NotPrivate);
}

/// A key that was put together from two would publish the other's private part.
#[test]
fn private_members_of_other_types_are_refused() {
    for (public, member) in [
        (RFC7517_EC, "p"),
        (RFC7517_EC, "k"),
        (RFC8037, "priv"),
        (RFC8037, "oth"),
        (RFC7517_RSA, "k"),
        (RFC7517_RSA, "priv"),
        (RFC7520_OCT, "d"),
        (RFC7520_OCT, "qi"),
    ] {
        let key = jwk(&[public, &format!(r#""{member}":"AQ""#)]);
        assert_eq!(refused(&key), JwkError::Unexpected { member }, "{key}");
    }
}

/// A short `x` that was padded to 32 bytes gave a key that anybody could sign for
/// (go-jose#249). RFC 7518 section 6.2.1.2: full width.
#[test]
fn members_have_their_exact_length() {
    for len in (0..80).filter(|len| *len != 32) {
        let bytes = base64(vec![7; len]);
        for (member, key) in [
            ("x", format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{bytes}"}}"#)),
            ("d", jwk(&[RFC8037, &format!(r#""d":"{bytes}""#)])),
            ("d", jwk(&[RFC7517_EC, &format!(r#""d":"{bytes}""#)])),
            ("x", format!(r#"{{"kty":"EC","crv":"P-256","x":"{bytes}","y":"{}"}}"#, base64([7; 32]))),
            ("y", format!(r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{bytes}"}}"#, base64([7; 32]))),
        ] {
            assert_eq!(refused(&key), JwkError::Length { member }, "{key}");
        }
    }
    // Leading zeros stay: RFC 7520's d begins with such a byte, and is not good without it.
    let whole = RFC7520_EC_D.trim_start_matches(r#""d":""#).trim_end_matches('"');
    let bytes = URL_SAFE_NO_PAD.decode(whole).unwrap();
    assert_eq!((bytes.len(), bytes[0]), (66, 0));
    let trimmed = format!(r#""d":"{}""#, base64(&bytes[1..]));
    assert_eq!(refused(&jwk(&[RFC7520_EC, &trimmed])), JwkError::Length { member: "d" });
}

/// One spelling of each value.
#[test]
fn values_are_canonical_base64url() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let with = |x: &str, d: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{d}"}}"#);
    assert!(Jwk::parse(&with(x, d)).is_ok());
    let spellings = |text: &str| {
        let same_bits = format!("{}{}", &text[..42], if text.ends_with('o') { 'p' } else { 'B' });
        let other_alphabet = text.replace('_', "/");
        let escaped = text.replace('_', "\\u005f");
        let split = format!("{} {}", &text[..10], &text[11..]);
        [same_bits, other_alphabet, escaped, split]
    };
    for bad in spellings(x) {
        assert_eq!(refused(&with(&bad, d)), JwkError::Base64 { member: "x" }, "{bad}");
    }
    for bad in spellings(d) {
        assert_eq!(refused(&with(x, &bad)), JwkError::Base64 { member: "d" }, "{bad}");
    }
    for padded in [with(&format!("{x}="), d), with(x, &format!("{d}="))] {
        assert!(matches!(refused(&padded), JwkError::Base64 { .. } | JwkError::Length { .. }));
    }
}

/// Points off the curve, and of small order; no key is made of them.
#[test]
fn a_point_is_on_its_curve() {
    let off = RFC7517_EC.replace("4Etl6SRW", "4Etl6SRX");
    let refused = Es256VerifyingKey::from_jwk(&jwk(&[&off])).unwrap_err();
    assert_eq!(refused, JwkError::Key(KeyError::NotOnCurve));
    let zero = format!(r#"{{"kty":"EC","crv":"P-256","x":"{0}","y":"{0}"}}"#, base64([0; 32]));
    assert_eq!(Es256VerifyingKey::from_jwk(&zero).unwrap_err(), JwkError::Key(KeyError::NotOnCurve));
    // The neutral element, and the point of order two.
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    for point in [one, minus_one, [0; 32]] {
        let key = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, base64(point));
        assert_eq!(
            Ed25519VerifyingKey::from_jwk(&key).unwrap_err(),
            JwkError::Key(KeyError::SmallOrder),
            "{point:?}"
        );
    }
    let range = |d: &[u8]| secret(jwk(&[RFC7517_EC, &format!(r#""d":"{}""#, base64(d))]));
    for d in [[0; 32], [0xff; 32]] {
        let refused = Es256SigningKey::from_jwk(&range(&d)).unwrap_err();
        assert_eq!(refused, JwkError::Key(KeyError::PrivateRange));
    }
}

/// `d` that does not match `x`.
#[test]
fn the_private_part_is_that_of_the_public_part() {
    let other = Ed25519SigningKey::generate(&SystemEntropy).unwrap().verifying_key().to_raw();
    let key = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}",{RFC8037_D}}}"#, base64(other));
    assert_eq!(Ed25519SigningKey::from_jwk(&secret(key)).unwrap_err(), JwkError::Key(KeyError::Mismatch));
}

/// `use`, `key_ops` and `alg` that are not for verifying with this key (RFC 7517 sections
/// 4.2 to 4.4).
#[test]
fn what_a_key_says_of_its_use_is_obeyed() {
    let with = |member: &str| Jwk::parse(&jwk(&[RFC8037, member])).map(drop);
    for good in [
        r#""use":"sig""#,
        r#""key_ops":["verify"]"#,
        r#""key_ops":["verify","sign"],"use":"sig""#,
        r#""key_ops":["verify","https://example.com/op"]"#,
        r#""alg":"EdDSA""#,
        r#""alg":"Ed25519""#,
        r#""x5c":["bm8gY2VydGlmaWNhdGU"],"x5u":"file:///etc/passwd","x5t":1,"ext":true"#,
    ] {
        assert_eq!(with(good), Ok(()), "{good}");
    }
    for (bad, error) in [
        (r#""use":"enc""#, JwkError::NotForSignatures),
        (r#""use":"SIG""#, JwkError::NotForSignatures),
        (r#""use":["sig"]"#, JwkError::WrongType { member: "use" }),
        (r#""use":null"#, JwkError::WrongType { member: "use" }),
        (r#""key_ops":[]"#, JwkError::NotForSignatures),
        (r#""key_ops":["encrypt"]"#, JwkError::NotForSignatures),
        (r#""key_ops":["sign"]"#, JwkError::Operation { operation: "verify" }),
        (r#""key_ops":["verify","verify"]"#, JwkError::KeyOps),
        (r#""key_ops":["verify","v\u0065rify"]"#, JwkError::KeyOps),
        (r#""key_ops":["verify","encrypt"],"use":"sig""#, JwkError::KeyOps),
        (r#""key_ops":["verify","deriveBits"]"#, JwkError::KeyOps),
        (r#""key_ops":"verify""#, JwkError::WrongType { member: "key_ops" }),
        (r#""key_ops":["verify",1]"#, JwkError::WrongType { member: "key_ops" }),
        (r#""key_ops":{"verify":true}"#, JwkError::WrongType { member: "key_ops" }),
        (r#""alg":"ES256""#, JwkError::Algorithm),
        (r#""alg":"HS256""#, JwkError::Algorithm),
        (r#""alg":"none""#, JwkError::Algorithm),
        (r#""alg":"eddsa""#, JwkError::Algorithm),
        (r#""alg":"""#, JwkError::Algorithm),
        (r#""alg":["EdDSA"]"#, JwkError::WrongType { member: "alg" }),
        (r#""kid":"""#, JwkError::KeyId),
        (r#""kid":"a\u0007""#, JwkError::KeyId),
        (r#""kid":1"#, JwkError::WrongType { member: "kid" }),
    ] {
        assert_eq!(with(bad), Err(error), "{bad}");
    }
    let long = format!(r#""kid":"{}""#, "k".repeat(257));
    assert_eq!(with(&long), Err(JwkError::KeyId));
    let private = |member: &str| Jwk::parse(&jwk(&[RFC8037, RFC8037_D, member])).map(drop);
    assert_eq!(private(r#""key_ops":["sign"]"#), Ok(()));
    assert_eq!(private(r#""key_ops":["verify"]"#), Err(JwkError::Operation { operation: "sign" }));
}

/// A key's curve is part of its algorithm (RFC 7518 section 3.4): ES256 on P-521 is neither.
#[test]
fn alg_fits_the_key() {
    for (key, alg) in [
        (RFC7517_EC, "ES384"),
        (RFC7520_EC, "ES256"),
        (RFC7517_EC, "ECDH-ES"),
        (RFC7517_RSA, "RSA-OAEP"),
        (RFC7517_RSA, "ES256"),
        (RFC7520_OCT, "RS256"),
        (RFC7520_OCT, "dir"),
    ] {
        let key = jwk(&[key, &format!(r#""alg":"{alg}""#)]);
        assert_eq!(refused(&key), JwkError::Algorithm, "{key}");
    }
    let wrong = Es256VerifyingKey::from_jwk(&jwk(&[RFC7520_EC])).unwrap_err();
    assert_eq!(wrong, JwkError::Key(KeyError::WrongKind { expected: Algorithm::Es256 }));
}

#[test]
fn unknown_types_and_curves_are_named_as_such() {
    for (key, error) in [
        (r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#, JwkError::KeyType),
        (r#"{"kty":"ec","crv":"P-256"}"#, JwkError::KeyType),
        (r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#, JwkError::Curve),
        (r#"{"kty":"EC","crv":"P256","x":"AA","y":"AA"}"#, JwkError::Curve),
        (r#"{"kty":"EC","crv":"Ed25519","x":"AA"}"#, JwkError::Curve),
        (r#"{"kty":"OKP","crv":"Ed448","x":"AA"}"#, JwkError::Curve),
        (r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#, JwkError::Curve),
        (r#"{"kty":"OKP","x":"AA"}"#, JwkError::Missing { member: "crv" }),
        (r#"{"kty":"OKP","crv":"Ed25519"}"#, JwkError::Missing { member: "x" }),
        (r#"{"kty":"EC","crv":"P-256","x":"AA"}"#, JwkError::Length { member: "x" }),
        (r#"{"kty":"RSA","n":"AQ"}"#, JwkError::Missing { member: "e" }),
        (r#"{"kty":"oct"}"#, JwkError::Missing { member: "k" }),
        (r#"{"kty":1}"#, JwkError::WrongType { member: "kty" }),
        (r#"{"crv":"Ed25519","x":"AA"}"#, JwkError::Missing { member: "kty" }),
        (r#"{"kty":"OKP","crv":"Ed25519","x":1}"#, JwkError::WrongType { member: "x" }),
    ] {
        assert_eq!(refused(key), error, "{key}");
    }
}

/// RFC 7518 section 6.3: numbers without leading zeros; a private key with all of its numbers, and two primes.
#[test]
fn rsa_numbers_are_complete_and_minimal() {
    let n = &base64([&[0][..], &[0xc1; 256]].concat());
    let zeros = format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"}}"#);
    assert_eq!(refused(&zeros), JwkError::LeadingZeros { member: "n" });
    assert_eq!(
        refused(&jwk(&[&RFC7517_RSA.replace("AQAB", "AAEAAQ")])),
        JwkError::LeadingZeros { member: "e" }
    );
    assert_eq!(refused(&jwk(&[&RFC7517_RSA.replace("AQAB", "")])), JwkError::Length { member: "e" });

    let whole = jwk(&[RFC7517_RSA, RFC7517_RSA_D]);
    assert!(Jwk::parse(&whole).is_ok());
    for member in ["d", "p", "q", "dp", "dq", "qi"] {
        let without = whole.replace(&format!(r#""{member}":"#), &format!(r#""not-{member}":"#));
        assert_eq!(refused(&without), JwkError::Missing { member }, "{member}");
        let zeros = whole.replace(&format!(r#""{member}":""#), &format!(r#""{member}":"AAAA"#));
        assert_eq!(refused(&zeros), JwkError::LeadingZeros { member }, "{member}");
    }
    let oth = jwk(&[RFC7517_RSA, RFC7517_RSA_D, r#""oth":[]"#]);
    assert_eq!(refused(&oth), JwkError::MultiPrime);
    // What can be seen without computing: p and q are half of n each.
    let foreign = whole.replace(r#""p":"83i-7IvM"#, r#""p":"83i-"#);
    assert_eq!(refused(&foreign), JwkError::Key(KeyError::Rsa));
}

/// Short and empty secrets; and a secret serves only for what it is long enough for.
#[test]
fn secrets_are_long_enough_for_their_algorithm() {
    let oct = |len: u8, alg: &str| {
        let k = base64((0..len).collect::<Vec<_>>());
        Jwk::parse(&format!(r#"{{"kty":"oct","k":"{k}"{alg}}}"#)).map(|jwk| jwk.algorithms())
    };
    let short = |found, min| Err(JwkError::Key(KeyError::TooShort { found, min }));
    assert_eq!(oct(0, ""), short(0, 32));
    assert_eq!(oct(31, ""), short(31, 32));
    assert_eq!(oct(32, ""), Ok(&[Algorithm::Hs256][..]));
    assert_eq!(oct(48, ""), Ok(&[Algorithm::Hs256, Algorithm::Hs384][..]));
    assert_eq!(oct(64, ""), Ok(&[Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512][..]));
    assert_eq!(oct(63, r#","alg":"HS512""#), short(63, 64));
    assert_eq!(oct(64, r#","alg":"HS512""#), Ok(&[Algorithm::Hs512][..]));
    let pem = base64("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n");
    let key = format!(r#"{{"kty":"oct","k":"{pem}"}}"#);
    assert_eq!(refused(&key), JwkError::Key(KeyError::Asymmetric), "CVE-2016-10555");
}

/// An HMAC key signs and verifies, so its JWK must allow both; a verifier's half needs only one.
#[test]
fn a_secret_does_what_its_operations_allow() {
    let verify = jwk(&[RFC7520_OCT, r#""key_ops":["verify"]"#]);
    let key = Jwk::parse(&verify).unwrap();
    assert!(key.verifying_key(Algorithm::Hs256, Backend::default()).is_ok());
    let refused = key.signing_key(Algorithm::Hs256, Backend::default()).unwrap_err();
    assert_eq!(refused, JwkError::Operation { operation: "sign" });
    assert_eq!(Hs256Key::from_jwk(&secret(verify)).unwrap_err(), JwkError::Operation { operation: "sign" });
    let sign = Jwk::parse(&jwk(&[RFC7520_OCT, r#""key_ops":["sign"]"#])).unwrap();
    let refused = sign.verifying_key(Algorithm::Hs256, Backend::default()).unwrap_err();
    assert_eq!(refused, JwkError::Operation { operation: "verify" });
}

/// Strict JSON; and no key is so long that reading it is an attack.
#[test]
fn json_is_strict() {
    for (bad, error) in [
        (jwk(&[RFC8037, r#""x":"AA""#]), JsonError::DuplicateMember),
        (jwk(&[RFC8037, r#""\u0078":"AA""#]), JsonError::DuplicateMember),
        (jwk(&[RFC8037, r#""other":{"a":1,"a":2}"#]), JsonError::DuplicateMember),
        (jwk(&[RFC8037, r#""other":"\ud800""#]), JsonError::Character),
        (format!("{} x", jwk(&[RFC8037])), JsonError::TrailingBytes),
        (format!("[{}]", jwk(&[RFC8037])), JsonError::NotAnObject),
        (format!("\u{feff}{}", jwk(&[RFC8037])), JsonError::Syntax { at: 0 }),
        (jwk(&[RFC8037, &format!(r#""other":{}"#, "[".repeat(100))]), JsonError::TooDeep),
    ] {
        assert_eq!(refused(&bad), JwkError::Json(error), "{bad}");
    }
    let many: Vec<_> = (0..40).map(|n| format!(r#""m{n}":0"#)).collect();
    assert_eq!(refused(&jwk(&[RFC8037, &many.join(",")])), JwkError::Json(JsonError::TooManyMembers));
    let long = jwk(&[RFC8037, &format!(r#""other":"{}""#, "x".repeat(16 * 1024))]);
    assert_eq!(refused(&long), JwkError::TooLong { max: 16 * 1024 });
    // Names are compared exactly (Go matches them without case).
    assert_eq!(refused(r#"{"KTY":"OKP","crv":"Ed25519"}"#), JwkError::Missing { member: "kty" });
}

/// RSA keys and secrets do not say by themselves what they are for.
#[test]
fn an_algorithm_is_never_guessed() {
    for parts in [[RFC7517_RSA], [RFC7517_OCT]] {
        let refused = AnyVerifyingKey::from_jwk(&jwk(&parts)).unwrap_err();
        assert_eq!(refused, JwkError::AmbiguousAlgorithm);
    }
    let key = Jwk::parse(&jwk(&[RFC7517_OCT])).unwrap();
    assert!(key.verifying_key(Algorithm::Hs384, Backend::default()).is_ok());
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let wrong = JwkError::Key(KeyError::WrongKind { expected: algorithm });
        assert_eq!(key.verifying_key(algorithm, Backend::default()).unwrap_err(), wrong);
        assert_eq!(key.signing_key(algorithm, Backend::default()).unwrap_err(), wrong);
    }
    assert_eq!(AnyVerifyingKey::from_jwk(&jwk(&[RFC8037])).unwrap().algorithm(), Algorithm::EdDsa);
}
