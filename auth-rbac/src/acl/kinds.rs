//! Kinds of resources, and the bits of their permissions.

use auth_core::{Action, ResourceKind};

use super::{
    builder::{AclBuilder, cap},
    error::{AclCounted, AclError},
};
use crate::names::Names;

/// Permissions by name, and for each kind of resource its own, at most one for each bit of a word.
#[derive(Debug, Clone)]
pub(super) struct Kinds {
    names: Names,
    permissions: Names,
    /// For each permission, the first kind that it was declared for, and its bit there.
    homes: Vec<(u16, u8)>,
    kinds: Vec<Kind>,
}

#[derive(Debug, Clone, Default)]
struct Kind {
    /// By bit.
    permissions: Vec<u32>,
    /// What an owner has whatever the lists say.
    kept: u64,
}

impl Kinds {
    pub(super) fn new() -> Self {
        Self { names: Names::new(), permissions: Names::new(), homes: Vec::new(), kinds: Vec::new() }
    }

    pub(super) fn declare(&mut self, kind: &ResourceKind, permission: &Action) -> Result<(), AclError> {
        let number = match self.names.find(kind.as_str()) {
            Some(number) => number,
            None => {
                cap(self.kinds.len(), AclCounted::Kinds, AclBuilder::MAX_KINDS)?;
                self.kinds.push(Kind::default());
                self.names.push(kind.as_str())
            }
        };
        let known = self.permissions.find(permission.as_str());
        let Some(kind) = self.kinds.get_mut(number as usize) else { return Ok(()) };
        if known.is_some_and(|known| kind.permissions.contains(&known)) {
            return Ok(());
        }
        let max = AclBuilder::MAX_PERMISSIONS_OF_KIND;
        cap(kind.permissions.len(), AclCounted::PermissionsOfKind, max)?;
        let permission = known.unwrap_or_else(|| {
            // Caps keep both numbers small.
            self.homes.push((number as u16, kind.permissions.len() as u8));
            self.permissions.push(permission.as_str())
        });
        kind.permissions.push(permission);
        Ok(())
    }

    pub(super) fn keep(&mut self, kind: &ResourceKind, permission: &str) -> Result<(), AclError> {
        let Some(number) = self.find(kind) else { return Err(AclError::UnknownKind(kind.clone())) };
        let Some(bit) = self.bit(number, permission) else {
            return Err(AclError::UnknownPermission(
                Action::parse(permission).map_err(AclError::PermissionName)?,
            ));
        };
        if let Some(kind) = self.kinds.get_mut(usize::from(number)) {
            kind.kept |= 1 << bit;
        }
        Ok(())
    }

    #[inline]
    pub(super) fn find(&self, kind: &ResourceKind) -> Option<u16> {
        // There are fewer than a `u16` counts.
        self.names.find(kind.as_str()).map(|kind| kind as u16)
    }

    pub(super) fn kind(&self, kind: u16) -> Option<ResourceKind> {
        ResourceKind::parse(self.names.get(u32::from(kind))?).ok()
    }

    /// The number of a permission, of whatever kind.
    #[inline]
    pub(super) fn permission(&self, name: &str) -> Option<u32> {
        self.permissions.find(name)
    }

    /// The bit of a permission among those of a kind.
    #[inline]
    pub(super) fn bit(&self, kind: u16, permission: &str) -> Option<u32> {
        self.bit_of(kind, self.permission(permission)?)
    }

    /// A kind, and the bit of a permission there. Most permissions are of one kind, which then need not be looked up.
    #[inline]
    pub(super) fn locate(&self, kind: &ResourceKind, permission: &str) -> Option<(u16, u32)> {
        let permission = self.permission(permission)?;
        let (home, bit) = *self.homes.get(permission as usize)?;
        if self.names.get(u32::from(home)) == Some(kind.as_str()) {
            return Some((home, u32::from(bit)));
        }
        let kind = self.find(kind)?;
        Some((kind, self.bit_of(kind, permission)?))
    }

    #[inline]
    fn bit_of(&self, kind: u16, permission: u32) -> Option<u32> {
        let permissions = &self.kinds.get(usize::from(kind))?.permissions;
        permissions.iter().position(|other| *other == permission).map(|bit| bit as u32)
    }

    /// The bits of those of `set` that the kind has.
    pub(super) fn mask(&self, kind: u16, set: &[u32]) -> u64 {
        set.iter()
            .filter_map(|permission| self.bit_of(kind, *permission))
            .fold(0, |mask, bit| mask | 1 << bit)
    }

    #[inline]
    pub(super) fn kept(&self, kind: u16) -> u64 {
        self.kinds.get(usize::from(kind)).map_or(0, |kind| kind.kept)
    }

    /// The permissions of a kind with their bits.
    pub(super) fn permissions_of(&self, kind: u16) -> impl Iterator<Item = (u32, Action)> {
        let permissions = self.kinds.get(usize::from(kind)).map_or(&[][..], |kind| &kind.permissions);
        (0..).zip(permissions).filter_map(|(bit, permission)| {
            Some((bit, Action::parse(self.permissions.get(*permission)?).ok()?))
        })
    }

    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// What it holds on the heap.
    pub(super) fn heap(&self) -> usize {
        let kinds = self
            .kinds
            .iter()
            .map(|kind| size_of::<Kind>().saturating_add(size_of_val(kind.permissions.as_slice())));
        kinds
            .chain([size_of_val(self.homes.as_slice())])
            .fold(self.names.bytes().saturating_add(self.permissions.bytes()), usize::saturating_add)
    }
}
