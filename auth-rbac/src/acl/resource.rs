//! Filling one resource.

use auth_core::{Action, PrincipalId, Resource};

use super::{
    builder::{AclBuilder, Node, OwnEntry, cap},
    compile,
    error::{AclCounted, AclError},
    trustee::Trustee,
};

/// Fills one resource of an [`AclBuilder`].
#[derive(Debug)]
pub struct AclResource<'a> {
    acl: &'a mut AclBuilder,
    number: u32,
    name: Resource,
}

impl<'a> AclResource<'a> {
    pub(super) const fn new(acl: &'a mut AclBuilder, number: u32, name: Resource) -> Self {
        Self { acl, number, name }
    }

    /// Puts the resource inside another one, whose list it inherits behind its own entries, and so on upwards.
    ///
    /// # Errors
    /// [`AclError::UnknownResource`], [`AclError::OtherTenant`] if the other one belongs to a tenant and this one does
    /// not belong to the same, or [`AclError::TwoParents`] if it is inside another one already. A circle is found by
    /// [`AclBuilder::build`].
    pub fn inside(&mut self, parent: &Resource) -> Result<&mut Self, AclError> {
        if parent.tenant().is_some() && parent.tenant() != self.name.tenant() {
            return Err(AclError::OtherTenant(self.name.clone()));
        }
        let parent = self.acl.find_resource(parent)?;
        if let Some(node) = self.node() {
            if node.parent.is_some_and(|other| other != parent) {
                return Err(AclError::TwoParents(self.name.clone()));
            }
            node.parent = Some(parent);
        }
        Ok(self)
    }

    /// Breaks inheritance: the resource has its own entries only, and so has what is inside it.
    pub fn breaks_inheritance(&mut self) -> &mut Self {
        if let Some(node) = self.node() {
            node.breaks = true;
        }
        self
    }

    /// Lets the resource inherit again.
    pub fn restores_inheritance(&mut self) -> &mut Self {
        if let Some(node) = self.node() {
            node.breaks = false;
        }
        self
    }

    /// Re-applies the resource's list to everything inside it, at any depth: what is below inherits again and
    /// its own entries do not count. Owners stay.
    pub fn reapplies_below(&mut self) -> &mut Self {
        if let Some(node) = self.node() {
            node.resets_below = true;
        }
        self
    }

    /// States who owns the resource.
    ///
    /// # Errors
    /// [`AclError::TooMany`].
    pub fn owned_by(&mut self, owner: &PrincipalId) -> Result<&mut Self, AclError> {
        let owner = self.acl.intern_principal(owner)?;
        if let Some(node) = self.node() {
            node.owner = Some(owner);
        }
        Ok(self)
    }

    /// Adds an entry that allows permissions, of this kind of resource or of kinds that are inside it.
    ///
    /// # Errors
    /// [`AclError::UnknownGroup`], [`AclError::UnknownPermission`], [`AclError::NoPermission`] or
    /// [`AclError::TooMany`].
    pub fn allow<P: AsRef<str>>(
        &mut self,
        trustee: impl Into<Trustee>,
        permissions: impl IntoIterator<Item = P>,
    ) -> Result<&mut Self, AclError> {
        self.add(&trustee.into(), permissions, false)
    }

    /// Adds an entry that denies permissions.
    ///
    /// # Errors
    /// As [`allow`](Self::allow).
    pub fn deny<P: AsRef<str>>(
        &mut self,
        trustee: impl Into<Trustee>,
        permissions: impl IntoIterator<Item = P>,
    ) -> Result<&mut Self, AclError> {
        self.add(&trustee.into(), permissions, true)
    }

    fn add<P: AsRef<str>>(
        &mut self,
        trustee: &Trustee,
        permissions: impl IntoIterator<Item = P>,
        denies: bool,
    ) -> Result<&mut Self, AclError> {
        let subject = self.acl.intern_subject(trustee)?;
        let mut set = Vec::new();
        for name in permissions {
            let name = name.as_ref();
            match self.acl.kinds.permission(name) {
                // As many as may be declared: a longer list says something twice.
                Some(permission) => set.push(permission),
                None => {
                    return Err(match Action::parse(name) {
                        Ok(action) => AclError::UnknownPermission(action),
                        Err(error) => AclError::PermissionName(error),
                    });
                }
            }
        }
        if set.is_empty() {
            return Err(AclError::NoPermission(self.name.clone()));
        }
        set.sort_unstable();
        set.dedup();
        let too_large = AclError::TooLarge { max_bytes: compile::MAX_ITEMS.saturating_mul(size_of::<u32>()) };
        let set = self.acl.sets.intern(&set).ok_or(too_large)?;
        if let Some(node) = self.node() {
            cap(node.entries.len(), AclCounted::Entries, AclBuilder::MAX_ENTRIES)?;
            node.entries.push(OwnEntry { subject, denies, set });
        }
        Ok(self)
    }

    fn node(&mut self) -> Option<&mut Node> {
        self.acl.nodes.get_mut(self.number as usize)
    }
}
