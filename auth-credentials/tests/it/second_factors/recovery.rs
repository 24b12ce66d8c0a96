//! Recovery codes.

use std::{collections::HashSet, sync::Barrier, thread};

use auth_core::{
    Authenticated, CredentialKind, CredentialStore, KeyName, KeyRing, LoginOutcome, Page, RejectionReason,
    Secret, SystemEntropy, testing::block_on,
};

use crate::support::{
    address,
    app::{PASSWORD, credential},
    factors::Site,
};

/// A recovery code is good once, also when it is sent twice at the same moment.
#[test]
fn of_32_tries_of_one_recovery_code_at_once_one_succeeds() {
    for _ in 0..8 {
        let site = Site::unthrottled();
        let (_, confirmed) = site.enrol();
        let code = confirmed.recovery_codes.iter().next().unwrap();
        let (pending, barrier) = (site.pending(), Barrier::new(32));
        let passed: usize = thread::scope(|scope| {
            let tries: Vec<_> = (0..32)
                .map(|n| {
                    let (site, pending, barrier) = (&site, &pending, &barrier);
                    scope.spawn(move || {
                        use auth_core::Authenticator;
                        let typed = code.expose().to_string();
                        let code =
                            auth_credentials::CodeCredential::recovery(pending, typed, Some(address(n)));
                        barrier.wait();
                        usize::from(block_on(site.factors.authenticate(code)).is_ok())
                    })
                })
                .collect();
            tries.into_iter().map(|one| one.join().unwrap()).sum()
        });
        assert_eq!(passed, 1);
        assert_eq!(block_on(site.factors.recovery_codes_left(&site.app.id("ann"))).unwrap(), 9);
        assert!(site.recover(&site.pending(), code).is_err());
    }
}

#[test]
fn every_code_of_a_list_is_another_and_works_once() {
    let site = Site::unthrottled();
    let (_, confirmed) = site.enrol();
    let all: HashSet<String> =
        confirmed.recovery_codes.iter().map(|code| code.expose().to_string()).collect();
    assert_eq!(all.len(), 10);
    for (used, code) in confirmed.recovery_codes.iter().enumerate() {
        assert!(site.recover(&site.pending(), code).is_ok());
        let left = block_on(site.factors.recovery_codes_left(&site.app.id("ann"))).unwrap();
        assert_eq!(left, 9 - used);
    }
}

/// Regenerating ends the old set, and what was used stays used.
#[test]
fn a_new_list_ends_the_old_one() {
    let site = Site::new();
    let (uri, confirmed) = site.enrol();
    site.next_step();
    let who = Authenticated::assertion(site.log_in(&uri).into_authentication());
    let renewed = block_on(site.factors.renew_recovery_codes(&who)).unwrap();
    assert_eq!(block_on(site.factors.recovery_codes_left(who.principal())).unwrap(), 10);
    assert!(site.recover(&site.pending(), confirmed.recovery_codes.iter().next().unwrap()).is_err());
    assert_eq!(site.app.reasons().last(), Some(&RejectionReason::Mismatch));
    assert!(site.recover(&site.pending(), renewed.iter().next().unwrap()).is_ok());
}

/// Without a device there is nothing to recover, and a list would be a second password.
#[test]
fn only_an_account_with_a_device_has_a_list() {
    let site = Site::new();
    assert!(block_on(site.factors.renew_recovery_codes(&site.request())).is_err());
}

/// A code is of one account: nobody else's login takes it, and the one that it is of still does.
#[test]
fn a_code_of_somebody_else_is_refused() {
    let site = Site::new();
    let _ = site.enrol();
    site.app.sign_up("bob", PASSWORD);
    let bob = site.app.request_of("bob", PASSWORD);
    let uri = block_on(site.factors.begin(&bob)).unwrap();
    let theirs = block_on(site.factors.confirm(&bob, &site.shown(&uri))).unwrap().recovery_codes;
    let code = theirs.iter().next().unwrap();
    assert!(site.recover(&site.pending(), code).is_err());
    assert_eq!(site.app.reasons().last(), Some(&RejectionReason::Mismatch));
    let his = block_on(site.accounts.log_in(credential("bob", PASSWORD, address(1)))).unwrap();
    let LoginOutcome::Pending(his) = his else { panic!("no second factor is asked for") };
    assert!(site.recover(&his, code).is_ok());
}

/// A copy of the store does not tell the codes: the rows hold keyed hashes, and nothing else.
#[test]
fn rows_hold_keyed_hashes_and_a_retired_key_still_finds_them() {
    let site = Site::new();
    let secret = Secret::new((0..32).collect());
    let old = KeyRing::new(KeyName::parse("old").unwrap(), secret.clone()).unwrap();
    let new = KeyRing::generate(KeyName::parse("new").unwrap(), &SystemEntropy).unwrap();
    let rotated = new.clone().with_retired(KeyName::parse("old").unwrap(), secret).unwrap();
    let on = |keys: KeyRing| {
        let factors = Site::factors(&site.app, &site.accounts, keys.into());
        Site { factors, ..site.clone() }
    };
    let (_, confirmed) = on(old).enrol();
    let page = block_on(site.app.store.inner.list(&site.app.id("ann"), Page::first())).unwrap();
    let rows: Vec<_> = page.iter().filter(|row| row.key.kind == CredentialKind::RECOVERY_CODE).collect();
    assert_eq!(rows.len(), 10);
    assert!(rows.iter().all(|row| row.key.lookup.len() == 32 && row.data.expose().is_empty()));
    let mut codes = confirmed.recovery_codes.iter();
    assert!(on(new).recover(&site.pending(), codes.next().unwrap()).is_err());
    assert!(on(rotated).recover(&site.pending(), codes.next().unwrap()).is_ok());
}
