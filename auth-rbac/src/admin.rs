//! Changing the policy while it is in force.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::{
    Action, Attributes, AuditEvent, AuditSink, Authenticated, Authorizer, Clock, DurableAudit, PolicyVersion,
    ResourceKind, RoleName, UnixTime,
};

use crate::{builder::PolicyBuilder, error::PolicyError, rbac::Rbac, snapshot::Snapshot};

mod change;
mod error;
mod guard;
mod held;
mod present;
mod stored;

pub use self::{
    change::PolicyChange,
    error::AdminError,
    stored::{StoredAdministering, StoredAdministration},
};
use self::{
    guard::{Foreign, Guard},
    held::{Asked, Asker},
};

/// Changes the policy of an [`Rbac`] on behalf of people, none of whom hands out more than they hold.
///
/// Who makes a change needs the [permission](AdminPermissions) for it, and everything that somebody might come to
/// by it: each permission that a role allows, to assign it or to have it inherited; each one that a role denies,
/// to revoke it. That is the rule of Kubernetes' `escalate` and `bind`. A wildcard has to be held as such, since
/// it will mean more one day: by somebody whose authentication is not limited to scopes, and whom no wildcard denies
/// anything that it may come to mean.
///
/// Where more decides than roles, lists and rules in a [`Stack`](crate::Stack) for instance, what that forbids is not held
/// either: [`guarded_by`](Self::guarded_by) names it. A [`StoredAdministration`] knows the lists and rules of the document
/// that it changes, and needs no telling.
///
/// A change is written down before it is in force: if that fails, there is none. What is refused goes
/// [elsewhere](Self::with_refusals), so that nobody who may change nothing fills the log that changes need.
///
/// It takes as long as to build the policy and to write, and for each of the changes a look at all rules, or at all who
/// hold something; whoever else wants a change waits meanwhile, and nobody who asks for a decision does. Call it where
/// that may block.
///
/// # Changing a policy
///
/// [`StoredAdministration`](crate::StoredAdministration) changes the policy of a [`PolicyStore`](crate::PolicyStore) on
/// behalf of somebody, [`Administration`](crate::Administration) one of roles that the program has built:
/// [`PolicyChange`](crate::PolicyChange)s, all of them or none, for which they need `policy.edit` or
/// `policy.assign`, in a tenant for what is its own. Beyond that nobody hands out more than they hold (Kubernetes'
/// `escalate` and `bind`): to assign a role, or to let it be inherited, takes all that it allows, to revoke or delete it
/// all that it denies; `policy.bind` and `policy.escalate` lift that. A wildcard has to be held as such, since it will
/// mean more one day: by somebody who is not limited to scopes, and who is denied nothing that it may come to mean.
/// What they hold is what they held before, under the limits of how they authenticated.
///
/// Roles have to allow all of that by themselves, and lists and rules must not forbid it: neither the change, as an
/// action on the kind `policy`, nor what is handed out, on any resource: of every tenant, unless it is handed out in one
/// (`what_rules_forbid_is_neither_done_nor_handed_out`, `what_a_list_denies_on_one_resource_is_not_handed_out`). A rule
/// that looks at which resource it is, or at `has` an attribute of it, cannot be evaluated for all of them, and so
/// forbids; `policy.bind` and `policy.escalate` lift that too. An [`Administration`](crate::Administration) knows of
/// lists and rules what its guard says of a kind as a whole ([`guarded_by`](Self::guarded_by)). Where a stronger
/// authentication would help, the refusal is that challenge (`a_rule_asks_administrators_for_a_second_factor`).
///
/// A change is appended to a `DurableAudit` before it is in force, or it is not made; it answers the version since.
/// Whatever came in between so that a change was not made after all is appended as well. What is refused goes to another
/// log, if there is one (`Administration::with_refusals`, `what_is_refused_is_written_down`): it takes no room from
/// changes (`what_is_refused_takes_no_room_from_changes`).
///
/// A [`PolicyStore`](crate::PolicyStore) keeps a policy beyond the process: a whole document, or
/// [`PolicyChange`](crate::PolicyChange)s, written if the stored version still is the expected one and the result
/// compiles. The databases of `auth-sql` are such stores (feature `policy`), [`MemoryPolicy`](crate::MemoryPolicy) is one
/// for a single process. A store asks nobody whether they may: what people ask for goes through a
/// [`StoredAdministration`](crate::StoredAdministration) (`a_stored_policy_is_changed_by_who_may`).
pub struct Administration {
    rbac: Rbac,
    present: Mutex<Present>,
    audit: Arc<dyn DurableAudit>,
    refusals: Option<Arc<dyn AuditSink>>,
    clock: Arc<dyn Clock>,
    permissions: AdminPermissions,
    guard: Option<Foreign>,
}

/// What is in force, as it was declared and as it was built.
struct Present {
    policy: PolicyBuilder,
    snapshot: Arc<Snapshot>,
}

