//! Whether somebody may make changes, by what they hold.

use std::{
    cell::OnceCell,
    collections::{BTreeSet, HashMap, HashSet},
    net::IpAddr,
    rc::Rc,
};

use auth_core::{
    AccessRequest, Action, Attributes, AuditEvent, Authenticated, AuthorizerExt, Decision, Denial,
    DenialReason, PolicyVersion, Realm, Refusal, Resource, ResourceKind, RoleName, UnixTime,
};

use super::{AdminError, AdminPermissions, PolicyChange, change::Given, guard::Guard};
use crate::{
    acl::Denials,
    builder::{PolicyBuilder, Reach},
    pattern::{self, Meanings},
    snapshot::Snapshot,
};

/// What the permissions of administration are about.
const POLICY: ResourceKind = ResourceKind::from_static("policy");

/// Somebody who wants changes, and the circumstances.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) who: &'a Authenticated,
    pub(super) active_roles: Option<&'a [RoleName]>,
    pub(super) source: Option<IpAddr>,
    pub(super) principal_attributes: Option<&'a dyn Attributes>,
    pub(super) context_attributes: Option<&'a dyn Attributes>,
    pub(super) now: UnixTime,
}

/// What the asker may be told by.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) by: Asker<'a>,
    pub(super) roles: &'a Snapshot,
    pub(super) guard: Option<&'a dyn Guard>,
    pub(super) permissions: &'a AdminPermissions,
}

impl<'a> Asked<'a> {
    /// Whether the asker may make such changes at all, which takes no look at what they would come to.
    pub(super) fn admit(
        &self,
        changes: &[PolicyChange],
        refused: &mut Option<AuditEvent>,
    ) -> Result<(), AdminError> {
        if let (Some(first), true) = (changes.first(), self.by.who.authentication().actor.is_some()) {
            *refused = Some(self.denied(self.needed(first).0, &Denial::new(DenialReason::Forbidden)));
            return Err(AdminError::Impersonated);
        }
        let mut asked = HashSet::new();
        for change in changes {
            let (needed, tenant) = (self.needed(change).0, change.tenant());
            if !asked.insert((needed, tenant)) {
                continue;
            }
            match self.ask(needed, tenant)? {
                Answer::Held => {}
                Answer::Denied(denial) => {
                    *refused = Some(self.denied(needed, &denial));
                    return Err(Refusal::from(denial).into());
                }
            }
        }
        Ok(())
    }

    /// Makes the changes to a copy of `held`, in which the asker holds what they hold, if they may make each of them.
    ///
    /// Somebody who asks for much again and again must not keep others waiting: whatever does not change from one change
    /// to the next is looked at once.
    pub(super) fn make(
        self,
        changes: &[PolicyChange],
        held: &PolicyBuilder,
        refused: &mut Option<AuditEvent>,
    ) -> Result<PolicyBuilder, AdminError> {
        self.admit(changes, refused)?;
        let mut policy = held.clone();
        let mut holder = Held::new(self, held);
        for change in changes {
            if let Some(missing) = holder.missing(change, &mut policy)? {
                let freely = self.needed(change).1;
                *refused = Some(self.denied(freely, &Denial::new(DenialReason::NotPermitted)));
                return Err(AdminError::Escalation { missing });
            }
            change.apply(&mut policy)?;
        }
        policy.forget_repeats();
        Ok(policy)
    }

    /// The permission to make such changes, and the one to make them whatever one holds.
    fn needed(&self, change: &PolicyChange) -> (&'a Action, &'a Action) {
        let permissions = self.permissions;
        if change.is_assignment() {
            (&permissions.assign, &permissions.bind)
        } else {
            (&permissions.edit, &permissions.escalate)
        }
    }

