//! The compiled policy.

use std::fmt;

use auth_core::{PolicyVersion, PrincipalId, Realm};

use crate::{
    members::Members,
    names::Names,
    principals::{Principals, RecordAt},
    rows::Rows,
    separation::Separations,
    sets::Sets,
};

mod activate;
mod check;
mod decide;
mod describe;
mod explain;
mod review;
mod separated;

pub use activate::{ActivationError, ActiveRoles};
pub use describe::{DecidedBy, DescribeError, DescribedRule, Description};
pub use explain::RolesExplanation;
pub use review::{DescribedSeparation, Within};

/// A compiled policy: immutable, shared between threads, and asked without an allocation or a lock.
///
/// Made by [`PolicyBuilder::build`](crate::PolicyBuilder::build), put in force by [`Rbac`](crate::Rbac).
/// It is an [`Engine`](crate::Engine) and an [`Authorizer`](auth_core::Authorizer) by itself.
pub struct Snapshot {
    pub(crate) version: PolicyVersion,
    pub(crate) stamp: Stamp,
    pub(crate) principals: Principals,
    /// What they hold in a tenant alone.
    pub(crate) members: Members,
    /// Lists of roles that are held together, each stored once.
    pub(crate) profiles: Rows,
    pub(crate) tenants: Names,
    /// Behind those with a name come the roles of what principals may do directly: a holder has at most one, and
    /// it is the last of its list.
    pub(crate) roles: Names,
    pub(crate) permissions: Names,
    /// What each role inherits directly.
    pub(crate) parents: Rows,
    /// Each role's own rules, packed.
    pub(crate) rules: Rows,
    pub(crate) sets: Sets,
    pub(crate) separations: Separations,
}

/// Tells the snapshots of one process apart, so that a number of one is not taken for one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stamp(pub(crate) u32);

/// A principal of one [`Snapshot`], looked up once to be checked often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PrincipalIndex {
    at: RecordAt,
    stamp: Stamp,
}

/// A permission of one [`Snapshot`], looked up once to be checked often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermissionIndex {
    index: u32,
    stamp: Stamp,
}

impl Snapshot {
    /// The version it was built as.
    #[must_use]
    pub fn version(&self) -> PolicyVersion {
        self.version
    }

    /// The principal's number in this snapshot, if it holds anything.
    #[must_use]
    pub fn principal(&self, principal: &PrincipalId) -> Option<PrincipalIndex> {
        self.principals.find(principal).map(|at| PrincipalIndex { at, stamp: self.stamp })
    }

    /// The permission's number in this snapshot, if the policy declares it.
    #[must_use]
    pub fn permission(&self, name: impl AsRef<str>) -> Option<PermissionIndex> {
        self.permissions.find(name.as_ref()).map(|index| PermissionIndex { index, stamp: self.stamp })
    }

    /// How many roles, permissions and principals it knows.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            roles: self.roles.len(),
            permissions: self.permissions.len(),
            principals: self.principals.len(),
            profiles: self.profiles.len(),
            tenants: self.tenants.len(),
            memberships: self.members.len(),
        }
    }

    /// The space of a tenant. One that nothing is said of has none, and what holds everywhere holds there.
    fn space(&self, tenant: Option<&Realm>) -> u32 {
        tenant
            .and_then(|tenant| self.tenants.find(tenant.as_str()))
            .map_or(0, |number| number.saturating_add(1))
    }

    /// The memory that it holds, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        [
            size_of::<Self>(),
            self.principals.bytes(),
            self.members.bytes(),
            self.tenants.bytes(),
            self.separations.bytes(),
            self.profiles.bytes(),
            self.roles.bytes(),
            self.permissions.bytes(),
            self.parents.bytes(),
            self.rules.bytes(),
            self.sets.bytes(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { roles, permissions, principals, .. } = self.counts();
        f.debug_struct("Snapshot")
            .field("version", &self.version)
            .field("roles", &roles)
            .field("permissions", &permissions)
            .field("principals", &principals)
            .finish_non_exhaustive()
    }
}

/// How much a [`Snapshot`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Roles declared.
    pub roles: usize,
    /// Permissions declared.
    pub permissions: usize,
    /// Principals that hold something.
    pub principals: usize,
    /// Distinct combinations of several roles that principals hold.
    pub profiles: usize,
    /// Tenants that have something of their own.
    pub tenants: usize,
    /// Pairs of a principal and a tenant that it holds something in.
    pub memberships: usize,
}

/// What a principal holds: most hold one role, the others share lists.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holding {
    One(u32),
    List(u32),
}

impl Holding {
    /// Marks a list. Caps keep the numbers of roles and lists below it.
    const MANY: u32 = 1 << 31;

    #[inline]
    pub(crate) const fn pack(self) -> u32 {
        match self {
            Self::One(role) => role,
            Self::List(list) => list | Self::MANY,
        }
    }

    #[inline]
    pub(crate) const fn unpack(packed: u32) -> Self {
        if packed & Self::MANY == 0 { Self::One(packed) } else { Self::List(packed & !Self::MANY) }
    }
}
