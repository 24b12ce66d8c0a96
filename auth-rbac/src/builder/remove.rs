//! Taking back what was declared. What is not there is as gone as what was taken back.

use auth_core::{PrincipalId, Realm};

use super::{InTenant, PolicyBuilder};
use crate::{error::PolicyError, names::Names, role_ref::RoleRef, sets::Rule};

impl PolicyBuilder {
    /// Takes back [`assign`](Self::assign); or [`assign_in`](Self::assign_in), if a tenant is named.
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`].
    pub fn revoke<'r>(
        &mut self,
        tenant: Option<&Realm>,
        principal: &PrincipalId,
        role: impl Into<RoleRef<'r>>,
    ) -> Result<&mut Self, PolicyError> {
        let role = self.find_role(&role.into())?;
        let owner = self.roles.space(role);
        let space = if owner == 0 { self.known_space(tenant) } else { Some(owner) };
        if let (Some(principal), Some(space)) = (self.number(principal), space) {
            remove(&mut self.assignments, &mut self.memberships, InTenant { principal, space, what: role });
        }
        Ok(self)
    }

    /// Takes back [`inherit`](Self::inherit).
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`].
    pub fn disinherit<'r, 'p>(
        &mut self,
        role: impl Into<RoleRef<'r>>,
        parent: impl Into<RoleRef<'p>>,
    ) -> Result<&mut Self, PolicyError> {
        let pair = (self.find_role(&role.into())?, self.find_role(&parent.into())?);
        self.inheritances.retain(|known| *known != pair);
        Ok(self)
    }

    /// Takes back [`allow`](Self::allow), of the same permission or wildcard.
    ///
    /// # Errors
    /// As [`allow`](Self::allow).
    pub fn disallow<'r>(
        &mut self,
        role: impl Into<RoleRef<'r>>,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        self.remove_rule(&role.into(), permission.as_ref(), false)
    }

    /// Takes back [`deny`](Self::deny), of the same permission or wildcard.
    ///
    /// # Errors
    /// As [`allow`](Self::allow).
    pub fn undeny<'r>(
        &mut self,
        role: impl Into<RoleRef<'r>>,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        self.remove_rule(&role.into(), permission.as_ref(), true)
    }

    /// Takes back [`allow_principal`](Self::allow_principal); or
    /// [`allow_principal_in`](Self::allow_principal_in), if a tenant is named.
    ///
    /// # Errors
    /// As [`allow_principal`](Self::allow_principal).
    pub fn disallow_principal(
        &mut self,
        tenant: Option<&Realm>,
        principal: &PrincipalId,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        self.remove_direct(tenant, principal, permission.as_ref(), false)
    }

    /// Takes back [`deny_principal`](Self::deny_principal); or
    /// [`deny_principal_in`](Self::deny_principal_in), if a tenant is named.
    ///
    /// # Errors
    /// As [`allow_principal`](Self::allow_principal).
    pub fn undeny_principal(
        &mut self,
        tenant: Option<&Realm>,
        principal: &PrincipalId,
        permission: impl AsRef<str>,
    ) -> Result<&mut Self, PolicyError> {
        self.remove_direct(tenant, principal, permission.as_ref(), true)
    }

    /// Takes back [`role`](Self::role), with all that was said of it: its rules, what it inherits and who inherits it,
    /// who holds it (ANSI INCITS 359, `DeleteRole`).
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`]; [`PolicyError::SeparatedRole`] while a separation of duty names it, which would keep
    /// less apart without it.
    pub fn delete_role<'r>(&mut self, role: impl Into<RoleRef<'r>>) -> Result<&mut Self, PolicyError> {
        let role = role.into();
        let number = self.find_role(&role)?;
        if let Some(separation) = self.separations.iter().find(|set| set.roles.contains(&number)) {
            let separation = separation.name.to_string();
            return Err(PolicyError::SeparatedRole { role: super::key(&role)?, separation });
        }
        self.inheritances.retain(|(role, parent)| ![*role, *parent].contains(&number));
        self.rules.retain(|(role, _)| *role != number);
        self.assignments.retain(|(_, role)| *role != number);
        self.memberships.retain(|member| member.what != number);
        self.deleted.insert(number);
        self.forget_patterns();
        Ok(self)
    }

    /// Numbers the roles that are left anew, so that those that were deleted take no room.
    pub(crate) fn forget_deleted(&mut self) {
        if self.deleted.is_empty() {
            return;
        }
        let mut left = Names::new();
        let numbers: Vec<u32> = (0..u32::try_from(self.roles.len()).unwrap_or(u32::MAX))
            .map(|role| match self.roles.get(role) {
                Some(name) if !self.deleted.contains(&role) => left.push_in(self.roles.space(role), name),
                _ => u32::MAX,
            })
            .collect();
        let renumber = |role: &mut u32| *role = numbers.get(*role as usize).copied().unwrap_or(u32::MAX);
        for (role, parent) in &mut self.inheritances {
            renumber(role);
            renumber(parent);
        }
        self.rules.iter_mut().for_each(|(role, _)| renumber(role));
        self.assignments.iter_mut().for_each(|(_, role)| renumber(role));
        self.memberships.iter_mut().for_each(|member| renumber(&mut member.what));
        // Their order stays.
        self.separations.iter_mut().flat_map(|set| &mut set.roles).for_each(renumber);
        self.roles = left;
        self.deleted.clear();
    }

    fn remove_rule(
        &mut self,
        role: &RoleRef<'_>,
        permission: &str,
        denies: bool,
    ) -> Result<&mut Self, PolicyError> {
        let pair = (self.find_role(role)?, self.rule(permission, denies)?);
        self.rules.retain(|known| *known != pair);
        self.forget_patterns();
        Ok(self)
    }

    fn remove_direct(
        &mut self,
        tenant: Option<&Realm>,
        principal: &PrincipalId,
        permission: &str,
        denies: bool,
    ) -> Result<&mut Self, PolicyError> {
        let what = self.rule(permission, denies)?;
        if let (Some(principal), Some(space)) = (self.number(principal), self.known_space(tenant)) {
            remove(&mut self.direct, &mut self.direct_in, InTenant { principal, space, what });
        }
        self.forget_patterns();
        Ok(self)
    }

    /// Keeps once what was said more than once, and nothing of what was deleted.
    pub(crate) fn forget_repeats(&mut self) {
        self.forget_deleted();
        for pairs in [&mut self.inheritances, &mut self.rules, &mut self.assignments, &mut self.direct] {
            pairs.sort_unstable();
            pairs.dedup();
        }
        for members in [&mut self.memberships, &mut self.direct_in] {
            members.sort_unstable();
            members.dedup();
        }
    }

    /// Forgets wildcards that no rule has any more.
    fn forget_patterns(&mut self) {
        let rules = self.rules.iter().chain(&self.direct).map(|(_, rule)| *rule);
        let used: Vec<u32> = rules
            .chain(self.direct_in.iter().map(|member| member.what))
            .map(|rule| Rule::unpack(rule).permission)
            .collect();
        self.patterns.keep(&used);
    }

    /// The number of a principal, if anything was ever said of it.
    pub(crate) fn number(&self, principal: &PrincipalId) -> Option<u32> {
        self.principals.find(principal).and_then(|at| self.principals.value(at))
    }

    /// The space of a tenant, if anything was ever said of it.
    pub(crate) fn known_space(&self, tenant: Option<&Realm>) -> Option<u32> {
        match tenant {
            None => Some(0),
            Some(tenant) => self.tenants.find(tenant.as_str()).map(|number| number.saturating_add(1)),
        }
    }
}

fn remove(everywhere: &mut Vec<(u32, u32)>, in_tenants: &mut Vec<InTenant>, what: InTenant) {
    match what.space {
        0 => everywhere.retain(|known| *known != (what.principal, what.what)),
        _ => in_tenants.retain(|known| *known != what),
    }
}

#[cfg(test)]
mod tests {
    use auth_core::PolicyVersion;

    use super::*;

    /// Whoever says the same again and again does not fill the policy that is kept for the next change.
    #[test]
    fn what_is_said_again_is_kept_once() {
        let (ann, acme) = (PrincipalId::local_user("ann").unwrap(), Realm::local("acme").unwrap());
        let mut policy = PolicyBuilder::new();
        policy.permission("a.b").unwrap();
        policy.role("x").unwrap();
        policy.role("y").unwrap();
        for _ in 0..100 {
            policy.inherit("x", "y").unwrap().allow("x", "a.*").unwrap().deny("y", "a.b").unwrap();
            policy.assign(&ann, "x").unwrap().assign_in(&acme, &ann, "y").unwrap();
            policy.allow_principal(&ann, "a.b").unwrap().deny_principal_in(&acme, &ann, "a.b").unwrap();
            policy.forget_repeats();
        }
        let PolicyBuilder { inheritances, rules, assignments, memberships, direct, direct_in, .. } = &policy;
        assert_eq!([inheritances.len(), rules.len(), assignments.len(), direct.len()], [1, 2, 1, 1]);
        assert_eq!([memberships.len(), direct_in.len()], [1, 1]);
        policy.build(PolicyVersion::new(1)).unwrap();
    }
}
