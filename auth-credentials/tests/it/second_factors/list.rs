//! Which second factors there are, and one of two less.

use std::sync::Arc;

use auth_core::{
    Assurance, AuditEvent, AuthenticateError, Authenticated, Authentication, Enrolled, Judgement, KeyName,
    KeyRing, LoginGate, LoginPolicy, MemoryTokens, Method, RejectionReason, SystemEntropy, testing::block_on,
};
use auth_credentials::{
    Accounts, EpochRaised, MemoryNotifier, PolicyError, RememberedDevices, SecondFactorError, SecondFactors,
};

use crate::support::{
    address,
    app::{NEXT, PASSWORD},
    counters::TestCounters,
    factors::Site,
    password,
};

const SHORT: &str = "otter 74";

/// A site whose `ann` has a device and a telephone.
fn both() -> (Site, SecondFactors) {
    let site = Site::new();
    let (tokens, texts) = (Arc::new(MemoryTokens::new(100)), Arc::new(MemoryNotifier::default()));
    let queue = Arc::<MemoryNotifier>::clone(&texts);
    let counters = Arc::<TestCounters>::clone(&site.app.counters);
    let factors = site.factors.clone().with_restricted_text_messages(tokens, queue, counters);
    let _ = site.enrol();
    site.next_step();
    let who = who(&site);
    block_on(factors.begin_phone(&who, "+49 170 1234567", Some(address(1)))).unwrap();
    let code = texts.take()[0].notice.code().unwrap().expose().to_owned();
    let _ = block_on(factors.confirm_phone(&who, &code)).unwrap();
    (site, factors)
}

/// A request of hers, by a login of a moment ago.
fn who(site: &Site) -> Authenticated {
    let account = site.app.account("ann");
    Authenticated::assertion(Authentication::new(account.id, Method::PASSWORD, site.now(), account.epoch))
}

fn remove(
    (site, factors): &(Site, SecondFactors),
    method: &Method,
    (current, new): (&str, Option<&str>),
) -> Result<EpochRaised, SecondFactorError> {
    let who = who(site);
    block_on(factors.remove_one(&who, method, password(current), new.map(password), Some(address(1))))
}

fn rejected_as(outcome: Result<EpochRaised, SecondFactorError>) -> RejectionReason {
    match outcome {
        Err(SecondFactorError::Refused(AuthenticateError::Rejected(rejection))) => rejection.reason(),
        other => panic!("{other:?}"),
    }
}

fn methods((site, factors): &(Site, SecondFactors)) -> Vec<Method> {
    let listed = block_on(factors.list(&site.app.id("ann"))).unwrap();
    listed.into_iter().map(|one| one.method).collect()
}

#[test]
fn the_factors_of_an_account_are_listed_with_their_times() {
    let site = Site::new();
    let owner = site.app.id("ann");
    assert!(block_on(site.factors.list(&owner)).unwrap().is_empty());
    let begun = site.now();
    let (uri, _) = site.enrol();
    site.next_step();
    let _ = site.log_in(&uri);
    let listed = block_on(site.factors.list(&owner)).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].method, listed[0].created_at), (&Method::ONE_TIME_CODE, begun));
    assert_eq!(listed[0].last_used_at, Some(site.now()));
    assert_eq!(methods(&both()), [Method::ONE_TIME_CODE, Method::SMS]);
}

/// Whoever loses the telephone keeps the device, and the list of codes with it.
#[test]
fn one_of_two_factors_goes_and_the_other_stays() {
    for (gone, left) in [(Method::SMS, Method::ONE_TIME_CODE), (Method::ONE_TIME_CODE, Method::SMS)] {
        let site = both();
        let before = who(&site.0);
        assert_eq!(rejected_as(remove(&site, &gone, (NEXT, None))), RejectionReason::Mismatch);
        assert_eq!(
            rejected_as(remove(&site, &Method::RECOVERY_CODE, (PASSWORD, None))),
            RejectionReason::NoCredential
        );
        assert_eq!(methods(&site).len(), 2);
        let raised = remove(&site, &gone, (PASSWORD, None)).unwrap();
        assert!(raised.epoch() > before.authentication().epoch);
        assert_eq!(methods(&site), [left]);
        let owner = before.principal();
        assert_eq!(block_on(site.1.recovery_codes_left(owner)).unwrap(), 10);
        let removed =
            AuditEvent::CredentialRemoved { principal: owner.clone(), method: gone.clone(), id: None };
        assert_eq!(site.0.app.audit.events().iter().filter(|(_, event)| *event == removed).count(), 1);
        assert_eq!(rejected_as(remove(&site, &gone, (PASSWORD, None))), RejectionReason::NoCredential);
        let stale = site.1.remove_one(&before, &gone, password(PASSWORD), None, None);
        assert_eq!(rejected_as(block_on(stale)), RejectionReason::Revoked);
    }
}

