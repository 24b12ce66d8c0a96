//! Several signatures: one of them has to be good, or all.

use auth_core::SystemEntropy;
use auth_jwt::{
    AnySigningKey, Es256SigningKey, JwsError, JwsSigner, JwsVerifier, KeyId, KeySet, MalformedToken,
};

use super::*;

/// Another's signature in every way that it can be one.
fn strangers() -> Vec<String> {
    let forged = |header: &str| {
        let signature = mac(format!("{}.{}", base64(header), base64("hello")).as_bytes(), &[1; 32]);
        format!(r#""protected":"{}","signature":"{signature}""#, base64(header))
    };
    vec![
        forged(PLAIN),
        forged(r#"{"alg":"HS256","kid":"theirs"}"#),
        forged(r#"{"alg":"ES256"}"#),
        forged(r#"{"alg":"none"}"#),
        forged(r#"{"alg":"ML-DSA-44","kid":"1"}"#),
        forged(r#"{"alg":"HS256","crit":["exp"],"exp":1}"#),
        forged("not json"),
        format!(r#""protected":"{}","signature":"""#, base64(PLAIN)),
        format!(r#""protected":"{}","signature":"!""#, base64(PLAIN)),
        r#""protected":"!","signature":"AAAA""#.to_owned(),
        r#""header":{"alg":"HS256"},"signature":"AAAA""#.to_owned(),
        r#""signature":"AAAA""#.to_owned(),
        entry(PLAIN, b"other", ""),
    ]
}

/// Whoever passes a JWS on can add signatures: none of them does harm, none of them helps.
#[test]
fn any_needs_one_good_signature_and_minds_no_other() {
    let ours = entry(PLAIN, b"hello", "");
    let verifier = JwsVerifier::new(key().with_id(KeyId::new("ours").unwrap()));
    for stranger in strangers() {
        for jws in [
            general(&[&stranger, &ours]),
            general(&[&ours, &stranger]),
            general(&[&stranger, &stranger, &stranger, &stranger, &stranger, &stranger, &stranger, &ours]),
        ] {
            let verified = verifier.general_any(&jws).unwrap();
            assert_eq!((verified.payload(), verified.signatures().count()), (&b"hello"[..], 1), "{jws}");
            assert_eq!(verified.key_id().unwrap().as_str(), "ours");
            assert!(verifier.general_all(&jws).is_err(), "{jws}");
        }
        assert!(verifier.general_any(&general(&[&stranger])).is_err(), "{stranger}");
        assert!(verifier.general_any(&general(&[&stranger, &stranger])).is_err(), "{stranger}");
        assert!(verifier.general_all(&general(&[&stranger])).is_err(), "{stranger}");
    }
}

#[test]
fn the_reason_is_that_of_the_signature_that_got_furthest() {
    let strangers = strangers();
    let reason = |entries: &[&str]| verifier().general_any(&general(entries)).unwrap_err();
    assert_eq!(reason(&[&strangers[2], &strangers[0]]), JwsError::Signature);
    assert_eq!(reason(&[&strangers[0], &strangers[2]]), JwsError::Signature);
    assert!(matches!(reason(&[&strangers[2], &strangers[5]]), JwsError::Algorithm { .. }));
    assert_eq!(reason(&[&strangers[5], &strangers[2]]), MalformedToken::Refused("crit").into());
}

#[test]
fn there_are_one_to_eight_signatures() {
    let ours = entry(PLAIN, b"hello", "");
    let eight = [&*ours; 8];
    assert!(verifier().general_any(&general(&eight)).is_ok());
    assert_eq!(verifier().general_all(&general(&eight)).unwrap().signatures().count(), 8);
    let error = JwsError::Signatures { max: 8 };
    let none = format!(r#"{{"payload":"{}","signatures":[]}}"#, base64("hello"));
    for jws in [general(&[&*ours; 9]), general(&[&*ours; 200]), none] {
        assert_eq!(verifier().general_any(&jws).unwrap_err(), error);
        assert_eq!(verifier().general_all(&jws).unwrap_err(), error);
    }
}

/// With "all that are there" alone, whoever passes a JWS on could take away the signature that they dislike.
#[test]
fn all_means_every_signature_and_every_key() {
    let (buyer, seller, other) = (named("buyer"), named("seller"), named("other"));
    let both = JwsVerifier::new(KeySet::new([buyer.verifying_key(), seller.verifying_key()]).unwrap());
    let [buyer, seller, other] = [buyer, seller, other].map(JwsSigner::new);
    let sign = |signers: &[&JwsSigner]| {
        let signers: Vec<_> = signers.iter().map(|signer| (*signer).clone()).collect();
        JwsSigner::general(&signers, b"hello").unwrap()
    };
    for order in [[&buyer, &seller], [&seller, &buyer]] {
        let verified = both.general_all(&sign(&order)).unwrap();
        let ids: Vec<_> =
            verified.signatures().map(|signature| signature.key_id().unwrap().as_str()).collect();
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1]);
    }
    for missing in [&[&buyer][..], &[&seller], &[&buyer, &buyer], &[&seller, &seller, &seller]] {
        assert_eq!(both.general_all(&sign(missing)).unwrap_err(), JwsError::NotAllSigned);
        assert!(both.general_any(&sign(missing)).is_ok());
    }
    assert_eq!(both.general_all(&sign(&[&buyer, &seller, &other])).unwrap_err(), JwsError::UnknownKey);
    assert!(both.general_any(&sign(&[&other, &seller])).is_ok());
    assert_eq!(both.general_any(&sign(&[&other])).unwrap_err(), JwsError::UnknownKey);
}

/// RFC 7797 section 3: one payload is not encoded and unencoded at once, whoever says so.
#[test]
fn signatures_agree_on_the_encoding() {
    let plain = entry(PLAIN, b"hello", "");
    let unencoded = format!(
        r#""protected":"{}","signature":"{}""#,
        base64(UNENCODED),
        mac(format!("{}.aGVsbG8", base64(UNENCODED)).as_bytes(), &secret())
    );
    let stranger = format!(r#""protected":"{}","signature":"AAAA""#, base64(UNENCODED));
    for other in [&unencoded, &stranger] {
        for jws in [general(&[&plain, other]), general(&[other, &plain])] {
            for verifier in [verifier(), verifier().with_unencoded_payload()] {
                assert_eq!(verifier.general_any(&jws).unwrap_err(), JwsError::Encoding);
                assert_eq!(verifier.general_all(&jws).unwrap_err(), JwsError::Encoding);
            }
        }
    }
    let unencoded = verifier().with_unencoded_payload().general_any(&general(&[&unencoded]));
    assert_eq!(unencoded.unwrap().payload(), b"aGVsbG8");
}

/// What a protected `kid` says has to be true; without one, there has to be no choice.
#[test]
fn a_protected_kid_chooses_among_keys() {
    let (one, two) = (named("one"), named("two"));
    let set = JwsVerifier::new(KeySet::new([one.verifying_key(), two.verifying_key()]).unwrap());
    let sign = |key: AnySigningKey| JwsSigner::new(key).flattened(b"hello").unwrap();
    assert_eq!(set.flattened(&sign(two.clone().into())).unwrap().key_id().unwrap().as_str(), "two");
    let misnamed = two.clone().with_id(KeyId::new("one").unwrap());
    assert_eq!(set.flattened(&sign(misnamed.into())).unwrap_err(), JwsError::Signature);
    let unknown = two.with_id(KeyId::new("three").unwrap());
    assert_eq!(set.flattened(&sign(unknown.into())).unwrap_err(), JwsError::UnknownKey);
    let alone = JwsVerifier::new(one.verifying_key());
    let stranger = Es256SigningKey::generate(&SystemEntropy).unwrap();
    assert!(alone.flattened(&sign(stranger.into())).is_err());
}
