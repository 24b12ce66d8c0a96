//! Logging in: what a right password yields, and what all wrong ones have in common.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use auth_core::{
    AccountChange, AccountStatus, Assurance, AuditEvent, AuthEpoch, AuthenticateError, Clock, CredentialKey,
    CredentialKind, CredentialStore, Method, Refusal, RejectionReason, Unavailable,
    testing::{FailWith, block_on},
};
use auth_credentials::{Argon2Params, PasswordAuthenticator, ThrottleLimits, danger};

use crate::support::{
    address, alone,
    app::{App, NEXT, PASSWORD, credential},
    cheap, far_apart, hasher, legacy_hash, medians, password, source,
};

fn rejected(outcome: Result<auth_core::Login, AuthenticateError>) -> bool {
    matches!(outcome, Err(AuthenticateError::Rejected(_)))
}

#[test]
fn the_right_password_makes_a_login() {
    let app = App::new();
    app.sign_up("ann@example.com", PASSWORD);
    // One canonical form, however it is typed.
    let login = app.log_in(" Ann@Example.com ", PASSWORD).unwrap();
    let authentication = login.authentication();
    assert_eq!(authentication.principal, app.id("ann@example.com"));
    assert_eq!(authentication.methods, [Method::PASSWORD]);
    assert_eq!(authentication.assurance, Assurance::Aal1);
    assert_eq!(authentication.epoch, AuthEpoch::ZERO);
    assert!(app.audit.has("login"));
    assert!(app.credential("ann@example.com").last_used_at.is_some());
}

/// Each way in which a login can be wrong, prepared, with the reason that the audit log must have.
fn wrong_logins(app: &App) -> Vec<(String, String, RejectionReason)> {
    let case = |login: &str, reason| (login.to_owned(), PASSWORD.to_owned(), reason);
    let mut cases = vec![
        ("mismatch@example.com".to_owned(), NEXT.to_owned(), RejectionReason::Mismatch),
        case("nobody@example.com", RejectionReason::Unknown),
        // No login name at all; it is not told either.
        case("ann＠example.com", RejectionReason::Unknown),
        case("", RejectionReason::Unknown),
        case("disabled@example.com", RejectionReason::Disabled),
        case("passwordless@example.com", RejectionReason::NoCredential),
        ("toolong@example.com".to_owned(), "x".repeat(5_000), RejectionReason::TooLong),
        ("nobody@example.com".to_owned(), "x".repeat(5_000), RejectionReason::Unknown),
        ("legacy@example.com".to_owned(), NEXT.to_owned(), RejectionReason::Mismatch),
    ];
    for login in ["mismatch", "disabled", "passwordless", "toolong", "legacy", "locked", "expired"] {
        app.sign_up(&format!("{login}@example.com"), PASSWORD);
    }
    app.change("disabled@example.com", AccountChange::Status(AccountStatus::Disabled));
    let key = CredentialKey::only(&app.id("passwordless@example.com"), CredentialKind::PASSWORD);
    app.change("passwordless@example.com", AccountChange::RemoveCredential(key));

    let mut expired = app.credential("expired@example.com");
    expired.expires_at = Some(app.clock.now());
    app.change("expired@example.com", AccountChange::RemoveCredential(expired.key.clone()));
    app.change("expired@example.com", AccountChange::AddCredential(expired));
    cases.push(case("expired@example.com", RejectionReason::Expired));

    // A hash of cheaper days.
    let params = app.pool.hasher().params();
    let old = danger::allow_weak_params(params.memory_kib() / 4 + 6, 1, 1).unwrap();
    let old = hasher(old);
    let hash = old.hash(&password(PASSWORD), &mut old.memory().unwrap()).unwrap();
    app.store_hash("legacy@example.com", hash.expose_phc().expose_str().unwrap());

    let key = app.credential("locked@example.com").key;
    for _ in 0..PasswordAuthenticator::MAX_FAILURES {
        block_on(app.store.inner.count_failure(&key)).unwrap();
    }
    cases.push(case("locked@example.com", RejectionReason::Locked));

    let corrupt = [
        "",
        "not a hash",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
    ];
    for (n, stored) in corrupt.into_iter().enumerate() {
        let login = format!("corrupt{n}@example.com");
        app.sign_up(&login, PASSWORD);
        app.store_hash(&login, stored);
        cases.push(case(&login, RejectionReason::Corrupt));
    }
    cases
}

