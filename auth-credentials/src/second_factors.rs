//! Codes beside a password: a device that makes them, a telephone that they are sent to, and a list of them for the day
//! when it is lost.

mod check;
pub(crate) mod credential;
mod enrol;
pub(crate) mod error;
pub(crate) mod recovery;
mod remove;
mod text_messages;

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{
    CounterStore, CredentialBlob, CredentialKey, CredentialKind, CredentialRecord, KeyRing, PrincipalId,
    StoreError,
};

pub use self::enrol::Confirmed;
use self::text_messages::TextMessages;
use crate::{
    accounts::Accounts,
    otp::{
        key::{OtpAlgorithm, OtpDigits},
        uri::{OtpUri, OtpUriError},
    },
    throttle::Throttle,
};

/// Second factors of accounts: one device that makes one-time codes (RFC 4226, RFC 6238), perhaps a telephone that codes
/// are sent to, and recovery codes.
///
/// As an [`Authenticator`](auth_core::Authenticator) it checks a code of a login that waits for one and yields a
/// [`FactorPassed`](auth_core::FactorPassed) for [`Accounts::proceed`]. The rest are flows of somebody who is logged
/// in, and not long ago ([`Accounts::RECENT`]):
///
/// | flow | what comes of it |
/// |---|---|
/// | [`begin`](Self::begin) | the [`OtpUri`](crate::OtpUri) for the app; nothing is enrolled yet |
/// | [`confirm`](Self::confirm) | with a first code the device is enrolled: recovery codes, and other sessions are dead |
/// | [`begin_phone`](Self::begin_phone) and [`confirm_phone`](Self::confirm_phone) | the same with a telephone, if [that is wanted](Self::with_restricted_text_messages) |
/// | [`renew_recovery_codes`](Self::renew_recovery_codes) | a new list; the old one is dead |
/// | [`remove`](Self::remove) | device, telephone and list are gone, and other sessions are dead |
/// | [`reset`](Self::reset) | the same by an administrator |
///
/// A code is right once, ever: the step that was accepted is stored, on the condition that nobody stored one
/// meanwhile. Failures are counted before anything is compared, apart from those of the password; a hundred in a row
/// lock the device until it is enrolled anew. Secrets are sealed with the key ring, bound to account and row.
///
/// Clones share everything.
#[derive(Clone)]
pub struct SecondFactors {
    accounts: Accounts,
    keys: Arc<KeyRing>,
    throttle: Throttle,
    issuer: Arc<str>,
    algorithm: OtpAlgorithm,
    digits: OtpDigits,
    messages: Option<TextMessages>,
}

impl SecondFactors {
    /// How long an enrolment waits for its first code.
    pub const ENROLMENT_LIFE: Duration = Duration::from_secs(600);
    /// Consecutive failures after which a device is refused until it is enrolled anew: 100, the most that NIST
    /// SP 800-63B-4 section 3.2.2 allows.
    pub const MAX_FAILURES: u32 = 100;

    /// The second factors of these accounts. `issuer` is the name of the site, which apps show beside the code.
    /// Tries are counted in `counters` under [`Throttle::second_factor`].
    ///
    /// # Errors
    /// [`OtpUriError::Name`] if apps could not show the name.
    pub fn new(
        accounts: Accounts,
        keys: Arc<KeyRing>,
        counters: Arc<dyn CounterStore>,
        issuer: &str,
    ) -> Result<Self, OtpUriError> {
        OtpUri::check_name(issuer)?;
        Ok(Self {
            accounts,
            keys,
            throttle: Throttle::second_factor(counters),
            issuer: issuer.into(),
            algorithm: OtpAlgorithm::default(),
            digits: OtpDigits::default(),
            messages: None,
        })
    }

    /// The same with another throttle.
    #[must_use]
    pub fn with_throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = throttle;
        self
    }

    /// The same with codes of another sort for devices that are enrolled from now on. Know the apps that your users
    /// have: many read SHA-1 and six digits only, and say nothing when they are asked for something else.
    #[must_use]
    pub fn with_codes(mut self, algorithm: OtpAlgorithm, digits: OtpDigits) -> Self {
        (self.algorithm, self.digits) = (algorithm, digits);
        self
    }

    /// All credentials of an account that are of this kind.
    async fn all_of(
        &self,
        owner: &PrincipalId,
        kind: &CredentialKind,
    ) -> Result<Vec<CredentialRecord>, StoreError> {
        crate::stores::list_kind(&*self.accounts.authenticator().stores.credentials, owner, kind).await
    }

    fn record(&self, key: CredentialKey, owner: &PrincipalId, data: CredentialBlob) -> CredentialRecord {
        CredentialRecord::new(key, owner.clone(), data, self.accounts.authenticator().clock.now())
    }
}

impl fmt::Debug for SecondFactors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondFactors")
            .field("issuer", &self.issuer)
            .field("throttle", &self.throttle)
            .finish_non_exhaustive()
    }
}
