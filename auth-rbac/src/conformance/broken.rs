//! Stores that break their contract on purpose, one fault each: proof that the suite catches it.
//!
//! Each fault names the check that must notice it; a test of this crate runs the suite against every fault, and sees
//! that there is no check that nothing fails.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use async_trait::async_trait;
use auth_core::{PolicyVersion, PrincipalId, RoleName};

use crate::{
    admin::{Administration, PolicyChange},
    document::{PolicyDocument, Role},
    source::{Loaded, PolicySource, Revision, SourceError},
    store::{PolicyStore, PolicyStoreError, Saved},
};

macro_rules! faults {
    ($( $(#[$doc:meta])* $fault:ident => $check:ident $($raced:ident)?, )*) => {
        /// What can be wrong with a store of policies.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum PolicyFault {
            $( $(#[$doc])* $fault, )*
        }

        impl PolicyFault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$fault),*];

            /// The check that must notice it.
            #[must_use]
            pub const fn caught_by(self) -> &'static str {
                match self {
                    $( Self::$fault => stringify!($check), )*
                }
            }

            /// Whether it shows only when calls are made at once.
            #[must_use]
            pub const fn needs_a_race(self) -> bool {
                match self {
                    $( Self::$fault => faults!(@raced $($raced)?), )*
                }
            }
        }
    };
    (@raced raced) => { true };
    (@raced) => { false };
}

faults! {
    /// Where nothing is stored, the policy is empty.
    NothingIsEmpty => where_nothing_was_stored_there_is_no_policy,
    /// What roles deny is not kept.
    RoleDenialsLost => a_policy_is_loaded_as_it_was_saved,
    /// One row that denies a principal something is not kept.
    DirectDenialLost => a_policy_is_loaded_as_it_was_saved,
    /// Separations of duty are not kept.
    ConstraintsLost => a_policy_is_loaded_as_it_was_saved,
    /// One entry of a list that denies is not kept.
    EntryLost => a_policy_is_loaded_as_it_was_saved,
    /// Entries of lists come in the order of their effects.
    EntriesSorted => a_policy_is_loaded_as_it_was_saved,
    /// Rules are not kept.
    RulesLost => a_policy_is_loaded_as_it_was_saved,
    /// What is held in a tenant is held everywhere.
    TenantsLost => a_policy_is_loaded_as_it_was_saved,
    /// The combiner is not kept.
    CombiningLost => a_policy_is_loaded_as_it_was_saved,
    /// What was assigned before stays behind.
    OldAssignmentsStay => a_policy_is_loaded_as_it_was_saved,
    /// Every look answers all of it.
    NothingIsKnown => what_has_not_changed_is_not_loaded_again,
    /// Whatever is known is what there is.
    AnythingIsKnown => what_has_not_changed_is_not_loaded_again,
    /// A statement adds a thousand rows, and there is one statement.
    AThousandAssignments => a_large_policy_is_kept_whole,
    /// The version of what is loaded is the one before.
    VersionIsLate => what_is_stored_comes_into_force,
    /// Names are compared without their case.
    CaseIgnored => names_of_policies_compare_byte_by_byte,
    /// Names are compared without the spaces at their end.
    SpacesIgnored => names_of_policies_compare_byte_by_byte,
    /// Ids have at most 64 bytes.
    LongNamesCut => the_longest_names_of_policies_survive,
    /// A document is written whatever is there.
    SaveWithoutComparing => a_policy_that_was_overtaken_is_not_written,
    /// Changes are made to whatever is there.
    ChangeWithoutComparing => a_policy_that_was_overtaken_is_not_written,
    /// A document is stored that is no policy.
    SaveWithoutCompiling => what_is_no_policy_is_not_stored,
    /// Changes are stored that make no policy.
    ChangeWithoutCompiling => what_is_no_policy_is_not_stored,
    /// A role is deleted that a separation of duty names.
    SeparatedRolesGo => what_is_no_policy_is_not_stored,
    /// A version may be smaller than the one before.
    VersionsGoBack => a_version_that_does_not_follow_is_not_stored,
    /// Any number of changes is made.
    ChangesWithoutEnd => too_many_changes_are_refused,
    /// A hundred changes are enough.
    FewChanges => too_many_changes_are_refused,
    /// The changes before one that cannot be made are stored.
    PartialWrite => changes_are_all_made_or_none,
    /// A rule is removed whether it allows or denies.
    BothRulesGo => each_change_does_what_it_does_to_a_document,
    /// A role is revoked wherever it is held.
    RevokedEverywhere => each_change_does_what_it_does_to_a_document,
    /// A role of a tenant is revoked where the revocation names the tenant.
    RevokedWhereNamed => each_change_does_what_it_does_to_a_document,
    /// Whoever inherits a role that is deleted has the next of its name.
    InheritanceStays => a_deleted_role_leaves_nothing_to_the_next_of_its_name,
    /// Whoever holds a role that is deleted holds the next of its name.
    AssignmentsStay => a_deleted_role_leaves_nothing_to_the_next_of_its_name,
    /// What changes nothing has no version.
    NoVersionForNothing => every_change_has_a_version_of_its_own,
    /// Versions are compared in one step, and the policy is written in another.
    CompareThenSet => of_writers_at_once_one_wins_each_version raced,
    /// Roles are read in one step, and who holds them in another.
    ReadInTwoSteps => a_policy_is_read_as_it_was_at_one_moment raced,
    /// Roles are written in one step, and who holds them in another.
    WrittenInTwoSteps => a_policy_is_read_as_it_was_at_one_moment raced,
}

