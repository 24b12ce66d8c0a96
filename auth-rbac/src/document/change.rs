//! Changes of a document.

use auth_core::{PrincipalId, Realm};

use super::{Assignment, Direct, PolicyDocument, Role};
use crate::{admin::PolicyChange, error::PolicyError, role_ref::RoleKey};

impl PolicyDocument {
    /// Makes a change. What is there already, or is not there to be removed, changes nothing; nor does the version
    /// change. What the document then does not fit together with is found by [`compile`](Self::compile).
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`], [`PolicyError::DuplicateRole`].
    pub fn apply(&mut self, change: &PolicyChange) -> Result<(), PolicyError> {
        match change {
            PolicyChange::CreateRole(role) => {
                if self.role_at(role).is_ok() {
                    return Err(PolicyError::DuplicateRole(role.clone()));
                }
                self.roles.push(Role::new(role.clone()));
            }
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
                make(&mut self.assignments, is_it, new, |known| add(&mut known.roles, role));
            }
            PolicyChange::Revoke { principal, role, tenant } => {
                self.role_at(role)?;
                self.revoke(principal, role, tenant.as_ref());
            }
            PolicyChange::AddDirect { principal, permission, denies, tenant } => {
                let new = Direct { tenant: tenant.clone(), ..Direct::new(principal.clone()) };
                let is_it = |known: &Direct| known.principal == *principal && known.tenant == *tenant;
                make(&mut self.direct, is_it, new, |known| {
                    add(if *denies { &mut known.deny } else { &mut known.allow }, permission);
                });
            }
            PolicyChange::RemoveDirect { principal, permission, denies, tenant } => {
                for direct in &mut self.direct {
                    if direct.principal == *principal && direct.tenant == *tenant {
                        remove(if *denies { &mut direct.deny } else { &mut direct.allow }, permission);
                    }
                }
                self.direct.retain(|direct| !direct.allow.is_empty() || !direct.deny.is_empty());
            }
        }
        Ok(())
    }

    fn role_at(&mut self, key: &RoleKey) -> Result<&mut Role, PolicyError> {
        let found = self.roles.iter_mut().find(|role| role.name == key.name && role.tenant == key.tenant);
        found.ok_or_else(|| PolicyError::UnknownRole(key.clone()))
    }

    /// A role of a tenant is held there, whether the assignment says so or not.
    fn revoke(&mut self, principal: &PrincipalId, role: &RoleKey, tenant: Option<&Realm>) {
        for assignment in &mut self.assignments {
            let is_there = role.tenant.is_some() || assignment.tenant.as_ref() == tenant;
            if is_there && assignment.principal == *principal {
                remove(&mut assignment.roles, role);
            }
        }
        self.assignments.retain(|assignment| !assignment.roles.is_empty());
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
