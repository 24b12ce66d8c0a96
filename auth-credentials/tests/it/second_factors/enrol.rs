//! Enrolling a device.

use std::{sync::Barrier, thread, time::Duration};

use auth_core::{
    AuthEpoch, Authenticated, Authentication, CredentialKind, CredentialStore, Limits, Method, Page,
    PrincipalId, RejectionReason, Scopes, Secret, SystemEntropy, testing::block_on,
};
use auth_credentials::{
    Accounts, OtpAlgorithm, OtpDevice, OtpDigits, OtpKey, SecondFactorError, SecondFactors,
};

use crate::support::{
    app::{NEXT, PASSWORD},
    factors::Site,
    legacy_hash, password,
};

fn reason<T: std::fmt::Debug>(outcome: Result<T, SecondFactorError>) -> &'static str {
    match outcome {
        Err(SecondFactorError::Refused(auth_core::AuthenticateError::Rejected(rejection))) => {
            rejection.reason().as_str()
        }
        Err(SecondFactorError::Refused(auth_core::AuthenticateError::Unavailable(_))) => "unavailable",
        Err(SecondFactorError::Challenged(_)) => "challenged",
        other => panic!("{other:?}"),
    }
}

/// Nobody is locked out by a device that was never set up right, and nothing is enrolled by being looked at.
#[test]
fn a_device_counts_from_its_first_code_on() {
    let site = Site::new();
    let who = site.request();
    assert_eq!(reason(block_on(site.factors.confirm(&who, "123456"))), "no-credential");
    let uri = block_on(site.factors.begin(&who)).unwrap();
    assert_eq!((uri.issuer(), uri.account()), ("Test", "ann"));
    let _ = site.request();
    assert_eq!(reason(block_on(site.factors.confirm(&who, "000000"))), "mismatch");
    let confirmed = block_on(site.factors.confirm(&who, &site.shown(&uri))).unwrap();
    assert_eq!(confirmed.recovery_codes.iter().count(), 10);
    assert_eq!(confirmed.raised.epoch(), AuthEpoch::new(1));
    let missing = site.pending().missing().to_vec();
    assert_eq!(missing, [Method::ONE_TIME_CODE, Method::RECOVERY_CODE]);
    assert!(site.app.audit.has("credential.added"));
}

/// The code that enrols is used up by that (hanko#2723).
#[test]
fn the_code_that_enrols_counts_as_used() {
    let site = Site::new();
    let (uri, _) = site.enrol();
    assert!(site.check(&site.shown(&uri)).is_err());
    assert_eq!(site.app.reasons().last(), Some(&RejectionReason::Replayed));
    site.next_step();
    assert!(site.check(&site.shown(&uri)).is_ok());
}

/// A session of somebody else that was there before must not live on without the factor.
#[test]
fn enrolling_ends_what_was_begun_without_it() {
    let site = Site::new();
    let stolen = site.request();
    let under_way = site.app.log_in("ann", PASSWORD).unwrap();
    let _ = site.enrol();
    let account = site.app.account("ann");
    assert!(account.sweep_pending && account.epoch > under_way.authentication().epoch);
    assert_eq!(reason(block_on(site.factors.begin(&stolen))), "revoked");
}

#[test]
fn an_enrolment_waits_ten_minutes_and_the_newest_one_counts() {
    let site = Site::new();
    let who = site.request();
    let first = block_on(site.factors.begin(&who)).unwrap();
    let second = block_on(site.factors.begin(&who)).unwrap();
    assert_eq!(reason(block_on(site.factors.confirm(&who, &site.shown(&first)))), "mismatch");
    site.app.clock.step(SecondFactors::ENROLMENT_LIFE);
    let who = site.request();
    assert_eq!(reason(block_on(site.factors.confirm(&who, &site.shown(&second)))), "expired");
}

