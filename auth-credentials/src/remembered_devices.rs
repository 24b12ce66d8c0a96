//! Devices that somebody logged in on before.

pub(crate) mod check;
pub(crate) mod recognised;
pub(crate) mod token;

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{
    AccountChange, Applied, Assurance, AuditEvent, Authenticated, CredentialBlob, CredentialKey,
    CredentialKind, CredentialRecord, EpochBump, KeyRing, Method, PrincipalId, StoreError, UnixTime,
    entropy_array,
};

use self::token::{DeviceId, DeviceToken, Sealed};
use crate::{
    accounts::{Accounts, TRIES},
    second_factors::error::SecondFactorError,
    stores::list_kind,
};

/// Remembers the devices on which somebody logged in, by a cookie that is sealed for account, epoch, device and end, and a
/// row that can be removed.
///
/// | what | what comes of it |
/// |---|---|
/// | [`remember`](Self::remember) | the text for the cookie |
/// | [`recognise`](Self::recognise) | a [`KnownDevice`](crate::KnownDevice) for [`PasswordCredential::on`](crate::PasswordCredential::on): tries of its own, and a place where the hash pool is full |
/// | [`authenticate`](auth_core::Authenticator::authenticate) | a factor for [`Accounts::proceed`], where the policy [says so](crate::OneFactor::or_remembered_device) |
/// | [`list`](Self::list), [`forget`](Self::forget), [`forget_all`](Self::forget_all) | the page of somebody's devices |
///
/// Whatever raises the account's epoch ends them all: another password, a second factor that is enrolled or removed,
/// logging out everywhere. A copy of the cookie is the device, so it opens nothing without the first factor, and changes
/// no factor.
///
/// Clones share everything.
///
/// # What it withstands
///
/// A sealed cookie for one account, and a row that can be removed. It stands for the second factor where the policy
/// says so (`or_remembered_device`), and gives a login tries of its own.
///
/// ```rust
/// # use std::net::IpAddr;
/// # use auth_core::{Authenticated, Authenticator, LoginOutcome};
/// # use auth_credentials::{Accounts, DeviceCredential, PasswordCredential, RememberedDevices};
/// # async fn demo(accounts: Accounts, devices: RememberedDevices, who: Authenticated, cookie: String, form: PasswordCredential, peer: Option<IpAddr>) -> Result<(), Box<dyn std::error::Error>> {
/// let token = devices.remember(&who).await?; // after both factors, where "trust this device" was ticked: `token.expose()`
///
/// // At the next login, with the cookie if there is one:
/// let known = devices.recognise(&cookie).await?;
/// let pending = match accounts.log_in(form.on(known)).await? {
///     LoginOutcome::Complete(login) => return Ok(drop(login)),
///     LoginOutcome::Pending(pending) => pending,
/// };
/// match devices.authenticate(DeviceCredential::new(&pending, cookie, peer)).await {
///     Ok(factor) => drop(accounts.proceed(pending, factor, peer).await?),
///     Err(_) => drop(pending), // ask for the code
/// }
/// # let _ = token;
/// # Ok(()) }
/// ```
///
/// - *A stolen device* opens nothing without the password. With it, it is a login of one factor: what is guarded by
///   `at_least(Assurance::Aal2)` asks for the other, and no factor is added or removed and no password changed:
///   `a_remembered_device_does_without_the_second_factor_where_the_policy_says_so`,
///   `a_login_on_a_remembered_device_changes_no_factor`.
/// - *A cookie that somebody makes or moves* is none: it is sealed for account, epoch, device and end.
///   `a_cookie_is_for_one_account_as_it_was`, `nobody_writes_one`.
/// - *A device that was lost* is forgotten at once, by name or by whatever ends the sessions:
///   `a_device_that_is_forgotten_is_dead_at_once`, `without_a_second_factor_no_device_is_remembered`.
/// - *Strangers who guess at an account, or everywhere,* do not slow its owner there, and a queue that they fill
///   has places left: `what_strangers_do_does_not_slow_a_remembered_device`,
///   `guessing_everywhere_slows_everybody_but_remembered_devices`,
///   `a_full_queue_has_places_for_remembered_devices`. The thief of one has its ten tries and two places, and so
///   has whoever remembers many for accounts of their own: `many_devices_at_one_source_leave_the_places_of_others`.
/// - *Strangers who lock the password* do not lock its owner out there: failures on a device are counted in its row, up
///   to a hundred as well, and a login on it takes no lock back from the others:
///   `whoever_locks_a_password_does_not_lock_its_owner_out_of_her_devices`.
#[derive(Clone)]
pub struct RememberedDevices {
    accounts: Accounts,
    keys: Arc<KeyRing>,
    life: Duration,
}

