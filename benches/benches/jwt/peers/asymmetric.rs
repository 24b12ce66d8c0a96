//! The peers under public keys, and with a set of keys: the token, the key and the questions are those of ours.

use std::{collections::HashMap, hint::black_box, sync::atomic::Ordering};

use auth_core::Secret;
use auth_jwt::AnySigningKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, decode, decode_header, encode, jwk::Jwk};

use super::{AWS_LC, Own, Untimed, options, validation};
use crate::{
    asymmetric::{KEYS, Keys, key, secret, token},
    fixture::{AUDIENCE, ISSUER, Owned, PAYLOAD, Row},
};

pub(crate) fn rows() -> Vec<Row> {
    let Keys { es256, ed25519, rs256 } = &*KEYS;
    let mut rows = Vec::new();
    for (backend, aws_lc) in [("", false), ("-aws-lc-rs", true)] {
        let es = EncodingKey::from_ec_der(es256.to_der().expose());
        let ed = EncodingKey::from_ed_der(ed25519.to_der().expose());
        let rsa = EncodingKey::from_rsa_der(&pkcs1(&rs256.to_der()));
        let row = |name, algorithm, key: AnySigningKey, encoding| {
            jsonwebtoken(&format!("{name}{backend}"), algorithm, &key, encoding, aws_lc)
        };
        rows.extend(row("es256", Algorithm::ES256, es256.clone().into(), es));
        rows.extend(row("ed25519", Algorithm::EdDSA, ed25519.clone().into(), ed));
        rows.extend(row("rs256", Algorithm::RS256, rs256.clone().into(), rsa));
    }
    rows.extend(jwt_simple());
    rows.extend(jwt_compact());
    rows.extend(sets());
    rows
}

/// RFC 8017 appendix A.1.2, which jsonwebtoken reads.
fn pkcs1(pkcs8: &Secret) -> Vec<u8> {
    use rsa::{pkcs1::EncodeRsaPrivateKey, pkcs8::DecodePrivateKey};
    let key = rsa::RsaPrivateKey::from_pkcs8_der(pkcs8.expose()).unwrap();
    key.to_pkcs1_der().unwrap().as_bytes().to_vec()
}

fn public_jwk(key: &AnySigningKey) -> String {
    key.verifying_key().to_jwk().unwrap()
}

fn private_jwk(key: &AnySigningKey) -> String {
    key.to_jwk().unwrap().expose_str().unwrap().to_owned()
}

/// The claims of [`PAYLOAD`], which is what they are written as.
fn claims() -> Owned {
    let claims: Owned = serde_json::from_str(PAYLOAD).unwrap();
    assert_eq!(serde_json::to_string(&claims).unwrap(), PAYLOAD);
    claims
}

fn jsonwebtoken(
    name: &str,
    algorithm: Algorithm,
    key: &AnySigningKey,
    encoding: EncodingKey,
    aws_lc: bool,
) -> [Row; 2] {
    let decoding = DecodingKey::from_jwk(&serde_json::from_str::<Jwk>(&public_jwk(key)).unwrap()).unwrap();
    let (good, validation, claims) = (token(key.clone()), validation(algorithm), claims());
    let mut header = Header::new(algorithm);
    header.kid = key.verifying_key().thumbprint().map(|thumbprint| thumbprint.to_string());
    let len = good.len();
    [
        Row::new(&format!("verify-{name}/jsonwebtoken"), move || {
            AWS_LC.store(aws_lc, Ordering::Relaxed);
            let data = decode::<Owned>(black_box(&good), &decoding, &validation).unwrap();
            assert!(data.claims.admin);
        }),
        Row::new(&format!("sign-{name}/jsonwebtoken"), move || {
            AWS_LC.store(aws_lc, Ordering::Relaxed);
            assert_eq!(encode(black_box(&header), &claims, &encoding).unwrap().len(), len);
        }),
    ]
}

fn jwt_simple() -> Vec<Row> {
    use jwt_simple::prelude::{
        Audiences, Duration, ECDSAP256KeyPairLike, ECDSAP256PublicKeyLike, ES256KeyPair, Ed25519KeyPair,
        EdDSAKeyPairLike, EdDSAPublicKeyLike, HeaderOptions, JWTClaims, RS256KeyPair, RSAKeyPairLike,
        RSAPublicKeyLike,
    };
    let Owned { iss, sub, aud, exp, nbf, iat, jti, name, plan, admin } = claims();
    let claims = JWTClaims {
        issued_at: Some(Duration::from_secs(iat)),
        expires_at: Some(Duration::from_secs(exp)),
        invalid_before: Some(Duration::from_secs(nbf)),
        issuer: Some(iss),
        subject: Some(sub),
        audiences: Some(Audiences::AsString(aud)),
        jwt_id: Some(jti),
        nonce: None,
        custom: Own { name, plan, admin },
    };
    macro_rules! rows {
        ($name:literal, $pair:ty, $key:expr) => {{
            let key = AnySigningKey::from($key);
            let pair = <$pair>::from_jwk(&private_jwk(&key)).unwrap();
            let (public, good, options) = (pair.public_key(), token(key), options());
            let (claims, header) = (claims.clone(), HeaderOptions::default());
            [
                Row::new(concat!("verify-", $name, "/jwt-simple"), move || {
                    // It takes its options by value.
                    let claims = public.verify_token::<Own>(black_box(&good), Some(options.clone())).unwrap();
                    assert!(claims.custom.admin);
                }),
                Row::new(concat!("sign-", $name, "/jwt-simple"), move || {
                    // And the claims.
                    let token = pair.sign_with_options(black_box(claims.clone()), &header).unwrap();
                    assert!(token.starts_with("eyJ"));
                }),
            ]
        }};
    }
    let Keys { es256, ed25519, rs256 } = &*KEYS;
    let mut rows = Vec::new();
    rows.extend(rows!("es256", ES256KeyPair, es256.clone()));
    rows.extend(rows!("ed25519", Ed25519KeyPair, ed25519.clone()));
    rows.extend(rows!("rs256", RS256KeyPair, rs256.clone()));
    rows
}

