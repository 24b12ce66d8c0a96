//! Why access control lists are refused.

use std::fmt;

use auth_core::{Action, NameError, Resource, ResourceKind};

use super::trustee::GroupId;
use crate::error::Path;

/// Why access control lists are refused. What was in force stays in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AclError {
    /// Not a name that a permission may have.
    #[error("not a permission name")]
    PermissionName(#[source] NameError),
    /// The name of a permission does not say the kind of resource: no dot with something on both sides.
    #[error("permission {0} names no kind of resource")]
    NoKind(Action),
    /// Nothing declares the permission that is referred to.
    #[error("there is no permission {0}")]
    UnknownPermission(Action),
    /// An entry of the resource speaks of no permission, and so allows and denies nothing.
    #[error("an entry of {} speaks of no permission", Named(.0))]
    NoPermission(Resource),
    /// No permission is declared for resources of this kind.
    #[error("there is no permission for resources of kind {0}")]
    UnknownKind(ResourceKind),
    /// A group is declared for the second time.
    #[error("group {0} is declared twice")]
    DuplicateGroup(GroupId),
    /// Nothing declares the group that is referred to.
    #[error("there is no group {0}")]
    UnknownGroup(GroupId),
    /// A resource is declared for the second time.
    #[error("{} is declared twice", Named(.0))]
    DuplicateResource(Resource),
    /// Nothing declares the resource that is referred to.
    #[error("there is no {}", Named(.0))]
    UnknownResource(Resource),
    /// A resource cannot be inside two others.
    #[error("{} is inside two resources", Named(.0))]
    TwoParents(Resource),
    /// A resource cannot be inside one that belongs to a tenant unless it belongs to the same.
    #[error("{} is inside a resource of another tenant", Named(.0))]
    OtherTenant(Resource),
    /// Groups are inside each other in a circle.
    #[error("groups are inside each other in a circle: {}", Path(path))]
    GroupCycle {
        /// The way from a group back to itself, each inside the next; the first is also the last.
        path: Vec<GroupId>,
    },
    /// Resources are inside each other in a circle.
    #[error("resources are inside each other in a circle: {}", ResourcePath(path))]
    ResourceCycle {
        /// The way from a resource back to itself, each inside the next; the first is also the last.
        path: Vec<Resource>,
    },
    /// There is more of something than there may be.
    #[error("there are at most {max} {what}")]
    TooMany {
        /// Of what.
        what: AclCounted,
        /// The most that there may be.
        max: usize,
    },
    /// Compiled, the lists would take more memory than they may.
    #[error("the compiled lists would take more than {max_bytes} bytes")]
    TooLarge {
        /// The most that they may take.
        max_bytes: usize,
    },
}

/// What access control lists have a limited number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AclCounted {
    /// Kinds of resources, at most [`AclBuilder::MAX_KINDS`](crate::AclBuilder::MAX_KINDS).
    Kinds,
    /// Permissions of one kind of resource, at most
    /// [`AclBuilder::MAX_PERMISSIONS_OF_KIND`](crate::AclBuilder::MAX_PERMISSIONS_OF_KIND).
    PermissionsOfKind,
    /// Groups, at most [`AclBuilder::MAX_GROUPS`](crate::AclBuilder::MAX_GROUPS).
    Groups,
    /// Principals, at most [`AclBuilder::MAX_PRINCIPALS`](crate::AclBuilder::MAX_PRINCIPALS).
    Principals,
    /// Pairs of a group and a member, at most [`AclBuilder::MAX_MEMBERS`](crate::AclBuilder::MAX_MEMBERS).
    Members,
    /// Resources, at most [`AclBuilder::MAX_RESOURCES`](crate::AclBuilder::MAX_RESOURCES).
    Resources,
    /// Entries of one resource, at most [`AclBuilder::MAX_ENTRIES`](crate::AclBuilder::MAX_ENTRIES).
    Entries,
    /// Entries of one resource and all around it, at most
    /// [`AclBuilder::MAX_EFFECTIVE_ENTRIES`](crate::AclBuilder::MAX_EFFECTIVE_ENTRIES).
    EffectiveEntries,
}

impl fmt::Display for AclCounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kinds => "kinds of resources",
            Self::PermissionsOfKind => "permissions of a kind of resource",
            Self::Groups => "groups",
            Self::Principals => "principals",
            Self::Members => "group members",
            Self::Resources => "resources",
            Self::Entries => "entries of a resource",
            Self::EffectiveEntries => "entries of a resource and all around it",
        })
    }
}

/// Shows a resource: its kind, its id, its tenant.
pub(super) struct Named<'a>(pub(super) &'a Resource);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.id() {
            Some(id) => write!(f, "{} {id:?}", self.0.kind())?,
            None => write!(f, "any {}", self.0.kind())?,
        }
        match self.0.tenant() {
            Some(tenant) => write!(f, " of {tenant}"),
            None => Ok(()),
        }
    }
}

struct ResourcePath<'a>(&'a [Resource]);

impl fmt::Display for ResourcePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<Named<'_>> = self.0.iter().map(Named).collect();
        Path(&named).fmt(f)
    }
}
