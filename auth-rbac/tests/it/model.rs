//! A policy in the plainest words, to compare with: no numbers, no closure, no sharing.

use std::collections::BTreeSet;

use auth_core::{Effect, PolicyVersion, PrincipalId, PrincipalKind, Realm, RoleName};
use auth_rbac::{PolicyBuilder, RoleKey, Snapshot};
use proptest::prelude::*;

#[derive(Debug, Clone)]
pub(crate) struct Model {
    permissions: usize,
    /// Whose each role is: nobody's in particular (0), or one of the tenants.
    owners: Vec<usize>,
    /// Role, and a role of a smaller number that it inherits.
    inherits: Vec<(usize, usize)>,
    /// Role, permission, and whether it is denied.
    rules: Vec<(usize, usize, bool)>,
    /// Principal, role, and the tenant (0: everywhere).
    assigned: Vec<(usize, usize, usize)>,
    /// Principal, permission, whether it is denied, and the tenant (0: everywhere).
    direct: Vec<(usize, usize, bool, usize)>,
}

/// The tenants, numbered from 1. One is named like a part of the other, and like a realm of principals.
pub(crate) fn tenants() -> [Realm; 2] {
    [Realm::local("b").unwrap(), Realm::local("b/role1").unwrap()]
}

pub(crate) fn tenant(number: usize) -> Option<Realm> {
    number.checked_sub(1).map(|n| tenants()[n].clone())
}

/// Principals that differ in one part only.
pub(crate) fn principals() -> Vec<PrincipalId> {
    let realms = [Realm::LOCAL, Realm::local("b").unwrap(), Realm::issuer("b").unwrap()];
    let kinds = [PrincipalKind::User, PrincipalKind::Service];
    let id = |realm: &Realm, kind, id| PrincipalId::new(realm.clone(), kind, id).unwrap();
    realms
        .iter()
        .flat_map(|realm| {
            kinds.into_iter().flat_map(move |kind| [id(realm, kind, "role1"), id(realm, kind, "2")])
        })
        .collect()
}

pub(crate) fn permission(n: usize) -> String {
    format!("kind{n}.do")
}

pub(crate) fn role(n: usize) -> String {
    format!("role{n}")
}