/// The same words, the same calls to the store, the same work.
#[test]
fn every_wrong_login_is_refused_alike_after_the_same_work() {
    let app = App::unthrottled(cheap());
    let cases = wrong_logins(&app);
    for (n, (login, typed, reason)) in cases.iter().enumerate() {
        let (hashed, writes) = (app.pool.stats().finished, app.counters.writes());
        let _ = app.store.calls();
        let error = app.log_in_from(login, typed, address(1_000 + n as u32)).unwrap_err();
        assert_eq!(error.to_string(), "credential refused", "{login}");
        assert_eq!(Refusal::from(error).status(), 401);
        assert_eq!(app.reasons().last(), Some(reason), "{login}");
        assert_eq!(app.pool.stats().finished, hashed + 1, "{login}");
        if auth_core::LoginName::canonical(login).is_ok() {
            assert_eq!(app.store.calls(), ["by_login", "find", "count_failure"], "{login}");
            assert_eq!(app.counters.writes(), writes + 3, "{login}");
        }
    }
}

/// Medians. The bound is generous, and a busy machine gets another try; a path that
/// skips its work misses it by far, every time.
#[test]
fn every_wrong_login_takes_the_same_time() {
    let _turn = alone();
    let app = App::unthrottled(danger::allow_weak_params(4_096, 2, 1).unwrap());
    let cases = wrong_logins(&app);
    let medians = |_| {
        let logins = cases.iter().map(|(login, typed, _)| || assert!(rejected(app.log_in(login, typed))));
        medians(15, logins)
    };
    let apart = |medians: &Vec<Duration>| medians.iter().any(|median| far_apart(*median, medians[0]));
    let tries: Vec<_> = (0..5).map(medians).take_while(apart).collect();
    assert!(tries.len() < 5, "{tries:?} for {cases:?}");
}

/// 100 consecutive failures, then the right password is of no use either,
/// until it is set anew.
#[test]
fn a_password_that_failed_a_hundred_times_is_locked_until_it_is_set_anew() {
    let app = App::unthrottled(cheap());
    app.sign_up("ann", PASSWORD);
    for n in 0..99 {
        assert!(rejected(app.log_in_from("ann", NEXT, address(n))));
    }
    assert!(app.log_in("ann", PASSWORD).is_ok());
    assert_eq!(app.credential("ann").failures, 0, "success forgets the failures");

    for n in 0..100 {
        assert!(rejected(app.log_in_from("ann", NEXT, address(n))));
    }
    assert!(rejected(app.log_in("ann", PASSWORD)));
    assert_eq!(app.reasons().last(), Some(&RejectionReason::Locked));

    let _ = block_on(app.accounts.set_password(&app.id("ann"), password(NEXT), None)).unwrap();
    assert!(app.log_in("ann", NEXT).is_ok());
}

/// Counted before comparing, in one step, so that guesses at once do not get more
/// of them than guesses in a row.
#[test]
fn parallel_guesses_do_not_exceed_the_cap() {
    let app = App::unthrottled(cheap());
    app.sign_up("ann", PASSWORD);
    let key = app.credential("ann").key;
    for _ in 0..90 {
        block_on(app.store.inner.count_failure(&key)).unwrap();
    }
    let barrier = Barrier::new(32);
    thread::scope(|scope| {
        for n in 0..32 {
            let (app, barrier) = (&app, &barrier);
            scope.spawn(move || {
                barrier.wait();
                assert!(rejected(app.log_in_from("ann", NEXT, address(n))));
            });
        }
    });
    let compared = app.reasons().iter().filter(|reason| **reason == RejectionReason::Mismatch).count();
    let locked = app.reasons().iter().filter(|reason| **reason == RejectionReason::Locked).count();
    assert_eq!((compared, locked), (10, 22));
}

/// The right password among too many guesses at once is not found either.
#[test]
fn beyond_the_cap_not_even_the_right_guess_gets_in() {
    let app = App::unthrottled(cheap());
    app.sign_up("ann", PASSWORD);
    let key = app.credential("ann").key;
    for _ in 0..PasswordAuthenticator::MAX_FAILURES {
        block_on(app.store.inner.count_failure(&key)).unwrap();
    }
    let barrier = Barrier::new(32);
    thread::scope(|scope| {
        for n in 0..32 {
            let (app, barrier) = (&app, &barrier);
            scope.spawn(move || {
                barrier.wait();
                assert!(rejected(app.log_in_from("ann", PASSWORD, address(n))));
            });
        }
    });
}

