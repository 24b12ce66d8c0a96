//! Bearer tokens as proof that a request acts for somebody.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Assurance, AuthEpoch, AuthenticateError, Authenticated, Authentication, Authenticator, EpochSource,
    Limits, Login, Method, PrincipalId, PrincipalKind, Realm, RejectionReason, Scopes, StoreError, UnixTime,
    testing::{FixedClock, block_on, login_as, login_at_epoch},
};
use auth_jwt::{
    AccessToken, BearerAuthenticator, BearerError, ClientId, TokenIssuer, TokenPolicy, Verifier, any_typ,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::*;

struct Epochs(Result<Option<u64>, ()>);

#[async_trait]
impl EpochSource for Epochs {
    async fn epoch_of(&self, _principal: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
        self.0.map(|epoch| epoch.map(AuthEpoch::new)).map_err(|()| StoreError::timeout())
    }
}

fn foreign() -> BearerAuthenticator {
    BearerAuthenticator::new(verifier()).with_clock(Arc::new(FixedClock(NOW)))
}

fn local() -> BearerAuthenticator {
    foreign().local_issuer(Realm::LOCAL).unwrap()
}

fn present(authenticator: &BearerAuthenticator, token: &str) -> Result<Authenticated, AuthenticateError> {
    block_on(authenticator.authenticate(AccessToken::new(token.to_owned())))
}

fn rejected(answer: Result<Authenticated, AuthenticateError>) -> RejectionReason {
    match answer {
        Err(AuthenticateError::Rejected(rejection)) => rejection.reason(),
        other => panic!("not rejected: {other:?}"),
    }
}

fn issue(login: &Login) -> String {
    let issuer = TokenIssuer::new(key(), issuer(), audience(), ClientId::new("web").unwrap());
    issuer.for_login(login).sign(NOW).unwrap().token().expose().to_owned()
}

fn with_claims(extra: &str) -> String {
    sign(HEADER, payload_with(extra))
}

/// `sub: "1"` of a stranger is never local user 1.
#[test]
fn the_realm_is_the_issuer_unless_that_is_declared_local() {
    let token = with_claims("");
    let stranger = present(&foreign(), &token).unwrap();
    assert_eq!(stranger.principal().realm(), &Realm::issuer(ISSUER).unwrap());
    assert_eq!((stranger.principal().id(), stranger.principal().kind()), ("42", PrincipalKind::User));
    let user = present(&local(), &token).unwrap();
    assert_eq!(user.principal(), &PrincipalId::local_user("42").unwrap());
    assert_ne!(stranger.principal(), user.principal());
}

/// A stranger's token says nothing that the reader would have to trust: neither roles nor our private claim.
#[test]
fn a_foreign_token_cannot_speak_of_local_things() {
    let token = with_claims(
        r#""auth_ctx":{"epoch":9,"realm":"local:default","kind":"device"},"roles":["admin"],"groups":["root"],
           "acr":"aal3","amr":["hwk","not a method"],"scope":"users.read","auth_time":1799999000"#,
    );
    let proof = present(&foreign(), &token).unwrap();
    let authentication = proof.authentication();
    assert!(!authentication.principal.realm().is_local());
    assert_eq!(authentication.principal.kind(), PrincipalKind::User);
    assert_eq!((authentication.epoch, authentication.assurance), (AuthEpoch::ZERO, Assurance::Aal1));
    assert_eq!(authentication.methods, [Method::HARDWARE_KEY, Method::BEARER_TOKEN]);
    assert_eq!(authentication.at, UnixTime::from_secs(1_799_999_000));
    assert_eq!(authentication.limits, Limits::unlimited().with_scopes(Scopes::parse("users.read").unwrap()));
    // Whatever it calls `auth_ctx`, it is not ours to refuse.
    assert!(present(&foreign(), &with_claims(r#""auth_ctx":"something else""#)).is_ok());
}

#[test]
fn scopes_become_limits_and_no_scope_is_none() {
    let scopes = |token: &str| present(&foreign(), token).unwrap().limits().scopes.clone();
    assert_eq!(scopes(&with_claims(r#""scope":"a b""#)), Some(Scopes::parse("a b").unwrap()));
    assert_eq!(scopes(&with_claims(r#""scope":"""#)), Some(Scopes::none()));
    assert_eq!(scopes(&with_claims("")), Some(Scopes::none()));
    // Declared local, but not made by us: nothing says that the login had no limits.
    let limits = present(&local(), &with_claims("")).unwrap().limits().clone();
    assert_eq!(limits.scopes, Some(Scopes::none()));
    let many: Vec<_> = (0..65).map(|n| format!("s{n}")).collect();
    for bad in ["a\\tb", "a\\u0022", "é", &many.join(" ")] {
        let token = with_claims(&format!(r#""scope":"{bad}""#));
        assert_eq!(rejected(present(&foreign(), &token)), RejectionReason::Malformed, "{bad}");
    }
}

/// RFC 9068 section 2.2 and section 5: a client acting for itself is not the user of the same name.
#[test]
fn a_client_that_acts_for_itself_is_a_service() {
    let token = sign(HEADER, payload_but("client_id", r#""client_id":"42""#));
    assert_eq!(present(&foreign(), &token).unwrap().principal().kind(), PrincipalKind::Service);
}

/// An unknown login is never fresh enough, and one in the future is no fresher than now.
#[test]
fn the_time_of_login_is_never_flattered() {
    let at = |extra: &str| present(&foreign(), &with_claims(extra)).unwrap().authentication().at;
    assert_eq!(at(""), UnixTime::EPOCH);
    assert_eq!(at(r#""auth_time":1900000000"#), NOW);
}

#[test]
fn a_token_without_a_subject_is_nobodys() {
    let verifier = Verifier::new(key(), TokenPolicy::typed(any_typ(), issuer(), audience()));
    let authenticator = BearerAuthenticator::new(verifier).with_clock(Arc::new(FixedClock(NOW)));
    let token = sign(HEADER, payload_but("sub", ""));
    assert_eq!(rejected(present(&authenticator, &token)), RejectionReason::WrongUse);
    for sub in ["a\\nb", &"x".repeat(256)] {
        let token = sign(HEADER, payload_but("sub", &format!(r#""sub":"{sub}""#)));
        assert_eq!(rejected(present(&authenticator, &token)), RejectionReason::Malformed);
    }
}

#[test]
fn rejections_carry_their_reason_for_audit() {
    let expired = sign(HEADER, payload_but("exp", r#""exp":1"#));
    assert_eq!(rejected(present(&local(), &expired)), RejectionReason::Expired);
    assert_eq!(rejected(present(&local(), "a.b.c")), RejectionReason::Malformed);
    let forged = sign_segments(&base64(HEADER), &base64(payload()), &[1; 32]);
    assert_eq!(rejected(present(&local(), &forged)), RejectionReason::Signature);
    assert_eq!(rejected(present(&local(), &"x".repeat(9_000))), RejectionReason::TooLong);
}

/// Nothing is lost between login and request, so nothing is gained either.
#[test]
fn our_own_token_gives_back_the_authentication_it_was_issued_on() {
    let realm = Realm::local("acme").unwrap();
    let principal = PrincipalId::new(realm.clone(), PrincipalKind::Device, "42").unwrap();
    let plain = Authentication::new(principal.clone(), Method::PASSWORD, NOW, AuthEpoch::new(3));
    let full = plain
        .clone()
        .with_methods(vec![Method::PASSWORD, Method::HARDWARE_KEY])
        .with_assurance(Assurance::Aal3)
        .with_actor(PrincipalId::local_user("admin").unwrap())
        .with_limits(
            Limits::unlimited()
                .with_scopes(Scopes::parse("users.read").unwrap())
                .with_tenant(realm.clone())
                .with_networks(vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()]),
        );
    let authenticator = foreign().local_issuer(realm).unwrap();
    for authentication in [plain, full] {
        let token = issue(&Login::assertion(authentication.clone()));
        let methods = authentication.methods.iter().cloned().chain([Method::BEARER_TOKEN]).collect();
        let presented = authentication.with_methods(methods);
        assert_eq!(present(&authenticator, &token).unwrap().authentication(), &presented);
    }
}

/// Flows that only a person may use look for it, so nothing that the token says may push it out or bring it in twice. It
/// is no factor, and no claim of the tokens that we issue.
#[test]
fn what_a_token_opens_is_told_from_a_login() {
    let user = PrincipalId::local_user("42").unwrap();
    let eight: Vec<_> =
        (0..Authentication::MAX_METHODS).map(|n| Method::parse(&format!("m{n}")).unwrap()).collect();
    let login = login_as(&user, NOW).into_authentication().with_methods(eight.clone());
    let token = issue(&Login::assertion(login));
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    assert!(!String::from_utf8(claims).unwrap().contains("bearer"));
    let named = with_claims(r#""amr":["bearer","pwd","bearer"]"#);
    for (token, before) in [(&token, &eight[..7]), (&named, &[Method::PASSWORD]), (&with_claims(""), &[])] {
        for authenticator in [local(), foreign()] {
            let who = present(&authenticator, token).unwrap();
            let (last, first) = who.authentication().methods.split_last().unwrap();
            assert_eq!((first, last), (before, &Method::BEARER_TOKEN));
        }
    }
    assert_eq!(Method::BEARER_TOKEN.kind(), None);
}

/// One key and issuer for two tenants: user 42 of one is not user 42 of the other.
#[test]
fn a_token_of_another_local_realm_is_refused() {
    let principal = PrincipalId::new(Realm::local("acme").unwrap(), PrincipalKind::User, "42").unwrap();
    let token = issue(&login_as(&principal, NOW));
    assert_eq!(rejected(present(&local(), &token)), RejectionReason::WrongUse);
}

/// A limit that this version does not know must not be lost.
#[test]
fn an_unknown_member_of_our_claim_is_refused() {
    for bad in [
        r#""auth_ctx":{"epoch":0,"realm":"local:default","new_limit":1}"#,
        r#""auth_ctx":{"realm":"local:default"}"#,
        r#""auth_ctx":{"epoch":"0","realm":"local:default"}"#,
        r#""auth_ctx":{"epoch":0,"realm":"local:default","networks":["10.0.0.1/8"]}"#,
        r#""auth_ctx":{"epoch":0,"realm":"local:default","kind":"root"}"#,
        r#""auth_ctx":[]"#,
    ] {
        assert_eq!(rejected(present(&local(), &with_claims(bad))), RejectionReason::Malformed, "{bad}");
    }
}

/// A password change ends tokens; so does a disabled account; a dead store is not a login.
#[test]
fn the_epoch_is_checked_against_the_account() {
    let user = PrincipalId::local_user("42").unwrap();
    let token = issue(&login_at_epoch(&user, NOW, AuthEpoch::new(3)));
    let with = |epoch| local().with_epochs(Arc::new(Epochs(epoch))).unwrap();
    assert!(present(&with(Ok(Some(3))), &token).is_ok());
    for gone in [Ok(Some(4)), Ok(Some(2)), Ok(None)] {
        assert_eq!(rejected(present(&with(gone), &token)), RejectionReason::Revoked, "{gone:?}");
    }
    assert!(matches!(present(&with(Err(())), &token), Err(AuthenticateError::Unavailable(_))));
    // A token that says nothing of its epoch may be of any.
    assert_eq!(rejected(present(&with(Ok(Some(0))), &with_claims(""))), RejectionReason::Revoked);
}

#[test]
fn a_contradictory_authenticator_cannot_be_made() {
    let realm = Realm::issuer("https://x.example").unwrap();
    assert_eq!(foreign().local_issuer(realm).unwrap_err(), BearerError::ForeignRealm);
    let epochs = Arc::new(Epochs(Ok(None)));
    assert_eq!(foreign().with_epochs(epochs).unwrap_err(), BearerError::ForeignEpochs);
}
