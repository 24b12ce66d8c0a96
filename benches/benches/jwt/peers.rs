//! The peers: each as its documentation advises for speed, with keys and rules made once.

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use auth_core::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

use crate::fixture::{
    AUDIENCE, Bad, CLIENT, Context, HEADER, ISSUER, KEY, Owned, PAYLOAD, Row, USER, issued, new_id, token,
};

mod asymmetric;

/// How long each issued token lives, in seconds.
const LIFETIME: u64 = 900;

pub(crate) fn rows() -> Vec<Row> {
    install_both_backends();
    let mut rows = jsonwebtoken("jsonwebtoken", false);
    rows.extend(jsonwebtoken("jsonwebtoken-aws-lc", true));
    rows.extend(jwt_simple());
    rows.extend(jwt_compact());
    rows.extend(asymmetric::rows());
    rows
}

static AWS_LC: AtomicBool = AtomicBool::new(false);

/// jsonwebtoken has one backend a process, so what is installed here asks which one the row is for.
fn install_both_backends() {
    use jsonwebtoken::crypto::{CryptoProvider, aws_lc, rust_crypto};
    fn backend() -> &'static CryptoProvider {
        if AWS_LC.load(Ordering::Relaxed) {
            &aws_lc::DEFAULT_PROVIDER
        } else {
            &rust_crypto::DEFAULT_PROVIDER
        }
    }
    let both = CryptoProvider {
        signer_factory: |algorithm, key| (backend().signer_factory)(algorithm, key),
        verifier_factory: |algorithm, key| (backend().verifier_factory)(algorithm, key),
        ..rust_crypto::DEFAULT_PROVIDER.clone()
    };
    Box::leak(Box::new(both)).install_default().unwrap();
}

/// The same questions as ours. It is told how long a clock may differ, and to look at `nbf` and `aud`.
fn validation(algorithm: jsonwebtoken::Algorithm) -> jsonwebtoken::Validation {
    let mut validation = jsonwebtoken::Validation::new(algorithm);
    validation.leeway = 30;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation
}

fn jsonwebtoken(name: &str, aws_lc: bool) -> Vec<Row> {
    use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, decode, encode, errors::ErrorKind};
    let (good, bad) = (token(HEADER, PAYLOAD), Bad::new());
    let (key, validation) = (DecodingKey::from_secret(KEY), validation(Algorithm::HS256));
    let verify = move |token: &str| {
        AWS_LC.store(aws_lc, Ordering::Relaxed);
        decode::<Owned>(token, &key, &validation)
    };
    let refused = |case: &str, token: String, is_right: fn(&ErrorKind) -> bool| {
        let verify = verify.clone();
        Row::new(&format!("{case}/{name}"), move || {
            assert!(is_right(verify(black_box(&token)).unwrap_err().kind()));
        })
    };
    let (signing_key, mut header) = (EncodingKey::from_secret(KEY), Header::new(Algorithm::HS256));
    header.typ = Some("at+jwt".to_owned());
    let len = len_of_issued();
    vec![
        refused("reject-malformed", bad.malformed, |kind| matches!(kind, ErrorKind::InvalidToken)),
        refused("reject-bad-base64", bad.bad_base64, |kind| matches!(kind, ErrorKind::Base64(_))),
        refused("reject-bad-json", bad.bad_json, |kind| matches!(kind, ErrorKind::Json(_))),
        refused("reject-wrong-alg", bad.wrong_alg, |kind| matches!(kind, ErrorKind::InvalidAlgorithm)),
        refused("reject-signature", bad.signature, |kind| matches!(kind, ErrorKind::InvalidSignature)),
        {
            let verify = verify.clone();
            Row::new(&format!("verify-owned/{name}"), move || {
                let data = verify(black_box(&good)).unwrap();
                assert!(data.claims.admin);
                black_box(&data);
            })
        },
        {
            let (header, signing_key) = (Header::new(Algorithm::HS256), signing_key.clone());
            let (claims, len): (Owned, _) =
                (serde_json::from_str(PAYLOAD).unwrap(), token(HEADER, PAYLOAD).len());
            Row::new(&format!("sign-given-id/{name}"), move || {
                AWS_LC.store(aws_lc, Ordering::Relaxed);
                assert_eq!(encode(black_box(&header), black_box(&claims), &signing_key).unwrap().len(), len);
            })
        },
        Row::new(&format!("sign/{name}"), move || {
            AWS_LC.store(aws_lc, Ordering::Relaxed);
            let id = new_id();
            let token = encode(black_box(&header), &issued(&id), &signing_key).unwrap();
            assert_eq!(token.len(), len);
        }),
    ]
}

/// What is not a registered claim of [`Owned`].
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Own {
    name: String,
    plan: String,
    admin: bool,
}

/// What jwt-simple has no field for.
#[derive(Debug, Serialize)]
struct IssuedOwn<'a> {
    client_id: &'a str,
    auth_time: u64,
    amr: [&'a str; 1],
    acr: &'a str,
    auth_ctx: Context<'a>,
}

fn own(auth_time: u64) -> IssuedOwn<'static> {
    let auth_ctx = Context { epoch: 0, realm: "local:default" };
    IssuedOwn { client_id: CLIENT, auth_time, amr: ["pwd"], acr: "aal1", auth_ctx }
}

