//! Raising a login.

use std::time::Duration;

use auth_core::{
    AccountChange, AccountStatus, Assurance, AuthenticateError, Authenticated, Authentication, Authenticator,
    CredentialKey, CredentialKind, CredentialStore, Limits, LoginOutcome, Method, PrincipalId,
    RejectionReason, Scopes, testing::block_on,
};
use auth_credentials::{Accounts, CodeCredential, OtpUri};

use crate::support::{address, factors::Site};

/// Ann with a device, and a session of hers that did without it an hour ago.
struct Old {
    site: Site,
    uri: OtpUri,
    who: Authenticated,
}

impl Old {
    fn new() -> Self {
        let site = Site::new();
        let (uri, confirmed) = site.enrol();
        let login =
            Authentication::new(site.app.id("ann"), Method::PASSWORD, site.now(), confirmed.raised.epoch())
                .with_methods(vec![Method::PASSWORD, Method::REMEMBERED_DEVICE]);
        site.app.clock.step(Duration::from_secs(3_600));
        Self { site, uri, who: Authenticated::assertion(login) }
    }

    fn with(&self, change: impl FnOnce(Authentication) -> Authentication) -> Authenticated {
        Authenticated::assertion(change(self.who.authentication().clone()))
    }

    fn raise(&self, who: &Authenticated, typed: String) -> Result<Authenticated, AuthenticateError> {
        let pending = block_on(self.site.accounts.step_up(who))?;
        let code = CodeCredential::one_time(&pending, typed, Some(address(1)));
        let factor = block_on(self.site.factors.authenticate(code))?;
        match block_on(self.site.accounts.proceed(pending, factor, Some(address(1))))? {
            LoginOutcome::Complete(login) => Ok(Authenticated::assertion(login.into_authentication())),
            LoginOutcome::Pending(_) => panic!("two factors are enough"),
        }
    }

    fn failures(&self) -> u32 {
        let key = CredentialKey::only(&self.site.app.id("ann"), CredentialKind::ONE_TIME_CODES);
        block_on(self.site.app.store.inner.find(&key)).unwrap().unwrap().credential.failures
    }
}

/// RFC 9470: what a challenge asks for, by a code alone, and by the gate alone. A code makes no password fresh: whoever found
/// a telephone has the old session on it, and its codes.
#[test]
fn a_code_raises_a_login_and_makes_it_no_younger() {
    let old = Old::new();
    let at = old.who.authentication().at;
    assert!(block_on(old.site.factors.begin(&old.who)).is_err());
    let code = old.site.shown(&old.uri);
    let raised = old.raise(&old.who, code.clone()).unwrap();
    assert_eq!(raised.authentication().methods, [Method::PASSWORD, Method::ONE_TIME_CODE]);
    assert!(raised.at_least(Assurance::Aal2).is_ok());
    assert_eq!(raised.authentication().at, at);
    assert!(raised.fresh_within(Accounts::RECENT, old.site.now()).is_err());
    assert!(block_on(old.site.factors.begin(&raised)).is_err(), "enrols nothing");
    assert!(old.site.app.audit.has("login"));
    // What overheard the code has no use for it, and a login that has both shows one of them again.
    assert!(old.raise(&old.who, code).is_err());
    old.site.app.clock.step(Accounts::RECENT + Duration::from_secs(1));
    let again = old.raise(&raised, old.site.shown(&old.uri)).unwrap();
    assert_eq!(again.authentication().methods, [Method::PASSWORD, Method::ONE_TIME_CODE]);
    assert_eq!(again.authentication().at, at);
}

/// A stolen session gets no further than its codes.
#[test]
fn a_wrong_code_raises_nothing_and_is_counted() {
    let old = Old::new();
    for n in 1..=5 {
        assert!(old.raise(&old.who, "000000".into()).is_err());
        assert_eq!(old.failures(), n);
    }
    let error = old.raise(&old.who, old.site.shown(&old.uri)).unwrap_err();
    assert!(matches!(error, AuthenticateError::Throttled(_)), "as at a login");
}

/// Whoever only carries something of Ann's must not use up the tries of hers either.
#[test]
fn nobody_but_a_person_steps_up_and_no_try_is_used_up() {
    let old = Old::new();
    let admin = PrincipalId::local_user("admin").unwrap();
    let scopes = Limits::unlimited().with_scopes(Scopes::parse("notes.read").unwrap());
    for (who, reason) in [
        (old.with(|it| it.with_methods(vec![Method::API_KEY])), RejectionReason::Policy),
        (
            old.with(|it| it.with_methods(vec![Method::PASSWORD, Method::BEARER_TOKEN])),
            RejectionReason::Policy,
        ),
        (old.with(|it| it.with_methods(vec![Method::PASSWORD, Method::BASIC])), RejectionReason::Policy),
        (old.with(|it| it.with_methods(vec![Method::CERTIFICATE])), RejectionReason::Policy),
        (old.with(|it| it.with_actor(admin)), RejectionReason::Policy),
        (old.with(|it| it.with_limits(scopes)), RejectionReason::Policy),
        (
            old.with(|mut it| {
                it.epoch = it.epoch.next();
                it
            }),
            RejectionReason::Revoked,
        ),
    ] {
        assert!(matches!(block_on(old.site.accounts.step_up(&who)), Err(AuthenticateError::Rejected(_))));
        assert_eq!(old.site.app.reasons().last(), Some(&reason), "{who:?}");
    }
    assert_eq!(old.failures(), 0);
    old.site.app.change("ann", AccountChange::Status(AccountStatus::Disabled));
    assert!(block_on(old.site.accounts.step_up(&old.who)).is_err());
    // Where there is no second factor there is nothing to add.
    let plain = Site::new();
    assert!(block_on(plain.accounts.step_up(&plain.request())).is_err());
    assert_eq!(plain.app.reasons().last(), Some(&RejectionReason::NoCredential));
}

/// Enrolling anew, or whatever else raises the epoch, ends what waits.
#[test]
fn a_step_up_under_way_does_not_survive_what_ends_the_session() {
    let old = Old::new();
    let pending = block_on(old.site.accounts.step_up(&old.who)).unwrap();
    let _ = block_on(old.site.accounts.log_out_everywhere(&old.site.app.id("ann"))).unwrap();
    let code = CodeCredential::one_time(&pending, old.site.shown(&old.uri), None);
    assert!(block_on(old.site.factors.authenticate(code)).is_err());
    assert_eq!(old.site.app.reasons().last(), Some(&RejectionReason::Revoked));
}
