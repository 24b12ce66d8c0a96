//! From the numbers that a decision carries back to the entry that decided.

use std::fmt;

use auth_core::{Action, PrincipalId, Resource, ResourceKind, RuleId};

use super::{
    Acl, Decided, Value,
    compile::{self, EVERYONE, FIRST_GROUP, OWNER, subject_number},
    error::Named,
    records::At,
    trustee::{GroupId, Trustee},
};
use crate::{
    engine::Model,
    error::Path,
    graph,
    snapshot::{DecidedBy, DescribeError},
};

impl Acl {
    /// Names the entry that decided, and the resource that has it.
    ///
    /// For logs, audit and administrators: it tells how the policy is made, which is not for whoever was refused.
    ///
    /// # Errors
    /// [`DescribeError`] if the decision is not one of these lists.
    pub fn describe(&self, decided: impl Into<DecidedBy>) -> Result<AclDescription, DescribeError> {
        let DecidedBy { version, rule, .. } = decided.into();
        let version = version.ok_or(DescribeError::NotByPolicy)?;
        if version != self.version {
            return Err(DescribeError::OtherVersion { decided: version, snapshot: self.version });
        }
        match rule {
            None => Ok(AclDescription::NoEntry),
            Some(rule) => self.describe_rule(rule).ok_or(DescribeError::UnknownRule),
        }
    }

    /// The way from a principal into a group: the group that it is a member of itself, and so on outwards. `None`
    /// if it is not in the group.
    #[must_use]
    pub fn membership(&self, principal: &PrincipalId, group: &GroupId) -> Option<Vec<GroupId>> {
        let number = self.principals.value(self.principals.find(principal)?)?;
        let found = |at: u32| self.group_at(at).as_ref() == Some(group);
        let ways = self.held.row(number).iter().filter_map(|from| graph::path(&self.outer, *from, found));
        ways.min_by_key(Vec::len)?.into_iter().map(|at| self.group_at(at)).collect()
    }

    fn describe_rule(&self, rule: RuleId) -> Option<AclDescription> {
        let (Model::Acl, number) = Model::of(rule)? else { return None };
        let (at, bit, place) = Decided::parts(number);
        let key = self.resources.key(at)?;
        let (_, permission) = self.kinds.permissions_of(key.kind).find(|(other, _)| *other == bit)?;
        let value = Value::from(self.resources.values(at)?);
        let Some(place) = place else {
            return Some(AclDescription::OwnerKeeps { permission, resource: self.resource_at(at)? });
        };
        let entry = *self.entries.get(value.list).get(place)?;
        // The nearest one that has such an entry is where it comes from.
        let declares = |at: &At| {
            let own = self.resources.values(*at).map_or(0, |value| Value::from(value).own);
            self.own_lists.get(own).iter().any(|own| {
                subject_number(own.subject, self.groups.len()) == entry.subject
                    && own.denies == entry.denies()
                    && (self.kinds.mask(key.kind, self.sets.get(own.set)) >> bit) & 1 == 1
            })
        };
        let declared_at = self.upwards(at).find(declares)?;
        Some(AclDescription::Entry(DescribedEntry {
            denies: entry.denies(),
            permission,
            trustee: self.trustee(entry.subject)?,
            membership: Vec::new(),
            declared_on: self.resource_at(declared_at)?,
            inherited: declared_at != at,
        }))
    }

    /// A resource, and those that it inherits from.
    fn upwards(&self, at: At) -> impl Iterator<Item = At> {
        // The number of resources bounds the walk, should a table be damaged.
        std::iter::successors(Some(at), |at| {
            let parent = Value::from(self.resources.values(*at)?).parent;
            (parent != super::NO_PLACE).then_some(At(parent))
        })
        .take(self.resources.len())
    }

    pub(super) fn trustee(&self, subject: u32) -> Option<Trustee> {
        let first_principal = self.first_principal();
        Some(match subject {
            EVERYONE => Trustee::Everyone,
            OWNER => Trustee::Owner,
            group if group < first_principal => {
                Trustee::Group(self.group_at(group.checked_sub(FIRST_GROUP)?)?)
            }
            principal => {
                let number = principal.checked_sub(first_principal)?;
                let (at, _) = self.principals.iter().find(|(_, value)| *value == number)?;
                Trustee::Principal(self.principals.get(at)?)
            }
        })
    }

