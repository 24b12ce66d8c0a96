//! Passwords that are keyed before they are hashed.

use std::sync::Arc;

use auth_core::{AuthenticateError, KeyName, KeyRing, Refusal, RejectionReason, Secret};
use auth_credentials::{
    HashError, PasswordHash, PasswordHasher, PasswordMatch, StoredHashError, ThrottleLimits, danger,
};

use crate::support::{
    alone,
    app::{Accounted, App, NEXT, PASSWORD},
    cheap, far_apart, hasher, medians, password,
};

fn key(n: u8) -> (KeyName, Secret) {
    (KeyName::parse(&format!("k{n}")).unwrap(), Secret::new((n..).take(32).collect()))
}

/// A ring whose current key is the first, and the others retired.
fn ring(keys: &[u8]) -> Arc<KeyRing> {
    let (name, secret) = key(keys[0]);
    let ring = KeyRing::new(name, secret).unwrap();
    let retire = |ring: KeyRing, n: &u8| {
        let (name, secret) = key(*n);
        ring.with_retired(name, secret).unwrap()
    };
    Arc::new(keys[1..].iter().fold(ring, retire))
}

fn peppered(keys: &[u8]) -> PasswordHasher {
    hasher(cheap()).with_pepper(ring(keys))
}

fn verify(hasher: &PasswordHasher, text: &str, stored: &PasswordHash) -> Result<PasswordMatch, HashError> {
    hasher.verify(&password(text), stored, &mut hasher.memory().unwrap())
}

fn hash(hasher: &PasswordHasher) -> PasswordHash {
    hasher.hash(&password(PASSWORD), &mut hasher.memory().unwrap()).unwrap()
}

#[test]
fn a_hash_names_its_pepper_and_is_right_under_no_other() {
    let first = peppered(&[1]);
    let phc = hash(&first).expose_phc();
    let phc = phc.expose_str().unwrap();
    assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1,keyid="), "{phc}");
    let stored = PasswordHash::parse(phc).unwrap();
    assert_eq!(verify(&first, PASSWORD, &stored), Ok(PasswordMatch::Match));
    assert_eq!(verify(&first, NEXT, &stored), Ok(PasswordMatch::Mismatch));
    // Another key under its name, as it were: the id is of the key itself.
    let unknown = Err(HashError::Unusable(StoredHashError::UnknownPepper));
    assert_eq!(verify(&peppered(&[2]), PASSWORD, &stored), unknown);
    assert_eq!(verify(&hasher(cheap()), PASSWORD, &stored), unknown);
    // Without its id it is the hash of something else than the password.
    let (before, after) = phc.split_once(",keyid=").unwrap();
    let bare = PasswordHash::parse(&format!("{before}{}", &after[11..])).unwrap();
    assert_eq!(verify(&first, PASSWORD, &bare), Ok(PasswordMatch::Mismatch));
}

#[test]
fn what_was_hashed_with_a_retired_pepper_or_none_is_right_and_outdated() {
    let both = peppered(&[2, 1]);
    for old in [hash(&peppered(&[1])), hash(&hasher(cheap()))] {
        assert_eq!(verify(&both, PASSWORD, &old), Ok(PasswordMatch::MatchOutdated));
        assert_eq!(verify(&both, NEXT, &old), Ok(PasswordMatch::Mismatch));
    }
    assert_eq!(verify(&both, PASSWORD, &hash(&both)), Ok(PasswordMatch::Match));
}

/// A rotation: everybody logs in once, and then the old key can go.
#[test]
fn logging_in_brings_a_hash_to_the_current_pepper() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    let mut last = app.credential("ann").data;
    for keys in [&[1][..], &[2, 1], &[2]] {
        let app =
            App::hashing_by(Arc::<Accounted>::clone(&app.store), peppered(keys), ThrottleLimits::login());
        assert!(app.log_in("ann", NEXT).is_err());
        assert!(app.log_in("ann", PASSWORD).is_ok(), "{keys:?}");
        assert_eq!(app.audit.has("credential.rehashed"), keys != [2], "{keys:?}");
        let stored = app.credential("ann").data;
        assert_eq!(stored == last, keys == [2], "{keys:?}");
        last = stored;
    }
}

/// It is not told apart outside; the log tells the operator, who has lost a key.
#[test]
fn an_unknown_pepper_is_refused_like_a_wrong_password_and_named_in_the_log() {
    let app = App::hashing_by(App::store(), peppered(&[1]), ThrottleLimits::login());
    app.sign_up("ann", PASSWORD);
    let other = App::hashing_by(Arc::<Accounted>::clone(&app.store), peppered(&[2]), ThrottleLimits::login());
    let hashed = other.pool.stats().finished;
    let error = other.log_in("ann", PASSWORD).unwrap_err();
    assert_eq!(other.pool.stats().finished, hashed + 1);
    assert_eq!(other.reasons(), [RejectionReason::UnknownKey]);
    assert!(matches!(error, AuthenticateError::Rejected(_)));
    assert_eq!((error.to_string().as_str(), Refusal::from(error).status()), ("credential refused", 401));
    assert!(app.log_in("ann", PASSWORD).is_ok(), "nothing was written over it");
}

/// As many keys as a ring takes, and none of them is tried: the id says which.
#[test]
fn a_check_costs_the_same_whichever_pepper_it_needs() {
    let _turn = alone();
    let keys: Vec<u8> = (1..=16).collect();
    let params = danger::allow_weak_params(2_048, 1, 1).unwrap();
    let all = hasher(params).with_pepper(ring(&keys));
    let by = |hasher: PasswordHasher| hash(&hasher);
    let stored = [
        by(hasher(params).with_pepper(ring(&[1]))),
        by(hasher(params).with_pepper(ring(&[16]))),
        by(hasher(params).with_pepper(ring(&[99]))),
        by(hasher(params)),
    ];
    let measure = |_| {
        let checks = stored.iter().map(|stored| {
            || {
                let _ = verify(&all, NEXT, stored);
            }
        });
        medians(15, checks)
    };
    let apart = |medians: &Vec<std::time::Duration>| medians.iter().any(|one| far_apart(*one, medians[0]));
    let tries: Vec<_> = (0..5).map(measure).take_while(apart).collect();
    assert!(tries.len() < 5, "{tries:?}");
}
