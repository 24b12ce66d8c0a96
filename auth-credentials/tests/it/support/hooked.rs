//! An account store that notes its calls, and lets a test step in just before one of them.

use std::sync::Mutex;

use async_trait::async_trait;
use auth_core::{
    Account, AccountChange, AccountStore, Applied, Claim, Created, CredentialBlob, CredentialKey,
    CredentialRecord, CredentialStore, EpochBump, FoundCredential, LoginName, Page, PrincipalId, Purpose,
    Put, Realm, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime, Updated, Version,
};

type Hook = Box<dyn FnOnce() + Send>;

/// What the store inside does, after what the test does.
pub(crate) struct Hooked<S> {
    pub(crate) inner: S,
    hooks: Mutex<Vec<(&'static str, Hook)>>,
    calls: Mutex<Vec<&'static str>>,
}

impl<S> Hooked<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, hooks: Mutex::default(), calls: Mutex::default() }
    }

    /// Runs `hook` just before the next call of `method`, once.
    pub(crate) fn before(&self, method: &'static str, hook: impl FnOnce() + Send + 'static) {
        self.hooks.lock().unwrap().push((method, Box::new(hook)));
    }

    /// The calls since the last time that this was asked.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn enter(&self, method: &'static str) {
        self.calls.lock().unwrap().push(method);
        let mut hooks = self.hooks.lock().unwrap();
        let hook = hooks.iter().position(|(name, _)| *name == method).map(|at| hooks.remove(at).1);
        // A hook may call this store itself.
        drop(hooks);
        if let Some(hook) = hook {
            hook();
        }
    }
}

macro_rules! hooked {
    ($trait:ident { $(async fn $name:ident(&self $(, $arg:ident: $ty:ty)*) -> $out:ty;)* }) => {
        #[async_trait]
        impl<S: $trait> $trait for Hooked<S> {
            $(
                async fn $name(&self $(, $arg: $ty)*) -> Result<$out, StoreError> {
                    self.enter(stringify!($name));
                    self.inner.$name($($arg),*).await
                }
            )*
        }
    };
}

hooked!(AccountStore {
    async fn create(&self, account: &Account, credentials: &[CredentialRecord]) -> Created;
    async fn by_login(&self, realm: &Realm, login: &LoginName) -> Option<Account>;
    async fn by_id(&self, id: &PrincipalId) -> Option<Account>;
    async fn apply(&self, id: &PrincipalId, expected: Version, changes: &[AccountChange], epoch: EpochBump) -> Applied;
    async fn remove(&self, id: &PrincipalId) -> bool;
    async fn sweeps_pending(&self, page: Page) -> Vec<Account>;
});

hooked!(CredentialStore {
    async fn find(&self, key: &CredentialKey) -> Option<FoundCredential>;
    async fn list(&self, owner: &PrincipalId, page: Page) -> Vec<CredentialRecord>;
    async fn update(&self, key: &CredentialKey, expected: Version, data: &CredentialBlob) -> Updated;
    async fn consume(&self, key: &CredentialKey, expected: Version) -> bool;
    async fn count_failure(&self, key: &CredentialKey) -> Option<u32>;
    async fn succeeded(&self, key: &CredentialKey, expected: Version, now: UnixTime) -> bool;
});

hooked!(TokenStore {
    async fn put(&self, token: &TokenRecord, now: UnixTime) -> Put;
    async fn replace(&self, token: &TokenRecord, now: UnixTime) -> Put;
    async fn take(&self, key: &TokenKey, now: UnixTime) -> Option<TokenRecord>;
    async fn peek(&self, key: &TokenKey, now: UnixTime) -> Option<TokenRecord>;
    async fn claim(&self, key: &TokenKey, expires_at: UnixTime, now: UnixTime) -> Claim;
    async fn revoke(&self, realm: &Realm, purpose: Purpose, subject: &TokenSubject, now: UnixTime) -> u64;
    async fn purge(&self, now: UnixTime, limit: u32) -> u64;
});