    /// Who acts as somebody else is named, and not whom they act as.
    fn denied(&self, action: &Action, denial: &Denial) -> AuditEvent {
        let actor = self.by.who.authentication().actor.as_ref();
        AuditEvent::AccessDenied {
            principal: actor.unwrap_or_else(|| self.by.who.principal()).clone(),
            action: action.clone(),
            reason: denial.reason(),
            version: denial.version().or(Some(self.version())),
            rule: denial.rule(),
        }
    }

    fn version(&self) -> PolicyVersion {
        self.roles.version()
    }

    /// Whether roles allow it, and nothing else forbids it.
    fn ask(&self, action: &Action, tenant: Option<&Realm>) -> Result<Answer, Refusal> {
        let resource = resource(POLICY, tenant);
        let request = self.request(action, &resource);
        match self.roles.require(&request) {
            Ok(_) => {}
            Err(Refusal::Denied(denial)) => return Ok(Answer::Denied(denial)),
            Err(other) => return Err(other),
        }
        let Some(guard) = self.guard else { return Ok(Answer::Held) };
        match guard.decide(&request)? {
            // Nobody here discharges obligations.
            Decision::Allow(permit) if !permit.obligations().is_empty() => {
                let denial = Denial::new(DenialReason::Obligation).by(permit.version(), permit.rule());
                Ok(Answer::Denied(denial))
            }
            decision => Ok(unless_forbidden(decision, &request)),
        }
    }

    /// Whether it may be handed out: whether the asker is allowed it, and is forbidden it on no resource.
    fn may_hand_out(
        &self,
        action: &Action,
        tenant: Option<&Realm>,
        denials: &Denials,
    ) -> Result<bool, Refusal> {
        let policy = resource(POLICY, tenant);
        let request = self.request(action, &policy);
        match self.roles.require(&request) {
            Ok(_) => {}
            Err(Refusal::Denied(_)) => return Ok(false),
            Err(other) => return Err(other),
        }
        let Some(guard) = self.guard else { return Ok(true) };
        if !is_free(guard.decide(&request)?, &request) {
            return Ok(false);
        }
        for resource in guard.kinds().iter().map(|kind| resource(kind.clone(), tenant)) {
            let request = self.request(action, &resource);
            if !is_free(guard.decide(&request)?, &request) {
                return Ok(false);
            }
        }
        let somewhere = guard.decide_somewhere(&request, denials)?;
        Ok(somewhere.is_none_or(|decision| is_free(decision, &request)))
    }

    fn request<'r>(&self, action: &'r Action, resource: &'r Resource) -> AccessRequest<'r>
    where
        'a: 'r,
    {
        let Asker { who, active_roles, source, principal_attributes, context_attributes, now } = self.by;
        let mut request = AccessRequest::new(who, action, resource, now);
        if let Some(roles) = active_roles {
            request = request.with_active_roles(roles);
        }
        if let Some(source) = source {
            request = request.from_address(source);
        }
        if let Some(attributes) = principal_attributes {
            request = request.with_principal_attributes(attributes);
        }
        if let Some(attributes) = context_attributes {
            request = request.with_context_attributes(attributes);
        }
        request
    }
}

enum Answer {
    Held,
    Denied(Denial),
}

/// What lists and rules do not speak of, roles alone decide. All that is not just that denies.
fn unless_forbidden(decision: Decision, request: &AccessRequest<'_>) -> Answer {
    match decision {
        Decision::Allow(permit) if permit.covers(request) => Answer::Held,
        // An answer to another question is no answer.
        Decision::Allow(_) => Answer::Denied(Denial::new(DenialReason::Indeterminate)),
        Decision::Deny(denial) if denial.reason() == DenialReason::NotPermitted => Answer::Held,
        Decision::Deny(denial) => Answer::Denied(denial),
    }
}

fn is_free(decision: Decision, request: &AccessRequest<'_>) -> bool {
    matches!(unless_forbidden(decision, request), Answer::Held)
}

fn resource(kind: ResourceKind, tenant: Option<&Realm>) -> Resource {
    match tenant {
        Some(tenant) => Resource::any(kind).of_tenant(tenant.clone()),
        None => Resource::any(kind),
    }
}

