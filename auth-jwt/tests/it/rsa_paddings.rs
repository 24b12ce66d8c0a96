//! RSA signatures of one algorithm under the name of another. Made with OpenSSL 3, for builds that only verify.

use auth_jwt::{Algorithm, Backend, Jwk, Verifier, VerifyError};

use crate::support::*;

/// What a header names, what its token was signed with, and the signature of [`payload`] under both.
const SIGNED: [(&str, &str, &str); 4] = [
    (
        "RS256",
        "RS256",
        "fiFRETuZKq6SeMJnRTT2Ds5r0rZRDHAZSm6zedNzTIg22Pt6Yk_b_4DUXT9i1VdUux4QOEhSUKRV6Aug2o-HYqLrmhOZopuzz2iN94BFRIinhmq7FhnA1a35Pot_1jtNycQf1kcVOjk6BnYsxbLRkMDBOEqAjNSGTh6dnjaQGFzcdrv9PyT_9eqbiXFXgU3Gde1vpAmZkMyw3VaXXRXs6RgBaXomaXwy9FoYP8Z6IH4TjIugK-rl04Rk0YpQJmms0mcKeNmACPsIzYISSl1J8G5LKDcKfgo75_iKyqjdah3BP9Pns6xXeqetrmHLykEQWtCo_4k2fg1VUTT_ob8bmw",
    ),
    (
        "RS256",
        "PS256",
        "DdX_F88ouuYr5WAcPx2dtkKHYOUWJQ-tmvgZWKESCC1CEfh60SbKSYgxNZRu6cUBKS9R36d7mkZNFR-Lk1dLF6OrqHGPJYOjhzhxgg_a5YS3FhDCRszK_uSjp723DTcqBOP4P1GQf_Y6S-vCEIcBv402LVOml0PGL3iMbxGnvPh9-1wKiKYLHswd6Ssb25XppUXfR5cGAOcmlCBOrsZjSiXy1mSXEO5W6BNpNakXWTLA2tADQfuGZZ3N2WK2fYRS6OLxqZFttDPzlHNEHSVPdvPVSnXLd-Vz3pXe_Lsm7jk-GKTSRuWzweApYm1LzgBRrrHdjfS4UCLReuZ1BLFBuw",
    ),
    (
        "PS256",
        "RS256",
        "H6gmMg-NQCswLbeGhWT-RmEMioCLEB-2j8MsNfpIMlDo0trgEE4aF5k8oD6e8HkUTLrSVE40wz2O5MOCoK4ltZy79cQBhv0MmIAxg9L6ptbXf_znONHFVA915zyH8uByRk3DtpM-0nTczbSHPsGpPwTja-9bGZyhOYyaIOI9SMsK8k08iV7ubQ9ev71DMxQgJ71qr4diYsaNRWPPBDNQpxz1rdRKTqX-Xq-uDBstY1djs8LrUl_bpK0Hkxa2F9K6PeGMtbO_deXHOnq27qMN19aR1YFvtXZ85_--_OTyfouTXN3Fikoa3mMi9dLEhAhVdu86eQf8jjK79foiU3BzGw",
    ),
    (
        "PS256",
        "PS256",
        "lvacCA8YRXYzHxYinRccoQsDh93vSdNBXyjYu07xtuwDh0gSDFIbfaNa5kd2R9FQPav-LX-3vqzbGJLgPlztsGZXcA9ckWz2K7hi_VhqEX0S0yAIkiUwk0RNc9xcbqNZLkIFW04Wua0rXrIwuCjnXffdt7t9fKfgnttU8N_cbDu3mPua1Djlqn-ubRgPnQrCyyVg0rIuBIjl0KFPPc1Dm5_1e9jwkGm7p8IYCRCMNzMjNJqxb2E1-kP-8oFFAd3hu2k83z26Hp_2It9E8tO_rJlFMFRWiOf6RayDcprPKe7FU0dQgHClRuvAROybh2azjJGpKEwqNM-w4Bj0MfGmZQ",
    ),
];

/// RS256 and PS256 take the same key and make signatures of the same length. Where the header says what the key is
/// for, only the padding is another.
#[test]
fn a_signature_with_another_padding_is_refused_whatever_the_header_says() {
    const KEY: &str = r#"{"kty":"RSA","e":"AQAB","n":"qfYcBKPW-Mt7zp6CWhtHQpzAuVT8Q-7jzyNM7bH_l7wBMjzhAt68_NsbJf_r--bR3HbFSXT9fE-LeKs_NVwJUf94usK1YuP0bR2d3iT0527eTWzJJDDDin1PpW3z2q19O32l-un6DQon8mbs-ow-oj9xyEE_SyHkrJyPK35xXznY_stnkD7UvUgf9DpuIRgDY7kWKuvpN-UEFULOW3HM-myoG-e2hpagQzvGuLBP_TR3piFDK5rtV_XYHtVtxe7scfb_UYLIEQKBN5_5Tshac8fDE3AzhmiQcqwzxnyUh18e5LsYzg-mSi73dyoBccXFVOM5mdTRJhrCY9qyMiKpvQ"}"#;
    let backends = [
        #[cfg(feature = "rsa")]
        Backend::RustCrypto,
        #[cfg(feature = "aws-lc-rs")]
        Backend::AwsLcRs,
    ];
    let key = Jwk::parse(KEY).unwrap();
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        for backend in backends {
            let verifier = Verifier::new(key.verifying_key(algorithm, backend).unwrap(), policy());
            for (named, made, signature) in SIGNED {
                let header = format!(r#"{{"alg":"{named}","typ":"at+jwt"}}"#);
                let token = format!("{}.{}.{signature}", base64(header), base64(payload()));
                // Twice: a header that was seen before takes another path.
                for _ in 0..2 {
                    let answer = verifier.verify::<()>(&token, NOW).map(drop);
                    let is_expected = match answer {
                        Ok(()) => named == algorithm.name() && made == named,
                        Err(VerifyError::Signature) => named == algorithm.name() && made != named,
                        Err(VerifyError::Algorithm { .. }) => named != algorithm.name(),
                        Err(_) => false,
                    };
                    assert!(
                        is_expected,
                        "{named}, made with {made}, under {algorithm} {backend:?}: {answer:?}"
                    );
                }
            }
        }
    }
}
