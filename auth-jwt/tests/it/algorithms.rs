//! Which algorithm, which key.

use auth_core::{Secret, SystemEntropy};
use auth_jwt::{
    Algorithm, AnyVerifyingKey, Es256SigningKey, Es384SigningKey, Hs256Key, Hs512Key, KeyId, KeySet,
    KeySetError, MalformedToken, UnverifiedToken, Verifier, VerifyError,
};

use crate::support::*;

fn named(name: &str) -> Hs256Key {
    Hs256Key::generate(&SystemEntropy).unwrap().with_id(KeyId::new(name).unwrap())
}

/// CVE-2015-9235, CVE-2022-23540. Signed rightly and not at all: the name alone is refused.
#[test]
fn none_is_not_an_algorithm() {
    for alg in ["none", "None", "NONE", "nOnE", "none ", "", "hs256", "HS256 ", "HS256\\u0020", "ＨＳ256"] {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt"}}"#);
        let unsigned = format!("{}.{}.", base64(&header), base64(payload()));
        for token in [unsigned, sign(&header, payload())] {
            let refused = verify(&token).unwrap_err();
            let expected = if alg.is_empty() {
                matches!(refused, VerifyError::Malformed(MalformedToken::Parameter("alg")))
            } else {
                matches!(refused, VerifyError::Algorithm { expected: Algorithm::Hs256, .. })
            };
            assert!(expected, "{alg}: {refused:?}");
        }
    }
    for header in ["{}", r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#, r#"{"typ":"at+jwt"}"#] {
        let refused = with_header(header).unwrap_err();
        assert_eq!(refused, VerifyError::Malformed(MalformedToken::Parameter("alg")), "{header}");
    }
}

