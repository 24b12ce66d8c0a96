//! Who holds what: the review functions of ANSI INCITS 359. Each is made of the check itself, so that a list
//! and a check never disagree.

use auth_core::{Action, DecideError, Page, PrincipalId, Privileges, RoleName};

use super::{Holding, Snapshot};

impl Snapshot {
    /// The roles assigned to a principal, by name; what these inherit is not listed.
    #[must_use]
    pub fn roles_of(&self, principal: &PrincipalId) -> Vec<RoleName> {
        let Some(held) = self.held_by(principal) else { return Vec::new() };
        let name = |role: &u32| self.role_name(*role);
        let mut roles: Vec<RoleName> = self.with_roles(held, |roles| roles.iter().filter_map(name).collect());
        roles.sort_unstable();
        roles
    }

    /// The permissions that a principal has with all its roles, by name: those that a check permits.
    #[must_use]
    pub fn permissions_of(&self, principal: &PrincipalId) -> Vec<Action> {
        let Some(held) = self.held_by(principal) else { return Vec::new() };
        let mut permissions: Vec<Action> = (0_u32..)
            .zip(0..self.permissions.len())
            .filter(|(permission, _)| self.permits(held, *permission))
            .filter_map(|(permission, _)| self.permission_name(permission))
            .collect();
        permissions.sort_unstable();
        permissions
    }

    /// The principals that have a permission with all their roles: those that a check permits, in an order
    /// that is the same for every page of this snapshot. Takes time with the number of all principals.
    #[must_use]
    pub fn principals_with(&self, permission: impl AsRef<str>, page: Page) -> Vec<PrincipalId> {
        let Some(permission) = self.permissions.find(permission.as_ref()) else { return Vec::new() };
        self.principals
            .iter()
            .filter(|(_, value)| self.permits(Holding::unpack(*value), permission))
            .skip(page.offset() as usize)
            .take(page.limit() as usize)
            .filter_map(|(at, _)| self.principals.get(at))
            .collect()
    }

    /// Whether everything that `other` may do, `holder` may do too, each with all their roles. Takes time with the
    /// number of permissions.
    #[must_use]
    pub fn covers(&self, holder: &PrincipalId, other: &PrincipalId) -> bool {
        let (holder, other) = (self.held_by(holder), self.held_by(other));
        let Some(other) = other else { return true };
        (0_u32..)
            .zip(0..self.permissions.len())
            .filter(|(permission, _)| self.permits(other, *permission))
            .all(|(permission, _)| holder.is_some_and(|holder| self.permits(holder, permission)))
    }

    // The tables hold what was a valid name before, so neither of these is ever `None` for a known number.
    pub(super) fn role_name(&self, role: u32) -> Option<RoleName> {
        RoleName::parse(self.roles.get(role)?).ok()
    }

    pub(super) fn permission_name(&self, permission: u32) -> Option<Action> {
        Action::parse(self.permissions.get(permission)?).ok()
    }

    fn held_by(&self, principal: &PrincipalId) -> Option<Holding> {
        self.holding(self.principals.find(principal)?)
    }

    fn permits(&self, held: Holding, permission: u32) -> bool {
        self.decide(held, permission).is_some_and(|decided| !decided.rule.denies)
    }
}

impl Privileges for Snapshot {
    fn covers(&self, holder: &PrincipalId, other: &PrincipalId) -> Result<bool, DecideError> {
        Ok(Self::covers(self, holder, other))
    }
}
