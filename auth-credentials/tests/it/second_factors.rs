//! One-time codes and recovery codes.

mod enrol;
mod list;
mod recovery;
mod remove;
mod text_messages;

use std::{
    sync::{Arc, Barrier},
    thread,
};

use auth_core::{
    AccountChange, AccountStatus, Assurance, AuthenticateError, Authenticated, Authenticator, CredentialKey,
    CredentialKind, CredentialStore, KeyName, KeyRing, Method, PendingLogin, Refusal, RejectionReason,
    SystemEntropy,
    testing::{FailWith, block_on},
};
use auth_credentials::{CodeCredential, SecondFactors};

use crate::support::{
    address,
    app::{NEXT, PASSWORD},
    factors::Site,
};

fn rejected<T>(outcome: Result<T, AuthenticateError>) -> bool {
    matches!(outcome, Err(AuthenticateError::Rejected(_)))
}

/// Nothing but the gate makes a login, and it wants both.
#[test]
fn a_password_and_a_code_make_a_login_of_two_factors() {
    let site = Site::new();
    let (uri, _) = site.enrol();
    site.next_step();
    let login = site.log_in(&uri);
    assert_eq!(login.authentication().methods, [Method::PASSWORD, Method::ONE_TIME_CODE]);
    assert_eq!(login.authentication().assurance, Assurance::Aal2);
}

/// RFC 6238 section 5.2: the verifier must not accept the second attempt.
#[test]
fn of_32_tries_of_one_code_at_once_one_succeeds() {
    for _ in 0..8 {
        let site = Site::unthrottled();
        let (uri, _) = site.enrol();
        site.next_step();
        let (code, pending) = (site.shown(&uri), site.pending());
        let barrier = Barrier::new(32);
        let passed: usize = thread::scope(|scope| {
            let tries: Vec<_> = (0..32)
                .map(|n| {
                    let (site, code, pending, barrier) = (&site, &code, &pending, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        usize::from(site.check_for(pending, code, n).is_ok())
                    })
                })
                .collect();
            tries.into_iter().map(|one| one.join().unwrap()).sum()
        });
        assert_eq!(passed, 1);
        assert!(rejected(site.check(&code)), "nor ever again");
    }
}

/// The same between the look and the write, step by step.
#[test]
fn a_code_that_is_used_meanwhile_is_not_accepted() {
    let site = Site::new();
    let (uri, _) = site.enrol();
    site.next_step();
    let (code, pending) = (site.shown(&uri), site.pending());
    let (other, same) = (site.clone(), code.clone());
    site.app.store.before("update", move || {
        assert!(other.check_for(&other.pending(), &same, 2).is_ok());
    });
    assert!(rejected(site.check_for(&pending, &code, 1)));
    assert_eq!(site.app.reasons().last(), Some(&RejectionReason::Replayed));
}

#[test]
fn neither_a_used_code_nor_an_older_one_is_accepted() {
    let site = Site::new();
    let (uri, _) = site.enrol();
    site.next_step();
    let older = site.shown(&uri);
    site.next_step();
    assert!(site.check(&site.shown(&uri)).is_ok());
    for code in [older, site.shown(&uri)] {
        assert!(rejected(site.check(&code)));
        assert_eq!(site.app.reasons().last(), Some(&RejectionReason::Replayed));
    }
    site.next_step();
    assert!(site.check(&site.shown(&uri)).is_ok());
}

/// A code is of somebody, for a login, at a time: of whomever, whenever else, it is refused in the same words.
#[test]
fn a_code_is_refused_for_every_login_that_does_not_wait_for_it() {
    let site = Site::new();
    let (uri, _) = site.enrol();
    site.next_step();
    let pending = site.pending();
    let (ann, epoch, end) = (pending.principal().clone(), pending.epoch(), pending.expires_at());
    site.app.sign_up("bob", PASSWORD);
    let (passed, wanted) = (vec![Method::PASSWORD], vec![Method::ONE_TIME_CODE]);
    let login = |who, wanted, epoch, end| PendingLogin::assertion(who, passed.clone(), wanted, epoch, end);
    for (login, reason) in [
        (login(site.app.id("bob"), wanted.clone(), epoch, end), RejectionReason::NoCredential),
        (login(ann.clone(), vec![Method::HARDWARE_KEY], epoch, end), RejectionReason::Policy),
        (login(ann.clone(), wanted.clone(), epoch.next(), end), RejectionReason::Revoked),
        (login(ann.clone(), wanted.clone(), epoch, site.now()), RejectionReason::Expired),
    ] {
        let error = site.check_for(&login, &site.shown(&uri), 3).unwrap_err();
        assert_eq!(error.to_string(), "credential refused");
        assert_eq!(site.app.reasons().last(), Some(&reason));
    }
    site.app.change("ann", AccountChange::Status(AccountStatus::Disabled));
    assert!(rejected(site.check_for(&pending, &site.shown(&uri), 4)));
    assert_eq!(site.app.reasons().last(), Some(&RejectionReason::Disabled));
    site.app.change("ann", AccountChange::Status(AccountStatus::Active));
    assert!(site.check_for(&pending, &site.shown(&uri), 5).is_ok());
}

