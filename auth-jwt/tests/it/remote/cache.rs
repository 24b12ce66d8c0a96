//! How long keys are kept, and how often they are asked for.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{Clock, testing::block_on};
use auth_jwt::{
    Algorithm, FetchError, Freshness, KeySet, KeySetParseError, RefreshError, RemoteKeySet,
    RemoteKeySetError, RemoteVerifyError, VerifyError,
};

use super::*;

const DAY: u64 = 24 * 3600;

fn is_unavailable(service: &Service, token: &str) -> bool {
    matches!(service.verify(token), Err(RemoteVerifyError::Unavailable(_)))
}

fn is_unknown(service: &Service, token: &str) -> bool {
    matches!(service.verify(token), Err(RemoteVerifyError::Refused(VerifyError::UnknownKey)))
}

/// A flood of random `kid`s costs one fetch per cooldown at most
/// (GHSA-2gx3-rcp4-g85q, GHSA-fhv5-28vv-h8m8).
#[test]
fn a_flood_of_unknown_keys_costs_one_fetch_per_cooldown() {
    let key = signing_key("a");
    let script = (0..100).fold(Script::default(), |script, _| script.then(published(&[&key])));
    let service = Service::new(script);
    let good = token_of(&key);
    assert!(service.accepts(&good));
    for n in 0..300 {
        service.step(1);
        for m in 0..20 {
            let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{n}-{m}"}}"#);
            let forged = good.split_once('.').map(|(_, rest)| format!("{}.{rest}", base64(header))).unwrap();
            assert!(is_unknown(&service, &forged));
        }
    }
    assert!(service.accepts(&good));
    assert_eq!(service.asked(), 1 + 300 / 30);
}

/// The cooldown goes by time alone: a server that fails is not asked again and again either, and a caller that
/// goes away does not begin it anew.
#[test]
fn a_failed_fetch_is_not_repeated_within_the_cooldown() {
    let key = signing_key("a");
    let script = Script::default().then(Err(FetchError::Timeout)).then(published(&[&key]));
    let (service, token) = (Service::new(script), token_of(&key));
    for _ in 0..29 {
        assert!(is_unavailable(&service, &token));
        service.step(1);
    }
    assert_eq!(service.asked(), 1);
    service.step(1);
    assert!(service.accepts(&token));
    assert_eq!(service.asked(), 2);
}

/// A failure must not wipe the cache; and keys that cannot be confirmed end at last.
#[test]
fn keys_outlive_failures_for_a_day_and_no_longer() {
    let many = format!(r#"{{"keys":[{}]}}"#, vec!["{}"; KeySet::MAX_KEYS + 1].join(","));
    let huge = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(KeySet::MAX_JSON_LEN));
    let mixed = r#"{"keys":[{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},{"kty":"EC"}]}"#;
    let failures = [
        Err(FetchError::Timeout),
        Err(FetchError::Status(404)),
        Err(FetchError::Redirect(302)),
        Err(FetchError::Unreachable("refused".into())),
        body("<html>please log in</html>"),
        body(""),
        body("{}"),
        body([0xff, 0xfe]),
        body(many),
        body(huge),
        body(mixed),
    ];
    let (key, next) = (signing_key("a"), signing_key("b"));
    let count = failures.len();
    let script = failures.into_iter().fold(Script::default().then(published(&[&key])), Script::then);
    let (service, token) = (Service::new(script), token_of(&key));
    assert!(service.accepts(&token));
    service.step(600);
    for n in 0..count {
        assert!(service.accepts(&token), "{n}");
        assert!(service.verifier.keys().last_error().is_some(), "{n}");
        assert_eq!(service.asked(), 2 + n);
        service.step(30);
    }
    // What the failed fetch might have brought, nobody knows.
    assert!(is_unavailable(&service, &token_of(&next)));
    service.step(DAY - 30 * u64::try_from(count).unwrap() - 1);
    assert!(service.accepts(&token));
    service.step(1);
    assert!(is_unavailable(&service, &token));
}

/// An issuer that says, well-formed, that it has no keys has withdrawn them. They end when they would have been
/// replaced; a mistake of ten minutes is not an outage.
#[test]
fn withdrawn_keys_end_with_their_age() {
    let key = signing_key("a");
    for empty in [r#"{"keys":[]}"#, r#"{"keys":[{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}]}"#] {
        let script = Script::default().then(published(&[&key])).then(body(empty));
        let (service, token) = (Service::new(script), token_of(&key));
        assert!(service.accepts(&token));
        service.step(300);
        assert!(is_unavailable(&service, &token_of(&signing_key("b"))), "asked, and learnt of it");
        assert!(service.accepts(&token));
        service.step(299);
        assert!(service.accepts(&token));
        service.step(1);
        assert!(is_unavailable(&service, &token));
        let error = service.verifier.keys().last_error().unwrap();
        assert!(matches!(*error, RefreshError::Fetch(_)), "{error}");
    }
}

