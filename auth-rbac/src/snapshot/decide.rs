//! From a request to a verdict.

use auth_core::{AccessRequest, Authorizer, DecideError, Decision, PrincipalId, RoleName, RuleId};

use super::{Holding, RecordAt, Snapshot};
use crate::{
    engine::{Engine, Model},
    explain::Explanation,
    graph,
    separation::SeparationKind,
    sets::Rule,
    verdict::Verdict,
};

/// The rule that decided, and the role that is held through which it came.
#[derive(Clone, Copy)]
pub(super) struct Decided {
    pub(super) role: u32,
    pub(super) rule: Rule,
}

/// What a principal holds for one question: three sorted lists of roles.
#[derive(Clone, Copy, Default)]
pub(super) struct Held<'a> {
    pub(super) everywhere: &'a [u32],
    pub(super) in_tenant: &'a [u32],
    pub(super) asserted: &'a [u32],
}

impl<'a> Held<'a> {
    pub(super) fn iter(self) -> impl Iterator<Item = u32> + Clone + 'a {
        self.everywhere.iter().chain(self.in_tenant).chain(self.asserted).copied()
    }

    fn contains(self, role: u32) -> bool {
        [self.everywhere, self.in_tenant, self.asserted].iter().any(|list| list.binary_search(&role).is_ok())
    }
}

/// The roles that a request uses.
#[derive(Clone, Copy)]
pub(super) enum Active<'a> {
    All,
    /// These.
    Named(Named<'a>),
}

/// Roles by their names in the policy, or in the tenant of a space.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    names: &'a [RoleName],
    space: u32,
    /// What is inherited by those that are held, if any of the named is not held itself. Sorted.
    inherited: &'a [u32],
}

impl<'a> Active<'a> {
    /// Those of them that have this name.
    pub(super) fn only(self, name: &'a RoleName) -> Self {
        let (space, inherited) = match self {
            Self::All => (0, &[][..]),
            Self::Named(named) => (named.space, named.inherited),
        };
        Self::Named(Named { names: std::slice::from_ref(name), space, inherited })
    }
}

impl Snapshot {
    /// What was said of one principal and one permission, where no separation and no tenant has to be looked at.
    #[inline]
    pub(super) fn decide_plainly(&self, held: Holding, permission: u32) -> Option<Decided> {
        self.with_roles(held, |roles| self.decide_roles(roles, permission))
    }

    #[inline]
    pub(super) fn holding(&self, principal: RecordAt) -> Option<Holding> {
        self.principals.value(principal).map(Holding::unpack)
    }

    /// What it holds in one tenant alone.
    pub(super) fn holding_in(&self, principal: RecordAt, space: u32) -> Option<Holding> {
        if space == 0 { None } else { self.members.value(principal, space).map(Holding::unpack) }
    }

