//! From declarations to a compiled policy.

use auth_core::{Action, PolicyVersion, PrincipalId, RoleName};

use crate::{
    compile,
    error::{Counted, PolicyError},
    names::Names,
    permission_set::PermissionSet,
    principals::Principals,
    sets::Rule,
    snapshot::Snapshot,
};

/// Collects permissions, roles and assignments, and compiles them into a [`Snapshot`].
///
/// What is referred to must have been declared before: every mistake is an error at the line that makes
/// it. Beyond that, order does not matter, and saying something twice says it once.
///
/// ```
/// use auth_core::{PolicyVersion, PrincipalId};
/// use auth_rbac::PolicyBuilder;
///
/// let mut policy = PolicyBuilder::new();
/// policy.permission("invoices.read")?.permission("invoices.pay")?;
/// policy.role("clerk")?.allow("invoices.read")?;
/// policy.role("cashier")?.inherits("clerk")?.allow("invoices.pay")?;
/// policy.assign(&PrincipalId::local_user("ann")?, "cashier")?;
/// let snapshot = policy.build(PolicyVersion::new(1))?;
/// # assert_eq!(snapshot.permissions_of(&PrincipalId::local_user("ann")?).len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PolicyBuilder {
    pub(crate) roles: Names,
    pub(crate) permissions: Names,
    pub(crate) principals: Principals,
    /// A role, and one that it inherits.
    pub(crate) inheritances: Vec<(u32, u32)>,
    /// A role, and a packed [`Rule`].
    pub(crate) rules: Vec<(u32, u32)>,
    /// A principal, and a role.
    pub(crate) assignments: Vec<(u32, u32)>,
}

impl PolicyBuilder {
    /// The most roles of a policy.
    pub const MAX_ROLES: usize = 1 << 20;
    /// The most permissions of a policy.
    pub const MAX_PERMISSIONS: usize = 1 << 16;
    /// The most principals that hold a role.
    pub const MAX_PRINCIPALS: usize = 1 << 24;
    /// The most allow and deny rules of a policy.
    pub const MAX_RULES: usize = 1 << 24;
    /// The most pairs of a role and one that it inherits.
    pub const MAX_INHERITANCES: usize = 1 << 22;
    /// The most pairs of a principal and a role that it holds.
    pub const MAX_ASSIGNMENTS: usize = 1 << 26;

