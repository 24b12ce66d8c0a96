//! Structures, byte by byte. What keys are made of them is tested from outside.

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::{
    KeyError,
    key::{Curve, PrivateMaterial, PublicMaterial, RsaPrivate},
};

/// Numbers of the right lengths, all odd; no mathematics is done with them here.
fn rsa(len: usize) -> RsaPrivate {
    let number = |len: usize, first: u8| {
        let mut bytes = vec![0x55; len];
        (bytes[0], bytes[len - 1]) = (first, 0x01);
        bytes
    };
    let secret = |first| Zeroizing::new(number(len / 2, first));
    RsaPrivate {
        modulus: number(len, 0xc1),
        exponent: vec![1, 0, 1],
        d: Zeroizing::new(number(len, 0x71)),
        p: secret(0xf1),
        q: secret(0xe1),
        dp: secret(0x81),
        dq: secret(0x7f),
        qi: secret(0x01),
    }
}

fn read(der: &[u8]) -> Result<RsaPrivate, KeyFormatError> {
    match private(der, None)? {
        PrivateMaterial::Rsa(key) => Ok(*key),
        _ => Err(KeyFormatError::KeyType),
    }
}

/// PKCS#8 puts 26 bytes before the PKCS#1 structure of a key of this size, as SPKI puts 24.
#[test]
fn rsa_keys_come_back_from_both_structures() {
    let key = rsa(256);
    let whole = pkcs8(&PrivateMaterial::Rsa(Box::new(key.clone())));
    for der in [&whole[..], &whole[26..]] {
        let back = read(der).unwrap();
        assert_eq!((&back.modulus, &back.exponent), (&key.modulus, &key.exponent));
        for (one, two) in [
            (&back.d, &key.d),
            (&back.p, &key.p),
            (&back.q, &key.q),
            (&back.dp, &key.dp),
            (&back.dq, &key.dq),
            (&back.qi, &key.qi),
        ] {
            assert_eq!(one, two);
        }
    }
    let material = PrivateMaterial::Rsa(Box::new(key)).public().unwrap();
    let whole = spki(&material);
    for der in [&whole[..], &whole[24..]] {
        assert_eq!(public(der, None).unwrap(), material);
        assert_eq!(private(der, None).map(drop), Err(KeyFormatError::NotPrivate));
    }
    assert_eq!(public(&whole, Some(Form::RsaPublic)), Err(KeyFormatError::Label));
    assert_eq!(public(&whole[24..], Some(Form::Spki)), Err(KeyFormatError::Label));
}

/// The lengths of one, two and three bytes, where encodings have gone wrong before.
#[test]
fn rsa_keys_of_all_sizes_are_written_canonically() {
    for len in [2, 4, 16, 60, 124, 126, 128, 252, 254, 256, 512, 1024] {
        let key = rsa(len);
        let der = pkcs8(&PrivateMaterial::Rsa(Box::new(key.clone())));
        assert_eq!(read(&der).unwrap().modulus, key.modulus, "{len}");
        assert!(der.len() < MAX_LEN / 2);
    }
}

#[test]
fn rsa_numbers_that_cannot_be_are_refused() {
    let der = |change: fn(&mut RsaPrivate)| {
        let mut key = rsa(256);
        change(&mut key);
        read(&pkcs8(&PrivateMaterial::Rsa(Box::new(key)))).map(drop)
    };
    assert_eq!(der(|_| {}), Ok(()));
    let refused = Err(KeyFormatError::Key(KeyError::Rsa));
    for change in [
        |key: &mut RsaPrivate| key.modulus[255] = 2,
        |key: &mut RsaPrivate| key.exponent[2] = 0,
        |key: &mut RsaPrivate| key.d.push(1),
        |key: &mut RsaPrivate| key.p.truncate(100),
        |key: &mut RsaPrivate| key.q[127] = 0,
        |key: &mut RsaPrivate| key.dp.push(1),
        |key: &mut RsaPrivate| key.qi.push(1),
        |key: &mut RsaPrivate| *key.dq = vec![0],
    ] {
        assert_eq!(der(change), refused);
    }
}

/// RFC 8017 appendix A.1.2: version 1 is for more than two primes.
#[test]
fn more_than_two_primes_are_refused() {
    let whole = pkcs8(&PrivateMaterial::Rsa(Box::new(rsa(256))));
    let mut der = whole[26..].to_vec();
    assert_eq!(der[4..7], [0x02, 0x01, 0x00]);
    der[6] = 1;
    assert_eq!(read(&der).map(drop), Err(KeyFormatError::MultiPrime));
    der[6] = 2;
    assert_eq!(read(&der).map(drop), Err(KeyFormatError::Der));
}