#[test]
fn a_withdrawn_key_is_not_accepted_once_the_set_is_replaced() {
    let (old, new) = (signing_key("a"), signing_key("b"));
    let script = Script::default().then(published(&[&old])).then(published(&[&new]));
    let (service, token) = (Service::new(script), token_of(&old));
    assert!(service.accepts(&token));
    service.step(600);
    assert!(is_unknown(&service, &token) && service.accepts(&token_of(&new)));
    assert_eq!(service.asked(), 2);
}

/// Neither a server that says a second nor one that says a year decides alone.
#[test]
fn the_age_is_the_servers_within_our_bounds() {
    let key = signing_key("a");
    for (said, fresh) in
        [(Some(0), 60), (Some(59), 60), (Some(300), 300), (Some(99_999_999), 600), (None, 600)]
    {
        let freshness = said.map_or(Freshness::UNKNOWN, |secs| Freshness::of(Duration::from_secs(secs)));
        let script = Script::default().then(fresh_for(&[&key], freshness)).then(published(&[&key]));
        let (service, token) = (Service::new(script), token_of(&key));
        assert!(service.accepts(&token));
        let keys = service.verifier.keys().present().unwrap();
        assert_eq!((keys.fetched_at(), keys.fresh_until().since(NOW).as_secs()), (NOW, fresh), "{said:?}");
        assert_eq!(keys.usable_until().since(keys.fresh_until()).as_secs(), DAY);
        service.step(fresh - 1);
        assert!(service.accepts(&token));
        assert_eq!(service.asked(), 1);
        service.step(1);
        assert!(service.accepts(&token));
        assert_eq!(service.asked(), 2);
    }
}

/// Keys that could not have been replaced yet are not too old.
#[test]
fn keys_are_fresh_for_a_cooldown_at_least() {
    let key = signing_key("a");
    let secs = Duration::from_secs;
    let script = Script::default().then(published(&[&key]));
    let service = Service::with(script, |keys| {
        let keys = keys.with_ages(secs(1)..=secs(2)).unwrap().with_stale_for(Duration::ZERO).unwrap();
        keys.with_cooldown(secs(40)).unwrap()
    });
    let token = token_of(&key);
    assert!(service.accepts(&token));
    service.step(39);
    assert!(service.accepts(&token));
    service.step(1);
    assert!(is_unavailable(&service, &token));
}

/// Rotation: the first token under a new key is not refused for ten minutes.
#[test]
fn a_new_key_is_fetched_when_its_first_token_comes() {
    let (old, new) = (signing_key("a"), signing_key("b"));
    let script = Script::default().then(published(&[&old])).then(published(&[&old, &new]));
    let service = Service::new(script);
    assert!(service.accepts(&token_of(&old)));
    service.step(29);
    assert!(is_unknown(&service, &token_of(&new)), "the cooldown is not over");
    service.step(1);
    assert!(service.accepts(&token_of(&new)) && service.accepts(&token_of(&old)));
    assert_eq!(service.asked(), 2);
}

/// An unknown `kid` that comes again and again is not asked for every time. When the
/// issuer publishes it late, it is known from then on.
#[test]
fn a_key_that_the_issuer_does_not_have_is_remembered() {
    let (old, late) = (signing_key("a"), signing_key("b"));
    let script = (0..4).fold(Script::default(), |script, _| script.then(published(&[&old])));
    let service = Service::new(script.then(published(&[&old, &late])));
    let token = token_of(&late);
    // The set was fetched for this very token; then the cooldown passes, and it is asked for once.
    assert!(is_unknown(&service, &token));
    service.step(30);
    assert!(is_unknown(&service, &token));
    assert_eq!(service.asked(), 2);
    for _ in 0..119 {
        service.step(1);
        assert!(is_unknown(&service, &token));
    }
    assert_eq!(service.asked(), 2);
    service.step(1);
    assert!(is_unknown(&service, &token));
    assert_eq!(service.asked(), 3);
    // Another name is another question.
    service.step(30);
    assert!(is_unknown(&service, &token_of(&signing_key("c"))));
    assert_eq!(service.asked(), 4);
    service.step(30);
    assert!(is_unknown(&service, &token_of(&signing_key("d"))));
    assert_eq!(service.asked(), 5);
    // That answer had the late key, so what was remembered counts no more.
    assert!(service.accepts(&token));
}

/// A clock that is set back must neither make old keys young nor end the cooldown.
#[test]
fn time_stands_still_while_the_clock_is_behind() {
    struct Wild(AtomicU64);
    impl Clock for Wild {
        fn now(&self) -> UnixTime {
            UnixTime::from_secs(self.0.load(Ordering::SeqCst))
        }
    }
    let key = signing_key("a");
    let clock = Arc::new(Wild(AtomicU64::new(NOW.as_secs())));
    let shared = Arc::clone(&clock);
    let service = Service::with(Script::default().then(published(&[&key])), |keys| keys.with_clock(shared));
    let set = |secs: u64| clock.0.store(secs, Ordering::SeqCst);
    let token = token_of(&key);
    assert!(service.accepts(&token));
    set(NOW.as_secs() + 600 + DAY);
    assert!(is_unavailable(&service, &token));
    for behind in [NOW.as_secs(), NOW.as_secs() - 1, 0] {
        set(behind);
        assert!(is_unavailable(&service, &token), "old keys are young again");
    }
    assert_eq!(service.asked(), 2);
}

