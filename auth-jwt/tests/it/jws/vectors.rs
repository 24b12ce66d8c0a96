//! Examples of the standards, typed in: RFC 7515 appendix A, RFC 7520 section 4, RFC 8037 appendix A.

use auth_core::Secret;
use auth_jwt::{
    Algorithm, AnyVerifyingKey, Backend, Es256SigningKey, Hs256Key, Jwk, JwsError, JwsSigner, JwsVerifier,
    KeyId, KeySet,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::rfc_keys::{RFC7520_EC, RFC7520_OCT, RFC7520_RSA, RFC8037, RFC8037_D, jwk};

/// The payload of RFC 7515 appendix A.1 to A.3, A.6 and A.7.
const CLAIMS: &str = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
/// Their signatures.
const A1: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const A2: &str = concat!(
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJd",
    "bF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN938",
    "3LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkW",
    "ywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
);
const A3: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const A4: &str = concat!(
    "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZg",
    "oXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
);
/// Their keys.
const A1_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const A2_KEY: &str = concat!(
    r#""kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEz"#,
    "P1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdb",
    "BYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NA",
    r#"co9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB""#,
);
const A3_KEY: &str = concat!(
    r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#,
    r#""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#,
);
const A3_D: &str = r#""d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#;
const A4_KEY: &str = concat!(
    r#""kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9"#,
    r#"tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf6"#,
    r#"3e3kyMj2""#,
);

/// The payload of RFC 7520 section 4.
const FRODO: &str = "It\u{2019}s a dangerous business, Frodo, going out your door. You step onto the road, and if you don't keep your feet, there\u{2019}s no knowing where you might be swept off to.";
const OCT_KID: &str = "018c0ae5-4d9b-471b-bfd6-eef314bc7037";
const BILBO: &str = "bilbo.baggins@hobbiton.example";
const RS256: &str = concat!(
    "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wn",
    "B-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFx",
    "nt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fc",
    "Ie8u9ipH84ogoree7vjbU5y18kDquDg",
);
const PS384: &str = concat!(
    "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo",
    "6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT",
    "3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6",
    "GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
);
const ES512: &str = concat!(
    "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDD",
    "yYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
);
const HS256: &str = "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
/// The first two of the three signatures of RFC 7520 section 4.8; the third is [`HS256`].
const RS256_OF_THREE: &str = concat!(
    "MIsjqtVlOpa71KE-Mss8_Nq2YH4FGhiocsqrgi5NvyG53uoimic1tcMdSg-qptrzZc7CG6Svw2Y13TDIqHzTUrL_lR2ZFcryNFiHkSw",
    "129EghGpwkpxaTn_THJTCglNbADko1MZBCdwzJxwqZc-1RlpO2HibUYyXSwO97BSe0_evZKdjvvKSgsIqjytKSeAMbhMBdMma622_BG5",
    "t4sdbuCHtFjp9iJmkio47AIwqkZV1aIZsv33uPUqBBCXbYoQJwt7mxPftHmNlGoOSMxR_3thmXTCm4US-xiNOyhbm8afKK64jU6_TPtQ",
    "HiJeQJxz9G3Tx-083B745_AfYOnlC9w",
);
const ES512_OF_THREE: &str = concat!(
    "ARcVLnaJJaUWG8fG-8t5BREVAuTY8n8YHjwDO1muhcdCoFZFFjfISu0Cdkn9Ybdlmi54ho0x924DUz8sK7ZXkhc7AFM8ObLfTvNCrqc",
    "I3Jkl2U5IX3utNhODH6v7xgy1Qahsn0fyb4zSAkje8bAWz4vIfj5pCMYxxm4fgV3q7ZYhm5eD",
);

fn base64(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

pub(super) fn secret_key(k: &str) -> Hs256Key {
    Hs256Key::new(&Secret::new(URL_SAFE_NO_PAD.decode(k).unwrap())).unwrap()
}

/// The key of RFC 7520 section 3.5.
fn oct() -> Hs256Key {
    let secret = Secret::from(jwk(&[RFC7520_OCT, r#""use":"sig","alg":"HS256""#]));
    Hs256Key::from_jwk(&secret).unwrap().with_id(KeyId::new(OCT_KID).unwrap())
}

/// A public key as every backend of this build has it.
fn keys(members: &str, algorithm: Algorithm) -> Vec<AnyVerifyingKey> {
    let is_rsa = matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps384);
    let backends = [
        (cfg!(feature = "rsa") || !is_rsa).then_some(Backend::RustCrypto),
        #[cfg(feature = "aws-lc-rs")]
        Some(Backend::AwsLcRs),
    ];
    let key = |backend| Jwk::parse(&jwk(&[members])).unwrap().verifying_key(algorithm, backend).unwrap();
    backends.into_iter().flatten().map(key).collect()
}

/// Verifies a JWS of one signature in all three serialisations, attached and detached.
fn verifies(verifier: &JwsVerifier, header: &str, payload: &str, signature: &str) {
    let protected = base64(header);
    let encoded = base64(payload);
    let compact = format!("{protected}.{encoded}.{signature}");
    let detached = format!("{protected}..{signature}");
    let entry = format!(r#"{{"protected":"{protected}","signature":"{signature}"}}"#);
    let flattened = entry.replacen('{', &format!(r#"{{"payload":"{encoded}","#), 1);
    let general = format!(r#"{{"payload":"{encoded}","signatures":[{entry}]}}"#);
    let general_detached = format!(r#"{{"signatures":[{entry}]}}"#);
    let bytes = payload.as_bytes();
    for verified in [
        verifier.compact(&compact),
        verifier.compact_detached(&detached, bytes),
        verifier.flattened(&flattened),
        verifier.flattened_detached(&entry, bytes),
        verifier.general_any(&general),
        verifier.general_any_detached(&general_detached, bytes),
        verifier.general_all(&general),
        verifier.general_all_detached(&general_detached, bytes),
    ] {
        assert_eq!(verified.unwrap().payload(), bytes, "{compact}");
    }
    let other = compact.replacen(&encoded, &base64(&format!("{payload} ")), 1);
    assert_eq!(verifier.compact(&other).unwrap_err(), JwsError::Signature);
}

/// RFC 7515 appendix A.1 and appendix F; the header has white space that is signed as it is.
#[test]
fn the_hs256_example_verifies() {
    verifies(&JwsVerifier::new(secret_key(A1_KEY)), "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", CLAIMS, A1);
}

/// RFC 7515 appendix A.2, where a backend has RSA.
#[test]
fn the_rs256_example_verifies() {
    for key in keys(A2_KEY, Algorithm::Rs256) {
        verifies(&JwsVerifier::new(key), r#"{"alg":"RS256"}"#, CLAIMS, A2);
    }
}

/// RFC 7515 appendix A.3. A signature made here is another one, and as good.
#[test]
fn the_es256_example_verifies() {
    for key in keys(A3_KEY, Algorithm::Es256) {
        verifies(&JwsVerifier::new(key), r#"{"alg":"ES256"}"#, CLAIMS, A3);
    }
    let private = Es256SigningKey::from_jwk(&Secret::from(jwk(&[A3_KEY, A3_D]))).unwrap();
    let jws = JwsSigner::new(private).compact(CLAIMS.as_bytes()).unwrap();
    for key in keys(A3_KEY, Algorithm::Es256) {
        assert_eq!(JwsVerifier::new(key).compact(&jws).unwrap().payload(), CLAIMS.as_bytes());
    }
}

/// RFC 7515 appendix A.4.
#[test]
fn the_es512_example_verifies() {
    for key in keys(A4_KEY, Algorithm::Es512) {
        verifies(&JwsVerifier::new(key), r#"{"alg":"ES512"}"#, "Payload", A4);
    }
}

/// RFC 7515 appendix A.6: two signatures, `kid` unprotected in both. Either is found by its algorithm, whether the
/// other's key is known or not.
#[test]
fn the_general_example_verifies() {
    let entry = |alg: &str, kid: &str, signature: &str| {
        let protected = base64(&format!(r#"{{"alg":"{alg}"}}"#));
        format!(r#"{{"protected":"{protected}","header":{{"kid":"{kid}"}},"signature":"{signature}"}}"#)
    };
    let (rsa, ec) =
        (entry("RS256", "2010-12-29", A2), entry("ES256", "e9bc097a-ce51-4036-9562-d2ade882db0d", A3));
    let jws = format!(r#"{{"payload":"{}","signatures":[{rsa},{ec}]}}"#, base64(CLAIMS));
    for key in keys(A3_KEY, Algorithm::Es256) {
        let verifier = JwsVerifier::new(key.clone());
        let verified = verifier.general_any(&jws).unwrap();
        assert_eq!((verified.payload(), verified.algorithm()), (CLAIMS.as_bytes(), Algorithm::Es256));
        assert!(matches!(verifier.general_all(&jws), Err(JwsError::Algorithm { .. })));
        for rsa in keys(A2_KEY, Algorithm::Rs256) {
            let verified = JwsVerifier::new(rsa.clone()).general_any(&jws).unwrap();
            assert_eq!(verified.algorithm(), Algorithm::Rs256);
            let both = JwsVerifier::new(KeySet::new([key.clone(), rsa]).unwrap());
            let algorithms: Vec<_> =
                both.general_all(&jws).unwrap().signatures().map(|one| one.algorithm()).collect();
            assert_eq!(algorithms, [Algorithm::Rs256, Algorithm::Es256]);
        }
    }
}

/// RFC 7515 appendix A.7.
#[test]
fn the_flattened_example_verifies() {
    let jws = format!(
        r#"{{
            "payload": "{}",
            "protected":"eyJhbGciOiJFUzI1NiJ9",
            "header": {{"kid":"e9bc097a-ce51-4036-9562-d2ade882db0d"}},
            "signature": "{A3}"
        }}"#,
        base64(CLAIMS)
    );
    for key in keys(A3_KEY, Algorithm::Es256) {
        assert_eq!(JwsVerifier::new(key).flattened(&jws).unwrap().payload(), CLAIMS.as_bytes());
    }
}

/// RFC 7520 sections 4.1 and 4.2, where a backend has RSA.
#[test]
fn the_rsa_examples_of_the_cookbook_verify() {
    for (algorithm, signature) in [(Algorithm::Rs256, RS256), (Algorithm::Ps384, PS384)] {
        for key in keys(RFC7520_RSA, algorithm) {
            let key = key.with_id(KeyId::new(BILBO).unwrap());
            let header = format!(r#"{{"alg":"{algorithm}","kid":"{BILBO}"}}"#);
            verifies(&JwsVerifier::new(key), &header, FRODO, signature);
        }
    }
}

/// RFC 7520 section 4.3.
#[test]
fn the_ecdsa_example_of_the_cookbook_verifies() {
    for key in keys(RFC7520_EC, Algorithm::Es512) {
        let key = key.with_id(KeyId::new(BILBO).unwrap());
        let header = format!(r#"{{"alg":"ES512","kid":"{BILBO}"}}"#);
        verifies(&JwsVerifier::new(key), &header, FRODO, ES512);
    }
}

/// RFC 7520 sections 4.4 and 4.5.
#[test]
fn the_hmac_examples_of_the_cookbook_verify_and_are_made_here_too() {
    let header = format!(r#"{{"alg":"HS256","kid":"{OCT_KID}"}}"#);
    verifies(&JwsVerifier::new(oct()), &header, FRODO, HS256);
    let signer = JwsSigner::new(oct());
    let (protected, payload) = (base64(&header), base64(FRODO));
    assert_eq!(signer.compact(FRODO.as_bytes()).unwrap(), format!("{protected}.{payload}.{HS256}"));
    assert_eq!(signer.compact_detached(FRODO.as_bytes()).unwrap(), format!("{protected}..{HS256}"));
}

/// RFC 7520 section 4.6: `kid` is not protected. It chooses nothing, and there is nothing to choose.
#[test]
fn the_example_with_some_protected_parameters_verifies() {
    let (payload, protected) = (base64(FRODO), base64(r#"{"alg":"HS256"}"#));
    let entry = format!(
        r#""protected":"{protected}","header":{{"kid":"{OCT_KID}"}},"signature":"bWUSVaxorn7bEF1djytBd0kHv70Ly5pvbomzMWSOr20""#
    );
    let verifier = JwsVerifier::new(oct());
    for verified in [
        verifier.flattened(&format!(r#"{{"payload":"{payload}",{entry}}}"#)),
        verifier.general_any(&format!(r#"{{"payload":"{payload}","signatures":[{{{entry}}}]}}"#)),
    ] {
        assert_eq!(verified.unwrap().payload(), FRODO.as_bytes());
    }
}

/// RFC 7520 section 4.7 protects nothing, not even `alg`: the standard's own example is refused here
/// (GHSA-jc38-x7x8-2xc8).
#[test]
fn the_example_that_protects_the_content_only_is_refused() {
    let payload = base64(FRODO);
    let entry = format!(
        r#""header":{{"alg":"HS256","kid":"{OCT_KID}"}},"signature":"xuLifqLGiblpv9zBpuZczWhNj1gARaLV3UxvxhJxZuk""#
    );
    let verifier = JwsVerifier::new(oct());
    for refused in [
        verifier.flattened(&format!(r#"{{"payload":"{payload}",{entry}}}"#)),
        verifier.general_any(&format!(r#"{{"payload":"{payload}","signatures":[{{{entry}}}]}}"#)),
        verifier.general_all(&format!(r#"{{"payload":"{payload}","signatures":[{{{entry}}}]}}"#)),
    ] {
        assert_eq!(refused.unwrap_err(), JwsError::Unprotected("alg"));
    }
}

/// RFC 7520 section 4.8: RS256 with `alg` protected, ES512 with nothing protected, HS256 with all. The second is
/// refused by itself, and does not spoil the others.
#[test]
fn the_example_of_several_signatures_verifies_where_alg_is_protected() {
    let rs256 = format!(
        r#"{{"protected":"{}","header":{{"kid":"{BILBO}"}},"signature":"{RS256_OF_THREE}"}}"#,
        base64(r#"{"alg":"RS256"}"#)
    );
    let es512 = format!(r#"{{"header":{{"alg":"ES512","kid":"{BILBO}"}},"signature":"{ES512_OF_THREE}"}}"#);
    let hs256 = format!(
        r#"{{"protected":"{}","signature":"{HS256}"}}"#,
        base64(&format!(r#"{{"alg":"HS256","kid":"{OCT_KID}"}}"#))
    );
    let jws = format!(r#"{{"payload":"{}","signatures":[{rs256},{es512},{hs256}]}}"#, base64(FRODO));
    let verified = JwsVerifier::new(oct()).general_any(&jws).unwrap();
    assert_eq!((verified.payload(), verified.key_id().unwrap().as_str()), (FRODO.as_bytes(), OCT_KID));
    for key in keys(RFC7520_RSA, Algorithm::Rs256) {
        let key = key.with_id(KeyId::new(BILBO).unwrap());
        assert_eq!(JwsVerifier::new(key).general_any(&jws).unwrap().payload(), FRODO.as_bytes());
    }
    for key in keys(RFC7520_EC, Algorithm::Es512) {
        assert!(JwsVerifier::new(key).general_any(&jws).is_err());
    }
    assert!(JwsVerifier::new(oct()).general_all(&jws).is_err());
}

/// RFC 8037 appendix A.4, made, and A.5, verified.
#[test]
fn the_ed25519_example_is_made_and_verified() {
    const PAYLOAD: &str = "Example of Ed25519 signing";
    const SIGNATURE: &str =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    for key in keys(RFC8037, Algorithm::EdDsa) {
        verifies(&JwsVerifier::new(key), r#"{"alg":"EdDSA"}"#, PAYLOAD, SIGNATURE);
    }
    let private = auth_jwt::Ed25519SigningKey::from_jwk(&Secret::from(jwk(&[RFC8037, RFC8037_D]))).unwrap();
    let message = format!("{}.{}", base64(r#"{"alg":"EdDSA"}"#), base64(PAYLOAD));
    let signature = private.sign(message.as_bytes()).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(signature.as_bytes()), SIGNATURE);
}

/// A set may hold one RSA key for two algorithms. All keys have signed when that one has, with either.
#[test]
fn a_key_for_two_algorithms_signs_once() {
    let named = |key: AnyVerifyingKey| key.with_id(KeyId::new(BILBO).unwrap());
    let pairs = keys(RFC7520_RSA, Algorithm::Rs256).into_iter().zip(keys(RFC7520_RSA, Algorithm::Ps384));
    for (rs256, ps384) in pairs {
        let one_key = KeySet::new([named(rs256), named(ps384)]).unwrap();
        let other = keys(A3_KEY, Algorithm::Es256).remove(0);
        let two_keys = KeySet::new(one_key.iter().cloned().chain([other])).unwrap();
        for (algorithm, signature) in [(Algorithm::Rs256, RS256), (Algorithm::Ps384, PS384)] {
            let header = format!(r#"{{"alg":"{algorithm}","kid":"{BILBO}"}}"#);
            verifies(&JwsVerifier::new(one_key.clone()), &header, FRODO, signature);
            let jws = format!(
                r#"{{"payload":"{}","signatures":[{{"protected":"{}","signature":"{signature}"}}]}}"#,
                base64(FRODO),
                base64(&header)
            );
            let refused = JwsVerifier::new(two_keys.clone()).general_all(&jws).unwrap_err();
            assert_eq!(refused, JwsError::NotAllSigned);
        }
    }
}
