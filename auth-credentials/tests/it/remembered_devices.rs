//! Devices that are remembered.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Assurance, AuthenticateError, Authenticated, Authenticator, EpochBump, FactorPassed, KeyName, KeyRing,
    LoginGate, LoginOutcome, Method, PendingLogin, Purpose, Refusal, RejectionReason, SystemEntropy,
    testing::{FailWith, block_on},
};
use auth_credentials::{
    Accounts, DeviceCredential, DeviceId, KnownDevice, Limit, OneFactor, OtpUri, PasswordCredential,
    PasswordPolicy, RememberedDevices, SecondFactorError, Throttle, ThrottleLimits,
};

use crate::support::{
    address,
    app::{NEXT, PASSWORD, credential},
    counters::TestCounters,
    factors::Site,
    password,
};

/// A site that remembers devices, where Ann has a second factor.
struct Home {
    site: Site,
    devices: RememberedDevices,
    uri: OtpUri,
}

impl Home {
    fn new() -> Self {
        let mut site = Site::new();
        site.accounts = Accounts::new(
            site.app.accounts.authenticator().clone(),
            LoginGate::new(Arc::new(OneFactor::password().or_remembered_device())),
            PasswordPolicy::default(),
            Arc::<TestCounters>::clone(&site.app.counters),
            Arc::new(SystemEntropy),
        );
        let keys = Arc::new(KeyRing::generate(KeyName::parse("test").unwrap(), &SystemEntropy).unwrap());
        let devices = RememberedDevices::new(site.accounts.clone(), keys);
        let (uri, _) = site.enrol();
        Self { site, devices, uri }
    }

    /// A request of somebody who showed both factors just now.
    fn request(&self) -> Authenticated {
        self.site.next_step();
        Authenticated::assertion(self.site.log_in(&self.uri).into_authentication())
    }

    fn remembered(&self) -> String {
        block_on(self.devices.remember(&self.request())).unwrap().expose().to_owned()
    }

    fn check(&self, pending: &PendingLogin, text: &str) -> Result<FactorPassed, AuthenticateError> {
        let credential = DeviceCredential::new(pending, text.to_owned(), Some(address(1)));
        block_on(self.devices.authenticate(credential))
    }

    /// Logs in with a password on a device.
    fn log_in_on(&self, text: &str) -> Authenticated {
        let pending = self.site.pending();
        let factor = self.check(&pending, text).unwrap();
        match block_on(self.site.accounts.proceed(pending, factor, Some(address(1)))).unwrap() {
            LoginOutcome::Complete(login) => Authenticated::assertion(login.into_authentication()),
            LoginOutcome::Pending(_) => panic!("the device is remembered"),
        }
    }

    fn refused(&self, text: &str) -> RejectionReason {
        let outcome = self.check(&self.site.pending(), text);
        assert!(matches!(outcome, Err(AuthenticateError::Rejected(_))), "{outcome:?}");
        *self.site.app.reasons().last().unwrap()
    }

    fn known(&self, text: &str) -> bool {
        block_on(self.devices.recognise(text)).unwrap().is_some()
    }
}

/// "Remember me" (better-auth#9122): the gate decides, by a policy that says so, and what needs
/// both factors still needs them.
#[test]
fn a_remembered_device_does_without_the_second_factor_where_the_policy_says_so() {
    let home = Home::new();
    let text = home.remembered();
    assert_eq!(home.site.pending().missing().last(), Some(&Method::REMEMBERED_DEVICE));
    let who = home.log_in_on(&text);
    assert_eq!(who.authentication().methods, [Method::PASSWORD, Method::REMEMBERED_DEVICE]);
    assert!(who.at_least(Assurance::Aal2).is_err());
    // Again and again, until its end, and being used prolongs nothing.
    home.site.app.clock.step(RememberedDevices::LIFE - Duration::from_secs(1));
    let _ = home.log_in_on(&text);
    home.site.app.clock.step(Duration::from_secs(1));
    assert_eq!(home.refused(&text), RejectionReason::Expired);

    // The gate of a site that did not say so has not asked for it.
    let strict = Site::new();
    let _ = strict.enrol();
    let credential = DeviceCredential::new(&strict.pending(), text, None);
    assert!(block_on(home.devices.authenticate(credential)).is_err());
}