impl Model {
    /// Without tenants: names are numbers.
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        Self::of(Just(0).boxed())
    }

    /// Roles of tenants as well, which are named like each other and like those of the policy.
    pub(crate) fn with_tenants() -> impl Strategy<Value = Self> {
        Self::of((0..3_usize).boxed())
    }

    fn of(tenant: BoxedStrategy<usize>) -> impl Strategy<Value = Self> {
        // Few permissions make denials meet allows; many of them make every way to keep a set appear.
        let sizes = (prop_oneof![1..6_usize, Just(60), Just(600)], 1..12_usize);
        sizes.prop_flat_map(move |(permissions, roles)| {
            let rule = (0..roles, 0..permissions, prop::bool::weighted(0.25));
            // Dense blocks of rules, so that bit sets appear as well.
            let block = (0..roles, 0..permissions, 1..80_usize);
            let principal = 0..principals().len();
            let direct = (principal.clone(), 0..permissions, prop::bool::weighted(0.25), tenant.clone());
            (
                prop::collection::vec(tenant.clone(), roles),
                prop::collection::vec((0..roles, 0..roles), 0..roles * 2),
                prop::collection::vec(rule, 0..24),
                prop::collection::vec(block, 0..3),
                prop::collection::vec((principal, 0..roles, tenant.clone()), 0..20),
                prop::collection::vec(direct, 0..6),
            )
                .prop_map(move |(owners, edges, mut rules, blocks, mut assigned, direct)| {
                    for (role, from, len) in blocks {
                        rules.extend(
                            (from..permissions).take(len).map(|permission| (role, permission, false)),
                        );
                    }
                    let inherits = edges
                        .into_iter()
                        .filter(|(a, b)| a != b)
                        .map(|(a, b)| (a.max(b), a.min(b)))
                        .filter(|(heir, parent)| [0, owners[*heir]].contains(&owners[*parent]))
                        .collect();
                    // A tenant's own role is held there.
                    for (_, role, place) in &mut assigned {
                        *place = if owners[*role] == 0 { *place } else { owners[*role] };
                    }
                    Self { permissions, owners, inherits, rules, assigned, direct }
                })
        })
    }

    pub(crate) fn roles(&self) -> usize {
        self.owners.len()
    }

    /// The number in a role's name: counted among those of the same owner.
    pub(crate) fn name(&self, n: usize) -> usize {
        self.owners[..n].iter().filter(|owner| **owner == self.owners[n]).count()
    }

    fn key(&self, n: usize) -> RoleKey {
        let name = RoleName::parse(&role(self.name(n))).unwrap();
        RoleKey { tenant: tenant(self.owners[n]), name }
    }

    /// The same policy, compiled. `rotate` shifts every list, so that rows come in another order.
    pub(crate) fn compile(&self, rotate: usize) -> Snapshot {
        self.builder(rotate).build(PolicyVersion::new(1)).unwrap()
    }

    pub(crate) fn builder(&self, rotate: usize) -> PolicyBuilder {
        let mut policy = PolicyBuilder::new();
        for n in rotated(&(0..self.permissions).collect::<Vec<_>>(), rotate) {
            policy.permission(permission(n)).unwrap();
        }
        for n in rotated(&(0..self.owners.len()).collect::<Vec<_>>(), rotate) {
            policy.role(&self.key(n)).unwrap();
        }
        for (heir, parent) in rotated(&self.inherits, rotate) {
            policy.inherit(&self.key(heir), &self.key(parent)).unwrap();
        }
        for (holder, what, denies) in rotated(&self.rules, rotate) {
            let (holder, what) = (self.key(holder), permission(what));
            if denies { policy.deny(&holder, what) } else { policy.allow(&holder, what) }.unwrap();
        }
        for (who, what, place) in rotated(&self.assigned, rotate) {
            let (who, what) = (&principals()[who], self.key(what));
            match tenant(place) {
                Some(tenant) => policy.assign_in(&tenant, who, &what),
                None => policy.assign(who, &what),
            }
            .unwrap();
        }
        for (who, what, denies, place) in rotated(&self.direct, rotate) {
            let (who, what) = (&principals()[who], permission(what));
            match (tenant(place), denies) {
                (None, false) => policy.allow_principal(who, what),
                (None, true) => policy.deny_principal(who, what),
                (Some(tenant), false) => policy.allow_principal_in(&tenant, who, what),
                (Some(tenant), true) => policy.deny_principal_in(&tenant, who, what),
            }
            .unwrap();
        }
        policy
    }

    /// Everywhere, and in a tenant.
    pub(crate) fn roles_in(&self, principal: usize, place: usize) -> BTreeSet<usize> {
        let there = |who: usize, at: usize| who == principal && (at == 0 || at == place);
        self.assigned.iter().filter(|(who, _, at)| there(*who, *at)).map(|(_, role, _)| *role).collect()
    }

    pub(crate) fn roles_of(&self, principal: usize) -> BTreeSet<usize> {
        self.roles_in(principal, 0)
    }

    pub(crate) fn keys(&self, roles: &BTreeSet<usize>) -> Vec<RoleKey> {
        let mut keys: Vec<_> = roles.iter().map(|role| self.key(*role)).collect();
        keys.sort();
        keys
    }

    pub(crate) fn check(
        &self,
        principal: usize,
        permission: usize,
        active: Option<&BTreeSet<usize>>,
    ) -> Effect {
        self.check_in(principal, 0, permission, active)
    }

    /// A denial of any assigned role, or of one that it inherits, or a direct one; else an allow of any active
    /// one, which is assigned or inherited, or a direct one. `active` holds the numbers in names.
    pub(crate) fn check_in(
        &self,
        principal: usize,
        place: usize,
        permission: usize,
        active: Option<&BTreeSet<usize>>,
    ) -> Effect {
        let assigned = self.roles_in(principal, place);
        let says = |role: usize, denies: bool| {
            self.with_inherited(role).into_iter().any(|role| self.rules.contains(&(role, permission, denies)))
        };
        let directly = |denies: bool| {
            [0, place].iter().any(|place| self.direct.contains(&(principal, permission, denies, *place)))
        };
        // A role that is itself denied something does not give it, and is assigned: the first line sees it.
        if directly(true) || assigned.iter().any(|role| says(*role, true)) {
            Effect::Deny
        } else if directly(false)
            || assigned.iter().flat_map(|role| self.with_inherited(*role)).any(|role| {
                active.is_none_or(|active| active.contains(&self.name(role))) && says(role, false)
            })
        {
            Effect::Permit
        } else {
            Effect::NotApplicable
        }
    }

    pub(crate) fn with_inherited(&self, role: usize) -> BTreeSet<usize> {
        let mut all = BTreeSet::from([role]);
        loop {
            let more: Vec<_> =
                self.inherits.iter().filter(|(heir, _)| all.contains(heir)).map(|(_, p)| *p).collect();
            let before = all.len();
            all.extend(more);
            if all.len() == before {
                return all;
            }
        }
    }

    /// Permissions worth asking for: the first ones, and all that rules name.
    pub(crate) fn interesting(&self) -> BTreeSet<usize> {
        let direct = self.direct.iter().map(|(_, permission, ..)| *permission);
        (0..self.permissions.min(4)).chain(self.rules.iter().map(|rule| rule.1)).chain(direct).collect()
    }

    /// Whether a role has this very rule.
    pub(crate) fn has_rule(&self, role: usize, permission: usize, denies: bool) -> bool {
        self.rules.contains(&(role, permission, denies))
    }

    /// Whether a principal has this very rule, everywhere.
    pub(crate) fn has_direct(&self, principal: usize, permission: usize, denies: bool) -> bool {
        self.direct.contains(&(principal, permission, denies, 0))
    }

    pub(crate) fn inherits(&self, heir: usize, parent: usize) -> bool {
        self.inherits.contains(&(heir, parent))
    }
}

fn rotated<T: Clone>(list: &[T], by: usize) -> Vec<T> {
    let mut list = list.to_vec();
    let by = if list.is_empty() { 0 } else { by % list.len() };
    list.rotate_left(by);
    list
}
