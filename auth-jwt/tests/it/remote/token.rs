//! Which tokens are worth a fetch, and what a token learns of an outage.

use auth_core::{
    AuthenticateError, Authenticator, Refusal, RejectionReason,
    testing::{FixedClock, block_on},
};
use auth_jwt::{
    AccessToken, BearerAuthenticator, CacheCapacity, Claims, Es256SigningKey, Issuer, RefreshError,
    RevocationStatus, Revocations, TokenBuffer, TokenPolicy, Verifier, VerifyError,
};
use serde::Deserialize;

use super::*;

/// What no key of the set could have signed causes no fetch, not even the first one.
#[test]
fn a_token_that_nothing_could_make_good_is_refused_without_keys() {
    let service = Service::new(Script::default());
    let good = token_of(&signing_key("a"));
    let with_header = |header: &str| {
        let (_, rest) = good.split_once('.').unwrap();
        format!("{}.{rest}", base64(header))
    };
    for bad in [
        "",
        "a.b.c",
        &"x".repeat(10_000),
        &with_header(r#"{"alg":"none"}"#),
        &with_header(r#"{"alg":"HS256","kid":"a"}"#),
        &with_header(r#"{"alg":"ES384","kid":"a"}"#),
        &with_header(r#"{"alg":"RS256","kid":"a"}"#),
        &with_header(r#"{"alg":"EdDSA","kid":["a"]}"#),
        &with_header(r#"{"alg":"EdDSA","kid":""}"#),
        &with_header(&format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, "k".repeat(257))),
        &with_header(r#"{"alg":"EdDSA","crit":["x"],"x":1}"#),
        &with_header(r#"{"alg":"EdDSA","alg":"EdDSA"}"#),
    ] {
        assert!(matches!(service.verify(bad), Err(RemoteVerifyError::Refused(_))), "{bad}");
    }
    assert_eq!(service.asked(), 0);
}

/// `jwk`, `jku`, `x5u` and `x5c` of a header are neither trusted nor fetched
/// (CVE-2018-0114, RFC 8725 section 3.10).
#[test]
fn keys_and_addresses_in_a_header_mean_nothing() {
    let (key, forger) = (signing_key("a"), signing_key("a"));
    let service = Service::new(Script::default().then(published(&[&key])));
    let jwk = forger.verifying_key().to_jwk();
    let header = format!(
        r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"a","jwk":{jwk},"jku":"https://evil.example","x5u":"https://evil.example"}}"#
    );
    let input = format!("{}.{}", base64(header), base64(payload()));
    let signature = forger.sign(input.as_bytes()).unwrap();
    let token = format!("{input}.{}", base64(signature.as_bytes()));
    assert!(matches!(service.verify(&token), Err(RemoteVerifyError::Refused(VerifyError::Signature))));
    assert_eq!(service.asked(), 1);
}

/// A wrong signature, another issuer, an expired token: none is a reason to ask for keys.
#[test]
fn a_token_that_is_refused_for_itself_causes_no_fetch() {
    let (key, other) = (signing_key("a"), signing_key("a"));
    let service = Service::new(Script::default().then(published(&[&key])));
    assert!(service.accepts(&token_of(&key)));
    service.step(60);
    assert!(matches!(
        service.verify(&token_of(&other)),
        Err(RemoteVerifyError::Refused(VerifyError::Signature))
    ));
    let late = block_on(service.verifier.verify::<()>(&token_of(&key), UnixTime::MAX)).unwrap_err();
    assert!(matches!(late, RemoteVerifyError::Refused(VerifyError::Expired { .. })));
    let elsewhere = TokenPolicy::access_token(Issuer::new("https://x.example").unwrap(), audience());
    let verifier = RemoteVerifier::new(Arc::clone(service.verifier.keys()), elsewhere);
    assert!(block_on(verifier.verify::<()>(&token_of(&key), NOW)).is_err());
    assert_eq!(service.asked(), 1);
}

/// The algorithm is the key's, whatever the header says.
#[test]
fn a_key_serves_for_its_own_algorithm_only() {
    let key = Es256SigningKey::generate(&SystemEntropy).unwrap().with_id(KeyId::new("a").unwrap());
    let set = format!(r#"{{"keys":[{}]}}"#, key.verifying_key().to_jwk());
    let service = Service::new(Script::default().then(body(set)));
    let refused = service.verify(&token_of(&signing_key("a"))).unwrap_err();
    assert!(matches!(refused, RemoteVerifyError::Refused(VerifyError::Algorithm { .. })), "{refused:?}");
}

/// A token that cannot be checked is nobody's fault but ours: 503, never 401, never 200.
#[test]
fn keys_that_are_not_there_are_service_unavailable() {
    let service = Service::new(Script::default());
    let error = service.verify(&token_of(&signing_key("a"))).unwrap_err();
    assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<RefreshError>()));
    assert_eq!(Refusal::from(error.clone()).status(), 503);
    assert!(matches!(AuthenticateError::from(error), AuthenticateError::Unavailable(_)));
    let refused = AuthenticateError::from(service.verify("x").unwrap_err());
    assert!(
        matches!(refused, AuthenticateError::Rejected(why) if why.reason() == RejectionReason::Malformed)
    );
}

/// What is revoked here is refused, whoever publishes the keys.
#[test]
fn revocations_are_asked() {
    struct Revoked;
    impl Revocations for Revoked {
        fn status(&self, _: &Claims) -> RevocationStatus {
            RevocationStatus::Revoked
        }
    }
    let key = signing_key("a");
    let service = Service::new(Script::default().then(published(&[&key])));
    let token = token_of(&key);
    assert!(service.accepts(&token));
    let strict = service.verifier.clone().with_revocations(Arc::new(Revoked));
    for verifier in [strict.clone(), strict] {
        let refused = block_on(verifier.verify::<()>(&token, NOW)).unwrap_err();
        assert!(matches!(refused, RemoteVerifyError::Refused(VerifyError::Revoked)));
    }
    assert!(service.accepts(&token), "what it was cloned from is as it was");
}

/// Bearer authentication: the same principal as under a key that is here; 503 while there are none; a token in
/// the cache does not outlive its key.
#[test]
fn bearer_tokens_are_authenticated_under_remote_keys() {
    let (old, new) = (signing_key("a"), signing_key("b"));
    let script = Script::default().then(Err(FetchError::Timeout)).then(published(&[&old]));
    let service = Service::new(script.then(published(&[&new])));
    let authenticator = BearerAuthenticator::remote(service.verifier.clone())
        .with_clock(Arc::new(FixedClock(NOW)))
        .with_cache(CacheCapacity::default());
    let present = |key| block_on(authenticator.authenticate(AccessToken::new(token_of(key))));
    assert!(matches!(present(&old), Err(AuthenticateError::Unavailable(_))));
    service.step(30);
    let token = token_of(&old);
    let again = || block_on(authenticator.authenticate(AccessToken::new(token.clone())));
    for _ in 0..3 {
        assert_eq!(again().unwrap().principal().realm(), issuer().realm());
    }
    assert!(matches!(present(&new), Err(AuthenticateError::Rejected(_))), "the cooldown is not over");
    service.step(30);
    assert!(present(&new).is_ok());
    assert!(matches!(again(), Err(AuthenticateError::Rejected(_))));
    assert_eq!(service.asked(), 3);
}

/// Whoever verifies in another way, an ID token for example, has the same protection by hand.
#[test]
fn the_keys_for_a_token_are_fetched_with_the_same_restraint() {
    let (old, new) = (signing_key("a"), signing_key("b"));
    let script = Script::default().then(published(&[&old])).then(published(&[&old, &new]));
    let service = Service::new(script);
    let keys_for = |token: &str| block_on(service.verifier.keys().keys_for(token));
    let verifies = |token: &str| {
        let keys = keys_for(token).unwrap();
        Verifier::new(keys.keys().clone(), policy()).verify::<()>(token, NOW).is_ok()
    };
    assert!(matches!(keys_for("x"), Err(RemoteVerifyError::Refused(VerifyError::Malformed(_)))));
    assert!(verifies(&token_of(&old)));
    let refused = keys_for(&token_of(&new));
    assert!(matches!(refused, Err(RemoteVerifyError::Refused(VerifyError::UnknownKey))));
    service.step(30);
    assert!(verifies(&token_of(&new)));
    assert_eq!(service.asked(), 2);
}

#[test]
fn claims_may_be_borrowed() {
    #[derive(Deserialize)]
    struct Own<'a> {
        #[serde(borrow)]
        client_id: std::borrow::Cow<'a, str>,
    }
    let key = signing_key("a");
    let service = Service::new(Script::default().then(published(&[&key])));
    let mut buffer = TokenBuffer::new();
    let token = token_of(&key);
    let verified: Verified<Own<'_>> = block_on(service.verifier.verify_in(&token, NOW, &mut buffer)).unwrap();
    assert_eq!(verified.own().client_id, "web");
}
