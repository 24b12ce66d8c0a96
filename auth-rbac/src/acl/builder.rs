//! From declarations to compiled access control lists.

use auth_core::{Action, PolicyVersion, PrincipalId, Resource, ResourceKind};
use serde::{Deserialize, Serialize};

use super::{
    Acl, compile,
    error::{AclCounted, AclError},
    interned::Interned,
    kinds::Kinds,
    records::{At, Key, Records},
    resource::AclResource,
    trustee::{GroupId, Trustee},
};
use crate::{names::Names, permission_set::PermissionSet, principals::Principals};

/// How the entries of a list are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AclOrder {
    /// An entry that denies beats every entry that allows, wherever either stands. The order of entries has no
    /// meaning.
    #[default]
    DenyOverrides,
    /// The first entry that is for the principal and speaks of the permission decides, as in NFSv4 (RFC 8881,
    /// section 6.2.1). A resource's own entries come before inherited ones, so an allow below can lift a denial
    /// above.
    FirstMatch,
}

/// Collects resources, groups and entries, and compiles them into an [`Acl`].
///
/// What is referred to must have been declared before: every mistake is an error at the line that makes it.
///
/// ```
/// use auth_core::{PolicyVersion, PrincipalId, Resource, ResourceKind};
/// use auth_rbac::{AclBuilder, AclOrder, GroupId, Trustee};
///
/// let (ann, bob) = (PrincipalId::local_user("ann")?, PrincipalId::local_user("bob")?);
/// let staff = GroupId::local("staff")?;
/// let folder = Resource::one(ResourceKind::from_static("folder"), "reports")?;
/// let doc = Resource::one(ResourceKind::from_static("doc"), "2026-q3")?;
///
/// let mut acl = AclBuilder::new(AclOrder::DenyOverrides);
/// acl.permission("folder.list")?.permission("doc.read")?.permission("doc.write")?;
/// acl.group(&staff)?.member(&staff, &ann)?.member(&staff, &bob)?;
/// acl.resource(&folder)?.allow(&staff, ["folder.list", "doc.read"])?;
/// acl.resource(&doc)?.inside(&folder)?.owned_by(&ann)?.allow(Trustee::Owner, ["doc.write"])?;
/// let acl = acl.build(PolicyVersion::new(1))?;
/// # assert_eq!(acl.permissions_on(&ann, &doc).len(), 2);
/// # assert_eq!(acl.permissions_on(&bob, &doc).len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AclBuilder {
    pub(super) order: AclOrder,
    pub(super) realms: Names,
    pub(super) kinds: Kinds,
    pub(super) principals: Principals,
    /// Their numbers.
    pub(super) groups: Records<1>,
    pub(super) group_places: Vec<At>,
    /// A group, and one that it is inside of.
    pub(super) nestings: Vec<(u32, u32)>,
    /// A principal, and a group.
    pub(super) members: Vec<(u32, u32)>,
    /// Their numbers, as many as the compiled ones have values.
    pub(super) resources: Records<4>,
    pub(super) nodes: Vec<Node>,
    /// Sets of permissions that entries speak of, sorted.
    pub(super) sets: Interned<u32>,
}

/// One resource.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) kind: u16,
    pub(super) parent: Option<u32>,
    pub(super) breaks: bool,
    pub(super) resets_below: bool,
    pub(super) owner: Option<u32>,
    pub(super) entries: Vec<OwnEntry>,
}

/// An entry as it was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct OwnEntry {
    pub(super) subject: Subject,
    pub(super) denies: bool,
    pub(super) set: u32,
}

/// A [`Trustee`] in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Subject {
    Everyone,
    Owner,
    Group(u32),
    Principal(u32),
}

impl AclBuilder {
    /// The most kinds of resources.
    pub const MAX_KINDS: usize = 1 << 12;
    /// The most permissions of one kind of resource: they are the bits of a word.
    pub const MAX_PERMISSIONS_OF_KIND: usize = 64;
    /// The most groups.
    pub const MAX_GROUPS: usize = 1 << 20;
    /// The most principals that are named: as members, as owners, or by entries.
    pub const MAX_PRINCIPALS: usize = 1 << 24;
    /// The most pairs of a group and a member of it, principals and groups together.
    pub const MAX_MEMBERS: usize = 1 << 26;
    /// The most resources.
    pub const MAX_RESOURCES: usize = 1 << 24;
    /// The most entries of one resource.
    pub const MAX_ENTRIES: usize = 1 << 12;
    /// The most entries of one resource and all around it from which it inherits.
    pub const MAX_EFFECTIVE_ENTRIES: usize = 1 << 14;

