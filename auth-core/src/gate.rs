//! The one place where passed factors become a login.

use std::{sync::Arc, time::Duration};

use crate::{
    authentication::{Assurance, Authentication, Method},
    proof::{FactorPassed, Login, PendingLogin},
    time::UnixTime,
};

/// Decides which factors make a login. Pure: it sees methods, not people or stores.
pub trait LoginPolicy: Send + Sync {
    /// What these passed methods amount to, for an account that has these second factors.
    fn judge(&self, passed: &[Method], enrolled: &Enrolled) -> Judgement;
}

/// The second factors that an account has: what a policy holds a login to, beside its own rules.
///
/// The gate asks for it with every factor, so that no way in forgets to look: who states that there is none,
/// does so by a call that can be searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled(Vec<Method>);

impl Enrolled {
    /// States that the account has these second factors and no others.
    ///
    /// They must have been read after the credential that was checked: what is enrolled or removed later raises
    /// the epoch, which ends the login.
    #[must_use]
    pub fn assertion(methods: Vec<Method>) -> Self {
        Self(methods)
    }

    /// The methods that pass one of them.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a [`LoginPolicy`] says of the factors passed so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// They are enough.
    Enough(Assurance),
    /// One of these is wanted as well. An empty list refuses the login.
    Missing(Vec<Method>),
}

impl<T: LoginPolicy + ?Sized> LoginPolicy for Arc<T> {
    fn judge(&self, passed: &[Method], enrolled: &Enrolled) -> Judgement {
        (**self).judge(passed, enrolled)
    }
}

impl<T: LoginPolicy + ?Sized> LoginPolicy for Box<T> {
    fn judge(&self, passed: &[Method], enrolled: &Enrolled) -> Judgement {
        (**self).judge(passed, enrolled)
    }
}

impl<T: LoginPolicy + ?Sized> LoginPolicy for &T {
    fn judge(&self, passed: &[Method], enrolled: &Enrolled) -> Judgement {
        (**self).judge(passed, enrolled)
    }
}

/// Where a login stands after a factor.
#[derive(Debug)]
#[must_use]
pub enum LoginOutcome {
    /// All that the policy wants: start a session or issue a token with it.
    Complete(Login),
    /// Another factor is wanted.
    Pending(PendingLogin),
}

/// Why a factor did not take a login further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The policy refuses these factors, whatever else might come.
    #[error("these factors are not accepted")]
    Refused,
    /// The factor belongs to another principal than the login under way.
    #[error("the factor belongs to another principal")]
    OtherPrincipal,
    /// The account changed since the first factor, or the login took too long. Start again.
    #[error("the login is out of date")]
    Outdated,
    /// The factor is not one of those that were missing.
    #[error("the factor was not asked for")]
    NotAsked,
}

/// The one place where factors become a [`Login`].
///
/// Every way in ends here, so a second factor cannot be walked around by logging in another way.
#[derive(Clone)]
pub struct LoginGate {
    policy: Arc<dyn LoginPolicy>,
}

impl std::fmt::Debug for LoginGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginGate").finish_non_exhaustive()
    }
}

impl LoginGate {
    /// How long a login may wait for its next factor: 10 minutes.
    pub const PENDING_LIFE: Duration = Duration::from_secs(600);

    /// A gate that asks `policy`.
    #[must_use]
    pub fn new(policy: Arc<dyn LoginPolicy>) -> Self {
        Self { policy }
    }

    /// What the policy says of these methods, for whoever makes sure that a configuration fits the gate. Nobody logs in by
    /// it.
    #[must_use]
    pub fn judgement(&self, passed: &[Method], enrolled: &Enrolled) -> Judgement {
        self.policy.judge(passed, enrolled)
    }

    /// Takes the first factor, of an account that has these second factors.
    ///
    /// # Errors
    /// [`GateError::Refused`] if the policy does not accept it.
    pub fn begin(
        &self,
        factor: FactorPassed,
        enrolled: &Enrolled,
        now: UnixTime,
    ) -> Result<LoginOutcome, GateError> {
        let expires_at = now.saturating_add(Self::PENDING_LIFE);
        self.judge(vec![factor.method().clone()], enrolled, &factor, expires_at, None)
    }

