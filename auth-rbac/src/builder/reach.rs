//! What roles of a policy under construction come to.

use std::collections::BTreeSet;

use auth_core::Realm;

use super::PolicyBuilder;
use crate::{
    error::PolicyError,
    graph,
    pattern::{Meanings, Patterns},
    rows::Rows,
    sets::Rule,
};

/// What rules come to, wildcards both as they are and written out.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Permissions by number. What is denied as well is not left out: the denial may go.
    pub(crate) permissions: BTreeSet<u32>,
    /// Wildcards as they are written: they will mean what is declared later, too.
    pub(crate) patterns: BTreeSet<String>,
}

impl Reach {
    pub(crate) fn is_empty(&self) -> bool {
        self.permissions.is_empty() && self.patterns.is_empty()
    }
}

impl PolicyBuilder {
    /// What the rules of roles, and of all that they inherit, allow or deny.
    ///
    /// # Errors
    /// [`PolicyError::UnmatchedPattern`].
    pub(crate) fn reach(
        &self,
        roles: impl Iterator<Item = u32>,
        denies: bool,
        meanings: &mut Meanings,
    ) -> Result<Reach, PolicyError> {
        let parents = Rows::from_pairs(self.roles.len(), &self.inheritances);
        let roles = graph::reached(&parents, roles);
        let rules = self.rules.iter().filter(|(role, _)| roles.binary_search(role).is_ok());
        self.written_out(rules, denies, meanings)
    }

    /// What a principal is allowed or denied directly, in some spaces and everywhere.
    ///
    /// # Errors
    /// [`PolicyError::UnmatchedPattern`].
    pub(crate) fn reach_directly(
        &self,
        principal: u32,
        spaces: &[u32],
        denies: bool,
        meanings: &mut Meanings,
    ) -> Result<Reach, PolicyError> {
        let there = self
            .direct_in
            .iter()
            .filter(|member| spaces.contains(&member.space))
            .map(|member| (member.principal, member.what));
        let own: Vec<(u32, u32)> =
            self.direct.iter().copied().chain(there).filter(|(whose, _)| *whose == principal).collect();
        self.written_out(own.iter(), denies, meanings)
    }

    /// What one rule is about.
    ///
    /// # Errors
    /// As [`allow`](Self::allow), and [`PolicyError::UnmatchedPattern`].
    pub(crate) fn reach_of(
        &mut self,
        permission: &str,
        denies: bool,
        meanings: &mut Meanings,
    ) -> Result<Reach, PolicyError> {
        let rule = self.rule(permission, denies)?;
        self.written_out([(0, rule)].iter(), denies, meanings)
    }

    /// The tenants in which a principal has something.
    pub(crate) fn tenants_of(&self, principal: u32) -> Vec<Realm> {
        let members = self.memberships.iter().chain(&self.direct_in);
        let spaces: BTreeSet<u32> =
            members.filter(|member| member.principal == principal).map(|member| member.space).collect();
        let realm = |space: u32| Realm::parse(self.tenants.get(space.checked_sub(1)?)?).ok();
        spaces.into_iter().filter_map(realm).collect()
    }

    /// The roles that a principal holds, in some spaces and everywhere.
    pub(crate) fn held_by<'a>(&'a self, principal: u32, spaces: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        let there =
            move |(whose, place): (u32, u32)| whose == principal && (place == 0 || spaces.contains(&place));
        let everywhere = self.assignments.iter().map(|(whose, role)| ((*whose, 0), *role));
        let in_tenants =
            self.memberships.iter().map(|member| ((member.principal, member.space), member.what));
        everywhere.chain(in_tenants).filter(move |(place, _)| there(*place)).map(|(_, role)| role)
    }

    fn written_out<'a>(
        &self,
        rules: impl Iterator<Item = &'a (u32, u32)>,
        denies: bool,
        meanings: &mut Meanings,
    ) -> Result<Reach, PolicyError> {
        let mut reach = Reach::default();
        let mut patterns = BTreeSet::new();
        for rule in rules.map(|(_, rule)| Rule::unpack(*rule)).filter(|rule| rule.denies == denies) {
            let is_pattern = Patterns::is_pattern(rule.permission);
            if is_pattern { &mut patterns } else { &mut reach.permissions }.insert(rule.permission);
        }
        for pattern in patterns {
            reach.permissions.extend(meanings.of(pattern, &self.patterns, &self.permissions)?);
            reach.patterns.extend(self.patterns.text(pattern).map(str::to_owned));
        }
        Ok(reach)
    }
}
