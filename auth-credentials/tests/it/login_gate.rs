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

/// NIST SP 800-63B-4 section 3.1.1.2: eight characters are for passwords that never log in alone. Whether they do is the
/// gate's to say, so the two are looked at together.
#[test]
fn short_passwords_are_refused_where_one_logs_in_alone() {
    use auth_credentials::{OneFactor, ShortPasswordsError, TwoFactors as Both};

    struct OnlyWhereThereIsNone;

    impl LoginPolicy for OnlyWhereThereIsNone {
        fn judge(&self, _: &[Method], enrolled: &Enrolled) -> Judgement {
            match enrolled.is_empty() {
                true => Judgement::Missing(Vec::new()),
                false => Judgement::Enough(Assurance::Aal1),
            }
        }
    }

    /// A telephone is never asked for.
    #[derive(Debug)]
    struct DoesWithoutTelephones;

    impl LoginPolicy for DoesWithoutTelephones {
        fn judge(&self, _: &[Method], enrolled: &Enrolled) -> Judgement {
            match enrolled.methods().contains(&Method::SMS) {
                true => Judgement::Enough(Assurance::Aal1),
                false => Judgement::Missing(Vec::new()),
            }
        }
    }

    let app = App::new();
    let refused = |accounts: Accounts| accounts.with_short_passwords(8).err();
    assert_eq!(refused(behind(&app, OneFactor::password())), Some(ShortPasswordsError));
    assert_eq!(refused(behind(&app, Both::required().or_enrolment())), Some(ShortPasswordsError));
    assert_eq!(refused(behind(&app, OnlyWhereThereIsNone)), Some(ShortPasswordsError));
    assert_eq!(refused(behind(&app, DoesWithoutTelephones)), Some(ShortPasswordsError));
    // On a device that is remembered the password is all that is shown.
    assert_eq!(refused(behind(&app, Both::required().or_remembered_device())), Some(ShortPasswordsError));

    let sign_up = |accounts: &Accounts, login: &str, password: &str| {
        block_on(accounts.sign_up(credential(login, password, address(1))))
    };
    for (asked, least) in [(0, 8), (10, 10), (20, 20)] {
        let accounts = behind(&app, Both::required()).with_short_passwords(asked).unwrap();
        assert_eq!(accounts.policy().min_chars(), least);
        assert!(sign_up(&accounts, &format!("ann{asked}"), &"velvet otters at dawn"[..least - 1]).is_err());
        assert!(sign_up(&accounts, &format!("ann{asked}"), &"velvet otters at dawn"[..least]).is_ok());
    }
}