    /// Takes one more factor. Whatever comes of it, the pending login is used up.
    ///
    /// # Errors
    /// [`GateError`] if the factor is somebody else's, was not asked for, or comes too late.
    pub fn proceed(
        &self,
        pending: PendingLogin,
        factor: FactorPassed,
        enrolled: &Enrolled,
        now: UnixTime,
    ) -> Result<LoginOutcome, GateError> {
        if factor.principal() != pending.principal() {
            return Err(GateError::OtherPrincipal);
        }
        if factor.epoch() != pending.epoch() || now >= pending.expires_at() {
            return Err(GateError::Outdated);
        }
        if !pending.missing().contains(factor.method()) {
            return Err(GateError::NotAsked);
        }
        let mut passed = pending.passed().to_vec();
        passed.push(factor.method().clone());
        // The deadline stays the first factor's: more factors do not buy more time.
        self.judge(passed, enrolled, &factor, pending.expires_at(), pending.passed_at())
    }

    fn judge(
        &self,
        passed: Vec<Method>,
        enrolled: &Enrolled,
        last: &FactorPassed,
        expires_at: UnixTime,
        passed_at: Option<UnixTime>,
    ) -> Result<LoginOutcome, GateError> {
        match self.policy.judge(&passed, enrolled) {
            Judgement::Enough(assurance) => {
                let (principal, method) = (last.principal().clone(), last.method().clone());
                // As old as the oldest of its factors.
                let at = passed_at.map_or(last.at(), |passed_at| passed_at.min(last.at()));
                let authentication = Authentication::new(principal, method, at, last.epoch())
                    .with_methods(passed)
                    .with_assurance(assurance);
                Ok(LoginOutcome::Complete(Login::assertion(authentication)))
            }
            // A policy may list what was passed already; a factor never counts twice.
            Judgement::Missing(mut missing) => {
                missing.retain(|method| !passed.contains(method));
                if missing.is_empty() || passed.len() >= Authentication::MAX_METHODS {
                    return Err(GateError::Refused);
                }
                let (principal, epoch) = (last.principal().clone(), last.epoch());
                let pending = PendingLogin::assertion(principal, passed, missing, epoch, expires_at);
                Ok(LoginOutcome::Pending(match passed_at {
                    Some(at) => pending.with_passed_at(at),
                    None => pending,
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuthEpoch, PrincipalId};

    struct TwoFactors;

    impl LoginPolicy for TwoFactors {
        fn judge(&self, passed: &[Method], _: &Enrolled) -> Judgement {
            if passed.contains(&Method::PASSWORD) && passed.contains(&Method::ONE_TIME_CODE) {
                Judgement::Enough(Assurance::Aal2)
            } else {
                Judgement::Missing(vec![Method::PASSWORD, Method::ONE_TIME_CODE])
            }
        }
    }

    const NOW: UnixTime = UnixTime::from_secs(1_000);

    fn factor(user: &str, method: Method, epoch: u64) -> FactorPassed {
        FactorPassed::assertion(PrincipalId::local_user(user).unwrap(), method, NOW, AuthEpoch::new(epoch))
    }

    fn none() -> Enrolled {
        Enrolled::assertion(Vec::new())
    }

    fn pending(gate: &LoginGate) -> PendingLogin {
        match gate.begin(factor("ann", Method::PASSWORD, 1), &none(), NOW).unwrap() {
            LoginOutcome::Pending(pending) => pending,
            LoginOutcome::Complete(_) => panic!("one factor was enough"),
        }
    }

    #[test]
    fn two_factors_of_one_principal_make_a_login() {
        let gate = LoginGate::new(Arc::new(TwoFactors));
        let first = pending(&gate);
        assert_eq!(first.missing(), [Method::ONE_TIME_CODE]);
        match gate.proceed(first, factor("ann", Method::ONE_TIME_CODE, 1), &none(), NOW).unwrap() {
            LoginOutcome::Complete(login) => {
                assert_eq!(login.authentication().methods, [Method::PASSWORD, Method::ONE_TIME_CODE]);
                assert_eq!(login.authentication().assurance, Assurance::Aal2);
            }
            LoginOutcome::Pending(_) => panic!("two factors were not enough"),
        }
    }

    /// A half-done login must not be completed by anything but what it lacks.
    #[test]
    fn a_factor_that_does_not_fit_is_refused() {
        let gate = LoginGate::new(Arc::new(TwoFactors));
        let late = NOW.saturating_add(LoginGate::PENDING_LIFE);
        let cases = [
            (factor("bob", Method::ONE_TIME_CODE, 1), NOW, GateError::OtherPrincipal),
            (factor("ann", Method::ONE_TIME_CODE, 2), NOW, GateError::Outdated),
            (factor("ann", Method::ONE_TIME_CODE, 1), late, GateError::Outdated),
            (factor("ann", Method::PASSWORD, 1), NOW, GateError::NotAsked),
        ];
        for (second, now, expected) in cases {
            assert_eq!(gate.proceed(pending(&gate), second, &none(), now).unwrap_err(), expected);
        }
    }
}
