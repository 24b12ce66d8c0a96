//! What the gate says of a right password, and what the audit log says of the gate.

use std::sync::Arc;

use auth_core::{
    Assurance, AuditEvent, AuthEpoch, AuthenticateError, Clock, Enrolled, FactorPassed, Judgement, LoginGate,
    LoginOutcome, LoginPolicy, Method, PrincipalId, RejectionReason, SystemEntropy, testing::block_on,
};
use auth_credentials::{Accounts, PasswordPolicy};

use crate::support::{
    address,
    app::{App, PASSWORD, credential},
    counters::TestCounters,
};

struct RefusesAll;

impl LoginPolicy for RefusesAll {
    fn judge(&self, _: &[Method], _: &Enrolled) -> Judgement {
        Judgement::Missing(Vec::new())
    }
}

struct TwoFactors;

impl LoginPolicy for TwoFactors {
    fn judge(&self, passed: &[Method], _: &Enrolled) -> Judgement {
        match passed {
            [_, _] => Judgement::Enough(Assurance::Aal2),
            _ => Judgement::Missing(vec![Method::ONE_TIME_CODE]),
        }
    }
}

/// The same accounts with another gate.
fn behind(app: &App, policy: impl LoginPolicy + 'static) -> Accounts {
    Accounts::new(
        app.accounts.authenticator().clone(),
        LoginGate::new(Arc::new(policy)),
        PasswordPolicy::default(),
        Arc::<TestCounters>::clone(&app.counters),
        Arc::new(SystemEntropy),
    )
}

fn log_in(accounts: &Accounts) -> Result<LoginOutcome, AuthenticateError> {
    block_on(accounts.log_in(credential("ann", PASSWORD, address(1))))
}

/// A gate that wants more than a password, or something else, has the last word.
#[test]
fn the_gate_has_the_last_word() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    let outcome = log_in(&behind(&app, RefusesAll));
    assert!(matches!(outcome, Err(AuthenticateError::Rejected(_))));
    assert_eq!(app.reasons(), [RejectionReason::Policy]);
}

/// A log that has a login where a second factor was never shown hides the very theft it is kept for.
#[test]
fn a_login_is_written_down_when_the_gate_completes_it_and_not_before() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    assert!(log_in(&behind(&app, RefusesAll)).is_err());
    let accounts = behind(&app, TwoFactors);
    let pending = || match log_in(&accounts).unwrap() {
        LoginOutcome::Pending(pending) => pending,
        LoginOutcome::Complete(_) => panic!("one factor was enough"),
    };
    let code = |principal: PrincipalId| {
        FactorPassed::assertion(principal, Method::ONE_TIME_CODE, app.clock.now(), AuthEpoch::ZERO)
    };
    let (first, somebody) = (pending(), PrincipalId::local_user("somebody").unwrap());
    let refused = block_on(accounts.proceed(pending(), code(somebody), Some(address(1))));
    assert!(matches!(refused, Err(AuthenticateError::Rejected(_))));
    assert_eq!(app.reasons().last(), Some(&RejectionReason::Policy));
    let factors = app.audit.events().iter().filter(|(_, event)| event.name() == "factor.passed").count();
    assert!(factors == 3 && !app.audit.has("login"), "{factors} passwords were right, and nobody is in");

    let complete = block_on(accounts.proceed(first, code(app.id("ann")), Some(address(1)))).unwrap();
    assert!(matches!(complete, LoginOutcome::Complete(_)));
    let expected = AuditEvent::LoggedIn {
        principal: app.id("ann"),
        methods: vec![Method::PASSWORD, Method::ONE_TIME_CODE],
        source: Some(address(1)),
    };
    assert_eq!(app.audit.events().last().map(|(_, event)| event.clone()), Some(expected));
}
