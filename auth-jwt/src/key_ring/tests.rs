use auth_core::SystemEntropy;

use super::*;
use crate::{Ed25519SigningKey, Hs256Key};

const START: UnixTime = UnixTime::from_secs(1_800_000_000);
const DAY: u64 = 24 * 3600;

fn at(secs: u64) -> UnixTime {
    START.saturating_add(Duration::from_secs(secs))
}

fn key(id: &str) -> Ed25519SigningKey {
    Ed25519SigningKey::generate(&SystemEntropy).unwrap().with_id(KeyId::new(id).unwrap())
}

/// `a` signs, `b` is published after ten days and signs after eleven, `c` after twenty and thirty.
fn ring() -> IssuerKeyRing {
    let ring = IssuerKeyRing::new(key("a")).unwrap();
    let ring = ring.with_next(key("b"), at(10 * DAY), at(11 * DAY)).unwrap();
    ring.with_next(key("c"), at(20 * DAY), at(30 * DAY)).unwrap()
}

fn current(ring: &IssuerKeyRing, now: UnixTime) -> Option<String> {
    ring.current(now).ok().map(|key| key.id().unwrap().to_string())
}

/// The keys that verify at this moment, as a verifier sees them.
fn verifying(ring: &IssuerKeyRing, now: UnixTime) -> String {
    let set = ring.key_set();
    let open = |at: &usize| set.window(*at).is_none_or(|(from, until)| from <= now && now < until);
    let ids = set.iter().enumerate().filter(|(at, _)| open(at));
    ids.map(|(_, key)| key.id().unwrap().as_str()).collect()
}

/// No gap, no overlap: at every second there is one key, and it changes at that second.
#[test]
fn one_key_signs_at_every_moment() {
    let ring = ring();
    for (now, expected) in [
        (UnixTime::EPOCH, "a"),
        (at(0), "a"),
        (at(11 * DAY - 1), "a"),
        (at(11 * DAY), "b"),
        (at(30 * DAY - 1), "b"),
        (at(30 * DAY), "c"),
        (at(99_999 * DAY), "c"),
        (UnixTime::from_secs(u64::MAX - 1), "c"),
    ] {
        assert_eq!(current(&ring, now).as_deref(), Some(expected), "{now}");
    }
}

/// A key verifies from when it is published until the last token that it signed has expired, leeway included.
#[test]
fn a_key_verifies_before_it_signs_and_until_its_last_token_has_expired() {
    let ring = ring();
    let grace = DAY + 300;
    for (now, expected) in [
        (at(0), "a"),
        (at(10 * DAY - 1), "a"),
        (at(10 * DAY), "ab"),
        (at(11 * DAY + grace - 1), "ab"),
        (at(11 * DAY + grace), "b"),
        (at(20 * DAY), "bc"),
        (at(30 * DAY + grace - 1), "bc"),
        (at(30 * DAY + grace), "c"),
    ] {
        assert_eq!(verifying(&ring, now), expected, "{now}");
    }
    let short = ring.with_max_lifetime(Duration::from_secs(900)).unwrap();
    assert_eq!(verifying(&short, at(11 * DAY + 900 + 299)), "ab");
    assert_eq!(verifying(&short, at(11 * DAY + 900 + 300)), "b");
}