/// 429 before any work: no look at the store, no hash, no failure counted.
#[test]
fn a_throttled_login_costs_nothing() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    for _ in 0..10 {
        assert!(rejected(app.log_in("ann", NEXT)));
    }
    let (hashed, failures) = (app.pool.stats().finished, app.credential("ann").failures);
    let _ = app.store.calls();
    // Asked before the pool is: a source without a place left hears of the throttle.
    let places: Vec<_> = (0..64).map(|_| app.pool.admit(source(1)).unwrap()).collect();
    let error = app.log_in("ann", PASSWORD).unwrap_err();
    drop(places);
    assert!(matches!(&error, AuthenticateError::Throttled(throttled) if throttled.retry_after.as_secs() > 0));
    assert_eq!(Refusal::from(error).status(), 429);
    assert_eq!(app.pool.stats().finished, hashed);
    assert_eq!(app.store.calls(), Vec::<&str>::new());
    assert_eq!(app.credential("ann").failures, failures);
    assert!(app.audit.has("throttled"));

    // From elsewhere the owner gets in, and after the window from here too.
    assert!(app.log_in_from("ann", PASSWORD, address(2)).is_ok());
    app.clock.step(ThrottleLimits::login().pair.window().length() * 2);
    assert!(app.log_in("ann", PASSWORD).is_ok());
}

/// The throttle must not tell either which accounts exist.
#[test]
fn unknown_logins_are_throttled_like_known_ones() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    let tries = |login: &str, from| {
        let wrong = |_: &i32| rejected(app.log_in_from(login, NEXT, address(from)));
        (0..50).take_while(wrong).count()
    };
    assert_eq!((tries("ann", 1), tries("nobody", 2)), (10, 10));
}

/// An answer that is 503 must not have used up a try, or a flood locks people out by their own patience.
#[test]
fn an_overloaded_pool_is_503_and_counts_nothing() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    let places: Vec<_> = (0..64).map(|_| app.pool.admit(source(1)).unwrap()).collect();
    let writes = app.counters.writes();
    let error = app.log_in("ann", PASSWORD).unwrap_err();
    assert!(matches!(&error, AuthenticateError::Unavailable(Unavailable::Overloaded)));
    assert_eq!(Refusal::from(error).status(), 503);
    assert_eq!((app.credential("ann").failures, app.counters.writes()), (0, writes));
    assert!(app.audit.has("overloaded"));
    drop(places);
    assert!(app.log_in("ann", PASSWORD).is_ok());
}

/// A store that fails is 503, whatever the call, and never a login.
#[test]
fn a_store_that_fails_is_503_and_never_a_login() {
    for how in [FailWith::NotWritten, FailWith::LostAnswer, FailWith::Timeout, FailWith::Full] {
        for call in ["by_login", "find", "count_failure", "succeeded"] {
            let app = App::new();
            app.sign_up("ann", PASSWORD);
            let store = Arc::clone(&app.store);
            app.store.before(call, move || store.inner.fail_with(Some(how)));
            let error = app.log_in("ann", PASSWORD).unwrap_err();
            assert_eq!(Refusal::from(error).status(), 503, "{how:?} {call}");
            app.store.inner.fail_with(None);
            assert!(app.log_in("ann", PASSWORD).is_ok());
        }
    }
}

/// A hash that cannot be renewed is no reason to refuse a right password.
#[test]
fn a_rehash_that_fails_leaves_the_login_and_the_old_hash() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    let old = legacy_hash();
    app.store_hash("ann", &old);
    let store = Arc::clone(&app.store);
    app.store.before("update", move || {
        store.inner.fail_with(Some(FailWith::NotWritten));
        // Next the gate looks for a second factor, and without an answer nobody gets in.
        let mended = Arc::clone(&store);
        store.before("find", move || mended.inner.fail_with(None));
    });
    assert!(app.log_in("ann", PASSWORD).is_ok());
    assert_eq!(app.credential("ann").data.expose(), old.as_bytes());
    assert!(!app.audit.has("credential.rehashed"));
}

#[test]
fn a_login_brings_an_old_hash_up_to_date() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    let old = legacy_hash();
    app.store_hash("ann", &old);
    assert!(rejected(app.log_in("ann", NEXT)));
    assert_eq!(app.credential("ann").data.expose(), old.as_bytes(), "a wrong password renews nothing");
    assert!(app.log_in("ann", PASSWORD).is_ok());
    let stored = app.credential("ann").data;
    assert!(stored.expose().starts_with(b"$argon2id$v=19$m=8,t=1,p=1$"));
    assert!(app.audit.has("credential.rehashed"));
    assert!(app.log_in("ann", PASSWORD).is_ok());
    assert_eq!(app.credential("ann").data, stored, "once is enough");
}

