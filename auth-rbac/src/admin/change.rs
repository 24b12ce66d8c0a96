//! Changes of a policy.

use std::fmt;

use auth_core::{PrincipalId, Realm};

use crate::{builder::PolicyBuilder, error::PolicyError, role_ref::RoleKey};

/// One change of a policy, for [`Administering::apply`](crate::Administering::apply).
///
/// Permissions may be wildcards. `tenant` is where a change counts; `None` is everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyChange {
    /// Declares a role.
    CreateRole(RoleKey),
    /// Removes a role with its rules, what it inherits and who inherits it, and takes it from everybody who holds it. A
    /// role that a separation of duty names stays.
    DeleteRole(RoleKey),
    /// Lets a role inherit another one.
    Inherit {
        /// Which role.
        role: RoleKey,
        /// The one that it inherits.
        parent: RoleKey,
    },
    /// Takes that back.
    Disinherit {
        /// Which role.
        role: RoleKey,
        /// The one that it inherits no more.
        parent: RoleKey,
    },
    /// Gives a role a rule.
    AddRule {
        /// Which role.
        role: RoleKey,
        /// The permission, or a wildcard.
        permission: String,
        /// Whether the rule forbids; otherwise it allows.
        denies: bool,
    },
    /// Takes a rule away from a role.
    RemoveRule {
        /// Which role.
        role: RoleKey,
        /// The permission or wildcard of the rule.
        permission: String,
        /// Whether it is the one that forbids.
        denies: bool,
    },
    /// Lets a principal hold a role.
    Assign {
        /// Who.
        principal: PrincipalId,
        /// Which role. One of a tenant is held there.
        role: RoleKey,
        /// Where.
        tenant: Option<Realm>,
    },
    /// Takes that back.
    Revoke {
        /// Who.
        principal: PrincipalId,
        /// Which role.
        role: RoleKey,
        /// Where.
        tenant: Option<Realm>,
    },
    /// Gives a principal a rule of its own.
    AddDirect {
        /// Who.
        principal: PrincipalId,
        /// The permission, or a wildcard.
        permission: String,
        /// Whether the rule forbids; otherwise it allows.
        denies: bool,
        /// Where.
        tenant: Option<Realm>,
    },
    /// Takes a rule of its own away from a principal.
    RemoveDirect {
        /// Who.
        principal: PrincipalId,
        /// The permission or wildcard of the rule.
        permission: String,
        /// Whether it is the one that forbids.
        denies: bool,
        /// Where.
        tenant: Option<Realm>,
    },
}

impl PolicyChange {
    /// Changes the policy. What is there already, or is not there to be removed, changes nothing.
    ///
    /// # Errors
    /// As the function of [`PolicyBuilder`] that does the same.
    pub fn apply(&self, policy: &mut PolicyBuilder) -> Result<(), PolicyError> {
        match self {
            Self::CreateRole(role) => policy.role(role).map(drop),
            Self::DeleteRole(role) => policy.delete_role(role).map(drop),
            Self::Inherit { role, parent } => policy.inherit(role, parent).map(drop),
            Self::Disinherit { role, parent } => policy.disinherit(role, parent).map(drop),
            Self::AddRule { role, permission, denies: false } => policy.allow(role, permission).map(drop),
            Self::AddRule { role, permission, denies: true } => policy.deny(role, permission).map(drop),
            Self::RemoveRule { role, permission, denies: false } => {
                policy.disallow(role, permission).map(drop)
            }
            Self::RemoveRule { role, permission, denies: true } => policy.undeny(role, permission).map(drop),
            Self::Assign { principal, role, tenant: Some(tenant) } => {
                policy.assign_in(tenant, principal, role).map(drop)
            }
            Self::Assign { principal, role, tenant: None } => policy.assign(principal, role).map(drop),
            Self::Revoke { principal, role, tenant } => {
                policy.revoke(tenant.as_ref(), principal, role).map(drop)
            }
            Self::AddDirect { principal, permission, denies, tenant } => match (tenant, denies) {
                (None, false) => policy.allow_principal(principal, permission).map(drop),
                (None, true) => policy.deny_principal(principal, permission).map(drop),
                (Some(tenant), false) => policy.allow_principal_in(tenant, principal, permission).map(drop),
                (Some(tenant), true) => policy.deny_principal_in(tenant, principal, permission).map(drop),
            },
            Self::RemoveDirect { principal, permission, denies: false, tenant } => {
                policy.disallow_principal(tenant.as_ref(), principal, permission).map(drop)
            }
            Self::RemoveDirect { principal, permission, denies: true, tenant } => {
                policy.undeny_principal(tenant.as_ref(), principal, permission).map(drop)
            }
        }
    }