/// What somebody held before the first of several changes. What was found is kept until the last.
struct Held<'a> {
    asked: Asked<'a>,
    policy: &'a PolicyBuilder,
    me: Option<u32>,
    /// Those in which the asker has something.
    tenants: Vec<Realm>,
    meanings: Meanings,
    held: HashMap<(Question, Option<Realm>), bool>,
    wildcards: HashMap<Option<Realm>, Rc<Wildcards>>,
    /// What roles come to, until some role changes.
    reaches: HashMap<(u32, bool), Rc<Reach>>,
    /// What has been found to be held, until some role changes: a role's permissions or denials, somewhere.
    passed: HashSet<(u32, bool, Option<Realm>)>,
    /// What lists deny the asker, once somebody wants to know.
    denials: OnceCell<Denials>,
}

/// What is asked about a permission.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Question {
    /// Whether the asker may do it to the policy.
    MayDo(Action),
    /// Whether the asker may hand it out.
    MayHandOut(u32),
}

/// Wildcards of the asker's, somewhere.
struct Wildcards {
    /// What active roles and rules of their own allow.
    allowed: BTreeSet<String>,
    /// What all roles and rules deny.
    denied: BTreeSet<String>,
}

impl<'a> Held<'a> {
    fn new(asked: Asked<'a>, policy: &'a PolicyBuilder) -> Self {
        let me = policy.number(asked.by.who.principal());
        Self {
            asked,
            policy,
            me,
            tenants: me.map_or_else(Vec::new, |me| policy.tenants_of(me)),
            meanings: Meanings::default(),
            held: HashMap::new(),
            wildcards: HashMap::new(),
            reaches: HashMap::new(),
            passed: HashSet::new(),
            denials: OnceCell::new(),
        }
    }

    /// What somebody might come to by a change and the asker does not hold, if there is any. `policy` is what the changes
    /// before this one have made.
    fn missing(
        &mut self,
        change: &PolicyChange,
        policy: &mut PolicyBuilder,
    ) -> Result<Option<String>, AdminError> {
        let (freely, tenant) = (self.asked.needed(change).1, change.tenant());
        let (given, passes) = match change.gives() {
            Given::Nothing => (Rc::default(), None),
            Given::Role { role, denies } => {
                let role = policy.find_role(&role.into())?;
                let passes = (role, denies, tenant.cloned());
                let is_passed = self.passed.contains(&passes);
                (if is_passed { Rc::default() } else { self.reach(role, denies, policy)? }, Some(passes))
            }
            Given::Rule { permission, denies } => {
                (Rc::new(policy.reach_of(permission, denies, &mut self.meanings)?), None)
            }
        };
        if !change.is_assignment() {
            // It is about to be another one.
            self.reaches.clear();
            self.passed.clear();
        }
        if given.is_empty() || self.may(freely, tenant)? {
            return Ok(None);
        }
        let missing = match self.missing_permission(&given, tenant, policy)? {
            None => self.missing_wildcard(&given, tenant)?,
            missing => missing,
        };
        if let (None, Some(passes), true) = (&missing, passes, change.is_assignment()) {
            self.passed.insert(passes);
        }
        Ok(missing)
    }

    fn reach(&mut self, role: u32, denies: bool, policy: &PolicyBuilder) -> Result<Rc<Reach>, AdminError> {
        if let Some(known) = self.reaches.get(&(role, denies)) {
            return Ok(Rc::clone(known));
        }
        let reach = Rc::new(policy.reach(std::iter::once(role), denies, &mut self.meanings)?);
        self.reaches.insert((role, denies), Rc::clone(&reach));
        Ok(reach)
    }