/// A login of yesterday, a key of a program, an impersonator: none of them changes how somebody logs in.
#[test]
fn only_a_fresh_login_without_limits_enrols() {
    let site = Site::new();
    let (ann, now) = (site.app.id("ann"), site.now());
    let login = Authentication::new(ann, Method::PASSWORD, now, AuthEpoch::ZERO);
    let begin =
        |authentication| block_on(site.factors.begin(&Authenticated::assertion(authentication))).map(|_| ());
    let scopes = Limits::unlimited().with_scopes(Scopes::parse("all").unwrap());
    assert_eq!(reason(begin(login.clone().with_limits(scopes))), "policy");
    let networks = Limits::unlimited().with_networks(vec!["0.0.0.0/0".parse().unwrap()]);
    assert_eq!(reason(begin(login.clone().with_limits(networks))), "policy");
    let admin = PrincipalId::local_user("admin").unwrap();
    assert_eq!(reason(begin(login.clone().with_actor(admin))), "policy");
    site.app.clock.step(Accounts::RECENT);
    assert!(begin(login.clone()).is_ok());
    site.app.clock.step(Duration::from_secs(1));
    assert_eq!(reason(begin(login)), "challenged");
}

/// Of two confirmations at once one wins, and only its recovery codes are shown.
#[test]
fn of_two_confirmations_at_once_one_wins() {
    let site = Site::new();
    let who = site.request();
    let uri = block_on(site.factors.begin(&who)).unwrap();
    let (code, barrier) = (site.shown(&uri), Barrier::new(8));
    let won: Vec<bool> = thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let (site, who, code, barrier) = (&site, &who, &code, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    block_on(site.factors.confirm(who, code)).is_ok()
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(block_on(site.factors.recovery_codes_left(&site.app.id("ann"))).unwrap(), 10);
}

/// A check of the old device's code that is under way must not put the old secret in the place of the new one.
#[test]
fn a_check_under_way_does_not_bring_the_old_device_back() {
    for call in ["count_failure", "update", "succeeded"] {
        let site = Site::new();
        let (old, confirmed) = site.enrol();
        let (ann, epoch) = (site.app.id("ann"), confirmed.raised.epoch());
        let login = Authentication::new(ann, Method::PASSWORD, site.now(), epoch);
        let who = Authenticated::assertion(login);
        let new = block_on(site.factors.begin(&who)).unwrap();
        site.next_step();
        let (other, code, pending) = (site.clone(), site.shown(&new), site.pending());
        site.app.store.before(call, move || {
            let _ = block_on(other.factors.confirm(&who, &code)).unwrap();
        });
        let _ = site.check_for(&pending, &site.shown(&old), 1);
        site.next_step();
        assert!(site.check(&site.shown(&old)).is_err(), "{call}");
        assert!(site.check(&site.shown(&new)).is_ok(), "{call}");
    }
}

/// Nor where that device was removed and another one enrolled in its place, in two steps: versions do not begin anew.
#[test]
fn a_check_under_way_does_not_bring_a_removed_device_back() {
    for call in ["count_failure", "update", "succeeded"] {
        let site = Site::new();
        let (old, _) = site.enrol();
        site.next_step();
        let (other, pending) = (site.clone(), site.pending());
        let (enrolled, new) = std::sync::mpsc::channel();
        site.app.store.before(call, move || {
            let ann = other.app.id("ann");
            let _ = block_on(other.factors.reset(&ann)).unwrap();
            // The password went with it.
            let _ = block_on(other.accounts.set_password(&ann, password(PASSWORD), None)).unwrap();
            enrolled.send(other.enrol().0).unwrap();
        });
        let _ = site.check_for(&pending, &site.shown(&old), 1);
        let new = new.recv().unwrap();
        site.next_step();
        assert!(site.check(&site.shown(&old)).is_err(), "{call}");
        assert!(site.check(&site.shown(&new)).is_ok(), "{call}");
    }
}

/// The same of a password whose hash is renewed by a login that is under way.
#[test]
fn a_login_under_way_does_not_bring_a_removed_password_back() {
    let site = Site::new();
    site.app.store_hash("ann", &legacy_hash());
    let (other, ann) = (site.clone(), site.app.id("ann"));
    site.app.store.before("update", move || {
        let _ = block_on(other.factors.reset(&ann)).unwrap();
        // As often as the old one, so that counting from the first would meet its version.
        for new in [PASSWORD, NEXT] {
            let _ = block_on(other.accounts.set_password(&ann, password(new), None)).unwrap();
        }
    });
    let _ = site.app.log_in("ann", PASSWORD);
    assert!(site.app.log_in("ann", PASSWORD).is_err());
    assert!(site.app.log_in("ann", NEXT).is_ok());
}

/// A copy of the database must not be enough to make codes: neither while a device waits nor once it is enrolled does any
/// row hold its secret, as bytes or as text.
#[test]
fn no_row_holds_the_secret() {
    let site = Site::new();
    let raw = *b"a raw secret of Ann!";
    let key = OtpKey::new(Secret::new(raw.to_vec()), OtpAlgorithm::Sha1, OtpDigits::Six).unwrap();
    let who = site.request();
    let uri = block_on(site.factors.begin_with(&who, OtpDevice::totp(key))).unwrap();
    let text = uri.expose_secret();
    let forms = [raw.to_vec(), text.as_bytes().to_vec(), text.to_ascii_lowercase().into_bytes(), hex(&raw)];
    let holds = |bytes: &[u8]| forms.iter().any(|form| bytes.windows(form.len()).any(|part| part == form));
    // What it would look like.
    assert!(holds(&[b"x", &raw[..], b"y"].concat()) && holds(uri.expose().as_bytes()));
    let rows_of = |kind: CredentialKind| {
        let rows = block_on(site.app.store.inner.list(&site.app.id("ann"), Page::first())).unwrap();
        assert!(rows.iter().any(|row| row.key.kind == kind && row.data.expose().len() > raw.len()));
        assert!(!rows.iter().any(|row| holds(row.data.expose()) || holds(&row.key.lookup)), "{kind:?}");
    };
    rows_of(CredentialKind::ONE_TIME_CODES_PENDING);
    let _ = block_on(site.factors.confirm(&who, &site.shown(&uri))).unwrap();
    rows_of(CredentialKind::ONE_TIME_CODES);
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// A token with a button instead of a clock.
#[test]
fn a_device_that_counts_is_enrolled_and_used() {
    let site = Site::new();
    let who = site.request();
    let key = OtpKey::generate(OtpAlgorithm::Sha1, OtpDigits::Six, &SystemEntropy).unwrap();
    let uri = block_on(site.factors.begin_with(&who, OtpDevice::hotp(key.clone()))).unwrap();
    assert!(uri.expose().starts_with("otpauth://hotp/Test:ann?"));
    let _ = block_on(site.factors.confirm(&who, &key.code_at(0))).unwrap();
    assert!(site.check(&key.code_at(0)).is_err());
    assert!(site.check(&key.code_at(3)).is_ok());
    assert!(site.check(&key.code_at(2)).is_err());
    assert!(site.check(&key.code_at(4)).is_ok());
}

/// Enrolling the same device again must not make used codes good again.
#[test]
fn a_device_that_is_enrolled_again_goes_on_counting() {
    let site = Site::new();
    let key = OtpKey::generate(OtpAlgorithm::Sha1, OtpDigits::Six, &SystemEntropy).unwrap();
    let device = || OtpDevice::hotp(key.clone());
    let who = site.request();
    let _ = block_on(site.factors.begin_with(&who, device())).unwrap();
    let raised = block_on(site.factors.confirm(&who, &key.code_at(7))).unwrap().raised;
    let login = Authentication::new(site.app.id("ann"), Method::PASSWORD, site.now(), raised.epoch());
    let who = Authenticated::assertion(login);
    let _ = block_on(site.factors.begin_with(&who, device())).unwrap();
    for used in [0, 3, 7] {
        assert_eq!(reason(block_on(site.factors.confirm(&who, &key.code_at(used)))), "mismatch");
    }
    let _ = block_on(site.factors.confirm(&who, &key.code_at(9))).unwrap();
    for used in [7, 8, 9] {
        assert!(site.check(&key.code_at(used)).is_err());
    }
    assert!(site.check(&key.code_at(10)).is_ok());
}