/// What changes come to. Nobody else changes what is in force meanwhile.
struct Prepared<'a> {
    present: MutexGuard<'a, Present>,
    policy: PolicyBuilder,
    snapshot: Arc<Snapshot>,
}

/// The permissions that changes take. Like all permissions, they have to be declared and given to somebody; in a
/// tenant, for what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminPermissions {
    /// To make roles and to change what they allow, deny and inherit: `policy.edit`.
    pub edit: Action,
    /// To assign and revoke roles, and rules of principals' own: `policy.assign`.
    pub assign: Action,
    /// To give roles what one does not hold: `policy.escalate`.
    pub escalate: Action,
    /// To assign what one does not hold: `policy.bind`.
    pub bind: Action,
}

impl Default for AdminPermissions {
    fn default() -> Self {
        Self {
            edit: Action::from_static("policy.edit"),
            assign: Action::from_static("policy.assign"),
            escalate: Action::from_static("policy.escalate"),
            bind: Action::from_static("policy.bind"),
        }
    }
}

impl Administration {
    /// The most changes that are made together.
    pub const MAX_CHANGES: usize = 1_000;

    /// Builds a policy, puts it in force and takes changes to it. They are written to `audit` as
    /// [`AuditEvent::PolicyChanged`].
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn new(
        policy: PolicyBuilder,
        version: PolicyVersion,
        permissions: AdminPermissions,
        audit: Arc<dyn DurableAudit>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PolicyError> {
        let snapshot = Arc::new(policy.clone().build(version)?);
        let rbac = Rbac::shared(Arc::clone(&snapshot));
        let present = Mutex::new(Present { policy, snapshot });
        Ok(Self { rbac, present, audit, refusals: None, clock, permissions, guard: None })
    }

    /// Writes down what is refused, as [`AuditEvent::AccessDenied`] of who really asked. Without it, that is written down
    /// nowhere.
    #[must_use]
    pub fn with_refusals(mut self, audit: Arc<dyn AuditSink>) -> Self {
        self.refusals = Some(audit);
        self
    }

    /// Asks another authorizer as well: what the application asks, if that is more than [these roles](Self::rbac), with
    /// the roles among it. What it forbids, or cannot evaluate, is not done to the policy and not handed out; what it
    /// just does not permit is. `kinds` are those of resources of which it speaks: a permission is not held that it
    /// forbids on one of them as a whole ([`Resource::any`](auth_core::Resource::any)). It is not asked about each resource
    /// of a kind: what it forbids on one alone, by the list of that one or by a rule that a resource without attributes
    /// does not meet, is handed out. A [`StoredAdministration`] sees those as well.
    #[must_use]
    pub fn guarded_by(
        mut self,
        authorizer: Arc<dyn Authorizer>,
        kinds: impl IntoIterator<Item = ResourceKind>,
    ) -> Self {
        self.guard = Some(Foreign { authorizer, kinds: kinds.into_iter().collect() });
        self
    }

    /// What decides by the policy in force.
    #[must_use]
    pub fn rbac(&self) -> &Rbac {
        &self.rbac
    }

    /// The policy in force, as it was declared: to keep it, or to begin anew with it.
    #[must_use]
    pub fn policy(&self) -> PolicyBuilder {
        self.lock().policy.clone()
    }

    /// Makes changes on behalf of somebody, with the limits of how they authenticated.
    #[must_use]
    pub fn by<'a>(&'a self, who: &'a Authenticated) -> Administering<'a> {
        Administering {
            administration: self,
            who,
            active_roles: None,
            source: None,
            principal_attributes: None,
            context_attributes: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        // It is replaced as a whole, so a panic elsewhere leaves it as it was.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Administration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Administration").field("rbac", &self.rbac).finish_non_exhaustive()
    }
}

/// Makes changes on behalf of somebody: [`Administration::by`].
#[derive(Clone, Copy)]
pub struct Administering<'a> {
    administration: &'a Administration,
    who: &'a Authenticated,
    active_roles: Option<&'a [RoleName]>,
    source: Option<IpAddr>,
    principal_attributes: Option<&'a dyn Attributes>,
    context_attributes: Option<&'a dyn Attributes>,
}

impl<'a> Administering<'a> {
    /// Uses only these of the roles that are held.
    #[must_use]
    pub fn with_active_roles(mut self, roles: &'a [RoleName]) -> Self {
        self.active_roles = Some(roles);
        self
    }

