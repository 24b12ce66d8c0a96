//! Roles, what they inherit, and what they allow.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use auth_rbac::{
    RoleKey,
    document::{Constraint, ConstraintKind, PolicyDocument, Role},
};

use super::{includes, is_wildcard};

pub(super) fn look(document: &PolicyDocument, found: &mut Vec<String>) {
    let graph = Graph::new(&document.roles);
    let mut said: Vec<Vec<String>> = vec![Vec::new(); document.roles.len()];
    unused(document, &graph, &mut said);
    for constraint in &document.constraints {
        alone_against(constraint, &graph, &mut said);
    }
    inherited(&graph, &mut said);
    found.extend(said.into_iter().flatten());
}

/// Roles by number, in the order of the document.
struct Graph<'d> {
    roles: &'d [Role],
    numbers: HashMap<RoleKey, usize>,
    parents: Vec<Vec<usize>>,
    /// Each after all that it inherits (Kahn, 1962). There are no circles: the policy has been compiled.
    order: Vec<usize>,
}

/// Roles are looked for among this many others at once, a bit each: what is kept grows with the number of roles and not
/// with its square.
const BLOCK: usize = 64;

impl<'d> Graph<'d> {
    fn new(roles: &'d [Role]) -> Self {
        let numbers: HashMap<RoleKey, usize> =
            roles.iter().enumerate().map(|(number, role)| (role.key(), number)).collect();
        let of = |role: &Role| role.inherits.iter().filter_map(|key| numbers.get(key).copied()).collect();
        let parents: Vec<Vec<usize>> = roles.iter().map(of).collect();
        let mut heirs: Vec<Vec<usize>> = vec![Vec::new(); roles.len()];
        for (role, parents) in parents.iter().enumerate() {
            for parent in parents {
                if let Some(heirs) = heirs.get_mut(*parent) {
                    heirs.push(role);
                }
            }
        }
        let mut waiting: Vec<usize> = parents.iter().map(Vec::len).collect();
        let mut order: Vec<usize> = (0..roles.len()).filter(|role| waiting.get(*role) == Some(&0)).collect();
        let mut next = 0_usize;
        while let Some(role) = order.get(next).copied() {
            next = next.saturating_add(1);
            for heir in heirs.get(role).into_iter().flatten() {
                if let Some(count) = waiting.get_mut(*heir) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        order.push(*heir);
                    }
                }
            }
        }
        Self { roles, numbers, parents, order }
    }

    fn parents(&self, role: usize) -> &[usize] {
        self.parents.get(role).map_or(&[], Vec::as_slice)
    }

    /// For each role, the bits of its own and those of all that it inherits.
    fn together(&self, own: &[u64]) -> Vec<u64> {
        let mut all = own.to_vec();
        for role in &self.order {
            let inherited = self.parents(*role).iter().fold(0, |bits, parent| bits | at(&all, *parent));
            if let Some(bits) = all.get_mut(*role) {
                *bits |= inherited;
            }
        }
        all
    }

    /// As [`together`](Self::together), with a bit for each of some roles.
    fn reaching(&self, these: impl IntoIterator<Item = usize>) -> (Vec<u64>, Vec<u64>) {
        let mut own = vec![0; self.roles.len()];
        for (bit, role) in these.into_iter().take(BLOCK).enumerate() {
            if let Some(bits) = own.get_mut(role) {
                *bits |= 1 << bit;
            }
        }
        let all = self.together(&own);
        (own, all)
    }
}

fn at(bits: &[u64], role: usize) -> u64 {
    bits.get(role).copied().unwrap_or(0)
}

fn say(said: &mut [Vec<String>], role: usize, what: String) {
    if let Some(said) = said.get_mut(role) {
        said.push(what);
    }
}

