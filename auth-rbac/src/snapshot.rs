//! The compiled policy.

use std::fmt;

use auth_core::{
    AccessRequest, DecideError, Effect, Indeterminate, PolicyVersion, PrincipalId, RoleName, RuleId,
};

use crate::{
    engine::{Engine, Model},
    names::Names,
    principals::{Principals, RecordAt},
    rows::Rows,
    sets::{Rule, Sets},
    verdict::Verdict,
};

mod describe;
mod review;

pub use describe::{DecidedBy, DescribeError, DescribedRule, Description};

/// A compiled policy: immutable, shared between threads, and asked without an allocation or a lock.
///
/// Made by [`PolicyBuilder::build`](crate::PolicyBuilder::build), put in force by [`Rbac`](crate::Rbac).
/// It is an [`Engine`] by itself.
pub struct Snapshot {
    pub(crate) version: PolicyVersion,
    pub(crate) stamp: Stamp,
    pub(crate) principals: Principals,
    /// Lists of roles that principals hold together, each stored once.
    pub(crate) profiles: Rows,
    pub(crate) roles: Names,
    pub(crate) permissions: Names,
    /// What each role inherits directly.
    pub(crate) parents: Rows,
    /// Each role's own rules, packed.
    pub(crate) rules: Rows,
    pub(crate) sets: Sets,
}

/// Tells the snapshots of one process apart, so that a number of one is not taken for one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stamp(pub(crate) u32);

/// A principal of one [`Snapshot`], looked up once to be checked often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PrincipalIndex {
    at: RecordAt,
    stamp: Stamp,
}

/// A permission of one [`Snapshot`], looked up once to be checked often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermissionIndex {
    index: u32,
    stamp: Stamp,
}

impl Snapshot {
    /// The version it was built as.
    #[must_use]
    pub fn version(&self) -> PolicyVersion {
        self.version
    }

    /// The principal's number in this snapshot, if it holds any role.
    #[must_use]
    pub fn principal(&self, principal: &PrincipalId) -> Option<PrincipalIndex> {
        self.principals.find(principal).map(|at| PrincipalIndex { at, stamp: self.stamp })
    }

    /// The permission's number in this snapshot, if the policy declares it.
    #[must_use]
    pub fn permission(&self, name: impl AsRef<str>) -> Option<PermissionIndex> {
        self.permissions.find(name.as_ref()).map(|index| PermissionIndex { index, stamp: self.stamp })
    }

    /// What the policy says of a principal, with all its roles, and a permission: [`Effect::Deny`] if any of
    /// the roles forbids it, otherwise [`Effect::Permit`] if any allows it, otherwise
    /// [`Effect::NotApplicable`].
    ///
    /// The fastest way to ask, and the one without a proof: use [`Rbac`](crate::Rbac) at doors. Numbers of
    /// another snapshot are [`Effect::Indeterminate`].
    #[must_use]
    #[inline]
    pub fn check(&self, principal: PrincipalIndex, permission: PermissionIndex) -> Effect {
        if principal.stamp != self.stamp || permission.stamp != self.stamp {
            return Effect::Indeterminate(Indeterminate::Either);
        }
        let decided = self.holding(principal.at).and_then(|held| self.decide(held, permission.index));
        match decided {
            Some(decided) if decided.rule.denies => Effect::Deny,
            Some(_) => Effect::Permit,
            None => Effect::NotApplicable,
        }
    }

