//! Which roles of a principal are active: dynamic separation of duty (ANSI INCITS 359).

use auth_core::{Authenticated, Realm, RoleName};

use super::{
    Snapshot,
    decide::{Active, Held},
};
use crate::{role_ref::RoleKey, separation::SeparationKind};

/// Roles that were activated together, for
/// [`AccessRequest::with_active_roles`](auth_core::AccessRequest::with_active_roles).
///
/// A choice and no proof: every decision checks again that the principal is authorized for them, and that they may be
/// active together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActiveRoles(Vec<RoleName>);

impl ActiveRoles {
    /// The most roles that may be active together.
    pub const MAX: usize = 256;

    /// Their names.
    #[must_use]
    pub fn as_slice(&self) -> &[RoleName] {
        &self.0
    }
}

/// Why roles were not activated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActivationError {
    /// The principal does not hold the role, nor one that inherits it.
    #[error("role {0} is not held")]
    NotHeld(RoleName),
    /// Roles of which so many may not be active together.
    #[error("against separation of duty {separation}")]
    Separated {
        /// The name of the separation.
        separation: String,
        /// The separated roles that would be active, or inherited by those that are.
        roles: Vec<RoleKey>,
    },
    /// More than [`ActiveRoles::MAX`].
    #[error("at most {} roles are active together", ActiveRoles::MAX)]
    TooMany,
}

impl Snapshot {
    /// Activates roles together, for requests about resources of `tenant`, or of none (ANSI INCITS 359,
    /// `CreateSession` and `AddActiveRole` under a general role hierarchy). To add or drop one, activate the new list as a
    /// whole.
    ///
    /// Those may be activated that the principal holds, and those that these inherit: a chief who does a clerk's work is
    /// active as a clerk alone. A name activates the role of the policy and the tenant's own of that name, whichever it
    /// may.
    ///
    /// # Errors
    /// [`ActivationError`]; nothing is activated then.
    pub fn activate(
        &self,
        who: &Authenticated,
        tenant: Option<&Realm>,
        roles: &[RoleName],
    ) -> Result<ActiveRoles, ActivationError> {
        if roles.len() > ActiveRoles::MAX {
            return Err(ActivationError::TooMany);
        }
        let space = self.space(tenant);
        let all = (who.principal(), who.asserted_roles());
        self.with_all_of(all, space, |held| self.activate_of(held, roles, space))
    }

    fn activate_of(
        &self,
        held: Held<'_>,
        names: &[RoleName],
        space: u32,
    ) -> Result<ActiveRoles, ActivationError> {
        self.with_active(held, Some(names), space, |active| {
            let is_authorized =
                |name: &&RoleName| self.active(held, active.only(name)).any(|role| !self.is_nameless(role));
            match names.iter().find(|name| !is_authorized(name)) {
                Some(missing) => Err(ActivationError::NotHeld(missing.clone())),
                None => self.activate_together(held, active),
            }
        })?;
        let mut names = names.to_vec();
        names.sort_unstable();
        names.dedup();
        Ok(ActiveRoles(names))
    }

    fn activate_together(&self, held: Held<'_>, active: Active<'_>) -> Result<(), ActivationError> {
        let active = self.active(held, active);
        let exceeded = self.separations.exceeded(SeparationKind::Dynamic, active.clone());
        if let Some(set) = exceeded.and_then(|number| self.separations.get(number)) {
            let active: Vec<u32> = active.collect();
            return Err(ActivationError::Separated {
                separation: set.name.to_string(),
                roles: self.keys(self.separations.among(set, &active)),
            });
        }
        Ok(())
    }
}
