//! Codes by text message.

use std::{net::IpAddr, sync::Arc, time::Duration};

use auth_core::{
    AccountChange, Applied, AuditEvent, AuthenticateError, Authenticated, Binding, CounterStore,
    CredentialBlob, CredentialKey, CredentialKind, EpochBump, Method, PendingLogin, PrincipalId, Purpose,
    RejectionReason, SecretHash, Throttled, TokenStore, UnixTime, Version, Window,
};

use super::{Confirmed, SecondFactors, credential::CodeCredential, error::SecondFactorError};
use crate::{
    accounts::EpochRaised,
    links::message::{Message, Notice, Notifier, Recipient},
    sent_codes::{CodeFor, SentCodes, phone::PhoneNumber, subject_of},
    source::SourceKey,
    stores::{fresh_version, put},
    throttle::{Throttle, ThrottleError},
};

const NUMBER: Purpose = Purpose::new("phone");
/// Under which the messages of a number are counted: by a keyed hash, for a number is short enough to be tried.
const SENT_TO: Purpose = Purpose::new("phone/sent");
const LOGIN: [Purpose; 2] = [Purpose::new("sms/login"), Purpose::new("sms/login-try")];
const ENROL: [Purpose; 2] = [Purpose::new("sms/enrol"), Purpose::new("sms/enrol-try")];
const DIGITS: u8 = 6;

/// What text messages take.
#[derive(Clone)]
pub(super) struct TextMessages {
    codes: SentCodes,
    notifier: Arc<dyn Notifier>,
    throttle: Throttle,
    /// How many are sent in a day, to whomever: to enrol, and again to log in.
    a_day: u32,
}

impl SecondFactors {
    /// How many text messages an account is sent in a day.
    pub const MAX_TEXT_MESSAGES: u32 = 20;
    /// How many text messages a number is sent in a day, whatever accounts ask for them: so many to enrol it, and so many
    /// to log in.
    pub const MAX_TEXT_MESSAGES_TO_NUMBER: u32 = 10;
    /// How many text messages are sent in a day to all accounts of a realm together: so many to enrol, and so many to log
    /// in. Unless [told otherwise](Self::with_text_messages_a_day).
    pub const TEXT_MESSAGES_A_DAY: u32 = 1_000;

    /// The same with codes by text message for those who want them: a *restricted* authenticator of NIST SP 800-63B-4
    /// section 3.2.9, for messages are read along, numbers are moved to another's card, and whoever phishes the password
    /// phishes the code. Offer another second factor beside it, and say why.
    ///
    /// Codes are kept in `tokens` and handed to `notifier`; sending is counted in `counters` under
    /// [`Throttle::text_messages`].
    #[must_use]
    pub fn with_restricted_text_messages(
        mut self,
        tokens: Arc<dyn TokenStore>,
        notifier: Arc<dyn Notifier>,
        counters: Arc<dyn CounterStore>,
    ) -> Self {
        let (keys, tries) = (Arc::clone(&self.keys), Arc::clone(&counters));
        let codes = SentCodes { tokens, keys, counters: tries };
        let (throttle, a_day) = (Throttle::text_messages(counters), Self::TEXT_MESSAGES_A_DAY);
        self.messages = Some(TextMessages { codes, notifier, throttle, a_day });
        self
    }

    /// The same with so many text messages in a day to all accounts of a realm together that log in, and as many to those
    /// that enrol a telephone: half of what you would pay for at the worst, and well above what people ask for, for beyond
    /// it nobody is sent any. Strangers with accounts of their own can use up the enrolments of a day; logins have theirs.
    /// Without text messages it does nothing.
    #[must_use]
    pub fn with_text_messages_a_day(mut self, most: u32) -> Self {
        if let Some(messages) = &mut self.messages {
            messages.a_day = most;
        }
        self
    }

