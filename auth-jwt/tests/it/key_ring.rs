//! Tokens over a rotation of the issuer's keys.

use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    PrincipalId, SystemEntropy, UnixTime,
    testing::{block_on, login_as},
};
use auth_jwt::{
    Algorithm, AnySigningKey, AsyncSignError, AsyncSigner, CacheCapacity, CachedVerifier, ClientId,
    Es256SigningKey, IssueError, IssuerKeyRing, IssuerKeys, JwsError, JwsSigner, JwsVerifier, KeyId,
    KeySetError, RemoteSigningKey, Signature, TokenIssuer, UnverifiedToken, Verifier, VerifyError,
};

use crate::support::*;

const HOUR: u64 = 3600;

fn at(secs: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(secs))
}

fn signing_key(id: &str) -> Es256SigningKey {
    Es256SigningKey::generate(&SystemEntropy).unwrap().with_id(KeyId::new(id).unwrap())
}

/// `a` signs for two hours, of which `b` is published for one; tokens live for 15 minutes.
fn ring() -> IssuerKeyRing {
    let ring = IssuerKeyRing::new(signing_key("a")).unwrap();
    let ring = ring.with_next(signing_key("b"), at(HOUR), at(2 * HOUR)).unwrap();
    ring.with_max_lifetime(Duration::from_secs(900)).unwrap()
}

fn token_issuer(keys: impl Into<IssuerKeys>) -> TokenIssuer {
    TokenIssuer::new(keys, issuer(), audience(), ClientId::new("web").unwrap())
}

fn issue(issuer: &TokenIssuer, now: UnixTime) -> Result<String, IssueError> {
    let login = login_as(&PrincipalId::local_user("42").unwrap(), now);
    issuer.for_login(&login).sign(now).map(|issued| issued.token().expose().to_owned())
}

fn kid(token: &str) -> String {
    UnverifiedToken::parse(token).unwrap().kid().unwrap().to_string()
}

/// Whoever issues and whoever verifies do nothing when the time comes; and no token is refused before it expires.
#[test]
fn a_rotation_is_noticed_by_nobody() {
    let ring = ring();
    let (issuer, verifier) = (token_issuer(ring.clone()), Verifier::new(ring.key_set(), policy()));
    let cached = CachedVerifier::<()>::new(verifier.clone(), CacheCapacity::default());
    for minute in 0..240 {
        let now = at(minute * 60);
        let token = issue(&issuer, now).unwrap();
        assert_eq!(kid(&token), if minute < 120 { "a" } else { "b" });
        for later in [0, 1, 899] {
            let then = now.saturating_add(Duration::from_secs(later));
            assert!(verifier.verify::<()>(&token, then).is_ok());
            assert!(cached.verify(&token, then).is_ok());
        }
    }
}

/// What a verifier remembers of a key does not outlive the key: its header, and its tokens.
#[test]
fn a_key_verifies_nothing_outside_of_its_time() {
    let ring = ring().with_max_lifetime(Duration::from_secs(60)).unwrap();
    let [old, new] = [0, 2 * HOUR].map(|now| ring.current(at(now)).unwrap().clone());
    let verifier = Verifier::new(ring.key_set(), policy());
    let cached = CachedVerifier::<()>::new(verifier.clone(), CacheCapacity::default());
    // Somebody who has the private key can write any date into a token.
    let forge = |key: &AnySigningKey| {
        let long = TokenIssuer::new(key.clone(), issuer(), audience(), ClientId::new("web").unwrap());
        let long = long.with_lifetime(TokenIssuer::MAX_LIFETIME).unwrap();
        issue(&long, NOW).unwrap()
    };
    let (old, new) = (forge(&old), forge(&new));
    let accepts = |token: &str, now| {
        let answer = verifier.verify::<()>(token, now);
        assert_eq!(cached.verify(token, now).is_ok(), answer.is_ok());
        assert!(answer.is_ok() || matches!(answer, Err(VerifyError::UnknownKey)));
        answer.is_ok()
    };
    let until = 2 * HOUR + 60 + 300;
    for (now, expected) in [(0, true), (until - 1, true), (until, false), (until + 1, false)] {
        assert_eq!(accepts(&old, at(now)), expected, "{now}");
    }
    for (now, expected) in [(0, false), (HOUR - 1, false), (HOUR, true), (2 * HOUR, true)] {
        assert_eq!(accepts(&new, at(now)), expected, "{now}");
    }
}