    /// How many roles, permissions and principals it knows.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            roles: self.roles.len(),
            permissions: self.permissions.len(),
            principals: self.principals.len(),
            profiles: self.profiles.len(),
        }
    }

    /// The memory that it holds, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        [
            size_of::<Self>(),
            self.principals.bytes(),
            self.profiles.bytes(),
            self.roles.bytes(),
            self.permissions.bytes(),
            self.parents.bytes(),
            self.rules.bytes(),
            self.sets.bytes(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// Hands the roles that are held to `then`, by number. A closure, because to return them as one type
    /// would take a detour over memory that is a third of a check.
    #[inline]
    fn with_roles<T>(&self, holding: Holding, then: impl FnOnce(&[u32]) -> T) -> T {
        match holding {
            Holding::One(role) => then(&[role]),
            Holding::List(list) => then(self.profiles.row(list)),
        }
    }

    #[inline]
    fn holding(&self, principal: RecordAt) -> Option<Holding> {
        self.principals.value(principal).map(Holding::unpack)
    }

    #[inline]
    fn decide(&self, held: Holding, permission: u32) -> Option<Decided> {
        self.with_roles(held, |roles| self.decide_roles(roles, permission))
    }

    #[inline]
    fn decide_roles(&self, roles: &[u32], permission: u32) -> Option<Decided> {
        let mut permit = None;
        for role in roles {
            let closure = self.sets.closure(*role);
            if self.sets.denies(closure, permission) {
                return Some(Decided { role: *role, rule: Rule { permission, denies: true } });
            }
            if permit.is_none() && self.sets.permits(closure, permission) {
                permit = Some(Decided { role: *role, rule: Rule { permission, denies: false } });
            }
        }
        permit
    }

    /// As [`decide`](Self::decide), but only `active` roles give. All held ones forbid: who may choose their
    /// active roles must not be able to put a denial aside. `roles` is sorted.
    fn decide_active(&self, roles: &[u32], active: &[RoleName], permission: u32) -> Option<Decided> {
        let denies = |role: &&u32| self.sets.denies(self.sets.closure(**role), permission);
        if let Some(role) = roles.iter().find(denies) {
            return Some(Decided { role: *role, rule: Rule { permission, denies: true } });
        }
        active
            .iter()
            .filter_map(|name| self.roles.find(name.as_str()))
            .filter(|role| roles.binary_search(role).is_ok())
            .find(|role| self.sets.permits(self.sets.closure(*role), permission))
            .map(|role| Decided { role, rule: Rule { permission, denies: false } })
    }

    fn decide_request(&self, request: &AccessRequest<'_>) -> Option<Decided> {
        let permission = self.permissions.find(request.action().as_str())?;
        let held = self.principals.find(request.principal()).and_then(|at| self.holding(at));
        if !request.asserted_roles().is_empty() {
            return self.decide_asserted(held, request, permission);
        }
        match request.active_roles() {
            None => self.decide(held?, permission),
            Some(active) => self.with_roles(held?, |roles| self.decide_active(roles, active, permission)),
        }
    }

    /// Asserted roles are held like assigned ones, for this request; a name that the policy does not know gives
    /// nothing.
    #[inline(never)]
    fn decide_asserted(
        &self,
        held: Option<Holding>,
        request: &AccessRequest<'_>,
        permission: u32,
    ) -> Option<Decided> {
        let asserted = request.asserted_roles().iter();
        let mut roles: Vec<u32> = asserted.filter_map(|name| self.roles.find(name.as_str())).collect();
        if let Some(held) = held {
            self.with_roles(held, |held| roles.extend_from_slice(held));
        }
        roles.sort_unstable();
        match request.active_roles() {
            None => self.decide_roles(&roles, permission),
            Some(active) => self.decide_active(&roles, active, permission),
        }
    }
}

impl Engine for Snapshot {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        Ok(match self.decide_request(request) {
            Some(decided) if decided.rule.denies => Verdict::deny(self.version, Some(decided.id())),
            Some(decided) => Verdict::permit(self.version, Some(decided.id())),
            None => Verdict::not_applicable(self.version),
        })
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { roles, permissions, principals, .. } = self.counts();
        f.debug_struct("Snapshot")
            .field("version", &self.version)
            .field("roles", &roles)
            .field("permissions", &permissions)
            .field("principals", &principals)
            .finish_non_exhaustive()
    }
}

/// How much a [`Snapshot`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Roles declared.
    pub roles: usize,
    /// Permissions declared.
    pub permissions: usize,
    /// Principals that hold a role.
    pub principals: usize,
    /// Distinct combinations of several roles that principals hold.
    pub profiles: usize,
}

/// What a principal holds: most hold one role, the others share lists.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holding {
    One(u32),
    List(u32),
}

impl Holding {
    /// Marks a list. Caps keep the numbers of roles and lists below it.
    const MANY: u32 = 1 << 31;

    #[inline]
    pub(crate) const fn pack(self) -> u32 {
        match self {
            Self::One(role) => role,
            Self::List(list) => list | Self::MANY,
        }
    }

    #[inline]
    const fn unpack(packed: u32) -> Self {
        if packed & Self::MANY == 0 { Self::One(packed) } else { Self::List(packed & !Self::MANY) }
    }
}

/// The rule that decided, and the assigned role through which it came.
#[derive(Clone, Copy)]
struct Decided {
    role: u32,
    rule: Rule,
}

impl Decided {
    fn id(self) -> RuleId {
        Model::Roles.rule((u64::from(self.role) << 32) | u64::from(self.rule.pack()))
    }

    fn from_number(number: u64) -> Self {
        let role = (number >> 32) as u32;
        let rule = (number & u64::from(u32::MAX)) as u32;
        Self { role, rule: Rule::unpack(rule) }
    }
}
