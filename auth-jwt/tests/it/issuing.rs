//! Issuing: on a login or a live session, never more than they allow.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Assurance, AuditEvent, AuthEpoch, Authentication, LiveSession, Login, MemoryAudit, Method, PrincipalId,
    Scopes, SessionId, UnixTime,
    testing::{NoEntropy, SeededEntropy, block_on, login_as},
};
use auth_jwt::{
    Algorithm, Backend, ClientId, Es256SigningKey, IssueError, KeyId, KeySet, TokenIssuer, UnverifiedToken,
    Verified, Verifier,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::*;

fn token_issuer() -> TokenIssuer {
    TokenIssuer::new(key(), issuer(), audience(), ClientId::new("web").unwrap())
        .with_entropy(Arc::new(SeededEntropy::new(1)))
}

fn user() -> PrincipalId {
    PrincipalId::local_user("42").unwrap()
}

fn login() -> Login {
    login_as(&user(), NOW)
}

fn login_with(change: impl FnOnce(Authentication) -> Authentication) -> Login {
    Login::assertion(change(login().into_authentication()))
}

fn payload_of(token: &str) -> Value {
    let segment = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

/// Whoever reads the published set finds the key that a token names, although nobody has named it (RFC 7638).
#[test]
fn a_key_without_a_name_is_called_by_its_thumbprint() {
    let [one, two] = [1, 2].map(|seed| Es256SigningKey::generate(&SeededEntropy::new(seed)).unwrap());
    let token = TokenIssuer::new(one.clone(), issuer(), audience(), ClientId::new("web").unwrap());
    let token = token.for_login(&login()).sign(NOW).unwrap().into_token();
    let unverified = UnverifiedToken::parse(token.expose()).unwrap();
    let thumbprint = one.verifying_key().thumbprint().to_string();
    assert_eq!(unverified.kid().map(KeyId::as_str), Some(&*thumbprint));

    let published = KeySet::new([two.verifying_key(), one.verifying_key()]).unwrap().to_jwks().unwrap();
    let (keys, _) = KeySet::parse(&published, &[Algorithm::Es256], Backend::default()).unwrap();
    assert!(Verifier::new(keys, policy()).verify::<()>(token.expose(), NOW).is_ok());
}

/// Whoever finds a token in the wrong hands finds out for whom it was issued; one that was not issued is not there.
#[test]
fn what_is_issued_is_written_down_without_the_token() {
    let audit = Arc::new(MemoryAudit::new(10));
    let tokens = token_issuer().with_audit(Arc::<MemoryAudit>::clone(&audit));
    let refused = tokens.for_login(&login()).with_lifetime(Duration::ZERO).sign(NOW);
    assert!(refused.is_err() && audit.events().is_empty());
    let first = tokens.for_login(&login()).sign(NOW).unwrap();
    let second = block_on(tokens.for_login(&login()).sign_async(NOW)).unwrap();
    let event = |id: &str| (NOW, AuditEvent::TokenIssued { principal: user(), id: id.to_owned() });
    assert_eq!(audit.events(), [event(first.id()), event(second.id())]);
}

/// RFC 9068 section 2: header and claims, on the wire.
#[test]
fn a_token_is_an_rfc_9068_access_token() {
    let key = key().with_id(KeyId::new("k1").unwrap());
    let issuer = TokenIssuer::new(key, issuer(), audience(), ClientId::new("web").unwrap())
        .with_entropy(Arc::new(SeededEntropy::new(1)));
    let login = login_with(|login| {
        login.with_methods(vec![Method::PASSWORD, Method::ONE_TIME_CODE]).with_assurance(Assurance::Aal2)
    });
    let issued = issuer.for_login(&login).sign(NOW.saturating_add(Duration::from_secs(5))).unwrap();
    let token = issued.token().expose();
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    assert_eq!(header, br#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#);
    assert_eq!(
        payload_of(token),
        json!({
            "iss": ISSUER, "sub": "42", "aud": AUDIENCE, "client_id": "web", "jti": issued.id(),
            "iat": 1_800_000_005, "exp": 1_800_000_905, "auth_time": 1_800_000_000,
            "acr": "aal2", "amr": ["pwd", "otp"],
            "auth_ctx": { "epoch": 0, "realm": "local:default" },
        })
    );
    assert_eq!(URL_SAFE_NO_PAD.decode(issued.id()).unwrap().len(), 16);
    assert_eq!(issued.lifetime(), Duration::from_secs(900));
    assert_eq!(issued.expires_at(), UnixTime::from_secs(1_800_000_905));
    assert!(!format!("{issued:?}").contains(token));
}

#[test]
fn what_is_issued_is_verified() {
    let issued = token_issuer().for_login(&login()).sign(NOW).unwrap();
    let verified = verify(issued.token().expose()).unwrap();
    assert_eq!((verified.claims().subject(), verified.claims().token_id()), (Some("42"), Some(issued.id())));
    let unverified = UnverifiedToken::parse(issued.token().expose()).unwrap();
    assert_eq!((unverified.alg(), unverified.kid()), ("HS256", None));
}

#[test]
fn every_token_has_an_id_of_its_own() {
    let (issuer, login) = (token_issuer(), login());
    let ids = [(); 50].map(|()| issuer.for_login(&login).sign(NOW).unwrap().id().to_owned());
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 50);
    let empty = issuer.with_entropy(Arc::new(NoEntropy));
    assert!(matches!(empty.for_login(&login).sign(NOW), Err(IssueError::Entropy(_))));
}

/// Scopes only ever narrow.
#[test]
fn a_token_has_no_scope_that_the_login_lacks() {
    let scopes = |list: &str| Scopes::parse(list).unwrap();
    let issuer = token_issuer();
    let scope_of = |login: &Login, asked: Option<&str>| {
        let new = issuer.for_login(login);
        let new = match asked {
            Some(asked) => new.with_scopes(scopes(asked)),
            None => new,
        };
        new.sign(NOW).map(|issued| payload_of(issued.token().expose())["scope"].clone())
    };
    let unlimited = login();
    assert_eq!(scope_of(&unlimited, None).unwrap(), Value::Null);
    assert_eq!(scope_of(&unlimited, Some("b a")).unwrap(), "a b");
    assert_eq!(scope_of(&unlimited, Some("")).unwrap(), "");
    let limited = login_with(|login| {
        let limits = login.limits.clone().with_scopes(scopes("a b"));
        login.with_limits(limits)
    });
    assert_eq!(scope_of(&limited, None).unwrap(), "a b");
    assert_eq!(scope_of(&limited, Some("a")).unwrap(), "a");
    assert_eq!(scope_of(&limited, Some("")).unwrap(), "");
    assert!(matches!(scope_of(&limited, Some("a c")), Err(IssueError::Scope)));
}

#[test]
fn a_lifetime_is_bounded() {
    let issuer = token_issuer();
    assert_eq!((issuer.lifetime(), TokenIssuer::MAX_LIFETIME.as_secs()), (Duration::from_secs(900), 86_400));
    for bad in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(86_401), Duration::MAX] {
        assert!(matches!(token_issuer().with_lifetime(bad), Err(IssueError::Lifetime { .. })), "{bad:?}");
    }
    let day = token_issuer().with_lifetime(TokenIssuer::MAX_LIFETIME).unwrap();
    assert_eq!(day.for_login(&login()).sign(NOW).unwrap().lifetime(), TokenIssuer::MAX_LIFETIME);
    // One token may be shorter than the others, and not longer.
    let login = login();
    let short = issuer.for_login(&login).with_lifetime(Duration::from_secs(60)).sign(NOW).unwrap();
    assert_eq!(short.lifetime(), Duration::from_secs(60));
    let long = issuer.for_login(&login).with_lifetime(Duration::from_secs(901)).sign(NOW);
    assert!(matches!(long, Err(IssueError::Lifetime { max }) if max.as_secs() == 900));
}

const SESSION: SessionId = SessionId::from_bytes([7; 24]);

/// Ending a session must be able to end what was made from it, and the application must not be able to say that a
/// token is of another session than it is.
#[test]
fn a_token_of_a_session_names_it() {
    let issuer = token_issuer();
    let authentication = Arc::new(login().into_authentication());
    let session =
        LiveSession::assertion(SESSION, authentication, NOW.saturating_add(Duration::from_secs(60)));
    let issued = issuer.for_session(&session).sign(NOW).unwrap();
    let payload = issued.token().expose().split('.').nth(1).unwrap();
    let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(payload["sid"], SESSION.to_string());
    let other = issuer.for_session(&session).with_claims(&json!({"sid": "s2"})).sign(NOW);
    assert!(matches!(other, Err(IssueError::Reserved { claim: "sid" })), "{other:?}");
}

/// A token must not outlive the session that it was made from.
#[test]
fn a_token_of_a_session_ends_with_it() {
    let issuer = token_issuer();
    let session = |ends_in: u64| {
        let authentication = Arc::new(login().into_authentication());
        LiveSession::assertion(SESSION, authentication, NOW.saturating_add(Duration::from_secs(ends_in)))
    };
    let long = session(10_000);
    assert_eq!(issuer.for_session(&long).sign(NOW).unwrap().lifetime(), Duration::from_secs(900));
    let short = session(60);
    let issued = issuer.for_session(&short).sign(NOW).unwrap();
    assert_eq!((issued.lifetime(), issued.expires_at()), (Duration::from_secs(60), short.ends_at()));
    let over = session(0);
    assert!(matches!(issuer.for_session(&over).sign(NOW), Err(IssueError::SessionEnded)));
}

/// Own claims cannot overwrite what the issuer says, not even by another spelling.
#[test]
fn own_claims_are_added_and_change_nothing() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Own {
        plan: String,
        tags: Vec<String>,
    }
    let (issuer, login) = (token_issuer(), login());
    let own = Own { plan: "pro \"x\" \u{1f600}".into(), tags: vec!["a".into()] };
    let issued = issuer.for_login(&login).with_claims(&own).sign(NOW).unwrap();
    let verified: Verified<Own> = verifier().verify(issued.token().expose(), NOW).unwrap();
    assert_eq!(verified.into_own(), own);

    let try_with = |claims: Value| issuer.for_login(&login).with_claims(&claims).sign(NOW);
    assert!(try_with(json!({})).is_ok());
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "client_id",
        "scope",
        "auth_time",
        "acr",
        "amr",
        "auth_ctx",
    ] {
        let refused = try_with(json!({ "plan": 1, name: "x" }));
        assert!(matches!(refused, Err(IssueError::Reserved { claim }) if claim == name), "{name}");
    }
    for bad in [json!([]), json!("x"), json!(1)] {
        assert!(matches!(try_with(bad.clone()), Err(IssueError::OwnClaims(_))), "{bad}");
    }
    // What no verifier of ours would read is not signed.
    let twice = std::collections::BTreeMap::from([(1, "a"), (2, "b")]);
    assert!(issuer.for_login(&login).with_claims(&twice).sign(NOW).is_ok());
    assert!(matches!(try_with(json!({ "x": "\0" })), Err(IssueError::OwnClaims(_))));
    let deep = (0..40).fold(json!(1), |value, _| json!([value]));
    assert!(matches!(try_with(json!({ "x": deep })), Err(IssueError::OwnClaims(_))));
    let huge = json!({ "x": "x".repeat(8_000) });
    assert!(matches!(try_with(huge), Err(IssueError::TooLong { max: 8192 })));
}

/// Names that end one JSON member and begin another.
#[test]
fn names_with_quotes_stay_names() {
    let evil = r#"42","scope":"admin"#;
    let principal = PrincipalId::local_user(evil).unwrap();
    let client = ClientId::new("\",\"sub\":\"1").unwrap();
    let issuer = TokenIssuer::new(key(), issuer(), audience(), client);
    let issued = issuer.for_login(&login_as(&principal, NOW)).sign(NOW).unwrap();
    let verified = verify(issued.token().expose()).unwrap();
    assert_eq!((verified.claims().subject(), verified.claims().scope()), (Some(evil), None));
    assert_eq!(verified.claims().client_id(), Some("\",\"sub\":\"1"));
}

#[test]
fn the_epoch_is_in_the_token() {
    let login = login_with(|login| {
        Authentication::new(login.principal, Method::PASSWORD, login.at, AuthEpoch::new(7))
    });
    let issued = token_issuer().for_login(&login).sign(NOW).unwrap();
    assert_eq!(payload_of(issued.token().expose())["auth_ctx"]["epoch"], 7);
}
