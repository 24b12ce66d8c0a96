//! Ending a token before it expires.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use auth_core::{NameError, Refusal, RejectionReason, SystemEntropy, UnixTime, testing::block_on};
use auth_jwt::{
    CacheCapacity, CachedVerifier, ClientId, Es256SigningKey, Issuer, Revocation, RevocationKind,
    RevocationList, RevocationListError, RevocationStatus, Revocations, TokenIssuer, TokenPolicy, Verified,
    Verifier, VerifyError, any_typ, danger::revoke_until_restart,
};

use crate::support::*;

mod conformance;
mod loading;

const QUARTER: Duration = Duration::from_secs(900);

fn volatile() -> RevocationList {
    revoke_until_restart(QUARTER, 100).unwrap()
}

/// Asks for no more claims than any policy must have.
fn lax(list: &RevocationList) -> Verifier {
    Verifier::new(key(), TokenPolicy::typed(any_typ(), issuer(), audience()))
        .with_revocations(Arc::new(list.clone()))
}

fn revoke(list: &RevocationList, revocation: Result<Revocation, NameError>) {
    block_on(list.revoke(&revocation.unwrap(), NOW)).unwrap();
}

fn check(list: &RevocationList, token: &str) -> Result<(), VerifyError> {
    lax(list).verify::<()>(token, NOW).map(drop)
}

