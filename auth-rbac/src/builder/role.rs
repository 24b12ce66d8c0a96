//! One role being filled.

use super::PolicyBuilder;
use crate::{error::PolicyError, role_ref::RoleRef};

/// Fills one role of a [`PolicyBuilder`].
#[derive(Debug)]
pub struct RoleBuilder<'a> {
    pub(super) policy: &'a mut PolicyBuilder,
    pub(super) role: u32,
}

impl RoleBuilder<'_> {
    /// As [`PolicyBuilder::inherit`].
    ///
    /// # Errors
    /// As [`PolicyBuilder::inherit`].
    pub fn inherits<'r>(&mut self, parent: impl Into<RoleRef<'r>>) -> Result<&mut Self, PolicyError> {
        self.policy.add_inheritance(self.role, &parent.into())?;
        Ok(self)
    }

    /// As [`PolicyBuilder::allow`].
    ///
    /// # Errors
    /// As [`PolicyBuilder::allow`].
    pub fn allow(&mut self, permission: impl AsRef<str>) -> Result<&mut Self, PolicyError> {
        self.policy.add_rule(self.role, permission.as_ref(), false)?;
        Ok(self)
    }

    /// As [`PolicyBuilder::deny`].
    ///
    /// # Errors
    /// As [`PolicyBuilder::deny`].
    pub fn deny(&mut self, permission: impl AsRef<str>) -> Result<&mut Self, PolicyError> {
        self.policy.add_rule(self.role, permission.as_ref(), true)?;
        Ok(self)
    }
}
