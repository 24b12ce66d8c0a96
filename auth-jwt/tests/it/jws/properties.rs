//! Whatever comes: no panic. Whatever goes: it comes back.

use std::sync::LazyLock;

use auth_core::SystemEntropy;
#[cfg(feature = "aws-lc-rs")]
use auth_jwt::aws_lc_rs::RsaSize;
use auth_jwt::{
    AnySigningKey, Ed25519SigningKey, Es256SigningKey, Es384SigningKey, Es512SigningKey, Hs256Key, Hs384Key,
    Hs512Key, JwsSigner, JwsVerifier, KeyId, KeySet,
};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// One key of each algorithm.
static KEYS: LazyLock<Vec<AnySigningKey>> = LazyLock::new(|| {
    let entropy = &SystemEntropy;
    vec![
        Hs256Key::generate(entropy).unwrap().into(),
        Hs384Key::generate(entropy).unwrap().into(),
        Hs512Key::generate(entropy).unwrap().into(),
        Es256SigningKey::generate(entropy).unwrap().into(),
        Es384SigningKey::generate(entropy).unwrap().into(),
        Es512SigningKey::generate(entropy).unwrap().into(),
        Ed25519SigningKey::generate(entropy).unwrap().into(),
        #[cfg(feature = "aws-lc-rs")]
        auth_jwt::aws_lc_rs::Es256SigningKey::generate(entropy).unwrap().into(),
        #[cfg(feature = "aws-lc-rs")]
        auth_jwt::aws_lc_rs::Rs256SigningKey::generate(RsaSize::default()).unwrap().into(),
        #[cfg(feature = "aws-lc-rs")]
        auth_jwt::aws_lc_rs::Ps512SigningKey::generate(RsaSize::default()).unwrap().into(),
    ]
});

fn never_panics(jws: &str) {
    for verifier in [verifier(), verifier().with_unencoded_payload()] {
        assert!(verifier.compact(jws).is_err());
        assert!(verifier.compact_detached(jws, b"hello").is_err());
        assert!(verifier.flattened(jws).is_err());
        assert!(verifier.flattened_detached(jws, b"hello").is_err());
        assert!(verifier.general_any(jws).is_err());
        assert!(verifier.general_any_detached(jws, b"hello").is_err());
        assert!(verifier.general_all(jws).is_err());
        assert!(verifier.general_all_detached(jws, b"hello").is_err());
    }
}

