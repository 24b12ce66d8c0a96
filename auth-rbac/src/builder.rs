//! From declarations to a compiled policy.

use std::collections::BTreeSet;

use auth_core::{Action, PolicyVersion, PrincipalId, Realm, RoleName};

use crate::{
    compile,
    error::{Counted, PolicyError},
    names::Names,
    pattern::Patterns,
    permission_set::PermissionSet,
    principals::Principals,
    role_ref::{RoleKey, RoleRef},
    separation::Separation,
    sets::Rule,
    snapshot::Snapshot,
};

mod direct;
mod reach;
mod remove;
mod role;
mod separate;

pub(crate) use reach::Reach;
pub use role::RoleBuilder;

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
///
/// # Wildcards
///
/// A rule may name several permissions by their segments, which are parted by dots. `*` is exactly one segment
/// and `**`, at the end only, is one or more: `invoices.*` is `invoices.read` and neither `invoices` nor
/// `invoices.lines.read`; `invoices.**` is both of the former's kin, and never `invoices` itself. A star that
/// does not stand alone in its segment (`inv*`, `doc:*`) is refused. They mean the permissions that the policy
/// declares, whenever it does, and are written out when it is built: one that matches none is refused, and a
/// check is none the slower.
///
/// # Tenants
///
/// A role belongs to the policy, or to one tenant alone ([`RoleRef::of_tenant`]). It is held everywhere, or in
/// one tenant alone ([`assign_in`](Self::assign_in)), where it counts for that tenant's resources
/// ([`Resource::of_tenant`](auth_core::Resource::of_tenant)). A role of a tenant is held nowhere else.
///
/// # What a policy means
///
/// - **Nothing is allowed unless a rule allows it.** An empty policy, a principal without roles, an action that no
///   permission names: denied. No policy at all is an error (HTTP 503), never an answer.
/// - **A denial overrides every allow**, whether it is the role's own or inherited, and whichever of the
///   principal's roles it comes from.
/// - **A role that inherits another gives and forbids all that the other does**, to any depth. Circles are refused,
///   and the error names the path.
/// - **Active roles** of a request can only take away. Of the roles that the principal holds, only the active ones
///   allow; all of them forbid, so nobody escapes a denial by choosing other roles. A role that one of them inherits
///   can be activated instead of it (ANSI INCITS 359, general role hierarchies).
/// - **Roles that a credential asserts** (`Authenticated::with_asserted_roles`; a `RoleMapping` of `auth-jwt` makes
///   them of an issuer's claims) count for that request like assigned ones: they allow, and they forbid. A name
///   that the policy does not have gives nothing.
/// - **Direct permissions** belong to the principal. They are no role: they count whichever roles are active, and a
///   direct denial overrides every role.
/// - **Separation of duty** (ANSI INCITS 359) counts inherited roles. Static: a policy in which somebody would have
///   too many roles of a set is refused, whichever line came last, and so is a request whose credential asserts
///   them on top. Dynamic: too many are not activated together, and a request with too many active, or with all of
///   them because it names none, is denied whatever it asks for: also what only lists or rules speak of, and under
///   every combiner of a [`Policy`](crate::Policy). In a [`Stack`](crate::Stack) of your own it is a denial like
///   any other, which [`Combiner::PermitOverrides`](crate::Combiner::PermitOverrides) overrides. It is looked at
///   for each request by itself: who activates cashier for this request and auditor for the next one is not
///   stopped, unless the application keeps what is active. Keep it where the login is, in a session, and change it
///   by [`Snapshot::activate`](crate::Snapshot::activate) alone; an `InformationPoint` of `auth-web` brings it to
///   each route (`roles_that_are_kept_in_a_session_stay_apart`).
/// - **Principals, roles and permissions never meet by name.** A user named `admin` has nothing of the role
///   `admin`; a user `1` of another tenant, of a foreign issuer, or a service `1` is somebody else.
/// - **Names are compared byte by byte.** `*` is not part of any.
#[derive(Debug, Clone)]
pub struct PolicyBuilder {
    /// Their spaces are numbered from 1; 0 is what belongs to no tenant.
    pub(crate) tenants: Names,
    pub(crate) roles: Names,
    pub(crate) permissions: Names,
    pub(crate) patterns: Patterns,
    pub(crate) principals: Principals,
    /// A role, and one that it inherits.
    pub(crate) inheritances: Vec<(u32, u32)>,
    /// A role, and a packed [`Rule`].
    pub(crate) rules: Vec<(u32, u32)>,
    /// A principal, and a role that it holds everywhere.
    pub(crate) assignments: Vec<(u32, u32)>,
    /// The same in a tenant.
    pub(crate) memberships: Vec<InTenant>,
    /// A principal, and a packed [`Rule`] of its own.
    pub(crate) direct: Vec<(u32, u32)>,
    /// The same in a tenant.
    pub(crate) direct_in: Vec<InTenant>,
    pub(crate) separations: Vec<Separation>,
    /// Roles that were deleted, whose numbers are not given away yet.
    deleted: BTreeSet<u32>,
}

