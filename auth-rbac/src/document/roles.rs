//! Roles in a document, and who holds them.

use auth_core::{PrincipalId, Realm, RoleName};
use serde::{Deserialize, Serialize};

use super::names;
use crate::role_ref::RoleKey;

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Role {
    /// Its name.
    pub name: RoleName,
    /// The tenant that has it for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Realm>,
    /// Roles of which it gives and forbids all that they do.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "names::list")]
    pub inherits: Vec<RoleKey>,
    /// Permissions, or wildcards for some, that it gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Permissions, or wildcards for some, that it forbids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

impl Role {
    /// A role that gives nothing.
    #[must_use]
    pub fn new(role: impl Into<RoleKey>) -> Self {
        let RoleKey { tenant, name } = role.into();
        Self { name, tenant, inherits: Vec::new(), allow: Vec::new(), deny: Vec::new() }
    }

    /// What it is referred to by.
    #[must_use]
    pub fn key(&self) -> RoleKey {
        RoleKey { tenant: self.tenant.clone(), name: self.name.clone() }
    }

    /// The same, inheriting one more.
    #[must_use]
    pub fn inherits(mut self, role: impl Into<RoleKey>) -> Self {
        self.inherits.push(role.into());
        self
    }

    /// The same, giving one more permission.
    #[must_use]
    pub fn allow(mut self, permission: impl AsRef<str>) -> Self {
        self.allow.push(permission.as_ref().to_owned());
        self
    }

    /// The same, forbidding one more permission.
    #[must_use]
    pub fn deny(mut self, permission: impl AsRef<str>) -> Self {
        self.deny.push(permission.as_ref().to_owned());
        self
    }
}

/// Roles that a principal holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Assignment {
    /// Who.
    #[serde(with = "names::one")]
    pub principal: PrincipalId,
    /// The tenant in which they are held; without one, everywhere, or for a tenant's role in that tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Realm>,
    /// What.
    #[serde(with = "names::list")]
    pub roles: Vec<RoleKey>,
}

impl Assignment {
    /// Roles that a principal holds everywhere.
    #[must_use]
    pub fn new<R: Into<RoleKey>>(principal: PrincipalId, roles: impl IntoIterator<Item = R>) -> Self {
        Self { principal, tenant: None, roles: roles.into_iter().map(Into::into).collect() }
    }

    /// The same, in one tenant alone.
    #[must_use]
    pub fn of_tenant(mut self, tenant: Realm) -> Self {
        self.tenant = Some(tenant);
        self
    }
}

/// What a principal may and may not do, without a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Direct {
    /// Who.
    #[serde(with = "names::one")]
    pub principal: PrincipalId,
    /// The tenant to whose resources it may; without one, to all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Realm>,
    /// Permissions, or wildcards for some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Permissions, or wildcards for some, that are forbidden whatever else allows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

impl Direct {
    /// Nothing yet.
    #[must_use]
    pub const fn new(principal: PrincipalId) -> Self {
        Self { principal, tenant: None, allow: Vec::new(), deny: Vec::new() }
    }

    /// The same, for the resources of one tenant alone.
    #[must_use]
    pub fn of_tenant(mut self, tenant: Realm) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// The same, with one more permission.
    #[must_use]
    pub fn allow(mut self, permission: impl AsRef<str>) -> Self {
        self.allow.push(permission.as_ref().to_owned());
        self
    }

    /// The same, with one more that is forbidden.
    #[must_use]
    pub fn deny(mut self, permission: impl AsRef<str>) -> Self {
        self.deny.push(permission.as_ref().to_owned());
        self
    }
}

/// Separation of duty: roles of which nobody has too many (ANSI INCITS 359).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Constraint {
    /// What it is called.
    pub name: String,
    /// When it is looked at.
    pub kind: ConstraintKind,
    /// The roles.
    #[serde(with = "names::list")]
    pub roles: Vec<RoleKey>,
    /// How many of them together are too many.
    pub limit: usize,
}

/// When a [`Constraint`] is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ConstraintKind {
    /// When roles are assigned and inherited.
    Static,
    /// When roles are active together.
    Dynamic,
}

impl Constraint {
    /// Keeps `limit` or more of these roles apart.
    #[must_use]
    pub fn new<R: Into<RoleKey>>(
        name: impl Into<String>,
        kind: ConstraintKind,
        roles: impl IntoIterator<Item = R>,
        limit: usize,
    ) -> Self {
        Self { name: name.into(), kind, roles: roles.into_iter().map(Into::into).collect(), limit }
    }
}