/// A stolen device and the password are not to become an account without a second factor.
#[test]
fn a_login_on_a_remembered_device_changes_no_factor() {
    let home = Home::new();
    let text = home.remembered();
    let who = home.log_in_on(&text);
    let challenged = |error| match error {
        SecondFactorError::Challenged(challenge) => assert_eq!(challenge.assurance, Some(Assurance::Aal2)),
        other => panic!("{other:?}"),
    };
    challenged(block_on(home.site.factors.begin(&who)).unwrap_err());
    challenged(block_on(home.site.factors.renew_recovery_codes(&who)).unwrap_err());
    challenged(block_on(home.site.factors.remove(&who, password(PASSWORD), None, None)).unwrap_err());
    challenged(block_on(home.devices.remember(&who)).unwrap_err());
    let change = |who: &Authenticated| {
        block_on(home.site.accounts.change_password(who, password(PASSWORD), password(NEXT), None))
    };
    assert_eq!(Refusal::from(change(&who).unwrap_err()).status(), 401);
    assert_eq!(home.site.app.reasons().last(), Some(&RejectionReason::Policy));
    // With the code shown as well it is a login like any other.
    let mut authentication = who.authentication().clone();
    authentication.assurance = Assurance::Aal2;
    let who = Authenticated::assertion(authentication);
    assert!(block_on(home.site.factors.begin(&who)).is_ok());
    assert!(change(&who).is_ok());
}

/// Bound to account, epoch, device and end; and whoever makes one up, makes up nothing.
#[test]
fn a_cookie_is_for_one_account_as_it_was() {
    let home = Home::new();
    let text = home.remembered();
    let other = Home::new();
    let foreign = other.remembered();
    assert_eq!(home.refused(&foreign), RejectionReason::Unknown, "another ring");
    for bad in ["", "x", &text[1..], &format!("{text}A"), &"A".repeat(1 << 20)] {
        assert_eq!(home.refused(bad), RejectionReason::Unknown);
        assert!(!home.known(bad));
    }
    // Bob's, on the same site.
    home.site.app.sign_up("bob", PASSWORD);
    let bob = home.site.app.request_of("bob", PASSWORD);
    let his = block_on(home.devices.remember(&bob)).unwrap();
    assert_eq!(home.refused(his.expose()), RejectionReason::Mismatch);
    // Whatever ends sessions ends it.
    assert!(home.known(&text));
    let _ = block_on(home.site.accounts.log_out_everywhere(&home.site.app.id("ann"))).unwrap();
    assert_eq!(home.refused(&text), RejectionReason::Revoked);
    assert!(!home.known(&text));
}

/// The factor that it stands for was shown on it.
#[test]
fn a_device_that_was_remembered_without_a_second_factor_has_none() {
    let home = Home::new();
    let who = home.request();
    let mut authentication = who.authentication().clone();
    (authentication.assurance, authentication.methods) = (Assurance::Aal1, vec![Method::PASSWORD]);
    let token = block_on(home.devices.remember(&Authenticated::assertion(authentication))).unwrap();
    assert_eq!(home.refused(token.expose()), RejectionReason::Policy);
    assert!(home.known(token.expose()), "tries of its own");
    let late = home.request();
    home.site.app.clock.step(Duration::from_secs(601));
    assert!(matches!(block_on(home.devices.remember(&late)), Err(SecondFactorError::Challenged(_))));
}

#[test]
fn a_device_that_is_forgotten_is_dead_at_once() {
    let home = Home::new();
    let (first, second) = (home.remembered(), home.remembered());
    let who = home.request();
    let _ = home.log_in_on(&first);
    let list = block_on(home.devices.list(who.principal())).unwrap();
    assert!(list.len() == 2 && list.iter().all(|one| one.second_factor));
    assert!(list[0].last_used_at.is_some() && list[1].last_used_at.is_none());
    let id = DeviceId::parse(&list[0].id.to_string()).unwrap();
    assert!(block_on(home.devices.forget(&who, &id)).unwrap());
    assert!(!block_on(home.devices.forget(&who, &id)).unwrap());
    assert_eq!(home.refused(&first), RejectionReason::NoCredential);
    let _ = home.log_in_on(&second);
    // Between the look and the use as well.
    let (devices, other) = (home.devices.clone(), who.clone());
    home.site.app.store.before("succeeded", || ());
    let pending = home.site.pending();
    home.site.app.store.before("succeeded", move || {
        assert_eq!(block_on(devices.forget_all(&other)).unwrap(), 1);
    });
    assert!(home.check(&pending, &second).is_err());
    assert!(home.site.app.audit.has("credential.removed"));
    // Somebody else's stay.
    home.site.app.sign_up("bob", PASSWORD);
    let bob = home.site.app.request_of("bob", PASSWORD);
    let hers = home.remembered();
    assert_eq!(block_on(home.devices.forget_all(&bob)).unwrap(), 0);
    assert!(home.known(&hers));
}

#[test]
fn an_account_has_a_bounded_number_of_devices() {
    let home = Home::new();
    let who = home.request();
    let all: Vec<_> = (0..RememberedDevices::MAX + 2)
        .map(|_| {
            home.site.app.clock.step(Duration::from_secs(1));
            block_on(home.devices.remember(&who)).unwrap()
        })
        .collect();
    assert_eq!(block_on(home.devices.list(who.principal())).unwrap().len(), RememberedDevices::MAX);
    let known: Vec<bool> = all.iter().map(|token| home.known(token.expose())).collect();
    assert_eq!(known[..3], [false, false, true]);
    home.site.app.clock.step(RememberedDevices::LIFE);
    assert!(block_on(home.devices.list(who.principal())).unwrap().is_empty());
}