/// That a principal has something in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InTenant {
    pub(crate) principal: u32,
    pub(crate) space: u32,
    pub(crate) what: u32,
}

impl PolicyBuilder {
    /// The most tenants of a policy.
    pub const MAX_TENANTS: usize = 1 << 20;
    /// The most roles of a policy.
    pub const MAX_ROLES: usize = 1 << 20;
    /// The most permissions of a policy.
    pub const MAX_PERMISSIONS: usize = 1 << 16;
    /// The most different wildcards of a policy.
    pub const MAX_PATTERNS: usize = Patterns::MAX;
    /// The most principals that hold something.
    pub const MAX_PRINCIPALS: usize = 1 << 24;
    /// The most allow and deny rules of a policy, wildcards written out; and the most of principals' own.
    pub const MAX_RULES: usize = 1 << 24;
    /// The most pairs of a role and one that it inherits.
    pub const MAX_INHERITANCES: usize = 1 << 22;
    /// The most pairs of a principal and a role that it holds; and the most of those in a tenant alone.
    pub const MAX_ASSIGNMENTS: usize = 1 << 26;
    /// The most separations of duty, and the most roles of one.
    pub const MAX_SEPARATIONS: usize = 1 << 10;

    /// A policy that allows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tenants: Names::new(),
            roles: Names::new(),
            permissions: Names::new(),
            patterns: Patterns::default(),
            principals: Principals::new(),
            inheritances: Vec::new(),
            rules: Vec::new(),
            assignments: Vec::new(),
            memberships: Vec::new(),
            direct: Vec::new(),
            direct_in: Vec::new(),
            separations: Vec::new(),
            deleted: BTreeSet::new(),
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
    pub fn role<'r>(&mut self, role: impl Into<RoleRef<'r>>) -> Result<RoleBuilder<'_>, PolicyError> {
        let role = role.into();
        let key = key(&role)?;
        let space = self.space(role.tenant)?;
        if let Some(role) = self.roles.find_in(space, key.name.as_str()) {
            return match self.deleted.remove(&role) {
                true => Ok(RoleBuilder { policy: self, role }),
                false => Err(PolicyError::DuplicateRole(key)),
            };
        }
        if self.roles.len() >= Self::MAX_ROLES {
            self.forget_deleted();
        }
        cap(self.roles.len(), Counted::Roles, Self::MAX_ROLES)?;
        let role = self.roles.push_in(space, key.name.as_str());
        Ok(RoleBuilder { policy: self, role })
    }

    /// Gives a role all that another one gives and forbids. A role of a tenant may inherit another of that
    /// tenant, or one of the policy; a role of the policy only another one of the policy.
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`], [`PolicyError::OtherTenant`] or [`PolicyError::TooMany`]. A circle is found
    /// by [`build`](Self::build).
    pub fn inherit<'r, 'p>(
        &mut self,
        role: impl Into<RoleRef<'r>>,
        parent: impl Into<RoleRef<'p>>,
    ) -> Result<&mut Self, PolicyError> {
        let role = self.find_role(&role.into())?;
        self.add_inheritance(role, &parent.into())
    }

    /// Lets the holders of a role do something. Takes [wildcards](Self#wildcards).
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`], [`PolicyError::UnknownPermission`], [`PolicyError::Pattern`] or
    /// [`PolicyError::TooMany`].
    pub fn allow<'r>(
        &mut self,
        role: impl Into<RoleRef<'r>>,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        let role = self.find_role(&role.into())?;
        self.add_rule(role, permission.as_ref(), false)
    }

    /// Forbids the holders of a role something, whatever else allows it: a denial overrides every allow. Takes
    /// [wildcards](Self#wildcards).
    ///
    /// # Errors
    /// As [`allow`](Self::allow).
    pub fn deny<'r>(
        &mut self,
        role: impl Into<RoleRef<'r>>,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        let role = self.find_role(&role.into())?;
        self.add_rule(role, permission.as_ref(), true)
    }

    /// Lets a principal hold a role: one of the policy everywhere, one of a tenant there.
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`] or [`PolicyError::TooMany`].
    pub fn assign<'r>(
        &mut self,
        principal: &PrincipalId,
        role: impl Into<RoleRef<'r>>,
    ) -> Result<&mut Self, PolicyError> {
        let role = self.find_role(&role.into())?;
        match self.roles.space(role) {
            0 => {
                cap(self.assignments.len(), Counted::Assignments, Self::MAX_ASSIGNMENTS)?;
                let principal = self.intern(principal)?;
                self.assignments.push((principal, role));
            }
            space => self.add_membership(principal, space, role)?,
        }
        Ok(self)
    }

    /// Lets a principal hold a role in one tenant alone: a role of the policy, or one of that tenant.
    ///
    /// # Errors
    /// As [`assign`](Self::assign), and [`PolicyError::OtherTenant`].
    pub fn assign_in<'r>(
        &mut self,
        tenant: &Realm,
        principal: &PrincipalId,
        role: impl Into<RoleRef<'r>>,
    ) -> Result<&mut Self, PolicyError> {
        let role = self.find_role(&role.into())?;
        let space = self.space(Some(tenant))?;
        if ![0, space].contains(&self.roles.space(role)) {
            return Err(PolicyError::OtherTenant);
        }
        self.add_membership(principal, space, role)?;
        Ok(self)
    }

    /// Checks and compiles the policy. `version` is what its decisions carry; a newer policy has a larger
    /// one.
    ///
    /// # Errors
    /// [`PolicyError::Cycle`], [`PolicyError::Separated`], [`PolicyError::UnmatchedPattern`],
    /// [`PolicyError::TooMany`] or [`PolicyError::TooLarge`].
    pub fn build(mut self, version: PolicyVersion) -> Result<Snapshot, PolicyError> {
        self.forget_deleted();
        compile::compile(self, version)
    }

    fn declare(&mut self, permission: &Action) -> Result<&mut Self, PolicyError> {
        if self.permissions.find(permission.as_str()).is_none() {
            cap(self.permissions.len(), Counted::Permissions, Self::MAX_PERMISSIONS)?;
            self.permissions.push(permission.as_str());
        }
        Ok(self)
    }

    fn add_inheritance(&mut self, role: u32, parent: &RoleRef<'_>) -> Result<&mut Self, PolicyError> {
        let parent = self.find_role(parent)?;
        if ![0, self.roles.space(role)].contains(&self.roles.space(parent)) {
            return Err(PolicyError::OtherTenant);
        }
        cap(self.inheritances.len(), Counted::Inheritances, Self::MAX_INHERITANCES)?;
        self.inheritances.push((role, parent));
        Ok(self)
    }

    fn add_rule(&mut self, role: u32, permission: &str, denies: bool) -> Result<&mut Self, PolicyError> {
        let rule = self.rule(permission, denies)?;
        cap(self.rules.len(), Counted::Rules, Self::MAX_RULES)?;
        self.rules.push((role, rule));
        Ok(self)
    }

    fn add_membership(&mut self, principal: &PrincipalId, space: u32, role: u32) -> Result<(), PolicyError> {
        cap(self.memberships.len(), Counted::Assignments, Self::MAX_ASSIGNMENTS)?;
        let principal = self.intern(principal)?;
        self.memberships.push(InTenant { principal, space, what: role });
        Ok(())
    }

    /// A packed rule about a permission, or about several by a wildcard.
    pub(crate) fn rule(&mut self, permission: &str, denies: bool) -> Result<u32, PolicyError> {
        let number = match self.permissions.find(permission) {
            Some(number) => number,
            None => match self.patterns.number(permission)? {
                Some(number) => number,
                None => {
                    let name = Action::parse(permission).map_err(PolicyError::PermissionName)?;
                    return Err(PolicyError::UnknownPermission(name));
                }
            },
        };
        Ok(Rule { permission: number, denies }.pack())
    }

    pub(crate) fn permission_name(&self, number: u32) -> Option<Action> {
        Action::parse(self.permissions.get(number)?).ok()
    }

    fn intern(&mut self, principal: &PrincipalId) -> Result<u32, PolicyError> {
        self.principals
            .intern(principal, Self::MAX_PRINCIPALS)
            .ok_or(PolicyError::TooMany { what: Counted::Principals, max: Self::MAX_PRINCIPALS })
    }

    /// The number of a tenant's space, which it has from when it is first named.
    fn space(&mut self, tenant: Option<&Realm>) -> Result<u32, PolicyError> {
        let Some(tenant) = tenant else { return Ok(0) };
        let number = match self.tenants.find(tenant.as_str()) {
            Some(number) => number,
            None => {
                cap(self.tenants.len(), Counted::Tenants, Self::MAX_TENANTS)?;
                self.tenants.push(tenant.as_str())
            }
        };
        Ok(number.saturating_add(1))
    }

    pub(crate) fn find_role(&self, role: &RoleRef<'_>) -> Result<u32, PolicyError> {
        let found = match role.tenant {
            None => self.roles.find(&role.name),
            Some(tenant) => self
                .tenants
                .find(tenant.as_str())
                .and_then(|number| self.roles.find_in(number.saturating_add(1), &role.name)),
        };
        match found {
            Some(role) if !self.deleted.contains(&role) => Ok(role),
            _ => Err(PolicyError::UnknownRole(key(role)?)),
        }
    }
}

impl Default for PolicyBuilder {
    fn default() -> Self {
        Self::new()
    }
}

fn key(role: &RoleRef<'_>) -> Result<RoleKey, PolicyError> {
    let name = RoleName::parse(&role.name).map_err(PolicyError::RoleName)?;
    Ok(RoleKey { tenant: role.tenant.cloned(), name })
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