/// A JWS has no time of its own, so nothing there would ever end a key that was retired.
#[test]
fn what_knows_no_time_takes_no_key_that_has_one() {
    let set = ring().key_set();
    let jws = JwsSigner::new(signing_key("a")).compact(b"payload").unwrap();
    assert_eq!(JwsVerifier::new(set.clone()).compact(&jws).unwrap_err(), JwsError::UnknownKey);
    assert_eq!(set.to_jwks().unwrap_err(), KeySetError::Timed);
}

#[test]
fn an_issuer_keeps_to_the_lifetime_of_its_ring() {
    let short = ring().with_max_lifetime(Duration::from_secs(60)).unwrap();
    let issuer = token_issuer(short);
    assert_eq!(issuer.lifetime(), Duration::from_secs(60));
    let longer = issuer.with_lifetime(Duration::from_secs(61));
    assert!(matches!(longer, Err(IssueError::Lifetime { max }) if max.as_secs() == 60));
    let year = ring().with_max_lifetime(IssuerKeyRing::MAX_LIFETIME).unwrap();
    assert_eq!(token_issuer(year.clone()).lifetime(), TokenIssuer::LIFETIME);
    assert!(token_issuer(year).with_lifetime(Duration::from_secs(86_401)).is_err());
}

#[test]
fn a_ring_that_has_ended_issues_nothing() {
    let issuer = token_issuer(ring().with_end(at(3 * HOUR)).unwrap());
    assert!(issue(&issuer, at(3 * HOUR - 1)).is_ok());
    assert!(matches!(issue(&issuer, at(3 * HOUR)), Err(IssueError::NoSigningKey(_))));
}

/// A key in a KMS: the same tokens as with one that is here, and none that does not verify.
#[test]
fn a_key_that_is_elsewhere_issues_tokens() {
    struct Kms(AnySigningKey);
    #[async_trait]
    impl AsyncSigner for Kms {
        fn algorithm(&self) -> Algorithm {
            self.0.algorithm()
        }

        async fn sign(&self, signing_input: &[u8]) -> Result<Signature, AsyncSignError> {
            Ok(self.0.sign(signing_input)?)
        }
    }
    let (key, other) = (signing_key("a"), signing_key("b"));
    let remote = |key: Es256SigningKey, public: &Es256SigningKey| {
        token_issuer(RemoteSigningKey::new(Kms(key.into()), public.verifying_key()).unwrap())
    };
    let login = login_as(&PrincipalId::local_user("42").unwrap(), NOW);

    let issuer = remote(key.clone(), &key);
    let issued = block_on(issuer.for_login(&login).sign_async(NOW)).unwrap();
    let token = issued.token().expose();
    assert_eq!(kid(token), "a");
    let verified = Verifier::new(key.verifying_key(), policy()).verify::<()>(token, NOW).unwrap();
    assert_eq!(verified.claims().token_id(), Some(issued.id()));
    assert_eq!(issued.expires_at(), at(900));
    assert!(matches!(issuer.for_login(&login).sign(NOW), Err(IssueError::KeyElsewhere)));

    let wrong = remote(other, &key);
    let refused = block_on(wrong.for_login(&login).sign_async(NOW));
    assert!(matches!(refused, Err(IssueError::Signer(AsyncSignError::Wrong))));

    // Whoever does not care where the key is calls the same.
    let here = token_issuer(key);
    assert!(block_on(here.for_login(&login).sign_async(NOW)).is_ok());
    let rings = token_issuer(ring());
    assert!(block_on(rings.for_login(&login).sign_async(NOW)).is_ok());

    // Without a name it is called by its thumbprint, as in the JWK Set.
    let nameless = Es256SigningKey::generate(&SystemEntropy).unwrap();
    let thumbprint = nameless.verifying_key().thumbprint().to_string();
    let issued = block_on(remote(nameless.clone(), &nameless).for_login(&login).sign_async(NOW)).unwrap();
    assert_eq!(kid(issued.token().expose()), thumbprint);
}