/// Removing the second factor leaves no device that would stand for it, were one enrolled again.
#[test]
fn without_a_second_factor_no_device_is_remembered() {
    let home = Home::new();
    let text = home.remembered();
    let _ = block_on(home.site.factors.remove(&home.request(), password(PASSWORD), None, None)).unwrap();
    assert!(!home.known(&text));
    assert!(block_on(home.devices.list(&home.site.app.id("ann"))).unwrap().is_empty());
}

/// Strangers guess at Ann's account from everywhere, and at all of them; on a device where she
/// was before she logs in as if nothing was.
#[test]
fn what_strangers_do_does_not_slow_a_remembered_device() {
    let home = Home::new();
    let text = home.remembered();
    let known = block_on(home.devices.recognise(&text)).unwrap();
    assert!(known.is_some());
    let try_as = |login: &str, typed: &str, from, device| {
        let tried = PasswordCredential::typed(login, typed.to_owned(), Some(address(from))).on(device);
        block_on(home.site.accounts.log_in(tried))
    };
    let throttled = |outcome: Result<LoginOutcome, AuthenticateError>| {
        matches!(outcome, Err(AuthenticateError::Throttled(_)))
    };
    // A hundred tries of the account from this very source would be too many.
    for n in 0..60 {
        let _ = try_as("ann", NEXT, 500 + n, None);
    }
    for n in 0..100 {
        let _ = try_as(&format!("user{n}"), NEXT, 7, None);
    }
    for _ in 0..10 {
        home.site.app.clock.step(Duration::from_secs(1));
        assert!(throttled(try_as("ann", PASSWORD, 7, None)));
        assert!(try_as("ann", PASSWORD, 7, known.clone()).is_ok());
    }
    // It is like none at any other account.
    assert!(throttled(try_as("bob", PASSWORD, 7, known.clone())));
    // Ten are its own, good ones among them; then it is like none, and its source is counted.
    let outcome = try_as("ann", PASSWORD, 7, known.clone());
    assert_eq!(Refusal::from(outcome.unwrap_err()).status(), 429);
    home.site.app.clock.step(Duration::from_secs(1_800));
    let tries = (0..200).filter(|_| !throttled(try_as("ann", NEXT, 9, known.clone()))).count();
    assert_eq!(tries, 10 + 10, "as many as a pair, and the pair");
}

/// NIST SP 800-63B-4 section 3.2.2: after a hundred failures in a row a password is refused, and whoever likes can bring
/// that about. Where Ann was before she still gets in, and that makes no new guesses for the others.
#[test]
fn whoever_locks_a_password_does_not_lock_its_owner_out_of_her_devices() {
    let home = Home::new();
    let (text, other) = (home.remembered(), home.remembered());
    let device = |text: &str| block_on(home.devices.recognise(text)).unwrap();
    let (known, second) = (device(&text), device(&other));
    let try_as = |typed: &str, from, device: &Option<KnownDevice>| {
        // Slowly enough for the throttle.
        home.site.app.clock.step(Duration::from_secs(300));
        let tried =
            PasswordCredential::typed("ann", typed.to_owned(), Some(address(from))).on(device.clone());
        block_on(home.site.accounts.log_in(tried)).is_ok()
    };
    let last = || *home.site.app.reasons().last().unwrap();
    // One that is right on her device begins the count anew, as one anywhere does.
    for n in 0..60 {
        assert!(!try_as(NEXT, 500 + n, &None));
    }
    assert!(try_as(PASSWORD, 7, &known));
    for n in 0..=100 {
        assert!(!try_as(NEXT, 500 + n, &None));
    }
    assert_eq!(last(), RejectionReason::Locked);
    for n in 0..3 {
        assert!(!try_as(PASSWORD, 7, &None), "{n}");
        assert_eq!(last(), RejectionReason::Locked);
        assert!(try_as(PASSWORD, 7, &known), "{n}");
    }
    // On the device as well there are a hundred in a row, and then it is like none.
    for _ in 0..99 {
        assert!(!try_as(NEXT, 7, &known));
    }
    assert!(try_as(PASSWORD, 7, &known));
    for _ in 0..100 {
        assert!(!try_as(NEXT, 7, &known));
        assert_eq!(last(), RejectionReason::Mismatch);
    }
    assert!(!try_as(PASSWORD, 7, &known));
    assert_eq!(last(), RejectionReason::Locked);
    assert!(try_as(PASSWORD, 7, &second), "another of hers has its own");
    // A new password begins everything anew.
    let _ = block_on(home.site.accounts.set_password(&home.site.app.id("ann"), password(PASSWORD), None))
        .unwrap();
    assert!(try_as(PASSWORD, 7, &None));
}