/// A device that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceSummary {
    /// Names it, and is no secret.
    pub id: DeviceId,
    /// Whether it does without the second factor where the policy lets it.
    pub second_factor: bool,
    /// Since when.
    pub created_at: UnixTime,
    /// When it last did without the second factor.
    pub last_used_at: Option<UnixTime>,
    /// Until when.
    pub expires_at: Option<UnixTime>,
}

impl RememberedDevices {
    /// How long a device is remembered: 30 days from the login on which it was. Being used prolongs nothing.
    pub const LIFE: Duration = Duration::from_secs(30 * 86_400);
    /// The most devices of an account. One more ends the oldest.
    pub const MAX: usize = 20;

    /// The devices of these accounts, sealed with this key ring.
    #[must_use]
    pub fn new(accounts: Accounts, keys: Arc<KeyRing>) -> Self {
        Self { accounts, keys, life: Self::LIFE }
    }

    /// The same, remembered for another time from now on, 400 days at most.
    #[must_use]
    pub fn with_life(mut self, life: Duration) -> Self {
        self.life = life.min(Duration::from_secs(400 * 86_400));
        self
    }

    /// Remembers the device of whoever makes the request, who logged in not long ago ([`Accounts::RECENT`]) and asked for
    /// it ("trust this device"; never on a shared one).
    ///
    /// It does without the second factor only if that was shown in this login ([`Assurance::Aal2`]); otherwise it has tries
    /// and a place of its own. Put the text into a cookie with `HttpOnly`, `Secure`, `SameSite=Strict` and the name prefix
    /// `__Host-`, for as long as it lives.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn remember(&self, who: &Authenticated) -> Result<DeviceToken, SecondFactorError> {
        let checks = self.accounts.authenticator();
        let second_factor = who.assurance() >= Assurance::Aal2;
        for _ in 0..TRIES {
            let account = self.accounts.own_account::<SecondFactorError>(who).await?;
            let id: [u8; 16] = entropy_array(&*self.accounts.entropy)?;
            let now = checks.clock.now();
            let expires_at = now.saturating_add(self.life);
            let mut changes = self.too_many(&account.id, now).await?;
            let data = CredentialBlob::new(&[u8::from(second_factor)]);
            let data = data.ok_or_else(|| StoreError::not_written("a byte is longer than a row"))?;
            let key = key_of(&account.id, id);
            let mut record = CredentialRecord::new(key, account.id.clone(), data, now);
            record.expires_at = Some(expires_at);
            changes.push(AccountChange::AddCredential(record));
            match checks
                .stores
                .accounts
                .apply(&account.id, account.version, &changes, EpochBump::Keep)
                .await?
            {
                Applied::Applied(account) => {
                    let (principal, login, epoch) = (account.id.clone(), account.login, account.epoch);
                    let (method, text) = (Method::REMEMBERED_DEVICE, DeviceId::of(id).to_string());
                    let added = AuditEvent::CredentialAdded { principal, method, id: Some(text) };
                    checks.record(&added);
                    let sealed = Sealed { id, principal: account.id, login, epoch, expires_at };
                    return Ok(sealed.write(&self.keys, &*self.accounts.entropy)?);
                }
                Applied::Gone | Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        Err(SecondFactorError::busy())
    }

    /// The devices of an account, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, owner: &PrincipalId) -> Result<Vec<DeviceSummary>, StoreError> {
        let now = self.accounts.authenticator().clock.now();
        let live = self.all_of(owner).await?.into_iter().filter(|one| is_live(one, now));
        Ok(live.filter_map(|record| summary_of(&record)).collect())
    }