    /// What somebody might come to by it: by what it allows, and by the end of what was denied.
    pub(super) fn gives(&self) -> Given<'_> {
        match self {
            Self::Inherit { role: _, parent: role } | Self::Assign { role, .. } => {
                Given::Role { role, denies: false }
            }
            Self::Disinherit { role: _, parent: role }
            | Self::Revoke { role, .. }
            | Self::DeleteRole(role) => Given::Role { role, denies: true },
            Self::AddRule { permission, denies: false, .. }
            | Self::AddDirect { permission, denies: false, .. } => Given::Rule { permission, denies: false },
            Self::RemoveRule { permission, denies: true, .. }
            | Self::RemoveDirect { permission, denies: true, .. } => Given::Rule { permission, denies: true },
            Self::CreateRole(_)
            | Self::AddRule { .. }
            | Self::RemoveRule { .. }
            | Self::AddDirect { .. }
            | Self::RemoveDirect { .. } => Given::Nothing,
        }
    }

    /// Where it counts: who makes the change must be allowed to there.
    pub(super) fn tenant(&self) -> Option<&Realm> {
        match self {
            Self::CreateRole(role)
            | Self::DeleteRole(role)
            | Self::Inherit { role, .. }
            | Self::Disinherit { role, .. }
            | Self::AddRule { role, .. }
            | Self::RemoveRule { role, .. } => role.tenant.as_ref(),
            Self::Assign { role, tenant, .. } | Self::Revoke { role, tenant, .. } => {
                role.tenant.as_ref().or(tenant.as_ref())
            }
            Self::AddDirect { tenant, .. } | Self::RemoveDirect { tenant, .. } => tenant.as_ref(),
        }
    }

    /// Whether it is about who holds what; otherwise it is about what roles are.
    pub(super) const fn is_assignment(&self) -> bool {
        matches!(
            self,
            Self::Assign { .. } | Self::Revoke { .. } | Self::AddDirect { .. } | Self::RemoveDirect { .. }
        )
    }
}

/// What a change gives.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'a> {
    /// Nothing.
    Nothing,
    /// What a role, and all that it inherits, allows; or no longer denies.
    Role { role: &'a RoleKey, denies: bool },
    /// What one rule allows; or no longer denies.
    Rule { permission: &'a str, denies: bool },
}

/// Where, in words.
struct In<'a>(Option<&'a Realm>);

impl fmt::Display for In<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(tenant) => write!(f, " in {tenant}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for PolicyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const fn verb(denies: bool) -> &'static str {
            if denies { "deny" } else { "allow" }
        }
        match self {
            Self::CreateRole(role) => write!(f, "create role {role}"),
            Self::DeleteRole(role) => write!(f, "delete role {role}"),
            Self::Inherit { role, parent } => write!(f, "let role {role} inherit {parent}"),
            Self::Disinherit { role, parent } => write!(f, "let role {role} no longer inherit {parent}"),
            Self::AddRule { role, permission, denies } => {
                write!(f, "{} {permission} to role {role}", verb(*denies))
            }
            Self::RemoveRule { role, permission, denies } => {
                write!(f, "no longer {} {permission} to role {role}", verb(*denies))
            }
            Self::Assign { principal, role, tenant } => {
                write!(f, "assign role {role} to {principal:?}{}", In(tenant.as_ref()))
            }
            Self::Revoke { principal, role, tenant } => {
                write!(f, "revoke role {role} from {principal:?}{}", In(tenant.as_ref()))
            }
            Self::AddDirect { principal, permission, denies, tenant } => {
                write!(f, "{} {permission} to {principal:?}{}", verb(*denies), In(tenant.as_ref()))
            }
            Self::RemoveDirect { principal, permission, denies, tenant } => {
                write!(f, "no longer {} {permission} to {principal:?}{}", verb(*denies), In(tenant.as_ref()))
            }
        }
    }
}
