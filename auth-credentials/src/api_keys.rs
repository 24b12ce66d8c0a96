//! Keys of programs.

mod check;
pub(crate) mod credential;
pub(crate) mod error;
mod manage;
mod service;
mod stored;
pub(crate) mod terms;
pub(crate) mod text;
mod uses;

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{AuditEvent, CounterStore, CredentialKey, CredentialKind, Realm, UnixTime};

use self::{
    text::{ApiKeyId, ApiKeyPrefix},
    uses::Uses,
};
use crate::{accounts::Accounts, throttle::Throttle};

/// Keys by which programs act for an account: a person's, or a [service's](Self::create_service).
///
/// As an [`Authenticator`](auth_core::Authenticator) it checks an [`ApiKeyCredential`](crate::ApiKeyCredential) and
/// yields an [`Authenticated`](auth_core::Authenticated) with the key's scopes as limits: it opens requests and never
/// a session, and it changes neither factors nor keys.
///
/// | flow | what comes of it |
/// |---|---|
/// | [`create`](Self::create), [`create_for`](Self::create_for) | a [`NewApiKey`](crate::NewApiKey), shown once |
/// | [`list`](Self::list) | what is known of each, never the key |
/// | [`rotate`](Self::rotate), [`rotate_for`](Self::rotate_for) | a new key; the old one works for a while and then dies |
/// | [`revoke`](Self::revoke), [`revoke_for`](Self::revoke_for) | one key less, at once |
///
/// A check is a checksum, a SHA-256, one read of a row, and no write: when a key was last used is noted in memory and
/// written by [`write_uses`](Self::write_uses), which a job of the application calls now and then.
///
/// Clones share everything.
#[derive(Clone)]
pub struct ApiKeys {
    accounts: Accounts,
    prefix: ApiKeyPrefix,
    realm: Realm,
    throttle: Throttle,
    uses: Arc<Uses>,
}

impl ApiKeys {
    /// The most keys of one account.
    pub const MAX_KEYS: usize = 100;
    /// How often at most the last use of a key is written: every 5 minutes.
    pub const USE_INTERVAL: Duration = Duration::from_secs(300);

    /// Keys that begin with `prefix`, by which secret scanners know them. Refused keys are counted in `counters` under
    /// [`Throttle::api_keys`], which is asked with every one of them: let it be in memory.
    #[must_use]
    pub fn new(accounts: Accounts, prefix: ApiKeyPrefix, counters: Arc<dyn CounterStore>) -> Self {
        let throttle = Throttle::api_keys(counters);
        Self { accounts, prefix, realm: Realm::LOCAL, throttle, uses: Arc::default() }
    }

    /// The same for the accounts of this realm instead of [`Realm::LOCAL`].
    #[must_use]
    pub fn in_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// The same with another throttle. Of its limits, only the one of a source counts.
    #[must_use]
    pub fn with_throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = throttle;
        self
    }

    /// What the keys begin with.
    #[must_use]
    pub fn prefix(&self) -> &ApiKeyPrefix {
        &self.prefix
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.accounts.authenticator().clock.now()
    }

    pub(crate) fn record(&self, event: &AuditEvent) {
        self.accounts.authenticator().record(event);
    }

    fn key(&self, id: &ApiKeyId) -> CredentialKey {
        CredentialKey {
            realm: self.realm.clone(),
            kind: CredentialKind::API_KEY,
            lookup: Box::from(*id.as_bytes()),
        }
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys")
            .field("prefix", &self.prefix)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}
