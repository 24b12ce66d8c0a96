//! Accounts and their credentials as a store keeps them.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    AuthEpoch, LoginName, PrincipalId, Realm, UnixTime,
    store::Version,
    text::{self, Class},
};

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountStatus {
    /// It may.
    Active,
    /// It may not, until somebody enables it again.
    Disabled,
}

impl AccountStatus {
    /// The word that stores keep: `active` or `disabled`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "active" => Some(Self::Active),
            "disabled" => Some(Self::Disabled),
            _ => None,
        }
    }
}

/// One account, as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose it is. The row's key.
    pub id: PrincipalId,
    /// What is typed to log in; unique in the realm.
    pub login: LoginName,
    /// Whether it may be used.
    pub status: AccountStatus,
    /// Raised by every change that must end what was begun before it.
    pub epoch: AuthEpoch,
    /// Goes up with each change of the account.
    pub version: Version,
    /// Whether sessions of older epochs may still have to be ended: set together with the epoch, cleared when
    /// the sweep is done, so that a crash in between is made good.
    pub sweep_pending: bool,
    /// When it was made.
    pub created_at: UnixTime,
}

impl Account {
    /// A new, active account.
    #[must_use]
    pub fn new(id: PrincipalId, login: LoginName, now: UnixTime) -> Self {
        Self {
            id,
            login,
            status: AccountStatus::Active,
            epoch: AuthEpoch::ZERO,
            version: Version::FIRST,
            sweep_pending: false,
            created_at: now,
        }
    }
}

text::name! {
    /// What sort of credential a row holds: `password`, `api-key`.
    CredentialKind, max: 32, class: Class::Identifier
}

impl CredentialKind {
    /// A password's hash.
    pub const PASSWORD: Self = Self::from_static("password");
    /// The sealed secret of a device that makes one-time codes.
    pub const ONE_TIME_CODES: Self = Self::from_static("otp");
    /// The same before a first code has confirmed it. It is no factor yet.
    pub const ONE_TIME_CODES_PENDING: Self = Self::from_static("otp-pending");
    /// The hash of one recovery code.
    pub const RECOVERY_CODE: Self = Self::from_static("recovery-code");
    /// The sealed number of a telephone that codes are sent to.
    pub const PHONE: Self = Self::from_static("phone");
    /// The same before a first code has confirmed it. It is no factor yet.
    pub const PHONE_PENDING: Self = Self::from_static("phone-pending");
    /// A device that is remembered. It is no factor.
    pub const REMEMBERED_DEVICE: Self = Self::from_static("remembered-device");
    /// The address that somebody has proven to read.
    pub const MAILBOX: Self = Self::from_static("mailbox");
    /// The hash of a program's key, and what it may be used for.
    pub const API_KEY: Self = Self::from_static("api-key");
    /// What an account is bound to certificates by. It is no secret.
    pub const CERTIFICATE: Self = Self::from_static("certificate");
}

/// Names a credential: unique in realm and kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CredentialKey {
    /// The space that it belongs to.
    pub realm: Realm,
    /// What sort it is.
    pub kind: CredentialKind,
    /// What it is found by, such as the id of an API key or of a principal; 1 to
    /// [`MAX_LOOKUP`](Self::MAX_LOOKUP) bytes.
    pub lookup: Box<[u8]>,
}

impl CredentialKey {
    /// The most bytes of a lookup: that of a WebAuthn credential id (WebAuthn level 3 section 4).
    pub const MAX_LOOKUP: usize = 1_023;

    /// The key of the one credential of its kind that a principal has, such as the password.
    #[must_use]
    pub fn only(owner: &PrincipalId, kind: CredentialKind) -> Self {
        // Kind of principal and id, behind a separator that no kind contains.
        let lookup = [owner.kind().as_str().as_bytes(), b"/", owner.id().as_bytes()].concat();
        Self { realm: owner.realm().clone(), kind, lookup: lookup.into() }
    }
}

/// What is kept of a credential: a hash, or a sealed secret. Wiped on drop, redacted in `Debug`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct CredentialBlob(Box<[u8]>);

impl CredentialBlob {
    /// The most bytes.
    pub const MAX_LEN: usize = 8_192;

    /// Takes `bytes`, or `None` if there are more than [`MAX_LEN`](Self::MAX_LEN).
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= Self::MAX_LEN).then(|| Self(bytes.into()))
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CredentialBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialBlob(redacted)")
    }
}

/// One credential, as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRecord {
    /// The row's key.
    pub key: CredentialKey,
    /// Whose it is; of the key's realm.
    pub owner: PrincipalId,
    /// What is kept of it.
    pub data: CredentialBlob,
    /// Goes up with each change of `data`.
    pub version: Version,
    /// Failures since the last success.
    pub failures: u32,
    /// When it was made.
    pub created_at: UnixTime,
    /// When it was last used with success.
    pub last_used_at: Option<UnixTime>,
    /// From when on it is refused.
    pub expires_at: Option<UnixTime>,
}

impl CredentialRecord {
    /// A new credential that does not expire.
    #[must_use]
    pub fn new(key: CredentialKey, owner: PrincipalId, data: CredentialBlob, now: UnixTime) -> Self {
        Self {
            key,
            owner,
            data,
            version: Version::FIRST,
            failures: 0,
            created_at: now,
            last_used_at: None,
            expires_at: None,
        }
    }
}

/// A credential with what its owner's account says, read in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCredential {
    /// The credential.
    pub credential: CredentialRecord,
    /// Whether its owner's account may be used.
    pub status: AccountStatus,
    /// The epoch of its owner's account.
    pub epoch: AuthEpoch,
}

/// What became of a new account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Created {
    /// It and its credentials were stored.
    Created,
    /// An account of the realm has this login; nothing was stored.
    LoginTaken,
    /// An account has this id, or a credential this key; nothing was stored.
    Collision,
}

/// One change of an account, applied together with others or not at all.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AccountChange {
    /// Another login. Taken by another account: [`Applied::LoginTaken`].
    Login(LoginName),
    /// Another status.
    Status(AccountStatus),
    /// A new credential of this account, in its realm, kept as it is: its version may be any below 2^61. Its key exists: [`Applied::Conflict`]. It is of another
    /// owner or realm: [`StoreError::NotWritten`](crate::StoreError::NotWritten).
    AddCredential(CredentialRecord),
    /// Other data for a credential of this account whose version is `expected`; its failures are forgotten.
    /// It has another version, is not there or another account's: [`Applied::Conflict`].
    ReplaceCredential {
        /// Which.
        key: CredentialKey,
        /// The version that was read.
        expected: Version,
        /// What it holds from now on.
        data: CredentialBlob,
    },
    /// One credential of this account less. Absent already is fine; another account's stays.
    RemoveCredential(CredentialKey),
    /// The sweep of the account's sessions is done.
    SweepDone,
}

/// What changes of an account do to what was begun before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochBump {
    /// Sessions and tokens live on.
    Keep,
    /// Sessions and tokens of before are dead: the epoch goes up by one and a sweep is pending.
    Bump,
}

/// What became of the changes to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Applied {
    /// All were made. This is the account now.
    Applied(Box<Account>),
    /// The account or a credential is not what was expected; nothing was changed.
    Conflict,
    /// Another account has the login; nothing was changed.
    LoginTaken,
    /// There is no such account.
    Gone,
}
