//! Separation of duty.

use auth_core::{NameError, RoleName};

use super::{PolicyBuilder, cap};
use crate::{
    error::{Counted, PolicyError},
    role_ref::RoleRef,
    separation::{Separation, SeparationKind},
};

impl PolicyBuilder {
    /// Keeps `limit` or more of these roles from one principal: static separation of duty (ANSI INCITS 359,
    /// `CreateSsdSet`). Roles that are inherited count like those that are assigned; in a tenant, those held there
    /// and those held everywhere count together. Who would have too many makes
    /// [`build`](Self::build) fail, whichever line came last.
    ///
    /// # Errors
    /// [`PolicyError::UnknownRole`]; [`PolicyError::Cardinality`] unless `2 <= limit <= ` the number of roles;
    /// [`PolicyError::SeparationName`], [`PolicyError::DuplicateSeparation`] or [`PolicyError::TooMany`].
    pub fn static_separation<'r, R: Into<RoleRef<'r>>>(
        &mut self,
        name: impl AsRef<str>,
        roles: impl IntoIterator<Item = R>,
        limit: usize,
    ) -> Result<&mut Self, PolicyError> {
        self.separate(SeparationKind::Static, name.as_ref(), &mut roles.into_iter().map(Into::into), limit)
    }

    /// Keeps `limit` or more of these roles from being active together: dynamic separation of duty (ANSI INCITS
    /// 359, `CreateDsdSet`). Roles that active ones inherit count as well. Who holds them may
    /// [activate](crate::Snapshot::activate) some of them at a time; a request with too many, or one that names no
    /// active roles and so has all of them, is denied whatever it asks for.
    ///
    /// # Errors
    /// As [`static_separation`](Self::static_separation).
    pub fn dynamic_separation<'r, R: Into<RoleRef<'r>>>(
        &mut self,
        name: impl AsRef<str>,
        roles: impl IntoIterator<Item = R>,
        limit: usize,
    ) -> Result<&mut Self, PolicyError> {
        self.separate(SeparationKind::Dynamic, name.as_ref(), &mut roles.into_iter().map(Into::into), limit)
    }

    fn separate<'r>(
        &mut self,
        kind: SeparationKind,
        name: &str,
        roles: &mut dyn Iterator<Item = RoleRef<'r>>,
        limit: usize,
    ) -> Result<&mut Self, PolicyError> {
        cap(self.separations.len(), Counted::Separations, Self::MAX_SEPARATIONS)?;
        let name = check_name(name).map_err(PolicyError::SeparationName)?;
        if self.separations.iter().any(|known| known.name == name) {
            return Err(PolicyError::DuplicateSeparation(name.into()));
        }
        let mut numbers = Vec::new();
        for role in roles {
            cap(numbers.len(), Counted::Separations, Self::MAX_SEPARATIONS)?;
            numbers.push(self.find_role(&role)?);
        }
        numbers.sort_unstable();
        numbers.dedup();
        if !(2..=numbers.len()).contains(&limit) {
            return Err(PolicyError::Cardinality { roles: numbers.len(), limit });
        }
        self.separations.push(Separation { name, kind, roles: numbers, limit });
        Ok(self)
    }
}

/// Made of what names of roles are made of.
fn check_name(name: &str) -> Result<Box<str>, NameError> {
    RoleName::parse(name).map(|name| name.as_str().into())
}
