//! The store of role assignments in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use async_trait::async_trait;

use super::{page_of, room::Alarm};
use crate::{
    Assignment, AssignmentStore, AuditSink, Clock, Page, PolicyVersion, PrincipalId, RoleName, StoreError,
};

/// Keeps role assignments in memory: for one process, and gone when it ends.
///
/// Holds up to [`capacity`](Self::capacity) assignments. Nothing is thrown away to make room: when it is full,
/// [`grant`](AssignmentStore::grant) answers [`StoreError::Full`], and [`with_audit`](Self::with_audit) has
/// that recorded, at most once a second.
///
/// All of it is behind one lock that any number of readers hold at once. Decisions are made from a compiled
/// policy and do not come here.
pub struct MemoryAssignments {
    roles: RwLock<Roles>,
    capacity: usize,
    alarm: Alarm,
    clock: Option<Arc<dyn Clock>>,
}

#[derive(Debug, Default)]
struct Roles {
    by_principal: BTreeMap<PrincipalId, BTreeSet<RoleName>>,
    /// How many assignments there are.
    len: usize,
    version: u64,
}

impl MemoryAssignments {
    /// An empty store for up to `capacity` assignments. Memory is taken as they come.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { roles: RwLock::default(), capacity, alarm: Alarm::new("assignments"), clock: None }
    }

    /// Records in `audit` that the store is full, at most once a second of `clock`.
    #[must_use]
    pub fn with_audit(mut self, audit: Arc<dyn AuditSink>, clock: Arc<dyn Clock>) -> Self {
        self.alarm.set_sink(audit);
        self.clock = Some(clock);
        self
    }

    /// How many assignments there may be.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many assignments there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // A poisoned lock is used on: nothing under it panics.
    fn read(&self) -> RwLockReadGuard<'_, Roles> {
        self.roles.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Roles> {
        self.roles.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AssignmentStore for MemoryAssignments {
    async fn grant(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        let granted = self.write().grant(assignment, self.capacity);
        granted.ok_or_else(|| match &self.clock {
            Some(clock) => self.alarm.full(clock.now()),
            None => StoreError::full(),
        })
    }

    async fn revoke(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        Ok(self.write().revoke(assignment))
    }

    async fn roles_of(&self, principal: &PrincipalId) -> Result<Vec<RoleName>, StoreError> {
        Ok(self.read().by_principal.get(principal).into_iter().flatten().cloned().collect())
    }

    async fn list(&self, page: Page) -> Result<Vec<Assignment>, StoreError> {
        let roles = self.read();
        let all = roles.by_principal.iter().flat_map(|(principal, roles)| {
            roles.iter().map(|role| Assignment { principal: principal.clone(), role: role.clone() })
        });
        Ok(page_of(all, page))
    }

    async fn version(&self) -> Result<PolicyVersion, StoreError> {
        Ok(PolicyVersion::new(self.read().version))
    }
}

impl fmt::Debug for MemoryAssignments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAssignments")
            .field("capacity", &self.capacity)
            .field("alarm", &self.alarm)
            .finish_non_exhaustive()
    }
}

impl Roles {
    /// Answers whether the assignment is new, or nothing if there is no room for it.
    fn grant(&mut self, assignment: &Assignment, capacity: usize) -> Option<bool> {
        let Assignment { principal, role } = assignment;
        if self.by_principal.get(principal).is_some_and(|roles| roles.contains(role)) {
            return Some(false);
        }
        if self.len >= capacity {
            return None;
        }
        self.by_principal.entry(principal.clone()).or_default().insert(role.clone());
        self.len = self.len.saturating_add(1);
        self.version = self.version.saturating_add(1);
        Some(true)
    }

    /// Answers whether the assignment was there.
    fn revoke(&mut self, assignment: &Assignment) -> bool {
        let Some(roles) = self.by_principal.get_mut(&assignment.principal) else { return false };
        let held = roles.remove(&assignment.role);
        if roles.is_empty() {
            self.by_principal.remove(&assignment.principal);
        }
        if held {
            self.len = self.len.saturating_sub(1);
            self.version = self.version.saturating_add(1);
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AuditEvent, MemoryAudit,
        memory::sample::{NOW, ann},
        testing::{FixedClock, block_on},
    };

    #[test]
    fn a_full_store_takes_no_assignment_more_and_says_so() {
        let log = Arc::new(MemoryAudit::new(10));
        let store = MemoryAssignments::new(1).with_audit(log.clone(), Arc::new(FixedClock(NOW)));
        let role =
            |name| Assignment { principal: ann().principal().clone(), role: RoleName::from_static(name) };
        assert!(block_on(store.grant(&role("a"))).unwrap());
        assert!(matches!(block_on(store.grant(&role("b"))), Err(StoreError::Full)));
        assert_eq!(log.events(), [(NOW, AuditEvent::StoreFull { store: "assignments" })]);
        assert_eq!(block_on(store.version()).unwrap(), PolicyVersion::new(1));
        // What is held already needs no room.
        assert!(!block_on(store.grant(&role("a"))).unwrap());
        assert!(block_on(store.revoke(&role("a"))).unwrap());
        assert!(store.is_empty() && store.read().by_principal.is_empty());
        assert!(block_on(store.grant(&role("b"))).unwrap());
    }
}