fn ed25519_v2(version: u8, public: &[u8]) -> Vec<u8> {
    let mut body =
        vec![0x02, 0x01, version, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    body.extend([7; 32]);
    body.extend(public);
    [&[0x30, body.len() as u8][..], &body].concat()
}

/// RFC 5958 section 2: the public key makes it version 2, and its tag is implicit; `ring` writes both tags.
#[test]
fn the_second_version_has_the_public_key() {
    let key = [9; 32];
    let implicit = [&[0x81, 0x21, 0x00][..], &key].concat();
    let ring = [&[0xa1, 0x23, 0x03, 0x21, 0x00][..], &key].concat();
    for public in [&implicit, &ring] {
        let material = private(&ed25519_v2(1, public), None).unwrap();
        assert_eq!(material.public(), Some(PublicMaterial::Ed25519(key)));
        assert_eq!(private(&ed25519_v2(0, public), None).map(drop), Err(KeyFormatError::Der));
    }
    assert!(private(&ed25519_v2(0, &[]), None).unwrap().public().is_none());
    for bad in [&[][..], &[0x81, 0x00], &[0x81, 0x02, 0x01, 0x00], &[0x82, 0x01, 0x00], &[0xa1, 0x00]] {
        assert_eq!(private(&ed25519_v2(1, bad), None).map(drop), Err(KeyFormatError::Der), "{bad:?}");
    }
    let short = [&[0x81, 0x20, 0x00][..], &key[1..]].concat();
    let refused = private(&ed25519_v2(1, &short), None).map(drop);
    assert_eq!(refused, Err(KeyFormatError::Key(KeyError::Length)));
}

/// Length bytes that say more than they need to, and parts that the structure does not have.
#[test]
fn only_the_canonical_encoding_is_read() {
    let der = spki(&PublicMaterial::Ed25519([9; 32]));
    assert_eq!(der[..2], [0x30, 0x2a]);
    let rest = &der[2..];
    let long = [&[0x30, 0x81, 0x2a][..], rest].concat();
    let indefinite = [&[0x30, 0x80][..], rest, &[0, 0]].concat();
    let more = [&[0x30, 0x2c][..], rest, &[0x05, 0x00]].concat();
    let shorter = [&[0x30, 0x29][..], rest].concat();
    for bad in [&long, &indefinite, &more, &[][..].to_vec(), &der[..der.len() - 1].to_vec()] {
        assert_eq!(public(bad, None), Err(KeyFormatError::Der), "{bad:?}");
    }
    assert!(matches!(public(&shorter, None), Err(KeyFormatError::Der | KeyFormatError::TrailingBytes)));
    let trailing = [&der[..], &[0]].concat();
    assert_eq!(public(&trailing, None), Err(KeyFormatError::TrailingBytes));
    let mut bits = der.clone();
    bits[11] = 1;
    assert_eq!(public(&bits, None), Err(KeyFormatError::Der), "a key has whole bytes");
    assert_eq!(public(&vec![0x30; MAX_LEN + 1], None), Err(KeyFormatError::TooLong { max: MAX_LEN }));
}

fn materials() -> impl Strategy<Value = PublicMaterial> {
    let point = |curve: Curve| {
        prop::collection::vec(any::<u8>(), curve.len() * 2).prop_map(move |coordinates| PublicMaterial::Ec {
            curve,
            point: [&[0x04][..], &coordinates].concat(),
        })
    };
    let number = |len| {
        (1..=u8::MAX, prop::collection::vec(any::<u8>(), 0..len))
            .prop_map(|(first, rest)| [&[first][..], &rest].concat())
    };
    prop_oneof![
        point(Curve::P256),
        point(Curve::P384),
        point(Curve::P521),
        any::<[u8; 32]>().prop_map(PublicMaterial::Ed25519),
        (number(300), number(5)).prop_map(|(modulus, exponent)| PublicMaterial::Rsa { modulus, exponent }),
    ]
}

proptest! {
    /// No bytes make the reader panic; and of what is read there is one encoding.
    #[test]
    fn a_public_key_has_one_encoding(
        material in materials(),
        at in any::<prop::sample::Index>(),
        bits in 1u8..,
    ) {
        let der = spki(&material);
        prop_assert_eq!(public(&der, None), Ok(material));
        let mut mutated = der.clone();
        mutated[at.index(der.len())] ^= bits;
        if let Ok(other) = public(&mutated, Some(Form::Spki)) {
            prop_assert_eq!(spki(&other), mutated);
        }
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (public(&bytes, None).is_ok(), private(&bytes, None).is_ok());
        let sequence = [&[0x30, bytes.len().min(127) as u8][..], &bytes[..bytes.len().min(127)]].concat();
        let _ = (public(&sequence, None).is_ok(), private(&sequence, None).is_ok());
    }

    #[test]
    fn no_change_of_a_private_key_makes_the_reader_panic(
        at in any::<prop::sample::Index>(),
        bits in 1u8..,
        cut in any::<prop::sample::Index>(),
    ) {
        let ec = PrivateMaterial::Ec {
            curve: Curve::P256,
            scalar: Zeroizing::new(vec![7; 32]),
            public: Some(PublicMaterial::Ec { curve: Curve::P256, point: [&[4][..], &[9; 64]].concat() }),
        };
        for key in [ec, PrivateMaterial::Rsa(Box::new(rsa(64)))] {
            let mut der = pkcs8(&key).to_vec();
            let at = at.index(der.len());
            der[at] ^= bits;
            let _ = private(&der, None).is_ok();
            let _ = private(&der[..cut.index(der.len())], None).is_ok();
        }
    }
}
