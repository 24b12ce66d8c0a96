//! The flows around an account.

mod change_password;
mod defaults;
mod error;
mod own;
mod remove;
mod short_passwords;
mod sign_up;
mod status;
mod step_up;
mod sweep;

use std::{fmt, net::IpAddr, sync::Arc};

use auth_core::{
    Account, AuditEvent, AuthenticateError, Authenticator, CounterStore, CredentialKey, CredentialKind,
    Enrolled, Entropy, FactorPassed, GateError, LoginGate, LoginOutcome, Method, PendingLogin, PrincipalId,
    Rejection, RejectionReason, SessionId, SessionStore, StoreError,
};

pub use self::{
    error::{AccountError, ChangePasswordError, SignUpError},
    short_passwords::ShortPasswordsError,
    sign_up::SignUps,
    sweep::EpochRaised,
};
pub(crate) use self::{own::in_person, sign_up::SERVICE};
use crate::{
    leaked::{IfUnanswered, LeakedError, LeakedPasswords},
    password::Password,
    password_authenticator::{PasswordAuthenticator, PasswordCredential},
    policy::PasswordPolicy,
    pool::{HashPlace, Overloaded},
    throttle::Throttle,
};

/// How often a change starts again because the account changed meanwhile.
pub(crate) const TRIES: usize = 8;

