//! Assignment stores with one fault each.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::{Gap, faults};
use crate::{
    Assignment, AssignmentStore, Page, PolicyVersion, PrincipalId, RoleName, StoreError,
    conformance::reference::{ReferenceAssignments, page_of},
};

faults! {
    /// What can be wrong with an assignment store.
    AssignmentFault {
        /// `grant` always answers that the role is new.
        GrantAlwaysNew => a_role_is_granted_once,
        /// `grant` always moves the version.
        GrantAlwaysMoves => the_version_goes_up_with_each_change_and_stays_otherwise,
        /// `grant` never moves the version.
        GrantNeverMoves => the_version_goes_up_with_each_change_and_stays_otherwise,
        /// `grant` looks in one step and writes in another.
        GrantNotAtomic => of_many_that_grant_one_role_one_does raced,
        /// `grant` takes all other roles away.
        GrantReplaces => a_role_is_granted_once,
        /// `revoke` does nothing.
        RevokeIgnored => a_role_is_revoked_once,
        /// `revoke` takes the role from everybody.
        RevokeFromAll => a_role_is_revoked_once,
        /// `revoke` always moves the version.
        RevokeAlwaysMoves => the_version_goes_up_with_each_change_and_stays_otherwise,
        /// `revoke` never moves the version.
        RevokeNeverMoves => the_version_goes_up_with_each_change_and_stays_otherwise,
        /// `revoke` looks in one step and removes in another.
        RevokeNotAtomic => of_many_that_revoke_one_role_one_does raced,
        /// The version is read in one step and written in another.
        VersionNotAtomic => each_change_at_once_has_a_version_of_its_own raced,
        /// The role is written in one step and the version in another.
        VersionMovesLater => a_version_has_one_list raced,
        /// The version is written in one step and the role in another.
        VersionMovesBefore => a_version_has_one_list raced,
        /// The version is the number of assignments.
        VersionIsTheNumber => the_version_goes_up_with_each_change_and_stays_otherwise,
        /// `roles_of` has no order.
        RolesUnordered => roles_are_listed_by_name,
        /// `roles_of` ignores the realm.
        RolesIgnoreRealm => a_role_is_held_by_its_principal_only,
        /// `roles_of` compares ids without their case.
        RolesIgnoreCase => principals_that_look_alike_are_kept_apart,
        /// Names of roles are cut at 64 bytes.
        RolesCut => names_of_every_length_are_kept_exactly,
        /// `list` answers everything, whatever the page.
        ListIgnoresPage => all_assignments_are_cut_into_pages,
        /// `list` has no stable order.
        ListAtRandom => all_assignments_are_cut_into_pages,
    }
}

/// An [`AssignmentStore`] with one fault.
#[derive(Debug)]
pub struct BrokenAssignments {
    fault: AssignmentFault,
    gap: Gap,
    good: ReferenceAssignments,
    /// Counts calls, for an order that is another each time.
    calls: AtomicUsize,
}

impl BrokenAssignments {
    /// An empty store with this fault. What is not atomic in it is as far apart as statements that a
    /// network carries.
    #[must_use]
    pub fn new(fault: AssignmentFault) -> Self {
        Self { fault, gap: Gap::Wide, good: ReferenceAssignments::default(), calls: AtomicUsize::new(0) }
    }

    /// The same, with what is not atomic as near together as two locks in one process: hard to notice.
    #[must_use]
    pub fn tight(fault: AssignmentFault) -> Self {
        Self { gap: Gap::Tight, ..Self::new(fault) }
    }

    fn holds(&self, assignment: &Assignment) -> bool {
        self.good.lock().rows.contains(assignment)
    }

    /// Adds or removes a row and leaves the version alone. Answers whether something changed.
    fn set(&self, assignment: &Assignment, held: bool) -> bool {
        let mut roles = self.good.lock();
        if held { roles.rows.insert(assignment.clone()) } else { roles.rows.remove(assignment) }
    }

    fn move_version(&self, changed: bool) -> bool {
        self.good.lock().moved(changed)
    }

