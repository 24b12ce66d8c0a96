//! Hashing works in the memory that it is given.

use auth_credentials::{Argon2Params, PasswordMatch, danger};

use crate::support::{alone, hasher, password};

/// Nineteen fresh megabytes for each login would cost more than a tenth of the hash, and a flood its weight
/// in memory.
#[test]
fn hashing_allocates_nothing() {
    let _turn = alone();
    let hasher = hasher(Argon2Params::OWASP);
    let mut memory = hasher.memory().unwrap();
    let typed = password("velvet otters at dawn");
    let stored = hasher.hash(&typed, &mut memory).unwrap();

    let mut outcome = None;
    let hashing = allocation_counter::measure(|| outcome = hasher.hash(&typed, &mut memory).ok());
    assert_eq!((hashing.count_total, outcome.is_some()), (0, true));

    let mut outcome = None;
    let checking = allocation_counter::measure(|| outcome = hasher.verify(&typed, &stored, &mut memory).ok());
    assert_eq!((checking.count_total, outcome), (0, Some(PasswordMatch::Match)));

    let wiping = allocation_counter::measure(|| memory.wipe());
    assert_eq!(wiping.count_total, 0);
}

/// The work that makes up for a cheaper hash runs in the same memory.
#[test]
fn making_up_the_difference_allocates_nothing() {
    let old = hasher(danger::allow_weak_params(64, 1, 1).unwrap());
    let new = hasher(danger::allow_weak_params(128, 2, 1).unwrap());
    let typed = password("velvet otters at dawn");
    let stored = old.hash(&typed, &mut old.memory().unwrap()).unwrap();
    let mut memory = new.memory().unwrap();
    let mut outcome = None;
    let checking = allocation_counter::measure(|| outcome = new.verify(&typed, &stored, &mut memory).ok());
    assert_eq!((checking.count_total, outcome), (0, Some(PasswordMatch::MatchOutdated)));
}
