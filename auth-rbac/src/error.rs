//! Why a policy is refused.

use std::fmt;

use auth_core::{Action, NameError, PrincipalId, RoleName};

use crate::role_ref::RoleKey;

/// Why a policy is refused. A policy that is refused changes nothing: what was in force stays in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not a name that a role may have.
    #[error("not a role name")]
    RoleName(#[source] NameError),
    /// Not a name that a permission may have.
    #[error("not a permission name")]
    PermissionName(#[source] NameError),
    /// A role is declared for the second time.
    #[error("role {0} is declared twice")]
    DuplicateRole(RoleKey),
    /// Nothing declares the role that is referred to.
    #[error("there is no role {0}")]
    UnknownRole(RoleKey),
    /// Nothing declares the permission that is referred to.
    #[error("there is no permission {0}")]
    UnknownPermission(Action),
    /// Not a wildcard: a star that does not stand alone between dots, or `**` before the end.
    #[error("not a wildcard: `*` stands alone between dots, `**` at the end")]
    Pattern,
    /// A wildcard stands for no permission that the policy declares.
    #[error("no permission is named like {0}")]
    UnmatchedPattern(String),
    /// A tenant's role does not go together with another tenant, or with the policy as a whole.
    #[error("the role belongs to another tenant")]
    OtherTenant,
    /// Not a name that a separation of duty may have.
    #[error("not a name for a separation of duty")]
    SeparationName(#[source] NameError),
    /// A separation of duty is declared for the second time.
    #[error("separation of duty {0} is declared twice")]
    DuplicateSeparation(String),
    /// A separation of duty that would keep nothing apart, or every single role from everybody.
    #[error("of {roles} different roles, {limit} cannot be too many: it takes 2 to {roles}")]
    Cardinality {
        /// How many different roles there are.
        roles: usize,
        /// How many were said to be too many.
        limit: usize,
    },
    /// A principal would hold roles that are separated.
    #[error("{principal:?} would hold {}, against separation of duty {separation}", All(roles))]
    Separated {
        /// The name of the separation.
        separation: String,
        /// Who would hold them.
        principal: PrincipalId,
        /// The separated roles that are assigned, or inherited by those that are.
        roles: Vec<RoleKey>,
    },
    /// A role cannot be deleted that a separation of duty names.
    #[error("role {role} is kept apart from others by separation of duty {separation}")]
    SeparatedRole {
        /// Which role.
        role: RoleKey,
        /// The name of the separation.
        separation: String,
    },
    /// Roles inherit from each other in a circle.
    #[error("roles inherit in a circle: {}", Path(path))]
    Cycle {
        /// The way from a role back to itself, each inheriting from the next; the first is also the last.
        path: Vec<RoleName>,
    },
    /// There is more of something than a policy may have.
    #[error("a policy has at most {max} {what}")]
    TooMany {
        /// Of what.
        what: Counted,
        /// The most that there may be.
        max: usize,
    },
    /// Compiled, the roles would take more memory than a policy may.
    #[error("the compiled roles would take more than {max_bytes} bytes")]
    TooLarge {
        /// The most that they may take.
        max_bytes: usize,
    },
}

/// What a policy has a limited number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Counted {
    /// Roles, at most [`PolicyBuilder::MAX_ROLES`](crate::PolicyBuilder::MAX_ROLES).
    Roles,
    /// Permissions, at most [`PolicyBuilder::MAX_PERMISSIONS`](crate::PolicyBuilder::MAX_PERMISSIONS).
    Permissions,
    /// Principals, at most [`PolicyBuilder::MAX_PRINCIPALS`](crate::PolicyBuilder::MAX_PRINCIPALS).
    Principals,
    /// Allow and deny rules, at most [`PolicyBuilder::MAX_RULES`](crate::PolicyBuilder::MAX_RULES).
    Rules,
    /// Pairs of a role and one that it inherits, at most
    /// [`PolicyBuilder::MAX_INHERITANCES`](crate::PolicyBuilder::MAX_INHERITANCES).
    Inheritances,
    /// Pairs of a principal and a role, at most
    /// [`PolicyBuilder::MAX_ASSIGNMENTS`](crate::PolicyBuilder::MAX_ASSIGNMENTS).
    Assignments,
    /// Tenants, at most [`PolicyBuilder::MAX_TENANTS`](crate::PolicyBuilder::MAX_TENANTS).
    Tenants,
    /// Wildcards, at most [`PolicyBuilder::MAX_PATTERNS`](crate::PolicyBuilder::MAX_PATTERNS).
    Patterns,
    /// Separations of duty, and roles of one, at most
    /// [`PolicyBuilder::MAX_SEPARATIONS`](crate::PolicyBuilder::MAX_SEPARATIONS).
    Separations,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Roles => "roles",
            Self::Permissions => "permissions",
            Self::Principals => "principals",
            Self::Rules => "rules",
            Self::Inheritances => "inheritances",
            Self::Assignments => "assignments",
            Self::Tenants => "tenants",
            Self::Patterns => "wildcards",
            Self::Separations => "separations of duty, or roles of one",
        })
    }
}

/// Shows roles one after the other.
struct All<'a>(&'a [RoleKey]);

impl fmt::Display for All<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(n, role)| {
            f.write_str(if n == 0 { "" } else { ", " })?;
            role.fmt(f)
        })
    }
}

/// Shows a path on one line, its middle left out if it is long.
pub(crate) struct Path<'a, T>(pub(crate) &'a [T]);

impl<T> Path<'_, T> {
    /// Steps shown at each end of a long path.
    const ENDS: usize = 8;
}

impl<T: fmt::Display> fmt::Display for Path<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = self.0.len().saturating_sub(Self::ENDS.saturating_mul(2));
        let tail = self.0.len().saturating_sub(Self::ENDS);
        for (n, step) in self.0.iter().enumerate() {
            if n > 0 && (n <= Self::ENDS || n >= tail || hidden == 0) {
                f.write_str(" > ")?;
            }
            if hidden > 0 && n == Self::ENDS {
                write!(f, "({hidden} more)")?;
            }
            if hidden == 0 || n < Self::ENDS || n >= tail {
                step.fmt(f)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(len: usize) -> Vec<RoleName> {
        (0..len).map(|n| RoleName::parse(&format!("r{n}")).unwrap()).collect()
    }

    /// A cycle of ten thousand roles must not write ten thousand names into a log line.
    #[test]
    fn a_long_path_is_shown_by_its_ends() {
        assert_eq!(Path(&path(3)).to_string(), "r0 > r1 > r2");
        let whole = Path(&path(16)).to_string();
        assert!(
            whole.starts_with("r0 > r1 > ") && whole.ends_with(" > r14 > r15") && !whole.contains("more")
        );
        let long = Path(&path(10_000)).to_string();
        assert!(long.starts_with("r0 > r1 > "), "{long}");
        assert!(long.contains("r7 > (9984 more) > r9992"), "{long}");
        assert!(long.ends_with("r9998 > r9999"), "{long}");
    }
}
