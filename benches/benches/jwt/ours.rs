//! Ours, and the keyed MAC alone, which nobody can beat.

use std::hint::black_box;

use auth_core::{
    AuthEpoch, Authentication, Clock, Login, Method, PrincipalId, Secret, SystemClock, UnixTime,
};
use auth_jwt::{
    Audience, ClientId, Hs256Key, Issuer, TokenBuffer, TokenIssuer, TokenPolicy, TokenSigner, Verified,
    Verifier, VerifyError, typ,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::fixture::{
    AUDIENCE, Bad, CLIENT, HEADER, ISSUER, KEY, Owned, PAYLOAD, Row, USER, issued, keyed, mac, new_id, token,
};

pub(crate) fn rows() -> Vec<Row> {
    [verify(), reject(), sign(), sign_given()].into_iter().flatten().collect()
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
#[derive(Debug, Serialize, Deserialize)]
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

pub(crate) fn verifier() -> Verifier {
    let issuer = Issuer::new(ISSUER).unwrap();
    let policy = TokenPolicy::typed(typ("JWT").unwrap(), issuer, Audience::new(AUDIENCE).unwrap());
    Verifier::new(Hs256Key::new(&Secret::new(KEY.to_vec())).unwrap(), policy)
}

/// The MAC of a token, compared with what it should be.
fn mac_alone(name: &str, token: &str) -> Row {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (keyed, input, signature) = (keyed(), input.to_owned(), URL_SAFE_NO_PAD.decode(signature).unwrap());
    Row::new(name, move || assert_eq!(mac(black_box(&keyed), black_box(input.as_bytes())), *signature))
}

fn verify() -> Vec<Row> {
    let (token, verifier) = (token(HEADER, PAYLOAD), verifier());
    assert_eq!((PAYLOAD.len(), token.len()), (215, 368));
    let fixture = || (token.clone(), verifier.clone());
    vec![
        mac_alone("verify/mac", &token),
        {
            let (token, verifier) = fixture();
            Row::new("verify-owned/ours", move || {
                let verified: Verified<Owned> =
                    verifier.verify(black_box(&token), SystemClock.now()).unwrap();
                assert!(verified.own().admin);
                black_box(&verified);
            })
        },
        {
            let (token, verifier) = fixture();
            Row::new("verify-own-claims/ours", move || {
                let verified: Verified<Own> = verifier.verify(black_box(&token), SystemClock.now()).unwrap();
                assert!(verified.own().admin);
                black_box((&verified.own().name, &verified.own().plan, verified.claims().subject()));
            })
        },
        {
            let ((token, verifier), mut buffer) = (fixture(), TokenBuffer::new());
            Row::new("verify-own-claims-borrowed/ours", move || {
                let verified: Verified<OwnBorrowed<'_>> =
                    verifier.verify_in(black_box(&token), SystemClock.now(), &mut buffer).unwrap();
                assert!(verified.own().admin);
                black_box((verified.claims().subject(), verified.own().name, verified.own().plan));
            })
        },
        {
            let ((token, verifier), mut buffer) = (fixture(), TokenBuffer::new());
            Row::new("verify-borrowed/ours", move || {
                let verified: Verified<Borrowed<'_>> =
                    verifier.verify_in(black_box(&token), SystemClock.now(), &mut buffer).unwrap();
                let Borrowed { iss, sub, aud, exp, nbf, iat, jti, name, plan, admin } = verified.own();
                black_box((iss, sub, aud, exp, nbf, iat, jti, name, plan));
                assert!(admin);
            })
        },
    ]
}

fn reject() -> Vec<Row> {
    let (bad, verifier) = (Bad::new(), verifier());
    // Read once: the peers read no clock either before a signature is right.
    let now = SystemClock.now();
    // From now on the header has been seen.
    assert!(verifier.verify::<Owned>(&token(HEADER, PAYLOAD), now).is_ok());
    let row = |name: &str, token: String, is_right: fn(&VerifyError) -> bool| {
        let verifier = verifier.clone();
        Row::new(name, move || {
            let answer = verifier.verify::<Owned>(black_box(&token), now);
            assert!(answer.as_ref().err().is_some_and(is_right));
        })
    };
    let malformed = |error: &VerifyError| matches!(error, VerifyError::Malformed(_));
    let signature = |error: &VerifyError| matches!(error, VerifyError::Signature);
    vec![
        row("reject-oversized/ours", bad.oversized, malformed),
        row("reject-malformed/ours", bad.malformed, malformed),
        row("reject-bad-base64/ours", bad.bad_base64, malformed),
        row("reject-bad-json/ours", bad.bad_json, malformed),
        row("reject-wrong-alg/ours", bad.wrong_alg, |error| matches!(error, VerifyError::Algorithm { .. })),
        mac_alone("reject-signature/mac", &token(HEADER, PAYLOAD)),
        row("reject-signature/ours", bad.signature, signature),
        row("reject-signature-new-header/ours", bad.new_header, signature),
    ]
}

fn sign() -> Vec<Row> {
    let key = Hs256Key::new(&Secret::new(KEY.to_vec())).unwrap();
    let (issuer, audience) = (Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    let tokens = TokenIssuer::new(key, issuer, audience, ClientId::new(CLIENT).unwrap());
    let principal = PrincipalId::local_user(USER).unwrap();
    let now = SystemClock.now();
    let login = Login::assertion(Authentication::new(principal, Method::PASSWORD, now, AuthEpoch::ZERO));

    let first = tokens.for_login(&login).sign(now).unwrap();
    let first = first.token().expose().to_owned();
    let len = first.len();
    // Header, issuer, subject and audience.
    let same = first.find('.').unwrap() + 80;
    // The same members; the peers write them in another order.
    let payload = URL_SAFE_NO_PAD.decode(first.split('.').nth(1).unwrap()).unwrap();
    let theirs = serde_json::to_vec(&issued(&new_id())).unwrap();
    assert_eq!(payload.len(), theirs.len(), "{}", String::from_utf8_lossy(&payload));
    vec![
        mac_alone("sign/mac", &first),
        Row::new("sign/id", || drop(black_box(new_id()))),
        Row::new("sign/ours", move || {
            // A new id and time each time, and so another signature.
            let issued = tokens.for_login(black_box(&login)).sign(SystemClock.now()).unwrap();
            let token = issued.token().expose();
            assert!(token.len() == len && token[..same] == first[..same]);
        }),
    ]
}

/// All claims are the caller's, the id too: no random number, no clock.
fn sign_given() -> Vec<Row> {
    let key = Hs256Key::new(&Secret::new(KEY.to_vec())).unwrap();
    let (issuer, audience) = (Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    let signer = TokenSigner::new(key, typ("JWT").unwrap(), issuer).unwrap();
    let claims: Owned = serde_json::from_str(PAYLOAD).unwrap();
    let own: Own = serde_json::from_str(PAYLOAD).unwrap();
    let mut expected = None;
    vec![
        mac_alone("sign-given-id/mac", &token(HEADER, PAYLOAD)),
        Row::new("sign-given-id/ours", move || {
            let claims = black_box(&claims);
            let issued_at = UnixTime::from_secs(claims.iat);
            let token = signer
                .expiring_at(UnixTime::from_secs(claims.exp))
                .with_subject(&claims.sub)
                .with_audience(&audience)
                .with_not_before(UnixTime::from_secs(claims.nbf))
                .with_issued_at(issued_at)
                .with_token_id(&claims.jti)
                .with_claims(black_box(&own))
                .sign(issued_at);
            let token = token.unwrap();
            assert_eq!(token.expose(), expected.get_or_insert_with(|| token.expose().to_owned()));
        }),
    ]
}
