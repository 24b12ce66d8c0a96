//! Doing without a second factor.

use std::sync::Arc;

use auth_core::{Authenticated, KeyName, KeyRing, LoginGate, Refusal, SystemEntropy, testing::block_on};
use auth_credentials::{
    Accounts, ChangePasswordError, OneFactor, PasswordPolicy, PolicyError, SecondFactorError,
};

use crate::support::{
    address,
    app::{NEXT, PASSWORD, credential},
    counters::TestCounters,
    factors::Site,
    password,
};

const SHORT: &str = "otter 74";

/// A request of somebody who logged in with both.
fn request(site: &Site) -> Authenticated {
    let (uri, _) = site.enrol();
    site.next_step();
    Authenticated::assertion(site.log_in(&uri).into_authentication())
}

#[test]
fn whoever_removes_the_device_presents_the_password() {
    let site = Site::new();
    let who = request(&site);
    let remove = |current| block_on(site.factors.remove(&who, password(current), None, Some(address(1))));
    assert_eq!(Refusal::from(remove(NEXT).unwrap_err()).status(), 401);
    assert!(!block_on(site.accounts.enrolled(who.principal())).unwrap().is_empty());
    let raised = remove(PASSWORD).unwrap();
    assert!(raised.epoch() > who.authentication().epoch);
    assert_eq!(block_on(site.factors.recovery_codes_left(who.principal())).unwrap(), 0);
    assert!(site.app.audit.has("credential.removed"));
    let _ = site.request();
}

/// Issue of NIST SP 800-63B-4 section 3.1.1.2: 8 characters beside a second factor, 15 alone. Whoever gives the
/// factor up gives the short password up with it.
#[test]
fn a_short_password_does_not_stay_alone() {
    let site = Site::new();
    let who = request(&site);
    let change = |new| {
        block_on(site.accounts.change_password(&who, password(PASSWORD), password(new), Some(address(1))))
    };
    // Beside the device it may be short; for an account without one it may not.
    let _ = change(SHORT).unwrap();
    let login = match block_on(site.accounts.log_in(credential("ann", SHORT, address(1)))).unwrap() {
        auth_core::LoginOutcome::Pending(pending) => pending,
        auth_core::LoginOutcome::Complete(_) => panic!("a short password alone is no login"),
    };
    // The epoch went up with the change: a request of the new one.
    let now = site.now();
    let authentication = auth_core::Authentication::new(
        login.principal().clone(),
        auth_core::Method::PASSWORD,
        now,
        login.epoch(),
    );
    let who = Authenticated::assertion(authentication);
    let remove = |new: Option<&str>| {
        block_on(site.factors.remove(&who, password(SHORT), new.map(password), Some(address(1))))
    };
    let error = remove(None).unwrap_err();
    assert!(matches!(error, SecondFactorError::Policy(PolicyError::TooShort { min: 15 })));
    assert_eq!(Refusal::from(error).status(), 400);
    assert!(matches!(remove(Some("kite 745")), Err(SecondFactorError::Policy(_))));
    assert!(!block_on(site.accounts.enrolled(who.principal())).unwrap().is_empty());
    let _ = remove(Some(NEXT)).unwrap();
    assert!(site.app.log_in("ann", SHORT).is_err());
    assert!(site.app.log_in("ann", NEXT).is_ok());
    // And it cannot be made short again.
    assert!(block_on(site.accounts.set_password(who.principal(), password(SHORT), None)).is_err());
}

/// On a device that is remembered, and wherever else the gate does without the factor, the password is all that is shown.
#[test]
fn a_password_that_logs_in_alone_on_a_remembered_device_is_no_short_one() {
    let site = Site::new();
    let who = request(&site);
    for (gate, lets_in) in
        [(OneFactor::password(), false), (OneFactor::password().or_remembered_device(), true)]
    {
        let accounts = Accounts::new(
            site.app.accounts.authenticator().clone(),
            LoginGate::new(Arc::new(gate)),
            site.accounts.policy().clone(),
            Arc::<TestCounters>::clone(&site.app.counters),
            Arc::new(SystemEntropy),
        );
        let set = block_on(accounts.set_password(who.principal(), password(SHORT), None));
        match set {
            Err(ChangePasswordError::Policy(PolicyError::TooShort { min: 15 })) => assert!(lets_in),
            set => assert!(set.is_ok() && !lets_in),
        }
        assert!(block_on(accounts.set_password(who.principal(), password(NEXT), None)).is_ok());
    }
}

/// Where 20 characters are asked for alone, 15 are short.
#[test]
fn a_password_that_is_short_for_the_policy_does_not_stay_alone() {
    let site = Site::new();
    let who = request(&site);
    let policy = PasswordPolicy::single_factor().at_least(22).shorter_beside_second_factor();
    let accounts = site.accounts.clone().with_policy(policy);
    let keys = KeyRing::generate(KeyName::parse("other").unwrap(), &SystemEntropy).unwrap();
    let factors = Site::factors(&site.app, &accounts, Arc::new(keys));
    assert_eq!(PASSWORD.chars().count(), 21);
    let remove = |new| block_on(factors.remove(&who, password(PASSWORD), new, Some(address(1)))).map(|_| ());
    assert!(matches!(remove(None), Err(SecondFactorError::Policy(PolicyError::TooShort { min: 22 }))));
    assert!(!block_on(accounts.enrolled(who.principal())).unwrap().is_empty());
    assert!(remove(Some(password("granite kites by noon and dusk"))).is_ok());
}

/// The device goes while a short password is being set: the two must not both happen.
#[test]
fn a_device_that_goes_meanwhile_refuses_the_short_password() {
    let site = Site::new();
    let who = request(&site);
    let other = site.clone();
    site.app.store.before("apply", move || {
        let _ = block_on(other.factors.reset(&other.app.id("ann"))).unwrap();
    });
    let set = block_on(site.accounts.set_password(who.principal(), password(SHORT), None));
    assert!(matches!(set, Err(auth_credentials::ChangePasswordError::Policy(_))));
}

/// An administrator does not know how long the password is, so it goes as well.
#[test]
fn a_reset_leaves_no_short_password_behind() {
    let site = Site::new();
    let who = request(&site);
    let _ = block_on(site.factors.reset(who.principal())).unwrap();
    assert!(block_on(site.accounts.enrolled(who.principal())).unwrap().is_empty());
    assert!(site.app.log_in("ann", PASSWORD).is_err());
}