    /// Lists that allow nothing.
    #[must_use]
    pub fn new(order: AclOrder) -> Self {
        Self {
            order,
            realms: Names::new(),
            kinds: Kinds::new(),
            principals: Principals::new(),
            groups: Records::new(),
            group_places: Vec::new(),
            nestings: Vec::new(),
            members: Vec::new(),
            resources: Records::new(),
            nodes: Vec::new(),
            sets: Interned::new(compile::MAX_ITEMS),
        }
    }

    /// Declares all permissions of a set that [`permissions!`](crate::permissions!) wrote, each for the kind of
    /// resource that its name has.
    ///
    /// # Errors
    /// As [`permission`](Self::permission).
    pub fn permissions<P: PermissionSet>(&mut self) -> Result<&mut Self, AclError> {
        for permission in P::ALL {
            self.permission(permission.name())?;
        }
        Ok(self)
    }

    /// Declares a permission, named by the kind of resource, a dot, and what is done to it: `doc.read`.
    ///
    /// # Errors
    /// [`AclError::PermissionName`], [`AclError::NoKind`] or [`AclError::TooMany`].
    pub fn permission(&mut self, name: impl AsRef<str>) -> Result<&mut Self, AclError> {
        let action = Action::parse(name.as_ref()).map_err(AclError::PermissionName)?;
        let kind = action.as_str().rsplit_once('.').filter(|(_, verb)| !verb.is_empty());
        match kind.and_then(|(kind, _)| ResourceKind::parse(kind).ok()) {
            Some(kind) => self.permission_on(&kind, &action),
            None => Err(AclError::NoKind(action)),
        }
    }

    /// Declares a permission for a kind of resource that its name does not say. The same name may be declared for
    /// several kinds.
    ///
    /// # Errors
    /// [`AclError::TooMany`].
    pub fn permission_on(&mut self, kind: &ResourceKind, name: &Action) -> Result<&mut Self, AclError> {
        self.kinds.declare(kind, name)?;
        Ok(self)
    }

    /// Lets the owner of any resource of the kind always have a permission, whatever the lists say: an owner that
    /// must not be able to lock itself out.
    ///
    /// # Errors
    /// [`AclError::UnknownKind`] or [`AclError::UnknownPermission`].
    pub fn owner_keeps(
        &mut self,
        kind: &ResourceKind,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, AclError> {
        self.kinds.keep(kind, permission.as_ref())?;
        Ok(self)
    }

    /// Declares a group.
    ///
    /// # Errors
    /// [`AclError::DuplicateGroup`] or [`AclError::TooMany`].
    pub fn group(&mut self, group: &GroupId) -> Result<&mut Self, AclError> {
        let space = self.realm(group.realm().as_str());
        let key = Key { space, kind: 0, id: group.name().as_str() };
        if self.groups.find(key).is_some() {
            return Err(AclError::DuplicateGroup(group.clone()));
        }
        let too_many = AclError::TooMany { what: AclCounted::Groups, max: Self::MAX_GROUPS };
        cap(self.groups.len(), AclCounted::Groups, Self::MAX_GROUPS)?;
        let number = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        self.group_places.push(self.groups.push(key, [number]).ok_or(too_many)?);
        Ok(self)
    }

    /// Puts a principal into a group.
    ///
    /// # Errors
    /// [`AclError::UnknownGroup`] or [`AclError::TooMany`].
    pub fn member(&mut self, group: &GroupId, principal: &PrincipalId) -> Result<&mut Self, AclError> {
        let group = self.find_group(group)?;
        cap(self.members.len(), AclCounted::Members, Self::MAX_MEMBERS)?;
        let principal = self.intern_principal(principal)?;
        self.members.push((principal, group));
        Ok(self)
    }

    /// Puts a group, with all its members, into another one.
    ///
    /// # Errors
    /// [`AclError::UnknownGroup`] or [`AclError::TooMany`]. A circle is found by [`build`](Self::build).
    pub fn nest(&mut self, outer: &GroupId, inner: &GroupId) -> Result<&mut Self, AclError> {
        let (outer, inner) = (self.find_group(outer)?, self.find_group(inner)?);
        cap(self.nestings.len(), AclCounted::Members, Self::MAX_MEMBERS)?;
        self.nestings.push((inner, outer));
        Ok(self)
    }

    /// Declares a resource, to be filled through what this returns. `Resource::any` is a resource by itself: what
    /// its list says is said of that question, and of what is [inside](AclResource::inside) it.
    ///
    /// # Errors
    /// [`AclError::UnknownKind`], [`AclError::DuplicateResource`] or [`AclError::TooMany`].
    pub fn resource(&mut self, resource: &Resource) -> Result<AclResource<'_>, AclError> {
        let Some(kind) = self.kinds.find(resource.kind()) else {
            return Err(AclError::UnknownKind(resource.kind().clone()));
        };
        let space = resource.tenant().map_or(0, |tenant| self.realm(tenant.as_str()));
        let key = Key { space, kind, id: resource.id().unwrap_or_default() };
        if self.resources.find(key).is_some() {
            return Err(AclError::DuplicateResource(resource.clone()));
        }
        let too_many = AclError::TooMany { what: AclCounted::Resources, max: Self::MAX_RESOURCES };
        cap(self.nodes.len(), AclCounted::Resources, Self::MAX_RESOURCES)?;
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let at = self.resources.push(key, [number, 0, 0, 0]).ok_or(too_many)?;
        self.nodes.push(Node {
            at,
            kind,
            parent: None,
            breaks: false,
            resets_below: false,
            owner: None,
            entries: Vec::new(),
        });
        Ok(AclResource::new(self, number, resource.clone()))
    }