    fn group_at(&self, group: u32) -> Option<GroupId> {
        compile::group(&self.groups, &self.realms, *self.group_places.get(group as usize)?)
    }

    fn resource_at(&self, at: At) -> Option<Resource> {
        compile::resource(&self.resources, &self.kinds, &self.realms, at)
    }
}

/// Why an [`Acl`] decided as it did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AclDescription {
    /// No entry speaks of it. An explanation of a request says instead what is missing.
    NoEntry,
    /// No such permission is declared for the kind of resource.
    UnknownPermission {
        /// What was asked for.
        permission: Action,
        /// On resources of which kind.
        kind: ResourceKind,
    },
    /// The resource is not declared, and has no list.
    UnknownResource(Resource),
    /// The resource has a list, and no entry of it that speaks of the permission is for the principal.
    NotListed {
        /// What was asked for.
        permission: Action,
        /// On which resource.
        resource: Resource,
        /// Whom entries allow it, the first [`MAX_TRUSTEES`](AclDescription::MAX_TRUSTEES): everyone before owners, before
        /// groups, before principals.
        allowing: Vec<Trustee>,
    },
    /// An entry decided.
    Entry(DescribedEntry),
    /// The owner has it whatever the lists say.
    OwnerKeeps {
        /// What is permitted.
        permission: Action,
        /// On which resource.
        resource: Resource,
    },
}

impl AclDescription {
    /// The most trustees that are told as being allowed something.
    pub const MAX_TRUSTEES: usize = 16;
}

impl fmt::Display for AclDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEntry => f.write_str("no entry allows it"),
            Self::UnknownPermission { permission, kind } => {
                write!(f, "no permission {permission} is declared for {kind}")
            }
            Self::UnknownResource(resource) => write!(f, "there is no list of {}", Named(resource)),
            Self::NotListed { permission, resource, allowing } => {
                write!(f, "no entry of {} allows {permission} to the principal", Named(resource))?;
                allowing.iter().enumerate().try_for_each(|(n, trustee)| {
                    write!(f, "{}{trustee}", if n == 0 { "; allowed to: " } else { ", " })
                })
            }
            Self::Entry(entry) => entry.fmt(f),
            Self::OwnerKeeps { permission, resource } => {
                write!(f, "{permission} allowed to the owner of {} whatever its list says", Named(resource))
            }
        }
    }
}

/// The entry that decided, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedEntry {
    denies: bool,
    permission: Action,
    pub(super) trustee: Trustee,
    pub(super) membership: Vec<GroupId>,
    declared_on: Resource,
    inherited: bool,
}

impl DescribedEntry {
    /// Whether the entry forbids; otherwise it allows.
    #[must_use]
    pub fn denies(&self) -> bool {
        self.denies
    }

    /// The permission that decided.
    #[must_use]
    pub fn permission(&self) -> &Action {
        &self.permission
    }

    /// Whom the entry is for. How a principal comes into a group tells [`membership`](Self::membership) of an explanation, and
    /// [`Acl::membership`].
    #[must_use]
    pub fn trustee(&self) -> &Trustee {
        &self.trustee
    }

    /// If the entry is for a group, the way into it of the principal that asked: the group that it is a member of itself,
    /// and so on outwards. Empty if the entry is for no group, and where a decision alone is described: that does not say who
    /// asked.
    #[must_use]
    pub fn membership(&self) -> &[GroupId] {
        &self.membership
    }

    /// The resource that has the entry: the one that was asked for, or one around it.
    #[must_use]
    pub fn declared_on(&self) -> &Resource {
        &self.declared_on
    }

    /// Whether the resource that was asked for inherits the entry.
    #[must_use]
    pub fn inherited(&self) -> bool {
        self.inherited
    }
}

impl fmt::Display for DescribedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.denies { "denied" } else { "allowed" };
        write!(f, "{} {verb} to {}", self.permission, self.trustee)?;
        if self.membership.len() > 1 {
            write!(f, ", through {},", Path(&self.membership))?;
        }
        write!(
            f,
            " by {}{}",
            if self.inherited { "inherited entry of " } else { "entry of " },
            Named(&self.declared_on)
        )
    }
}
