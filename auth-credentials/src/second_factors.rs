//! Codes beside a password: a device that makes them, a telephone that they are sent to, and a list of them for the day
//! when it is lost.

mod check;
pub(crate) mod credential;
mod enrol;
pub(crate) mod error;
pub(crate) mod list;
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
/// | [`list`](Self::list) and [`remove_one`](Self::remove_one) | which there are, and one of two less |
/// | [`reset`](Self::reset) | the same by an administrator |
///
/// A code is right once, ever: the step that was accepted is stored, on the condition that nobody stored one
/// meanwhile. Failures are counted before anything is compared, apart from those of the password; a hundred in a row
/// lock the device until it is enrolled anew. Secrets are sealed with the key ring, bound to account and row.
///
/// Clones share everything.
///
/// # One-time codes
///
/// TOTP (RFC 6238) and HOTP (RFC 4226), with SHA-1, SHA-256 or SHA-512 and 6 to 8 digits.
///
/// ```rust
/// # use std::sync::Arc;
/// # use auth_core::{Authenticated, AuthenticateError, Authenticator, LoginOutcome, PendingLogin};
/// # use auth_credentials::{Accounts, CodeCredential, SecondFactorError, SecondFactors};
/// # async fn demo(accounts: Accounts, factors: SecondFactors, who: Authenticated, pending: PendingLogin, typed: String) -> Result<(), Box<dyn std::error::Error>> {
/// // On the page of somebody who is logged in, since ten minutes at most:
/// let uri = factors.begin(&who).await?; // show `expose_svg()` (feature `qr`) and `expose_secret()`, with `no-store`
/// let confirmed = factors.confirm(&who, &typed).await?; // show the recovery codes, then `accounts.finish_sweep`
///
/// // After a password, where the gate answered `LoginOutcome::Pending`:
/// let factor = factors.authenticate(CodeCredential::one_time(&pending, typed, None)).await?;
/// let LoginOutcome::Complete(login) = accounts.proceed(pending, factor, None).await? else { return Ok(()) };
/// # Ok(()) }
/// ```
///
/// - *A code that was overheard* is worth nothing once it was used, nor is an older one: the accepted step is
///   stored by compare-and-set, the code that enrols included. `of_32_tries_of_one_code_at_once_one_succeeds`,
///   `neither_a_used_code_nor_an_older_one_is_accepted`, `the_code_that_enrols_counts_as_used`.
/// - *Guessing* takes a first factor that was passed. Five tries in a quarter of an hour, counted before anything
///   is compared and apart from those of the password; after a hundred failures in a row the device has to be
///   enrolled anew, which a recovery code lets its owner do. `guessing_at_codes_is_throttled_apart_from_passwords`,
///   `guesses_at_once_do_not_exceed_the_cap`,
///   `a_device_that_failed_a_hundred_times_is_locked_until_it_is_enrolled_anew`.
/// - *A copy of the database* has sealed secrets, bound to account and row: `no_row_holds_the_secret`,
///   `a_device_survives_its_row_and_opens_in_no_other`. Keep the key ring's file elsewhere.
/// - *A stolen session* enrols nothing without a login of the last ten minutes, and a key of a program or an
///   impersonator never does: `only_a_fresh_login_without_limits_enrols`. Enrolling ends every other session:
///   `enrolling_ends_what_was_begun_without_it`.
/// - *A stolen access token* enrols nothing either, however young its login: it is not the person
///   (`an_access_token_changes_nothing_of_how_its_owner_logs_in`).
/// - *A session that did without the code* is raised by one ([`Accounts::step_up`]), through the gate, made no younger, and
///   by nobody but its person: `a_code_raises_a_login_and_makes_it_no_younger`,
///   `nobody_but_a_person_steps_up_and_no_try_is_used_up`, `a_wrong_code_raises_nothing_and_is_counted`.
/// - *Phishing* passes a code on within its thirty seconds. Only passkeys withstand that.
/// - Codes agree with the RFCs (`the_vectors_of_rfc_4226_hold`, `the_vectors_of_rfc_6238_hold`) and with OATH
///   Toolkit (`tests/interop/tests/oathtool.rs`, 10,000 random cases). A code of SHA-256 is not what every app
///   makes of such a URI: `with_codes` says so.
///
/// With `PasswordPolicy::single_factor().shorter_beside_second_factor()`, a password beside a device may have 8
/// characters, where the gate asks for the device each time:
/// `a_password_that_logs_in_alone_on_a_remembered_device_is_no_short_one`. Whoever removes the device then chooses a
/// longer one in the same step: `a_short_password_does_not_stay_alone`.
///
/// # Recovery codes
///
/// Ten codes of 80 bits, shown once, when a device is enrolled or the list renewed. They are what one has, like the
/// device, so a code and a device are not two factors.
///
/// - *A code works once*, however often it is sent at once:
///   `of_32_tries_of_one_recovery_code_at_once_one_succeeds`.
/// - *An old list* is dead as soon as there is a new one: `a_new_list_ends_the_old_one`. `recovery_codes_left` says
///   how many there are.
/// - *A copy of the database* has a keyed hash of account and code for each, and nothing else:
///   `rows_hold_keyed_hashes_and_a_retired_key_still_finds_them`.
///
/// # Text messages
///
/// Six digits to a telephone, as a second factor. It is a *restricted* sort (NIST SP 800-63B-4 section 3.2.9):
/// messages are read along, numbers are moved to another's card, and a phished password takes the code with it. So
/// there are none unless `SecondFactors::with_restricted_text_messages` says so; offer another factor beside it. A
/// `Notifier` delivers.
///
/// ```rust
/// # use auth_core::{Authenticated, Authenticator, LoginOutcome, PendingLogin};
/// # use auth_credentials::{Accounts, CodeCredential, SecondFactors};
/// # async fn demo(accounts: Accounts, factors: SecondFactors, who: Authenticated, pending: PendingLogin, typed: String) -> Result<(), Box<dyn std::error::Error>> {
/// factors.begin_phone(&who, "+49 170 1234567", None).await?;
/// let confirmed = factors.confirm_phone(&who, &typed).await?; // show the recovery codes, then `accounts.finish_sweep`
///
/// // After a password, where `pending.missing()` has `Method::SMS` and the button was pressed:
/// factors.send_code(&pending, None).await?;
/// let factor = factors.authenticate(CodeCredential::text_message(&pending, typed.clone(), None)).await?;
/// let LoginOutcome::Complete(login) = accounts.proceed(pending, factor, None).await? else { return Ok(()) };
/// # let _ = (confirmed, login);
/// # Ok(()) }
/// ```
///
/// - *Nobody has one who did not ask for it*: `text_messages_are_sent_where_that_was_asked_for`,
///   `a_telephone_counts_from_its_first_code_on`.
/// - *A code that was overheard* is for the login that asked for it, once, for as long as that waits, and the
///   newest is the only one: `a_code_is_for_one_login_once_and_the_newest`,
///   `of_32_tries_of_one_sent_code_at_once_one_succeeds`.
/// - *Guessing* takes a password that was right. Five tries for a login, whatever is sent again; a hundred in a row
///   over all logins: `tries_at_a_sent_code_are_few_and_a_new_code_brings_none`.
/// - *Whoever has the password* makes you pay for three messages in a quarter of an hour, and twenty a day;
///   *whoever makes many accounts* for ten a day to one number, and for what you allow to all together:
///   `messages_are_few_for_an_account_and_a_source`, `messages_are_few_for_a_number`,
///   `a_realm_has_so_many_messages_a_day`, and logins keep theirs
///   (`messages_are_few_for_an_account_whatever_numbers_it_names`, `enrolments_take_no_message_from_logins`).
/// - *A copy of the database* has a sealed number, and a keyed hash of login and code:
///   `neither_number_nor_code_is_stored_or_printed`.
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