fn jwt_compact() -> Vec<Row> {
    use chrono::{DateTime, TimeDelta};
    use jwt_compact::{
        AlgorithmExt, Claims, Header, TimeOptions, Token, UntrustedToken,
        alg::{Ed25519, Es256, Rsa},
        jwk::JsonWebKey,
    };
    let Owned { iss, sub, aud, exp, nbf, iat, jti, name, plan, admin } = claims();
    let date = |secs: u64| DateTime::from_timestamp(secs.try_into().unwrap(), 0);
    let mut claims = Claims::new(Untimed { iss, sub, aud, jti, own: Own { name, plan, admin } });
    (claims.expiration, claims.not_before, claims.issued_at) = (date(exp), date(nbf), date(iat));
    let options = TimeOptions::from_leeway(TimeDelta::seconds(30));
    macro_rules! rows {
        ($name:literal, $algorithm:expr, $key:expr) => {{
            let key = AnySigningKey::from($key);
            let (private, public) = (private_jwk(&key), public_jwk(&key));
            let private: JsonWebKey<'_> = serde_json::from_str(&private).unwrap();
            let public: JsonWebKey<'_> = serde_json::from_str(&public).unwrap();
            let (signing, verifying) = ((&private).try_into().unwrap(), (&public).try_into().unwrap());
            let header = Header::empty()
                .with_token_type("JWT")
                .with_key_id(key.verifying_key().thumbprint().unwrap().to_string());
            let (good, claims) = (token(key), claims.clone());
            [
                Row::new(concat!("verify-", $name, "/jwt-compact"), move || {
                    let token = UntrustedToken::new(black_box(good.as_str())).unwrap();
                    assert_eq!(token.header().token_type.as_deref(), Some("JWT"));
                    let token: Token<Untimed> = $algorithm.validator(&verifying).validate(&token).unwrap();
                    let claims = token.claims();
                    claims.validate_expiration(&options).unwrap().validate_maturity(&options).unwrap();
                    let Untimed { iss, aud, own, .. } = &claims.custom;
                    assert!(iss == ISSUER && aud == AUDIENCE && own.admin);
                }),
                Row::new(concat!("sign-", $name, "/jwt-compact"), move || {
                    let token = $algorithm.token(black_box(&header), &claims, &signing).unwrap();
                    assert!(token.starts_with("eyJ"));
                }),
            ]
        }};
    }
    let Keys { es256, ed25519, rs256 } = &*KEYS;
    let mut rows = Vec::new();
    rows.extend(rows!("es256", Es256, es256.clone()));
    rows.extend(rows!("ed25519", Ed25519, ed25519.clone()));
    rows.extend(rows!("rs256", Rsa::rs256(), rs256.clone()));
    rows
}

/// One secret, and the last of sixteen. It has no set of keys that are ready for use, so the keys are in a map, by
/// `kid`.
fn sets() -> Vec<Row> {
    let row = |name: &str, keys: HashMap<String, DecodingKey>| {
        let (token, validation) = (token(key(15)), validation(Algorithm::HS256));
        let only = (keys.len() == 1).then(|| keys.values().next().unwrap().clone());
        Row::new(name, move || {
            AWS_LC.store(false, Ordering::Relaxed);
            let token = black_box(&token);
            let data = match &only {
                Some(only) => decode::<Owned>(token, only, &validation),
                None => {
                    let kid = decode_header(token).unwrap().kid.unwrap();
                    decode::<Owned>(token, &keys[&kid], &validation)
                }
            };
            assert!(data.unwrap().claims.admin);
        })
    };
    let keys = |numbers: std::ops::Range<u8>| {
        numbers.map(|n| (format!("key-{n:02}"), DecodingKey::from_secret(&secret(n)))).collect()
    };
    vec![
        row("verify-one-of-1-keys/jsonwebtoken", keys(15..16)),
        row("verify-one-of-16-keys/jsonwebtoken", keys(0..16)),
    ]
}