fn unused(document: &PolicyDocument, graph: &Graph<'_>, said: &mut [Vec<String>]) {
    let assigned = document.assignments.iter().flat_map(|assignment| &assignment.roles);
    let mut waiting: Vec<usize> = assigned.filter_map(|key| graph.numbers.get(key).copied()).collect();
    let mut held = vec![false; graph.roles.len()];
    while let Some(role) = waiting.pop() {
        if let Some(held @ false) = held.get_mut(role) {
            *held = true;
            waiting.extend(graph.parents(role));
        }
    }
    for (number, role) in
        graph.roles.iter().enumerate().filter(|(number, _)| held.get(*number) != Some(&true))
    {
        let key = role.key();
        say(said, number, format!("unused: nobody holds role {key}, unless a credential asserts it"));
    }
}

fn alone_against(constraint: &Constraint, graph: &Graph<'_>, said: &mut [Vec<String>]) {
    let separated: BTreeSet<usize> =
        constraint.roles.iter().filter_map(|key| graph.numbers.get(key).copied()).collect();
    let separated: Vec<usize> = separated.into_iter().collect();
    let mut counts = vec![0_usize; graph.roles.len()];
    for these in separated.chunks(BLOCK) {
        let (_, all) = graph.reaching(these.iter().copied());
        for (count, bits) in counts.iter_mut().zip(&all) {
            *count = count.saturating_add(bits.count_ones() as usize);
        }
    }
    let what = if constraint.kind == ConstraintKind::Dynamic { "active" } else { "held" };
    let name = &constraint.name;
    for (number, role) in graph.roles.iter().enumerate() {
        if counts.get(number).is_some_and(|count| *count >= constraint.limit) {
            let key = role.key();
            say(
                said,
                number,
                format!("unreachable: role {key} alone is against {name}, so it is never {what}"),
            );
        }
    }
}

/// One permission, or wildcard, that a role allows.
struct Allow<'d> {
    role: usize,
    text: &'d str,
    /// What role denies it.
    denied_by: Option<usize>,
    /// From what role it is inherited.
    inherited_from: Option<usize>,
    is_twice: bool,
}

/// What roles allow, and which roles a permission of each name is allowed by.
struct Allows<'d> {
    list: Vec<Allow<'d>>,
    of_text: HashMap<&'d str, Vec<usize>>,
    /// Which of these texts each wildcard includes.
    included: HashMap<&'d str, Vec<&'d str>>,
}

/// The roles of a block that deny and allow what includes a permission.
#[derive(Default)]
struct Declared {
    denying: u64,
    allowing: u64,
}

impl<'d> Allows<'d> {
    fn new(roles: &'d [Role]) -> Self {
        let mut list = Vec::new();
        let mut of_text: HashMap<&str, Vec<usize>> = HashMap::new();
        for (role, of) in roles.iter().enumerate() {
            for text in &of.allow {
                of_text.entry(text).or_default().push(list.len());
                list.push(Allow { role, text, denied_by: None, inherited_from: None, is_twice: false });
            }
        }
        let patterns = roles.iter().flat_map(|role| role.allow.iter().chain(&role.deny));
        let wildcards: BTreeSet<&str> =
            patterns.map(String::as_str).filter(|text| is_wildcard(text)).collect();
        let of = |wildcard: &str| of_text.keys().copied().filter(|text| includes(wildcard, text)).collect();
        let included = wildcards.into_iter().map(|wildcard| (wildcard, of(wildcard))).collect();
        Self { list, of_text, included }
    }