    /// Adds or removes a row, with what is wrong about the version.
    fn change(&self, assignment: &Assignment, held: bool) -> bool {
        match self.fault {
            AssignmentFault::VersionNotAtomic => {
                let version = self.good.lock().version;
                let changed = self.set(assignment, held);
                self.gap.pass();
                self.good.lock().version = version.saturating_add(u64::from(changed));
                changed
            }
            AssignmentFault::VersionMovesLater => {
                let changed = self.set(assignment, held);
                self.gap.pass();
                self.move_version(changed)
            }
            AssignmentFault::VersionMovesBefore => {
                let changes = self.holds(assignment) != held;
                self.move_version(changes);
                self.gap.pass();
                self.set(assignment, held)
            }
            _ => {
                let mut roles = self.good.lock();
                let changed =
                    if held { roles.rows.insert(assignment.clone()) } else { roles.rows.remove(assignment) };
                roles.moved(changed)
            }
        }
    }
}

#[async_trait]
impl AssignmentStore for BrokenAssignments {
    async fn grant(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        Ok(match self.fault {
            AssignmentFault::GrantAlwaysNew => {
                self.change(assignment, true);
                true
            }
            AssignmentFault::GrantAlwaysMoves => {
                self.move_version(true);
                self.set(assignment, true)
            }
            AssignmentFault::GrantNeverMoves => self.set(assignment, true),
            AssignmentFault::GrantNotAtomic => {
                let new = !self.holds(assignment);
                self.gap.pass();
                self.set(assignment, true);
                self.move_version(new)
            }
            AssignmentFault::GrantReplaces => {
                self.good
                    .lock()
                    .rows
                    .retain(|row| row.principal != assignment.principal || row == assignment);
                self.change(assignment, true)
            }
            AssignmentFault::RolesCut => {
                let mut cut = assignment.clone();
                if let Some(Ok(role)) = cut.role.as_str().get(..64).map(RoleName::parse) {
                    cut.role = role;
                }
                self.change(&cut, true)
            }
            _ => self.change(assignment, true),
        })
    }

    async fn revoke(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        Ok(match self.fault {
            AssignmentFault::RevokeIgnored => self.holds(assignment),
            AssignmentFault::RevokeFromAll => {
                let held = self.change(assignment, false);
                self.good.lock().rows.retain(|row| row.role != assignment.role);
                held
            }
            AssignmentFault::RevokeAlwaysMoves => {
                self.move_version(true);
                self.set(assignment, false)
            }
            AssignmentFault::RevokeNeverMoves => self.set(assignment, false),
            AssignmentFault::RevokeNotAtomic => {
                let held = self.holds(assignment);
                self.gap.pass();
                self.set(assignment, false);
                self.move_version(held)
            }
            _ => self.change(assignment, false),
        })
    }

    async fn roles_of(&self, principal: &PrincipalId) -> Result<Vec<RoleName>, StoreError> {
        let roles = |wanted: &dyn Fn(&PrincipalId) -> bool| -> Vec<RoleName> {
            let roles = self.good.lock();
            let held = roles.rows.iter().filter(|row| wanted(&row.principal));
            let mut held: Vec<_> = held.map(|row| row.role.clone()).collect();
            held.sort();
            held
        };
        match self.fault {
            AssignmentFault::RolesUnordered => {
                let mut held = roles(&|other| other == principal);
                held.sort_by_key(|role| role.as_str().to_ascii_lowercase());
                Ok(held)
            }
            AssignmentFault::RolesIgnoreRealm => {
                Ok(roles(&|other| other.id() == principal.id() && other.kind() == principal.kind()))
            }
            AssignmentFault::RolesIgnoreCase => Ok(roles(&|other| {
                other.realm() == principal.realm()
                    && other.kind() == principal.kind()
                    && other.id().eq_ignore_ascii_case(principal.id())
            })),
            _ => self.good.roles_of(principal).await,
        }
    }

    async fn list(&self, page: Page) -> Result<Vec<Assignment>, StoreError> {
        let mut all: Vec<_> = self.good.lock().rows.iter().cloned().collect();
        match self.fault {
            AssignmentFault::ListIgnoresPage => Ok(all),
            AssignmentFault::ListAtRandom => {
                let calls = self.calls.fetch_add(1, Ordering::Relaxed);
                let len = all.len().max(1);
                all.rotate_left(calls.checked_rem(len).unwrap_or(0));
                Ok(page_of(all, page))
            }
            _ => self.good.list(page).await,
        }
    }

    async fn version(&self) -> Result<PolicyVersion, StoreError> {
        if self.fault == AssignmentFault::VersionIsTheNumber {
            let number = self.good.lock().rows.len();
            return Ok(PolicyVersion::new(u64::try_from(number).unwrap_or(u64::MAX)));
        }
        self.good.version().await
    }
}