    /// A resource that was declared before, to be filled further.
    ///
    /// # Errors
    /// [`AclError::UnknownResource`].
    pub fn edit(&mut self, resource: &Resource) -> Result<AclResource<'_>, AclError> {
        let number = self.find_resource(resource)?;
        Ok(AclResource::new(self, number, resource.clone()))
    }

    /// Checks and compiles the lists. `version` is what decisions carry; newer lists have a larger one.
    ///
    /// # Errors
    /// [`AclError::GroupCycle`], [`AclError::ResourceCycle`], [`AclError::TooMany`] or [`AclError::TooLarge`].
    pub fn build(self, version: PolicyVersion) -> Result<Acl, AclError> {
        compile::compile(self, version)
    }

    pub(super) fn find_resource(&self, resource: &Resource) -> Result<u32, AclError> {
        let find = || {
            let kind = self.kinds.find(resource.kind())?;
            let space = match resource.tenant() {
                None => 0,
                Some(tenant) => self.realms.find(tenant.as_str())?.saturating_add(1),
            };
            let at = self.resources.find(Key { space, kind, id: resource.id().unwrap_or_default() })?;
            self.resources.values(at).map(|[number, ..]| number)
        };
        find().ok_or_else(|| AclError::UnknownResource(resource.clone()))
    }

    pub(super) fn intern_subject(&mut self, trustee: &Trustee) -> Result<Subject, AclError> {
        Ok(match trustee {
            Trustee::Everyone => Subject::Everyone,
            Trustee::Owner => Subject::Owner,
            Trustee::Group(group) => Subject::Group(self.find_group(group)?),
            Trustee::Principal(principal) => Subject::Principal(self.intern_principal(principal)?),
        })
    }

    pub(super) fn intern_principal(&mut self, principal: &PrincipalId) -> Result<u32, AclError> {
        self.principals
            .intern(principal, Self::MAX_PRINCIPALS)
            .ok_or(AclError::TooMany { what: AclCounted::Principals, max: Self::MAX_PRINCIPALS })
    }

    fn find_group(&self, group: &GroupId) -> Result<u32, AclError> {
        let find = || {
            let space = self.realms.find(group.realm().as_str())?.saturating_add(1);
            let at = self.groups.find(Key { space, kind: 0, id: group.name().as_str() })?;
            self.groups.values(at).map(|[number]| number)
        };
        find().ok_or_else(|| AclError::UnknownGroup(group.clone()))
    }

    /// The number of a realm, from 1: 0 stands for none.
    fn realm(&mut self, realm: &str) -> u32 {
        self.realms.find(realm).unwrap_or_else(|| self.realms.push(realm)).saturating_add(1)
    }
}

impl Default for AclBuilder {
    fn default() -> Self {
        Self::new(AclOrder::default())
    }
}

pub(super) fn cap(count: usize, what: AclCounted, max: usize) -> Result<(), AclError> {
    if count < max { Ok(()) } else { Err(AclError::TooMany { what, max }) }
}