    /// Forgets a device of whoever makes the request, however long ago the login is. Answers whether it was there.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn forget(&self, who: &Authenticated, id: &DeviceId) -> Result<bool, SecondFactorError> {
        Ok(self.forget_if(who, |one| *one == *id).await? > 0)
    }

    /// Forgets all devices of whoever makes the request. Answers how many there were.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn forget_all(&self, who: &Authenticated) -> Result<usize, SecondFactorError> {
        self.forget_if(who, |_| true).await
    }

    async fn forget_if(
        &self,
        who: &Authenticated,
        gone: impl Fn(&DeviceId) -> bool,
    ) -> Result<usize, SecondFactorError> {
        let checks = self.accounts.authenticator();
        for _ in 0..TRIES {
            let account = self.accounts.own_account_at_any_age::<SecondFactorError>(who).await?;
            let mut ids = Vec::new();
            let mut changes = Vec::new();
            for record in self.all_of(&account.id).await? {
                if let Some(id) = DeviceId::read(&record.key.lookup).filter(&gone) {
                    ids.push(id);
                    changes.push(AccountChange::RemoveCredential(record.key));
                }
            }
            if ids.is_empty() {
                return Ok(0);
            }
            match checks
                .stores
                .accounts
                .apply(&account.id, account.version, &changes, EpochBump::Keep)
                .await?
            {
                Applied::Applied(account) => {
                    for id in &ids {
                        let (principal, method) = (account.id.clone(), Method::REMEMBERED_DEVICE);
                        let id = Some(id.to_string());
                        checks.record(&AuditEvent::CredentialRemoved { principal, method, id });
                    }
                    return Ok(ids.len());
                }
                Applied::Gone | Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        Err(SecondFactorError::busy())
    }

    /// The changes that make room for one more: those that have expired go, and the oldest.
    async fn too_many(&self, owner: &PrincipalId, now: UnixTime) -> Result<Vec<AccountChange>, StoreError> {
        let (live, mut gone): (Vec<_>, Vec<_>) =
            self.all_of(owner).await?.into_iter().partition(|one| is_live(one, now));
        let surplus = live.len().saturating_add(1).saturating_sub(Self::MAX);
        gone.extend(live.into_iter().take(surplus));
        Ok(gone.into_iter().map(|one| AccountChange::RemoveCredential(one.key)).collect())
    }

    async fn all_of(&self, owner: &PrincipalId) -> Result<Vec<CredentialRecord>, StoreError> {
        let credentials = &self.accounts.authenticator().stores.credentials;
        list_kind(&**credentials, owner, &CredentialKind::REMEMBERED_DEVICE).await
    }
}

impl fmt::Debug for RememberedDevices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RememberedDevices").field("life", &self.life).finish_non_exhaustive()
    }
}

fn key_of(owner: &PrincipalId, id: [u8; 16]) -> CredentialKey {
    let (realm, kind) = (owner.realm().clone(), CredentialKind::REMEMBERED_DEVICE);
    CredentialKey { realm, kind, lookup: Box::from(id) }
}

fn is_live(record: &CredentialRecord, now: UnixTime) -> bool {
    record.expires_at.is_some_and(|expires_at| now < expires_at)
}

fn is_for_second_factor(record: &CredentialRecord) -> bool {
    record.data.expose() == [1]
}

fn summary_of(record: &CredentialRecord) -> Option<DeviceSummary> {
    Some(DeviceSummary {
        id: DeviceId::read(&record.key.lookup)?,
        second_factor: is_for_second_factor(record),
        created_at: record.created_at,
        last_used_at: record.last_used_at,
        expires_at: record.expires_at,
    })
}