use PolicyFault as Fault;

/// A [`PolicyStore`] with one fault.
#[derive(Debug)]
pub struct BrokenPolicy {
    fault: Fault,
    stored: Mutex<Option<PolicyDocument>>,
}

impl BrokenPolicy {
    /// An empty store with this fault. What is not atomic in it is as far apart as statements that a network carries.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, stored: Mutex::new(None) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<PolicyDocument>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn version(&self) -> PolicyVersion {
        version(self.lock().as_ref())
    }

    /// What is kept of a document.
    fn kept(&self, mut document: PolicyDocument) -> PolicyDocument {
        let lists = document.acl.as_mut().into_iter().flat_map(|lists| &mut lists.resources);
        match self.fault {
            Fault::RoleDenialsLost => document.roles.iter_mut().for_each(|role| role.deny.clear()),
            Fault::DirectDenialLost => document.direct.iter_mut().for_each(|direct| {
                direct.deny.pop();
            }),
            Fault::ConstraintsLost => document.constraints.clear(),
            Fault::EntryLost => lists.for_each(|list| {
                list.entries.pop();
            }),
            Fault::EntriesSorted => {
                lists.for_each(|list| list.entries.sort_by_key(|entry| format!("{:?}", entry.effect)));
            }
            Fault::RulesLost => document.rules.clear(),
            Fault::TenantsLost => document.assignments.iter_mut().for_each(|held| held.tenant = None),
            Fault::CombiningLost => document.combining = crate::combine::Combiner::default(),
            Fault::OldAssignmentsStay => {
                if let Some(old) = &*self.lock() {
                    document.assignments.extend(old.assignments.iter().cloned());
                }
            }
            Fault::AThousandAssignments => document.assignments.truncate(1_000),
            Fault::CaseIgnored => self.rename(&mut document, &str::to_lowercase),
            Fault::SpacesIgnored => self.rename(&mut document, &|id| id.trim_end().to_owned()),
            Fault::LongNamesCut => self.rename(&mut document, &|id| id.chars().take(64).collect()),
            _ => {}
        }
        document
    }

    /// Whoever holds something, by another id.
    fn rename(&self, document: &mut PolicyDocument, name: &dyn Fn(&str) -> String) {
        for held in &mut document.assignments {
            let (realm, kind) = (held.principal.realm().clone(), held.principal.kind());
            if let Ok(other) = PrincipalId::new(realm, kind, &name(held.principal.id())) {
                held.principal = other;
            }
        }
    }

    fn write(
        &self,
        expected: PolicyVersion,
        document: PolicyDocument,
        compares: bool,
        compiles: bool,
    ) -> Result<Saved, PolicyStoreError> {
        let offered = document.version;
        if offered <= expected && self.fault != Fault::VersionsGoBack {
            return Err(PolicyStoreError::Version { offered, expected });
        }
        if compiles {
            document.compile()?;
        }
        let document = self.kept(document);
        if let Fault::CompareThenSet | Fault::WrittenInTwoSteps = self.fault {
            let found = self.version();
            if found != expected {
                return Ok(Saved::Conflict(found));
            }
            pass();
            if self.fault == Fault::WrittenInTwoSteps {
                if let Some(old) = &mut *self.lock() {
                    old.roles.clone_from(&document.roles);
                    old.permissions.clone_from(&document.permissions);
                }
                pass();
            }
            *self.lock() = Some(document);
            return Ok(Saved::Saved(offered));
        }
        let mut stored = self.lock();
        let found = version(stored.as_ref());
        if compares && found != expected {
            return Ok(Saved::Conflict(found));
        }
        *stored = Some(document);
        Ok(Saved::Saved(offered))
    }

    /// Makes one change, in its way.
    fn apply(&self, document: &mut PolicyDocument, change: &PolicyChange) -> Result<(), PolicyStoreError> {
        match (self.fault, change) {
            (Fault::SeparatedRolesGo, PolicyChange::DeleteRole(role)) => {
                document.constraints.retain(|constraint| !constraint.roles.contains(role));
            }
            (Fault::BothRulesGo, PolicyChange::RemoveRule { role, permission, denies }) => {
                let (role, permission) = (role.clone(), permission.clone());
                document.apply(&PolicyChange::RemoveRule { role, permission, denies: !denies })?;
            }
            (Fault::RevokedEverywhere, PolicyChange::Revoke { principal, role, .. }) => {
                for held in document.assignments.iter_mut().filter(|held| held.principal == *principal) {
                    held.roles.retain(|held| held != role);
                }
            }
            (Fault::RevokedWhereNamed, PolicyChange::Revoke { role, tenant: None, .. })
                if role.tenant.is_some() =>
            {
                return Ok(());
            }
            (Fault::InheritanceStays | Fault::AssignmentsStay, PolicyChange::DeleteRole(role)) => {
                let before = document.clone();
                document.apply(change)?;
                // What still refers to it makes a policy again once there is another one.
                document.roles.push(Role::new(role.clone()));
                if self.fault == Fault::AssignmentsStay {
                    document.assignments = before.assignments;
                } else {
                    for (known, old) in document.roles.iter_mut().zip(before.roles.iter().skip(1)) {
                        known.inherits.clone_from(&old.inherits);
                    }
                }
                return Ok(());
            }
            (Fault::InheritanceStays | Fault::AssignmentsStay, PolicyChange::CreateRole(role))
                if role.name == RoleName::from_static("gone") =>
            {
                return Ok(());
            }
            _ => {}
        }
        Ok(document.apply(change)?)
    }
}