/// CVE-2016-10555 and its kin, and downgrades within the family: the key's algorithm is the only one.
#[test]
fn another_algorithm_is_refused_whatever_the_signature() {
    for alg in
        ["HS384", "HS512", "HS1", "RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", "ES256K", "dir"]
    {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt"}}"#);
        assert!(matches!(with_header(&header), Err(VerifyError::Algorithm { .. })), "{alg}");
    }
    // Written with escapes, it is still the same name.
    assert!(with_header(r#"{"alg":"\u0048S256","typ":"at+jwt"}"#).is_ok());
}

/// HS512 to HS256, under one secret that is long enough for both.
#[test]
fn a_shorter_mac_of_the_same_secret_is_another_algorithm() {
    let secret = Secret::new((0..64).collect());
    let token = |header: &str| sign_segments(&base64(header), &base64(payload()), secret.expose());
    let short = token(HEADER);
    assert!(Verifier::new(Hs256Key::new(&secret).unwrap(), policy()).verify::<()>(&short, NOW).is_ok());
    let longer = Verifier::new(Hs512Key::new(&secret).unwrap(), policy());
    let refused = longer.verify::<()>(&short, NOW).unwrap_err();
    assert!(matches!(refused, VerifyError::Algorithm { expected: Algorithm::Hs512, .. }), "{refused:?}");
    // Nor does it help to lie about it.
    let refused = longer.verify::<()>(&token(r#"{"alg":"HS512","typ":"at+jwt"}"#), NOW).unwrap_err();
    assert_eq!(refused, VerifyError::Signature);
}

/// ES256 under ES384. The length decides before a character is looked at.
#[test]
fn a_signature_of_another_curve_is_refused_by_its_length() {
    let (small, large) =
        (Es256SigningKey::generate(&SystemEntropy), Es384SigningKey::generate(&SystemEntropy));
    let (small, large) = (small.unwrap(), large.unwrap());
    let verifier = Verifier::new(large.verifying_key(), policy());
    let signed = format!("{}.{}", base64(r#"{"alg":"ES384","typ":"at+jwt"}"#), base64(payload()));
    let own = base64(large.sign(signed.as_bytes()).unwrap().as_bytes());
    let check = |signature: &str| verifier.verify::<()>(&format!("{signed}.{signature}"), NOW).map(drop);
    assert_eq!(check(&own), Ok(()));
    assert_eq!(
        check(&base64(small.sign(signed.as_bytes()).unwrap().as_bytes())),
        Err(VerifyError::Signature)
    );
    assert_eq!(check(&"*".repeat(86)), Err(VerifyError::Signature), "no base64, which nobody has looked at");
    assert_eq!(check(&"*".repeat(128)), Err(MalformedToken::Base64.into()));
}

/// What the error of an unverified token says: lengths, never contents.
#[test]
fn an_error_quotes_nothing_of_the_token() {
    let refused = with_header(r#"{"alg":"<script>","typ":"at+jwt"}"#).unwrap_err();
    assert_eq!(refused.to_string(), "the key is for HS256, the token names a string of 8 bytes");
    assert!(!format!("{refused:?}").contains("script"));
}

/// CVE-2018-0114, CVE-2026-34240: a token does not bring its own key (RFC 8725 section 3.10).
#[test]
fn keys_in_headers_are_never_used() {
    let attacker = [9; 31].into_iter().chain([1]).collect::<Vec<u8>>();
    let k = base64(&attacker);
    for parameter in [
        format!(r#""jwk":{{"kty":"oct","k":"{k}"}}"#),
        r#""jku":"https://evil.example/keys""#.to_owned(),
        r#""x5u":"file:///etc/passwd""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt",{parameter}}}"#);
        let forged = sign_segments(&base64(&header), &base64(payload()), &attacker);
        assert_eq!(verify(&forged).unwrap_err(), VerifyError::Signature, "{parameter}");
        assert!(with_header(&header).is_ok(), "ignored, not refused: {parameter}");
    }
}

/// What attackers write into `kid`.
#[test]
fn a_key_id_is_compared_and_nothing_else() {
    let verifier = Verifier::new(key().with_id(KeyId::new("k1").unwrap()), policy());
    let check = |header: &str| verifier.verify::<()>(&sign(header, payload()), NOW).map(drop);
    assert_eq!(check(r#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#), Ok(()));
    assert_eq!(check(r#"{"alg":"HS256","typ":"at+jwt","kid":"\u006b1"}"#), Ok(()));
    assert_eq!(check(HEADER), Ok(()), "one key needs no name");
    for kid in
        ["k2", "K1", "k1 ", "../../../../dev/null", "' OR 1=1 --", "https://evil.example/k", "k1\\n", "é"]
    {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#);
        assert_eq!(check(&header), Err(VerifyError::UnknownKey), "{kid}");
    }
    for kid in ["\"\"", "1", "null", "[\"k1\"]", "{\"k1\":1}"] {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":{kid}}}"#);
        assert_eq!(check(&header), Err(MalformedToken::Parameter("kid").into()), "{kid}");
    }
    let huge = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(1 << 20));
    assert_eq!(check(&huge), Err(MalformedToken::TooLong { max: 8192 }.into()));
    let long = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(2000));
    assert_eq!(check(&long), Err(MalformedToken::HeaderTooLong.into()));
}

/// Rotation: tokens of the retired key are good until they expire, and each token must name its key.
#[test]
fn several_keys_are_told_apart_by_name() {
    let (old, new) = (key().with_id(KeyId::new("old").unwrap()), named("new"));
    let verifier = Verifier::new(old.clone(), policy());
    let token = sign(r#"{"alg":"HS256","typ":"at+jwt","kid":"old"}"#, payload());
    let unnamed = sign(HEADER, payload());
    assert!(verifier.verify::<()>(&token, NOW).is_ok());
    assert!(verifier.verify::<()>(&unnamed, NOW).is_ok());

    let both = Verifier::new(KeySet::new([old, new]).unwrap(), policy());
    for _ in 0..2 {
        assert!(both.verify::<()>(&token, NOW).is_ok());
        assert_eq!(both.verify::<()>(&unnamed, NOW).unwrap_err(), VerifyError::AmbiguousKey);
    }
    let misnamed = sign(r#"{"alg":"HS256","typ":"at+jwt","kid":"new"}"#, payload());
    assert_eq!(both.verify::<()>(&misnamed, NOW).unwrap_err(), VerifyError::Signature);
}

/// Duplicate kids; `oct` beside asymmetric keys (wycheproof MixedKeySet).
#[test]
fn keys_that_cannot_be_told_apart_are_refused() {
    assert_eq!(KeySet::new([named("a"), named("b"), named("a")]).unwrap_err(), KeySetError::DuplicateId);
    assert_eq!(KeySet::new(Vec::<Hs256Key>::new()).unwrap_err(), KeySetError::Empty);
    let many = (0..65).map(|n| named(&format!("k{n}")));
    assert_eq!(KeySet::new(many).unwrap_err(), KeySetError::TooMany { max: 64 });
    let public = Es256SigningKey::generate(&SystemEntropy).unwrap().verifying_key();
    let mixed: [AnyVerifyingKey; 2] = [public.with_id(KeyId::new("p").unwrap()).into(), named("a").into()];
    assert_eq!(KeySet::new(mixed).unwrap_err(), KeySetError::Mixed);
}

/// Truncated, empty, longer; another key's.
#[test]
fn a_signature_is_all_of_the_signature() {
    let token = sign(HEADER, payload());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for len in 0..signature.len() {
        assert_eq!(verify(&format!("{signed}.{}", &signature[..len])).unwrap_err(), VerifyError::Signature);
    }
    for longer in ["A", "AA", "AAAA", signature] {
        assert_eq!(verify(&format!("{token}{longer}")).unwrap_err(), VerifyError::Signature);
    }
    let other = Hs256Key::new(&Secret::new((1..33).collect())).unwrap();
    let refused = Verifier::new(other, policy()).verify::<()>(&token, NOW).unwrap_err();
    assert_eq!(refused, VerifyError::Signature);
}

/// A remembered header vouches for itself only.
#[test]
fn a_remembered_header_does_not_help_a_forgery() {
    let verifier = verifier();
    let token = sign(HEADER, payload());
    assert!(verifier.verify::<()>(&token, NOW).is_ok());
    let forged = sign_segments(&base64(HEADER), &base64(payload()), &[1; 32]);
    assert_eq!(verifier.verify::<()>(&forged, NOW).unwrap_err(), VerifyError::Signature);
    // Forgeries leave no trace, so they cannot take the places of good headers.
    for n in 0..10 {
        let header = base64(format!(r#"{{"alg":"HS256","typ":"at+jwt","n":{n}}}"#));
        let forged = sign_segments(&header, &base64(payload()), &[1; 32]);
        assert_eq!(verifier.verify::<()>(&forged, NOW).unwrap_err(), VerifyError::Signature);
    }
    assert!(verifier.verify::<()>(&token, NOW).is_ok());
    // A fifth, sixth and seventh header are read anew each time.
    for _ in 0..2 {
        for n in 0..7 {
            let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","n":{n}}}"#);
            assert!(verifier.verify::<()>(&sign(header, payload()), NOW).is_ok());
        }
    }
}

#[test]
fn an_unverified_token_tells_alg_and_kid() {
    let token = sign(r#"{"alg":"RS256","kid":"k\u0031"}"#, "not json");
    let unverified = UnverifiedToken::parse(&token).unwrap();
    assert_eq!((unverified.alg(), unverified.kid().map(KeyId::as_str)), ("RS256", Some("k1")));
    assert_eq!(UnverifiedToken::parse("a.b"), Err(MalformedToken::Segments));
    let control = sign(r#"{"alg":"RS256","kid":"k\u0007"}"#, "{}");
    assert_eq!(UnverifiedToken::parse(&control), Err(MalformedToken::Parameter("kid")));
}
