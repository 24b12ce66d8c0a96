//! HS256 tokens: `jwt/<case>/<implementation>`. Every answer is asserted.
//!
//! The same key, the same token and the same questions for all: signature, issuer, audience, `exp` and `nbf`
//! with 30 seconds of leeway, against the system's clock, which is read for each token that is accepted.

use std::{hint::black_box, sync::Arc, time::Duration};

use auth_core::{
    AuthEpoch, Authentication, Clock, Login, Method, PrincipalId, Secret, SystemClock, SystemEntropy,
    UnixTime, entropy_array, testing::block_on,
};
use auth_jwt::{
    Audience, CacheCapacity, CachedVerifier, ClientId, Hs256Key, Issuer, Revocation, TokenBuffer,
    TokenIssuer, TokenPolicy, Verified, Verifier, VerifyError, danger::revoke_until_restart, typ,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use criterion::{Criterion, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

const KEY: &[u8; 32] = b"0123456789abcdef-a-key-for-bench";
const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "https://api.example";
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// 215 bytes, as in the budgets. It expires in the year 2096, since one of the peers has no other clock than
/// the system's.
const PAYLOAD: &str = concat!(
    r#"{"iss":"https://id.example","sub":"user-0123456789","aud":"https://api.example","exp":4000000000,"#,
    r#""nbf":1700000000,"iat":1700000000,"jti":"0b5ae0f5e2a14b7c9d","name":"Ann Example","plan":"business-plus","#,
    r#""admin":true}"#
);

/// All claims of the token, as the peer needs them.
#[derive(Debug, Serialize, Deserialize)]
struct Owned {
    iss: String,
    sub: String,
    aud: String,
    exp: u64,
    nbf: u64,
    iat: u64,
    jti: String,
    name: String,
    plan: String,
    admin: bool,
}

/// The same without copies.
#[derive(Debug, Deserialize)]
struct Borrowed<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    nbf: u64,
    iat: u64,
    jti: &'a str,
    name: &'a str,
    plan: &'a str,
    admin: bool,
}

/// What a user of this toolkit asks for: the registered claims are there anyway.
#[derive(Debug, Deserialize)]
struct Own {
    name: String,
    plan: String,
    admin: bool,
}

/// The same without copies.
#[derive(Debug, Deserialize)]
struct OwnBorrowed<'a> {
    name: &'a str,
    plan: &'a str,
    admin: bool,
}

type HmacSha256 = Hmac<Sha256>;

fn keyed() -> HmacSha256 {
    HmacSha256::new_from_slice(KEY).unwrap()
}

fn mac(keyed: &HmacSha256, input: &[u8]) -> [u8; 32] {
    keyed.clone().chain_update(input).finalize().into_bytes().into()
}

