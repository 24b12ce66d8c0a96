//! Changing the policy while it is in force.

use std::{
    collections::BTreeSet,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::{
    AccessRequest, Action, AuditEvent, AuditSink, Authenticated, AuthorizerExt, Clock, Denial, DenialReason,
    DurableAudit, Malformed, PolicyVersion, Realm, Refusal, Resource, ResourceKind, RoleName, StoreError,
    Unavailable, UnixTime,
};

use crate::{builder::PolicyBuilder, error::PolicyError, pattern, rbac::Rbac, snapshot::Snapshot};

mod change;

pub use change::PolicyChange;

/// Changes the policy of an [`Rbac`] on behalf of people, none of whom hands out more than they hold.
///
/// Who makes a change needs the [permission](AdminPermissions) for it, and everything that somebody might come to
/// by it: each permission that a role allows, to assign it or to have it inherited; each one that a role denies,
/// to revoke it. That is the rule of Kubernetes' `escalate` and `bind`. A wildcard has to be held as such, since
/// it will mean more one day: by somebody whose authentication is not limited to scopes, and whom no wildcard denies
/// anything that it may come to mean.
///
/// A change is written down before it is in force: if that fails, there is none. What is refused goes
/// [elsewhere](Self::with_refusals), so that nobody who may change nothing fills the log that changes need. It takes as
/// long as to build the policy and to write; call it where that may block.
///
/// # Changing a policy
///
/// [`Administration`](crate::Administration) makes changes on behalf of somebody:
/// [`PolicyChange`](crate::PolicyChange)s, all of them or none, for which they need `policy.edit` or
/// `policy.assign`, in a tenant for what is its own. Beyond that nobody hands out more than they hold (Kubernetes'
/// `escalate` and `bind`): to assign a role, or to let it be inherited, takes all that it allows, to revoke it all
/// that it denies; `policy.bind` and `policy.escalate` lift that. A wildcard has to be held as such, since it will
/// mean more one day: by somebody who is not limited to scopes, and who is denied nothing that it may come to mean.
/// What they hold is what they held before, under the limits of how they authenticated.
///
/// A change is appended to a `DurableAudit` before it is in force, or it is not made; it answers the version since.
/// What is refused goes to another log, if there is one (`Administration::with_refusals`,
/// `what_is_refused_is_written_down`): it takes no room from changes
/// (`what_is_refused_takes_no_room_from_changes`).
///
/// A [`PolicyStore`](crate::PolicyStore) keeps a policy beyond the process: a whole document, or
/// [`PolicyChange`](crate::PolicyChange)s, written if the stored version still is the expected one and the result
/// compiles. The databases of `auth-sql` are such stores (feature `policy`). It asks nobody whether they may: what
/// people ask for goes through [`Administering::check`](crate::Administering::check) first, by an
/// [`Administration`](crate::Administration) of what is stored
/// ([`document::PolicyDocument::builder`](crate::document::PolicyDocument::builder),
/// `a_stored_policy_is_guarded_by_a_check`).
pub struct Administration {
    rbac: Rbac,
    present: Mutex<Present>,
    audit: Arc<dyn DurableAudit>,
    refusals: Option<Arc<dyn AuditSink>>,
    clock: Arc<dyn Clock>,
    permissions: AdminPermissions,
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
        Ok(Self { rbac, present, audit, refusals: None, clock, permissions })
    }

    /// Writes down what is refused, as [`AuditEvent::AccessDenied`] of who really asked. Without it, that is written down
    /// nowhere.
    #[must_use]
    pub fn with_refusals(mut self, audit: Arc<dyn AuditSink>) -> Self {
        self.refusals = Some(audit);
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
        Administering { administration: self, who, active_roles: None, source: None }
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
            let event = |change: &PolicyChange| AuditEvent::PolicyChanged {
                by: self.who.principal().clone(),
                change: change.to_string(),
                version,
            };
            audit.append(now, &changes.iter().map(event).collect::<Vec<_>>()).map_err(AdminError::Audit)?;
            if !rbac.replace_exactly(&present.snapshot, &snapshot) {
                return Err(AdminError::Superseded);
            }
            *present = Present { policy, snapshot };
            Ok(version)
        })
    }

    /// Whether [`apply`](Self::apply) would make the changes. None of them is made or written down; what is refused is.
    ///
    /// It guards what is kept elsewhere: begin an [`Administration`] with the
    /// [roles](crate::document::PolicyDocument::builder) of a stored policy, and if nothing is refused, have the store
    /// [make the changes](crate::PolicyStore::change) to that version and no other.
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
        let Some(first) = changes.first() else { return Ok(None) };
        let rbac = &self.administration.rbac;
        if self.who.authentication().actor.is_some() {
            *refused = Some(self.denied(self.needed(first).0, &Denial::new(DenialReason::Forbidden)));
            return Err(AdminError::Impersonated);
        }
        // Who may change nothing costs no copy of the policy, and holds nobody up.
        for change in changes {
            self.require(self.needed(change).0, change.tenant(), now, refused)?;
        }
        let present = self.administration.lock();
        let is_in_force = rbac.snapshot().is_some_and(|snapshot| Arc::ptr_eq(&snapshot, &present.snapshot));
        if !is_in_force {
            return Err(AdminError::Superseded);
        }
        let mut policy = present.policy.clone();
        for change in changes {
            self.check_one(change, &mut policy, &present.policy, now, refused)?;
            change.apply(&mut policy)?;
        }
        policy.forget_repeats();
        let before = present.snapshot.version();
        let version = before.next();
        if version == before {
            return Err(AdminError::LastVersion);
        }
        let snapshot = Arc::new(policy.clone().build(version)?);
        Ok(Some(Prepared { present, policy, snapshot }))
    }

    /// `policy` is what the changes before this one have made, `held` what was there before all of them.
    fn check_one(
        &self,
        change: &PolicyChange,
        policy: &mut PolicyBuilder,
        held: &PolicyBuilder,
        now: UnixTime,
        refused: &mut Option<AuditEvent>,
    ) -> Result<(), AdminError> {
        let (needed, freely) = self.needed(change);
        let tenant = change.tenant();
        self.require(needed, tenant, now, refused)?;
        let given = change.gives(policy)?;
        if given.is_empty() || self.may(freely, tenant, now)? {
            return Ok(());
        }
        // What counts everywhere counts in every tenant, where the one who gives it may be denied it.
        let me = held.number(self.who.principal());
        let tenants = match (tenant, me) {
            (None, Some(me)) => held.tenants_of(me),
            _ => Vec::new(),
        };
        for permission in &given.permissions {
            let Some(action) = policy.permission_name(*permission) else { continue };
            for place in std::iter::once(tenant).chain(tenants.iter().map(Some)) {
                if !self.may(&action, place, now)? {
                    return Err(self.escalation(action.to_string(), freely, refused));
                }
            }
        }
        if given.patterns.is_empty() {
            return Ok(());
        }
        let space = held.known_space(tenant).unwrap_or_default();
        let allowed = self.wildcards(held, me, &[space], false)?;
        let mut spaces: Vec<u32> =
            tenants.iter().filter_map(|tenant| held.known_space(Some(tenant))).collect();
        spaces.push(space);
        let denied = self.wildcards(held, me, &spaces, true)?;
        let is_limited = self.who.authentication().limits.scopes.is_some();
        let is_held = |pattern: &String| {
            !is_limited
                && allowed.contains(pattern)
                && !denied.iter().any(|denied| pattern::overlap(denied, pattern))
        };
        match given.patterns.into_iter().find(|pattern| !is_held(pattern)) {
            Some(missing) => Err(self.escalation(missing, freely, refused)),
            None => Ok(()),
        }
    }

    /// That something is not held, and so would have taken another permission.
    fn escalation(&self, missing: String, freely: &Action, refused: &mut Option<AuditEvent>) -> AdminError {
        *refused = Some(self.denied(freely, &Denial::new(DenialReason::NotPermitted)));
        AdminError::Escalation { missing }
    }

    /// Who acts as somebody else is named, and not whom they act as.
    fn denied(&self, action: &Action, denial: &Denial) -> AuditEvent {
        let in_force = self.administration.rbac.snapshot().map(|snapshot| snapshot.version());
        let actor = self.who.authentication().actor.as_ref();
        AuditEvent::AccessDenied {
            principal: actor.unwrap_or_else(|| self.who.principal()).clone(),
            action: action.clone(),
            reason: denial.reason(),
            version: denial.version().or(in_force),
            rule: denial.rule(),
        }
    }

    /// The permission to make such changes, and the one to make them whatever one holds.
    fn needed(&self, change: &PolicyChange) -> (&'a Action, &'a Action) {
        let permissions = &self.administration.permissions;
        if change.is_assignment() {
            (&permissions.assign, &permissions.bind)
        } else {
            (&permissions.edit, &permissions.escalate)
        }
    }

    /// What active roles and rules of one's own allow by wildcards, or what all roles and rules deny by them, in these
    /// spaces and everywhere.
    fn wildcards(
        &self,
        policy: &PolicyBuilder,
        me: Option<u32>,
        spaces: &[u32],
        denies: bool,
    ) -> Result<BTreeSet<String>, AdminError> {
        let asserted = self.who.asserted_roles().iter().filter_map(|role| policy.roles.find(role.as_str()));
        let assigned = me.into_iter().flat_map(|me| policy.held_by(me, spaces));
        let counts = |role: &u32| {
            let name = policy.roles.get(*role);
            let is_active = |active: &[RoleName]| active.iter().any(|active| Some(active.as_str()) == name);
            denies || self.active_roles.is_none_or(is_active)
        };
        let mut found = policy.reach(assigned.chain(asserted).filter(counts), denies)?.patterns;
        if let Some(me) = me {
            found.extend(policy.reach_directly(me, spaces, denies)?.patterns);
        }
        Ok(found)
    }

    fn require(
        &self,
        action: &Action,
        tenant: Option<&Realm>,
        now: UnixTime,
        refused: &mut Option<AuditEvent>,
    ) -> Result<(), Refusal> {
        let asked = self.ask(action, tenant, now);
        if let Err(Refusal::Denied(denial)) = &asked {
            *refused = Some(self.denied(action, denial));
        }
        asked
    }

    fn ask(&self, action: &Action, tenant: Option<&Realm>, now: UnixTime) -> Result<(), Refusal> {
        let mut resource = Resource::any(ResourceKind::from_static("policy"));
        if let Some(tenant) = tenant {
            resource = resource.of_tenant(tenant.clone());
        }
        let mut request = AccessRequest::new(self.who, action, &resource, now);
        if let Some(roles) = self.active_roles {
            request = request.with_active_roles(roles);
        }
        if let Some(source) = self.source {
            request = request.from_address(source);
        }
        self.administration.rbac.require(&request).map(drop)
    }

    fn may(&self, action: &Action, tenant: Option<&Realm>, now: UnixTime) -> Result<bool, Refusal> {
        match self.ask(action, tenant, now) {
            Ok(()) => Ok(true),
            Err(Refusal::Unavailable(unavailable)) => Err(unavailable.into()),
            Err(_) => Ok(false),
        }
    }
}

