//! Who holds what: the review functions of ANSI INCITS 359. Each is made of the check itself, so that a list
//! and a check never disagree.

use auth_core::{Action, DecideError, Effect, Page, PrincipalId, Privileges, Realm, RoleName};

use super::{
    RecordAt, Snapshot,
    decide::{Active, Held},
};
use crate::{
    graph,
    members::Member,
    role_ref::{RoleKey, RoleRef},
    separation::SeparationKind,
};

impl Snapshot {
    /// The roles assigned to a principal everywhere, by name; what these inherit is not listed.
    #[must_use]
    pub fn roles_of(&self, principal: &PrincipalId) -> Vec<RoleName> {
        self.within(None).assigned_roles(principal).into_iter().map(|role| role.name).collect()
    }

    /// The permissions that a principal has with all that it holds everywhere, by name: those that a check
    /// permits.
    #[must_use]
    pub fn permissions_of(&self, principal: &PrincipalId) -> Vec<Action> {
        self.within(None).permissions_of(principal)
    }

    /// The principals that have a permission with all that they hold everywhere: those that a check permits, in
    /// an order that is the same for every page of this snapshot. Takes time with the number of all principals.
    #[must_use]
    pub fn principals_with(&self, permission: impl AsRef<str>, page: Page) -> Vec<PrincipalId> {
        self.within(None).principals_with(permission, page)
    }

    /// Reviews what holds for the resources of one tenant, or of none.
    #[must_use]
    pub fn within(&self, tenant: Option<&Realm>) -> Within<'_> {
        Within { snapshot: self, space: self.space(tenant) }
    }

    /// The permissions that a role gives, by name, those that it inherits included (`RolePermissions`).
    #[must_use]
    pub fn permissions_of_role<'r>(&self, role: impl Into<RoleRef<'r>>) -> Vec<Action> {
        let Some(role) = self.find_role(&role.into()) else { return Vec::new() };
        let closure = self.sets.closure(role);
        self.permissions_where(|permission| self.sets.permits(closure, permission))
    }

    /// The roles that a role inherits directly, by name.
    #[must_use]
    pub fn parents_of_role<'r>(&self, role: impl Into<RoleRef<'r>>) -> Vec<RoleKey> {
        let Some(role) = self.find_role(&role.into()) else { return Vec::new() };
        self.keys(self.parents.row(role).iter().copied())
    }

    /// Some of all roles, in the order in which they were declared.
    #[must_use]
    pub fn roles(&self, page: Page) -> Vec<RoleKey> {
        let numbers = (0_u32..).zip(0..self.roles.len()).map(|(role, _)| role);
        let page = numbers.skip(page.offset() as usize).take(page.limit() as usize);
        page.filter_map(|role| self.role_key(role)).collect()
    }

    /// The separations of duty (`SsdRoleSets`, `DsdRoleSets`).
    pub fn separations(&self) -> impl Iterator<Item = DescribedSeparation> {
        self.separations.iter().map(|set| DescribedSeparation {
            name: set.name.to_string(),
            kind: set.kind,
            roles: self.keys(set.roles.iter().copied()),
            limit: set.limit,
        })
    }

    /// Whether everything that `other` may do, `holder` may do too, each with all that they hold: everywhere, and in
    /// every tenant that either holds something in, be it a denial. What `other` may do with only some roles active
    /// counts as well. Takes time with the number of permissions, and of memberships in tenants.
    #[must_use]
    pub fn covers(&self, holder: &PrincipalId, other: &PrincipalId) -> bool {
        let Some(other_at) = self.principals.find(other) else { return true };
        let holder_at = self.principals.find(holder);
        let of_either =
            |member: &&Member| member.principal == other_at || Some(member.principal) == holder_at;
        holder == other
            || std::iter::once(0)
                .chain(self.members.iter().filter(of_either).map(|member| member.space))
                .all(|space| self.covers_in(space, holder_at, other_at))
    }

    fn covers_in(&self, space: u32, holder: Option<RecordAt>, other: RecordAt) -> bool {
        self.with_held(other, space, |other| {
            let may = |permission: &u32| {
                self.decide_held(other, Active::All, *permission).is_some_and(|decided| !decided.rule.denies)
            };
            let needed =
                (0_u32..).zip(0..self.permissions.len()).map(|(permission, _)| permission).filter(may);
            match holder {
                None => needed.take(1).count() == 0,
                Some(holder) => self.with_held(holder, space, |holder| {
                    needed.into_iter().all(|permission| self.effect_of(holder, permission) == Effect::Permit)
                }),
            }
        })
    }

    fn permissions_where(&self, holds: impl Fn(u32) -> bool) -> Vec<Action> {
        let mut permissions: Vec<Action> = (0_u32..)
            .zip(0..self.permissions.len())
            .filter(|(permission, _)| holds(*permission))
            .filter_map(|(permission, _)| self.permission_name(permission))
            .collect();
        permissions.sort_unstable();
        permissions
    }

    pub(super) fn find_role(&self, role: &RoleRef<'_>) -> Option<u32> {
        match role.tenant {
            None => self.roles.find(&role.name),
            Some(tenant) => {
                let number = self.tenants.find(tenant.as_str())?;
                self.roles.find_in(number.saturating_add(1), &role.name)
            }
        }
    }

    // The tables hold what was a valid name before, so none of these is ever `None` for a known number.
    pub(super) fn role_name(&self, role: u32) -> Option<RoleName> {
        RoleName::parse(self.roles.get(role)?).ok()
    }

    pub(super) fn role_key(&self, role: u32) -> Option<RoleKey> {
        let tenant = match self.roles.space(role).checked_sub(1) {
            Some(number) => Some(Realm::parse(self.tenants.get(number)?).ok()?),
            None => None,
        };
        Some(RoleKey { tenant, name: self.role_name(role)? })
    }

    pub(super) fn permission_name(&self, permission: u32) -> Option<Action> {
        Action::parse(self.permissions.get(permission)?).ok()
    }
}

