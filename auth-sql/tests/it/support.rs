//! Databases in temporary folders, and things to keep in them.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use auth_core::{
    Account, AuthEpoch, Authentication, CredentialBlob, CredentialKey, CredentialKind, CredentialRecord,
    KeyName, KeyRing, LoginName, Method, PrincipalId, Purpose, Realm, Secret, SecretHash, SecretState,
    SessionBlob, SessionId, SessionKind, SessionOwner, SessionRecord, SystemEntropy, TokenKey, TokenRecord,
    TokenSubject, UnixTime, Version,
};
use auth_sql::{Sqlite, SqliteOptions};
use sqlx::{
    ConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use tempfile::TempDir;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
pub(crate) const PURPOSE: Purpose = Purpose::new("test");

pub(crate) fn after(secs: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(secs))
}

/// A folder that goes away, for databases.
pub(crate) struct Folder {
    folder: TempDir,
    made: AtomicU32,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), made: AtomicU32::new(0) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("auth.db")
    }

    /// The database of this folder.
    pub(crate) async fn open(&self) -> Sqlite {
        Sqlite::open(self.file(), SqliteOptions::default()).await.unwrap()
    }

    /// The same, giving up soon.
    pub(crate) async fn open_impatient(&self) -> Sqlite {
        let options = SqliteOptions::default().timeout(Duration::from_millis(500));
        Sqlite::open(self.file(), options).await.unwrap()
    }

    /// A new, empty database.
    pub(crate) async fn fresh(&self) -> Sqlite {
        let name = format!("{}.db", self.made.fetch_add(1, Ordering::Relaxed));
        Sqlite::open(self.path().join(name), SqliteOptions::default()).await.unwrap()
    }

    /// A connection past the crate, as another program has one.
    pub(crate) async fn stranger(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.file()).connect().await.unwrap()
    }

    /// Runs SQL past the crate.
    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut self.stranger().await).await.unwrap();
    }
}

pub(crate) fn ann() -> PrincipalId {
    PrincipalId::local_user("ann").unwrap()
}

pub(crate) fn owner(id: PrincipalId) -> SessionOwner {
    SessionOwner::new(
        id,
        &KeyRing::new(KeyName::from_static("a"), Secret::new((7..).take(32).collect())).unwrap(),
    )
}

pub(crate) fn session_id() -> SessionId {
    SessionId::anonymous(&SystemEntropy).unwrap()
}

/// A session of `principal` at an epoch.
pub(crate) fn session(principal: &PrincipalId, epoch: u64) -> SessionRecord {
    let authentication = Authentication::new(principal.clone(), Method::PASSWORD, NOW, AuthEpoch::new(epoch));
    SessionRecord { authentication: Some(Arc::new(authentication)), ..anonymous() }
}

pub(crate) fn anonymous() -> SessionRecord {
    SessionRecord {
        id: session_id(),
        kind: SessionKind::Cookie,
        authentication: None,
        terms: None,
        secret: SecretState::first(SecretHash::of(b"secret"), NOW),
        version: Version::FIRST,
        created_at: NOW,
        last_used_at: NOW,
        idle_until: after(100),
        absolute_until: after(1_000),
        data: SessionBlob::empty().with_slot("cart", 1, b"apples").unwrap(),
    }
}

pub(crate) fn token(hash: &[u8], subject: &str) -> TokenRecord {
    TokenRecord {
        key: TokenKey { realm: Realm::LOCAL, purpose: PURPOSE, hash: SecretHash::of(hash) },
        subject: TokenSubject::parse(subject).unwrap(),
        expires_at: after(100),
        payload: b"payload".to_vec(),
    }
}

pub(crate) fn account(id: &PrincipalId) -> Account {
    Account::new(id.clone(), LoginName::canonical(&format!("{}@example.com", id.id())).unwrap(), NOW)
}

pub(crate) fn password(owner: &PrincipalId) -> CredentialRecord {
    let key = CredentialKey::only(owner, CredentialKind::PASSWORD);
    CredentialRecord::new(key, owner.clone(), CredentialBlob::new(b"hash").unwrap(), NOW)
}