    /// States where the request came from. Without it, limits on networks refuse.
    #[must_use]
    pub fn from_address(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Adds what is known of who asks, for [rules](Administration::guarded_by) that look at it.
    #[must_use]
    pub fn with_principal_attributes(mut self, attributes: &'a dyn Attributes) -> Self {
        self.principal_attributes = Some(attributes);
        self
    }

    /// Adds what is known of the circumstances, for [rules](Administration::guarded_by) that look at it.
    #[must_use]
    pub fn with_context_attributes(mut self, attributes: &'a dyn Attributes) -> Self {
        self.context_attributes = Some(attributes);
        self
    }

    /// Makes all of the changes, in this order, or none, and answers the version since: whatever is decided
    /// [at that version or later](Rbac::check_at_least) is decided with them.
    ///
    /// What somebody holds is what they held before the first of the changes. Nobody changes the policy while they act
    /// as somebody else. No changes at all are made by anybody, and answer the present version.
    ///
    /// # Errors
    /// [`AdminError`]; then nothing has changed.
    pub fn apply(&self, changes: &[PolicyChange]) -> Result<PolicyVersion, AdminError> {
        self.noting_refusals(|now, refused| {
            let Some(Prepared { mut present, policy, snapshot }) = self.prepare(changes, now, refused)?
            else {
                return Ok(self.administration.lock().snapshot.version());
            };
            let Administration { rbac, audit, .. } = self.administration;
            let version = snapshot.version();
            audit.append(now, &written(self.who, changes, version)).map_err(AdminError::Audit)?;
            if !rbac.replace_exactly(&present.snapshot, &snapshot) {
                audit.append(now, &unmade(self.who, changes, version)).map_err(AdminError::Audit)?;
                return Err(AdminError::Superseded);
            }
            *present = Present { policy, snapshot };
            Ok(version)
        })
    }

    /// Whether [`apply`](Self::apply) would make the changes. None of them is made or written down; what is refused is.
    ///
    /// # Errors
    /// [`AdminError`].
    pub fn check(&self, changes: &[PolicyChange]) -> Result<(), AdminError> {
        self.noting_refusals(|now, refused| self.prepare(changes, now, refused).map(drop))
    }

    /// Writes down what was refused once nobody waits for it: by then the policy is free again.
    fn noting_refusals<T>(&self, work: impl FnOnce(UnixTime, &mut Option<AuditEvent>) -> T) -> T {
        let (now, mut refused) = (self.administration.clock.now(), None);
        let done = work(now, &mut refused);
        if let (Some(audit), Some(event)) = (&self.administration.refusals, refused) {
            audit.record(now, &event);
        }
        done
    }

    /// What the changes come to, if there are any.
    fn prepare(
        &self,
        changes: &[PolicyChange],
        now: UnixTime,
        refused: &mut Option<AuditEvent>,
    ) -> Result<Option<Prepared<'a>>, AdminError> {
        if changes.len() > Administration::MAX_CHANGES {
            return Err(AdminError::TooMany);
        }
        if changes.is_empty() {
            return Ok(None);
        }
        let in_force = self.administration.rbac.snapshot().ok_or(AdminError::Superseded)?;
        // Who may change nothing costs no copy of the policy, and holds nobody up.
        self.asked(&in_force, now).admit(changes, refused)?;
        let present = self.administration.lock();
        let is_in_force =
            self.administration.rbac.snapshot().is_some_and(|now| Arc::ptr_eq(&now, &present.snapshot));
        if !is_in_force {
            return Err(AdminError::Superseded);
        }
        let policy = self.asked(&present.snapshot, now).make(changes, &present.policy, refused)?;
        let snapshot = Arc::new(next(&policy, present.snapshot.version())?);
        Ok(Some(Prepared { present, policy, snapshot }))
    }

    fn asked<'s>(&'s self, roles: &'s Snapshot, now: UnixTime) -> Asked<'s> {
        let Self { administration, who, active_roles, source, principal_attributes, context_attributes } =
            *self;
        Asked {
            by: Asker { who, active_roles, source, principal_attributes, context_attributes, now },
            roles,
            guard: administration.guard.as_ref().map(|guard| guard as &dyn Guard),
            permissions: &administration.permissions,
        }
    }
}

impl fmt::Debug for Administering<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Administering").field("by", self.who.principal()).finish_non_exhaustive()
    }
}

/// The policy of the version after `before`.
fn next(policy: &PolicyBuilder, before: PolicyVersion) -> Result<Snapshot, AdminError> {
    let version = before.next();
    if version == before {
        return Err(AdminError::LastVersion);
    }
    Ok(policy.clone().build(version)?)
}

/// What is written down before changes are made.
fn written(who: &Authenticated, changes: &[PolicyChange], version: PolicyVersion) -> Vec<AuditEvent> {
    let event = |change: &PolicyChange| AuditEvent::PolicyChanged {
        by: who.principal().clone(),
        change: change.to_string(),
        version,
    };
    changes.iter().map(event).collect()
}

/// What is written down if they were not made after all.
fn unmade(who: &Authenticated, changes: &[PolicyChange], version: PolicyVersion) -> Vec<AuditEvent> {
    let event = |change: &PolicyChange| AuditEvent::PolicyUnchanged {
        by: who.principal().clone(),
        change: change.to_string(),
        version,
    };
    changes.iter().map(event).collect()
}