    /// Hands what is held everywhere and in one tenant to `then`.
    pub(super) fn with_held<T>(
        &self,
        principal: RecordAt,
        space: u32,
        then: impl FnOnce(Held<'_>) -> T,
    ) -> T {
        let (everywhere, in_tenant) = (self.holding(principal), self.holding_in(principal, space));
        then(Held {
            everywhere: self.list(everywhere.as_ref()),
            in_tenant: self.list(in_tenant.as_ref()),
            asserted: &[],
        })
    }

    /// The roles of a list. [`with_roles`](Self::with_roles) is faster.
    pub(super) fn list<'a>(&'a self, holding: Option<&'a Holding>) -> &'a [u32] {
        match holding {
            None => &[],
            Some(Holding::One(role)) => std::slice::from_ref(role),
            Some(Holding::List(list)) => self.profiles.row(*list),
        }
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

    /// As [`decide_plainly`](Self::decide_plainly), but only `active` roles give. All held ones forbid: who may choose their
    /// active roles must not be able to put a denial aside.
    pub(super) fn decide_held(&self, held: Held<'_>, active: Active<'_>, permission: u32) -> Option<Decided> {
        let denies = |role: &u32| self.sets.denies(self.sets.closure(*role), permission);
        let permits = |role: &u32| self.sets.permits(self.sets.closure(*role), permission);
        let decided = |denies: bool| move |role: u32| Decided { role, rule: Rule { permission, denies } };
        let denied = held.iter().find(denies).map(decided(true));
        denied.or_else(|| self.active(held, active).find(permits).map(decided(false)))
    }

    /// Hands the roles that a request uses to `then`: all, or those of these names that the principal is authorized for,
    /// by holding them or one that inherits them (ANSI INCITS 359, `AddActiveRole` under a general role hierarchy).
    pub(super) fn with_active<T>(
        &self,
        held: Held<'_>,
        names: Option<&[RoleName]>,
        space: u32,
        then: impl FnOnce(Active<'_>) -> T,
    ) -> T {
        let Some(names) = names else { return then(Active::All) };
        let named = Named { names, space, inherited: &[] };
        if self.meant(named).all(|role| held.contains(role)) {
            return then(Active::Named(named));
        }
        let inherited = graph::reached(&self.parents, held.iter());
        then(Active::Named(Named { inherited: &inherited, ..named }))
    }

    fn meant<'a>(&'a self, Named { names, space, .. }: Named<'a>) -> impl Iterator<Item = u32> + Clone + 'a {
        names.iter().flat_map(move |name| {
            let of_tenant = if space == 0 { None } else { self.roles.find_in(space, name.as_str()) };
            self.roles.find(name.as_str()).into_iter().chain(of_tenant)
        })
    }

    /// The active roles of a principal. What it may do directly is no role, and always counts.
    pub(super) fn active<'a>(
        &'a self,
        held: Held<'a>,
        active: Active<'a>,
    ) -> impl Iterator<Item = u32> + Clone + 'a {
        let (all, named) = match active {
            Active::All => (true, Named { names: &[], space: 0, inherited: &[] }),
            Active::Named(named) => (false, named),
        };
        let counts = move |role: &u32| all || self.is_nameless(*role);
        let is_authorized =
            move |role: &u32| held.contains(*role) || named.inherited.binary_search(role).is_ok();
        held.iter().filter(counts).chain(self.meant(named).filter(is_authorized))
    }

    #[inline]
    pub(super) fn is_nameless(&self, role: u32) -> bool {
        role as usize >= self.roles.len()
    }

    /// The number of a separation that these roles are against.
    pub(super) fn separated(&self, held: Held<'_>, active: Active<'_>) -> Option<u32> {
        // What is assigned was checked when the policy was built; what a credential asserts comes on top.
        let assigned = if held.asserted.is_empty() || self.separations.is_empty() {
            None
        } else {
            self.separations.exceeded(SeparationKind::Static, held.iter())
        };
        assigned.or_else(|| {
            let dynamic = self.separations.any_dynamic();
            if dynamic {
                self.separations.exceeded(SeparationKind::Dynamic, self.active(held, active))
            } else {
                None
            }
        })
    }

    /// Looks up what the asserted names mean. Sorted.
    fn asserted(&self, names: &[RoleName]) -> Vec<u32> {
        let mut roles: Vec<u32> = names.iter().filter_map(|name| self.roles.find(name.as_str())).collect();
        roles.sort_unstable();
        roles
    }

    /// Asserted roles are held like assigned ones, for this request; a name that the policy does not know gives
    /// nothing. Separated roles are denied what no permission names as well: another model may allow it.
    #[inline(never)]
    fn evaluate_carefully(&self, request: &AccessRequest<'_>, permission: Option<u32>) -> Verdict {
        let space = self.space(request.resource().tenant());
        self.with_all_of((request.principal(), request.asserted_roles()), space, |held| {
            self.with_active(held, request.active_roles(), space, |active| {
                match self.separated(held, active) {
                    Some(number) => {
                        Verdict::deny(self.version, Some(Model::Separation.rule(u64::from(number))))
                    }
                    None => self.verdict(permission.and_then(|asked| self.decide_held(held, active, asked))),
                }
            })
        })
    }

    /// Hands all that somebody holds to `then`, asserted roles included.
    pub(super) fn with_all_of<T>(
        &self,
        who: (&PrincipalId, &[RoleName]),
        space: u32,
        then: impl FnOnce(Held<'_>) -> T,
    ) -> T {
        let (principal, asserted) = who;
        let asserted = self.asserted(asserted);
        match self.principals.find(principal) {
            Some(at) => self.with_held(at, space, |held| then(Held { asserted: &asserted, ..held })),
            None => then(Held { asserted: &asserted, ..Held::default() }),
        }
    }

    #[inline]
    fn verdict(&self, decided: Option<Decided>) -> Verdict {
        match decided {
            Some(decided) if decided.rule.denies => Verdict::deny(self.version, Some(self.rule_id(decided))),
            Some(decided) => Verdict::permit(self.version, Some(self.rule_id(decided))),
            None => Verdict::not_applicable(self.version),
        }
    }

    #[inline]
    pub(super) fn rule_id(&self, decided: Decided) -> RuleId {
        let model = if self.is_nameless(decided.role) { Model::Direct } else { Model::Roles };
        model.rule((u64::from(decided.role) << 32) | u64::from(decided.rule.pack()))
    }
}

impl Decided {
    pub(super) fn from_number(number: u64) -> Self {
        let role = (number >> 32) as u32;
        let rule = (number & u64::from(u32::MAX)) as u32;
        Self { role, rule: Rule::unpack(rule) }
    }
}

impl Snapshot {
    /// What there is to be said of a request, which is always something. Inlined, for a verdict that is handed on through
    /// memory takes an eighth of a decision.
    #[inline(always)]
    fn answer(&self, request: &AccessRequest<'_>) -> Verdict {
        let permission = self.permissions.find(request.action().as_str());
        let is_plain = request.asserted_roles().is_empty()
            && request.active_roles().is_none()
            && !self.separations.any_dynamic()
            && (self.members.is_empty() || request.resource().tenant().is_none());
        if !is_plain {
            return self.evaluate_carefully(request, permission);
        }
        let Some(permission) = permission else { return Verdict::not_applicable(self.version) };
        let held = self.principals.find(request.principal()).and_then(|at| self.holding(at));
        self.verdict(held.and_then(|held| self.decide_plainly(held, permission)))
    }
}

impl Engine for Snapshot {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        Ok(self.answer(request))
    }

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        Ok(self.explain_request(request, self.answer(request)))
    }
}

impl Authorizer for Snapshot {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        Ok(self.answer(request).decide(request))
    }
}