/// The questions, as jwt-simple takes them.
fn options() -> jwt_simple::common::VerificationOptions {
    jwt_simple::common::VerificationOptions {
        allowed_issuers: Some([ISSUER.to_owned()].into()),
        allowed_audiences: Some([AUDIENCE.to_owned()].into()),
        required_signature_type: Some("JWT".to_owned()),
        time_tolerance: Some(jwt_simple::prelude::Duration::from_secs(30)),
        ..jwt_simple::common::VerificationOptions::default()
    }
}

fn jwt_simple() -> Vec<Row> {
    use jwt_simple::prelude::{Audiences, Duration as Coarse, HS256Key, HeaderOptions, JWTClaims, MACLike};
    let (good, forged, key) = (token(HEADER, PAYLOAD), Bad::new().signature, HS256Key::from_bytes(KEY));
    let options = options();
    // It takes its options by value.
    let verify = {
        let key = key.clone();
        move |token: &str| key.verify_token::<Own>(token, Some(options.clone()))
    };
    let header = HeaderOptions { signature_type: Some("at+jwt".to_owned()), ..HeaderOptions::default() };
    let len = len_of_issued();
    vec![
        {
            let verify = verify.clone();
            Row::new("verify-owned/jwt-simple", move || {
                let claims = verify(black_box(&good)).unwrap();
                assert!(claims.custom.admin);
                black_box(&claims);
            })
        },
        Row::new("reject-signature/jwt-simple", move || assert!(verify(black_box(&forged)).is_err())),
        Row::new("sign/jwt-simple", move || {
            let now = SystemClock.now().as_secs();
            let claims = JWTClaims {
                issued_at: Some(Coarse::from_secs(now)),
                expires_at: Some(Coarse::from_secs(now.wrapping_add(LIFETIME))),
                invalid_before: None,
                issuer: Some(ISSUER.to_owned()),
                subject: Some(USER.to_owned()),
                audiences: Some(Audiences::AsString(AUDIENCE.to_owned())),
                jwt_id: Some(new_id()),
                nonce: None,
                custom: own(now),
            };
            let token = key.authenticate_with_options(black_box(claims), &header).unwrap();
            assert_eq!(token.len(), len);
        }),
    ]
}

/// All claims but those that jwt-compact has fields for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Untimed {
    iss: String,
    sub: String,
    aud: String,
    jti: String,
    #[serde(flatten)]
    own: Own,
}

#[derive(Debug, Serialize)]
struct IssuedUntimed<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    client_id: &'a str,
    auth_time: u64,
    amr: [&'a str; 1],
    acr: &'a str,
    auth_ctx: Context<'a>,
}

fn jwt_compact() -> Vec<Row> {
    use chrono::TimeDelta;
    use jwt_compact::{
        AlgorithmExt, Claims, Header, TimeOptions, Token, UntrustedToken,
        alg::{Hs256, Hs256Key},
    };
    let (good, forged, key) = (token(HEADER, PAYLOAD), Bad::new().signature, Hs256Key::new(KEY));
    let options = TimeOptions::from_leeway(TimeDelta::from_std(Duration::from_secs(30)).unwrap());
    let lifetime = TimeDelta::from_std(Duration::from_secs(LIFETIME)).unwrap();
    let header = Header::empty().with_token_type("at+jwt");
    let len = len_of_issued();
    vec![
        {
            let key = key.clone();
            Row::new("verify-owned/jwt-compact", move || {
                let token = UntrustedToken::new(black_box(good.as_str())).unwrap();
                assert_eq!(token.header().token_type.as_deref(), Some("JWT"));
                let token: Token<Untimed> = Hs256.validator(&key).validate(&token).unwrap();
                let claims = token.claims();
                claims.validate_expiration(&options).unwrap().validate_maturity(&options).unwrap();
                let Untimed { iss, sub, aud, jti, own } = &claims.custom;
                assert!(iss == ISSUER && aud == AUDIENCE && own.admin);
                black_box((sub, jti, &own.name, &own.plan));
            })
        },
        {
            let key = key.clone();
            Row::new("reject-signature/jwt-compact", move || {
                let token = UntrustedToken::new(black_box(forged.as_str())).unwrap();
                assert!(Hs256.validator::<Untimed>(&key).validate(&token).is_err());
            })
        },
        Row::new("sign/jwt-compact", move || {
            let id = new_id();
            let IssuedOwn { client_id, auth_time, amr, acr, auth_ctx } = own(SystemClock.now().as_secs());
            let (iss, sub, aud, jti) = (ISSUER, USER, AUDIENCE, id.as_str());
            let custom = IssuedUntimed { iss, sub, aud, jti, client_id, auth_time, amr, acr, auth_ctx };
            let claims = Claims::new(custom).set_duration_and_issuance(&options, lifetime);
            let token = Hs256.token(black_box(&header), &claims, &key).unwrap();
            assert_eq!(token.len(), len);
        }),
    ]
}

/// The length of a token with these claims, whatever the order of the members.
fn len_of_issued() -> usize {
    token(r#"{"alg":"HS256","typ":"at+jwt"}"#, &serde_json::to_string(&issued(&new_id())).unwrap()).len()
}