    /// Sends a code to a telephone whose owner makes the request, to be enrolled by
    /// [`confirm_phone`](Self::confirm_phone). A number that was not confirmed is forgotten; one that is enrolled stays so
    /// until then.
    ///
    /// # Errors
    /// [`SecondFactorError`]; refused unless there are [text messages](Self::with_restricted_text_messages).
    pub async fn begin_phone(
        &self,
        who: &Authenticated,
        number: &str,
        source: Option<IpAddr>,
    ) -> Result<(), SecondFactorError> {
        let messages = self.messages()?;
        let (checks, entropy) = (self.accounts.authenticator(), &*self.accounts.entropy);
        let account = self.accounts.own_account::<SecondFactorError>(who).await?;
        let number = PhoneNumber::parse(number)?;
        self.may_send(messages, &account.id, (&number, ENROL), source).await?;
        let now = checks.clock.now();
        let key = CredentialKey::only(&account.id, CredentialKind::PHONE_PENDING);
        let mut record = self.record(key.clone(), &account.id, self.seal_number(&account.id, &key, &number)?);
        record.version = fresh_version(entropy)?;
        record.expires_at = Some(now.saturating_add(Self::ENROLMENT_LIFE));
        let handle = enrolment(&account.id, record.version);
        let changes = [AccountChange::RemoveCredential(key), AccountChange::AddCredential(record)];
        match checks.stores.accounts.apply(&account.id, account.version, &changes, EpochBump::Keep).await? {
            Applied::Applied(_) => {}
            Applied::Gone => return Err(RejectionReason::Unknown.into()),
            Applied::Conflict | Applied::LoginTaken => return Err(SecondFactorError::busy()),
        }
        let what = code_for(ENROL, &account.id, &handle, now.saturating_add(Self::ENROLMENT_LIFE))?;
        let code = messages.codes.issue(&what, DIGITS, entropy, now).await?;
        self.send(messages, account.id, number, Notice::ConfirmPhone(code));
        Ok(())
    }

    /// Enrols the telephone that this code was sent to, and makes recovery codes, as [`confirm`](Self::confirm) does.
    ///
    /// # Errors
    /// [`SecondFactorError`]; nothing is enrolled then. There are five tries for a code.
    pub async fn confirm_phone(
        &self,
        who: &Authenticated,
        typed: &str,
    ) -> Result<Confirmed, SecondFactorError> {
        let (messages, checks) = (self.messages()?, self.accounts.authenticator());
        let account = self.accounts.own_account::<SecondFactorError>(who).await?;
        let pending = CredentialKey::only(&account.id, CredentialKind::PHONE_PENDING);
        let found = checks.stores.credentials.find(&pending).await?.ok_or(RejectionReason::NoCredential)?;
        let (now, expires_at) = (checks.clock.now(), found.credential.expires_at);
        let expires_at = expires_at.filter(|at| now < *at).ok_or(RejectionReason::Expired)?;
        // Counted where it is exact as well, in the row that waits: another one is another message.
        match checks.stores.credentials.count_failure(&pending).await? {
            Some(failures) if u64::from(failures) > SentCodes::TRIES => {
                return Err(RejectionReason::Locked.into());
            }
            Some(_) => {}
            None => return Err(RejectionReason::NoCredential.into()),
        }
        // Of this number and no other: it stands in the row of this version.
        let handle = enrolment(&account.id, found.credential.version);
        let what = code_for(ENROL, &account.id, &handle, expires_at)?;
        messages.codes.redeem(&what, Some(typed), now).await?;

        let number = self.open_number(&account.id, &pending, &found.credential.data);
        let number = number.ok_or(RejectionReason::Corrupt)?;
        let key = CredentialKey::only(&account.id, CredentialKind::PHONE);
        let enrolled = checks.stores.credentials.find(&key).await?;
        let data = self.seal_number(&account.id, &key, &number)?;
        let (recovery_codes, mut changes) = self.new_recovery_codes(&account.id).await?;
        changes.push(AccountChange::RemoveCredential(pending));
        changes.extend(put(enrolled, self.record(key, &account.id, data), &*self.accounts.entropy)?);
        match checks.stores.accounts.apply(&account.id, account.version, &changes, EpochBump::Bump).await? {
            Applied::Applied(account) => {
                let (principal, method) = (account.id.clone(), Method::SMS);
                checks.record(&AuditEvent::CredentialAdded { principal, method, id: None });
                Ok(Confirmed { recovery_codes, raised: EpochRaised::of(&account) })
            }
            Applied::Gone => Err(RejectionReason::Unknown.into()),
            Applied::Conflict | Applied::LoginTaken => Err(SecondFactorError::busy()),
        }
    }

