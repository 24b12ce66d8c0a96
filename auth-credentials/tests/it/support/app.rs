//! A whole application as far as this crate goes.

use std::{net::IpAddr, sync::Arc};

use auth_core::{
    Account, AccountChange, AccountStore, Applied, AuditEvent, AuthenticateError, Authenticated,
    CredentialBlob, CredentialKey, CredentialKind, CredentialRecord, CredentialStore, EpochBump, Login,
    LoginGate, LoginName, LoginOutcome, MemoryAccounts, MemoryAudit, PrincipalId, Purpose, Realm,
    RejectionReason, SystemEntropy, UnixTime,
    testing::{FailingStore, SteppedClock, block_on},
};
use auth_credentials::{
    AccountStores, Accounts, Argon2Params, HashPool, HashPoolSize, Limit, OneFactor, PasswordAuthenticator,
    PasswordCredential, PasswordHasher, PasswordPolicy, Throttle, ThrottleLimits,
};

use super::{address, cheap, counters::TestCounters, hasher, hooked::Hooked};

pub(crate) const PASSWORD: &str = "velvet otters at dawn";
pub(crate) const NEXT: &str = "granite kites by noon";

pub(crate) type Accounted = Hooked<FailingStore<MemoryAccounts>>;

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) accounts: Accounts,
    pub(crate) store: Arc<Accounted>,
    pub(crate) counters: Arc<TestCounters>,
    pub(crate) audit: Arc<MemoryAudit>,
    pub(crate) clock: SteppedClock,
    pub(crate) pool: HashPool,
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with(cheap(), ThrottleLimits::login())
    }

    /// Without a throttle to speak of.
    pub(crate) fn unthrottled(params: Argon2Params) -> Self {
        let limit = Limit::new(u32::MAX.try_into().unwrap(), ThrottleLimits::login().pair.window());
        Self::with(params, ThrottleLimits { pair: limit, account: limit, source: limit, global: None })
    }

    pub(crate) fn with(params: Argon2Params, limits: ThrottleLimits) -> Self {
        Self::on(Self::store(), params, limits)
    }

    pub(crate) fn store() -> Arc<Accounted> {
        Arc::new(Hooked::new(FailingStore::new(MemoryAccounts::new(1_000))))
    }

    /// Another application on the same store.
    pub(crate) fn on(store: Arc<Accounted>, params: Argon2Params, limits: ThrottleLimits) -> Self {
        Self::hashing_by(store, hasher(params), limits)
    }

    /// The same with any hasher.
    pub(crate) fn hashing_by(store: Arc<Accounted>, hasher: PasswordHasher, limits: ThrottleLimits) -> Self {
        let clock = SteppedClock::new(UnixTime::from_secs(1_800_000_000));
        let (audit, counters) = (Arc::new(MemoryAudit::new(10_000)), Arc::new(TestCounters::default()));
        let size = HashPoolSize { workers: 1.try_into().unwrap(), queue: 512.try_into().unwrap() };
        let pool = HashPool::start(hasher, size).unwrap();
        let authenticator = PasswordAuthenticator::new(
            AccountStores::new(Arc::<Accounted>::clone(&store)),
            pool.clone(),
            Throttle::new(Arc::<TestCounters>::clone(&counters), Purpose::new("login"), limits),
            Arc::<MemoryAudit>::clone(&audit),
            Arc::new(clock.clone()),
        );
        let accounts = Accounts::new(
            authenticator,
            LoginGate::new(Arc::new(OneFactor::password())),
            PasswordPolicy::default(),
            Arc::<TestCounters>::clone(&counters),
            Arc::new(SystemEntropy),
        );
        Self { accounts, store, counters, audit, clock, pool }
    }

    pub(crate) fn sign_up(&self, login: &str, password: &str) {
        block_on(self.accounts.sign_up(credential(login, password, address(1)))).unwrap();
    }

    pub(crate) fn log_in(&self, login: &str, password: &str) -> Result<Login, AuthenticateError> {
        self.log_in_from(login, password, address(1))
    }

    pub(crate) fn log_in_from(
        &self,
        login: &str,
        password: &str,
        source: IpAddr,
    ) -> Result<Login, AuthenticateError> {
        match block_on(self.accounts.log_in(credential(login, password, source)))? {
            LoginOutcome::Complete(login) => Ok(login),
            LoginOutcome::Pending(_) => panic!("one factor is enough"),
        }
    }

    /// Logs in, as a request that follows sees it.
    pub(crate) fn request_of(&self, login: &str, password: &str) -> Authenticated {
        Authenticated::assertion(self.log_in(login, password).unwrap().into_authentication())
    }

    pub(crate) fn account(&self, login: &str) -> Account {
        let login = LoginName::parse(login).unwrap();
        block_on(self.store.inner.by_login(&Realm::LOCAL, &login)).unwrap().unwrap()
    }

    pub(crate) fn credential(&self, login: &str) -> CredentialRecord {
        let key = CredentialKey::only(&self.account(login).id, CredentialKind::PASSWORD);
        block_on(self.store.inner.find(&key)).unwrap().unwrap().credential
    }

    /// Puts something else in the place of the password's hash.
    pub(crate) fn store_hash(&self, login: &str, stored: &str) {
        let CredentialRecord { key, version, .. } = self.credential(login);
        let data = CredentialBlob::new(stored.as_bytes()).unwrap();
        let changed = block_on(self.store.inner.update(&key, version, &data)).unwrap();
        assert_eq!(changed, auth_core::Updated::Updated);
    }

    pub(crate) fn change(&self, login: &str, change: AccountChange) {
        let (account, change) = (self.account(login), [change]);
        let changed = self.store.inner.apply(&account.id, account.version, &change, EpochBump::Keep);
        assert!(matches!(block_on(changed).unwrap(), Applied::Applied(_)));
    }

    /// The reasons of the refusals so far.
    pub(crate) fn reasons(&self) -> Vec<RejectionReason> {
        let reason = |(_, event)| match event {
            AuditEvent::CredentialRefused { reason, .. } => Some(reason),
            _ => None,
        };
        self.audit.events().into_iter().filter_map(reason).collect()
    }

    pub(crate) fn id(&self, login: &str) -> PrincipalId {
        self.account(login).id
    }
}

pub(crate) fn credential(login: &str, password: &str, source: IpAddr) -> PasswordCredential {
    PasswordCredential::typed(login, password.to_owned(), Some(source))
}
