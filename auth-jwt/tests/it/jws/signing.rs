//! What a signer makes, and what it refuses to make.

use auth_core::SystemEntropy;
use auth_jwt::{Algorithm, Ed25519SigningKey, JwsSignError, JwsSigner, JwsVerifier, KeyId, PolicyError};

use super::*;

fn signer() -> JwsSigner {
    JwsSigner::new(key())
}

/// RFC 7515 appendices A.6.4 and A.7, section 3.1: how the serialisations are written.
#[test]
fn serialisations_are_written_as_the_standard_shows() {
    let (header, mac) = (base64(PLAIN), signature(PLAIN, b"hello"));
    assert_eq!(signer().compact(b"hello").unwrap(), format!("{header}.aGVsbG8.{mac}"));
    assert_eq!(signer().compact_detached(b"hello").unwrap(), format!("{header}..{mac}"));
    let flattened = format!(r#"{{"payload":"aGVsbG8","protected":"{header}","signature":"{mac}"}}"#);
    assert_eq!(signer().flattened(b"hello").unwrap(), flattened);
    let detached = format!(r#"{{"protected":"{header}","signature":"{mac}"}}"#);
    assert_eq!(signer().flattened_detached(b"hello").unwrap(), detached);
    let general = format!(r#"{{"payload":"aGVsbG8","signatures":[{detached},{detached}]}}"#);
    assert_eq!(JwsSigner::general(&[signer(), signer()], b"hello").unwrap(), general);
    let general = format!(r#"{{"signatures":[{detached}]}}"#);
    assert_eq!(JwsSigner::general_detached(&[signer()], b"hello").unwrap(), general);
}

#[test]
fn everything_in_a_header_is_protected() {
    let key = Ed25519SigningKey::generate(&SystemEntropy).unwrap().with_id(KeyId::new("k \"1\"").unwrap());
    let verifier = JwsVerifier::new(key.verifying_key()).with_unencoded_payload();
    let signer = JwsSigner::new(key)
        .with_typ("receipt+jws")
        .unwrap()
        .with_content_type("text/plain")
        .unwrap()
        .with_unencoded_payload()
        .unwrap();
    let jws = signer.compact(b"hello").unwrap();
    let header = jws.split_once('.').unwrap().0;
    assert_eq!(
        header,
        base64(
            r#"{"alg":"EdDSA","typ":"receipt+jws","cty":"text/plain","kid":"k \"1\"","b64":false,"crit":["b64"]}"#
        )
    );
    let verified = verifier.compact(&jws).unwrap();
    assert_eq!(verified.algorithm(), Algorithm::EdDsa);
    assert_eq!((verified.typ(), verified.content_type()), (Some("receipt+jws"), Some("text/plain")));
    assert_eq!(verified.key_id().unwrap().as_str(), "k \"1\"");
}

#[test]
fn what_verifiers_would_refuse_is_not_signed() {
    let unencoded = signer().with_unencoded_payload().unwrap();
    for bad in [&b"a.b"[..], b"a\nb", b"\0", b"\xff", "é".as_bytes()] {
        assert_eq!(unencoded.compact(bad).unwrap_err(), JwsSignError::Payload);
        assert!(unencoded.compact_detached(bad).is_ok());
    }
    for bad in [&b"\0"[..], b"\xff", b"a\0b"] {
        assert_eq!(unencoded.flattened(bad).unwrap_err(), JwsSignError::Payload);
        assert_eq!(
            JwsSigner::general(std::slice::from_ref(&unencoded), bad).unwrap_err(),
            JwsSignError::Payload
        );
    }
    assert_eq!(JwsSigner::general(&[], b"").unwrap_err(), JwsSignError::Signers);
    assert_eq!(JwsSigner::general(&[(); 9].map(|()| signer()), b"").unwrap_err(), JwsSignError::Signers);
    assert_eq!(JwsSigner::general_detached(&[signer(), unencoded], b"").unwrap_err(), JwsSignError::Signers);
    for bad in ["", "a b", "a/b/c", "text/plain; charset=utf-8", "\"", "é", &"x".repeat(128)] {
        assert_eq!(signer().with_typ(bad).unwrap_err(), PolicyError::Type, "{bad:?}");
        assert_eq!(signer().with_content_type(bad).unwrap_err(), PolicyError::Type, "{bad:?}");
    }
}

/// The same cap on both sides: the longest that is signed is verified, and one byte more is neither.
#[test]
fn caps_are_those_of_verifiers() {
    for max in [256, 1000, 65536] {
        let (signer, verifier) = (signer().with_max_len(max).unwrap(), verifier().with_max_len(max).unwrap());
        let (unencoded, raw) =
            (signer.clone().with_unencoded_payload().unwrap(), verifier.clone().with_unencoded_payload());
        let error = JwsSignError::TooLong { max };
        let longest = |fits: &dyn Fn(&[u8]) -> Result<String, JwsSignError>| {
            let long = vec![b'x'; max + 1];
            assert_eq!(fits(&long).unwrap_err(), error);
            let lens: Vec<_> = (0..=max).collect();
            let len = lens.partition_point(|len| fits(&long[..*len]).is_ok()) - 1;
            assert_eq!(fits(&long[..=len]).unwrap_err(), error);
            (fits(&long[..len]).unwrap(), long[..len].to_vec())
        };
        let (jws, payload) = longest(&|payload| signer.compact(payload));
        assert_eq!(verifier.compact(&jws).unwrap().payload(), payload);
        let (jws, payload) = longest(&|payload| unencoded.compact(payload));
        assert_eq!((jws.len(), raw.compact(&jws).unwrap().payload()), (max, &*payload));
        let (jws, payload) = longest(&|payload| signer.flattened(payload));
        assert_eq!(verifier.flattened(&jws).unwrap().payload(), payload);
        let (jws, payload) = longest(&|payload| unencoded.compact_detached(payload));
        assert_eq!(
            (payload.len(), raw.compact_detached(&jws, &payload).unwrap().payload()),
            (max, &*payload)
        );
        let (jws, payload) = longest(&|payload| signer.flattened_detached(payload));
        assert_eq!(verifier.flattened_detached(&jws, &payload).unwrap().payload(), payload);
    }
    for bad in [0, 255, (8 << 20) + 1] {
        assert_eq!(signer().with_max_len(bad).unwrap_err(), PolicyError::MaxLen { min: 256, max: 8 << 20 });
    }
}

#[test]
fn a_signer_shows_no_secret() {
    let shown = format!("{:?}", signer());
    assert!(shown.starts_with("JwsSigner { key: Hs256(Hs256Key { id: None, .. }), typ: None"), "{shown}");
}