    /// A policy that allows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            roles: Names::new(),
            permissions: Names::new(),
            principals: Principals::new(),
            inheritances: Vec::new(),
            rules: Vec::new(),
            assignments: Vec::new(),
        }
    }

    /// Declares all permissions of a set that [`permissions!`](crate::permissions!) wrote.
    ///
    /// # Errors
    /// [`PolicyError::TooMany`].
    pub fn permissions<P: PermissionSet>(&mut self) -> Result<&mut Self, PolicyError> {
        for permission in P::ALL {
            self.declare(&permission.action())?;
        }
        Ok(self)
    }

    /// Declares a permission whose name is known only at run time. Its name is the action that it allows.
    ///
    /// # Errors
    /// [`PolicyError::PermissionName`] or [`PolicyError::TooMany`].
    pub fn permission(&mut self, name: impl AsRef<str>) -> Result<&mut Self, PolicyError> {
        self.declare(&Action::parse(name.as_ref()).map_err(PolicyError::PermissionName)?)
    }

    /// Declares a role, to be filled through what this returns.
    ///
    /// # Errors
    /// [`PolicyError::RoleName`], [`PolicyError::DuplicateRole`] or [`PolicyError::TooMany`].
    pub fn role(&mut self, name: impl AsRef<str>) -> Result<RoleBuilder<'_>, PolicyError> {
        let name = RoleName::parse(name.as_ref()).map_err(PolicyError::RoleName)?;
        if self.roles.find(name.as_str()).is_some() {
            return Err(PolicyError::DuplicateRole(name));
        }
        cap(self.roles.len(), Counted::Roles, Self::MAX_ROLES)?;
        let role = self.roles.push(name.as_str());
        Ok(RoleBuilder { policy: self, role })
    }

    /// Gives a role all that another one gives and forbids.
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`] or [`PolicyError::TooMany`]. A circle is found by
    /// [`build`](Self::build).
    pub fn inherit(
        &mut self,
        role: impl AsRef<str>,
        parent: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        let role = self.find_role(role.as_ref())?;
        self.add_inheritance(role, parent.as_ref())
    }

    /// Lets the holders of a role do something.
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`], [`PolicyError::UnknownPermission`] or [`PolicyError::TooMany`].
    pub fn allow(
        &mut self,
        role: impl AsRef<str>,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        let role = self.find_role(role.as_ref())?;
        self.add_rule(role, permission.as_ref(), false)
    }

    /// Forbids the holders of a role something, whatever else allows it: a denial overrides every allow.
    ///
    /// # Errors
    /// As [`allow`](Self::allow).
    pub fn deny(
        &mut self,
        role: impl AsRef<str>,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        let role = self.find_role(role.as_ref())?;
        self.add_rule(role, permission.as_ref(), true)
    }

    /// Lets a principal hold a role.
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`] or [`PolicyError::TooMany`].
    pub fn assign(
        &mut self,
        principal: &PrincipalId,
        role: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        let role = self.find_role(role.as_ref())?;
        cap(self.assignments.len(), Counted::Assignments, Self::MAX_ASSIGNMENTS)?;
        let principal = self
            .principals
            .intern(principal, Self::MAX_PRINCIPALS)
            .ok_or(PolicyError::TooMany { what: Counted::Principals, max: Self::MAX_PRINCIPALS })?;
        self.assignments.push((principal, role));
        Ok(self)
    }

    /// Checks and compiles the policy. `version` is what its decisions carry; a newer policy has a larger
    /// one.
    ///
    /// # Errors
    /// [`PolicyError::Cycle`] or [`PolicyError::TooLarge`].
    pub fn build(self, version: PolicyVersion) -> Result<Snapshot, PolicyError> {
        compile::compile(self, version)
    }

    fn declare(&mut self, permission: &Action) -> Result<&mut Self, PolicyError> {
        if self.permissions.find(permission.as_str()).is_none() {
            cap(self.permissions.len(), Counted::Permissions, Self::MAX_PERMISSIONS)?;
            self.permissions.push(permission.as_str());
        }
        Ok(self)
    }

    fn add_inheritance(&mut self, role: u32, parent: &str) -> Result<&mut Self, PolicyError> {
        let parent = self.find_role(parent)?;
        cap(self.inheritances.len(), Counted::Inheritances, Self::MAX_INHERITANCES)?;
        self.inheritances.push((role, parent));
        Ok(self)
    }

    fn add_rule(&mut self, role: u32, permission: &str, denies: bool) -> Result<&mut Self, PolicyError> {
        let Some(permission) = self.permissions.find(permission) else {
            let name = Action::parse(permission).map_err(PolicyError::PermissionName)?;
            return Err(PolicyError::UnknownPermission(name));
        };
        cap(self.rules.len(), Counted::Rules, Self::MAX_RULES)?;
        self.rules.push((role, Rule { permission, denies }.pack()));
        Ok(self)
    }

    fn find_role(&self, name: &str) -> Result<u32, PolicyError> {
        self.roles.find(name).ok_or_else(|| match RoleName::parse(name) {
            Ok(name) => PolicyError::UnknownRole(name),
            Err(error) => PolicyError::RoleName(error),
        })
    }
}

impl Default for PolicyBuilder {
    fn default() -> Self {
        Self::new()
    }
}

/// Fills one role of a [`PolicyBuilder`].
#[derive(Debug)]
pub struct RoleBuilder<'a> {
    policy: &'a mut PolicyBuilder,
    role: u32,
}

impl RoleBuilder<'_> {
    /// As [`PolicyBuilder::inherit`].
    ///
    /// # Errors
    /// As [`PolicyBuilder::inherit`].
    pub fn inherits(&mut self, parent: impl AsRef<str>) -> Result<&mut Self, PolicyError> {
        self.policy.add_inheritance(self.role, parent.as_ref())?;
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

fn cap(count: usize, what: Counted, max: usize) -> Result<(), PolicyError> {
    if count < max { Ok(()) } else { Err(PolicyError::TooMany { what, max }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_capped() {
        let mut policy = PolicyBuilder::new();
        for n in 0..PolicyBuilder::MAX_PERMISSIONS {
            policy.permission(format!("p{n}.do")).unwrap();
        }
        policy.permission("p0.do").unwrap();
        let error = policy.permission("one.more").map(drop).unwrap_err();
        let max = PolicyBuilder::MAX_PERMISSIONS;
        assert_eq!(error, PolicyError::TooMany { what: Counted::Permissions, max });
        assert_eq!(cap(3, Counted::Roles, 4), Ok(()));
        assert_eq!(cap(4, Counted::Roles, 4), Err(PolicyError::TooMany { what: Counted::Roles, max: 4 }));
    }
}