/// It may be the lost telephone that was shown there.
#[test]
fn devices_that_are_remembered_are_forgotten_with_a_factor() {
    let site = both();
    let keys = KeyRing::generate(KeyName::parse("devices").unwrap(), &SystemEntropy).unwrap();
    let devices = RememberedDevices::new(site.0.accounts.clone(), Arc::new(keys));
    let who = who(&site.0);
    let _ = block_on(devices.remember(&who)).unwrap();
    assert_eq!(block_on(devices.list(who.principal())).unwrap().len(), 1);
    let _ = remove(&site, &Method::SMS, (PASSWORD, None)).unwrap();
    assert!(block_on(devices.list(who.principal())).unwrap().is_empty());
}

/// Beside the one that stays, a password may be short; once the last one goes, it may not.
#[test]
fn the_last_factor_takes_a_short_password_with_it() {
    let site = both();
    let owner = site.0.app.id("ann");
    let _ = block_on(site.0.accounts.set_password(&owner, password(SHORT), None)).unwrap();
    let _ = remove(&site, &Method::SMS, (SHORT, None)).unwrap();
    let last = remove(&site, &Method::ONE_TIME_CODE, (SHORT, None));
    assert!(matches!(last, Err(SecondFactorError::Policy(PolicyError::TooShort { min: 15 }))));
    let _ = remove(&site, &Method::ONE_TIME_CODE, (SHORT, Some(NEXT))).unwrap();
    assert!(methods(&site).is_empty() && site.0.app.log_in("ann", NEXT).is_ok());
    assert_eq!(block_on(site.1.recovery_codes_left(&owner)).unwrap(), 0);
}

/// The log says which it was, also where the telephone was all there was.
#[test]
fn the_last_factor_is_written_down_as_what_it_was() {
    type Last = fn(&(Site, SecondFactors)) -> EpochRaised;
    let ways: [Last; 3] = [
        |site| remove(site, &Method::SMS, (PASSWORD, None)).unwrap(),
        |(site, factors)| {
            block_on(factors.remove(&who(site), password(PASSWORD), None, Some(address(1)))).unwrap()
        },
        |(site, factors)| block_on(factors.reset(&site.app.id("ann"))).unwrap(),
    ];
    for (n, last) in ways.into_iter().enumerate() {
        let site = both();
        let _ = remove(&site, &Method::ONE_TIME_CODE, (PASSWORD, None)).unwrap();
        let _ = last(&site);
        let removed = site.0.app.audit.events().into_iter().filter_map(|(_, event)| match event {
            AuditEvent::CredentialRemoved { method, .. } => Some(method),
            _ => None,
        });
        assert_eq!(removed.collect::<Vec<_>>(), [Method::ONE_TIME_CODE, Method::SMS], "{n}");
        assert!(methods(&site).is_empty());
    }
}

/// Asks for a code of a device, and for nothing where there is but a telephone.
#[derive(Debug)]
struct DevicesAlone;

impl LoginPolicy for DevicesAlone {
    fn judge(&self, passed: &[Method], enrolled: &Enrolled) -> Judgement {
        let code = Method::ONE_TIME_CODE;
        if enrolled.methods().contains(&code) && !passed.contains(&code) {
            return Judgement::Missing(vec![code]);
        }
        Judgement::Enough(Assurance::Aal1)
    }
}

/// What stays may be a factor that is never asked for.
#[test]
fn no_short_password_stays_beside_a_factor_that_the_gate_does_without() {
    let (site, factors) = both();
    let accounts = Accounts::new(
        site.accounts.authenticator().clone(),
        LoginGate::new(Arc::new(DevicesAlone)),
        site.accounts.policy().clone(),
        Arc::<TestCounters>::clone(&site.app.counters),
        Arc::new(SystemEntropy),
    );
    let owner = site.app.id("ann");
    let _ = block_on(accounts.set_password(&owner, password(SHORT), None)).unwrap();
    let keys = KeyRing::generate(KeyName::parse("other").unwrap(), &SystemEntropy).unwrap();
    let site = (site.clone(), Site::factors(&site.app, &accounts, Arc::new(keys)));
    let short = remove(&site, &Method::ONE_TIME_CODE, (SHORT, None));
    assert!(matches!(short, Err(SecondFactorError::Policy(PolicyError::TooShort { min: 15 }))));
    assert_eq!(methods(&site).len(), 2);
    let _ = remove(&site, &Method::ONE_TIME_CODE, (SHORT, Some(NEXT))).unwrap();
    assert_eq!(methods(&(site.0, factors)), [Method::SMS]);
}

/// Two pages at once, one for each: the account is not left without any by a password that is too short for it.
#[test]
fn of_two_removals_at_once_one_wins() {
    let site = both();
    let other = site.clone();
    site.0.app.store.before("apply", move || {
        let _ = remove(&other, &Method::SMS, (PASSWORD, None)).unwrap();
    });
    assert!(remove(&site, &Method::ONE_TIME_CODE, (PASSWORD, None)).is_err());
    assert_eq!(methods(&site), [Method::ONE_TIME_CODE]);
}
