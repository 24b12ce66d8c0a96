//! Checks login names with passwords.

mod check;

use std::{fmt, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use auth_core::{
    AuditEvent, AuditSink, AuthenticateError, Authenticator, Clock, FactorPassed, LoginName, Method,
    NameError, Realm,
};

pub(crate) use self::check::{Attempt, Passed};
use crate::{
    budgeted_audit::BudgetedAudit,
    password::Password,
    pool::{HashPlace, HashPool, Overloaded},
    remembered_devices::recognised::KnownDevice,
    source::Origin,
    stores::AccountStores,
    throttle::{Throttle, ThrottleError},
};

/// A login name and a password as they were presented, and from where.
#[derive(Clone)]
pub struct PasswordCredential {
    pub(crate) realm: Realm,
    /// An error if what was typed cannot be a login name, and thus is nobody's.
    pub(crate) login: Result<LoginName, NameError>,
    pub(crate) password: Password,
    pub(crate) source: Option<IpAddr>,
    device: Option<KnownDevice>,
}

impl PasswordCredential {
    /// A login name as it was typed, with a password, from `source`.
    ///
    /// A name that nobody can have is not an error here: it is refused like one that nobody has, after the
    /// same work. `source` is the address of the peer, or of the client behind a proxy that you trust; `None`
    /// is this program itself, or a peer without an address; all of these are one source.
    #[must_use]
    pub fn typed(login: &str, password: impl Into<Password>, source: Option<IpAddr>) -> Self {
        let login = LoginName::canonical(login);
        Self { realm: Realm::LOCAL, login, password: password.into(), source, device: None }
    }

    /// The same for an account of this realm instead of [`Realm::LOCAL`].
    #[must_use]
    pub fn in_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// The same from a device that is [remembered](crate::RememberedDevices::recognise). If it is that of the account
    /// with this login, its first tries are counted apart from those of everybody else, and it has a place where the pool
    /// is full; beyond those tries, and at any other login, it is like none.
    #[must_use]
    pub fn on(mut self, device: Option<KnownDevice>) -> Self {
        self.device = device;
        self
    }

    /// The device, if it is one of this login.
    fn known_device(&self) -> Option<&KnownDevice> {
        let login = self.login.as_ref().ok();
        self.device.as_ref().filter(|device| device.is_of(&self.realm, login))
    }
}

/// Without the login name: people type passwords there.
impl fmt::Debug for PasswordCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordCredential")
            .field("realm", &self.realm)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Checks a login name with a password and yields a [`FactorPassed`].
///
/// In this order: the throttle looks at the try, the pool gives it a place, the throttle counts it, the account
/// and its credential are looked up, the failure is counted in advance while a worker hashes, the tags are
/// compared, and a success takes the failures back. So neither a flood nor guesses at once reach further than
/// the limits allow, and whoever is turned away has not used up a try.
///
/// A login that nobody has, a disabled account, one without a password or with too many failures, a stored
/// hash that cannot be read, and a password that is too long take the same path, with the same calls to the
/// store, and cost one hash like any other. Outside they are one [`Rejection`](auth_core::Rejection); the
/// reason goes to the audit sink.
///
/// A hash of older parameters is replaced at login if it is still the one that was checked. A password that
/// is changed while a login is under way ends that login.
///
/// # What it withstands
///
/// Argon2id (RFC 9106) with a salt each, on a bounded pool; chosen under NIST SP 800-63B-4: at least 15 characters
/// alone or 8 beside a second factor, the whole password against lists, no character classes, no expiry.
///
/// - *Guessing at the door* is throttled per account, source and pair before anything is hashed, and ends after a
///   hundred failures in a row (`an_account_over_its_limit_is_delayed_and_never_shut`).
/// - *A copy of the database* costs an Argon2id hash a guess. With a pepper it is of no use at all: what is hashed
///   is an HMAC of the password under a key of a `KeyRing`, whose id is stored beside the hash.
///   `a_hash_names_its_pepper_and_is_right_under_no_other`. A new key comes into use as people log in
///   (`logging_in_brings_a_hash_to_the_current_pepper`), and a check costs the same whichever key it needs
///   (`a_check_costs_the_same_whichever_pepper_it_needs`). Whoever loses the key file loses every password; the log
///   then says `unknown-key`, and not that the password was wrong:
///   `an_unknown_pepper_is_refused_like_a_wrong_password_and_named_in_the_log`.
/// - *A password that leaked elsewhere* is tried here first. Fifteen characters and a small list of the first
///   guesses keep the worst out; `LeakedPasswords` asks a breach corpus whenever a password is chosen:
///   `a_leaked_password_cannot_be_chosen`, `a_leaked_password_gets_in_by_no_link_and_for_no_factor`. It is told
///   five hexadecimal digits of a hash (`a_server_is_told_five_digits_and_nothing_else`), after whatever refuses
///   the password anyway (`nobody_is_asked_for_what_is_refused_anyway`). What becomes of a password when it does
///   not answer is for you to say: `a_list_that_does_not_answer_refuses_unless_it_was_told_otherwise`. No strength
///   is estimated: for a long password, an estimate says less than such a list.
///
/// ```rust
/// # use std::sync::Arc;
/// # use auth_core::{KeyRing, SystemEntropy};
/// # use auth_credentials::{Accounts, Argon2Params, HashPool, HashPoolSize, IfUnanswered, LeakedPasswords, PasswordHasher, RangeClient};
/// # fn demo(accounts: Accounts, keys: Arc<KeyRing>, client: Arc<dyn RangeClient>) -> Result<(), Box<dyn std::error::Error>> {
/// // What a `PasswordAuthenticator` is made of:
/// let hasher = PasswordHasher::new(Argon2Params::OWASP, Arc::new(SystemEntropy))?.with_pepper(keys);
/// let pool = HashPool::start(hasher, HashPoolSize::default())?;
/// // `client` is `HttpsRanges::pwned_passwords()` (feature `reqwest`), or yours.
/// let accounts = accounts.with_leaked_passwords(LeakedPasswords::new(client, IfUnanswered::Accept));
/// # let _ = (pool, accounts);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PasswordAuthenticator {
    pub(crate) stores: AccountStores,
    pub(crate) pool: HashPool,
    pub(crate) throttle: Throttle,
    pub(crate) audit: BudgetedAudit,
    pub(crate) clock: Arc<dyn Clock>,
}

