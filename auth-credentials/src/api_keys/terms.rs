//! What a key may be used for, and what is told of it.

use std::{fmt, time::Duration};

use auth_core::{CredentialRecord, Limits, NameError, Network, PrincipalId, Realm, Scopes, Secret, UnixTime};

use super::{stored::StoredKey, text::ApiKeyId};

/// What a new key may be used for, and for how long.
///
/// Scopes and life are asked for; giving one of them up is a call that says so.
#[derive(Debug, Clone)]
pub struct ApiKeyTerms {
    pub(super) name: Box<str>,
    pub(super) life: Option<Duration>,
    pub(super) limits: Limits,
    pub(super) outlives_epoch: bool,
}

impl ApiKeyTerms {
    /// The most bytes of a name.
    pub const MAX_NAME: usize = 64;
    /// The most networks.
    pub const MAX_NETWORKS: usize = 16;

    /// Terms of a key that its owner calls `name`, with these scopes and no others, for this long.
    ///
    /// # Errors
    /// [`NameError`] if the name is empty, longer than 64 bytes or has a control character.
    pub fn new(name: &str, scopes: Scopes, life: Duration) -> Result<Self, NameError> {
        if name.trim().is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > Self::MAX_NAME {
            return Err(NameError::TooLong { max: Self::MAX_NAME });
        }
        if let Some((at, _)) = name.char_indices().find(|(_, c)| c.is_control()) {
            return Err(NameError::Character { at });
        }
        let limits = Limits::unlimited().with_scopes(scopes);
        Ok(Self { name: name.into(), life: Some(life), limits, outlives_epoch: false })
    }

    /// The same for requests from these networks alone, at most [`MAX_NETWORKS`](Self::MAX_NETWORKS); more are refused
    /// when the key is made.
    #[must_use]
    pub fn only_from(mut self, networks: Vec<Network>) -> Self {
        self.limits = self.limits.with_networks(networks);
        self
    }

    /// The same for the resources of one tenant.
    #[must_use]
    pub fn only_in(mut self, tenant: Realm) -> Self {
        self.limits = self.limits.with_tenant(tenant);
        self
    }

    /// The same without an end: it works until somebody thinks of revoking it.
    #[must_use]
    pub fn without_expiry(mut self) -> Self {
        self.life = None;
        self
    }

    /// The same with everything that its owner may do, now and later.
    #[must_use]
    pub fn with_all_scopes(mut self) -> Self {
        self.limits.scopes = None;
        self
    }

    /// The same, living on when its owner changes the password or logs out everywhere. Without this it dies with the
    /// sessions: whoever has taken an account over may have made a key to stay.
    #[must_use]
    pub fn outliving_sessions(mut self) -> Self {
        self.outlives_epoch = true;
        self
    }
}

/// A new key. The store keeps its hash, so this is the one moment to show it.
#[must_use = "the key is shown once"]
pub struct NewApiKey {
    /// The key, for its owner and nothing else.
    pub key: Secret,
    /// Its public part.
    pub id: ApiKeyId,
}

/// Without the key.
impl fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewApiKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What is known of a key, for the list of its owner. The key itself is not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiKeySummary {
    /// Its public part.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: String,
    /// Whose it is.
    pub owner: PrincipalId,
    /// What it may be used for.
    pub limits: Limits,
    /// When it was made.
    pub created_at: UnixTime,
    /// When it was last used, to some minutes.
    pub last_used_at: Option<UnixTime>,
    /// From when on it is refused.
    pub expires_at: Option<UnixTime>,
    /// Whether another key has taken its place, and it is on its way out.
    pub rotated: bool,
}

impl ApiKeySummary {
    /// Of a row that can be read.
    pub(super) fn of(record: &CredentialRecord) -> Option<Self> {
        let stored = StoredKey::read(record.data.expose())?;
        Some(Self {
            id: ApiKeyId::parse(std::str::from_utf8(&record.key.lookup).ok()?)?,
            name: stored.name.into(),
            owner: record.owner.clone(),
            limits: stored.limits,
            created_at: record.created_at,
            last_used_at: record.last_used_at,
            expires_at: record.expires_at,
            rotated: stored.rotated,
        })
    }
}
