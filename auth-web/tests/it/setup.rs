//! What cannot work does not start.

use std::{net::SocketAddr, sync::Arc};

use auth_web::{
    Auth, PublicUrl, SetupError,
    core::{DiscardAudit, KeyName, KeyRing, MemorySessions, Purpose, SystemEntropy},
    jwt::{Audience, BearerAuthenticator, Hs256Key, Issuer, TokenPolicy, Verifier},
    session::{CookieName, CookiePolicy, CookieTemplate, EpochCheck, Origin, SessionPolicy, Sessions},
};

fn build(public: PublicUrl, cookie: CookiePolicy) -> Result<Auth, SetupError> {
    let keys = Arc::new(KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap());
    let sessions = Sessions::new(
        Arc::new(MemorySessions::new(10)),
        keys,
        EpochCheck::by_session_store_only(),
        Arc::new(DiscardAudit),
        SessionPolicy::aal1(cookie),
    );
    Auth::builder(public, sessions).build()
}

fn development(url: &str) -> PublicUrl {
    let listen: SocketAddr = "127.0.0.1:3000".parse().unwrap();
    PublicUrl::plain_http_loopback(url, listen).unwrap()
}

fn cookie(url: &str) -> CookiePolicy {
    CookiePolicy::plain_http_loopback(&Origin::parse(url).unwrap()).unwrap()
}

#[test]
fn the_development_mode_is_that_of_url_and_cookie_or_of_neither() {
    let (https, own) = (PublicUrl::https("https://app.example.com").unwrap(), "http://127.0.0.1:3000");
    assert!(build(https.clone(), CookiePolicy::default()).is_ok());
    assert!(build(development(own), cookie(own)).is_ok());
    assert_eq!(build(https, cookie(own)).unwrap_err(), SetupError::CookieMode);
    assert_eq!(build(development(own), CookiePolicy::default()).unwrap_err(), SetupError::CookieMode);
}

/// Cookies know no ports: two programs on one machine would clear each other's.
#[test]
fn the_cookie_of_the_development_mode_names_the_port_of_the_public_url() {
    for (url, named_for, fits) in [
        ("http://127.0.0.1:3000", "http://localhost:3000", true),
        ("http://localhost", "http://127.0.0.1:80", true),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3001", false),
        ("http://127.0.0.1", "http://127.0.0.1:3000", false),
    ] {
        let refused = build(development(url), cookie(named_for)).err();
        assert_eq!(refused, (!fits).then_some(SetupError::CookiePort), "{url} {named_for}");
    }
}

/// A token that scripts can read, or that nothing checks, is not what was asked for.
#[test]
fn the_cookie_of_access_tokens_is_out_of_the_reach_of_scripts_and_is_checked() {
    let with = |template: CookieTemplate, authenticator: bool| {
        let keys = Arc::new(KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap());
        let sessions = Sessions::new(
            Arc::new(MemorySessions::new(10)),
            Arc::clone(&keys),
            EpochCheck::by_session_store_only(),
            Arc::new(DiscardAudit),
            SessionPolicy::aal1(CookiePolicy::default()),
        );
        let builder = Auth::builder(PublicUrl::https("https://app.example.com").unwrap(), sessions);
        let builder = if authenticator { builder.bearer(authenticator_of(&keys)) } else { builder };
        builder.access_cookie(template).build().map(drop)
    };
    let named = |name: &str| CookieTemplate::new(CookieName::parse(name).unwrap());
    assert_eq!(with(named("__Host-access"), true), Ok(()));
    assert_eq!(with(named("__Host-access"), false), Err(SetupError::AccessCookie));
    assert_eq!(with(named("__Host-access").readable_by_scripts(), true), Err(SetupError::AccessCookie));
    assert_eq!(with(named("__Host-sid"), true), Err(SetupError::AccessCookie));
    assert_eq!(with(named("access").sent_over_plain_http().unwrap(), true), Err(SetupError::CookieMode));
}

fn authenticator_of(keys: &KeyRing) -> BearerAuthenticator {
    let (issuer, audience) = (Issuer::new("joe").unwrap(), Audience::new("joe").unwrap());
    let key = Hs256Key::derived(&keys.derive(Purpose::new("tokens")));
    BearerAuthenticator::new(Verifier::new(key, TokenPolicy::access_token(issuer, audience)))
}
