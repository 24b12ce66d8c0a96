//! The same text is the same password, whichever spelling a keyboard sends.

use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};
use auth_core::AuthenticateError;
use auth_credentials::danger;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use crate::support::{alone, app::App, far_apart, medians};

/// With `é` as one code point, and as two.
const COMPOSED: &str = "un caf\u{e9} au bord de l'eau";
const DECOMPOSED: &str = "un cafe\u{301} au bord de l'eau";

/// The hash that a program made which did not normalize.
fn raw_hash(password: &str) -> String {
    let params = Params::new(64, 1, 1, Some(32)).unwrap();
    let (salt, mut tag) = ([7; 16], [0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), &salt, &mut tag)
        .unwrap();
    let [salt, tag] = [&salt[..], &tag].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    format!("$argon2id$v=19$m=64,t=1,p=1${salt}${tag}")
}

fn app() -> App {
    App::with(danger::allow_weak_params(64, 1, 1).unwrap(), auth_credentials::ThrottleLimits::login())
}

fn is_rejected<T>(outcome: &Result<T, AuthenticateError>) -> bool {
    matches!(outcome, Err(AuthenticateError::Rejected(_)))
}

#[test]
fn a_password_is_right_in_either_spelling() {
    for (chosen, typed) in [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)] {
        let app = app();
        app.sign_up("ann", chosen);
        for spelling in [chosen, typed] {
            assert!(app.log_in("ann", spelling).is_ok(), "{spelling}");
        }
        assert!(is_rejected(&app.log_in("ann", "un cafe au bord de l'eau")));
        assert!(!app.audit.has("credential.rehashed"), "there is nothing to bring up to date");
    }
}

/// Accounts of before must not be locked out (inmanta-core#10538), and no longer depend on the keyboard afterwards.
#[test]
fn a_hash_of_what_was_typed_is_right_once_more_and_then_renewed() {
    let app = app();
    app.sign_up("ann", COMPOSED);
    app.store_hash("ann", &raw_hash(DECOMPOSED));
    assert!(is_rejected(&app.log_in("ann", COMPOSED)), "these are other bytes");
    assert!(app.log_in("ann", DECOMPOSED).is_ok());
    assert!(app.audit.has("credential.rehashed"));
    for spelling in [COMPOSED, DECOMPOSED] {
        assert!(app.log_in("ann", spelling).is_ok(), "{spelling}");
    }
}

/// What is not in form C is computed twice, for everybody alike: neither an account nor the spelling that was hashed
/// shows in the time.
#[test]
fn a_second_spelling_costs_the_same_whatever_it_meets() {
    let _turn = alone();
    let app = App::unthrottled(danger::allow_weak_params(4_096, 2, 1).unwrap());
    for login in ["ann", "bob"] {
        app.sign_up(login, "velvet otters at dawn");
    }
    app.store_hash("bob", &raw_hash("another password entirely"));
    let measure = |_| {
        let logins = ["ann", "bob", "nobody"].map(|login| {
            let app = &app;
            move || assert!(is_rejected(&app.log_in(login, DECOMPOSED)))
        });
        medians(15, logins)
    };
    let apart = |medians: &Vec<Duration>| medians.iter().any(|median| far_apart(*median, medians[0]));
    let tries: Vec<_> = (0..5).map(measure).take_while(apart).collect();
    assert!(tries.len() < 5, "{tries:?}");
}