/// A token of session `s1`, issued now.
fn token() -> String {
    sign(HEADER, payload_with(r#""sid":"s1""#))
}

fn issued_at(iat: u64) -> String {
    sign(
        HEADER,
        payload_but("iat", &format!(r#""iat":{iat}"#)).replace("1800000900", &(iat + 900).to_string()),
    )
}

#[test]
fn a_revoked_token_is_refused_and_no_other() {
    let list = volatile();
    assert_eq!(check(&list, &token()), Ok(()));
    revoke(&list, Revocation::token(issuer(), "t1", None));
    assert_eq!(check(&list, &token()), Err(VerifyError::Revoked));
    assert_eq!(check(&list, &sign(HEADER, payload_but("jti", r#""jti":"t2""#))), Ok(()));
    // Without the verifier's being told of the list, nothing is revoked.
    assert!(verify(&token()).is_ok());
}

#[test]
fn a_verified_token_revokes_itself() {
    let list = volatile();
    let verified: Verified = lax(&list).verify(&token(), NOW).unwrap();
    let this = Revocation::of_token(verified.claims()).unwrap();
    assert_eq!((this.kind(), this.name(), this.issuer()), (RevocationKind::Token, "t1", &issuer()));
    assert_eq!(this.date(), Some(UnixTime::from_secs(1_800_000_900)));
    revoke(&list, Ok(this));
    assert_eq!(check(&list, &token()), Err(VerifyError::Revoked));
    let nameless = sign(HEADER, payload_but("jti", ""));
    assert_eq!(Revocation::of_token(lax(&list).verify::<()>(&nameless, NOW).unwrap().claims()), None);
}

/// OpenID Connect Back-Channel Logout section 2.6: a logout ends the session's tokens, whatever their names.
#[test]
fn a_session_ends_with_all_its_tokens() {
    let list = volatile();
    revoke(&list, Revocation::session(issuer(), "s1"));
    assert_eq!(check(&list, &token()), Err(VerifyError::Revoked));
    assert_eq!(check(&list, &sign(HEADER, payload_with(r#""sid":"s2""#))), Ok(()));
    assert_eq!(check(&list, &sign(HEADER, payload())), Ok(()), "of no session");
    assert_eq!(
        lax(&list)
            .verify::<()>(&sign(HEADER, payload_with(r#""sid":"s2""#)), NOW)
            .unwrap()
            .claims()
            .session_id(),
        Some("s2")
    );
}

/// A token that was issued in the very second of the revocation may be from before it.
#[test]
fn a_subject_loses_what_was_issued_until_then_and_nothing_later() {
    let list = volatile();
    let until = NOW.as_secs() - 10;
    revoke(&list, Revocation::subject(issuer(), "42", UnixTime::from_secs(until)));
    for (iat, answer) in
        [(until - 1, Err(VerifyError::Revoked)), (until, Err(VerifyError::Revoked)), (until + 1, Ok(()))]
    {
        assert_eq!(check(&list, &issued_at(iat)), answer, "{iat}");
    }
    // A fraction counts as its second.
    let fraction = sign(HEADER, payload_but("iat", &format!(r#""iat":{until}.999"#)));
    assert_eq!(check(&list, &fraction), Err(VerifyError::Revoked));
    // An earlier moment takes nothing back; a later one counts.
    revoke(&list, Revocation::subject(issuer(), "42", UnixTime::from_secs(until - 5)));
    assert_eq!(check(&list, &issued_at(until)), Err(VerifyError::Revoked));
    revoke(&list, Revocation::subject(issuer(), "42", NOW));
    assert_eq!(check(&list, &issued_at(until + 1)), Err(VerifyError::Revoked));
    let other = sign(HEADER, payload_but("sub", r#""sub":"43""#));
    assert_eq!(check(&list, &other), Ok(()));
}

/// Fails closed: without `iat`, a token may be from before any moment, and may live for any time.
#[test]
fn a_token_without_a_date_of_issue_is_refused() {
    let list = volatile();
    let dateless = sign(HEADER, payload_but("iat", ""));
    assert_eq!(check(&list, &dateless), Err(VerifyError::Unrevocable));
    revoke(&list, Revocation::subject(issuer(), "42", UnixTime::from_secs(NOW.as_secs() - 10)));
    assert_eq!(check(&list, &dateless), Err(VerifyError::Revoked));
}

/// A revocation is forgotten after the longest lifetime, so a token that lives longer would come back to life.
#[test]
fn a_token_that_could_outlive_its_revocation_is_refused() {
    let list = volatile();
    let lives = |secs: u64| {
        let exp = NOW.as_secs() + secs;
        check(&list, &sign(HEADER, payload_but("exp", &format!(r#""exp":{exp}"#))))
    };
    assert_eq!(lives(900), Ok(()));
    assert_eq!(lives(901), Err(VerifyError::Unrevocable));
    assert_eq!(VerifyError::Unrevocable.rejection_reason(), Some(RejectionReason::WrongUse));
    // And so would one that has no name to revoke it by.
    let nameless = payload_but("jti", "").replace(r#""sub":"42","#, "");
    assert_eq!(check(&list, &sign(HEADER, nameless)), Err(VerifyError::Unrevocable));
}

/// `jti`, `sid` and `sub` are unique within an issuer, and are three things.
#[test]
fn names_of_another_issuer_or_kind_revoke_nothing() {
    let list = volatile();
    let other = Issuer::new("https://other.example").unwrap();
    for (jti, sid, sub) in [("t1", "s1", "42")] {
        revoke(&list, Revocation::token(other.clone(), jti, None));
        revoke(&list, Revocation::session(other.clone(), sid));
        revoke(&list, Revocation::subject(other.clone(), sub, NOW));
        for name in [sid, sub] {
            revoke(&list, Revocation::token(issuer(), name, None));
        }
        for name in [jti, sub] {
            revoke(&list, Revocation::session(issuer(), name));
        }
        for name in [jti, sid] {
            revoke(&list, Revocation::subject(issuer(), name, NOW));
        }
    }
    assert_eq!(check(&list, &token()), Ok(()));
    assert_eq!(list.len(), 9);
}

/// An answer must not tell a forger what was revoked, and a client must be told to refresh before anything else.
#[test]
fn revocation_is_asked_last() {
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Own {
        plan: String,
    }
    let list = volatile();
    revoke(&list, Revocation::token(issuer(), "t1", None));
    let forged = sign_segments(&base64(HEADER), &base64(payload()), &[1; 32]);
    assert_eq!(check(&list, &forged), Err(VerifyError::Signature));
    let expired = sign(HEADER, payload_but("exp", r#""exp":1800000000"#));
    let late = UnixTime::from_secs(1_800_000_030);
    assert!(lax(&list).verify::<()>(&expired, late).unwrap_err().is_expired());
    let elsewhere = sign(HEADER, payload().replace(AUDIENCE, "https://other.example"));
    assert!(matches!(check(&list, &elsewhere), Err(VerifyError::Mismatch { claim: "aud", .. })));
    // The type of the own claims comes after it.
    assert_eq!(lax(&list).verify::<Own>(&token(), NOW).unwrap_err(), VerifyError::Revoked);
}

#[test]
fn a_revoked_token_is_a_rejection_with_its_reason() {
    assert_eq!(VerifyError::Revoked.rejection_reason(), Some(RejectionReason::Revoked));
    assert_eq!(VerifyError::Revoked.public_reason(), "invalid_token");
    assert_eq!(Refusal::from(VerifyError::Revoked).status(), 401);
}

/// (r, n - s) is a right signature too, so a token's bytes are not its identity
/// (OWASP/CheatSheetSeries#2242). A list that went by them would let the other spelling pass.
#[test]
fn another_spelling_of_a_signature_is_revoked_as_well() {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let key = Es256SigningKey::generate(&SystemEntropy).unwrap();
    let input = format!("{}.{}", base64(r#"{"alg":"ES256","typ":"at+jwt"}"#), base64(payload()));
    let mut signature = key.sign(input.as_bytes()).unwrap().as_bytes().to_vec();
    let token = format!("{input}.{}", base64(&signature));
    let mut borrow = 0;
    for (s, n) in signature[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(n) - i16::from(*s) - borrow;
        borrow = i16::from(difference < 0);
        *s = u8::try_from(difference + 256 * borrow).unwrap();
    }
    let other = format!("{input}.{}", base64(&signature));
    assert_ne!(token, other);
    let list = volatile();
    let verifier = Verifier::new(key.verifying_key(), policy()).with_revocations(Arc::new(list.clone()));
    let cached = CachedVerifier::<()>::new(verifier, CacheCapacity::default());
    let verify = |token: &str| cached.verify(token, NOW).map(drop);
    for token in [&token, &other, &token, &other] {
        assert_eq!(verify(token), Ok(()));
    }
    revoke(&list, Revocation::token(issuer(), "t1", None));
    for token in [&token, &other, &token, &other] {
        assert_eq!(verify(token), Err(VerifyError::Revoked));
    }
}

/// Once `revoke` has answered, no thread accepts the token.
#[test]
fn a_revocation_is_seen_by_all_threads() {
    let list = revoke_until_restart(QUARTER, 1_000).unwrap();
    let tokens: Vec<_> =
        (0..300).map(|n| sign(HEADER, payload_but("jti", &format!(r#""jti":"t{n}""#)))).collect();
    let revoked = AtomicUsize::new(0);
    // How many revocations each thread knew of when it last looked.
    let looked: [AtomicUsize; 3] = Default::default();
    let verifier = lax(&list);
    let look = |looked: &AtomicUsize| {
        let mut accepted = 0;
        while looked.load(Ordering::SeqCst) < tokens.len() {
            let known = revoked.load(Ordering::SeqCst);
            for token in tokens.iter().take(known).rev().take(5) {
                let answer = verifier.verify::<()>(token, NOW);
                accepted += usize::from(!matches!(answer, Err(VerifyError::Revoked)));
            }
            looked.store(known, Ordering::SeqCst);
        }
        accepted
    };
    let accepted: usize = thread::scope(|scope| {
        let look = &look;
        let threads: Vec<_> = looked.iter().map(|looked| scope.spawn(move || look(looked))).collect();
        for n in 1..=tokens.len() {
            revoke(&list, Revocation::token(issuer(), &format!("t{}", n - 1), None));
            revoked.store(n, Ordering::SeqCst);
            // A thread that is slow to begin must not find all of it done.
            while n % 100 == 0 && looked.iter().any(|looked| looked.load(Ordering::SeqCst) < n) {
                thread::yield_now();
            }
        }
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(accepted, 0);
}

#[test]
fn a_list_has_bounds() {
    let refused = |lifetime, capacity| revoke_until_restart(lifetime, capacity).unwrap_err();
    for capacity in [0, 100_000_001, usize::MAX] {
        assert!(matches!(refused(QUARTER, capacity), RevocationListError::Capacity { min: 1, .. }));
    }
    for lifetime in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(366 * 86_400 + 1)] {
        assert!(matches!(refused(lifetime, 1), RevocationListError::Lifetime { .. }));
    }
    assert_eq!(Revocation::token(issuer(), "", None).unwrap_err(), NameError::Empty);
    let long = "x".repeat(Revocation::MAX_NAME_LEN + 1);
    let too_long = NameError::TooLong { max: Revocation::MAX_NAME_LEN };
    assert_eq!(Revocation::session(issuer(), &long).unwrap_err(), too_long);
}

#[test]
fn a_kind_is_read_back_from_its_word() {
    for kind in [RevocationKind::Token, RevocationKind::Session, RevocationKind::Subject] {
        assert_eq!(RevocationKind::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(RevocationKind::parse("Token"), None);
}

/// Behind a pointer, a list must not answer less, nor forget to tell a cache of its changes.
#[test]
fn pointers_forward_all_of_it() {
    fn of(revocations: impl Revocations) -> (RevocationStatus, Option<u64>) {
        let verified = verify(&token()).unwrap();
        (revocations.status(verified.claims()), revocations.version())
    }
    let list = volatile();
    revoke(&list, Revocation::token(issuer(), "t1", None));
    let direct = of(list.clone());
    assert_eq!(direct.0, RevocationStatus::Revoked);
    assert!(direct.1.is_some());
    let shared: Arc<dyn Revocations> = Arc::new(list.clone());
    assert_eq!((of(&list), of(Box::new(list.clone())), of(shared)), (direct, direct, direct));
}

/// OpenID Connect Front-Channel Logout section 3: a string. Wrongly typed is not absent.
#[test]
fn a_session_id_has_its_registered_type() {
    for bad in ["1", "null", "true", "[\"s1\"]", "{}", "\"\""] {
        let refused = with_payload(payload_with(&format!(r#""sid":{bad}"#))).unwrap_err();
        assert!(matches!(refused, VerifyError::WrongType { claim: "sid", .. }), "{bad}");
    }
}

/// Whether its tokens have a `sid` is for the application to say, which then can revoke by it.
#[test]
fn an_issuer_may_write_a_session_id() {
    let login = auth_core::testing::login_as(&auth_core::PrincipalId::local_user("42").unwrap(), NOW);
    let tokens = TokenIssuer::new(key(), issuer(), audience(), ClientId::new("web").unwrap());
    let with = |sid: serde_json::Value| {
        tokens.for_login(&login).with_claims(&serde_json::json!({ "sid": sid })).sign(NOW)
    };
    let issued = with("s1".into()).unwrap();
    let list = volatile();
    assert_eq!(check(&list, issued.token().expose()), Ok(()));
    revoke(&list, Revocation::session(issuer(), "s1"));
    assert_eq!(check(&list, issued.token().expose()), Err(VerifyError::Revoked));
    for bad in [serde_json::Value::Null, 1.into(), "".into()] {
        assert!(with(bad).is_err(), "verifiers would refuse it");
    }
}