/// The rehash of the old password must not overwrite the new (roostorg/coop#901).
#[test]
fn a_password_that_is_changed_during_a_rehash_stays_changed() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    app.store_hash("ann", &legacy_hash());
    let other = app.clone();
    app.store.before("update", move || {
        let _ = block_on(other.accounts.set_password(&other.id("ann"), password(NEXT), None)).unwrap();
    });
    // The password was right when it was checked. What it opened is of the old epoch.
    let login = app.log_in("ann", PASSWORD).unwrap();
    assert!(login.authentication().epoch < app.account("ann").epoch);
    assert!(rejected(app.log_in("ann", PASSWORD)));
    assert!(app.log_in("ann", NEXT).is_ok());
}

/// A login under way must not outlive the change of the password that it was checked against.
#[test]
fn a_password_that_is_changed_during_a_login_ends_it() {
    for call in ["count_failure", "succeeded"] {
        let app = App::new();
        app.sign_up("ann", PASSWORD);
        let other = app.clone();
        app.store.before(call, move || {
            let _ = block_on(other.accounts.set_password(&other.id("ann"), password(NEXT), None)).unwrap();
        });
        assert!(rejected(app.log_in("ann", PASSWORD)), "{call}");
        assert!(app.log_in("ann", NEXT).is_ok());
    }
}

/// Two logins with the right password at once, where the first renews the hash: the second is not wrong.
#[test]
fn a_hash_that_is_renewed_during_a_login_does_not_end_it() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    app.store_hash("ann", &legacy_hash());
    let other = app.clone();
    app.store.before("succeeded", move || {
        assert!(other.log_in_from("ann", PASSWORD, address(2)).is_ok());
        assert!(other.audit.has("credential.rehashed"));
    });
    assert!(app.log_in("ann", PASSWORD).is_ok());
    assert_eq!(app.credential("ann").failures, 0);
}

/// An account that is disabled during a login stays out of reach: its login has the old epoch, and the next
/// one is refused.
#[test]
fn disabling_ends_logins_and_enabling_does_not_revive_them() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    let before = app.log_in("ann", PASSWORD).unwrap();
    let raised = block_on(app.accounts.disable(&app.id("ann"))).unwrap();
    assert_eq!(raised.epoch(), AuthEpoch::new(1));
    assert!(rejected(app.log_in("ann", PASSWORD)));
    block_on(app.accounts.enable(&app.id("ann"))).unwrap();
    let after = app.log_in("ann", PASSWORD).unwrap();
    assert!(before.authentication().epoch < after.authentication().epoch);
    assert!(app.audit.has("account.disabled") && app.audit.has("account.enabled"));
}

/// Whatever is printed, no password, no hash, no login name as it was typed.
#[test]
fn nothing_secret_is_ever_printed() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    let _ = app.log_in("ann", NEXT);
    let _ = app.log_in(NEXT, PASSWORD);
    let typed = credential("ann-typed-this", PASSWORD, address(1));
    let hash = app.credential("ann").data;
    let phc = String::from_utf8(hash.expose().to_vec()).unwrap();
    let tag = phc.rsplit('$').next().unwrap();
    let printed = format!(
        "{typed:?} {:?} {:?} {:?} {:?} {hash:?}",
        app.accounts,
        app.audit.events(),
        app.store.inner.inner(),
        app.pool,
    );
    for secret in [PASSWORD, NEXT, "ann-typed-this", tag] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

/// The source of a refusal is for whoever reads the log; the principal is there if it is known.
#[test]
fn the_audit_log_tells_what_the_answer_does_not() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    assert!(rejected(app.log_in_from("ann", NEXT, address(7))));
    let expected = AuditEvent::CredentialRefused {
        reason: RejectionReason::Mismatch,
        method: Method::PASSWORD,
        principal: Some(app.id("ann")),
        source: Some(address(7)),
    };
    assert_eq!(app.audit.events().last().map(|(_, event)| event.clone()), Some(expected));
}

/// Real parameters, real path: one login at the default settings.
#[test]
fn a_login_at_the_default_parameters() {
    let _turn = alone();
    let app = App::with(Argon2Params::OWASP, ThrottleLimits::login());
    app.sign_up("ann", PASSWORD);
    assert!(app.credential("ann").data.expose().starts_with(b"$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(rejected(app.log_in("ann", NEXT)));
    assert!(app.log_in("ann", PASSWORD).is_ok());
}