#[test]
fn every_fetch_is_told_to_the_observer() {
    let key = signing_key("a");
    let bad = r#"{"keys":[{"kty":"EC","crv":"P-521K"}]}"#;
    let script = Script::default().then(published(&[&key])).then(body(bad)).then(Err(FetchError::Timeout));
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let service = Service::with(script, |keys| {
        keys.with_observer(move |outcome| {
            let line = outcome.map_or_else(ToString::to_string, |keys| format!("{} keys", keys.keys().len()));
            log.lock().unwrap().push(line);
        })
    });
    for _ in 0..3 {
        assert!(service.accepts(&token_of(&key)));
        assert!(block_on(service.verifier.keys().refresh()).is_ok());
        service.step(30);
    }
    assert_eq!(
        *told.lock().unwrap(),
        ["1 keys", "key set could not be read", "key set could not be fetched"]
    );
    assert!(matches!(
        *service.verifier.keys().last_error().unwrap(),
        RefreshError::Fetch(FetchError::Timeout)
    ));
}

/// A timer of the application may call it as often as it likes.
#[test]
fn refreshing_by_hand_keeps_to_the_cooldown() {
    let key = signing_key("a");
    let script = (0..9).fold(Script::default(), |script, _| script.then(published(&[&key])));
    let service = Service::new(script);
    for _ in 0..60 {
        assert!(block_on(service.verifier.keys().refresh()).is_ok());
        service.step(1);
    }
    assert_eq!(service.asked(), 2);
}

#[test]
fn one_bad_key_does_not_spoil_the_set() {
    let key = signing_key("a");
    let good = key.verifying_key().to_jwk();
    let set = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"x","x":"AA"}},{good}]}}"#);
    let service = Service::new(Script::default().then(body(set)));
    assert!(service.accepts(&token_of(&key)));
    let keys = service.verifier.keys().present().unwrap();
    assert_eq!((keys.keys().len(), keys.report().refused().len()), (1, 1));
}

/// `oct` in a published set; an accepted algorithm that is an HMAC (RFC 8725
/// section 2.1).
#[test]
fn secrets_are_never_taken() {
    let set = |algorithms: &[Algorithm]| RemoteKeySet::new(Script::default(), algorithms.iter().copied());
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        assert_eq!(
            set(&[Algorithm::Es256, algorithm]).unwrap_err(),
            RemoteKeySetError::Symmetric { algorithm }
        );
    }
    assert_eq!(set(&[]).unwrap_err(), RemoteKeySetError::NoAlgorithm);

    let secret = format!(r#"{{"keys":[{{"kty":"oct","alg":"HS256","k":"{}"}}]}}"#, base64(secret()));
    let service = Service::new(Script::default().then(body(secret)));
    assert!(is_unavailable(&service, &token_of(&signing_key("a"))));
    let error = service.verifier.keys().last_error().unwrap();
    assert!(matches!(*error, RefreshError::Read(KeySetParseError::NothingUsable(_))), "{error:?}");
    // And what was signed with it is refused without any keys.
    let forged = sign(HEADER, payload());
    assert!(is_unknown(&service, &forged));
}

#[test]
fn times_that_contradict_each_other_are_refused() {
    let keys = || RemoteKeySet::new(Script::default(), [Algorithm::EdDsa]).unwrap();
    let secs = Duration::from_secs;
    let out = |result: Result<RemoteKeySet<Script>, RemoteKeySetError>| {
        matches!(result, Err(RemoteKeySetError::OutOfBounds { .. }))
    };
    assert!(out(keys().with_cooldown(Duration::ZERO)) && out(keys().with_cooldown(secs(3601))));
    assert!(out(keys().with_cooldown(Duration::from_millis(999))));
    assert!(keys().with_cooldown(secs(1)).is_ok() && keys().with_cooldown(secs(3600)).is_ok());
    assert!(out(keys().with_ages(secs(0)..=secs(60))) && out(keys().with_ages(secs(1)..=secs(DAY + 1))));
    assert!(out(keys().with_ages(secs(61)..=secs(60))));
    assert!(keys().with_ages(secs(60)..=secs(60)).is_ok());
    assert!(out(keys().with_stale_for(secs(7 * DAY + 1))) && out(keys().with_stale_for(Duration::MAX)));
    assert!(keys().with_stale_for(Duration::ZERO).is_ok() && keys().with_stale_for(secs(7 * DAY)).is_ok());
}