    /// Sends a code for a login that waits for one: see [`CodeCredential::text_message`]. A code that was sent for the
    /// same login before is dead, and the tries that it had are not given back. Asked for by whoever presses the button,
    /// and not by every login.
    ///
    /// # Errors
    /// [`AuthenticateError`]: no code is wanted, or too many were sent.
    pub async fn send_code(
        &self,
        login: &PendingLogin,
        source: Option<IpAddr>,
    ) -> Result<(), AuthenticateError> {
        let (messages, checks) = (self.messages()?, self.accounts.authenticator());
        let credential = CodeCredential::text_message(login, String::new(), source);
        let owner = &credential.principal;
        let key = CredentialKey::only(owner, CredentialKind::PHONE);
        let found = self.found(&credential, &key).await?;
        let number = self.open_number(owner, &key, &found.credential.data).ok_or(RejectionReason::Corrupt)?;
        self.may_send(messages, owner, (&number, LOGIN), source).await?;
        let (now, entropy) = (checks.clock.now(), &*self.accounts.entropy);
        let what = code_for(LOGIN, owner, &credential.handle, credential.expires_at)?;
        let code = messages.codes.issue(&what, DIGITS, entropy, now).await?;
        self.send(messages, owner.clone(), number, Notice::SecondFactorCode(code));
        Ok(())
    }

    pub(super) async fn check_text_message(
        &self,
        credential: &CodeCredential,
    ) -> Result<(), AuthenticateError> {
        let (messages, checks) = (self.messages()?, self.accounts.authenticator());
        let credentials = &checks.stores.credentials;
        let key = CredentialKey::only(&credential.principal, CredentialKind::PHONE);
        let found = self.found(credential, &key).await?;
        // Counted before anything is looked up, over all logins: new ones bring no new tries.
        match credentials.count_failure(&key).await? {
            Some(failures) if failures > Self::MAX_FAILURES => return Err(RejectionReason::Locked.into()),
            Some(_) => {}
            None => return Err(RejectionReason::NoCredential.into()),
        }
        let what = code_for(LOGIN, &credential.principal, &credential.handle, credential.expires_at)?;
        let now = checks.clock.now();
        messages.codes.redeem(&what, credential.text(), now).await?;
        // Used up. Failures that stay counted are the safe side; a telephone that was replaced has raised the epoch.
        let _ = credentials.succeeded(&key, found.credential.version, now).await;
        Ok(())
    }

    fn messages(&self) -> Result<&TextMessages, RejectionReason> {
        self.messages.as_ref().ok_or(RejectionReason::Policy)
    }

