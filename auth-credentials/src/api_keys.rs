//! Keys of programs.

mod check;
pub(crate) mod credential;
pub(crate) mod error;
mod good;
mod manage;
mod service;
mod stored;
pub(crate) mod terms;
pub(crate) mod text;
mod uses;

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{AuditEvent, CounterStore, CredentialKey, CredentialKind, Realm, UnixTime};

use self::{
    good::Good,
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
/// A check is a checksum, a SHA-256, one read of a row, and no write (of a key that was not good here before, also a look
/// at the counter of its source): when a key was last used is noted in memory and
/// written by [`write_uses`](Self::write_uses), which a job of the application calls now and then.
///
/// Clones share everything.
///
/// # What they withstand
///
/// `acme_<id><secret><checksum>`: 16 letters that name the key and are no secret, 256 bits that are one, and a
/// CRC-32, all in base62. Register `acme_[0-9A-Za-z]{65}` with the secret scanners of the places where your users
/// keep their code.
///
/// ```rust
/// # use std::{net::IpAddr, sync::Arc, time::Duration};
/// # use auth_core::{Authenticated, Authenticator, MemoryCounters, Scopes};
/// # use auth_credentials::{Accounts, ApiKeyCredential, ApiKeyPrefix, ApiKeyTerms, ApiKeys};
/// # async fn demo(accounts: Accounts, who: Authenticated, header: &[u8], peer: Option<IpAddr>) -> Result<(), Box<dyn std::error::Error>> {
/// let keys = ApiKeys::new(accounts, ApiKeyPrefix::parse("acme")?, Arc::new(MemoryCounters::new(10_000)));
/// let terms = ApiKeyTerms::new("nightly backup", Scopes::parse("notes.read")?, Duration::from_secs(90 * 86_400))?;
/// let new = keys.create(&who, &terms).await?; // show `new.key` once, then keep `new.id`
///
/// // For each request of a program:
/// let request: Authenticated = keys.authenticate(ApiKeyCredential::bearer(header, peer)?).await?;
/// # let _ = (new, request);
/// # Ok(()) }
/// ```
///
/// - *A copy of the database* has SHA-256 hashes of 256 bits: `a_row_does_not_tell_the_key`. A slow hash would
///   protect nothing more, and cost every request.
/// - *A key that leaked* does what its scopes say, from the networks that it is for, until it expires or is
///   revoked, at once: `a_key_acts_for_its_owner_within_its_scopes`, `a_key_is_good_in_its_networks_alone`,
///   `a_revoked_key_is_dead_at_once`. It makes no session, no other key, no second factor and no other address:
///   `a_key_changes_neither_factors_nor_keys_nor_the_address`,
///   `rotating_takes_a_fresh_login_and_revoking_one_without_limits`. Administrators have `create_for`, `rotate_for`
///   and `revoke_for`: whether they may is yours to check.
/// - *Whoever took an account over* may have made a key to stay. So a person's keys die with the sessions, when the
///   password changes: `a_key_dies_with_its_time_and_with_what_happens_to_its_owner`. `outliving_sessions` gives
///   that up; a service has no password to change.
/// - *A rotation that is sent again* makes no second key: `a_key_that_was_rotated_is_not_rotated_again`.
/// - *A flood of keys that are none* reaches no store: `what_is_no_key_is_refused_without_a_look_into_the_store`. One
///   of keys that somebody made up, for a checksum is no secret, reaches it 300 times: then their source is told to
///   wait before anything is looked up, and keys behind the same address pass that were good here before or made here
///   (`a_source_of_refused_keys_is_throttled_and_good_keys_behind_it_pass`); others wait as told.
/// - *A key in a URL* ends up in logs. `ApiKeyCredential::bearer` reads a header; nothing here reads a query.
/// - A check is one read of one row, and no write: `a_check_is_one_read_and_no_write`; `credentials/api-key-check`
///   in the benchmarks.
#[derive(Clone)]
pub struct ApiKeys {
    accounts: Accounts,
    prefix: ApiKeyPrefix,
    realm: Realm,
    pub(crate) throttle: Throttle,
    uses: Arc<Uses>,
    good: Arc<Good>,
}

impl ApiKeys {
    /// The most keys of one account; while they are [rotated](Self::rotate), as many again that are on their way out.
    pub const MAX_KEYS: usize = 100;
    /// How often at most the last use of a key is written: every 5 minutes.
    pub const USE_INTERVAL: Duration = Duration::from_secs(300);

    /// Keys that begin with `prefix`, by which secret scanners know them. Refused keys are counted in `counters` under
    /// [`Throttle::api_keys`], which is asked about every key that was not good here before: let it be in memory.
    ///
    /// A source of too many refused keys is told to wait before anything is looked up, but for keys that were good here of
    /// late (the last 5,000 at least) or made here. This memory is this process's, and of nothing but hashes.
    #[must_use]
    pub fn new(accounts: Accounts, prefix: ApiKeyPrefix, counters: Arc<dyn CounterStore>) -> Self {
        let throttle = Throttle::api_keys(counters);
        Self { accounts, prefix, realm: Realm::LOCAL, throttle, uses: Arc::default(), good: Arc::default() }
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