/// What holds for the resources of one tenant, or of none: [`Snapshot::within`].
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    snapshot: &'a Snapshot,
    space: u32,
}

impl Within<'_> {
    /// The roles assigned to a principal there and everywhere (`AssignedRoles`); what these inherit is not listed.
    #[must_use]
    pub fn assigned_roles(&self, principal: &PrincipalId) -> Vec<RoleKey> {
        self.of(principal, |held| self.keys(held.iter().collect())).unwrap_or_default()
    }

    /// The roles assigned to a principal there and everywhere, and all that they inherit (`AuthorizedRoles`).
    #[must_use]
    pub fn authorized_roles(&self, principal: &PrincipalId) -> Vec<RoleKey> {
        let authorized = |held: Held<'_>| self.keys(graph::reached(&self.snapshot.parents, held.iter()));
        self.of(principal, authorized).unwrap_or_default()
    }

    /// The permissions that a principal has with all that it holds, by name (`UserPermissions`): those that a
    /// check permits.
    #[must_use]
    pub fn permissions_of(&self, principal: &PrincipalId) -> Vec<Action> {
        self.permissions(principal, None)
    }

    /// As [`permissions_of`](Self::permissions_of), with these roles active (`SessionPermissions`).
    #[must_use]
    pub fn permissions_with(&self, principal: &PrincipalId, active: &[RoleName]) -> Vec<Action> {
        self.permissions(principal, Some(active))
    }

    /// The principals that have a permission with all that they hold: those that a check permits, in an order
    /// that is the same for every page of this snapshot. Takes time with the number of all principals.
    #[must_use]
    pub fn principals_with(&self, permission: impl AsRef<str>, page: Page) -> Vec<PrincipalId> {
        let Some(permission) = self.snapshot.permissions.find(permission.as_ref()) else { return Vec::new() };
        self.principals_where(|held| self.snapshot.effect_of(held, permission) == Effect::Permit, page)
    }

    /// The principals that a role is assigned to (`AssignedUsers`). Takes time with the number of all principals.
    #[must_use]
    pub fn assigned_principals<'r>(&self, role: impl Into<RoleRef<'r>>, page: Page) -> Vec<PrincipalId> {
        let Some(role) = self.snapshot.find_role(&role.into()) else { return Vec::new() };
        self.principals_where(|held| held.iter().any(|held| held == role), page)
    }

    /// The principals that a role is assigned to, or one that inherits it (`AuthorizedUsers`). Takes time with the
    /// number of all principals.
    #[must_use]
    pub fn authorized_principals<'r>(&self, role: impl Into<RoleRef<'r>>, page: Page) -> Vec<PrincipalId> {
        let Some(role) = self.snapshot.find_role(&role.into()) else { return Vec::new() };
        let heirs = graph::heirs(&self.snapshot.parents, role);
        self.principals_where(|held| held.iter().any(|held| heirs.binary_search(&held).is_ok()), page)
    }

    fn permissions(&self, principal: &PrincipalId, names: Option<&[RoleName]>) -> Vec<Action> {
        let snapshot = self.snapshot;
        let permitted = |held: Held<'_>, active: Active<'_>| {
            if snapshot.separated(held, active).is_some() {
                return Vec::new();
            }
            snapshot.permissions_where(|permission| {
                snapshot.decide_held(held, active, permission).is_some_and(|decided| !decided.rule.denies)
            })
        };
        self.of(principal, |held| {
            snapshot.with_active(held, names, self.space, |active| permitted(held, active))
        })
        .unwrap_or_default()
    }

    fn of<T>(&self, principal: &PrincipalId, then: impl FnOnce(Held<'_>) -> T) -> Option<T> {
        let at = self.snapshot.principals.find(principal)?;
        Some(self.snapshot.with_held(at, self.space, then))
    }

    fn principals_where(&self, is: impl Fn(Held<'_>) -> bool, page: Page) -> Vec<PrincipalId> {
        let principals = &self.snapshot.principals;
        principals
            .iter()
            .filter(|(at, _)| self.snapshot.with_held(*at, self.space, &is))
            .skip(page.offset() as usize)
            .take(page.limit() as usize)
            .filter_map(|(at, _)| principals.get(at))
            .collect()
    }

    fn keys(&self, mut roles: Vec<u32>) -> Vec<RoleKey> {
        roles.sort_unstable();
        roles.dedup();
        self.snapshot.keys(roles.into_iter())
    }
}

/// A separation of duty, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedSeparation {
    /// Its name.
    pub name: String,
    /// When it is looked at.
    pub kind: SeparationKind,
    /// The roles that it separates (`SsdRoleSetRoles`).
    pub roles: Vec<RoleKey>,
    /// How many of them are too many together (`SsdRoleSetCardinality`).
    pub limit: usize,
}

impl Privileges for Snapshot {
    fn covers(&self, holder: &PrincipalId, other: &PrincipalId) -> Result<bool, DecideError> {
        Ok(Self::covers(self, holder, other))
    }
}
