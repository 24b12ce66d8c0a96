//! What was verified under published keys is remembered no longer than they are published.

use auth_core::testing::block_on;
use auth_jwt::{CacheCapacity, CachedRemoteVerifier, Revocation, VerifyError, danger::revoke_until_restart};
use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
struct Own {
    client_id: String,
}

type Cached = CachedRemoteVerifier<Script, Own>;

fn cached(service: &Service) -> Cached {
    service.verifier.clone().with_cache(CacheCapacity::default())
}

fn verify(cached: &Cached, token: &str) -> Result<Arc<Verified<Own>>, RemoteVerifyError> {
    block_on(cached.verify(token, NOW))
}

/// A key that was withdrawn, because somebody has stolen it, must not go on counting for the tokens that were seen
/// before: they are the ones that the thief has.
#[test]
fn a_remembered_token_ends_with_its_key() {
    let (old, new) = (signing_key("a"), signing_key("b"));
    let script = Script::default().then(published(&[&old, &new])).then(published(&[&new]));
    let service = Service::new(script.then(published(&[&new])));
    let cached = cached(&service);
    let (of_old, of_new) = (token_of(&old), token_of(&new));
    let before = [&of_old, &of_new].map(|token| verify(&cached, token).unwrap());
    service.step(600);
    let after = verify(&cached, &of_new).unwrap();
    assert_eq!(service.asked(), 2);
    assert!(!Arc::ptr_eq(&after, &before[1]), "it was verified anew, under the new set");
    for at in [0, 30] {
        service.step(at);
        let refused = verify(&cached, &of_old).unwrap_err();
        assert!(matches!(refused, RemoteVerifyError::Refused(VerifyError::UnknownKey)), "{refused:?}");
    }
}

/// The same answer, so the same set: most fetches bring nothing new, and cost no verification.
#[test]
fn a_fetch_that_brings_nothing_new_forgets_nothing() {
    let key = signing_key("a");
    let service = Service::new(Script::default().then(published(&[&key])).then(published(&[&key])));
    let (cached, token) = (cached(&service), token_of(&key));
    let first = verify(&cached, &token).unwrap();
    assert_eq!(first.own().client_id, "web");
    service.step(600);
    assert!(Arc::ptr_eq(&first, &verify(&cached.clone(), &token).unwrap()));
    assert_eq!(service.asked(), 2);
}

/// A key that is new is fetched, as without a cache.
#[test]
fn a_cache_learns_of_new_keys() {
    let (old, new) = (signing_key("a"), signing_key("b"));
    let script = Script::default().then(published(&[&old])).then(published(&[&old, &new]));
    let service = Service::new(script);
    let cached = cached(&service);
    assert!(verify(&cached, &token_of(&old)).is_ok());
    service.step(30);
    assert!(verify(&cached, &token_of(&new)).is_ok());
}

/// Keys that may not be used any more serve nothing, however lately it was verified under them.
#[test]
fn nothing_is_served_without_keys() {
    let key = signing_key("a");
    let service = Service::with(Script::default().then(published(&[&key])), |keys| {
        keys.with_stale_for(Duration::ZERO).unwrap()
    });
    let (cached, token) = (cached(&service), token_of(&key));
    assert!(verify(&cached, &token).is_ok());
    service.step(600);
    assert!(matches!(verify(&cached, &token), Err(RemoteVerifyError::Unavailable(_))));
}

/// Dates and revocations are asked each time, as of every cache.
#[test]
fn what_changes_in_time_is_asked_each_time() {
    let key = signing_key("a");
    let service = Service::new(Script::default().then(published(&[&key])));
    let list = revoke_until_restart(Duration::from_secs(900), 100).unwrap();
    let verifier = service.verifier.clone().with_revocations(Arc::new(list.clone()));
    let (cached, token): (Cached, _) = (verifier.with_cache(CacheCapacity::default()), token_of(&key));
    let id = verify(&cached, &token).unwrap().claims().token_id().unwrap().to_owned();
    let late = block_on(cached.verify(&token, UnixTime::MAX)).unwrap_err();
    assert!(matches!(late, RemoteVerifyError::Refused(VerifyError::Expired { .. })), "{late:?}");
    assert!(verify(&cached, &token).is_ok());
    block_on(list.revoke(&Revocation::token(issuer(), &id, None).unwrap(), NOW)).unwrap();
    let refused = verify(&cached, &token).unwrap_err();
    assert!(matches!(refused, RemoteVerifyError::Refused(VerifyError::Revoked)), "{refused:?}");
    assert!(format!("{cached:?}").starts_with("CachedRemoteVerifier"));
}
