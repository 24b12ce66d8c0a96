//! What principals may do without a role.

use auth_core::{PrincipalId, Realm};

use super::{InTenant, PolicyBuilder, cap};
use crate::error::{Counted, PolicyError};

impl PolicyBuilder {
    /// Lets a principal do something, without a role. It counts whichever roles are active. Takes
    /// [wildcards](Self#wildcards).
    ///
    /// # Errors
    /// [`PolicyError::UnknownPermission`], [`PolicyError::Pattern`] or [`PolicyError::TooMany`].
    pub fn allow_principal(
        &mut self,
        principal: &PrincipalId,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        self.add_direct(None, principal, permission.as_ref(), false)
    }

    /// Forbids a principal something, whatever roles it holds. Takes [wildcards](Self#wildcards).
    ///
    /// # Errors
    /// As [`allow_principal`](Self::allow_principal).
    pub fn deny_principal(
        &mut self,
        principal: &PrincipalId,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        self.add_direct(None, principal, permission.as_ref(), true)
    }

    /// As [`allow_principal`](Self::allow_principal), for the resources of one tenant.
    ///
    /// # Errors
    /// As [`allow_principal`](Self::allow_principal).
    pub fn allow_principal_in(
        &mut self,
        tenant: &Realm,
        principal: &PrincipalId,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        self.add_direct(Some(tenant), principal, permission.as_ref(), false)
    }

    /// As [`deny_principal`](Self::deny_principal), for the resources of one tenant.
    ///
    /// # Errors
    /// As [`allow_principal`](Self::allow_principal).
    pub fn deny_principal_in(
        &mut self,
        tenant: &Realm,
        principal: &PrincipalId,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        self.add_direct(Some(tenant), principal, permission.as_ref(), true)
    }

    fn add_direct(
        &mut self,
        tenant: Option<&Realm>,
        principal: &PrincipalId,
        permission: &str,
        denies: bool,
    ) -> Result<&mut Self, PolicyError> {
        let what = self.rule(permission, denies)?;
        cap(self.direct.len().max(self.direct_in.len()), Counted::Rules, Self::MAX_RULES)?;
        let space = self.space(tenant)?;
        let principal = self.intern(principal)?;
        match space {
            0 => self.direct.push((principal, what)),
            space => self.direct_in.push(InTenant { principal, space, what }),
        }
        Ok(self)
    }
}