/// A password that is changed during a login ends it there too, where no failure of its own is taken back.
#[test]
fn a_locked_password_that_is_changed_during_a_login_on_a_device_ends_it() {
    let home = Home::new();
    let text = home.remembered();
    let known = block_on(home.devices.recognise(&text)).unwrap();
    for n in 0..=100 {
        home.site.app.clock.step(Duration::from_secs(300));
        let tried = PasswordCredential::typed("ann", NEXT.to_owned(), Some(address(500 + n)));
        assert!(block_on(home.site.accounts.log_in(tried)).is_err());
    }
    let (accounts, ann) = (home.site.accounts.clone(), home.site.app.id("ann"));
    home.site.app.store.before("succeeded", move || {
        let _ = block_on(accounts.set_password(&ann, password(NEXT), None)).unwrap();
    });
    let tried = PasswordCredential::typed("ann", PASSWORD.to_owned(), Some(address(7))).on(known);
    assert!(block_on(home.site.accounts.log_in(tried)).is_err());
    assert_eq!(home.site.app.reasons().last(), Some(&RejectionReason::Mismatch), "it was looked at again");
}

/// A site where more is refused than people mistype slows everybody, and nobody who is known.
#[test]
fn guessing_everywhere_slows_everybody_but_remembered_devices() {
    let home = Home::new();
    let text = home.remembered();
    let known = block_on(home.devices.recognise(&text)).unwrap();
    let limit = |tries: u32| Limit::new(tries.try_into().unwrap(), ThrottleLimits::login().pair.window());
    let limits = ThrottleLimits { global: Some(limit(20)), ..ThrottleLimits::login() };
    let counters = Arc::<TestCounters>::clone(&home.site.app.counters);
    let throttle = Throttle::new(counters, Purpose::new("spray"), limits);
    let checks = home.site.app.accounts.authenticator();
    let authenticator = auth_credentials::PasswordAuthenticator::new(
        auth_credentials::AccountStores::new(Arc::clone(&home.site.app.store)),
        checks.pool().clone(),
        throttle,
        Arc::<auth_core::MemoryAudit>::clone(&home.site.app.audit),
        Arc::new(home.site.app.clock.clone()),
    );
    let attempt = |login: &str, typed: &str, from| {
        block_on(authenticator.authenticate(credential(login, typed, address(from))))
    };
    let throttled = |outcome: &Result<FactorPassed, AuthenticateError>| {
        matches!(outcome, Err(AuthenticateError::Throttled(_)))
    };
    // Those who know their password are not counted.
    for n in 0..40 {
        assert!(attempt("ann", PASSWORD, n).is_ok(), "{n}");
        home.site.app.clock.step(Duration::from_secs(60));
    }
    // One try at each of many accounts, from as many places.
    for n in 0..20 {
        assert!(!throttled(&attempt(&format!("user{n}"), NEXT, 100 + n)), "{n}");
    }
    let mut open = 0;
    for second in 0..32 {
        home.site.app.clock.step(Duration::from_secs(1));
        let outcome = attempt("ann", PASSWORD, 1_000 + second);
        open += u32::from(outcome.is_ok());
        if second % 4 == 0 {
            let device = credential("ann", PASSWORD, address(2_000)).on(known.clone());
            assert!(block_on(authenticator.authenticate(device)).is_ok());
        }
    }
    assert_eq!(open, 2 * 2, "two seconds in sixteen: delayed and never shut");
}

#[test]
fn what_fails_remembers_and_recognises_nobody() {
    let home = Home::new();
    let (text, who, pending) = (home.remembered(), home.request(), home.site.pending());
    for how in [FailWith::NotWritten, FailWith::LostAnswer, FailWith::Timeout] {
        home.site.app.store.inner.fail_with(Some(how));
        assert!(block_on(home.devices.recognise(&text)).is_err());
        assert!(block_on(home.devices.remember(&who)).is_err());
        assert_eq!(Refusal::from(home.check(&pending, &text).unwrap_err()).status(), 503);
    }
    home.site.app.store.inner.fail_with(None);
    // Held to the account as it is: one that changes all the time is busy.
    let account = home.site.app.account("ann");
    let _ = block_on(auth_core::AccountStore::apply(
        &home.site.app.store.inner,
        &account.id,
        account.version,
        &[],
        EpochBump::Keep,
    ))
    .unwrap();
    assert!(block_on(home.devices.remember(&who)).is_ok());
    let shown = format!("{:?} {:?}", home.devices, block_on(home.devices.recognise(&text)).unwrap());
    assert!(!shown.contains("ann") && !shown.contains(&text), "{shown}");
}