impl fmt::Debug for Administering<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Administering").field("by", self.who.principal()).finish_non_exhaustive()
    }
}

/// Why a policy was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// Whoever asked may not make such changes.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody might come to more by it than whoever asked holds.
    #[error("nobody hands out more than they hold: {missing} is not held")]
    Escalation {
        /// The first permission, or wildcard, that is not held.
        missing: String,
    },
    /// Whoever asked acts as somebody else.
    #[error("nobody changes the policy while acting as somebody else")]
    Impersonated,
    /// The policy would not be one.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// It could not be written down, so it was not done.
    #[error("the change could not be written down")]
    Audit(#[source] StoreError),
    /// Another policy is in force than the one that would be changed, and trying again does not help: begin anew with
    /// that one, by another [`Administration`]. If it came at this very moment, the change is written down although it
    /// was not made.
    #[error("another policy is in force")]
    Superseded,
    /// The policy in force has the last version that there is, so a change could not be told from what was before.
    #[error("there is no version after that of the policy in force")]
    LastVersion,
    /// More than [`Administration::MAX_CHANGES`] together.
    #[error("at most {} changes are made together", Administration::MAX_CHANGES)]
    TooMany,
}

impl From<AdminError> for Refusal {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Refused(refusal) => refusal,
            AdminError::Escalation { .. } => Denial::new(DenialReason::NotPermitted).into(),
            AdminError::Impersonated => Denial::new(DenialReason::Forbidden).into(),
            AdminError::Policy(_) | AdminError::TooMany => Malformed::Content.into(),
            AdminError::Audit(error) => error.into(),
            AdminError::Superseded | AdminError::LastVersion => Self::Unavailable(Unavailable::Overloaded),
        }
    }
}