fn token(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = mac(&keyed(), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The same token under a signature that is well-formed and wrong.
fn forged(header: &str) -> String {
    let input = token(header, PAYLOAD);
    let input = input.rsplit_once('.').unwrap().0;
    format!("{input}.{}", URL_SAFE_NO_PAD.encode([7; 32]))
}

/// What is refused, by the name of its row.
struct Bad {
    oversized: String,
    malformed: String,
    wrong_alg: String,
    signature: String,
    new_header: String,
}

impl Bad {
    fn new() -> Self {
        Self {
            oversized: "e".repeat(9_000),
            malformed: token(HEADER, PAYLOAD).replace('.', "-"),
            wrong_alg: forged(r#"{"alg":"HS512","typ":"JWT"}"#),
            signature: forged(HEADER),
            new_header: forged(r#"{"typ":"JWT","alg":"HS256"}"#),
        }
    }
}

fn verifier() -> Verifier {
    let issuer = Issuer::new(ISSUER).unwrap();
    let policy = TokenPolicy::typed(typ("JWT").unwrap(), issuer, Audience::new(AUDIENCE).unwrap());
    Verifier::new(Hs256Key::new(&Secret::new(KEY.to_vec())).unwrap(), policy)
}

fn raw(c: &mut Criterion) {
    let (token, keyed) = (token(HEADER, PAYLOAD), keyed());
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    c.bench_function("jwt/verify/mac", |b| {
        b.iter(|| assert_eq!(mac(black_box(&keyed), black_box(input.as_bytes())), *signature));
    });
}

fn verify(c: &mut Criterion) {
    let (token, verifier) = (token(HEADER, PAYLOAD), verifier());
    assert_eq!((PAYLOAD.len(), token.len()), (215, 368));

    c.bench_function("jwt/verify-owned/ours", |b| {
        b.iter(|| {
            let verified: Verified<Owned> = verifier.verify(black_box(&token), SystemClock.now()).unwrap();
            assert!(verified.own().admin);
            verified
        });
    });
    c.bench_function("jwt/verify-own-claims/ours", |b| {
        b.iter(|| {
            let verified: Verified<Own> = verifier.verify(black_box(&token), SystemClock.now()).unwrap();
            assert!(verified.own().admin);
            black_box((&verified.own().name, &verified.own().plan));
            verified
        });
    });
    c.bench_function("jwt/verify-own-claims-borrowed/ours", |b| {
        let mut buffer = TokenBuffer::new();
        b.iter(|| {
            let verified: Verified<OwnBorrowed<'_>> =
                verifier.verify_in(black_box(&token), SystemClock.now(), &mut buffer).unwrap();
            assert!(verified.own().admin);
            black_box((verified.claims().subject(), verified.own().name, verified.own().plan));
        });
    });
    c.bench_function("jwt/verify-borrowed/ours", |b| {
        let mut buffer = TokenBuffer::new();
        b.iter(|| {
            let verified: Verified<Borrowed<'_>> =
                verifier.verify_in(black_box(&token), SystemClock.now(), &mut buffer).unwrap();
            let Borrowed { iss, sub, aud, exp, nbf, iat, jti, name, plan, admin } = verified.own();
            black_box((iss, sub, aud, exp, nbf, iat, jti, name, plan));
            assert!(admin);
        });
    });
}

/// A token that was seen before, read as owned claims: as it is, and with a million revocations of each kind.
fn cached(c: &mut Criterion) {
    let now = SystemClock.now();
    // No list remembers a revocation for as long as the token of the other rows lives.
    let dates = [("4000000000", now.saturating_add(Duration::from_secs(900))), ("1700000000", now)];
    let payload =
        dates.iter().fold(PAYLOAD.to_owned(), |text, (date, to)| text.replace(date, &to.to_string()));
    let token = token(HEADER, &payload);
    let hit = |c: &mut Criterion, row: &str, verifier: Verifier| {
        let cached = CachedVerifier::<Owned>::new(verifier, CacheCapacity::default());
        c.bench_function(row, |b| {
            b.iter(|| {
                let verified = cached.verify(black_box(&token), SystemClock.now()).unwrap();
                assert!(verified.own().admin);
                verified
            });
        });
    };
    hit(c, "jwt/cached/ours", verifier());

    let list = revoke_until_restart(Duration::from_secs(900), 3_000_000).unwrap();
    let issuer = Issuer::new(ISSUER).unwrap();
    for n in 0..1_000_000 {
        let name = format!("{n:018x}");
        for revocation in [
            Revocation::token(issuer.clone(), &name, None),
            Revocation::session(issuer.clone(), &name),
            Revocation::subject(issuer.clone(), &name, now),
        ] {
            block_on(list.revoke(&revocation.unwrap(), now)).unwrap();
        }
    }
    hit(c, "jwt/cached-revocations/ours", verifier().with_revocations(Arc::new(list)));
}

fn reject(c: &mut Criterion) {
    let (bad, verifier) = (Bad::new(), verifier());
    // Read once: the peer reads no clock either before a signature is right.
    let now = SystemClock.now();
    let verify = |token: &str| verifier.verify::<Owned>(token, now);
    // From now on the header has been seen.
    assert!(verify(&token(HEADER, PAYLOAD)).is_ok());

    c.bench_function("jwt/reject-oversized/ours", |b| {
        b.iter(|| assert!(matches!(verify(black_box(&bad.oversized)), Err(VerifyError::Malformed(_)))));
    });
    c.bench_function("jwt/reject-malformed/ours", |b| {
        b.iter(|| assert!(matches!(verify(black_box(&bad.malformed)), Err(VerifyError::Malformed(_)))));
    });
    c.bench_function("jwt/reject-wrong-alg/ours", |b| {
        b.iter(|| assert!(matches!(verify(black_box(&bad.wrong_alg)), Err(VerifyError::Algorithm { .. }))));
    });
    c.bench_function("jwt/reject-signature/ours", |b| {
        b.iter(|| assert!(matches!(verify(black_box(&bad.signature)), Err(VerifyError::Signature))));
    });
    c.bench_function("jwt/reject-signature-new-header/ours", |b| {
        b.iter(|| assert!(matches!(verify(black_box(&bad.new_header)), Err(VerifyError::Signature))));
    });
}

/// What is issued: the claims of an access token as `TokenIssuer` writes them.
#[derive(Serialize)]
struct Issued<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    iat: u64,
    jti: &'a str,
    client_id: &'a str,
    auth_time: u64,
    amr: [&'a str; 1],
    acr: &'a str,
    auth_ctx: Context<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    epoch: u64,
    realm: &'a str,
}

const USER: &str = "user-0123456789";
const CLIENT: &str = "web";

fn new_id() -> String {
    URL_SAFE_NO_PAD.encode(entropy_array::<16>(&SystemEntropy).unwrap())
}

/// The same content for those that take a struct, with a new id and the time of now, as `TokenIssuer` does.
fn issued(jti: &str) -> Issued<'_> {
    let now = SystemClock.now().as_secs();
    Issued {
        iss: ISSUER,
        sub: USER,
        aud: AUDIENCE,
        exp: now.wrapping_add(900),
        iat: now,
        jti,
        client_id: CLIENT,
        auth_time: now,
        amr: ["pwd"],
        acr: "aal1",
        auth_ctx: Context { epoch: 0, realm: "local:default" },
    }
}

fn sign(c: &mut Criterion) {
    let key = Hs256Key::new(&Secret::new(KEY.to_vec())).unwrap();
    let (issuer, audience) = (Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    let tokens = TokenIssuer::new(key, issuer, audience, ClientId::new(CLIENT).unwrap());
    let principal = PrincipalId::local_user(USER).unwrap();
    let now: UnixTime = SystemClock.now();
    let login = Login::assertion(Authentication::new(principal, Method::PASSWORD, now, AuthEpoch::ZERO));

    let first = tokens.for_login(&login).sign(now).unwrap();
    let first = first.token().expose();
    let payload = URL_SAFE_NO_PAD.decode(first.split('.').nth(1).unwrap()).unwrap();
    println!("jwt/sign/ours makes {} bytes of {}", first.len(), String::from_utf8(payload).unwrap());
    println!("jwt/sign/jsonwebtoken makes {}", serde_json::to_string(&issued(&new_id())).unwrap());
    let len = first.len();
    let (input, signature) = first.rsplit_once('.').unwrap();
    let (keyed, signature) = (keyed(), URL_SAFE_NO_PAD.decode(signature).unwrap());
    c.bench_function("jwt/sign/mac", |b| {
        b.iter(|| assert_eq!(mac(black_box(&keyed), black_box(input.as_bytes())), *signature));
    });
    c.bench_function("jwt/sign/ours", |b| {
        b.iter(|| {
            let issued = tokens.for_login(black_box(&login)).sign(SystemClock.now()).unwrap();
            assert_eq!(issued.token().expose().len(), len);
            issued
        });
    });
}

#[cfg(feature = "peers")]
fn peers(c: &mut Criterion) {
    use jsonwebtoken::{
        Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors::ErrorKind,
    };

    let (good, bad) = (token(HEADER, PAYLOAD), Bad::new());
    let key = DecodingKey::from_secret(KEY);
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 30;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    let verify = |token: &str| decode::<Owned>(token, &key, &validation);

    c.bench_function("jwt/verify-owned/jsonwebtoken", |b| {
        b.iter(|| {
            let data = verify(black_box(&good)).unwrap();
            assert!(data.claims.admin);
            data
        });
    });
    let mut refused = |row: &str, token: &str, why: ErrorKind| {
        c.bench_function(&format!("jwt/{row}/jsonwebtoken"), |b| {
            b.iter(|| assert_eq!(verify(black_box(token)).unwrap_err().kind(), &why));
        });
    };
    refused("reject-malformed", &bad.malformed, ErrorKind::InvalidToken);
    refused("reject-wrong-alg", &bad.wrong_alg, ErrorKind::InvalidAlgorithm);
    refused("reject-signature", &bad.signature, ErrorKind::InvalidSignature);

    let (key, mut header) = (EncodingKey::from_secret(KEY), Header::new(Algorithm::HS256));
    header.typ = Some("at+jwt".to_owned());
    let len = encode(&header, &issued(&new_id()), &key).unwrap().len();
    c.bench_function("jwt/sign/jsonwebtoken", |b| {
        b.iter(|| {
            let jti = new_id();
            let token = encode(black_box(&header), &issued(&jti), &key).unwrap();
            assert_eq!(token.len(), len);
            token
        });
    });
}

#[cfg(not(feature = "peers"))]
fn peers(_: &mut Criterion) {}

criterion_group!(benches, raw, verify, cached, peers, reject, sign);
criterion_main!(benches);