/// What is published is public, and what others verify with is what we do.
#[test]
fn what_is_published_is_what_verifies() {
    let ring = ring().with_end(at(40 * DAY)).unwrap();
    for day in [0, 10, 11, 12, 13, 20, 30, 31, 32, 40, 41] {
        let now = at(day * DAY);
        let json = ring.to_jwks(now);
        assert!(!json.contains("\"d\""), "{json}");
        let (set, report) = KeySet::parse(&json, &[Algorithm::EdDsa], crate::Backend::default()).unwrap();
        assert!(report.is_clean());
        let ids: String = set.iter().map(|key| key.id().unwrap().as_str()).collect();
        assert_eq!(ids, verifying(&ring, now), "{day}");
    }
    assert_eq!(ring.to_jwks(at(42 * DAY)), r#"{"keys":[]}"#);
    assert_eq!(verifying(&ring, at(42 * DAY)), "");
}

#[test]
fn a_ring_that_has_ended_signs_nothing() {
    let ring = ring().with_end(at(40 * DAY)).unwrap();
    assert_eq!(current(&ring, at(40 * DAY - 1)).as_deref(), Some("c"));
    assert_eq!(ring.current(at(40 * DAY)).unwrap_err(), NoSigningKey);
    assert_eq!(verifying(&ring, at(40 * DAY)), "c", "its tokens live on");
    let after = ring.clone().with_next(key("d"), at(0), at(40 * DAY));
    assert_eq!(after.unwrap_err(), IssuerKeyRingError::Ended);
    assert_eq!(ring.with_end(at(30 * DAY)).unwrap_err(), IssuerKeyRingError::Order);
}

#[test]
fn a_contradictory_ring_cannot_be_made() {
    let secret = Hs256Key::generate(&SystemEntropy).unwrap();
    assert_eq!(
        IssuerKeyRing::new(secret.clone()).unwrap_err(),
        IssuerKeyRingError::Symmetric(Algorithm::Hs256)
    );
    let next = |key: AnySigningKey, publish_from, sign_from| {
        ring().with_next(key, publish_from, sign_from).unwrap_err()
    };
    assert_eq!(next(secret.into(), at(0), at(99 * DAY)), IssuerKeyRingError::Symmetric(Algorithm::Hs256));
    assert_eq!(next(key("a").into(), at(0), at(99 * DAY)), IssuerKeyRingError::DuplicateId);
    for too_early in [at(0), at(11 * DAY), at(30 * DAY)] {
        assert_eq!(next(key("d").into(), UnixTime::EPOCH, too_early), IssuerKeyRingError::Order);
    }
    let too_soon = next(key("d").into(), at(40 * DAY), at(40 * DAY + 599));
    assert_eq!(too_soon, IssuerKeyRingError::TooSoon { min: IssuerKeyRing::PUBLISH_AHEAD });
    assert!(ring().with_next(key("d"), at(40 * DAY), at(40 * DAY + 600)).is_ok());
    for bad in [Duration::ZERO, Duration::from_millis(999), Duration::MAX] {
        assert!(matches!(ring().with_max_lifetime(bad), Err(IssuerKeyRingError::Lifetime { .. })));
    }
    let mut full = IssuerKeyRing::new(key("a")).unwrap();
    for n in 1..64 {
        full = full.with_next_at_once(key(&n.to_string()), at(n)).unwrap();
    }
    let over = full.with_next_at_once(key("x"), at(99)).unwrap_err();
    assert_eq!(over, IssuerKeyRingError::Set(KeySetError::TooMany { max: 64 }));
}

/// A key in other hands is worth nothing from the moment that it is taken out, and somebody signs all the same.
#[test]
fn a_compromised_key_is_replaced_at_once() {
    let stolen = KeyId::new("b").unwrap();
    let now = at(15 * DAY);
    // Its successor, which waits already, takes over.
    let ring = ring();
    assert_eq!((current(&ring, now).as_deref(), &*verifying(&ring, now)), (Some("b"), "b"));
    let safe = ring.clone().without(&stolen).unwrap();
    assert_eq!((current(&safe, now).as_deref(), &*verifying(&safe, now)), (Some("c"), "c"));
    assert_eq!(current(&safe, at(10 * DAY)).as_deref(), Some("a"));

    // The last one needs a successor first.
    let alone = IssuerKeyRing::new(key("b")).unwrap();
    assert_eq!(alone.clone().without(&stolen).unwrap_err(), IssuerKeyRingError::NoSuccessor);
    let safe = alone.with_next_at_once(key("d"), now).unwrap().without(&stolen).unwrap();
    assert_eq!((current(&safe, now).as_deref(), &*verifying(&safe, now)), (Some("d"), "d"));
    assert_eq!(safe.without(&stolen).unwrap_err(), IssuerKeyRingError::UnknownKey);
}

#[test]
fn a_ring_forgets_what_verifies_nothing() {
    let ring = ring();
    assert_eq!(ring.clone().without_expired(at(12 * DAY)).keys.len(), 3);
    let later = ring.clone().without_expired(at(13 * DAY));
    assert_eq!((later.keys.len(), current(&later, at(13 * DAY)).as_deref()), (2, Some("b")));
    let ended = ring.with_end(at(40 * DAY)).unwrap().without_expired(UnixTime::MAX);
    assert_eq!(ended.keys.len(), 3, "there is always a key");
}

/// Its tokens and its JWK Set must call a key by the same name.
#[test]
fn a_key_without_a_name_is_called_by_its_thumbprint() {
    let key = Ed25519SigningKey::generate(&SystemEntropy).unwrap();
    let thumbprint = key.verifying_key().thumbprint().to_string();
    let ring = IssuerKeyRing::new(key).unwrap();
    assert_eq!(current(&ring, START), Some(thumbprint.clone()));
    assert!(ring.to_jwks(START).contains(&thumbprint));
}
