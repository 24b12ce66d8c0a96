//! A device that was recognised before anybody logged in.

use std::fmt;

use auth_core::{LoginName, Realm};

use super::token::Sealed;
use crate::source::Origin;

/// A device on which somebody logged in before, at a known account. It proves nobody's presence: it is only slowed by what
/// happens on it, and not by what strangers do.
#[derive(Clone)]
pub struct KnownDevice {
    id: [u8; 16],
    realm: Realm,
    login: LoginName,
}

impl KnownDevice {
    pub(super) fn of(sealed: Sealed) -> Self {
        Self { id: sealed.id, realm: sealed.principal.realm().clone(), login: sealed.login }
    }

    /// Whether somebody logged in on it to the account that has this login.
    pub(crate) fn is_of(&self, realm: &Realm, login: Option<&LoginName>) -> bool {
        self.realm == *realm && login == Some(&self.login)
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::Device(self.id)
    }
}

/// Without whose it is.
impl fmt::Debug for KnownDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownDevice").finish_non_exhaustive()
    }
}
