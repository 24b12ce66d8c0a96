//! Access control lists in a document.

use auth_core::{Action, PrincipalId, Resource, ResourceKind};
use serde::{Deserialize, Serialize};

use super::names;
use crate::{
    abac::rule::RuleEffect,
    acl::{AclOrder, GroupId, Trustee},
};

/// All access control lists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Lists {
    /// How entries are weighed.
    pub order: AclOrder,
    /// Permissions, each named by the kind of resource, a dot, and what is done to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Action>,
    /// Permissions whose names do not say the kind of resource.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions_on: Vec<KindPermission>,
    /// What owners always have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owner_keeps: Vec<KindPermission>,
    /// Groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// Resources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceList>,
}

impl Lists {
    /// Lists that allow nothing.
    #[must_use]
    pub fn new(order: AclOrder) -> Self {
        Self { order, ..Self::default() }
    }

    /// The same, with one more permission.
    #[must_use]
    pub fn permission(mut self, permission: Action) -> Self {
        self.permissions.push(permission);
        self
    }

    /// The same, with one more group.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// The same, with one more resource.
    #[must_use]
    pub fn resource(mut self, resource: ResourceList) -> Self {
        self.resources.push(resource);
        self
    }
}

/// A permission of one kind of resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindPermission {
    /// The kind.
    pub kind: ResourceKind,
    /// The permission.
    pub permission: Action,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Group {
    /// Its name, with the realm unless that is the local one.
    #[serde(with = "names::one")]
    pub name: GroupId,
    /// Principals in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "names::list")]
    pub members: Vec<PrincipalId>,
    /// Groups in it, with all their members.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "names::list")]
    pub groups: Vec<GroupId>,
}

impl Group {
    /// An empty group.
    #[must_use]
    pub const fn new(name: GroupId) -> Self {
        Self { name, members: Vec::new(), groups: Vec::new() }
    }

    /// The same, with one more member.
    #[must_use]
    pub fn member(mut self, principal: PrincipalId) -> Self {
        self.members.push(principal);
        self
    }

    /// The same, with one more group in it.
    #[must_use]
    pub fn group(mut self, inner: GroupId) -> Self {
        self.groups.push(inner);
        self
    }
}

/// A resource with its list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResourceList {
    /// Which one.
    #[serde(with = "names::one")]
    pub resource: Resource,
    /// The resource that it is inside of.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "names::option")]
    pub inside: Option<Resource>,
    /// Whether it has its own entries only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub breaks_inheritance: bool,
    /// Whether all inside it has its list, and no entries of its own.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reapplies_below: bool,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "names::option")]
    pub owner: Option<PrincipalId>,
    /// Its entries, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
}

impl ResourceList {
    /// A resource with an empty list.
    #[must_use]
    pub const fn new(resource: Resource) -> Self {
        Self {
            resource,
            inside: None,
            breaks_inheritance: false,
            reapplies_below: false,
            owner: None,
            entries: Vec::new(),
        }
    }

    /// The same, inside another one.
    #[must_use]
    pub fn inside(mut self, parent: Resource) -> Self {
        self.inside = Some(parent);
        self
    }

    /// The same, owned by somebody.
    #[must_use]
    pub fn owned_by(mut self, owner: PrincipalId) -> Self {
        self.owner = Some(owner);
        self
    }

    /// The same, with one more entry.
    #[must_use]
    pub fn entry(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Entry {
    /// What it says.
    pub effect: RuleEffect,
    /// Whom it is for.
    #[serde(with = "trustee")]
    pub to: Trustee,
    /// What it speaks of.
    pub permissions: Vec<Action>,
}

impl Entry {
    /// An entry that allows.
    #[must_use]
    pub fn allow(to: impl Into<Trustee>, permissions: impl IntoIterator<Item = Action>) -> Self {
        Self { effect: RuleEffect::Permit, to: to.into(), permissions: permissions.into_iter().collect() }
    }

    /// An entry that denies.
    #[must_use]
    pub fn deny(to: impl Into<Trustee>, permissions: impl IntoIterator<Item = Action>) -> Self {
        Self { effect: RuleEffect::Deny, to: to.into(), permissions: permissions.into_iter().collect() }
    }
}

/// `"everyone"`, `"owner"`, `{ group = .. }` or `{ principal = .. }`.
mod trustee {
    use auth_core::PrincipalId;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{GroupId, Trustee, names};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum To {
        Everyone,
        Owner,
        Group(#[serde(with = "names::one")] GroupId),
        Principal(#[serde(with = "names::one")] PrincipalId),
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Trustee, D::Error> {
        Ok(match To::deserialize(deserializer)? {
            To::Everyone => Trustee::Everyone,
            To::Owner => Trustee::Owner,
            To::Group(group) => Trustee::Group(group),
            To::Principal(principal) => Trustee::Principal(principal),
        })
    }

    pub(super) fn serialize<S: Serializer>(trustee: &Trustee, serializer: S) -> Result<S::Ok, S::Error> {
        match trustee {
            Trustee::Everyone => To::Everyone,
            Trustee::Owner => To::Owner,
            Trustee::Group(group) => To::Group(group.clone()),
            Trustee::Principal(principal) => To::Principal(principal.clone()),
        }
        .serialize(serializer)
    }
}

const fn is_false(value: &bool) -> bool {
    !*value
}