fn version(document: Option<&PolicyDocument>) -> PolicyVersion {
    document.map_or(PolicyVersion::new(0), |document| document.version)
}

/// What lies between two statements: others get their turn.
fn pass() {
    for _ in 0..4 {
        thread::yield_now();
    }
}

#[async_trait]
impl PolicySource for BrokenPolicy {
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        let Some(mut document) = self.lock().clone() else {
            return match self.fault {
                Fault::NothingIsEmpty => Ok(Loaded::Changed {
                    revision: Revision::new("0"),
                    document: Box::new(PolicyDocument::new(PolicyVersion::new(0))),
                }),
                _ => Err(SourceError::Nothing),
            };
        };
        let revision = Revision::new(document.version.to_string());
        let is_known = match self.fault {
            Fault::NothingIsKnown => false,
            Fault::AnythingIsKnown => known.is_some(),
            _ => known == Some(&revision),
        };
        if is_known {
            return Ok(Loaded::Unchanged);
        }
        if self.fault == Fault::ReadInTwoSteps {
            pass();
            if let Some(now) = &*self.lock() {
                document.assignments.clone_from(&now.assignments);
            }
        }
        if self.fault == Fault::VersionIsLate {
            document.version = PolicyVersion::new(document.version.get().saturating_sub(1));
        }
        Ok(Loaded::Changed { revision, document: Box::new(document) })
    }
}

#[async_trait]
impl PolicyStore for BrokenPolicy {
    async fn save(
        &self,
        expected: PolicyVersion,
        document: &PolicyDocument,
    ) -> Result<Saved, PolicyStoreError> {
        let (compares, compiles) =
            (self.fault != Fault::SaveWithoutComparing, self.fault != Fault::SaveWithoutCompiling);
        self.write(expected, document.clone(), compares, compiles)
    }

    async fn change(
        &self,
        expected: PolicyVersion,
        changes: &[PolicyChange],
    ) -> Result<Saved, PolicyStoreError> {
        let max = match self.fault {
            Fault::ChangesWithoutEnd => usize::MAX,
            Fault::FewChanges => 100,
            _ => Administration::MAX_CHANGES,
        };
        if changes.len() > max {
            return Err(PolicyStoreError::TooMany);
        }
        let compares = self.fault != Fault::ChangeWithoutComparing;
        let found = self.version();
        if compares && found != expected {
            return Ok(Saved::Conflict(found));
        }
        let stored = self.lock().clone();
        let before = stored.unwrap_or_else(|| PolicyDocument::new(PolicyVersion::new(0)));
        let mut document = before.clone();
        for change in changes {
            let made = self.apply(&mut document, change);
            if made.is_err() && self.fault == Fault::PartialWrite {
                *self.lock() = Some(document.clone());
            }
            made?;
        }
        if self.fault == Fault::NoVersionForNothing && document == before {
            return Ok(Saved::Saved(expected.next()));
        }
        document.version = expected.next();
        self.write(expected, document, compares, self.fault != Fault::ChangeWithoutCompiling)
    }
}