/// The cap of NIST section 3.2.2. Only a code that was right clears it: no new challenge,
/// no password. And the password is not locked by it.
#[test]
fn a_device_that_failed_a_hundred_times_is_locked_until_it_is_enrolled_anew() {
    let site = Site::new();
    let (uri, confirmed) = site.enrol();
    let key = CredentialKey::only(&site.app.id("ann"), CredentialKind::ONE_TIME_CODES);
    let failures = || block_on(site.app.store.inner.find(&key)).unwrap().unwrap().credential.failures;
    site.next_step();
    for n in 0..3 {
        assert!(rejected(site.check_for(&site.pending(), "000000", 10 + n)));
    }
    assert_eq!((failures(), site.app.credential("ann").failures), (3, 0));
    assert!(site.check(&site.shown(&uri)).is_ok());
    assert_eq!(failures(), 0);

    site.next_step();
    for _ in 0..SecondFactors::MAX_FAILURES {
        block_on(site.app.store.inner.count_failure(&key)).unwrap();
    }
    assert!(rejected(site.check(&site.shown(&uri))));
    assert_eq!(site.app.reasons().last(), Some(&RejectionReason::Locked));

    // A recovery code lets its owner in, to enrol a device anew.
    let code = confirmed.recovery_codes.iter().next().unwrap();
    let pending = site.pending();
    let factor = site.recover(&pending, code).unwrap();
    let login = match block_on(site.accounts.proceed(pending, factor, None)).unwrap() {
        auth_core::LoginOutcome::Complete(login) => login,
        auth_core::LoginOutcome::Pending(_) => panic!("two factors are enough"),
    };
    let who = Authenticated::assertion(login.into_authentication());
    let uri = block_on(site.factors.begin(&who)).unwrap();
    let _ = block_on(site.factors.confirm(&who, &site.shown(&uri))).unwrap();
    site.next_step();
    assert!(site.check(&site.shown(&uri)).is_ok());
}

/// Counted before comparing, so that guesses at once do not get more of them.
#[test]
fn guesses_at_once_do_not_exceed_the_cap() {
    let site = Site::unthrottled();
    let _ = site.enrol();
    let key = CredentialKey::only(&site.app.id("ann"), CredentialKind::ONE_TIME_CODES);
    for _ in 0..90 {
        block_on(site.app.store.inner.count_failure(&key)).unwrap();
    }
    let (pending, barrier) = (site.pending(), Barrier::new(16));
    thread::scope(|scope| {
        for n in 0..16 {
            let (site, pending, barrier) = (&site, &pending, &barrier);
            scope.spawn(move || {
                barrier.wait();
                assert!(rejected(site.check_for(pending, "000000", n)));
            });
        }
    });
    let count = |reason| site.app.reasons().iter().filter(|one| **one == reason).count();
    assert_eq!((count(RejectionReason::Mismatch), count(RejectionReason::Locked)), (10, 6));
}

/// Five tries, in counters of their own, whatever challenge they are for.
#[test]
fn guessing_at_codes_is_throttled_apart_from_passwords() {
    let site = Site::new();
    let (uri, _) = site.enrol();
    site.next_step();
    for _ in 0..5 {
        assert!(rejected(site.check("000000")));
    }
    let error = site.check(&site.shown(&uri)).unwrap_err();
    assert!(matches!(error, AuthenticateError::Throttled(_)));
    assert_eq!(Refusal::from(error).status(), 429);
    // The password goes on to be accepted, and from elsewhere the code as well.
    assert!(site.check_for(&site.pending(), &site.shown(&uri), 2).is_ok());
    assert!(rejected(site.app.log_in("ann", NEXT)));
}

/// Nothing fails open: neither counters nor a store, nor randomness for the step that has to be stored.
#[test]
fn what_fails_lets_nobody_in() {
    let site = Site::new();
    let (uri, _) = site.enrol();
    site.next_step();
    let pending = site.pending();
    for how in [FailWith::NotWritten, FailWith::LostAnswer, FailWith::Timeout] {
        site.app.store.inner.fail_with(Some(how));
        let error = site.check_for(&pending, &site.shown(&uri), 1).unwrap_err();
        assert_eq!(Refusal::from(error).status(), 503);
    }
    site.app.store.inner.fail_with(None);
    // Sealed under a key that is gone.
    let keys = Arc::new(KeyRing::generate(KeyName::parse("other").unwrap(), &SystemEntropy).unwrap());
    let factors = Site::factors(&site.app, &site.accounts, keys);
    let code = CodeCredential::one_time(&pending, site.shown(&uri), Some(address(1)));
    assert!(rejected(block_on(factors.authenticate(code))));
    assert_eq!(site.app.reasons().last(), Some(&RejectionReason::Corrupt));
    assert!(site.check_for(&pending, &site.shown(&uri), 1).is_ok());
}

/// Secrets and codes must not get into a log.
#[test]
fn no_code_is_ever_printed() {
    let site = Site::new();
    let (uri, confirmed) = site.enrol();
    let pending = site.pending();
    let code = CodeCredential::one_time(&pending, "123456".to_owned(), None);
    let shown = format!("{code:?} {uri:?} {confirmed:?} {:?} {:?}", site.factors, site.app.audit.events());
    let secret = uri.expose_secret();
    let recovery = confirmed.recovery_codes.iter().next().unwrap().expose();
    for hidden in ["123456", &secret, &recovery] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