/// The flows around an account: sign up, log in, change the password, disable, log out.
///
/// It knows accounts, passwords and the gate, and nothing of HTTP. What it hands out is used by others:
///
/// | flow | what comes of it | who goes on |
/// |---|---|---|
/// | [`sign_up`](Self::sign_up) | nothing, whether or not there was such an account | the page that says so |
/// | [`log_in`](Self::log_in) | a [`Login`](auth_core::Login), or a [`PendingLogin`](auth_core::PendingLogin) | `Sessions::start`, or the next factor |
/// | [`proceed`](Self::proceed) | the same, after another factor | the same |
/// | [`step_up`](Self::step_up) | a login that waits for one factor of somebody who is logged in | the same |
/// | [`change_password`](Self::change_password) | an [`EpochRaised`] | whoever ends the other sessions: [`finish_sweep`](Self::finish_sweep) |
/// | [`disable`](Self::disable), [`log_out_everywhere`](Self::log_out_everywhere) | an [`EpochRaised`] | the same |
/// | [`remove_own`](Self::remove_own), [`remove`](Self::remove) | the account is gone, after its sessions | the page that says so |
/// | [`log_out`](Self::log_out) | one session less | `Sessions::end` also clears the cookie |
///
/// Clones share everything.
#[derive(Clone)]
pub struct Accounts {
    authenticator: PasswordAuthenticator,
    gate: LoginGate,
    policy: PasswordPolicy,
    leaked: Option<LeakedPasswords>,
    sign_ups: SignUps,
    sign_up_throttle: Throttle,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Accounts {
    /// The flows on top of an authenticator, with a gate that says what makes a login and a policy that says
    /// which passwords may be chosen. Sign-ups are counted in `counters` under [`Throttle::sign_up`].
    #[must_use]
    pub fn new(
        authenticator: PasswordAuthenticator,
        gate: LoginGate,
        policy: PasswordPolicy,
        counters: Arc<dyn CounterStore>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let (sign_ups, sign_up_throttle) = (SignUps::Open, Throttle::sign_up(counters));
        Self { authenticator, gate, policy, leaked: None, sign_ups, sign_up_throttle, entropy }
    }

    /// The same with another policy for passwords that are chosen from now on.
    #[must_use]
    pub fn with_policy(mut self, policy: PasswordPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The same, asking a list of leaked passwords about each one that is chosen from now on.
    #[must_use]
    pub fn with_leaked_passwords(mut self, leaked: LeakedPasswords) -> Self {
        self.leaked = Some(leaked);
        self
    }

    /// The same with another throttle for sign-ups.
    #[must_use]
    pub fn with_sign_up_throttle(mut self, throttle: Throttle) -> Self {
        self.sign_up_throttle = throttle;
        self
    }

    /// Who makes accounts.
    #[must_use]
    pub fn sign_ups(&self) -> SignUps {
        self.sign_ups
    }

    /// The gate. For the factors that follow a password, [`proceed`](Self::proceed) asks it and writes down what
    /// it says.
    #[must_use]
    pub fn gate(&self) -> &LoginGate {
        &self.gate
    }

    /// Which passwords may be chosen.
    #[must_use]
    pub fn policy(&self) -> &PasswordPolicy {
        &self.policy
    }

    /// The authenticator that checks passwords.
    #[must_use]
    pub fn authenticator(&self) -> &PasswordAuthenticator {
        &self.authenticator
    }

    /// Checks a login name with a password and takes it through the gate.
    ///
    /// Start a session or issue a token with the [`Login`](auth_core::Login) that comes of it, or keep the
    /// [`PendingLogin`](auth_core::PendingLogin) until the next factor. End the session that the request came
    /// with, if any: `Sessions::start` does.
    ///
    /// # Errors
    /// [`AuthenticateError`]: refused, throttled, or not to be checked now.
    pub async fn log_in(&self, credential: PasswordCredential) -> Result<LoginOutcome, AuthenticateError> {
        let source = credential.source;
        let factor = self.authenticator.authenticate(credential).await?;
        self.begin(factor, source).await
    }

    /// Takes a first factor through the gate, whatever checked it: every way in that is not
    /// [`log_in`](Self::log_in) begins here. The second factors of the account are looked up and held to.
    ///
    /// # Errors
    /// [`AuthenticateError`]: the gate does not accept the factor, or the store failed.
    pub async fn begin(
        &self,
        factor: FactorPassed,
        source: Option<IpAddr>,
    ) -> Result<LoginOutcome, AuthenticateError> {
        let (principal, method) = (factor.principal().clone(), factor.method().clone());
        let enrolled = self.enrolled(&principal).await?;
        let outcome = self.gate.begin(factor, &enrolled, self.authenticator.clock.now());
        Ok(self.write_down(outcome, principal, method, source)?)
    }

    /// Takes a login that waits for one through its next factor, whatever checked that.
    ///
    /// # Errors
    /// [`AuthenticateError`]: the gate does not accept the factor, or the store failed. The login has to begin again.
    pub async fn proceed(
        &self,
        pending: PendingLogin,
        factor: FactorPassed,
        source: Option<IpAddr>,
    ) -> Result<LoginOutcome, AuthenticateError> {
        let (principal, method) = (factor.principal().clone(), factor.method().clone());
        let enrolled = self.enrolled(&principal).await?;
        let outcome = self.gate.proceed(pending, factor, &enrolled, self.authenticator.clock.now());
        Ok(self.write_down(outcome, principal, method, source)?)
    }

    /// The second factors that an account has now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enrolled(&self, principal: &PrincipalId) -> Result<Enrolled, StoreError> {
        let mut methods = Vec::new();
        for (kind, method) in
            [(CredentialKind::ONE_TIME_CODES, Method::ONE_TIME_CODE), (CredentialKind::PHONE, Method::SMS)]
        {
            let key = CredentialKey::only(principal, kind);
            if self.authenticator.stores.credentials.find(&key).await?.is_some() {
                methods.push(method);
            }
        }
        // They come with either.
        if !methods.is_empty() {
            methods.push(Method::RECOVERY_CODE);
        }
        Ok(Enrolled::assertion(methods))
    }

    /// Judges a password that is chosen for an account as it is now.
    pub(crate) async fn judge_password(
        &self,
        password: &Password,
        account: &Account,
    ) -> Result<(), ChangePasswordError> {
        let beside = self.policy.has_two_lengths() && {
            let enrolled = self.enrolled(&account.id).await?;
            // A factor that the gate does without is none that a password could be short beside.
            !enrolled.is_empty() && !self.lets_in_alone(&enrolled)
        };
        if beside {
            self.policy.check_beside_second_factor(password, &account.login)?;
        } else {
            self.policy.check(password, &account.login)?;
        }
        Ok(())
    }

    /// Whether somebody is asked for leaked passwords.
    pub(crate) fn asks_whether_leaked(&self) -> bool {
        self.leaked.is_some()
    }

    /// Asks whether a password that is chosen leaked, after what costs less to ask. Holds no place in the pool: who
    /// answers may be slow.
    pub(crate) async fn judge_leaked(&self, password: &Password) -> Result<(), LeakedError> {
        let Some(leaked) = &self.leaked else { return Ok(()) };
        match leaked.check(password).await {
            Err(LeakedError::Unanswered(error)) => {
                self.authenticator.record(&AuditEvent::Unanswered { what: "leaked-password" });
                match leaked.if_unanswered() {
                    IfUnanswered::Accept => Ok(()),
                    IfUnanswered::Refuse => Err(error.into()),
                }
            }
            answered => answered,
        }
    }

    /// The same for a try that has its place already, which is given back meanwhile.
    pub(crate) async fn judge_leaked_at<E: From<LeakedError> + From<Overloaded>>(
        &self,
        place: HashPlace,
        password: &Password,
        source: Option<IpAddr>,
    ) -> Result<HashPlace, E> {
        if self.leaked.is_none() {
            return Ok(place);
        }
        drop(place);
        self.judge_leaked(password).await?;
        Ok(self.authenticator.admit(source)?)
    }

    /// Writes down what the gate says of a factor: a login that is complete, or a refusal.
    fn write_down(
        &self,
        outcome: Result<LoginOutcome, GateError>,
        principal: PrincipalId,
        method: Method,
        source: Option<IpAddr>,
    ) -> Result<LoginOutcome, Rejection> {
        match outcome {
            Ok(LoginOutcome::Complete(login)) => {
                let methods = login.authentication().methods.clone();
                self.authenticator.record(&AuditEvent::LoggedIn { principal, methods, source });
                Ok(LoginOutcome::Complete(login))
            }
            Ok(pending) => Ok(pending),
            Err(_) => {
                let (reason, principal) = (RejectionReason::Policy, Some(principal));
                self.authenticator.record(&AuditEvent::CredentialRefused {
                    reason,
                    method,
                    principal,
                    source,
                });
                Err(Rejection::new(reason))
            }
        }
    }

    /// Ends one session. Answers whether there was one.
    ///
    /// Logging out concerns a session and neither account nor password, so this is all there is to it here.
    /// Whoever speaks HTTP calls `Sessions::end`, which does the same and clears the cookie.
    ///
    /// # Errors
    /// [`StoreError`]: the session may live on.
    pub async fn log_out(
        &self,
        sessions: &dyn SessionStore,
        session: &SessionId,
    ) -> Result<bool, StoreError> {
        let ended = sessions.remove(session).await?;
        if ended {
            let session = *session;
            self.authenticator.record(&AuditEvent::SessionEnded { session, why: "logout" });
        }
        Ok(ended)
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("authenticator", &self.authenticator)
            .field("policy", &self.policy)
            .field("sign_ups", &self.sign_ups)
            .finish_non_exhaustive()
    }
}