    /// Counts a message, and says whether it may be sent.
    async fn may_send(
        &self,
        messages: &TextMessages,
        owner: &PrincipalId,
        (number, [codes, _]): (&PhoneNumber, [Purpose; 2]),
        source: Option<IpAddr>,
    ) -> Result<(), ThrottleError> {
        const DAY: Duration = Duration::from_secs(86_400);
        let checks = self.accounts.authenticator();
        let (realm, whose, now) = (owner.realm(), owner.to_bytes(), checks.clock.now());
        let tries = messages.throttle.tries(realm, Some(&whose), SourceKey::from_peer(source), now);
        let counted = async {
            tries.look().await?;
            tries.count().await?;
            let window = Window::new(DAY);
            // Apart for enrolments, which strangers begin for any number, and logins of who confirmed it.
            let to = self.keys.mac(SENT_TO, &[codes.as_str().as_bytes(), number.as_str().as_bytes()]);
            let to = [b"number ", to.as_slice()].concat();
            let all = [b"all ", codes.as_str().as_bytes()].concat();
            // That of all is spent last: what one number or account has no more of takes nothing from the others.
            for (whose, most) in [
                (to.as_slice(), Self::MAX_TEXT_MESSAGES_TO_NUMBER),
                (whose.as_slice(), Self::MAX_TEXT_MESSAGES),
                (all.as_slice(), messages.a_day),
            ] {
                if !messages.throttle.spend(realm, whose, most, window, now).await? {
                    return Err(Throttled { retry_after: window.bucket_length() }.into());
                }
            }
            Ok(())
        };
        let counted: Result<(), ThrottleError> = counted.await;
        if let Err(ThrottleError::Throttled(_)) = counted {
            let (what, principal) = (messages.throttle.purpose().as_str(), Some(owner.clone()));
            checks.record(&AuditEvent::Throttled { what, principal, source });
        }
        counted
    }

    /// Hands a message over; one that is lost is written down, and nobody who asked for it is told.
    fn send(&self, messages: &TextMessages, principal: PrincipalId, number: PhoneNumber, notice: Notice) {
        let sent = messages.notifier.notify(&Message { to: Recipient::Phone(number), notice }).is_ok();
        self.accounts.authenticator().record(&match sent {
            true => AuditEvent::CodeSent { principal, method: Method::SMS },
            false => AuditEvent::NotSent { what: "sms" },
        });
    }

    fn seal_number(
        &self,
        owner: &PrincipalId,
        key: &CredentialKey,
        number: &PhoneNumber,
    ) -> Result<CredentialBlob, auth_core::EntropyError> {
        let row = row(key);
        let binding = Binding { account: Some(owner), row: &row };
        let sealed = self.keys.seal(NUMBER, binding, number.as_str().as_bytes(), &*self.accounts.entropy)?;
        // A number has 16 bytes at most, a row 8,192.
        CredentialBlob::new(&sealed).ok_or(auth_core::EntropyError)
    }

    fn open_number(
        &self,
        owner: &PrincipalId,
        key: &CredentialKey,
        data: &CredentialBlob,
    ) -> Option<PhoneNumber> {
        let row = row(key);
        let opened =
            self.keys.open(NUMBER, Binding { account: Some(owner), row: &row }, data.expose()).ok()?;
        PhoneNumber::parse(opened.expose_str()?).ok()
    }
}

/// What a code of a login is bound to: this login of this account, as it has come so far.
pub(super) fn login_handle(login: &PendingLogin) -> SecretHash {
    let mut bytes = login.principal().to_bytes();
    bytes.extend(login.epoch().get().to_be_bytes());
    bytes.extend(login.expires_at().as_secs().to_be_bytes());
    for method in login.passed() {
        bytes.push(0);
        bytes.extend(method.as_str().as_bytes());
    }
    SecretHash::of(&bytes)
}

/// What a code of an enrolment is bound to: the row with its number.
fn enrolment(owner: &PrincipalId, version: Version) -> SecretHash {
    let mut bytes = owner.to_bytes();
    bytes.extend(version.get().to_be_bytes());
    SecretHash::of(&bytes)
}

fn code_for<'a>(
    [codes, tries]: [Purpose; 2],
    owner: &'a PrincipalId,
    handle: &'a SecretHash,
    expires_at: UnixTime,
) -> Result<CodeFor<'a>, auth_core::EntropyError> {
    let handle = handle.as_bytes().as_slice();
    let subject = subject_of(handle)?;
    Ok(CodeFor { realm: owner.realm(), codes, tries, handle, subject, expires_at })
}

/// Kind and lookup: a number that waits for its code does not open as one that was confirmed.
fn row(key: &CredentialKey) -> Vec<u8> {
    [key.kind.as_str().as_bytes(), b"/", &key.lookup].concat()
}
