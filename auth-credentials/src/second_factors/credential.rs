//! A code as it was typed, and whose it has to be.

use std::{fmt, net::IpAddr};

use auth_core::{AuthEpoch, Method, PendingLogin, PrincipalId, Secret, SecretHash, UnixTime};

use super::text_messages::login_handle;

/// A code as it was typed, by somebody of whom it is known who they claim to be.
///
/// That takes a login that waits for a factor: so nobody guesses at the second factor who has not passed a first. Somebody
/// who is logged in and shows it again has one of [`Accounts::step_up`](crate::Accounts::step_up).
pub struct CodeCredential {
    pub(super) principal: PrincipalId,
    pub(super) epoch: AuthEpoch,
    pub(super) method: Method,
    /// Whether the login that waits asks for this method.
    pub(super) asked: bool,
    pub(super) expires_at: UnixTime,
    /// What a code that was sent is bound to.
    pub(super) handle: SecretHash,
    pub(super) typed: Secret,
    pub(super) source: Option<IpAddr>,
}

impl CodeCredential {
    /// The most bytes of a code that are looked at.
    pub const MAX_LEN: usize = 64;

    /// A one-time code for a login that waits for one.
    #[must_use]
    pub fn one_time(login: &PendingLogin, typed: String, source: Option<IpAddr>) -> Self {
        Self::of_login(login, Method::ONE_TIME_CODE, typed, source)
    }

    /// A recovery code for a login that waits for one.
    #[must_use]
    pub fn recovery(login: &PendingLogin, typed: String, source: Option<IpAddr>) -> Self {
        Self::of_login(login, Method::RECOVERY_CODE, typed, source)
    }

    /// A code that was sent to a telephone for this login, by [`send_code`](crate::SecondFactors::send_code).
    #[must_use]
    pub fn text_message(login: &PendingLogin, typed: String, source: Option<IpAddr>) -> Self {
        Self::of_login(login, Method::SMS, typed, source)
    }

    fn of_login(login: &PendingLogin, method: Method, typed: String, source: Option<IpAddr>) -> Self {
        Self {
            principal: login.principal().clone(),
            epoch: login.epoch(),
            asked: login.missing().contains(&method),
            method,
            expires_at: login.expires_at(),
            handle: login_handle(login),
            typed: Secret::from(typed),
            source,
        }
    }

    /// The text; none if it is longer than anything that is looked at.
    pub(super) fn text(&self) -> Option<&str> {
        self.typed.expose_str().filter(|text| text.len() <= Self::MAX_LEN)
    }
}

impl fmt::Debug for CodeCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeCredential")
            .field("principal", &self.principal)
            .field("method", &self.method)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
