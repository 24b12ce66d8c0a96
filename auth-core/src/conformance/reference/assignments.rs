//! Role assignments under one lock.

use std::{collections::BTreeSet, sync::MutexGuard};

use async_trait::async_trait;

use super::{Locked, page_of};
use crate::{Assignment, AssignmentStore, Page, PolicyVersion, PrincipalId, RoleName, StoreError};

/// An [`AssignmentStore`] as its contract reads.
#[derive(Debug, Default)]
pub struct ReferenceAssignments(Locked<Roles>);

/// What is kept.
#[derive(Debug, Default)]
pub(in crate::conformance) struct Roles {
    pub(in crate::conformance) rows: BTreeSet<Assignment>,
    pub(in crate::conformance) version: u64,
}

impl ReferenceAssignments {
    pub(in crate::conformance) fn lock(&self) -> MutexGuard<'_, Roles> {
        self.0.lock()
    }
}

impl Roles {
    /// Moves the version if something changed.
    pub(in crate::conformance) fn moved(&mut self, changed: bool) -> bool {
        self.version = self.version.saturating_add(u64::from(changed));
        changed
    }
}

#[async_trait]
impl AssignmentStore for ReferenceAssignments {
    async fn grant(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        let mut roles = self.lock();
        let new = roles.rows.insert(assignment.clone());
        Ok(roles.moved(new))
    }

    async fn revoke(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        let mut roles = self.lock();
        let held = roles.rows.remove(assignment);
        Ok(roles.moved(held))
    }

    async fn roles_of(&self, principal: &PrincipalId) -> Result<Vec<RoleName>, StoreError> {
        let roles = self.lock();
        let held = roles.rows.iter().filter(|row| row.principal == *principal);
        Ok(held.map(|row| row.role.clone()).collect())
    }

    async fn list(&self, page: Page) -> Result<Vec<Assignment>, StoreError> {
        Ok(page_of(self.lock().rows.iter().cloned(), page))
    }

    async fn version(&self) -> Result<PolicyVersion, StoreError> {
        Ok(PolicyVersion::new(self.lock().version))
    }
}
