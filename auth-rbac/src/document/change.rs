//! Changes of a document.

use std::collections::{BTreeSet, HashMap};

use auth_core::{PrincipalId, Realm};

use super::{Assignment, Direct, PolicyDocument, Role};
use crate::{admin::PolicyChange, error::PolicyError, role_ref::RoleKey};

impl PolicyDocument {
    /// Makes a change. What is there already, or is not there to be removed, changes nothing; nor does the version
    /// change. What the document then does not fit together with is found by [`compile`](Self::compile).
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`], [`PolicyError::DuplicateRole`], [`PolicyError::SeparatedRole`].
    pub fn apply(&mut self, change: &PolicyChange) -> Result<(), PolicyError> {
        self.apply_all(std::slice::from_ref(change))
    }

    /// Makes changes, in this order, as [`apply`](Self::apply) makes one. Of many, each finds its roles at once.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), of the first change that cannot be made: those before it are.
    pub fn apply_all(&mut self, changes: &[PolicyChange]) -> Result<(), PolicyError> {
        let mut places = HashMap::with_capacity(self.roles.len());
        for (place, role) in self.roles.iter().enumerate() {
            // Of two of one name, which make no policy, the first.
            places.entry(role.key()).or_insert(place);
        }
        let mut changing = Changing { document: self, places, deleted: BTreeSet::new() };
        let made = changes.iter().try_for_each(|change| changing.apply(change));
        changing.forget_deleted();
        made
    }
}

/// A document, and where its roles are.
struct Changing<'a> {
    document: &'a mut PolicyDocument,
    places: HashMap<RoleKey, usize>,
    /// Places of roles that are there no more.
    deleted: BTreeSet<usize>,
}

impl Changing<'_> {
    fn apply(&mut self, change: &PolicyChange) -> Result<(), PolicyError> {
        match change {
            PolicyChange::CreateRole(role) => {
                if self.places.contains_key(role) {
                    return Err(PolicyError::DuplicateRole(role.clone()));
                }
                self.places.insert(role.clone(), self.document.roles.len());
                self.document.roles.push(Role::new(role.clone()));
            }
            PolicyChange::DeleteRole(role) => self.delete(role)?,
            PolicyChange::Inherit { role, parent } => {
                self.role_at(parent)?;
                add(&mut self.role_at(role)?.inherits, parent);
            }
            PolicyChange::Disinherit { role, parent } => {
                self.role_at(parent)?;
                remove(&mut self.role_at(role)?.inherits, parent);
            }
            PolicyChange::AddRule { role, permission, denies } => {
                let role = self.role_at(role)?;
                add(if *denies { &mut role.deny } else { &mut role.allow }, permission);
            }
            PolicyChange::RemoveRule { role, permission, denies } => {
                let role = self.role_at(role)?;
                remove(if *denies { &mut role.deny } else { &mut role.allow }, permission);
            }
            PolicyChange::Assign { principal, role, tenant } => {
                self.role_at(role)?;
                let new =
                    Assignment { principal: principal.clone(), tenant: tenant.clone(), roles: Vec::new() };
                let is_it = |known: &Assignment| known.principal == *principal && known.tenant == *tenant;
                make(&mut self.document.assignments, is_it, new, |known| add(&mut known.roles, role));
            }
            PolicyChange::Revoke { principal, role, tenant } => {
                self.role_at(role)?;
                self.revoke(principal, role, tenant.as_ref());
            }
            PolicyChange::AddDirect { principal, permission, denies, tenant } => {
                let new = Direct { tenant: tenant.clone(), ..Direct::new(principal.clone()) };
                let is_it = |known: &Direct| known.principal == *principal && known.tenant == *tenant;
                make(&mut self.document.direct, is_it, new, |known| {
                    add(if *denies { &mut known.deny } else { &mut known.allow }, permission);
                });
            }
            PolicyChange::RemoveDirect { principal, permission, denies, tenant } => {
                for direct in &mut self.document.direct {
                    if direct.principal == *principal && direct.tenant == *tenant {
                        remove(if *denies { &mut direct.deny } else { &mut direct.allow }, permission);
                    }
                }
                self.document.direct.retain(|direct| !direct.allow.is_empty() || !direct.deny.is_empty());
            }
        }
        Ok(())
    }

    fn role_at(&mut self, key: &RoleKey) -> Result<&mut Role, PolicyError> {
        let place = self.places.get(key).copied();
        let found = place.and_then(|place| self.document.roles.get_mut(place));
        found.ok_or_else(|| PolicyError::UnknownRole(key.clone()))
    }

    fn delete(&mut self, key: &RoleKey) -> Result<(), PolicyError> {
        let document = &mut *self.document;
        let place = *self.places.get(key).ok_or_else(|| PolicyError::UnknownRole(key.clone()))?;
        if let Some(constraint) = document.constraints.iter().find(|known| known.roles.contains(key)) {
            return Err(PolicyError::SeparatedRole {
                role: key.clone(),
                separation: constraint.name.clone(),
            });
        }
        self.places.remove(key);
        self.deleted.insert(place);
        for role in &mut document.roles {
            remove(&mut role.inherits, key);
        }
        for assignment in &mut document.assignments {
            remove(&mut assignment.roles, key);
        }
        document.assignments.retain(|assignment| !assignment.roles.is_empty());
        Ok(())
    }

    fn forget_deleted(self) {
        let mut place = 0_usize;
        self.document.roles.retain(|_| {
            let is_left = !self.deleted.contains(&place);
            place = place.saturating_add(1);
            is_left
        });
    }

    /// A role of a tenant is held there, whether the assignment says so or not.
    fn revoke(&mut self, principal: &PrincipalId, role: &RoleKey, tenant: Option<&Realm>) {
        for assignment in &mut self.document.assignments {
            let is_there = role.tenant.is_some() || assignment.tenant.as_ref() == tenant;
            if is_there && assignment.principal == *principal {
                remove(&mut assignment.roles, role);
            }
        }
        self.document.assignments.retain(|assignment| !assignment.roles.is_empty());
    }
}

/// Changes the item that `is_it`, or a new one.
fn make<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool, mut new: T, change: impl FnOnce(&mut T)) {
    match list.iter_mut().find(|known| is_it(known)) {
        Some(known) => change(known),
        None => {
            change(&mut new);
            list.push(new);
        }
    }
}

fn add<T: Clone + PartialEq>(list: &mut Vec<T>, item: &T) {
    if !list.contains(item) {
        list.push(item.clone());
    }
}

fn remove<T: PartialEq>(list: &mut Vec<T>, item: &T) {
    list.retain(|known| known != item);
}
