//! JWK Sets.

use auth_core::{Secret, SystemEntropy};
use auth_jwt::{
    Algorithm, AnyVerifyingKey, Backend, Ed25519SigningKey, Es256SigningKey, Es384SigningKey, Hs256Key,
    JsonError, Jwk, JwkError, JwsSigner, JwsVerifier, KeyId, KeySet, KeySetError, KeySetParseError,
    KeySetReport, Verifier, VerifyError,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    rfc_keys::*,
    support::{HEADER, NOW, base64, payload, policy, sign_segments},
};

const ACCEPTED: [Algorithm; 2] = [Algorithm::EdDsa, Algorithm::Es256];

fn set(keys: &[&str]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn parse(keys: &[&str]) -> Result<(KeySet, KeySetReport), KeySetParseError> {
    KeySet::parse(&set(keys), &ACCEPTED, Backend::default())
}

fn errors(report: &KeySetReport) -> Vec<(usize, JwkError)> {
    report.refused().iter().map(|jwk| (jwk.index(), jwk.error())).collect()
}

fn ed25519(kid: &str) -> Ed25519SigningKey {
    Ed25519SigningKey::generate(&SystemEntropy).unwrap().with_id(KeyId::new(kid).unwrap())
}

fn token(key: &Ed25519SigningKey, header: &str) -> String {
    let signed = format!("{}.{}", base64(header), base64(payload()));
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", base64(signature.as_bytes()))
}

fn verify(keys: &KeySet, token: &str) -> Result<(), VerifyError> {
    Verifier::new(keys.clone(), policy()).verify::<()>(token, NOW).map(drop)
}

/// One unknown or malformed key must not fail the set (jsonwebtoken#529).
#[test]
fn one_bad_key_does_not_spoil_the_set() {
    let good = ed25519("good");
    let written = good.verifying_key().to_jwk();
    let long = jwk(&[RFC8037, &format!(r#""other":"{}""#, "x".repeat(16 * 1024))]);
    let twice = jwk(&[RFC8037, r#""kid":"a","kid":"b""#]);
    let deep = jwk(&[RFC8037, &format!(r#""other":{}{}"#, "[".repeat(50), "]".repeat(50))]);
    let braces = jwk(&[RFC8037, r#""alg":"}\"]}","kid":"braces""#]);
    let encryption = jwk(&[RFC7517_EC, r#""use":"enc","kid":"1""#]);
    let private = jwk(&[RFC8037, RFC8037_D, r#""kid":"leaked""#]);
    let other = jwk(&[RFC7520_EC, r#""kid":"p521""#]);
    let bad = [
        (r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#, JwkError::KeyType),
        (r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#, JwkError::Curve),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#, JwkError::Length { member: "x" }),
        ("{}", JwkError::Missing { member: "kty" }),
        ("17", JwkError::Json(JsonError::NotAnObject)),
        (r#"["kty"]"#, JwkError::Json(JsonError::NotAnObject)),
        (&long, JwkError::TooLong { max: 16 * 1024 }),
        (&twice, JwkError::Json(JsonError::DuplicateMember)),
        (&deep, JwkError::Json(JsonError::TooDeep)),
        (&braces, JwkError::Algorithm),
        (&encryption, JwkError::NotForSignatures),
        (&private, JwkError::Private),
        (&other, JwkError::NotAccepted),
    ];
    let mut keys: Vec<&str> = bad.iter().map(|(key, _)| *key).collect();
    keys.push(&written);
    let (keys, report) = parse(&keys).unwrap();
    assert_eq!(keys.len(), 1);
    let expected: Vec<_> = bad.iter().map(|(_, error)| *error).enumerate().collect();
    assert_eq!(errors(&report), expected);
    let named = |index: usize| report.refused()[index].id().map(KeyId::as_str);
    assert_eq!((named(0), named(9), named(11)), (None, Some("braces"), Some("leaked")));
    assert!(verify(&keys, &token(&good, r#"{"alg":"EdDSA","typ":"at+jwt","kid":"good"}"#)).is_ok());
    // A report is for logs: a line of words, with nothing of the keys in it.
    assert!(report.to_string().starts_with("13 keys refused; key 0: kty is not supported; key 1:"));
}

/// RFC 7517 appendix A.1: a key for encryption, and one whose algorithm is not accepted here.
#[test]
fn a_set_without_a_usable_key_is_an_error_that_says_why() {
    let keys = [
        jwk(&[RFC7517_EC, r#""use":"enc","kid":"1""#]),
        jwk(&[RFC7517_RSA, r#""alg":"RS256","kid":"2011-04-29""#]),
    ];
    let refused = parse(&[&keys[0], &keys[1]]).unwrap_err();
    let KeySetParseError::NothingUsable(report) = &refused else { panic!("{refused:?}") };
    assert_eq!(errors(report), [(0, JwkError::NotForSignatures), (1, JwkError::NotAccepted)]);
    assert!(matches!(parse(&[]), Err(KeySetParseError::NothingUsable(_))));
    let nothing = KeySet::parse(&set(&[&jwk(&[RFC8037])]), &[], Backend::default());
    assert!(matches!(nothing, Err(KeySetParseError::NothingUsable(_))), "no algorithm accepts no key");
}

#[test]
fn only_what_is_no_set_at_all_is_refused_as_a_whole() {
    let parse = |text: &str| KeySet::parse(text, &ACCEPTED, Backend::default()).map(drop);
    let good = jwk(&[RFC8037]);
    for (text, error) in [
        ("{}".to_owned(), KeySetParseError::NoKeys),
        (r#"{"keys":{}}"#.to_owned(), KeySetParseError::NoKeys),
        (r#"{"keys":null}"#.to_owned(), KeySetParseError::NoKeys),
        (good.clone(), KeySetParseError::NoKeys),
        (format!("[{good}]"), JsonError::NotAnObject.into()),
        (String::new(), JsonError::Syntax { at: 0 }.into()),
        (format!(r#"{{"keys":[{good}"#), JsonError::Syntax { at: good.len() + 9 }.into()),
        (format!(r#"{{"keys":[{good}],"keys":[]}}"#), JsonError::DuplicateMember.into()),
        (format!(r#"{{"keys":[{good}]}}{{}}"#), JsonError::TrailingBytes.into()),
        (format!(r#"{{"keys":[{good},]}}"#), JsonError::Syntax { at: good.len() + 10 }.into()),
        (format!(r#"{{"keys":[{good},{{"kty" 1}}]}}"#), JsonError::Syntax { at: good.len() + 17 }.into()),
        (r#"{"keys":[{"#.to_owned(), JsonError::Syntax { at: 9 }.into()),
        (
            format!("{}{}", set(&[&good]), " ".repeat(256 * 1024)),
            KeySetParseError::TooLong { max: 256 * 1024 },
        ),
    ] {
        assert_eq!(parse(&text), Err(error), "{}", &text[..text.len().min(200)]);
    }
    let other = format!(r#"{{"issuer":"x","keys":[{good}],"next":{{"keys":[1]}}}}"#);
    assert_eq!(parse(&other), Ok(()), "other members are ignored");
    let many = vec!["{}"; 65];
    assert_eq!(parse(&set(&many)), Err(KeySetParseError::TooMany { max: 64 }));
    assert!(matches!(parse(&set(&many[..64])), Err(KeySetParseError::NothingUsable(_))));
}

/// Duplicate kids (wycheproof DuplicateKid). Which of the two a token means is not for
/// their order to say.
#[test]
fn two_keys_of_one_name_are_both_refused() {
    let (one, two, three) = (ed25519("same"), ed25519("same"), ed25519("other"));
    let written = [&one, &two, &three].map(|key| key.verifying_key().to_jwk());
    let (keys, report) = parse(&[&written[0], &written[1], &written[2]]).unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(errors(&report), [(0, JwkError::DuplicateId), (1, JwkError::DuplicateId)]);
    for key in [&one, &two] {
        let token = token(key, r#"{"alg":"EdDSA","typ":"at+jwt","kid":"same"}"#);
        assert_eq!(verify(&keys, &token), Err(VerifyError::AmbiguousKey));
    }
    assert!(verify(&keys, &token(&three, r#"{"alg":"EdDSA","typ":"at+jwt","kid":"other"}"#)).is_ok());
    let unknown = token(&three, r#"{"alg":"EdDSA","typ":"at+jwt","kid":"third"}"#);
    assert_eq!(verify(&keys, &unknown), Err(VerifyError::UnknownKey));
    // Also if the caller accepts only one of them, and if one has no name but is called by the other's.
    let es384 = Es384SigningKey::generate(&SystemEntropy).unwrap().with_id(KeyId::new("same").unwrap());
    let (_, report) = parse(&[&written[0], &es384.verifying_key().to_jwk(), &written[2]]).unwrap();
    assert_eq!(errors(&report), [(0, JwkError::DuplicateId), (1, JwkError::DuplicateId)]);
    // A key that cannot be used is no rival.
    let unusable = r#"{"kty":"EC","crv":"secp256k1","kid":"same","x":"AA","y":"AA"}"#;
    let (keys, _) = parse(&[&written[0], unusable]).unwrap();
    assert_eq!(keys.len(), 1);
}

/// `oct` inside a set for an asymmetric issuer (wycheproof MixedKeySet). Even a secret that
/// could not be used says that the set was put together by mistake.
#[test]
fn secrets_are_not_mixed_with_other_keys() {
    let public = jwk(&[RFC8037]);
    let short = r#"{"kty":"oct","k":"AA"}"#;
    let wrap = r#"{"kty":"oct","alg":"A128KW","use":"enc","k":"GawgguFyGrWKav7AX4VKUg"}"#;
    // Nor does it help that it could not be read at all.
    let twice = r#"{"kty" : "oct","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","k":"AA"}"#;
    let long = format!(r#"{{"kty":"oct","k":"{}"}}"#, "A".repeat(Jwk::MAX_LEN));
    for secret in [&jwk(&[RFC7520_OCT]), short, wrap, twice, &long] {
        assert_eq!(parse(&[&public, secret]).map(drop), Err(KeySetParseError::Mixed), "{secret}");
        assert_eq!(parse(&[secret, "{}"]).map(drop), Err(KeySetParseError::Mixed), "{secret}");
    }
    let accepted = [Algorithm::Hs256, Algorithm::EdDsa];
    let secrets = [jwk(&[RFC7520_OCT, r#""kid":"a""#]), jwk(&[RFC7517_OCT, r#""kid":"b""#])];
    let secrets = set(&[&secrets[0], &secrets[1]]);
    let (keys, _) = KeySet::parse(&secrets, &accepted, Backend::default()).unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys.to_jwks().unwrap_err(), KeySetError::Secret);
}

/// RFC 8725 section 3.1: the caller says which algorithms it accepts. A secret that would do for three is there for
/// those of them that the caller has named, under one name.
#[test]
fn a_key_without_alg_serves_only_for_what_is_accepted() {
    let key = jwk(&[RFC7517_OCT, r#""kid":"a""#]);
    let parse = |accepted: &[Algorithm]| KeySet::parse(&set(&[&key]), accepted, Backend::default());
    let (keys, _) = parse(&[Algorithm::Hs512, Algorithm::Hs256, Algorithm::Hs512]).unwrap();
    let algorithms: Vec<_> = keys.iter().map(AnyVerifyingKey::algorithm).collect();
    assert_eq!(algorithms, [Algorithm::Hs256, Algorithm::Hs512]);
    assert!(keys.iter().all(|key| key.id().map(KeyId::as_str) == Some("a")));

    let k = RFC7517_OCT.rsplit('"').nth(1).unwrap();
    let secret = Secret::new(URL_SAFE_NO_PAD.decode(k).unwrap());
    let signed = |alg: &str| {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"a"}}"#);
        let signed = format!("{}.{}", base64(header), base64(payload()));
        let signature = Hs256Key::new(&secret).unwrap().sign(signed.as_bytes());
        format!("{signed}.{}", base64(signature.as_bytes()))
    };
    assert_eq!(verify(&keys, &signed("HS256")), Ok(()));
    assert_eq!(verify(&keys, &signed("HS512")), Err(VerifyError::Signature));
    assert!(matches!(verify(&keys, &signed("HS384")), Err(VerifyError::Algorithm { .. })));
}

/// A public key without a name is called by its thumbprint, as soon as there is another one.
#[test]
fn a_key_without_a_name_is_called_by_its_thumbprint() {
    let (one, two) = (
        Ed25519SigningKey::generate(&SystemEntropy).unwrap(),
        Ed25519SigningKey::generate(&SystemEntropy).unwrap(),
    );
    let thumbprint = one.verifying_key().thumbprint();
    let named = token(&one, &format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{thumbprint}"}}"#));
    let stranger = token(&one, r#"{"alg":"EdDSA","typ":"at+jwt","kid":"x"}"#);
    let bare = token(&one, r#"{"alg":"EdDSA","typ":"at+jwt"}"#);

    let alone = KeySet::from(one.verifying_key());
    for token in [&named, &stranger, &bare] {
        assert_eq!(verify(&alone, token), Ok(()), "one key without a name");
    }
    let both = KeySet::new([one.verifying_key(), two.verifying_key()]).unwrap();
    let public = both.to_jwks().unwrap();
    let (read, report) = KeySet::parse(&public, &ACCEPTED, Backend::default()).unwrap();
    assert!(report.is_clean());
    for keys in [both, read] {
        assert_eq!(verify(&keys, &named), Ok(()));
        assert_eq!(verify(&keys, &stranger), Err(VerifyError::UnknownKey));
        assert_eq!(verify(&keys, &bare), Err(VerifyError::AmbiguousKey));
    }
    let same = KeySet::new([one.verifying_key(), one.verifying_key()]);
    assert_eq!(same.unwrap_err(), KeySetError::DuplicateId);
}

/// What is published is what others read: the same keys under the same names.
#[test]
fn a_published_set_is_read_again() {
    let es256 = Es256SigningKey::generate(&SystemEntropy).unwrap();
    let keys: [AnyVerifyingKey; 3] = [
        ed25519("a").verifying_key().into(),
        ed25519("b").verifying_key().into(),
        es256.verifying_key().into(),
    ];
    let keys = KeySet::new(keys).unwrap();
    let text = keys.to_jwks().unwrap();
    let (back, report) = KeySet::parse(&text, &ACCEPTED, Backend::default()).unwrap();
    assert!(report.is_clean());
    assert_eq!(back.len(), 3);
    assert_eq!(back.to_jwks().unwrap(), text);
    let names: Vec<_> = back.iter().map(|key| key.id().unwrap().to_string()).collect();
    assert_eq!(names, ["a", "b", &es256.verifying_key().thumbprint().to_string()]);
}

/// RFC 7515 appendix A.1: a secret that is long enough for several algorithms is one key all the same, and one key
/// without an id is meant by any `kid`. It used to be, if it was too short for a second algorithm.
#[test]
fn a_secret_without_a_name_is_meant_by_any_kid() {
    for len in [32, 47, 48, 63, 64, 100] {
        let secret: Vec<u8> = (0..len).map(|n: u8| n.wrapping_mul(37)).collect();
        let jwk = format!(r#"{{"kty":"oct","k":"{}"}}"#, base64(&secret));
        let accepted = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];
        let parse = |keys: &[&str]| KeySet::parse(&set(keys), &accepted, Backend::default()).unwrap().0;
        let token = |header: &str| sign_segments(&base64(header), &base64(payload()), &secret);
        let named = token(r#"{"alg":"HS256","typ":"at+jwt","kid":"any"}"#);
        let bare = token(HEADER);
        // A key that cannot be used is no rival.
        for keys in [parse(&[&jwk]), parse(&[&jwk, r#"{"kty":"oct","k":"AA"}"#])] {
            assert_eq!(verify(&keys, &named), Ok(()), "{len}");
            assert_eq!(verify(&keys, &bare), Ok(()), "{len}");
            for header in [r#"{"alg":"ES256"}"#, r#"{"alg":"ES256","kid":"any"}"#] {
                assert!(matches!(verify(&keys, &token(header)), Err(VerifyError::Algorithm { .. })), "{len}");
            }
        }
        let jws =
            JwsSigner::general(&[JwsSigner::new(Hs256Key::new(&Secret::new(secret.clone())).unwrap())], b"");
        assert!(JwsVerifier::new(parse(&[&jwk])).general_all(&jws.unwrap()).is_ok(), "{len}");
        // Of two, none is meant by a name that neither has.
        let two = parse(&[&jwk, &jwk]);
        assert_eq!(verify(&two, &named), Err(VerifyError::UnknownKey), "{len}");
        assert_eq!(verify(&two, &bare), Err(VerifyError::AmbiguousKey), "{len}");
    }
}
