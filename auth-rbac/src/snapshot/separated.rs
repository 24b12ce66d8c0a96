//! That nobody holds roles which are separated.

use super::{Holding, RecordAt, Snapshot};
use crate::{
    error::PolicyError,
    role_ref::RoleKey,
    separation::{Separation, SeparationKind},
};

impl Snapshot {
    /// # Errors
    /// [`PolicyError::Separated`] if the roles of some principal, in some tenant or everywhere, are against a
    /// static separation.
    pub(crate) fn check_separations(&self) -> Result<(), PolicyError> {
        if !self.separations.iter().any(|set| set.kind == SeparationKind::Static) {
            return Ok(());
        }
        // Principals share lists: those that are against one are found first, and then who has them.
        let exceeds = |list: &[u32]| {
            let mut concerned =
                list.iter().copied().filter(|role| self.separations.concerns(*role)).peekable();
            concerned.peek()?;
            let concerned: Vec<u32> = concerned.collect();
            self.separations.exceeded(SeparationKind::Static, concerned.iter().copied())
        };
        let lists: Vec<Option<u32>> =
            (0_u32..).zip(0..self.profiles.len()).map(|(list, _)| exceeds(self.profiles.row(list))).collect();
        for (principal, value) in self.principals.iter() {
            let exceeded = match Holding::unpack(value) {
                Holding::One(role) => exceeds(&[role]),
                Holding::List(list) => lists.get(list as usize).copied().flatten(),
            };
            if let Some(number) = exceeded {
                return Err(self.separated_error(principal, 0, number));
            }
        }
        for member in self.members.iter() {
            let both: Vec<u32> = self.with_held(member.principal, member.space, |held| held.iter().collect());
            if let Some(number) = exceeds(&both) {
                return Err(self.separated_error(member.principal, member.space, number));
            }
        }
        Ok(())
    }

    fn separated_error(&self, principal: RecordAt, space: u32, number: u32) -> PolicyError {
        let held: Vec<u32> = self.with_held(principal, space, |held| held.iter().collect());
        let set = self.separations.get(number);
        match (self.principals.get(principal), set) {
            (Some(principal), Some(set)) => PolicyError::Separated {
                separation: set.name.to_string(),
                principal,
                roles: self.keys(self.separations.among(set, &held)),
            },
            // Both were counted before, so this is not met.
            _ => PolicyError::OtherTenant,
        }
    }

    pub(super) fn keys(&self, roles: impl Iterator<Item = u32>) -> Vec<RoleKey> {
        let mut keys: Vec<_> = roles.filter_map(|role| self.role_key(role)).collect();
        keys.sort_unstable();
        keys
    }

    pub(super) fn separation(&self, number: u32) -> Option<&Separation> {
        self.separations.get(number)
    }
}
