//! HTTP Basic authentication.

pub(crate) mod credential;

use async_trait::async_trait;
use auth_core::{
    AuditEvent, AuthenticateError, Authenticated, Authenticator, LoginOutcome, Method, RejectionReason,
};

use self::credential::BasicCredential;
use crate::{accounts::Accounts, password_authenticator::PasswordAuthenticator};

/// Checks a login name and a password that come with each request (RFC 7617), and yields an [`Authenticated`]: for old
/// programs that know nothing else. Prefer [`ApiKeys`](crate::ApiKeys): they are not what a person types elsewhere, have
/// scopes, and cost no hash.
///
/// The password is checked like any other: throttled, on the hash pool, one refusal after the same work. Its tries are
/// counted apart from those of logins, with the same limits, and those that are right against nobody. The
/// [gate](Accounts::gate) has to find it enough: whoever has a second factor is refused like a wrong password, for there is
/// no way to ask for it here. Such a request opens no session and changes neither factors nor keys nor the address.
///
/// A password in every request is a hash in every request: tens of milliseconds of a core, and a place in the queue.
#[derive(Debug, Clone)]
pub struct BasicAuthenticator {
    accounts: Accounts,
    checks: PasswordAuthenticator,
}

impl BasicAuthenticator {
    /// Checks the passwords of these accounts.
    #[must_use]
    pub fn new(accounts: Accounts) -> Self {
        let logins = accounts.authenticator();
        let checks = PasswordAuthenticator { throttle: logins.throttle.of_requests(), ..logins.clone() };
        Self { accounts, checks }
    }
}

#[async_trait]
impl Authenticator for BasicAuthenticator {
    type Credential = BasicCredential;
    type Proof = Authenticated;

    async fn authenticate(&self, credential: BasicCredential) -> Result<Authenticated, AuthenticateError> {
        let credential = credential.0;
        let (checks, source) = (&self.checks, credential.source);
        let factor = checks.authenticate(credential).await?;
        let principal = factor.principal().clone();
        let enrolled = self.accounts.enrolled(&principal).await?;
        // Nothing is logged in to here, so nothing says so.
        if let Ok(LoginOutcome::Complete(login)) =
            self.accounts.gate().begin(factor, &enrolled, checks.clock.now())
        {
            let methods = vec![Method::PASSWORD, Method::BASIC];
            return Ok(Authenticated::assertion(login.into_authentication().with_methods(methods)));
        }
        let (reason, method) = (RejectionReason::Policy, Method::BASIC);
        let principal = Some(principal);
        checks.record(&AuditEvent::CredentialRefused { reason, method, principal, source });
        Err(reason.into())
    }
}
