//! Raising the login of somebody who is logged in.

use auth_core::{
    AuditEvent, AuthenticateError, Authenticated, LoginGate, Method, PendingLogin, RejectionReason,
};

use super::Accounts;

impl Accounts {
    /// Begins to raise the login of whoever makes the request ("step-up"): answers one that has what was shown for it, and
    /// waits for a second factor of the account, shown now. What comes of it goes through the gate like any login: it is
    /// as sure as the policy says, and passed to `Session::start` it takes the place of the session that the request came
    /// with, under a new secret and with its data.
    ///
    /// It answers a [`Challenge`](auth_core::Challenge) for more assurance without asking for the password again. It does
    /// not make a login any younger: whoever has found somebody's telephone has the session on it and the codes, and not
    /// the password, so what asks for a login of the last ten minutes ([`RECENT`](Self::RECENT)), or a challenge for a
    /// young one, takes [logging in](Self::log_in) again. So does an account without a second factor, which has nothing
    /// to add.
    ///
    /// ```
    /// # use std::net::IpAddr;
    /// # use auth_core::{AuthenticateError, Authenticated, Authenticator, Login, LoginOutcome};
    /// # use auth_credentials::{Accounts, CodeCredential, SecondFactors};
    /// async fn raise(
    ///     accounts: &Accounts,
    ///     factors: &SecondFactors,
    ///     who: &Authenticated,
    ///     typed: String,
    ///     peer: Option<IpAddr>,
    /// ) -> Result<Option<Login>, AuthenticateError> {
    ///     let pending = accounts.step_up(who).await?;
    ///     let factor = factors.authenticate(CodeCredential::one_time(&pending, typed, peer)).await?;
    ///     match accounts.proceed(pending, factor, peer).await? {
    ///         LoginOutcome::Complete(login) => Ok(Some(login)), // `Session::start`
    ///         LoginOutcome::Pending(_) => Ok(None),
    ///     }
    /// }
    /// ```
    ///
    /// A code by text message takes two requests: keep what waits as any pending login, and let go of it where the session
    /// ends.
    ///
    /// # Errors
    /// [`AuthenticateError`]: there is no second factor, the request is not a person's own, without limits, or the account
    /// changed since its login. No try is used up by that.
    pub async fn step_up(&self, who: &Authenticated) -> Result<PendingLogin, AuthenticateError> {
        match self.raisable(who).await {
            Err(AuthenticateError::Rejected(rejection)) => {
                let (reason, principal) = (rejection.reason(), Some(who.principal().clone()));
                // Whatever would have been shown: nobody has said yet.
                let method = Method::MULTI_FACTOR;
                let refused = AuditEvent::CredentialRefused { reason, method, principal, source: None };
                self.authenticator.record(&refused);
                Err(rejection.into())
            }
            outcome => outcome,
        }
    }

    async fn raisable(&self, who: &Authenticated) -> Result<PendingLogin, AuthenticateError> {
        let account = self.own_account_at_any_age::<AuthenticateError>(who).await?;
        let missing = self.enrolled(&account.id).await?.methods().to_vec();
        if missing.is_empty() {
            return Err(RejectionReason::NoCredential.into());
        }
        // What is shown again counts once, and a device that stood for the factor has had its turn.
        let shown = |method: &&Method| !missing.contains(method) && **method != Method::REMEMBERED_DEVICE;
        let passed = who.authentication().methods.iter().filter(shown).cloned().collect();
        let expires_at = self.authenticator.clock.now().saturating_add(LoginGate::PENDING_LIFE);
        let pending = PendingLogin::assertion(account.id, passed, missing, account.epoch, expires_at);
        Ok(pending.with_passed_at(who.authentication().at))
    }
}
