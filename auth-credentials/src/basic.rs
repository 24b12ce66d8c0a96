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
///
/// # What it withstands
///
/// A login name and a password with each request (RFC 7617), for old programs that know nothing else;
/// `AuthBuilder::basic` in `auth-web` takes it, over TLS only. Prefer API keys.
///
/// - *Whoever finds the password* in a script has the account, and not only what the script does: nothing limits
///   it. It opens no session, makes no key and changes neither factors nor the address:
///   `basic_changes_neither_factors_nor_keys_nor_the_address`.
/// - *Guessing* is throttled like any login, and counted apart, so that a program that does its work keeps nobody
///   out: `good_basic_requests_use_up_nothing_of_logins`, `good_basic_requests_at_once_use_nothing_up_either`. It does not get past a second factor: there is no way to
///   ask for one, so such an account is refused like a wrong password
///   (`whoever_has_a_second_factor_is_refused_like_a_wrong_password` in `auth-web`).
/// - *A flood* has the hash pool's queue, of which a source gets an eighth; each request costs a hash.
/// - A header has one spelling: `anything_else_is_malformed`, `the_examples_of_the_rfc_are_read`; fuzz target
///   `basic`.
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
