use auth_core::{Secret, SystemEntropy};

use super::*;
use crate::{Hs256Key, Issuer, KeyId, any_audience, any_typ};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn key(id: &str) -> Hs256Key {
    let secret = Secret::new(format!("{id:0>40}").into_bytes());
    Hs256Key::new(&secret).unwrap().with_id(KeyId::new(id).unwrap())
}

fn token(key: &Hs256Key, header: &str) -> String {
    let mut token = String::new();
    base64url::encode_to(header.as_bytes(), &mut token);
    token.push('.');
    base64url::encode_to(br#"{"iss":"https://id.example","exp":1900000000}"#, &mut token);
    let signature = key.sign(token.as_bytes());
    token.push('.');
    base64url::encode_to(signature.as_bytes(), &mut token);
    token
}

fn header(kid: &str) -> String {
    format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#)
}

fn policy() -> TokenPolicy {
    TokenPolicy::typed(any_typ(), Issuer::new("https://id.example").unwrap(), any_audience())
}

/// A key that is not yet, or no longer, in use verifies nothing, whether or not its header was seen before.
#[test]
fn a_key_is_used_within_its_window_only() {
    let keys = [key("a"), key("b"), key("c")];
    let windows = [None, Some((NOW, UnixTime::from_secs(1_800_000_100))), Some((NOW, NOW))];
    let set = KeySet::new(keys.clone()).unwrap().with_windows(windows);
    let tokens = ["a", "b", "c"].map(header);
    let tokens = [token(&keys[0], &tokens[0]), token(&keys[1], &tokens[1]), token(&keys[2], &tokens[2])];
    let verifier = Verifier::new(set, policy());
    // Twice, for the second time the header may have been remembered.
    for _ in 0..2 {
        for (secs, expected) in [
            (1_799_999_999, [true, false, false]),
            (1_800_000_000, [true, true, false]),
            (1_800_000_099, [true, true, false]),
            (1_800_000_100, [true, false, false]),
        ] {
            for (token, expected) in tokens.iter().zip(expected) {
                let answer = verifier.verify::<()>(token, UnixTime::from_secs(secs)).map(drop);
                assert_eq!(answer, if expected { Ok(()) } else { Err(VerifyError::UnknownKey) }, "{secs}");
            }
        }
    }
}

/// With a header that was seen, what is behind the second dot is searched only if it cannot be read; the answer is that
/// of a header that was not.
#[test]
fn segments_too_many_are_called_so_under_every_header() {
    let key = key("a");
    let token = token(&key, &header("a"));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = |signature: &str| format!("{signed}.{signature}");
    let dots = |signature: &str| (MalformedToken::Segments.into(), other(signature));
    let cases: [(VerifyError, String); 10] = [
        dots(&format!("{signature}.")),
        dots(&format!(".{signature}")),
        dots(&format!("{signature}.{signature}")),
        dots("."),
        // As long as the key's.
        dots(&signature.replacen(|_| true, ".", 1)),
        dots(&format!("{}.", &signature[..signature.len() - 1])),
        (MalformedToken::Base64.into(), other(&signature.replacen(|_| true, "=", 1))),
        (VerifyError::Signature, other(&"A".repeat(signature.len()))),
        (VerifyError::Signature, other(&signature[1..])),
        (VerifyError::Signature, other("")),
    ];
    let verifier = Verifier::new(key, policy());
    for is_seen in [false, true] {
        assert_eq!(verifier.has_seen_header_of(&token), is_seen);
        for (expected, bad) in &cases {
            assert_eq!(verifier.verify::<()>(bad, NOW).unwrap_err(), *expected, "{bad}, {is_seen}");
        }
        assert!(verifier.verify::<()>(&token, NOW).is_ok());
    }
}

/// Every key of a full set is found again by its header, and no other key takes its place.
#[test]
fn headers_of_many_keys_find_their_key() {
    let keys: Vec<_> = (0..KeySet::MAX_KEYS).map(|n| key(&format!("key-{n:02}"))).collect();
    let verifier = Verifier::new(KeySet::new(keys.clone()).unwrap(), policy());
    for _ in 0..2 {
        for (n, key) in keys.iter().enumerate() {
            let other = &keys[(n + 1) % keys.len()];
            let header = header(&format!("key-{n:02}"));
            assert_eq!(
                verifier.verify::<()>(&token(other, &header), NOW).unwrap_err(),
                VerifyError::Signature
            );
            assert!(verifier.verify::<()>(&token(key, &header), NOW).is_ok());
            assert!(verifier.keys.seen.find(token(key, &header).split('.').next().unwrap()) == Some(n));
        }
    }
}

/// A header gets into the table behind a signature and a type that were right, and not before.
#[test]
fn a_header_is_remembered_behind_its_signature_only() {
    let (ours, theirs) = (key("a"), Hs256Key::generate(&SystemEntropy).unwrap());
    let typed = TokenPolicy::typed(
        crate::typ("x").unwrap(),
        Issuer::new("https://id.example").unwrap(),
        any_audience(),
    );
    let verifier = Verifier::new(ours.clone(), typed);
    let segment = |header: &str| token(&ours, header).split('.').next().unwrap().to_owned();
    let right = r#"{"alg":"HS256","typ":"x"}"#;
    for (key, header) in [(&theirs, right), (&ours, r#"{"alg":"HS256","typ":"y"}"#)] {
        assert!(verifier.verify::<()>(&token(key, header), NOW).is_err());
        assert_eq!(verifier.keys.seen.find(&segment(header)), None);
    }
    assert!(verifier.verify::<()>(&token(&ours, right), NOW).is_ok());
    assert_eq!(verifier.keys.seen.find(&segment(right)), Some(0));
    // Once seen, the header vouches for nothing but itself.
    assert_eq!(verifier.verify::<()>(&token(&theirs, right), NOW).unwrap_err(), VerifyError::Signature);
}
