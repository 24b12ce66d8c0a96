//! A device that was recognised before anybody logged in.

use std::fmt;

use auth_core::{CredentialKey, CredentialKind, LoginName, PrincipalId, Realm, SecretHash, Version};

use super::token::Sealed;
use crate::source::Origin;

/// A device on which somebody logged in before, at a known account. It proves nobody's presence: it is only slowed by what
/// happens on it, and not by what strangers do.
#[derive(Clone)]
pub struct KnownDevice {
    id: [u8; 16],
    /// Whose it is, in so many bytes as a device has.
    account: [u8; 16],
    realm: Realm,
    login: LoginName,
    /// Of its row.
    version: Version,
}

impl KnownDevice {
    pub(super) fn of(sealed: Sealed, version: Version) -> Self {
        let (account, realm) = (account_of(&sealed.principal), sealed.principal.realm().clone());
        Self { id: sealed.id, account, realm, login: sealed.login, version }
    }

    /// Its row, where the failures on it are counted.
    pub(crate) fn row(&self) -> (CredentialKey, Version) {
        let (realm, kind) = (self.realm.clone(), CredentialKind::REMEMBERED_DEVICE);
        (CredentialKey { realm, kind, lookup: Box::from(self.id) }, self.version)
    }

    /// Whether somebody logged in on it to the account that has this login.
    pub(crate) fn is_of(&self, realm: &Realm, login: Option<&LoginName>) -> bool {
        self.realm == *realm && login == Some(&self.login)
    }

    /// Whose tries are counted.
    pub(crate) fn origin(&self) -> Origin {
        Origin::Device(self.id)
    }

    /// Whose kept places it takes: the account's, for whoever has an account has as many devices as they like.
    pub(crate) fn kept(&self) -> Origin {
        Origin::Device(self.account)
    }
}

/// Without whose it is.
impl fmt::Debug for KnownDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownDevice").finish_non_exhaustive()
    }
}

/// The first bytes of a hash: accounts that share them would share what is kept, and nothing else.
fn account_of(principal: &PrincipalId) -> [u8; 16] {
    let parts = [principal.realm().as_str(), principal.kind().as_str(), principal.id()].join("\0");
    let hash = SecretHash::of(parts.as_bytes());
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}