/// Tampering. Whatever byte is changed, what is accepted is still what was signed.
#[test]
fn every_changed_byte_is_noticed_or_means_nothing() {
    let jws = flattened_with(r#"{"alg":"HS256","typ":"a"}"#, r#""header":{"kid":"a"},"#);
    let members = ["payload", "protected", "header", "signature"];
    let meaning = |text: &str| -> Value {
        let value: Value = serde_json::from_str(text).unwrap();
        members[..2].iter().chain(&members[3..]).map(|name| value[name].clone()).collect()
    };
    let expected = meaning(&jws);
    for at in 0..jws.len() {
        for byte in (0..=127).map(char::from) {
            let mut changed = jws.clone();
            changed.replace_range(at..=at, byte.encode_utf8(&mut [0; 4]));
            if verifier().flattened(&changed).is_ok() {
                assert_eq!(meaning(&changed), expected, "{changed}");
            }
        }
        let mut removed = jws.clone();
        removed.remove(at);
        if verifier().flattened(&removed).is_ok() {
            assert_eq!(meaning(&removed), expected, "{removed}");
        }
    }
    let (compact, token) = (verifier(), crate::support::sign(PLAIN, "hello"));
    for at in 0..token.len() {
        for byte in (0..=127).map(char::from) {
            let mut changed = token.clone();
            changed.replace_range(at..=at, byte.encode_utf8(&mut [0; 4]));
            assert_eq!(compact.compact(&changed).is_ok(), changed == token, "{changed}");
        }
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "payload",
        "protected",
        "header",
        "signature",
        "signatures",
        "alg",
        "crit",
        "b64",
        "kid",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::from(base64(PLAIN))),
        Just(Value::from(base64(UNENCODED))),
        Just(Value::from("aGVsbG8")),
        Just(Value::from(signature(PLAIN, b"other"))),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..10).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(String::from), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_text_is_refused_without_a_panic(jws in ".{0,300}") {
        never_panics(&jws);
    }

    #[test]
    fn arbitrary_json_is_refused_without_a_panic(value in any_value()) {
        never_panics(&value.to_string());
    }

    #[test]
    fn arbitrary_parts_are_refused_without_a_panic(
        header in prop::collection::vec(any::<u8>(), 0..80),
        payload in ".{0,40}",
        signature in prop::collection::vec(any::<u8>(), 0..40),
        extra in any_value(),
    ) {
        let (header, signature) = (base64(header), base64(signature));
        let payload = Value::from(payload);
        never_panics(&format!("{header}.{payload}.{signature}"));
        let entry = format!(r#""protected":"{header}","header":{extra},"signature":"{signature}""#);
        never_panics(&format!(r#"{{"payload":{payload},{entry}}}"#));
        never_panics(&format!(r#"{{"payload":{payload},"signatures":[{{{entry}}},{{{entry}}}]}}"#));
        never_panics(&format!(r#"{{{entry}}}"#));
    }

    #[test]
    fn signed_headers_of_any_bytes_do_not_panic(header in prop::collection::vec(any::<u8>(), 0..80)) {
        never_panics(&crate::support::sign(&header, "hello"));
    }

    #[test]
    fn changed_json_does_not_panic(at in any::<prop::sample::Index>(), with in any::<char>()) {
        let entry = |header| entry(header, b"other", r#""header":{"kid":"a"},"#);
        let mut jws = general(&[&entry(PLAIN), &entry(UNENCODED), &entry("{}")]);
        let at = at.index(jws.len());
        jws.replace_range(at..=at, with.encode_utf8(&mut [0; 4]));
        never_panics(&jws);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Signed here is verified here: every algorithm, every serialisation, any payload, any name.
    #[test]
    fn what_is_signed_is_what_is_verified(
        which in any::<prop::sample::Index>(), payload in prop::collection::vec(any::<u8>(), 0..300),
        text in "[^\\x00]{0,60}", printable in "[ -\\-/-~]{0,60}",
        id in prop::option::of("[^\\pC]{1,60}"), typ in prop::option::of("[a-z]{1,9}(/[a-z]{1,9})?"),
    ) {
        let key = which.get(&KEYS).clone();
        let key = match &id {
            Some(id) => key.with_id(KeyId::new(id).unwrap()),
            None => key,
        };
        let name = id.clone().or_else(|| key.verifying_key().thumbprint().map(|name| name.to_string()));
        let verifier = JwsVerifier::new(key.verifying_key());
        let mut signer = JwsSigner::new(key);
        if let Some(typ) = &typ {
            signer = signer.with_typ(typ).unwrap().with_content_type(typ).unwrap();
        }
        let several = [signer.clone(), signer.clone()];
        let check = |verified: VerifiedJws<'_>, signed: &[u8]| {
            assert_eq!(verified.payload(), signed);
            assert_eq!((verified.typ(), verified.content_type()), (typ.as_deref(), typ.as_deref()));
            assert_eq!(verified.key_id().map(KeyId::as_str), name.as_deref());
        };
        check(verifier.compact(&signer.compact(&payload).unwrap()).unwrap(), &payload);
        check(verifier.flattened(&signer.flattened(&payload).unwrap()).unwrap(), &payload);
        check(verifier.general_all(&JwsSigner::general(&several, &payload).unwrap()).unwrap(), &payload);
        let detached = JwsSigner::general_detached(&several, &payload).unwrap();
        check(verifier.general_any_detached(&detached, &payload).unwrap(), &payload);

        let (signer, verifier) = (signer.with_unencoded_payload().unwrap(), verifier.with_unencoded_payload());
        let several = [signer.clone(), signer.clone()];
        check(verifier.compact(&signer.compact(printable.as_bytes()).unwrap()).unwrap(), printable.as_bytes());
        check(verifier.flattened(&signer.flattened(text.as_bytes()).unwrap()).unwrap(), text.as_bytes());
        let general = JwsSigner::general(&several, text.as_bytes()).unwrap();
        check(verifier.general_any(&general).unwrap(), text.as_bytes());
        let detached = signer.compact_detached(&payload).unwrap();
        check(verifier.compact_detached(&detached, &payload).unwrap(), &payload);
    }
}

/// A set of every asymmetric algorithm: each finds its key by algorithm alone.
#[test]
fn a_key_is_found_by_its_algorithm_where_only_one_has_it() {
    let keys: Vec<_> = KEYS.iter().filter(|key| !key.algorithm().is_symmetric()).cloned().collect();
    let set = JwsVerifier::new(KeySet::new(keys.iter().map(AnySigningKey::verifying_key)).unwrap());
    let signers: Vec<_> = keys.iter().cloned().map(JwsSigner::new).collect();
    for (key, signer) in keys.iter().zip(&signers) {
        let verified = set.flattened(&signer.flattened(b"hello").unwrap()).unwrap();
        assert_eq!(verified.algorithm(), key.algorithm());
    }
    let all = set.general_all(&JwsSigner::general(&signers, b"hello").unwrap()).unwrap();
    assert_eq!(all.signatures().count(), signers.len());
}
