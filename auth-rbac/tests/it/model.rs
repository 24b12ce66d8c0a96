//! A policy in the plainest words, to compare with: no numbers, no closure, no sharing.

use std::collections::BTreeSet;

use auth_core::{Effect, PolicyVersion, PrincipalId, PrincipalKind, Realm};
use auth_rbac::{PolicyBuilder, Snapshot};
use proptest::prelude::*;

#[derive(Debug, Clone)]
pub(crate) struct Model {
    permissions: usize,
    roles: usize,
    /// Role, and a role of a smaller number that it inherits.
    inherits: Vec<(usize, usize)>,
    /// Role, permission, and whether it is denied.
    rules: Vec<(usize, usize, bool)>,
    /// Principal and role.
    assigned: Vec<(usize, usize)>,
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
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        // Few permissions make denials meet allows; many of them make every way to keep a set appear.
        (prop_oneof![1..6_usize, Just(60), Just(600)], 1..12_usize).prop_flat_map(|(permissions, roles)| {
            let rule = (0..roles, 0..permissions, prop::bool::weighted(0.25));
            // Dense blocks of rules, so that bit sets appear as well.
            let block = (0..roles, 0..permissions, 1..80_usize);
            (
                prop::collection::vec((0..roles, 0..roles), 0..roles * 2),
                prop::collection::vec(rule, 0..24),
                prop::collection::vec(block, 0..3),
                prop::collection::vec((0..principals().len(), 0..roles), 0..20),
            )
                .prop_map(move |(edges, mut rules, blocks, assigned)| {
                    for (role, from, len) in blocks {
                        rules.extend(
                            (from..permissions).take(len).map(|permission| (role, permission, false)),
                        );
                    }
                    let inherits = edges
                        .into_iter()
                        .filter(|(a, b)| a != b)
                        .map(|(a, b)| (a.max(b), a.min(b)))
                        .collect();
                    Self { permissions, roles, inherits, rules, assigned }
                })
        })
    }

    /// The same policy, compiled. `rotate` shifts every list, so that rows come in another order.
    pub(crate) fn compile(&self, rotate: usize) -> Snapshot {
        let mut policy = PolicyBuilder::new();
        for n in rotated(&(0..self.permissions).collect::<Vec<_>>(), rotate) {
            policy.permission(permission(n)).unwrap();
        }
        for n in rotated(&(0..self.roles).collect::<Vec<_>>(), rotate) {
            policy.role(role(n)).unwrap();
        }
        for (heir, parent) in rotated(&self.inherits, rotate) {
            policy.inherit(role(heir), role(parent)).unwrap();
        }
        for (holder, what, denies) in rotated(&self.rules, rotate) {
            let (holder, what) = (role(holder), permission(what));
            if denies { policy.deny(holder, what) } else { policy.allow(holder, what) }.unwrap();
        }
        for (who, what) in rotated(&self.assigned, rotate) {
            policy.assign(&principals()[who], role(what)).unwrap();
        }
        policy.build(PolicyVersion::new(1)).unwrap()
    }

    pub(crate) fn roles_of(&self, principal: usize) -> BTreeSet<usize> {
        self.assigned.iter().filter(|(who, _)| *who == principal).map(|(_, role)| *role).collect()
    }

    /// A denial of any assigned role, or of one that it inherits; else an allow of any active one.
    pub(crate) fn check(
        &self,
        principal: usize,
        permission: usize,
        active: Option<&BTreeSet<usize>>,
    ) -> Effect {
        let assigned = self.roles_of(principal);
        let says = |role: usize, denies: bool| {
            self.with_inherited(role).into_iter().any(|role| self.rules.contains(&(role, permission, denies)))
        };
        // A role that is itself denied something does not give it, and is assigned: the first line sees it.
        if assigned.iter().any(|role| says(*role, true)) {
            Effect::Deny
        } else if assigned
            .iter()
            .any(|role| active.is_none_or(|active| active.contains(role)) && says(*role, false))
        {
            Effect::Permit
        } else {
            Effect::NotApplicable
        }
    }

    fn with_inherited(&self, role: usize) -> BTreeSet<usize> {
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
        (0..self.permissions.min(4)).chain(self.rules.iter().map(|(_, permission, _)| *permission)).collect()
    }

    /// Whether a role has this very rule.
    pub(crate) fn has_rule(&self, role: usize, permission: usize, denies: bool) -> bool {
        self.rules.contains(&(role, permission, denies))
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
