//! Roles that must not come together: separation of duty (ANSI INCITS 359).

use crate::{
    error::PolicyError,
    rows::Rows,
    sets::{Rule, Sets},
};

/// When a separation of duty is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SeparationKind {
    /// Static: when roles are assigned and inherited.
    Static,
    /// Dynamic: when roles are active together.
    Dynamic,
}

/// Roles of which a principal may have fewer than `limit` together.
#[derive(Debug, Clone)]
pub(crate) struct Separation {
    pub(crate) name: Box<str>,
    pub(crate) kind: SeparationKind,
    /// Sorted, without repetition.
    pub(crate) roles: Vec<u32>,
    pub(crate) limit: usize,
}

/// All separations of a policy.
#[derive(Debug, Clone)]
pub(crate) struct Separations {
    sets: Vec<Separation>,
    /// All separated roles, sorted.
    separated: Vec<u32>,
    /// From each role to the places in `separated` of those that it is or inherits.
    reach: Sets,
    dynamic: bool,
}

impl Separations {
    /// `order` has parents first.
    pub(crate) fn new(sets: Vec<Separation>, order: &[u32], parents: &Rows) -> Result<Self, PolicyError> {
        let mut separated: Vec<u32> = sets.iter().flat_map(|set| set.roles.iter().copied()).collect();
        separated.sort_unstable();
        separated.dedup();
        let own: Vec<(u32, u32)> = (0..)
            .zip(&separated)
            .map(|(place, role)| (*role, Rule { permission: place, denies: false }.pack()))
            .collect();
        let reach = if sets.is_empty() {
            Sets::none()
        } else {
            Sets::close(
                order,
                parents,
                &Rows::from_pairs(parents.len(), &own),
                separated.len(),
                Sets::MAX_WORDS,
            )
            .ok_or(PolicyError::TooLarge { max_bytes: Sets::MAX_BYTES })?
        };
        let dynamic = sets.iter().any(|set| set.kind == SeparationKind::Dynamic);
        Ok(Self { sets, separated, reach, dynamic })
    }

    #[inline]
    pub(crate) fn any_dynamic(&self) -> bool {
        self.dynamic
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Separation> {
        self.sets.iter()
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Separation> {
        self.sets.get(number as usize)
    }

    /// The number of the first set of a kind that has too many of its roles among `roles` and those that they
    /// inherit.
    pub(crate) fn exceeded(
        &self,
        kind: SeparationKind,
        roles: impl Iterator<Item = u32> + Clone,
    ) -> Option<u32> {
        let too_many = |set: &Separation| {
            let among = |separated: &&u32| {
                let place = self.place(**separated);
                roles.clone().any(|role| self.reach.permits(self.reach.closure(role), place))
            };
            set.roles.iter().filter(among).nth(set.limit.saturating_sub(1)).is_some()
        };
        (0..).zip(&self.sets).find(|(_, set)| set.kind == kind && too_many(set)).map(|(number, _)| number)
    }

    /// Whether a role is, or inherits, one that is separated from others.
    pub(crate) fn concerns(&self, role: u32) -> bool {
        !self.reach.gives_nothing(self.reach.closure(role))
    }

    /// Of the roles of a set, those among `roles` and what they inherit.
    pub(crate) fn among<'a>(
        &'a self,
        set: &'a Separation,
        roles: &'a [u32],
    ) -> impl Iterator<Item = u32> + 'a {
        set.roles.iter().copied().filter(move |separated| {
            let place = self.place(*separated);
            roles.iter().any(|role| self.reach.permits(self.reach.closure(*role), place))
        })
    }

    /// What it holds on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let sets = self.sets.iter().map(|set| {
            size_of::<Separation>()
                .saturating_add(size_of_val(set.roles.as_slice()))
                .saturating_add(set.name.len())
        });
        sets.chain([size_of_val(self.separated.as_slice()), self.reach.bytes()])
            .fold(0, usize::saturating_add)
    }

    fn place(&self, role: u32) -> u32 {
        self.separated
            .binary_search(&role)
            .ok()
            .and_then(|place| u32::try_from(place).ok())
            .unwrap_or(u32::MAX)
    }
}
