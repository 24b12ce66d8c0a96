//! The example at work, and when its service is not.
#![allow(clippy::unwrap_used, reason = "test code")]

use auth_core::{PrincipalId, UnixTime, testing::login_as};
use auth_jwt::{
    Algorithm, AsyncSignError, Audience, Backend, IssueError, Issuer, KeySet, TokenPolicy, UnverifiedToken,
    Verifier,
};
use example_kms_signer::{KEY, Tokens, kms::Kms};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

async fn service() -> (Kms, Tokens) {
    let kms = Kms::start();
    kms.create_key(KEY).await.unwrap();
    let tokens = Tokens::new(kms.clone()).await.unwrap();
    (kms, tokens)
}

#[tokio::test]
async fn a_token_is_issued_and_verified_by_whoever_has_the_jwks() {
    let (_, tokens) = service().await;
    let login = login_as(&PrincipalId::local_user("42").unwrap(), NOW);
    for _ in 0..20 {
        let issued = tokens.issue(&login, NOW).await.unwrap();
        let token = issued.token().expose();
        assert_eq!(UnverifiedToken::parse(token).unwrap().alg(), "ES256");
        assert!(tokens.verifier().verify::<()>(token, NOW).is_ok());

        let (keys, _) = KeySet::parse(tokens.jwks(), &[Algorithm::Es256], Backend::default()).unwrap();
        let policy = TokenPolicy::access_token(
            Issuer::new("https://id.example").unwrap(),
            Audience::new("https://api.example").unwrap(),
        );
        let verified = Verifier::new(keys, policy).verify::<()>(token, NOW).unwrap();
        assert_eq!(verified.claims().subject(), Some("42"));
    }
}

#[tokio::test]
async fn nothing_is_issued_by_a_key_that_is_disabled() {
    let (kms, tokens) = service().await;
    let login = login_as(&PrincipalId::local_user("42").unwrap(), NOW);
    kms.disable_key(KEY).await.unwrap();
    let refused = tokens.issue(&login, NOW).await.unwrap_err();
    assert!(matches!(refused, IssueError::Signer(AsyncSignError::Refused(_))), "{refused:?}");
}

/// Somebody has replaced the key behind the name: its tokens would be worth nothing, so there are none.
#[tokio::test]
async fn nothing_is_issued_by_another_key_of_the_same_name() {
    let (kms, tokens) = service().await;
    let login = login_as(&PrincipalId::local_user("42").unwrap(), NOW);
    kms.create_key(KEY).await.unwrap();
    let wrong = tokens.issue(&login, NOW).await.unwrap_err();
    assert!(matches!(wrong, IssueError::Signer(AsyncSignError::Wrong)), "{wrong:?}");
}