    /// What is allowed somewhere and included in a permission or wildcard.
    fn within(&self, pattern: &'d str) -> impl Iterator<Item = &'d str> {
        let itself = (!is_wildcard(pattern)).then_some(pattern);
        itself.into_iter().chain(self.included.get(pattern).into_iter().flatten().copied())
    }

    /// Looks for what one of the roles from `first` on denies or allows.
    fn look(&mut self, graph: &Graph<'d>, first: usize, own: &[u64], all: &[u64]) {
        let mut declared: HashMap<&str, Declared> = HashMap::new();
        for role in (first..graph.roles.len()).take(BLOCK) {
            let Some(of) = graph.roles.get(role) else { continue };
            for text in of.deny.iter().flat_map(|pattern| self.within(pattern)) {
                declared.entry(text).or_default().denying |= at(own, role);
            }
            for text in of.allow.iter().flat_map(|pattern| self.within(pattern)) {
                declared.entry(text).or_default().allowing |= at(own, role);
            }
        }
        let lowest = |bits: u64| (bits != 0).then(|| first.saturating_add(bits.trailing_zeros() as usize));
        for (text, Declared { denying, allowing }) in declared {
            for place in self.of_text.get(text).into_iter().flatten() {
                let Some(allow) = self.list.get_mut(*place) else { continue };
                let (own, all) = (at(own, allow.role), at(all, allow.role));
                if denying & own != 0 {
                    allow.denied_by = Some(allow.role);
                }
                allow.denied_by = allow.denied_by.or(lowest(denying & all));
                allow.inherited_from = allow.inherited_from.or(lowest(allowing & all & !own));
            }
        }
    }

    /// Looks for what one role allows twice.
    fn look_for_repetition(&mut self, roles: &'d [Role]) {
        let mut next = 0_usize;
        for role in roles {
            let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for text in &role.allow {
                places.entry(text).or_default().push(next);
                next = next.saturating_add(1);
            }
            let mut twice: Vec<usize> =
                places.values().flat_map(|places| places.iter().skip(1)).copied().collect();
            for pattern in role.allow.iter().filter(|pattern| is_wildcard(pattern)) {
                let others = self.within(pattern).filter(|text| text != pattern);
                twice.extend(others.filter_map(|text| places.get(text)).flatten());
            }
            for place in twice {
                if let Some(allow) = self.list.get_mut(place) {
                    allow.is_twice = true;
                }
            }
        }
    }
}

/// What roles inherit and would have without.
fn inherited(graph: &Graph<'_>, said: &mut [Vec<String>]) {
    let mut allows = Allows::new(graph.roles);
    allows.look_for_repetition(graph.roles);
    let mut through: Vec<Vec<(usize, usize)>> = vec![Vec::new(); graph.roles.len()];
    for first in (0..graph.roles.len()).step_by(BLOCK) {
        let (own, all) = graph.reaching(first..graph.roles.len());
        allows.look(graph, first, &own, &all);
        for (role, through) in through.iter_mut().enumerate() {
            let parents = graph.parents(role);
            let farther =
                parents.iter().fold(0, |bits, parent| bits | (at(&all, *parent) & !at(&own, *parent)));
            for parent in parents.iter().filter(|parent| at(&own, **parent) & farther != 0) {
                let is_above =
                    |other: &&usize| *other != parent && at(&all, **other) & at(&own, *parent) != 0;
                through.extend(parents.iter().find(is_above).map(|other| (*parent, *other)));
            }
        }
    }
    let key =
        |role: usize| graph.roles.get(role).map(Role::key).map(|key| key.to_string()).unwrap_or_default();
    for (role, through) in through.iter().enumerate() {
        for parent in graph.parents(role) {
            if let Some((_, by)) = through.iter().find(|(redundant, _)| redundant == parent) {
                let (key, parent, by) = (key(role), key(*parent), key(*by));
                say(said, role, format!("redundant: role {key} inherits {parent} through {by} already"));
            }
        }
    }
    for Allow { role, text, denied_by, inherited_from, is_twice } in allows.list {
        let key_of_role = key(role);
        if let Some(by) = denied_by {
            say(
                said,
                role,
                format!("unreachable: role {key_of_role} allows {text}, which role {} denies", key(by)),
            );
        } else if let Some(by) = inherited_from {
            let by = key(by);
            say(
                said,
                role,
                format!("redundant: role {key_of_role} allows {text}, which it inherits from {by}"),
            );
        } else if is_twice {
            say(said, role, format!("redundant: role {key_of_role} allows {text} twice"));
        }
    }
}