    fn missing_permission(
        &mut self,
        given: &Reach,
        tenant: Option<&Realm>,
        policy: &PolicyBuilder,
    ) -> Result<Option<String>, AdminError> {
        // What counts everywhere counts in every tenant, where the one who gives it may be denied it.
        let tenants = if tenant.is_none() { self.tenants.clone() } else { Vec::new() };
        for permission in &given.permissions {
            for place in std::iter::once(tenant).chain(tenants.iter().map(Some)) {
                let key = (Question::MayHandOut(*permission), place.cloned());
                let is_held = match self.held.get(&key) {
                    Some(known) => *known,
                    None => {
                        let Some(action) = policy.permission_name(*permission) else { continue };
                        let who = self.asked.by.who.principal();
                        let ask =
                            || self.asked.guard.map_or_else(Denials::default, |guard| guard.denials(who));
                        let denials = self.denials.get_or_init(ask);
                        let is_held = self.asked.may_hand_out(&action, place, denials)?;
                        self.held.insert(key, is_held);
                        is_held
                    }
                };
                if !is_held {
                    return Ok(policy.permission_name(*permission).map(|action| action.to_string()));
                }
            }
        }
        Ok(None)
    }

    fn missing_wildcard(
        &mut self,
        given: &Reach,
        tenant: Option<&Realm>,
    ) -> Result<Option<String>, AdminError> {
        if given.patterns.is_empty() {
            return Ok(None);
        }
        let held = self.wildcards(tenant)?;
        let is_limited = self.asked.by.who.authentication().limits.scopes.is_some();
        let is_held = |pattern: &&String| {
            !is_limited
                && held.allowed.contains(*pattern)
                && !held.denied.iter().any(|denied| pattern::overlap(denied, pattern))
        };
        Ok(given.patterns.iter().find(|pattern| !is_held(pattern)).cloned())
    }

    fn wildcards(&mut self, tenant: Option<&Realm>) -> Result<Rc<Wildcards>, AdminError> {
        let key = tenant.cloned();
        if let Some(known) = self.wildcards.get(&key) {
            return Ok(Rc::clone(known));
        }
        let policy = self.policy;
        let space = policy.known_space(tenant).unwrap_or_default();
        let mut spaces = vec![space];
        if tenant.is_none() {
            spaces.extend(self.tenants.iter().filter_map(|tenant| policy.known_space(Some(tenant))));
        }
        let found = Rc::new(Wildcards {
            allowed: self.wildcards_in(&[space], false)?,
            denied: self.wildcards_in(&spaces, true)?,
        });
        self.wildcards.insert(key, Rc::clone(&found));
        Ok(found)
    }

    /// In these spaces and everywhere.
    fn wildcards_in(&mut self, spaces: &[u32], denies: bool) -> Result<BTreeSet<String>, AdminError> {
        let (policy, me, by) = (self.policy, self.me, self.asked.by);
        let asserted = by.who.asserted_roles().iter().filter_map(|role| policy.roles.find(role.as_str()));
        let assigned = me.into_iter().flat_map(|me| policy.held_by(me, spaces));
        let counts = |role: &u32| {
            let name = policy.roles.get(*role);
            let is_active = |active: &[RoleName]| active.iter().any(|active| Some(active.as_str()) == name);
            denies || by.active_roles.is_none_or(is_active)
        };
        let roles = assigned.chain(asserted).filter(counts);
        let mut found = policy.reach(roles, denies, &mut self.meanings)?.patterns;
        if let Some(me) = me {
            found.extend(policy.reach_directly(me, spaces, denies, &mut self.meanings)?.patterns);
        }
        Ok(found)
    }

    fn may(&mut self, action: &Action, tenant: Option<&Realm>) -> Result<bool, AdminError> {
        let key = (Question::MayDo(action.clone()), tenant.cloned());
        if let Some(known) = self.held.get(&key) {
            return Ok(*known);
        }
        let may = matches!(self.asked.ask(action, tenant)?, Answer::Held);
        self.held.insert(key, may);
        Ok(may)
    }
}