impl PasswordAuthenticator {
    /// Consecutive failures after which a password is refused until it is set anew: 100, the most that NIST
    /// SP 800-63B-4 section 3.2.2 allows. So many on each device that is [remembered](crate::RememberedDevices), which are
    /// counted there and not with those from elsewhere: whoever locks the password does not lock its owner out.
    pub const MAX_FAILURES: u32 = 100;

    /// An authenticator for the accounts in `stores`. What everything that is made of it has to tell goes to `audit`; what
    /// strangers can cause as often as they like within an [`AuditBudget`](auth_core::AuditBudget) for each sort.
    #[must_use]
    pub fn new(
        stores: AccountStores,
        pool: HashPool,
        throttle: Throttle,
        audit: Arc<dyn AuditSink>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { stores, pool, throttle, audit: BudgetedAudit::new(audit), clock }
    }

    /// The pool that hashes.
    #[must_use]
    pub fn pool(&self) -> &HashPool {
        &self.pool
    }

    /// Takes a place in the pool for a try that `throttle` lets go on; writes down if there is none or it does
    /// not.
    ///
    /// The try is counted once it has its place: one that was turned away is not held against anybody.
    pub(crate) async fn enter<E: From<ThrottleError> + From<Overloaded>>(
        &self,
        throttle: &Throttle,
        realm: &Realm,
        login: Option<&LoginName>,
        source: Option<IpAddr>,
    ) -> Result<HashPlace, E> {
        Ok(self.enter_on::<E>(throttle, realm, login, None, source).await?.0)
    }

