//! Signing up: the same answer, the same work, whether or not there is such an account.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use auth_core::{
    AuditEvent, AuthenticateError, Realm, Refusal,
    testing::{FailWith, block_on},
};
use auth_credentials::{PolicyError, SignUpError, ThrottleLimits, danger};

use crate::support::{
    address, alone,
    app::{App, NEXT, PASSWORD, credential},
    far_apart, medians,
};

#[test]
fn an_account_is_made_and_nobody_is_logged_in() {
    let app = App::new();
    app.sign_up(" Ann@Example.com", PASSWORD);
    let account = app.account("ann@example.com");
    assert_eq!(account.id.realm(), &Realm::LOCAL);
    assert_eq!(account.id.id().len(), 32);
    assert!(app.audit.has("account.created") && !app.audit.has("login"));
    assert!(app.log_in("ann@example.com", PASSWORD).is_ok());
}

/// Neither the answer nor the work tells that an address has an account.
#[test]
fn a_taken_login_gets_the_same_answer_after_the_same_work() {
    let app = App::new();
    let mut seen = Vec::new();
    for password in [PASSWORD, NEXT] {
        let (hashed, writes) = (app.pool.stats().finished, app.counters.writes());
        let _ = app.store.calls();
        let answer = block_on(app.accounts.sign_up(credential("ann", password, address(1)))).is_ok();
        let work = (app.pool.stats().finished - hashed, app.counters.writes() - writes);
        seen.push((answer, work, app.store.calls()));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], (true, (1, 1), vec!["by_login", "create"]));
    // The first password stands.
    assert!(app.log_in("ann", PASSWORD).is_ok());
    assert!(matches!(app.log_in("ann", NEXT), Err(AuthenticateError::Rejected(_))));
    // The owner can be told by mail; the log knows.
    let taken = AuditEvent::SignUpTaken { principal: app.id("ann") };
    assert!(app.audit.events().iter().any(|(_, event)| *event == taken));
}

/// Medians, with a generous bound and another try for a busy machine.
#[test]
fn a_taken_login_takes_the_same_time() {
    let _turn = alone();
    let app = App::unthrottled(danger::allow_weak_params(4_096, 2, 1).unwrap());
    app.sign_up("taken", PASSWORD);
    let n = AtomicU32::new(1_000);
    let sign_up = |is_taken: bool| {
        // A source each, so that the throttle is not what is measured.
        let n = n.fetch_add(1, Ordering::Relaxed);
        let login = if is_taken { "taken".to_owned() } else { format!("free{n}") };
        block_on(app.accounts.sign_up(credential(&login, PASSWORD, address(n)))).unwrap();
    };
    let medians = |_| {
        medians(
            15,
            [true, false].map(|is_taken| {
                let sign_up = &sign_up;
                move || sign_up(is_taken)
            }),
        )
    };
    let tries: Vec<_> = (0..5).map(medians).take_while(|medians| far_apart(medians[0], medians[1])).collect();
    assert!(tries.len() < 5, "{tries:?}");
}

/// Two forms sent at once make one account, whose password is one of both.
#[test]
fn two_sign_ups_at_once_make_one_account() {
    let app = App::new();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for password in [PASSWORD, NEXT] {
            let (app, barrier) = (&app, &barrier);
            scope.spawn(move || {
                barrier.wait();
                app.sign_up("ann", password);
            });
        }
    });
    let ways_in = [PASSWORD, NEXT].iter().filter(|password| app.log_in("ann", password).is_ok()).count();
    assert_eq!(ways_in, 1);
}

/// What nobody could choose is told at once: it says nothing of anybody's account.
#[test]
fn a_login_or_a_password_that_cannot_be_chosen_is_told_without_work() {
    let app = App::new();
    let _ = app.store.calls();
    for (login, password) in
        [("ann", "too short"), ("ann", &"x".repeat(5_000)[..]), ("", PASSWORD), ("a b", PASSWORD)]
    {
        let error = block_on(app.accounts.sign_up(credential(login, password, address(1)))).unwrap_err();
        assert_eq!(Refusal::from(error).status(), 400);
    }
    let same_as_login = credential("ann.miller@example.com", "Ann.Miller@Example.com", address(1));
    let error = block_on(app.accounts.sign_up(same_as_login)).unwrap_err();
    assert!(matches!(error, SignUpError::Policy(PolicyError::Context)));
    assert_eq!(app.pool.stats().finished, 0);
    assert!(app.store.calls().is_empty());
}

/// A stranger must not take the name of a program that is made later, nor look like one in a list.
#[test]
fn nobody_signs_up_as_a_service() {
    let app = App::new();
    let _ = app.store.calls();
    for login in ["service:nightly", " Service:x@example.com", "service:"] {
        let error = block_on(app.accounts.sign_up(credential(login, PASSWORD, address(1)))).unwrap_err();
        assert!(matches!(error, SignUpError::Login(_)), "{login}");
        assert_eq!(Refusal::from(error).status(), 400);
    }
    assert!(app.store.calls().is_empty() && app.pool.stats().finished == 0);
    app.sign_up("services", PASSWORD);
}

/// Signing up hashes, so it is a way to burn the pool, and to send mail to strangers.
#[test]
fn sign_ups_are_throttled_by_source_before_hashing() {
    let app = App::new();
    for n in 0..ThrottleLimits::sign_up().source.tries().get() {
        app.sign_up(&format!("user{n}"), PASSWORD);
    }
    let hashed = app.pool.stats().finished;
    let error = block_on(app.accounts.sign_up(credential("late", PASSWORD, address(1)))).unwrap_err();
    assert!(matches!(error, SignUpError::Throttled(_)));
    assert_eq!(Refusal::from(error).status(), 429);
    assert_eq!(app.pool.stats().finished, hashed);
    block_on(app.accounts.sign_up(credential("late", PASSWORD, address(2)))).unwrap();
    // Logins are counted apart.
    assert!(app.log_in("user0", PASSWORD).is_ok());
}

/// A store that fails is no answer about an account.
#[test]
fn a_store_that_fails_is_503() {
    for call in ["by_login", "create"] {
        let app = App::new();
        let store = std::sync::Arc::clone(&app.store);
        app.store.before(call, move || store.inner.fail_with(Some(FailWith::NotWritten)));
        let error = block_on(app.accounts.sign_up(credential("ann", PASSWORD, address(1)))).unwrap_err();
        assert_eq!(Refusal::from(error).status(), 503, "{call}");
        app.store.inner.fail_with(None);
        app.sign_up("ann", PASSWORD);
    }
}
