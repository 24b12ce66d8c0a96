//! A store that can be made to fail, around one that works.

use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;

use crate::{
    Account, AccountChange, AccountStore, Applied, Assignment, AssignmentStore, Claim, Count, CounterKey,
    CounterStore, Created, CredentialBlob, CredentialKey, CredentialRecord, CredentialStore, EndAll,
    EpochBump, FoundCredential, Inserted, LoginName, Page, PolicyVersion, PrincipalId, Purpose, Put, Realm,
    RoleName, Rotated, SecretState, SessionBlob, SessionId, SessionLimit, SessionOwner, SessionRecord,
    SessionStore, SessionSummary, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime,
    Updated, Version, Window,
};

/// How a [`FailingStore`] fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailWith {
    /// [`StoreError::NotWritten`], with nothing done.
    NotWritten,
    /// [`StoreError::Unknown`], with everything done: the connection broke before the answer came.
    LostAnswer,
    /// [`StoreError::Full`], with nothing done.
    Full,
    /// [`StoreError::Timeout`], with nothing done.
    Timeout,
    /// [`StoreError::Corrupt`], with nothing done, from whatever reads the row that a key names. What adds rows, removes
    /// or lists them does what it is asked.
    Corrupt,
}

/// What reads the row that a key names, among the methods of all traits.
const READS: [&str; 13] = [
    "load",
    "update",
    "rotate",
    "touch",
    "take",
    "peek",
    "by_login",
    "by_id",
    "apply",
    "find",
    "consume",
    "count_failure",
    "succeeded",
];

/// A store that does what the one inside does, until it is told to fail.
#[derive(Debug)]
pub struct FailingStore<S> {
    inner: S,
    mode: AtomicU8,
}

impl<S> FailingStore<S> {
    /// A store around `inner` that does not fail yet.
    pub const fn new(inner: S) -> Self {
        Self { inner, mode: AtomicU8::new(0) }
    }

    /// Lets every call fail from now on, or, if it is [`FailWith::Corrupt`], those that read; `None` ends that.
    pub fn fail_with(&self, how: Option<FailWith>) {
        let mode = match how {
            None => 0,
            Some(FailWith::NotWritten) => 1,
            Some(FailWith::LostAnswer) => 2,
            Some(FailWith::Full) => 3,
            Some(FailWith::Timeout) => 4,
            Some(FailWith::Corrupt) => 5,
        };
        self.mode.store(mode, Ordering::SeqCst);
    }

    /// The store inside.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    fn before(&self, method: &str) -> Result<(), StoreError> {
        match self.mode.load(Ordering::SeqCst) {
            1 => Err(StoreError::not_written("told to fail")),
            3 => Err(StoreError::full()),
            4 => Err(StoreError::timeout()),
            5 if READS.contains(&method) => Err(StoreError::corrupt("told to fail")),
            _ => Ok(()),
        }
    }

    fn after<T>(&self, done: T) -> Result<T, StoreError> {
        match self.mode.load(Ordering::SeqCst) {
            2 => Err(StoreError::unknown("told to fail")),
            _ => Ok(done),
        }
    }
}

macro_rules! failing {
    ($trait:ident { $(async fn $name:ident(&self $(, $arg:ident: $ty:ty)*) -> $out:ty;)* }) => {
        #[async_trait]
        impl<S: $trait> $trait for FailingStore<S> {
            $(
                async fn $name(&self $(, $arg: $ty)*) -> Result<$out, StoreError> {
                    self.before(stringify!($name))?;
                    let done = self.inner.$name($($arg),*).await?;
                    self.after(done)
                }
            )*
        }
    };
}

failing!(SessionStore {
    async fn insert(&self, record: &SessionRecord, limit: Option<&SessionLimit>, now: UnixTime) -> Inserted;
    async fn load(&self, id: &SessionId, now: UnixTime) -> Option<SessionRecord>;
    async fn update(&self, id: &SessionId, expected: Version, data: &SessionBlob) -> Updated;
    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> bool;
    async fn rotate(&self, id: &SessionId, expected: Version, next: &SecretState) -> Rotated;
    async fn remove(&self, id: &SessionId) -> bool;
    async fn list(&self, owner: &SessionOwner, page: Page, now: UnixTime) -> Vec<SessionSummary>;
    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> u64;
    async fn purge(&self, now: UnixTime, limit: u32) -> u64;
});

failing!(TokenStore {
    async fn put(&self, token: &TokenRecord, now: UnixTime) -> Put;
    async fn replace(&self, token: &TokenRecord, now: UnixTime) -> Put;
    async fn take(&self, key: &TokenKey, now: UnixTime) -> Option<TokenRecord>;
    async fn peek(&self, key: &TokenKey, now: UnixTime) -> Option<TokenRecord>;
    async fn claim(&self, key: &TokenKey, expires_at: UnixTime, now: UnixTime) -> Claim;
    async fn revoke(&self, realm: &Realm, purpose: Purpose, subject: &TokenSubject, now: UnixTime) -> u64;
    async fn purge(&self, now: UnixTime, limit: u32) -> u64;
});

failing!(CounterStore {
    async fn add(&self, key: &CounterKey, n: u32, window: Window, now: UnixTime) -> Count;
    async fn reset(&self, key: &CounterKey, window: Window) -> ();
    async fn purge(&self, now: UnixTime, limit: u32) -> u64;
});

failing!(AccountStore {
    async fn create(&self, account: &Account, credentials: &[CredentialRecord]) -> Created;
    async fn by_login(&self, realm: &Realm, login: &LoginName) -> Option<Account>;
    async fn by_id(&self, id: &PrincipalId) -> Option<Account>;
    async fn apply(&self, id: &PrincipalId, expected: Version, changes: &[AccountChange], epoch: EpochBump) -> Applied;
    async fn remove(&self, id: &PrincipalId) -> bool;
    async fn sweeps_pending(&self, page: Page) -> Vec<Account>;
});

failing!(CredentialStore {
    async fn find(&self, key: &CredentialKey) -> Option<FoundCredential>;
    async fn list(&self, owner: &PrincipalId, page: Page) -> Vec<CredentialRecord>;
    async fn update(&self, key: &CredentialKey, expected: Version, data: &CredentialBlob) -> Updated;
    async fn consume(&self, key: &CredentialKey, expected: Version) -> bool;
    async fn count_failure(&self, key: &CredentialKey) -> Option<u32>;
    async fn succeeded(&self, key: &CredentialKey, expected: Version, now: UnixTime) -> bool;
});

failing!(AssignmentStore {
    async fn grant(&self, assignment: &Assignment) -> bool;
    async fn revoke(&self, assignment: &Assignment) -> bool;
    async fn roles_of(&self, principal: &PrincipalId) -> Vec<RoleName>;
    async fn list(&self, page: Page) -> Vec<Assignment>;
    async fn version(&self) -> PolicyVersion;
});