    /// The same on a device. Answers also whose try it was: that of a device which has used up its own is its source's.
    async fn enter_on<E: From<ThrottleError> + From<Overloaded>>(
        &self,
        throttle: &Throttle,
        realm: &Realm,
        login: Option<&LoginName>,
        device: Option<&KnownDevice>,
        source: Option<IpAddr>,
    ) -> Result<(HashPlace, Origin), E> {
        let (whose, now) = (login.map(|login| login.as_str().as_bytes()), self.clock.now());
        let at_source = Origin::from_peer(source);
        let (mut origin, mut kept) =
            device.map_or((at_source, None), |device| (device.origin(), Some(device.kept())));
        let mut tries = throttle.tries_of(realm, whose, origin, now);
        let note = |error: &ThrottleError| {
            if let ThrottleError::Throttled(_) = error {
                let what = throttle.purpose().as_str();
                self.record(&AuditEvent::Throttled { what, principal: None, source });
            }
        };
        let mut looked = tries.look().await;
        if let (Some(_), Err(ThrottleError::Throttled(_))) = (kept, &looked) {
            (origin, kept) = (at_source, None);
            tries = throttle.tries_of(realm, whose, origin, now);
            looked = tries.look().await;
        }
        looked.inspect_err(note)?;
        let place = self.admit_from(at_source, kept)?;
        tries.count().await.inspect_err(note)?;
        Ok((place, origin))
    }

    /// Takes a place in the pool; writes down if there is none.
    pub(crate) fn admit(&self, source: Option<IpAddr>) -> Result<HashPlace, Overloaded> {
        self.admit_from(Origin::from_peer(source), None)
    }

    fn admit_from(&self, origin: Origin, kept: Option<Origin>) -> Result<HashPlace, Overloaded> {
        self.pool.admit_from(origin, kept).inspect_err(|_| {
            self.record(&AuditEvent::Overloaded { what: "hash pool" });
        })
    }

    pub(crate) fn record(&self, event: &AuditEvent) {
        self.audit.record(self.clock.now(), event);
    }
}

#[async_trait]
impl Authenticator for PasswordAuthenticator {
    type Credential = PasswordCredential;
    type Proof = FactorPassed;

    async fn authenticate(&self, credential: PasswordCredential) -> Result<FactorPassed, AuthenticateError> {
        let device = credential.known_device().cloned();
        let PasswordCredential { realm, login, password, source, .. } = credential;
        let login = login.ok();
        let (place, origin) = self
            .enter_on::<AuthenticateError>(&self.throttle, &realm, login.as_ref(), device.as_ref(), source)
            .await?;
        let account = match &login {
            Some(login) => self.stores.accounts.by_login(&realm, login).await?,
            None => None,
        };
        // One that has used up its tries of late is like none.
        let device = device.as_ref().filter(|_| matches!(origin, Origin::Device(_)));
        let attempt = Attempt { realm: &realm, account: account.as_ref(), source, device };
        let passed = match self.check(&attempt, place, password, None).await {
            Err(AuthenticateError::Rejected(rejection)) => {
                // What a device does that is known is its own affair.
                if let Origin::Source(source) = origin {
                    let whose = login.as_ref().map(|login| login.as_str().as_bytes());
                    self.throttle.refused_at(&realm, whose, source, self.clock.now()).await?;
                }
                return Err(rejection.into());
            }
            passed => passed?,
        };
        // Those of a device stay: whoever has the password has devices as well, and is not to be counted nowhere.
        if let (Some(login), Origin::Source(_)) = (&login, origin) {
            // Counted tries that stay counted are the safe side; the login is not to fail for them.
            let _ = self.throttle.forget_pair(&realm, login.as_str().as_bytes(), origin).await;
        }
        self.bring_up_to_date(&passed).await;
        let (principal, epoch) = (passed.owner, passed.epoch);
        let (whose, method) = (principal.clone(), Method::PASSWORD);
        self.record(&AuditEvent::FactorPassed { principal: whose, method, source });
        Ok(FactorPassed::assertion(principal, Method::PASSWORD, self.clock.now(), epoch))
    }
}

impl fmt::Debug for PasswordAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordAuthenticator")
            .field("pool", &self.pool)
            .field("throttle", &self.throttle)
            .finish_non_exhaustive()
    }
}
