//! Roles by name, and whose they are.

use std::{borrow::Cow, fmt};

use auth_core::{Realm, RoleName};

/// Refers to a role by its name: a role of the whole policy, or one of a tenant's own.
///
/// The two never meet: `editor` and the `editor` of a tenant are two roles, and so are those of two tenants.
/// A plain name is always the policy's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRef<'a> {
    pub(crate) tenant: Option<&'a Realm>,
    pub(crate) name: Cow<'a, str>,
}

impl<'a> RoleRef<'a> {
    /// A role that the tenant has for itself.
    #[must_use]
    pub fn of_tenant(tenant: &'a Realm, name: impl Into<Cow<'a, str>>) -> Self {
        Self { tenant: Some(tenant), name: name.into() }
    }
}

impl<'a> From<&'a str> for RoleRef<'a> {
    fn from(name: &'a str) -> Self {
        Self { tenant: None, name: name.into() }
    }
}

impl<'a> From<&'a String> for RoleRef<'a> {
    fn from(name: &'a String) -> Self {
        name.as_str().into()
    }
}

impl From<String> for RoleRef<'_> {
    fn from(name: String) -> Self {
        Self { tenant: None, name: name.into() }
    }
}

impl<'a> From<&'a RoleName> for RoleRef<'a> {
    fn from(name: &'a RoleName) -> Self {
        name.as_str().into()
    }
}

impl<'a> From<&'a RoleKey> for RoleRef<'a> {
    fn from(key: &'a RoleKey) -> Self {
        Self { tenant: key.tenant.as_ref(), name: key.name.as_str().into() }
    }
}

/// A role, and whose it is. What lists hold; [`RoleRef`] is what they are asked by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleKey {
    /// The tenant that has the role for itself, or `None` for a role of the whole policy.
    pub tenant: Option<Realm>,
    /// Its name there.
    pub name: RoleName,
}

impl From<RoleName> for RoleKey {
    fn from(name: RoleName) -> Self {
        Self { tenant: None, name }
    }
}

impl fmt::Display for RoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        match &self.tenant {
            Some(tenant) => write!(f, " of {tenant}"),
            None => Ok(()),
        }
    }
}
